# SPDX-License-Identifier: Apache-2.0
"""Where a ledger lies, a folder or a bucket: small files read, written and listed there, and mishaps told in a sentence."""

from __future__ import annotations

import errno
import os
import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from lichen.errors import StorageError
from lichen.ledger import runfile
from lichen.ledger.mishaps import cause_of, failure

if TYPE_CHECKING:
    from pyarrow.fs import FileSystem

_S3: Final = re.compile(r"s3a?://[^/\s]+(/\S*)?")
_SCHEME: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_PATIENCE: Final[Mapping[str, str]] = {
    "connect_timeout": "5s", "timeout": "60s", "max_retries": "3", "retry_timeout": "20s",
}  # fmt: skip
"""How long an object store is waited for before the command says that it does not answer."""


_BLOCK: Final = 4 << 20


@dataclass(frozen=True, slots=True)
class Stored:
    """A file that is there.

    Attributes:
        name: path below the ledger.
        size: bytes.
        written_at: None where the store does not say.
    """

    name: str
    size: int
    written_at: datetime | None


def parse(where: str) -> Location:
    """The place that a folder's path or an ``s3://BUCKET/PREFIX`` names.

    Raises:
        StorageError: another scheme, or no bucket.
    """
    if _SCHEME.match(where):
        if not _S3.fullmatch(where):
            raise StorageError(
                f"{where} is no place for a ledger.", repair="Give a folder, or s3://BUCKET/PREFIX.", culprit=where
            )
        return Bucket("s3://" + where.partition("://")[2].rstrip("/"))
    return Folder(str(Path(where).expanduser().absolute()))


@dataclass(frozen=True)
class Location:
    """A place that holds a ledger; names are paths below it, with ``/``.

    Attributes:
        uri: absolute path, or ``s3://BUCKET/PREFIX``.
    """

    uri: str

    @cached_property
    def options(self) -> dict[str, str]:
        """What the tables' library is told to reach it."""
        return {}

    def system(self, table: str) -> FileSystem:
        """Arrow's own reader of a table's files.

        The one that the tables' library offers calls Python from Arrow's threads, which ends the process when they do so while
        it is about to end by itself.
        """
        raise NotImplementedError

    def at(self, name: str) -> str:
        """Absolute path or address of a name."""
        return f"{self.uri}/{name}"

    def read(self, name: str) -> bytes | None:
        """The content of a file, None when there is none."""
        raise NotImplementedError

    def write(self, name: str, content: bytes) -> None:
        """Writes a file whole or not at all, in place of what stood there; it is on the disk when this returns."""
        raise NotImplementedError

    def take(self, path: Path, name: str) -> None:
        """Moves a file of this machine to a name, whole or not at all."""
        raise NotImplementedError

    def files(self, name: str = "") -> Iterator[Stored]:
        """All files below a name, in no order."""
        raise NotImplementedError

    def remove(self, name: str) -> None:
        """Removes a file; nothing happens when there is none."""
        raise NotImplementedError

    def empty(self) -> bool:
        """Whether there is nothing at all."""
        return next(self.files(), None) is None

    def settle(self, table: str, version: int) -> None:
        """Makes sure that a commit of a table survives a power cut."""

    @contextmanager
    def told(self, table: str = "") -> Iterator[None]:
        """Turns what the libraries raise into one sentence.

        Args:
            table: that is being used, for the sentence about a damaged one.

        Raises:
            StorageError: the place is away, full, forbidden, or the table is damaged.
            CommitFailedError: another writer was faster; the caller looks again.
        """
        from deltalake.exceptions import CommitFailedError, DeltaError
        from pyarrow import ArrowException

        try:
            yield
        except CommitFailedError as error:
            if cause_of(error) is None:
                raise
            raise failure(error, self.uri) from error
        except (DeltaError, ArrowException, OSError) as error:
            raise failure(error, self.uri, self.at(table) if table else "") from error


