# SPDX-License-Identifier: Apache-2.0
"""One table for other boards: traffic, cost, carbon, value and ratios, one row an application and month."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import date
from decimal import Decimal
from types import UnionType
from typing import Any, Final, get_args, get_type_hints

from lichen.ledger.tables import Column, Kind
from lichen.service.board.portfolio import Portfolio
from lichen.service.board.queries import EVERYTHING, SeriesQuery, Visibility
from lichen.service.board.reading import Look, by_ref, money_by
from lichen.service.board.series import span_of
from lichen.service.board.shapes import Missing
from lichen.service.context import ServiceContext
from lichen.store.queries import board as queries
from lichen.store.queries.board import FigureFact

UNALLOCATED = ""
"""Application of the rows that hold the cost of none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JoinedRow:
    """An application's month. What is unknown is null, never 0.

    Attributes:
        application: code; empty for the cost that no application was given.
        month: its first day.
        cost, value: in ``currency``; value_low and value_high as its owner stated.
        gwp100_gco2e: gCO2e, with its 5 % and 95 % bounds; energy_kwh: kWh; water_l: L.
        covered: share of the visits that the figures stand for.
        gco2e_per_visit, gco2e_per_currency: gCO2e by visit and by unit of cost.
        roi: (value - cost) / cost.
        weight: of the application, in no figure of this table; weighted_rank: place by figure x weight in the month, beside rank.
        measured, modelled, proxy: shares of gwp100 by how its data were obtained.
        sample: whether the row is made up.
    """

    application: str
    name: str
    team: str
    domain: str
    criticality: int | None
    month: date
    visits: float | None
    cost: Decimal | None
    value: Decimal | None
    value_low: Decimal | None
    value_high: Decimal | None
    currency: str
    gwp100_gco2e: float | None
    gwp100_gco2e_low: float | None
    gwp100_gco2e_high: float | None
    energy_kwh: float | None
    water_l: float | None
    covered: float | None
    gco2e_per_visit: float | None
    gco2e_per_currency: float | None
    roi: float | None
    weight: float
    rank: int | None
    weighted_rank: int | None
    measured: float | None
    modelled: float | None
    proxy: float | None
    method: str
    factors_hash: str
    sample: bool


_KINDS: Final[Mapping[type, Kind]] = {
    str: "text", float: "number", int: "integer", bool: "flag", date: "day", Decimal: "money",
}  # fmt: skip
_UNITS: Final[Mapping[str, str]] = {
    "visits": "1", "cost": "currency", "value": "currency", "value_low": "currency", "value_high": "currency",
    "gwp100_gco2e": "gCO2e", "gwp100_gco2e_low": "gCO2e", "gwp100_gco2e_high": "gCO2e", "energy_kwh": "kWh", "water_l": "L",
    "covered": "1", "gco2e_per_visit": "gCO2e", "gco2e_per_currency": "gCO2e/currency", "roi": "1", "weight": "1",
    "measured": "1", "modelled": "1", "proxy": "1",
}  # fmt: skip
"""Units of the columns; ``currency``: that of the column of this name."""


def columns() -> tuple[Column, ...]:
    """The columns, as files that have types hold them."""
    hints = get_type_hints(JoinedRow)
    return tuple(
        Column(one.name, _KINDS[_type(hints[one.name])], "", _UNITS.get(one.name, "")) for one in fields(JoinedRow)
    )


def _type(hint: Any) -> type:
    """A type without its null."""
    if isinstance(hint, UnionType):
        hint = next(one for one in get_args(hint) if one is not type(None))
    found: type = hint
    return found


def joined(
    context: ServiceContext, seen: Visibility = EVERYTHING, *, first: str | None = None, last: str | None = None
) -> list[JoinedRow]:
    """Rows by month and application.

    Args:
        first, last: months, both included; None: the last 13.

    Raises:
        UsageError: a month that does not exist, or a span that is too long.
    """
    with context.store.reading() as session:
        start, end = span_of(Look(context, session, seen), SeriesQuery(first=first, last=last))
        rows: list[JoinedRow] = []
        month = start
        while month <= end:
            look = Look(context, session, seen, f"{month:%Y-%m}")
            rows += _month(look, month)
            month = look.period.end
        return rows


def _month(look: Look, month: date) -> list[JoinedRow]:
    """Applications that have something in a month, and the cost of none."""
    portfolio = Portfolio(look)
    others = {
        name: by_ref(queries.of_period(look.session, look.kind("application", name), month, month))
        for name in ("energy", "water")
    }
    made_up = look.sample
    rows = []
    for line in portfolio.lines:
        measures = line.measures
        if measures.visits is None and measures.cost.amount is None and measures.impact.value is None:
            continue
        shares = measures.impact.shares
        known = measures.impact.value is not None
        team = look.team(line.fact.team_id)
        rows.append(
            JoinedRow(
                application=line.fact.code, name=line.fact.name, team=team.code if team else "",
                domain=line.fact.domain or "", criticality=line.fact.criticality, month=month, visits=measures.visits,
                cost=measures.cost.amount, value=measures.value.amount, value_low=measures.value.low,
                value_high=measures.value.high, currency=look.currency, gwp100_gco2e=measures.impact.value,
                gwp100_gco2e_low=measures.impact.low, gwp100_gco2e_high=measures.impact.high,
                energy_kwh=_value(others["energy"], line.fact.id), water_l=_value(others["water"], line.fact.id),
                covered=measures.impact.covered, gco2e_per_visit=measures.per_visit.value if known else None,
                gco2e_per_currency=measures.per_euro.value, roi=measures.roi.value, weight=line.place.weight,
                rank=line.place.rank, weighted_rank=line.place.weighted_rank,
                measured=shares.get("measured", 0.0) if known else None,
                modelled=shares.get("modelled", 0.0) if known else None, proxy=shares.get("proxy", 0.0) if known else None,
                method=look.stamp.method, factors_hash=look.stamp.factors_hash, sample=line.fact.code in made_up,
            )
        )  # fmt: skip
    return rows + _unallocated(look, portfolio, month)


def _unallocated(look: Look, portfolio: Portfolio, month: date) -> list[JoinedRow]:
    if look.seen.teams is not None or None not in portfolio.costs:
        return []
    cost = look.money(money_by(portfolio.costs[None])[None], Missing.NO_COST)
    nothing: dict[str, Any] = dict.fromkeys(one.name for one in fields(JoinedRow))
    nothing |= {
        "application": UNALLOCATED, "name": "", "team": "", "domain": "", "month": month, "cost": cost.amount,
        "currency": look.currency, "weight": 1.0, "method": look.stamp.method, "factors_hash": look.stamp.factors_hash,
        "sample": bool(look.sample),
    }  # fmt: skip
    return [JoinedRow(**nothing)]


def _value(figures: Mapping[str, list[FigureFact]], ref: str) -> float | None:
    rows = figures.get(ref)
    return rows[0].value if rows else None
