# SPDX-License-Identifier: Apache-2.0
"""Containers whose control groups cannot be seen from here, read through their engine and interpolated at the edges.

An answer takes from milliseconds to a second, so no edge waits for one: each edge asks for a reading in the background. The
engine says when it took each, by its own clock, whose distance from ours follows from when we asked and when it answered.
"""

from __future__ import annotations

import contextlib
import threading
import time
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from lichen.collect.counters import UNKNOWN, Instant, Reading
from lichen.collect.machine.containers.choice import Choice, Found, find
from lichen.collect.machine.containers.engine import Container, Engine
from lichen.collect.machine.containers.stats import Stats, read_stats
from lichen.collect.machine.containers.summed import together
from lichen.collect.machine.cumulative import Cumulative
from lichen.errors import LichenError, NothingMeasured
from lichen.records import DataMethod

_LOOK_S: Final = 1.0
_LAST_ANSWER_S: Final = 12.0
"""Longest wait, after the window, for a reading later than its last edge: more than one answer may take."""


@dataclass(frozen=True, slots=True)
class _Point:
    """One reading of one container; times on our monotonic clock [ns], but ``engine_ns``."""

    asked_ns: int
    answered_ns: int
    engine_ns: int
    reading: Reading
    memory_bytes: int | None
    cpus: int | None


class _Series:
    """Readings of one container, and of what replaces it, in order of time."""

    def __init__(self, container: Container) -> None:
        self.container = container
        self.points: list[_Point] = []
        self.wake = threading.Event()
        self.gone = False
        self.restarted = False
        self._cpu: Cumulative[int] = Cumulative()
        self._disk: Cumulative[int] = Cumulative()
        self._received: Cumulative[int] = Cumulative()
        self._sent: Cumulative[int] = Cumulative()

    def add(self, asked_ns: int, answered_ns: int, stats: Stats) -> None:
        """One more reading; counters that fell have begun again from zero."""
        if self.points and stats.engine_ns <= self.points[-1].engine_ns:
            return  # engines may answer twice from one reading
        reading = Reading(
            cpu_ns=self._cpu.feed(stats.cpu_ns),
            disk_bytes=self._disk.feed(stats.disk_bytes),
            memory_byte_seconds=self._byte_seconds(stats),
            memory_peak_bytes=None,
            alive=stats.alive,
            network_received_bytes=self._received.feed(stats.network_received_bytes),
            network_sent_bytes=self._sent.feed(stats.network_sent_bytes),
        )
        self.restarted |= self._cpu.resets > 0
        self.gone = False
        self.points.append(_Point(asked_ns, answered_ns, stats.engine_ns, reading, stats.memory_bytes, stats.cpus))

    def replaced_by(self, container: Container) -> None:
        """``container`` took its place: what it counts comes on top."""
        if container.container_id != self.container.container_id:
            for counter in (self._cpu, self._disk, self._received, self._sent):
                counter.restart()
        self.container = container
        self.restarted = True

    def _byte_seconds(self, stats: Stats) -> float | None:
        if not self.points:
            return None if stats.memory_bytes is None else 0.0
        last = self.points[-1]
        before = last.reading.memory_byte_seconds
        if before is None or last.memory_bytes is None or stats.memory_bytes is None:
            return None
        return before + (last.memory_bytes + stats.memory_bytes) / 2 * (stats.engine_ns - last.engine_ns) / 1e9


@dataclass(slots=True)
class _Answers:
    """The readings of one series at the edges, and how far the interpolation may be off."""

    readings: list[Reading] = field(default_factory=list)
    cpu_error_ns: int = 0
    unknown: bool = False


