# SPDX-License-Identifier: Apache-2.0
"""The portfolio: every application's totals are read to order and to sum them, the rest for the rows of one page alone."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any

from lichen.portfolio.estimate import total
from lichen.service.board.aims import Aims
from lichen.service.board.lines import Line, Lines
from lichen.service.board.queries import EVERYTHING, MEASURED, PAGE_ROWS, UNALLOCATED, PortfolioQuery, Visibility
from lichen.service.board.reading import Look, as_estimate, by_ref, change_of
from lichen.service.board.rows import PortfolioRow, PortfolioTotals
from lichen.service.board.shapes import Facet, FacetValue, Figure, Missing, Named, Page, Ranks, RollOut, Trend
from lichen.service.board.views import PortfolioView
from lichen.service.context import ServiceContext
from lichen.store.queries import board as queries
from lichen.store.queries.board import AppFact, FigureFact

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
        ordered = found.ordered(found.chosen(query), query)
        return found.shown(ordered[start : start + count]), start + count < len(ordered)


class Portfolio(Lines):
    """Applications that are seen, filtered, ordered and summed."""

    @cached_property
    def aims(self) -> Aims:
        """Their targets."""
        return Aims(self.look)

    @property
    def lines(self) -> Sequence[Line]:
        """Every application."""
        return self.all

    def chosen(self, query: PortfolioQuery) -> list[Line]:
        """Lines that search and filters leave."""
        return [line for line in self._found(query) if not self._failed(line, query)]

    def _found(self, query: PortfolioQuery) -> list[Line]:
        words = _plain(query.search).split()
        return [line for line in self.lines if all(word in _text(line.fact) for word in words)]

    def _failed(self, line: Line, query: PortfolioQuery) -> list[str]:
        """The filters that a line does not pass."""
        return [name for name in _FACETS if (wanted := getattr(query, name)) and self._value(line, name) not in wanted]

    def view(self, query: PortfolioQuery) -> PortfolioView:
        """One page."""
        failed = [(line, self._failed(line, query)) for line in self._found(query)]
        left = [line for line, names in failed if not names]
        first = (query.page - 1) * PAGE_ROWS
        ids = [line.fact.id for line in left]
        session = self.look.session
        return PortfolioView(
            frame=self.look.frame(),
            query=query,
            rows=self.shown(self.ordered(left, query)[first : first + PAGE_ROWS]),
            totals=self.totals(left),
            facets=tuple(self._facet(name, failed, query) for name in _FACETS),
            page=Page(number=query.page, size=PAGE_ROWS, rows=len(left)),
            roll_out=RollOut(measured=sum(line.is_measured for line in left), total=len(left)),
            journeys_roll_out=RollOut(
                measured=queries.measured_journeys(session, self.look.kind("journey"), ids),
                total=queries.count_journeys(session, ids),
            ),
        )

    def _value(self, line: Line, facet: str) -> str:
        if facet == "team":
            team = self.look.teams.get(line.fact.team_id or "")
            return team.code if team else UNALLOCATED
        if facet == "measured":
            return MEASURED[0] if line.is_measured else MEASURED[1]
        value = getattr(line.fact, facet)
        return "" if value is None else str(value)

    def _facet(self, name: str, failed: Sequence[tuple[Line, list[str]]], query: PortfolioQuery) -> Facet:
        """How many applications each value would leave, the other filters unchanged."""
        counts: dict[str, int] = {}
        for line, names in failed:
            if names in ([], [name]):
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
        key = self._key(query.sort)
        keyed = [(key(line), line) for line in lines]
        known = [(value, line) for value, line in keyed if value is not None]
        unknown = [line for value, line in keyed if value is None]
        known.sort(key=lambda one: one[0], reverse=query.falling)
        return [line for _, line in known] + unknown

    def _key(self, sort: str) -> Callable[[Line], Any]:
        if sort == "trend":
            return self._changes()
        if sort == "gap":
            return lambda line: None if (gap := self.aims.gap("application", line.fact.id)) is None else gap.gap
        return lambda line: _COLUMNS[sort](self, line)

    def _changes(self) -> Callable[[Line], float | None]:
        """Change of the newest month against the one before, which is all that a curve is ordered by."""
        look = self.look
        months = [month for month in look.months if month <= look.trend_span[1]][-2:]
        if len(months) < 2:
            return lambda _: None
        kind = look.kind("application")
        before, after = (
            {ref: value for ref, value, _ in queries.values_of_period(look.session, kind, (month, month), None)}
            for month in months
        )
        return lambda line: change_of(before.get(line.fact.id), after.get(line.fact.id))

    def _trends(self, lines: Sequence[Line]) -> dict[str, Trend]:
        ids = [line.fact.id for line in lines]
        facts = by_ref(queries.of_refs(self.look.session, self.look.kind("application"), ids, *self.look.trend_span))
        return {one: self.look.trend(facts.get(one, ())) for one in ids}

    def shown(self, lines: Sequence[Line]) -> tuple[PortfolioRow, ...]:
        """Lines with what only a shown row has."""
        ids = [line.fact.id for line in lines]
        self.prepare(ids)
        self.aims.prepare("application", ids)
        trends = self._trends(lines)
        last = queries.last_runs(self.look.session, ids)
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
        everything = look.seen.teams is None and len(lines) == len(look.listed)
        visits = [line.visits for line in lines if line.visits is not None]
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
            len(teams) == 1 and None not in teams and len(lines) == sum(fact.team_id in teams for fact in look.listed)
        )
        if everything or whole_team:
            code = "" if everything else look.teams[ref].code
            facts = queries.of_refs(session, look.kind(level), [ref], *look.trend_span)
            first, last = look.span
            own = [fact for fact in facts if first <= fact.period <= last]
            if look.period.start < look.trend_span[0]:
                own = queries.of_refs(session, look.kind(level), [ref], first, last)
            return look.figure(own, visits, look.why(level, code)), facts
        known = [line for line in lines if line.value is not None]
        self.prepare([line.fact.id for line in known])
        parts = [as_estimate(self.rows(line.fact.id)) for line in known]
        units = [line.units or 0.0 for line in known]
        found = total(parts).total
        figure = Figure(
            value=found.value if parts else None, low=found.low if parts else None, high=found.high if parts else None,
            unit=look.unit, shares=found.shares, missing="" if parts else Missing.NO_RUN,
        )  # fmt: skip
        return (figure, math.fsum(units) if units else None), ()


def _over(above: float | None, below: float | None) -> float | None:
    return above / below if above is not None and below is not None and below > 0 else None


_COLUMNS: Mapping[str, Callable[[Portfolio, Line], Any]] = {
    "gwp100": lambda _, line: line.value,
    "name": lambda _, line: line.fact.name.casefold(),
    "team": lambda one, line: team.name.casefold() if (team := one.look.teams.get(line.fact.team_id or "")) else None,
    "visits": lambda _, line: line.visits,
    "cost": lambda _, line: line.cost,
    "value": lambda _, line: line.gain,
    "roi": lambda _, line: _over(line.gain, line.cost),
    "per_visit": lambda _, line: line.per_visit,
    "per_euro": lambda _, line: _over(line.value, line.cost),
    "weighted": lambda _, line: None if line.value is None else line.value * line.place.weight,
}
"""What lines are ordered by; (value - cost) / cost rises with value / cost."""


def _text(fact: AppFact) -> str:
    return _plain(" ".join((fact.code, fact.name, *fact.tags)))


def _plain(text: str) -> str:
    """Without accents and capitals."""
    split = unicodedata.normalize("NFKD", text)
    return "".join(letter for letter in split if not unicodedata.combining(letter)).casefold()
