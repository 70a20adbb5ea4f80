# SPDX-License-Identifier: Apache-2.0
"""Accounts, their sessions, tokens and the audit log, as they are looked up and ended."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import delete, func, or_, select
from sqlalchemy.orm import Session

from lichen.store.models import ApiToken, Application, AuditEvent, Membership, Role, Setting, Team, User, WebSession


def user_by_email(session: Session, email: str) -> User | None:
    """The account of an address, as it is kept."""
    return session.scalars(select(User).where(User.email == email)).one_or_none()


def user_by_subject(session: Session, subject: str) -> User | None:
    """The account of a subject of the identity provider."""
    return session.scalars(select(User).where(User.oidc_subject == subject)).one_or_none()


def all_users(session: Session) -> Sequence[User]:
    """All accounts, by address."""
    return session.scalars(select(User).order_by(User.email)).all()


def roles_of(session: Session, user_id: str) -> dict[str, Role]:
    """Somebody's role by id of team."""
    return {row.team_id: row.role for row in session.scalars(select(Membership).where(Membership.user_id == user_id))}


def memberships(session: Session) -> Sequence[Membership]:
    """Every role that anybody has."""
    return session.scalars(select(Membership)).all()


def members(session: Session, team_id: str) -> list[tuple[User, Membership]]:
    """The accounts that have a role in a team, by address."""
    query = (
        select(User, Membership).join(Membership, Membership.user_id == User.id).where(Membership.team_id == team_id)
    )
    return [(row[0], row[1]) for row in session.execute(query.order_by(User.email))]


def all_teams(session: Session) -> Sequence[Team]:
    """All teams, by code."""
    return session.scalars(select(Team).order_by(Team.code)).all()


def all_applications(session: Session) -> Sequence[Application]:
    """All applications, by code."""
    return session.scalars(select(Application).order_by(Application.code)).all()


def other_administrators(session: Session, user_id: str) -> int:
    """How many active administrators there are besides somebody."""
    query = select(func.count()).select_from(User).where(User.is_admin, User.active, User.id != user_id)
    return session.scalar(query) or 0


def first_administrator(session: Session, *, able: bool = False) -> User | None:
    """The active administrator who came first; ``able``: of those who can sign in by a password or a provider."""
    query = select(User).where(User.is_admin, User.active).order_by(User.created_at, User.id).limit(1)
    if able:
        query = query.where(or_(User.password_hash.is_not(None), User.oidc_subject.is_not(None)))
    return session.scalars(query).first()


def end_sessions(session: Session, user_id: str, *, keep: str = "") -> None:
    """Takes out the sessions of an account but one."""
    session.execute(delete(WebSession).where(WebSession.user_id == user_id, WebSession.id_hash != keep))


def forget_sessions(session: Session, *, expired: datetime, unseen: datetime) -> None:
    """Takes out sessions that expire by ``expired`` or were last seen by ``unseen``."""
    session.execute(delete(WebSession).where(or_(WebSession.expires_at <= expired, WebSession.seen_at <= unseen)))


def token_by_hash(session: Session, secret_hash: str) -> ApiToken | None:
    """The token of a secret, by its hash."""
    return session.scalars(select(ApiToken).where(ApiToken.secret_hash == secret_hash)).one_or_none()


def standing_tokens(session: Session, *, created_by: str | None = None) -> Sequence[ApiToken]:
    """Tokens that were not revoked, the newest first; of one maker, or all."""
    query = select(ApiToken).where(ApiToken.revoked_at.is_(None)).order_by(ApiToken.created_at.desc(), ApiToken.id)
    return session.scalars(query if created_by is None else query.where(ApiToken.created_by == created_by)).all()


def take_setting(session: Session, key: str) -> Any:
    """Takes a setting out and answers with its value: of two who do so at once only one gets it. None without it."""
    return session.scalars(delete(Setting).where(Setting.key == key).returning(Setting.value)).one_or_none()


def drop_settings(session: Session, prefix: str) -> None:
    """Takes out the settings whose key starts so."""
    session.execute(delete(Setting).where(Setting.key.startswith(prefix, autoescape=True)))


def audit_events(session: Session, *, before: int | None, count: int) -> Sequence[AuditEvent]:
    """Events below a sequence number, the newest first."""
    query = select(AuditEvent).order_by(AuditEvent.seq.desc()).limit(count)
    return session.scalars(query if before is None else query.where(AuditEvent.seq < before)).all()
