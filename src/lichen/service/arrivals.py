# SPDX-License-Identifier: Apache-2.0
"""Runs that lie in a folder, taken into the journal as if they had been sent."""

from __future__ import annotations

import gzip
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from lichen.errors import LichenError
from lichen.ledger import RunContent, runfile
from lichen.records import ID_SHOWN, canonical_json
from lichen.service.context import ServiceContext
from lichen.service.ingest_rows import RowCheck
from lichen.store.journal import Entry, JournalWriter
from lichen.store.queries.landing import run_ids

_AT_ONCE: Final = 50


@dataclass(frozen=True, slots=True)
class Arrivals:
    """What became of the files of a folder: how many were new, and why others were left out."""

    taken: int
    refused: Sequence[str]


def take_folder(context: ServiceContext, folder: Path) -> Arrivals:
    """Takes in the runs of a folder that the store does not know, oldest first.

    A file that is damaged is named and left out; the others are taken.

    Raises:
        StorageError: the store fails.
    """
    with context.store.reading() as session:
        known = {run_id[:ID_SHOWN] for run_id in run_ids(session)}
    rows = RowCheck(context.workspace.nomenclature)
    refused: list[str] = []
    entries: list[Entry] = []
    for path in reversed([path for path in runfile.find(folder) if _shown_id(path) not in known]):
        try:
            entries.append(_entry(path, rows))
        except LichenError as error:
            refused.append(error.sentence())
    taken = 0
    with JournalWriter(context.store) as journal:
        for start in range(0, len(entries), _AT_ONCE):
            receipts = journal.put_all(entries[start : start + _AT_ONCE]).result()
            taken += sum(receipt.is_new for receipt in receipts)
    return Arrivals(taken, refused)


def _shown_id(path: Path) -> str:
    return path.name.removesuffix(runfile.SUFFIX)[-ID_SHOWN:]


def _entry(path: Path, rows: RowCheck) -> Entry:
    run = RunContent.of(runfile.read(path).content)
    rows.check(run.content["activities"], run.application)
    body = gzip.compress(canonical_json(run.content), 1, mtime=0)
    return Entry(key=run.run_id, body_sha256=run.run_id, run_id=run.run_id, application_code=run.application, body=body)
