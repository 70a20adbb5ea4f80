# SPDX-License-Identifier: Apache-2.0
"""The portfolio as rows that name each other by code, as a file does."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from lichen.store import models
from lichen.store.models import Base

_MODELS: Final[Mapping[str, type[Base]]] = {
    "organisation": models.Organisation, "team": models.Team, "application": models.Application, "part": models.Part,
    "environment": models.Environment, "journey": models.Journey,
    "deployment": models.Deployment, "weight": models.Weight, "tier_source": models.TierSource, "budget": models.Budget,
    "target": models.Target, "action": models.Action,
}  # fmt: skip
_ORDER: Final = (
    "application",
    "code",
    "at",
    "scope",
    "of",
    "indicator",
    "valid_from",
    "started_on",
    "title",
    "tier",
    "journey",
    "what",
    "per",
)
"""Rows are in the order of these keys, where they have them, whatever order and alphabet the engine prefers."""
_NAMES: Final = {"team_id": "team", "application_id": "application", "journey_id": "journey", "scope_id": "of"}
"""Columns that hold an id, and the key that holds its code."""
_COLUMNS: Final = {"what": "indicator_or_quantity", "limit": "limit_value"}
"""Keys whose column is called otherwise."""
_KEYS: Final = _NAMES | {column: key for key, column in _COLUMNS.items()}


@dataclass(frozen=True, slots=True)
class Stored:
    """A row that is there: its id and its values, unset ones as None."""

    row_id: str
    values: Mapping[str, Any]


def _position(row: Stored) -> tuple[Any, ...]:
    values = [row.values.get(name) for name in _ORDER]
    return (*((value is not None, value) for value in values), row.row_id)


class PortfolioRows:
    """The rows of one transaction.

    Args:
        session: open; of a store that is written when rows are.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._codes = {
            "team": {row.id: row.code for row in session.execute(select(models.Team.id, models.Team.code))},
            "application": {
                row.id: row.code for row in session.execute(select(models.Application.id, models.Application.code))
            },
        }
        journeys = session.execute(select(models.Journey.id, models.Journey.application_id, models.Journey.code)).all()
        self._journeys = {(row.application_id, row.code): row.id for row in journeys}
        self._ids = {name: {code: row_id for row_id, code in codes.items()} for name, codes in self._codes.items()}
        self._codes["journey"] = {row.id: row.code for row in journeys}

    def all(self) -> dict[str, list[Stored]]:
        """Every row, by table."""
        return {name: self._rows(model) for name, model in _MODELS.items()}

    def write(self, table: str, row_id: str | None, values: Mapping[str, Any]) -> str:
        """Add a row, or change the one that has this id.

        Args:
            table: its name. row_id: None for a new one with an id of its own.
            values: by key; rows that they refer to by code are there.

        Returns:
            The id of the row.
        """
        model = _MODELS[table]
        columns = self._columns(values)
        row: Any = self._session.get(model, row_id) if row_id is not None else None
        if row is None:
            row = model(**columns, id=row_id or models.new_id())
            self._session.add(row)
        else:
            for name, value in columns.items():
                setattr(row, name, value)
        self._session.flush()
        if table in self._ids:
            self._ids[table][row.code] = row.id
        if table == "journey":
            self._journeys[row.application_id, row.code] = row.id
        return str(row.id)

    def _rows(self, model: type[Base]) -> list[Stored]:
        columns = [column.name for column in model.__table__.columns]
        found = []
        for row in self._session.scalars(select(model)):
            raw = {name: getattr(row, name) for name in columns}
            if raw.get("scope_id") is not None and raw["scope_id"] not in self._codes[raw["scope"]]:
                continue  # a target of what is there no more
            found.append(Stored(raw.pop("id"), {_KEYS.get(name, name): self._told(raw, name) for name in raw}))
        return sorted(found, key=_position)

    def _told(self, raw: Mapping[str, Any], name: str) -> Any:
        """The value of a column as a file tells it."""
        value = raw[name]
        if name == "path":
            return "linear" if value.get("kind") == "linear" else dict(value.get("points", {}))
        if name == "scope_id":
            return self._codes[raw["scope"]].get(value) if value is not None else None
        if name in _NAMES and value is not None:
            return self._codes[_NAMES[name]][value]
        return value

    def _columns(self, values: Mapping[str, Any]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for name, value in values.items():
            if name in ("team", "application"):
                found[f"{name}_id"] = None if value is None else self._ids[name][value]
            elif name == "journey":
                application_id = None if value is None else self._ids["application"][values["application"]]
                found["journey_id"] = None if value is None else self._journeys[application_id, value]
            elif name == "of":
                found["scope_id"] = None if value is None else self._ids[values["scope"]][value]
            elif name == "path":
                found[name] = {"kind": "linear"} if value == "linear" else {"kind": "points", "points": value}
            else:
                found[_COLUMNS.get(name, name)] = value
        return found
