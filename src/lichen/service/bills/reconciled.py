# SPDX-License-Identifier: Apache-2.0
"""A provider's month beside what the provider says itself, from its accounts, services and regions: like with like."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from lichen.portfolio.coverage import coverage_of_cost
from lichen.service.bills.differing import Reason

if TYPE_CHECKING:
    from lichen.service.bills.reconciling import Row


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderMonth:
    """A provider's bills of a month beside what it says itself [gCO2e]; None where nothing can be compared.

    Attributes:
        ours, theirs: of all that both sides tell. ratio: ours over theirs; None where theirs is zero, too.
        coverage: share of the cost of usage that our figure rests on.
        why: words of `Reason`, those that concern most first.
        places: accounts, services and regions that either side tells of. compared: of these, those that both sides tell of.
    """

    provider: str
    month: str
    ours: float | None
    theirs: float | None
    ratio: float | None
    coverage: float | None
    why: tuple[str, ...]
    places: int
    compared: int


def months_of(rows: Iterable[Row]) -> tuple[ProviderMonth, ...]:
    """Each provider's months, in the order of the rows."""
    found: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        found.setdefault((row.place.month, row.place.provider), []).append(row)
    return tuple(month_of(*place, those) for place, those in found.items())


def month_of(month: str, provider: str, rows: Sequence[Row]) -> ProviderMonth:
    """A provider's month, from its accounts, services and regions."""
    pairs = [pair for row in rows for pair in _pairs(row)]
    ours = math.fsum(pair[0] for pair in pairs) if pairs else None
    theirs = math.fsum(pair[1] for pair in pairs) if pairs else None
    both = [row for row in rows if _pairs(row)]
    return ProviderMonth(
        provider=provider, month=month, ours=ours, theirs=theirs,
        ratio=ours / theirs if ours is not None and theirs else None, coverage=_coverage(both or rows),
        why=_why(rows), places=len(rows), compared=len(both),
    )  # fmt: skip


def _pairs(row: Row) -> list[tuple[float, float]]:
    """Figures that are compared: what runs, making, and the whole where the provider tells no scopes apart."""
    whole = None if row.use is None or row.embodied is None else row.use + row.embodied
    sides = ((row.use, row.operational), (row.embodied, row.making), (whole, row.total))
    return [(ours, theirs) for ours, theirs in sides if ours is not None and theirs is not None]


def _coverage(rows: Iterable[Row]) -> float | None:
    """By the currency with the highest cost; None where usage costs nothing."""
    sums: dict[str, dict[str, Decimal]] = {}
    for row in rows:
        for currency, amounts in row.costs.items():
            of = sums.setdefault(currency, {})
            for word, amount in amounts.items():
                of[word] = of.get(word, Decimal(0)) + amount
    return coverage_of_cost(max(sums.values(), key=_weight)) if sums else None


def _weight(amounts: Mapping[str, Decimal]) -> Decimal:
    return sum(map(abs, amounts.values()), Decimal(0))


def _why(rows: Iterable[Row]) -> tuple[str, ...]:
    """Why the sides differ: what concerns most of the emissions first."""
    weights: dict[Reason, float] = {}
    for row in rows:
        ours = (row.use or 0.0) + (row.embodied or 0.0)
        theirs = (row.operational or 0.0) + (row.making or 0.0) + (row.total or 0.0)
        for reason in row.why:
            weights[reason] = weights.get(reason, 0.0) + max(ours, theirs)
    ordered = list(Reason)
    return tuple(str(one) for one in sorted(weights, key=lambda one: (-weights[one], ordered.index(one))))
