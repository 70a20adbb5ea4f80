# SPDX-License-Identifier: Apache-2.0
"""Run files: what was measured in one go, content-addressed, never changed.

A run file is gzipped JSON. Its name is the hash of its content, it is written whole or not at all, and it is itself valid
input for ``lichen evaluate``: ``activities`` and ``context`` stand at its top level.
"""

from __future__ import annotations

import errno
import gzip
import hashlib
import json
import os
import re
import stat
import tempfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final

from lichen.errors import StorageError
from lichen.ledger import shape
from lichen.records import ID_SHOWN, canonical_json

SCHEMA: Final = "lichen-run/1"
SUFFIX: Final = ".run.json.gz"
_MAX_BYTES: Final = 256 * 2**20
"""Largest run file that is read, inflated: a bomb is refused before it fills the memory."""
KEYS: Final = frozenset((*shape.RUN, *shape.OPTIONAL))
"""Keys at the top of a run file; ``activities`` and ``context`` alone make an input for ``lichen evaluate``."""
_RUN: Final = "lichen-run/"
_STDIN: Final = Path("/dev/stdin")
_DATED: Final = re.compile(r"\d{4}-\d{2}-\d{2}(?=-)")


@dataclass(frozen=True, slots=True)
class RunFile:
    """A run as it was read or written."""

    run_id: str
    path: Path
    content: Mapping[str, Any]


def run_id(content: Mapping[str, Any]) -> str:
    """Hash of a run's content: its identity and its file name."""
    return hashlib.sha256(canonical_json(content)).hexdigest()


