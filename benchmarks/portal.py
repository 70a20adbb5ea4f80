# SPDX-License-Identifier: Apache-2.0
"""The loan portal measured ten times cold: identical counters, CPU against the kernel's account, the agent's own cost.

Run as root, for control groups are the oracle: .venv/bin/python benchmarks/portal.py [RUNS] [PROFILE]

Limits: bytes, requests and layouts identical over the runs; CPU of browser and server parts within 1 % of their control
groups in the same window; edges read within 2 ms; the agent's own CPU in the window <= 1 % of the measured + 20 ms a step.
"""

from __future__ import annotations

import contextlib
import os
import statistics
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psutil

import lichen.demo
from edges import CGroup
from lichen.collect.base import Sample
from lichen.collect.journeys import driver_session, find_browser, load_journey, run_sample
from lichen.collect.machine import MachineMeter, Parts
from lichen.config import Settings, load_settings
from lichen.service.measure import browser_settings
from lichen.service.parts import declared_parts
from lichen.service.planning import on_parts, plan_journeys

CPU_ERROR = 0.01
EDGE_MS = 2.0
AGENT_SHARE = 0.01
AGENT_MS_PER_STEP = 20.0


@dataclass
class Oracle:
    """Control groups that browser and parts are put into right before the window, and their account of it."""

    browser: CGroup
    parts: CGroup
    begin: dict[str, int] = field(default_factory=dict)
    spent: dict[str, int] = field(default_factory=dict)

    def watch(self, phase: str, _: str) -> None:
        """Listener of a sample: moves the browser in before it settles, reads the groups on both sides of the window."""
        if phase == "settle":
            for child in psutil.Process().children(recursive=True):
                with contextlib.suppress(psutil.Error, OSError):
                    if "chrom" in child.name():
                        (self.browser.path / "cgroup.procs").write_text(str(child.pid))
        elif phase == "window":
            self.begin = {"browser": self.browser.cpu_ns(), "parts": self.parts.cpu_ns()}
        elif phase == "window end":
            self.spent = {
                "browser": self.browser.cpu_ns() - self.begin["browser"],
                "parts": self.parts.cpu_ns() - self.begin["parts"],
            }


def settings(profile: str, folder: str) -> Settings:
    """The sample application's settings."""
    path = Path(lichen.demo.__file__).with_name("lichen.toml")
    return load_settings(path, overrides={"output.runs": folder, "measure.profile": profile}, env={})


@contextlib.contextmanager
def oracle() -> Iterator[Oracle]:
    """Two control groups of our own."""
    with CGroup.create() as browser, CGroup.create() as parts:
        if browser is None or parts is None:
            raise SystemExit("control groups cannot be made here: run as root")
        yield Oracle(browser, parts)


def identity(sample: Sample) -> tuple[object, ...]:
    """What must be the same in every cold run."""
    return tuple((step.name, step.network_bytes, step.requests, step.layouts) for step in sample.steps if step.name)


def agent_budget_ms(sample: Sample, measured_ns: int) -> float:
    """What the agent may use inside the window."""
    steps = sum(1 for step in sample.steps if step.name)
    return AGENT_SHARE * measured_ns / 1e6 + AGENT_MS_PER_STEP * steps


def main() -> int:
    """Prints each journey's figures; 1 when a limit is broken."""
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 10
    profile = sys.argv[2] if len(sys.argv) > 2 else "fidelity"
    broken = False
    with tempfile.TemporaryDirectory() as folder, oracle() as account, contextlib.ExitStack() as stack:
        chosen = settings(profile, folder)
        parts = stack.enter_context(Parts(declared_parts(chosen), folder=Path(folder) / "logs"))
        for pid in parts.roots.values():
            for process in [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]:
                (account.parts.path / "cgroup.procs").write_text(str(process.pid))
        stack.enter_context(driver_session())
        browser = find_browser(chosen.measure.profile, chosen.browser.executable)
        for journey in on_parts(plan_journeys(chosen, ()), {}, parts, load_journey):
            samples, errors, agents = [], {"browser": [], "parts": []}, []
            for index in range(-1, runs):
                parts.reset()
                sample = run_sample(
                    journey, browser=browser, settings=browser_settings(chosen), meter_factory=MachineMeter,
                    parts=parts.roots, index=index, artefacts=Path(folder), on_event=account.watch,
                )  # fmt: skip
                if index < 0:
                    continue
                samples.append(sample)
                ours = {
                    "browser": sum(step.readings["browser"].cpu_ns for step in sample.steps),
                    "parts": sum(
                        tree.cpu_ns for step in sample.steps for n, tree in step.readings.items() if n in parts.roots
                    ),
                }
                for name, value in ours.items():
                    errors[name].append((value - account.spent[name]) / 1e6)
                agents.append(sample.agent_cpu_ns / 1e6 - agent_budget_ms(sample, sum(ours.values())))
            totals = {
                name: sum(s.readings[name].cpu_ns for smp in samples for s in smp.steps)
                for name in ("browser", *parts.roots)
            }
            cpu_ms = {
                "browser": totals["browser"] / runs / 1e6,
                "parts": sum(totals[n] for n in parts.roots) / runs / 1e6,
            }
            same = len({identity(sample) for sample in samples}) == 1
            edge_ms = max(sample.edge_spread_ns for sample in samples) / 1e6
            relative = {name: statistics.fmean(errors[name]) / cpu_ms[name] for name in errors}
            cv = statistics.stdev(
                [sum(s.readings[n].cpu_ns for s in sample.steps for n in totals) / 1e9 for sample in samples]
            ) / statistics.fmean(
                [sum(s.readings[n].cpu_ns for s in sample.steps for n in totals) / 1e9 for sample in samples]
            )
            bad = [
                name
                for name, wrong in {
                    "counters differ": not same,
                    "browser CPU": abs(relative["browser"]) > CPU_ERROR,
                    "parts CPU": abs(relative["parts"]) > CPU_ERROR,
                    "edges": edge_ms > EDGE_MS,
                    "agent": statistics.median(agents) > 0,
                }.items()
                if wrong
            ]
            broken |= bool(bad)
            print(
                f"{journey.name:10} {profile}: counters {'identical' if same else 'DIFFER'} over {runs}; "
                f"browser {cpu_ms['browser']:.0f} ms (error {relative['browser']:+.2%}, worst "
                f"{max(map(abs, errors['browser'])):.1f} ms), parts {cpu_ms['parts']:.1f} ms (error {relative['parts']:+.2%}, "
                f"worst {max(map(abs, errors['parts'])):.1f} ms); CV {cv:.1%}; edge <= {edge_ms:.3f} ms; "
                f"agent {statistics.median([s.agent_cpu_ns / 1e6 for s in samples]):.0f} ms, "
                f"{-statistics.median(agents):.0f} ms under its budget; {'ok' if not bad else 'BROKEN: ' + ', '.join(bad)}"
            )
            if not same:
                for sample in samples:
                    print("   ", identity(sample))
    return int(broken)


if __name__ == "__main__":
    os.chdir(Path(__file__).parent)
    raise SystemExit(main())
