# SPDX-License-Identifier: Apache-2.0
"""The CPU clock of a process: nanoseconds used by all its threads, the exited ones included.

Linux gives every process a clock of its own. Its id is computed from the pid, so that reading it takes one system call of
less than a microsecond, no file, and no right over the process. It stays readable while the process is a zombie.
Source: clock_getcpuclockid(3), kernel ``include/linux/posix-timers_types.h``.
"""

from __future__ import annotations

import time
from typing import Final

_SCHEDULER_CLOCK: Final = 2
"""Which of the three CPU clocks: the scheduler's run time in nanoseconds (0 and 1 count in ticks)."""

_ATTEMPTS: Final = 5
_QUICK_NS: Final = 100_000


def cpu_clock_id(pid: int) -> int:
    """Id of the CPU clock of process ``pid``: the complement of the pid above three bits that choose the clock."""
    return (~pid << 3) | _SCHEDULER_CLOCK


def cpu_ns(pid: int) -> int | None:
    """CPU time of process ``pid`` [ns] since it started, all threads; None when there is no such process.

    Children are not included. A zombie still answers; a reaped process does not.
    """
    try:
        return time.clock_gettime_ns(cpu_clock_id(pid))
    except OSError:
        return None


def wall_ns(at_ns: int) -> int:
    """The time since 1970 [ns] at an instant of the monotonic clock.

    Both clocks are read one after the other. On a busy machine the process may have to wait in between, which would look as if
    one of them had been set: of a few attempts the quickest counts.
    """
    best: tuple[int, int] | None = None
    for _ in range(_ATTEMPTS):
        before = time.monotonic_ns()
        wall = time.time_ns()
        after = time.monotonic_ns()
        found = after - before, wall - (before + after) // 2
        best = found if best is None else min(best, found)
        if best[0] < _QUICK_NS:
            break
    assert best is not None  # noqa: S101 - there was an attempt; tells mypy
    return at_ns + best[1]
