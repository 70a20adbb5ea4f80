# SPDX-License-Identifier: Apache-2.0
"""A figure with its range, as totals of a portfolio are made of. Unknown is None and propagates; zero is a figure.

Bounds are added bound by bound. This is exact for figures that share their factors, which move together, and too wide for figures
that have nothing in common: a total is never told more precisely than its parts allow.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """A figure and its model range, in one unit of one indicator.

    Attributes:
        value: None when unknown; its bounds are None then, too.
        low, high: 5 and 95 % of the model; None when no range is known. Those of a certain figure are the figure.
        shares: how it is known (measured, metered, allocated, modelled, proxy), as shares of the value; they sum to at most 1,
            what is missing is not classified.
    """

    value: float | None
    low: float | None = None
    high: float | None = None
    shares: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuses what is no figure: callers hand in figures of the model, so this is an error of the program."""
        known = [bound for bound in (self.low, self.value, self.high) if bound is not None]
        if not all(math.isfinite(bound) for bound in known) or known != sorted(known):
            raise ValueError(f"no range: {self.low}, {self.value}, {self.high}")
        if self.value is None and known:
            raise ValueError("an unknown figure has no range")

    def times(self, factor: float | None) -> Estimate:
        """The figure of ``factor`` units, which is 0 or more; unknown when either is."""
        if factor is None or self.value is None:
            return UNKNOWN
        if not 0 <= factor < math.inf:
            raise ValueError(f"a figure is multiplied by a finite number of units from 0 on, not by {factor}")
        return Estimate(
            value=self.value * factor,
            low=None if self.low is None else self.low * factor,
            high=None if self.high is None else self.high * factor,
            shares=self.shares,
        )

    def per(self, units: float | None) -> Estimate:
        """The figure of one of ``units`` units; unknown when there are none, or their number is unknown."""
        if units is None or units == 0 or self.value is None:
            return UNKNOWN
        if not 0 < units < math.inf:
            raise ValueError(f"a figure is divided by a finite number of units above 0, not by {units}")
        return Estimate(
            value=self.value / units,
            low=None if self.low is None else self.low / units,
            high=None if self.high is None else self.high / units,
            shares=self.shares,
        )


UNKNOWN = Estimate(value=None)


def certain(value: float | None) -> Estimate:
    """A figure without doubt, such as a count."""
    return Estimate(value=value, low=value, high=value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Total:
    """A sum that says what it lacks.

    Attributes:
        total: the sum; unknown as soon as one line is.
        known: sum of the known lines, which is what a page shows beside the number of unknown ones.
        lines, unknown: how many lines there are, and how many are unknown.
    """

    total: Estimate
    known: Estimate
    lines: int
    unknown: int


def total(lines: Iterable[Estimate]) -> Total:
    """Sum of figures; no line at all is a sum of 0.

    >>> found = total([Estimate(value=2.0, low=1.0, high=4.0), certain(3.0), UNKNOWN])
    >>> found.total.value, found.known.value, found.known.low, found.unknown
    (None, 5.0, 4.0, 1)
    """
    rows = list(lines)
    known = _sum([row for row in rows if row.value is not None])
    unknown = sum(row.value is None for row in rows)
    return Total(total=UNKNOWN if unknown else known, known=known, lines=len(rows), unknown=unknown)


def _sum(rows: list[Estimate]) -> Estimate:
    value = _add(row.value for row in rows)
    return Estimate(
        value=value, low=_add(row.low for row in rows), high=_add(row.high for row in rows), shares=_shares(rows)
    )


def _add(values: Iterable[float | None]) -> float | None:
    listed = list(values)
    known = [value for value in listed if value is not None]
    return math.fsum(known) if len(known) == len(listed) else None


def _shares(rows: list[Estimate]) -> dict[str, float]:
    """Mean of the shares, weighted by the size of the figures; empty where all are 0."""
    size = math.fsum(abs(row.value or 0.0) for row in rows)
    if not size:
        return {}
    kinds = dict.fromkeys(kind for row in rows for kind in row.shares)
    return {kind: math.fsum(abs(row.value or 0.0) * row.shares.get(kind, 0.0) for row in rows) / size for kind in kinds}
