# SPDX-License-Identifier: Apache-2.0
"""Collectors of whatever has counters of its own: the counter is read at both edges of the window. One class a source."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from lichen.collect.base import Availability, Window
from lichen.collect.counters import Counter
from lichen.collect.machine.cgroups import counter as cgroup_counter
from lichen.collect.machine.cgroups.counter import CgroupCounter
from lichen.collect.machine.machine_meter import MachineMeter
from lichen.collect.machine.rows import part_rows
from lichen.errors import ConfigError
from lichen.records import Activity

_PART = "target"


class CounterCollector:
    """Base of such collectors: says in its terms how a target is opened; reading and rows are here."""

    name: ClassVar[str]
    emits: ClassVar[tuple[str, ...]] = (
        "cpu_time",
        "memory_peak",
        "memory_byte_seconds",
        "disk_bytes",
        "network_bytes",
        "window_time",
    )

    def probe(self) -> Availability:
        """Whether it can measure here; never raises."""
        raise NotImplementedError

    def open(self, target: Mapping[str, Any]) -> Counter:
        """The counter of a target, not yet started.

        Raises:
            ConfigError: the target is none of this collector's.
        """
        raise NotImplementedError

    def collect(self, window: Window) -> Iterator[Activity]:
        """Activities of the window.

        Raises:
            ConfigError: the window has no duration, or the target is none of this collector's.
            NothingMeasured: the part is not there or may not be read.
        """
        if window.duration_s is None:
            raise ConfigError(
                f"The window of '{window.entity}' has no end.", repair="Give it a duration_s.", culprit=window.entity
            )
        counter = self.open(window.target)
        with MachineMeter() as meter:
            meter.add(_PART, counter)
            edges = [meter.edge()]
            time.sleep(window.duration_s)
            edges.append(meter.edge())
            first, last = meter.settled(edges)
        span = last.readings[_PART].since(first.readings[_PART], peak_bytes=last.readings[_PART].memory_peak_bytes)
        window_s = (last.at_ns - first.at_ns) / 1e9
        attributes = {"duration_s": window_s} | ({} if counter.elsewhere else {"cpu_count": float(os.cpu_count() or 1)})
        for row in part_rows(window.entity, span, window_s, method=counter.method(), attributes=attributes):
            if row.quantity in self.emits:
                yield row


class CgroupCollector(CounterCollector):
    """What a control group consumes. Target: ``{"cgroup": PATH}``, ``{"pid": N}`` or ``{"container": ID}``."""

    name: ClassVar[str] = "cgroup"

    def probe(self) -> Availability:
        """Whether control groups can be read here."""
        return cgroup_counter.probe()

    def open(self, target: Mapping[str, Any]) -> Counter:
        """The counter of a group by its path, a process in it, or its container's id."""
        match dict(target):
            case {"cgroup": str(path), **rest} if not rest:
                return CgroupCounter.of_path(path)
            case {"pid": int(pid), **rest} if not rest:
                return CgroupCounter.of_pid(pid)
            case {"container": str(container_id), **rest} if not rest:
                return CgroupCounter.of_container(container_id)
        raise ConfigError(
            f"The cgroup collector cannot measure {dict(target)!r}.",
            repair='Give it {"cgroup": "path"}, {"pid": N} or {"container": "id"}.',
        )
