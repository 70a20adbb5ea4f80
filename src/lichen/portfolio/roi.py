# SPDX-License-Identifier: Apache-2.0
"""Return on investment: (value - cost) / cost, with the range of the value; unknown rather than wrong."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from itertools import product
from typing import Final

from lichen.portfolio.estimate import UNKNOWN, Estimate
from lichen.portfolio.money import ZERO, add, one_currency


@dataclass(frozen=True, slots=True, kw_only=True)
class MoneyRange:
    """An amount of money with its range.

    Attributes:
        amount: what is expected.
        low, high: range that its owner declares; the amount itself when none is declared.
        confidence: 0 to 1, as declared; it is shown, and multiplies nothing.
    """

    amount: Decimal
    currency: str
    low: Decimal | None = None
    high: Decimal | None = None
    confidence: float | None = None

    @property
    def bounds(self) -> tuple[Decimal, Decimal]:
        """Its range."""
        low = self.amount if self.low is None else self.low
        return low, self.amount if self.high is None else self.high


def sum_ranges(amounts: Iterable[MoneyRange]) -> MoneyRange | None:
    """Sum of amounts of one currency, bound by bound; None of none.

    The confidence of a sum is the mean weighted by amount, unknown as soon as one is.

    Raises:
        UsageError: amounts of several currencies.
    """
    rows = list(amounts)
    currency = one_currency(row.currency for row in rows)
    if currency is None:
        return None
    confidences = [row.confidence for row in rows if row.confidence is not None]
    size = sum(abs(row.amount) for row in rows)
    confidence = None
    if len(confidences) == len(rows) and size:
        pairs = zip(rows, confidences, strict=True)
        confidence = float(sum(Fraction(abs(row.amount)) * Fraction(one) for row, one in pairs) / Fraction(size))
    return MoneyRange(
        amount=add(row.amount for row in rows),
        currency=currency,
        low=add(row.bounds[0] for row in rows),
        high=add(row.bounds[1] for row in rows),
        confidence=confidence,
    )


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
