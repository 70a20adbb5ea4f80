# SPDX-License-Identifier: Apache-2.0
"""What runs the expressions over the lines of a bill: DuckDB on this machine, or another engine with the same four operations.

Expressions are Ibis and are written once. An engine opens files, gives tables to expressions, and writes what they say: to a
folder of Parquet files, or as a stream of Arrow batches.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Protocol, Self

from lichen.collect.bills.diagnosing import first_fault
from lichen.collect.bills.json_rows import json_table
from lichen.collect.bills.line import ROW
from lichen.collect.bills.lines import NULLS
from lichen.collect.bills.opening import LONGEST_LINE
from lichen.errors import StorageError, UsageError

if TYPE_CHECKING:
    import ibis.expr.types as ir
    import pyarrow as pa

    from lichen.collect.bills.opening import Opened

MEMORY_MB: Final = 1200
"""What DuckDB may hold before it writes to the spool; Arrow, Delta and Python need as much again at most."""
_SHARE_OF_MACHINE: Final = 0.4
SCRATCH: Final = "scratch"
"""Folder of a spool for what an engine writes on the way."""
MASTER: Final = re.compile(r"spark://[^\s/]+|local(\[(\d+|\*)\])?")
"""Addresses of Spark."""
_PATTERN: Final = re.compile(r"[*?\[]")
"""Signs in the name of a file that DuckDB takes for a pattern."""
_LITERAL: Final = "hive_partitioning = false"
"""The name of a folder, ``BILLING_PERIOD=2026-10``, is no column."""
_LINE: Final = re.compile(r"CSV Error on Line: (\d+)")
_NUMBER: Final = "file_row_number"
"""Column that DuckDB has for the number of a row; a file may have one of this name of its own."""
_FULL: Final = re.compile(r"No space left|disk full|max_temp_directory_size|Quota exceeded", re.IGNORECASE)
_MISTAKES: Final = (
    (re.compile(r"GZIP", re.IGNORECASE), "is cut off, or is not whole gzip"),
    (re.compile(r"unterminated quote"), "has a quote that is never closed"),
    (
        re.compile(r"not utf-8|Invalid unicode|Invalid string encoding|Invalid UTF-?8|not valid UTF-?8", re.IGNORECASE),
        "holds bytes that are no UTF-8",
    ),
    (re.compile(r"Expected Number of Columns: (\d+) Found: (\d+)"), "has {1} cells where there are {0} headings"),
    (re.compile(r"Maximum line size", re.IGNORECASE), "is longer than a line can be"),
    (
        re.compile(r"magic bytes|footer|TProtocol|Thrift|Snappy|ZSTD|decompress|corrupt|too small|Out of buffer", re.IGNORECASE),
        "is cut off, or is not whole Parquet",
    ),
)  # fmt: skip
"""What DuckDB says of a file that cannot be read, and how a sentence about it goes on."""
_NO_LINE: Final = re.compile(
    r"unterminated quote|state machine|does not support a full read|Expected Number of Columns", re.IGNORECASE
)
"""DuckDB takes mixed line endings for open quotes, and does not always name the right line."""


class Engine(Protocol):
    """Runs expressions; its tables live as long as it is open."""

    @property
    def name(self) -> str:
        """Of the engine, for the manifest of an import."""
        ...

    def read(self, opened: Opened) -> ir.Table:
        """The raw columns of a file of a bill: all texts from CSV; as they are, nested ones too, from Parquet.

        Files with the same columns get the same table: it stands for the one that was read last.
        """
        ...

    def spooled(self, folders: Sequence[Path], name: str) -> ir.Table:
        """Tables that `write` wrote, with the same columns, one below the other.

        Args:
            name: of the table. It stands for the folders that were given last under it.
        """
        ...

    def table(self, name: str, rows: pa.Table) -> ir.Table:
        """A small table of this process.

        Args:
            name: unique in this engine.
        """
        ...

    def write(self, expression: ir.Table, folder: Path, *, about: Sequence[Path] = ()) -> None:
        """Writes a table as Parquet files of a folder: whole, or not at all.

        Args:
            about: files that it is read from, for the sentence about one that cannot be read.

        Raises:
            StorageError: a line or a file cannot be read, the disk is full, a sum is beyond all numbers.
        """
        ...

    def arrow(self, expression: ir.Table) -> Iterator[pa.RecordBatch]:
        """A table as a stream of batches; raises as `write`."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


