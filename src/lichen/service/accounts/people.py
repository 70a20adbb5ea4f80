# SPDX-License-Identifier: Apache-2.0
"""People: local accounts, what they may do, and how they lose it."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from lichen.errors import UsageError
from lichen.service.accounts import audit, passwords
from lichen.service.accounts.audit import By
from lichen.store import Session, Store
from lichen.store.models import Membership, Role, Team, User
from lichen.store.queries import accounts as queries

Scope = Literal["ingest", "read", "write", "admin"]
SCOPES: Final[tuple[Scope, ...]] = ("ingest", "read", "write", "admin")
ROLES: Final[tuple[Role, ...]] = ("viewer", "editor", "admin")
_EMAIL_MAX: Final = 254  # RFC 5321, section 4.5.3.1.3, less the brackets
_NAME_MAX: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody, and what they may do now.

    Attributes:
        user_id, email, name, lang: of the account.
        is_admin: of the whole organisation.
        roles: role by id of team.
        scopes: what they may do in at least one team.
        session_hash: of the session that was found; empty without one.
        has_password: they can sign in with a password.
    """

    user_id: str
    email: str
    name: str
    lang: str | None
    is_admin: bool
    roles: Mapping[str, Role] = field(default_factory=dict)
    scopes: frozenset[Scope] = frozenset()
    session_hash: str = ""
    has_password: bool = False


def clean_email(email: str) -> str:
    """An address as it is compared: trimmed, composed (NFC), in lower case; UsageError when it is none."""
    clean = unicodedata.normalize("NFC", email.strip()).lower()
    name, sign, host = clean.rpartition("@")
    if not (name and sign and host) or len(clean) > _EMAIL_MAX or not clean.isprintable() or " " in clean:
        raise UsageError(f"'{email[:80]}' is no e-mail address.", repair="Write name@host.", culprit="email")
    return clean


def add_user(
    session: Session, *, email: str, by: By, name: str = "", password: str | None = None, is_admin: bool = False
) -> User:
    """A new account.

    Args:
        session: that writes.
        email: what they sign in with; unique.
        by: who adds it.
        name: as shown; the part before ``@`` when empty.
        password: None: they sign in by an identity provider, or by a one-time link.
        is_admin: of the whole organisation.

    Raises:
        UsageError: the address is none or taken, or the password too weak.
    """
    address = clean_email(email)
    if find_user(session, address) is not None:
        raise UsageError(f"'{address}' has an account already.", repair="Give another address.", culprit="email")
    shown = clean_name(name) or address.partition("@")[0]
    if password is not None:
        passwords.check_strength(password, known=(address, shown))
    user = User(
        email=address, name=shown, is_admin=is_admin, active=True, created_at=by.at,
        password_hash=None if password is None else passwords.hash_password(password),
    )  # fmt: skip
    session.add(user)
    session.flush()
    audit.note(session, by, "user.add", "user", user.id, {"email": address, "is_admin": is_admin})
    return user


def clean_name(name: str) -> str:
    """A name as it is kept: composed, without control characters, trimmed; UsageError when it is too long."""
    clean = "".join(sign for sign in unicodedata.normalize("NFC", name).strip() if sign.isprintable())
    if len(clean) > _NAME_MAX:
        raise UsageError(f"The name has {len(clean)} characters.", repair=f"Take at most {_NAME_MAX}.", culprit="name")
    return clean


def find_user(session: Session, email: str) -> User | None:
    """The account of an address; None without one."""
    return queries.user_by_email(session, clean_email(email))


def person_of(session: Session, user: User, *, session_hash: str = "") -> Person:
    """What somebody may do now."""
    roles = queries.roles_of(session, user.id)
    scopes: set[Scope] = {"read"}
    if user.is_admin or not {"editor", "admin"}.isdisjoint(roles.values()):
        scopes |= {"write", "ingest"}
    if user.is_admin:
        scopes.add("admin")
    return Person(
        user_id=user.id, email=user.email, name=user.name, lang=user.lang, is_admin=user.is_admin, roles=roles,
        scopes=frozenset(scopes), session_hash=session_hash, has_password=user.password_hash is not None,
    )  # fmt: skip


