# SPDX-License-Identifier: Apache-2.0
"""What engines say of what they cannot do: damaged files are told from mistakes of our own."""

from __future__ import annotations

from pathlib import Path

import duckdb
import ibis
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lichen.collect.bills.engine import DuckEngine, failure
from lichen.collect.bills.opening import sniff
from lichen.errors import StorageError

DAMAGED = "is cut off, or is not whole Parquet."


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("IO Error: No magic bytes found at end of file 'bill.parquet'", DAMAGED),
        ('Invalid Input Error: Failed to read file "bill.parquet": Snappy decompression failure', DAMAGED),
        ("TProtocolException: Invalid data", DAMAGED),
        ("Parquet file is likely corrupted, dictionary offset out of range", DAMAGED),
        # The name of the file is no word on its state.
        (
            'IO Error: Cannot open file "bill.parquet": Permission denied',
            'cannot be read: IO Error: Cannot open file "bill.parquet": Permission denied.',
        ),
    ],
)
def test_what_an_engine_says_is_not_guessed(said: str, told: str) -> None:
    assert failure(said, [Path("bill.parquet")]).problem == f"bill.parquet {told}"


def test_a_page_that_was_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "bill.parquet"
    pq.write_table(pa.table({"a": [f"text {number}" for number in range(5000)]}), path, use_dictionary=False)
    content = bytearray(path.read_bytes())
    content[2000:3000] = b"\xff" * 1000
    path.write_bytes(content)
    with DuckEngine(tmp_path / "spool") as engine, pytest.raises(StorageError) as caught:
        engine.write(engine.read(sniff(path)), tmp_path / "spool" / "sums", about=[path])
    assert caught.value.problem == f"{path} {DAMAGED}"
    assert not (tmp_path / "spool" / "sums").exists()


@ibis.udf.scalar.builtin  # type: ignore[untyped-decorator]
def no_such_function(value: int) -> int:
    """What no engine has."""
    raise NotImplementedError


def test_a_mistake_of_our_own_is_not_the_files(tmp_path: Path) -> None:
    path = tmp_path / "bill.parquet"
    pq.write_table(pa.table({"a": [1]}), path)
    with DuckEngine(tmp_path / "spool") as engine:
        table = engine.read(sniff(path))
        wrong = table.select(made=no_such_function(table.a))
        with pytest.raises(duckdb.CatalogException, match="no_such_function"):
            engine.write(wrong, tmp_path / "spool" / "sums", about=[path])
