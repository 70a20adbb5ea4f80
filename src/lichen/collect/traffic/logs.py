# SPDX-License-Identifier: Apache-2.0
"""Access logs, several at once: rotated files one after the other, files of several servers merged by time."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import tzinfo
from pathlib import Path
from typing import Final

from lichen.collect.declared.lines import TextFile
from lichen.collect.traffic.counted import DayRow, LogReport, Pages
from lichen.collect.traffic.hits import CombinedParser, Hit, Parse, W3cParser
from lichen.collect.traffic.robots import Robots
from lichen.collect.traffic.visits import SESSION_S, VisitCounter, count
from lichen.errors import StorageError

_LOOKED_AT: Final = 1_000
"""Lines of a file among which one at least is a request, or it is no access log."""
_EXAMPLES: Final = 5
_FUTURE_S: Final = 86_400
_OLDEST: Final = 631_152_000
"""1990: no web server has written a log before."""
COMBINED: Final = "access-log"
CLOUDFRONT: Final = "cloudfront"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """By what rules logs are counted.

    Attributes:
        zone: time zone of the days.
        now: seconds since 1970; requests of more than a day later are refused.
        session_s: pause that ends a visit, in seconds.
        heard: told now and then how many further bytes of the files were read.
    """

    pages: Pages
    robots: Robots
    zone: tzinfo
    now: int
    session_s: int = SESSION_S
    heard: Callable[[int], None] | None = None


def looks_like_log(path: Path) -> str | None:
    """Format of an access log by its first lines, `COMBINED` or `CLOUDFRONT`; None for another file."""
    parser, combined = W3cParser(), CombinedParser()
    for number, line in TextFile(path):
        if line.startswith(b"#"):
            parser.directive(line)
        elif combined(line) is not None:
            return COMBINED
        if parser.ready:
            return CLOUDFRONT
        if number > _LOOKED_AT:
            return None
    return None


def read_logs(paths: Sequence[Path], rules: Rules) -> tuple[tuple[DayRow, ...], LogReport]:
    """Traffic of access logs.

    Args:
        paths: in any order; a file named twice is read once.

    Returns:
        Rows of each day, and what else was in the files.

    Raises:
        StorageError: a file cannot be read, is no access log, or holds a request of the future; nothing has been counted at all.
    """
    counter = VisitCounter(rules.pages, rules.robots, rules.zone, session_s=rules.session_s)
    files = [_LogFile(path, counter.report, rules) for path in dict.fromkeys(path.resolve() for path in paths)]
    rows = count(_merged(files), counter)
    if not rows:
        report = counter.report
        raise StorageError(
            f"There is no page view in {', '.join(str(path) for path in paths[:_EXAMPLES])}: {report.robots} requests of robots, "
            f"{report.other} others.",
            repair="Name the logs of the days with visits, and see `traffic.ignore`.",
            culprit=str(paths[0]),
        )
    return rows, counter.report


class _LogFile:
    """A log and its first request."""

    def __init__(self, path: Path, report: LogReport, rules: Rules) -> None:
        self._path, self._report, self._now = path, report, rules.now
        self._file = TextFile(path, rules.heard)
        self._w3c = looks_like_log(path) == CLOUDFRONT
        self.first = next(self._hits(LogReport()), None)
        if self.first is None:
            raise StorageError(
                f"{path} is no access log: no line of its first {_LOOKED_AT} is a request.",
                repair="Formats: common and combined of Apache and nginx, CloudFront, Matomo and CSV tables.",
                culprit=f"{path}:1",
            )

    def __iter__(self) -> Iterator[Hit]:
        return self._hits(self._report)

    def _hits(self, report: LogReport) -> Iterator[Hit]:
        w3c = W3cParser()
        parse: Parse = w3c if self._w3c else CombinedParser()
        before = self._file.too_long
        for number, line in self._file:
            if not line or line.startswith(b"#"):
                w3c.directive(line)
                continue
            report.lines += 1
            hit = parse(line)
            if hit is None or hit.at < _OLDEST:
                report.malformed += 1
                if len(report.examples) < _EXAMPLES:
                    report.examples.append(f"{self._path}:{number}")
                elif report.malformed == report.lines > _LOOKED_AT:
                    return
                continue
            if hit.at > self._now + _FUTURE_S:
                raise StorageError(
                    f"The request in line {number} of {self._path} is of the future.",
                    repair="Correct the clock of the server, or that of this machine.",
                    culprit=f"{self._path}:{number}",
                )
            yield hit
        report.malformed += self._file.too_long - before
        report.lines += self._file.too_long - before


def _merged(files: Sequence[_LogFile]) -> Iterator[Hit]:
    """Requests by time. A file is opened when its first request is due, so that rotated files are open one at a time."""
    waiting = sorted(files, key=_first, reverse=True)
    heap: list[tuple[int, int, Hit, Iterator[Hit]]] = []
    opened = 0
    while waiting or heap:
        while waiting and (not heap or _first(waiting[-1]) <= heap[0][0]):
            hits = iter(waiting.pop())
            opened += 1
            if (hit := next(hits, None)) is not None:
                heapq.heappush(heap, (hit.at, opened, hit, hits))
        if not heap:
            continue
        if len(heap) == 1 and not waiting:
            _, _, hit, hits = heap.pop()
            yield hit
            yield from hits
            return
        _, place, hit, hits = heap[0]
        yield hit
        following = next(hits, None)
        if following is None:
            heapq.heappop(heap)
        else:
            heapq.heapreplace(heap, (following.at, place, following, hits))


def _first(file: _LogFile) -> int:
    return file.first.at if file.first is not None else 0
