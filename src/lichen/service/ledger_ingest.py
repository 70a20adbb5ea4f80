# SPDX-License-Identifier: Apache-2.0
"""The run files of a folder into the ledger."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from lichen.errors import ActivityError, StorageError
from lichen.ledger import Appended, Ledger, RunContent, runfile

_RUNS: Final = 100
_BYTES: Final = 16 * 2**20
"""A batch ends after so many runs or packed bytes: all of its rows are in memory at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ingested:
    """What became of the files of a folder.

    Attributes:
        where: the ledger.
        outcome: of the runs that were readable.
        left_out: why the other files were not.
    """

    where: str
    files: int
    outcome: Appended
    left_out: tuple[StorageError | ActivityError, ...]

    def to_json(self) -> dict[str, Any]:
        """As ``--json`` prints it."""
        return {
            "ledger": self.where,
            "files": self.files,
            **asdict(self.outcome),
            "left_out": [{"problem": error.problem, "culprit": error.culprit} for error in self.left_out],
        }


def ingest(ledger: Ledger, folder: Path, on_batch: Callable[[int, int], object]) -> Ingested:
    """Appends the run files of a folder that the ledger does not have; a file that is damaged is left out, and told.

    Args:
        on_batch: told after each batch how many files are done, and how many there are.

    Raises:
        StorageError: the folder does not exist, or the ledger is away or full.
    """
    if not folder.is_dir():
        raise StorageError(
            f"{folder} is not a folder.", repair="Name a folder of run files, or measure first.", culprit=str(folder)
        )
    paths = list(runfile.find(folder))
    outcome, done = Appended(), 0
    left_out: list[StorageError | ActivityError] = []
    for batch, errors, count in _batches(paths):
        appended, refused = _append(ledger, batch)
        outcome += appended
        left_out += [*errors, *refused]
        done += count
        on_batch(done, len(paths))
    return Ingested(where=ledger.where, files=len(paths), outcome=outcome, left_out=tuple(left_out))


def _batches(paths: Sequence[Path]) -> Iterator[tuple[list[RunContent], list[StorageError], int]]:
    batch: list[RunContent] = []
    errors: list[StorageError] = []
    packed = count = 0
    for path in paths:
        try:
            run = runfile.read(path)
            content = path.read_bytes()
        except StorageError as error:
            errors.append(error)
        else:
            batch.append(RunContent(run.run_id, run.content, content))
            packed += len(content)
        count += 1
        if count == _RUNS or packed > _BYTES:
            yield batch, errors, count
            batch, errors, packed, count = [], [], 0, 0
    if count:
        yield batch, errors, count


def _append(ledger: Ledger, batch: list[RunContent]) -> tuple[Appended, list[ActivityError]]:
    """Appends a batch; where one of its runs is refused, the others all the same."""
    try:
        return ledger.append_runs(batch), []
    except ActivityError as error:
        if len(batch) == 1:
            return Appended(), [error]
    outcome = Appended()
    refused: list[ActivityError] = []
    for run in batch:
        appended, errors = _append(ledger, [run])
        outcome += appended
        refused += errors
    return outcome, refused
