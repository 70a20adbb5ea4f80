# SPDX-License-Identifier: Apache-2.0
"""What is told of rows and has no column: small JSON documents beside the tables, such as what an import has read."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from lichen.errors import StorageError
from lichen.ledger.location import Location

FOLDER: Final = "documents"
_SUFFIX: Final = ".json"


class Documents:
    """The documents of a ledger, by names with ``/``; each is written whole or not at all, in place of what stood there."""

    def __init__(self, location: Location) -> None:
        self._location = location

    def put(self, name: str, content: Mapping[str, Any]) -> None:
        """Keeps a document; it is on the disk when this returns.

        Raises:
            StorageError: the place is away, full or forbidden.
        """
        text = json.dumps(content, ensure_ascii=False, allow_nan=False, sort_keys=True, indent=1)
        self._location.write(f"{FOLDER}/{name}{_SUFFIX}", text.encode() + b"\n")

    def get(self, name: str) -> dict[str, Any] | None:
        """A document; None when there is none.

        Raises:
            StorageError: the place is away, or the document is damaged.
        """
        raw = self._location.read(f"{FOLDER}/{name}{_SUFFIX}")
        if raw is None:
            return None
        try:
            content = json.loads(raw)
        except ValueError:
            content = None
        if not isinstance(content, dict):
            where = self._location.at(f"{FOLDER}/{name}{_SUFFIX}")
            raise StorageError(f"{where} is damaged.", repair="Remove it, and repeat the import.", culprit=where)
        return content

    def names(self, folder: str) -> list[str]:
        """Names of the documents below a folder, sorted."""
        found = (stored.name for stored in self._location.files(f"{FOLDER}/{folder}"))
        return sorted(name[len(FOLDER) + 1 : -len(_SUFFIX)] for name in found if name.endswith(_SUFFIX))

    def remove(self, name: str) -> None:
        """Removes a document; nothing happens when there is none."""
        self._location.remove(f"{FOLDER}/{name}{_SUFFIX}")
