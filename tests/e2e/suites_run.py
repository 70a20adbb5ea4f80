# SPDX-License-Identifier: Apache-2.0
"""Runs a suite as a user would, with and without what measures it."""

from __future__ import annotations

import os
import select
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wire import WireServer

from lichen.collect.counters import Edge
from lichen.collect.machine import MachineMeter
from lichen.collect.suites import RUNNER, CaseReading, SuiteReading, recognise

GATE = ["/bin/sh", "-c", 'read -r _ && exec "$@" </dev/null', "sh"]


@dataclass(frozen=True)
class Outcome:
    """What a measured run left.

    Attributes:
        code, output: of the command; stdout and stderr together.
        reading: None when the command was not recognised.
        first, last: edges of the window.
        notes: of the preparation.
    """

    code: int
    output: str
    reading: SuiteReading
    first: Edge
    last: Edge
    notes: tuple[str, ...]

    @property
    def cases(self) -> dict[str, CaseReading]:
        return {case.name: case for case in self.reading.cases}

    @property
    def tree_cpu_ns(self) -> int:
        """Level 0: all processes of the command, whatever they are called."""
        return sum(self.last.cpu_ns(part) - cpu_at(self.first, part) for part in self.last.readings)


def cpu_at(edge: Edge, part: str) -> int:
    return edge.cpu_ns(part) if part in edge.readings else 0


def plain(command: Sequence[str], folder: Path, env: Mapping[str, str]) -> tuple[int, str]:
    """Exit code and output of the command by itself."""
    done = subprocess.run(
        list(command),
        cwd=folder,
        env=dict(env),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    return done.returncode, done.stdout.decode()


def measured(command: Sequence[str], folder: Path, env: Mapping[str, str], enter: str = "") -> Outcome:
    """The same, measured.

    Args:
        enter: shell command that is run in the command's process before its first instruction.
    """
    suite = recognise(command, env, folder)
    assert suite is not None, f"not recognised: {command}"
    with ExitStack() as stack:
        private = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="lichen suite ")))
        prepared = suite.prepare(private)
        meter = stack.enter_context(MachineMeter())
        with suite.attach(meter, private) as attachment:
            gate = [*GATE[:2], enter + GATE[2], GATE[3]]
            output = stack.enter_context(tempfile.TemporaryFile())
            process = subprocess.Popen(
                [*gate, *prepared.command],
                cwd=folder,
                env=dict(prepared.env),
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
            pidfd = os.pidfd_open(process.pid)
            stack.callback(os.close, pidfd)
            meter.add(RUNNER, process.pid)
            first = meter.edge()
            assert process.stdin is not None
            process.stdin.write(b"\n")
            process.stdin.close()
            ended = select.poll()
            ended.register(pidfd, select.POLLIN)
            ended.poll()
            last = meter.edge()
            code = process.wait()
        output.seek(0)
        return Outcome(code, output.read().decode(), attachment.reading(first, last), first, last, prepared.notes)


def network(reading: SuiteReading) -> dict[str, tuple[Any, Any]]:
    """Requests and bytes by row; ``""`` for the time between the cases."""
    return {step.name: (step.requests, step.network_bytes) for step in reading.steps}


def on_the_wire(server: WireServer) -> tuple[int, int]:
    """Requests and bytes that the server saw."""
    return len(server.log), sum(line.sent + line.received for line in server.log)
