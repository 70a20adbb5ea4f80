# SPDX-License-Identifier: Apache-2.0
"""The ledger as everybody else sees it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, suppress
from datetime import date
from typing import TYPE_CHECKING, Any, Final

from lichen.errors import StorageError
from lichen.ledger.adopting import RowFile
from lichen.ledger.documents import Documents
from lichen.ledger.evidence import Evidence
from lichen.ledger.handles import Handles, prepare, read_marker
from lichen.ledger.location import Location, parse
from lichen.ledger.maintenance import KEEP_HOURS, Compacted, Maintenance, Retained, Status
from lichen.ledger.reader import EVERYTHING, Reader, Selection
from lichen.ledger.rewriting import Batches
from lichen.ledger.sums import LARGE, SCALE, SCALED, Key, costs, totals
from lichen.ledger.tables import Fact, RunContent, TableName
from lichen.ledger.writer import Appended, Slice, Writer

if TYPE_CHECKING:
    import ibis.expr.types as ir
    import pyarrow as pa
    from duckdb import DuckDBPyConnection

_JOIN_EVERY: Final = 64
"""Batches after which small files are joined: readers open one file for each of them."""
_REMOVE_EVERY: Final = 1024
"""Batches after which replaced files are removed."""


class Ledger:
    """Facts in Delta tables, and the files that prove them. Threads may share one; processes open their own.

    Attributes:
        evidence: files by their hash.
        documents: what is told of rows, beside the tables.
        version: of the tables' columns.
    """

    def __init__(self, location: Location, version: int) -> None:
        self._location = location
        self._handles = Handles(location)
        self.version = version
        self.evidence = Evidence(location)
        self.documents = Documents(location)
        self._writer = Writer(self._handles, self.evidence)
        self._reader = Reader(self._handles, self.evidence)
        self._maintenance = Maintenance(self._handles, self.evidence, self._reader)

    @property
    def where(self) -> str:
        """Absolute path, or ``s3://BUCKET/PREFIX``."""
        return self._location.uri

    @property
    def first_day(self) -> date | None:
        """First day that is kept, UTC; None when all are."""
        marker = read_marker(self._location)
        return None if marker is None else marker.first_day

    def check(self) -> None:
        """Makes sure that the place answers and is still a ledger; StorageError when it does not."""
        if read_marker(self._location) is None:
            raise StorageError(
                f"There is no ledger in {self.where} any more.", repair="Restore a backup.", culprit=self.where
            )

    def append_runs(self, runs: Sequence[RunContent]) -> Appended:
        """See `Writer.append_runs`. Now and then, the small files of earlier batches are joined afterwards."""
        appended = self._writer.append_runs(runs)
        if appended.batch and appended.batch % _JOIN_EVERY == 0:
            # The rows are safe: what fails here fails again, and is told, at the next append.
            with suppress(StorageError):
                self._maintenance.compact() if appended.batch % _REMOVE_EVERY == 0 else self._maintenance.join()
        return appended

    def replace(self, chosen: Slice, facts: Iterable[Fact]) -> int:
        """See `Writer.replace`."""
        return self._writer.replace(chosen, facts)

    def replace_rows(self, slices: Sequence[Slice], rows: Batches) -> int:
        """See `Writer.replace_rows`."""
        return self._writer.replace_rows(slices, rows)

    def replace_files(self, slices: Sequence[Slice], files: Sequence[RowFile]) -> int:
        """See `Writer.replace_files`."""
        return self._writer.replace_files(slices, files)

    def sources(self) -> set[str]:
        """Where rows of ``activities`` come from: ``runs``, and the names of imports."""
        return self._reader.sources()

    def state(self, sources: Collection[str]) -> str:
        """See `Reader.state`."""
        return self._reader.state(sources)

    def activities(self, selection: Selection = EVERYTHING, columns: Sequence[str] | None = None) -> pa.Table:
        """Rows of ``activities`` as an Arrow table."""
        return self._reader.table("activities", selection, columns)

    def runs(self, selection: Selection = EVERYTHING, columns: Sequence[str] | None = None) -> pa.Table:
        """Rows of ``runs`` as an Arrow table."""
        return self._reader.table("runs", selection, columns)

    def rows(
        self, table: TableName, selection: Selection = EVERYTHING, columns: Sequence[str] | None = None
    ) -> Iterator[dict[str, Any]]:
        """Rows of a table as plain values, read as they are asked for."""
        for batch in self._reader.batches(table, selection, columns):
            yield from batch

    def evaluable(self, selection: Selection = EVERYTHING) -> dict[str, list[dict[str, Any]]]:
        """Run id -> its activities, as `lichen evaluate` reads them."""
        return self._reader.evaluable(selection)

    def run(self, run_id: str) -> Mapping[str, Any]:
        """The content of a run's file; StorageError when the ledger has no such run."""
        return self._reader.run(run_id)

    def totals(
        self, by: Sequence[Key], *, peaks: Collection[str], selection: Selection = EVERYTHING
    ) -> list[dict[str, Any]]:
        """See `lichen.ledger.sums.totals`; values as floats, byte-seconds in their own unit.

        Args:
            peaks: quantities that are not additive (`Nomenclature`).
        """
        with self._reader.ibis() as tables:
            found = totals(tables["activities"], by, peaks=peaks, selection=selection).to_pyarrow().to_pylist()
        return [_as_floats(row) for row in found]

    def costs(self, by: Sequence[Key], *, selection: Selection = EVERYTHING) -> list[dict[str, Any]]:
        """See `lichen.ledger.sums.costs`; amounts as decimals."""
        with self._reader.ibis() as tables:
            found: list[dict[str, Any]] = costs(tables["activities"], by, selection=selection).to_pyarrow().to_pylist()
        return found

    def compact(self, keep_hours: int = KEEP_HOURS) -> Compacted:
        """See `Maintenance.compact`."""
        return self._maintenance.compact(keep_hours)

    def retain(self, first_day: date) -> Retained:
        """See `Maintenance.retain`."""
        return self._maintenance.retain(first_day)

    def status(self) -> Status:
        """See `Maintenance.status`."""
        return self._maintenance.status()

    def duckdb(self) -> AbstractContextManager[DuckDBPyConnection]:
        """DuckDB with the views ``activities`` and ``runs``."""
        return self._reader.duckdb()

    def ibis(self) -> AbstractContextManager[Mapping[TableName, ir.Table]]:
        """The tables as Ibis expressions."""
        return self._reader.ibis()


def open_ledger(where: str, *, create: bool = True) -> Ledger:
    """Opens a ledger, after adding the columns that an older one lacks.

    Args:
        where: a folder, or ``s3://BUCKET/PREFIX``; there, the AWS_* variables say where the store is and who asks.
        create: make one in a place that is empty or not there.

    Raises:
        StorageError: another thing lies there, it is of a newer version, damaged, away or forbidden.
    """
    location = parse(where)
    return Ledger(location, prepare(location, create=create).version)


def _as_floats(row: dict[str, Any]) -> dict[str, Any]:
    """A row of sums with its value as a float, in the unit of the rows that were summed."""
    scale, unit = (SCALE, LARGE) if row["unit"] == SCALED else (1, row["unit"])
    return {**row, "unit": unit, "value": None if row["value"] is None else float(row["value"] * scale)}