class Folder(Location):
    """A folder of this machine."""

    @cached_property
    def path(self) -> Path:
        """The folder."""
        return Path(self.uri)

    def system(self, table: str) -> FileSystem:
        """See `Location.system`."""
        from pyarrow.fs import LocalFileSystem, SubTreeFileSystem

        return SubTreeFileSystem(self.at(table), LocalFileSystem())

    def read(self, name: str) -> bytes | None:
        """See `Location.read`."""
        try:
            return (self.path / name).read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise failure(error, self.uri) from error

    def write(self, name: str, content: bytes) -> None:
        """See `Location.write`."""
        try:
            runfile.write_atomically(self.path / name, content)
        except StorageError as error:
            raise failure(error.__cause__ or error, self.uri) from error

    def take(self, path: Path, name: str) -> None:
        """See `Location.take`."""
        target = self.path / name
        part = target.with_name(f".{target.name}.part")
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            try:
                path.replace(target)
            except OSError as error:
                if error.errno != errno.EXDEV:
                    raise
                # On another disk.
                try:
                    shutil.copyfile(path, part)
                    part.replace(target)
                finally:
                    part.unlink(missing_ok=True)
                path.unlink()
        except OSError as error:
            raise failure(error, self.uri) from error

    def files(self, name: str = "") -> Iterator[Stored]:
        """See `Location.files`."""
        start = self.path / name
        if start.exists() and not start.is_dir():
            raise StorageError(f"{start} is not a folder.", repair="Choose another place.", culprit=str(start))

        def stop(error: OSError) -> None:
            if not isinstance(error, FileNotFoundError):
                raise failure(error, self.uri) from error

        for folder, _, names in os.walk(start, onerror=stop):
            for found in names:
                path = Path(folder, found)
                with suppress(FileNotFoundError):  # removed since it was listed
                    status = path.stat()
                    written_at = datetime.fromtimestamp(status.st_mtime, UTC)
                    yield Stored(path.relative_to(self.path).as_posix(), status.st_size, written_at)

    def remove(self, name: str) -> None:
        """See `Location.remove`."""
        try:
            (self.path / name).unlink(missing_ok=True)
        except OSError as error:
            raise failure(error, self.uri) from error

    def settle(self, table: str, version: int) -> None:
        """See `Location.settle`: the library that writes tables leaves this to the system, which may take half a minute."""
        import json
        from urllib.parse import unquote

        folder = self.path / table
        log = folder / "_delta_log" / f"{version:020d}.json"
        try:
            actions = [json.loads(line) for line in log.read_bytes().splitlines() if line.strip()]
            added = [folder / unquote(action["add"]["path"]) for action in actions if "add" in action]
            for path in (*added, *{path.parent for path in added}, log, log.parent):
                _synchronise(path)
        except FileNotFoundError:
            return  # compacted and cleaned up meanwhile
        except OSError as error:
            raise failure(error, self.uri) from error


