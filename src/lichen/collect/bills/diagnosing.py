# SPDX-License-Identifier: Apache-2.0
"""The line of a CSV file that an engine stumbles over and does not name: read again, slowly, by the rules of RFC 4180."""

from __future__ import annotations

import csv
import gzip
import io
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final, cast

from lichen.collect.bills.opening import sniff
from lichen.errors import LichenError

_MOST_LINES: Final = 5_000_000
"""Read before it is given up: a minute."""


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with a line.

    Attributes:
        line: number of the line, the headings' being 1.
        problem: how a sentence that begins with the line goes on.
    """

    line: int
    problem: str
    repair: str


def first_fault(path: Path) -> Fault | None:
    """The first line of a CSV file that breaks its table; None where none is found, or the file is no CSV."""
    try:
        opened = sniff(path)
        if opened.kind != "csv":
            return None
        with path.open("rb") as file:
            raw = gzip.GzipFile(fileobj=file) if opened.compression else file
            text = io.TextIOWrapper(cast("IO[bytes]", raw), encoding="utf-8-sig", errors="replace", newline="")
            return _first_fault(text, opened.delimiter, len(opened.columns))
    except (LichenError, OSError, EOFError, zlib.error):
        # Damaged in another way, which its reader tells.
        return None


def _first_fault(text: io.TextIOWrapper, delimiter: str, width: int) -> Fault | None:
    last = ""

    def lines() -> Iterator[str]:
        nonlocal last
        for _, last in zip(range(_MOST_LINES), text, strict=False):
            yield last

    reader = csv.reader(lines(), delimiter=delimiter, strict=True)
    wanted, begun = "", 1
    try:
        for row in reader:
            ending = last[len(last.rstrip("\r\n")) :]
            wanted = wanted or ending
            if row and len(row) != width and any(row[width:] or [True]):
                problem = f"has {len(row)} cell{'' if len(row) == 1 else 's'} where there are {width} headings"
                return Fault(begun, problem, "Export the bill anew, or take this line out.")
            if ending not in ("", wanted):
                return Fault(
                    begun,
                    "ends in another way than the first line does",
                    "Save the bill anew, with all lines ending alike.",
                )
            begun = reader.line_num + 1
    except csv.Error as error:
        if "end of data" in str(error):
            return Fault(begun, "has a quote that is never closed", "Fetch the file again.")
    return None
