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
