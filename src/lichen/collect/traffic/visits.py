# SPDX-License-Identifier: Apache-2.0
"""Requests become visits: what one address and user agent asks for with no pause of thirty minutes.

Address and agent are hashed with a salt that is drawn for each import and never written; what is kept of a visitor is that hash,
and only until the visit is over. Thirty minutes are the convention of web analytics, Matomo's among others
(https://matomo.org/faq/general/faq_36/).
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, tzinfo
from typing import Final

from lichen.collect.traffic.counted import PATHS_KEPT, DayRow, LogReport, Pages, path_of
from lichen.collect.traffic.hits import Hit
from lichen.collect.traffic.robots import Robots

SESSION_S: Final = 30 * 60
_QUARTER_S: Final = 15 * 60
"""No time zone changes its offset inside a quarter of an hour."""
_HASH_BYTES: Final = 8


@dataclass(slots=True)
class _Visit:
    """A visit that goes on: time of its last page, the day of its first one, and the journeys it has begun, as bits."""

    last: int
    day: date
    begun: int


@dataclass(slots=True)
class _Count:
    """Numbers of a day."""

    visits: int = 0
    page_views: int = 0


@dataclass(slots=True)
class _Day:
    """The application and each of its journeys."""

    whole: _Count = field(default_factory=_Count)
    journeys: dict[int, _Count] = field(default_factory=dict)


class VisitCounter:
    """Counts visits and page views by day. Its memory grows with the visits that go on at once and with days, not with lines.

    Args:
        pages: which requests are page views.
        robots: who is none of the visitors.
        zone: time zone of the days.
        session_s: pause that ends a visit, in seconds.
    """

    def __init__(self, pages: Pages, robots: Robots, zone: tzinfo, *, session_s: int = SESSION_S) -> None:
        self.report = LogReport()
        self._pages, self._robots, self._zone, self._session_s = pages, robots, zone, session_s
        self._salt = secrets.token_bytes(16)
        self._visits: dict[bytes, _Visit] = {}
        self._days: dict[date, _Day] = {}
        self._quarter = -1
        self._day = date.min
        self._newest = 0
        self._swept = 0

    def add(self, hit: Hit) -> None:
        """Counts a request; requests come in the order of their time, give or take a session."""
        report = self.report
        if hit.agent is None:
            report.without_agent = True
        elif self._robots.is_robot(hit.agent):
            report.robots += 1
            return
        found = None if hit.target is None else self._pages.of(hit.target)
        if hit.target is None or found is None:
            report.other += 1
            return
        views, begins = found
        report.pages += 1
        if not views:
            self._outside(path_of(hit.target))
        if hit.at > self._newest:
            self._newest = hit.at
        elif hit.at < self._newest - self._session_s:
            report.late += 1
        day = self._day_of(hit.at)
        count = self._days.get(day)
        if count is None:
            count = self._days[day] = _Day()
        count.whole.page_views += 1
        for bit in _bits(views):
            count.journeys.setdefault(bit, _Count()).page_views += 1
        self._visit(hit, day, begins)
        if self._newest - self._swept > self._session_s:
            self._sweep()

    def _visit(self, hit: Hit, day: date, begins: int) -> None:
        key = hashlib.blake2b(hit.visitor, key=self._salt, digest_size=_HASH_BYTES).digest()
        visit = self._visits.get(key)
        if visit is None or abs(hit.at - visit.last) >= self._session_s:
            visit = self._visits[key] = _Visit(hit.at, day, 0)
            self._days[day].whole.visits += 1
        elif hit.at > visit.last:
            visit.last = hit.at
        for bit in _bits(begins & ~visit.begun):
            self._days[visit.day].journeys.setdefault(bit, _Count()).visits += 1
        visit.begun |= begins

    def _outside(self, path: bytes) -> None:
        known = self.report.outside
        if path in known:
            known[path] += 1
        elif len(known) < PATHS_KEPT:
            known[path] = 1

    def _sweep(self) -> None:
        """Forgets visits that are over."""
        oldest = self._newest - self._session_s
        self._visits = {key: visit for key, visit in self._visits.items() if visit.last > oldest}
        self._swept = self._newest

    def _day_of(self, at: int) -> date:
        quarter = at // _QUARTER_S
        if quarter != self._quarter:
            self._quarter = quarter
            self._day = datetime.fromtimestamp(at, UTC).astimezone(self._zone).date()
        return self._day

    def rows(self) -> tuple[DayRow, ...]:
        """Traffic of each day with a page view, the application first; a journey that nobody made that day has a row of 0."""
        names = [rule.name for rule in self._pages.journeys]
        found: list[DayRow] = []
        for day, counts in sorted(self._days.items()):
            found.append(_row(day, None, counts.whole))
            found.extend(_row(day, name, counts.journeys.get(bit, _Count())) for bit, name in enumerate(names))
        self.report.first = min(self._days, default=None)
        self.report.last = max(self._days, default=None)
        return tuple(found)


def count(hits: Iterable[Hit], counter: VisitCounter) -> tuple[DayRow, ...]:
    """The traffic of requests."""
    for hit in hits:
        counter.add(hit)
    return counter.rows()


def _row(day: date, journey: str | None, found: _Count) -> DayRow:
    return DayRow(day=day, journey=journey, visits=float(found.visits), page_views=float(found.page_views))


def _bits(mask: int) -> Iterable[int]:
    """Positions of the bits that are set."""
    while mask:
        lowest = mask & -mask
        yield lowest.bit_length() - 1
        mask ^= lowest
