# SPDX-License-Identifier: Apache-2.0
"""What this process consumes, read from inside: its own clocks, the children it has waited for, and those that are alive.

A process knows itself better than anybody outside: its clock is exact and holds all its threads, and the kernel hands it what
its children used once it has waited for them (getrusage, to the microsecond). The sum of both and of the clocks of living
descendants only ever grows, whoever is born or dies in between, so no background thread is needed for CPU time. One looks at the
memory, ten times a second at most; its CPU time is known and taken off.

Not seen: children that end while SIGCHLD is ignored, and daemons whose parent has ended.
"""

from __future__ import annotations

import contextlib
import os
import resource
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from lichen.collect.base import Sample, StepReading
from lichen.collect.counters import Reading, minus
from lichen.collect.machine.processes.clock import cpu_ns
from lichen.collect.machine.processes.command import COMMAND, RUN
from lichen.collect.machine.processes.memory import MemorySeries
from lichen.collect.machine.processes.proc import Stat, parse_io, parse_statm, read_stat
from lichen.records import DataMethod

_LOOK_MIN_S: Final = 0.1
_LOOK_MAX_S: Final = 1.0
_LOOK_GROWTH: Final = 1.1
_TRIES: Final = 3
_CALIBRATION_PAUSE_NS: Final = 5_000_000_000
"""Reading the exact memory takes a millisecond and more: not after each of many short spans."""


def _content(path: str) -> bytes:
    """A file of /proc; empty when the process is gone or may not be read."""
    with contextlib.suppress(OSError):
        return Path(path).read_bytes()
    return b""


@dataclass(frozen=True, slots=True)
class _Process:  # implements lichen.collect.machine.processes.memory.Resident
    """As much of a process as the memory series asks for."""

    pid: int

    @property
    def comm(self) -> str:
        """Its name."""
        return _content(f"/proc/{self.pid}/comm").decode(errors="replace").strip()

    def read_stat(self) -> Stat | None:
        """Its /proc line; None when it is gone."""
        return read_stat(self.pid)

    def read_memory(self) -> tuple[int, int]:
        """(anonymous, shared) bytes; zeros when it is gone."""
        content = _content(f"/proc/{self.pid}/statm")
        return parse_statm(content) if content else (0, 0)


def _children(pid: int) -> Iterator[int]:
    """Children of all threads of a process, zombies included."""
    with contextlib.suppress(OSError):
        for thread in os.listdir(f"/proc/{pid}/task"):  # noqa: PTH208 - three times faster
            yield from map(int, _content(f"/proc/{pid}/task/{thread}/children").split())


def descendants(pid: int) -> list[int]:
    """Every living process below ``pid``, and the exited ones that nobody has waited for yet."""
    found: list[int] = []
    stack = [pid]
    while stack:
        below = list(_children(stack.pop()))
        found += below
        stack += below
    return found


def _waited_for_ns() -> int:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return round((used.ru_utime + used.ru_stime) * 1e9)


def _alive_ns(pids: list[int]) -> int:
    """Clocks of these processes, and what they themselves have waited for."""
    total = 0
    for pid in pids:
        stat = read_stat(pid)
        total += (cpu_ns(pid) or 0) + (0 if stat is None else stat.children_ns)
    return total


def below_ns() -> int:
    """CPU time of everything that this process has started, since it began."""
    for _ in range(_TRIES):
        before = _waited_for_ns()
        alive = _alive_ns(descendants(os.getpid()))
        if _waited_for_ns() == before:  # nobody has moved from one account to the other
            break
    return before + alive


@dataclass(frozen=True, slots=True)
class OwnReading:
    """Counters at an edge.

    Attributes:
        at_ns: monotonic time at which the own clock was read; looked_ns: at which the memory was.
    """

    at_ns: int
    looked_ns: int
    cpu_ns: int
    disk_bytes: int | None


