# SPDX-License-Identifier: Apache-2.0
"""How exactly the meter reads: its edges, its error against a control group, what a kill loses, what it costs.

Run as root, for the control group is the oracle: ``python benchmarks/edges.py [seconds]``.

Limit: an edge reads all its processes, up to forty, within 2 ms. The meter's own CPU time is printed beside its budget, 20 ms in
10 s plus 1 % of what it measures, which it keeps on a machine with nothing else to do.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from lichen.collect.machine import TreeMeter

SPREAD_NS = 2_000_000

LOADS = {
    "idle": "import time; time.sleep(3600)",
    "busy": "while True: pass",
    "processes": """
import os, time
for i in range(4):
    if os.fork() == 0:
        while True:
            sum(range(20000)); time.sleep(0.002 * (i + 1))
time.sleep(3600)
""",
    "threads": """
import threading, time, zlib
data = bytes(range(256)) * 4000
def work():
    for _ in range(20): zlib.compress(data, 6)
while True:
    threads = [threading.Thread(target=work) for _ in range(4)]
    [t.start() for t in threads]; [t.join() for t in threads]
    time.sleep(0.01)
""",
    "short-lived": """
import os, time
next_at = time.monotonic()
while True:
    pid = os.fork()
    if pid == 0:
        sum(range(40000)); os._exit(0)
    os.waitpid(pid, 0)
    next_at += 0.005
    time.sleep(max(0, next_at - time.monotonic()))
""",
    "double-fork": """
import os, time
time.sleep(0.1)
if os.fork() == 0:
    if os.fork():
        os._exit(0)
    while True:
        sum(range(20000)); time.sleep(0.002)
os.wait()
time.sleep(3600)
""",
    "killed-child": """
import os, signal, time
pid = os.fork()
if pid == 0:
    while True: pass
time.sleep(1.0)
os.kill(pid, signal.SIGKILL)
os.waitpid(pid, 0)
time.sleep(3600)
""",
    "burst-killed": """
import os, signal, time
while True:
    pid = os.fork()
    if pid == 0:
        time.sleep(0.2)
        until = time.process_time() + 0.06
        while time.process_time() < until: pass
        os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(pid, 0)
""",
    "fifteen": """
import os, time
for i in range(14):
    if os.fork() == 0:
        while True:
            sum(range(5000)); time.sleep(0.02)
time.sleep(3600)
""",
    "fifteen-resting": """
import os, time
for i in range(14):
    if os.fork() == 0:
        time.sleep(3600)
time.sleep(3600)
""",
    "forty": """
import os, time
for i in range(39):
    if os.fork() == 0:
        while True:
            sum(range(5000)); time.sleep(0.1)
time.sleep(3600)
""",
}


class CGroup:
    """A control group of one's own: the kernel's exact account of everything that ever ran in it."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    @contextlib.contextmanager
    def create(cls) -> Iterator[CGroup | None]:
        """Makes a group and removes it with what runs in it; None where none can be made."""
        for parent in ("/sys/fs/cgroup/cpuacct", "/sys/fs/cgroup/unified", "/sys/fs/cgroup"):
            path = Path(parent) / f"lichen-test-{os.getpid()}-{time.monotonic_ns()}"
            try:
                path.mkdir()
            except OSError:
                continue
            group = cls(path)
            try:
                group.cpu_ns()
                yield group
            except FileNotFoundError:
                continue
            finally:
                group.remove()
            return
        yield None

    def cpu_ns(self) -> int:
        """CPU time of everything that ran in the group."""
        usage = self.path / "cpuacct.usage"
        if usage.exists():
            return int(usage.read_text())
        for line in (self.path / "cpu.stat").read_text().splitlines():
            if line.startswith("usage_usec"):
                return int(line.split()[1]) * 1000
        raise FileNotFoundError(self.path / "cpu.stat")

    def start(self, code: str) -> subprocess.Popen[bytes]:
        """Runs Python code in the group, from its first instruction."""
        enter = f'echo $$ > {self.path}/cgroup.procs; exec "$@"'
        command = ["/bin/sh", "-c", enter, "sh", sys.executable, "-S", "-c", code]
        return subprocess.Popen(command, start_new_session=True)

    def remove(self) -> None:
        """Kills what still runs in the group, and removes it."""
        for _ in range(200):
            with contextlib.suppress(FileNotFoundError):
                for pid in (self.path / "cgroup.procs").read_text().split():
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(int(pid), signal.SIGKILL)
            try:
                self.path.rmdir()
            except FileNotFoundError:
                return
            except OSError:
                time.sleep(0.01)
            else:
                return


@dataclass(frozen=True)
class Trial:
    """A load measured by the meter and by the oracle between the same two edges."""

    measured_ns: int
    oracle_ns: int
    spread_ns: int
    meter_ns: int
    alive: int

    @property
    def error_ns(self) -> int:
        """Meter minus oracle."""
        return self.measured_ns - self.oracle_ns


def trial(group: CGroup, load: str, seconds: float, settle_s: float = 0.5, *, looks: int = 1) -> Trial:
    """Measures ``load`` during ``seconds``, with ``looks`` edges; the oracle is read around the outer edges."""
    process = group.start(LOADS[load])
    try:
        with TreeMeter() as meter:
            meter.add("load", process.pid)
            time.sleep(settle_s)
            used = time.process_time_ns()
            before = (group.cpu_ns(), first := meter.edge(), group.cpu_ns())
            spread = first.spread_ns
            for _ in range(looks):
                time.sleep(seconds / looks)
                after = (group.cpu_ns(), last := meter.edge(), group.cpu_ns())
                spread = max(spread, last.spread_ns)
            used = time.process_time_ns() - used
    finally:
        for pid in (group.path / "cgroup.procs").read_text().split():
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(pid), signal.SIGKILL)
        process.kill()
        process.wait()
    return Trial(
        last.readings["load"].cpu_ns - first.readings["load"].cpu_ns,
        (after[0] + after[2] - before[0] - before[2]) // 2,
        spread,
        used,
        last.readings["load"].alive,
    )


def main(seconds: float) -> int:
    """Prints one line a load; 1 when a limit is broken."""
    print(
        f"{'load':16} {'alive':>5} {'oracle ms':>10} {'error ms':>9} {'error':>8} {'spread us':>9} "
        f"{'own ms/10 s':>11} {'budget':>6}"
    )
    broken = []
    for load in LOADS:
        with CGroup.create() as group:
            if group is None:
                print("No control group can be made here: run as root, or in a delegated group.")
                return 1
            result = trial(group, load, seconds)
        share = f"{result.error_ns / result.oracle_ns:.2%}" if result.oracle_ns else "-"
        per_10_s = 10 / seconds / 1e6
        if result.spread_ns > SPREAD_NS:
            broken.append(load)
        print(
            f"{load:16} {result.alive:5} {result.oracle_ns / 1e6:10.1f} {result.error_ns / 1e6:9.2f} {share:>8} "
            f"{result.spread_ns / 1e3:9.0f} {result.meter_ns * per_10_s:11.1f} {20 + 0.01 * result.oracle_ns * per_10_s:6.0f}"
        )
    print(f"edges BROKEN: {', '.join(broken)}" if broken else "edges ok")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main(float(sys.argv[1]) if len(sys.argv) > 1 else 5.0))
