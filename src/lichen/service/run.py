# SPDX-License-Identifier: Apache-2.0
"""Measures a command as often as asked and writes one run file."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from lichen.collect.counters import Counter
from lichen.collect.machine import Calibrator, Parts, describe_host
from lichen.collect.machine.processes.command import CommandLine, CommandRun, run_command
from lichen.collect.machine.processes.relay import SignalRelay
from lichen.collect.rows import primary_s
from lichen.collect.suites import SuiteReading
from lichen.errors import StorageError
from lichen.ledger import runfile
from lichen.ledger.runfile import RunFile
from lichen.records import timestamp
from lichen.service.metering import is_part, meter_counters
from lichen.service.parts import declared_parts, run_folder
from lichen.service.places import check_places, places_of
from lichen.service.presence import Presence, neighbour_notes
from lichen.service.record import Measured, run_content
from lichen.service.result import Result
from lichen.service.rounds import sampling_plan
from lichen.service.statement import with_figures
from lichen.service.subject import Command, facts_of_command, place_of_command, record_of_command
from lichen.service.suites import Attach, notes_of_cases, prepared, record_of_suite, suite_of
from lichen.service.summary import summarise
from lichen.service.workspace import Workspace

ONE_RUN: Final = "run"
"""Functional unit of a command whose units are not counted."""
_SIGNALLED: Final = 128


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What is to be measured.

    Attributes:
        name: what the command is called; its first words when None.
        units: functional units that one run does, such as images.
        unit_name: what one unit is.
        with_parts: whether the parts of lichen.toml are measured beside it.
        attach: whether to look into it, where it is a test suite.
    """

    line: CommandLine
    name: str | None = None
    units: float = 1.0
    unit_name: str = ONE_RUN
    with_parts: bool = False
    attach: Attach = "auto"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of it.

    Attributes:
        exit_code: of the command, as a shell counts; that of the repetition that failed, if one did.
        result: what it consumed; also of a command that failed, and when the run could not be written.
        unwritten: why the run file could not be written; None when it was.
    """

    exit_code: int
    result: Result
    unwritten: StorageError | None = None


def measure_command(
    workspace: Workspace,
    order: Order,
    relay: SignalRelay,
    *,
    on_written: Callable[[Path], object] | None = None,
) -> Outcome:
    """Measures a command and writes one run file.

    Args:
        relay: entered by the caller, before threads were started.
        on_written: told the path of the run file as soon as it is there.

    Raises:
        ConfigError, UsageError, StorageError: before the command is started.
        NothingMeasured: a part does not start, or no process can be started.
    """
    settings = workspace.settings
    workspace.method(settings.method.use)
    check_places(workspace)
    runfile.check_folder(settings.output.runs)
    declared = declared_parts(settings) if order.with_parts else []
    started_at = timestamp()
    with contextlib.ExitStack() as stack:
        presence = stack.enter_context(Presence())
        parts: Mapping[str, int | Counter] = {}
        if declared:
            parts = stack.enter_context(Parts(declared, folder=run_folder(settings, "logs"))).roots
        relay.let_in()
        runner = _Runner(workspace, order, relay, parts)
        measured = runner.repeat()
        measured = replace(measured, notes=(*measured.notes, *neighbour_notes(presence)))
    place = place_of_command(settings)
    trees = dict.fromkeys(name for sample in measured.samples for step in sample.steps for name in step.readings)
    known = places_of(settings, parts)
    where = {name: known.get(name, place) for name in trees if is_part(name)}
    facts = facts_of_command(workspace, where, unit_name=order.unit_name)
    facts = replace(facts, host={**facts.host, "calibration": runner.calibrator.record()})
    content = run_content(facts, started_at, timestamp(), [measured], workspace.nomenclature)
    written, unwritten = _write(settings.output.runs, with_figures(workspace, content))
    if on_written is not None and unwritten is None:
        on_written(written.path)
    return Outcome(exit_code=runner.exit_code, result=summarise(workspace, written), unwritten=unwritten)


def _write(folder: Path, content: Mapping[str, Any]) -> tuple[RunFile, StorageError | None]:
    """Hours of work are not lost for a full disk: what could not be written is still shown."""
    try:
        return runfile.write(folder, content), None
    except StorageError as error:
        return RunFile(runfile.run_id(content), folder, content), error


class _Runner:
    """Repeats one command.

    Attributes:
        exit_code: of the last repetition.
        calibrator: asked before each repetition and after the last.
    """

    def __init__(
        self, workspace: Workspace, order: Order, relay: SignalRelay, parts: Mapping[str, int | Counter]
    ) -> None:
        self.exit_code = 0
        self.calibrator = Calibrator()
        self._settings = workspace.settings
        self._order = order
        self._relay = relay
        self._parts = parts
        self._suite = suite_of(order.line.words, order.attach, Path.cwd())

    def _watched(self) -> dict[str, int | Counter]:
        """What is read at the edges beside the command; meters are opened anew for each repetition."""
        return {**self._parts, **meter_counters(self._settings)}

    def _run(self, index: int) -> CommandRun[SuiteReading]:
        """One repetition; a suite is prepared anew for each."""
        line = self._order.line
        if self._suite is None:
            return run_command(line, self._relay, index=index, parts=self._watched())
        with prepared(self._suite, line) as (told, observer, notes):
            run = run_command(told, self._relay, index=index, parts=self._watched(), observer=observer)
        return replace(run, sample=replace(run.sample, notes=(*notes, *run.sample.notes)))

    def repeat(self) -> Measured:
        """Runs it as often as asked, or until it is precise enough; the first failure is the last repetition."""
        shared_host = bool(describe_host()["virtualised"])
        plan = sampling_plan(self._settings, shared_host=shared_host, samples=self._settings.run.samples)
        began = time.monotonic()
        runs: list[CommandRun[SuiteReading]] = []
        primary: list[float] = []
        longest_s = 0.0
        while not self.exit_code and not plan.enough(primary, time.monotonic() - began, longest_s):
            self.calibrator.look()
            run = self._run(len(runs))
            self.exit_code = run.exit_code
            runs.append(run)
            primary.append(primary_s(run.sample, _trees(run)))
            longest_s = max(longest_s, run.sample.window_s)
        self.calibrator.look_last()
        counted = runs[:-1] if self.exit_code and len(runs) > 1 else runs
        samples = [replace(run.sample, notes=(*run.sample.notes, *_notes(run))) for run in counted]
        if len(counted) < len(runs):
            said = f"repetition {len(runs)} ended with exit code {self.exit_code} and is not counted"
            samples[0] = replace(samples[0], notes=(*samples[0].notes, said))
        return Measured(
            journey=Command.of(self._order.line.words, self._order.name),
            plan=plan,
            discarded=0,
            samples=tuple(samples),
            primary_s=tuple(primary[: len(counted)]),
            elapsed_s=time.monotonic() - began,
            units=(self._order.units,) * len(counted),
            record=record_of_command(self._order.units, [run.exit_code for run in runs]) | record_of_suite(counted[-1]),
        )


def _trees(run: CommandRun[SuiteReading]) -> set[str]:
    return {name for step in run.sample.steps for name in step.readings if is_part(name)}


def _notes(run: CommandRun[SuiteReading]) -> tuple[str, ...]:
    """What a reader must know of one repetition."""
    notes = []
    if run.exit_code > _SIGNALLED:
        notes.append(
            f"the command was ended by signal {run.exit_code - _SIGNALLED}: the figures are of what it did until then"
        )
    elif run.exit_code:
        notes.append(f"the command ended with exit code {run.exit_code}: the figures are of what it did until then")
    if run.observed is not None:
        notes.extend(notes_of_cases(run.observed))
    if run.left:
        notes.append(f"still running after the command ended, and not counted from then on: {', '.join(run.left)}")
    return tuple(notes)
