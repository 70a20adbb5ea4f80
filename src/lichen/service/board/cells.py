# SPDX-License-Identifier: Apache-2.0
"""Sums of figures, from journeys to applications to teams and the organisation, and the rows of the cache that they become."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final, NamedTuple

from lichen.records import DATA_METHODS
from lichen.service.board.units import Amount, Key, Unit, bounds_of

JOURNEYS: Final = "journeys"
"""The source of a figure that is a journey's, times its traffic (`lichen.portfolio.sources`)."""

VISITS: Final = "visits"
"""The indicator of the cache's rows that hold visits."""


class Place(NamedTuple):
    """Whose figure of which month."""

    level: str
    ref: str
    month: date


@dataclass(slots=True)
class Cell:
    """A place's figures.

    Attributes:
        units: functional units that the amounts stand for.
        visits: all visits; None when unknown.
    """

    amounts: dict[Key, Amount] = field(default_factory=dict)
    units: float = 0.0
    visits: float | None = None

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


def whole(key: Key) -> Key:
    """The same indicator over all tiers and phases."""
    return Key("", "", key.indicator, key.accounting)


def folded(amounts: Mapping[Key, Amount]) -> Unit:
    """Figures by tier and phase, summed over both: one for each indicator and accounting."""
    found: Unit = {}
    for key, amount in amounts.items():
        found.setdefault(whole(key), Amount()).add(amount)
    return found


def month_of_journey(units: Mapping[str, Unit], weights: Mapping[str, float]) -> Unit:
    """A journey's month: for each run, so many of its functional unit.

    Args:
        units: run -> its figures, by tier and phase.
        weights: run -> functional units that take its figure.
    """
    found: Unit = {}
    for run_id, count in weights.items():
        for key, amount in units[run_id].items():
            found.setdefault(key, Amount()).add(amount, count)
    return found


def application_cell(journeys: Mapping[str, tuple[Unit, float]]) -> tuple[Cell, dict[str, Cell]]:
    """An application's month, and the months of its journeys, which add up to it.

    Args:
        journeys: id -> figures by tier and phase, and functional units.
    """
    application, parts = Cell(), {}
    for journey, (amounts, count) in journeys.items():
        parts[journey] = Cell(folded(amounts), count)
        application.include(parts[journey])
        for key, amount in amounts.items():
            application.add(Key(key.tier, "", key.indicator, key.accounting), amount)
            application.add(Key("", key.phase, key.indicator, key.accounting), amount)
    return application, parts


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
                cell.include(Cell(totals, application.units, application.visits))


@dataclass(frozen=True, slots=True)
class Stamp:
    """Method and factors of figures."""

    method: str
    factors_hash: str


def rows_of_cell(place: Place, cell: Cell, stamp: Stamp) -> Iterator[dict[str, Any]]:
    """A place's rows of the cache: its figures, and its visits, which depend on no method."""
    yield from rows_of(place, cell.amounts, stamp, units=cell.units)
    if cell.visits is not None:
        yield {
            "level": place.level, "ref": place.ref, "granularity": "month", "indicator": VISITS, "period": place.month,
            "run_id": "", "tier": "", "phase": "", "accounting": "", "basis": "total", "method": "", "factors_hash": "",
            "value": cell.visits, "low": None, "high": None, **dict.fromkeys(DATA_METHODS), "source": "traffic",
            "units": cell.visits,
        }  # fmt: skip


def rows_of(place: Place, amounts: Mapping[Key, Amount], stamp: Stamp, **columns: Any) -> Iterator[dict[str, Any]]:
    """Rows of the cache for a place.

    Args:
        columns: what differs from a month's total.
    """
    for (key, amount), (low, high) in zip(amounts.items(), bounds_of(list(amounts.values())), strict=True):
        shares = amount.shares
        yield {
            "level": place.level, "ref": place.ref, "granularity": "month", "indicator": key.indicator,
            "period": place.month, "run_id": "", "tier": key.tier, "phase": key.phase, "accounting": key.accounting,
            "basis": "total", "method": stamp.method, "factors_hash": stamp.factors_hash, "value": amount.value,
            "low": low, "high": high, **{method: shares.get(method, 0.0) for method in DATA_METHODS},
            "source": JOURNEYS, **columns,
        }  # fmt: skip
