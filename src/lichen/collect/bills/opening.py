# SPDX-License-Identifier: Apache-2.0
"""What a file of a bill is: its packing, its separator and its columns, from its first bytes, before an engine opens it.

What a bill can be is bounded here, so that a file that is none is refused before anything is read of it.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
import stat
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final, Literal, NoReturn, cast

from lichen.collect.bills.deliveries import MOST_BYTES, is_manifest
from lichen.collect.bills.json_rows import columns_of_json
from lichen.collect.bills.line import ROW
from lichen.collect.declared.lines import told
from lichen.errors import StorageError

Kind = Literal["csv", "parquet", "json"]

MOST_COLUMNS: Final = 2_000
LONGEST_LINE: Final = 1 << 20
"""Bytes of a line of text."""
_BOMB_BYTES: Final = 256 << 20
_BOMB_RATIO: Final = 200
"""Unpacked bytes for each packed one. Bills have 8 to 40; a bomb has 1,000."""
_GZIP: Final = b"\x1f\x8b"
_PARQUET: Final = b"PAR1"
_OTHERS: Final = {
    b"PK\x03\x04": ("a zip archive", "Unpack it and name the files in it, or pack them with gzip."),
    b"\x28\xb5\x2f\xfd": ("packed with zstd", "Unpack it, or pack it with gzip."),
    b"BZh": ("packed with bzip2", "Unpack it, or pack it with gzip."),
    b"\xfd7zXZ": ("packed with xz", "Unpack it, or pack it with gzip."),
    b"\xd0\xcf\x11\xe0": ("an Excel workbook", "Save the sheet as CSV."),
    b"%PDF": ("a PDF file", "Export the bill as CSV or Parquet."),
}
_SHOWN: Final = 60
"""Characters of a heading in a sentence."""
_SEPARATORS: Final = ",;\t|"
_BEFORE_JSON: Final = b"\xef\xbb\xbf \t\r\n"
_SUFFIXES: Final = (".csv", ".csv.gz", ".parquet", ".json", ".json.gz", ".txt", ".tsv", ".gz")
_SKIPPED: Final = ("manifest", "_success", "metadata")
"""Files that lie beside bills and are none: what their names, less any ending, end in."""


@dataclass(frozen=True, slots=True)
class Opened:
    """A file that may be a bill.

    Attributes:
        compression: of the file as a whole; Parquet packs its own pages.
        delimiter: between the cells of a CSV file; empty for others.
        encoding: of its text, with or without a mark; empty for Parquet.
        columns: its headings; for Parquet also the fields of structures, ``usage.amount``, and of lists, ``credits[].amount``.
        size: bytes of the file.
    """

    path: str
    kind: Kind
    compression: Literal["", "gzip"]
    delimiter: str
    encoding: Literal["", "utf-8"]
    columns: tuple[str, ...]
    size: int


def files_of(path: Path) -> list[Path]:
    """The files of a bill: a file itself; of a folder all of CSV, Parquet or JSON, at any depth, in the order of their names.

    Manifests, marks of success and hidden files are passed over. Each file has its own format.

    Raises:
        StorageError: there is no such file or folder, or no bill in it.
    """
    if not path.is_dir():
        with told(path):
            status = path.stat()
        # A pipe or a device would be read for ever.
        if not stat.S_ISREG(status.st_mode):
            raise StorageError(f"{path} is no file.", repair="Name a file or a folder.", culprit=str(path))
        return [path]
    with told(path):
        found = sorted(one for one in path.rglob("*") if _is_bill(one.relative_to(path)) and one.is_file())
    if not found:
        raise StorageError(
            f"There is no bill in {path}.",
            repair="Name a folder of CSV, gzip, Parquet or JSON files.",
            culprit=str(path),
        )
    return found


def manifests_of(folder: Path) -> list[Path]:
    """The manifests of exports below a folder."""
    with told(folder):
        found = sorted(folder.rglob("*.json"))
        return [
            one
            for one in found
            if is_manifest(one.name) and not _is_hidden(one.relative_to(folder)) and one.stat().st_size <= MOST_BYTES
        ]


def is_bill(name: str) -> bool:
    """Whether a path inside a folder, or a key inside a bucket, names a file that may be a bill."""
    return _is_bill(Path(name))


def _is_bill(name: Path) -> bool:
    if _is_hidden(name):
        return False
    stem = name.name.casefold()
    return stem.endswith(_SUFFIXES) and not stem.split(".")[0].endswith(_SKIPPED)


def _is_hidden(name: Path) -> bool:
    return any(part.startswith((".", "_")) for part in name.parts)


def is_table(path: Path) -> bool:
    """Whether a file holds anything that may be a bill; not so an empty file, and a text whose first line is one cell.

    Raises:
        StorageError: it cannot be read.
    """
    with told(path), path.open("rb") as stream:
        first = stream.readline(LONGEST_LINE)
    if first.startswith((_GZIP, _PARQUET, *_OTHERS)) or first.lstrip(_BEFORE_JSON)[:1] in (b"{", b"["):
        return True
    return any(one.encode() in first for one in _SEPARATORS)


def sniff(path: Path) -> Opened:
    """What a file is.

    Raises:
        StorageError: it cannot be read, is damaged, or is no table.
    """
    with told(path), path.open("rb") as stream:
        return sniff_stream(str(path), stream, path.stat().st_size)


def sniff_stream(name: str, stream: IO[bytes], size: int) -> Opened:
    """What a file is that is no local one.

    Args:
        name: of the file, for messages.
        stream: it, which can be read and sought in.
        size: its bytes.
    """
    if size == 0:
        _refuse(name, "is empty", "Export the bill anew.")
    head = stream.read(LONGEST_LINE)
    for mark, (what, repair) in _OTHERS.items():
        if head.startswith(mark):
            _refuse(name, f"is {what}", repair)
    if head.startswith(_PARQUET):
        return Opened(name, "parquet", "", "", "", _parquet_columns(name, stream), size)
    packed = head.startswith(_GZIP)
    if packed:
        head = _unpacked(name, head, size)
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        _refuse(name, "is UTF-16", "Save it as UTF-8.")
    if head.lstrip(_BEFORE_JSON)[:1] in (b"{", b"["):
        stream.seek(0)
        columns = columns_of_json(name, stream.read(), packed=packed)
        return Opened(name, "json", "gzip" if packed else "", "", "utf-8", _checked(name, columns), size)
    delimiter, columns = _headings(name, head)
    return Opened(name, "csv", "gzip" if packed else "", delimiter, "utf-8", _distinct(_checked(name, columns)), size)


def _headings(name: str, head: bytes) -> tuple[str, tuple[str, ...]]:
    """The separator and the headings of a CSV file, whose first line may hold quoted line breaks."""
    if b"\0" in head:
        _refuse(name, "is no text", "Export the bill as CSV or Parquet.")
    text = head.decode("utf-8-sig", errors="replace")
    first = io.StringIO(text, newline="").readline()
    if not first.strip():
        _refuse(name, "begins with an empty line", "Let its first line name its columns.")
    if len(head) >= LONGEST_LINE and len(first) == len(text):
        _refuse(name, f"has a first line of more than {LONGEST_LINE >> 20} MiB", "Export the bill as CSV or Parquet.")
    if "\ufffd" in first:
        _refuse(name, "has headings that are not UTF-8", "Save it as UTF-8.")
    outside = re.sub(r'"[^"]*"?', "", first)
    delimiter = max(_SEPARATORS, key=outside.count)
    columns = tuple(next(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter), []))
    if len(columns) == 1:
        _refuse(
            name,
            f"has one column, '{_short(columns[0])}'",
            "Separate cells by a comma, a semicolon, a tab or a bar, and let the first line name the columns.",
        )
    # A separator at the end of each line makes a column without a name.
    return delimiter, tuple(column.strip() or f"({number})" for number, column in enumerate(columns, 1))


def _distinct(columns: tuple[str, ...]) -> tuple[str, ...]:
    """Names that differ in more than letter case, which engines need: the second ``user:name`` becomes ``user:name (2)``."""
    counts: dict[str, int] = {}
    found = []
    for column in columns:
        number = counts[column.casefold()] = counts.get(column.casefold(), 0) + 1
        found.append(column if number == 1 else f"{column} ({number})")
    return tuple(found)


def _parquet_columns(name: str, stream: IO[bytes]) -> tuple[str, ...]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    stream.seek(0)
    try:
        schema = pq.read_schema(stream)
    except (pa.ArrowException, OSError) as error:
        raise StorageError(
            f"{name} is a damaged Parquet file.", repair="Copy it anew from where it comes from.", culprit=name
        ) from error
    return _checked(name, tuple(_fields(schema)))


def _fields(schema: object, prefix: str = "") -> list[str]:
    """Names of columns, of the fields of structures and of those of lists of structures."""
    import pyarrow as pa

    found: list[str] = []
    for field in cast("pa.Schema", schema):
        found.append(f"{prefix}{field.name}")
        if pa.types.is_struct(field.type):
            found += _fields(field.type, f"{prefix}{field.name}.")
        elif pa.types.is_list(field.type) and pa.types.is_struct(field.type.value_type):
            found += _fields(field.type.value_type, f"{prefix}{field.name}[].")
    return found


def _checked(name: str, columns: tuple[str, ...]) -> tuple[str, ...]:
    if len(columns) > MOST_COLUMNS:
        _refuse(name, f"has {len(columns)} columns", f"Export {MOST_COLUMNS} at most.")
    seen: set[str] = set()
    for column in columns:
        if column in seen:
            _refuse(name, f"has two columns '{_short(column)}'", "Remove one.")
        seen.add(column)
        if column.casefold() == ROW:
            _refuse(name, f"has a column '{column}', which Lichen makes itself", "Give it another name.")
    return columns


def _unpacked(name: str, head: bytes, size: int) -> bytes:
    """The first bytes of a gzip file, unpacked; refused where they tell that the whole unpacks to far more than a bill does."""
    packed = zlib.decompressobj(wbits=31)
    try:
        plain = packed.decompress(head, LONGEST_LINE)
    except zlib.error as error:
        raise StorageError(
            f"{name} is a damaged gzip file.", repair="Copy it anew from where it comes from.", culprit=name
        ) from error
    ratio = len(plain) / max(1, len(head) - len(packed.unconsumed_tail))
    if ratio > _BOMB_RATIO and ratio * size > _BOMB_BYTES:
        _refuse(
            name, f"unpacks to more than {_BOMB_RATIO} times its size", "Unpack it yourself and look at what is in it."
        )
    return plain


def _refuse(name: str, problem: str, repair: str) -> NoReturn:
    raise StorageError(f"{name} {problem}.", repair=repair, culprit=name)


def _short(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:59]}…"
