# SPDX-License-Identifier: Apache-2.0
"""Curves, as the API gives them."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Final

from lichen.errors import UsageError
from lichen.service.board import periods
from lichen.service.board.cells import VISITS
from lichen.service.board.queries import EVERYTHING, SeriesQuery, Visibility
from lichen.service.board.reading import HEADLINE, Look
from lichen.service.board.rows import Curve
from lichen.service.board.shapes import Point
from lichen.service.board.views import SeriesView
from lichen.service.context import ServiceContext
from lichen.store.queries import board as queries
from lichen.store.queries.board import FigureFact

LEVELS: Final = ("organisation", "team", "application", "journey")
GRANULARITIES: Final = ("month", "run")
MONEY: Final = ("cost", "value")
LONGEST_MONTHS: Final = 240


def series(context: ServiceContext, query: SeriesQuery, seen: Visibility = EVERYTHING) -> SeriesView | None:
    """A curve; None when what it is of does not exist or is not seen.

    Raises:
        UsageError: a level, granularity, indicator or month that does not exist, or a span that is too long.
    """
    check(query)
    with context.store.reading() as session:
        of_model = query.indicator not in (VISITS, *MONEY)
        look = Look(context, session, seen, None, query.indicator if of_model else HEADLINE)
        ref = ref_of(look, query)
        if ref is None:
            return None
        first, last = span_of(look, query)
        unit = look.unit if of_model else look.currency if query.indicator in MONEY else "1"
        if query.indicator in MONEY:
            points = _money(look, query, ref, first, last)
        else:
            end = last if query.granularity == "month" else periods.moved(last, 1) - timedelta(days=1)
            kind = look.kind(query.level, query.indicator, query.granularity)
            facts = queries.of_refs(session, kind, [ref], first, end)
            points = [_point(fact, query.per == "visit" and of_model) for fact in facts]
        per = "/visit" if of_model and (query.per == "visit" or query.granularity == "run") else ""
        return SeriesView(
            level=query.level,
            ref=query.ref,
            indicator=query.indicator,
            granularity=query.granularity,
            curve=Curve(name=query.indicator, unit=unit + per, points=tuple(points)),
            method=look.frame().method,
        )


def check(query: SeriesQuery) -> None:
    """UsageError for a level or granularity that does not exist, or that do not go together."""
    for name, value, known in (("level", query.level, LEVELS), ("granularity", query.granularity, GRANULARITIES)):
        if value not in known:
            raise UsageError(f"{name} is '{value}'.", repair=f"Use {', '.join(known)}.", culprit=name)
    if query.granularity == "run" and query.level != "journey":
        raise UsageError(
            f"A run has figures of journeys, not of the {query.level}.",
            repair="Ask for level journey.",
            culprit="level",
        )
    if query.indicator in MONEY and query.level == "journey":
        raise UsageError(f"A journey has no {query.indicator}.", repair="Ask for an application's.", culprit="level")


def ref_of(look: Look, query: SeriesQuery) -> str | None:
    """The id that the cache knows something by."""
    if query.level == "organisation":
        return "" if look.seen.teams is None and not query.ref else None
    if query.level == "team":
        found = next((one for one in look.teams.values() if one.code == query.ref), None)
        seen = found is not None and (look.seen.teams is None or found.id in look.seen.teams)
        return found.id if seen and found is not None else None
    code, _, journey = query.ref.partition("/")
    fact = next((one for one in look.applications if one.code == code), None)
    if fact is None or query.level == "application":
        return None if fact is None or journey else fact.id
    return next((one.id for one in queries.journeys(look.session, [fact.id]) if one.code == journey), None)


def span_of(look: Look, query: SeriesQuery) -> tuple[date, date]:
    """First and last month.

    Raises:
        UsageError: a month that is none, the first after the last, or more than 20 years of them.
    """
    last = periods.read(query.last).end if query.last else None
    end = periods.moved(last, -1) if last else (look.months or [look.today.replace(day=1)])[-1]
    first = periods.read(query.first).start if query.first else periods.moved(end, 1 - periods.TREND_MONTHS)
    if first > end:
        raise UsageError(f"{first:%Y-%m} is after {end:%Y-%m}.", repair="Give the earlier month first.", culprit="from")
    if (end.year - first.year) * 12 + end.month - first.month >= LONGEST_MONTHS:
        raise UsageError("The span is longer than 20 years.", repair="Ask for less.", culprit="from")
    return first, end


def _point(fact: FigureFact, per_visit: bool) -> Point:
    units = fact.units if per_visit else 1.0
    value, low, high = (None if one is None or not units else one / units for one in (fact.value, fact.low, fact.high))
    return Point(at=fact.period, value=value, low=low, high=high)


def _money(look: Look, query: SeriesQuery, ref: str, first: date, last: date) -> list[Point]:
    """Cost or value by month, of the organisation's currency; a month with another currency is unknown."""
    ids: list[str] | None = [ref]
    if query.level == "team":
        ids = [one.id for one in look.applications if one.team_id == ref]
    elif query.level == "organisation":
        ids = None
    if query.indicator == "cost":
        facts = queries.costs(look.session, first, last, ids)
    else:
        facts = queries.values(look.session, first, last, ids or [one.id for one in look.applications])
    by_month: dict[date, list[float | None]] = {}
    for fact in facts:
        by_month.setdefault(fact.period, []).append(float(fact.amount) if fact.currency == look.currency else None)
    return [
        Point(at=month, value=None if None in amounts else sum(one for one in amounts if one is not None))
        for month, amounts in sorted(by_month.items())
    ]
