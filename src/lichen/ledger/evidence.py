# SPDX-License-Identifier: Apache-2.0
"""Files that prove rows, under the hash of their bytes: written whole or not at all, never changed."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from io import BytesIO
from typing import Any, Final

from lichen.errors import StorageError
from lichen.ledger import runfile
from lichen.ledger.location import Location, Stored

FOLDER: Final = "evidence"
_HASH: Final = re.compile(r"[0-9a-f]{64}")
_AT_ONCE: Final = 8
"""Files that are brought to the disk at the same time: each waits for it."""


class Evidence:
    """The evidence files of a ledger."""

    def __init__(self, location: Location) -> None:
        self._location = location

    def put(self, content: bytes) -> str:
        """Keeps a file and returns its SHA-256; the same bytes are kept once. It is on the disk when this returns.

        Raises:
            StorageError: the place is away, full or forbidden.
        """
        sha256 = hashlib.sha256(content).hexdigest()
        # Written anew when it is there: its age then says that somebody is about to name it.
        self._location.write(_name(sha256), content)
        return sha256

    def put_all(self, contents: Sequence[bytes]) -> list[str]:
        """Keeps files and returns their hashes, in their order.

        Raises:
            StorageError: as `put`; some of them may be there then.
        """
        if len(contents) < 2:
            return [self.put(content) for content in contents]
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            return list(pool.map(self.put, contents))

    def get(self, sha256: str) -> bytes:
        """The bytes with this hash.

        Raises:
            StorageError: there is no such file, or its bytes have another hash.
        """
        content = self._location.read(_name(sha256)) if _HASH.fullmatch(sha256) else None
        if content is None:
            raise StorageError(
                f"The ledger {self._location.uri} has no evidence {sha256}.",
                repair="It may have been removed with its rows by lichen ledger retain.",
                culprit=sha256,
            )
        if hashlib.sha256(content).hexdigest() != sha256:
            raise StorageError(
                f"The evidence {self._location.at(_name(sha256))} was changed: its bytes have another hash than its name.",
                repair="Restore it from a backup.",
                culprit=sha256,
            )
        return content

    def run(self, sha256: str) -> Mapping[str, Any]:
        """The content of the run file with this hash.

        Raises:
            StorageError: as `get`, or it is no run file.
        """
        name = self._location.at(_name(sha256))
        content: Mapping[str, Any] = runfile.read_document(BytesIO(self.get(sha256)), name)
        return content

    def sweep(self, named: Collection[str], *, until: datetime, among: Collection[str] | None = None) -> int:
        """Removes the files that no row names and that were written before a moment; returns how many.

        Args:
            among: only these hashes; all when None.
        """
        unnamed = [
            stored.name
            for stored in self._location.files(FOLDER)
            if (sha256 := stored.name.rpartition("/")[2]) not in named
            and (among is None or sha256 in among)
            and stored.written_at is not None
            and stored.written_at < until
        ]
        for name in unnamed:
            self._location.remove(name)
        return len(unnamed)

    def stored(self) -> Iterator[Stored]:
        """The files that are there, without those that are being written."""
        return (stored for stored in self._location.files(FOLDER) if _HASH.fullmatch(stored.name.rpartition("/")[2]))


def _name(sha256: str) -> str:
    """Path below the ledger; folders of 256 stay small enough to list."""
    return f"{FOLDER}/{sha256[:2]}/{sha256}"
