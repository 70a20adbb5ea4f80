# SPDX-License-Identifier: Apache-2.0
"""Software Carbon Intensity: by hand, from a run, per unit of work; and every way in which a unit can be no unit."""

from __future__ import annotations

import io
import json
import math
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from tests.fixtures import run as fixture
from tests.fixtures.mutations import mutated

import lichen
from lichen import nomenclature
from lichen.cli.app import root
from lichen.config import load_settings
from lichen.errors import StorageError, UsageError
from lichen.ledger import runfile
from lichen.ledger.runfile import RunFile
from lichen.model.registry import get
from lichen.model.sci import sci_gco2e_per_unit
from lichen.render.numbers import Numbers
from lichen.service.evaluation import as_of, evaluate_activities, parse_document
from lichen.service.explain import explain
from lichen.service.record import run_content
from lichen.service.sci import FORMULA, sci_of
from lichen.service.summary import summarise
from lichen.service.workspace import Workspace

amounts = st.floats(min_value=0, max_value=1e6)
NO_UNITS = (0.0, -1.0, math.nan, math.inf)


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(load_settings(None, overrides={"output.runs": str(tmp_path)}, env={}))


def stored(folder: Path, units: float | None = None) -> RunFile:
    """A run of one journey, or of a command that does so many units."""
    content = run_content(
        fixture.FACTS, "2026-03-01T10:00:00.000Z", "2026-03-01T10:02:00.000Z", [fixture.measured("apply")],
        nomenclature.load(),
    )  # fmt: skip
    if units is not None:
        content["journeys"][0] |= {"units": units, "kind": "command", "functional_unit": "image"}
    return runfile.read(runfile.write(folder, content).path)


def test_by_hand() -> None:
    """0.4 kWh at 250 g/kWh and 20 g of embodied carbon, for 60 transactions: 120 g / 60."""
    assert sci_gco2e_per_unit(0.4, 250.0, 20.0, 60.0) == pytest.approx(2.0)


@given(amounts, amounts, amounts, st.floats(min_value=1e-3, max_value=1e6))
def test_it_falls_with_the_units_and_keeps_what_is_embodied(
    energy: float, grid: float, embodied: float, units: float
) -> None:
    assert sci_gco2e_per_unit(0.0, grid, embodied, units) == embodied / units
    one, two = (sci_gco2e_per_unit(energy, grid, embodied, units * n) for n in (1, 2))
    assert two == pytest.approx(one / 2)


def test_it_is_the_location_based_climate_figure_per_functional_unit(workspace: Workspace, tmp_path: Path) -> None:
    run = stored(tmp_path)
    journey = summarise(workspace, run).journeys[0]
    climate, energy, found = journey.figures.indicators["gwp100"], journey.figures.indicators["energy"], journey.sci
    assert found is not None
    assert found.value == pytest.approx(climate.value, rel=1e-12)
    assert (found.low, found.high) == pytest.approx((climate.low, climate.high), rel=1e-12)
    assert found.energy_kwh == pytest.approx(energy.use, rel=1e-12)
    assert found.embodied_gco2e == pytest.approx(climate.embodied, rel=1e-12)
    assert found.grid_gco2e_per_kwh is not None
    assert found.energy_kwh * found.grid_gco2e_per_kwh == pytest.approx(climate.use, rel=1e-12)
    assert (found.units, found.functional_unit) == (1.0, "visit")


def test_a_command_of_many_units_has_the_score_of_one(workspace: Workspace, tmp_path: Path) -> None:
    one = summarise(workspace, stored(tmp_path)).journeys[0].sci
    many = summarise(workspace, stored(tmp_path, units=50.0)).journeys[0].sci
    assert one is not None
    assert many is not None
    assert many.value == pytest.approx(one.value, rel=1e-12)
    assert many.energy_kwh == pytest.approx(50 * one.energy_kwh, rel=1e-12)
    assert (many.units, many.functional_unit) == (50.0, "image")


