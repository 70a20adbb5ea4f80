# SPDX-License-Identifier: Apache-2.0
"""One repetition of a command, measured from its first instruction to its end, with the parts that run beside it."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from typing import IO, Final, Generic, Protocol, TypeVar

import psutil

from lichen.collect.balance import balance
from lichen.collect.base import Request, Sample, StepReading
from lichen.collect.counters import Counter, Edge, Meter
from lichen.collect.entities import segment
from lichen.collect.machine.cgroups.own import OwnCgroup
from lichen.collect.machine.machine_meter import MachineMeter
from lichen.collect.machine.processes import orphans
from lichen.collect.machine.processes.clock import cpu_ns
from lichen.collect.machine.processes.launch import Beginning, Launched
from lichen.collect.machine.processes.relay import SignalRelay
from lichen.errors import NothingMeasured
from lichen.records import timestamp

COMMAND: Final = "command"
"""Name of the command's process tree."""
RUN: Final = "run"
"""Name of the only step of a command that has no test cases."""
AGENT: Final = "lichen"
_FIRST_TICK_S: Final = 0.1
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


class Observed(Protocol):
    """What somebody who knows the command found in it."""

    @property
    def steps(self) -> Sequence[StepReading]:
        """Rows that add up to the window."""
        ...

    @property
    def requests(self) -> Sequence[Request]:
        """Network requests, with the names of their steps."""
        ...

    @property
    def notes(self) -> Sequence[str]:
        """What a reader should know, one sentence each."""
        ...


O_co = TypeVar("O_co", bound=Observed, covariant=True)


class Observation(Protocol[O_co]):
    """Lasts as long as the command."""

    def reading(self, first: Edge, last: Edge) -> O_co:
        """What lies between two edges; asked once, after the command has ended."""
        ...


