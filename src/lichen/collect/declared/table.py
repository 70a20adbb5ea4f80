# SPDX-License-Identifier: Apache-2.0
"""Tables as people and spreadsheets save them: comma, semicolon or tab; UTF-8, UTF-16 or Windows-1252; a decimal point or comma.

Every mistake is refused with its file and line, so that nothing is taken for what it is not. Names stay as they are: whoever
shows them escapes them.
"""

from __future__ import annotations

import codecs
import csv
import io
import math
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Final, NoReturn

from lichen.collect.declared.lines import TextFile
from lichen.errors import StorageError

MAX_BYTES: Final = 32 << 20
MAX_COLUMNS: Final = 1_000
LONGEST_NAME: Final = 1_000
_SEPARATORS: Final = ";\t,"
_SPACES: Final = dict.fromkeys(map(ord, " \u00a0\u202f\u2009'’"))
_NUMBER: Final = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)", re.ASCII)
_THOUSANDS: Final = re.compile(r"[+-]?[1-9]\d{0,2}(,\d{3})+", re.ASCII)
_MOST_DIGITS: Final = 30
_SHOWN: Final = 40
"""Characters of a cell in a sentence."""
_FIRST_YEAR: Final = 1970
_LAST_YEAR: Final = 2200


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column that a table may have.

    Attributes:
        name: ours; others: what else it is called, in any letter case, with or without accents, spaces and hyphens.
        required: whether a table needs it.
    """

    name: str
    others: tuple[str, ...] = ()
    required: bool = False


class Row:
    """A line of a table: its cells by our names for their columns, and where it is."""

    def __init__(self, cells: Mapping[str, str], path: Path, line: int, *, decimal_comma: bool) -> None:
        self._cells, self._path, self.line, self._comma = cells, path, line, decimal_comma

    def refuse(self, problem: str, repair: str) -> NoReturn:
        """Refuses the table for what is in this line; ``problem`` ends without a full stop."""
        where = f"{self._path}:{self.line}"
        raise StorageError(f"{problem} ({where}).", repair=repair, culprit=where)

    def text(self, name: str) -> str | None:
        """A cell's text; None when it is empty or absent."""
        found = self._cells.get(name, "").strip()
        if len(found) > LONGEST_NAME:
            self.refuse(f"{name} has {len(found)} characters", f"Write {LONGEST_NAME} at most.")
        if any(unicodedata.category(sign) in ("Cc", "Cs") for sign in found):
            self.refuse(f"{name} holds a control character or a line break", "Take it out.")
        return found or None

    def needed(self, name: str) -> str:
        """A cell's text, which must not be empty."""
        return self.text(name) or self.refuse(f"{name} is empty", "Fill it in, or remove the line.")

    def decimal(self, name: str) -> Decimal | None:
        """A cell's number, exact; None when it is empty."""
        text = self.text(name)
        if text is None:
            return None
        plain = text.translate(_SPACES)
        if "," in plain and not self._comma and "." not in plain and _THOUSANDS.fullmatch(plain):
            self.refuse(f"{name} is '{text}', which may be two numbers", "Write it without a comma, such as 1234.5.")
        if "," in plain and "." in plain:
            group = "." if plain.rindex(",") > plain.rindex(".") else ","
            plain = plain.replace(group, "")
        plain = plain.replace(",", ".")
        if _NUMBER.fullmatch(plain) is None or len(plain) > _MOST_DIGITS:
            self.refuse(f"{name} is '{_short(text)}', not a number", "Write a plain number, such as 1234.5.")
        return Decimal(plain)

    def number(self, name: str, *, largest: float = math.inf) -> float | None:
        """A cell's number from 0 to ``largest``; None when it is empty."""
        found = self.decimal(name)
        if found is not None and not 0 <= found <= largest:
            limit = "" if math.isinf(largest) else f" to {largest:g}"
            self.refuse(f"{name} is {found}", f"Write a number from 0{limit}.")
        return None if found is None else float(found)

    def day(self, name: str) -> date | None:
        """A cell's date, ``2026-03-31``, or ``31/03/2026`` in a table with decimal commas; None when it is empty."""
        text = self.text(name)
        if text is None:
            return None
        found = re.fullmatch(r"(\d{4})-(\d\d)-(\d\d)(?:[T ][\d:.Z+-]*)?", text, re.ASCII)
        order = (1, 2, 3)
        if found is None and self._comma:
            found, order = re.fullmatch(r"(\d\d?)/(\d\d?)/(\d{4})", text, re.ASCII), (3, 2, 1)
        if found is None:
            self.refuse(f"{name} is '{_short(text)}', not a date", "Write it as 2026-03-31.")
        return self._date(name, text, *(int(found[group]) for group in order))

    def month(self, name: str) -> date:
        """First day of a cell's month: ``2026-03``, a date, or ``03/2026``."""
        text = self.needed(name)
        if found := re.fullmatch(r"(\d{4})-(\d\d?)", text, re.ASCII):
            return self._date(name, text, int(found[1]), int(found[2]), 1)
        if found := re.fullmatch(r"(\d\d?)/(\d{4})", text, re.ASCII):
            return self._date(name, text, int(found[2]), int(found[1]), 1)
        day = self.day(name)
        return day.replace(day=1) if day is not None else self.refuse(f"{name} is empty", "Write it as 2026-03.")

    def _date(self, name: str, text: str, year: int, month: int, day: int) -> date:
        try:
            found = date(year, month, day)
        except ValueError:
            self.refuse(f"{name} is '{_short(text)}', which is in no calendar", "Write it as 2026-03-31.")
        if not _FIRST_YEAR <= year <= _LAST_YEAR:
            self.refuse(f"{name} is '{_short(text)}'", f"Write a year from {_FIRST_YEAR} to {_LAST_YEAR}.")
        return found


