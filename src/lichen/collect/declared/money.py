# SPDX-License-Identifier: Apache-2.0
"""Cost and value by month and application, as tables declare them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Final

from lichen.collect.declared.table import Column, Row, read_table

_LARGEST: Final = Decimal(10) ** 12
_DECIMALS: Final = 6

_PERIOD: Final = Column(name="month", others=("period", "date", "mois", "période", "billing month"), required=True)
_APPLICATION: Final = ("application", "app", "code", "application code", "nomApplication", "code application")
_AMOUNT: Final = Column(name="amount", others=("montant", "valeur", "value", "cost", "coût"), required=True)
_CURRENCY: Final = Column(name="currency", others=("devise", "monnaie", "billing currency"), required=True)
_KIND: Final = Column(name="kind", others=("type", "nature", "category", "catégorie"))

COSTS: Final = (_PERIOD, Column(name="application", others=_APPLICATION, required=True), _AMOUNT, _CURRENCY, _KIND)
VALUES: Final = (
    _PERIOD, Column(name="application", others=_APPLICATION, required=True), _AMOUNT, _CURRENCY, _KIND,
    Column(name="low", others=("bas", "minimum", "min", "valeur basse")),
    Column(name="high", others=("haut", "maximum", "max", "valeur haute")),
    Column(name="owner", others=("responsable", "propriétaire", "declared by")),
    Column(name="confidence", others=("confiance",)),
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class CostRow:
    """Money spent in a month.

    Attributes:
        application: code; None for what belongs to no application.
        period: first day of the month.
        amount: negative for a credit. kind: such as ``cloud`` or ``licence``.
        line: where it stands in its table.
    """

    application: str | None
    period: date
    amount: Decimal
    currency: str
    kind: str
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ValueRow:
    """Value earned in a month.

    Attributes:
        low, high: range that its owner declares; None when not.
        kind: such as ``revenue`` or ``avoided cost``.
        owner: who answers for the figure. confidence: 0 to 1.
        line: where it stands in its table.
    """

    application: str
    period: date
    amount: Decimal
    low: Decimal | None
    high: Decimal | None
    currency: str
    kind: str
    owner: str | None
    confidence: float | None
    line: int


def read_costs(path: Path, today: date) -> tuple[CostRow, ...]:
    """Costs of a table; a line without an application is not allocated.

    Raises:
        StorageError: a line is wrong, with its number.
    """

    def rows() -> Iterator[CostRow]:
        for row in read_table(path, COSTS, "a table of costs"):
            yield CostRow(
                application=row.text("application"),
                period=_period(row, today),
                amount=_amount(row),
                currency=_currency(row),
                kind=row.text("kind") or "cost",
                line=row.line,
            )

    return tuple(rows())


def read_values(path: Path, today: date) -> tuple[ValueRow, ...]:
    """Values of a table.

    Raises:
        StorageError: a line is wrong, with its number.
    """
    return tuple(_value(row, today) for row in read_table(path, VALUES, "a table of values"))


def _value(row: Row, today: date) -> ValueRow:
    amount, low, high = _amount(row), _money(row, "low"), _money(row, "high")
    if amount < 0:
        row.refuse(f"amount is {amount}", "Write a value from 0 on; losses are costs.")
    if (low is not None and low > amount) or (high is not None and high < amount):
        row.refuse(f"{amount} is not between {low} and {high}", "Write low, amount and high in ascending order.")
    return ValueRow(
        application=row.needed("application"),
        period=_period(row, today),
        amount=amount,
        low=low,
        high=high,
        currency=_currency(row),
        kind=row.text("kind") or "value",
        owner=row.text("owner"),
        confidence=row.number("confidence", largest=1),
        line=row.line,
    )


def _period(row: Row, today: date) -> date:
    found = row.month("month")
    if found > today:
        row.refuse(f"month is {found:%Y-%m}, which is to come", "Import what has happened; plans are targets.")
    return found


def _amount(row: Row) -> Decimal:
    row.needed("amount")
    return _money(row, "amount") or Decimal(0)


def _money(row: Row, name: str) -> Decimal | None:
    found = row.decimal(name)
    if found is not None and (abs(found) >= _LARGEST or found != round(found, _DECIMALS)):
        row.refuse(f"{name} is {found}", f"Write an amount below {_LARGEST:,} with {_DECIMALS} decimals at most.")
    return found


def _currency(row: Row) -> str:
    text = row.needed("currency").upper()
    found = "EUR" if text == "€" else text
    if re.fullmatch(r"[A-Z]{3}", found) is None:
        row.refuse(f"currency is '{text[:10]}'", "Write its three letters (ISO 4217), such as EUR.")
    return found
