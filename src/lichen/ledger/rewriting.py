# SPDX-License-Identifier: Apache-2.0
"""Removing and replacing rows, month by month: whole partitions are written anew, in one commit.

The tables' library could remove single rows by itself. The files that it rewrites then hold texts in a layout (string views) that
filters of Arrow, and so DuckDB's, fail on; those that it is handed are written as the columns are declared.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from lichen.ledger.handles import Handles
from lichen.ledger.tables import TableName, schema

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.dataset as ds


def rewrite(
    handles: Handles, name: TableName, partitions: list[tuple[str, str, Any]], kept: ds.Expression, added: pa.Table
) -> int:
    """Writes partitions anew: of their rows those that are kept, and further ones. Part of `lichen.ledger.handles.committed`.

    Args:
        partitions: conditions on ``source`` and ``month``, as (column, operator, value), all of which hold.
        kept: rows of these partitions that stay.
        added: rows that come; they lie in these partitions.

    Returns:
        Rows that went. When none went and none came, nothing is written.

    Raises:
        CommitFailedError: another writer has added rows to these partitions meanwhile.
    """
    import pyarrow as pa
    from deltalake import write_deltalake

    table = handles.fresh(name)
    dataset = table.to_pyarrow_dataset(filesystem=handles.location.system(name), file_pruning_predicate=partitions)
    gone = int(dataset.count_rows(filter=~kept))
    if not gone and not added.num_rows:
        return 0

    def rows() -> Iterator[pa.RecordBatch]:
        yield from dataset.scanner(filter=kept, batch_readahead=2, fragment_readahead=1).to_batches()
        yield from added.to_batches()

    stream = pa.RecordBatchReader.from_batches(schema(name), (batch.cast(schema(name)) for batch in rows()))
    write_deltalake(table, stream, mode="overwrite", predicate=_sql(partitions))
    handles.location.settle(name, table.version())
    return gone


def _sql(partitions: list[tuple[str, str, Any]]) -> str:
    quoted = ((column, operator, str(value).replace("'", "''")) for column, operator, value in partitions)
    return " AND ".join(f"{column} {operator} '{value}'" for column, operator, value in quoted)
