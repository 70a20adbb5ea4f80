# SPDX-License-Identifier: Apache-2.0
"""The members of a team, as its administrators manage them: invited by their address, given a role, taken out."""

from __future__ import annotations

from dataclasses import dataclass

from lichen.errors import UsageError
from lichen.service import accounts
from lichen.service.accounts import By, Role
from lichen.service.board.queries import EVERYTHING
from lichen.service.board.reading import Look
from lichen.service.board.rows import Frame
from lichen.service.board.shapes import Named
from lichen.service.context import ServiceContext
from lichen.store import Session
from lichen.store.models import Membership, Team, User
from lichen.store.queries import accounts as queries


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberRow:
    """A member. has_signed_in: a password was chosen, or the identity provider knows them; active: not disabled."""

    user_id: str
    email: str
    name: str
    role: Role
    active: bool
    has_signed_in: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class MembersView:
    """The members of a team, by address."""

    frame: Frame
    team: Named
    rows: tuple[MemberRow, ...]


def members(context: ServiceContext, team_id: str) -> MembersView:
    """The members of a team that exists."""
    with context.store.reading() as session:
        team = session.get_one(Team, team_id)
        rows = [
            MemberRow(
                user_id=user.id, email=user.email, name=user.name, role=held.role, active=user.active,
                has_signed_in=_can_sign_in(user),
            )
            for user, held in queries.members(session, team_id)
        ]  # fmt: skip
        return MembersView(
            frame=Look(context, session, EVERYTHING).frame(),
            team=Named(code=team.code, name=team.name),
            rows=tuple(rows),
        )


def invite(
    session: Session, team: Team, email: str, role: Role, *, name: str = "", base_url: str, by: By
) -> tuple[User, str | None]:
    """Makes somebody a member, with a new account where the address has none.

    Returns:
        The account, and the link with which its owner chooses a password; None where the account was there already, whose
        password is nobody's business.

    Raises:
        UsageError: the address is none, or there is no such role.
    """
    user, link = accounts.find_user(session, email), None
    if user is None:
        user = accounts.add_user(session, email=email, name=name, by=by)
        link = accounts.invitation(session, user.id, base_url, by=by)
    accounts.set_role(session, user.id, team.id, role, by=by)
    return user, link


def set_role(session: Session, team: Team, user_id: str, role: Role | None, *, by: By) -> None:
    """Gives a member another role; None takes them out of the team.

    Raises:
        UsageError: no member of the team, or no role.
    """
    _member(session, team, user_id)
    accounts.set_role(session, user_id, team.id, role, by=by)


def link_again(session: Session, team: Team, user_id: str, *, base_url: str, by: By) -> str:
    """Another link for a member who never signed in and is in no other team: it opens nothing that the team does not own.

    Raises:
        UsageError: no such member, or one who can sign in or belongs elsewhere.
    """
    user = _member(session, team, user_id)
    if user.is_admin or not user.active or _can_sign_in(user) or set(queries.roles_of(session, user_id)) != {team.id}:
        raise UsageError(
            f"'{user.email}' has signed in before, or is in another team.",
            repair="Ask an administrator of the organisation for a link.", culprit="link",
        )  # fmt: skip
    return accounts.invitation(session, user_id, base_url, by=by)


def _member(session: Session, team: Team, user_id: str) -> User:
    if session.get(Membership, (user_id, team.id)) is None:
        raise UsageError("There is no such member.", repair="Choose one of the page.", culprit="member")
    return session.get_one(User, user_id)


def _can_sign_in(user: User) -> bool:
    return user.password_hash is not None or user.oidc_subject is not None
