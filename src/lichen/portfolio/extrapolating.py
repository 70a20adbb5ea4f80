# SPDX-License-Identifier: Apache-2.0
"""What is not estimated of a bill, guessed from its cost: opt-in, kept apart from what is estimated, and a proxy.

A unit of money that no rule could turn into hours or bytes is taken to cause what a unit of money of the same family causes
where it was estimated. Discounts, margins and licences make that ratio a poor one, so its range is that of the estimated part,
widened by the pedigree table's spread for figures with a gap of scope.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from lichen.collect.bills.meter import Reason
from lichen.factors.reader import PEDIGREE
from lichen.records import Phase

SPREAD: Final = PEDIGREE["D"]
RUNNING: Final = frozenset({Reason.NO_RULE, Reason.UNKNOWN_UNIT, Reason.NO_QUANTITY})
"""Reasons behind which something runs that nothing else counts; the others are money alone, or counted elsewhere."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unestimated:
    """Cost of usage that has no physical quantity, in one currency."""

    family: str
    currency: str
    reason: Reason
    cost: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimated:
    """An impact of the usage of one family that was estimated, and its cost in one currency.

    Attributes:
        cost: effective cost of the same usage.
        value, low, high: in the indicator's canonical unit.
    """

    family: str
    currency: str
    cost: Decimal
    indicator: str
    phase: Phase
    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Extrapolated:
    """An impact that follows from cost alone: data of the method ``proxy``.

    Attributes:
        cost: what it was taken from.
    """

    family: str
    currency: str
    cost: Decimal
    indicator: str
    phase: Phase
    value: float
    low: float
    high: float


def extrapolate(unestimated: Iterable[Unestimated], estimated: Iterable[Estimated]) -> tuple[Extrapolated, ...]:
    """Impacts of what is not estimated, by the impact per cost of what is, family by family and currency by currency.

    Args:
        unestimated: costs without a physical quantity; those that are money alone (`RUNNING`) are left out.
        estimated: impacts of the same bill; one for each family, currency, indicator and phase.

    Returns:
        One figure for each family, currency, indicator and phase that both sides have a positive cost of; nothing for a family
        that was not estimated at all: it stays unknown.

    >>> of = {"family": "serverless", "currency": "EUR"}
    >>> known = Estimated(**of, cost=Decimal(8), indicator="energy", phase="use", value=5.0, low=4.5, high=6.0)
    >>> other = Unestimated(**of, reason=Reason.NO_RULE, cost=Decimal(4))
    >>> [(one.value, one.low, one.high) for one in extrapolate([other], [known])]
    [(2.5, 0.75, 9.0)]
    """
    costs: dict[tuple[str, str], Decimal] = {}
    for one in unestimated:
        if one.reason in RUNNING:
            place = (one.family, one.currency)
            costs[place] = costs.get(place, Decimal(0)) + one.cost
    found = []
    for known in estimated:
        cost = costs.get((known.family, known.currency), Decimal(0))
        if cost <= 0 or known.cost <= 0:
            continue
        share = float(cost / known.cost)
        found.append(
            Extrapolated(
                family=known.family, currency=known.currency, cost=cost, indicator=known.indicator, phase=known.phase,
                value=known.value * share, low=known.low * share / SPREAD, high=known.high * share * SPREAD,
            )
        )  # fmt: skip
    return tuple(sorted(found, key=lambda one: (one.family, one.currency, one.indicator, one.phase)))
