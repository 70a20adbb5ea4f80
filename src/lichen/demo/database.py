# SPDX-License-Identifier: Apache-2.0
"""The SQLite file that portal and back office share."""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import Final

Parameters = Sequence[str | int | float | None]

DATABASE_NAME: Final = "portal.db"
BUSY_TIMEOUT_S: Final = 5.0

SCHEMA: Final = """
CREATE TABLE company (
  id INTEGER PRIMARY KEY, siren TEXT NOT NULL UNIQUE, name TEXT NOT NULL, city TEXT NOT NULL,
  sector TEXT NOT NULL, turnover_eur INTEGER NOT NULL, employees INTEGER NOT NULL);
CREATE TABLE account (
  id INTEGER PRIMARY KEY, email TEXT NOT NULL UNIQUE, name TEXT NOT NULL, password TEXT NOT NULL,
  company_id INTEGER REFERENCES company(id));
CREATE TABLE session (
  token TEXT PRIMARY KEY, account_id INTEGER REFERENCES account(id)) WITHOUT ROWID;
CREATE TABLE application (
  id INTEGER PRIMARY KEY, company_id INTEGER REFERENCES company(id), product TEXT NOT NULL,
  status TEXT NOT NULL, amount_eur INTEGER, term_months INTEGER, deferral_months INTEGER,
  submitted_on TEXT, decided_on TEXT, score INTEGER, score_max INTEGER, rate_annual_percent TEXT,
  guarantee_share_percent TEXT, answers TEXT NOT NULL DEFAULT '{}', findings TEXT NOT NULL DEFAULT '[]',
  session_token TEXT);
CREATE INDEX application_company ON application(company_id);
CREATE INDEX application_listing ON application(submitted_on DESC, id DESC);
CREATE TABLE document (
  id INTEGER PRIMARY KEY, application_id INTEGER NOT NULL REFERENCES application(id), kind TEXT NOT NULL,
  filename TEXT NOT NULL, media_type TEXT NOT NULL, size_bytes INTEGER NOT NULL, sha256 TEXT NOT NULL,
  verdict TEXT NOT NULL, received_on TEXT NOT NULL, stored INTEGER NOT NULL DEFAULT 0);
CREATE INDEX document_application ON document(application_id);
CREATE TABLE event (
  id INTEGER PRIMARY KEY, application_id INTEGER NOT NULL REFERENCES application(id),
  occurred_on TEXT NOT NULL, kind TEXT NOT NULL, actor TEXT NOT NULL);
CREATE INDEX event_application ON event(application_id);
CREATE TABLE message (
  id INTEGER PRIMARY KEY, application_id INTEGER NOT NULL REFERENCES application(id),
  sent_on TEXT NOT NULL, sender TEXT NOT NULL, body_en TEXT NOT NULL, body_fr TEXT NOT NULL);
CREATE INDEX message_application ON message(application_id);
"""


@dataclass
class QueryMeter:
    """Number of statements sent to the database while one request is served."""

    count: int = 0


query_meter: ContextVar[QueryMeter | None] = ContextVar("query_meter", default=None)
"""The meter of the request being served; None outside a request."""


class Database:
    """One connection, with every statement counted on the current meter."""

    def __init__(self, path: Path) -> None:
        self._connection = sqlite3.connect(path, timeout=BUSY_TIMEOUT_S, isolation_level=None)
        self._connection.row_factory = sqlite3.Row
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = NORMAL")
        self._connection.execute("PRAGMA foreign_keys = ON")

    def rows(self, statement: str, parameters: Parameters = ()) -> list[sqlite3.Row]:
        """Run a query and return all of its rows."""
        return self._run(statement, parameters).fetchall()

    def row(self, statement: str, parameters: Parameters = ()) -> sqlite3.Row | None:
        """Run a query and return its first row, or None."""
        found: sqlite3.Row | None = self._run(statement, parameters).fetchone()
        return found

    def change(self, statement: str, parameters: Parameters = ()) -> int:
        """Run a statement that writes, and return the identifier of the row it inserted last."""
        return self._run(statement, parameters).lastrowid or 0

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Make all the writes of a block durable together, or none of them."""
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise
        self._connection.execute("COMMIT")

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def _run(self, statement: str, parameters: Parameters) -> sqlite3.Cursor:
        meter = query_meter.get()
        if meter is not None:
            meter.count += 1
        return self._connection.execute(statement, parameters)
