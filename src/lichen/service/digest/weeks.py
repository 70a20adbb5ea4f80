# SPDX-License-Identifier: Apache-2.0
"""Weeks of journeys and of what they add up to. A week is its visits at the figure of a visit as it was known on its Sunday.

So a run changes the sum once, in the week in which it was measured, and a week is held against the mean visits of the four weeks
before it, which have the same days.
"""

from __future__ import annotations

import math
import re
from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cached_property
from typing import Final

from lichen.errors import UsageError
from lichen.portfolio.change import Line as Effect
from lichen.portfolio.change import explain
from lichen.portfolio.estimate import Estimate, total
from lichen.service.digest.model import Change

SHOWN: Final = 8
"""Weeks of a sparkline."""
BEFORE: Final = 4
"""Weeks that a week is held against."""
_WEEK: Final = timedelta(days=7)
_NAME: Final = re.compile(r"([0-9]{4})-W([0-9]{2})")


def name_of(monday: date) -> str:
    """The ISO week of a day.

    >>> name_of(date(2026, 11, 16))
    '2026-W47'
    """
    year, week, _ = monday.isocalendar()
    return f"{year}-W{week:02d}"


def read(name: str) -> date:
    """The Monday of an ISO week.

    Raises:
        UsageError: there is no such week.

    >>> read("2026-W47")
    datetime.date(2026, 11, 16)
    """
    found = _NAME.fullmatch(name)
    year, week = (int(found[1]), int(found[2])) if found else (0, 0)
    try:
        return date.fromisocalendar(year, week, 1)
    except ValueError as error:
        raise UsageError(
            f"'{name}' is no week.", repair="Write an ISO week such as 2026-W47.", culprit="week"
        ) from error


def over(today: date) -> date:
    """The Monday of the newest week that is over.

    >>> over(date(2026, 11, 22)), over(date(2026, 11, 23))
    (datetime.date(2026, 11, 9), datetime.date(2026, 11, 16))
    """
    return today - timedelta(days=today.weekday()) - _WEEK


def shown(monday: date) -> list[date]:
    """Mondays of the weeks of a sparkline, the oldest first."""
    return [monday - _WEEK * back for back in reversed(range(SHOWN))]


@dataclass(frozen=True, slots=True)
class Unit:
    """The figure of a visit as a run told it, with its range."""

    day: date
    value: float | None
    low: float | None = None
    high: float | None = None

    def times(self, visits: float) -> Estimate:
        """The figure of some visits."""
        return Estimate(value=self.value, low=self.low, high=self.high).times(visits)


@dataclass(frozen=True)
class JourneyWeeks:
    """A journey: visits by week's Monday, and its runs, the oldest first."""

    journey_id: str
    code: str
    name: str
    visits: Mapping[date, float]
    units: Sequence[Unit]

    def unit(self, day: date) -> Unit | None:
        """What was known on a day; before the first run, what that told. None without any run."""
        if not self.units:
            return None
        return self.units[max(0, bisect_right(self._days, day) - 1)]

    @cached_property
    def _days(self) -> list[date]:
        return [one.day for one in self.units]

    def estimate(self, monday: date) -> Estimate | None:
        """gCO2e of a week with its range; None when unknown."""
        unit, visits = self.unit(monday + timedelta(days=6)), self.visits.get(monday)
        return None if unit is None or unit.value is None or visits is None else unit.times(visits)

    def value(self, monday: date) -> float | None:
        """gCO2e of a week; None when unknown."""
        unit, visits = self.unit(monday + timedelta(days=6)), self.visits.get(monday)
        return None if unit is None or unit.value is None or visits is None else visits * unit.value

    def effect(self, monday: date, before: Sequence[date]) -> Effect | None:
        """A week against the mean of others; None without a run."""
        now, was = self.unit(monday + timedelta(days=6)), self.unit(monday - timedelta(days=1))
        if now is None or was is None or now.value is None or was.value is None:
            return None
        return Effect(
            volume_before=math.fsum(self.visits.get(week, 0.0) for week in before) / len(before),
            volume_after=self.visits.get(monday, 0.0),
            published=was.value, restated=was.value, now=now.value,
        )  # fmt: skip

    def new_run(self, monday: date) -> tuple[Unit, Unit] | None:
        """The newest run of a week and the last one before it; None where one of them lacks."""
        was, now = self.unit(monday - timedelta(days=1)), self.unit(monday + timedelta(days=6))
        if was is None or now is None or was.day >= monday or now.day < monday:
            return None
        return was, now


@dataclass(frozen=True)
class ApplicationWeeks:
    """An application: its journeys, and the weeks of which every day's visits are known."""

    application_id: str
    code: str
    name: str
    team_id: str | None
    journeys: Sequence[JourneyWeeks]
    complete: frozenset[date] = field(default_factory=frozenset)

    def value(self, monday: date) -> float | None:
        """gCO2e of a week, of the journeys that were measured; None when unknown."""
        if monday not in self.complete:
            return None
        known = [value for one in self.journeys if (value := one.value(monday)) is not None]
        return math.fsum(known) if known else None

    def estimates(self, monday: date) -> list[Estimate]:
        """The same by journey, with ranges; those that are known."""
        if monday not in self.complete:
            return []
        return [found for one in self.journeys if (found := one.estimate(monday)) is not None]

    def visits(self, monday: date) -> float | None:
        """Visits of a week; None unless every day's are known."""
        if monday not in self.complete:
            return None
        return math.fsum(one.visits.get(monday, 0.0) for one in self.journeys)

    def before(self, monday: date) -> list[date]:
        """The weeks that a week is held against: those of the four before it that are known."""
        return [week for back in range(1, BEFORE + 1) if (week := monday - _WEEK * back) in self.complete]

    @cached_property
    def last_run(self) -> date | None:
        """When it was measured last."""
        return max((unit.day for one in self.journeys for unit in one.units), default=None)

    def effects(self, monday: date) -> list[Effect]:
        """Journeys that can be held against the weeks before."""
        before = self.before(monday)
        if monday not in self.complete or not before:
            return []
        return [effect for one in self.journeys if (effect := one.effect(monday, before)) is not None]


def change(applications: Iterable[ApplicationWeeks], monday: date) -> Change:
    """A week of some applications against the weeks before; shares are of those that are known on both sides."""
    listed = list(applications)
    known = total(estimate for one in listed for estimate in one.estimates(monday))
    if not known.lines:
        return Change(now=None)
    sum_of = known.total
    effects = [effect for one in listed for effect in one.effects(monday)]
    weeks = max((len(one.before(monday)) for one in listed), default=0)
    found = explain(effects) if effects else None
    if found is None or not found.effects.before:
        return Change(now=sum_of.value, low=sum_of.low, high=sum_of.high)
    base = found.effects.before
    return Change(
        now=sum_of.value, low=sum_of.low, high=sum_of.high, before=base, share=found.effects.change / base,
        volume=found.effects.volume / base, intensity=found.effects.intensity / base, weeks=weeks,
    )  # fmt: skip


def curve(applications: Iterable[ApplicationWeeks], monday: date) -> tuple[float | None, ...]:
    """gCO2e by week, of the applications that are known in all of them; empty when none is."""
    weeks = shown(monday)
    rows = [[one.value(week) for week in weeks] for one in applications]
    whole = [[value for value in row if value is not None] for row in rows]
    full = [row for row in whole if len(row) == len(weeks)]
    return tuple(math.fsum(column) for column in zip(*full, strict=True)) if full else ()
