# SPDX-License-Identifier: Apache-2.0
"""Figure per visit x traffic = figure per month.

Each day takes the figure of the newest run up to that day, so that a month in which a release changed the journey is made of
both. A day before the first run takes the first run's figure, and the month says how many of its visits did.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from lichen.portfolio.estimate import UNKNOWN, Estimate, total


@dataclass(frozen=True, slots=True)
class Measured:
    """The figure of one functional unit, such as a visit, and the day it was measured."""

    day: date
    per_unit: Estimate


@dataclass(frozen=True, slots=True)
class DayTraffic:
    """Functional units of a day; None when unknown, which is not 0."""

    day: date
    visits: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Month:
    """A journey's figure of a month.

    Attributes:
        month: its first day.
        figure: sum of its days; unknown when the figure per unit, or the traffic of one of its days, is unknown.
        visits: sum of its days; None when one of them is unknown.
        before_first_run: visits of days before the first run, which take the first run's figure.
        days: days that have traffic rows, of which a month may have fewer than its length.
    """

    month: date
    figure: Estimate
    visits: float | None
    before_first_run: float
    days: int


def in_force(day: date, runs: Sequence[Measured]) -> Measured | None:
    """The run whose figure holds on a day; None without any run.

    Args:
        runs: in ascending order of their days; of two on one day the later one holds.
    """
    if not runs:
        return None
    return runs[max(0, bisect_right(runs, day, key=lambda run: run.day) - 1)]


def months(runs: Iterable[Measured], traffic: Iterable[DayTraffic]) -> tuple[Month, ...]:
    """The months of a journey for which there is traffic, in order.

    >>> runs = [Measured(date(2026, 1, 10), Estimate(value=2.0, low=1.0, high=3.0))]
    >>> traffic = [DayTraffic(date(2026, 1, 9), 100), DayTraffic(date(2026, 1, 20), 50)]
    >>> (month,) = months(runs, traffic)
    >>> month.figure.value, month.figure.high, month.visits, month.before_first_run
    (300.0, 450.0, 150.0, 100.0)
    """
    ordered = sorted(runs, key=lambda run: run.day)
    grouped: dict[date, list[DayTraffic]] = {}
    for row in traffic:
        grouped.setdefault(row.day.replace(day=1), []).append(row)
    return tuple(_month(first, ordered, rows) for first, rows in sorted(grouped.items()))


def _month(first: date, runs: Sequence[Measured], rows: Sequence[DayTraffic]) -> Month:
    held = [(row, in_force(row.day, runs)) for row in rows]
    figures = [UNKNOWN if run is None else run.per_unit.times(row.visits) for row, run in held]
    known = [row.visits for row in rows if row.visits is not None]
    return Month(
        month=first,
        figure=total(figures).total,
        visits=math.fsum(known) if len(known) == len(rows) else None,
        before_first_run=math.fsum(row.visits or 0.0 for row, run in held if run is not None and row.day < run.day),
        days=len({row.day for row in rows}),
    )
