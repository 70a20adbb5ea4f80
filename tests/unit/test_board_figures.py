# SPDX-License-Identifier: Apache-2.0
"""Figures of the board: per visit x traffic, sums that equal their lines, ranges of shared factors, only what was touched."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from tests import board_support as support

import lichen
from lichen.service.board import figures
from lichen.service.board.application import application
from lichen.service.board.portfolio import portfolio
from lichen.service.board.queries import EVERYTHING, PortfolioQuery, SeriesQuery, Visibility
from lichen.service.board.reading import Look
from lichen.service.board.rows import RunRow
from lichen.service.board.series import series
from lichen.service.context import ServiceContext
from lichen.store.models import Application, AuditEvent, Traffic
from lichen.store.queries import board as queries
from lichen.store.queries.board import FigureFact

OCTOBER = date(2026, 10, 1)


@dataclass
class World:
    """Three applications: two of the team shop, one of nobody."""

    context: ServiceContext
    team: str
    ids: dict[str, str]
    journeys: dict[str, dict[str, str]]
    contents: dict[str, dict[str, object]]


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with support.board(tmp_path) as context:
        team = support.add_team(context, "shop")
        made = World(context, team, {}, {}, {})
        for code, screen_s, visits in (("cart", 10.0, 1000.0), ("search", 4.0, 500.0), ("orphan", 7.0, 300.0)):
            owner = team if code != "orphan" else None
            made.ids[code], made.journeys[code] = support.add_application(context, code, owner)
            made.contents[code] = support.content(code, date(2026, 9, 15), screen_s=screen_s)
            support.add_run(context, made.ids[code], made.contents[code])
            days = {date(2026, 10, 5): visits, date(2026, 10, 20): visits}
            support.add_traffic(context, made.ids[code], made.journeys[code]["buy"], days)
        figures.refresh(context)
        yield made


def of(world: World, level: str, ref: str, *, indicator: str = "gwp100", split: bool = False) -> list[FigureFact]:
    with world.context.store.reading() as session:
        look = Look(world.context, session, EVERYTHING, None, indicator)
        return queries.of_refs(session, look.kind(level), [ref], date(2000, 1, 1), date(2030, 1, 1), split=split)


def per_visit(world: World, *codes: str, times: dict[str, float] | None = None) -> tuple[float, float, float]:
    """Value and bounds of gwp100, straight from the model: so many visits of each application."""
    rows = []
    for code in codes:
        for row in world.contents[code]["activities"]:  # type: ignore[attr-defined]
            plain = {key: value for key, value in row.items() if key != "samples"}
            rows.append(plain | {"value": plain["value"] * (times or {}).get(code, 1.0)})
    facts = world.contents[codes[0]]["context"]
    found = lichen.evaluate(rows, context=facts, on=OCTOBER)  # type: ignore[arg-type]
    table = found.totals(by=lambda _: "all")
    chosen = [at for at, name in enumerate(table["indicator"]) if name == "gwp100"]
    value = math.fsum(table["value"][at] for at in chosen)
    return value, min(table["low"][at] for at in chosen), max(table["high"][at] for at in chosen)


def test_a_month_is_the_figure_of_a_visit_times_its_visits(world: World) -> None:
    (month,) = of(world, "application", world.ids["cart"])
    value, _, _ = per_visit(world, "cart")
    assert month.value == pytest.approx(value * 2000, rel=1e-12)
    assert month.units == 2000
    assert month.period == OCTOBER


def test_lines_add_up_to_totals_exactly(world: World) -> None:
    apps = {code: of(world, "application", one)[0].value for code, one in world.ids.items()}
    (team,) = of(world, "team", world.team)
    (whole,) = of(world, "organisation", "")
    assert team.value == math.fsum([apps["cart"] or 0.0, apps["search"] or 0.0])
    assert whole.value == math.fsum(value or 0.0 for value in apps.values())
    view = portfolio(world.context, PortfolioQuery())
    assert view.totals.measures.impact.value == math.fsum(row.measures.impact.value or 0.0 for row in view.rows)


def test_tiers_and_phases_add_up_to_the_application(world: World) -> None:
    rows = of(world, "application", world.ids["cart"], split=True)
    whole = next(row.value for row in rows if not row.tier and not row.phase)
    for by in ("tier", "phase"):
        parts = [row.value or 0.0 for row in rows if getattr(row, by)]
        assert len(parts) == 2
        assert math.fsum(parts) == pytest.approx(whole, rel=1e-12)


def test_the_range_of_a_sum_is_that_of_its_shared_factors(world: World) -> None:
    """The range of one evaluation of all rows together: bounds that were drawn apart would be narrower."""
    rows = of(world, "organisation", "", split=True)
    times = {"cart": 2000.0, "search": 1000.0, "orphan": 600.0}
    entities = [
        {k: v for k, v in row.items() if k != "samples"} | {"value": row["value"] * times[code]}
        for code in times
        for row in world.contents[code]["activities"]  # type: ignore[attr-defined]
    ]
    table = lichen.evaluate(entities, context=world.contents["cart"]["context"], on=OCTOBER).totals(by="all")  # type: ignore[arg-type]
    for phase in ("use", "embodied"):
        at = next(i for i, name in enumerate(table["indicator"]) if name == "gwp100" and table["phase"][i] == phase)
        row = next(one for one in rows if one.phase == phase)
        assert row.value == pytest.approx(table["value"][at], rel=1e-12)
        assert row.low == pytest.approx(table["low"][at], rel=1e-9)
        assert row.high == pytest.approx(table["high"][at], rel=1e-9)


def test_days_take_the_newest_run_up_to_them(world: World) -> None:
    heavier = support.content("cart", date(2026, 10, 10), screen_s=20.0)
    support.add_run(world.context, world.ids["cart"], heavier)
    before = of(world, "application", world.ids["cart"])[0].value or 0.0
    figures.refresh(world.context, [world.ids["cart"]])
    (month,) = of(world, "application", world.ids["cart"])
    first, _, _ = per_visit(world, "cart")
    world.contents["cart"] = heavier
    second, _, _ = per_visit(world, "cart")
    assert month.value == pytest.approx(1000 * first + 1000 * second, rel=1e-12)
    assert month.value is not None
    assert month.value > before


def test_only_what_was_touched_is_computed_again(world: World) -> None:
    assert figures.refresh(world.context) == figures.Refreshed(0, 0, 0)
    support.add_traffic(world.context, world.ids["search"], world.journeys["search"]["buy"], {date(2026, 9, 1): 10.0})
    found = figures.refresh(world.context)
    assert (found.applications, found.months) == (1, 1)
    assert [row.period for row in of(world, "organisation", "")] == [date(2026, 9, 1), OCTOBER]
    assert [row.period for row in of(world, "application", world.ids["cart"])] == [OCTOBER]


def test_sums_follow_an_application_to_another_team(world: World) -> None:
    other = support.add_team(world.context, "bank")
    with world.context.store.session() as session:
        moved = session.get(Application, world.ids["search"])
        assert moved is not None
        moved.team_id = other
    figures.refresh(world.context)
    assert of(world, "team", other)[0].value == of(world, "application", world.ids["search"])[0].value
    assert of(world, "team", world.team)[0].value == of(world, "application", world.ids["cart"])[0].value


def test_an_application_that_is_gone_is_gone_from_the_sums(world: World) -> None:
    with world.context.store.session() as session:
        for row in session.query(Traffic).filter(Traffic.application_id == world.ids["orphan"]):
            session.delete(row)
    figures.refresh(world.context)
    assert of(world, "application", world.ids["orphan"]) == []
    assert of(world, "organisation", "")[0].value == of(world, "team", world.team)[0].value


def test_visits_without_a_run_are_told_and_have_no_figure(world: World) -> None:
    application, journeys = support.add_application(world.context, "new", world.team)
    support.add_traffic(world.context, application, journeys["buy"], {date(2026, 10, 1): 50.0})
    figures.refresh(world.context)
    row = next(row for row in portfolio(world.context, PortfolioQuery()).rows if row.application.code == "new")
    assert row.measures.visits == 50
    assert row.measures.impact.value is None
    assert row.measures.impact.missing == "no_run"
    assert row.measures.per_visit.value is None


def test_a_measured_journey_and_another_one_cover_a_part_of_the_visits(world: World) -> None:
    _, journeys = support.add_application(world.context, "half", None, ("buy", "read"))
    with world.context.store.reading() as session:
        application = next(one.id for one in queries.applications(session) if one.code == "half")
    support.add_run(world.context, application, support.content("half", date(2026, 9, 1), screen_s=5.0))
    for code, visits in (("buy", 30.0), ("read", 70.0)):
        support.add_traffic(world.context, application, journeys[code], {date(2026, 10, 3): visits})
    figures.refresh(world.context)
    row = next(row for row in portfolio(world.context, PortfolioQuery()).rows if row.application.code == "half")
    assert row.measures.impact.covered == pytest.approx(0.3)
    assert row.measures.per_visit.value == pytest.approx((row.measures.impact.value or 0.0) / 30)


def test_visits_of_the_whole_application_go_to_its_measured_journeys(world: World) -> None:
    application, _ = support.add_application(world.context, "site", None, ("a", "b"))
    document = support.content("site", date(2026, 9, 1), screen_s=5.0, journeys=("a", "b"))
    support.add_run(world.context, application, document)
    support.add_traffic(world.context, application, None, {date(2026, 10, 3): 100.0})
    figures.refresh(world.context)
    (month,) = of(world, "application", application)
    world.contents["site"] = document
    both, _, _ = per_visit(world, "site")
    assert month.value == pytest.approx(both * 50, rel=1e-12)
    assert month.units == 100


def test_two_sources_of_the_same_visits_count_once(world: World) -> None:
    support.add_traffic(
        world.context, world.ids["cart"], world.journeys["cart"]["buy"], {date(2026, 10, 5): 999.0}, source="log"
    )
    figures.refresh(world.context)
    assert of(world, "application", world.ids["cart"])[0].units == 2000


def test_another_method_is_computed_for_one_application_and_leaves_the_sums(world: World) -> None:
    before = of(world, "organisation", "")
    other = world.context.workspace.method("swdm-4")
    figures.compute(world.context, world.ids["cart"], other)
    with world.context.store.reading() as session:
        look = Look(world.context, session, EVERYTHING, None, "gwp100", "swdm-4")
        rows = queries.of_refs(session, look.kind("application"), [world.ids["cart"]], OCTOBER, OCTOBER)
        assert rows
        assert rows[0].value != of(world, "application", world.ids["cart"])[0].value
        assert queries.of_refs(session, look.kind("organisation"), [""], OCTOBER, OCTOBER) == []
    assert of(world, "organisation", "") == before


def test_whoever_sees_one_team_gets_its_sums_and_nothing_of_others(world: World) -> None:
    seen = Visibility(teams=frozenset({world.team}))
    view = portfolio(world.context, PortfolioQuery(), seen)
    assert {row.application.code for row in view.rows} == {"cart", "search"}
    assert view.totals.measures.impact.value == of(world, "team", world.team)[0].value
    assert view.totals.unallocated_cost is None
    assert series(world.context, SeriesQuery(), seen) is None
    assert series(world.context, SeriesQuery(level="application", ref="orphan"), seen) is None


def test_what_the_newest_run_lacks_is_told(world: World) -> None:
    document = support.content("cart", date(2026, 10, 21), screen_s=10.0)
    for row in document["activities"]:
        if row["quantity"] == "cpu_time":
            row["value"], row["samples"] = None, [None]
    support.add_run(world.context, world.ids["cart"], document)
    figures.refresh(world.context, [world.ids["cart"]])
    view = application(world.context, "cart")
    assert view is not None
    assert "cpu_time" in {quantity for quantity, _ in view.not_covered}
    other = application(world.context, "search")
    assert other is not None
    assert "cpu_time" not in {quantity for quantity, _ in other.not_covered}


def test_an_import_is_news_once(world: World) -> None:
    assert not figures.has_news(world.context)
    with world.context.store.session() as session:
        session.add(
            AuditEvent(actor="command:test", action="import", subject_kind="traffic", subject_id="cart", address=None)
        )
        session.add(Traffic(application_id=world.ids["cart"], journey_id=world.journeys["cart"]["buy"],
                            day=date(2026, 10, 7), visits=1000.0, page_views=None, users=None, source="csv"))  # fmt: skip
    assert figures.has_news(world.context)
    assert figures.refresh(world.context, [world.ids["search"]]).applications == 1
    assert not figures.has_news(world.context)
    assert of(world, "application", world.ids["cart"])[0].units == 3000


def test_a_new_run_reads_the_runs_of_its_month_and_no_history(tmp_path: Path) -> None:
    with support.board(tmp_path) as context:
        app, journeys = support.add_application(context, "cart", None)
        for month in range(1, 10):
            support.add_run(context, app, support.content("cart", date(2026, month, 3), screen_s=float(month)))
            support.add_traffic(context, app, journeys["buy"], {date(2026, month, 20): 10.0})
        support.add_traffic(context, app, journeys["buy"], {date(2026, 10, 2): 10.0, date(2026, 10, 25): 10.0})
        figures.refresh(context, [app])
        september = next(row.run_id for row in application_runs(context) if row.measured_at.month == 9)
        new = support.add_run(context, app, support.content("cart", date(2026, 10, 21), screen_s=5.0))
        read: list[str] = []

        def contents(run_ids: Collection[str]) -> Mapping[str, Mapping[str, Any]]:
            read.extend(run_ids)
            return figures.read_contents(context, run_ids)

        found = figures.refresh(context, [app], contents=contents)
        assert (found.applications, found.months) == (1, 1)
        assert sorted(read) == sorted([september, new])


def application_runs(context: ServiceContext) -> Sequence[RunRow]:
    view = application(context, "cart")
    assert view is not None
    return view.runs
