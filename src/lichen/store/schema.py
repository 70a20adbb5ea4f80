# SPDX-License-Identifier: Apache-2.0
"""The version of a store: read it, bring it up to date, refuse what a newer Lichen or another program wrote.

A migration is one transaction on both engines, so that a process killed inside it leaves the store as it was.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib.resources import files
from typing import Final

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, inspect, text

from lichen.errors import StorageError

VERSION_TABLE: Final = "schema_version"
_MIGRATION_LOCK: Final = 0x4C494348
"""Number of PostgreSQL's advisory lock that one migrating process holds."""


@cache
def _scripts() -> ScriptDirectory:
    return ScriptDirectory.from_config(_config())


def _config() -> Config:
    config = Config()
    # Alembic expands "%" in options.
    config.set_main_option("script_location", str(files("lichen.store").joinpath("migrations")).replace("%", "%%"))
    config.attributes["version_table"] = VERSION_TABLE
    return config


def newest() -> str:
    """Identifier of the newest migration that this Lichen knows."""
    return str(_scripts().get_current_head())


def knows(identifier: str) -> bool:
    """Whether a migration is one of this Lichen's."""
    return any(script.revision == identifier for script in _scripts().walk_revisions())


def revision(connection: Connection) -> str | None:
    """Identifier of the last migration that the store has seen, None for an empty one."""
    return MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE}).get_current_revision()


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
