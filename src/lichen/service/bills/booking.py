# SPDX-License-Identifier: Apache-2.0
"""Costs of bills by month, as the store has them: a cost belongs to the month of its day, in the store as in the ledger.

A billing period that is a calendar month has its sums from the import. Months that several periods share, or a part of one, have
them from the ledger, which knows all of their days.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

from lichen.ledger import Selection
from lichen.portfolio.money import add
from lichen.service.bills.manifests import Period, end_of

if TYPE_CHECKING:
    from lichen.collect.bills.pipeline import Told
    from lichen.ledger import Ledger

Booked = dict[tuple[date, str, str], Decimal]
"""Month (its first day), code of the application (empty: nobody's) and currency -> effective cost."""


def months_of(first: date) -> Iterator[date]:
    """First days of the months that a billing period has days of."""
    month = first.replace(day=1)
    while month < end_of(first):
        yield month
        month = end_of(month)


def shared_months(periods: Collection[Period], source: str) -> list[date]:
    """Months of a source's periods that are not told by one of them alone, which is the month itself."""
    told: dict[date, list[date]] = {}
    for of, first in periods:
        for month in months_of(first) if of == source else ():
            told.setdefault(month, []).append(first)
    return sorted(month for month, firsts in told.items() if firsts != [month])


def costs_of_bill(told: Told, source: str) -> Booked:
    """Costs of a source in the months that are periods of their own."""
    shared = set(shared_months(told.days, source))
    amounts: dict[tuple[date, str, str], list[Decimal]] = {}
    for one in told.costs:
        if one.source == source and one.effective is not None and one.period.day == 1 and one.period not in shared:
            amounts.setdefault((one.period, one.application, one.currency), []).append(one.effective)
    return {key: add(found) for key, found in amounts.items()}


def costs_of_ledger(ledger: Ledger, source: str, months: Collection[date]) -> Booked:
    """Costs of a source in some months, from the rows of all of its periods."""
    found: Booked = {}
    for month in months:
        asked = Selection(sources=[source], first_day=month, end_day=end_of(month))
        for row in ledger.costs(("application",), selection=asked):
            if row["effective"] is not None:
                found[month, row["application"] or "", row["currency"] or ""] = row["effective"]
    return found
