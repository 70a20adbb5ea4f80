# SPDX-License-Identifier: Apache-2.0
"""Counters read at the window's edges against statistics that come once a second, on the same runs and the same windows.

A load works hard at first and then little, as a page does. Its control group is read every 20 ms; out of these readings come,
for fifty phases of the clock, the statistics that a container engine gives once a second. They are used as GreenFrame's command
line uses them: the first is dropped, an interval that touches the window counts whole, and the stream is cut 80 ms after the end
of the window. The truth is the control group's counter at the window's edges; Lichen's meter knows nothing of the group.

Run as root: ``python benchmarks/ticks.py [runs]``.
"""

from __future__ import annotations

import math
import subprocess
import sys
import threading
import time
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from edges import CGroup
from lichen.collect.machine import TreeMeter

WINDOWS_S = (1.5, 10.0)
FINE_S = 0.02
TICK_S = 1.0
CUT_S = 0.08
BURST_CPU_S = 0.5
STEADY_SHARE = 0.05
LEAD_S = 2.2
FLOOR = 1e-6
"""Both often agree to the nanosecond; the ratio is then told as if they differed by a millionth."""
LOAD = f"""
import sys, time
def work(cpu_s):
    until = time.process_time() + cpu_s
    while time.process_time() < until: pass
print('ready', flush=True)
while True:
    sys.stdin.readline()
    work({BURST_CPU_S})
    until = time.monotonic() + float(sys.argv[1]) + 0.3
    while time.monotonic() < until:
        work({STEADY_SHARE} * 0.05); time.sleep(0.05)
"""


@dataclass
class Series:
    """A counter over time: (monotonic s, CPU s)."""

    points: list[tuple[float, float]] = field(default_factory=list)

    def follow(self, group: CGroup, stop: threading.Event) -> None:
        """Reads the counter until told to stop."""
        while not stop.wait(FINE_S):
            self.points.append((time.monotonic(), group.cpu_ns() / 1e9))

    def ticks(self, phase_s: float, until_s: float) -> list[tuple[float, float]]:
        """The statistics of one phase: the reading at, or next after, each tick, until the stream is cut."""
        found: list[tuple[float, float]] = []
        at = self.points[0][0] + phase_s
        while at <= until_s:
            place = bisect_left(self.points, (at,))
            if place < len(self.points) and self.points[place][0] <= until_s:
                found.append(self.points[place])
            at += TICK_S
        return found


def counted_s(ticks: Sequence[tuple[float, float]], start_s: float, end_s: float) -> float:
    """CPU of a window by its statistics: every interval that touches the window, whole; the first reading is dropped."""
    return math.fsum(
        after[1] - before[1] for before, after in pairwise(ticks[1:]) if after[0] >= start_s and before[0] <= end_s
    )


@dataclass(frozen=True)
class Errors:
    """Relative errors of one way of counting."""

    values: Sequence[float]

    @property
    def bias(self) -> float:
        """Mean error."""
        return math.fsum(self.values) / len(self.values)

    @property
    def rms(self) -> float:
        """Root of the mean square."""
        return math.sqrt(math.fsum(value * value for value in self.values) / len(self.values))


def one_run(window_s: float) -> tuple[float, list[float]] | None:
    """Errors of one run: of the meter, and of the statistics for each phase. None: no control group can be made."""
    with CGroup.create() as group:
        if group is None:
            return None
        enter = f'echo $$ > {group.path}/cgroup.procs; exec "$@"'
        words = ["/bin/sh", "-c", enter, "sh", sys.executable, "-S", "-c", LOAD, str(window_s)]
        with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdout.readline()
            series, stop = Series(), threading.Event()
            follower = threading.Thread(target=series.follow, args=(group, stop))
            follower.start()
            with TreeMeter() as meter:
                meter.add("load", process.pid)
                time.sleep(LEAD_S)
                start_s = time.monotonic()
                before = (group.cpu_ns(), first := meter.edge(), group.cpu_ns())
                process.stdin.write("\n")
                process.stdin.flush()
                time.sleep(window_s)
                after = (group.cpu_ns(), last := meter.edge(), group.cpu_ns())
                end_s = time.monotonic()
                time.sleep(CUT_S + FINE_S)
            stop.set()
            follower.join()
            process.kill()
    true_s = (after[0] + after[2] - before[0] - before[2]) / 2e9
    ours = (last.cpu_ns("load") - first.cpu_ns("load")) / 1e9 / true_s - 1
    phases = [i * FINE_S for i in range(round(TICK_S / FINE_S))]
    theirs = [counted_s(series.ticks(phase, end_s + CUT_S), start_s, end_s) / true_s - 1 for phase in phases]
    return ours, theirs


def main(runs: int) -> int:
    """Prints one line a window. Ours must be ten times nearer, with a bias below 0.5 %."""
    print(
        f"{'window s':>8} {'runs':>4} {'edges bias':>10} {'edges RMS':>9} {'ticks bias':>10} {'ticks RMS':>9} {'ratio':>6}"
    )
    failed = False
    for window_s in WINDOWS_S:
        found = [one_run(window_s) for _ in range(runs)]
        known = [one for one in found if one is not None]
        if not known:
            print("No control group can be made here: run as root, or in a delegated group.")
            return 1
        ours, theirs = Errors([one[0] for one in known]), Errors([error for one in known for error in one[1]])
        ratio = theirs.rms / max(ours.rms, FLOOR)
        print(
            f"{window_s:8.1f} {len(known):4} {ours.bias:10.3%} {ours.rms:9.3%} {theirs.bias:10.1%} {theirs.rms:9.1%} {ratio:6.0f}"
        )
        failed = failed or ratio < 10 or abs(ours.bias) > 0.005
    return int(failed)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 5))
