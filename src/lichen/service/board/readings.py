# SPDX-License-Identifier: Apache-2.0
"""The newest full month at one glance, for machines that look every few seconds."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from lichen.service.board.lines import Line
from lichen.service.board.portfolio import Portfolio
from lichen.service.board.queries import EVERYTHING, Visibility
from lichen.service.board.reading import Look, by_ref
from lichen.service.board.shapes import Figure
from lichen.service.context import ServiceContext
from lichen.store.queries import board as queries


@dataclass(frozen=True, slots=True, kw_only=True)
class OverviewRow:
    """An application's month; unknown is None.

    Attributes:
        team: code; empty without one. cost, value: in the organisation's currency. per_visit: gCO2e.
        modelled: share of gwp100 that is modelled or proxy. last_run: seconds since 1970.
    """

    application: str
    team: str
    visits: float | None
    cost: float | None
    value: float | None
    gwp100: Figure
    per_visit: float | None
    energy_kwh: float | None
    roi: float | None
    target_gap: float | None
    modelled: float | None
    weight: float
    rank: float | None
    weighted_rank: float | None
    last_run: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """Everything that is seen. cost has the part that no application was given, ``unallocated``."""

    period: str
    method: str
    factors_hash: str
    currency: str
    sample: bool
    rows: tuple[OverviewRow, ...]
    gwp100: Figure
    visits: float | None
    cost: float | None
    unallocated: float | None
    target_gap: float | None
    measured: int


def overview(context: ServiceContext, seen: Visibility = EVERYTHING) -> Overview:
    """The newest full month of everything that is seen."""
    with context.store.reading() as session:
        look = Look(context, session, seen)
        portfolio = Portfolio(look)
        energy = by_ref(queries.of_period(session, look.kind("application", "energy"), *look.span))
        last = queries.last_runs(session, [line.fact.id for line in portfolio.lines])
        totals = portfolio.totals(portfolio.lines)
        frame = look.frame()
        return Overview(
            period=look.period.name, method=look.stamp.method, factors_hash=look.stamp.factors_hash, currency=look.currency,
            sample=frame.sample,
            rows=tuple(
                _row(portfolio, line, energy[line.fact.id][0].value if line.fact.id in energy else None,
                     last[line.fact.id].timestamp() if line.fact.id in last else None)
                for line in portfolio.lines
            ),
            gwp100=totals.measures.impact, visits=totals.measures.visits, cost=_float(totals.measures.cost.amount),
            unallocated=None if totals.unallocated_cost is None else _float(totals.unallocated_cost.amount),
            target_gap=None if totals.target is None else totals.target.gap,
            measured=sum(line.is_measured for line in portfolio.lines),
        )  # fmt: skip


def _float(amount: Decimal | None) -> float | None:
    return None if amount is None else float(amount)


def _row(portfolio: Portfolio, line: Line, energy_kwh: float | None, last_run: float | None) -> OverviewRow:
    measures, shares = line.measures, line.measures.impact.shares
    team = portfolio.look.team(line.fact.team_id)
    gap = portfolio.aims.gap("application", line.fact.id)
    return OverviewRow(
        application=line.fact.code, team=team.code if team else "", visits=measures.visits, cost=_float(measures.cost.amount),
        value=_float(measures.value.amount), gwp100=measures.impact, per_visit=measures.per_visit.value,
        energy_kwh=energy_kwh, roi=measures.roi.value, target_gap=None if gap is None else gap.gap,
        modelled=shares.get("modelled", 0.0) + shares.get("proxy", 0.0) if shares else None, weight=line.place.weight,
        rank=line.place.rank, weighted_rank=line.place.weighted_rank, last_run=last_run,
    )  # fmt: skip