class OwnProcess:
    """Counters of this process with everything below it, for all who watch it; `watch` and `leave` come in pairs.

    Attributes:
        pid: of the process in which it was made; a fork's copy counts nothing.
    """

    def __init__(self) -> None:
        self.pid = os.getpid()
        self._lock = threading.Lock()
        self._memory = MemorySeries()
        self._calibrated_ns: int | None = None
        self._watchers = 0
        self._stop = threading.Event()
        self._lookers = threading.Lock()
        self._looker_clocks: set[int] = set()
        self._ended_lookers_ns = 0

    def watch(self) -> None:
        """Looks at the memory from now on."""
        with self._lock:
            self._watchers += 1
            if self._watchers > 1:
                return
            self._memory = self._memory.restarted()
            self._stop = threading.Event()
            looker = threading.Thread(target=self._run, args=(self._stop,), name="lichen-track", daemon=True)
            looker.start()
            assert looker.ident is not None  # noqa: S101 - it has started
            # It lives until `leave`, so its clock is there, and is taken off from the very first edge on.
            with self._lookers:
                self._looker_clocks.add(time.pthread_getcpuclockid(looker.ident))

    def leave(self) -> None:
        """Ends what `watch` began."""
        with self._lock:
            self._watchers -= 1
            if self._watchers == 0:
                self._stop.set()

    def first(self) -> OwnReading:
        """The counters at the start of a span: the own clock is read last, so that reading costs the span nothing."""
        looked_ns, disk_bytes, below = self._look(), _disk_bytes(), below_ns()
        own_ns, at_ns = self._own_ns(), time.monotonic_ns()
        return OwnReading(at_ns, looked_ns, own_ns + below, disk_bytes)

    def last(self) -> OwnReading:
        """The counters at the end of a span: the own clock is read first."""
        at_ns, own_ns = time.monotonic_ns(), self._own_ns()
        below, disk_bytes = below_ns(), _disk_bytes()
        return OwnReading(at_ns, self._look(), own_ns + below, disk_bytes)

    def between(self, first: OwnReading, last: OwnReading) -> tuple[Reading, DataMethod]:
        """What a span consumed, and how its memory is known."""
        with self._lock:
            if self._calibrated_ns is None or last.at_ns - self._calibrated_ns > _CALIBRATION_PAUSE_NS:
                self._calibrated_ns = last.at_ns
                self._memory.calibrate(last.looked_ns, self._members())
            reading = Reading(
                cpu_ns=last.cpu_ns - first.cpu_ns,
                disk_bytes=minus(last.disk_bytes, first.disk_bytes),
                memory_byte_seconds=self._memory.byte_seconds(last.looked_ns)
                - self._memory.byte_seconds(first.looked_ns),
                memory_peak_bytes=self._memory.highest_bytes(first.looked_ns, last.looked_ns),
                alive=1,
            )
            return reading, self._memory.method

    def _own_ns(self) -> int:
        """The process's clock without the looking threads': both at this moment, for they may be at work across an edge."""
        with self._lookers:
            lookers_ns = self._ended_lookers_ns + sum(map(time.clock_gettime_ns, self._looker_clocks))
            return time.process_time_ns() - lookers_ns

    def _members(self) -> list[_Process]:
        return [_Process(pid) for pid in (self.pid, *descendants(self.pid))]

    def _look(self) -> int:
        members = self._members()
        with self._lock:
            at_ns = time.monotonic_ns()
            self._memory.look(at_ns, members)
            return at_ns

    def _run(self, stop: threading.Event) -> None:
        wait_s = _LOOK_MIN_S
        try:
            while not stop.wait(wait_s):
                self._look()
                wait_s = min(_LOOK_MAX_S, wait_s * _LOOK_GROWTH)
        finally:
            clock = time.pthread_getcpuclockid(threading.get_ident())
            with self._lookers:  # an ended thread's clock cannot be read any more
                self._looker_clocks.discard(clock)
                self._ended_lookers_ns += time.thread_time_ns()


def _disk_bytes() -> int | None:
    """Storage traffic of this process, of those it has waited for, and of living descendants; None when one may not be read."""
    contents = [_content(f"/proc/{pid}/io") for pid in (os.getpid(), *descendants(os.getpid()))]
    return sum(map(parse_io, contents)) if contents[0] else None


def thread_reading() -> OwnReading:
    """The counters of the calling thread alone; memory belongs to the process."""
    content = _content("/proc/thread-self/io")
    at_ns = time.monotonic_ns()
    return OwnReading(at_ns, at_ns, time.thread_time_ns(), parse_io(content) if content else None)


@dataclass(slots=True, kw_only=True)
class Span:
    """One time through a block of this program.

    Attributes:
        units: functional units that it did.
        failed: name of the exception that left it; empty without one.
    """

    sample: Sample
    units: float = 1.0
    failed: str = ""


def span_of_process(own: OwnProcess, first: OwnReading, last: OwnReading, *, started_at: str, beside: bool) -> Span:
    """What lies between two edges of the whole process.

    Args:
        beside: whether another span of this process, which does not hold this one, overlapped it.
    """
    reading, memory = own.between(first, last)
    notes: list[str] = []
    if beside:
        notes.append("another block of this process ran at the same time: what it used is counted here as well")
    return _span(first, last, reading, started_at=started_at, memory=memory, notes=tuple(notes))


def span_of_thread(first: OwnReading, last: OwnReading, *, started_at: str) -> Span:
    """What lies between two edges of the calling thread."""
    reading = Reading(
        cpu_ns=last.cpu_ns - first.cpu_ns,
        disk_bytes=minus(last.disk_bytes, first.disk_bytes),
        memory_byte_seconds=None,
        memory_peak_bytes=None,
        alive=1,
    )
    return _span(first, last, reading, started_at=started_at, memory="measured", notes=())


def _span(
    first: OwnReading,
    last: OwnReading,
    reading: Reading,
    *,
    started_at: str,
    memory: DataMethod,
    notes: tuple[str, ...],
) -> Span:
    window_s = (last.at_ns - first.at_ns) / 1e9
    step = StepReading(
        name=RUN, observed_s=window_s, paced_s=window_s, readings={COMMAND: reading}, network_bytes=None, requests=None
    )
    sample = Sample(
        index=0,
        started_at=started_at,
        window_s=window_s,
        settle_s=0.0,
        steps=(step,),
        requests=(),
        edge_spread_ns=0,
        agent_cpu_ns=0,
        driver_cpu_ns=0,
        notes=notes,
        memory_methods={COMMAND: memory},
    )
    return Span(sample=sample)
