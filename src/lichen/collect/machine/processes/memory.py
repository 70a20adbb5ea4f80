# SPDX-License-Identifier: Apache-2.0
"""Memory of a tree: a cheap series inside the window, the slow exact reading outside.

Private pages are read from ``statm`` at each look. Pages shared by several processes (program files, shared memory) would be
counted once per process; their fair share is what the proportional set size (PSS) says, but reading it walks every mapping.
So PSS is read only when `calibrate` is called, outside windows, and what it says beyond the private pages is taken as constant
until the next calibration::

    memory(t) = sum of private(t) + (sum of PSS - sum of private) at the nearest calibration

Where PSS may not be read (another user's process, a sandboxed renderer without root) or was never read, the shared part is the
largest one of any single process: the pages shared in a tree are at least those. Such a figure is a lower bound and its method
is ``proxy``; counting each process's shared pages in full would be several times too high for a browser.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Protocol

from lichen.collect.machine.processes.proc import Stat, pss_bytes
from lichen.records import DataMethod


class Resident(Protocol):
    """A process whose memory is looked at."""

    @property
    def pid(self) -> int:
        """Its id."""
        ...

    @property
    def comm(self) -> str:
        """Its name."""
        ...

    def read_stat(self) -> Stat | None:
        """Its /proc line now; None when it is gone."""
        ...

    def read_memory(self) -> tuple[int, int]:
        """(anonymous, shared) bytes now; zeros once it has exited."""
        ...


@dataclass(slots=True)
class _Point:
    """A look at the memory: private bytes, and the largest shared part of one process."""

    at_ns: int
    private_bytes: int
    shared_max_bytes: int
    edge: bool


@dataclass(slots=True)
class MemorySeries:
    """Memory of one tree over time.

    Attributes:
        unreadable: commands of processes whose PSS could not be read at the latest calibration.
    """

    unreadable: tuple[str, ...] = ()
    _points: list[_Point] = field(default_factory=list)
    _calibrated: list[tuple[int, int]] = field(default_factory=list)
    _integral: list[float] = field(default_factory=list)

    @property
    def method(self) -> DataMethod:
        """``measured`` when the shared part comes from PSS, else ``proxy``."""
        return "measured" if self._calibrated and not self.unreadable else "proxy"

    def look(self, at_ns: int, members: Iterable[Resident], *, edge: bool = False, unchanged_ns: int = 0) -> None:
        """Adds a point of the series.

        Args:
            at_ns: monotonic time [ns].
            edge: whether this look is an edge; peaks are those since the previous one.
            unchanged_ns: until when the previous point still held, for the trees used no CPU.
        """
        if self._points and self._points[-1].at_ns < unchanged_ns < at_ns:
            self._points.append(replace(self._points[-1], at_ns=unchanged_ns, edge=False))
        private = shared_max = 0
        for member in members:
            anonymous, shared = member.read_memory()
            private += anonymous
            shared_max = max(shared_max, shared)
        self._points.append(_Point(at_ns, private, shared_max, edge))

    def calibrate(self, at_ns: int, members: Iterable[Resident]) -> None:
        """Reads PSS of every member; 0.2 to 10 ms each, so only outside windows."""
        shared = 0
        unreadable: list[str] = []
        alive = list(members)
        if not alive:
            return
        for member in alive:
            pss = pss_bytes(member.pid)
            if pss is None and member.read_stat() is not None:
                unreadable.append(f"{member.comm} ({member.pid})")
            elif pss:
                shared += pss - member.read_memory()[0]
        self._integral.clear()
        self.unreadable = tuple(unreadable)
        if not unreadable:
            self._calibrated.append((at_ns, shared))

    def _bytes(self, point: _Point) -> int:
        """Memory at a point, by the nearest calibration known now."""
        if not point.private_bytes:
            return 0
        if self.method == "proxy":
            return point.private_bytes + point.shared_max_bytes
        after = bisect_left(self._calibrated, (point.at_ns,))
        nearest = min(self._calibrated[max(0, after - 1) : after + 1], key=lambda c: abs(c[0] - point.at_ns))
        return max(0, point.private_bytes + nearest[1])

    def byte_seconds(self, until_ns: int) -> float:
        """Memory integrated (trapezes) from the first point to the last one not after ``until_ns`` [B.s]."""
        done = len(self._integral)
        for right in range(max(1, done), len(self._points)):
            if not self._integral:
                self._integral.append(0.0)
            a, b = self._points[right - 1], self._points[right]
            area = (self._bytes(a) + self._bytes(b)) / 2 * (b.at_ns - a.at_ns) / 1e9
            self._integral.append(self._integral[-1] + area)
        last = bisect_right(self._points, until_ns, key=lambda p: p.at_ns) - 1
        return self._integral[last] if 0 <= last < len(self._integral) else 0.0

    def peak_bytes(self, edge_ns: int) -> int | None:
        """Highest memory between the edge at ``edge_ns`` and the one before it, both included; None without a point."""
        highest: int | None = None
        for point in reversed(self._points):
            if point.at_ns > edge_ns:
                continue
            highest = max(highest or 0, self._bytes(point))
            if point.edge and point.at_ns < edge_ns:
                break
        return highest

    def highest_bytes(self, start_ns: int, end_ns: int) -> int | None:
        """Highest memory between two points, both included; None without a point."""
        first = bisect_left(self._points, start_ns, key=lambda p: p.at_ns)
        last = bisect_right(self._points, end_ns, key=lambda p: p.at_ns)
        return max((self._bytes(point) for point in self._points[first:last]), default=None)

    def restarted(self) -> MemorySeries:
        """An empty series with the same calibration."""
        return MemorySeries(unreadable=self.unreadable, _calibrated=self._calibrated[-1:])
