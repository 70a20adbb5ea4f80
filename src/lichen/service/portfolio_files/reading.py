# SPDX-License-Identifier: Apache-2.0
"""Portfolio files, read and checked key by key. `planning` checks what they mean together, and with the store."""

from __future__ import annotations

import csv
import difflib
import io
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from lichen.config.names import nearest
from lichen.config.toml import lines_of, read_toml, repair_of
from lichen.errors import StorageError, UsageError
from lichen.service.portfolio_files.tables import TABLES, Field, Row, Table

LARGEST_BYTES: Final = 32 * 2**20
GUARDED: Final = "=+-@\t\r\uff1d\uff0b\uff0d\uff20"
"""First characters that make a spreadsheet take a text for a formula, the full-width ones of East Asia included."""
GUARD: Final = "'"


@dataclass(frozen=True, slots=True)
class Given:
    """A row of a file: the values of its keys, emptied ones included, and where it stands."""

    table: Table
    values: Row
    place: str


def read_files(paths: Sequence[Path]) -> list[Given]:
    """All rows of the files, in the order in which tables refer to each other.

    Args:
        paths: TOML files, CSV files named after their table, or folders of these CSV files.

    Raises:
        StorageError: a file cannot be read.
        UsageError: it is neither TOML nor CSV, or holds an unknown table or key, or a wrong value.
    """
    found: list[Given] = []
    for path in paths:
        for file in _files_of(path):
            found += _read_csv(file) if file.suffix.lower() == ".csv" else _read_toml_file(file)
    order = list(TABLES)
    return sorted(found, key=lambda given: order.index(given.table.name))


def _files_of(path: Path) -> list[Path]:
    try:
        if path.is_dir():
            files = sorted(file for file in path.iterdir() if file.suffix.lower() == ".csv")
            if not files:
                raise StorageError(
                    f"The folder {path} has no CSV file.", repair=f"Tables: {', '.join(TABLES)}.", culprit=str(path)
                )
            return files
        size = path.stat().st_size
    except (OSError, ValueError) as error:
        raise _unreadable(path, error) from error
    if path.suffix.lower() not in (".csv", ".toml"):
        raise UsageError(
            f"{path} is neither TOML nor CSV.",
            repair="Name a .toml file, .csv files, or a folder of them.",
            culprit=str(path),
        )
    if size > LARGEST_BYTES:
        raise StorageError(
            f"{path} is larger than {LARGEST_BYTES // 2**20} MiB.", repair="Import it in pieces.", culprit=str(path)
        )
    return [path]


def _unreadable(path: Path, error: Exception) -> StorageError:
    if isinstance(error, UnicodeDecodeError):
        return StorageError(
            f"{path} is not UTF-8 text (byte {error.start}).", repair="Save it as UTF-8.", culprit=str(path)
        )
    said = (error.strerror if isinstance(error, OSError) else None) or error
    return StorageError(f"{path} cannot be read: {said}.", repair="Name a readable file.", culprit=str(path))


