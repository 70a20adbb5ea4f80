# SPDX-License-Identifier: Apache-2.0
"""Runs through the model, once for many of them: the figure of one functional unit of each journey, with its draws.

Draws belong to factors, so figures of different runs and applications may be added draw by draw: a sum has the range that its
shared factors give it.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from lichen.collect.entities import parse_entity
from lichen.factors.store import STATISTICS_LAG, FactorStore
from lichen.model import uncertainty
from lichen.model.method import Method
from lichen.model.results import Evaluation
from lichen.records import Activity, DataMethod, canonical_json
from lichen.service.evaluation import evaluate_activities, parse_document
from lichen.service.workspace import Workspace


class Key(NamedTuple):
    """What kind of figure: empty words mean all of them together."""

    tier: str
    phase: str
    indicator: str
    accounting: str


@dataclass(slots=True)
class Amount:
    """A figure that can be added to others.

    Attributes:
        terms: what is summed, once, at the end: sums do not depend on the order then.
        draws: of the sum, shape (draws,).
        methods: how the terms' data were obtained -> their values.
    """

    terms: list[float] = field(default_factory=list)
    draws: np.ndarray = field(default_factory=lambda: np.zeros(uncertainty.DRAWS))
    methods: dict[DataMethod, list[float]] = field(default_factory=dict)

    @property
    def value(self) -> float:
        """The sum."""
        return math.fsum(self.terms)

    @property
    def shares(self) -> dict[str, float]:
        """Share of the sum by how its data were obtained; empty for a sum of 0."""
        parts = {str(method): math.fsum(values) for method, values in self.methods.items()}
        whole = math.fsum(parts.values())
        return {method: part / whole for method, part in parts.items() if part} if whole else {}

    def add(self, other: Amount, times: float = 1.0) -> None:
        """Adds so many of another figure."""
        self.terms.append(other.value * times)
        self.draws += other.draws * times
        for method, values in other.methods.items():
            self.methods.setdefault(method, []).append(math.fsum(values) * times)


def bounds_of(amounts: Sequence[Amount]) -> list[tuple[float, float]]:
    """5 % and 95 % of each sum; those of a certain sum are the sum."""
    if not amounts:
        return []
    lows, highs = uncertainty.bounds_of_rows(np.stack([amount.draws for amount in amounts]))
    return [
        uncertainty.enclosing(amount.value, low, high)
        for amount, low, high in zip(amounts, lows.tolist(), highs.tolist(), strict=True)
    ]


Unit = dict[Key, Amount]
"""The figures of one functional unit of a journey: by tier, phase, indicator and accounting, none of them empty."""


class UnitKey(NamedTuple):
    """A journey of a run, seen with the factors of an epoch."""

    run_id: str
    journey: str
    epoch: int


class Epochs:
    """Spans of days between which no factor changes: a run is evaluated once for each, whatever the number of its months.

    Args:
        factors: of the workspace; where they differ by the hour, each month is a span of its own.
    """

    def __init__(self, factors: FactorStore) -> None:
        self.by_hour = factors.by_hour
        days: set[date] = set()
        rows: dict[tuple[str, str], list[Any]] = {}
        for factor in factors:
            rows.setdefault((factor.factor_id, factor.geography), []).append(factor)
            days.add(factor.valid_from)
            days.add(_moved(factor.valid_from, -STATISTICS_LAG))
            if factor.valid_to is not None:
                days.update(_moved(factor.valid_to, away) for away in (1, STATISTICS_LAG + 1))
        for vintages in rows.values():
            ordered = sorted(vintages, key=lambda one: one.valid_from)
            for before, after in pairwise(ordered):
                if before.valid_to is not None and before.valid_to < after.valid_from:
                    # Between two vintages the nearer one answers.
                    days.add(_moved(before.valid_to, (after.valid_from - before.valid_to).days // 2 + 1))
        self._starts = sorted(days)

    def of(self, day: date) -> int:
        """Number of the span that a day lies in; days of different years lie in different spans."""
        if self.by_hour:
            return day.year * 100 + day.month
        return day.year * (len(self._starts) + 1) + bisect_right(self._starts, day)


def _moved(day: date, days: int) -> date:
    return date.fromordinal(min(max(day.toordinal() + days, 1), date.max.toordinal()))


@dataclass(frozen=True, slots=True)
class Content:
    """What is evaluated of a run: activities per functional unit, and the facts of the run."""

    run_id: str
    rows: Sequence[Activity]
    context: Mapping[str, Any]


def content_of(workspace: Workspace, run_id: str, document: Mapping[str, Any]) -> Content:
    """A run file, read for the model.

    Raises:
        ActivityError: a row is wrong.
    """
    # Repetitions play no part in the model's range.
    rows = [{key: value for key, value in row.items() if key != "samples"} for row in document["activities"]]
    parsed, context = parse_document(workspace, {**document, "activities": rows})
    return Content(run_id, parsed, context)


def evaluate_units(
    workspace: Workspace, method: Method, runs: Iterable[tuple[Content, date]], epochs: Epochs
) -> dict[UnitKey, Unit]:
    """Figures of one functional unit of every journey of some runs.

    Args:
        runs: with a day of the epoch whose factors are asked for; a run may be asked for several times.

    Returns:
        Additive indicators only: scores are of one thing, and no portfolio has one.
    """
    found: dict[UnitKey, Unit] = {}
    for evaluation, places, tiers in _evaluations(workspace, method, runs, epochs):
        _sum(evaluation, places, tiers, found)
    return found


def evaluate_values(
    workspace: Workspace, method: Method, runs: Iterable[tuple[Content, date]], epochs: Epochs
) -> dict[UnitKey, dict[Key, float]]:
    """The same without ranges, which takes a fraction of the time."""
    found: dict[UnitKey, dict[Key, float]] = {}
    for evaluation, places, tiers in _evaluations(workspace, method, runs, epochs):
        terms: dict[UnitKey, dict[Key, list[float]]] = {}
        for batch in evaluation.batches:
            for number, chain in enumerate(batch.work.chains):
                if not evaluation.nomenclature.indicator(chain.indicator).additive:
                    continue
                for row, value in enumerate(batch.values[number]):
                    entity = batch.groups[row].entity
                    key = Key(tiers[entity], batch.work.rule.phase, chain.indicator, chain.accounting)
                    terms.setdefault(places[entity], {}).setdefault(key, []).append(float(value))
        for unit, listed in terms.items():
            found[unit] = {key: math.fsum(values) for key, values in listed.items()}
    return found


def _evaluations(
    workspace: Workspace, method: Method, runs: Iterable[tuple[Content, date]], epochs: Epochs
) -> Iterator[tuple[Evaluation, _Places, Mapping[str, str]]]:
    """Runs that share their context and epoch, evaluated together, with the places and tiers of their entities."""
    days: dict[int, date] = {}
    groups: dict[tuple[bytes, int], dict[str, Content]] = {}
    for run, asked in runs:
        epoch = epochs.of(asked)
        days.setdefault(epoch, asked)
        groups.setdefault((canonical_json(dict(run.context)), epoch), {})[run.run_id] = run
    for (_, epoch), by_run in groups.items():
        members, day = tuple(by_run.values()), days[epoch]
        rows = [_placed(row, number, day, epochs.by_hour) for number, run in enumerate(members) for row in run.rows]
        evaluation = evaluate_activities(workspace, method, rows, members[0].context, on=day)
        tiers = {row.entity: str(row.attribute("tier") or "") for row in rows}
        yield evaluation, _Places(members, epoch), tiers


def _placed(row: Activity, number: int, day: date, by_hour: bool) -> Activity:
    """A row under the number of its run: two runs of an application are not one thing."""
    _, _, rest = row.entity.partition("/")
    attributes = {key: value for key, value in row.attributes.items() if key not in ("started_at", "ended_at")}
    if by_hour:
        first = day.replace(day=1)
        end = (first + timedelta(days=32)).replace(day=1)
        attributes |= {"started_at": f"{first}T00:00:00Z", "ended_at": f"{end}T00:00:00Z"}
    return replace(row, entity=f"{number}/{rest}" if rest else str(number), samples=(), attributes=attributes)


class _Places:
    """Which journey of which run an entity belongs to."""

    def __init__(self, members: Sequence[Content], epoch: int) -> None:
        self._members = members
        self._epoch = epoch
        self._known: dict[str, UnitKey] = {}

    def __getitem__(self, entity: str) -> UnitKey:
        if entity not in self._known:
            number, _, _ = entity.partition("/")
            parsed = parse_entity(entity)
            run_id = self._members[int(number)].run_id
            self._known[entity] = UnitKey(run_id, parsed.journey if parsed else "", self._epoch)
        return self._known[entity]


def _sum(evaluation: Evaluation, places: _Places, tiers: Mapping[str, str], found: dict[UnitKey, Unit]) -> None:
    """Adds up the rows of each journey, tier, phase and indicator."""
    for batch in evaluation.batches:
        phase = batch.work.rule.phase
        for rows in batch.chunks():
            by_place: dict[tuple[UnitKey, str], list[int]] = {}
            for row in range(len(batch))[rows]:
                entity = batch.groups[row].entity
                by_place.setdefault((places[entity], tiers[entity]), []).append(row)
            for number, draws in enumerate(batch.draws(rows)):
                chain = batch.work.chains[number]
                if not evaluation.nomenclature.indicator(chain.indicator).additive:
                    continue
                values, methods = batch.values[number], batch.methods[number]
                for (unit, tier), chosen in by_place.items():
                    key = Key(tier, phase, chain.indicator, chain.accounting)
                    amount = found.setdefault(unit, {}).setdefault(key, Amount())
                    first, last = chosen[0] - rows.start, chosen[-1] - rows.start + 1
                    together = last - first == len(chosen)
                    picked = draws[first:last] if together else draws[[row - rows.start for row in chosen]]
                    amount.draws += picked.sum(axis=0)
                    for row in chosen:
                        value = float(values[row])
                        amount.terms.append(value)
                        amount.methods.setdefault(methods[row], []).append(value)
