# SPDX-License-Identifier: Apache-2.0
"""The files of a bill, wherever they lie: what they are and what they hold, before a line is read.

Objects of a bucket are brought into the spool first, whole or not at all: an engine then reads files of this machine alone.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from lichen.collect.bills.deliveries import MOST_BYTES, Delivery, is_manifest, read_delivery, superseded
from lichen.collect.bills.format import check_fits, is_foreign, named, recognise
from lichen.collect.bills.opening import Opened, files_of, is_bill, is_table, manifests_of, sniff
from lichen.collect.bills.pipeline import BillFile
from lichen.collect.bills.rule import Format
from lichen.collect.bills.scanning import Scan
from lichen.collect.declared.lines import told
from lichen.errors import StorageError, UsageError
from lichen.ledger.location import Bucket, Stored, parse
from lichen.records import digest
from lichen.service.bills.manifests import some
from lichen.service.progress import Progress

_BUCKET: Final = "s3://"
_DOWNLOADS: Final = "downloads"
_BLOCK: Final = 1 << 20
_TEXTS: Final = (".csv", ".txt", ".tsv")
"""Endings of files that may lie beside bills and be something else."""
VERSION: Final = 3
"""Of what is summed of a line: one more whenever sums of earlier versions cannot be gone on with."""


@dataclass(frozen=True, slots=True)
class Source:
    """A file that was asked for.

    Attributes:
        name: as the user knows it.
        path: where it lies on this machine.
        mark: what changes with its content: time and size, or the object's.
        found: whether it was found in a folder or under a prefix, and was not named itself.
    """

    name: str
    path: Path
    size: int
    mark: str
    found: bool = False


def sources(places: Sequence[str], spool: Path, progress: Progress) -> tuple[list[Source], list[str]]:
    """The files of all places, each once, and the names of those that a later version of their bill stands in place of; what lies
    in a bucket is fetched.

    Args:
        places: files, folders, ``s3://BUCKET/PREFIX``.
        spool: that objects are brought into.

    Raises:
        StorageError: there is no bill in a place, it cannot be read, or the store does not answer.
    """
    found: dict[str, Source] = {}
    old: list[str] = []
    for place in places:
        chosen, others = _fetched(place, spool, progress) if place.startswith(_BUCKET) else _local(place)
        for source in chosen:
            found.setdefault(source.name, source)
        old += others
    return list(found.values()), [name for name in dict.fromkeys(old) if name not in found]


def _local(place: str) -> tuple[list[Source], list[str]]:
    folder = Path(place)
    found = folder.is_dir()
    paths = files_of(folder)
    manifests = manifests_of(folder) if found else []
    deliveries = [read for one in manifests if (read := read_delivery(str(one.absolute()), _content(one))) is not None]
    old = set(superseded([str(path.absolute()) for path in paths], deliveries))
    chosen = []
    for path in paths:
        where = path.absolute()
        if str(where) not in old:
            chosen.append(Source(str(path), where, path.stat().st_size, _mark(where), found))
    return chosen, [str(path) for path in paths if str(path.absolute()) in old]


def _content(path: Path) -> bytes:
    with told(path):
        return path.read_bytes()


def _mark(path: Path) -> str:
    status = path.stat()
    return f"{path} {status.st_size} {status.st_mtime_ns}"


def check_unchanged(sources: Sequence[Source]) -> None:
    """Refuses files of this machine that were written to since they were found: what was summed of them is not what is there.

    Raises:
        StorageError: one has changed, or is gone.
    """
    for source in sources:
        if not source.mark.startswith(_BUCKET) and (not source.path.is_file() or source.mark != _mark(source.path)):
            raise StorageError(
                f"{source.name} changed while it was read.", repair="Repeat the command when it is written.",
                culprit=source.name,
            )  # fmt: skip


def _fetched(place: str, spool: Path, progress: Progress) -> tuple[list[Source], list[str]]:
    bucket = parse(place)
    if not isinstance(bucket, Bucket):
        raise UsageError(f"'{place}' is no place of bills.", repair="Give s3://BUCKET/PREFIX.", culprit=place)
    objects = bucket.objects()
    stored = [one for one in objects if is_bill(one.name) or one.name == ""]
    if not stored:
        raise StorageError(f"There is no bill in {place}.", repair="Look at the name of the prefix.", culprit=place)
    names = {one: bucket.at(one.name) if one.name else bucket.uri for one in stored}
    old = set(superseded(list(names.values()), list(_deliveries(bucket, objects))))
    stored = sorted((one for one in stored if names[one] not in old), key=lambda one: one.name)
    whole = max(1, sum(one.size for one in stored) // _BLOCK)
    progress.phase(place)
    done = 0
    found = []
    for one in stored:
        name = names[one]
        mark = f"{name} {one.size} {one.written_at}"
        path = spool / _DOWNLOADS / digest(mark, 16) / name.rpartition("/")[2]
        if not path.is_file() or path.stat().st_size != one.size:
            bucket.fetch(one.name, path, one.size)
        done += one.size
        progress.sample("", done // _BLOCK, whole, None)
        found.append(Source(name, path, one.size, mark, bool(one.name)))
    return found, sorted(old)


def _deliveries(bucket: Bucket, objects: Sequence[Stored]) -> Iterator[Delivery]:
    for one in objects:
        if one.name and is_manifest(one.name) and one.size <= MOST_BYTES:
            read = read_delivery(bucket.at(one.name), bucket.read(one.name) or b"")
            if read is not None:
                yield read


def opened_files(sources: Sequence[Source], known: Sequence[Format], format_name: str | None) -> list[BillFile]:
    """What each file is; all of them have to be bills.

    Args:
        known: formats. format_name: that all files have; None: each is recognised.

    Raises:
        StorageError: a file is damaged, or of no known format.
        UsageError: there is no format of this name.
    """
    asked = _Formats(known, format_name)
    return [_opened_file(source, sniff(source.path), asked) for source in sources]


def bills_among(
    sources: Sequence[Source], known: Sequence[Format], format_name: str | None
) -> tuple[list[BillFile], list[str]]:
    """What each file is, and the names of those that were found beside bills and are none, such as notes and empty files.

    Args:
        known: formats. format_name: that all files have; None: each is recognised.

    Raises:
        StorageError: none is a bill; a file that was named itself is none; a bill is damaged, or lacks a column.
        UsageError: there is no format of this name.
    """
    asked = _Formats(known, format_name)
    files, others = [], []
    for source in sources:
        beside = source.found and source.path.suffix.casefold() in _TEXTS
        if beside and not is_table(source.path):
            others.append(source.name)
            continue
        opened = sniff(source.path)
        if (
            beside
            and format_name is None
            and opened.kind == "csv"
            and not opened.compression
            and is_foreign(opened.columns, known)
        ):
            others.append(source.name)
            continue
        files.append(_opened_file(source, opened, asked))
    if not files:
        raise StorageError(f"None of these files is a bill: {some(others)}.", repair="Name a bill.", culprit=others[0])
    return files, others


class _Formats:
    """Which format files have, asked once for all with the same columns; and each format as text."""

    def __init__(self, known: Sequence[Format], name: str | None) -> None:
        self._known, self._chosen = known, None if name is None else named(name, known)
        self._found: dict[tuple[str, ...], tuple[Format, str]] = {}

    def of(self, source: Source, columns: tuple[str, ...]) -> tuple[Format, str]:
        if columns not in self._found:
            if self._chosen is not None:
                check_fits(self._chosen, columns, source.name)
            one = self._chosen or recognise(columns, self._known, source.name)
            self._found[columns] = one, told_format(one)
        return self._found[columns]


def _opened_file(source: Source, opened: Opened, asked: _Formats) -> BillFile:
    one, told = asked.of(source, tuple(opened.columns))
    key = digest([VERSION, source.mark, one.name, told], 32)
    return BillFile(name=source.name, path=source.path, opened=opened, format=one, key=key)


def told_format(one: Format) -> str:
    """A format as text: another one whenever it reads a cell in another way."""
    return repr(sorted(one.rules.items()))


def sha256(path: Path) -> str:
    """Hash of a file's bytes, each of which is looked at on the way.

    Raises:
        StorageError: it cannot be read, or holds what an engine would read past without a word.
    """
    found, scan = hashlib.sha256(), Scan(str(path))
    try:
        with path.open("rb") as file:
            while block := file.read(_BLOCK):
                found.update(block)
                scan.take(block)
    except OSError as error:
        raise StorageError(
            f"{path} cannot be read: {error.strerror}.", repair="Check the file.", culprit=str(path)
        ) from error
    return found.hexdigest()
