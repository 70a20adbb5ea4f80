# SPDX-License-Identifier: Apache-2.0
"""When something is due, by the wall clock of a zone or by the minute."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta, tzinfo

from lichen.config import Schedule

_DAYS = 8
"""A week and a day hold each weekly time."""


def last_due(schedule: Schedule, now: datetime, zone: tzinfo) -> datetime:
    """The newest moment, up to now, at which something was due, in UTC.

    A time of the day that daylight saving skips is the same time after it; one that comes twice is the first.

    >>> from zoneinfo import ZoneInfo
    >>> last_due(Schedule(weekday=0, hour=9), datetime(2026, 11, 22, 12, tzinfo=UTC), ZoneInfo("Europe/Paris")).isoformat()
    '2026-11-16T08:00:00+00:00'
    """
    if schedule.every_min is not None:
        step = 60 * schedule.every_min
        return datetime.fromtimestamp(int(now.timestamp()) // step * step, UTC)
    return max(one for one in _around(schedule, now, zone, range(-_DAYS, 1)) if one <= now)


def next_due(schedule: Schedule, now: datetime, zone: tzinfo) -> datetime:
    """The first moment after now at which something is due, in UTC."""
    if schedule.every_min is not None:
        return last_due(schedule, now, zone) + timedelta(minutes=schedule.every_min)
    return min(one for one in _around(schedule, now, zone, range(_DAYS + 1)) if one > now)


def _around(schedule: Schedule, now: datetime, zone: tzinfo, days: range) -> list[datetime]:
    today = now.astimezone(zone).date()
    listed = [today + timedelta(days=away) for away in days]
    at = time(schedule.hour, schedule.minute)
    return [
        datetime.combine(day, at, zone).astimezone(UTC) for day in listed if schedule.weekday in (None, day.weekday())
    ]
