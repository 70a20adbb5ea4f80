# SPDX-License-Identifier: Apache-2.0
"""Removing and replacing rows, month by month: whole partitions are written anew, in one commit.

The tables' library could remove single rows by itself. The files that it rewrites then hold texts in a layout (string views) that
filters of Arrow, and so DuckDB's, fail on; those that it is handed are written as the columns are declared.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from typing import TYPE_CHECKING, Any, Final

from lichen.ledger.handles import Handles
from lichen.ledger.tables import TableName, schema

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.dataset as ds


Batches = Callable[[], "Iterable[pa.RecordBatch]"]
"""Rows to be added, from their beginning each time it is called: a commit that another writer was faster than is tried again."""


_ROW_GROUP: Final = 131_072
"""Rows that are encoded together: the writer holds those of one group for each file."""


def rewrite(
    handles: Handles, name: TableName, partitions: list[tuple[str, str, Any]], kept: ds.Expression, added: Batches
) -> int:
    """Writes partitions anew: of their rows those that are kept, and further ones. Part of `lichen.ledger.handles.committed`.

    Args:
        partitions: conditions on ``source`` and ``month``, as (column, operator, value), all of which hold.
        kept: rows of these partitions that stay.
        added: rows that come; they lie in these partitions. Columns that they lack are null.

    Returns:
        Rows that went. When none went and none came, nothing is written.

    Raises:
        CommitFailedError: another writer has added rows to these partitions meanwhile.
    """
    import pyarrow as pa
    from deltalake import WriterProperties, write_deltalake

    table = handles.fresh(name)
    dataset = table.to_pyarrow_dataset(filesystem=handles.location.system(name), file_pruning_predicate=partitions)
    gone = int(dataset.count_rows(filter=~kept))
    incoming = (batch for batch in added() if batch.num_rows)
    first = next(iter(incoming), None)
    if not gone and first is None:
        return 0
    error: list[BaseException] = []

    def rows() -> Iterator[pa.RecordBatch]:
        try:
            for batch in dataset.scanner(filter=kept, batch_readahead=2, fragment_readahead=1).to_batches():
                yield batch.cast(schema(name))
            for batch in () if first is None else chain([first], incoming):
                yield _fitted(batch, schema(name))
        except BaseException as raised:
            # What Arrow hands on of it is its text only.
            error.append(raised)
            raise

    stream = pa.RecordBatchReader.from_batches(schema(name), rows())
    try:
        write_deltalake(
            table,
            stream,
            mode="overwrite",
            predicate=_sql(partitions),
            writer_properties=WriterProperties(compression="ZSTD", max_row_group_size=_ROW_GROUP),
        )
    except Exception:
        if error:
            raise error[0] from None
        raise
    handles.location.settle(name, table.version())
    return gone


def _fitted(batch: pa.RecordBatch, wanted: pa.Schema) -> pa.RecordBatch:
    """A batch with all columns of a table in their order."""
    import pyarrow as pa

    if batch.schema.equals(wanted):
        return batch
    there = set(batch.schema.names)
    columns = [
        batch.column(field.name).cast(field.type) if field.name in there else pa.nulls(batch.num_rows, field.type)
        for field in wanted
    ]
    return pa.RecordBatch.from_arrays(columns, schema=wanted)


def _sql(partitions: list[tuple[str, str, Any]]) -> str:
    def text(value: Any) -> str:
        if isinstance(value, list | tuple):
            return f"({', '.join(text(one) for one in value)})"
        return "'" + str(value).replace("'", "''") + "'"

    return " AND ".join(f"{column} {operator} {text(value)}" for column, operator, value in partitions)
