# SPDX-License-Identifier: Apache-2.0
"""Reading the tables: rows as they are, and sums with DuckDB over Arrow. A reading sees one state of a table."""

from __future__ import annotations

import tempfile
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from functools import reduce
from operator import and_
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from lichen.errors import StorageError
from lichen.ledger.evidence import Evidence
from lichen.ledger.handles import Handles
from lichen.ledger.tables import COLUMNS, RUNS_SOURCE, TableName, activity_json, month_of
from lichen.records import ID_SHOWN, digest

if TYPE_CHECKING:
    import ibis.expr.types as ir
    import pyarrow as pa
    import pyarrow.dataset as ds
    from duckdb import DuckDBPyConnection

_MEMORY: Final = "256MB"
_THREADS: Final = 2
_SPAN: Final = ("started_at", "ended_at")
_STATE: Final = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Which rows; None means all.

    Attributes:
        first_day, end_day: of ``day``; the end is not part of it. They spare the reading of other months' files.
    """

    applications: Collection[str] | None = None
    run_ids: Collection[str] | None = None
    sources: Collection[str] | None = None
    quantities: Collection[str] | None = None
    first_day: date | None = None
    end_day: date | None = None

    def words(self, table: TableName) -> list[tuple[str, Collection[str]]]:
        """Columns of a table with the values that are asked for."""
        asked = (
            ("application", self.applications), ("run_id", self.run_ids), ("source", self.sources),
            ("quantity", self.quantities if table == "activities" else None),
        )  # fmt: skip
        return [(name, values) for name, values in asked if values is not None]

    def months(self) -> tuple[str, str]:
        """First and last month of the days."""
        last = "9999-12" if self.end_day is None else month_of(self.end_day - timedelta(days=1))
        return "0001-01" if self.first_day is None else month_of(self.first_day), last

    def given(self) -> bool:
        """Whether anything is asked for."""
        return bool(self.words("activities")) or self.first_day is not None or self.end_day is not None

    def filter(self, table: TableName) -> ds.Expression | None:
        """The same as an expression of Arrow; None for all rows."""
        import pyarrow as pa
        import pyarrow.dataset as ds

        found = [ds.field(name).isin(pa.array(list(values), pa.string())) for name, values in self.words(table)]
        if self.first_day is not None:
            found += [ds.field("month") >= self.months()[0], ds.field("day") >= self.first_day]
        if self.end_day is not None:
            found += [ds.field("month") <= self.months()[1], ds.field("day") < self.end_day]
        return reduce(and_, found) if found else None


EVERYTHING: Final = Selection()


class Reader:
    """Reads one ledger, for all threads of a process."""

    def __init__(self, handles: Handles, evidence: Evidence) -> None:
        self._handles = handles
        self._evidence = evidence

    def dataset(self, name: TableName) -> ds.Dataset:
        """A table as it stands now, for any engine that reads Arrow; later commits do not show in it.

        Raises:
            StorageError: the place is away, or the log is damaged.
        """
        with self._handles.lock, self._handles.location.told(name):
            return self._handles.table(name).to_pyarrow_dataset(filesystem=self._handles.location.system(name))

    def sources(self) -> set[str]:
        """Where rows of ``activities`` come from, as the log of the table tells."""
        with self._handles.lock, self._handles.location.told("activities"):
            return {row["source"] for row in self._handles.table("activities").partitions()}

    def state(self, sources: Collection[str]) -> str:
        """Another one whenever rows of some sources may have changed: a hash of the files that hold them, by the table's log."""
        import pyarrow as pa

        with self._handles.lock, self._handles.location.told("activities"):
            files = pa.table(self._handles.table("activities").get_add_actions(flatten=True))
        held = zip(files["partition.source"].to_pylist(), files["path"].to_pylist(), strict=True)
        return digest(sorted(path for source, path in held if source in sources), _STATE)

    def table(self, name: TableName, selection: Selection, columns: Sequence[str] | None) -> pa.Table:
        """Rows of a table, in memory."""
        dataset = self.dataset(name)
        with self._handles.location.told(name):
            return dataset.to_table(columns=None if columns is None else list(columns), filter=selection.filter(name))

    def batches(
        self, name: TableName, selection: Selection, columns: Sequence[str] | None
    ) -> Iterator[list[dict[str, Any]]]:
        """Rows of a table as plain values, some thousands at a time."""
        dataset = self.dataset(name)
        with self._handles.location.told(name):
            for batch in dataset.to_batches(
                columns=None if columns is None else list(columns), filter=selection.filter(name),
                batch_size=8192, batch_readahead=2, fragment_readahead=1,
            ):  # fmt: skip
                yield batch.to_pylist()

    def evaluable(self, selection: Selection) -> dict[str, list[dict[str, Any]]]:
        """Activities by run, each as `lichen evaluate` reads it; those of imports with their own time, as no run tells it."""
        found: dict[str, list[dict[str, Any]]] = {}
        for rows in self.batches("activities", selection, None):
            for row in rows:
                own = {} if row["source"] == RUNS_SOURCE else {name: row[name].isoformat() for name in _SPAN}
                found.setdefault(row["run_id"], []).append({**activity_json(row), **own})
        return found

    def run(self, run_id: str) -> Mapping[str, Any]:
        """The content of a run's file.

        Raises:
            StorageError: the ledger has no such run.
        """
        rows = self.table("runs", Selection(run_ids=[run_id]), ["artefact_sha256"]).to_pylist()
        if not rows:
            raise StorageError(
                f"The ledger {self._handles.location.uri} has no run {run_id[:ID_SHOWN]}.",
                repair="lichen ledger ingest appends the run files of a folder.",
                culprit=run_id,
            )
        return self._evidence.run(rows[0]["artefact_sha256"])

    @contextmanager
    def duckdb(self) -> Iterator[DuckDBPyConnection]:
        """DuckDB with the views ``activities`` and ``runs``, in memory, without extensions and off the network."""
        import duckdb

        connection = duckdb.connect(
            ":memory:",
            config={
                "threads": _THREADS, "memory_limit": _MEMORY, "autoinstall_known_extensions": False,
                "autoload_known_extensions": False,
                "temp_directory": str(Path(tempfile.gettempdir(), "lichen-duckdb")),
            },
        )  # fmt: skip
        try:
            for name in COLUMNS:
                connection.register(name, self.dataset(name))
            yield connection
        finally:
            connection.close()

    @contextmanager
    def ibis(self) -> Iterator[Mapping[TableName, ir.Table]]:
        """The tables as Ibis expressions on DuckDB; the same expressions run on Spark."""
        import ibis

        with self.duckdb() as connection:
            backend = ibis.duckdb.from_connection(connection)
            yield {name: backend.table(name) for name in COLUMNS}
