# SPDX-License-Identifier: Apache-2.0
"""Targets: what a path allows at a moment, and where the actual value stands against it.

A target is a reduction against a base year, reached at a horizon along a path (ESRS E1-4; GHG Protocol Corporate Standard,
chapter 11, absolute target). Values are yearly: those of a calendar year, or of the twelve months up to a day.
"""

from __future__ import annotations

import calendar
import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from itertools import pairwise
from typing import Any

from lichen.errors import UsageError
from lichen.portfolio.estimate import Estimate


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A reduction of a yearly value.

    Attributes:
        indicator: such as ``gwp100``; values are in its unit.
        base_value: of the base year; None when unknown.
        reduction: of the horizon year against the base, 0 to 1.
        points: years and reductions on the way, in order; none for a straight line.
    """

    indicator: str
    base_year: int
    base_value: float | None
    horizon_year: int
    reduction: float
    points: tuple[tuple[int, float], ...] = ()

    def __post_init__(self) -> None:
        """Refuses what is no path, with the value at fault."""
        problem = _problem(self)
        if problem:
            raise UsageError(problem, repair="Correct the target.", culprit="target")


def _problem(target: Target) -> str:
    if target.horizon_year <= target.base_year:
        return f"The horizon {target.horizon_year} is not after the base year {target.base_year}."
    if not all(0 <= reduction <= 1 for _, reduction in _path(target)):
        return "A reduction is a share from 0 to 1."
    if target.base_value is not None and not 0 <= target.base_value < math.inf:
        return f"The base value is {target.base_value}."
    if any(later <= earlier for (earlier, _), (later, _) in pairwise(_path(target))):
        return "The years of the path do not ascend from the base year to the horizon."
    return ""


def _path(target: Target) -> tuple[tuple[int, float], ...]:
    return ((target.base_year, 0.0), *target.points, (target.horizon_year, target.reduction))


def points_of(path: Mapping[str, Any]) -> tuple[tuple[int, float], ...]:
    """The points of a stored path, ``{"kind": "linear"}`` or ``{"kind": "points", "points": {"2027": 0.12}}``.

    Raises:
        UsageError: a path of another shape.
    """
    match path:
        case {"kind": "linear"}:
            return ()
        case {"kind": "points", "points": dict(points)} if all(
            str(year).isdecimal() and isinstance(reduction, int | float) for year, reduction in points.items()
        ):
            return tuple(sorted((int(year), float(reduction)) for year, reduction in points.items()))
    raise UsageError(
        "The path of the target is neither linear nor points.",
        repair='Write {"kind": "linear"} or {"kind": "points", "points": {"2027": 0.12}}.',
        culprit="path",
    )


def year_of(end: date) -> float:
    """Where the twelve months up to a day lie on the axis of years: those of a calendar year on the year itself.

    >>> year_of(date(2026, 12, 31)), round(year_of(date(2026, 7, 1)), 3)
    (2026.0, 2025.499)
    """
    days = 366 if calendar.isleap(end.year) else 365
    return end.year - 1 + end.timetuple().tm_yday / days


def reduction_due(target: Target, year: float) -> float:
    """Reduction that the path asks for: 0 up to the base year, that of the horizon from there on, straight between two points."""
    path = _path(target)
    if year >= target.horizon_year:
        return target.reduction
    for (earlier, low), (later, high) in pairwise(path):
        if earlier <= year < later:
            return low + (high - low) * (year - earlier) / (later - earlier)
    return 0.0


def allowed(target: Target, year: float) -> float | None:
    """Yearly value that the path allows, in the indicator's unit; None when the base is unknown."""
    return None if target.base_value is None else target.base_value * (1 - reduction_due(target, year))


class Stand(StrEnum):
    """Where a value lies against its path, with its range."""

    MET = "met"
    MISSED = "missed"
    WITHIN_RANGE = "within_range"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A target today.

    Attributes:
        allowed: yearly value of the path today; final: that of the horizon.
        gap: actual - allowed, above 0 is too much; unknown when one of them is.
        reached: reduction reached against the base, negative when it grew.
        needed_per_year: by how much the value has to fall each year from today to the horizon; 0 when it is there already; None
            when unknown or when the horizon is over.
        needed_rate: the same as a constant yearly rate, 1 being everything.
        stand: met or missed when the whole range says so.
    """

    target: Target
    year: float
    actual: Estimate
    allowed: float | None
    final: float | None
    gap: Estimate
    reached: float | None
    needed_per_year: float | None
    needed_rate: float | None
    stand: Stand


def standing(target: Target, actual: Estimate, end: date) -> Standing:
    """Where a target stands.

    Args:
        actual: sum of the twelve months up to ``end``, in the indicator's unit.

    >>> target = Target(indicator="gwp100", base_year=2024, base_value=1000.0, horizon_year=2030, reduction=0.3)
    >>> found = standing(target, Estimate(value=960.0, low=940.0, high=980.0), date(2026, 12, 31))
    >>> round(found.allowed, 9), round(found.gap.value, 9), round(found.needed_per_year, 9), found.stand.value
    (900.0, 60.0, 65.0, 'missed')
    """
    year = year_of(end)
    limit, final = allowed(target, year), allowed(target, target.horizon_year)
    needed, rate = _needed(actual.value, final, target.horizon_year - year)
    base = target.base_value
    return Standing(
        target=target,
        year=year,
        actual=actual,
        allowed=limit,
        final=final,
        gap=_minus(actual, limit),
        reached=None if not base or actual.value is None else 1 - actual.value / base,
        needed_per_year=needed,
        needed_rate=rate,
        stand=_stand(actual, limit),
    )


def _needed(value: float | None, final: float | None, years: float) -> tuple[float | None, float | None]:
    if value is None or final is None or years <= 0:
        return None, None
    if value <= final:
        return 0.0, 0.0
    return (value - final) / years, 1 - (final / value) ** (1 / years)


def _minus(actual: Estimate, limit: float | None) -> Estimate:
    if actual.value is None or limit is None:
        return Estimate(value=None)
    return Estimate(
        value=actual.value - limit,
        low=None if actual.low is None else actual.low - limit,
        high=None if actual.high is None else actual.high - limit,
    )


def _stand(actual: Estimate, limit: float | None) -> Stand:
    if actual.value is None or limit is None:
        return Stand.UNKNOWN
    low = actual.value if actual.low is None else actual.low
    high = actual.value if actual.high is None else actual.high
    if high <= limit:
        return Stand.MET
    return Stand.MISSED if low > limit else Stand.WITHIN_RANGE
