# SPDX-License-Identifier: Apache-2.0
"""Keeping a ledger small: many small files become few, old rows go, and so do files that nobody reads any more.

All of it may run while others write and read. A commit replaces files and leaves the old ones to those who are reading them; they
are removed once they are old enough.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Final

from lichen.errors import StorageError
from lichen.ledger.evidence import Evidence
from lichen.ledger.handles import TABLES, Handles, committed, read_marker, write_marker
from lichen.ledger.reader import Reader
from lichen.ledger.rewriting import rewrite
from lichen.ledger.tables import TableName, month_of

if TYPE_CHECKING:
    from deltalake import DeltaTable

KEEP_HOURS: Final = 24
"""How long replaced files stay for those who are reading them."""
_UNCOMMITTED_HOURS: Final = 1
"""A file that no commit names may belong to a writer that is about to name it; so long no writer takes."""
_FILE_BYTES: Final = 64 * 2**20


@dataclass(frozen=True, slots=True, kw_only=True)
class Compacted:
    """What a compaction did.

    Attributes:
        files_before, files_after: of both tables, in the newest state.
        files_removed: replaced earlier, or left by a writer that died.
        evidence_removed: files that no row names.
    """

    files_before: int
    files_after: int
    files_removed: int
    evidence_removed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Retained:
    """What a retention did: first day that is kept, and what went."""

    first_day: date
    runs: int
    activities: int
    evidence_removed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """What a ledger holds.

    Attributes:
        activities: rows by source.
        first_day, last_day: of all rows; None when there are none.
        table_files, table_bytes, evidence_files, evidence_bytes: in the newest state.
        retained_from: first day that is kept; None when all are.
    """

    where: str
    version: int
    runs: int
    activities: dict[str, int]
    applications: int
    first_day: date | None
    last_day: date | None
    table_files: int
    table_bytes: int
    evidence_files: int
    evidence_bytes: int
    retained_from: date | None


class Maintenance:
    """Maintains one ledger."""

    def __init__(self, handles: Handles, evidence: Evidence, reader: Reader) -> None:
        self._handles = handles
        self._evidence = evidence
        self._reader = reader

    def compact(self, keep_hours: int = KEEP_HOURS) -> Compacted:
        """Joins small files, and removes what was replaced longer ago than ``keep_hours``.

        Raises:
            StorageError: the place is away, full or forbidden; ``keep_hours`` is negative.
        """
        if keep_hours < 0:
            raise StorageError(f"{keep_hours} hours cannot be kept.", repair="Give 0 or more.", culprit=str(keep_hours))
        before = sum(len(self._handles.fresh(name).file_uris()) for name in TABLES)
        tables = self.join()
        removed = 0
        for name, table in tables.items():
            with self._handles.location.told(name):
                for hours, full in ((keep_hours, False), (max(keep_hours, _UNCOMMITTED_HOURS), True)):
                    # full: also what a writer left that died before its commit.
                    gone = table.vacuum(hours, dry_run=False, enforce_retention_duration=False, full=full)
                    removed += len(gone)
                table.create_checkpoint()
                table.cleanup_metadata()
        return Compacted(
            files_before=before,
            files_after=sum(len(table.file_uris()) for table in tables.values()),
            files_removed=removed,
            evidence_removed=self._evidence.sweep(
                self._named(), until=datetime.now(UTC) - timedelta(hours=max(keep_hours, _UNCOMMITTED_HOURS))
            ),
        )

    def join(self) -> dict[TableName, DeltaTable]:
        """Joins small files and leaves the replaced ones; the tables afterwards.

        Raises:
            StorageError: the place is away, full or forbidden.
        """
        return {name: committed(self._handles.location, name, partial(self._joined, name)) for name in TABLES}

    def _joined(self, name: TableName) -> DeltaTable:
        table = self._handles.fresh(name)
        # One at a time: a server shares this memory.
        table.optimize.compact(target_size=_FILE_BYTES, max_concurrent_tasks=1)
        return table

    def retain(self, first_day: date) -> Retained:
        """Removes all rows from before a day, and the evidence that no row names any more.

        Runs from before that day are not appended again. The rows' files go with the first compaction after `KEEP_HOURS`.

        Raises:
            StorageError: the place is away, full or forbidden.
        """
        location = self._handles.location
        began = datetime.now(UTC)
        before = self._named()
        marker = read_marker(location)
        # The mark first: a run that is appended meanwhile is refused, or removed below.
        if marker is not None and (marker.first_day is None or marker.first_day < first_day):
            write_marker(location, replace(marker, retained_from=first_day.isoformat()))
        removed = {name: committed(location, name, partial(self._without, name, first_day)) for name in TABLES}
        after = self._named()
        swept = self._evidence.sweep(after, until=began, among=before - after)
        return Retained(
            first_day=first_day, runs=removed["runs"], activities=removed["activities"], evidence_removed=swept
        )

    def _without(self, name: TableName, first_day: date) -> int:
        import pyarrow.dataset as ds

        partitions = [("month", "<=", month_of(first_day))]
        return rewrite(self._handles, name, partitions, ds.field("day") >= first_day, tuple)

    def _named(self) -> set[str]:
        """Evidence that rows name."""
        with self._reader.ibis() as tables:
            found = [tables[name].select("artefact_sha256").distinct().to_pyarrow() for name in TABLES]
        return {sha256 for column in found for sha256 in column["artefact_sha256"].to_pylist() if sha256}

    def status(self) -> Status:
        """What the ledger holds now.

        Raises:
            StorageError: the place is away, or a table is damaged.
        """
        location = self._handles.location
        marker = read_marker(location)
        with self._handles.location.told("activities"), self._reader.ibis() as tables:
            rows = tables["activities"]
            by_source = rows.group_by("source").aggregate(rows=rows.count()).to_pyarrow().to_pylist()
            about = rows.aggregate(
                applications=rows.application.nunique(), first_day=rows.day.min(), last_day=rows.day.max()
            )
            told = about.to_pyarrow().to_pylist()[0]
            runs = int(tables["runs"].count().to_pyarrow().as_py())
        sizes = [size for name in TABLES for size in _sizes(self._handles.fresh(name))]
        kept = [stored.size for stored in self._evidence.stored()]
        return Status(
            where=location.uri,
            version=marker.version if marker else 0,
            runs=runs,
            activities={row["source"]: row["rows"] for row in sorted(by_source, key=lambda row: row["source"])},
            applications=told["applications"],
            first_day=told["first_day"],
            last_day=told["last_day"],
            table_files=len(sizes),
            table_bytes=sum(sizes),
            evidence_files=len(kept),
            evidence_bytes=sum(kept),
            retained_from=marker.first_day if marker else None,
        )


def _sizes(table: DeltaTable) -> list[int]:
    """Bytes of each file of a table."""
    import pyarrow as pa

    found: list[int] = pa.table(table.get_add_actions())["size_bytes"].to_pylist()
    return found
