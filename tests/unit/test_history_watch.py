# SPDX-License-Identifier: Apache-2.0
"""Histories over real runs in a real store: what changed, after which deployment, and what is no change."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update
from tests.board_support import NOW, add_application, add_run, add_team, board, content

from lichen.service import history_watch
from lichen.service.board.queries import Visibility
from lichen.service.context import ServiceContext
from lichen.service.history_watch.readings import PREFIX, Readings, from_json
from lichen.service.history_watch.series import Cut, points, upgrades
from lichen.store.models import ChangeCandidate, ChangePoint, Deployment, Mark, Run, Setting

FIRST = date(2026, 10, 1)
BEFORE, AFTER = 100.0, 120.0
JUMP = 20


@pytest.fixture
def context(tmp_path: Path) -> Iterator[ServiceContext]:
    with board(tmp_path) as found:
        yield found


def seconds(day: int, level: float) -> float:
    """A level with a little noise that nobody drew: three values in turn."""
    return level * (1.0, 1.01, 0.99)[day % 3]


def measure(context: ServiceContext, application: str, days: range, level: float, **columns: Any) -> None:
    """A run a day, whose screen is lit for so long."""
    for day in days:
        run_id = add_run(
            context, application, content("shop", FIRST + timedelta(days=day), screen_s=seconds(day, level))
        )
        if columns:
            with context.store.session() as session:
                session.execute(update(Run).where(Run.run_id == run_id).values(**columns))


def at(day: int, hour: int = 0) -> datetime:
    return datetime.combine(FIRST + timedelta(days=day), time(hour), UTC)


def deploy(context: ServiceContext, application: str, day: int, version: str, hour: int = 18) -> None:
    with context.store.session() as session:
        session.add(
            Deployment(application_id=application, version=version, commit="0123456789abcdef", at=at(day, hour))
        )


def jumped(context: ServiceContext, **columns: Any) -> str:
    """An application that was looked at after 21 days, and got heavier on the day `JUMP`."""
    application, _ = add_application(context, "shop", add_team(context, "pay"))
    measure(context, application, range(10), BEFORE)
    history_watch.evaluate(context)
    measure(context, application, range(10, JUMP), BEFORE)
    measure(context, application, range(JUMP, JUMP + 12), AFTER, **columns)
    return application


def found(context: ServiceContext) -> list[ChangePoint]:
    with context.store.reading() as session:
        return list(session.scalars(select(ChangePoint).order_by(ChangePoint.indicator)))


def test_a_change_is_kept_with_the_deployment_before_it(context: ServiceContext) -> None:
    application = jumped(context)
    deploy(context, application, 3, "1.0")
    deploy(context, application, JUMP - 1, "1.1")
    deploy(context, application, JUMP + 6, "1.2")
    evaluated = history_watch.evaluate(context)
    (change,) = found(context)
    assert evaluated.changes == (change.id,)
    assert change.indicator == "gwp100"
    assert change.at_day == FIRST + timedelta(days=JUMP)
    assert change.confirmed_on == NOW.date()
    assert change.low is not None
    assert change.high is not None
    assert 0.03 < change.low <= change.change <= change.high < 0.21  # nearly all of it is the screen
    assert change.cause == "1.1 (0123456789)"
    view = history_watch.changes(context, "shop")
    assert view is not None
    (row,) = view.changes
    assert (row.journey and row.journey.code, row.deployment, row.restated) == ("buy", "1.1 (0123456789)", False)
    effect = next(one for one in view.effects if one.deployment.startswith("1.1"))
    assert effect.evidence == "worse"
    assert effect.difference is not None
    assert effect.before is not None
    assert effect.difference / effect.before == pytest.approx(change.change, abs=0.01)
    assert next(one for one in view.effects if one.deployment.startswith("1.2")).evidence == "no_evidence"
    assert history_watch.changes(context, "shop", Visibility(teams=frozenset())) is None
    assert history_watch.changes(context, "nothing") is None


def test_looking_again_adds_nothing_and_reads_nothing(context: ServiceContext) -> None:
    application = jumped(context)
    # gwp100 and network_bytes; requests were not counted
    assert history_watch.evaluate(context).series == 2
    assert history_watch.evaluate(context).series == 0
    measure(context, application, range(JUMP + 12, JUMP + 13), AFTER)
    again = history_watch.evaluate(context)
    assert again.series > 0
    assert again.changes == ()
    assert len(found(context)) == 1


def test_without_a_deployment_near_none_is_named(context: ServiceContext) -> None:
    application = jumped(context)
    deploy(context, application, 3, "1.0")
    history_watch.evaluate(context)
    (change,) = found(context)
    assert change.deployment_id is None
    assert change.cause is None


def test_an_upgrade_of_the_browser_marks_and_raises_no_change(context: ServiceContext) -> None:
    jumped(context, browser="2")
    history_watch.evaluate(context)
    assert found(context) == []
    view = history_watch.changes(context, "shop")
    assert view is not None
    assert [(mark.kind, mark.text, mark.source) for mark in view.marks] == [("browser", "2", "runs")]


@pytest.mark.parametrize(("kind", "cuts"), [("cluster", True), ("other", True), ("factors", False), ("method", False)])
def test_a_mark_cuts_unless_histories_are_restated_anyway(context: ServiceContext, kind: Any, cuts: bool) -> None:
    application = jumped(context)
    with context.store.session() as session:
        session.add(Mark(application_id=application, at=at(JUMP), kind=kind, text="moved", source="test"))
    history_watch.evaluate(context)
    assert len(found(context)) == (0 if cuts else 1)


def test_a_history_seen_for_the_first_time_is_not_news(context: ServiceContext) -> None:
    application, _ = add_application(context, "shop", None)
    measure(context, application, range(JUMP), BEFORE)
    measure(context, application, range(JUMP, JUMP + 12), AFTER)
    history_watch.evaluate(context)
    (change,) = found(context)
    assert change.cause == history_watch.RESTATED


def test_another_method_restates_a_history_and_raises_no_change(context: ServiceContext) -> None:
    application = jumped(context)
    history_watch.evaluate(context)
    with context.store.session() as session:
        row = session.get_one(Setting, PREFIX + application)
        row.value = {**row.value, "pin": ["another method", "", 0, []]}
        session.execute(ChangePoint.__table__.delete())
    updated = Readings(context, context.settings.alerts.watch).update(application)
    assert updated.restated
    assert not updated.is_new
    assert len(updated.readings) == JUMP + 12


def test_a_suspicion_stands_alone_for_a_day(context: ServiceContext) -> None:
    application, _ = add_application(context, "shop", None)
    history_watch.evaluate(context)
    measure(context, application, range(JUMP), BEFORE)
    for day in range(JUMP, JUMP + 8):
        measure(context, application, range(day, day + 1), AFTER)
        history_watch.evaluate(context)
        with context.store.reading() as session:
            suspected = session.scalars(select(ChangeCandidate)).all()
        if suspected:
            assert found(context) == []
            break
    measure(context, application, range(day + 1, day + 2), AFTER)
    history_watch.evaluate(context)
    assert len(found(context)) == 1


def test_factors_of_another_year_change_nothing(context: ServiceContext) -> None:
    """The same work on the last day of a year and on the first one of the next has one value."""
    application, _ = add_application(context, "shop", None)
    for year, month, day in ((2024, 12, 31), (2025, 1, 1)):
        add_run(context, application, content("shop", date(year, month, day), screen_s=100.0))
    first, second = Readings(context, ("gwp100",)).update(application).readings
    assert first.values == second.values
    assert first.values["buy"]["gwp100"] > 0


def test_readings_survive_the_cache(context: ServiceContext) -> None:
    application, _ = add_application(context, "shop", None)
    measure(context, application, range(3), BEFORE)
    reader = Readings(context, ("gwp100", "network_bytes", "screen_time"))
    made = reader.update(application)
    assert made.is_new
    assert [one.values["buy"]["network_bytes"] for one in made.readings] == [1e6] * 3
    assert reader.update(application).readings == made.readings
    assert from_json(made.readings[0].to_json()) == made.readings[0]


def test_a_day_has_one_point_and_clocks_do_not_matter(context: ServiceContext) -> None:
    application, _ = add_application(context, "shop", None)
    for hour in (0, 1, 2, 3, 23):  # the night in which Europe puts its clocks back
        document = content("shop", date(2026, 10, 25), screen_s=100.0 + hour)
        document["started_at"] = document["ended_at"] = f"2026-10-25T{hour:02}:30:00Z"
        add_run(context, application, document)
    readings = Readings(context, ("gwp100",)).update(application).readings
    (point,) = points(readings, "buy", "gwp100")
    assert (point.day, point.runs) == (date(2026, 10, 25), 5)
    assert points(readings, "buy", "nothing") == points(readings, "sell", "gwp100") == ()


def test_what_cuts_a_history_of_exact_quantities_is_the_browser_alone(context: ServiceContext) -> None:
    application, _ = add_application(context, "shop", None)
    measure(context, application, range(4), BEFORE)
    listed = list(Readings(context, ("gwp100", "network_bytes")).update(application).readings)
    moved = [*listed[:2], *(replace(one, host="another") for one in listed[2:])]
    assert len(points(moved, "buy", "gwp100")) == 2
    assert len(points(moved, "buy", "network_bytes")) == 4
    upgraded = [*listed[:2], *(replace(one, browser="another") for one in listed[2:])]
    assert len(points(upgraded, "buy", "network_bytes")) == 2
    assert upgrades(upgraded, exact=True) == (Cut(listed[2].at, "browser", "another"),)


def test_what_is_kept_of_an_application_goes_with_it(context: ServiceContext) -> None:
    application, _ = add_application(context, "shop", None)
    measure(context, application, range(3), BEFORE)
    history_watch.evaluate(context)
    with context.store.session() as session:
        assert session.get(Setting, PREFIX + application) is not None
        session.add(Setting(key=f"{PREFIX}gone", value={"runs": []}))
    history_watch.evaluate(context)
    with context.store.reading() as session:
        assert session.get(Setting, f"{PREFIX}gone") is None
        assert session.get(Setting, PREFIX + application) is not None
