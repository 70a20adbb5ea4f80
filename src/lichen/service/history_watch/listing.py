# SPDX-License-Identifier: Apache-2.0
"""Deployments and marks as lists."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from lichen.service.board.queries import Visibility
from lichen.service.context import ServiceContext
from lichen.store.models import Deployment, Mark
from lichen.store.queries import watching as queries


@dataclass(frozen=True, slots=True, kw_only=True)
class DeploymentItem:
    """A deployment; words that nobody told are empty. application: its code."""

    id: str
    application: str
    at: datetime
    version: str
    environment: str
    commit: str
    author: str
    link: str

    @classmethod
    def of(cls, row: Deployment, code: str) -> DeploymentItem:
        """A row of the store."""
        return cls(
            id=row.id, application=code, at=row.at, version=row.version or "", environment=row.environment or "",
            commit=row.commit or "", author=row.author or "", link=row.link or "",
        )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkItem:
    """A mark; application: its code, empty for all of them."""

    id: str
    application: str
    at: datetime
    kind: str
    text: str
    source: str

    @classmethod
    def of(cls, row: Mark, code: str) -> MarkItem:
        """A row of the store."""
        return cls(id=row.id, application=code, at=row.at, kind=row.kind, text=row.text, source=row.source)


def deployment_items(
    context: ServiceContext, code: str | None, before: tuple[datetime, str] | None, limit: int, seen: Visibility
) -> list[DeploymentItem] | None:
    """Deployments, the newest first; None when the application is not there or not seen.

    Args:
        code: of one application; None: of all that are seen.
        before: when and id of the one after which the list goes on.
    """
    with context.store.reading() as session:
        codes = {one.id: one.code for one in queries.applications(session) if seen.sees(one.team_id, one.id)}
        ids = [ref for ref, own in codes.items() if code in (None, own)]
        if code is not None and not ids:
            return None
        rows = queries.deployments(session, None if seen.teams is None and code is None else ids, limit, before)
    return [DeploymentItem.of(row, codes[row.application_id]) for row in rows]


def mark_items(context: ServiceContext, code: str | None, seen: Visibility) -> list[MarkItem] | None:
    """Marks of all applications and those of one, the newest first; None when it is not there or not seen."""
    with context.store.reading() as session:
        application = None
        if code is not None:
            listed = queries.applications(session)
            application = next((one for one in listed if one.code == code and seen.sees(one.team_id, one.id)), None)
            if application is None:
                return None
        rows = queries.marks(session, None if application is None else application.id)
    return [MarkItem.of(row, (code or "") if row.application_id else "") for row in reversed(rows)]
