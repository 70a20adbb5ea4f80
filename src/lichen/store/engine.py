# SPDX-License-Identifier: Apache-2.0
"""The engine behind a store: SQLite with its settings, or PostgreSQL, from one URL."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any, Final

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError

from lichen.errors import StorageError

BUSY_TIMEOUT_S: Final = 5
"""How long a writer waits for another one."""
READING: Final = "lichen_reading"
"""Execution option of connections that only read."""
_KINDS: Final = "sqlite:///FILE or postgresql://HOST/DATABASE"


def read_url(url: str, folder: Path) -> URL:
    """The address of a store, understood.

    Args:
        url: ``sqlite:///FILE`` (relative to ``folder``) or ``postgresql://...``.

    Raises:
        StorageError: an address of another kind, or none.
    """
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        parsed = URL.create("unknown")
    kind = parsed.drivername.partition("+")[0]
    if kind in ("postgresql", "postgres"):
        return parsed.set(drivername="postgresql+psycopg")
    if kind != "sqlite" or parsed.host:
        raise StorageError(f"'{url}' is no address of a store.", repair=f"Write {_KINDS}.", culprit=url)
    if parsed.database in (None, "", ":memory:"):
        raise StorageError(
            f"The store '{url}' names no file; it would be lost at the end.", repair=f"Write {_KINDS}.", culprit=url
        )
    return parsed.set(drivername="sqlite+pysqlite", database=str(folder.resolve() / str(parsed.database)))


def make_engine(url: URL) -> Engine:
    """An engine for an address that `read_url` understood; nothing is opened yet."""
    return _sqlite(url) if url.get_backend_name() == "sqlite" else _postgresql(url)


def _sqlite(url: URL) -> Engine:
    engine = create_engine(url, connect_args={"timeout": BUSY_TIMEOUT_S}, pool_size=10, max_overflow=10)

    @event.listens_for(engine, "connect")
    def set_up(connection: sqlite3.Connection, _record: Any) -> None:
        # The driver's own handling begins no transaction before a CREATE TABLE: a migration would not be one.
        connection.isolation_level = None
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
            connection.execute(f"PRAGMA {pragma}").close()

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        # A transaction that reads first and writes later fails at once when somebody wrote in between, whatever the
        # timeout: those that may write ask for the right first.
        reading = connection.get_execution_options().get(READING, False)
        connection.exec_driver_sql(f"PRAGMA query_only={'ON' if reading else 'OFF'}")
        connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")

    return engine


def _postgresql(url: URL) -> Engine:
    engine = create_engine(url, pool_pre_ping=True, pool_size=10, max_overflow=10, connect_args={"connect_timeout": 10})

    @event.listens_for(engine, "connect")
    def set_up(connection: Any, _record: Any) -> None:
        # A server may be configured to answer before a commit is on disk; what is acknowledged here is safe.
        with connection.cursor() as cursor:
            cursor.execute("SET synchronous_commit = on")
            cursor.execute(f"SET lock_timeout = '{BUSY_TIMEOUT_S}s'")
        connection.commit()

    return engine
