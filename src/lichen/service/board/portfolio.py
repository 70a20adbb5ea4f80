# SPDX-License-Identifier: Apache-2.0
"""The portfolio: every application's totals are read to order and to sum them, the rest for the rows of one page alone."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from lichen.portfolio.estimate import Estimate, total
from lichen.portfolio.ranking import Entry, Place, rank, weight_on
from lichen.portfolio.ranking import Weight as PortfolioWeight
from lichen.service.board.aims import Aims
from lichen.service.board.cells import VISITS
from lichen.service.board.queries import EVERYTHING, MEASURED, PAGE_ROWS, UNALLOCATED, PortfolioQuery, Visibility
from lichen.service.board.reading import Look, by_ref, money_by
from lichen.service.board.rows import Measures, PortfolioRow, PortfolioTotals
from lichen.service.board.shapes import Facet, FacetValue, Figure, Missing, Named, Page, Ranks, RollOut, Trend
from lichen.service.board.views import PortfolioView
from lichen.service.context import ServiceContext
from lichen.store.queries import board as queries
from lichen.store.queries.board import AppFact, FigureFact, MoneyFact

_FACETS = ("team", "domain", "criticality", "measured")


def portfolio(context: ServiceContext, query: PortfolioQuery, seen: Visibility = EVERYTHING) -> PortfolioView:
    """The portfolio page.

    Args:
        query: the address, read.
        seen: whose applications are shown; sums are of these alone.

    Raises:
        UsageError: a period or an indicator that does not exist.
    """
    with context.store.reading() as session:
        look = Look(context, session, seen, query.period, query.indicator)
        return Portfolio(look).view(query)


def portfolio_rows(
    context: ServiceContext, query: PortfolioQuery, start: int, count: int, seen: Visibility = EVERYTHING
) -> tuple[tuple[PortfolioRow, ...], bool]:
    """Rows of the portfolio from a place on, and whether there are further ones.

    Raises:
        UsageError: a period or an indicator that does not exist.
    """
    with context.store.reading() as session:
        found = Portfolio(Look(context, session, seen, query.period, query.indicator))
        _, left = found.chosen(query)
        ordered = found.ordered(left, query)
        return found.rows(ordered[start : start + count]), start + count < len(ordered)


@dataclass(frozen=True, slots=True)
class Line:
    """An application with what it is ordered by."""

    fact: AppFact
    measures: Measures
    place: Place


class Portfolio:
    """Applications that are seen, over a period.

    Args:
        among: only some of them; None: all that are seen.
    """

    def __init__(self, look: Look, among: Sequence[AppFact] | None = None) -> None:
        self.look = look
        self.facts = look.applications if among is None else among
        self.aims = Aims(look)

    @cached_property
    def _ids(self) -> list[str]:
        return [fact.id for fact in self.facts]

    @cached_property
    def _few(self) -> bool:
        """Whether rows are better looked up one by one than read for everything."""
        return len(self.facts) <= PAGE_ROWS

    def _figures(self, indicator: str | None = None) -> Mapping[str, list[FigureFact]]:
        kind = self.look.kind("application", indicator)
        if self._few:
            return by_ref(queries.of_refs(self.look.session, kind, self._ids, *self.look.span))
        return by_ref(queries.of_period(self.look.session, kind, *self.look.span))

    @cached_property
    def figures(self) -> Mapping[str, list[FigureFact]]:
        """Impact of every application."""
        return self._figures()

    @cached_property
    def visits(self) -> Mapping[str, float]:
        """Visits of every application that has some."""
        return {ref: math.fsum(fact.value or 0.0 for fact in facts) for ref, facts in self._figures(VISITS).items()}

    @cached_property
    def costs(self) -> Mapping[str | None, list[MoneyFact]]:
        """Cost of every application; None holds what belongs to none."""
        everything = self.look.seen.teams is None and len(self.facts) == len(self.look.applications)
        some = None if everything else self._ids
        return money_by(queries.costs(self.look.session, *self.look.span, some))

    @cached_property
    def values(self) -> Mapping[str | None, list[MoneyFact]]:
        """Value of every application."""
        return money_by(queries.values(self.look.session, *self.look.span, self._ids))

    @cached_property
    def weights(self) -> Mapping[str, tuple[float, str]]:
        """Weight and its reason, of the applications that have one."""
        found = {}
        for application, rows in queries.weights(self.look.session, self._ids).items():
            listed = [PortfolioWeight(weight=row.weight, reason=row.reason, valid_from=row.valid_from) for row in rows]
            weight = weight_on(self.look.today, listed)
            started = [row for row in listed if row.valid_from <= self.look.today and row.weight == weight]
            found[application] = weight, started[-1].reason if started else ""
        return found

    def measures(self, fact: AppFact) -> Measures:
        """Figures of an application."""
        look = self.look
        visits = self.visits.get(fact.id)
        impact = look.figure(self.figures.get(fact.id, ()), visits, look.why("application", fact.code))
        cost = look.money(self.costs.get(fact.id, ()), Missing.NO_COST)
        value = look.money(self.values.get(fact.id, ()), Missing.NO_VALUE)
        return look.measures(impact, visits, cost, value, fact.users)

    @cached_property
    def lines(self) -> Sequence[Line]:
        """Every application that is seen."""
        measures = [self.measures(fact) for fact in self.facts]
        entries = [
            Entry(key=fact.id, value=one.impact.value, weight=self.weights.get(fact.id, (1.0, ""))[0])
            for fact, one in zip(self.facts, measures, strict=True)
        ]
        return [Line(*each) for each in zip(self.facts, measures, rank(entries), strict=True)]

    def chosen(self, query: PortfolioQuery) -> tuple[list[Line], list[Line]]:
        """Lines that the search finds, and those of them that pass the filters."""
        words = _plain(query.search).split()
        found = [line for line in self.lines if all(word in _text(line.fact) for word in words)]
        return found, [line for line in found if all(self._passes(line, name, query) for name in _FACETS)]

    def view(self, query: PortfolioQuery) -> PortfolioView:
        """One page."""
        found, left = self.chosen(query)
        ordered = self.ordered(left, query)
        pages = Page(number=query.page, size=PAGE_ROWS, rows=len(left))
        first = (query.page - 1) * PAGE_ROWS
        measured = sum(line.measures.impact.value is not None for line in left)
        ids = [line.fact.id for line in left]
        session = self.look.session
        return PortfolioView(
            frame=self.look.frame(),
            query=query,
            rows=self.rows(ordered[first : first + PAGE_ROWS]),
            totals=self.totals(left),
            facets=tuple(self._facet(name, found, query) for name in _FACETS),
            page=pages,
            roll_out=RollOut(measured=measured, total=len(left)),
            journeys_roll_out=RollOut(
                measured=queries.measured_journeys(session, self.look.kind("journey"), ids),
                total=queries.count_journeys(session, ids),
            ),
        )

    def _passes(self, line: Line, facet: str, query: PortfolioQuery) -> bool:
        wanted = getattr(query, facet)
        return not wanted or self._value(line, facet) in wanted

    def _value(self, line: Line, facet: str) -> str:
        if facet == "team":
            team = self.look.teams.get(line.fact.team_id or "")
            return team.code if team else UNALLOCATED
        if facet == "measured":
            return MEASURED[0] if line.measures.impact.value is not None else MEASURED[1]
        value = getattr(line.fact, facet)
        return "" if value is None else str(value)

    def _facet(self, name: str, found: Sequence[Line], query: PortfolioQuery) -> Facet:
        """How many applications each value would leave, the other filters unchanged."""
        counts: dict[str, int] = {}
        for line in found:
            if all(self._passes(line, other, query) for other in _FACETS if other != name):
                value = self._value(line, name)
                counts[value] = counts.get(value, 0) + 1
        labels = {team.code: team.name for team in self.look.teams.values()} if name == "team" else {}
        chosen = getattr(query, name)
        listed = sorted(counts.items(), key=lambda one: labels.get(one[0], one[0]).casefold())
        return Facet(
            name=name,
            values=tuple(
                FacetValue(value=value, label=labels.get(value, value), count=count, selected=value in chosen)
                for value, count in listed
                if value
            ),
        )

    def ordered(self, lines: Sequence[Line], query: PortfolioQuery) -> list[Line]:
        """By the column that was asked for; what is unknown comes last, whichever way."""
        key = self._key(lines, query.sort)
        known = [(value, line) for line in lines if (value := key(line)) is not None]
        unknown = [line for line in lines if key(line) is None]
        known.sort(key=lambda one: one[0], reverse=query.falling)
        return [line for _, line in known] + unknown

    def _key(self, lines: Sequence[Line], sort: str) -> Callable[[Line], Any]:
        if sort == "trend":
            trends = self._trends(lines)
            return lambda line: trends[line.fact.id].change
        if sort == "gap":
            return lambda line: None if (gap := self.aims.gap("application", line.fact.id)) is None else gap.gap
        return lambda line: _COLUMNS[sort](self, line)

    def _trends(self, lines: Sequence[Line]) -> dict[str, Trend]:
        ids = [line.fact.id for line in lines]
        facts = by_ref(queries.of_refs(self.look.session, self.look.kind("application"), ids, *self.look.trend_span))
        return {one: self.look.trend(facts.get(one, ())) for one in ids}

    def rows(self, lines: Sequence[Line]) -> tuple[PortfolioRow, ...]:
        """Lines with what only a shown row has."""
        trends = self._trends(lines)
        last = queries.last_runs(self.look.session, [line.fact.id for line in lines])
        return tuple(self._row(line, trends[line.fact.id], last) for line in lines)

    def _row(self, line: Line, trend: Trend, last: Mapping[str, Any]) -> PortfolioRow:
        fact, at = line.fact, last.get(line.fact.id)
        return PortfolioRow(
            application=Named(code=fact.code, name=fact.name),
            team=self.look.team(fact.team_id),
            domain=fact.domain or "",
            criticality=fact.criticality,
            measures=line.measures,
            trend=trend,
            target=self.aims.gap("application", fact.id),
            ranks=self.ranks(line),
            last_run=None if at is None else at.date(),
        )

    def ranks(self, line: Line) -> Ranks:
        """An application's place with and without its weight."""
        return Ranks(
            weight=line.place.weight,
            weight_reason=self.weights.get(line.fact.id, (1.0, ""))[1],
            rank=line.place.rank,
            weighted_rank=line.place.weighted_rank,
        )

    def totals(self, lines: Sequence[Line]) -> PortfolioTotals:
        """Sums of the lines, with what is allocated to no application where everything is shown."""
        look = self.look
        everything = look.seen.teams is None and len(lines) == len(look.applications)
        visits = [line.measures.visits for line in lines if line.measures.visits is not None]
        all_visits = math.fsum(visits) if visits else None
        impact, facts = self._impact(lines, everything, all_visits)
        unallocated = look.money(self.costs.get(None, ()), Missing.NO_COST) if everything else None
        shown = {line.fact.id for line in lines}
        costs = [
            one for key, listed in self.costs.items() for one in listed if key in shown or (key is None and everything)
        ]
        values = [one for key, listed in self.values.items() for one in listed if key in shown]
        measures = look.measures(
            impact, all_visits, look.money(costs, Missing.NO_COST), look.money(values, Missing.NO_VALUE)
        )
        shares = impact[0].shares
        return PortfolioTotals(
            measures=measures,
            unallocated_cost=unallocated,
            applications=len(lines),
            trend=look.trend(facts),
            target=self.aims.gap("organisation") if everything else None,
            estimated=shares.get("modelled", 0.0) + shares.get("proxy", 0.0) if shares else None,
        )  # fmt: skip

    def _impact(
        self, lines: Sequence[Line], everything: bool, visits: float | None
    ) -> tuple[tuple[Figure, float | None], Sequence[FigureFact]]:
        """The sum, and its months. A team's and the organisation's have ranges of their own; any other sum adds the bounds."""
        look, session = self.look, self.look.session
        teams = {line.fact.team_id for line in lines}
        level, ref = ("organisation", "") if everything else ("team", str(next(iter(teams), "")))
        whole_team = (
            len(teams) == 1
            and None not in teams
            and len(lines) == sum(fact.team_id in teams for fact in look.applications)
        )
        if everything or whole_team:
            code = "" if everything else look.teams[ref].code
            facts = queries.of_refs(session, look.kind(level), [ref], *look.trend_span)
            first, last = look.span
            own = [fact for fact in facts if first <= fact.period <= last]
            if look.period.start < look.trend_span[0]:
                own = queries.of_refs(session, look.kind(level), [ref], first, last)
            return look.figure(own, visits, look.why(level, code)), facts
        figures = [line.measures.impact for line in lines if line.measures.impact.value is not None]
        units = [row.units or 0.0 for line in lines for row in self.figures.get(line.fact.id, ())]
        found = total(Estimate(value=one.value, low=one.low, high=one.high, shares=one.shares) for one in figures).total
        figure = Figure(
            value=found.value if figures else None, low=found.low if figures else None, high=found.high if figures else None,
            unit=look.unit, shares=found.shares, missing="" if figures else Missing.NO_RUN,
        )  # fmt: skip
        return (figure, math.fsum(units) if units else None), ()


_COLUMNS: Mapping[str, Callable[[Portfolio, Line], Any]] = {
    "gwp100": lambda _, line: line.measures.impact.value,
    "name": lambda _, line: line.fact.name.casefold(),
    "team": lambda one, line: team.name.casefold() if (team := one.look.teams.get(line.fact.team_id or "")) else None,
    "visits": lambda _, line: line.measures.visits,
    "cost": lambda _, line: line.measures.cost.amount,
    "value": lambda _, line: line.measures.value.amount,
    "roi": lambda _, line: line.measures.roi.value,
    "per_visit": lambda _, line: line.measures.per_visit.value,
    "per_euro": lambda _, line: line.measures.per_euro.value,
    "weighted": lambda _, line: (
        None if line.measures.impact.value is None else line.measures.impact.value * line.place.weight
    ),
}


def _text(fact: AppFact) -> str:
    return _plain(" ".join((fact.code, fact.name, *fact.tags)))


def _plain(text: str) -> str:
    """Without accents and capitals."""
    split = unicodedata.normalize("NFKD", text)
    return "".join(letter for letter in split if not unicodedata.combining(letter)).casefold()