class DuckEngine:
    """DuckDB in this process, without extensions and off the network.

    Args:
        spool: folder for what does not fit into memory.
        threads: all processors of this process when None.
        memory_mb: the most that it holds.
    """

    name = "duckdb"

    def __init__(self, spool: Path, *, threads: int | None = None, memory_mb: int | None = None) -> None:
        import duckdb
        import ibis

        self._scratch = spool / SCRATCH
        self._compiled: dict[Any, str] = {}
        self._views: dict[tuple[str, Any], ir.Table] = {}
        self._connection = duckdb.connect(
            ":memory:",
            config={
                "threads": threads or len(os.sched_getaffinity(0)), "memory_limit": f"{memory_mb or _memory_mb()}MB",
                "temp_directory": str(self._scratch), "preserve_insertion_order": False,
                "autoinstall_known_extensions": False, "autoload_known_extensions": False,
            },
        )  # fmt: skip
        self._connection.execute("SET TimeZone = 'UTC'")
        # It makes a join of each list of texts that stand for nothing: dozens, where comparing takes a tenth of the time.
        self._connection.execute("SET disabled_optimizers = 'in_clause'")
        self._backend = ibis.duckdb.from_connection(self._connection)

    def read(self, opened: Opened) -> ir.Table:
        """See `Engine.read`."""
        if opened.kind == "json":
            return self.table("lichen_rows", json_table(Path(opened.path)))
        if opened.kind == "parquet":
            rows = f", file_row_number AS {ROW}" if _NUMBER not in map(str.casefold, opened.columns) else ""
            return self._view(
                "lichen_file", f"read_parquet({_name(opened.path)}, {_LITERAL})", [Path(opened.path)], more=rows
            )
        columns = ", ".join(f"{_text(name)}: 'VARCHAR'" for name in opened.columns)
        nulls = ", ".join(map(_text, NULLS))
        options = (
            f"columns = {{{columns}}}, auto_detect = false, header = true, delim = {_text(opened.delimiter)}, quote = '\"', "
            f"escape = '\"', nullstr = [{nulls}], compression = {_text(opened.compression or 'none')}, "
            f"encoding = {_text(opened.encoding)}, max_line_size = {LONGEST_LINE}"
        )
        return self._view("lichen_file", f"read_csv({_name(opened.path)}, {options}, {_LITERAL})", [Path(opened.path)])

    def spooled(self, folders: Sequence[Path], name: str) -> ir.Table:
        """See `Engine.spooled`."""
        files = ", ".join(_name(str(path)) for folder in folders for path in sorted(folder.glob("*.parquet")))
        return self._view(name, f"read_parquet([{files}], {_LITERAL})", folders)

    def table(self, name: str, rows: pa.Table) -> ir.Table:
        """See `Engine.table`. A table of DuckDB's own has statistics, by which it finds the order of joins."""
        self._connection.register(f"{name}_rows", rows)
        self._connection.execute(f"CREATE OR REPLACE TEMP TABLE {name} AS SELECT * FROM {name}_rows")  # noqa: S608 - ours
        self._connection.unregister(f"{name}_rows")
        return self._backend.table(name)

    def write(self, expression: ir.Table, folder: Path, *, about: Sequence[Path] = ()) -> None:
        """See `Engine.write`."""
        with _told(about), whole(folder) as draft:
            self._connection.execute(
                f"COPY ({self._query(expression)}) TO {_text(str(draft))} "
                "(FORMAT parquet, PER_THREAD_OUTPUT true, ROW_GROUP_SIZE 122880, COMPRESSION snappy)"
            )

    def arrow(self, expression: ir.Table) -> Iterator[pa.RecordBatch]:
        """See `Engine.arrow`."""
        with _told(()):
            yield from self._connection.sql(self._query(expression)).to_arrow_reader(65_536)

    def _query(self, expression: ir.Table) -> str:
        """SQL of an expression. Files of one shape have one, and a query of a thousand words takes a while to write."""
        operation = expression.op()
        if operation not in self._compiled:
            self._compiled[operation] = self._backend.compile(expression)
        return self._compiled[operation]

    def _view(self, name: str, source: str, about: Sequence[Path], *, more: str = "") -> ir.Table:
        with _told(about):
            self._connection.execute(f"CREATE OR REPLACE TEMP VIEW {name} AS SELECT *{more} FROM {source}")  # noqa: S608 - quoted above
            columns = tuple(self._connection.execute(f"DESCRIBE {name}").fetchall())
        # What Ibis asks of a view takes as long as the sums of a small file.
        if (name, columns) not in self._views:
            self._views[name, columns] = self._backend.table(name)
        return self._views[name, columns]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._connection.close()
        shutil.rmtree(self._scratch, ignore_errors=True)


