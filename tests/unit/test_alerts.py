# SPDX-License-Identifier: Apache-2.0
"""Alerts in a real store: what each rule finds, and that an alert fires once, is remembered, and is over."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from tests.board_support import add_application, add_run, add_team, add_traffic, board, content

from lichen.config import load_settings
from lichen.service import alerts, history_watch
from lichen.service.alerts import Finding, Findings
from lichen.service.alerts.rules import RULES, days_allowed
from lichen.service.board import figures
from lichen.service.board.queries import Visibility
from lichen.service.context import ServiceContext
from lichen.service.workspace import Workspace
from lichen.store.models import Alert, Budget, ChangePoint, Delivery, Target

TOML = """
[notify]
time_zone = "Europe/Paris"
quiet_from = "20:00"
quiet_to = "08:00"
[[channel]]
name = "everything"
kind = "webhook"
url_env = "ALL"
[[channel]]
name = "pay"
kind = "webhook"
url_env = "PAY"
teams = ["pay"]
[[channel]]
name = "deaf"
kind = "webhook"
url_env = "DEAF"
teams = ["pay"]
alerts = false
"""


@dataclass
class Clock:
    """A clock that goes as it is told; at noon in Paris."""

    now: datetime = field(default_factory=lambda: datetime(2026, 11, 23, 11, tzinfo=UTC))

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def context(tmp_path: Path, clock: Clock) -> Iterator[ServiceContext]:
    with board(tmp_path) as found:
        (tmp_path / "lichen.toml").write_text(TOML)
        settings = load_settings(tmp_path / "lichen.toml", env={})
        yield replace(found, clock=clock, workspace=Workspace(settings))


@pytest.fixture
def shop(context: ServiceContext) -> tuple[str, str]:
    """An application of the team pay, and its journey."""
    application, journeys = add_application(context, "shop", add_team(context, "pay"))
    return application, journeys["buy"]


def told(context: ServiceContext) -> list[tuple[str, str, str]]:
    """Messages: their channel, what happened, and when they may go."""
    with context.store.reading() as session:
        rows = session.scalars(select(Delivery).order_by(Delivery.created_at, Delivery.channel)).all()
    return [(row.channel, row.body["facts"]["change"], f"{row.next_attempt_at:%d %H:%M}") for row in rows]


def found(rule: str, context: ServiceContext) -> Findings:
    return RULES[rule](context)


def wrong(shop: tuple[str, str], **more: Any) -> Findings:
    finding = Finding(rule="budget", key="budget/1", application_id=shop[0], journey_id=shop[1], **more)
    return Findings({finding.key: finding})


def test_an_alert_fires_once_reminds_and_is_over(context: ServiceContext, clock: Clock, shop: tuple[str, str]) -> None:
    finding = wrong(shop, value=0.3, limit=0.2, detail={"what": "gwp100", "unit": "gCO2e/visit"})
    assert alerts.turn(context, finding).fired == ("budget/1",)
    for _ in range(3):
        clock.now += timedelta(hours=1)
        assert alerts.turn(context, finding) == alerts.Turned(open=1)
    assert told(context) == [("pay", "firing", "23 11:00")]
    clock.now += timedelta(days=7)
    assert alerts.turn(context, finding).reminded == ("budget/1",)
    clock.now += timedelta(hours=1)
    assert alerts.turn(context, finding).reminded == ()
    undecided = Findings({}, frozenset({"budget/1"}))
    assert alerts.turn(context, undecided).open == 1
    assert alerts.turn(context, Findings({})).resolved == ("budget/1",)
    assert alerts.turn(context, Findings({})) == alerts.Turned()
    assert [change for _, change, _ in told(context)] == ["firing", "reminder", "resolved"]
    assert alerts.turn(context, undecided) == alerts.Turned()
    assert alerts.turn(context, finding).fired == ("budget/1",)  # again, and told again
    assert [change for _, change, _ in told(context)] == ["firing", "reminder", "resolved", "firing"]
    (row, before) = alerts.listed(context)
    assert (row.state, before.state) == ("firing", "resolved")
    assert (row.what, row.value, row.limit, row.path) == ("gwp100", 0.3, 0.2, "/applications/shop")
    assert alerts.listed(context, Visibility(teams=frozenset())) == []


def test_quiet_hours_keep_a_message_till_the_morning(
    context: ServiceContext, clock: Clock, shop: tuple[str, str]
) -> None:
    clock.now = datetime(2026, 11, 23, 22, 30, tzinfo=UTC)
    alerts.turn(context, wrong(shop))
    assert told(context) == [("pay", "firing", "24 07:00")]


def test_quiet_hours_end_by_the_clock_on_the_wall_after_it_was_put_forward(
    context: ServiceContext, clock: Clock, shop: tuple[str, str]
) -> None:
    clock.now = datetime(2027, 3, 27, 23, 0, tzinfo=UTC)
    alerts.turn(context, wrong(shop))
    assert told(context) == [("pay", "firing", "28 06:00")]


def test_what_belongs_to_no_team_is_told_to_the_organisation(context: ServiceContext) -> None:
    application, _ = add_application(context, "orphan", None)
    alerts.turn(context, Findings({"a": Finding(rule="data_stopped", key="a", application_id=application)}))
    alerts.turn(context, Findings({"a": Finding(rule="data_stopped", key="a", application_id=application),
                                   "b": Finding(rule="channel_dead", key="b", detail={"subject": "everything"}),
                                   "c": Finding(rule="target", key="c", detail={"team": "pay"})}))  # fmt: skip
    assert [channel for channel, _, _ in told(context)] == ["everything", "pay"]  # a dead channel is not told of itself


def test_a_crash_between_the_message_and_the_alert_tells_once(
    context: ServiceContext, shop: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        pass

    def die(*_: object, **__: object) -> Any:
        raise Killed

    from lichen.service import notifying

    real = notifying.enqueue
    monkeypatch.setattr(notifying, "enqueue", lambda *args, **more: (real(*args, **more), die()))
    with pytest.raises(Killed):
        alerts.turn(context, wrong(shop))
    monkeypatch.setattr(notifying, "enqueue", real)
    with context.store.reading() as session:
        assert session.scalars(select(Alert)).all() == []
    assert alerts.turn(context, wrong(shop)).fired == ("budget/1",)
    assert len(told(context)) == 1


def budget(context: ServiceContext, shop: tuple[str, str], limit: float, **more: Any) -> None:
    columns = {"indicator_or_quantity": "network_bytes", "unit": "B", "per": "visit", "journey_id": shop[1], **more}
    with context.store.session() as session:
        session.add(Budget(application_id=shop[0], limit_value=limit, valid_from=date(2026, 1, 1), **columns))


def measure(context: ServiceContext, shop: tuple[str, str], days: int) -> None:
    for day in range(days):
        add_run(context, shop[0], content("shop", date(2026, 11, 1) + timedelta(days=day), screen_s=10.0))
    history_watch.evaluate(context)


def test_a_budget_of_a_visit_is_held_against_the_days_measured_last(
    context: ServiceContext, shop: tuple[str, str]
) -> None:
    budget(context, shop, 0.9e6)
    budget(context, shop, 1.1e6)
    budget(context, shop, 1.0, valid_to=date(2026, 2, 1))
    budget(context, shop, 1.0, indicator_or_quantity="nobody_knows")
    assert len(found("budget", context).undecided) == 3  # nothing is measured yet
    measure(context, shop, 6)
    (finding,) = found("budget", context).wrong.values()
    assert (finding.value, finding.limit, finding.detail["unit"]) == (1e6, 0.9e6, "B/visit")
    assert finding.detail["share"] == pytest.approx(1 / 9)
    assert len(found("budget", context).undecided) == 1


def test_a_budget_of_a_month_is_held_against_the_newest_full_month(
    context: ServiceContext, clock: Clock, shop: tuple[str, str]
) -> None:
    clock.now = datetime(2026, 12, 3, tzinfo=UTC)
    measure(context, shop, 3)
    add_traffic(context, shop[0], shop[1], {date(2026, 11, 10): 1000.0})
    figures.refresh(context)
    for journey in (shop[1], None):
        budget(context, shop, 1.0, per="month", indicator_or_quantity="gwp100", unit="gCO2e", journey_id=journey)
        budget(context, shop, 1e9, per="month", indicator_or_quantity="gwp100", unit="gCO2e", journey_id=journey)
    seen = found("budget", context)
    assert [finding.limit for finding in seen.wrong.values()] == [1.0, 1.0]
    assert all(finding.value and finding.value > 1 for finding in seen.wrong.values())
    assert seen.undecided == frozenset()


def change(context: ServiceContext, shop: tuple[str, str], day: date, by: float, **more: Any) -> None:
    columns = {"indicator": "gwp100", "confirmed_on": date(2026, 11, 20), **more}
    with context.store.session() as session:
        session.add(
            ChangePoint(application_id=shop[0], journey_id=shop[1], at_day=day, change=by, low=by, high=by, **columns)
        )


def test_a_change_for_the_worse_is_told_once_with_its_cause(
    context: ServiceContext, clock: Clock, shop: tuple[str, str]
) -> None:
    day = date(2026, 11, 12)
    change(context, shop, day, 0.08, cause="1.2 (abc)")
    change(context, shop, day + timedelta(days=1), 0.2, indicator="network_bytes")  # the same event
    change(context, shop, date(2026, 11, 1), 0.5, cause=history_watch.RESTATED)
    change(context, shop, date(2026, 10, 1), -0.5)
    (finding,) = found("change_point", context).wrong.values()
    assert (finding.detail["what"], finding.detail["share"], finding.detail["cause"]) == ("gwp100", 0.08, "1.2 (abc)")
    change(context, shop, date(2026, 11, 16), -0.10)
    (finding,) = found("change_point", context).wrong.values()
    assert finding.detail["what"] == "network_bytes"  # gwp100 is what it was
    clock.now += timedelta(days=40)
    assert found("change_point", context).wrong == {}  # the new normal


def test_data_that_stop_are_missed_by_their_own_measure(
    context: ServiceContext, clock: Clock, shop: tuple[str, str]
) -> None:
    measure(context, shop, 6)  # daily, until 6 November
    clock.now = datetime(2026, 11, 9, tzinfo=UTC)
    assert found("data_stopped", context).wrong == {}
    clock.now = datetime(2026, 11, 10, tzinfo=UTC)
    (finding,) = found("data_stopped", context).wrong.values()
    assert (finding.value, finding.limit, finding.detail["since"][:10]) == (4.0, 3.0, "2026-11-06")


def test_days_that_are_allowed_by_hand() -> None:
    weekly = [date(2026, 9, 7) + timedelta(days=7 * week) for week in range(8)]
    assert days_allowed(weekly, None) == 21.0
    assert days_allowed(weekly, 10) == 10.0
    assert days_allowed([date(2026, 9, 7), date(2026, 9, 8), date(2026, 9, 9)], None) == 3.0
    assert days_allowed(weekly[:2], None) is None


@pytest.mark.parametrize(("base_value", "is_left"), [(1.0, True), (1e12, False)])
def test_a_target_that_is_left(
    context: ServiceContext, clock: Clock, shop: tuple[str, str], base_value: float, is_left: bool
) -> None:
    clock.now = datetime(2026, 12, 3, tzinfo=UTC)
    days = [date(2025, 12, 2), *(date(2026, month, 2) for month in range(1, 12))]
    for day in days:
        add_run(context, shop[0], content("shop", day, screen_s=10.0))
    add_traffic(context, shop[0], shop[1], dict.fromkeys(days, 1000.0))
    figures.refresh(context)
    with context.store.session() as session:
        session.add(
            Target(
                scope="organisation", indicator="gwp100", base_year=2024, base_value=base_value, horizon_year=2030,
                reduction=0.3, valid_from=date(2024, 1, 1),
            )
        )  # fmt: skip
    seen = found("target", context)
    assert (set(seen.wrong), seen.undecided) == ({"target/organisation//gwp100"} if is_left else set(), frozenset())


def test_a_look_asks_every_rule(context: ServiceContext, shop: tuple[str, str]) -> None:
    measure(context, shop, 6)
    turned = alerts.look(context)
    assert turned.fired == (f"data/{shop[0]}",)
    assert alerts.look(context).fired == ()
