# SPDX-License-Identifier: Apache-2.0
"""Sessions of browsers."""

from __future__ import annotations

import contextlib
import secrets
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from lichen.errors import StorageError
from lichen.service.accounts import audit
from lichen.service.accounts.audit import By
from lichen.service.accounts.people import Person, person_of
from lichen.service.accounts.token_text import digest
from lichen.store import Session, Store
from lichen.store.models import User, WebSession
from lichen.store.queries import accounts as queries

SESSION_MAX: Final = timedelta(days=7)
"""A session ends after this, whatever is done in it."""
SESSION_IDLE: Final = timedelta(hours=12)
"""A session ends when nothing is done in it for so long."""
_TOUCH_EVERY: Final = timedelta(minutes=1)
_SECRET_BYTES: Final = 32


def open_session(session: Session, user_id: str, *, by: By, way: str) -> str:
    """Signs somebody in; the answer is the secret of the new session, which is kept nowhere.

    Args:
        session: that writes.
        user_id: who.
        by: when and from where.
        way: ``password``, ``oidc`` or ``link``, for the audit log.
    """
    queries.forget_sessions(session, expired=by.at, unseen=by.at - SESSION_IDLE)
    secret = secrets.token_urlsafe(_SECRET_BYTES)
    session.add(
        WebSession(
            id_hash=digest(secret), user_id=user_id, created_at=by.at, expires_at=by.at + SESSION_MAX, seen_at=by.at
        )
    )
    audit.note(session, replace(by, actor=f"user:{user_id}"), "session.open", "user", user_id, {"way": way})
    return secret


def find_session(store: Store, secret: str, *, now: datetime) -> Person | None:
    """Who a session belongs to; None when it is unknown or over, or the account is disabled.

    A clock that was set back does not prolong a session: what began in the future is over too.
    """
    id_hash = digest(secret)
    with store.reading() as session:
        found = session.get(WebSession, id_hash)
        if found is None or found.expires_at <= now or found.expires_at > now + SESSION_MAX:
            return None
        if not now - SESSION_IDLE < found.seen_at <= now + _TOUCH_EVERY:
            return None
        user = session.get(User, found.user_id)
        if user is None or not user.active:
            return None
        person = person_of(session, user, session_hash=id_hash)
        seen_at = found.seen_at
    if now - seen_at >= _TOUCH_EVERY:
        with contextlib.suppress(StorageError), store.session() as session:  # a full disk ends no session
            if (again := session.get(WebSession, id_hash)) is not None:
                again.seen_at = now
    return person


def close_session(session: Session, id_hash: str, *, by: By) -> None:
    """Signs a browser out."""
    found = session.get(WebSession, id_hash)
    if found is not None:
        audit.note(session, by, "session.close", "user", found.user_id)
        session.delete(found)
