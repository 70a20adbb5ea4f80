# SPDX-License-Identifier: Apache-2.0
"""The audit log: who did what to whom, when and from where. Rows are added, never changed, and hold no secret."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from lichen import redact
from lichen.store import Session
from lichen.store.models import AuditEvent
from lichen.store.queries import accounts as queries

TEXT_MAX = 300
"""Characters kept of a text that a caller chose."""


@dataclass(frozen=True, slots=True, kw_only=True)
class By:
    """Who does something.

    Attributes:
        actor: ``user:ID``, ``token:ID``, ``command:NAME`` or ``anonymous``.
        at: when, in UTC.
        address: of the caller; None on the command line.
    """

    actor: str
    at: datetime
    address: str | None = None


def note(
    session: Session, by: By, action: str, subject_kind: str, subject_id: str, detail: dict[str, Any] | None = None
) -> None:
    """Adds an event; it is kept when what it tells is kept, in the same transaction.

    Args:
        session: that makes the change.
        by: who makes it.
        action: verb and object, such as ``token.revoke``; a closed vocabulary of the code.
        subject_kind, subject_id: what is changed.
        detail: what a reader needs besides: values, never secrets.
    """
    told = {key: _short(value) for key, value in (redact.tree(detail) if detail else {}).items()}
    session.add(
        AuditEvent(
            at=by.at, actor=by.actor, action=action, subject_kind=subject_kind, subject_id=_short(subject_id), detail=told,
            address=by.address,
        )
    )  # fmt: skip


def events(session: Session, *, before: int | None = None, count: int = 50) -> Sequence[AuditEvent]:
    """Events, the newest first.

    Args:
        session: that reads.
        before: sequence number to go on below; None: from the newest.
        count: most events.
    """
    return queries.audit_events(session, before=before, count=count)


def _short(value: Any) -> Any:
    """A text without control characters, so that no line of a log can be forged, and of bounded length."""
    if not isinstance(value, str):
        return value
    return "".join(sign if sign.isprintable() else "\N{REPLACEMENT CHARACTER}" for sign in value[:TEXT_MAX])
