# SPDX-License-Identifier: Apache-2.0
"""Whatever is done to a ledger, in whatever order, it holds what a dictionary would."""

from __future__ import annotations

import math
import shutil
import tempfile
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from tests.ledger_support import row, run_of

from lichen.ledger import Fact, RunContent, Selection, Slice, open_ledger
from lichen.records import Activity

FIRST = date(2025, 12, 30)
DAYS = st.integers(0, 40).map(lambda count: FIRST + timedelta(days=count))
APPS = st.sampled_from(["loans", "l'atelier", "shop"])
VALUES = st.one_of(st.none(), st.floats(0, 1e9), st.just(0.0))
RUNS = st.builds(
    lambda app, day, values, version: run_of(
        *(row(value=value, app=app, step=f"s{index}") for index, value in enumerate(values)),
        day=day.isoformat(), project=app, version=str(version),
    ),
    APPS, DAYS, st.lists(VALUES, min_size=1, max_size=3), st.integers(0, 3),
)  # fmt: skip


class LedgerMachine(RuleBasedStateMachine):
    """A ledger beside what it must hold."""

    @initialize()
    def begin(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="lichen-ledger-"))
        self.ledger = open_ledger(str(self.folder))
        self.runs: dict[str, RunContent] = {}
        self.facts: list[tuple[str, str, date, float]] = []
        self.first_day = date.min

    def teardown(self) -> None:
        shutil.rmtree(self.folder)

    @rule(runs=st.lists(RUNS, max_size=4))
    def append(self, runs: list[RunContent]) -> None:
        kept = {run.run_id: run for run in runs if run.started_on >= self.first_day}
        fresh = {key: run for key, run in kept.items() if key not in self.runs}
        appended = self.ledger.append_runs(runs)
        assert appended.runs == len(fresh)
        assert appended.runs + appended.already + appended.expired == len(runs)
        self.runs.update(fresh)

    @rule(start=DAYS, length=st.integers(1, 20), app=st.one_of(st.none(), APPS), data=st.data())
    def replace(self, start: date, length: int, app: str | None, data: st.DataObject) -> None:
        end = start + timedelta(days=length)
        inside = st.dates(max(start, self.first_day), end - timedelta(days=1)) if end > self.first_day else st.nothing()
        wanted = st.tuples(st.just("bill"), APPS if app is None else st.just(app), inside, st.floats(0, 1e6))
        facts = data.draw(st.lists(wanted, max_size=4) if end > self.first_day else st.just([]))
        chosen = Slice(source="bill", first_day=start, end_day=end, application=app)
        assert self.ledger.replace(chosen, [fact(*one) for one in facts]) == len(facts)
        left = [one for one in self.facts if not (start <= one[2] < end and app in (None, one[1]))]
        self.facts = [*left, *facts]

    @rule(day=DAYS)
    def retain(self, day: date) -> None:
        self.ledger.retain(day)
        self.first_day = max(day, self.first_day)
        self.runs = {key: run for key, run in self.runs.items() if run.started_on >= self.first_day}
        self.facts = [one for one in self.facts if one[2] >= self.first_day]

    @rule(hours=st.sampled_from([0, 24]))
    def compact(self, hours: int) -> None:
        self.ledger.compact(hours)

    @rule()
    def reopen(self) -> None:
        self.ledger = open_ledger(str(self.folder))

    @invariant()
    def holds_the_same(self) -> None:
        rows = list(self.ledger.rows("activities"))
        bills = sorted(
            (one["source"], one["application"], one["day"], one["value"]) for one in rows if one["source"] == "bill"
        )
        assert bills == sorted(self.facts)
        assert self.ledger.evaluable(Selection(sources=["runs"])) == {
            key: run.content["activities"] for key, run in self.runs.items()
        }
        assert sorted(one["run_id"] for one in self.ledger.rows("runs")) == sorted(self.runs)
        assert all(self.ledger.run(key) == run.content for key, run in self.runs.items())

    @rule()
    def sums_the_same(self) -> None:
        for one in self.ledger.totals(["application"], peaks=(), selection=Selection(sources=["runs"])):
            values = [
                value["value"]
                for run in self.runs.values()
                for value in run.content["activities"]
                if run.application == one["application"]
            ]
            known = None if None in values else math.fsum(values)
            assert (one["value"] is None) == (known is None)
            assert known is None or math.isclose(one["value"], known, rel_tol=1e-12, abs_tol=1e-12)


def fact(source: str, app: str, day: date, value: float) -> Fact:
    moment = datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
    attributes: Mapping[str, str] = {"basis": "total"}
    activity = Activity(entity=f"{app}/vm", quantity="energy", value=value, unit="kWh", attributes=attributes)
    return Fact(activity=activity, run_id=source, started_at=moment, ended_at=moment)


TestLedgerMachine = LedgerMachine.TestCase
TestLedgerMachine.settings = settings(
    max_examples=5, stateful_step_count=8, deadline=None, suppress_health_check=list(HealthCheck)
)
