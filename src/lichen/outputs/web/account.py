# SPDX-License-Identifier: Apache-2.0
"""What people manage for themselves: their name, password, sessions and tokens."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Final, cast

from fastapi import APIRouter, Depends, Request
from starlette.responses import RedirectResponse, Response

from lichen.errors import LichenError, UsageError
from lichen.outputs.web import sessions
from lichen.outputs.web.access import Identity, not_found, require
from lichen.outputs.web.context import context_of
from lichen.outputs.web.forms import Form, by_of, read
from lichen.outputs.web.limits import limits_of, too_many
from lichen.outputs.web.showing import page
from lichen.render.i18n import LANGUAGES
from lichen.service import accounts
from lichen.service.accounts import Minted, Scope, TokenRequest
from lichen.store import Session
from lichen.store.models import ApiToken
from lichen.store.queries import accounts as queries

router = APIRouter(prefix="/account", include_in_schema=False)
Myself = Annotated[Identity, Depends(require("read", persons_only=True))]
Fields = Annotated[Form, Depends(read)]
_PATH: Final = "/account"


@router.get("")
def show(request: Request, caller: Myself, done: str = "") -> Response:
    """The account page."""
    return _page(request, caller, done=done)


@router.post("/profile")
def change_profile(request: Request, caller: Myself, form: Fields) -> Response:
    """Changes the name and the language."""
    lang = form.maybe("lang")
    try:
        with context_of(request).store.session() as session:
            user = accounts.get_user(session, str(caller.user_id))
            user.name = accounts.clean_name(form.one("name")) or user.name
            user.lang = lang if lang in LANGUAGES else None
            accounts.note(session, by_of(request, caller.actor), "user.profile", "user", user.id)
    except UsageError as error:
        return _page(request, caller, problem=error, status=422)
    return RedirectResponse(f"{_PATH}?done=profile", 303)


@router.post("/password")
def change_password(request: Request, caller: Myself, form: Fields) -> Response:
    """Changes the password: ends every session, and gives this browser a new one."""
    context, throttle = context_of(request), limits_of(request).accounts
    key = f"password:{caller.user_id}"
    if wait_s := throttle.add(key):
        raise too_many(wait_s, "Too many wrong passwords were given.")
    with context.store.reading() as session:
        user = accounts.get_user(session, str(caller.user_id))
        email, has_password = user.email, user.password_hash is not None
    if has_password and accounts.check_password(context.store, email, form.one("current")) is None:
        return _page(request, caller, error="current", status=422)
    throttle.forget(key)
    if form.one("password") != form.one("again"):
        return _page(request, caller, error="again", status=422)
    by = by_of(request, caller.actor)
    try:
        with context.store.session() as session:
            accounts.set_password(session, str(caller.user_id), form.one("password"), by=by)
            secret = accounts.open_session(session, str(caller.user_id), by=by, way="password change")
    except UsageError as error:
        return _page(request, caller, problem=error, status=422)
    answer = RedirectResponse(f"{_PATH}?done=password", 303)
    sessions.keep(answer, request, secret)
    return answer


@router.post("/sessions/end")
def end_other_sessions(request: Request, caller: Myself) -> Response:
    """Signs every other browser out."""
    with context_of(request).store.session() as session:
        queries.end_sessions(session, str(caller.user_id), keep=caller.session_hash or "")
        accounts.note(session, by_of(request, caller.actor), "session.end_others", "user", str(caller.user_id))
    return RedirectResponse(f"{_PATH}?done=sessions", 303)


@router.post("/tokens")
def mint(request: Request, caller: Myself, form: Fields) -> Response:
    """Makes a token, whose text this answer shows and no other ever will."""
    team, _, application = form.one("reach").partition(":")
    try:
        wanted = TokenRequest(
            name=form.one("name"), scopes=cast("frozenset[Scope]", frozenset(form.every("scope"))),
            team_id=application if team == "team" else None, application_id=application if team == "application" else None,
            days=_days(form.one("days")),
        )  # fmt: skip
        with context_of(request).store.session() as session:
            owner = accounts.person_of(session, accounts.get_user(session, str(caller.user_id)))
            minted = accounts.mint_token(session, wanted, by=by_of(request, caller.actor), owner=owner)
    except UsageError as error:
        return _page(request, caller, problem=error, status=422)
    answer = _page(request, caller, minted=minted)
    answer.headers["Cache-Control"] = "private, no-store"
    return answer


@router.post("/tokens/{token_id}/revoke")
def revoke(request: Request, caller: Myself, token_id: str) -> Response:
    """Ends one of the caller's tokens at once."""
    try:
        with context_of(request).store.session() as session:
            accounts.revoke_token(session, token_id, by=by_of(request, caller.actor), owner_id=caller.user_id)
    except UsageError as error:
        raise not_found("This token") from error
    return RedirectResponse(f"{_PATH}?done=revoked", 303)


def token_rows(session: Session, found: Sequence[ApiToken], *, now: datetime) -> list[dict[str, Any]]:
    """Tokens as pages show them: the prefix, never the secret."""
    teams = {team.id: team.code for team in queries.all_teams(session)}
    applications = {item.id: item.code for item in queries.all_applications(session)}
    makers = {user.id: user.email for user in queries.all_users(session)}
    return [
        {
            "token_id": token.id, "prefix": token.prefix, "name": token.name, "scopes": list(token.scopes),
            "team": teams.get(token.team_id or ""), "application": applications.get(token.application_id or ""),
            "made_by": makers.get(token.created_by or "", token.created_by), "created_at": token.created_at,
            "expires_at": token.expires_at, "last_used_at": token.last_used_at,
            "expired": token.expires_at is not None and token.expires_at <= now,
        }
        for token in found
    ]  # fmt: skip


def _days(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 5):
        raise UsageError("The number of days is not a number.", repair="Give a whole number.", culprit="days")
    return int(text)


def _page(
    request: Request, caller: Identity, *, status: int = 200, done: str = "", error: str = "",
    problem: LichenError | None = None, minted: Minted | None = None,
) -> Response:  # fmt: skip
    context = context_of(request)
    with context.store.reading() as session:
        user = accounts.get_user(session, str(caller.user_id))
        person = accounts.person_of(session, user)
        rows = token_rows(session, queries.standing_tokens(session, created_by=user.id), now=context.clock())
        teams = [team for team in queries.all_teams(session) if person.is_admin or team.id in person.roles]
        applications = [item for item in queries.all_applications(session) if caller.may_read(item)]
        return page(
            request, "access/account.html.j2", status=status, person=person, tokens=rows, teams=teams,
            applications=applications, roles=[(team, person.roles.get(team.id)) for team in teams],
            scopes=[scope for scope in accounts.SCOPES if scope in person.scopes], days=accounts.DAYS_DEFAULT,
            done=done if done in ("profile", "password", "sessions", "revoked") else "",
            error=error, problem=problem, minted=minted,
        )  # fmt: skip
