# SPDX-License-Identifier: Apache-2.0
"""The data folder: created by whichever process comes first, returned to its seed in milliseconds."""

import fcntl
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from lichen.demo import seed
from lichen.demo.database import BUSY_TIMEOUT_S, DATABASE_NAME
from lichen.errors import StorageError

SEED_NAME: Final = "seed.db"
UPLOADS_NAME: Final = "uploads"
_LOCK_NAME: Final = ".lock"


def prepare(folder: Path) -> None:
    """Create database and upload folder if they are not there yet.

    Args:
        folder: the data folder; created when absent. Two processes may call this at the same time.

    Raises:
        StorageError: the folder cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with _locked(folder):
            (folder / UPLOADS_NAME).mkdir(exist_ok=True)
            if not (folder / SEED_NAME).exists():
                draft = folder / f"{SEED_NAME}.new"
                draft.unlink(missing_ok=True)
                seed.build(draft)
                draft.replace(folder / SEED_NAME)
            if not (folder / DATABASE_NAME).exists():
                _copy_seed(folder)
    except OSError as error:
        raise StorageError(
            f"{folder}: the data folder of the portal cannot be written ({error.strerror}).",
            repair="Give another folder with --data.",
            culprit=str(folder),
        ) from error


def reset(folder: Path) -> None:
    """Return the data to the seed state; running processes see it at their next query.

    Args:
        folder: a prepared data folder.

    Raises:
        StorageError: the folder holds no seed, or the database stays busy.
    """
    if not (folder / SEED_NAME).is_file():
        raise StorageError(
            f"{folder}: this is no data folder of the portal.",
            repair="Start the portal with --data on it first.",
            culprit=str(folder),
        )
    with _locked(folder):
        try:
            _copy_seed(folder)
        except sqlite3.OperationalError as error:
            raise StorageError(
                f"{folder}: the database could not be reset ({error}).",
                repair="Stop the process that holds it.",
                culprit=str(folder),
            ) from error
        uploads = folder / UPLOADS_NAME
        shutil.rmtree(uploads, ignore_errors=True)
        uploads.mkdir(exist_ok=True)


def _copy_seed(folder: Path) -> None:
    """Copy every page of the seed over the live database in one transaction (SQLite online backup)."""
    source = sqlite3.connect(folder / SEED_NAME)
    target = sqlite3.connect(folder / DATABASE_NAME, timeout=BUSY_TIMEOUT_S)
    try:
        target.execute("PRAGMA journal_mode = WAL")
        source.backup(target)
    finally:
        target.close()
        source.close()


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Hold the folder's lock, so that start-up and reset of several processes never mix."""
    with (folder / _LOCK_NAME).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