def check_password(store: Store, email: str, password: str) -> Person | None:
    """The active account that an address and a password belong to; None when they belong to none.

    A wrong address takes as long as a wrong password. The store is not held while the password is checked.
    """
    with store.reading() as session:
        try:
            user = find_user(session, email)
        except UsageError:
            user = None
        person = person_of(session, user) if user is not None and user.active else None
        stored = user.password_hash if user is not None and person is not None else None
    if not passwords.matches(password, stored) or person is None or stored is None:
        return None
    if passwords.is_outdated(stored):
        renewed = passwords.hash_password(password)
        with store.session() as session:
            session.get_one(User, person.user_id).password_hash = renewed
    return person


def set_password(session: Session, user_id: str, password: str, *, by: By, keep: str = "") -> None:
    """Changes a password and ends the account's sessions.

    Args:
        session: that writes.
        user_id: whose.
        password: the new one.
        by: who changes it.
        keep: hash of the one session that goes on; empty: none does.

    Raises:
        UsageError: no such account, or the password is too weak.
    """
    user = get_user(session, user_id)
    passwords.check_strength(password, known=(user.email, user.name))
    user.password_hash = passwords.hash_password(password)
    queries.end_sessions(session, user_id, keep=keep)
    audit.note(session, by, "user.password", "user", user_id)


def set_active(session: Session, user_id: str, active: bool, *, by: By) -> None:
    """Disables an account, or enables it again. Disabling ends its sessions; its tokens stop working at once.

    Raises:
        UsageError: no such account, or it is the last administrator's.
    """
    user = get_user(session, user_id)
    if not active:
        _keep_an_administrator(session, user)
        queries.end_sessions(session, user_id)
    user.active = active
    audit.note(session, by, "user.enable" if active else "user.disable", "user", user_id)


def set_admin(session: Session, user_id: str, is_admin: bool, *, by: By) -> None:
    """Makes somebody an administrator of the organisation, or not; UsageError for the last one."""
    user = get_user(session, user_id)
    if not is_admin:
        _keep_an_administrator(session, user)
    user.is_admin = is_admin
    queries.end_sessions(session, user_id)
    audit.note(session, by, "user.admin", "user", user_id, {"is_admin": is_admin})


def set_role(session: Session, user_id: str, team_id: str, role: Role | None, *, by: By) -> None:
    """Gives somebody a role in a team; None takes it away.

    Raises:
        UsageError: no such account or team, or an unknown role.
    """
    get_user(session, user_id)
    if session.get(Team, team_id) is None:
        raise UsageError(f"There is no team '{team_id[:40]}'.", repair="Choose one that exists.", culprit="team")
    if role is not None and role not in ROLES:
        raise UsageError(f"'{role}' is no role.", repair=f"Roles: {', '.join(ROLES)}.", culprit="role")
    held = session.get(Membership, (user_id, team_id))
    before = held.role if held is not None else None
    if role is None:
        if held is not None:
            session.delete(held)
    elif held is None:
        session.add(Membership(user_id=user_id, team_id=team_id, role=role))
    else:
        held.role = role
    audit.note(session, by, "user.role", "user", user_id, {"team": team_id, "before": before, "after": role})


def user_of_subject(
    session: Session, subject: str, *, email: str | None, name: str, by: By, create: bool
) -> str | None:
    """The active account of somebody whom an identity provider vouches for; None when there is none and none is made.

    Args:
        session: that writes.
        subject: unique and never given to anybody else.
        email: that the provider vouches for; it finds the account that an administrator made. None: unknown.
        name: for a new account.
        by: when and from where.
        create: make an account, in no team, when there is none; needs the address.
    """
    user = queries.user_by_subject(session, subject)
    if user is None and email is not None:
        address = clean_email(email)
        user = queries.user_by_email(session, address)
        if user is None and create:
            user = add_user(session, email=address, name=name[:_NAME_MAX], by=by)
        if user is None or not user.active or user.oidc_subject is not None:
            return None
        user.oidc_subject = subject
        audit.note(session, by, "user.link", "user", user.id)
    return user.id if user is not None and user.active else None


def get_user(session: Session, user_id: str) -> User:
    """An account by id; UsageError when there is none."""
    user = session.get(User, user_id)
    if user is None:
        raise UsageError(f"There is no account '{user_id[:40]}'.", repair="Choose one that exists.", culprit="user")
    return user


def _keep_an_administrator(session: Session, user: User) -> None:
    if user.is_admin and user.active and not queries.other_administrators(session, user.id):
        raise UsageError(
            f"'{user.email}' is the last administrator.", repair="Make somebody else one first.", culprit="user"
        )
