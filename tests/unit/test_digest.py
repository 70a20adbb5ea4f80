# SPDX-License-Identifier: Apache-2.0
"""The digest's figures, held against sums made by hand, on small boards."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from tests import board_support

from lichen.errors import UsageError
from lichen.portfolio.change import explain
from lichen.service import digest
from lichen.service.board import figures
from lichen.service.context import ServiceContext
from lichen.service.digest import About
from lichen.service.digest.model import Change, Move
from lichen.service.digest.weeks import ApplicationWeeks, JourneyWeeks, Unit, change, curve, over, read
from lichen.store.models import ChangePoint, Deployment

MONDAY = date(2026, 11, 9)
"""Of the newest week that is over on the day of the tests, a Sunday."""
WEEKS = [MONDAY - timedelta(days=7 * back) for back in range(5)]


def journey(code: str, visits: Mapping[date, float], *units: Unit) -> JourneyWeeks:
    return JourneyWeeks(code, code, code.title(), visits, units)


def application(*journeys: JourneyWeeks, complete: list[date] = WEEKS) -> ApplicationWeeks:
    return ApplicationWeeks("a", "shop", "Shop", None, journeys, frozenset(complete))


def test_a_change_is_split_into_visits_and_what_each_takes() -> None:
    """100 visits a week at 2 g before, 150 at 1.8 g now: 270 - 200 = 70; 0.5 x (2 + 1.8)/2 x 100 = 95; -0.2 x 125 = -25."""
    buy = journey("buy", dict.fromkeys(WEEKS[1:], 100.0) | {MONDAY: 150.0}, Unit(date(2026, 9, 1), 2.0),
                  Unit(date(2026, 11, 11), 1.8, 1.0, 3.0))  # fmt: skip
    found = change([application(buy)], MONDAY)
    assert found == Change(
        now=270.0, low=150.0, high=450.0, before=200.0, share=pytest.approx(0.35), volume=pytest.approx(0.475),
        intensity=pytest.approx(-0.125), weeks=4,
    )  # fmt: skip
    assert curve([application(buy)], MONDAY) == ()
    assert explain(application(buy).effects(MONDAY)) is not None


def test_a_run_changes_the_sum_in_its_own_week_alone() -> None:
    visits = {MONDAY - timedelta(days=7 * back): 100.0 for back in range(-1, 8)}
    buy = journey("buy", visits, Unit(date(2026, 9, 1), 2.0), Unit(MONDAY + timedelta(days=2), 1.0))
    shop = application(buy, complete=list(visits))
    assert change([shop], MONDAY - timedelta(days=7)).share == pytest.approx(0.0)
    assert change([shop], MONDAY).share == pytest.approx(-0.5)
    assert change([shop], MONDAY + timedelta(days=7)).share == pytest.approx(0.0)
    assert curve([shop], MONDAY) == (200.0,) * 7 + (100.0,)


def test_unknown_is_not_zero() -> None:
    unmeasured = application(journey("buy", dict.fromkeys(WEEKS, 100.0)))
    assert change([unmeasured], MONDAY) == Change(now=None)
    without_traffic = application(journey("buy", {}, Unit(date(2026, 9, 1), 2.0)), complete=[])
    assert change([without_traffic], MONDAY) == Change(now=None)
    a_day_lacks = application(journey("buy", dict.fromkeys(WEEKS, 1.0), Unit(MONDAY, 2.0)), complete=WEEKS[1:])
    assert change([a_day_lacks], MONDAY) == Change(now=None)
    first = application(journey("buy", {MONDAY: 100.0}, Unit(MONDAY, 2.0)), complete=[MONDAY])
    assert change([first], MONDAY) == Change(now=200.0)
    nobody_came = application(journey("buy", {MONDAY: 0.0}, Unit(MONDAY, 2.0)), complete=[MONDAY])
    assert change([nobody_came], MONDAY) == Change(now=0.0)


def test_shares_are_of_what_is_known_on_both_sides() -> None:
    known = application(journey("buy", dict.fromkeys(WEEKS, 100.0), Unit(date(2026, 9, 1), 2.0)))
    new = application(journey("new", {MONDAY: 50.0}, Unit(date(2026, 9, 1), 4.0)), complete=[MONDAY])
    found = change([known, new], MONDAY)
    assert (found.now, found.before, found.share) == (400.0, 200.0, 0.0)


@pytest.mark.parametrize("name", ["2026-W00", "2026-W54", "2026-47", "W47", "", "2026-W4७", "0000-W01", "99999-W01"])
def test_what_is_no_week(name: str) -> None:
    with pytest.raises(UsageError, match="is no week"):
        read(name)


def test_years_of_53_weeks() -> None:
    assert read("2026-W53") == date(2026, 12, 28)
    with pytest.raises(UsageError):
        read("2025-W53")
    assert over(date(2027, 1, 4)) == date(2026, 12, 28)


def board_of(context: ServiceContext, *, second_s: float = 40.0) -> tuple[str, str]:
    """A team with one measured application (50 visits a day before, 50 in the week, a run in it) and one that is not."""
    team = board_support.add_team(context, "loans")
    shop, journeys = board_support.add_application(context, "shop", team)
    board_support.add_application(context, "other", team, journeys=("look",))
    for day, screen_s in ((date(2026, 10, 1), 50.0), (date(2026, 11, 11), second_s)):
        board_support.add_run(context, shop, board_support.content("shop", day, screen_s=screen_s))
    days = {date(2026, 10, 5) + timedelta(days=n): 50.0 for n in range(45)}
    board_support.add_traffic(context, shop, journeys["buy"], days)
    figures.refresh(context)
    return team, shop


def deployed(context: ServiceContext, application_id: str, version: str, day: date) -> str:
    row = Deployment(
        application_id=application_id, version=version, at=datetime(day.year, day.month, day.day, tzinfo=UTC)
    )
    with context.store.session() as session:
        session.add(row)
    return row.id


def test_a_team_is_told_of_the_run_and_of_the_deployment_before_it(tmp_path: Path) -> None:
    with board_support.board(tmp_path) as context:
        _, shop = board_of(context)
        deployed(context, shop, "1.0", date(2026, 9, 30))
        deployed(context, shop, "1.1", date(2026, 11, 10))
        deployed(context, shop, "1.2", date(2026, 11, 12))
        found = digest.build(context, About("team", "loans"))
    assert (found.week, found.verdict, found.deployments) == ("2026-W46", "lighter", 2)
    (move,) = found.moves
    assert (move.kind, move.code, move.journey, move.on) == ("intensity", "shop", "", date(2026, 11, 11))
    assert move.share == pytest.approx(found.change.share)
    assert move.impact == pytest.approx((found.change.now or 0.0) - (found.change.before or 0.0))
    assert move.cause is not None
    assert (move.cause.kind, move.cause.version) == ("deployment", "1.1")
    assert [line.change.now is None for line in found.lines] == [False, True]
    assert (found.quality.applications, found.quality.measured, found.quality.without_traffic) == (2, 1, 1)
    assert found.suggestion is not None
    assert (found.suggestion.code, found.suggestion.last_run, found.suggestion.visits) == ("other", None, None)
    assert found.target is None
    assert found.cost is None
    assert digest.read_digest(digest.digest_message(found)) == found


def test_several_deployments_are_counted_and_none_is_accused(tmp_path: Path) -> None:
    with board_support.board(tmp_path) as context:
        _, shop = board_of(context)
        for number, day in enumerate((date(2026, 10, 2), date(2026, 11, 3), date(2026, 11, 11))):
            deployed(context, shop, f"1.{number}", day)
        cause = digest.build(context, About("application", "shop")).moves[0].cause
    assert cause is not None
    assert (cause.kind, cause.count, cause.version, cause.since) == ("deployments", 3, "1.2", date(2026, 10, 1))


def test_a_confirmed_change_comes_first_and_in_place_of_the_run(tmp_path: Path) -> None:
    with board_support.board(tmp_path) as context:
        _, shop = board_of(context)
        with context.store.session() as session:
            session.add(
                ChangePoint(
                    application_id=shop, journey_id=None, indicator="gwp100", at_day=date(2026, 11, 5), change=0.08, low=0.06,
                    high=0.1, confirmed_on=date(2026, 11, 12), deployment_id=deployed(context, shop, "2.0", date(2026, 11, 5)),
                    cause=None,
                )
            )  # fmt: skip
        moves = digest.build(context, About("team", "loans")).moves
        before = digest.build(context, About("team", "loans"), "2026-W45").moves
    assert [(move.kind, move.share, move.low, move.high) for move in moves] == [("change_point", 0.08, 0.06, 0.1)]
    assert moves[0].cause is not None
    assert moves[0].cause.version == "2.0"
    assert not [move for move in before if move.kind == "change_point"]


def test_a_week_without_news_is_one_line(tmp_path: Path) -> None:
    with board_support.board(tmp_path) as context:
        board_of(context, second_s=50.0)
        assert digest.build(context, About("team", "loans")).is_quiet


def test_empty_boards(tmp_path: Path) -> None:
    with board_support.board(tmp_path) as context:
        nothing = digest.build(context, About("organisation"))
        assert (nothing.verdict, nothing.change, nothing.moves, nothing.lines) == ("unknown", Change(now=None), (), ())
        board_support.add_team(context, "empty")
        assert digest.build(context, About("team", "empty")).verdict == "unknown"
        with pytest.raises(UsageError, match="There is no team 'emtpy'") as told:
            digest.build(context, About("team", "emtpy"))
        assert told.value.repair == "Did you mean 'empty'?"
        with pytest.raises(UsageError, match="There is no application 'shop'"):
            digest.build(context, About("application", "shop"))
        with pytest.raises(UsageError, match="2026-W47 is not over"):
            digest.build(context, About("organisation"), "2026-W47")


def test_a_clock_that_is_wrong_or_put_back_breaks_nothing(tmp_path: Path) -> None:
    with board_support.board(tmp_path) as context:
        board_of(context)
        for moment in (datetime(1971, 1, 1, tzinfo=UTC), datetime(2038, 1, 20, tzinfo=UTC)):
            found = digest.build(replace(context, clock=lambda moment=moment: moment), About("team", "loans"))
            assert found.change.now is None


def test_journeys_that_went_the_same_way_are_one_move(tmp_path: Path) -> None:
    with board_support.board(tmp_path) as context:
        shop, journeys = board_support.add_application(context, "shop", None, journeys=("buy", "look"))
        for day, screen_s in ((date(2026, 10, 1), 50.0), (date(2026, 11, 11), 40.0)):
            document = board_support.content("shop", day, screen_s=screen_s, journeys=("buy", "look"))
            board_support.add_run(context, shop, document)
        for ref in journeys.values():
            board_support.add_traffic(
                context, shop, ref, {date(2026, 10, 5) + timedelta(days=n): 50.0 for n in range(45)}
            )
        figures.refresh(context)
        moves: tuple[Move, ...] = digest.build(context, About("organisation")).moves
    assert [(move.kind, move.journey) for move in moves] == [("intensity", "")]


def test_channels_are_told_of_a_week_once(tmp_path: Path) -> None:
    toml = """
[[channel]]
name = "loans"
kind = "slack"
teams = ["loans"]
applications = ["shop"]
[[channel]]
name = "all"
kind = "slack"
[[channel]]
name = "alerts"
kind = "slack"
digest = false
"""
    (tmp_path / "lichen.toml").write_text(toml, encoding="utf-8")
    with board_support.board(tmp_path) as context:
        board_of(context)
        told = replace(context, workspace=board_support._of(tmp_path))
        assert len(digest.enqueue_week(told)) == 3
        assert digest.enqueue_week(told) == []
        assert len(digest.enqueue_week(told, "2026-W45")) == 3
        assert len(digest.enqueue_week(told, "2026-W44", only=About("team", "loans"))) == 1


def test_a_digest_of_the_sample_is_the_same_however_many_are_built(tmp_path: Path) -> None:
    with board_support.sample_board(tmp_path) as context:
        alone = digest.build(context, About("team", "sample-loans"))
        among = list(digest.build_all(context, [About("organisation"), About("team", "sample-loans")]))
    assert among[1] == alone
    assert alone.sample
    assert sum(line.change.now or 0.0 for line in alone.lines) == pytest.approx(alone.change.now)
    assert among[0].quality.applications == 80
