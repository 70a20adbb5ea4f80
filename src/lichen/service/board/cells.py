# SPDX-License-Identifier: Apache-2.0
"""Sums of figures, from journeys to applications to teams and the organisation, and the rows of the cache that they become."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final, NamedTuple

from lichen.portfolio.sources import SourceKind
from lichen.records import DATA_METHODS
from lichen.service.board.counting import Counted
from lichen.service.board.units import Amount, Key, Unit, bounds_of

JOURNEYS: Final = str(SourceKind.JOURNEYS)
"""The source of a figure that is a journey's, times its traffic."""
MIXED: Final = "mixed"
"""The source of a sum of several sources."""
SILENT: Final = "silent"
"""The source of a figure that is unknown because the one that was declared says nothing."""

VISITS: Final = "visits"
"""The indicator of the cache's rows that hold visits."""
_NOTHING: Final[Mapping[str, float | None]] = dict.fromkeys(("value", "low", "high", *DATA_METHODS))


class Place(NamedTuple):
    """Whose figure of which month."""

    level: str
    ref: str
    month: date


@dataclass(slots=True)
class Cell:
    """A place's figures.

    Attributes:
        units: visits that take the figure of a journey.
        visits: all visits; None when unknown.
        fixed: by whole indicator, the part of its amount that a meter or a bill tells, for all visits.
        counted: an application's sources; None where all are journeys.
        unknown: whole indicators that are unknown, since a declared source is silent.
    """

    amounts: dict[Key, Amount] = field(default_factory=dict)
    units: float = 0.0
    visits: float | None = None
    fixed: dict[Key, float] = field(default_factory=dict)
    counted: Counted | None = None
    unknown: set[Key] = field(default_factory=set)

    def add(self, key: Key, amount: Amount, times: float = 1.0) -> None:
        """Adds so many of a figure."""
        self.amounts.setdefault(key, Amount()).add(amount, times)

    def include(self, other: Cell) -> None:
        """Adds another place's figures, of which this one's are the sum."""
        self.units += other.units
        if other.visits is not None:
            self.visits = (self.visits or 0.0) + other.visits
        for key, amount in other.amounts.items():
            self.add(key, amount)
        for key, part in other.fixed.items():
            self.fixed[key] = self.fixed.get(key, 0.0) + part

    def units_of(self, key: Key) -> float | None:
        """Visits that an amount stands for, so that dividing by them gives the figure of a visit.

        What a meter or a bill tells is of all visits, what journeys tell of those that take them: where both are summed, each
        part is divided by its own.
        """
        fixed = self.fixed.get(whole(key), 0.0)
        if not fixed:
            return self.units
        moving = self.amounts[key].value - fixed if key in self.amounts else 0.0
        if moving <= 0 or not self.units or not self.visits:
            return self.visits
        return (fixed + moving) / (fixed / self.visits + moving / self.units)


def whole(key: Key) -> Key:
    """The same indicator over all tiers and phases."""
    return Key("", "", key.indicator, key.accounting)


def folded(amounts: Mapping[Key, Amount]) -> Unit:
    """Figures by tier and phase, summed over both: one for each indicator and accounting."""
    found: Unit = {}
    for key, amount in amounts.items():
        found.setdefault(whole(key), Amount()).add(amount)
    return found


def application_cell(counted: Counted, units: float, visits: float | None) -> Cell:
    """An application's month: by tier, by phase, and whole.

    Args:
        counted: its figures by tier and phase, each from the source that counts.
        units: visits that take the figure of a journey; visits: all of them.
    """
    cell = Cell(units=units, visits=visits, counted=counted)
    for key, amount in counted.amounts.items():
        cell.add(whole(key), amount)
        if key.tier:
            cell.add(Key(key.tier, "", key.indicator, key.accounting), amount)
        cell.add(Key("", key.phase, key.indicator, key.accounting), amount)
        if counted.sources[key] is not SourceKind.JOURNEYS:
            cell.fixed[whole(key)] = cell.fixed.get(whole(key), 0.0) + amount.value
    for indicator, accounting in counted.unknown:
        cell.unknown.add(Key("", "", indicator, accounting))
        for key in [
            key for key in cell.amounts if not key.tier and (key.indicator, key.accounting) == (indicator, accounting)
        ]:
            del cell.amounts[key]
    return cell


