# SPDX-License-Identifier: Apache-2.0
"""The organisation's internal price of carbon: a column of its own, never part of a cost, a total of costs or a return."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Final

from lichen.portfolio.estimate import Estimate
from lichen.portfolio.money import Money

_GRAMS_PER_TONNE: Final = 10**6
_QUANTUM: Final = Decimal("0.000001")


@dataclass(frozen=True, slots=True, kw_only=True)
class CarbonCost:
    """What emissions would cost at the internal price; None where the emissions are unknown or have no range."""

    value: Decimal | None
    low: Decimal | None
    high: Decimal | None
    currency: str


def carbon_cost(carbon: Estimate, price_per_tco2e: Money) -> CarbonCost:
    """Emissions x internal price.

    Args:
        carbon: gCO2e.
        price_per_tco2e: money per tonne CO2e.

    Returns:
        Amounts rounded to 0.000001 of the currency.

    >>> carbon_cost(Estimate(value=2_500_000.0, low=2e6, high=3e6), Money(Decimal(100), "EUR")).value
    Decimal('250.000000')
    """

    def priced(grams: float | None) -> Decimal | None:
        if grams is None:
            return None
        exact = Fraction(grams) * Fraction(price_per_tco2e.amount) / _GRAMS_PER_TONNE / Fraction(_QUANTUM)
        return round(exact) * _QUANTUM

    return CarbonCost(
        value=priced(carbon.value),
        low=priced(carbon.low),
        high=priced(carbon.high),
        currency=price_per_tco2e.currency,
    )
