# SPDX-License-Identifier: Apache-2.0
"""A copy of a ledger, made while others write to it.

Files are never changed, so the order alone makes the copy whole: first the log of ``runs``, then that of ``activities``, which is
the same or a little further, then the files that these logs name, then the evidence. The marker comes last: until then, nobody
takes the copy for a ledger.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final
from urllib.parse import unquote

from lichen.errors import StorageError
from lichen.ledger.evidence import FOLDER
from lichen.ledger.handles import MARKER, Handles
from lichen.ledger.location import Location
from lichen.ledger.tables import TableName

_ORDER: Final[tuple[TableName, ...]] = ("runs", "activities")
_COMMIT: Final = re.compile(r"(\d{20})\.json")
_CHECKPOINT: Final = re.compile(r"(\d{20})\.checkpoint(\..+)?\.parquet")


def copy(source: Location, target: Location) -> int:
    """Copies a ledger as it stands.

    Args:
        target: an empty place.

    Returns:
        Files copied.

    Raises:
        StorageError: the target is not empty, away or full; a file went while it was being copied.
    """
    if not target.empty():
        raise StorageError(f"{target.uri} is not empty.", repair="Name a new folder for the copy.", culprit=target.uri)
    names = [name for table in _ORDER for name in _log(source, table)]
    _take(source, target, names)
    # What the copied logs name: neither replaced files nor those that are being written.
    handles = Handles(target)
    rows = [f"{table}/{unquote(path)}" for table in _ORDER for path in handles.paths(table)]
    _take(source, target, rows)
    evidence = [stored.name for stored in source.files(FOLDER)]
    _take(source, target, [*evidence, MARKER])
    return len(names) + len(rows) + len(evidence) + 1


def _log(source: Location, table: TableName) -> Iterator[str]:
    """The log's files, without the hint at the newest checkpoint, which may be newer than what was listed."""
    names = sorted(stored.name for stored in source.files(f"{table}/_delta_log"))
    after = None
    for name in names:
        found = _COMMIT.fullmatch(name.rpartition("/")[2])
        if found and after in (
            None,
            int(found[1]),
        ):  # a listing may miss a commit that came meanwhile, and show the next
            after = int(found[1]) + 1
            yield name
    for name in names:
        found = _CHECKPOINT.fullmatch(name.rpartition("/")[2])
        if found and after is not None and int(found[1]) < after:
            yield name


def _take(source: Location, target: Location, names: list[str]) -> None:
    for name in names:
        content = source.read(name)
        if content is None:
            raise StorageError(
                f"{source.at(name)} went while it was being copied.",
                repair="Make the copy again.",
                culprit=source.at(name),
            )
        target.write(name, content)
