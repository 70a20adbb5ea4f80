# SPDX-License-Identifier: Apache-2.0
"""What it costs to watch many: 200 control groups at 1 Hz, and a tree of 2,000 processes.

Run as root: ``.venv/bin/python benchmarks/watching.py [SECONDS]``. A tenth of the processes work 1 ms each second; the others
rest.

Limits: CPU of the watcher <= 3 % of a core in each case; one look at a local group <= 10 ms.
"""

from __future__ import annotations

import contextlib
import os
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator

from lichen.collect.machine import MachineMeter
from lichen.collect.machine.cgroups.own import OwnCgroup

GROUPS = 200
PROCESSES = 2_000
SHARE = 0.03
LOOK_MS = 10.0
CROWD = """
import os, sys, time
count, workers = int(sys.argv[1]), int(sys.argv[2])
for i in range(count - 1):
    if os.fork() == 0:
        time.sleep(i % 100 / 100)
        while i < workers:
            until = time.process_time() + 0.001
            while time.process_time() < until: pass
            time.sleep(1)
        time.sleep(3600)
print("ready", flush=True)
time.sleep(3600)
"""


@contextlib.contextmanager
def crowd(count: int, workers: int, group: OwnCgroup | None = None) -> Iterator[int]:
    """A tree of processes; its root."""
    enter = "" if group is None else f"import os; open('{group.folder}/cgroup.procs', 'w').write(str(os.getpid()))\n"
    process = subprocess.Popen(
        [sys.executable, "-S", "-c", enter + CROWD, str(count), str(workers)],
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    try:
        assert process.stdout is not None
        process.stdout.readline()
        yield process.pid
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def watch(meter: MachineMeter, seconds: float) -> tuple[float, float]:
    """(CPU of this process as a share of one core, milliseconds an edge takes) while the meter watches."""
    meter.edge()
    begin, used = time.monotonic(), time.process_time()
    time.sleep(seconds)
    share = (time.process_time() - used) / (time.monotonic() - begin)
    took = []
    for _ in range(5):
        at = time.perf_counter()
        meter.edge()
        took.append((time.perf_counter() - at) * 1e3)
    return share, statistics.median(took)


def groups(seconds: float) -> tuple[float, float, float]:
    """Share of a core, milliseconds an edge takes, and milliseconds one look takes, for 200 groups of 10 processes."""
    with contextlib.ExitStack() as stack:
        made = [stack.enter_context(OwnCgroup(f"bench-{i}")) for i in range(GROUPS)]
        for group in made:
            stack.enter_context(crowd(PROCESSES // GROUPS, 1, group))
        meter = stack.enter_context(MachineMeter())
        counters = [group.counter(group.folder.name) for group in made]
        for group, counter in zip(made, counters, strict=True):
            meter.add(group.folder.name, counter)
        share, edge_ms = watch(meter, seconds)
        begin = time.perf_counter()
        for counter in counters:
            counter.read()
        return share, edge_ms, (time.perf_counter() - begin) * 1e3 / GROUPS


def tree(seconds: float) -> tuple[float, float]:
    """Share of a core and milliseconds an edge takes, for one tree of 2,000 processes."""
    with crowd(PROCESSES, PROCESSES // 10) as root, MachineMeter() as meter:
        meter.add("crowd", root)
        assert meter.edge().readings["crowd"].alive == PROCESSES
        return watch(meter, seconds)


def main(seconds: float) -> int:
    """Prints both cases; 1 when a limit is passed."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the crowds go as well
    share, edge_ms, look_ms = groups(seconds)
    print(f"{GROUPS} groups:        {share:7.2%} of a core  edge {edge_ms:6.1f} ms  one look {look_ms:.3f} ms")
    tree_share, tree_edge_ms = tree(seconds)
    print(f"{PROCESSES} processes:   {tree_share:7.2%} of a core  edge {tree_edge_ms:6.1f} ms")
    checks: dict[str, Callable[[], bool]] = {
        f"groups: at most {SHARE:.0%} of a core": lambda: share <= SHARE,
        f"processes: at most {SHARE:.0%} of a core": lambda: tree_share <= SHARE,
        f"one look: at most {LOOK_MS:g} ms": lambda: look_ms <= LOOK_MS,
    }
    for what, holds in checks.items():
        print(f"{'holds' if holds() else 'FAILS'}  {what}")
    return 0 if all(holds() for holds in checks.values()) else 1


if __name__ == "__main__":
    sys.exit(main(float(sys.argv[1]) if len(sys.argv) > 1 else 20.0))
