# SPDX-License-Identifier: Apache-2.0
"""The page of the ledger names every column, and what it tells to type works."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from tests.ledger_support import opened, row, run_of

from lichen.ledger.tables import COLUMNS, TableName

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "ledger.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```python\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
_TYPES = {
    "text": "string", "number": "double", "integer": "bigint", "moment": "timestamp (UTC)", "day": "date",
    "numbers": "list of double", "texts": "list of string", "money": "decimal(26, 6)", "exact": "decimal(38, 15)",
}  # fmt: skip


@pytest.mark.parametrize("table", COLUMNS)
def test_every_column_is_described_with_its_type_and_unit(table: TableName) -> None:
    section = PAGE.partition(f"\n## {table}\n")[2].partition("\n## ")[0]
    rows = [line for line in section.splitlines() if line.startswith("| `")]
    assert rows == [
        f"| `{column.name}` | {_TYPES[column.kind]} | {column.unit} | {column.about} |" for column in COLUMNS[table]
    ]


def test_there_are_examples() -> None:
    assert len(BLOCKS) >= 5
    for tool in ("duckdb", "polars", "to_pandas", ".ibis()", ".totals("):
        assert any(tool in block for block in BLOCKS), tool


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block.split()[1])
def test_an_example_prints_the_cpu_seconds_of_each_application(block: str, tmp_path: Path) -> None:
    runs = [
        run_of(row(value=1.5), row("network_bytes", 7e5)),
        run_of(row(value=2.0), version="2"),
        run_of(row(value=0.25, app="shop"), project="shop"),
    ]
    opened(tmp_path / ".lichen" / "ledger", runs)
    answer = subprocess.run(
        [sys.executable, "-c", block], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False
    )
    assert answer.returncode == 0, answer.stderr
    if "evaluable" in block:
        assert all(run.run_id in answer.stdout for run in runs)
    for application, cpu_s in (("loans", "3.5"), ("shop", "0.25")):
        assert application in answer.stdout
        assert cpu_s in answer.stdout, answer.stdout