class Observer(Protocol[O_co]):
    """Looks into the command while it runs, such as into a test suite."""

    @property
    def tree(self) -> str:
        """Name of the command's process tree."""
        ...

    def attach(self, meter: Meter) -> AbstractContextManager[Observation[O_co]]:
        """A context that is entered before the command's first instruction and left after its end."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandRun(Generic[O_co]):
    """One repetition.

    Attributes:
        exit_code: as a shell counts: 128 and the signal's number when a signal ended it.
        left: what it started and left running, as ``name (pid)``.
        observed: what the observer found; None without one.
    """

    sample: Sample
    exit_code: int
    left: tuple[str, ...] = ()
    observed: O_co | None = None


@dataclass(slots=True)
class _Window:
    """Edges of the repetition, and what Lichen itself used between the outer ones.

    Attributes:
        edges: before the first instruction, after it, and at the end. From the second one on the memory is the command's own.
        gate_ns: CPU time of the gate since the first edge; it is Lichen's, not the command's.
    """

    tree: str
    edges: list[Edge] = field(default_factory=list)
    gate_ns: int = 0
    agent_ns: int = 0

    def begin(self, beginning: Beginning, waiting_ns: int) -> None:
        """Moves the first edge to the first instruction.

        Args:
            waiting_ns: CPU time of the gate at the first edge.
        """
        self.gate_ns = beginning.gate_cpu_ns - waiting_ns
        self.edges[0] = beginning.moved(self.edges[0], self.tree, waiting_ns=waiting_ns)


def run_command(
    line: CommandLine,
    relay: SignalRelay,
    *,
    index: int = 0,
    parts: Mapping[str, int | Counter] | None = None,
    observer: Observer[O_co] | None = None,
) -> CommandRun[O_co]:
    """Runs a command once.

    Where this user may make a control group, the command runs in one of its own: only there are its network bytes known.

    Args:
        relay: entered by the caller, before threads were started.
        index: of the repetition.
        parts: what is measured beside the command, by name.
        observer: looks into the command; without one it is a single step.

    Raises:
        UsageError: there is no such program, or it cannot be executed.
        NothingMeasured: no process can be started, a part is not there.
    """
    known = {child.pid for child in psutil.Process().children()}
    started_at = timestamp()
    window = _Window(COMMAND if observer is None else observer.tree)
    with contextlib.ExitStack() as stack:
        stack.enter_context(orphans.adopting())
        launched = stack.enter_context(
            Launched(line.words, env=line.env, stdout=line.stdout, mask=relay.before),
        )
        known.add(launched.pid)
        _own_group(stack, launched.pid)
        meter = stack.enter_context(MachineMeter())
        for name, part in (parts or {}).items():
            meter.add(name, part)
        agent_ns = time.process_time_ns()
        with contextlib.ExitStack() as observing:
            observation = observing.enter_context(observer.attach(meter)) if observer is not None else None
            meter.add(window.tree, launched.pid)
            window.edges.append(meter.edge())
            waiting_ns = cpu_ns(launched.pid) or 0
            beginning = launched.open()
            if beginning is not None:
                window.begin(beginning, waiting_ns)
            window.edges.append(meter.edge())
            relay.wait(launched.pidfd, _ticks_s(), lambda: _tick(meter, known))
            window.edges.append(meter.edge())
        window.agent_ns = time.process_time_ns() - agent_ns
        exit_code = launched.exit_code()
        orphans.bury(known)
        left = tuple(orphans.living(known))
        observed = observation.reading(window.edges[0], window.edges[-1]) if observation is not None else None
        sample = _sample(meter, window, index, started_at, observed)
    return CommandRun(sample=sample, exit_code=exit_code, left=left, observed=observed)


def _own_group(stack: contextlib.ExitStack, pid: int) -> None:
    """Puts the command into a control group of its own, where that is allowed."""
    with contextlib.suppress(NothingMeasured):
        group = stack.enter_context(OwnCgroup(COMMAND))
        group.join(pid)


def _ticks_s() -> Iterator[float]:
    """Ever longer waits: a short command is looked at in time, a long one is seldom disturbed."""
    wait_s = _FIRST_TICK_S
    while True:
        yield wait_s
        wait_s = min(2 * wait_s, _LAST_TICK_S)


def _tick(meter: MachineMeter, known: set[int]) -> None:
    meter.calibrate_memory()
    orphans.bury(known)


def _sample(meter: MachineMeter, window: _Window, index: int, started_at: str, observed: Observed | None) -> Sample:
    first, begun, last = meter.settled(window.edges)
    window_s = (last.at_ns - first.at_ns) / 1e9
    return Sample(
        index=index,
        started_at=started_at,
        window_s=window_s,
        settle_s=0.0,
        steps=(_one_step(first, last),) if observed is None else tuple(map(_named, observed.steps)),
        requests=() if observed is None else tuple(map(_of_named, observed.requests)),
        edge_spread_ns=max(edge.spread_ns for edge in (first, begun, last)),
        agent_cpu_ns=window.agent_ns,
        driver_cpu_ns=0,
        machine=balance(first, last, os.cpu_count() or 1, besides={AGENT: window.agent_ns + window.gate_ns}),
        notes=(*meter.notes(), *(() if observed is None else observed.notes)),
        memory_methods={name: meter.memory_method(name) for name in last.readings},
        network_gaps=meter.network_gaps(),
    )


def _one_step(first: Edge, last: Edge) -> StepReading:
    """A command in which nobody looked."""
    window_s = (last.at_ns - first.at_ns) / 1e9
    readings = {
        name: reading.since(first.readings[name], peak_bytes=reading.memory_peak_bytes)
        for name, reading in last.readings.items()
    }
    return StepReading(
        name=RUN, observed_s=window_s, paced_s=window_s, readings=readings, network_bytes=None, requests=None
    )


def _named(step: StepReading) -> StepReading:
    """A step whose name is one segment of an entity's path."""
    return replace(step, name=segment(step.name)) if step.name else step


def _of_named(request: Request) -> Request:
    return replace(request, step=segment(request.step)) if request.step else request
