# SPDX-License-Identifier: Apache-2.0
"""Columns as a Parquet file, for exports."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from io import BytesIO
from typing import Any

_DIGITS = (26, 6)
"""Digits of an amount of money, in all and behind the mark: sums of amounts fit."""


def parquet(columns: Mapping[str, tuple[type, Sequence[Any]]]) -> bytes:
    """A Parquet file of columns, None being null.

    Args:
        columns: name -> type (str, float, int, bool, date or Decimal) and values, all of one length.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    types = {
        str: pa.string(), float: pa.float64(), int: pa.int64(), bool: pa.bool_(), date: pa.date32(),
        Decimal: pa.decimal128(*_DIGITS),
    }  # fmt: skip
    table = pa.table({name: pa.array(list(values), types[kind]) for name, (kind, values) in columns.items()})
    sink = BytesIO()
    pq.write_table(table, sink, compression="zstd")
    return sink.getvalue()
