# SPDX-License-Identifier: Apache-2.0
"""A copy of a ledger, made while others write to it.

Files are never changed, so the order alone makes the copy whole: first the log of ``runs``, then that of ``activities``, which is
the same or a little further, then the files that these logs name, then the evidence and the documents. The marker comes last:
until then, nobody takes the copy for a ledger.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final
from urllib.parse import unquote

from lichen.errors import StorageError
from lichen.ledger.documents import FOLDER as DOCUMENTS
from lichen.ledger.evidence import Evidence
from lichen.ledger.handles import MARKER, Handles, read_marker
from lichen.ledger.location import Location
from lichen.ledger.tables import TableName

_ORDER: Final[tuple[TableName, ...]] = ("runs", "activities")
_COMMIT: Final = re.compile(r"(\d{20})\.json")
_CHECKPOINT: Final = re.compile(r"(\d{20})\.checkpoint(\..+)?\.parquet")


def snapshot(source: Location) -> Iterator[tuple[str, bytes]]:
    """The files of a ledger as it stands, as (name, content): whoever writes all of them in this order has a whole copy.

    There are none where there is no ledger yet.

    Raises:
        StorageError: the ledger is away, or a file went while it was being read.
    """
    if read_marker(source) is None:
        return
    versions: dict[TableName, int] = {}
    for table in _ORDER:
        names, newest = _log(source, table)
        yield from _read(source, names)
        if names:
            versions[table] = newest
    handles = Handles(source)
    for table, version in versions.items():
        # What the log above names: neither replaced files nor those that are being written.
        yield from _read(source, [f"{table}/{unquote(path)}" for path in handles.paths(table, version)])
    yield from _read(source, [stored.name for stored in Evidence(source).stored()])
    yield from _read(source, sorted(stored.name for stored in source.files(DOCUMENTS)))
    yield from _read(source, [MARKER])


def _log(source: Location, table: TableName) -> tuple[list[str], int]:
    """The log's files and the newest version in them, without the hint at the newest checkpoint, which may be newer."""
    names = sorted(stored.name for stored in source.files(f"{table}/_delta_log"))
    commits: list[str] = []
    newest = -1
    for name in names:
        found = _COMMIT.fullmatch(name.rpartition("/")[2])
        # A listing may miss a commit that came meanwhile, and show the next one.
        if found and (not commits or int(found[1]) == newest + 1):
            newest = int(found[1])
            commits.append(name)
    checkpoints = [
        name for name in names if (found := _CHECKPOINT.fullmatch(name.rpartition("/")[2])) and int(found[1]) <= newest
    ]
    return [*commits, *checkpoints], newest


def _read(source: Location, names: Iterable[str]) -> Iterator[tuple[str, bytes]]:
    for name in names:
        content = source.read(name)
        if content is None:
            raise StorageError(
                f"{source.at(name)} went while it was being copied.",
                repair="Make the copy again.",
                culprit=source.at(name),
            )
        yield name, content
