# SPDX-License-Identifier: Apache-2.0
"""Where an import keeps what it has done so far: a folder that one import at a time uses, and that is empty after a success."""

from __future__ import annotations

import fcntl
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from lichen.errors import StorageError, StoreBusy

if TYPE_CHECKING:
    from lichen.config import Settings

FOLDER: Final = Path(".lichen") / "bills"
_LOCK: Final = "lock"


@contextmanager
def spooled(settings: Settings, *, dry_run: bool) -> Iterator[Path]:
    """The spool of a project for one import; a folder that goes afterwards when it is a dry run.

    What an import that fails has summed and fetched stays for the next one.

    Raises:
        StoreBusy: another import is under way.
        StorageError: the folder cannot be made.
    """
    if dry_run:
        with tempfile.TemporaryDirectory(prefix="lichen-bills-") as temporary:
            yield Path(temporary)
        return
    folder = settings.folder / FOLDER
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = (folder / _LOCK).open("w")
    except OSError as error:
        raise StorageError(
            f"{folder} cannot be written: {error.strerror}.", repair="Give this user the right.", culprit=str(folder)
        ) from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise StoreBusy(
                f"Another import of bills is under way in {folder}.", repair="Wait for its end.", culprit=str(folder)
            ) from error
        yield folder
        for path in folder.iterdir():
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
