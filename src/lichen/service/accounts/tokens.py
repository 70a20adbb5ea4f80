# SPDX-License-Identifier: Apache-2.0
"""API tokens: made by people for their programs, never by a program, and never worth more than who made them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, cast

from lichen.errors import UsageError
from lichen.service.accounts import audit, token_text
from lichen.service.accounts.audit import By
from lichen.service.accounts.people import SCOPES, Person, Scope, clean_name, person_of
from lichen.store import Session
from lichen.store.models import ApiToken, Application, Role, Team, User
from lichen.store.queries import accounts as queries

DAYS_DEFAULT: Final = 365
DAYS_MAX: Final = 3650
_TOUCH_EVERY: Final = timedelta(minutes=1)
_USER_ID: Final = re.compile(r"[0-9a-f]{32}")
_LEAST: Final[Mapping[Scope, tuple[Role, ...]]] = {
    "read": ("viewer", "editor", "admin"), "ingest": ("editor", "admin"), "write": ("editor", "admin"), "admin": (),
}  # fmt: skip
"""Roles in a team that suffice for a scope; the scope admin is the organisation's alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenRequest:
    """What a token is asked for.

    Attributes:
        name: what it is for.
        scopes: at least one of `SCOPES`.
        team_id, application_id: at most one of the two; the token is limited to it.
        days: it expires after; None: never, for the command line.
    """

    name: str
    scopes: frozenset[Scope]
    team_id: str | None = None
    application_id: str | None = None
    days: int | None = DAYS_DEFAULT


@dataclass(frozen=True, slots=True, kw_only=True)
class Minted:
    """A new token; ``text`` is shown once and kept nowhere."""

    token_id: str
    text: str = field(repr=False)
    expires_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenHolder:
    """What a valid token may do now.

    Attributes:
        user_id: who made it; None on the command line.
        is_admin: it reaches the whole organisation.
        roles: by id of team; empty for a token of one application.
        scopes: those it was given, less what its maker may no longer do.
        touched: its last use was noted less than a minute ago.
    """

    token_id: str
    name: str
    user_id: str | None
    is_admin: bool
    roles: Mapping[str, Role]
    scopes: frozenset[Scope]
    team_id: str | None
    application_id: str | None
    touched: bool


def mint_token(session: Session, request: TokenRequest, *, by: By, owner: Person | None = None) -> Minted:
    """A new token.

    Args:
        session: that writes.
        request: what it is for.
        by: who makes it; an actor ``token:`` is refused.
        owner: the person whose rights bound it; None: the command line, which has all.

    Raises:
        UsageError: the request is wrong, or asks for more than its owner may do.
    """
    if by.actor.startswith("token:"):
        raise UsageError("A token cannot make tokens.", repair="Sign in on the page, or use `lichen token`.")
    name = clean_name(request.name)
    if not name:
        raise UsageError("The token has no name.", repair="Say what it is for.", culprit="name")
    _check(session, request)
    granted = _granted(session, request.scopes, request.team_id, request.application_id, owner)
    if missing := sorted(request.scopes - granted):
        raise UsageError(
            f"You may not give the scope '{missing[0]}' there.",
            repair="Choose less, or ask an administrator.",
            culprit="scopes",
        )
    text = token_text.new_text()
    token = ApiToken(
        prefix=text[: token_text.SHOWN_LENGTH], secret_hash=token_text.digest(text), name=name,
        scopes=[scope for scope in SCOPES if scope in request.scopes], team_id=request.team_id,
        application_id=request.application_id, created_by=owner.user_id if owner else by.actor, created_at=by.at,
        expires_at=None if request.days is None else by.at + timedelta(days=request.days),
    )  # fmt: skip
    session.add(token)
    session.flush()
    audit.note(
        session, by, "token.mint", "api_token", token.id,
        {"name": name, "scopes": token.scopes, "team": token.team_id, "application": token.application_id},
    )  # fmt: skip
    return Minted(token_id=token.id, text=text, expires_at=token.expires_at)


