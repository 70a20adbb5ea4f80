# SPDX-License-Identifier: Apache-2.0
"""A method file that crosses boundaries wrongly is refused while it is applied, and a right one is not."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Final

import pytest

from lichen.errors import FactorNotFound, MethodError
from lichen.model import registry
from lichen.model.activities import group, parse_activity
from lichen.model.boundaries import check_factor, check_result, result_unit
from lichen.model.evaluate import Evaluation, evaluate
from lichen.model.method_reader import read_method
from lichen.nomenclature import load
from lichen.records import Factor
from lichen.units import Tag

NOMENCLATURE: Final = load()

HEAD: Final = """
id = "planted"
version = "1"
title = "Planted"
sources = ["test"]
licence = "Apache-2.0"
validity = "test"
[[rule]]
id = "cpu"
indicator = "energy"
quantities = ["cpu_time"]
[[rule.step]]
formula = "energy.from_cpu_time/1"
bind = { cpu_time_s = "quantity:cpu_time", energy_j_per_cpu_s = "factor:test.cpu" }
"""
PUE: Final = """
[[rule.step]]
formula = "facility.energy/1"
bind = { energy_it_kwh = "result", pue = "factor:test.pue" }
"""
GRID: Final = """
[[derive]]
indicator = "gwp100"
formula = "electricity.use/1"
bind = { energy_delivered_kwh = "result", grid_x_per_kwh = "factor:test.grid" }
"""
SITE_WATER: Final = """
[[derive]]
indicator = "water"
formula = "facility.site_water/1"
bind = { energy_it_kwh = "result", wue_l_per_kwh = "factor:test.wue" }
"""


def _factor(factor_id: str, value: float, unit: str, boundary: str) -> Factor:
    return Factor(
        factor_id=factor_id,
        value=value,
        low=value,
        high=value,
        unit=unit,
        boundary=boundary,
        geography="WORLD",
        valid_from=date(2024, 1, 1),
        valid_to=None,
        source="test",
        source_title="test",
        licence="test",
        distribution="fixed",
    )


FACTORS: Final = {
    "test.cpu": ("J/s", 3.6e6),
    "test.pue": ("1", 1.5),
    "test.grid": ("gCO2e/kWh", 100.0),
    "test.wue": ("L/kWh", 2.0),
}


def _apply(tmp_path: Path, text: str, **boundaries: str) -> Evaluation:
    """Applies a method to one CPU second that costs one kWh; ``cpu``, ``pue``, ``grid`` and ``wue`` name factors' boundaries."""
    at = {"cpu": "it", "pue": "facility", "grid": "none", "wue": "it"} | boundaries

    def lookup(factor_id: str, geography: str | None, on: date | None) -> Factor:
        if factor_id not in FACTORS:
            raise FactorNotFound(f"There is no factor {factor_id}.")
        unit, value = FACTORS[factor_id]
        return _factor(factor_id, value, unit, at[factor_id.removeprefix("test.")])

    path = tmp_path / "planted.toml"
    path.write_text(text, encoding="utf-8")
    row = {"entity": "shop/api", "quantity": "cpu_time", "value": 1.0, "tier": "server"}
    return evaluate(
        read_method(path, NOMENCLATURE),
        group([parse_activity(row, 0, NOMENCLATURE)], NOMENCLATURE),
        lookup=lookup,
        factors_hash="0",
        context={},
        nomenclature=NOMENCLATURE,
    )


def test_it_energy_through_one_pue_onto_the_grid(tmp_path: Path) -> None:
    evaluation = _apply(tmp_path, HEAD + PUE + GRID)
    values = {impact.indicator: impact.value for impact in evaluation.impacts}
    assert values == {"energy": pytest.approx(1.5), "gwp100": pytest.approx(150.0)}
    assert evaluation.not_covered == ()


def test_device_energy_goes_straight_onto_the_grid(tmp_path: Path) -> None:
    values = {i.indicator: i.value for i in _apply(tmp_path, HEAD + GRID, cpu="device").impacts}
    assert values == {"energy": pytest.approx(1.0), "gwp100": pytest.approx(100.0)}


def test_a_pue_applied_twice_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MethodError, match=r"planted gives facility\.energy/1 energy of boundary 'facility'"):
        _apply(tmp_path, HEAD + PUE + PUE + GRID)


def test_it_energy_on_a_grid_factor_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MethodError, match=r"electricity\.use/1 energy of boundary 'it'") as caught:
        _apply(tmp_path, HEAD + GRID)
    assert "Turn IT energy into facility energy" in caught.value.repair


def test_facility_energy_taken_as_it_energy_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MethodError, match=r"facility\.site_water/1 energy of boundary 'facility'"):
        _apply(tmp_path, HEAD + PUE + SITE_WATER)


def test_a_pue_on_a_device_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MethodError, match=r"facility\.energy/1 energy of boundary 'device'"):
        _apply(tmp_path, HEAD + PUE, cpu="device")


