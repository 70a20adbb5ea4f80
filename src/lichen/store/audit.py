# SPDX-License-Identifier: Apache-2.0
"""The audit log: who did what to what, when. The database itself refuses to change or remove what is written."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy.orm import Session

from lichen import redact
from lichen.store.models import AuditEvent

COMMAND_LINE: Final = "command line"
"""Actor of what is done by a command on the server's own machine."""


def audit(
    session: Session,
    actor: str,
    action: str,
    subject_kind: str,
    subject_id: str,
    *,
    detail: Mapping[str, Any] | None = None,
    address: str | None = None,
) -> None:
    """Write one line of the audit log, in the same transaction as what it tells.

    Args:
        actor: id of a user or of a token, or `COMMAND_LINE`.
        action: what was done, as ``team.add``.
        subject_kind: table of what it was done to; subject_id: its id.
        detail: what a reader needs besides; secrets in it are masked.
        address: where the request came from.
    """
    session.add(
        AuditEvent(
            actor=actor,
            action=action,
            subject_kind=subject_kind,
            subject_id=subject_id,
            detail=redact.tree(dict(detail or {})),
            address=address,
        )
    )
