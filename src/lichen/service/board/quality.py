# SPDX-License-Identifier: Apache-2.0
"""How far figures can be trusted, and what would make them better."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from lichen.portfolio.measure_next import STALE_AFTER_DAYS
from lichen.service.board import lists, periods
from lichen.service.board.lines import Line
from lichen.service.board.portfolio import Portfolio
from lichen.service.board.queries import EVERYTHING, PAGE_ROWS, Visibility
from lichen.service.board.reading import HEADLINE, Look
from lichen.service.board.rows import QualityRow
from lichen.service.board.shapes import RollOut
from lichen.service.board.views import QualityView
from lichen.service.context import ServiceContext
from lichen.store.queries import board as queries

_WIDE = 1.0
"""(high - low) / value above which a range is wide."""
_MOSTLY = 0.5


def quality(
    context: ServiceContext,
    seen: Visibility = EVERYTHING,
    *,
    period: str | None = None,
    indicator: str = HEADLINE,
    page: int = 1,
) -> QualityView:
    """The page of data quality: applications with the most problems first.

    Raises:
        UsageError: a period or indicator that does not exist.
    """
    with context.store.reading() as session:
        look = Look(context, session, seen, period, indicator)
        portfolio = Portfolio(look)
        last = _Last(
            runs={
                key: at.date() for key, at in queries.last_runs(session, [one.id for one in look.applications]).items()
            },
            traffic=queries.last_traffic(session),
            costs=queries.last_costs(session),
        )
        rows = [_row(look, line, last) for line in portfolio.lines]
        rows.sort(key=lambda row: (-len(row.problems), row.application.name))
        counts: dict[str, int] = {}
        for row in rows:
            for problem in row.problems:
                counts[problem] = counts.get(problem, 0) + 1
        pages, shown = lists.page_of(page, PAGE_ROWS, rows)
        return QualityView(
            frame=look.frame(),
            shares=portfolio.totals(portfolio.lines).measures.impact.shares,
            roll_out=RollOut(measured=sum(bool(row.last_run) for row in rows), total=len(rows)),
            counts=dict(sorted(counts.items(), key=lambda one: -one[1])),
            rows=tuple(shown),
            page=pages,
        )


@dataclass(frozen=True, slots=True)
class _Last:
    """When something was last known, by application."""

    runs: Mapping[str, date]
    traffic: Mapping[str, date]
    costs: Mapping[str, date]


def _row(look: Look, line: Line, last: _Last) -> QualityRow:
    impact = line.measures.impact
    spread = None
    if impact.value and impact.low is not None and impact.high is not None:
        spread = (impact.high - impact.low) / impact.value
    return QualityRow(
        application=lists.named(line.fact),
        team=look.team(line.fact.team_id),
        figure=impact,
        shares=impact.shares,
        spread=spread,
        last_run=last.runs.get(line.fact.id),
        last_traffic=last.traffic.get(line.fact.id),
        last_cost=last.costs.get(line.fact.id),
        not_covered=0 if impact.covered is None or impact.covered >= 1 else 1,
        problems=tuple(_problems(look, line, last, spread)),
    )


def _problems(look: Look, line: Line, last: _Last, spread: float | None) -> Iterator[str]:
    fact, impact = line.fact, line.measures.impact
    run, month = last.runs.get(fact.id), periods.last_month(look.period)
    if run is None:
        yield "no_run"
    elif look.today - run > timedelta(days=STALE_AFTER_DAYS):
        yield "stale_run"
    if last.traffic.get(fact.id, date.min) < month:
        yield "no_traffic"
    if last.costs.get(fact.id, date.min) < month:
        yield "no_cost"
    if fact.team_id is None:
        yield "no_team"
    if not fact.business_owner:
        yield "no_owner"
    if impact.covered is not None and impact.covered < 1:
        yield "journeys_without_run"
    if impact.shares.get("proxy", 0.0) > _MOSTLY:
        yield "proxy"
    if spread is not None and spread > _WIDE:
        yield "wide_range"
