# SPDX-License-Identifier: Apache-2.0
"""The version of a store: read it, bring it up to date, refuse what a newer Lichen or another program wrote.

A migration is one transaction on both engines, so that a process killed inside it leaves the store as it was. Alembic takes long
to import: who only asks for versions does without.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Final

from sqlalchemy import Connection, Engine, column, inspect, select, table, text

from lichen.errors import StorageError

if TYPE_CHECKING:
    from alembic.config import Config

VERSION_TABLE: Final = "schema_version"
_MIGRATION_LOCK: Final = 0x4C494348
"""Number of PostgreSQL's advisory lock that one migrating process holds."""


def _folders() -> tuple[Path, ...]:
    """Where migrations lie: files ``r0001_what_it_does.py`` by identifier."""
    return (Path(str(files("lichen.store").joinpath("migrations", "versions"))),)


@cache
def _known() -> tuple[str, ...]:
    """Identifiers of all migrations, oldest first."""
    return tuple(sorted(file.stem[1:].partition("_")[0] for folder in _folders() for file in folder.glob("r*_*.py")))


def _config() -> Config:
    from alembic.config import Config

    config = Config()
    # Alembic expands "%" in options.
    options = {
        "script_location": str(files("lichen.store").joinpath("migrations")), "path_separator": "newline",
        "version_locations": "\n".join(map(str, _folders())),
    }  # fmt: skip
    for name, value in options.items():
        config.set_main_option(name, value.replace("%", "%%"))
    config.attributes["version_table"] = VERSION_TABLE
    return config


def newest() -> str:
    """Identifier of the newest migration that this Lichen knows."""
    return _known()[-1]


def knows(identifier: str) -> bool:
    """Whether a migration is one of this Lichen's."""
    return identifier in _known()


def revision(connection: Connection) -> str | None:
    """Identifier of the last migration that the store has seen, None for an empty one."""
    if not inspect(connection).has_table(VERSION_TABLE):
        return None
    found = connection.scalar(select(column("version_num")).select_from(table(VERSION_TABLE)))
    return None if found is None else str(found)


def prepare(engine: Engine, shown: str) -> None:
    """Bring the store to the newest schema; do nothing when it is there.

    Args:
        engine: of the store, beginning its transactions with the right to write.
        shown: name of the store in messages, without secrets.

    Raises:
        StorageError: the store is newer than this Lichen, or belongs to another program.
    """
    with _migrating(engine) as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text("SET LOCAL lock_timeout = 0"))  # whoever migrates first may take long
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _MIGRATION_LOCK})
        found = revision(connection)
        if found == newest():
            return
        _refuse_foreign(connection, found, shown)
        from alembic import command

        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        _check_references(connection, shown)


@contextmanager
def _migrating(engine: Engine) -> Iterator[Connection]:
    """A transaction in which SQLite's tables can be written anew.

    Dropping a table deletes its rows first, and with them those that refer to it. SQLite obeys this switch outside transactions
    only (https://sqlite.org/lang_altertable.html, section 7).
    """
    with engine.connect() as connection:
        if engine.dialect.name != "sqlite":
            with connection.begin():
                yield connection
            return
        switch = connection.connection.cursor()
        switch.execute("PRAGMA foreign_keys=OFF")
        try:
            with connection.begin():
                yield connection
        finally:
            switch.execute("PRAGMA foreign_keys=ON")
            switch.close()


def _check_references(connection: Connection, shown: str) -> None:
    """What `_migrating` has switched off, done at the end."""
    if connection.dialect.name == "sqlite" and (lost := connection.exec_driver_sql("PRAGMA foreign_key_check").first()):
        raise StorageError(
            f"A row of the table {lost[0]} in {shown} refers to a row of {lost[2]} that does not exist.",
            repair="Restore a backup: `lichen restore`.", culprit=shown,
        )  # fmt: skip


def is_current(connection: Connection) -> bool:
    """Whether the store has the newest schema."""
    return revision(connection) == newest()


def is_empty(connection: Connection) -> bool:
    """Whether there is no table at all."""
    return not inspect(connection).get_table_names()


def _refuse_foreign(connection: Connection, found: str | None, shown: str) -> None:
    if found is not None and not knows(found):
        raise StorageError(
            f"The store {shown} was written by a newer Lichen: its schema is {found}, this version knows up to {newest()}.",
            repair="Install the newer version again, or restore a backup taken before the upgrade.",
            culprit=shown,
        )
    if found is None and (tables := inspect(connection).get_table_names()):
        raise StorageError(
            f"The database {shown} has tables of another program ({tables[0]}) and no store of Lichen.",
            repair="Give the store a database of its own.",
            culprit=shown,
        )