def _read_toml_file(path: Path) -> list[Given]:
    try:
        content, text = read_toml(path)
    except tomllib.TOMLDecodeError as error:
        raise UsageError(
            f"{path} is not TOML: {error}.", repair=repair_of(path, str(error)), culprit=str(path)
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        raise _unreadable(path, error) from error
    lines = lines_of(text)

    def place(dotted: str) -> str:
        line = lines.get(dotted) or lines.get(f"{dotted}.0")  # a table is where its first row is
        return f"{path}:{line}" if line else str(path)

    return list(rows_of_content(content, place))


def rows_of_content(content: Mapping[str, Any], place: Callable[[str], str]) -> Iterator[Given]:
    """The rows of a document, checked.

    Args:
        content: as TOML gives it.
        place: where a dotted key stands, for messages.

    Raises:
        UsageError: an unknown table or key, or a wrong value.
    """
    for name, rows in content.items():
        table = _table(name, place(name))
        if table.is_one != isinstance(rows, dict) or not (isinstance(rows, dict) or _is_list_of_tables(rows)):
            wanted = f"[{name}]" if table.is_one else f"[[{name}]]"
            raise UsageError(
                f"'{name}' is written otherwise than {wanted} ({place(name)}).",
                repair=f"Write {wanted}.",
                culprit=place(name),
            )
        for position, row in enumerate([rows] if isinstance(rows, dict) else rows):
            dotted = name if table.is_one else f"{name}.{position}"
            values = {
                key: _value(_field(table, key, place(f"{dotted}.{key}")), raw, place(f"{dotted}.{key}"))
                for key, raw in row.items()
            }
            yield Given(table, values, place(dotted))


def _is_list_of_tables(rows: object) -> bool:
    return isinstance(rows, list) and all(isinstance(row, dict) for row in rows)


def _read_csv(path: Path) -> Iterator[Given]:
    table = _table(path.stem, str(path))
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise _unreadable(path, error) from error
    # Only ends of lines part rows: a text may hold other characters that Python counts as such.
    lines = io.StringIO(text, newline="")
    first = text.partition("\n")[0]
    separator = ";" if ";" in first and "," not in first else ","
    rows = csv.reader(lines, delimiter=separator, strict=True)
    try:
        header = [name.strip() for name in next(rows, [])]
        fields = [_field(table, name, f"{path}:1") for name in header]
        if len(set(header)) != len(header):
            raise UsageError(f"{path} names a column twice.", repair="Keep one of them.", culprit=f"{path}:1")
        for cells in rows:
            place = f"{path}:{rows.line_num}"
            if not any(cell.strip() for cell in cells):
                continue
            if len(cells) != len(fields):
                raise UsageError(
                    f"A row has {len(cells)} cells and the first line {len(fields)} ({place}).",
                    repair="Put texts with a separator in quotes.", culprit=place,
                )  # fmt: skip
            yield Given(
                table,
                {
                    field.name: _value(field, _cell(field, cell, place, comma=separator == ";"), place)
                    for field, cell in zip(fields, cells, strict=True)
                },
                place,
            )
    except csv.Error as error:
        place = f"{path}:{rows.line_num}"
        raise UsageError(f"{path} is not CSV: {error} ({place}).", repair="Repair that line.", culprit=place) from error


def _cell(field: Field, cell: str, place: str, *, comma: bool) -> object:
    """A cell as TOML would give it; an empty one empties the key."""
    if cell.startswith(GUARD) and (cell[1:2] in (*GUARDED, GUARD)):
        cell = cell[1:]
    if not cell.strip():
        return ""
    if comma and field.kind.is_number:
        cell = cell.replace(",", ".")
    try:
        return field.kind.from_cell(cell.strip() if field.kind.is_number else cell)
    except ValueError as error:
        raise _wrong(field, cell, place) from error


def _table(name: str, place: str) -> Table:
    if name not in TABLES:
        raise UsageError(
            f"There is no table '{name}' ({place}).", repair=nearest(name, TABLES, valid_are="Tables"), culprit=place
        )
    return TABLES[name]


def _field(table: Table, name: str, place: str) -> Field:
    if name not in table.fields:
        raise UsageError(
            f"There is no key '{table.name}.{name}' ({place}).",
            repair=nearest(name, table.fields, valid_are=f"Keys of {table.name}"), culprit=place,
        )  # fmt: skip
    return table.fields[name]


def _value(field: Field, raw: object, place: str) -> Any:
    """The value of a key; an empty text empties it."""
    if field.is_unset(raw):
        return field.empty
    try:
        return field.kind.read(raw)
    except (ValueError, OverflowError) as error:
        raise _wrong(field, raw, place) from error


def _wrong(field: Field, raw: object, place: str) -> UsageError:
    close = difflib.get_close_matches(raw, field.kind.choices, n=1) if isinstance(raw, str) else []
    return UsageError(
        f"{field.name} is {_shown(raw)} ({place}).",
        repair=f"Did you mean '{close[0]}'?" if close else f"Give {field.kind.wanted}.",
        culprit=place,
    )


def _shown(raw: object) -> str:
    if isinstance(raw, Mapping):
        return "a table"
    if isinstance(raw, list):
        return "a list"
    text = f"{raw}"
    return f"'{text[:60]}{'…' if len(text) > 60 else ''}'"
