# SPDX-License-Identifier: Apache-2.0
"""Scheduled work: when it is due, and that each moment is served once. The clock is handed in."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select
from tests.board_support import board

from lichen.cli.app import root
from lichen.config import Schedule, load_settings
from lichen.config.watching import read_schedule
from lichen.errors import ConfigError, JobFailed, UsageError
from lichen.service.context import ServiceContext
from lichen.service.tick_process import follow
from lichen.service.ticking import Work, all_work, chosen, plan, serve_due
from lichen.service.ticking.due import last_due, next_due
from lichen.service.workspace import Workspace
from lichen.store.lease import Lease
from lichen.store.models import JobRun

PARIS = ZoneInfo("Europe/Paris")
MONDAY = read_schedule("monday 09:00")


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@dataclass
class Clock:
    """A clock that goes as it is told."""

    now: datetime = field(default_factory=lambda: at("2026-11-23T12:00"))

    def __call__(self) -> datetime:
        return self.now


@dataclass
class Recorded:
    """Work that notes when it is done."""

    clock: Clock
    done: list[datetime] = field(default_factory=list)
    fails: int = 0

    def __call__(self, _: ServiceContext) -> dict[str, int]:
        if self.fails:
            self.fails -= 1
            raise JobFailed("It did not work.")
        self.done.append(self.clock.now)
        return {"messages": 1}


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def context(tmp_path: Path, clock: Clock) -> Iterator[ServiceContext]:
    with board(tmp_path) as found:
        yield replace(found, clock=clock)


@pytest.fixture
def job(clock: Clock) -> Recorded:
    return Recorded(clock)


def work(job: Callable[[ServiceContext], dict[str, int]], schedule: Schedule = MONDAY, **more: bool) -> list[Work]:
    return [Work(name="job", at=schedule, do=job, **more)]


def rows(context: ServiceContext) -> Sequence[JobRun]:
    with context.store.reading() as session:
        return session.scalars(select(JobRun).order_by(JobRun.due_at)).all()


@pytest.mark.parametrize(
    ("schedule", "now", "last", "following"),
    [
        ("monday 09:00", "2026-11-23T08:00", "2026-11-23T08:00", "2026-11-30T08:00"),
        ("monday 09:00", "2026-11-23T07:59", "2026-11-16T08:00", "2026-11-23T08:00"),
        ("daily 05:00", "2026-11-23T12:00", "2026-11-23T04:00", "2026-11-24T04:00"),
        ("daily 05:00", "2026-07-01T12:00", "2026-07-01T03:00", "2026-07-02T03:00"),
        ("15 minutes", "2026-11-23T12:14", "2026-11-23T12:00", "2026-11-23T12:15"),
        # 2:30 is skipped on 29 March 2026: half past three by the new clock.
        ("daily 02:30", "2026-03-29T01:29", "2026-03-28T01:30", "2026-03-29T01:30"),
        ("daily 02:30", "2026-03-29T01:30", "2026-03-29T01:30", "2026-03-30T00:30"),
        # It comes twice on 25 October 2026: the first counts.
        ("daily 02:30", "2026-10-25T00:30", "2026-10-25T00:30", "2026-10-26T01:30"),
        ("daily 02:30", "2026-10-25T01:30", "2026-10-25T00:30", "2026-10-26T01:30"),
    ],
)
def test_when_it_is_due_by_hand(schedule: str, now: str, last: str, following: str) -> None:
    read = read_schedule(schedule)
    assert last_due(read, at(now), PARIS) == at(last)
    assert next_due(read, at(now), PARIS) == at(following)


@given(
    schedule=st.sampled_from(
        ["monday 09:00", "daily 02:30", "sunday 02:30", "15 minutes", "1440 minutes", "daily 00:00"]
    ),
    now=st.datetimes(datetime(2025, 1, 1), datetime(2027, 12, 31), timezones=st.just(UTC)),  # noqa: DTZ001
    zone=st.sampled_from(["Europe/Paris", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia", "UTC"]),
)
def test_now_lies_between_the_last_time_and_the_next(schedule: str, now: datetime, zone: str) -> None:
    read, where = read_schedule(schedule), ZoneInfo(zone)
    last, following = last_due(read, now, where), next_due(read, now, where)
    assert last <= now < following
    assert next_due(read, last, where) == following
    assert last_due(read, following, where) == following


@pytest.mark.parametrize(
    "text", ["", "0 minutes", "1441 minutes", "daily", "daily 24:00", "someday 09:00", "daily 9:00", 5]
)
def test_no_schedule(text: object) -> None:
    with pytest.raises(ValueError, match=r"^$"):
        read_schedule(text)


def test_a_moment_is_served_once(context: ServiceContext, clock: Clock, job: Recorded) -> None:
    clock.now = at("2026-11-23T09:00")
    assert [one.outcome for one in serve_due(context, work(job))] == ["done"]
    assert serve_due(context, work(job)) == []
    clock.now = at("2026-11-30T08:59")
    assert serve_due(context, work(job)) == []
    clock.now = at("2026-11-30T09:00")
    (served,) = serve_due(context, work(job))
    assert (served.due_at, served.counts) == (clock.now, {"messages": 1})
    assert len(job.done) == 2
    assert [(row.outcome, json.loads(row.detail or "")) for row in rows(context)] == [("done", {"messages": 1})] * 2


def test_what_was_missed_is_done_once(context: ServiceContext, clock: Clock, job: Recorded) -> None:
    clock.now = at("2026-11-02T09:00")
    serve_due(context, work(job))
    clock.now = at("2026-11-25T17:00")  # three Mondays later
    (served,) = serve_due(context, work(job))
    assert served.due_at == at("2026-11-23T09:00")
    assert serve_due(context, work(job)) == []
    assert len(job.done) == 2


def test_a_job_that_is_new_is_not_done_for_a_time_long_past(
    context: ServiceContext, clock: Clock, job: Recorded
) -> None:
    clock.now = at("2026-11-25T17:00")
    (served,) = serve_due(context, work(job))
    assert served.outcome == "skipped"
    assert job.done == []
    clock.now = at("2026-11-30T09:05")
    assert [one.outcome for one in serve_due(context, work(job))] == ["done"]


@pytest.mark.parametrize("more", [{"at_once": True}, {"schedule": read_schedule("60 minutes")}])
def test_what_does_no_harm_is_done_at_once(
    context: ServiceContext, clock: Clock, job: Recorded, more: dict[str, object]
) -> None:
    clock.now = at("2026-11-25T17:20")
    assert [one.outcome for one in serve_due(context, work(job, **more))] == ["done"]  # type: ignore[arg-type]


def test_a_clock_that_goes_back_repeats_nothing(context: ServiceContext, clock: Clock, job: Recorded) -> None:
    daily = work(job, read_schedule("daily 09:00"))
    clock.now = at("2026-11-23T09:10")
    serve_due(context, daily)
    for back in ("2026-11-23T08:50", "2026-11-22T23:00", "2026-11-23T09:05"):
        clock.now = at(back)
        assert serve_due(context, daily) == [], back
    assert len(job.done) == 1


def test_a_clock_that_was_years_ahead_stops_nothing(context: ServiceContext, clock: Clock, job: Recorded) -> None:
    daily = work(job, read_schedule("daily 09:00"))
    for moment in ("2026-11-22T09:00", "2036-01-01T12:00", "2026-11-23T09:00", "2026-11-24T09:00"):
        clock.now = at(moment)
        serve_due(context, daily)
    assert job.done == [at("2026-11-22T09:00"), at("2036-01-01T12:00"), at("2026-11-23T09:00"), at("2026-11-24T09:00")]


def test_the_nights_on_which_clocks_change_have_one_time_each(
    context: ServiceContext, clock: Clock, job: Recorded, tmp_path: Path
) -> None:
    (tmp_path / "lichen.toml").write_text('[notify]\ntime_zone = "Europe/Paris"\n')
    local = replace(context, workspace=Workspace(load_settings(tmp_path / "lichen.toml", env={})))
    nightly = work(job, read_schedule("daily 02:30"))
    for start in ("2026-03-28T12:00", "2026-10-24T12:00"):
        clock.now = at(start)
        serve_due(local, nightly)
        job.done.clear()
        for minutes in range(0, 48 * 60, 20):
            clock.now = at(start) + timedelta(minutes=minutes)
            serve_due(local, nightly)
        assert len(job.done) == 2, start


def test_what_failed_is_tried_again_after_a_while(context: ServiceContext, clock: Clock, job: Recorded) -> None:
    job.fails = 1
    clock.now = at("2026-11-23T09:00")
    (served,) = serve_due(context, work(job))
    assert (served.outcome, served.problem) == ("failed", "It did not work.")
    clock.now += timedelta(minutes=5)
    assert serve_due(context, work(job)) == []
    clock.now += timedelta(minutes=10)
    assert [one.outcome for one in serve_due(context, work(job))] == ["done"]
    job.fails = 100
    clock.now = at("2026-11-30T09:00")
    for _ in range(40):
        serve_due(context, work(job))
        clock.now += timedelta(minutes=15)
    assert 100 - job.fails == 24  # every quarter of an hour for six hours


def test_one_that_fails_does_not_keep_the_others(context: ServiceContext, clock: Clock, job: Recorded) -> None:
    def broken(_: ServiceContext) -> dict[str, int]:
        raise KeyError("secret")

    hourly = read_schedule("60 minutes")
    listed = [Work(name="broken", at=hourly, do=broken), Work(name="sound", at=hourly, do=job)]
    assert [one.outcome for one in serve_due(context, listed)] == ["failed", "done"]


def test_what_another_does_now_is_left_to_it_and_done_again_when_it_was_killed(
    context: ServiceContext, clock: Clock, job: Recorded
) -> None:
    clock.now = at("2026-11-23T09:00")
    other = Lease(context.store, "tick/job", holder="another")
    assert other.acquire()
    with context.store.session() as session:
        session.add(JobRun(job="job", due_at=clock.now, started_at=clock.now))
    assert serve_due(context, work(job)) == []
    other.release()  # as when its time is over
    assert [one.outcome for one in serve_due(context, work(job))] == ["done"]
    assert len(rows(context)) == 1


def test_a_plan_does_nothing(context: ServiceContext, clock: Clock, job: Recorded) -> None:
    clock.now = at("2026-11-23T09:00")
    (one,) = plan(context, work(job))
    assert (one.due_at, one.next_at) == (at("2026-11-23T09:00"), at("2026-11-30T09:00"))
    assert rows(context) == []
    serve_due(context, work(job))
    assert plan(context, work(job))[0].due_at is None


def settings(tmp_path: Path, text: str) -> Workspace:
    (tmp_path / "lichen.toml").write_text(text)
    return Workspace(load_settings(tmp_path / "lichen.toml", env={}))


def test_commands_of_the_settings_are_run_in_their_folder(
    context: ServiceContext, clock: Clock, tmp_path: Path
) -> None:
    python = json.dumps(sys.executable)
    space = settings(
        tmp_path,
        f"""
