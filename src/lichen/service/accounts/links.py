# SPDX-License-Identifier: Apache-2.0
"""Links that work once: the one that opens the first session, and those that let somebody choose a password."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from typing import Any, Final

from lichen.service.accounts import audit, people
from lichen.service.accounts.audit import By
from lichen.service.accounts.token_text import digest
from lichen.store import Session, Store
from lichen.store.models import Setting, User
from lichen.store.queries import accounts as queries

LINK_LASTS: Final = timedelta(minutes=15)
INVITATION_LASTS: Final = timedelta(days=2)
FIRST_EMAIL: Final = "admin@localhost"
_SECRET_BYTES: Final = 32
_FIRST: Final = "link.sign-in:"
_INVITATION: Final = "link.invitation:"


def needs_link(store: Store) -> bool:
    """Whether no administrator can sign in by a password or an identity provider yet."""
    with store.reading() as session:
        return queries.first_administrator(session, able=True) is None


def one_time_link(store: Store, base_url: str, *, now: datetime) -> str:
    """An address that signs in the first administrator once, within `LINK_LASTS`, from this machine; older ones end.

    Args:
        store: keeps a hash of its code.
        base_url: of the server, without a slash at its end.
        now: the present, in UTC.
    """
    with store.session() as session:
        queries.drop_settings(session, _FIRST)
        code = _keep(session, _FIRST, {}, now + LINK_LASTS)
    return f"{base_url}/sign-in/once?code={code}"


def redeem_link(session: Session, code: str, *, by: By) -> str | None:
    """Uses a one-time link up; the answer is the account that it signs in, made when there is no administrator.

    None when the link is unknown, used or too old. Of two that use it at once only one takes its row out.
    """
    if _take(session, _FIRST, code, by.at, LINK_LASTS) is None:
        return None
    user = queries.first_administrator(session)
    if user is None:
        user = User(email=FIRST_EMAIL, name="Administrator", is_admin=True, active=True, created_at=by.at)
        session.add(user)
        session.flush()
        audit.note(session, by, "user.add", "user", user.id, {"email": FIRST_EMAIL, "is_admin": True})
    return user.id


def invitation(session: Session, user_id: str, base_url: str, *, by: By) -> str:
    """An address with which somebody chooses a password once, within `INVITATION_LASTS`: nobody else ever knows it.

    Raises:
        UsageError: no such account.
    """
    user = people.get_user(session, user_id)
    code = _keep(session, _INVITATION, {"user_id": user.id}, by.at + INVITATION_LASTS)
    audit.note(session, by, "user.invite", "user", user.id)
    return f"{base_url}/sign-in/welcome?code={code}"


def accept_invitation(session: Session, code: str, password: str, *, by: By) -> str | None:
    """Uses an invitation up and sets the password; the answer is the account.

    None when the invitation is unknown, used or too old, or the account is disabled.

    Raises:
        UsageError: the password is too weak; the session is rolled back, and the invitation stands.
    """
    value = _take(session, _INVITATION, code, by.at, INVITATION_LASTS)
    user = session.get(User, str(value["user_id"])) if value is not None else None
    if user is None or not user.active:
        return None
    people.set_password(session, user.id, password, by=by)
    return user.id


def _keep(session: Session, kind: str, value: dict[str, Any], expires_at: datetime) -> str:
    code = secrets.token_urlsafe(_SECRET_BYTES)
    session.add(Setting(key=kind + digest(code), value={**value, "expires_at": expires_at.isoformat()}))
    return code


def _take(session: Session, kind: str, code: str, now: datetime, lasts: timedelta) -> dict[str, Any] | None:
    """The value of a link, taken out; None when there is none, or it is over, or was made by a clock that ran ahead."""
    value: dict[str, Any] | None = queries.take_setting(session, kind + digest(code))
    if value is None or not now < datetime.fromisoformat(value["expires_at"]) <= now + lasts:
        return None
    return value