def test_a_factor_of_the_wrong_boundary_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MethodError, match=r"test\.pue of boundary 'device'"):
        _apply(tmp_path, HEAD + PUE, pue="device")


def test_a_power_without_a_boundary_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MethodError, match=r"test\.cpu of boundary 'none'"):
        _apply(tmp_path, HEAD + GRID, cpu="none")


def test_a_grid_factor_per_it_energy_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MethodError, match=r"test\.grid of boundary 'it'"):
        _apply(tmp_path, HEAD + PUE + GRID, grid="it")


def test_kilowatt_hours_called_grams_are_refused(tmp_path: Path) -> None:
    with pytest.raises(MethodError, match=r"planted gives gwp100 in \[kWh\], and it is in \[gCO2e\]"):
        _apply(tmp_path, HEAD.replace('"energy"', '"gwp100"'))


def test_grams_called_litres_are_refused(tmp_path: Path) -> None:
    with pytest.raises(MethodError, match=r"planted gives water in \[gCO2e\], and it is in \[L\]"):
        _apply(tmp_path, HEAD + PUE + GRID.replace('"gwp100"', '"water"'))


def test_a_quantity_of_another_unit_is_refused() -> None:
    formula = registry.get("energy.from_cpu_time/1")
    assert result_unit(formula, {"cpu_time_s": "s"}, "planted", NOMENCLATURE) == "kWh"
    with pytest.raises(
        MethodError, match=r"cpu_time_s of energy\.from_cpu_time/1 a value in \[B\] where \[s\] is taken"
    ):
        result_unit(formula, {"cpu_time_s": "B"}, "planted", NOMENCLATURE)


def test_a_result_of_another_unit_is_refused(tmp_path: Path) -> None:
    again = """
[[rule.step]]
formula = "energy.from_cpu_time/1"
bind = { cpu_time_s = "result", energy_j_per_cpu_s = "factor:test.cpu" }
"""
    with pytest.raises(MethodError, match=r"a value in \[kWh\] where \[s\] is taken"):
        _apply(tmp_path, HEAD + again)


def test_two_indicators_in_one_formula_are_refused() -> None:
    formula = registry.get("embodied.by_time/1")
    units = {"duration_s": "s", "embodied_x": "gCO2e", "lifetime_use_h": "h"}
    assert result_unit(formula, units, "planted", NOMENCLATURE) == "gCO2e"
    assert result_unit(formula, {"duration_s": "s"}, "planted", NOMENCLATURE) == "X"
    parts = {"motherboard_x": "gSbe", "assembly_x": "gSbe", "psu_x_per_kg": "gCO2e/kg"}
    with pytest.raises(MethodError, match=r"psu_x_per_kg .* in \[gCO2e/kg\] where \[gSbe/kg\] is taken"):
        result_unit(registry.get("boavizta.chassis/1"), parts, "planted", NOMENCLATURE)


def test_as_many_letters_as_the_bounds_part(tmp_path: Path) -> None:
    grade = """
[[grade]]
indicator = "energy"
letters = ["A", "B"]
bounds = "factor:test.cpu"
"""
    with pytest.raises(MethodError, match=r"planted has 2 letters for energy, and test\.cpu has 0 bounds"):
        _apply(tmp_path, HEAD + grade)


@pytest.mark.parametrize("unit", ["kW", "J", "gCO2e/kWh", ""])
def test_a_factor_of_another_unit_is_refused(unit: str) -> None:
    with pytest.raises(MethodError, match="where a formula takes"):
        check_factor(_factor("test.cpu", 1.0, unit, "it"), Tag("J/s", "b"), "planted", NOMENCLATURE)


def test_a_generic_indicator_takes_every_indicator_and_nothing_else() -> None:
    tag = Tag("X/kWh", "1/delivered")
    for unit in ("gCO2e/kWh", "gSbe/kWh", "MJ/kWh", "L/kWh"):
        assert check_factor(_factor("test.grid", 1.0, unit, "none"), tag, "planted", NOMENCLATURE) == ""
    for unit in ("EUR/kWh", "gCO2e", "gCO2e/MWh"):
        with pytest.raises(MethodError):
            check_factor(_factor("test.grid", 1.0, unit, "none"), tag, "planted", NOMENCLATURE)


@pytest.mark.parametrize(
    ("boundary", "wanted", "fits"),
    [
        ("it", "it", True),
        ("facility", "it", False),
        ("device", "it", False),
        ("device", "delivered", True),
        ("network", "delivered", True),
        ("facility", "delivered", True),
        ("it", "delivered", False),
        ("", "delivered", False),
        ("it", "b", True),
        ("", "b", False),
    ],
)
def test_what_energy_fits_where(boundary: str, wanted: str, fits: bool) -> None:
    if fits:
        check_result(boundary, Tag("kWh", wanted), "f/1", "planted")
    else:
        with pytest.raises(MethodError):
            check_result(boundary, Tag("kWh", wanted), "f/1", "planted")
