# SPDX-License-Identifier: Apache-2.0
"""Earlier runs that a new one is held against: those of the same machine, browser and Lichen, the newest ones."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Final

from lichen.errors import StorageError
from lichen.ledger import runfile
from lichen.ledger.runfile import RunFile
from lichen.service.gating.readings import RunReadings, fingerprint
from lichen.service.workspace import Workspace

SESSIONS_MAX: Final = 20
"""Newest runs that are looked at: what was long ago is no baseline."""
_LOOKED_AT: Final = 200
"""Run files of a folder that are opened at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """Earlier runs of a journey.

    Attributes:
        runs: of the same machine, browser and Lichen, the newest first.
        others: how many there are of others.
    """

    runs: Sequence[RunReadings]
    others: int


class Baseline:
    """A folder of run files, or one.

    Args:
        workspace: settings and data.
        place: run file, or folder; one that is not there has no runs.
        ours: ids of the runs that are held against it, which it leaves out.

    Raises:
        StorageError: a run file is damaged.
    """

    def __init__(self, workspace: Workspace, place: Path, ours: Sequence[str]) -> None:
        self._workspace = workspace
        self._ours = set(ours)
        self._single = place.is_file()
        paths = iter([place]) if self._single else runfile.find(place)
        self._read: list[RunFile] = []
        self._rest = self._files(islice(paths, _LOOKED_AT))
        self._readings: dict[str, RunReadings] = {}

    def _files(self, paths: Iterator[Path]) -> Iterator[RunFile]:
        for path in paths:
            try:
                run = runfile.read(path)
            except StorageError:
                if self._single:
                    raise
                continue  # one damaged file of a folder leaves the others a baseline
            if run.run_id not in self._ours:
                self._read.append(run)
                yield run

    def of(self, journey: str, head: RunReadings) -> History:
        """The runs of a journey that were measured before ``head``."""
        alike = fingerprint(head.run.content)
        found: list[RunReadings] = []
        others = 0
        for run in self._all():
            content = run.content
            earlier = content["started_at"] <= head.run.content["started_at"]
            if not earlier or content["project"] != head.run.content["project"] or not _has(content, journey):
                continue
            if fingerprint(content) != alike:
                others += 1
            else:
                found.append(self._readings.setdefault(run.run_id, RunReadings(self._workspace, run, head.on)))
            if len(found) == SESSIONS_MAX:
                break
        return History(runs=found, others=others)

    def _all(self) -> Iterator[RunFile]:
        """What was read, then what is left; each file is read once."""
        yield from list(self._read)
        yield from self._rest


def _has(content: Mapping[str, object], journey: str) -> bool:
    records = content["journeys"]
    return isinstance(records, list) and any(record["name"] == journey for record in records)
