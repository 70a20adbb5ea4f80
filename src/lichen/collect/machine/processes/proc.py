# SPDX-License-Identifier: Apache-2.0
"""The few files of /proc that the meter reads, parsed with as little work as possible."""

from __future__ import annotations

import os
import resource
from pathlib import Path
from typing import Final, NamedTuple

TICK_NS: Final = 1_000_000_000 // os.sysconf("SC_CLK_TCK")
"""Resolution of the times in /proc/<pid>/stat and /proc/stat [ns]; 10 ms on every usual kernel."""
PAGE_BYTES: Final = os.sysconf("SC_PAGE_SIZE")

_BUFFER = 4096
_KEPT_OPEN_MAX: Final = max(64, min(resource.getrlimit(resource.RLIMIT_NOFILE)[0], 4096) // 3)
"""Files of /proc kept open at once: a third of what this process may open, the rest is its owner's."""


class Stat(NamedTuple):
    """What /proc/<pid>/stat says. Source: proc_pid_stat(5).

    Attributes:
        children_ns: CPU of all children waited for, and of theirs; cut to whole ticks, user and system apart.
        childless: no child was ever waited for: children fault pages in, and none were counted.
        start_ticks: time of birth after boot [ticks]; with the pid it identifies a process.
    """

    comm: str
    state: str
    ppid: int
    group: int
    session: int
    children_ns: int
    childless: bool
    start_ticks: int

    @property
    def dead(self) -> bool:
        """Whether the process has exited (zombie, or about to vanish)."""
        return self.state in "ZX"


def parse_stat(content: bytes) -> Stat:
    """Parses the line of /proc/<pid>/stat; the command in it may hold spaces and brackets."""
    head, _, tail = content.rpartition(b")")
    fields = tail.split(None, 20)
    return Stat(
        head.partition(b"(")[2].decode(errors="replace"),
        chr(fields[0][0]),
        int(fields[1]),
        int(fields[2]),
        int(fields[3]),
        (int(fields[13]) + int(fields[14])) * TICK_NS,
        fields[8] == b"0",
        int(fields[19]),
    )


class ProcFile:
    """One file of /proc/<pid>, kept open: a read then costs a microsecond, and never meets a stranger who got the pid.

    Args:
        pid, name: the file /proc/<pid>/<name>.
    """

    __slots__ = ("_fd", "denied", "path")

    _kept_open = 0

    def __init__(self, pid: int, name: str) -> None:
        self.path = f"/proc/{pid}/{name}"
        self.denied = False
        self._fd = -1

    def read(self) -> bytes | None:
        """Content now; None when the process is gone or this user may not read it (then ``denied`` is true)."""
        try:
            if self._fd >= 0:
                return os.pread(self._fd, _BUFFER, 0)
            fd = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
            if ProcFile._kept_open < _KEPT_OPEN_MAX:
                self._fd = fd
                ProcFile._kept_open += 1
                return os.pread(fd, _BUFFER, 0)
            try:
                return os.pread(fd, _BUFFER, 0)
            finally:
                os.close(fd)
        except PermissionError:
            self.denied = True
        except OSError:
            pass
        return None

    def close(self) -> None:
        """Gives the descriptor back."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1
            ProcFile._kept_open -= 1


def read_stat(pid: int) -> Stat | None:
    """/proc/<pid>/stat of a process that is looked at once; None when there is no such process."""
    try:
        fd = os.open(f"/proc/{pid}/stat", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        return parse_stat(os.pread(fd, _BUFFER, 0))
    except OSError:
        return None
    finally:
        os.close(fd)


def parse_io(content: bytes) -> int:
    """Bytes moved to and from storage, from /proc/<pid>/io: the children waited for are included."""
    words = content.split(None, 12)
    return int(words[9]) + int(words[11])


def parse_statm(content: bytes) -> tuple[int, int]:
    """(anonymous, shared) resident bytes from /proc/<pid>/statm; shared are the file and shared-memory pages."""
    fields = content.split(None, 3)
    resident, shared = int(fields[1]), int(fields[2])
    return (resident - shared) * PAGE_BYTES, shared * PAGE_BYTES


def pss_bytes(pid: int) -> int | None:
    """Proportional set size [B] from /proc/<pid>/smaps_rollup, 0.2 to 10 ms of work; None when it may not be read.

    A process that has ended, and that its parent has not waited for yet, has no memory any more: 0.
    """
    try:
        content = Path(f"/proc/{pid}/smaps_rollup").read_bytes()
    except ProcessLookupError:
        return 0
    except OSError:
        return None
    for line in content.splitlines():
        if line.startswith(b"Pss:"):
            return int(line.split()[1]) * 1024
    return None


def all_pids() -> list[int]:
    """Every process of the machine that this user can see."""
    return sorted(int(name) for name in os.listdir("/proc") if name.isdigit())  # noqa: PTH208 - ten times faster


class MachineTimes(NamedTuple):
    """CPU time of the whole machine since boot [ns], in steps of one tick."""

    busy_ns: int
    steal_ns: int


class MachineStat:
    """/proc/stat and /proc/loadavg, kept open.

    Attributes:
        counts_births: whether `last_pid` is the kernel's; some containers lay a made-up /proc/loadavg over the real one.
    """

    def __init__(self) -> None:
        self.counts_births = Path("/proc/loadavg").stat().st_dev == Path("/proc/self").stat().st_dev
        self._stat = os.open("/proc/stat", os.O_RDONLY | os.O_CLOEXEC)
        self._load = os.open("/proc/loadavg", os.O_RDONLY | os.O_CLOEXEC)

    def times(self) -> MachineTimes:
        """Busy (user, nice, system, interrupts) and stolen time of all CPUs.

        Most kernels count these by looking every 1 to 10 ms at what runs, so that short bursts are seen by chance.
        """
        fields = os.pread(self._stat, 512, 0).split(None, 9)
        user, nice, system, _idle, _iowait, irq, softirq, steal = (int(f) for f in fields[1:9])
        return MachineTimes((user + nice + system + irq + softirq) * TICK_NS, steal * TICK_NS)

    def last_pid(self) -> int:
        """The process or thread id given out last: when it has not moved, nobody was born."""
        return int(os.pread(self._load, 128, 0).rpartition(b" ")[2])

    def close(self) -> None:
        """Gives both descriptors back."""
        os.close(self._stat)
        os.close(self._load)
