# SPDX-License-Identifier: Apache-2.0
"""Methods side by side: ratios, ranges and reasons by hand, no reason without a difference, words in both languages."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.fixtures import run as fixture
from tests.fixtures.result import sample_result

from lichen.config import Settings, load_settings
from lichen.errors import MethodError
from lichen.ledger import runfile
from lichen.render.comparison import ComparisonWords
from lichen.render.i18n import LANGUAGES, catalogue
from lichen.render.numbers import Numbers
from lichen.service.comparison import Comparison, compare, journey_of
from lichen.service.differences import MethodFigure, differences
from lichen.service.evaluation import evaluate_activities, evaluate_document, parse_document
from lichen.service.summary import summarise
from lichen.service.workspace import Workspace

BROWSER = {"entity": "shop/browser", "tier": "device", "zone": "FR"}
ROWS = [
    {**BROWSER, "quantity": "network_bytes", "value": 1e6},
    {**BROWSER, "quantity": "screen_time", "value": 60.0},
    {**BROWSER, "quantity": "cpu_time", "value": 2.0},
    {**BROWSER, "quantity": "cpu_time_share", "value": 0.5},
]


@pytest.fixture(scope="module")
def workspace() -> Workspace:
    return Workspace(Settings())


def compared(workspace: Workspace, methods: str, rows: list[dict[str, Any]]) -> dict[tuple[str, str], Comparison]:
    activities, context = parse_document(workspace, {"activities": rows, "context": {"parts": 1}})
    evaluations = [
        evaluate_activities(workspace, workspace.method(name), activities, context, on=None) for name in methods.split()
    ]
    return {(row.entity, row.indicator): row for row in compare(evaluations)}


def codes(comparison: Comparison) -> dict[str, dict[str, Any]]:
    return {row.code: dict(row.values) for row in comparison.differences}


def test_figures_are_those_of_each_method_alone(workspace: Workspace) -> None:
    document = evaluate_document(workspace, {"activities": ROWS}, ["lichen-1", "swdm-4", "greenframe-2"])
    rows = {row["indicator"]: row for row in document["comparison"]["entities"]}
    for position, result in enumerate(document["results"]):
        for indicator, row in rows.items():
            figure = row["figures"][position]
            totals = {t["phase"]: t["value"] for t in result["totals"] if t["indicator"] == indicator}
            if not totals:
                assert figure["value"] is None
                continue
            assert figure["value"] == pytest.approx(math.fsum(totals.values()), rel=1e-12)
            assert figure["use"] == pytest.approx(totals.get("use", 0.0), rel=1e-12)
            assert figure["embodied"] == pytest.approx(totals.get("embodied", 0.0), rel=1e-12)
    assert rows["gwp100"]["figures"][0]["ratio"] == 1.0
    assert document["comparison"]["journeys"] == []


def test_one_method_has_no_comparison(workspace: Workspace) -> None:
    assert "comparison" not in evaluate_document(workspace, {"activities": ROWS}, ["lichen-1"])


def test_reasons_by_hand(workspace: Workspace) -> None:
    """1 MB, 60 s of screen, 2 s of CPU: greenframe-2 against swdm-4, whose constants are all published."""
    row = compared(workspace, "swdm-4 greenframe-2", ROWS)["shop/browser", "gwp100"]
    grid = workspace.lookup("grid.gwp100", "FR").value
    swdm_use, swdm_embodied = 1.94e-4 * grid, 1.06e-4 * 494
    screen, cpu, network = 60 * 14 / 3.6e6, 0.5 * 45 / 3.6e6, 0.022 * 1e-3 / 2
    energy = screen + cpu + network
    swdm, greenframe = row.figures
    assert swdm.value == pytest.approx(swdm_use + swdm_embodied)
    assert greenframe.value == pytest.approx(442 * energy)
    assert greenframe.ratio == pytest.approx(442 * energy / (swdm_use + swdm_embodied))
    assert swdm.tiers == pytest.approx(
        {
            "device": (8.0e-5 * grid + 8.1e-5 * 494) / (swdm_use + swdm_embodied),
            "network": (5.9e-5 * grid + 1.3e-5 * 494) / (swdm_use + swdm_embodied),
            "server": (5.5e-5 * grid + 1.2e-5 * 494) / (swdm_use + swdm_embodied),
        }
    )
    found = codes(row)
    assert set(found) == {"scope_other", "tiers", "phases", "energy", "per_kwh"}
    assert found["scope_other"]["quantities"] == pytest.approx(
        {"screen_time": screen / energy, "cpu_time": cpu / energy}
    )
    assert found["scope_other"]["share"] == pytest.approx((screen + cpu) / energy)
    assert found["phases"]["first"] == pytest.approx({"use": swdm_use, "embodied": swdm_embodied})
    assert found["phases"]["other"] == pytest.approx({"use": 442 * energy, "embodied": 0.0})
    assert found["energy"]["ratio"] == pytest.approx(energy / 1.94e-4)
    assert found["per_kwh"]["first"] == pytest.approx(grid)
    assert found["per_kwh"]["other"] == pytest.approx(442.0)
    assert [(e["place"], e["value"]) for e in found["per_kwh"]["other_electricity"]] == [("WORLD", 442.0)]


def test_energy_and_price_explain_the_use_phase_exactly(workspace: Workspace) -> None:
    for others in ("swdm-3", "greenframe-2", "onebyte"):
        row = compared(workspace, f"lichen-1 {others}", ROWS)["shop/browser", "gwp100"]
        found, (first, other) = codes(row), row.figures
        assert found["energy"]["ratio"] * found["per_kwh"]["ratio"] == pytest.approx(other.use / first.use, rel=1e-9)


def test_a_method_beside_itself_has_no_difference(workspace: Workspace) -> None:
    for row in compared(workspace, "lichen-1 lichen-1", ROWS).values():
        assert row.differences == ()
        assert [figure.ratio for figure in row.figures] == [1.0, 1.0]


def test_the_same_thing_in_other_words_is_no_difference_of_scope(workspace: Workspace) -> None:
    """lichen-1 reads CPU seconds, greenframe-2 their share of the machine."""
    row = compared(workspace, "lichen-1 greenframe-2", ROWS)["shop/browser", "gwp100"]
    assert not {"scope_first", "scope_other"} & set(codes(row))


def test_a_score_that_no_energy_leads_to_says_so(workspace: Workspace) -> None:
    page = [{**BROWSER, "quantity": q, "value": v} for q, v in (("dom_elements", 693), ("requests", 78))]
    row = compared(workspace, "lichen-1 ecoindex", [*ROWS, *page])["shop/browser", "gwp100"]
    found = codes(row)
    assert found["no_energy"] == {"methods": ["ecoindex"]}
    assert found["scope_other"] == {"quantities": {"dom_elements": 1.0, "requests": 1.0}, "share": 1.0}
    assert {"energy", "per_kwh", "tiers"}.isdisjoint(found)


def test_a_method_that_covers_nothing_has_no_figure_and_no_reason(workspace: Workspace) -> None:
    row = compared(workspace, "lichen-1 greenframe-2 swdm-4", ROWS[1:])["shop/browser", "gwp100"]
    assert row.figures[2] == MethodFigure(method="swdm-4", title=row.figures[2].title)
    assert {d.method for d in row.differences} == {"greenframe-2"}
    assert [figure.method for figure in row.known().figures] == ["lichen-1", "greenframe-2"]


def test_what_a_method_lacks_somewhere_is_told_and_what_nobody_knows_is_not(workspace: Workspace) -> None:
    names = ("network_bytes", "requests", "dom_elements")
    page = [{**BROWSER, "entity": "shop/browser/buy/a", "quantity": name, "value": 50} for name in names]
    between = [{**row, "entity": "shop/browser/buy/(between)"} for row in page[:2]]
    unknown = {"entity": "shop/api/buy/a", "tier": "server", "quantity": "network_bytes", "value": None}
    activities, context = parse_document(workspace, {"activities": [*page, *between, unknown]})
    evaluations = [
        evaluate_activities(workspace, workspace.method(name), activities, context, on=None)
        for name in ("swdm-4", "ecoindex")
    ]
    (row,) = compare(evaluations, journey_of, ["gwp100"])
    assert row.entity == "buy"
    assert codes(row)["gap_other"] == {"quantities": {"network_bytes": pytest.approx(0.5)}}
    assert "gap_first" not in codes(row)
    assert row.figures[1].to_json()["gaps"] == ["network_bytes", "requests"]


def test_ranges_of_a_sum_are_taken_after_adding(workspace: Workspace) -> None:
    """Two entities that share every factor: the range of the journey is twice that of each."""
    steps = [{**row, "entity": f"shop/browser/buy/{step}"} for row in ROWS for step in "ab"]
    activities, context = parse_document(workspace, {"activities": steps})
    evaluations = [
        evaluate_activities(workspace, workspace.method(name), activities, context, on=None)
        for name in ("lichen-1", "swdm-4")
    ]
    (whole,) = compare(evaluations, journey_of, ["gwp100"])
    each = compare(evaluations, indicators=["gwp100"])
    for position, figure in enumerate(whole.figures):
        one = each[0].figures[position]
        assert figure.low == pytest.approx(2 * (one.low or 0), rel=1e-9)
        assert figure.high == pytest.approx(2 * (one.high or 0), rel=1e-9)


def test_zero_against_zero_has_no_ratio() -> None:
    nothing = MethodFigure(method="a", value=0.0, low=0.0, high=0.0)
    assert differences(nothing, replace(nothing, method="b"), "gwp100") == []


def test_a_run_shows_every_method_that_has_something_to_say(tmp_path: Path) -> None:
    run = runfile.read(fixture.write(tmp_path).path)
    named = summarise(Workspace(load_settings(None, overrides={"method.compare": "swdm-4 onebyte"}, env={})), run)
    chosen = summarise(Workspace(load_settings(None, env={})), run)
    none = summarise(Workspace(load_settings(None, overrides={"method.compare": ""}, env={})), run)
    for journey in named.journeys:
        assert journey.comparison is not None
        assert [row.method for row in journey.comparison.figures] == ["lichen-1", "swdm-4", "onebyte"]
        assert journey.comparison.figures[0].value == pytest.approx(
            journey.figures.indicators["gwp100"].value, rel=1e-12
        )
        assert journey.comparison.figures[0].low == pytest.approx(journey.figures.indicators["gwp100"].low, rel=1e-9)
    assert named.named_methods == ("swdm-4", "onebyte")
    for journey in chosen.journeys:
        assert journey.comparison is not None
        methods = {row.method for row in journey.comparison.figures}
        assert {"lichen-1", "swdm-4", "swdm-3", "onebyte", "greenframe-2", "ecoindex"} <= methods
        assert all(row.value is not None for row in journey.comparison.figures)
    assert chosen.named_methods == ()
    assert {journey.comparison for journey in none.journeys} == {None}


def test_an_unknown_method_to_compare_with_is_refused(tmp_path: Path) -> None:
    run = runfile.read(fixture.write(tmp_path).path)
    with pytest.raises(MethodError, match=r"There is no method 'swdm-9'\."):
        summarise(Workspace(load_settings(None, overrides={"method.compare": "swdm-9"}, env={})), run)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_difference_has_a_sentence_with_its_numbers(workspace: Workspace, lang: str) -> None:
    page = [{**BROWSER, "quantity": q, "value": v} for q, v in (("dom_elements", 693), ("requests", 78))]
    row = compared(workspace, "lichen-1 swdm-4 greenframe-2 ecoindex", [*ROWS, *page])["shop/browser", "gwp100"]
    said = ComparisonWords(row, catalogue(lang), Numbers(lang))
    assert {d.code for d in row.differences} >= {
        "scope_first", "scope_other", "tiers", "phases", "energy", "per_kwh", "no_energy",
    }  # fmt: skip
    for difference in row.differences:
        sentence = said.sentence(difference)
        assert difference.method in sentence or difference.code == "no_energy"
        assert not re.search(r"[{}_]", sentence), sentence
    per_kwh = next(d for d in row.differences if (d.method, d.code) == ("greenframe-2", "per_kwh"))
    assert "442" in said.sentence(per_kwh)
    headings = [heading for heading, _ in said.reasons()]
    assert len(headings) == 3
    assert all(name in heading for name, heading in zip(("swdm-4", "greenframe-2", "ecoindex"), headings, strict=True))


def test_a_method_without_a_range_does_not_show_one(workspace: Workspace) -> None:
    row = compared(workspace, "lichen-1 greenframe-2", ROWS)["shop/browser", "gwp100"]
    first, other = ComparisonWords(row, catalogue("en"), Numbers("en")).rows()
    assert first.has_range
    assert re.fullmatch(r"[\d.]+ to [\d.]+", first.spread)
    assert (other.has_range, other.spread) == (False, "none stated")
    assert first.ratio == ""
    assert other.ratio.startswith("×")


def test_a_named_method_that_covers_nothing_is_said_to() -> None:
    comparison = sample_result().journeys[0].comparison
    assert comparison is not None
    empty = replace(comparison, figures=(*comparison.figures[:1], MethodFigure(method="other")), differences=())
    said = ComparisonWords(empty, catalogue("en"), Numbers("en"))
    assert said.line() == ""
    assert said.reasons() == [("other", ["other covers nothing of it."])]


@pytest.mark.parametrize(
    ("lang", "ratio", "heading"),
    [("en", "÷\xa01,600", "1,600 times less"), ("fr", "÷\xa01\u202f600", "fois moins que")],
)
def test_a_tiny_ratio_is_told_as_its_inverse(lang: str, ratio: str, heading: str) -> None:
    comparison = sample_result().journeys[0].comparison
    assert comparison is not None
    first = comparison.figures[0]
    assert first.value is not None
    value = first.value / 1600
    tiny = MethodFigure(method="tiny", value=value, low=value, high=value, use=value, ratio=1 / 1600)
    reasons = tuple(differences(first, tiny, "gwp100"))
    said = ComparisonWords(
        replace(comparison, figures=(first, tiny), differences=reasons), catalogue(lang), Numbers(lang)
    )
    row = said.rows()[1]
    assert row.ratio == ratio
    assert "10" not in row.amount.number
    assert row.amount.unit != said.rows()[0].amount.unit
    assert heading in said.reasons()[0][0]


def test_places_come_in_the_order_of_the_activities_with_the_letters_of_each(workspace: Workspace) -> None:
    rows = [
        {"entity": name, "quantity": "network_bytes", "value": v} for name, v in (("z", 5e5), ("a", 1e5), ("m", 1e7))
    ]
    activities, context = parse_document(workspace, {"activities": rows})
    evaluations = [
        evaluate_activities(workspace, workspace.method(name), activities, context, on=None)
        for name in ("swdm-4", "swdm-3", "onebyte")
    ]
    found = compare(evaluations, indicators=["gwp100"])
    assert [row.entity for row in found] == ["z", "a", "m"]
    assert [[dict(figure.grades) for figure in row.figures] for row in found] == [
        [{"z": "A"}, {"z": "B"}, {}], [{"a": "A+"}, {"a": "A+"}, {}], [{"m": "F"}, {"m": "F"}, {}],
    ]  # fmt: skip
    (together,) = compare(evaluations, lambda entity: None if entity == "m" else "all", ["gwp100"])
    assert [dict(figure.grades) for figure in together.figures] == [{"z": "A", "a": "A+"}, {"z": "B", "a": "A+"}, {}]


def test_letters_are_those_of_steps_and_not_of_the_time_between(tmp_path: Path) -> None:
    run = runfile.read(fixture.write(tmp_path).path)
    result = summarise(Workspace(load_settings(None, overrides={"method.compare": "ecoindex onebyte"}, env={})), run)
    comparison = result.journeys[0].comparison
    assert comparison is not None
    said = ComparisonWords(comparison, catalogue("en"), Numbers("en"))
    lichen, ecoindex, onebyte = said.rows()
    assert (lichen.grades, onebyte.grades) == ((), ())
    assert [step for step, _ in ecoindex.grades] == ["open", "pay <b>now"]
    assert {letter for _, letter in ecoindex.grades} <= set("ABCDEFG")
    letters = ", ".join(f"{step} {letter}" for step, letter in ecoindex.grades)
    assert said.reasons()[0][1][-1] == f"Letters by step, as if each were a page: {letters}."