def test_explain_opens_each_letter_and_the_impacts_behind_it(workspace: Workspace, tmp_path: Path) -> None:
    stored(tmp_path, units=50.0)
    figure = explain(workspace, "apply#SCI")["figure"]
    (only,) = figure["steps"]
    said = {argument["name"]: argument["value"] for argument in only["arguments"]}
    assert only["formula"] == FORMULA
    assert get(FORMULA).function(**said) == pytest.approx(figure["value"], rel=1e-12)
    assert said["functional_units"] == 50.0
    assert math.fsum(term["value"] for term in figure["terms"]) == pytest.approx(figure["value"], rel=1e-9)
    part = explain(workspace, "apply/open/browser#sci")["figure"]
    assert 0 < part["value"] < figure["value"]


def test_a_method_without_energy_has_no_score_and_says_why(workspace: Workspace, tmp_path: Path) -> None:
    run = stored(tmp_path)
    rows, context = parse_document(workspace, run.content)
    method = workspace.method("lichen-1")
    evaluation = evaluate_activities(workspace, method, rows, context, on=as_of(run.content))
    assert sci_of(evaluation, lambda _: False, functional_unit="visit") is None
    with pytest.raises(UsageError, match="gives no SCI"):
        explain(workspace, "apply#sci", method_id="ecoindex")


def test_terminal_and_report_show_it_in_both_languages(workspace: Workspace, tmp_path: Path) -> None:
    from rich.console import Console

    from lichen.outputs.report import HtmlReport
    from lichen.render.terminal import print_result

    result = summarise(workspace, stored(tmp_path))
    for lang, per in (("en", "per visit"), ("fr", "par visite")):
        console = Console(width=120, record=True, file=io.StringIO())
        print_result(result, console, lang)
        assert f" {per} (" in next(line for line in console.export_text().splitlines() if line.startswith("SCI"))
        page = HtmlReport().render(result, lang=lang).decode()
        assert "ISO/IEC 21031" in page
        assert "<b>SCI</b> " in page


class TestNoUnit:
    """A rate per nothing is no number: refused, never answered with the total."""

    @pytest.mark.parametrize("units", NO_UNITS)
    def test_in_the_use_case(self, workspace: Workspace, tmp_path: Path, units: float) -> None:
        rows, context = parse_document(workspace, stored(tmp_path).content)
        evaluation = evaluate_activities(workspace, workspace.method("lichen-1"), rows, context, on=None)
        with pytest.raises(UsageError, match="per functional unit"):
            sci_of(evaluation, lambda _: True, units=units, functional_unit="visit")

    @pytest.mark.parametrize("units", NO_UNITS)
    def test_on_the_command_line(self, units: float) -> None:
        answer = CliRunner().invoke(root, ["run", "--unit", str(units), "--", "true"], prog_name="lichen")
        assert answer.exit_code == 2
        assert "--unit is" in answer.stderr

    @pytest.mark.parametrize("units", [*NO_UNITS, 1e-12, 1e300, True, "5", None])
    def test_in_a_run_file(self, tmp_path: Path, units: Any) -> None:
        content = json.loads(json.dumps(stored(tmp_path, units=50.0).content))
        (tmp_path / "run.json").write_text(json.dumps(mutated(content, ("journeys", 0, "units"), units)))
        with pytest.raises(StorageError, match="not a whole run file"):
            runfile.read(tmp_path / "run.json")

    @pytest.mark.parametrize("units", NO_UNITS)
    def test_in_a_program(self, units: float) -> None:
        with pytest.raises(UsageError, match="unit of 'detect'"):
            lichen.track("detect", unit=units)


def test_what_draws_nothing_has_no_intensity_and_one_is_not_made_up() -> None:
    evaluation = lichen.evaluate(
        [{"entity": "a/browser", "quantity": "screen_time", "value": 0.0, "zone": "FR", "device": "laptop"}]
    ).evaluation
    found = sci_of(evaluation, lambda _: True, functional_unit="visit")
    assert found is not None
    assert (found.value, found.energy_kwh, found.grid_gco2e_per_kwh) == (0.0, 0.0, None)
    assert Numbers("fr").raw(found.grid_gco2e_per_kwh) == Numbers("fr").unknown
