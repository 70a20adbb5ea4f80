# SPDX-License-Identifier: Apache-2.0
"""What one euro, one user and one visit cost the planet, and one visit the budget. Unknown where the divisor is unknown or 0."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from lichen.portfolio.estimate import UNKNOWN, Estimate
from lichen.portfolio.money import Money


@dataclass(frozen=True, slots=True, kw_only=True)
class Ratios:
    """Ratios of one application and period.

    Attributes:
        carbon_per_money: gCO2e per unit of ``currency``; carbon_per_user, carbon_per_visit: gCO2e.
        cost_per_visit, cost_per_user: units of ``currency``; None when unknown.
        currency: of the cost; None without cost.
    """

    carbon_per_money: Estimate
    carbon_per_user: Estimate
    carbon_per_visit: Estimate
    cost_per_visit: float | None
    cost_per_user: float | None
    currency: str | None


def ratios(*, carbon: Estimate, cost: Money | None, visits: float | None, users: float | None) -> Ratios:
    """The ratios of an application.

    Args:
        carbon: gCO2e of the period.
        cost: of the same period; a credit gives no ratio.
        visits, users: of the same period.

    >>> from decimal import Decimal
    >>> found = ratios(
    ...     carbon=Estimate(value=500.0), cost=Money(Decimal(250), "EUR"), visits=1000, users=None
    ... )
    >>> found.carbon_per_money.value, found.carbon_per_visit.value, found.carbon_per_user.value, found.cost_per_visit
    (2.0, 0.5, None, 0.25)
    """
    spent = None if cost is None else cost.amount
    return Ratios(
        carbon_per_money=carbon.per(float(spent)) if spent is not None and spent > 0 else UNKNOWN,
        carbon_per_user=carbon.per(users),
        carbon_per_visit=carbon.per(visits),
        cost_per_visit=_per(cost, visits),
        cost_per_user=_per(cost, users),
        currency=None if cost is None else cost.currency,
    )


def _per(cost: Money | None, units: float | None) -> float | None:
    """Rounded once, at its end."""
    return float(Fraction(cost.amount) / Fraction(units)) if cost is not None and units else None
