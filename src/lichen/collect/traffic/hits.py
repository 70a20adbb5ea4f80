# SPDX-License-Identifier: Apache-2.0
"""Lines of access logs as requests: the common and combined formats of Apache and nginx, and W3C logs such as CloudFront's.

Formats: https://httpd.apache.org/docs/2.4/logs.html, https://nginx.org/en/docs/http/ngx_http_log_module.html,
https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/standard-logs-reference.html,
https://www.w3.org/TR/WD-logfile.html.
"""

from __future__ import annotations

import re
from calendar import timegm
from collections.abc import Callable
from datetime import datetime
from typing import Final, NamedTuple
from urllib.parse import unquote_to_bytes

_LINE: Final = re.compile(
    rb"(?:\S+:\d+ )?"  # virtual host, in vhost_combined
    rb"(\S+) \S+ .{1,256}? "  # address, identity, user; a user may hold spaces
    rb"\[(\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d) ([+-]\d{4})\] "
    rb'"((?:[^"\\]|\\.)*)" '
    rb"(\d{3}) (?:\d+|-)"
    rb'(?: "(?:[^"\\]|\\.)*" "((?:[^"\\]|\\.)*)")?'
    rb"(?= |$)"
)
_MONTHS: Final = {
    name: number for number, name in enumerate(b"Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(), start=1)
}
_PAGE_METHOD: Final = b"GET"
_NOT_MODIFIED: Final = b"304"


class Hit(NamedTuple):
    """A request.

    Attributes:
        at: seconds since 1970, UTC.
        visitor: address and user agent, of which only a salted hash is kept.
        agent: user agent; None where the format has none.
        target: path and query; None when it cannot be a page view: another method than GET, or no answer with a page.
    """

    at: int
    visitor: bytes
    agent: bytes | None
    target: bytes | None


Parse = Callable[[bytes], Hit | None]
"""A line as a request; None when it is none."""


class CombinedParser:
    """Lines of the common and combined formats, with a virtual host before them and other fields behind them or not."""

    def __init__(self) -> None:
        self._minute = b""
        self._second = 0

    def __call__(self, line: bytes) -> Hit | None:
        """A line as a request."""
        found = _LINE.match(line)
        if found is None:
            return None
        address, time, offset, request, status, agent = found.groups()
        at = self._at(time, offset)
        if at is None:
            return None
        method, _, rest = request.partition(b" ")
        target = rest.rpartition(b" ")[0] or rest
        return Hit(
            at, address + b" " + (agent or b""), agent, target if method == _PAGE_METHOD and _has_page(status) else None
        )

    def _at(self, time: bytes, offset: bytes) -> int | None:
        """Seconds since 1970; the minute is computed once for all its lines."""
        minute = time[:17] + offset
        if minute != self._minute:
            month = _MONTHS.get(time[3:6])
            sign = -60 if offset[:1] == b"-" else 60
            zone = sign * (int(offset[1:3]) * 60 + int(offset[3:5]))
            start = None if month is None else _seconds(time[7:11], month, time[0:2], time[12:14], time[15:17])
            if start is None:
                return None
            self._minute, self._second = minute, start - zone
        return self._second + int(time[18:20])


class W3cParser:
    """Lines of a W3C extended log, whose ``#Fields`` line names its columns. Times are UTC.

    Attributes:
        ready: whether a ``#Fields`` line that names what is needed was seen.
    """

    NEEDED: Final = ("date", "time", "c-ip", "cs-method", "cs-uri-stem", "sc-status", "cs(user-agent)")

    def __init__(self) -> None:
        self.ready = False
        self._columns: list[int] = []
        self._separator: bytes | None = None

    def directive(self, line: bytes) -> None:
        """Reads a line that begins with ``#``."""
        name, _, names = line.partition(b":")
        if name.lower() == b"#fields":
            fields = names.decode("ascii", "replace").lower().split()
            self.ready = all(need in fields for need in self.NEEDED)
            self._columns = [fields.index(need) for need in self.NEEDED] if self.ready else []

    def __call__(self, line: bytes) -> Hit | None:
        """A line as a request."""
        values = line.split(b"\t") if b"\t" in line else line.split(b" ")
        if not self.ready or len(values) <= max(self._columns):
            return None
        day, time, address, method, stem, status, agent = (values[column] for column in self._columns)
        if len(day) != 10 or len(time) < 8 or not status.isdigit():
            return None
        at = _seconds(day[:4], int(day[5:7]) if day[5:7].isdigit() else 0, day[8:10], time[:2], time[3:5])
        if at is None or not time[6:8].isdigit():
            return None
        plain = unquote_to_bytes(unquote_to_bytes(agent)).replace(b"+", b" ")  # CloudFront writes "%2520" for a space
        target = stem if method == _PAGE_METHOD and _has_page(status) else None
        return Hit(at + int(time[6:8]), address + b" " + plain, plain, target)


def _has_page(status: bytes) -> bool:
    """Answers with a page, or that say that the browser has it."""
    return status == _NOT_MODIFIED or (len(status) == len(_NOT_MODIFIED) and status.startswith(b"2"))


def _seconds(year: bytes, month: int, day: bytes, hour: bytes, minute: bytes) -> int | None:
    try:
        return timegm(datetime(int(year), month, int(day), int(hour), int(minute)).timetuple())  # noqa: DTZ001 - zone added by callers
    except ValueError:
        return None
