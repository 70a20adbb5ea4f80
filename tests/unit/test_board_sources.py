# SPDX-License-Identifier: Apache-2.0
"""One source counts for each tier: a meter and journeys that are both there are never added."""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests import board_support as support

from lichen.ledger import Fact, Slice
from lichen.portfolio.sources import SourceKind
from lichen.records import Activity
from lichen.service.board import figures
from lichen.service.board.application import application
from lichen.service.board.cells import application_cell, whole
from lichen.service.board.counting import count
from lichen.service.board.explain import ExplainQuery, explain
from lichen.service.board.portfolio import portfolio
from lichen.service.board.queries import EVERYTHING, PortfolioQuery
from lichen.service.board.reading import Look
from lichen.service.board.units import Amount, Key
from lichen.service.board.views import ApplicationView
from lichen.service.context import ServiceContext
from lichen.store.models import TierSource
from lichen.store.queries import board as queries

OCTOBER = date(2026, 10, 1)


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[tuple[ServiceContext, str]]:
    """An application whose journey has 1,000 visits in October."""
    with support.board(tmp_path) as context:
        app, journeys = support.add_application(context, "cart", None)
        support.add_run(context, app, support.content("cart", date(2026, 9, 1), screen_s=10.0))
        support.add_traffic(context, app, journeys["buy"], {date(2026, 10, 5): 1000.0})
        figures.refresh(context)
        yield context, app


def meter(context: ServiceContext, kwh: float, *, source: str = "meter:rack", day: date = OCTOBER) -> None:
    """A day's energy of the application's server."""
    at = datetime(day.year, day.month, day.day, tzinfo=UTC)
    activity = Activity(
        entity="cart/api", quantity="energy", value=kwh, unit="kWh", method="metered",
        attributes={"tier": "server", "zone": "FR", "boundary": "it", "basis": "total"},
    )  # fmt: skip
    fact = Fact(activity=activity, run_id=f"{kwh}", started_at=at, ended_at=at + timedelta(days=1))
    context.ledger.replace(Slice(source=source, first_day=day, end_day=day + timedelta(days=1)), [fact])


def declare(context: ServiceContext, app: str, source: str, tier: str = "server") -> None:
    with context.store.session() as session:
        session.add(TierSource(application_id=app, tier=tier, source=source, valid_from=OCTOBER))


def shown(context: ServiceContext) -> ApplicationView:
    figures.refresh(context)
    view = application(context, "cart")
    assert view is not None
    return view


def tier(view: ApplicationView, name: str) -> Any:
    return next(row for row in view.tiers if row.code == name)


def test_a_meter_counts_instead_of_the_journeys_and_both_are_told(shop: tuple[ServiceContext, str]) -> None:
    context, app = shop
    before = shown(context)
    meter(context, 10.0)
    after = shown(context)
    metered = support_value(context, 10.0)
    with context.store.reading() as session:
        look = Look(context, session, EVERYTHING)
        split = queries.of_refs(session, look.kind("application"), [app], OCTOBER, OCTOBER, split=True)
    use = next(row for row in split if row.phase == "use")
    device = tier(before, "device").figure.value
    assert tier(after, "device").figure.value == device
    server = tier(after, "server")
    assert server.source == "meter"
    (journeys,) = server.others
    assert journeys.source == "journeys"
    assert server.counted.value == pytest.approx(metered, rel=1e-12)
    assert journeys.difference == pytest.approx(journeys.figure.value / metered - 1, rel=1e-12)
    embodied = tier(before, "server").figure.value - journeys.figure.value
    assert server.figure.value == pytest.approx(metered + embodied, rel=1e-12), "the meter knows nothing of the making"
    assert after.measures.impact.value == pytest.approx(device + metered + embodied, rel=1e-12)
    assert use.source == "mixed"
    assert math.fsum(row.figure.value for row in after.tiers) == pytest.approx(after.measures.impact.value, rel=1e-12)
    whole_portfolio = portfolio(context, PortfolioQuery()).totals.measures.impact
    assert whole_portfolio.value == after.measures.impact.value
    assert after.measures.impact.shares["metered"] == pytest.approx(
        metered / (after.measures.impact.value or 1), rel=1e-9
    )


def support_value(context: ServiceContext, kwh: float) -> float:
    """gCO2e of so much energy of a French server in October, straight from the model."""
    import lichen

    rows = [{"entity": "a/b", "quantity": "energy", "value": kwh, "unit": "kWh", "tier": "server", "zone": "FR",
             "boundary": "it", "method": "metered"}]  # fmt: skip
    table = lichen.evaluate(rows, on=OCTOBER).totals(by="all")
    return float(next(table["value"][i] for i, name in enumerate(table["indicator"]) if name == "gwp100"))


