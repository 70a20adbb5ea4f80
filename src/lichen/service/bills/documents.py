# SPDX-License-Identifier: Apache-2.0
"""Documents that imports keep beside the rows of a ledger: they are written last, and whether they can be is asked first."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable
from typing import TYPE_CHECKING

from lichen.errors import StorageError
from lichen.ledger.documents import FOLDER
from lichen.ledger.location import Folder, parse

if TYPE_CHECKING:
    from lichen.ledger import Ledger


def check_documents(ledger: Ledger, folders: Iterable[str]) -> None:
    """Makes sure that documents can be written, before the rows that they tell of; nothing is made.

    A bucket has no folders: who may write rows there may write documents.

    Args:
        folders: of documents, as their names begin: ``bills/bill:aws``.

    Raises:
        StorageError: a folder cannot be made or written.
    """
    place = parse(ledger.where)
    if not isinstance(place, Folder):
        return
    for name in dict.fromkeys(folders):
        wanted = place.path / FOLDER / name
        nearest = next(one for one in (wanted, *wanted.parents) if os.path.lexists(one))
        try:
            with tempfile.TemporaryFile(dir=nearest):
                pass
        except OSError as error:
            raise StorageError(
                f"{nearest} cannot be written: {error.strerror}.",
                repair="Make it a folder that this user may write, and repeat the command: nothing was imported.",
                culprit=str(nearest),
            ) from error
