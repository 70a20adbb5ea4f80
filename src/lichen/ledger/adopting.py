# SPDX-License-Identifier: Apache-2.0
"""Rows that an engine has written to Parquet files: the files become part of a table as they are, in one commit.

Millions of rows are written by all processors then, where handing them over row by row keeps one of them busy.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote
from uuid import uuid4

from lichen.errors import LichenError
from lichen.ledger.handles import Handles
from lichen.ledger.tables import PARTITIONS, TableName, row_columns, schema

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.dataset as ds
    import pyarrow.parquet as pq
    from deltalake.transaction import AddAction

_ADOPTIONS: Final = "lichen-adoptions"
"""Application that these commits are numbered under in the log: of two at once, one looks again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RowFile:
    """A Parquet file on this machine with rows of one partition: the columns of the table but those of `PARTITIONS`.

    Attributes:
        path: it is moved away.
    """

    source: str
    month: str
    path: Path

    def days(self) -> pa.Array:
        """The days that it has rows of."""
        import pyarrow.parquet as pq

        with pq.ParquetFile(self.path) as file:
            return file.read(columns=["day"])["day"].unique()


def check_columns(files: Sequence[RowFile], name: TableName) -> None:
    """Refuses files with other columns than a table's.

    Raises:
        ValueError: columns lack, or are of another type.
    """
    import pyarrow.parquet as pq

    wanted = {field.name: field.type for field in row_columns(name)}
    for file in files:
        found = {field.name: field.type for field in pq.read_schema(file.path)}
        if found != wanted:
            odd = sorted(key for key in wanted.keys() | found.keys() if wanted.get(key) != found.get(key))
            raise ValueError(f"{file.path} has other columns than {name}: {', '.join(odd)}")


class Adoption:
    """Files on their way into a table; commits are tried with `attempt` until no other writer was faster.

    Args:
        handles: of the ledger.
        name: of the table.
        partitions: conditions on ``source`` and ``month`` that all files fulfil, as (column, operator, value).
        kept: which rows of these partitions stay; asked where they have any.
    """

    def __init__(
        self,
        handles: Handles,
        name: TableName,
        partitions: list[tuple[str, str, Any]],
        kept: Callable[[], ds.Expression],
    ) -> None:
        self._handles, self._name, self._partitions, self._kept = handles, name, partitions, kept
        self._placed: list[AddAction] = []

    def place(self, files: Sequence[RowFile]) -> int:
        """Moves files to where the table has its own; rows of them. No reader sees them before a commit.

        Files that no commit follows are removed by the next compaction.
        """
        try:
            return sum(map(self._place, files))
        except BaseException:
            for action in self._placed:
                with suppress(LichenError):
                    self._handles.location.remove(f"{self._name}/{action.path}")
            raise

    def _place(self, file: RowFile) -> int:
        import pyarrow.parquet as pq

        metadata = pq.read_metadata(file.path)
        if metadata.num_rows:
            folder = "/".join(f"{key}={quote(getattr(file, key), safe='')}" for key in PARTITIONS)
            path, size = f"{folder}/part-{uuid4()}.parquet", file.path.stat().st_size
            self._handles.location.take(file.path, f"{self._name}/{path}")
            self._placed.append(_action(path, {"source": file.source, "month": file.month}, size, metadata))
        return int(metadata.num_rows)

    def attempt(self) -> None:
        """Commits the files in place of the rows that do not stay.

        Raises:
            CommitFailedError: another writer was faster.
        """
        from deltalake import CommitProperties, Transaction

        table = self._handles.fresh(self._name)
        stay: list[AddAction] = []
        # To look for rows where there are none, as in months that are new, takes as long as to write them.
        if table.file_uris(file_pruning_predicate=self._partitions):
            dataset = table.to_pyarrow_dataset(
                filesystem=self._handles.location.system(self._name), file_pruning_predicate=self._partitions
            )
            kept = self._kept()
            if not self._placed and not dataset.count_rows(filter=~kept):
                return
            stay = list(self._staying(dataset, kept)) if dataset.count_rows(filter=kept) else []
        elif not self._placed:
            return
        number = int(table.transaction_version(_ADOPTIONS) or 0) + 1
        table.create_write_transaction(
            [*self._placed, *stay], "overwrite", table.schema(), list(PARTITIONS), self._partitions,
            commit_properties=CommitProperties(app_transactions=[Transaction(_ADOPTIONS, number)]),
        )  # fmt: skip
        self._handles.location.settle(self._name, self._handles.fresh(self._name).version())

    def _staying(self, dataset: ds.Dataset, kept: ds.Expression) -> Iterator[AddAction]:
        """Rows of the partitions that stay, in files of their own."""
        import pyarrow as pa
        import pyarrow.dataset as pds

        columns = schema(self._name)
        written: list[Any] = []
        file_format = pds.ParquetFileFormat()
        pds.write_dataset(
            dataset.scanner(filter=kept, batch_readahead=2, fragment_readahead=1),
            "",
            filesystem=self._handles.location.system(self._name),
            format=file_format,
            file_options=file_format.make_write_options(compression="zstd"),
            partitioning=pds.partitioning(pa.schema([columns.field(key) for key in PARTITIONS]), flavor="hive"),
            basename_template=f"kept-{uuid4()}-{{i}}.parquet",
            existing_data_behavior="overwrite_or_ignore",
            file_visitor=written.append,
        )
        for file in written:
            values = dict(zip(PARTITIONS, _values(file.path), strict=True))
            yield _action(file.path.lstrip("/"), values, file.size, file.metadata)


def _values(path: str) -> list[str]:
    """Values of the partition that a file lies in."""
    from urllib.parse import unquote

    return [unquote(part.partition("=")[2]) for part in path.strip("/").split("/")[:-1]]


def _action(path: str, values: dict[str, str], size: int, metadata: pq.FileMetaData) -> AddAction:
    from deltalake.transaction import AddAction

    # Rows alone: where bounds of some columns are told, the tables' library takes those of the others for null, and readers
    # leave the file out. They find the bounds of each group of rows in the file itself.
    return AddAction(
        path=path, size=size, partition_values=values, modification_time=int(time.time() * 1000), data_change=True,
        stats=json.dumps({"numRecords": metadata.num_rows}),
    )  # fmt: skip
