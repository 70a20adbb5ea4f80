# SPDX-License-Identifier: Apache-2.0
"""What an engine would read past without a word is refused: lines that are dropped, zeros that become names."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest
from tests.focus_support import bring, line, on, project, rows, write

from lichen.collect.bills.opening import LONGEST_LINE
from lichen.collect.bills.scanning import Scan
from lichen.errors import StorageError
from lichen.service.bills.inputs import sha256

_BLOCK: Final = 1 << 20
_HEADINGS: Final = b"day,service,cost\n"
_LINE: Final = b"2026-10-05,storage,1.25\n"


def scanned(content: bytes, block: int = _BLOCK) -> None:
    """Scans bytes as a file of this name."""
    scan = Scan("bill.csv")
    for start in range(0, len(content), block):
        scan.take(content[start : start + block])


def _plain(content: bytes) -> bytes:
    return content


def _in_two(content: bytes) -> bytes:
    return gzip.compress(content[:40]) + gzip.compress(content[40:])


@pytest.mark.parametrize("packed", [_plain, gzip.compress, _in_two])
@pytest.mark.parametrize("end", [b"", b"\n", b"\r\n", b"\r"])
@pytest.mark.parametrize("before", [0, 3, 60_000])
def test_a_line_is_as_long_as_a_line_may_be(packed: Callable[[bytes], bytes], end: bytes, before: int) -> None:
    whole = _HEADINGS + _LINE * before
    scanned(packed(whole + b"x" * LONGEST_LINE + end))
    with pytest.raises(StorageError, match=r"^bill\.csv has a line of more than 1 MiB\."):
        scanned(packed(whole + b"x" * (LONGEST_LINE + 1) + end))


@pytest.mark.parametrize("packed", [_plain, gzip.compress])
@pytest.mark.parametrize("at", [40, 200_000, -1])
@pytest.mark.parametrize("block", [1 << 10, _BLOCK])
def test_zeros_are_no_text_wherever_they_stand(packed: Callable[[bytes], bytes], at: int, block: int) -> None:
    content = bytearray(_HEADINGS + _LINE * 60_000)
    scanned(packed(bytes(content)), block)
    content[at] = 0
    with pytest.raises(StorageError, match=r"^bill\.csv is no text\."):
        scanned(packed(bytes(content)), block)


@pytest.mark.parametrize(
    "content",
    [
        b"PAR1" + b"\0" * LONGEST_LINE * 2,
        json.dumps([{"a": "x" * LONGEST_LINE * 2}]).encode(),
        b"\xef\xbb\xbf \n{" + b"x" * LONGEST_LINE * 2,
        (_HEADINGS + _LINE).decode().encode("utf-16"),
        b"\x1f\x8b" + b"damaged" * 100,
        gzip.compress(_HEADINGS + _LINE)[:-9],
        b"",
    ],
)
def test_other_files_are_left_to_those_who_read_them(content: bytes) -> None:
    scanned(content)
    scanned(content, 7)


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("end", ["", "\n"])
def test_a_last_line_longer_than_a_buffer_is_not_lost(tmp_path: Path, packed: bool, end: str) -> None:
    workspace = project(tmp_path / "project")
    bring(workspace, write(tmp_path / "before.csv", [on(5)]))
    before = rows(workspace, "day", "quantity", "value", "effective_amount")
    plain = write(tmp_path / "bill.csv", [on(5), on(6)]).read_text(encoding="utf-8")
    last = write(tmp_path / "last.csv", [line(ChargeDescription="y" * (40 << 20))]).read_text(encoding="utf-8")
    content = (plain + last.split("\n", 1)[1].rstrip("\r\n") + end).encode()
    bill = tmp_path / "bill"
    bill.write_bytes(gzip.compress(content, 1) if packed else content)
    with pytest.raises(StorageError, match=r"bill has a line of more than 1 MiB\."):
        bring(workspace, bill)
    assert rows(workspace, "day", "quantity", "value", "effective_amount") == before


def test_a_hash_is_that_of_the_bytes(tmp_path: Path) -> None:
    file = tmp_path / "empty"
    file.write_bytes(b"")
    # FIPS 180-4: the hash of nothing.
    assert sha256(file) == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
