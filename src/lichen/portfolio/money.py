# SPDX-License-Identifier: Apache-2.0
"""Money: decimal amounts of one currency. Amounts of two currencies are never added; they stand on lines of their own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Context, Decimal
from typing import Final

from lichen.errors import UsageError

_EXACT: Final = Context(prec=60)
"""Digits of a sum: amounts have 20 at most, so that no sum of amounts is rounded."""
ZERO: Final = Decimal(0)


@dataclass(frozen=True, slots=True)
class Money:
    """An amount of a currency.

    Attributes:
        amount: finite; negative for a credit.
        currency: its code in ISO 4217.
    """

    amount: Decimal
    currency: str

    def __post_init__(self) -> None:
        """Refuses what is no amount."""
        if not self.amount.is_finite():
            raise ValueError(f"no amount: {self.amount}")


def add(amounts: Iterable[Decimal]) -> Decimal:
    """Exact sum of amounts of one currency, whatever their order."""
    found = ZERO
    for amount in amounts:
        found = _EXACT.add(found, amount)
    return found


def one_currency(currencies: Iterable[str]) -> str | None:
    """The currency of amounts that are about to be added; None of none.

    Raises:
        UsageError: there are several.
    """
    found = sorted(set(currencies))
    if len(found) > 1:
        raise UsageError(
            f"Amounts of {' and '.join(found)} cannot be added.",
            repair="Show each currency on a line of its own, or import the amounts in one currency.",
            culprit=found[1],
        )
    return found[0] if found else None


def total(money: Iterable[Money]) -> Money | None:
    """Sum of amounts of one currency; None of none.

    Raises:
        UsageError: amounts of several currencies.

    >>> total([Money(Decimal("0.1"), "EUR"), Money(Decimal("0.2"), "EUR")])
    Money(amount=Decimal('0.3'), currency='EUR')
    """
    rows = list(money)
    currency = one_currency(row.currency for row in rows)
    return None if currency is None else Money(add(row.amount for row in rows), currency)


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """An amount of one application; ``application`` is None for what belongs to none."""

    application: str | None
    money: Money


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """Lines of one currency: its applications and what is not allocated add up to its total.

    Attributes:
        by_application: the sum of each application's lines, by code.
        unallocated: sum of the lines without an application; never spread over the others.
    """

    currency: str
    by_application: Mapping[str, Decimal]
    unallocated: Decimal

    @property
    def total(self) -> Decimal:
        """Sum of all lines."""
        return add([*self.by_application.values(), self.unallocated])


def statements(lines: Iterable[Line]) -> tuple[Statement, ...]:
    """Lines summed by application, one statement for each currency, by its code."""
    grouped: dict[str, dict[str | None, list[Decimal]]] = {}
    for line in lines:
        grouped.setdefault(line.money.currency, {}).setdefault(line.application, []).append(line.money.amount)
    return tuple(
        Statement(
            currency=currency,
            by_application={code: add(amounts) for code, amounts in groups.items() if code is not None},
            unallocated=add(groups.get(None, ())),
        )
        for currency, groups in sorted(grouped.items())
    )
