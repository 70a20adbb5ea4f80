# SPDX-License-Identifier: Apache-2.0
"""Return on investment: (value - cost) / cost, with the range of the value; unknown rather than wrong."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from itertools import product
from typing import Final

from lichen.portfolio.estimate import UNKNOWN, Estimate
from lichen.portfolio.money import ZERO


@dataclass(frozen=True, slots=True, kw_only=True)
class MoneyRange:
    """An amount of money with its range.

    Attributes:
        amount: what is expected.
        low, high: range that its owner declares; the amount itself when none is declared.
    """

    amount: Decimal
    currency: str
    low: Decimal | None = None
    high: Decimal | None = None

    @property
    def bounds(self) -> tuple[Decimal, Decimal]:
        """Its range."""
        low = self.amount if self.low is None else self.low
        return low, self.amount if self.high is None else self.high


NO_VALUE: Final = "no_value"
NO_COST: Final = "no_cost"
COST_NOT_POSITIVE: Final = "cost_not_positive"
CURRENCIES: Final = "currencies"


@dataclass(frozen=True, slots=True)
class Return:
    """A return, 1 being twice the cost, and when it is unknown, why (``no_value``, ``no_cost``, ``cost_not_positive``,
    ``currencies``); empty when it is known."""

    ratio: Estimate
    unknown_because: str = ""


def roi(value: MoneyRange | None, cost: MoneyRange | None) -> Return:
    """(value - cost) / cost of one period.

    The range takes the bounds of both. Money is decimal and the quotient is rounded once, at its end.

    >>> found = roi(
    ...     MoneyRange(amount=Decimal(300), currency="EUR", low=Decimal(150), high=Decimal(400)),
    ...     MoneyRange(amount=Decimal(200), currency="EUR"),
    ... )
    >>> found.ratio.value, found.ratio.low, found.ratio.high
    (0.5, -0.25, 1.0)
    """
    if value is None:
        return Return(UNKNOWN, NO_VALUE)
    if cost is None:
        return Return(UNKNOWN, NO_COST)
    if value.currency != cost.currency:
        return Return(UNKNOWN, CURRENCIES)
    if cost.amount <= ZERO or cost.bounds[0] <= ZERO:
        return Return(UNKNOWN, COST_NOT_POSITIVE)
    corners = [_ratio(gain, spent) for gain, spent in product(value.bounds, cost.bounds)]
    return Return(Estimate(value=_ratio(value.amount, cost.amount), low=min(corners), high=max(corners)))


def _ratio(value: Decimal, cost: Decimal) -> float:
    return float((Fraction(value) - Fraction(cost)) / Fraction(cost))