def test_the_declared_source_counts_even_against_a_meter(shop: tuple[ServiceContext, str]) -> None:
    context, app = shop
    before = shown(context).measures.impact.value
    meter(context, 10.0)
    declare(context, app, "journeys")
    view = shown(context)
    assert view.measures.impact.value == before
    server = tier(view, "server")
    assert (server.source, server.reason) == ("journeys", "declared")
    assert [one.source for one in server.others] == ["meter"]


def test_a_declared_source_that_is_silent_makes_the_total_unknown(shop: tuple[ServiceContext, str]) -> None:
    context, app = shop
    declare(context, app, "bill")
    view = shown(context)
    assert view.measures.impact.value is None
    assert view.measures.impact.missing == "source_silent"
    assert tier(view, "device").figure.value is not None
    assert portfolio(context, PortfolioQuery()).totals.measures.impact.value is None
    meter(context, 3.0, source="bill:cloud")
    assert tier(shown(context), "server").source == "bill"


def test_a_meter_alone_is_a_figure_of_all_visits(shop: tuple[ServiceContext, str]) -> None:
    context, _ = shop
    other, _ = support.add_application(context, "batch", None, ())
    support.add_traffic(context, other, None, {date(2026, 10, 5): 50.0})
    at = datetime(2026, 10, 1, tzinfo=UTC)
    activity = Activity(
        entity="batch/api", quantity="energy", value=1.0, unit="kWh", method="metered",
        attributes={"tier": "server", "zone": "FR", "boundary": "it", "basis": "total"},
    )  # fmt: skip
    fact = Fact(activity=activity, run_id="x", started_at=at, ended_at=at)
    context.ledger.replace(Slice(source="meter:b", first_day=OCTOBER, end_day=date(2026, 10, 2)), [fact])
    figures.refresh(context)
    view = application(context, "batch")
    assert view is not None
    assert view.measures.impact.value == pytest.approx(support_value(context, 1.0), rel=1e-12)
    assert view.measures.per_visit.value == pytest.approx(support_value(context, 1.0) / 50, rel=1e-12)
    assert view.measures.impact.covered == 1.0


_KEYS = [Key(tier, phase, "gwp100", "location") for tier in ("device", "server") for phase in ("use", "embodied")]


@given(
    st.lists(st.floats(0, 1e9), min_size=4, max_size=4), st.lists(st.floats(0, 1e9) | st.none(), min_size=4, max_size=4),
    st.dictionaries(st.sampled_from(("device", "server")), st.sampled_from(list(SourceKind)), max_size=2),
)  # fmt: skip
def test_tiers_and_phases_of_any_mixture_sum_to_the_total(
    journeys: list[float], metered: list[float | None], declared: dict[str, SourceKind]
) -> None:
    units = {key: Amount([value]) for key, value in zip(_KEYS, journeys, strict=True)}
    totals = {SourceKind.METER: {k: Amount([v]) for k, v in zip(_KEYS, metered, strict=True) if v is not None}}
    found = count(units, totals, declared, OCTOBER)
    cell = application_cell(found, 10.0, 20.0)
    silent = any(source is SourceKind.BILL for source in declared.values()) or any(
        source is SourceKind.METER and not any(key.tier == tier for key in totals[SourceKind.METER])
        for tier, source in declared.items()
    )
    total = whole(_KEYS[0])
    assert (total in cell.unknown) == silent == (total not in cell.amounts)
    if silent:
        return
    for by in ("tier", "phase"):
        parts = [amount.value for key, amount in cell.amounts.items() if getattr(key, by)]
        assert math.fsum(parts) == pytest.approx(cell.amounts[total].value, rel=1e-12)
    most = sum(max(one, other or 0.0) for one, other in zip(journeys, metered, strict=True))
    assert cell.amounts[total].value <= most * (1 + 1e-12), "no tier is counted twice"


def test_a_meter_that_starts_is_no_change_of_traffic(shop: tuple[ServiceContext, str]) -> None:
    context, app = shop
    with context.store.reading() as session:
        journey = queries.journeys(session, [app])[0].id
    support.add_traffic(context, app, journey, {date(2026, 9, 5): 2000.0})
    meter(context, 10.0)
    change = shown(context).change
    assert change is not None
    assert (change.volume or 0.0) < 0 < (change.intensity or 0.0)
    effects = (change.before or 0.0, change.volume or 0.0, change.intensity or 0.0, change.factors or 0.0)
    assert math.fsum(effects) == pytest.approx(change.after, rel=1e-12)


def test_the_derivation_of_a_metered_application_adds_up_too(shop: tuple[ServiceContext, str]) -> None:
    context, _ = shop
    meter(context, 10.0)
    figures.refresh(context)
    view = explain(context, ExplainQuery(level="application", ref="cart"))
    assert view is not None
    assert {step.label: step.source for step in view.steps} == {"device": "journeys", "server": "meter"}
    assert math.fsum(step.figure.value or 0.0 for step in view.steps) == pytest.approx(view.figure.value, rel=1e-12)
