# SPDX-License-Identifier: Apache-2.0
"""What the person at the server's own terminal does: teams from a template, accounts, tokens."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from lichen.config.names import nearest
from lichen.errors import UsageError
from lichen.nomenclature import Nomenclature
from lichen.service import accounts
from lichen.service.accounts import By, Minted, Role, Scope, TokenRequest
from lichen.service.portfolio_files import Plan, import_rows, starting
from lichen.store import Session, Store
from lichen.store.models import ApiToken
from lichen.store.queries import accounts as queries
from lichen.store.queries.portfolio import PortfolioRows


@dataclass(frozen=True, slots=True, kw_only=True)
class NewUser:
    """An account to add; ``roles`` are pairs of a team's code and a role. Without a password nobody signs in by one."""

    email: str
    name: str = ""
    password: str | None = None
    is_admin: bool = False
    roles: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class NewToken:
    """A token to make; ``team`` and ``application`` are codes, ``days`` is None for one that never expires."""

    name: str
    scopes: frozenset[Scope]
    team: str | None = None
    application: str | None = None
    days: int | None = accounts.DAYS_DEFAULT


@dataclass(frozen=True, slots=True, kw_only=True)
class UserLine:
    """An account. roles: of each team, by its code; signs_in_by: ``password`` and ``oidc``, as far as they are set up."""

    user_id: str
    email: str
    name: str
    is_admin: bool
    active: bool
    roles: Mapping[str, Role]
    signs_in_by: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenLine:
    """A token that was not revoked, with names where the store has ids."""

    token_id: str
    prefix: str
    name: str
    scopes: tuple[str, ...]
    team: str | None
    application: str | None
    created_by: str | None
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None


def add_team(
    store: Store,
    code: str,
    template: str,
    *,
    name: str | None,
    lang: str,
    nomenclature: Nomenclature,
    by: By,
) -> tuple[starting.Start, Plan]:
    """Add a team from a template; see `lichen.service.portfolio_files.starting`.

    Raises:
        UsageError: there is no such template, the code is none or taken.
    """
    with store.session() as session:
        stored = PortfolioRows(session).all()
        start = starting.start(code, template, name=name, lang=lang, today=by.at.date(), stored=stored)
        return start, import_rows(session, start.rows, nomenclature=nomenclature, by=by)


def add_user(store: Store, new: NewUser, *, by: By) -> str:
    """Add an account with its roles; its id.

    Raises:
        UsageError: the address is none or taken, the password too weak, a team or a role unknown.
    """
    with store.session() as session:
        user = accounts.add_user(
            session, email=new.email, by=by, name=new.name, password=new.password, is_admin=new.is_admin
        )
        for team, role in new.roles:
            if role not in accounts.ROLES:
                raise UsageError(
                    f"There is no role '{role}'.", repair=nearest(role, accounts.ROLES, valid_are="Roles"), culprit=role
                )
            known: Role = next(word for word in accounts.ROLES if word == role)
            accounts.set_role(session, user.id, _team_id(session, team), known, by=by)
        return user.id


def list_users(store: Store) -> list[UserLine]:
    """All accounts, by address."""
    with store.reading() as session:
        return user_lines(session)


def user_lines(session: Session) -> list[UserLine]:
    """The same in a session that reads."""
    codes = {team.id: team.code for team in queries.all_teams(session)}
    roles: dict[str, dict[str, Role]] = {}
    for held in queries.memberships(session):
        roles.setdefault(held.user_id, {})[codes[held.team_id]] = held.role
    return [
        UserLine(
            user_id=user.id, email=user.email, name=user.name, is_admin=user.is_admin, active=user.active,
            roles=dict(sorted(roles.get(user.id, {}).items())),
            signs_in_by=tuple(
                way for way, known in (("password", user.password_hash), ("oidc", user.oidc_subject)) if known is not None
            ),
        )
        for user in queries.all_users(session)
    ]  # fmt: skip


def set_user_active(store: Store, email: str, active: bool, *, by: By) -> str:
    """Disable an account, which ends its sessions and stops its tokens, or enable it again; its address.

    Raises:
        UsageError: nobody has this address, or it is the last administrator's.
    """
    with store.session() as session:
        user = accounts.find_user(session, email)
        if user is None:
            known = [one.email for one in queries.all_users(session)][:50]
            raise UsageError(
                f"Nobody has the address '{email[:80]}'.",
                repair=nearest(email, known, valid_are="Accounts") if known else "Add one: lichen user add.",
                culprit="email",
            )
        accounts.set_active(session, user.id, active, by=by)
        return user.email


def make_token(store: Store, new: NewToken, *, by: By) -> Minted:
    """Make a token; its text is in the answer and nowhere else.

    Raises:
        UsageError: no name, no scope, or a team or application that does not exist.
    """
    with store.session() as session:
        request = TokenRequest(
            name=new.name, scopes=new.scopes, days=new.days,
            team_id=None if new.team is None else _team_id(session, new.team),
            application_id=None if new.application is None else _application_id(session, new.application),
        )  # fmt: skip
        return accounts.mint_token(session, request, by=by)


def list_tokens(store: Store) -> list[TokenLine]:
    """Tokens that were not revoked, the newest first."""
    with store.reading() as session:
        teams = {team.id: team.code for team in queries.all_teams(session)}
        applications = {application.id: application.code for application in queries.all_applications(session)}
        users = {user.id: user.email for user in queries.all_users(session)}
        return [
            TokenLine(
                token_id=token.id, prefix=token.prefix, name=token.name, scopes=tuple(token.scopes),
                team=teams.get(token.team_id or ""), application=applications.get(token.application_id or ""),
                created_by=users.get(token.created_by or "", token.created_by), created_at=token.created_at,
                expires_at=token.expires_at, last_used_at=token.last_used_at,
            )
            for token in queries.standing_tokens(session)
        ]  # fmt: skip


def revoke_token(store: Store, word: str, *, by: By) -> str:
    """End a token at once; what was shown of it.

    Args:
        word: its id, or its first characters as lists show them.

    Raises:
        UsageError: none or several are meant.
    """
    with store.session() as session:
        found = [token for token in queries.standing_tokens(session) if _is_meant(token, word)]
        if len(found) != 1:
            raise UsageError(
                f"{len(found)} tokens are called '{word[:40]}'." if found else f"There is no token '{word[:40]}'.",
                repair="Give an id of `lichen token list`.", culprit="token",
            )  # fmt: skip
        accounts.revoke_token(session, found[0].id, by=by)
        return found[0].prefix


def _is_meant(token: ApiToken, word: str) -> bool:
    return word in (token.id, token.prefix)


def _team_id(session: Session, code: str) -> str:
    return _id_of(code, {team.code: team.id for team in queries.all_teams(session)}, "team")


def _application_id(session: Session, code: str) -> str:
    return _id_of(code, {each.code: each.id for each in queries.all_applications(session)}, "application")


def _id_of(code: str, ids: Mapping[str, str], what: str) -> str:
    if code not in ids:
        raise UsageError(
            f"There is no {what} '{code}'.",
            repair=nearest(code, list(ids)[:50], valid_are=f"Known {what}s") if ids else "Import a portfolio first.",
            culprit=code,
        )
    return ids[code]
