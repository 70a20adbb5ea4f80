# SPDX-License-Identifier: Apache-2.0
"""Hours in which people are not to be disturbed."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta, tzinfo
from zoneinfo import ZoneInfo

from lichen.config import Notify
from lichen.config.traffic import UTC_NAME


def zone_of(notify: Notify) -> tzinfo:
    """The time zone of the hours of the settings."""
    return UTC if notify.time_zone == UTC_NAME else ZoneInfo(notify.time_zone)


def quiet_until(moment: datetime, notify: Notify) -> datetime | None:
    """When the quiet hours end that a moment lies in; None outside them, or without any.

    Hours are those of the wall clock of the zone, also on the days when it is put forward or back.

    >>> from datetime import UTC, datetime
    >>> hours = Notify(quiet_from="20:00", quiet_to="08:00", time_zone="UTC")
    >>> quiet_until(datetime(2026, 11, 21, 23, 30, tzinfo=UTC), hours)
    datetime.datetime(2026, 11, 22, 8, 0, tzinfo=datetime.timezone.utc)
    >>> quiet_until(datetime(2026, 11, 21, 12, 0, tzinfo=UTC), hours) is None
    True
    """
    if notify.quiet_from is None or notify.quiet_to is None:
        return None
    start, end = time.fromisoformat(notify.quiet_from), time.fromisoformat(notify.quiet_to)
    zone = zone_of(notify)
    local = moment.astimezone(zone)
    over_midnight = start > end
    hour = local.time().replace(tzinfo=None)
    inside = (hour >= start or hour < end) if over_midnight else start <= hour < end
    if not inside:
        return None
    day = local.date() + timedelta(days=1 if over_midnight and hour >= start else 0)
    ends = datetime.combine(day, end, zone).astimezone(UTC)
    return ends if ends > moment else None
