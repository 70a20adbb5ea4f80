# SPDX-License-Identifier: Apache-2.0
"""The bench: processes that do the fixed works, calibrators on chosen processors, declared neighbours, the machine's counters."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from lichen.collect.journeys import BrowserInfo, BrowserSettings, Journey, find_browser, load_journey, run_sample
from lichen.collect.machine import MachineMeter
from lichen.collect.machine.processes.clock import cpu_ns
from lichen.collect.machine.processes.proc import MachineStat

HERE = Path(__file__).resolve().parent
JOURNEY = """
def journey(page, step):
    with step("cards"):
        page.goto("/")
        page.wait_for_function("document.querySelector('#state').textContent == 'ready'")
"""
BLOCK_LOOPS = 25
"""Calibration loops before and after a run: some 20 ms."""
NEIGHBOURS = {"quiet": (), "one": ("cpu",), "memory": ("memory",), "two": ("cpu", "memory")}
"""What runs beside the measurement in each condition."""


@contextlib.contextmanager
def process(*arguments: str) -> Iterator[subprocess.Popen[str]]:
    """A script of this folder, as a process that is ended with the block."""
    started = subprocess.Popen(
        [sys.executable, str(HERE / arguments[0]), *arguments[1:]],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        yield started
    finally:
        started.kill()
        started.wait()


def ask(worker: subprocess.Popen[str], order: str) -> Any:
    """Sends one order and waits for its answer."""
    tell(worker, order)
    return hear(worker)


def tell(worker: subprocess.Popen[str], order: str) -> None:
    """Sends one order."""
    assert worker.stdin is not None
    worker.stdin.write(f"{order}\n")
    worker.stdin.flush()


def hear(worker: subprocess.Popen[str]) -> Any:
    """The answer to the latest order."""
    assert worker.stdout is not None
    return json.loads(worker.stdout.readline())


@dataclass
class Bench:
    """What is up during a cell."""

    worker: subprocess.Popen[str]
    calibrators: list[subprocess.Popen[str]]
    server: subprocess.Popen[str]
    client: http.client.HTTPConnection
    journey: Journey
    browser: BrowserInfo
    watching: Sequence[subprocess.Popen[str]] = ()
    """Calibrators that run during the window of a page."""

    def loop(self, chunks: int) -> float:
        """CPU seconds of the Python loop."""
        return float(ask(self.worker, f"work {chunks}"))

    def mixed(self, chunks: int) -> tuple[float, float]:
        """CPU seconds of the Python loop, and mean CPU seconds of the calibration loops inside it."""
        work_s, loops = ask(self.worker, f"mixed {chunks}")
        return float(work_s), statistics.fmean(loops)

    def block(self) -> float:
        """Mean CPU seconds of the calibration loops of one block."""
        return statistics.fmean(ask(self.worker, f"block {BLOCK_LOOPS}"))

    def sql(self, requests: int) -> float:
        """CPU seconds of the server for ``requests`` equal requests."""
        before = cpu_ns(self.server.pid) or 0
        for _ in range(requests):
            self.client.request("GET", "/query")
            self.client.getresponse().read()
        return ((cpu_ns(self.server.pid) or 0) - before) / 1e9

    def page(self, journeys: int) -> float:
        """CPU seconds of a new browser for one page, start-up left out; mean of ``journeys``."""
        edges = {"window": "go", "window end": "stop"}

        def tell_watching(phase: str, _: str) -> None:
            for calibrator in self.watching:
                if phase in edges:
                    tell(calibrator, edges[phase])

        settings = BrowserSettings(rest_s=0.0)
        spent = []
        for index in range(journeys):
            sample = run_sample(
                self.journey, browser=self.browser, settings=settings, meter_factory=MachineMeter, parts={}, index=index,
                artefacts=None, on_event=tell_watching,
            )  # fmt: skip
            spent.append(sum(step.readings["browser"].cpu_ns or 0 for step in sample.steps) / 1e9)
        return statistics.fmean(spent)

    def pin(self, work: str, processors: set[int]) -> None:
        """Keeps a work on some processors; a browser uses all of them."""
        if work != "page":
            os.sched_setaffinity(self.worker.pid, processors)
            for thread in psutil.Process(self.server.pid).threads():
                os.sched_setaffinity(thread.id, processors)

    @contextlib.contextmanager
    def calibrated(self, work: str) -> Iterator[dict[str, float]]:
        """Runs the calibrators on the processors of a work: during all of it, or during the window of a page.

        Yields:
            What is filled in at the end: their mean loop, and what they cost, both in CPU seconds.
        """
        chosen = self.calibrators if work == "page" else self.calibrators[-1:]
        found: dict[str, float] = {}
        if work == "page":
            self.watching = chosen
        else:
            tell(chosen[0], "go")
        yield found
        if work == "page":
            self.watching = ()
        else:
            tell(chosen[0], "stop")
        answers = [hear(calibrator) for calibrator in chosen]
        found["loop_s"] = statistics.fmean(statistics.fmean(spent) for spent, _ in answers)
        found["cost_s"] = sum(cost for _, cost in answers)


@contextlib.contextmanager
def bench(condition: str, folder: Path) -> Iterator[Bench]:
    """Starts everything of a condition; neighbours have run for two seconds when the block begins."""
    processors = sorted(os.sched_getaffinity(0))
    with contextlib.ExitStack() as stack:
        for kind in NEIGHBOURS[condition]:
            stack.enter_context(process("neighbour.py", kind))
        calibrators = []
        for number in processors:
            calibrators.append(stack.enter_context(process("fixed_work.py", "calibrator")))
            os.sched_setaffinity(calibrators[-1].pid, {number})
        server = stack.enter_context(process("server.py"))
        port = int(hear(server))
        client = stack.enter_context(contextlib.closing(http.client.HTTPConnection("127.0.0.1", port)))
        (folder / "cards.py").write_text(JOURNEY)
        time.sleep(2)
        yield Bench(
            worker=stack.enter_context(process("fixed_work.py", "work")),
            calibrators=calibrators,
            server=server,
            client=client,
            journey=load_journey(str(folder / "cards.py"), name="cards", base_url=f"http://127.0.0.1:{port}"),
            browser=find_browser("fast", None),
        )


class Machine:
    """Where the machine's CPU time goes from now on: this program's processes, other programs, the hypervisor."""

    def __init__(self) -> None:
        self._stat = MachineStat()
        self._times, self._own, self._at_ns = self._stat.times(), _own_cpu_s(), time.monotonic_ns()

    def close(self) -> dict[str, float]:
        """Shares of all processors' time since the start, and the load average."""
        times, own_s = self._stat.times(), _own_cpu_s() - self._own
        self._stat.close()
        wall_s = (time.monotonic_ns() - self._at_ns) / 1e9
        total_s = wall_s * (os.cpu_count() or 1)
        busy_s = (times.busy_ns - self._times.busy_ns) / 1e9
        return {
            "wall_s": round(wall_s, 1),
            "own_share": round(own_s / total_s, 4),
            "others_share": round(max(0.0, busy_s - own_s) / total_s, 4),
            "steal_share": round((times.steal_ns - self._times.steal_ns) / 1e9 / total_s, 5),
            "load_1min": round(os.getloadavg()[0], 2),
        }


def _own_cpu_s() -> float:
    """CPU seconds of this process, its children that ended, and those that live."""
    own = psutil.Process().cpu_times()
    total = own.user + own.system + own.children_user + own.children_system
    for child in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.Error):
            spent = child.cpu_times()
            total += spent.user + spent.system + spent.children_user + spent.children_system
    return total
