# SPDX-License-Identifier: Apache-2.0
"""What looking into a suite costs it: the same suite measured as a plain process tree and case by case, in turns.

Prints, per suite, wall-clock and CPU time of both (medians, with their middle half), the time that the suite was held at the
edges of its cases, and what Lichen itself used. With ``A/A`` both arms are the plain one: the difference that is mere noise.

``python benchmarks/suites.py [repetitions] [suite...]``; suites are those of tests/suites (make suites).
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "e2e"))
sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "e2e" / "sites"))

from suites_support import Copy, copy
from wire import WireServer

from lichen.collect.machine.processes.command import CommandLine, CommandRun, run_command
from lichen.collect.machine.processes.relay import SignalRelay
from lichen.collect.suites import SuiteReading, recognise
from lichen.service.suites import prepared

SUITES = ("playwright", "mocha", "playwright-python")
ONE_WORKER = {"playwright": ("--workers=1",)}
"""Both arms run the same work: the plain one is told to use one worker."""


@dataclass
class Arm:
    """Repetitions of one way of measuring, in seconds."""

    wall_s: list[float] = field(default_factory=list)
    cpu_s: list[float] = field(default_factory=list)
    agent_s: list[float] = field(default_factory=list)
    held_s: list[float] = field(default_factory=list)

    def take(self, run: CommandRun[SuiteReading]) -> None:
        """One more repetition."""
        if run.exit_code != 0:
            raise SystemExit(f"the suite failed with exit code {run.exit_code}")
        self.wall_s.append(run.sample.window_s)
        self.cpu_s.append(sum(part.cpu_ns or 0 for step in run.sample.steps for part in step.readings.values()) / 1e9)
        self.agent_s.append(run.sample.agent_cpu_ns / 1e9)
        if run.observed is not None:
            self.held_s.append(run.observed.held_s)


def repeat(suite: Copy, arm: Arm, relay: SignalRelay, *, attach: bool) -> None:
    """Runs the suite once."""
    with Path("/dev/null").open("wb") as nowhere:
        line = CommandLine(words=suite.command, env=suite.env, stdout=nowhere)
        recognised = recognise(suite.command, suite.env, suite.folder)
        if not attach or recognised is None:
            arm.take(run_command(line, relay))
            return
        with prepared(recognised, line) as (told, observer, _):
            arm.take(run_command(told, relay, observer=observer))


def show(name: str, plain: Arm, looked_into: Arm) -> None:
    """One block per pair of arms."""
    print(f"\n{name}")
    for label, a, b in (("wall", plain.wall_s, looked_into.wall_s), ("CPU", plain.cpu_s, looked_into.cpu_s)):
        differences = sorted((y - x) / x * 100 for x, y in zip(a, b, strict=True))
        low, middle, high = statistics.quantiles(differences, n=4) if len(differences) > 1 else differences * 3
        print(
            f"  {label:5} {statistics.median(a):7.3f} s -> {statistics.median(b):7.3f} s"
            f"   paired difference {middle:+.1f} % (middle half {low:+.1f} to {high:+.1f} %)"
        )
    agent = statistics.median(looked_into.agent_s)
    print(
        f"  Lichen itself {agent * 1000:.0f} ms of CPU, {agent / statistics.median(looked_into.wall_s):.1%} of the window"
    )
    if looked_into.held_s:
        held = statistics.median(looked_into.held_s)
        print(f"  held at edges {held * 1000:.0f} ms, {held / statistics.median(looked_into.wall_s):.2%} of the window")


def main() -> None:
    """Runs every suite in turns."""
    repetitions = int(sys.argv[1]) if len(sys.argv) > 1 else 10
    with SignalRelay() as relay, WireServer() as server, tempfile.TemporaryDirectory() as folder:
        for name in sys.argv[2:] or SUITES:
            suite = copy(name, Path(folder, name), server.url)
            suite = Copy(suite.folder, (*suite.command, *ONE_WORKER.get(name, ())), suite.env)
            os.chdir(suite.folder)
            for title, attach in ((f"{name}: looked into", True), (f"{name}: A/A", False)):
                plain, other = Arm(), Arm()
                repeat(suite, Arm(), relay, attach=False)
                for number in range(repetitions):
                    order = [(plain, False), (other, attach)]
                    for arm, attached in order if number % 2 else reversed(order):
                        repeat(suite, arm, relay, attach=attached)
                show(title, plain, other)


if __name__ == "__main__":
    main()
