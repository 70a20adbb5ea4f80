# SPDX-License-Identifier: Apache-2.0
"""Sessions of browsers, and the one-time link that opens the first one."""

from __future__ import annotations

import secrets
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from lichen.service.accounts import audit
from lichen.service.accounts.audit import By
from lichen.service.accounts.people import Person, person_of
from lichen.service.accounts.token_text import digest
from lichen.store import Session, Store
from lichen.store.models import Setting, User, WebSession
from lichen.store.queries import accounts as queries

SESSION_MAX: Final = timedelta(days=7)
"""A session ends after this, whatever is done in it."""
SESSION_IDLE: Final = timedelta(hours=12)
"""A session ends when nothing is done in it for so long."""
LINK_LASTS: Final = timedelta(minutes=15)
_TOUCH_EVERY: Final = timedelta(minutes=1)
_SECRET_BYTES: Final = 32
_LINK_KEY: Final = "sign-in-link:"
FIRST_EMAIL: Final = "admin@localhost"


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
        with store.session() as session:
            if (again := session.get(WebSession, id_hash)) is not None:
                again.seen_at = now
    return person


def close_session(session: Session, id_hash: str, *, by: By) -> None:
    """Signs a browser out."""
    found = session.get(WebSession, id_hash)
    if found is not None:
        audit.note(session, by, "session.close", "user", found.user_id)
        session.delete(found)


def needs_link(store: Store) -> bool:
    """Whether no administrator can sign in by a password or an identity provider yet."""
    with store.reading() as session:
        return queries.first_administrator(session, able=True) is None


def one_time_link(store: Store, base_url: str, *, now: datetime) -> str:
    """An address that signs in the first administrator once, within `LINK_LASTS`, from this machine.

    Args:
        store: keeps a hash of its code.
        base_url: of the server, without a slash at its end.
        now: the present, in UTC.
    """
    code = secrets.token_urlsafe(_SECRET_BYTES)
    with store.session() as session:
        queries.drop_settings(session, _LINK_KEY)
        session.add(Setting(key=_LINK_KEY + digest(code), value={"expires_at": (now + LINK_LASTS).isoformat()}))
    return f"{base_url}/sign-in/once?code={code}"


def redeem_link(session: Session, code: str, *, by: By) -> str | None:
    """Uses a one-time link up; the answer is the account that it signs in, made when there is no administrator.

    None when the link is unknown, used or too old. Of two that use it at once only one takes its row out.
    """
    value = queries.take_setting(session, _LINK_KEY + digest(code))
    if value is None:
        return None
    expires_at = datetime.fromisoformat(value["expires_at"])
    if not by.at < expires_at <= by.at + LINK_LASTS:
        return None
    user = queries.first_administrator(session)
    if user is None:
        user = User(email=FIRST_EMAIL, name="Administrator", is_admin=True, active=True, created_at=by.at)
        session.add(user)
        session.flush()
        audit.note(session, by, "user.add", "user", user.id, {"email": FIRST_EMAIL, "is_admin": True})
    return user.id
