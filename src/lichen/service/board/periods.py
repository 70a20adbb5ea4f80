# SPDX-License-Identifier: Apache-2.0
"""Months and years, as addresses name them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date
from typing import Final

from lichen.errors import UsageError
from lichen.service.board.shapes import Period

TREND_MONTHS: Final = 13
_NAME: Final = re.compile(r"(\d{4})(?:-(\d{2}))?")


def month(first: date) -> Period:
    """The month that starts on a day."""
    return Period(start=first, end=moved(first, 1), name=f"{first:%Y-%m}")


def moved(first: date, months: int) -> date:
    """The first day of another month."""
    number = first.year * 12 + first.month - 1 + months
    return date(number // 12, number % 12 + 1, 1)


def read(name: str) -> Period:
    """A period by its name.

    Raises:
        UsageError: it is neither a month nor a year.

    >>> read("2026-02").end, read("2026").start
    (datetime.date(2026, 3, 1), datetime.date(2026, 1, 1))
    """
    found = _NAME.fullmatch(name)
    if found is None or not 1 <= int(found[1]) < date.max.year or not 1 <= int(found[2] or 1) <= 12:
        raise UsageError(f"'{name}' is no period.", repair="Write a month, 2026-10, or a year, 2026.", culprit="period")
    if found[2] is None:
        year = int(found[1])
        return Period(start=date(year, 1, 1), end=date(year + 1, 1, 1), name=name)
    return month(date(int(found[1]), int(found[2]), 1))


def default(months: Sequence[date], today: date) -> Period:
    """What is shown when nobody says: the newest month that is over, else the newest one that is known, else this one."""
    over = [first for first in months if moved(first, 1) <= today]
    return month((over or list(months) or [today.replace(day=1)])[-1])


def names(months: Sequence[date]) -> tuple[str, ...]:
    """The months and years that may be chosen, the newest first: years after their months."""
    listed: list[str] = []
    for year in sorted({first.year for first in months}, reverse=True):
        listed += [f"{first:%Y-%m}" for first in reversed(months) if first.year == year]
        listed.append(f"{year:04d}")
    return tuple(listed)


def last_month(period: Period) -> date:
    """First day of the last month of a period."""
    return moved(period.end, -1)


def before(period: Period) -> Period:
    """The month or year before."""
    if period.is_month:
        return month(moved(period.start, -1))
    return read(f"{period.start.year - 1:04d}")
