# SPDX-License-Identifier: Apache-2.0
"""Months of applications under work: runs are evaluated some at a time, and each adds to the months that rest on it.

What is held at once does not grow with the number of runs: a run's draws are added and let go.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final

from lichen.model.method import Method
from lichen.portfolio.sources import SourceKind
from lichen.service.board.cells import (
    Cell,
    Place,
    Stamp,
    application_cell,
    folded,
    rows_of,
    rows_of_cell,
    rows_of_told,
    whole,
)
from lichen.service.board.counting import Counted, count
from lichen.service.board.gathering import Gathered, later_factors
from lichen.service.board.units import (
    Amount,
    Content,
    Epochs,
    Key,
    Unit,
    UnitKey,
    content_of,
    evaluate_units,
    evaluate_values,
)
from lichen.service.workspace import Workspace
from lichen.store.queries.figures import Fresh

PORTION: Final = 24
"""Runs that are evaluated at once: the draws of their figures take some 100 MB."""
_CELLS: Final = 5
"""Months of journeys whose draws take about the room of those of a run."""

Contents = Callable[[Collection[str]], Mapping[str, Mapping[str, Any]]]
"""Run files by run."""


@dataclass(frozen=True, slots=True)
class Model:
    """What runs are evaluated with. today: months after it have no factors yet."""

    workspace: Workspace
    method: Method
    stamp: Stamp
    epochs: Epochs
    contents: Contents
    today: date


@dataclass(slots=True)
class Month:
    """A month of an application while runs are added to it.

    Attributes:
        journeys: id -> figures by tier and phase, times visits. totals: those of meters and bills.
        later: by the month whose factors are taken: the same values without ranges.
    """

    application: Gathered
    month: date
    journeys: dict[str, Unit] = field(default_factory=dict)
    totals: dict[SourceKind, Unit] = field(default_factory=dict)
    later: dict[date, dict[str, dict[Key, float]]] = field(default_factory=dict)

    def rows(self, model: Model) -> tuple[Cell, Fresh]:
        """The application's cell, and all rows of the month."""
        owned, fresh = self.application.owned, Fresh()
        by_tier: Unit = {}
        units = 0.0
        for journey in self.application.journeys:
            share = journey.months.get(self.month)
            if share is None:
                continue
            own = self.journeys.get(journey.fact.journey_id)
            cell = Cell(visits=share.visits)
            if own is not None:
                units += share.visits
                cell.units = share.visits
                cell.amounts = folded(own)
                for key, amount in own.items():
                    by_tier.setdefault(key, Amount()).add(amount)
            fresh.figures.extend(rows_of_cell(Place("journey", journey.fact.journey_id, self.month), cell, model.stamp))
        counted = count(by_tier, self.totals, self.application.sources_on(self.month), self.month)
        cell = application_cell(counted, units, self.application.visits.get(self.month))
        fresh.figures.extend(rows_of_cell(Place("application", owned.application_id, self.month), cell, model.stamp))
        fresh.claims.extend(rows_of_told(owned.application_id, self.month, counted, model.stamp))
        for factors_of, values in self.later.items():
            fresh.later.extend(self._later(factors_of, values, counted, model.stamp))
        return cell, fresh

    def _later(
        self, factors_of: date, values: Mapping[str, Mapping[Key, float]], counted: Counted, stamp: Stamp
    ) -> Iterator[dict[str, Any]]:
        """Rows of the month under the factors of a later one: of its journeys, and of the sources that count."""
        journeys = {ref: own for ref, own in values.items() if ref not in _TOTALS}
        sums: dict[tuple[str, str, Key], float] = {}
        for ref, own in journeys.items():
            for key, value in own.items():
                place = "journey", ref, whole(key)
                sums[place] = sums.get(place, 0.0) + value
        for key, source in counted.sources.items():
            listed = [values.get(str(source), {})] if source is not SourceKind.JOURNEYS else list(journeys.values())
            place = "application", self.application.owned.application_id, whole(key)
            sums[place] = sums.get(place, 0.0) + sum(own.get(key, 0.0) for own in listed)
        for (level, ref, key), value in sums.items():
            yield {
                "level": level, "ref": ref, "indicator": key.indicator, "period": self.month, "factors_of": factors_of,
                "accounting": key.accounting, "method": stamp.method, "factors_hash": stamp.factors_hash, "value": value,
            }  # fmt: skip


_TOTALS: Final = frozenset(map(str, (SourceKind.METER, SourceKind.BILL)))


