# SPDX-License-Identifier: Apache-2.0
"""The same bill gives the same rows to the last bit, run after run, whatever the threads that sum it."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import pytest
from tests.big_bill_support import write_part
from tests.focus_support import bring, ledger_of, project

from lichen.collect.bills.engine import DuckEngine
from lichen.service.bills import importing

pytestmark = [pytest.mark.slow, pytest.mark.beside]
ROWS: Final = 260_000
"""Three row groups of a Parquet file: a thread takes a whole one."""
THREADS: Final = (1, 2, 2, 3, 8)


def rows(bill: Path, folder: Path, threads: int, monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """All rows of the ledger after an import, sorted."""

    def opened(_: str, spool: Path) -> DuckEngine:
        return DuckEngine(spool, threads=threads)

    monkeypatch.setattr(importing, "open_engine", opened)
    workspace = project(folder)
    bring(workspace, bill)
    return sorted(ledger_of(workspace).rows("activities"), key=lambda row: str(row["activity_id"]))


def test_rows_are_the_same_to_the_last_bit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_part(tmp_path / "floats.parquet", part=1, rows=ROWS)
    first, *others = (
        rows(tmp_path / "floats.parquet", tmp_path / f"run-{number}", threads, monkeypatch)
        for number, threads in enumerate(THREADS)
    )
    assert len(first) > 1000
    assert all(other == first for other in others)
