# SPDX-License-Identifier: Apache-2.0
"""What holds for every measured suite, whatever its runner."""

from __future__ import annotations

import importlib.util
import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from suites_run import Outcome, measured, network, on_the_wire, plain
from suites_support import Copy
from wire import WireServer

from lichen.collect.suites import Level

ROOT = Path(__file__).resolve().parents[2]


@contextmanager
def accounted() -> Iterator[Any]:
    """A control group: the kernel's own account of a command; skips the test where none can be made."""
    spec = importlib.util.spec_from_file_location("benchmarks_edges", ROOT / "benchmarks" / "edges.py")
    assert spec is not None
    assert spec.loader is not None
    edges = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(edges)
    with edges.CGroup.create() as group:
        if group is None:
            pytest.skip("no control group can be made here (needs root, or a delegated group)")
        yield group


def check_sums(suite: Copy, server: WireServer) -> Outcome:
    """Bytes and requests of the rows are the server's, their CPU time is the kernel's within 5 %, all told by the suite."""
    with accounted() as group:
        before_ns = group.cpu_ns()
        outcome = measured(suite.command, suite.folder, suite.env, enter=f"echo $$ > {group.path}/cgroup.procs; ")
        truth_ns = group.cpu_ns() - before_ns
    assert outcome.code == 0, outcome.output
    assert outcome.reading.level is Level.INJECTED
    assert outcome.reading.parts == ("runner", "browser")
    rows = network(outcome.reading)
    assert rows[""] == (0, 0)
    assert tuple(map(sum, zip(*rows.values(), strict=True))) == on_the_wire(server)
    by_rows_ns = sum(part.cpu_ns for step in outcome.reading.steps for part in step.readings.values())
    assert by_rows_ns == outcome.tree_cpu_ns
    assert by_rows_ns == pytest.approx(truth_ns, rel=0.05)
    for case in outcome.reading.cases:
        assert case.reading is not None
        assert case.reading.readings["browser"].cpu_ns > 0
        assert case.reading.readings["browser"].memory_peak_bytes > 10e6
    return outcome


def check_failure(suite: Copy, server: WireServer, code: int) -> Outcome:
    """Exit code and output are those of the suite by itself, and everything that it did is measured."""
    expected, output = plain(suite.command, suite.folder, suite.env)
    server.log.clear()
    outcome = measured(suite.command, suite.folder, suite.env)
    assert outcome.code == expected == code
    assert without_chance(outcome.output) == without_chance(output)
    assert tuple(map(sum, zip(*network(outcome.reading).values(), strict=True))) == on_the_wire(server)
    return outcome


def without_chance(output: str) -> list[str]:
    """Lines without what differs between any two runs: durations, ids, ports, and what a browser mutters on standard error.

    Cypress drops what its browser mutters by the piece that it reads, not by the line: where the port of the browser comes in one
    piece with a complaint about D-Bus, a millisecond before or after, it is dropped as well.
    """
    output = re.sub(r"\nDevTools listening on ws://\S+\n", "", output)
    # A colour ends in a letter, which would make one word with a number that follows it.
    output = re.sub(r"(\x1b\[[0-9;]*m)", r" \1 ", output)
    output = re.sub(r"\(?\b(\d+[.])?\d+ ?(ms|s|seconds?|minutes?)\b\)?|\b\d\d:\d\d\b", "", output)
    output = re.sub(r"ws://\S+|session=\"\w+\"|0x[0-9a-f]+", "NAME", output)
    lines = (re.sub(r"\s+", " ", line).strip() for line in output.splitlines())
    return [line for line in lines if not re.match(r"\[\d+:\d+/[\d.]+:", line)]


def spec_of(suite: Copy, file: str, text: str) -> Copy:
    """The suite with another test file."""
    path = suite.folder / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return suite


def with_variables(suite: Copy, **variables: str) -> Copy:
    """The suite with more environment."""
    return Copy(suite.folder, suite.command, {**suite.env, **variables})


def path_with(program: Path, env: dict[str, str]) -> str:
    """A search path on which ``program`` comes first."""
    return f"{program.parent}{os.pathsep}{env['PATH']}"