def check_folder(folder: Path) -> None:
    """Makes sure that a run can be written here, before anything is measured.

    Raises:
        StorageError: the folder cannot be made or written to.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise _storage_error(folder, error) from error


def _storage_error(path: Path, error: OSError) -> StorageError:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        problem, repair = f"The disk of {path} is full.", "Free some space, or choose another folder with --out."
    elif error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        problem, repair = f"{path} cannot be written to: {error.strerror}.", "Choose another folder with --out."
    else:
        problem, repair = f"{path} cannot be used: {error.strerror}.", "Choose another folder with --out."
    return StorageError(problem, repair=repair, culprit=str(path))


def destination(path: Path) -> Path:
    """The file that writing to ``path`` makes or replaces: symbolic links are followed.

    Raises:
        StorageError: a device, a pipe, a socket or a folder stands there, or the links go in a circle.
    """
    try:
        target = path.resolve()
        regular = not target.exists() or target.is_file()
    except OSError as error:
        raise _storage_error(path, error) from error
    except RuntimeError as error:  # how pathlib tells of links that go in a circle, before Python 3.13
        raise _storage_error(path, OSError(errno.ELOOP, os.strerror(errno.ELOOP))) from error
    if not regular:
        raise StorageError(
            f"{path} is not a regular file: it cannot be replaced.",
            repair="Name a new file, or a file to overwrite.",
            culprit=str(path),
        )
    return target


def write_atomically(path: Path, content: bytes) -> None:
    """Writes a file whole or not at all: temporary file beside it, fsync, rename. A symbolic link goes on to its file.

    Raises:
        StorageError: the folder is read-only, the disk is full; what stands there is not a regular file.
    """
    target = destination(path)
    temporary: str | None = None
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=".", suffix=".part")
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        mask = os.umask(0)
        os.umask(mask)
        Path(temporary).chmod(0o666 & ~mask)
        Path(temporary).replace(target)
    except OSError as error:
        raise _storage_error(path, error) from error
    finally:
        if temporary is not None:
            Path(temporary).unlink(missing_ok=True)


def write(folder: Path, content: Mapping[str, Any]) -> RunFile:
    """Writes a run under its hash; writing the same run again changes nothing.

    Args:
        folder: made when it is absent.
        content: see ``docs/run-file.md``.

    Raises:
        StorageError: the folder is read-only, the disk is full.
    """
    identity = run_id(content)
    path = folder / f"{content['started_at'][:10]}-{identity[:ID_SHOWN]}{SUFFIX}"
    try:
        there = path.exists()
    except OSError as error:
        raise _storage_error(path, error) from error
    if not there:
        # mtime=0: the bytes depend on the content alone.
        write_atomically(path, gzip.compress(canonical_json(content), compresslevel=6, mtime=0))
    return RunFile(identity, path, content)


def _inflate(stream: IO[bytes], name: str) -> bytes:
    raw = stream.read(_MAX_BYTES + 1)
    if raw[:2] == b"\x1f\x8b":
        inflater = zlib.decompressobj(wbits=31)
        raw = inflater.decompress(raw, _MAX_BYTES + 1)
        if not inflater.eof and len(raw) <= _MAX_BYTES:
            raise EOFError("the end is missing")
    if len(raw) > _MAX_BYTES:
        raise StorageError(f"{name} is larger than {_MAX_BYTES // 2**20} MiB.", repair="Split it.", culprit=name)
    return raw


def _parse(stream: IO[bytes], name: str) -> Any:
    try:
        raw = _inflate(stream, name)
        if not raw.strip():
            raise StorageError(f"{name} is empty.", repair="Give JSON, plain or gzipped.", culprit=name)
        return json.loads(raw)
    except (EOFError, zlib.error) as error:
        raise StorageError(
            f"{name} is damaged: {error}.", repair="Measure again, or fetch it again.", culprit=name
        ) from error
    except json.JSONDecodeError as error:
        raise StorageError(
            f"{name} is not JSON: {error.msg} at line {error.lineno}, column {error.colno}.",
            repair="Repair the file.",
            culprit=name,
        ) from error
    except RecursionError as error:
        raise StorageError(
            f"{name} is not JSON: it is nested too deeply.", repair="Repair the file.", culprit=name
        ) from error
    except ValueError as error:
        raise StorageError(f"{name} is not JSON: {error}.", repair="Repair the file.", culprit=name) from error


def _is_run(content: Any) -> bool:
    return isinstance(content, dict) and str(content.get("schema", "")).startswith(_RUN)


def read_document(source: Path | IO[bytes], name: str = "Standard input") -> Any:
    """JSON of a file or a stream, plain or gzipped; a run file is verified as `read` does.

    Args:
        name: what messages call a stream.

    Raises:
        StorageError: it cannot be read, is too large, is cut short or is not JSON (with line and column); a run file of
            another schema, incomplete, or changed since it was written.
    """
    if not isinstance(source, Path):
        content = _parse(source, name)
        if _is_run(content):
            _verify(content, name)
        return content
    try:
        if stat.S_ISFIFO(source.stat().st_mode) and source != _STDIN:
            # Nobody may ever write to it; standard input is asked for by its name.
            raise StorageError(
                f"{source} is a pipe.", repair="Give a file, or '-' for standard input.", culprit=str(source)
            )
        with source.open("rb") as file:
            content = _parse(file, str(source))
    except OSError as error:
        raise StorageError(
            f"{source} cannot be read: {error.strerror or error}.", repair="Check the path.", culprit=str(source)
        ) from error
    if _is_run(content):
        _verify(content, str(source), source)
    return content


def _verify(content: Any, name: str, path: Path | None = None) -> None:
    if content["schema"] != SCHEMA:
        raise StorageError(
            f"{name} has the schema {content['schema']}; this Lichen reads {SCHEMA}.",
            repair="Update Lichen.",
            culprit=name,
        )
    checks = (shape.faults, shape.further_faults, shape.miscounts)
    fault = next((found for check in checks if (found := next(check(content), None)) is not None), None)
    if fault is not None:
        raise StorageError(
            f"{name} is not a whole run file: {fault}.", repair="Measure again, or fetch it again.", culprit=name
        )
    try:
        identity = run_id(content)
    except ValueError as error:
        raise StorageError(
            f"{name} is not a whole run file: a number in it is not finite.",
            repair="Measure again, or fetch it again.",
            culprit=name,
        ) from error
    named = f"{identity[:ID_SHOWN]}{SUFFIX}"
    if path is not None and path.name.endswith(SUFFIX) and not path.name.endswith(named):
        raise StorageError(
            f"{name} was changed after it was written: its content no longer has the hash in its name.",
            repair="Fetch the original again.",
            culprit=name,
        )


def read(path: Path) -> RunFile:
    """A run file.

    Raises:
        StorageError: unreadable, damaged, of another schema, incomplete, or changed since it was written.
    """
    content = read_document(path)
    if not _is_run(content):
        raise StorageError(
            f"{path} is not a run file.", repair="Give a file that lichen measure wrote.", culprit=str(path)
        )
    return RunFile(run_id(content), path, content)


def find(folder: Path) -> Iterator[Path]:
    """Run files of a folder, newest first: by the day in the name, which copying keeps, then by the time of writing."""
    if folder.is_dir():
        # A link whose target is gone is no run.
        yield from sorted((path for path in folder.glob(f"*{SUFFIX}") if path.exists()), key=_age, reverse=True)


def _age(path: Path) -> tuple[str, int, str]:
    day = _DATED.match(path.name)
    return (day[0] if day else "", path.stat().st_mtime_ns, path.name)
