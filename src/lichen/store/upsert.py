# SPDX-License-Identifier: Apache-2.0
"""Rows that are added, or changed when they are there, in one statement on both engines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from sqlalchemy import Table, TextClause, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from lichen.store import models
from lichen.store.models import Base

_NATURAL: Final[Mapping[type[Base], tuple[str | TextClause, ...]]] = {
    models.Team: ("code",),
    models.User: ("email",),
    models.Application: ("code",),
    models.Part: ("application_id", "code"),
    models.Environment: ("application_id", "code"),
    models.Journey: ("application_id", "code"),
    models.Traffic: ("application_id", text("coalesce(journey_id, '')"), "day", "source"),
}
"""What makes a row the same one, for tables whose primary key is random."""


def upsert(
    session: Session,
    model: type[Base],
    rows: Sequence[Mapping[str, Any]],
    *,
    keep: Sequence[str] = (),
) -> None:
    """Add rows, or change those that are there.

    Two rows are the same one when their natural key is: the code of a team or of an application, the slot of a traffic row, else
    the primary key. The last of equal rows wins.

    Args:
        rows: columns by name, the same in each; an absent column takes its default when the row is new.
        keep: columns that are written when a row is new, and left alone when it is there.

    Raises:
        ValueError: rows with different columns.
    """
    if not rows:
        return
    names = set(rows[0])
    if any(set(row) != names for row in rows):
        raise ValueError(f"rows of {model.__tablename__} with different columns")
    table = model.__table__
    if not isinstance(table, Table):
        raise TypeError(f"{model.__name__} is no table")
    key = _NATURAL.get(model) or tuple(column.name for column in table.primary_key)
    same = {name for name in key if isinstance(name, str)} | ({"journey_id"} if model is models.Traffic else set())
    change = sorted(names - same - set(keep) - {column.name for column in table.primary_key})
    dialect = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    statement = dialect.insert(table)
    if change:
        statement = statement.on_conflict_do_update(
            index_elements=key, set_={name: statement.excluded[name] for name in change}
        )
    else:
        statement = statement.on_conflict_do_nothing(index_elements=key)
    session.execute(statement, [dict(row) for row in rows])
