# SPDX-License-Identifier: Apache-2.0
"""Keeps the cache of figures up to date: what a run, traffic or factors touched is computed again, the rest is left.

A journey's month is the sum over its runs of the figure of one functional unit x the visits that take it. Sums of teams and of
the organisation add draws, so that their ranges are right; they are computed again for the months whose applications changed.
"""

from __future__ import annotations

import gzip
import json
import math
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from lichen.model.method import Method
from lichen.service.board.cells import (
    Cell,
    Place,
    Stamp,
    Sums,
    application_cell,
    folded,
    month_of_journey,
    rows_of,
    rows_of_cell,
)
from lichen.service.board.traffic import Share, by_month, daily
from lichen.service.board.units import Content, Epochs, Unit, UnitKey, content_of, evaluate_units
from lichen.service.context import ServiceContext
from lichen.store.queries import figures as queries
from lichen.store.queries import landing
from lichen.store.queries.figures import JourneyFact, Owned, RunFact, TrafficFact

PORTION: Final = 24
"""Runs that are evaluated at once: the draws of their figures take some 100 MB."""
_SEEN: Final = "figures.seen"
"""Key of the setting that holds the fingerprint of each application whose figures are up to date."""
_LOOKED: Final = "figures.looked"
"""Key of the setting that holds the newest change of the portfolio that has been looked at."""

Contents = Callable[[Collection[str]], Mapping[str, Mapping[str, Any]]]
"""Run files by run."""


@dataclass(frozen=True, slots=True)
class Refreshed:
    """What was computed again."""

    applications: int
    months: int
    rows: int


@dataclass(frozen=True, slots=True)
class _Journey:
    """A journey with its runs, the oldest first, and its months."""

    fact: JourneyFact
    runs: Sequence[RunFact]
    months: Mapping[date, Share]


@dataclass(frozen=True, slots=True)
class _Application:
    """An application with what its figures come from. ``visits``: by month."""

    owned: Owned
    journeys: Sequence[_Journey]
    visits: Mapping[date, float]

    def runs(self, months: Collection[date] | None) -> Iterator[tuple[str, date]]:
        """Runs, each with a day whose factors are asked for; of some months only, or of all and of the runs themselves."""
        for journey in self.journeys:
            for month, share in journey.months.items():
                if months is None or month in months:
                    yield from ((run_id, month) for run_id in share.runs)
            if months is None:
                yield from ((run.run_id, run.measured_at.date()) for run in journey.runs)


def stamp_of(context: ServiceContext, method: Method | None = None) -> Stamp:
    """What figures are marked by: a method, that of the settings when None, and the factors."""
    if method is None:
        method = context.workspace.method(context.settings.method.use)
    return Stamp(f"{method.method_id} {method.version}", context.workspace.factors.hash())


def has_news(context: ServiceContext) -> bool:
    """Whether somebody has imported or changed something since figures were brought up to date: a glance, at two rows."""
    with context.store.reading() as session:
        return bool(landing.setting(session, _LOOKED) != queries.last_change(session))


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
    return _Refresh(context, contents or (lambda run_ids: read_contents(context, run_ids))).run(applications)


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
    _Refresh(context, lambda run_ids: read_contents(context, run_ids), method).only(application)


def read_contents(context: ServiceContext, run_ids: Collection[str]) -> dict[str, Mapping[str, Any]]:
    """Run files by run: those that wait in the journal, the others from the ledger."""
    with context.store.reading() as session:
        files = queries.files(session, run_ids)
    return {
        run_id: context.ledger.evidence.run(file) if isinstance(file, str) else json.loads(gzip.decompress(file))
        for run_id, file in files.items()
    }


