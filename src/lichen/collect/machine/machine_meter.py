# SPDX-License-Identifier: Apache-2.0
"""The meter of all parts: process trees by their clocks, everything else by its counter, at one edge."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from typing import Final, Self

from lichen.collect.counters import UNKNOWN, Counter, Edge, NetworkGap, Reading
from lichen.collect.machine.cgroups.network_bytes import TreeNetwork
from lichen.collect.machine.cgroups.own import probe as probe_own_group
from lichen.collect.machine.overlap import refuse_overlaps
from lichen.collect.machine.processes.tree_meter import TreeMeter
from lichen.errors import ConfigError
from lichen.records import DataMethod

_LOOK_S: Final = 1.0
"""Prompt counters are looked at this often between edges: for the memory curve, and so that little is lost with what vanishes."""


@cache
def _may_count_packets() -> bool:
    """Whether this user may count the packets of a control group of a part's own."""
    return probe_own_group().ok


class MachineMeter:
    """Reads process trees and counters at the same edges. Implements `lichen.collect.counters.Meter`.

    Trees are read first, then the prompt counters, so the spread of an edge covers both. Late counters are asked in `settled`.
    A tree that has a network namespace or a control group to itself has network bytes as well. Use it as a context manager.
    """

    def __init__(self) -> None:
        self._trees = TreeMeter()
        self._roots: dict[str, list[int]] = {}
        self._checked = False
        self._networks: dict[str, TreeNetwork] = {}
        self._counters: dict[str, Counter] = {}
        self._peaks: dict[str, int] = {}
        self._late: set[str] = set()
        self._lock = threading.Lock()
        self._closed = threading.Event()
        self._thread: threading.Thread | None = None
        self._open = contextlib.ExitStack()

    def add(self, name: str, part: int | Counter, *, another: bool = False) -> None:
        """Watches a part as ``name`` from now on: the process tree that descends from a pid, or a counter, which it starts.

        With ``another``, a name that has a process tree already holds this one as well.

        Raises:
            ConfigError: the name is taken.
            NothingMeasured: the part is not there or may not be read.
        """
        if isinstance(part, int):
            self._trees.add(name, part, another=another)
            self._roots.setdefault(name, []).append(part)
            self._add_network(name, part)
            return
        with self._lock:
            if name in self._counters:
                raise ConfigError(f"Two parts are called '{name}'.", repair="Name them apart.", culprit=name)
            part.start()
            self._open.callback(part.close)
            self._counters[name] = part

    def _add_network(self, name: str, pid: int) -> None:
        """Counts the bytes of a tree; a tree around it has lost its exclusive hold on the bytes that are counted there."""
        around = [network for other, network in self._networks.items() if other != name and network.covers(pid)]
        for network in around:
            network.forget("parts")
        if name not in self._networks:
            self._networks[name] = TreeNetwork()
            self._open.callback(self._networks[name].close)
        own = self._networks[name]
        own.add(pid)
        if around and own.shares:
            own.forget("parts")

    def network_gaps(self) -> dict[str, NetworkGap]:
        """Why network bytes of process trees are unknown, by name."""
        gaps = {name: network.shares for name, network in self._networks.items() if network.shares}
        allowed = not gaps or _may_count_packets()
        return {
            name: "parts" if shares == "parts" else "others" if allowed else "right" for name, shares in gaps.items()
        }

    def edge(self) -> Edge:
        """Reads every part now: trees, then prompt counters.

        Raises:
            ConfigError: at the first edge, two parts hold the same processes.
        """
        if not self._checked:
            refuse_overlaps(self._roots, self._counters)
            self._checked = True
        edge = self._trees.edge()
        edge = replace(edge, readings={name: self._with_network(name, r) for name, r in edge.readings.items()})
        if not self._counters:
            return edge
        readings = dict(edge.readings) | self._read_counters()
        with self._lock:
            peaks, self._peaks = self._peaks, {}
        readings |= {name: replace(readings[name], memory_peak_bytes=peak) for name, peak in peaks.items()}
        return replace(
            edge,
            spread_ns=edge.spread_ns
            + (time.monotonic_ns() - edge.at_ns if len(self._late) < len(self._counters) else 0),
            readings=readings,
            elsewhere=frozenset(name for name, counter in self._counters.items() if counter.elsewhere),
        )

    def _read_counters(self) -> dict[str, Reading]:
        found = {}
        with self._lock:
            for name, counter in self._counters.items():
                reading = counter.read()
                if reading is None:
                    self._late.add(name)
                found[name] = reading or UNKNOWN
                if reading is not None and reading.memory_peak_bytes is not None:
                    self._peaks[name] = max(self._peaks.get(name, 0), reading.memory_peak_bytes)
        return found

    def _with_network(self, name: str, reading: Reading) -> Reading:
        traffic = self._networks[name].read() if name in self._networks else None
        if traffic is None:
            return reading
        return replace(
            reading,
            network_received_bytes=traffic.received,
            network_sent_bytes=traffic.sent,
            network_loopback_bytes=traffic.loopback,
        )

    def calibrate_memory(self) -> None:
        """Reads the exact memory of every process; slow, so before the first and after the last edge only."""
        self._trees.calibrate_memory()

    def settled(self, edges: Sequence[Edge]) -> tuple[Edge, ...]:
        """The same edges with memory by the calibration nearest in time and with the readings of late counters."""
        late = {name: self._counters[name].readings_at([edge.instant for edge in edges]) for name in self._late}
        return tuple(
            replace(
                edge,
                readings=dict(whole.readings)
                | {name: edge.readings[name] for name in self._counters if name in edge.readings}
                | {name: readings[i] for name, readings in late.items()},
            )
            for i, (edge, whole) in enumerate(zip(edges, self._trees.settled(self._of_trees(edges)), strict=True))
        )

    def _of_trees(self, edges: Sequence[Edge]) -> list[Edge]:
        return [
            replace(edge, readings={name: r for name, r in edge.readings.items() if name not in self._counters})
            for edge in edges
        ]

    def memory_method(self, name: str) -> DataMethod:
        """How the memory of ``name`` is known: ``measured``, or ``proxy`` for a lower bound."""
        return self._counters[name].method() if name in self._counters else self._trees.memory_method(name)

    def notes(self) -> tuple[str, ...]:
        """What could not be read, one sentence each."""
        notes = [note for counter in self._counters.values() for note in counter.notes()]
        return (*self._trees.notes(), *dict.fromkeys(notes))

    def __enter__(self) -> Self:
        self._open.enter_context(self._trees)
        self._thread = threading.Thread(target=self._watch, name="lichen-counters", daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closed.set()
        if self._thread is not None:
            self._thread.join()
        self._open.close()

    def _watch(self) -> None:
        while not self._closed.wait(_LOOK_S):
            if self._counters:
                self._read_counters()