def open_engine(name: str, spool: Path) -> Engine:
    """The engine of a name.

    Args:
        name: ``duckdb``, ``spark://HOST:PORT`` or ``local[N]``.
        spool: folder for what does not fit into memory.

    Raises:
        UsageError: there is no such engine, or it is not installed.
        StorageError: a cluster does not answer.
    """
    if name == DuckEngine.name:
        return DuckEngine(spool)
    if MASTER.fullmatch(name):
        # Built on this module.
        from lichen.collect.bills.spark import SparkEngine

        return SparkEngine(name, spool)
    raise UsageError(
        f"There is no engine '{name}'.",
        repair="Use duckdb, or the address of a Spark cluster: spark://HOST:PORT, or local[2] for this machine.",
        culprit=name,
    )


@contextmanager
def whole(folder: Path) -> Iterator[Path]:
    """A place to write a folder in, which becomes that folder once it is whole."""
    draft = folder.with_name(f"{folder.name}.part")
    shutil.rmtree(draft, ignore_errors=True)
    draft.parent.mkdir(parents=True, exist_ok=True)
    yield draft
    draft.replace(folder)


def _memory_mb() -> int:
    """`MEMORY_MB`, or less on a small machine."""
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**20
    return max(256, min(MEMORY_MB, int(pages * _SHARE_OF_MACHINE)))


def _text(value: str) -> str:
    """A text of SQL."""
    return "'" + value.replace("'", "''") + "'"


def _name(path: str) -> str:
    """The name of one file, which no other file answers to, as a text of SQL."""
    return _text(_PATTERN.sub(r"[\g<0>]", path))


@contextmanager
def _told(about: Sequence[Path]) -> Iterator[None]:
    """Turns what DuckDB raises into one sentence."""
    import duckdb

    try:
        yield
    except (duckdb.BinderException, duckdb.CatalogException, duckdb.ParserException, duckdb.InternalException):
        # Ours, and no fault of a file.
        raise
    except (duckdb.Error, OSError) as error:
        raise failure(str(error), about) from error


def failure(said: str, about: Sequence[Path]) -> StorageError:
    """The sentence for what an engine says.

    Args:
        said: by the engine.
        about: files that were being read; empty when they are the import's own.
    """
    if _FULL.search(said):
        return StorageError(
            "The disk of the spool is full.", repair="Free some space and repeat the command: nothing is half written."
        )
    if re.search(r"Out of Memory", said, re.IGNORECASE):
        return StorageError(
            "The bill needs more memory than this machine has for it.",
            repair="Import fewer files at once: months one by one.",
        )
    if re.search(r"Out of Range|Overflow|OUT_OF_RANGE", said):
        return StorageError(
            "The bill adds up to a number with more than 23 digits.", repair="Look for an amount that cannot be meant."
        )
    if about:
        named = next((path for path in about if str(path) in said), about[0])
        fault = first_fault(named) if _NO_LINE.search(said) else None
        if fault is not None:
            return StorageError(f"{named}:{fault.line} {fault.problem}.", repair=fault.repair, culprit=str(named))
        line = _LINE.search(said)
        place = f"{named}:{line[1]}" if line else str(named)
        for pattern, what in _MISTAKES:
            if found := pattern.search(said):
                return StorageError(
                    f"{place} {what.format(*found.groups())}.", repair="Fetch the file again.", culprit=str(named)
                )
        first = _first_line(said)
        return StorageError(f"{place} cannot be read: {first}.", repair="Fetch the file again.", culprit=str(named))
    return StorageError(f"The bill cannot be summed: {_first_line(said)}.", repair="Repeat the command.")


def _first_line(said: str) -> str:
    return said.strip().splitlines()[0].rstrip(".") if said.strip() else "unknown"
