# SPDX-License-Identifier: Apache-2.0
"""The models of web pages: hand-computed figures, ends of scales, and what a measured journey gives them."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from lichen.config import Settings
from lichen.model import web
from lichen.model.results import Evaluation
from lichen.service.evaluation import evaluate_activities, parse_document
from lichen.service.workspace import Workspace

GB = {"entity": "site", "quantity": "network_bytes", "value": 1.0, "unit": "GB"}
PAGE = [
    {"entity": "shop/browser", "quantity": "network_bytes", "value": 2_420_000},
    {"entity": "shop/browser", "quantity": "dom_elements", "value": 693},
    {"entity": "shop/browser", "quantity": "requests", "value": 78},
]
QUANTILES = np.array([0.0, 10.0, 30.0, 100.0])


@pytest.fixture(scope="module")
def workspace() -> Workspace:
    return Workspace(Settings())


def evaluate(workspace: Workspace, method: str, *activities: dict[str, Any]) -> Evaluation:
    rows, context = parse_document(workspace, {"activities": list(activities)})
    return evaluate_activities(workspace, workspace.method(method), rows, context, on=None)


def total(evaluation: Evaluation, indicator: str, phase: str | None = None, entity: str | None = None) -> float:
    return sum(
        row.value
        for row in evaluation.totals()
        if row.indicator == indicator and phase in (None, row.phase) and entity in (None, row.entity)
    )


@pytest.mark.parametrize(
    ("method", "grey", "green", "embodied"),
    [
        # 494 x 0.300; 494 x (0.300 - 0.055); 494 x 0.106
        ("swdm-4", 148.2, 121.03, 52.364),
        # 472.94 x 0.81; 472.94 x 0.81 x 0.85 + 50 x 0.81 x 0.15; 472.94 x 0.81 x 0.19
        ("swdm-3", 383.0814, 331.69419, 72.785466),
        # 519 x (0.072 + 1.465 / 3); 475 x 1.465 / 3; nothing
        ("onebyte", 290.813, 231.9583333333333, 0.0),
    ],
)
def test_a_gigabyte_costs_what_the_model_publishes(
    workspace: Workspace, method: str, grey: float, green: float, embodied: float
) -> None:
    plain = evaluate(workspace, method, GB)
    assert total(plain, "gwp100") == pytest.approx(grey, rel=1e-12)
    assert total(plain, "gwp100", "embodied") == pytest.approx(embodied, rel=1e-12)
    for said in ("yes", True):
        assert total(evaluate(workspace, method, GB | {"green_hosting": said}), "gwp100") == pytest.approx(green)
    for said in ("no", False):
        assert total(evaluate(workspace, method, GB | {"green_hosting": said}), "gwp100") == pytest.approx(grey)


@pytest.mark.parametrize(
    ("method", "use", "embodied"),
    [("swdm-4", 0.194, 0.106), ("swdm-3", 0.6561, 0.1539), ("onebyte", 0.072 + 1.465 / 3, 0)],
)
def test_energy_is_told_apart_by_phase_and_does_not_depend_on_hosting(
    workspace: Workspace, method: str, use: float, embodied: float
) -> None:
    for hosting in ({}, {"green_hosting": "yes"}, {"zone": "FR"}):
        evaluation = evaluate(workspace, method, GB | hosting)
        assert total(evaluation, "energy", "use") == pytest.approx(use, rel=1e-12)
        assert total(evaluation, "energy", "embodied") == pytest.approx(embodied, rel=1e-12)


@pytest.mark.parametrize(("method", "use"), [("swdm-4", 0.194), ("swdm-3", 0.6561)])
def test_a_zone_prices_the_use_and_leaves_the_making(workspace: Workspace, method: str, use: float) -> None:
    plain, french = evaluate(workspace, method, GB), evaluate(workspace, method, GB | {"zone": "FR"})
    grid = workspace.lookup("grid.gwp100", "FR")
    assert total(french, "gwp100", "use") == pytest.approx(use * grid.value, rel=1e-12)
    assert total(french, "gwp100", "embodied") == total(plain, "gwp100", "embodied")
    known = next(row for row in french.totals() if (row.indicator, row.phase) == ("gwp100", "use"))
    assert known.low == pytest.approx(use * grid.low, rel=1e-3)
    assert known.high == pytest.approx(use * grid.high, rel=1e-3)


def test_onebyte_knows_no_place(workspace: Workspace) -> None:
    assert total(evaluate(workspace, "onebyte", GB | {"zone": "FR"}), "gwp100") == pytest.approx(290.813)


@pytest.mark.parametrize(("place", "grade"), [(539, "B"), (530, "A"), (269, "A+"), (2_500, "F")])
def test_letters_of_the_design_model(workspace: Workspace, place: float, grade: str) -> None:
    kilobytes = GB | {"value": place, "unit": "kB"}
    assert [row["grade"] for row in evaluate(workspace, "swdm-4", kilobytes).grades()] == [grade]


def test_bytes_of_servers_are_not_counted_again(workspace: Workspace) -> None:
    server = {"entity": "shop/api", "quantity": "network_bytes", "value": 5e9, "tier": "server"}
    for method in ("swdm-4", "swdm-3", "onebyte", "ecoindex"):
        alone, beside = evaluate(workspace, method, *PAGE), evaluate(workspace, method, *PAGE, server)
        assert total(alone, "gwp100") == total(beside, "gwp100") > 0
        assert [(row.entity, row.by_design) for row in beside.not_covered if row.entity == "shop/api"] == [
            ("shop/api", True)
        ]


def test_a_rank_is_straight_between_quantiles_and_ends_at_both() -> None:
    amounts = np.array([0.0, 5.0, 10.0, 20.0, 65.0, 100.0, 1e9])
    assert web.count_rank(amounts, QUANTILES) == pytest.approx([0, 1 / 6, 1 / 3, 1 / 2, 5 / 6, 1, 1])
    assert web.volume_rank(amounts, QUANTILES).tolist() == web.count_rank(amounts, QUANTILES).tolist()


def test_the_score_has_both_ends_and_the_impact_follows_it() -> None:
    assert web.ecoindex(0.0, 0.0, 0.0, 3.0, 2.0, 1.0, 100.0) == 100.0
    assert web.ecoindex(1.0, 1.0, 1.0, 3.0, 2.0, 1.0, 100.0) == 0.0
    assert web.ecoindex(1.0, 0.0, 0.0, 3.0, 2.0, 1.0, 100.0) == pytest.approx(50.0)
    assert [web.ecoindex_impact_x(score, 2.0, 50.0, 100.0) for score in (100.0, 50.0, 0.0)] == [1.0, 2.0, 3.0]


def test_ecoindex_of_the_median_page(workspace: Workspace) -> None:
    """Ranks 11.24, 10 and 13.86 of 20: 100 - 5 x (3 x 11.2405 + 2 x 10 + 13.8597) / 6."""
    evaluation = evaluate(workspace, "ecoindex", *PAGE)
    assert total(evaluation, "ecoindex") == pytest.approx(43.68234227264475, rel=1e-12)
    assert total(evaluation, "gwp100") == pytest.approx(2.126353154547105, rel=1e-12)
    assert total(evaluation, "water") == pytest.approx(0.031895297318206572, rel=1e-12)
    assert [row["grade"] for row in evaluation.grades()] == ["D"]


def test_the_letter_is_that_of_the_rounded_score(workspace: Workspace) -> None:
    """55.28 is above 55, a C by the unrounded score; ecoindex-compute rounds to 55 and gives D."""
    page = [dict(row, value=value) for row, value in zip(PAGE, (1_265_460, 536, 69), strict=True)]
    (row,) = evaluate(workspace, "ecoindex", *page).grades()
    assert row["value"] == pytest.approx(55.28, abs=0.005)
    assert row["grade"] == "D"


def test_what_belongs_to_no_page_is_a_gap(workspace: Workspace) -> None:
    between = [dict(row, entity="shop/browser/buy/(between)") for row in PAGE if row["quantity"] != "dom_elements"]
    evaluation = evaluate(workspace, "ecoindex", *between)
    assert evaluation.impacts == ()
    assert {(row.quantity, row.by_design) for row in evaluation.not_covered} == {
        ("network_bytes", False), ("requests", False),
    }  # fmt: skip


def test_two_pages_have_a_score_each_and_none_together(workspace: Workspace) -> None:
    other = [dict(row, entity="shop/browser/2", value=row["value"] / 2) for row in PAGE]
    evaluation = evaluate(workspace, "ecoindex", *PAGE, *other)
    together = [row.indicator for row in evaluation.totals(lambda _entity: "all")]
    assert sorted(together) == ["gwp100", "water"]
    assert len(evaluation.grades()) == 2
    assert json.dumps(evaluation.to_json()["grades"])