class RemoteContainers:
    """Counters of containers read through their engine, summed. Late.

    Args:
        choice: what the part means, to find what replaces a container that vanishes.
        found: what it means now.
    """

    elsewhere = True

    def __init__(self, choice: Choice, found: Found) -> None:
        self._choice = choice
        self._found = found
        self._series = [_Series(container) for container in found.containers]
        self._closed = threading.Event()
        self._threads: list[threading.Thread] = []
        self._engine: Engine | None = None
        self._notes: dict[str, str] = {}

    def container_ids(self) -> frozenset[str]:
        """The containers that are watched now."""
        return frozenset(series.container.container_id for series in self._series)

    def start(self) -> None:
        """Takes a first reading of every container; then each is followed by a thread.

        Raises:
            NothingMeasured: the engine does not answer, or a container has just ended.
        """
        self._engine = Engine(self._found.address)
        for series in self._series:
            if not self._fetch(self._engine, series):
                raise NothingMeasured(
                    f"The container {series.container.name} has ended.",
                    repair="Start it, then measure again.",
                    culprit=series.container.name,
                )
        for series in self._series:
            thread = threading.Thread(
                target=self._follow, args=(self._engine, series), name="lichen-engine", daemon=True
            )
            thread.start()
            self._threads.append(thread)

    def read(self) -> Reading | None:
        """None: the counters are known later. A reading is asked for now."""
        for series in self._series:
            series.wake.set()
        return None

    def _follow(self, engine: Engine, series: _Series) -> None:
        while not self._closed.is_set():
            series.wake.wait(_LOOK_S)
            series.wake.clear()
            with contextlib.suppress(LichenError):  # an engine that is away may come back
                if not self._closed.is_set() and not self._fetch(engine, series):
                    self._search(series)

    def _fetch(self, engine: Engine, series: _Series) -> bool:
        """Takes one reading; False when the container does not run.

        Raises:
            NothingMeasured: the engine does not answer.
        """
        asked_ns = time.monotonic_ns()
        answer = engine.stats(series.container.container_id)
        answered_ns = time.monotonic_ns()
        stats = None if answer is None else read_stats(answer)
        if stats is None:
            series.gone = True
            return False
        series.add(asked_ns, answered_ns, stats)
        return True

    def _search(self, series: _Series) -> None:
        """Looks for what replaced a container; each looks for itself, by its name, so that two never follow one."""
        for container in find(self._choice, [self._found.address]).containers:
            if container.name == series.container.name:
                series.replaced_by(container)

    def readings_at(self, instants: Sequence[Instant]) -> list[Reading]:
        """The counters at past instants, between the readings before and after each."""
        if not instants:
            return []
        self._await(instants[-1].monotonic_ns)
        answers = [self._at(series, instants) for series in self._series]
        self._remark(answers)
        return [together(readings) for readings in zip(*(answer.readings for answer in answers), strict=True)]

    def _await(self, last_ns: int) -> None:
        """Until each container has been read later than the last edge, or is gone, or its engine has had its time."""
        deadline = time.monotonic() + _LAST_ANSWER_S
        for series in self._series:
            series.wake.set()
        for series in self._series:
            while not (series.points[-1].asked_ns > last_ns or series.gone) and time.monotonic() < deadline:
                time.sleep(0.01)

    def _at(self, series: _Series, instants: Sequence[Instant]) -> _Answers:
        points = list(series.points)
        times = on_our_clock([(p.asked_ns, p.answered_ns, p.engine_ns) for p in points])
        answers = _Answers()
        previous_ns = times[0]
        for instant in instants:
            at_ns = instant.monotonic_ns
            after = bisect_left(times, at_ns)
            if after == len(points) and not series.gone:
                answers.readings.append(UNKNOWN)
                answers.unknown = True
                continue
            before, after = max(0, after - 1), min(after, len(points) - 1)
            seen = [p.memory_bytes for p, t in zip(points, times, strict=True) if previous_ns <= t <= at_ns]
            known = [value for value in (*seen, points[before].memory_bytes) if value is not None]
            reading = _between(
                points[before].reading, points[after].reading, _share(times[before], times[after], at_ns)
            )
            low, high = _possible(points[before], points[after], at_ns - times[before], times[after] - at_ns)
            cpu_ns = None if reading.cpu_ns is None else min(max(reading.cpu_ns, low), high)
            if cpu_ns is not None:
                answers.cpu_error_ns = max(answers.cpu_error_ns, cpu_ns - low, high - cpu_ns)
            ended = series.gone and at_ns > times[-1]
            answers.readings.append(
                replace(
                    reading,
                    cpu_ns=cpu_ns,
                    memory_peak_bytes=max(known, default=None),
                    alive=0 if ended else reading.alive,
                )
            )
            previous_ns = at_ns
        return answers

    def _remark(self, answers: Sequence[_Answers]) -> None:
        names = ", ".join(series.container.name for series in self._series)
        notes = []
        error_ms = sum(answer.cpu_error_ns for answer in answers) / 1e6
        notes.append(
            f"Containers read through their engine, an edge being interpolated between two readings: {names}; CPU at an edge "
            f"is off by {error_ms:.0f} ms at most."
        )
        for series, answer in zip(self._series, answers, strict=True):
            if answer.unknown:
                notes.append(
                    f"The engine did not answer in time for container {series.container.name}: its figures are unknown."
                )
            elif series.gone:
                notes.append(f"The container {series.container.name} vanished; its figures end with its last reading.")
            if series.restarted:
                notes.append(
                    f"The container {series.container.name} restarted; what it used between its last reading and its end is "
                    "missing."
                )
        self._notes = dict.fromkeys(notes, "")

    def method(self) -> DataMethod:
        """``proxy``: the peak of memory is the highest that was seen."""
        return "proxy"

    def notes(self) -> tuple[str, ...]:
        """What a reader should know, one sentence each."""
        return tuple(self._notes)

    def close(self) -> None:
        """Ends the threads and the connection."""
        self._closed.set()
        for series in self._series:
            series.wake.set()
        for thread in self._threads:
            thread.join()
        if self._engine is not None:
            self._engine.close()