class _Refresh:
    """One bringing up to date."""

    def __init__(self, context: ServiceContext, contents: Contents, method: Method | None = None) -> None:
        self._context = context
        self._contents = contents
        self._stamp = stamp_of(context, method)
        self._method = method or context.workspace.method(context.settings.method.use)
        self._epochs = Epochs(context.workspace.factors)
        self._sums = Sums()
        self._rows = 0

    def run(self, asked: Collection[str] | None) -> Refreshed:
        """Computes what is stale: applications and their journeys first, then the sums of the months that changed."""
        with self._context.store.reading() as session:
            everything, change = queries.owned(session), queries.last_change(session)
            asked = asked if landing.setting(session, _LOOKED) == change else None
            seen, now = landing.setting(session, _SEEN) or {}, self._fingerprints(queries.fingerprints(session, asked))
        known = {one.application_id: one for one in everything}
        if asked is None:
            chosen = [one for one in everything if seen.get(one.application_id) != now[one.application_id]]
        else:
            chosen = [known[application] for application in asked if application in known]
        gone = bool(set(seen) - set(known))
        all_of_them = len(chosen) == len(everything)
        changed: set[date] = set()
        for applications in self._portions(chosen):
            changed |= self._refresh(applications, seen, add=all_of_them)
        if gone:
            with self._context.store.reading() as session:
                changed |= queries.months_of_sums(session)
        if changed and not all_of_them:
            for applications in self._portions(everything):
                self._evaluate(applications, months=changed)
        self._write_sums(changed, all_of_them)
        with self._context.store.session() as session:
            up_to_date = {one.application_id: now[one.application_id] for one in chosen}
            kept = {application: numbers for application, numbers in seen.items() if application in known}
            landing.put_setting(session, _SEEN, kept | up_to_date)
            landing.put_setting(session, _LOOKED, change)
        return Refreshed(len(chosen), len(changed), self._rows)

    def only(self, application: str) -> None:
        """Adds what this method gives for one application to the cache; the sums stay those of the settings' method."""
        with self._context.store.reading() as session:
            chosen = [one for one in queries.owned(session) if one.application_id == application]
        for applications in self._portions(chosen):
            cells, units = self._evaluate(applications)
            rows = [
                row
                for place, cell in cells.items()
                for row in rows_of(place, cell.amounts, self._stamp, units=cell.units)
            ]
            for one in applications:
                rows += self._of_runs(one, units)
            with self._context.store.session() as session:
                queries.put(session, rows, self._stamp.method, self._stamp.factors_hash)

    def _fingerprints(self, found: Mapping[str, list[Any]]) -> dict[str, list[Any]]:
        return {key: [*values, self._stamp.method, self._stamp.factors_hash[:16]] for key, values in found.items()}

    def _portions(self, chosen: Sequence[Owned]) -> Iterator[list[_Application]]:
        """Applications in portions of some runs."""
        for ids in queries.portions([one.application_id for one in chosen], 50):
            wanted = set(ids)
            gathered: list[_Application] = []
            count = 0
            for application in self._facts([one for one in chosen if one.application_id in wanted]):
                gathered.append(application)
                count += sum(len(journey.runs) for journey in application.journeys)
                if count >= PORTION:
                    yield gathered
                    gathered, count = [], 0
            if gathered:
                yield gathered

    def _facts(self, chosen: Sequence[Owned]) -> Iterator[_Application]:
        ids = [one.application_id for one in chosen]
        with self._context.store.reading() as session:
            journeys, runs = queries.journeys(session, ids), queries.runs(session, ids)
            traffic = queries.traffic(session, ids)
        missing = {(run.application_id, code) for run in runs for code in run.journeys} - {
            (one.application_id, one.code) for one in journeys
        }
        if missing:
            with self._context.store.session() as session:
                queries.add_journeys(session, sorted(missing))
                journeys = queries.journeys(session, ids)
        for one in chosen:
            yield _application(
                one,
                [fact for fact in journeys if fact.application_id == one.application_id],
                [run for run in runs if run.application_id == one.application_id],
                [row for row in traffic if row.application_id == one.application_id],
            )

    def _evaluate(
        self, applications: Sequence[_Application], *, months: Collection[date] | None = None
    ) -> tuple[dict[Place, Cell], dict[UnitKey, Unit]]:
        """Cells of applications and journeys; with ``months``, applications' cells of those go to the sums and nowhere else."""
        asked = {(run_id, self._epochs.of(day)): day for one in applications for run_id, day in one.runs(months)}
        bodies = self._contents({run_id for run_id, _ in asked}) if asked else {}
        read: dict[str, Content] = {
            run_id: content_of(self._context.workspace, run_id, body) for run_id, body in bodies.items()
        }
        units = evaluate_units(
            self._context.workspace, self._method, ((read[run], day) for (run, _), day in asked.items()), self._epochs
        )
        cells: dict[Place, Cell] = {}
        for application in applications:
            for month, (cell, parts) in self._months(application, units, months):
                if months is not None:
                    self._sums.add(month, application.owned.team_id, cell)
                    continue
                cells[Place("application", application.owned.application_id, month)] = cell
                cells.update({Place("journey", journey, month): part for journey, part in parts.items()})
        return cells, units

    def _months(
        self, application: _Application, units: Mapping[UnitKey, Unit], months: Collection[date] | None
    ) -> Iterator[tuple[date, tuple[Cell, dict[str, Cell]]]]:
        listed = sorted({*application.visits, *(month for journey in application.journeys for month in journey.months)})
        for month in listed:
            if months is not None and month not in months:
                continue
            epoch = self._epochs.of(month)
            found: dict[str, tuple[Unit, float]] = {}
            visits: dict[str, float] = {}
            for journey in application.journeys:
                share = journey.months.get(month)
                if share is None:
                    continue
                visits[journey.fact.journey_id] = share.visits
                if share.runs:
                    of_run = {run: units.get(UnitKey(run, journey.fact.code, epoch), {}) for run in share.runs}
                    found[journey.fact.journey_id] = month_of_journey(of_run, share.runs), share.visits
            cell, parts = application_cell(found)
            cell.visits = application.visits.get(month)
            for journey_id, count in visits.items():
                parts.setdefault(journey_id, Cell()).visits = count
            yield month, (cell, parts)

    def _refresh(self, applications: Sequence[_Application], seen: Mapping[str, Any], *, add: bool) -> set[date]:
        """Computes and writes applications and journeys; the months that are not what they were."""
        cells, units = self._evaluate(applications)
        rows: dict[str, list[dict[str, Any]]] = {"application": [], "journey": []}
        for place, cell in cells.items():
            rows[place.level] += rows_of_cell(place, cell, self._stamp)
        for application in applications:
            rows["journey"] += self._of_runs(application, units)
        ids = [one.owned.application_id for one in applications]
        with self._context.store.session() as session:
            before = queries.published(session, ids, self._stamp.method)
            queries.replace(session, "application", ids, rows["application"])
            journeys = [journey.fact.journey_id for one in applications for journey in one.journeys]
            queries.replace(session, "journey", journeys, rows["journey"])
            after = queries.published(session, ids, self._stamp.method)
        self._rows += sum(len(part) for part in rows.values())
        teams = {one.owned.application_id: one.owned.team_id for one in applications}
        if add:
            for place, cell in cells.items():
                if place.level == "application":
                    self._sums.add(place.month, teams[place.ref], cell)
        moved = {ref for ref, team in teams.items() if ref in seen and seen[ref][0] != team}
        changed = before ^ after | {one for one in after if one[0] in moved}
        return {month for _, month, *_ in changed}

    def _of_runs(self, application: _Application, units: Mapping[UnitKey, Unit]) -> Iterator[dict[str, Any]]:
        """The figure of one functional unit of each run, under the factors of its day."""
        for journey in application.journeys:
            for run in journey.runs:
                day = run.measured_at.date()
                unit = units.get(UnitKey(run.run_id, journey.fact.code, self._epochs.of(day)), {})
                place = Place("journey", journey.fact.journey_id, day)
                yield from rows_of(
                    place, folded(unit), self._stamp, granularity="run", run_id=run.run_id, basis="per_unit", units=1.0
                )

    def _write_sums(self, changed: Collection[date], all_of_them: bool) -> None:
        """Writes the sums of the months that changed; of all of them, when everything was computed."""
        if not changed and not all_of_them:
            return
        by_level: dict[str, list[dict[str, Any]]] = {"team": [], "organisation": []}
        for place, cell in self._sums.cells.items():
            by_level[place.level] += rows_of_cell(place, cell, self._stamp)
        with self._context.store.session() as session:
            for level, rows in by_level.items():
                refs = queries.refs(session, level) | {one["ref"] for one in rows}
                queries.replace(session, level, refs, rows, months=None if all_of_them else changed)
        self._rows += sum(len(rows) for rows in by_level.values())


