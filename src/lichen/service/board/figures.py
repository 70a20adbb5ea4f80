# SPDX-License-Identifier: Apache-2.0
"""Keeps the cache of figures up to date: what a run, traffic or factors touched is computed again, the rest is left.

A journey's month is the sum over its runs of the figure of one functional unit x the visits that take it. An application's month
takes each tier from the source that counts. Sums of teams and of the organisation add draws, so that their ranges are right; they
are computed again for the months whose applications changed.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from lichen.model.method import Method
from lichen.records import digest
from lichen.service.board.cells import Stamp, Sums, rows_of_cell
from lichen.service.board.gathering import FINGERPRINT, Gathered, gather, read_totals, state_of_totals
from lichen.service.board.units import Epochs
from lichen.service.board.working import PORTION, Contents, Model, Task, work
from lichen.service.context import ServiceContext
from lichen.store import Session
from lichen.store.queries import figures as queries
from lichen.store.queries import landing
from lichen.store.queries.figures import Fresh, Owned

__all__ = ["PORTION", "Refreshed", "compute", "has_news", "read_contents", "refresh", "stamp_of", "state"]

_LOOKED: Final = "figures.looked"
"""Key of the setting that holds the newest change of the portfolio that has been looked at."""
_TOTALS: Final = "figures.totals"
"""Key of the setting that holds the state of meters and bills that figures were last made of."""
_AT_ONCE: Final = 50
"""Applications whose runs and traffic are read at once."""
_MONTHS: Final = 13
_RUNS: Final = 480
"""Months, and runs without a figure, of one application that are worked on at once."""


@dataclass(frozen=True, slots=True)
class Refreshed:
    """What was computed again."""

    applications: int
    months: int
    rows: int


def stamp_of(context: ServiceContext, method: Method | None = None) -> Stamp:
    """What figures are marked by: a method, that of the settings when None, and the factors."""
    if method is None:
        method = context.workspace.method(context.settings.method.use)
    return Stamp(f"{method.method_id} {method.version}", context.workspace.factors.hash())


def has_news(context: ServiceContext) -> bool:
    """Whether somebody has imported or changed something since figures were brought up to date: a glance, at two rows."""
    with context.store.reading() as session:
        return bool(landing.setting(session, _LOOKED) != queries.last_change(session))


def state(session: Session) -> tuple[int, Any]:
    """Another one whenever somebody has imported or changed something, and once more when figures are up to date with it."""
    return queries.last_change(session), landing.setting(session, _LOOKED)


def refresh(
    context: ServiceContext, applications: Collection[str] | None = None, *, contents: Contents | None = None
) -> Refreshed:
    """Brings the cache of figures up to date.

    Args:
        applications: ids of those of which runs or traffic have changed; None: finds out which did, as it does when somebody
            has imported or changed something meanwhile.
        contents: where run files are read; None: the journal, then the ledger.

    Raises:
        StorageError: the store or the ledger cannot be read or written.
        ActivityError: a run that the model refuses.
    """
    return _Refresh(context, contents).run(applications)


def compute(context: ServiceContext, application: str, method: Method) -> None:
    """Figures of one application by another method than that of the settings, unless they are there.

    They stay until the application's figures are computed again.

    Args:
        application: its id.
    """
    stamp = stamp_of(context, method)
    with context.store.reading() as session:
        if queries.is_computed(session, application, stamp.method, stamp.factors_hash):
            return
    _Refresh(context, None, method).only(application)


def read_contents(context: ServiceContext, run_ids: Collection[str]) -> dict[str, Mapping[str, Any]]:
    """Run files by run: those that wait in the journal, the others from the ledger."""
    with context.store.reading() as session:
        files = queries.files(session, run_ids)
    return {
        run_id: context.ledger.evidence.run(file) if isinstance(file, str) else json.loads(gzip.decompress(file))
        for run_id, file in files.items()
    }


@dataclass(frozen=True, slots=True)
class _Stale:
    """An application of which something is not up to date.

    Attributes:
        months: to be computed; gone: months that it has no more.
        noted: what its figures will have been made of.
        changed: months of which the sums change: those, or all when it has another team.
    """

    application: Gathered
    months: Sequence[date]
    gone: Sequence[date]
    runs: Sequence[tuple[str, str, date]]
    noted: Mapping[str, Any]
    changed: frozenset[date]


class _Refresh:
    """One bringing up to date."""

    def __init__(self, context: ServiceContext, contents: Contents | None, method: Method | None = None) -> None:
        self._context = context
        self._stamp = stamp_of(context, method)
        self._model = Model(
            workspace=context.workspace,
            method=method or context.workspace.method(context.settings.method.use),
            stamp=self._stamp,
            epochs=Epochs(context.workspace.factors),
            contents=contents or (lambda run_ids: read_contents(context, run_ids)),
            today=context.clock().date(),
        )
        self._sums = Sums()
        self._added: dict[date, int] = {}
        self._rows = 0

    def run(self, asked: Collection[str] | None) -> Refreshed:
        """Computes what is stale: applications and their journeys first, then the sums of the months that changed."""
        with self._context.store.reading() as session:
            everything, change = queries.owned(session), queries.last_change(session)
            asked = asked if landing.setting(session, _LOOKED) == change else None
            seen, quick = queries.seen(session, asked), queries.fingerprints(session, asked)
            told = landing.setting(session, _TOTALS)
        state = told if asked is not None else state_of_totals(self._context)
        known = {one.application_id: one for one in everything}
        wanted = known if asked is None else {one: known[one] for one in asked if one in known}
        if asked is None and state == told:
            # Meters and bills tell what they told: of the applications that something else changed they are read again.
            facts = {one: self._facts(quick[one], _told_before(seen.get(one))) for one in wanted}
            chosen = [one for ref, one in wanted.items() if seen.get(ref, {}).get("facts") != facts[ref]]
            totals = read_totals(self._context, [one.code for one in chosen]) if chosen else {}
        else:
            totals = read_totals(self._context, None if asked is None else [one.code for one in wanted.values()])
            chosen = list(wanted.values())
        facts = {
            one.application_id: self._facts(quick[one.application_id], _told(totals.get(one.code))) for one in chosen
        }
        if asked is None:
            chosen = [
                one for one in chosen if seen.get(one.application_id, {}).get("facts") != facts[one.application_id]
            ]
        gone = [] if asked is not None else sorted(set(seen) - set(known))
        whole = len(chosen) == len(everything)
        changed: set[date] = set()
        noted: dict[str, Any] = {}
        months_of: dict[date, int] = {}
        for stale in self._stale(chosen, totals, seen, facts):
            for batch in stale:
                changed |= batch.changed
                noted[batch.application.owned.application_id] = batch.noted
                for month in batch.application.months():
                    months_of[month] = months_of.get(month, 0) + 1
            self._write(stale, add=whole)
        if gone:
            with self._context.store.reading() as session:
                changed |= queries.months_of_sums(session)
        complete = {month for month in changed if whole and self._added.get(month, 0) == months_of.get(month, 0)}
        self._sum(everything, changed - complete)
        self._write_sums(changed)
        with self._context.store.session() as session:
            queries.put_seen(session, noted, gone)
            landing.put_setting(session, _LOOKED, change)
            landing.put_setting(session, _TOTALS, state)
        return Refreshed(len(chosen), len(changed), self._rows)

    def only(self, application: str) -> None:
        """Adds what this method gives for one application to the cache; the sums stay those of the settings' method."""
        with self._context.store.reading() as session:
            chosen = [one for one in queries.owned(session) if one.application_id == application]
        for one in gather(self._context, chosen, read_totals(self._context, [one.code for one in chosen])):
            for task in self._tasks(one, one.months(), _runs(one, frozenset())):
                for _, _, fresh in work(self._model, [task]):
                    with self._context.store.session() as session:
                        queries.write(session, _of_method(fresh))

    def _facts(self, numbers: Sequence[Any], told: str) -> list[Any]:
        """What an application's figures come from, in a few words that change when a figure may have.

        Args:
            told: by meters and bills, as `_told` puts it.
        """
        words = [*numbers[1:], told, self._model.epochs.of(self._model.today)]
        return [numbers[0], self._stamp.method, self._stamp.factors_hash[:FINGERPRINT], *words]

    def _stale(
        self,
        chosen: Sequence[Owned],
        totals: Mapping[str, Any],
        seen: Mapping[str, Mapping[str, Any]],
        facts: Mapping[str, list[Any]],
    ) -> Iterator[list[_Stale]]:
        """Applications with what of them is stale, some at a time: about as many runs as are evaluated at once."""
        listed = list(chosen)
        for first in range(0, len(listed), _AT_ONCE):
            batch: list[_Stale] = []
            size = 0
            gathered = gather(self._context, listed[first : first + _AT_ONCE], totals)
            journeys = [journey.fact.journey_id for one in gathered for journey in one.journeys]
            with self._context.store.reading() as session:
                figured = queries.runs_with_figures(session, journeys, self._stamp.method, self._stamp.factors_hash)
            for one in gathered:
                application = one.owned.application_id
                stale = self._compared(one, seen.get(application, {}), facts[application], figured)
                batch.append(stale)
                size += Task(one, stale.months, stale.runs).size
                if size >= PORTION:
                    yield batch
                    batch, size = [], 0
            if batch:
                yield batch

    def _compared(
        self, one: Gathered, seen: Mapping[str, Any], facts: list[Any], figured: Collection[tuple[str, str]]
    ) -> _Stale:
        """What of an application is not what its figures were made of."""
        prints = one.fingerprints(self._model.epochs, self._model.today)
        same_model = seen.get("facts", [None, None, None])[1:3] == facts[1:3]
        before: Mapping[str, str] = seen.get("months", {}) if same_model else {}
        now = {month.isoformat(): mark for month, mark in prints.items()}
        months = [month for month in prints if before.get(month.isoformat()) != now[month.isoformat()]]
        known = seen.get("months", {})
        gone = [date.fromisoformat(month) for month in known if month not in now]
        moved = bool(seen) and seen["facts"][0] != facts[0]
        return _Stale(
            one, months, gone, _runs(one, figured), {"facts": facts, "months": now},
            frozenset(prints if moved else months) | frozenset(gone),
        )  # fmt: skip

    def _tasks(self, one: Gathered, months: Sequence[date], runs: Sequence[tuple[str, str, date]]) -> Iterator[Task]:
        """An application's work in pieces that fit into memory, however long its history."""
        for first in range(0, len(months), _MONTHS):
            yield Task(one, months[first : first + _MONTHS], ())
        for first in range(0, len(runs), _RUNS):
            yield Task(one, (), runs[first : first + _RUNS])

    def _write(self, stale: Sequence[_Stale], *, add: bool) -> None:
        """Computes and writes some applications; add: to the sums, too."""
        small: list[Task] = []
        large: list[list[Task]] = []
        for one in stale:
            tasks = list(self._tasks(one.application, one.months, one.runs))
            # Applications with little to do are worked on together, a long history piece by piece.
            if sum(task.size for task in tasks) <= PORTION:
                small += tasks
            else:
                large += [[task] for task in tasks]
        if any(one.gone for one in stale):
            with self._context.store.session() as session:
                for one in stale:
                    self._forget(session, one.application, one.gone)
        for tasks in ([small] if small else []) + large:
            written = Fresh()
            for month, cell, fresh in work(self._model, tasks):
                written.figures.extend(fresh.figures)
                written.claims.extend(fresh.claims)
                written.later.extend(fresh.later)
                if add and month.month != date.min:
                    self._sums.add(month.month, month.application.owned.team_id, cell)
                    self._added[month.month] = self._added.get(month.month, 0) + 1
            with self._context.store.session() as session:
                for task in tasks:
                    self._forget(session, task.application, task.months)
                queries.write(session, written)
            self._rows += len(written)

    def _forget(self, session: Session, one: Gathered, months: Collection[date]) -> None:
        """Takes out what is not of this model, and some months."""
        journeys = [journey.fact.journey_id for journey in one.journeys]
        for level, refs in (("application", [one.owned.application_id]), ("journey", journeys)):
            queries.forget_other(session, level, refs, self._stamp.method, self._stamp.factors_hash)
            if months:
                queries.forget_months(session, level, refs, months)

    def _sum(self, everything: Sequence[Owned], months: Collection[date]) -> None:
        """Adds up some months anew: every application's."""
        if not months:
            return
        for place in [place for place in self._sums.cells if place.month in months]:
            del self._sums.cells[place]
        totals = read_totals(self._context, None, months)
        for first in range(0, len(everything), _AT_ONCE):
            tasks: list[Task] = []
            for one in gather(self._context, everything[first : first + _AT_ONCE], totals):
                of_it = [month for month in one.months() if month in months]
                tasks += [task for task in self._tasks(one, of_it, ()) if task.months]
                if sum(task.size for task in tasks) >= PORTION:
                    self._add(tasks)
                    tasks = []
            self._add(tasks)

    def _add(self, tasks: Sequence[Task]) -> None:
        if tasks:
            for month, cell, _ in work(self._model, tasks, later=False):
                self._sums.add(month.month, month.application.owned.team_id, cell)

    def _write_sums(self, changed: Collection[date]) -> None:
        """Writes the sums of the months that changed."""
        if not changed:
            return
        fresh: dict[str, Fresh] = {"team": Fresh(), "organisation": Fresh()}
        for place, cell in self._sums.cells.items():
            if place.month in changed:
                fresh[place.level].figures.extend(rows_of_cell(place, cell, self._stamp))
        with self._context.store.session() as session:
            for level, written in fresh.items():
                queries.forget_other(session, level, None, self._stamp.method, self._stamp.factors_hash)
                queries.forget_months(session, level, queries.refs(session, level), changed)
                queries.write(session, written)
                self._rows += len(written)


def _told(totals: Mapping[date, Any] | None) -> str:
    """What meters and bills tell of an application, in a word."""
    listed = {
        f"{month}": {str(kind): list(rows) for kind, rows in own.items()} for month, own in (totals or {}).items()
    }
    return digest(listed)[:FINGERPRINT]


def _told_before(seen: Mapping[str, Any] | None) -> str:
    """The same word among the facts that figures were made of; empty for an application that is new."""
    return str(seen["facts"][-2]) if seen else ""


def _runs(one: Gathered, figured: Collection[tuple[str, str]]) -> list[tuple[str, str, date]]:
    """Runs of an application's journeys that have no figure yet, with the day whose factors it takes."""
    return [
        (journey.fact.journey_id, run.run_id, run.measured_at.date())
        for journey in one.journeys
        for run in journey.runs
        if (journey.fact.journey_id, run.run_id) not in figured
    ]


def _of_method(fresh: Fresh) -> Fresh:
    """Without visits, which are there and depend on no method."""
    return Fresh([row for row in fresh.figures if row["method"]], fresh.claims, fresh.later)