def verify_token(session: Session, text: str, *, now: datetime) -> TokenHolder | None:
    """What a token may do; None when it is malformed, unknown, expired or revoked, or who made it is disabled.

    The store is asked for a hash of the whole secret: how long the answer takes tells nothing about a secret that is near.

    Args:
        session: that reads.
        text: the token as it was sent.
        now: the present, in UTC.
    """
    if not token_text.is_wellformed(text):
        return None
    token = queries.token_by_hash(session, token_text.digest(text))
    if token is None or token.revoked_at is not None or (token.expires_at is not None and token.expires_at <= now):
        return None
    owner: Person | None = None
    if token.created_by is not None and _USER_ID.fullmatch(token.created_by):
        user = session.get(User, token.created_by)
        if user is None or not user.active:
            return None
        owner = person_of(session, user)
    given = cast("frozenset[Scope]", frozenset(token.scopes))
    roles: dict[str, Role] = {}
    if token.application_id is None:
        if token.team_id is None:
            roles = dict(owner.roles) if owner else {}
        else:
            whole = owner is None or owner.is_admin
            role = "admin" if whole or owner is None else owner.roles.get(token.team_id)
            roles = {token.team_id: role} if role else {}
    return TokenHolder(
        token_id=token.id, name=token.name, user_id=owner.user_id if owner else None,
        is_admin=token.team_id is None and token.application_id is None and (owner is None or owner.is_admin),
        roles=roles, scopes=given & _granted(session, given, token.team_id, token.application_id, owner),
        team_id=token.team_id, application_id=token.application_id,
        touched=token.last_used_at is not None and abs(now - token.last_used_at) < _TOUCH_EVERY,
    )  # fmt: skip


def touch_token(session: Session, token_id: str, *, now: datetime) -> None:
    """Notes that a token was used."""
    if (token := session.get(ApiToken, token_id)) is not None:
        token.last_used_at = now


def revoke_token(session: Session, token_id: str, *, by: By, owner_id: str | None = None) -> None:
    """Ends a token at once; one that is ended already stays so.

    Args:
        session: that writes.
        token_id: which.
        by: who ends it.
        owner_id: only a token of this account; None: any.

    Raises:
        UsageError: no such token.
    """
    token = session.get(ApiToken, token_id)
    if token is None or (owner_id is not None and token.created_by != owner_id):
        raise UsageError(f"There is no token '{token_id[:40]}'.", repair="Choose one that exists.", culprit="token")
    if token.revoked_at is None:
        token.revoked_at = by.at
        audit.note(session, by, "token.revoke", "api_token", token_id)


def _check(session: Session, request: TokenRequest) -> None:
    if not request.scopes or not request.scopes <= set(SCOPES):
        raise UsageError("The token has no scope.", repair=f"Scopes: {', '.join(SCOPES)}.", culprit="scopes")
    if request.team_id is not None and request.application_id is not None:
        raise UsageError(
            "A token is limited to a team or to an application.", repair="Give one.", culprit="application"
        )
    if request.team_id is not None and session.get(Team, request.team_id) is None:
        raise UsageError("There is no such team.", repair="Choose one that exists.", culprit="team")
    if request.application_id is not None and session.get(Application, request.application_id) is None:
        raise UsageError("There is no such application.", repair="Choose one that exists.", culprit="application")
    if request.days is not None and not 1 <= request.days <= DAYS_MAX:
        raise UsageError(
            f"A token lasts 1 to {DAYS_MAX} days, not {request.days}.", repair="Give another number.", culprit="days"
        )


def _granted(
    session: Session, scopes: frozenset[Scope], team_id: str | None, application_id: str | None, owner: Person | None
) -> frozenset[Scope]:
    """Those of the scopes that an owner may use there."""
    if owner is None or owner.is_admin:
        return scopes if team_id is None and application_id is None else scopes - {"admin"}
    if application_id is not None:
        application = session.get(Application, application_id)
        team_id = application.team_id if application is not None else None
        roles = [owner.roles[team_id]] if team_id is not None and team_id in owner.roles else []
    elif team_id is not None:
        roles = [owner.roles[team_id]] if team_id in owner.roles else []
    else:
        roles = list(owner.roles.values())
    return frozenset(scope for scope in scopes if any(role in _LEAST[scope] for role in roles))
