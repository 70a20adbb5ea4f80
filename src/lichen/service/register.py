# SPDX-License-Identifier: Apache-2.0
"""The register of actions as people keep it: entries added, changed and taken out, each noted in the audit log.

What a key may hold is what it may hold in a portfolio file.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from lichen.config.names import nearest
from lichen.errors import LichenError, UsageError
from lichen.service.accounts import By, note
from lichen.service.board import lists
from lichen.service.board.evidence import with_evidence
from lichen.service.board.queries import EVERYTHING, Visibility
from lichen.service.board.reading import HEADLINE, Look
from lichen.service.board.rows import ActionRow, Frame
from lichen.service.context import ServiceContext
from lichen.service.portfolio_files import TABLES
from lichen.store import Session
from lichen.store.models import Action, Application

FIELDS: Final = {name: field for name, field in TABLES["action"].fields.items() if name not in ("id", "application")}
"""What is told of an action, besides whose it is."""
DONE: Final = "done"
CheckIndicator = Callable[[str], object]
"""Raises LichenError for an indicator that does not exist."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionView:
    """One entry of the register."""

    frame: Frame
    action: ActionRow


def read(given: Mapping[str, object], *, cells: bool, check_indicator: CheckIndicator) -> dict[str, Any]:
    """What is told of an action, as the store keeps it.

    Args:
        given: by key; an empty value empties the key.
        cells: values are texts that somebody typed; else they are as JSON or TOML has them.

    Raises:
        UsageError: a key is unknown, or its value is not of its kind.
    """
    found: dict[str, Any] = {}
    for name, value in given.items():
        if name not in FIELDS:
            raise UsageError(
                f"An action has no '{name[:40]}'.", repair=nearest(name, list(FIELDS), valid_are="Keys"), culprit=name
            )
        field = FIELDS[name]
        try:
            told = value.strip() if isinstance(value, str) else value
            if cells and isinstance(told, str) and not field.is_unset(told):
                told = field.kind.from_cell(told.replace(",", ".") if field.kind.is_number else told)
            found[name] = field.empty if field.is_unset(told) else field.kind.read(told)
        except ValueError as error:
            raise UsageError(
                f"{name} is {_quoted(value)}.", repair=f"Give {field.kind.wanted}.", culprit=name
            ) from error
    if found.get("indicator") is not None:
        try:
            check_indicator(found["indicator"])
        except LichenError as error:
            raise UsageError(error.problem, repair=error.repair, culprit="indicator") from error
    return found


def add(session: Session, application: Application, told: Mapping[str, Any], *, by: By) -> Action:
    """Writes a new action down.

    Args:
        told: what `read` gave.

    Raises:
        UsageError: it has no title, or ends before it begins.
    """
    action = Action(application_id=application.id, status="planned", indicator=HEADLINE, tags=[])
    _write(action, told, today=by.at.date())
    session.add(action)
    session.flush()
    detail = {"application": application.code, "title": action.title, "status": action.status}
    note(session, by, "action.add", "action", action.id, detail)
    return action


def change(session: Session, action: Action, told: Mapping[str, Any], *, by: By) -> None:
    """Changes what is told of an action; keys that are not told stay.

    Raises:
        UsageError: it would have no title, or end before it begins.
    """
    before = {name: getattr(action, name) for name in FIELDS}
    _write(action, told, today=by.at.date())
    session.flush()
    changed = {name: _plain(getattr(action, name)) for name in FIELDS if getattr(action, name) != before[name]}
    note(session, by, "action.change", "action", action.id, {"title": action.title, **changed})


def remove(session: Session, action: Action, *, by: By) -> None:
    """Takes an action out of the register."""
    note(session, by, "action.remove", "action", action.id, {"title": action.title, "status": action.status})
    session.delete(action)


def find(session: Session, action_id: str) -> tuple[Action, Application] | None:
    """An action and the application that it is about; None without one."""
    action = session.get(Action, action_id)
    return None if action is None else (action, session.get_one(Application, action.application_id))


def entry(context: ServiceContext, action_id: str, seen: Visibility = EVERYTHING) -> ActionView | None:
    """One entry, of an application that is seen; None without one."""
    with context.store.reading() as session:
        look = Look(context, session, seen)
        action = session.get(Action, action_id)
        by_id = {one.id: one for one in look.applications}
        rows = lists.action_rows(look, () if action is None else (action,), by_id)
        return ActionView(frame=look.frame(), action=with_evidence(look, rows)[0]) if rows else None


def _write(action: Action, told: Mapping[str, Any], *, today: date) -> None:
    for name, value in told.items():
        setattr(action, name, value)
    if not action.title:
        raise UsageError("The action has no title.", repair="Say what is done, in a few words.", culprit="title")
    if action.status == DONE and action.done_on is None:
        action.done_on = today
    if action.started_on is not None and action.done_on is not None and action.done_on < action.started_on:
        raise UsageError(
            f"The action is done on {action.done_on}, before it starts on {action.started_on}.",
            repair="Give a last day that is not before the first.", culprit="done_on",
        )  # fmt: skip


def _quoted(value: object) -> str:
    text = str(value)
    return f"'{text if len(text) <= 40 else text[:40] + '…'}'"


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date) else value
