# SPDX-License-Identifier: Apache-2.0
"""Rows as a Parquet file, for those who ask for one: its columns carry their units."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from io import BytesIO
from typing import Any

from lichen.ledger.tables import Column, schema_of


def parquet(columns: Sequence[Column], rows: Iterable[Mapping[str, Any]]) -> bytes:
    """A Parquet file.

    Args:
        columns: in their order; unit and description go into each field's metadata.
        rows: values by column; one that lacks, or is None, is null.

    Raises:
        ValueError: a value is not of its column's kind.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    fields = [
        field.with_metadata({"unit": column.unit, "description": column.about})
        for field, column in zip(schema_of(columns), columns, strict=True)
    ]
    written = BytesIO()
    try:
        table = pa.Table.from_pylist([dict(row) for row in rows], schema=pa.schema(fields))
    except pa.ArrowTypeError as error:
        raise ValueError(str(error)) from error
    pq.write_table(table, written, compression="zstd")
    return written.getvalue()
