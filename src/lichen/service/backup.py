# SPDX-License-Identifier: Apache-2.0
"""A server's data in one file, made while it serves, and back.

The file is a tar archive: the store's tables, then the ledger's files, then a manifest with the SHA-256 of each. The store is
read first and as of one moment: whatever it says has landed is in the ledger's files, which are read after it; what has not
landed lies in its journal and lands after the restore. Rows do not depend on the engine: a backup of SQLite may be restored
into PostgreSQL.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import tarfile
import tempfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Any, Final

from lichen import __version__
from lichen.errors import StorageError
from lichen.ledger.copying import snapshot
from lichen.ledger.location import Location, parse
from lichen.ledger.runfile import destination
from lichen.records import timestamp
from lichen.service.context import ServiceContext, ledger_place
from lichen.service.landing import LEASE
from lichen.store import Store
from lichen.store.queries import backup as queries
from lichen.store.queries.landing import is_held

FORMAT: Final = "lichen-backup/1"
_MANIFEST: Final = "manifest.json"
_STORE: Final = "store"
_LEDGER: Final = "ledger"
_SUFFIX: Final = ".jsonl.gz"
_MANIFEST_MAX: Final = 64 * 2**20


@dataclass(frozen=True, slots=True)
class Kept:
    """What a backup holds: rows of the store by table, files and bytes of the ledger, bytes of the backup itself."""

    rows: Mapping[str, int]
    ledger_files: int
    ledger_bytes: int
    size: int


def back_up(context: ServiceContext, file: Path) -> Kept:
    """Writes a backup, whole or not at all.

    Args:
        file: replaced when it is there.

    Raises:
        StorageError: the store or the ledger is away, the disk is full.
    """
    target = destination(file)
    location = parse(ledger_place(context.settings))
    try:
        handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=".", suffix=".part")
    except OSError as error:
        raise _unwritable(file, error) from error
    try:
        with os.fdopen(handle, "wb") as raw:
            kept = _write(context.store, location, raw)
            raw.flush()
            os.fsync(raw.fileno())
            size = raw.tell()
        Path(temporary).replace(target)
    except OSError as error:
        raise _unwritable(file, error) from error
    finally:
        Path(temporary).unlink(missing_ok=True)
    return Kept(kept.rows, kept.ledger_files, kept.ledger_bytes, size)


def _write(store: Store, location: Location, raw: IO[bytes]) -> Kept:
    members: dict[str, str] = {}
    counted: dict[str, int] = {}
    files = total = 0
    with tarfile.open(fileobj=raw, mode="w", format=tarfile.PAX_FORMAT) as archive:
        with store.reading() as session:
            revision = queries.revision(session)
            for name in queries.tables():
                with tempfile.TemporaryFile() as packed:
                    counted[name] = _pack(queries.rows(session, name), packed)
                    _add(archive, f"{_STORE}/{name}{_SUFFIX}", packed, members)
        for name, content in snapshot(location):
            _add(archive, f"{_LEDGER}/{name}", io.BytesIO(content), members)
            files, total = files + 1, total + len(content)
        manifest = {
            "format": FORMAT, "lichen_version": __version__, "made_at": timestamp(), "store_revision": revision,
            "rows": counted, "sha256": members,
        }  # fmt: skip
        _add(archive, _MANIFEST, io.BytesIO(json.dumps(manifest, indent=1).encode()), {})
    return Kept(counted, files, total, 0)


def _pack(rows: Iterator[dict[str, Any]], packed: IO[bytes]) -> int:
    count = 0
    with gzip.GzipFile(fileobj=packed, mode="wb", compresslevel=3, mtime=0) as lines:
        for row in rows:
            lines.write(json.dumps(row, separators=(",", ":"), ensure_ascii=False).encode() + b"\n")
            count += 1
    return count


def _add(archive: tarfile.TarFile, name: str, content: IO[bytes], members: dict[str, str]) -> None:
    size = content.seek(0, os.SEEK_END)
    content.seek(0)
    members[name] = hashlib.file_digest(content, "sha256").hexdigest()  # type: ignore[arg-type]
    content.seek(0)
    info = tarfile.TarInfo(name)
    info.size, info.mode = size, 0o600
    archive.addfile(info, content)


def restore(context: ServiceContext, file: Path, *, force: bool = False) -> Kept:
    """Brings a backup back, after all of it was verified.

    Args:
        force: what is there is first set aside, under a name of its own; nothing is deleted.

    Raises:
        StorageError: the file is damaged or of a newer version, there is something in its place already, or a server uses it.
    """
    location = parse(ledger_place(context.settings))
    try:
        with tarfile.open(file, mode="r:") as archive:
            manifest = _verified(archive, file)
            _check_place(context.store, location, force=force)
            queries.fill(context.store, manifest["store_revision"], _tables(archive, file))
            names = [name for name in manifest["sha256"] if name.startswith(f"{_LEDGER}/")]
            total = 0
            for name in names:
                content = _content(archive, name)
                location.write(name.removeprefix(f"{_LEDGER}/"), content)
                total += len(content)
    except (tarfile.TarError, EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise _damaged(file, str(error)) from error
    except OSError as error:
        raise StorageError(
            f"{file} cannot be read: {error.strerror or error}.", repair="Check the path.", culprit=str(file)
        ) from error
    return Kept(manifest["rows"], len(names), total, file.stat().st_size)


def _verified(archive: tarfile.TarFile, file: Path) -> Mapping[str, Any]:
    """The manifest of a backup whose every member has the hash that it says."""
    found: dict[str, str] = {}
    manifest: Any = None
    for member in archive:
        content = archive.extractfile(member) if member.isreg() else None
        if content is None or not _is_ours(member.name) or member.name in found:
            raise _damaged(file, f"'{member.name}' has no place in it")
        if member.name == _MANIFEST:
            manifest = _manifest(content.read(_MANIFEST_MAX), file)
        else:
            found[member.name] = hashlib.file_digest(content, "sha256").hexdigest()  # type: ignore[arg-type]
    if manifest is None:
        raise _damaged(file, "its end is missing")
    different = next(
        (name for name in manifest["sha256"] | found if manifest["sha256"].get(name) != found.get(name)), None
    )
    if different is not None:
        raise _damaged(file, f"'{different}' is not what was written")
    return dict(manifest)


def _manifest(raw: bytes, file: Path) -> dict[str, Any]:
    try:
        content = json.loads(raw)
    except ValueError as error:
        raise _damaged(file, "its manifest is no JSON") from error
    said = content.get("format") if isinstance(content, dict) else None
    if said != FORMAT:
        raise StorageError(
            f"{file} has the format {said}; this Lichen reads {FORMAT}.", repair="Update Lichen.", culprit=str(file)
        )
    kinds = {"sha256": dict, "rows": dict, "store_revision": str}
    if not all(isinstance(content.get(key), kind) for key, kind in kinds.items()):
        raise _damaged(file, "its manifest is not whole")
    return dict(content)


def _is_ours(name: str) -> bool:
    parts = PurePosixPath(name).parts
    if name == _MANIFEST:
        return True
    return len(parts) > 1 and parts[0] in (_STORE, _LEDGER) and ".." not in parts and "/".join(parts) == name


def _tables(archive: tarfile.TarFile, file: Path) -> Iterator[tuple[str, Iterator[Mapping[str, Any]]]]:
    there = set(archive.getnames())
    for name in queries.tables():
        member = f"{_STORE}/{name}{_SUFFIX}"
        if member in there:
            yield name, _rows(archive, member, file)


def _rows(archive: tarfile.TarFile, member: str, file: Path) -> Iterator[Mapping[str, Any]]:
    content = archive.extractfile(member)
    assert content is not None  # noqa: S101 - every member was found to be a file
    with gzip.open(content) as lines:
        for line in lines:
            try:
                row = json.loads(line)
            except (ValueError, RecursionError) as error:
                raise _damaged(file, f"'{member}' holds what is no JSON") from error
            if not isinstance(row, dict):
                raise _damaged(file, f"'{member}' holds what is no row")
            yield row


def _content(archive: tarfile.TarFile, name: str) -> bytes:
    content = archive.extractfile(name)
    return content.read() if content is not None else b""


def _check_place(store: Store, location: Location, *, force: bool) -> None:
    """StorageError unless store and ledger are empty, or can be made so without losing anything."""
    with store.reading() as session:
        busy = is_held(session, LEASE)
        table = queries.occupied(session)
    if busy:
        raise StorageError(f"A server uses the store {store.shown}.", repair="Stop it first.", culprit=store.shown)
    where = store.shown if table is not None else None if location.empty() else location.uri
    if where is None:
        return
    if not force:
        raise StorageError(
            f"{where} holds data already.", repair="Name an empty place, or add --force: what is there is set aside.",
            culprit=where,
        )  # fmt: skip
    _set_aside(store, location)


def _set_aside(store: Store, location: Location) -> None:
    stamp = timestamp().replace(":", "").replace("-", "")
    folder = Path(location.uri)
    if not store.is_sqlite or "://" in location.uri:
        raise StorageError(
            "Only a SQLite file and a folder can be set aside.", repair="Name an empty database and an empty prefix.",
            culprit=store.shown,
        )  # fmt: skip
    queries.set_aside(store, f".{stamp}")
    if folder.exists():
        folder.rename(folder.with_name(f"{folder.name}.{stamp}"))


def _damaged(file: Path, why: str) -> StorageError:
    return StorageError(f"{file} is no whole backup: {why}.", repair="Take another one.", culprit=str(file))


def _unwritable(file: Path, error: OSError) -> StorageError:
    return StorageError(
        f"{file} cannot be written: {error.strerror or error}.",
        repair="Name a place with enough space.",
        culprit=str(file),
    )