def read_table(path: Path, columns: Sequence[Column], kind: str) -> Iterator[Row]:
    """Rows of a table; lines without any content are passed over, columns that nobody asks for too.

    Args:
        columns: those that may be there.
        kind: what the table should hold, for messages: "a table of costs".

    Raises:
        StorageError: the file cannot be read or is no such table; while iterating, a line is.
    """
    lines = _text_lines(path)
    separator = _separator(lines)
    reader = csv.reader(lines, delimiter=separator, strict=True)
    try:
        header = next(reader, [])
        if len(header) > MAX_COLUMNS:
            raise StorageError(
                f"{path} has {len(header)} columns.", repair=f"Keep {MAX_COLUMNS} at most.", culprit=f"{path}:1"
            )
        places = _places(header, columns, path, kind)
        for cells in reader:
            if any(cell.strip() for cell in cells):
                found = {name: cells[place] for name, place in places.items() if place < len(cells)}
                row = Row(found, path, reader.line_num, decimal_comma=separator == ";")
                if any(cell.strip() for cell in cells[len(header) :]):
                    row.refuse(
                        f"This line has {len(cells)} cells and the first line {len(header)}",
                        "Put numbers with a comma in quotes, or separate cells by semicolons.",
                    )
                yield row
    except csv.Error as error:
        where = f"{path}:{reader.line_num}"
        raise StorageError(
            f"The table cannot be read here: {error} ({where}).",
            repair="Look for a quote that is not closed.",
            culprit=where,
        ) from error


def header_of(path: Path) -> tuple[str, ...]:
    """Headings of a table in plain letters, none for what is no table."""
    lines = _text_lines(path)[:1]
    try:
        return tuple(plain(name) for name in next(csv.reader(lines, delimiter=_separator(lines)), []))
    except csv.Error:
        return ()


def plain(heading: str) -> str:
    """A heading without letter case, accents, spaces and signs.

    >>> plain(" Dépenses (en €) "), plain("consoElecAnnuelle")
    ('depensesen', 'consoelecannuelle')
    """
    split = unicodedata.normalize("NFKD", heading)
    return "".join(letter for letter in split if letter.isalnum() and not unicodedata.combining(letter)).lower()


def _places(header: Sequence[str], columns: Sequence[Column], path: Path, kind: str) -> dict[str, int]:
    known = {plain(name): column.name for column in columns for name in (column.name, *column.others)}
    found: dict[str, int] = {}
    for place, heading in enumerate(header):
        name = known.get(plain(heading))
        if name is None:
            continue
        if name in found:
            raise StorageError(
                f"{path} has two columns for {name}: '{_short(header[found[name]])}' and '{_short(heading)}'.",
                repair="Remove one.",
                culprit=f"{path}:1",
            )
        found[name] = place
    missing = [column.name for column in columns if column.required and column.name not in found]
    if missing:
        raise StorageError(
            f"{path} is not {kind}: it has no column {' and no column '.join(missing)}.",
            repair=f"Its first line names its columns, among {', '.join(column.name for column in columns)}.",
            culprit=f"{path}:1",
        )
    return found


def _separator(lines: Sequence[str]) -> str:
    """What separates the cells of the first line: whichever there is most of, outside of quotes."""
    first = re.sub(r'"[^"]*"?', "", lines[0]) if lines else ""
    return max(_SEPARATORS, key=first.count) if any(one in first for one in _SEPARATORS) else ","


def _text_lines(path: Path) -> list[str]:
    """Lines with their ends."""
    text = _decoded(TextFile(path).content(MAX_BYTES), path)
    if "\0" in text:
        raise StorageError(f"{path} is no text.", repair="Export the table as CSV.", culprit=str(path))
    return list(io.StringIO(text, newline=""))


def _decoded(content: bytes, path: Path) -> str:
    """Text: UTF-16 by its mark, as Matomo writes it, else UTF-8, else Windows-1252."""
    try:
        if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            return content.decode("utf-16")
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        if error.encoding.startswith("utf-16"):
            raise StorageError(f"{path} is damaged UTF-16.", repair="Export it anew.", culprit=str(path)) from error
        return content.decode("cp1252", errors="replace")


def _short(text: str) -> str:
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"
