# SPDX-License-Identifier: Apache-2.0
"""Cumulative counters, and who reads them: what a part has consumed so far, the edge at which all parts are read, the meter.

A *part* is whatever has counters of its own: a process tree, a control group, a container, pods, a set of queries. Counters only
ever grow; what lies between two edges is their difference (`Reading.since`). A counter that is not known is None, never zero.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Literal, Protocol, Self, TypeVar

from lichen.errors import NothingMeasured
from lichen.records import DataMethod

_N = TypeVar("_N", int, float)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """Cumulative counters of one part at an edge, or what it consumed between two. None: this machine does not let us know.

    Attributes:
        cpu_ns: CPU time of all processes of the part, exited ones included, since it is watched.
        disk_bytes: bytes read from and written to storage since it is watched.
        memory_byte_seconds: memory in use integrated since it is watched.
        memory_peak_bytes: highest memory in use since the previous edge.
        alive: number of live processes; 0 once the part has ended.
        network_received_bytes, network_sent_bytes: what crossed the part's border, with the headers that the kernel counts. For a
            part with a network namespace of its own: all interfaces but its loopback. For one in the machine's: all its packets,
            also those to other parts of the machine, which pass the loopback.
        network_loopback_bytes: those of them, both ways, that passed the loopback.
        cpu_stalled_ns, memory_stalled_ns, io_stalled_ns: time in which at least one task of the part waited for the resource
            (pressure stall information, ``some``).
        energy_j: electrical energy, of what has a meter.
    """

    cpu_ns: int | None
    disk_bytes: int | None
    memory_byte_seconds: float | None
    memory_peak_bytes: int | None
    alive: int
    network_received_bytes: int | None = None
    network_sent_bytes: int | None = None
    network_loopback_bytes: int | None = None
    cpu_stalled_ns: int | None = None
    memory_stalled_ns: int | None = None
    io_stalled_ns: int | None = None
    energy_j: float | None = None

    def since(self, start: Reading, *, peak_bytes: int | None) -> Reading:
        """What was consumed from ``start`` to this reading.

        Args:
            start: earlier reading of the same part.
            peak_bytes: highest memory of the span; peaks have no difference, so the caller finds it among its edges.
        """
        return Reading(
            cpu_ns=minus(self.cpu_ns, start.cpu_ns),
            disk_bytes=minus(self.disk_bytes, start.disk_bytes),
            memory_byte_seconds=_rounded_off(minus(self.memory_byte_seconds, start.memory_byte_seconds)),
            memory_peak_bytes=peak_bytes,
            alive=self.alive,
            network_received_bytes=minus(self.network_received_bytes, start.network_received_bytes),
            network_sent_bytes=minus(self.network_sent_bytes, start.network_sent_bytes),
            network_loopback_bytes=minus(self.network_loopback_bytes, start.network_loopback_bytes),
            cpu_stalled_ns=minus(self.cpu_stalled_ns, start.cpu_stalled_ns),
            memory_stalled_ns=minus(self.memory_stalled_ns, start.memory_stalled_ns),
            io_stalled_ns=minus(self.io_stalled_ns, start.io_stalled_ns),
            energy_j=minus(self.energy_j, start.energy_j),
        )

    def less(self, others: Iterable[Reading]) -> Reading:
        """What remains of a span when the spans inside it are taken away; its own peak is kept."""
        rest = self
        for other in others:
            rest = rest.since(other, peak_bytes=self.memory_peak_bytes)
        return rest

    @property
    def network_bytes(self) -> int | None:
        """Received and sent."""
        if self.network_received_bytes is None or self.network_sent_bytes is None:
            return None
        return self.network_received_bytes + self.network_sent_bytes


UNKNOWN = Reading(cpu_ns=None, disk_bytes=None, memory_byte_seconds=None, memory_peak_bytes=None, alive=0)
"""Nothing is known of the part."""


def minus(a: _N | None, b: _N | None) -> _N | None:
    """``a - b``, unknown when one of them is."""
    return None if a is None or b is None else a - b


def _rounded_off(byte_seconds: float | None) -> float | None:
    """A difference of sums may fall below zero by a rounding error, less than a byte-second; more is kept, and seen."""
    return 0.0 if byte_seconds is not None and -1.0 < byte_seconds < 0.0 else byte_seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Instant:
    """A moment on both clocks.

    Attributes:
        monotonic_ns: orders and measures.
        wall_ns: since 1970, UTC: finds it in the series of other machines.
    """

    monotonic_ns: int
    wall_ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    """All parts at one instant.

    Attributes:
        at_ns: monotonic clock in the middle of the CPU readings; wall_ns: the same instant since 1970.
        spread_ns: time from the first to the last CPU reading: the edge's error.
        readings: by name of the part.
        elsewhere: parts that run on another machine, so that this machine's CPU time does not hold theirs.
        machine_busy_ns, machine_steal_ns: busy and stolen CPU time of the whole machine since boot.
    """

    at_ns: int
    spread_ns: int
    readings: Mapping[str, Reading]
    wall_ns: int = 0
    elsewhere: frozenset[str] = frozenset()
    machine_busy_ns: int | None = None
    machine_steal_ns: int | None = None

    @property
    def instant(self) -> Instant:
        """When it was taken, on both clocks."""
        return Instant(monotonic_ns=self.at_ns, wall_ns=self.wall_ns)

    def cpu_ns(self, name: str) -> int:
        """CPU time of a part whose clock is always known, as a process tree's is.

        Raises:
            NothingMeasured: it is not known.
        """
        cpu_ns = self.readings[name].cpu_ns
        if cpu_ns is None:
            raise NothingMeasured(f"The CPU time of '{name}' is not known.", culprit=name)
        return cpu_ns


class Counter(Protocol):
    """Counters of one part that is not a process tree: a control group, a container, pods, a query.

    Prompt counters answer `read` within milliseconds. Late ones (an API that takes a second, a scrape every 15 s) answer None and
    are asked once after the window, for all its edges: they look up or interpolate, and say so in their notes.
    """

    @property
    def elsewhere(self) -> bool:
        """Whether the part runs on another machine."""
        ...

    def start(self) -> None:
        """Called once before the first edge: opens what it needs, begins to look when it must look in between.

        Raises:
            NothingMeasured: the part is not there or may not be read, with the repair.
        """
        ...

    def read(self) -> Reading | None:
        """The counters now; None when they are known only after the window. Never raises: what vanished keeps its last values.

        Its peak is that since the previous call; the meter, which calls between edges too, keeps the highest.
        """
        ...

    def readings_at(self, instants: Sequence[Instant]) -> Sequence[Reading]:
        """The counters at past instants, in order of time; only asked of a late counter. It may wait for its source, and never
        raises: what is not known is None."""
        ...

    def method(self) -> DataMethod:
        """How its figures are known: ``measured``; ``proxy`` for a lower bound, as when the part vanished between two looks."""
        ...

    def notes(self) -> tuple[str, ...]:
        """What a reader should know, one sentence each."""
        ...

    def close(self) -> None:
        """Gives back what `start` took."""
        ...


NetworkGap = Literal["parts", "others", "right"]
"""Why bytes of a process tree are unknown: it shares its control group with parts that are counted apart, such as the browsers
that a test suite starts; or with others; or this user has no right to count packets."""


class Meter(Protocol):
    """Reads parts at edges. Handed to whatever drives the window."""

    def add(self, name: str, part: int | Counter, *, another: bool = False) -> None:
        """Watches a part as ``name`` from now on: the process tree that descends from a pid, or a counter, which it starts.

        With ``another``, a name that has a process tree already holds this one as well.
        """
        ...

    def edge(self) -> Edge:
        """Reads every part now."""
        ...

    def calibrate_memory(self) -> None:
        """Reads the exact memory of every process; slow, so before the first and after the last edge only."""
        ...

    def settled(self, edges: Sequence[Edge]) -> tuple[Edge, ...]:
        """The same edges with what is known only after the window: memory by the calibration nearest in time, late counters."""
        ...

    def memory_method(self, name: str) -> DataMethod:
        """How the memory of ``name`` is known: ``measured``, or ``proxy`` for a lower bound."""
        ...

    def network_gaps(self) -> Mapping[str, NetworkGap]:
        """Why network bytes of process trees are unknown, by name."""
        ...

    def notes(self) -> tuple[str, ...]:
        """What this user could not read, one sentence each."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...
