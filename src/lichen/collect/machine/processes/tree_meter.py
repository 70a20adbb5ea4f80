# SPDX-License-Identifier: Apache-2.0
"""The meter: reads several process trees at the edges of a window, and watches in between so that no exit is lost."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Final, Self

from lichen.collect.counters import Edge, Reading
from lichen.collect.machine.processes.clock import wall_ns
from lichen.collect.machine.processes.forest import Forest
from lichen.collect.machine.processes.memory import MemorySeries
from lichen.errors import ConfigError, LichenError
from lichen.records import DataMethod

_AT_RISK_S: Final = 0.01
"""CPU time that one process may use between two looks: what it can lose when it is killed right before the next one."""
_LOOK_MIN_S: Final = 0.01
_LOOK_MAX_S: Final = 0.15
_COST_MAX: Final = 0.02
"""Share of a core that looks may take: trees of more than some hundred processes are looked at less often for it."""
_NOTHING_NS: Final = 1_000_000
_LOOK_GROWTH: Final = 1.5
"""Waits lengthen by degrees, so that a tree that pauses is still watched closely."""
_SLOW_LOOK_MIN_S: Final = 0.1
_SLOW_LOOK_MAX_S: Final = 0.4
_FAST_PER_SLOW: Final = 5
"""Looks between two looks at memory, as a wake-up costs more than what is read."""


class TreeMeter:
    """Counts CPU, storage traffic and memory of named process trees. `MachineMeter` reads other parts beside them.

    A tree is a process with all its descendants; one that is named inside another belongs to the deeper name only. Use it
    as a context manager: a background thread then looks at the trees whenever one process may have used 10 ms of CPU (every
    10 ms while a process keeps a CPU busy, every 150 ms while all rest) and at once when a process exits. No right is
    needed over the processes, except for storage traffic and PSS.
    """

    def __init__(self) -> None:
        self._wake = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        self._forest = Forest(self._wake)
        self._memory: dict[str, MemorySeries] = {}
        self._io_denied: dict[str, str] = {}
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._closed = False
        self._unchanged_ns = 0
        self._failure: Exception | None = None

    def add(self, name: str, pid: int, *, another: bool = False) -> None:
        """Watches the tree that descends from ``pid`` as ``name`` from now on.

        Descendants named on their own, before or later, are counted there only.

        Args:
            name: of the tree.
            pid: its root.
            another: the name may have a root already; it then holds both trees.

        Raises:
            ConfigError: the name is taken.
            NothingMeasured: no such process.
        """
        with self._lock:
            if name in self._forest.trees and not another:
                raise ConfigError(f"Two process trees are called '{name}'.", repair="Name them apart.", culprit=name)
            self._forest.add(name, pid)
            series = self._memory.setdefault(name, MemorySeries())
            series.look(time.monotonic_ns(), self._forest.of(self._forest.trees[name]))

    def edge(self) -> Edge:
        """Reads every tree now: CPU clocks in one go, then the machine, the exited, storage and memory.

        Raises:
            LichenError: the watch in between has failed, so that exits may have been missed.
        """
        with self._lock:
            if self._failure is not None:
                raise LichenError(f"The process meter stopped watching: {self._failure}.") from self._failure
            forest = self._forest
            forest.look()
            before_ns, after_ns = forest.read_clocks()
            machine = forest.machine.times()
            forest.read_children()
            at_ns = (before_ns + after_ns) // 2
            readings = self._readings(at_ns)
        return Edge(
            at_ns=at_ns,
            wall_ns=wall_ns(at_ns),
            spread_ns=after_ns - before_ns,
            readings=readings,
            machine_busy_ns=machine.busy_ns,
            machine_steal_ns=machine.steal_ns,
        )

    def _readings(self, at_ns: int) -> dict[str, Reading]:
        forest = self._forest
        cpu_ns = forest.cpu_ns()
        readings: dict[str, Reading] = {}
        for name, tree in forest.trees.items():
            members = list(forest.of(tree))
            denied = [member for member in members if not member.read_io()]
            if denied:
                self._io_denied[name] = denied[0].comm
            series = self._memory[name]
            series.look(at_ns, members, edge=True, unchanged_ns=self._unchanged_ns)
            readings[name] = Reading(
                cpu_ns=cpu_ns[name],
                disk_bytes=None if denied else tree.closed_io_bytes + sum(member.used_io() for member in members),
                memory_byte_seconds=series.byte_seconds(at_ns),
                memory_peak_bytes=series.peak_bytes(at_ns),
                alive=len(members),
            )
        return readings

    def calibrate_memory(self) -> None:
        """Reads the exact memory (PSS) of every process; slow, so before the first and after the last edge only."""
        with self._lock:
            self._forest.look()
            self._forest.read_clocks()
            for name, tree in self._forest.trees.items():
                self._memory[name].calibrate(time.monotonic_ns(), list(self._forest.of(tree)))

    def settled(self, edges: Sequence[Edge]) -> tuple[Edge, ...]:
        """The same edges with their memory by the calibration nearest in time, the one after the window included."""
        with self._lock:
            return tuple(
                replace(
                    edge,
                    readings={
                        name: replace(
                            reading,
                            memory_byte_seconds=self._memory[name].byte_seconds(edge.at_ns),
                            memory_peak_bytes=self._memory[name].peak_bytes(edge.at_ns),
                        )
                        for name, reading in edge.readings.items()
                    },
                )
                for edge in edges
            )

    def memory_method(self, name: str) -> DataMethod:
        """How the memory of ``name`` is known: ``measured`` (PSS read) or ``proxy`` (a lower bound)."""
        return self._memory[name].method

    def notes(self) -> tuple[str, ...]:
        """What this user could not read, one sentence each."""
        with self._lock:
            notes = [
                f"Storage traffic of {name} is unknown: this user may not read /proc/<pid>/io of '{comm}'."
                for name, comm in self._io_denied.items()
            ]
            for name, series in self._memory.items():
                if series.unreadable:
                    notes.append(
                        f"Memory of {name} is a lower bound: this user may not read the mappings of "
                        f"{len(series.unreadable)} processes, first {series.unreadable[0]}."
                    )
                elif series.method == "proxy":
                    notes.append(f"Memory of {name} is a lower bound: shared pages were never calibrated.")
        return tuple(notes)

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._run, name="lichen-meter", daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def close(self) -> None:
        """Stops watching and gives every descriptor back; what was read stays readable."""
        if self._closed:
            return
        self._closed = True
        os.eventfd_write(self._wake, 1)
        if self._thread is not None:
            self._thread.join()
        with self._lock:
            self._forest.close()
        with contextlib.suppress(OSError):
            os.close(self._wake)

    def _run(self) -> None:
        try:
            self._watch()
        except Exception as error:  # noqa: BLE001 - whatever it is, the next edge tells it
            self._failure = error

    def _watch(self) -> None:
        """Looks until closed; the busier the trees, the sooner the next look."""
        wait_s = _LOOK_MIN_S
        before_ns = slow_ns = time.monotonic_ns()
        used_ns = slow_used_ns = 0
        rested = True
        while True:
            exits = self._forest.wait(wait_s)
            with self._lock:
                if self._closed:
                    return
                begin_ns = time.thread_time_ns()
                self._forest.look(exits=exits)
                now_ns, _ = self._forest.read_clocks()
                total_ns, busiest_ns = self._forest.activity()
                cost_s = (time.thread_time_ns() - begin_ns) / 1e9
                # Trees that used no CPU have the memory they had: it is read when they wake, as they work, when they stop.
                woke, rested = rested, total_ns - slow_used_ns < _NOTHING_NS
                stopped = total_ns - used_ns < _NOTHING_NS
                due_s = max(_SLOW_LOOK_MIN_S, min(_SLOW_LOOK_MAX_S, _FAST_PER_SLOW * wait_s))
                if rested:
                    self._unchanged_ns = now_ns
                elif woke or stopped or now_ns - slow_ns >= due_s * 1e9:
                    slow_ns, slow_used_ns = now_ns, total_ns
                    self._look_slowly(now_ns)
            cpus = busiest_ns / max(1, now_ns - before_ns)
            before_ns, used_ns = now_ns, total_ns
            wait_s = max(_LOOK_MIN_S, min(_LOOK_MAX_S, wait_s * _LOOK_GROWTH, _AT_RISK_S / max(cpus, 1e-9)))
            wait_s = max(wait_s, cost_s / _COST_MAX)

    def _look_slowly(self, now_ns: int) -> None:
        self._forest.read_children(roots_only=True)
        for name, tree in self._forest.trees.items():
            self._memory[name].look(now_ns, self._forest.of(tree), unchanged_ns=self._unchanged_ns)