@dataclass(frozen=True, slots=True)
class Task:
    """What is computed of an application.

    Attributes:
        months: of which everything is. runs: those that have no figure of their own yet, as (journey id, run, day).
    """

    application: Gathered
    months: Collection[date]
    runs: Sequence[tuple[str, str, date]]

    @property
    def size(self) -> int:
        """How much it takes, in runs or months of journeys, whichever are more."""
        runs = {run_id for run_id, _ in self.application.runs(self.months)} | {run_id for _, run_id, _ in self.runs}
        return max(len(runs), len(self.months) * (len(self.application.journeys) + 1) // _CELLS)


def work(model: Model, tasks: Sequence[Task], *, later: bool = True) -> Iterator[tuple[Month, Cell, Fresh]]:
    """Every month of some tasks with its cell and its rows; those of runs come with a month or alone at the end.

    Args:
        later: also months under the factors of later ones.
    """
    work_of = _Work(model, tasks, later=later)
    work_of.run()
    for month in work_of.months:
        yield month, *month.rows(model)
    if work_of.rows:
        empty = Month(tasks[-1].application, date.min)
        yield empty, Cell(), Fresh(figures=work_of.rows)


class _Work:
    """One portion of tasks."""

    def __init__(self, model: Model, tasks: Sequence[Task], *, later: bool) -> None:
        self._model = model
        self.months = [Month(task.application, month) for task in tasks for month in sorted(task.months)]
        self.rows: list[dict[str, Any]] = []
        self._units: dict[UnitKey, list[tuple[Month, str, float]]] = {}
        self._values: dict[UnitKey, list[tuple[Month, date, str, float]]] = {}
        self._runs: dict[UnitKey, list[tuple[str, date]]] = {}
        self._days: dict[int, date] = {}
        self._made: dict[str, Content] = {}
        for month in self.months:
            self._plan(month, later)
        for task in tasks:
            codes = {one.fact.journey_id: one.fact.code for one in task.application.journeys}
            for journey_id, run_id, day in task.runs:
                key = UnitKey(run_id, codes[journey_id], self._epoch(day))
                self._runs.setdefault(key, []).append((journey_id, day))

    def _epoch(self, day: date) -> int:
        epoch = self._model.epochs.of(day)
        self._days.setdefault(epoch, day)
        return epoch

    def _plan(self, month: Month, later: bool) -> None:
        """Notes which figures a month is the sum of."""
        application = month.application
        epoch = self._epoch(month.month)
        afterwards = later_factors(self._model.epochs, month.month, self._model.today) if later else []
        for journey in application.journeys:
            share = journey.months.get(month.month)
            for run_id, visits in share.runs.items() if share is not None else ():
                journey_id, code = journey.fact.journey_id, journey.fact.code
                self._units.setdefault(UnitKey(run_id, code, epoch), []).append((month, journey_id, visits))
                for factors_of in afterwards:
                    key = UnitKey(run_id, code, self._epoch(factors_of))
                    self._values.setdefault(key, []).append((month, factors_of, journey_id, visits))
        for kind, documents in application.totals.get(month.month, {}).items():
            name = f"{kind}:{application.owned.code}:{month.month:%Y-%m}"
            self._made[name] = content_of(self._model.workspace, name, {"activities": list(documents), "context": {}})
            self._units.setdefault(UnitKey(name, "", epoch), []).append((month, str(kind), 1.0))
            for factors_of in afterwards:
                key = UnitKey(name, "", self._epoch(factors_of))
                self._values.setdefault(key, []).append((month, factors_of, str(kind), 1.0))

    def run(self) -> None:
        """Evaluates everything that was noted, some runs at a time."""
        drawn: dict[str, set[int]] = {}
        valued: dict[str, set[int]] = {}
        for keys, epochs in ((self._units, drawn), (self._runs, drawn), (self._values, valued)):
            for key in keys:
                epochs.setdefault(key.run_id, set()).add(key.epoch)
        model = self._model
        for portion in _portions({run_id: len(drawn.get(run_id, ())) for run_id in (*drawn, *valued)}):
            contents = self._contents(portion)
            asked = [(contents[run_id], self._days[epoch]) for run_id in portion for epoch in drawn.get(run_id, ())]
            for key, unit in evaluate_units(model.workspace, model.method, asked, model.epochs).items():
                self._add(key, unit)
                self._add_values(key, {place: amount.value for place, amount in unit.items()})
            asked = [
                (contents[run_id], self._days[epoch])
                for run_id in portion
                for epoch in valued.get(run_id, set()) - drawn.get(run_id, set())
            ]
            for key, values in evaluate_values(model.workspace, model.method, asked, model.epochs).items():
                self._add_values(key, values)

    def _contents(self, run_ids: Collection[str]) -> dict[str, Content]:
        """Runs by id, read for the model; what meters and bills tell stands beside them."""
        asked = {run_id for run_id in run_ids if run_id not in self._made}
        bodies = self._model.contents(asked) if asked else {}
        read = {run_id: content_of(self._model.workspace, run_id, body) for run_id, body in bodies.items()}
        return read | {run_id: self._made[run_id] for run_id in run_ids if run_id in self._made}

    def _add(self, key: UnitKey, unit: Unit) -> None:
        for month, ref, times in self._units.get(key, ()):
            target = (
                month.totals.setdefault(SourceKind(ref), {}) if ref in _TOTALS else month.journeys.setdefault(ref, {})
            )
            for place, amount in unit.items():
                target.setdefault(place, Amount()).add(amount, times)
        for journey_id, day in self._runs.get(key, ()):
            self.rows += rows_of(
                Place("journey", journey_id, day), folded(unit), self._model.stamp, granularity="run", run_id=key.run_id,
                basis="per_unit", units=1.0,
            )  # fmt: skip

    def _add_values(self, key: UnitKey, values: Mapping[Key, float]) -> None:
        for month, factors_of, ref, times in self._values.get(key, ()):
            target = month.later.setdefault(factors_of, {}).setdefault(ref, {})
            for place, value in values.items():
                target[place] = target.get(place, 0.0) + value * times


def _portions(evaluations: Mapping[str, int]) -> Iterator[list[str]]:
    """Runs in lists that take about as many evaluations as are made at once."""
    portion: list[str] = []
    size = 0
    for run_id in sorted(evaluations):
        portion.append(run_id)
        size += max(1, evaluations[run_id])
        if size >= PORTION:
            yield portion
            portion, size = [], 0
    if portion:
        yield portion
