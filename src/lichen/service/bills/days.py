# SPDX-License-Identifier: Apache-2.0
"""Which days of a month bills tell: a bill of the running month ends where it was exported, and is no small month.

Days before the first line of a month are days without use, since exports begin with their period. Days after the last one are
not told yet, unless a later month is: then there was no use. Bills whose lines are of months have one day or few, and are whole.
"""

from __future__ import annotations

import calendar
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from lichen.ledger import Ledger
from lichen.service.bills.manifests import Manifests

_DENSE: Final = 0.8
"""Share of the days up to the last one that have lines, from which the bill is taken to have lines of every day."""
_LEAST: Final = 2
_DAILY: Final = 7
"""Days with lines from which lines are of days, however seldom something runs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What a source tells of a month.

    Attributes:
        of_month: days that the month has. count: of these, those that are told: up to ``last``, days without use among them.
        daily: whether lines are of days, and not of the month.
    """

    of_month: int
    count: int
    last: date
    daily: bool

    @property
    def whole(self) -> bool:
        """Whether no day is missing."""
        return self.count == self.of_month

    @property
    def to_month(self) -> float:
        """What days that are told have to be multiplied by to be a whole month like them."""
        return self.of_month / self.count


class ToldDays:
    """Days of the bills of a ledger."""

    def __init__(self, ledger: Ledger) -> None:
        self._days: dict[str, set[date]] = {}
        self._first: dict[str, date] = {}
        for one in Manifests(ledger).all().values():
            source, period = one["source"], date.fromisoformat(one["period"])
            self._days.setdefault(source, set()).update(date.fromisoformat(day) for day in one["days"])
            self._first[source] = min(self._first.get(source, period), period)

    def of(self, source: str, month: date) -> Told:
        """What a source tells of a month.

        Args:
            month: its first day.
        """
        length = calendar.monthrange(month.year, month.month)[1]
        end = month + timedelta(days=length)
        known = self._days.get(source, set())
        days = sorted(day for day in known if month <= day < end)
        start = max(month, self._first.get(source, month))
        span = (days[-1] - start).days + 1 if days else 0
        dense = len(days) >= _LEAST and len(days) >= _DENSE * span
        if not dense:
            return Told(of_month=length, count=length, last=end - timedelta(days=1), daily=len(days) >= _DAILY)
        last = end - timedelta(days=1) if max(known) >= end else days[-1]
        return Told(of_month=length, count=(last - start).days + 1, last=last, daily=True)

    def least(self, sources: Iterable[str], month: date) -> Told | None:
        """Of some sources, what that tells which tells the fewest days; None without a source."""
        return min((self.of(source, month) for source in sources), key=lambda told: told.count, default=None)
