# SPDX-License-Identifier: Apache-2.0
"""All rows of a store as plain values, of one moment, and back: the same on SQLite and on PostgreSQL."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Column, Date, LargeBinary, Table, func, insert, select, text
from sqlalchemy.orm import Session

from lichen.errors import StorageError
from lichen.store import schema
from lichen.store.models import Base, Money, UtcTime
from lichen.store.opening import Store

LEFT_OUT: Final = frozenset({"lease"})
"""Tables that say what goes on now."""
_AT_ONCE: Final = 500


def tables() -> list[str]:
    """Names of the tables, each after those that it refers to."""
    return [table.name for table in Base.metadata.sorted_tables if table.name not in LEFT_OUT]


def revision(session: Session) -> str:
    """The version of the schema."""
    return str(schema.revision(session.connection()))


def rows(session: Session, name: str) -> Iterator[dict[str, Any]]:
    """The rows of a table in the order of their keys, as JSON holds them."""
    table = Base.metadata.tables[name]
    found = session.execute(select(table).order_by(*table.primary_key.columns).execution_options(yield_per=_AT_ONCE))
    for row in found.mappings():
        yield {column.name: _plain(row[column]) for column in table.columns}


def occupied(session: Session) -> str | None:
    """A table that has rows; None when the store is as good as new."""
    for name in tables():
        if session.execute(select(Base.metadata.tables[name]).limit(1)).first() is not None:
            return name
    return None


def fill(store: Store, version: str, content: Iterator[tuple[str, Iterator[Mapping[str, Any]]]]) -> None:
    """Writes the rows of tables into an empty store, all or none.

    Args:
        version: of the schema that they were read with; the store has to know it.

    Raises:
        StorageError: a newer schema, or a row that does not fit.
    """
    if not schema.knows(version):
        raise StorageError(
            f"The backup was made by a newer Lichen: its schema is {version}, this version knows up to {schema.newest()}.",
            repair="Install the newer version.", culprit=version,
        )  # fmt: skip
    with store.session() as session:
        for name, found in content:
            table = Base.metadata.tables.get(name)
            if table is None:
                raise StorageError(f"The backup has a table '{name}' that no Lichen has.", culprit=name)
            batch: list[dict[str, Any]] = []
            for row in found:
                batch.append({key: _typed(table.columns[key], row[key]) for key in row if key in table.columns})
                if len(batch) >= _AT_ONCE:
                    session.execute(insert(table), batch)
                    batch = []
            if batch:
                session.execute(insert(table), batch)
            _count_on(session, table)


def _count_on(session: Session, table: Table) -> None:
    """PostgreSQL's counters do not see numbers that are written."""
    column = table.autoincrement_column
    if column is None or session.get_bind().dialect.name != "postgresql":
        return
    last = session.scalar(select(func.max(column)))
    if last is not None:
        counter = text("SELECT setval(pg_get_serial_sequence(:table, :column), :last)")
        session.execute(counter, {"table": table.name, "column": column.name, "last": last})


def _plain(value: Any) -> Any:
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, datetime | date):
        return value.isoformat()
    return str(value) if isinstance(value, Decimal) else value


def _typed(column: Column[Any], value: Any) -> Any:
    """A value as its column takes it; StorageError for one that it cannot be."""
    if value is None:
        return None
    kind = column.type
    try:
        if isinstance(kind, LargeBinary):
            return base64.b64decode(value)
        if isinstance(kind, UtcTime):
            return _moment(value)
        if isinstance(kind, Date):
            return date.fromisoformat(value)
        return Decimal(value) if isinstance(kind, Money) else value
    except (TypeError, ValueError, ArithmeticError) as error:  # the last one of decimals, and of years that UTC has not
        raise StorageError(
            f"The backup has {str(value)[:40]!r} in the column '{column}', which cannot be.",
            repair="Take another one.", culprit=str(column),
        ) from error  # fmt: skip


def _moment(value: str) -> datetime:
    """A moment in UTC; ValueError or OverflowError for what is none."""
    moment = datetime.fromisoformat(value)
    if moment.tzinfo is None:
        raise ValueError
    return moment.astimezone(UTC)


def set_aside(store: Store, suffix: str) -> None:
    """Renames the file of a store, whose place an empty one takes.

    Raises:
        StorageError: the file cannot be renamed.
    """
    store.close()  # the last connection brings what waits beside the file into it
    file = Path(str(store.url.database))
    try:
        file.rename(file.with_name(f"{file.name}{suffix}"))
    except OSError as error:
        raise StorageError(
            f"{file} cannot be set aside: {error.strerror}.", repair="Name another place.", culprit=str(file)
        ) from error
    schema.prepare(store.engine, store.shown)
