# SPDX-License-Identifier: Apache-2.0
"""What a database says when it fails, as a sentence."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from sqlalchemy.exc import DBAPIError, IntegrityError, StatementError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from lichen.errors import StorageError, StoreBusy, StoreConflict, StoreFull

_SENTENCES: Final[tuple[tuple[str, type[StorageError], str, str], ...]] = (
    (
        "database is locked", StoreBusy, "The store {store} is busy: another process has been writing for several seconds.",
        "Try again; if it lasts, stop that process, or use PostgreSQL for several writers.",
    ),
    (
        "lock timeout", StoreBusy, "The store {store} is busy: another process has been writing for several seconds.",
        "Try again.",
    ),
    (
        "deadlock detected", StoreBusy, "The store {store} is busy: two changes wait for each other.", "Try again.",
    ),
    (
        "database or disk is full", StoreFull, "There is no space left for the store {store}.",
        "Free space on its disk; nothing of this change was kept.",
    ),
    (
        "No space left on device", StoreFull, "There is no space left for the store {store}.",
        "Free space on its disk; nothing of this change was kept.",
    ),
    (
        "file is not a database", StorageError, "The file {store} is no database.",
        "Name another file, or move this one away so that a new store is made.",
    ),
    (
        "malformed", StorageError, "The store {store} is damaged.", "Restore a backup: `lichen restore`.",
    ),
    (
        "disk I/O error", StorageError, "The disk of the store {store} fails.", "Look at its disk, then restore a backup.",
    ),
    (
        "readonly database", StorageError, "The store {store} cannot be written.",
        "Give this user the right to write it and its folder.",
    ),
    (
        "unable to open database file", StorageError, "The store {store} cannot be opened.",
        "Give this user the right to write its folder, or name another file.",
    ),
)  # fmt: skip


@contextmanager
def told(shown: str) -> Iterator[None]:
    """Turn what the database raises inside into errors with a sentence.

    Args:
        shown: name of the store in messages, without secrets.

    Raises:
        StoreBusy: another process writes, or every connection is in use.
        StoreConflict: a row that must be unique exists already, or one that is referred to does not.
        StorageError: anything else the database refuses.
    """
    try:
        yield
    except IntegrityError as error:
        if getattr(error.orig, "sqlite_errorname", "") == "SQLITE_CONSTRAINT_TRIGGER":
            raise _sentence(error, shown) from error
        raise StoreConflict(
            f"The store {shown} refused a row: {_first_line(error)}.",
            repair="Read what is there, then try again.",
            culprit=shown,
        ) from error
    except DBAPIError as error:
        raise _sentence(error, shown) from error
    except PoolTimeout as error:
        raise StoreBusy(
            f"All connections to the store {shown} are in use.", repair="Try again.", culprit=shown
        ) from error
    except UnicodeEncodeError as error:  # half of a surrogate pair
        raise StorageError(
            f"The store {shown} refused a text that is no Unicode.", repair="Write it anew.", culprit=shown
        ) from error
    except StatementError as error:
        if isinstance(error.orig, ValueError):  # a value that a column refuses
            raise StorageError(f"The store {shown} refused a value: {error.orig}.", culprit=shown) from error
        raise


def _sentence(error: DBAPIError, shown: str) -> StorageError:
    said = str(error.orig)
    for words, kind, problem, repair in _SENTENCES:
        if words in said:
            return kind(problem.format(store=shown), repair=repair, culprit=shown)
    if error.connection_invalidated or "connect" in said:
        return StorageError(
            f"The store {shown} does not answer: {_first_line(error)}.",
            repair="Start its server, or look at the address in `[server] store`.",
            culprit=shown,
        )
    return StorageError(f"The store {shown} refused: {_first_line(error)}.", culprit=shown)


def _first_line(error: DBAPIError) -> str:
    return str(error.orig).strip().partition("\n")[0].rstrip(".")
