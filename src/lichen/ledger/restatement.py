# SPDX-License-Identifier: Apache-2.0
"""Restatements: what runs say under another model, beside what they said first. Run files are never changed.

One JSON file for each restating, in the folder ``restatements`` beside the runs. Its name holds the time and the beginning of the
hash of its content; it is written whole or not at all and never changed. ``docs/run-file.md`` describes it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Final

from lichen.errors import StorageError
from lichen.ledger import runfile, shape
from lichen.records import digest

SCHEMA: Final = "lichen-restatement/1"
FOLDER: Final = "restatements"
_SUFFIX: Final = ".json"
_ID_IN_NAME: Final = 12
_NAME: Final = re.compile(r"\d{8}T\d{9}Z-[0-9a-f]{12}\.json")

_METHOD: Final[Mapping[str, Any]] = {"id": str, "version": str, "factors_hash": str}
_JOURNEY: Final[Mapping[str, Any]] = {
    "name": str, "functional_unit": str, "units": (int, float), "before": (dict, type(None)), "after": dict,
}  # fmt: skip
_RUN: Final[Mapping[str, Any]] = {
    "run_id": str, "started_at": str, "method_before": dict, "method_after": _METHOD, "journeys": [_JOURNEY],
}  # fmt: skip
_RESTATEMENT: Final[Mapping[str, Any]] = {
    "schema": str, "lichen_version": str, "made_at": str, "because": str, "as_of": (str, type(None)), "factors": [str],
    "runs": [_RUN], "effects": dict,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Restatement:
    """A restatement as it was read or written."""

    path: Path
    content: Mapping[str, Any]

    def of(self, run_id: str) -> Mapping[str, Any] | None:
        """What it says of a run; None when nothing."""
        return next((run for run in self.content["runs"] if run["run_id"] == run_id), None)


def write(folder: Path, content: Mapping[str, Any]) -> Restatement:
    """Writes a restatement.

    Args:
        folder: of the runs; the folder of restatements in it is made when it is absent.

    Raises:
        StorageError: the folder is read-only, the disk is full.
    """
    time = "".join(letter for letter in content["made_at"] if letter not in "-:.")
    path = folder / FOLDER / f"{time}-{digest(content, _ID_IN_NAME)}{_SUFFIX}"
    runfile.write_atomically(path, json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False).encode() + b"\n")
    return Restatement(path, content)


def read(path: Path) -> Restatement:
    """A restatement.

    Raises:
        StorageError: unreadable, damaged, of another schema, incomplete, or changed since it was written.
    """
    content = runfile.read_document(path)
    if not isinstance(content, dict) or content.get("schema") != SCHEMA:
        found = content.get("schema") if isinstance(content, dict) else None
        raise StorageError(
            f"{path} is no restatement of the schema {SCHEMA}: it has the schema {found}.",
            repair="Update Lichen, or take the file out of the folder.",
            culprit=str(path),
        )
    fault = next(_faults(content), None)
    if fault is None and not path.stem.endswith(digest(content, _ID_IN_NAME)):
        fault = "its content no longer has the hash in its name"
    if fault is not None:
        raise StorageError(
            f"{path} is not a whole restatement: {fault}.", repair="Fetch the original again.", culprit=str(path)
        )
    return Restatement(path, content)


def _faults(content: Mapping[str, Any]) -> Iterator[str]:
    """What a restatement lacks or has of the wrong type, one phrase each."""
    yield from shape.faults(content, _RESTATEMENT)
    try:
        date.fromisoformat(content["as_of"] or "2000-01-01")
    except ValueError:
        yield "as_of is no day"
    for number, run in enumerate(content["runs"]):
        for place, journey in enumerate(run["journeys"]):
            for key in ("before", "after"):
                if journey[key] is not None:
                    yield from shape.figure_faults(journey[key], f"runs[{number}].journeys[{place}].{key}")


def find(folder: Path) -> Iterator[Restatement]:
    """Restatements beside the runs of a folder, the newest first; raises as `read` does."""
    there = folder / FOLDER
    if there.is_dir():
        yield from (read(path) for path in sorted(there.iterdir(), reverse=True) if _NAME.fullmatch(path.name))


def of_run(folder: Path, run_id: str) -> tuple[Restatement, ...]:
    """Restatements of a run, the newest first; raises as `read` does."""
    return tuple(one for one in find(folder) if one.of(run_id) is not None)