class Sums:
    """Months of teams and of the organisation.

    Attributes:
        cells: of them.
    """

    def __init__(self) -> None:
        self.cells: dict[Place, Cell] = {}

    def add(self, month: date, team_id: str | None, application: Cell) -> None:
        """Adds an application to its team, if it has one, and to the organisation."""
        places = [Place("organisation", "", month)]
        if team_id is not None:
            places.append(Place("team", team_id, month))
        for place in places:
            cell = self.cells.setdefault(place, Cell())
            if place.level == "organisation":
                cell.include(application)
            else:
                totals = {key: amount for key, amount in application.amounts.items() if whole(key) == key}
                cell.include(Cell(totals, application.units, application.visits, application.fixed))


@dataclass(frozen=True, slots=True)
class Stamp:
    """Method and factors of figures."""

    method: str
    factors_hash: str


def rows_of_cell(place: Place, cell: Cell, stamp: Stamp) -> Iterator[dict[str, Any]]:
    """A place's rows of the cache: its figures, and its visits, which depend on no method."""
    for key, row in zip(cell.amounts, rows_of(place, cell.amounts, stamp), strict=True):
        source = (
            cell.counted.source_of(key) if cell.counted is not None else MIXED if whole(key) in cell.fixed else JOURNEYS
        )
        yield row | {"units": cell.units_of(key), "source": source}
    for key in sorted(cell.unknown):
        yield {
            **_place(place, key, stamp), **_NOTHING, "source": SILENT, "units": None,
        }  # fmt: skip
    if cell.visits is not None:
        yield {
            "level": place.level, "ref": place.ref, "granularity": "month", "indicator": VISITS, "period": place.month,
            "run_id": "", "tier": "", "phase": "", "accounting": "", "basis": "total", "method": "", "factors_hash": "",
            **_NOTHING, "value": cell.visits, "source": "traffic", "units": cell.visits,
        }  # fmt: skip


def rows_of(place: Place, amounts: Mapping[Key, Amount], stamp: Stamp, **columns: Any) -> Iterator[dict[str, Any]]:
    """Rows of the cache for a place, from journeys.

    Args:
        columns: what differs from a month's total.
    """
    for (key, amount), (low, high) in zip(amounts.items(), bounds_of(list(amounts.values())), strict=True):
        shares = amount.shares
        yield {
            **_place(place, key, stamp), "value": amount.value, "low": low, "high": high,
            **{method: shares.get(method, 0.0) for method in DATA_METHODS}, "source": JOURNEYS, **columns,
        }  # fmt: skip


def _place(place: Place, key: Key, stamp: Stamp) -> dict[str, Any]:
    return {
        "level": place.level, "ref": place.ref, "granularity": "month", "indicator": key.indicator, "period": place.month,
        "run_id": "", "tier": key.tier, "phase": key.phase, "accounting": key.accounting, "basis": "total",
        "method": stamp.method, "factors_hash": stamp.factors_hash,
    }  # fmt: skip


def rows_of_told(application: str, month: date, counted: Counted, stamp: Stamp) -> Iterator[dict[str, Any]]:
    """What several sources say of an application's tiers, as rows beside the figures."""
    bounds = iter(bounds_of([one.amount for one in counted.told if one.amount is not None]))
    for one in counted.told:
        row: dict[str, Any] = {
            "application_id": application, "indicator": one.indicator, "period": month, "tier": one.tier,
            "source": str(one.source), "accounting": one.accounting, "method": stamp.method,
            "factors_hash": stamp.factors_hash, "counts": one.counts, "reason": str(one.reason), **_NOTHING,
        }  # fmt: skip
        if one.amount is not None:
            low, high = next(bounds)
            shares = one.amount.shares
            row |= {"value": one.amount.value, "low": low, "high": high}
            row |= {method: shares.get(method, 0.0) for method in DATA_METHODS}
        yield row