def on_our_clock(readings: Sequence[tuple[int, int, int]]) -> list[int]:
    """When the engine took each reading, on our monotonic clock [ns].

    It did so after it was asked and before it answered. Each exchange so bounds the distance between both clocks; where the
    bounds of all agree, their middle serves all. Where they do not, a clock was set meanwhile, and each is in the middle
    of its exchange.

    Args:
        readings: (asked, answered, engine's own time) of each [ns].
    """
    low = max((engine - answered for _, answered, engine in readings), default=0)
    high = min((engine - asked for asked, _, engine in readings), default=0)
    if low > high:
        return [(asked + answered) // 2 for asked, answered, _ in readings]
    return [engine - (low + high) // 2 for _, _, engine in readings]


def _share(before_ns: int, after_ns: int, at_ns: int) -> float:
    """How far between two moments a third one is, from 0 to 1."""
    return min(1.0, max(0.0, (at_ns - before_ns) / (after_ns - before_ns))) if after_ns > before_ns else 0.0


def _possible(before: _Point, after: _Point, since_ns: int, until_ns: int) -> tuple[int, int]:
    """Least and most CPU time [ns] between two readings: it only grows, and by no more than all processors give."""
    low, high = before.reading.cpu_ns or 0, after.reading.cpu_ns or 0
    if after.cpus is None:
        return low, high
    return max(low, high - after.cpus * max(0, until_ns)), min(high, low + after.cpus * max(0, since_ns))


def _between(a: Reading, b: Reading, share: float) -> Reading:
    """The counters at ``share`` of the way from one reading to the next; the peak is not known here."""
    return Reading(
        cpu_ns=_part(a.cpu_ns, b.cpu_ns, share),
        disk_bytes=_part(a.disk_bytes, b.disk_bytes, share),
        memory_byte_seconds=None
        if a.memory_byte_seconds is None or b.memory_byte_seconds is None
        else a.memory_byte_seconds + share * (b.memory_byte_seconds - a.memory_byte_seconds),
        memory_peak_bytes=None,
        alive=a.alive,
        network_received_bytes=_part(a.network_received_bytes, b.network_received_bytes, share),
        network_sent_bytes=_part(a.network_sent_bytes, b.network_sent_bytes, share),
    )


def _part(a: int | None, b: int | None, share: float) -> int | None:
    return None if a is None or b is None else a + round(share * (b - a))
