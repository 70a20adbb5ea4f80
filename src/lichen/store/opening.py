# SPDX-License-Identifier: Apache-2.0
"""Opening a store, and the sessions that read and change it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final, Self

from sqlalchemy import URL, Engine
from sqlalchemy.orm import Session

from lichen.errors import StorageError
from lichen.store import failures, schema
from lichen.store.engine import READING, make_engine, read_url

DEFAULT_FILE: Final = Path(".lichen") / "lichen.db"


class Store:
    """An open store: the decisions of an organisation in one database.

    Args:
        url: address that `lichen.store.engine.read_url` understood.

    Attributes:
        engine: SQLAlchemy's; its transactions have the right to write from their first word.
        shown: name in messages, without secrets: the file, or the server's address.
    """

    def __init__(self, url: URL) -> None:
        self.url = url
        self.engine: Engine = make_engine(url)
        # On PostgreSQL a transaction sees one state only at this level; SQLite's always does.
        options: dict[str, Any] = (
            {} if self.is_sqlite else {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
        )
        self._readers = self.engine.execution_options(**{READING: True}, **options)
        server = URL.create(url.get_backend_name(), host=url.host, port=url.port, database=url.database)
        self.shown = str(url.database) if self.is_sqlite else server.render_as_string()

    @property
    def is_sqlite(self) -> bool:
        """Whether the store is a file of this machine."""
        return self.url.get_backend_name() == "sqlite"

    @contextmanager
    def session(self) -> Iterator[Session]:
        """A session that may write: committed at the end, rolled back when anything is raised.

        On SQLite it is the only writer while it lasts: keep it short, and read with `reading`.

        Raises:
            StoreBusy: somebody else kept writing for five seconds.
            StoreConflict: a row that must be unique exists already.
            StorageError: the database fails otherwise.
        """
        with failures.told(self.shown), Session(self.engine, expire_on_commit=False) as session, session.begin():
            yield session

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A session that only reads one state of the store, beside whoever writes. What is changed in it is forgotten."""
        with failures.told(self.shown), Session(self._readers, autoflush=False) as session:
            yield session

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class _PassingStore(Store):
    """An empty store in the place of one that is not there; it goes when it is closed."""

    def __init__(self) -> None:
        self._folder = TemporaryDirectory(prefix="lichen-store-")
        super().__init__(read_url(f"sqlite:///{DEFAULT_FILE.name}", Path(self._folder.name)))
        schema.prepare(self.engine, self.shown)

    def close(self) -> None:
        """See `Store.close`."""
        super().close()
        self._folder.cleanup()


def open_store(url: str | None = None, *, folder: Path = Path(), create: bool = True) -> Store:
    """Open a store, make it when there is none, and bring an older one up to date.

    Args:
        url: ``sqlite:///FILE``, relative to ``folder``, or ``postgresql://...``; None: ``.lichen/lichen.db`` in ``folder``.
        folder: of the project.
        create: make it when there is none; otherwise an empty one stands in its place, and nothing is left of that.

    Raises:
        StorageError: an address of another kind, a file that is no database, one that cannot be written, a store of a newer
            Lichen, a server that does not answer.
    """
    parsed = read_url(url or f"sqlite:///{DEFAULT_FILE}", folder)
    if parsed.get_backend_name() == "sqlite":
        file = Path(str(parsed.database))
        if create:
            _make_file(file)
        elif _is_absent(file):
            return _PassingStore()
    store = Store(parsed)
    try:
        with failures.told(store.shown):
            with store._readers.connect() as connection:  # noqa: SLF001 - a store that is being opened
                current = schema.is_current(connection)
                passing = not current and not create and schema.is_empty(connection)
            if passing:
                store.close()
                return _PassingStore()
            if not current:
                schema.prepare(store.engine, store.shown)
    except BaseException:
        store.close()
        raise
    return store


def _is_absent(file: Path) -> bool:
    """Whether there is no store in a file: no file at all, or an empty one."""
    try:
        return file.stat().st_size == 0
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:  # SQLite says why it cannot be opened
        return False


def _make_file(file: Path) -> None:
    """An empty file that its owner alone reads, where there is none: it will hold hashes of passwords and of tokens.

    In a new folder of the default name, Git is told to leave it alone.
    """
    folder = file.parent
    try:
        is_ours = folder.name == DEFAULT_FILE.parent.name and not folder.exists()
        folder.mkdir(parents=True, exist_ok=True, mode=0o700 if is_ours else 0o777)
        if is_ours:
            (folder / ".gitignore").write_text("*\n", encoding="utf-8")
    except OSError as error:
        raise StorageError(
            f"The folder {folder} of the store cannot be made: {error.strerror}.",
            repair="Name another file in `[server] store`.",
            culprit=str(file),
        ) from error
    with suppress(OSError):  # SQLite says why it cannot be opened
        file.touch(mode=0o600, exist_ok=True)
