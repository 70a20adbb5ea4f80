# SPDX-License-Identifier: Apache-2.0
"""One repetition of a command, measured from its first instruction to its end, with the parts that run beside it."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import IO, Final

import psutil

from lichen.collect.balance import balance
from lichen.collect.base import Sample, StepReading
from lichen.collect.counters import Counter, Edge, Meter
from lichen.collect.machine import orphans
from lichen.collect.machine.clock import cpu_ns
from lichen.collect.machine.launch import Beginning, Launched
from lichen.collect.machine.machine_meter import MachineMeter
from lichen.collect.machine.relay import SignalRelay

COMMAND: Final = "command"
"""Name of the command's process tree."""
RUN: Final = "run"
"""Name of the only step of a command that has no test cases."""
AGENT: Final = "lichen"
_FIRST_TICK_S: Final = 0.5
_LAST_TICK_S: Final = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandLine:
    """What is run.

    Attributes:
        words: program and arguments; no shell.
        env: its environment; this process's own when None.
        stdout: where its standard output goes; to this process's own when None.
    """

    words: Sequence[str]
    env: Mapping[str, str] | None = None
    stdout: int | IO[bytes] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandRun:
    """One repetition.

    Attributes:
        exit_code: as a shell counts: 128 and the signal's number when a signal ended it.
        left: what it started and left running, as ``name (pid)``.
    """

    sample: Sample
    exit_code: int
    left: tuple[str, ...] = ()


@dataclass(slots=True)
class _Window:
    """Edges of the repetition, and what Lichen itself used between the outer ones.

    Attributes:
        edges: before the first instruction, after it, and at the end. From the second one on the memory is the command's own.
        gate_ns: CPU time of the gate since the first edge; it is Lichen's, not the command's.
    """

    edges: list[Edge] = field(default_factory=list)
    gate_ns: int = 0
    agent_ns: int = 0

    def begin(self, beginning: Beginning, waiting_ns: int) -> None:
        """Moves the first edge to the first instruction.

        Args:
            waiting_ns: CPU time of the gate at the first edge.
        """
        self.gate_ns = beginning.gate_cpu_ns - waiting_ns
        first = self.edges[0]
        reading = first.readings[COMMAND]
        moved = replace(reading, cpu_ns=(reading.cpu_ns or 0) + self.gate_ns)
        self.edges[0] = replace(first, at_ns=beginning.at_ns, readings={**first.readings, COMMAND: moved})


def run_command(
    line: CommandLine,
    relay: SignalRelay,
    *,
    index: int = 0,
    parts: Mapping[str, int | Counter] | None = None,
    attach: Callable[[Meter], AbstractContextManager[object]] | None = None,
) -> CommandRun:
    """Runs a command once.

    Args:
        relay: entered by the caller, before threads were started.
        index: of the repetition.
        parts: what is measured beside the command, by name.
        attach: a context that lasts from the command's first instruction to its end and may read edges of its own.

    Raises:
        UsageError: there is no such program, or it cannot be executed.
        NothingMeasured: no process can be started, a part is not there.
    """
    known = {child.pid for child in psutil.Process().children()}
    started_at = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    window = _Window()
    with (
        orphans.adopting(),
        Launched(line.words, env=line.env, stdout=line.stdout, mask=relay.before) as launched,
        MachineMeter() as meter,
    ):
        meter.add(COMMAND, launched.pid)
        for name, part in (parts or {}).items():
            meter.add(name, part)
        known.add(launched.pid)
        agent_ns = time.process_time_ns()
        window.edges.append(meter.edge())
        waiting_ns = cpu_ns(launched.pid) or 0
        beginning = launched.open()
        if beginning is not None:
            window.begin(beginning, waiting_ns)
        window.edges.append(meter.edge())
        with attach(meter) if attach is not None else contextlib.nullcontext():
            relay.wait(launched.pidfd, _ticks_s(), lambda: _tick(meter, known))
        window.edges.append(meter.edge())
        window.agent_ns = time.process_time_ns() - agent_ns
        exit_code = launched.exit_code()
        orphans.bury(known)
        left = tuple(orphans.living(known))
        return CommandRun(sample=_sample(meter, window, index, started_at), exit_code=exit_code, left=left)


def _ticks_s() -> Iterator[float]:
    """Ever longer waits: a short command is looked at in time, a long one is seldom disturbed."""
    wait_s = _FIRST_TICK_S
    while True:
        yield wait_s
        wait_s = min(2 * wait_s, _LAST_TICK_S)


def _tick(meter: MachineMeter, known: set[int]) -> None:
    meter.calibrate_memory()
    orphans.bury(known)


def _sample(meter: MachineMeter, window: _Window, index: int, started_at: str) -> Sample:
    first, begun, last = meter.settled(window.edges)
    readings = {
        name: reading.since(first.readings[name], peak_bytes=reading.memory_peak_bytes)
        for name, reading in last.readings.items()
    }
    window_s = (last.at_ns - first.at_ns) / 1e9
    step = StepReading(
        name=RUN, observed_s=window_s, paced_s=window_s, readings=readings, network_bytes=None, requests=None
    )
    return Sample(
        index=index,
        started_at=started_at,
        window_s=window_s,
        settle_s=0.0,
        steps=(step,),
        requests=(),
        edge_spread_ns=max(edge.spread_ns for edge in (first, begun, last)),
        agent_cpu_ns=window.agent_ns,
        driver_cpu_ns=0,
        machine=balance(first, last, os.cpu_count() or 1, besides={AGENT: window.agent_ns + window.gate_ns}),
        notes=meter.notes(),
        memory_methods={name: meter.memory_method(name) for name in last.readings},
    )
