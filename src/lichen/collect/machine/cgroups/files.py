# SPDX-License-Identifier: Apache-2.0
"""The accounts of one control group, read from files that stay open: a look takes some tens of microseconds.

Memory is the working set, as engines and Kubernetes show it: what is in use less the file pages that were not touched lately,
which the kernel gives up first. Sources: kernel ``Documentation/admin-guide/cgroup-v2.rst``, ``cgroup-v1/memory.rst``,
``cgroup-v1/cpuacct.rst``, ``accounting/psi.rst``.
"""

from __future__ import annotations

import errno
import os
import resource
from pathlib import Path
from typing import Final

from lichen.collect.machine.cgroups.group import CPU_ACCOUNTING, MEMORY, UNIFIED, Group

_BUFFER: Final = 8192
_MICRO_NS: Final = 1000
_KEPT_OPEN_MAX: Final = max(64, min(resource.getrlimit(resource.RLIMIT_NOFILE)[0], 16384) // 4)
"""Files of groups kept open at once; other meters and the owner of this process need some too."""


class GroupGone(Exception):
    """The control group was removed."""


class GroupFile:
    """One file of a group, kept open while there are few: its descriptor then never shows a later group of the same name.

    Args:
        path: the file.
        writable: whether it is also written to, where that is allowed.
        always: kept open however many there are.
    """

    __slots__ = ("_fd", "denied", "missing", "path")

    _kept_open = 0

    def __init__(self, path: Path, *, writable: bool = False, always: bool = False) -> None:
        self.path = str(path)
        self.denied = self.missing = False
        self._fd = -1
        if always or GroupFile._kept_open < _KEPT_OPEN_MAX:
            for mode in (os.O_RDWR, os.O_RDONLY) if writable else (os.O_RDONLY,):
                try:
                    self._fd = os.open(self.path, mode | os.O_CLOEXEC)
                except OSError as error:
                    self.denied = error.errno in (errno.EACCES, errno.EPERM)
                    self.missing = not self.denied
                else:
                    self.denied = self.missing = False
                    GroupFile._kept_open += 1
                    break

    @property
    def open(self) -> bool:
        """Whether it is kept open."""
        return self._fd >= 0

    def read(self) -> bytes | None:
        """Content now; None when there is no such file or it may not be read.

        Raises:
            GroupGone: the group was removed.
        """
        if self._fd < 0:
            return None if self.missing or self.denied else self._read_once()
        try:
            return os.pread(self._fd, _BUFFER, 0)
        except OSError as error:
            if error.errno == errno.ENODEV:
                raise GroupGone from error
            return None

    def _read_once(self) -> bytes | None:
        try:
            fd = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            return None
        try:
            return os.pread(fd, _BUFFER, 0)
        except OSError:
            return None
        finally:
            os.close(fd)

    def write(self, content: bytes) -> bool:
        """Writes to a file that was opened for it; false when the kernel refuses."""
        if self._fd < 0:
            return False
        try:
            os.pwrite(self._fd, content, 0)
        except OSError:
            return False
        return True

    def close(self) -> None:
        """Gives the descriptor back."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1
            GroupFile._kept_open -= 1


def field_of(content: bytes, key: bytes) -> int | None:
    """Number after ``key`` in a file of lines ``key number``; None when the line is missing."""
    mark = key + b" "
    at = 0 if content.startswith(mark) else content.find(b"\n" + mark) + 1
    if at == 0 and not content.startswith(mark):
        return None
    end = content.find(b"\n", at)
    return int(content[at + len(mark) : end if end >= 0 else None])


def stalled_us(content: bytes) -> int | None:
    """Time in which at least one task waited [µs], from a pressure file."""
    line = content.partition(b"\n")[0]
    _, mark, total = line.partition(b"total=")
    return int(total) if mark and line.startswith(b"some") else None


class GroupFiles:
    """CPU time, memory, pressure and processes of one group.

    Raises:
        PermissionError: the CPU time may not be read. OSError: it cannot be.
    """

    def __init__(self, group: Group) -> None:
        self.group = group
        old = group.folders.get(CPU_ACCOUNTING)
        self._cpu = GroupFile(
            old / "cpuacct.usage" if old is not None else group.folders[UNIFIED] / "cpu.stat", always=True
        )
        self._in_ns = old is not None
        if not self._cpu.open:
            number = errno.EACCES if self._cpu.denied else errno.ENOENT
            raise OSError(number, os.strerror(number), self._cpu.path)
        self._home = str(group.home)
        self._procs = GroupFile(group.home / "cgroup.procs")
        memory, self._file_pages = group.folders.get(MEMORY), b"total_inactive_file"
        names = ("memory.usage_in_bytes", "memory.stat")
        if memory is None:
            memory, self._file_pages = group.folders.get(UNIFIED, group.home), b"inactive_file"
            names = ("memory.current", "memory.stat")
        self._memory, self._memory_stat = (GroupFile(memory / name) for name in names)
        unified = group.folders.get(UNIFIED, group.home)
        self._pressure = {what: GroupFile(unified / f"{what}.pressure") for what in ("cpu", "memory", "io")}

    def cpu_ns(self) -> int | None:
        """CPU time of everything that ever ran in the group, and below it.

        Raises:
            GroupGone: the group was removed.
        """
        content = self._cpu.read()
        if content is None:
            return None
        if self._in_ns:
            return int(content)
        usage_us = field_of(content, b"usage_usec")
        return None if usage_us is None else usage_us * _MICRO_NS

    def memory(self) -> tuple[int, int] | None:
        """(working set, file pages left out of it) [B]; None when the group's memory is not counted, or not readable."""
        used, stat = self._memory.read(), self._memory_stat.read()
        if not used or not stat:
            return None
        in_use, idle = int(used), field_of(stat, self._file_pages) or 0
        return max(0, in_use - idle), idle

    def stalled_ns(self, resource: str) -> int | None:
        """Time in which a task waited for ``cpu``, ``memory`` or ``io``; None where the kernel does not count it."""
        content = self._pressure[resource].read()
        stalled = stalled_us(content) if content else None
        return None if stalled is None else stalled * _MICRO_NS

    def pids(self) -> list[int]:
        """Live processes, those of groups below included.

        Raises:
            GroupGone: the group was removed.
        """
        content = self._procs.read()
        try:
            # A folder has two links and one more for each folder in it; few groups have groups below.
            alone = os.stat(self._home).st_nlink <= 2  # noqa: PTH116 - no path object for each look
        except FileNotFoundError as error:
            raise GroupGone from error
        if alone and content is not None and len(content) < _BUFFER:
            return [int(word) for word in content.split()]
        return self.group.pids()

    def close(self) -> None:
        """Gives every descriptor back."""
        for file in (self._cpu, self._procs, self._memory, self._memory_stat, *self._pressure.values()):
            file.close()
