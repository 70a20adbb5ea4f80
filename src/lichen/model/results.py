# SPDX-License-Identifier: Apache-2.0
"""What evaluating a method gives, and how impacts are added: draws first, percentiles after."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import Any, Final, NamedTuple, cast

import numpy as np

from lichen.model import uncertainty
from lichen.model.batch import Batch
from lichen.model.method import Grading, Method
from lichen.nomenclature import Nomenclature
from lichen.records import DATA_METHODS, DataMethod, Factor, Impact, NotCovered, Phase, Total, digest

_WHOLE: Final[Mapping[DataMethod, Mapping[str, float]]] = {method: {method: 1.0} for method in DATA_METHODS}


@dataclass(frozen=True, slots=True)
class Computed:
    """An impact, and what computes the draws that its range was taken from."""

    impact: Impact
    draw: Callable[[], np.ndarray]


class Cell(NamedTuple):
    """What is added: figures of one place, indicator, phase and accounting."""

    entity: str
    indicator: str
    phase: Phase
    accounting: str


@dataclass(slots=True)
class _Sum:
    """A sum under way: rows of batches, as (batch, chain, row), and their draws."""

    rows: list[tuple[int, int, int]] = field(default_factory=list)
    draws: np.ndarray = field(default_factory=lambda: np.zeros(uncertainty.DRAWS))


class Evaluation:
    """Result of one method on one list of activities.

    Args:
        method, factors_hash: what was applied.
        batches: activities of one kind under one rule each.
        not_covered: quantities without a figure, and why.
        bounds: indicator -> bounds of its letters, for a method that grades.
    """

    def __init__(
        self,
        method: Method,
        factors_hash: str,
        batches: Sequence[Batch],
        not_covered: tuple[NotCovered, ...],
        nomenclature: Nomenclature,
        bounds: Mapping[str, np.ndarray],
    ) -> None:
        self.method = method
        self.factors_hash = factors_hash
        self.batches = batches
        self.not_covered = not_covered
        self.nomenclature = nomenclature
        self._bounds = bounds

    @cached_property
    def computed(self) -> tuple[Computed, ...]:
        """All impacts with their draws, in the order of activities and rules."""
        found = [
            (self._order(number, chain, row), item)
            for number, batch in enumerate(self.batches)
            for row, items in enumerate(self._impacts(batch))
            for chain, item in enumerate(items)
        ]
        return tuple(item for _, item in sorted(found, key=lambda one: one[0]))

    def _impacts(self, batch: Batch) -> list[list[Computed]]:
        """Impacts of each row, one for each chain."""
        ranges: list[list[tuple[float, float]]] = [[] for _ in batch.work.chains]
        for rows in batch.chunks():
            for chain, draws in enumerate(batch.draws(rows)):
                ranges[chain] += zip(*(one.tolist() for one in uncertainty.bounds_of_rows(draws)), strict=True)
        return [
            [
                Computed(self._impact(batch, row, chain, ranges[chain][row]), partial(batch.drawn, row, chain))
                for chain in range(len(batch.work.chains))
            ]
            for row in range(len(batch))
        ]

    def _impact(self, batch: Batch, row: int, place: int, bounds: tuple[float, float]) -> Impact:
        group, rule, chain = batch.groups[row], batch.work.rule, batch.chain(row, place)
        value = float(batch.values[place][row])
        low, high = uncertainty.enclosing(value, *bounds)
        identity = [
            group.entity, list(rule.quantities), chain.indicator, rule.phase, chain.accounting, self.method.method_id,
            self.method.version, self.factors_hash, rule.rule_id, sorted(group.attributes.items()),
            *([] if group.day is None else [group.day.isoformat()]),
        ]  # fmt: skip
        return Impact(
            impact_id=digest(identity, 16),
            entity=group.entity,
            quantities=rule.quantities,
            indicator=chain.indicator,
            phase=rule.phase,
            accounting=chain.accounting,
            value=value,
            low=low,
            high=high,
            unit=self.nomenclature.indicator(chain.indicator).unit,
            formula=chain.formula,
            factors=chain.factors,
            shares=_WHOLE[batch.methods[place][row]],
            samples=batch.samples[place][row],
            rule=rule.rule_id,
        )

    @property
    def impacts(self) -> tuple[Impact, ...]:
        """All impacts, in the order of activities and rules."""
        return tuple(c.impact for c in self.computed)

    def _sums(self, place_of: Callable[[str], str | None]) -> dict[Cell, _Sum]:
        """Rows and draws of every sum; ``place_of`` says where an entity is booked, None leaves it out."""
        sums: dict[Cell, _Sum] = {}
        for number, batch in enumerate(self.batches):
            places = [place_of(group.entity) for group in batch.groups]
            for rows in batch.chunks():
                by_place: dict[str, list[int]] = {}
                for row in range(len(batch))[rows]:
                    if (where := places[row]) is not None:
                        by_place.setdefault(where, []).append(row)
                for chain, draws in enumerate(batch.draws(rows)):
                    said = batch.work.chains[chain]
                    for where, chosen in by_place.items():
                        cell = Cell(where, said.indicator, batch.work.rule.phase, said.accounting)
                        one = sums.get(cell) or sums.setdefault(cell, _Sum())
                        one.rows += [(number, chain, row) for row in chosen]
                        one.draws += _rows(draws, chosen, rows.start).sum(axis=0)
        return sums

    def totals(self, place_of: Callable[[str], str | None] = lambda entity: entity) -> list[Total]:
        """Sums of impacts: draws are added first, percentiles taken after.

        Args:
            place_of: where an entity is booked, e.g. its application; None leaves it out. Default: the entity itself.

        Returns:
            One row per place, indicator, phase and accounting; indicators that cannot be added are left as they are.
        """
        sums = self._sums(place_of)
        first = {cell: min(self._order(*row) for row in one.rows) for cell, one in sums.items()}
        return [
            self._total(cell, sums[cell])
            for cell in sorted(sums, key=first.__getitem__)
            if self.nomenclature.indicator(cell.indicator).additive or len(sums[cell].rows) == 1
        ]

    def _order(self, batch: int, chain: int, row: int) -> tuple[int, int, int]:
        one = self.batches[batch]
        return one.places[row], self._rule_order[one.work.rule.rule_id], chain

    @cached_property
    def _rule_order(self) -> dict[str, int]:
        return {rule.rule_id: place for place, rule in enumerate(self.method.rules)}

    def _total(self, cell: Cell, one: _Sum) -> Total:
        values = [float(self.batches[b].values[c][r]) for b, c, r in one.rows]
        methods = [self.batches[b].methods[c][r] for b, c, r in one.rows]
        value = math.fsum(values)
        low, high = uncertainty.enclosing(value, *uncertainty.bounds(one.draws))
        return Total(
            entity=cell.entity,
            indicator=cell.indicator,
            phase=cell.phase,
            accounting=cell.accounting,  # type: ignore[arg-type]
            value=value,
            low=low,
            high=high,
            unit=self.nomenclature.indicator(cell.indicator).unit,
            shares=_shares(zip(values, (_WHOLE[method] for method in methods), strict=True)),
            samples=_add_samples(
                [(v, self.batches[b].samples[c][r]) for v, (b, c, r) in zip(values, one.rows, strict=True)]
            ),
        )

    def sensitivity(
        self, indicator: str, place_of: Callable[[str], str | None] = lambda _entity: "", phase: Phase | None = None
    ) -> dict[str, tuple[tuple[Factor, float], ...]]:
        """What the range of a total comes from.

        Args:
            indicator: whose totals are looked at, over both phases unless ``phase`` names one.
            place_of: as in `totals`; by default everything is one place, ``""``.

        Returns:
            For each place the factors that are not certain, with the share of the total's spread that each explains by itself
            (`lichen.model.uncertainty.variance_shares`), the largest first.
        """
        drawn: dict[str, np.ndarray] = {}
        factors: dict[str, dict[str, Factor]] = {}
        for cell, one in self._sums(place_of).items():
            if (
                cell.indicator == indicator
                and phase in (None, cell.phase)
                and cell.accounting == self.method.accounting
            ):
                drawn[cell.entity] = drawn.get(cell.entity, 0) + one.draws
                used = {id(one): one for one in (self.batches[b].chain(r, c) for b, c, r in one.rows)}
                for chain in used.values():
                    for factor in chain.factors:
                        factors.setdefault(cell.entity, {})[factor.key] = factor
        return {place: uncertainty.variance_shares(draws, factors[place].values()) for place, draws in drawn.items()}

    def grades(self, totals: Sequence[Total] | None = None) -> list[dict[str, Any]]:
        """Letters of the totals over all phases, for indicators that the method grades."""
        rows = self.totals() if totals is None else totals
        found = []
        for grading in self.method.grades:
            by_entity: dict[str, float] = {}
            for total in rows:
                if total.indicator == grading.indicator and total.accounting == self.method.accounting:
                    by_entity[total.entity] = by_entity.get(total.entity, 0.0) + total.value
            found += [
                {
                    "entity": entity,
                    "indicator": grading.indicator,
                    "value": value,
                    "grade": letter(grading, self._bounds[grading.indicator], value),
                }
                for entity, value in by_entity.items()
            ]
        return found

    def to_json(self) -> dict[str, Any]:
        """The output of the public contract for one method."""
        totals = self.totals()
        written: dict[int, dict[str, Any]] = {}
        return {
            "method": {"id": self.method.method_id, "version": self.method.version, "factors_hash": self.factors_hash},
            "impacts": [impact.to_json(written) for impact in self.impacts],
            "totals": [total.to_json() for total in totals],
            **({"grades": self.grades(totals)} if self.method.grades else {}),
            "not_covered": [row.to_json() for row in self.not_covered],
        }


def _rows(draws: np.ndarray, chosen: Sequence[int], start: int) -> np.ndarray:
    """Some rows of draws; those of one place mostly stand together, and are not copied then."""
    if chosen[-1] - chosen[0] == len(chosen) - 1:
        return draws[chosen[0] - start : chosen[-1] + 1 - start]
    return np.asarray(draws[[row - start for row in chosen]])


def letter(grading: Grading, bounds: np.ndarray, value: float) -> str:
    """The letter of a value: a bound is the last value of its letter, whether bounds rise or fall from the best one."""
    compared = float(round(value)) if grading.rounded else value
    worse = bounds < compared if bounds[0] < bounds[-1] else bounds > compared
    return grading.letters[int(np.count_nonzero(worse))]


def add(rows: Sequence[Computed]) -> tuple[float, np.ndarray, tuple[float | None, ...]]:
    """Value, draws and repetitions of a sum; exactly rounded, so the order of the rows does not matter.

    A repetition is known only where every row that has repetitions knows it, and None elsewhere; rows without repetitions are
    constants.
    """
    value = math.fsum(row.impact.value for row in rows)
    ordered = sorted(rows, key=lambda row: row.impact.impact_id)
    draws = np.zeros(uncertainty.DRAWS)
    for row in ordered:
        draws += row.draw()
    return value, draws, _add_samples([(row.impact.value, row.impact.samples) for row in rows])


def _add_samples(rows: Sequence[tuple[float, tuple[float | None, ...]]]) -> tuple[float | None, ...]:
    lengths = {len(samples) for _, samples in rows if samples}
    if len(lengths) != 1:
        return ()
    count = lengths.pop()
    columns = zip(*(samples or (value,) * count for value, samples in rows), strict=True)
    return tuple(None if None in column else math.fsum(cast("tuple[float, ...]", column)) for column in columns)


def shares(rows: Iterable[Computed]) -> dict[str, float]:
    """Share of a sum by data method, measured to proxy; sums to 1, empty when the sum is zero."""
    return _shares((row.impact.value, row.impact.shares) for row in rows)


def _shares(rows: Iterable[tuple[float, Mapping[str, float]]]) -> dict[str, float]:
    by_method: dict[str, list[float]] = {method: [] for method in DATA_METHODS}
    for value, said in rows:
        for method, share in said.items():
            by_method[method].append(value * share)
    parts = {method: math.fsum(values) for method, values in by_method.items()}
    whole = math.fsum(parts.values())
    return {method: part / whole for method, part in parts.items() if part} if whole else {}
