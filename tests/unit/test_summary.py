# SPDX-License-Identifier: Apache-2.0
"""From a run to figures: sums, one computing path, repeatability, what is not covered, and opening a figure."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from tests.fixtures import run as fixture

from lichen.config import load_settings
from lichen.errors import StorageError, UsageError
from lichen.ledger import runfile
from lichen.ledger.runfile import RunFile
from lichen.service.evaluation import RESTATED, evaluate_document
from lichen.service.explain import explain
from lichen.service.result import Figures
from lichen.service.summary import summarise, top_requests
from lichen.service.workspace import Workspace
from lichen.stats.sampling import precision


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(load_settings(None, overrides={"output.runs": str(tmp_path)}, env={}))


@pytest.fixture
def run(tmp_path: Path) -> RunFile:
    return runfile.read(fixture.write(tmp_path).path)


def values(figures: Figures) -> dict[str, float]:
    return {name: indicator.value for name, indicator in figures.indicators.items()}


def test_steps_and_parts_add_up_to_the_journey(workspace: Workspace, run: RunFile) -> None:
    for journey in summarise(workspace, run).journeys:
        assert [step.name for step in journey.steps] == ["open", "pay <b>now", ""]
        assert [part.name for part in journey.parts] == ["browser", "portal"]
        for name, total in values(journey.figures).items():
            by_step = math.fsum(values(step.figures).get(name, 0.0) for step in journey.steps)
            by_part = math.fsum(values(part.figures).get(name, 0.0) for part in journey.parts)
            assert by_step == pytest.approx(total, rel=1e-12)
            assert by_part == pytest.approx(total, rel=1e-12)
        for quantity in ("cpu_time", "disk_bytes", "network_bytes", "screen_time", "window_time", "layouts"):
            by_step = math.fsum(step.figures.counters[quantity].value or 0.0 for step in journey.steps)
            assert by_step == pytest.approx(journey.figures.counters[quantity].value, rel=1e-12), quantity


def test_evaluate_reproduces_the_report(workspace: Workspace, run: RunFile) -> None:
    """The one computing path: lichen evaluate on the run file gives every figure of the report to 1e-12."""
    evaluated = evaluate_document(workspace, dict(run.content), ["lichen-1"])
    by_id = {impact["impact_id"]: impact for impact in evaluated["impacts"]}
    for journey in summarise(workspace, run).journeys:
        for step in journey.steps:
            for part in step.parts:
                for indicator in part.figures.indicators.values():
                    rows = [by_id[i] for i in indicator.impact_ids]
                    assert math.fsum(row["value"] for row in rows) == pytest.approx(indicator.value, rel=1e-12)
                    entity = f"loans/{part.name}/{journey.name}/{step.name or '(between)'}"
                    totals = [
                        t for t in evaluated["totals"] if (t["entity"], t["indicator"]) == (entity, indicator.indicator)
                    ]
                    assert math.fsum(t["value"] for t in totals) == pytest.approx(indicator.value, rel=1e-12)


def test_the_primary_metric_is_its_trimmed_mean(workspace: Workspace, run: RunFile) -> None:
    journey = summarise(workspace, run).journeys[0]
    known = precision(journey.sampling.primary_s)
    assert journey.figures.counters["cpu_time"].value == pytest.approx(known.mean, rel=1e-12)
    assert journey.sampling.kept == known.kept
    assert len(journey.sampling.kept) == 5
    assert journey.figures.counters["cpu_time"].half_width == pytest.approx(known.half_width, rel=1e-9)


def test_two_intervals_kept_apart(workspace: Workspace, run: RunFile) -> None:
    gwp = summarise(workspace, run).journeys[0].figures.indicators["gwp100"]
    assert gwp.low < gwp.value < gwp.high
    assert gwp.half_width is not None
    assert 0 < gwp.half_width < gwp.high - gwp.value
    assert gwp.use + gwp.embodied == pytest.approx(gwp.value, rel=1e-12)
    assert math.fsum(gwp.shares.values()) == pytest.approx(1.0)


def test_exact_counters_are_exact(workspace: Workspace, run: RunFile) -> None:
    counters = summarise(workspace, run).journeys[0].figures.counters
    assert (counters["network_bytes"].value, counters["network_bytes"].exact) == (420_000, True)
    assert not counters["cpu_time"].exact


def test_what_is_unknown_stays_unknown(workspace: Workspace, tmp_path: Path) -> None:
    content = dict(fixture.write(tmp_path).content)
    content["activities"] = [
        row | {"value": None, "samples": [None] * len(row["samples"])} if row["quantity"] == "disk_bytes" else row
        for row in content["activities"]
    ]
    journey = summarise(workspace, runfile.write(tmp_path / "b", content)).journeys[0]
    assert journey.figures.counters["disk_bytes"].value is None
    assert any(row["quantity"] == "disk_bytes" and "unknown" in row["reason"] for row in journey.not_covered)
    assert any(row["part"] == "portal" and row["quantity"] == "network_bytes" for row in journey.not_covered)


def test_another_method_on_the_same_run(workspace: Workspace, run: RunFile) -> None:
    journey = summarise(workspace, run, "greenframe-2").journeys[0]
    assert set(journey.figures.indicators) == {"energy", "gwp100"}
    assert journey.figures.indicators["gwp100"].embodied == 0


class TestExplain:
    def test_an_impact_down_to_its_sources_and_samples(self, workspace: Workspace, run: RunFile) -> None:
        indicator = summarise(workspace, run).journeys[0].steps[0].parts[0].figures.indicators["gwp100"]
        for impact_id in indicator.impact_ids:
            figure = explain(workspace, impact_id)["figure"]
            assert figure["impact_id"] == impact_id
            for step in figure["steps"]:
                assert step["expression"]
                assert step["sources"]
            factors = [a["factor"] for step in figure["steps"] for a in step["arguments"] if a["from"] == "factor"]
            assert factors
            assert all(factor["source_title"] and factor["licence"] for factor in factors)
            assert figure["activities"][0]["samples"]
            assert len(figure["activities"][0]["kept"]) == 5

    def test_a_prefix_is_enough_and_the_arithmetic_can_be_followed(self, workspace: Workspace, run: RunFile) -> None:
        impacts = evaluate_document(workspace, dict(run.content), ["lichen-1"])["impacts"]
        chosen = next(i for i in impacts if i["rule"] == "device.cpu" and i["indicator"] == "energy")
        figure = explain(workspace, chosen["impact_id"][:8])["figure"]
        (step,) = figure["steps"]
        cpu, factor = step["arguments"]
        assert figure["value"] == pytest.approx(cpu["value"] * factor["factor"]["value"] / 3.6e6, rel=1e-12)

    @pytest.mark.parametrize(
        "name", ["apply", "apply/open", "apply/open/browser", "apply#energy", "apply/(between)#water"]
    )
    def test_a_sum_and_its_terms(self, workspace: Workspace, run: RunFile, name: str) -> None:
        figure = explain(workspace, name)["figure"]
        assert math.fsum(term["value"] for term in figure["terms"]) == pytest.approx(figure["value"], rel=1e-12)
        assert math.fsum(term["share"] for term in figure["terms"]) == pytest.approx(1.0)
        assert [t["value"] for t in figure["terms"]] == sorted((t["value"] for t in figure["terms"]), reverse=True)

    def test_nothing_of_that_name(self, workspace: Workspace, run: RunFile) -> None:
        with pytest.raises(UsageError) as caught:
            explain(workspace, "pay/nothing")
        assert "apply, follow" in caught.value.repair

    def test_no_run_yet(self, tmp_path: Path) -> None:
        empty = Workspace(load_settings(None, overrides={"output.runs": str(tmp_path / "none")}, env={}))
        with pytest.raises(StorageError, match="There is no run"):
            explain(empty, "apply")


class TestRestating:
    """A figure from other factors, or another version of its method, than when it was measured says so."""

    def seen(
        self, workspace: Workspace, run: RunFile, method_id: str | None = None, **method: str | None
    ) -> list[bool]:
        then = {**run.content["method"], "version": workspace.method("lichen-1").version, **method}
        said = {k: v for k, v in then.items() if v is not None}
        written = runfile.write(run.path.parent, dict(run.content) | {"method": said})
        tree = explain(workspace, "apply", written.path, method_id)
        return [RESTATED in summarise(workspace, written, method_id).fallbacks, RESTATED in tree["notes"]]

    def test_said_once_something_changed(self, workspace: Workspace, run: RunFile) -> None:
        now = workspace.factors.hash()
        assert self.seen(workspace, run, factors_hash=now) == [False, False]
        assert self.seen(workspace, run, factors_hash="f" * 64) == [True, True]
        assert self.seen(workspace, run, factors_hash=now, version="0.9.0") == [True, True]

    def test_another_method_is_a_choice_and_no_restating(self, workspace: Workspace, run: RunFile) -> None:
        assert self.seen(workspace, run, "greenframe-2", factors_hash=workspace.factors.hash()) == [False, False]

    def test_a_run_that_kept_no_hash_is_not_accused(self, workspace: Workspace, run: RunFile) -> None:
        assert self.seen(workspace, run, factors_hash=None) == [False, False]


def test_requests_for_one_address_are_one_row() -> None:
    row = {"host": "shop", "party": "first", "kind": "image", "count": 1}
    rows = [
        {**row, "url": "/photo.png", "step": "open", "network_bytes": 54_800},
        {**row, "url": "/photo.png", "step": "order", "network_bytes": 0},
        {**row, "url": "/style.css", "step": "open", "network_bytes": 900},
        {**row, "url": "/late.js", "step": "open", "network_bytes": None},
    ]
    found = top_requests(rows)
    assert [(one.url, one.network_bytes, one.count, one.step) for one in found] == [
        ("/photo.png", 54_800, 2, "open"), ("/style.css", 900, 1, "open"), ("/late.js", None, 1, "open"),
    ]  # fmt: skip
