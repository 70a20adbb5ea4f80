# SPDX-License-Identifier: Apache-2.0
"""Bills on the board: money exact and by currency, coverage, figures that are the sum of what was rented."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import pytest
from tests import board_support as support
from tests.bill_support import OCTOBER, SEPTEMBER, cost, disk, vcpu, write

import lichen
from lichen.portfolio.coverage import coverage_of_cost
from lichen.service.board.bill_readings import bill_readings
from lichen.service.board.bill_views import ApplicationBillView, BillsView
from lichen.service.board.bills import application_bill, bills
from lichen.service.board.explain import ExplainQuery, explain
from lichen.service.board.gathering import read_totals
from lichen.service.board.queries import Visibility
from lichen.service.context import ServiceContext

BILL: Final = (
    vcpu("cart", date(2026, 10, 1), 240), vcpu("cart", date(2026, 10, 2), 240, resource="i-2"),
    vcpu("cart", date(2026, 10, 2), 100, region="aws:us-east-1"),
    disk("cart", date(2026, 10, 3), 500), cost("cart", date(2026, 10, 1), "10.000000000000001"),
    cost("cart", date(2026, 10, 2), "20.000000000000002", resource="i-2"),
    cost("cart", date(2026, 10, 3), "5", service="EBS", billed=Decimal("4.5")),
    cost("cart", date(2026, 10, 3), "5", coverage="no_rule", service="Braket"),
    cost("cart", date(2026, 10, 3), "-8", coverage="no_usage", service="Credits", region=None),
    cost("cart", date(2026, 10, 3), "3", currency="USD"),
    vcpu("cart", date(2026, 9, 2), 120), cost("cart", date(2026, 9, 2), "7"),
    vcpu("mail", date(2026, 10, 5), 48), cost("mail", date(2026, 10, 5), "60"),
    vcpu("", date(2026, 10, 5), 24, service="Support"), cost("", date(2026, 10, 5), "11", service="Support"),
    vcpu("stranger", date(2026, 10, 5), 24), cost("stranger", date(2026, 10, 5), "1"),
)  # fmt: skip


@pytest.fixture
def board(tmp_path: Path) -> Iterator[ServiceContext]:
    with support.board(tmp_path) as context:
        for code in ("cart", "mail"):
            support.add_application(context, code, None, ())
        write(context, BILL)
        yield context


def bill_of(context: ServiceContext, code: str = "cart", **asked: Any) -> ApplicationBillView:
    found = application_bill(context, code, **{"period": "2026-10"} | asked)
    assert found is not None
    return found


def october(context: ServiceContext, **asked: Any) -> BillsView:
    return bills(context, **{"period": "2026-10"} | asked)


def evaluated(rows: Sequence[dict[str, Any]], indicator: str = "gwp100") -> float:
    """The sum of an indicator over rows, one by one, straight from the model."""
    kept = [
        {name: one[name] for name in ("entity", "quantity", "value", "unit", "method", "tier", "region", "platform")}
        | ({"replication": 2, "storage_class": "ssd"} if one.get("attributes") else {})
        for one in rows
        if one["quantity"] != "cost"
    ]
    table = lichen.evaluate(kept, on=OCTOBER).totals(by="all")
    listed = zip(table["indicator"], table["accounting"], table["value"], strict=True)
    return math.fsum(value for name, accounting, value in listed if name == indicator and accounting == "location")


def test_money_is_exact_and_currencies_stay_apart(board: ServiceContext) -> None:
    euros, dollars = bill_of(board).spent
    assert (euros.currency, dollars.currency) == ("EUR", "USD")
    assert euros.effective == Decimal("32.000000000000003")
    assert euros.billed == Decimal("31.500000000000003")
    assert euros.listed is None
    assert dollars.effective == Decimal(3)
    # What nothing runs for is no part of what could be covered: 35 of 40.
    assert euros.coverage == pytest.approx(35 / 40)
    assert dollars.coverage == 1.0
    assert (euros.coverage_listed, dollars.coverage_listed) == (None, None)


def test_what_is_free_is_covered_at_list_prices(board: ServiceContext) -> None:
    free = [
        cost("cart", date(2026, 10, 1), "0", list_amount=Decimal(9)),
        cost("cart", date(2026, 10, 2), "0", list_amount=Decimal(3), coverage="no_rule"),
    ]
    write(board, [vcpu("cart", date(2026, 10, 1), 24), *free])
    (spent,) = bill_of(board).spent
    assert (spent.effective, spent.listed, spent.coverage, spent.coverage_listed) == (
        Decimal(0),
        Decimal(12),
        None,
        0.75,
    )


def test_the_figure_is_the_sum_of_the_rows(board: ServiceContext) -> None:
    own = [one for one in BILL if one["application"] == "cart" and one["day"] >= OCTOBER]
    view = bill_of(board)
    for indicator in ("gwp100", "energy", "water", "adpe", "pe"):
        assert view.figures[indicator].value == pytest.approx(evaluated(own, indicator), rel=1e-9), indicator
    found = view.figures["gwp100"]
    assert found.low is not None
    assert found.high is not None
    assert found.low < (found.value or 0.0) < found.high
    assert found.shares == {"metered": pytest.approx(1.0)}
    read = read_totals(board, ["cart"])["cart"]
    assert set(read) == {SEPTEMBER, OCTOBER}


def test_services_and_regions_are_the_whole(board: ServiceContext) -> None:
    view = bill_of(board)
    whole = view.figures["gwp100"].value
    for rows in (view.services, view.regions):
        assert math.fsum(one.figures["gwp100"].value or 0.0 for one in rows if one.figures) == pytest.approx(
            whole, rel=1e-12
        )
        euros = [money.amount or Decimal(0) for one in rows for money in one.costs if money.currency == "EUR"]
        assert sum(euros) == view.spent[0].effective
    assert [one.named.code for one in view.services] == ["EC2", "EBS", "Braket", "Credits"]
    assert [money.currency for money in view.services[0].costs] == ["EUR", "USD"]
    assert view.services[2].coverage == 0.0
    assert view.services[3].coverage is None
    assert {one.named.code for one in view.regions} == {"aws:eu-west-3", "aws:us-east-1", ""}


def test_what_is_not_estimated_says_why(board: ServiceContext) -> None:
    assert [(one.reason, one.cost.amount) for one in bill_of(board).uncovered] == [
        ("no_usage", Decimal(-8)), ("no_rule", Decimal(5)),
    ]  # fmt: skip


def test_what_is_guessed_from_cost_is_asked_for_and_in_no_figure(board: ServiceContext) -> None:
    write(board, [vcpu("cart", date(2026, 10, 1), 240), cost("cart", date(2026, 10, 1), "10"),
                  cost("cart", date(2026, 10, 2), "5", coverage="no_rule"),
                  cost("cart", date(2026, 10, 2), "4", coverage="support"),
                  cost("cart", date(2026, 10, 2), "3", coverage="no_rule", family="ai")])  # fmt: skip
    plain = bill_of(board)
    assert plain.extrapolated is None
    settings = board.settings
    asked = replace(settings, bills=replace(settings.bills, extrapolate=True))
    workspace = copy.copy(board.workspace)
    workspace.settings = asked
    other = replace(board, workspace=workspace)
    for view in (bill_of(other), october(other)):
        assert view.figures["gwp100"].value == pytest.approx(plain.figures["gwp100"].value, rel=1e-12)
        assert view.extrapolated is not None
        # Of compute alone: support is people, and nothing of ai was estimated.
        assert view.extrapolated.cost.amount == Decimal(5)
        figure, known = view.extrapolated.figures["gwp100"], plain.figures["gwp100"]
        assert figure.value == pytest.approx((known.value or 0.0) / 2, rel=1e-12)
        assert figure.shares == {"proxy": 1.0}
        assert known.low is not None
        assert (figure.low or 0.0) < known.low / 2
    # Two currencies of one family: what was rented does not tell in which it was paid.
    write(board, [vcpu("cart", date(2026, 10, 1), 240), cost("cart", date(2026, 10, 1), "10"),
                  cost("cart", date(2026, 10, 2), "5", coverage="no_rule"),
                  cost("cart", date(2026, 10, 2), "5", currency="USD")])  # fmt: skip
    assert bill_of(other).extrapolated is None


def test_curves_are_of_the_months(board: ServiceContext) -> None:
    spent, impact = bill_of(board).curves
    assert [(one.at, one.value) for one in spent.points] == [(SEPTEMBER, 7.0), (OCTOBER, pytest.approx(32.0))]
    assert impact.points[1].value == pytest.approx(bill_of(board).figures["gwp100"].value, rel=1e-12)
    september = bill_of(board, period="2026-09")
    assert impact.points[0].value == pytest.approx(september.figures["gwp100"].value, rel=1e-12)


def test_the_organisation_is_its_applications_and_nobody(board: ServiceContext) -> None:
    view = october(board)
    assert [(one.named.code, one.known) for one in view.rows] == [("mail", True), ("cart", True), ("stranger", False)]
    assert view.unallocated is not None
    parts = [*view.rows, view.unallocated]
    assert math.fsum(one.figures["gwp100"].value or 0.0 for one in parts) == pytest.approx(
        view.figures["gwp100"].value, rel=1e-12
    )
    assert view.spent[0].effective == Decimal("104.000000000000003")
    assert view.rows[1].figures["energy"].value == pytest.approx(bill_of(board).figures["energy"].value, rel=1e-12)


def test_who_sees_some_sees_these_alone(board: ServiceContext) -> None:
    with board.store.reading() as session:
        from lichen.store.queries.imports import application_ids

        ids = application_ids(session)
    view = october(board, seen=Visibility(teams=frozenset(), applications=frozenset([ids["mail"]])))
    assert [one.named.code for one in view.rows] == ["mail"]
    assert view.unallocated is None
    assert view.spent[0].effective == Decimal(60)
    assert view.figures["energy"].why == ""
    stranger = Visibility(teams=frozenset())
    assert application_bill(board, "cart", stranger, period="2026-10") is None
    assert explain(board, ExplainQuery(level="bill", ref="cart", period="2026-10"), stranger) is None
    assert explain(board, ExplainQuery(level="bill", ref="/", period="2026-10"), stranger) is None


@pytest.mark.parametrize("ref", ["cart", "cart/EBS", "", "/"])
def test_a_figure_opens_into_formulas_and_factors(board: ServiceContext, ref: str) -> None:
    view = explain(board, ExplainQuery(level="bill", ref=ref, period="2026-10"))
    assert view is not None
    shown = {
        "cart": bill_of(board).figures["gwp100"], "": october(board).figures["gwp100"],
        "cart/EBS": bill_of(board).services[1].figures["gwp100"], "/": october(board).unallocated.figures["gwp100"],  # type: ignore[union-attr]
    }[ref]  # fmt: skip
    assert view.figure.value == shown.value
    assert (view.figure.low, view.figure.high) == (shown.low, shown.high)
    assert math.fsum(step.figure.value or 0.0 for step in view.steps) == pytest.approx(shown.value, rel=0.01)
    assert all(step.formula for step in view.steps)
    assert view.factors
    year = explain(board, ExplainQuery(level="bill", ref=ref, period="2026"))
    assert year is not None
    assert math.fsum(step.figure.value or 0.0 for step in year.steps) == pytest.approx(year.figure.value, rel=1e-12)
    assert len(year.steps) == (2 if ref in ("cart", "") else 1)


def test_a_changed_bill_is_seen(board: ServiceContext) -> None:
    before = bill_of(board).figures["gwp100"].value
    totals = read_totals(board, None)
    assert read_totals(board, None) == totals
    write(board, [*BILL, vcpu("cart", date(2026, 10, 9), 1.0, resource="i-9")])
    assert (bill_of(board).figures["gwp100"].value or 0.0) > (before or 0.0)
    assert read_totals(board, None) != totals


def test_the_glance_is_what_pages_show(board: ServiceContext) -> None:
    found = bill_readings(board)
    view = october(board)
    assert {(one.application, one.currency): one.cost for one in found.rows} == {
        ("", "EUR"): 11.0, ("cart", "EUR"): pytest.approx(32.0), ("cart", "USD"): 3.0, ("mail", "EUR"): 60.0,
        ("stranger", "EUR"): 1.0,
    }  # fmt: skip
    assert found.uncovered == (("no_usage", "EUR", -8.0), ("no_rule", "EUR", 5.0))
    assert found.gwp100 is not None
    assert (found.gwp100.value, found.gwp100.low) == (view.figures["gwp100"].value, view.figures["gwp100"].low)
    assert found.gwp100.why == ""


def test_an_application_without_a_bill_has_an_empty_page(board: ServiceContext) -> None:
    support.add_application(board, "idle", None, ())
    view = bill_of(board, "idle")
    assert (view.spent, dict(view.figures), view.services, view.sources) == ((), {}, (), ())
    assert application_bill(board, "none") is None


@pytest.mark.parametrize(
    ("amounts", "share"),
    [
        ({}, None),
        ({"no_usage": "5"}, None),
        ({"estimated": "5"}, 1.0),
        ({"no_rule": "5"}, 0.0),
        ({"estimated": "1", "no_rule": "3", "no_usage": "96"}, 0.25),
        ({"estimated": "4", "negative": "-1"}, 1.0),
        ({"estimated": "1", "negative": "-1"}, None),
        ({"estimated": "-1", "no_rule": "3"}, 0.0),
    ],
)
def test_coverage_is_a_share_of_the_cost_of_usage(amounts: dict[str, str], share: float | None) -> None:
    assert coverage_of_cost({why: Decimal(amount) for why, amount in amounts.items()}) == share
