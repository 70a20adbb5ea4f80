# SPDX-License-Identifier: Apache-2.0
"""Storage traffic of one control group.

Version 2 counts what reaches each disk, once the controller ``io`` is on. Version 1 has such counters too, but they run only
while some disk is throttled, and stand at zero otherwise; they are believed when they are not zero. Without either, the traffic
of the group's processes is added up, as `TreeMeter` does for a tree.
Sources: kernel ``Documentation/admin-guide/cgroup-v2.rst``, ``cgroup-v1/blkio-controller.rst``, ``block/blk-throttle.c``;
proc_pid_io(5).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from lichen.collect.machine.cgroups.files import GroupFile
from lichen.collect.machine.cgroups.group import STORAGE, UNIFIED, Group
from lichen.collect.machine.processes.clock import cpu_ns
from lichen.collect.machine.processes.proc import TICK_NS, ProcFile, parse_io, read_stat

_DEVICES: Final = Path("/sys/dev/block")


class Storage(Protocol):
    """Cumulative storage traffic of a group."""

    denied: str
    """Name of a process whose traffic this user may not read; empty when there is none."""

    def read(self, pids: Collection[int]) -> int | None:
        """Bytes read and written; None when unknown. GroupGone when the group was removed.

        Args:
            pids: the group's live processes.
        """
        ...

    def close(self) -> None:
        """Gives every descriptor back."""
        ...


def open_storage(group: Group) -> Storage:
    """The best account of storage traffic that a group has here."""
    unified, old = group.folders.get(UNIFIED), group.folders.get(STORAGE)
    if unified is not None:
        counted = _Disks(GroupFile(unified / "io.stat"), _parse_unified)
        if counted.present:
            return counted
        counted.close()
    if old is not None:
        for name in ("blkio.throttle.io_service_bytes_recursive", "blkio.throttle.io_service_bytes"):
            counted = _Disks(GroupFile(old / name), _parse_old)
            if counted.read(()):
                return counted
            counted.close()
    return _Processes()


def _is_disk(device: str) -> bool:
    """Whether traffic ends at a device: volumes and loops pass theirs on to disks, which count it again."""
    folder = _DEVICES / device
    try:
        return not any((folder / "slaves").iterdir()) and not (folder / "loop").exists()
    except OSError:
        return True


def _parse_unified(content: bytes) -> Iterable[tuple[str, int]]:
    for line in content.splitlines():
        device, *fields = line.split()
        moved = (int(f.partition(b"=")[2]) for f in fields if f.startswith((b"rbytes=", b"wbytes=")))
        yield device.decode(), sum(moved)


def _parse_old(content: bytes) -> Iterable[tuple[str, int]]:
    for line in content.splitlines():
        fields = line.split()
        if len(fields) == 3 and fields[1] in (b"Read", b"Write"):
            yield fields[0].decode(), int(fields[2])


class _Disks:
    """Counters by device."""

    denied = ""

    def __init__(self, file: GroupFile, parse: Callable[[bytes], Iterable[tuple[str, int]]]) -> None:
        self._file = file
        self._parse = parse
        self._disks: dict[str, bool] = {}

    @property
    def present(self) -> bool:
        """Whether the kernel keeps the file."""
        return self._file.read() is not None

    def read(self, pids: Collection[int]) -> int | None:  # noqa: ARG002 - counted without looking at processes
        content = self._file.read()
        if content is None:
            return None
        total = 0
        for device, moved in self._parse(content):
            if device not in self._disks:
                self._disks[device] = _is_disk(device)
            if self._disks[device]:
                total += moved
        return total

    def close(self) -> None:
        self._file.close()


@dataclass(slots=True)
class _Process:
    file: ProcFile
    comm: str
    ppid: int
    clock_ns: int | None
    from_bytes: int
    last_bytes: int


class _Processes:
    """The sum over the group's processes; each also holds what the children it waited for had moved.

    A process that is gone was either waited for by another of the group, whose counter now holds all it ever moved, or by a
    stranger: its own last value is kept.
    """

    denied = ""

    def __init__(self) -> None:
        self._known: dict[int, _Process] = {}
        self._closed = self._highest = 0
        self._looked_s: float | None = None

    def read(self, pids: Collection[int]) -> int | None:
        now_s = time.clock_gettime(time.CLOCK_BOOTTIME)
        listed = set(pids)
        for pid in listed - self._known.keys():
            self._admit(pid)
        for pid, process in list(self._known.items()):
            clock_ns = cpu_ns(pid)
            if clock_ns is not None and clock_ns == process.clock_ns and pid in listed:
                continue  # it did not run, so that it moved nothing
            process.clock_ns = clock_ns
            content = process.file.read() if pid in listed else None
            if process.file.denied:
                self.denied = process.comm
                return None
            if content is None:
                self._bury(pid)
            else:
                process.last_bytes = parse_io(content)
        self._looked_s = now_s
        moved = sum(process.last_bytes - process.from_bytes for process in self._known.values())
        # A child that exited a moment ago is in no counter until its parent has waited for it.
        self._highest = max(self._highest, self._closed + moved)
        return self._highest

    def _admit(self, pid: int) -> None:
        """Opens the books of a process: from its birth when that was after the previous look, else from now."""
        stat, file = read_stat(pid), ProcFile(pid, "io")
        content = file.read()
        if stat is None or (content is None and not file.denied):
            return
        newborn = self._looked_s is not None and stat.start_ticks * TICK_NS / 1e9 >= self._looked_s
        moved = parse_io(content) if content else 0
        self._known[pid] = _Process(file, stat.comm, stat.ppid, None, 0 if newborn else moved, moved)

    def _bury(self, pid: int) -> None:
        process = self._known.pop(pid)
        process.file.close()
        if process.ppid in self._known:
            self._closed -= process.from_bytes
        else:
            self._closed += process.last_bytes - process.from_bytes
        for orphan_pid, orphan in self._known.items():
            if orphan.ppid == pid and (stat := read_stat(orphan_pid)) is not None:
                orphan.ppid = stat.ppid

    def close(self) -> None:
        for process in self._known.values():
            process.file.close()
        self._known.clear()
