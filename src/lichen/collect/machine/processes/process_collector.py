# SPDX-License-Identifier: Apache-2.0
"""The collector of processes: a running one, or a command from its start to its end."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

from lichen.collect.base import Availability, Window
from lichen.collect.counters import Edge
from lichen.collect.machine.processes.clock import cpu_ns
from lichen.collect.machine.processes.launch import Launched
from lichen.collect.machine.processes.tree_meter import TreeMeter
from lichen.collect.machine.rows import part_rows
from lichen.errors import ConfigError
from lichen.records import Activity, DataMethod

_TREE = "target"


@dataclass(frozen=True, slots=True)
class _Measured:
    first: Edge
    last: Edge
    memory: DataMethod


class ProcessCollector:
    """CPU, memory and storage of a process tree. Target: ``{"pid": N}`` or ``{"command": [...]}``."""

    name: ClassVar[str] = "processes"
    emits: ClassVar[tuple[str, ...]] = ("cpu_time", "memory_peak", "memory_byte_seconds", "disk_bytes", "window_time")

    def probe(self) -> Availability:
        """Whether the CPU clocks of processes can be read here."""
        if sys.platform != "linux":
            return Availability(False, "Processes are measured on Linux only.", "Measure on a Linux machine.")
        if not hasattr(os, "pidfd_open") or cpu_ns(os.getpid()) is None:
            return Availability(False, "The kernel gives no CPU clock of a process.", "Use Linux 5.3 or newer.")
        return Availability(True)

    def collect(self, window: Window) -> Iterator[Activity]:
        """Activities of the window; a command that is still running at its end is stopped.

        Raises:
            ConfigError: the target is neither a pid nor a command, or a pid without a duration.
            NothingMeasured: no such process.
            UsageError: there is no such program, or it cannot be executed.
        """
        pid, command = window.target.get("pid"), window.target.get("command")
        if isinstance(pid, int) and command is None:
            if window.duration_s is None:
                raise ConfigError(
                    f"The window of process {pid} has no end.", repair="Give it a duration_s.", culprit=window.entity
                )
            measured = self._watch(pid, window.duration_s)
        elif pid is None and isinstance(command, Sequence) and not isinstance(command, str) and command:
            measured = self._run([str(word) for word in command], window.duration_s)
        else:
            raise ConfigError(
                f"The process collector cannot measure {dict(window.target)!r}.",
                repair='Give it {"pid": N} or {"command": ["program", "argument"]}.',
                culprit=window.entity,
            )
        window_s = (measured.last.at_ns - measured.first.at_ns) / 1e9
        last = measured.last.readings[_TREE]
        for row in part_rows(
            window.entity,
            last.since(measured.first.readings[_TREE], peak_bytes=last.memory_peak_bytes),
            window_s,
            method="measured",
            memory=measured.memory,
            attributes={"cpu_count": float(os.cpu_count() or 1), "duration_s": window_s},
        ):
            if row.quantity in self.emits:
                yield row

    @staticmethod
    def _watch(pid: int, duration_s: float) -> _Measured:
        with TreeMeter() as meter:
            meter.add(_TREE, pid)
            meter.calibrate_memory()
            first = meter.edge()
            time.sleep(duration_s)
            last = meter.edge()
            meter.calibrate_memory()
            first, last = meter.settled((first, last))
            return _Measured(first, last, meter.memory_method(_TREE))

    @staticmethod
    def _run(command: list[str], duration_s: float | None) -> _Measured:
        with Launched(command, stdin=subprocess.DEVNULL, own_session=True) as launched, TreeMeter() as meter:
            try:
                meter.add(_TREE, launched.pid)
                first = meter.edge()
                waiting_ns = cpu_ns(launched.pid) or 0
                beginning = launched.open()
                if beginning is not None:
                    first = beginning.moved(first, _TREE, waiting_ns=waiting_ns)
                # The gate's memory ends here: a peak is that since the edge before.
                meter.edge()
                # Its end is awaited on the pidfd, for waiting on the process would erase its clock before the last edge.
                ended = select.poll()
                ended.register(launched.pidfd, select.POLLIN)
                ended.poll(None if duration_s is None else duration_s * 1000)
                return _Measured(first, meter.edge(), meter.memory_method(_TREE))
            finally:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(launched.pid, signal.SIGKILL)
                launched.process.wait()
