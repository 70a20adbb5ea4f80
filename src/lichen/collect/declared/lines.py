# SPDX-License-Identifier: Apache-2.0
"""Lines of a text file, packed with gzip or not, within limits: a file is never in memory, whatever it holds."""

from __future__ import annotations

import gzip
import stat
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final

from lichen.errors import StorageError

LONGEST_LINE: Final = 1 << 16
"""Bytes of a line; web servers refuse requests of less."""
_GZIP: Final = b"\x1f\x8b"
_BOMB_BYTES: Final = 64 << 20
_BOMB_RATIO: Final = 200
"""Unpacked bytes for each packed one. Access logs have 10 to 30, those of one health check 100; a bomb has 1,000."""
_CHECKED_EVERY: Final = 1 << 20


class TextFile:
    """A file read line by line.

    Args:
        path: a regular file.
        heard: told now and then how many bytes of it were read since it was told last, packed ones of a packed file.

    Attributes:
        too_long: lines of more than `LONGEST_LINE` bytes so far; they are passed over.

    Raises:
        StorageError: it is missing, no regular file, or cannot be read.
    """

    def __init__(self, path: Path, heard: Callable[[int], None] | None = None) -> None:
        self.path = path
        self._heard = heard
        self.too_long = 0
        with told(path):
            mode = path.stat().st_mode
            if not stat.S_ISREG(mode):
                raise StorageError(f"{path} is no file.", repair="Name a file.", culprit=str(path))
            with path.open("rb") as file:
                self.packed = file.read(2) == _GZIP

    def __iter__(self) -> Iterator[tuple[int, bytes]]:
        """Number and content of each line, without its end; numbers count lines that are too long.

        Raises:
            StorageError: the file cannot be read, is damaged, or unpacks to far more than a log does.
        """
        with told(self.path), self.path.open("rb") as raw:
            if not self.packed:
                yield from self._lines(raw, raw)
                return
            with gzip.GzipFile(fileobj=raw) as unpacked:
                yield from self._lines(unpacked, raw)

    def content(self, limit: int) -> bytes:
        """All of it.

        Raises:
            StorageError: it cannot be read, is damaged, or holds more than ``limit`` bytes.
        """
        with told(self.path), self.path.open("rb") as raw:
            found = gzip.GzipFile(fileobj=raw).read(limit + 1) if self.packed else raw.read(limit + 1)
        if len(found) > limit:
            raise StorageError(
                f"{self.path} holds more than {limit >> 20} MiB.", repair="Cut it into several.", culprit=str(self.path)
            )
        return found

    def _lines(self, stream: IO[bytes] | gzip.GzipFile, raw: IO[bytes]) -> Iterator[tuple[int, bytes]]:
        number, inside, unpacked, checked, told_of = 0, False, 0, 0, 0
        while piece := stream.readline(LONGEST_LINE + 1):
            unpacked += len(piece)
            if unpacked - checked > _CHECKED_EVERY:
                checked = unpacked
                packed = raw.tell()
                self._check(unpacked, packed)
                if self._heard is not None:
                    self._heard(packed - told_of)
                told_of = packed
            whole = piece.endswith(b"\n") or len(piece) <= LONGEST_LINE
            if inside:
                inside = not whole
                continue
            number += 1
            if whole:
                yield number, piece.rstrip(b"\r\n")
            else:
                self.too_long += 1
                inside = True

    def _check(self, unpacked: int, packed: int) -> None:
        if unpacked > max(_BOMB_BYTES, _BOMB_RATIO * packed):
            raise StorageError(
                f"{self.path} unpacks to more than {_BOMB_RATIO} times its size.",
                repair="Unpack it yourself and look at what is in it.",
                culprit=str(self.path),
            )


@contextmanager
def told(path: Path) -> Iterator[None]:
    """Tells failures of reading in one sentence with the file's name."""
    try:
        yield
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise StorageError(
            f"{path} is a damaged gzip file.", repair="Copy it anew from where it comes from.", culprit=str(path)
        ) from error
    except (OSError, ValueError) as error:  # ValueError: a name that no file can have
        reason = getattr(error, "strerror", None) or error
        raise StorageError(
            f"{path} cannot be read: {reason}.", repair="Name a readable file.", culprit=str(path)
        ) from error