def _application(
    owned: Owned,
    journeys: Sequence[JourneyFact],
    runs: Sequence[RunFact],
    traffic: Sequence[TrafficFact],
) -> _Application:
    """What an application's figures come from.

    Visits that are known of the whole application and of no journey are taken to be spread evenly over the journeys that were
    measured.
    """
    by_journey = {
        fact.journey_id: daily(row for row in traffic if row.journey_id == fact.journey_id) for fact in journeys
    }
    of_it = daily(row for row in traffic if row.journey_id is None)
    own = {fact.journey_id: [run for run in runs if fact.code in run.journeys] for fact in journeys}
    measured = [fact.journey_id for fact in journeys if own[fact.journey_id]]
    if of_it and not any(by_journey.values()):
        by_journey = {
            journey: {day: None if count is None else count / len(measured) for day, count in of_it.items()}
            for journey in measured
        }
    months = {fact.journey_id: by_month(by_journey.get(fact.journey_id, {}), own[fact.journey_id]) for fact in journeys}
    visits: dict[date, list[float]] = {}
    for share_of in [by_month(of_it, ())] if of_it else months.values():
        for month, share in share_of.items():
            visits.setdefault(month, []).append(share.visits)
    return _Application(
        owned,
        [_Journey(fact, own[fact.journey_id], months[fact.journey_id]) for fact in journeys],
        {month: math.fsum(counts) for month, counts in visits.items()},
    )
