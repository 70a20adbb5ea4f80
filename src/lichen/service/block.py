# SPDX-License-Identifier: Apache-2.0
"""From measured blocks of a program to the same record, rows and figures as those of a command."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from lichen import redact
from lichen.collect.entities import segment
from lichen.collect.machine.processes.command import COMMAND
from lichen.collect.machine.processes.own import Span
from lichen.errors import NothingMeasured
from lichen.ledger import runfile
from lichen.ledger.runfile import RunFile
from lichen.nomenclature import Nomenclature
from lichen.records import Activity, digest, timestamp
from lichen.service.record import Measured, rows_of, run_content
from lichen.service.result import Result
from lichen.service.statement import with_figures
from lichen.service.subject import Command, facts_of_command, place_of_command, record_of_command
from lichen.service.summary import summarise
from lichen.service.workspace import Workspace
from lichen.stats.sampling import SamplingPlan


class BlockRecord:
    """Everything that is known of a block, seen through the settings in force.

    Args:
        name: of the block.
        unit_name: its functional unit.
        spans: at least one; those that failed count only when all did.

    Raises:
        NothingMeasured: the block was never entered.
    """

    def __init__(self, workspace: Workspace, name: str, unit_name: str, spans: Sequence[Span]) -> None:
        if not spans:
            raise NothingMeasured(
                f"The block '{name}' was never entered.", repair="Ask for its figures after it has ended.", culprit=name
            )
        self._workspace = workspace
        self._facts = facts_of_command(workspace, {COMMAND: place_of_command(workspace.settings)}, unit_name=unit_name)
        self._measured = _measured(name, spans)

    @property
    def lang(self) -> str:
        """Language of the settings: ``en`` or ``fr``."""
        return self._workspace.settings.lang

    @property
    def activities(self) -> list[Activity]:
        """Its rows."""
        return rows_of(self._facts, self._measured, self._nomenclature)

    def content(self) -> dict[str, Any]:
        """Its run file."""
        started_at = self._measured.samples[0].started_at
        return run_content(self._facts, started_at, timestamp(), [self._measured], self._nomenclature)

    def result(self) -> Result:
        """Its figures; nothing is written."""
        content = self.content()
        return summarise(self._workspace, RunFile(runfile.run_id(content), Path(), content))

    def write(self, folder: Path | None = None) -> Path:
        """Writes its run file, into the folder of the settings when None is given.

        Raises:
            StorageError: the folder is read-only, the disk is full.
        """
        content = with_figures(self._workspace, self.content())
        return runfile.write(folder or self._workspace.settings.output.runs, content).path

    @property
    def _nomenclature(self) -> Nomenclature:
        return self._workspace.nomenclature


def _measured(name: str, spans: Sequence[Span]) -> Measured:
    good = [one for one in spans if not one.failed]
    counted = good or list(spans)
    samples = [replace(one.sample, index=index) for index, one in enumerate(counted)]
    failures = [one.failed for one in spans if one.failed]
    if failures:
        left_out = "not counted" if good else "counted until then"
        said = f"the block was left by an exception {len(failures)} times, which is {left_out}: {failures[0]}"
        samples[0] = replace(samples[0], notes=(*samples[0].notes, said))
    units = tuple(one.units for one in counted)
    source = f"lichen.track({name!r})"
    return Measured(
        journey=Command(name=segment(redact.text(name)), source=source, source_hash=digest(source)),
        plan=SamplingPlan(minimum=len(samples), maximum=len(samples), target=None, max_s=math.inf),
        discarded=0,
        samples=tuple(samples),
        primary_s=tuple((one.sample.steps[0].readings[COMMAND].cpu_ns or 0) / 1e9 for one in counted),
        elapsed_s=math.fsum(sample.window_s for sample in samples),
        units=units,
        record=record_of_command(math.fsum(units) / len(units), []),
    )
