# SPDX-License-Identifier: Apache-2.0
"""Applications over a period: what orders them is read for all, what a row shows only for those that are shown."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from functools import cached_property

from lichen.portfolio.ranking import Entry, Place, rank, weight_on
from lichen.portfolio.ranking import Weight as PortfolioWeight
from lichen.service.board import newest
from lichen.service.board.cells import VISITS
from lichen.service.board.queries import PAGE_ROWS
from lichen.service.board.reading import Look, by_ref, money_by
from lichen.service.board.rows import Measures
from lichen.service.board.shapes import Figure, Missing
from lichen.store.queries import board as queries
from lichen.store.queries import newest as newest_queries
from lichen.store.queries.board import AppFact, FigureFact, MoneyFact


class Line:
    """An application with what it is ordered by.

    Attributes:
        value, units: of the indicator over the period, and the visits it stands for; None when unknown.
    """

    __slots__ = ("_lines", "fact", "place", "units", "value")

    def __init__(self, lines: Lines, fact: AppFact, sums: tuple[float | None, float | None], place: Place) -> None:
        self._lines = lines
        self.fact = fact
        self.value, self.units = sums
        self.place = place

    @property
    def visits(self) -> float | None:
        """Visits of the period; None when unknown."""
        return self._lines.visits.get(self.fact.id)

    @property
    def is_measured(self) -> bool:
        """Whether it has a figure, of the period or at least of a visit."""
        return self.value is not None or self.fact.id in self._lines.measured

    @property
    def per_visit(self) -> float | None:
        """Impact of a visit: of the period, else of the newest runs."""
        if self.value is not None and self.units:
            return self.value / self.units
        found = self._lines.of_a_visit(self.fact.id)
        return None if found is None else found.value

    @property
    def measures(self) -> Measures:
        """Everything that a row shows."""
        return self._lines.measures(self.fact)

    @property
    def cost(self) -> float | None:
        """Roughly, to order by."""
        return self._lines.rough(self._lines.costs, self.fact)

    @property
    def gain(self) -> float | None:
        """Value, roughly, to order by."""
        return self._lines.rough(self._lines.values, self.fact)


class Lines:
    """Applications that are seen, over the period of a look.

    Args:
        among: only some of them; None: all that are listed.
    """

    def __init__(self, look: Look, among: Sequence[AppFact] | None = None) -> None:
        self.look = look
        self.facts = look.listed if among is None else among
        self.ids = [fact.id for fact in self.facts]
        self._few = len(self.facts) <= PAGE_ROWS
        self._rows: dict[str, list[FigureFact]] = {}
        self._visit: dict[str, Figure | None] = {}
        self._measures: dict[str, Measures] = {}

    @cached_property
    def sums(self) -> Mapping[str, tuple[float | None, float | None]]:
        """Impact of every application over the period, and the visits it stands for."""
        return self._sums(None)

    @cached_property
    def visits(self) -> Mapping[str, float]:
        """Visits of every application that has some."""
        return {ref: value for ref, (value, _) in self._sums(VISITS).items() if value is not None}

    def _sums(self, indicator: str | None) -> dict[str, tuple[float | None, float | None]]:
        rows = queries.values_of_period(
            self.look.session, self.look.kind("application", indicator), self.look.span, self.ids if self._few else None
        )
        found: dict[str, list[tuple[float | None, float | None]]] = {}
        for ref, value, units in rows:
            found.setdefault(ref, []).append((value, units))
        return {ref: _added(listed) for ref, listed in found.items()}

    @cached_property
    def measured(self) -> set[str]:
        """Applications that have a run, whatever their traffic."""
        return newest_queries.measured(self.look.session)

    def of_a_visit(self, application: str) -> Figure | None:
        """By its newest runs, the figure of a visit of one that was measured and has no figure of the period."""
        if application not in self._visit:
            self.prepare(self.ids)
        return self._visit[application]

    @cached_property
    def costs(self) -> Mapping[str | None, list[MoneyFact]]:
        """Cost of every application; None holds what belongs to none, where everything is looked at."""
        everything = self.look.seen.teams is None and len(self.facts) == len(self.look.listed)
        return money_by(queries.costs(self.look.session, *self.look.span, None if everything else self.ids))

    @cached_property
    def values(self) -> Mapping[str | None, list[MoneyFact]]:
        """Value of every application."""
        return money_by(queries.values(self.look.session, *self.look.span, self.ids))

    def rough(self, money: Mapping[str | None, list[MoneyFact]], fact: AppFact) -> float | None:
        """An amount in the organisation's currency as a float; None when unknown."""
        rows = money.get(fact.id)
        if not rows or any(row.currency != self.look.currency for row in rows):
            return None
        return float(sum(row.amount for row in rows))

    @cached_property
    def weights(self) -> Mapping[str, tuple[float, str]]:
        """Weight and its reason, of the applications that have one."""
        found = {}
        for application, rows in queries.weights(self.look.session, self.ids).items():
            listed = [PortfolioWeight(weight=row.weight, reason=row.reason, valid_from=row.valid_from) for row in rows]
            weight = weight_on(self.look.today, listed)
            started = [row for row in listed if row.valid_from <= self.look.today and row.weight == weight]
            found[application] = weight, started[-1].reason if started else ""
        return found

    @cached_property
    def all(self) -> Sequence[Line]:
        """Every application, with its places."""
        unknown = (None, None)
        entries = [
            Entry(key=fact.id, value=self.sums.get(fact.id, unknown)[0], weight=self.weights.get(fact.id, (1.0, ""))[0])
            for fact in self.facts
        ]
        return [
            Line(self, fact, self.sums.get(fact.id, unknown), place)
            for fact, place in zip(self.facts, rank(entries), strict=True)
        ]

    def prepare(self, ids: Collection[str]) -> None:
        """Reads the figures of some applications, which are about to be shown."""
        missing = [one for one in ids if one not in self._rows]
        if missing:
            kind = self.look.kind("application")
            read = queries.of_refs if len(missing) <= len(self.ids) // 2 or self._few else None
            facts = (
                read(self.look.session, kind, missing, *self.look.span)
                if read is not None
                else queries.of_period(self.look.session, kind, *self.look.span)
            )
            found = by_ref(facts)
            lacking = [one for one in missing if one not in found and one in self.measured]
            visit = newest.per_visit(self.look, lacking) if lacking else {}
            for one in missing:
                self._rows[one] = found.get(one, [])
                self._visit[one] = visit.get(one)

    def rows(self, application: str) -> Sequence[FigureFact]:
        """Monthly figures of an application over the period."""
        if application not in self._rows:
            self.prepare(self.ids)
        return self._rows[application]

    def measures(self, fact: AppFact) -> Measures:
        """Figures of an application, with their ranges and ratios."""
        if fact.id not in self._measures:
            look = self.look
            visits = self.visits.get(fact.id)
            impact = look.figure(
                self.rows(fact.id), visits, look.why("application", fact.code), is_measured=fact.id in self.measured
            )
            cost = look.money(self.costs.get(fact.id, ()), Missing.NO_COST)
            value = look.money(self.values.get(fact.id, ()), Missing.NO_VALUE)
            found = look.measures(impact, visits, cost, value, fact.users)
            if found.per_visit.value is None and fact.id in self.measured:
                found = replace(found, per_visit=self.of_a_visit(fact.id) or found.per_visit)
            self._measures[fact.id] = found
        return self._measures[fact.id]


def _added(rows: Sequence[tuple[float | None, float | None]]) -> tuple[float | None, float | None]:
    """Months of one thing; unknown when one of them is."""
    if len(rows) == 1:
        return rows[0]
    values = [value for value, _ in rows if value is not None]
    return math.fsum(values) if len(values) == len(rows) else None, math.fsum(units or 0.0 for _, units in rows)
