# SPDX-License-Identifier: Apache-2.0
"""What happened to applications, told by pipelines and people: deployments, and upgrades of what they run on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from lichen.errors import UsageError
from lichen.service.accounts import By, note
from lichen.service.context import ServiceContext
from lichen.store.models import Application, Deployment, Mark, MarkKind
from lichen.store.queries import watching as queries

AHEAD_MAX: Final = timedelta(days=1)
"""How far a moment may lie in the future: clocks differ, calendars do not."""
Allowed = Callable[[Application], bool]
"""Whether the caller may record something of an application."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewDeployment:
    """A version that went live. application: its code; at: aware; what is unknown is None."""

    application: str
    at: datetime
    version: str | None = None
    environment: str | None = None
    commit: str | None = None
    author: str | None = None
    link: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewMark:
    """A day on which what is measured with became another one. application: its code; None: for all of them."""

    application: str | None
    at: datetime
    kind: MarkKind
    text: str
    source: str


def record_deployment(
    context: ServiceContext, told: NewDeployment, *, allowed: Allowed, by: By
) -> tuple[Deployment, bool] | None:
    """Keeps a deployment; one with the same version, environment and moment is the same, and told once.

    Returns:
        The deployment and whether it is new; None when the application is not there or not the caller's.

    Raises:
        UsageError: neither version nor commit, or a moment in the future.
        StorageError: the store cannot be written.
    """
    if told.version is None and told.commit is None:
        raise UsageError("A deployment has no version and no commit.", repair="Give one of them.", culprit="version")
    _check_moment(told.at, context)
    with context.store.session() as session:
        application = queries.locked_application(session, told.application)
        if application is None or not allowed(application):
            return None
        version = told.version or told.commit
        row = queries.deployment(session, application.id, version, told.environment, told.at)
        if row is not None:
            return row, False
        row = Deployment(
            application_id=application.id, version=version, environment=told.environment, commit=told.commit, at=told.at,
            author=told.author, link=told.link,
        )  # fmt: skip
        session.add(row)
        session.flush()
        detail = {"version": version, "environment": told.environment, "commit": told.commit}
        note(session, by, "deployment.record", "application", application.id, detail)
        return row, True


def record_mark(
    context: ServiceContext, told: NewMark, *, allowed: Allowed, by: By, may_mark_all: bool
) -> tuple[Mark, bool] | None:
    """Keeps a mark; the same one is told once.

    Args:
        may_mark_all: whether the caller may mark the histories of all applications.

    Returns:
        The mark and whether it is new; None when the application is not there or not the caller's.

    Raises:
        UsageError: a moment in the future.
        StorageError: the store cannot be written.
    """
    _check_moment(told.at, context)
    with context.store.session() as session:
        application = None
        if told.application is not None:
            application = queries.locked_application(session, told.application)
            if application is None or not allowed(application):
                return None
        elif not may_mark_all:
            return None
        application_id = None if application is None else application.id
        row = queries.mark(session, application_id, told.kind, told.at, told.text)
        if row is not None:
            return row, False
        row = Mark(application_id=application_id, at=told.at, kind=told.kind, text=told.text, source=told.source)
        session.add(row)
        session.flush()
        note(session, by, "mark.record", "application", application_id or "", {"kind": told.kind, "text": told.text})
        return row, True


def _check_moment(at: datetime, context: ServiceContext) -> None:
    if at > context.clock() + AHEAD_MAX:
        raise UsageError(f"{at.isoformat()} is in the future.", repair="Give the moment in UTC.", culprit="at")