[[job]]
name = "import"
at = "60 minutes"
command = [{python}, "-c", "open('done', 'a').write('x')"]
[[job]]
name = "broken"
at = "60 minutes"
command = [{python}, "-c", "import sys; sys.exit('no such file')"]
[[job]]
name = "missing"
at = "60 minutes"
command = ["./nothing"]
""",
    )
    here = replace(context, workspace=space)
    listed = [one for one in all_work(space.settings) if not one.by_server]
    served = serve_due(here, listed)
    assert [one.outcome for one in served] == ["done", "failed", "failed"]
    assert served[1].problem.endswith("ended with code 1: no such file")
    assert "cannot be started" in served[2].problem
    assert (tmp_path / "done").read_text() == "x"


def test_jobs_are_called_by_names_of_their_own(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="called as one of Lichen's own"):
        settings(tmp_path, '[[job]]\nname = "watch"\nat = "daily 05:00"\ncommand = ["true"]\n')
    with pytest.raises(UsageError, match="no job 'x'"):
        chosen(all_work(settings(tmp_path, "").settings), "x")


def test_what_the_settings_ask_for(tmp_path: Path) -> None:
    assert [one.name for one in all_work(settings(tmp_path, "").settings)] == ["watch", "alerts", "compact"]
    asked = settings(
        tmp_path, '[tick]\nmeasure = "sunday 03:00"\n[[channel]]\nname = "pay"\nkind = "slack"\nurl_env = "URL"\n'
    )
    listed = all_work(asked.settings)
    assert [one.name for one in listed] == ["measure", "watch", "alerts", "digest", "deliveries", "compact"]
    assert [one.name for one in listed if not one.by_server] == ["measure"]
    assert str(next(one.at for one in listed if one.name == "digest")) == "monday 09:00"


def test_the_server_does_what_is_due_until_it_ends(context: ServiceContext, clock: Clock) -> None:
    rounds = iter([False, False, True])
    follow(context, lambda _: next(rounds))
    assert {row.job for row in rows(context)} == {"watch", "alerts", "compact"}
    assert {row.outcome for row in rows(context)} <= {"done", "skipped"}


def test_the_command_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    run = CliRunner()
    first = run.invoke(root, ["tick", "--job", "alerts", "--json"])
    assert [(one["job"], one["outcome"]) for one in json.loads(first.stdout)] == [("alerts", "done")]
    assert json.loads(run.invoke(root, ["tick", "--job", "alerts", "--json"]).stdout) == []
    planned = json.loads(run.invoke(root, ["tick", "--dry-run", "--json"]).stdout)
    assert {one["job"]: one["due_at"] is None for one in planned}["alerts"]
    (tmp_path / "lichen.toml").write_text('[[job]]\nname = "import"\nat = "60 minutes"\ncommand = ["./nothing"]\n')
    failed = run.invoke(root, ["tick", "--job", "import"])
    assert failed.exit_code == 3
    assert "import" in failed.output
