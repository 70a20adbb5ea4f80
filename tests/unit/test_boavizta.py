# SPDX-License-Identifier: Apache-2.0
"""Formulas of boavizta-2.5 by hand, and what the method does over time, load and places."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lichen.config import Settings
from lichen.factors.tables import build_boavizta
from lichen.model import boavizta, boavizta_parts
from lichen.model.results import Evaluation
from lichen.service.evaluation import evaluate_activities, parse_document
from lichen.service.workspace import Workspace

WORKSPACE: Final = Workspace(Settings())
M5: Final = "aws:m5.xlarge"
LIFE_H: Final = 52560.0


def evaluation(**attributes: Any) -> Evaluation:
    row = {"entity": "machine", "quantity": "instance_time", "value": 1.0, "unit": "h", "platform": M5, **attributes}
    rows, context = parse_document(WORKSPACE, {"activities": [row]})
    return evaluate_activities(WORKSPACE, WORKSPACE.method("boavizta-2.5"), rows, context, on=None)


def figures(**attributes: Any) -> dict[tuple[str, str, str], float]:
    """(rule, indicator, phase) -> value."""
    found = evaluation(**attributes)
    return {(i.rule, i.indicator, i.phase): i.value for i in found.impacts if i.value is not None}


def total(indicator: str, phase: str, **attributes: Any) -> float:
    return sum(value for (_, i, p), value in figures(**attributes).items() if (i, p) == (indicator, phase))


@pytest.mark.parametrize(
    ("value", "kept", "expected"),
    [(180.123456, 4, 180.12), (4.046, 4, 4.046), (3.86036, 4, 3.8604), (99.9996, 2, 100.0), (1.0, 4, 1.0)],
)
def test_a_power_keeps_its_first_figures(value: float, kept: float, expected: float) -> None:
    assert float(boavizta.significant(value, kept)) == pytest.approx(expected, rel=1e-12)


def test_a_processor_draws_its_curve() -> None:
    # 2 of them at half load: 50 ln(4 (0.5 + 0.25)) + 10 = 50 x 1.0986123 + 10 = 64.930614, rounded to 64.931
    power_w = boavizta.processor_power_w(2.0, 0.5, 50.0, 4.0, 0.25, 10.0, 1.0, 4.0)
    assert float(power_w) == pytest.approx(2 * 64.931, rel=1e-12)


def test_a_curve_below_a_watt_gives_a_watt() -> None:
    assert float(boavizta.processor_power_w(3.0, 0.0, 50.0, 4.0, 0.25, -20.0, 1.0, 4.0)) == 3.0


def test_two_modules_of_memory_at_no_load_and_at_full_load() -> None:
    # a module of 32 GB: 3 + 0.055 x 32 = 4.76 W at full load, 70 % of it at none
    idle_w, full_w = (boavizta.memory_power_w(64.0, 32.0, load, 3.0, 0.055, 0.7, 1.0, 4.0) for load in (0.0, 1.0))
    assert (float(idle_w), float(full_w)) == pytest.approx((2 * 3.332, 2 * 4.76), rel=1e-12)


def test_a_life_is_used_up_once() -> None:
    shares = [float(boavizta.life_share(hours * 3600.0, 1000.0)) for hours in (0.0, 250.0, 1000.0, 4000.0)]
    assert shares == [0.0, 0.25, 1.0, 1.0]


def test_the_published_example_of_a_server_by_its_parts() -> None:
    # two processors of 615 mm2: 2 x (615 x 0.0197 + 9.14) kg; twelve modules of 32 GB; one chassis with 2 x 2.99 kg of supplies
    assert boavizta_parts.processors_x(2.0, 615.0, 0.0197, 9.14) == pytest.approx(42.511)
    assert boavizta_parts.chips_x(12.0, 32.0, 1.25, 2.2, 5.22) == pytest.approx(12 * (25.6 * 2.2 + 5.22))
    assert boavizta_parts.chassis_x(1.0, 66.1, 6.68, 150.0, 2.0, 2.99, 24.3) == pytest.approx(222.78 + 5.98 * 24.3)


def test_an_instance_by_hand() -> None:
    """m5.xlarge in France, one hour at half load: 4 of 96 threads, 16 of 384 GB; two processors of 240 W that draw 180 W then."""
    found = figures(zone="FR", utilisation=0.5)
    processors_kwh = 180.0 * 4 / 48 * 1.33 / 1000
    memory_kwh = 4.76 * 0.85 * 16 / 32 * 1.33 / 1000
    assert found["processors", "energy", "use"] == pytest.approx(
        processors_kwh, rel=3e-3
    )  # a fit: 0.24 % below the point
    assert found["memory", "energy", "use"] == pytest.approx(memory_kwh, rel=1e-12)
    assert found["memory", "gwp100", "use"] == pytest.approx(memory_kwh * 98.0, rel=1e-12)
    share = 1 / LIFE_H
    density = 13.688 / 11
    by_part = {
        "processors": (615 * 19.7 + 9140) * 4 / 48,
        "memory": (32 / density * 2200 + 5220) * 16 / 32,
        "chassis": (66100 + 6680 + 150000 + 2 * 2.99 * 24300) * 4 / 96,
    }
    for part, made_g in by_part.items():
        assert found[f"{part}.embodied.gwp100", "gwp100", "embodied"] == pytest.approx(made_g * share, rel=1e-12)


def test_a_laptop_by_hand() -> None:
    found = figures(platform="terminal:laptop-pro", zone="FR", value=730)
    assert found["terminal", "energy", "use"] == pytest.approx(730 * 0.3 * 75 / 1000, rel=1e-12)
    assert found["terminal", "gwp100", "use"] == pytest.approx(1609.65, rel=1e-12)
    assert found["terminal.embodied.gwp100", "gwp100", "embodied"] == pytest.approx(181000 * 730 / 35040, rel=1e-12)
    assert found["terminal.embodied.adpe", "adpe", "embodied"] == pytest.approx(8.6 * 730 / 35040, rel=1e-12)


def test_a_graphics_processor_is_made_but_draws_nothing() -> None:
    whole, none = (figures(platform=key, zone="FR") for key in ("aws:g4dn.xlarge", "aws:m5.xlarge"))
    assert sum(value for (rule, i, _), value in whole.items() if rule.startswith("gpu.") and i == "gwp100") > 0
    assert not [rule for rule, _, _ in none if rule.startswith("gpu.")]
    assert not [rule for rule, indicator, _ in whole if rule.startswith("gpu.") and indicator == "energy"]


def test_the_load_is_a_half_where_nobody_says_it() -> None:
    for indicator in ("energy", "gwp100", "adpe", "pe"):
        assert total(indicator, "use") == total(indicator, "use", utilisation=0.5)
    assert "boavizta.utilisation" in {f.factor_id for i in evaluation().impacts for f in i.factors}
    assert total("energy", "use", utilisation=0.0) < total("energy", "use") < total("energy", "use", utilisation=1.0)


def test_a_place_without_figures_has_those_of_europe_and_says_so() -> None:
    assert figures(zone="AQ") == figures()
    fallen = [f for i in evaluation(zone="AQ").impacts for f in i.factors if f.factor_id.startswith("boavizta.grid")]
    assert fallen
    assert all(factor.geography == "WORLD" and factor.fallback for factor in fallen)


@given(hours=st.floats(min_value=1e-3, max_value=LIFE_H), times=st.floats(min_value=0.0, max_value=1.0))
def test_every_figure_goes_with_time_until_the_end_of_life(hours: float, times: float) -> None:
    whole, part = figures(value=hours), figures(value=hours * times)
    assert whole.keys() == part.keys()
    for key, value in whole.items():
        assert math.isclose(part[key], value * times, rel_tol=1e-9, abs_tol=1e-12), key


def test_after_the_end_of_life_only_use_goes_on() -> None:
    once, twice = figures(value=LIFE_H), figures(value=2 * LIFE_H)
    for (rule, indicator, phase), value in once.items():
        assert twice[rule, indicator, phase] == pytest.approx(value * (2 if phase == "use" else 1), rel=1e-12)


def test_no_time_costs_nothing() -> None:
    assert set(figures(value=0).values()) == {0.0}


@pytest.mark.parametrize(
    ("platform", "words"),
    [
        ("aws:m5.xlage", "did you mean 'aws:m5.xlarge'"),
        ("server:a2-highgpu", "memory_gib"),
        ("terminal:smartwatch-default", "power_w"),
        (None, "'platform' is missing"),
    ],
)
def test_what_is_not_known_of_a_machine_is_named(platform: str | None, words: str) -> None:
    reasons = [str(row.reason) for row in evaluation(platform=platform).not_covered]
    assert any(words in reason for reason in reasons), reasons


def test_electricity_has_a_row_for_each_published_country_and_europe_for_the_world() -> None:
    store = WORKSPACE.factors
    climate, energy = (set(store.places(f"boavizta.grid.{indicator}")) for indicator in ("gwp100", "pe"))
    assert len(climate) == 135 + 1 + 2 + 3  # countries, the world, Serbia and Montenegro, the Netherlands Antilles
    assert climate - energy == {"HK", "GI", "CW", "SX", "BQ"}
    assert [store.lookup("boavizta.grid.gwp100", place).value for place in ("FR", "US", "RS", "ME", None)] == [
        98.0, 370.0, 900.0, 900.0, 380.0,
    ]  # fmt: skip


def test_the_table_of_factors_is_made_from_the_archives_file(tmp_path: Path) -> None:
    """Kilograms become grams, an area that is no country any more its successors, Europe the world."""
    chip = {"gwp": {"die_impact": 0.0197, "impact": 9.14}, "adp": {"die_impact": 1e-9, "impact": 2e-2}}
    part = {**chip, "pe": {"die_impact": 0.265, "impact": 156.0}}
    source = {"source": "https://base-empreinte.ademe.fr/", "impact": "175"}
    device = {"gwp": {**source, "pro": source, "perso": source}, "adpe": {**source, "pro": source, "perso": source}}
    headset = {c: {"oled": source, "lcd": source} for c in ("gwp", "adpe")}
    grid = {
        c: {"value": 0.5, "reference_year": "2020", "source": "ADEME Base IMPACTS ®"} for c in ("gwp", "adpe", "pe")
    }
    one = {c: {"impact": 1e-3} for c in ("gwp", "adp", "pe")}
    factors = {
        **dict.fromkeys(("cpu", "ram", "ssd", "hdd", "motherboard", "assembly", "power_supply"), part),
        **dict.fromkeys((path[0] for path in build_boavizta.TERMINALS.values()), device),
        "VR_HEADSET": headset,
        "case": {c: {"rack": {"impact": 1.0}} for c in ("gwp", "adp", "pe")},
        "gpu": {
            **{
                name: {"manufacture": one}
                for name in ("casing", "heatsink", "pwb", "gpu", "vram", "upstream_transport")
            },
            **{name: {"distribution": one} for name in ("transport_boat", "transport_truck")},
            "end_of_life": {"eol": one},
        },
        "electricity": {"min-max": {}, "available_countries": {}, "WOR": grid, "EEE": grid, "FRA": grid, "SCG": grid},
    }
    rows = {(row["id"], row.get("geography", "")): row for row in build_boavizta.rows(factors)}
    assert rows["boavizta.cpu_die.gwp100", ""]["value"] == "19.7"
    assert rows["boavizta.cpu_die.gwp100", ""]["unit"] == "gCO2e/mm2"
    assert rows["boavizta.gpu_transport.pe", ""]["value"] == "20.0"
    assert rows["boavizta.terminal.laptop_pro.adpe", ""]["value"] == "175000.0"
    assert {place for name, place in rows if name == "boavizta.grid.pe"} == {"WORLD", "FR", "RS", "ME"}
    assert rows["boavizta.grid.adpe", "FR"]["value"] == "500.0"
    for name in ("one", "two"):
        build_boavizta.write(tmp_path / name, iter(rows.values()))
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()
