# SPDX-License-Identifier: Apache-2.0
"""What is counted, and by which rules."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from typing import Final
from urllib.parse import unquote

from lichen.collect.traffic.globs import Glob

_CACHED_PATHS: Final = 1 << 14
_LONGEST_PATH: Final = 1_024
"""Bytes of a path that are looked at."""
PATHS_KEPT: Final = 10_000
"""Paths outside any journey that are counted one by one."""

ASSETS: Final = frozenset(
    {
        "avif", "bmp", "css", "cur", "eot", "gif", "ico", "jpeg", "jpg", "js", "map", "mjs", "mp3", "mp4", "ogg", "otf", "png",
        "svg", "ttf", "txt", "wasm", "wav", "webm", "webmanifest", "webp", "woff", "woff2", "xml",
    }
)  # fmt: skip
"""Endings of paths that are part of a page, or read by machines, and no page."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DayRow:
    """Traffic of a day.

    Attributes:
        journey: name of a journey; None for the whole application, whose visits are no sum of its journeys' visits.
        visits, page_views, users: None when the source does not tell.
    """

    day: date
    journey: str | None
    visits: float | None
    page_views: float | None
    users: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class JourneyRule:
    """How a journey is known in a log.

    Attributes:
        paths: patterns of its pages: ``*`` is anything but a slash, ``**`` anything, ``?`` one character.
        start: pattern of the page that begins it; a visit that sees it has made the journey. None: any page of ``paths``.
    """

    name: str
    paths: tuple[str, ...]
    start: str | None = None


@dataclass(slots=True, kw_only=True)
class LogReport:
    """What a log held besides what was counted. All are numbers of lines, but ``first`` and ``last``.

    Attributes:
        pages: page views counted.
        robots: requests of robots; other: requests that are no page view (parts of pages, other methods, errors, ignored paths).
        malformed: lines that are no request; examples: where the first ones are, ``file:line``.
        late: requests older than those before them by more than a session, as a clock that was set back leaves them.
        without_agent: whether the format has no user agent, so that robots are among the visits.
        outside: page views of paths that belong to no journey, by path; of the first `PATHS_KEPT` paths.
        first, last: days of the first and last page view.
    """

    lines: int = 0
    pages: int = 0
    robots: int = 0
    other: int = 0
    malformed: int = 0
    late: int = 0
    examples: list[str] = field(default_factory=list)
    without_agent: bool = False
    outside: dict[bytes, int] = field(default_factory=dict)
    first: date | None = None
    last: date | None = None


class Pages:
    """Which requests are page views, and of which journeys.

    Args:
        journeys: rules by which journeys are known.
        ignore: patterns of paths that are no pages, such as those of an interface.
    """

    def __init__(self, journeys: Sequence[JourneyRule] = (), ignore: Sequence[str] = ()) -> None:
        self.journeys = tuple(journeys)
        self._ignore = [Glob(one) for one in ignore]
        self._paths = [[Glob(one) for one in rule.paths] for rule in journeys]
        self._starts = [None if rule.start is None else Glob(rule.start) for rule in journeys]
        self._known = lru_cache(_CACHED_PATHS)(self._of)

    def of(self, target: bytes) -> tuple[int, int] | None:
        """The journeys that a page belongs to, and those that it begins, as bits; None for what is no page.

        Args:
            target: path and query as requested.
        """
        return self._known(path_of(target))

    def _of(self, asked: bytes) -> tuple[int, int] | None:
        path = unquote(asked.decode("utf-8", "replace"), errors="replace")
        name = path.rpartition("/")[2]
        ending = name.rpartition(".")[2].lower() if "." in name else ""
        if ending in ASSETS or any(one.matches(path) for one in self._ignore):
            return None
        views = begins = 0
        for bit, (paths, start) in enumerate(zip(self._paths, self._starts, strict=True)):
            inside = any(one.matches(path) for one in paths)
            starts = inside if start is None else start.matches(path)
            views |= (inside or starts) << bit
            begins |= starts << bit
        return views, begins


def path_of(target: bytes) -> bytes:
    """Path of a request, without its query."""
    return target.partition(b"?")[0][:_LONGEST_PATH]