def _synchronise(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


class Bucket(Location):
    """A prefix of a bucket; the environment's AWS_* variables say where the store is and who asks."""

    @cached_property
    def options(self) -> dict[str, str]:
        """See `Location.options`. An endpoint that is written with http:// is meant to be reached so."""
        plain = {"allow_http": "true"} if _endpoint().startswith("http://") else {}
        return {**_PATIENCE, **plain, "region": _region()}

    @cached_property
    def _system(self) -> FileSystem:
        """Arrow's own client: it takes the same variables as the tables' library."""
        from pyarrow.fs import AwsStandardS3RetryStrategy, S3FileSystem

        patience = AwsStandardS3RetryStrategy(max_attempts=3)
        return S3FileSystem(
            region=_region(), endpoint_override=_endpoint() or None, retry_strategy=patience,
            connect_timeout=5, request_timeout=60,
        )  # fmt: skip

    def system(self, table: str) -> FileSystem:
        """See `Location.system`."""
        from pyarrow.fs import SubTreeFileSystem

        return SubTreeFileSystem(f"{self._path}/{table}", self._system)

    @cached_property
    def _path(self) -> str:
        """``BUCKET/PREFIX``."""
        return self.uri.partition("://")[2]

    def read(self, name: str) -> bytes | None:
        """See `Location.read`."""
        with self.told():
            try:
                with self._system.open_input_stream(f"{self._path}/{name}") as stream:
                    content: bytes = stream.read()
                    return content
            except FileNotFoundError:
                return None

    def write(self, name: str, content: bytes) -> None:
        """See `Location.write`: the store shows an object once its upload is complete."""
        with self.told(), self._system.open_output_stream(f"{self._path}/{name}") as stream:
            stream.write(content)

    def take(self, path: Path, name: str) -> None:
        """See `Location.take`."""
        with self.told(), path.open("rb") as file, self._system.open_output_stream(f"{self._path}/{name}") as stream:
            shutil.copyfileobj(file, stream, _BLOCK)
        path.unlink()

    def files(self, name: str = "") -> Iterator[Stored]:
        """See `Location.files`."""
        from pyarrow.fs import FileSelector, FileType

        start = f"{self._path}/{name}".rstrip("/")
        with self.told():
            found: list[Any] = self._system.get_file_info(FileSelector(start, allow_not_found=True, recursive=True))
        for info in found:
            if info.type == FileType.File:
                yield Stored(info.path.removeprefix(f"{self._path}/"), info.size or 0, info.mtime)

    def remove(self, name: str) -> None:
        """See `Location.remove`."""
        with self.told(), suppress(FileNotFoundError):
            self._system.delete_file(f"{self._path}/{name}")

    def objects(self) -> list[Stored]:
        """All objects below the prefix; where it names an object, that one, without a name.

        Raises:
            StorageError: the store does not answer, or refuses.
        """
        from pyarrow.fs import FileType

        with self.told():
            info: Any = self._system.get_file_info(self._path)
        if info.type == FileType.File:
            return [Stored("", info.size or 0, info.mtime)]
        return list(self.files())

    def fetch(self, name: str, path: Path, size: int) -> None:
        """Copies an object into a file, whole or not at all.

        Args:
            name: as `objects` gives it. size: bytes that it has to have.

        Raises:
            StorageError: the store does not answer, refuses, or gives another number of bytes; the disk is full.
        """
        where = self.at(name) if name else self.uri
        part = path.with_name(f"{path.name}.part")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with self._stream(where) as stream, part.open("wb") as file:
                while block := self._block(stream):
                    file.write(block)
                os.fsync(file.fileno())
            if part.stat().st_size != size:
                raise StorageError(
                    f"{where} came with {part.stat().st_size} of its {size} bytes.",
                    repair="Repeat the command: nothing was imported.",
                    culprit=where,
                )
            part.replace(path)
        except OSError as error:
            raise StorageError(
                f"{where} cannot be kept in {path.parent}: {error.strerror}.",
                repair="Free some space, or give this user the right, and repeat the command.", culprit=str(path.parent),
            ) from error  # fmt: skip
        finally:
            with suppress(OSError):
                part.unlink(missing_ok=True)

    def _stream(self, where: str) -> Any:
        """An object to read from, as it lies there."""
        with self.told():
            try:
                return self._system.open_input_stream(where.partition("://")[2], compression=None)
            except FileNotFoundError as error:
                raise StorageError(
                    f"{where} was there a moment ago and is gone.",
                    repair="Repeat the command: nothing was imported.",
                    culprit=where,
                ) from error

    def _block(self, stream: Any) -> bytes:
        with self.told():
            found: bytes = stream.read(_BLOCK)
            return found


def _endpoint() -> str:
    return os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL") or ""


def _region() -> str:
    return os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or "us-east-1"
