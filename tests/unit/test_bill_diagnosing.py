# SPDX-License-Identifier: Apache-2.0
"""The line that is wrong in a CSV file is found, and what is wrong with it."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Final

import pytest

from lichen.collect.bills.diagnosing import first_fault

HEADINGS: Final = "day,service,cost"
LINE: Final = "2026-10-05,storage,1.25"
QUOTED: Final = '2026-10-05,"two\nlines, one row",1.25'


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize(
    ("text", "line", "problem"),
    [
        (f"{HEADINGS}\n{LINE}\n2026-10-05,stor\n{LINE}\n", 3, "has 2 cells where there are 3 headings"),
        (f"{HEADINGS}\n{LINE}\nTotal\n", 3, "has 1 cell where there are 3 headings"),
        (f"{HEADINGS}\n{QUOTED}\n{LINE},more\n", 4, "has 4 cells where there are 3 headings"),
        (f"{HEADINGS}\r\n{LINE}\n{LINE}\r\n", 2, "ends in another way than the first line does"),
        (f"{HEADINGS}\n{LINE}\n{LINE}\r{LINE}\n", 3, "ends in another way than the first line does"),
        (f"\ufeff{HEADINGS}\n{LINE}\n{LINE}\r\n", 3, "ends in another way than the first line does"),
        (f'{HEADINGS}\n{QUOTED}\n2026-10-05,"storage,1.25\n{LINE}\n', 4, "has a quote that is never closed"),
    ],
)
def test_a_wrong_line_is_named(tmp_path: Path, text: str, line: int, problem: str, packed: bool) -> None:
    path = tmp_path / "bill"
    path.write_bytes(gzip.compress(text.encode()) if packed else text.encode())
    found = first_fault(path)
    assert found is not None
    assert (found.line, found.problem) == (line, problem)
    assert found.repair.endswith(".")


@pytest.mark.parametrize(
    "content",
    [
        f"{HEADINGS}\n{LINE}\n{QUOTED}\n\n\n{LINE}".encode(),
        f'{HEADINGS}\r\n{LINE}\r\n2026-10-05,"a\nb",1\r\n'.encode(),
        # Cells without a heading that hold nothing are no cells.
        f"{HEADINGS}\n{LINE},,\n".encode(),
        b"PAR1 no CSV",
        gzip.compress(f"{HEADINGS}\n{LINE}\n".encode() * 3)[:-12],
        b"",
    ],
)
def test_a_file_without_such_a_line_has_none(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "bill"
    path.write_bytes(content)
    assert first_fault(path) is None


def test_a_file_that_is_gone_has_none(tmp_path: Path) -> None:
    assert first_fault(tmp_path / "bill") is None
