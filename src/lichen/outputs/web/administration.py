# SPDX-License-Identifier: Apache-2.0
"""What administrators manage: accounts, roles, every token, and the log of what was done."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Final, cast

from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from lichen.errors import LichenError, UsageError
from lichen.outputs.web.access import Administrator, not_found, require
from lichen.outputs.web.account import token_rows
from lichen.outputs.web.context import WebContext, context_of
from lichen.outputs.web.forms import Form, by_of, read
from lichen.outputs.web.problems import Problem
from lichen.outputs.web.showing import page as show
from lichen.service import accounts
from lichen.service.accounts import Role
from lichen.service.administration import list_users
from lichen.store.queries import accounts as queries

router = APIRouter(
    prefix="/admin", include_in_schema=False, dependencies=[Depends(require("admin", persons_only=True))]
)
Context = Annotated[WebContext, Depends(context_of)]
Fields = Annotated[Form, Depends(read)]
PageNumber = Annotated[int, Query(ge=1, le=10_000)]
Before = Annotated[int | None, Query(ge=1, le=2**62)]
_USERS: Final = "/admin/users"
_ROWS: Final = 25


@router.get("/users")
def show_users(request: Request, page: PageNumber = 1) -> Response:
    """Accounts and their roles."""
    return _users_page(request, number=page)


@router.get("/users.json")
def users_json(context: Context) -> Response:
    """The same as data; all of them."""
    return JSONResponse({"items": _users(context)})


@router.get("/users/{user_id}.json")
def user_json(context: Context, user_id: str) -> Response:
    """The same as data."""
    return JSONResponse(_user(context, user_id))


@router.get("/users/{user_id}")
def show_user(request: Request, user_id: str, done: str = "") -> Response:
    """One account."""
    return _user_page(request, user_id, done=done == "changed")


@router.post("/users")
def add_user(request: Request, caller: Administrator, form: Fields) -> Response:
    """Adds an account; the answer shows the link with which its owner chooses a password."""
    context, by = context_of(request), by_of(request, caller.actor)
    try:
        with context.store.session() as session:
            user = accounts.add_user(
                session, email=form.one("email"), name=form.one("name"), is_admin=form.one("is_admin") == "yes", by=by
            )
            link = accounts.invitation(session, user.id, context.base_url, by=by)
    except UsageError as error:
        return _users_page(request, problem=error, status=422)
    return _user_page(request, user.id, link=link)


@router.post("/users/{user_id}/invite")
def invite(request: Request, caller: Administrator, user_id: str) -> Response:
    """Makes another link, for somebody who lost theirs or forgot the password."""
    context = context_of(request)
    try:
        with context.store.session() as session:
            link = accounts.invitation(session, user_id, context.base_url, by=by_of(request, caller.actor))
    except UsageError as error:
        raise not_found("This account") from error
    return _user_page(request, user_id, link=link)


@router.post("/users/{user_id}/state")
def change_state(request: Request, caller: Administrator, user_id: str, form: Fields) -> Response:
    """Disables or enables an account, or makes it an administrator or not."""
    by, state = by_of(request, caller.actor), form.one("state")
    if state not in ("enabled", "disabled", "admin", "member"):
        raise Problem(422, f"'{state[:40]}' is no state of an account.", repair="Use the page.", culprit="state")
    _user(context_of(request), user_id)
    try:
        with context_of(request).store.session() as session:
            if state in ("enabled", "disabled"):
                accounts.set_active(session, user_id, state == "enabled", by=by)
            else:
                accounts.set_admin(session, user_id, state == "admin", by=by)
    except UsageError as error:
        return _user_page(request, user_id, problem=error, status=422)
    return RedirectResponse(f"{_USERS}/{user_id}?done=changed", 303)


@router.post("/users/{user_id}/role")
def change_role(request: Request, caller: Administrator, user_id: str, form: Fields) -> Response:
    """Gives somebody a role in a team, or takes it away."""
    _user(context_of(request), user_id)
    try:
        with context_of(request).store.session() as session:
            role = cast("Role | None", form.maybe("role"))
            accounts.set_role(session, user_id, form.one("team"), role, by=by_of(request, caller.actor))
    except UsageError as error:
        return _user_page(request, user_id, problem=error, status=422)
    return RedirectResponse(f"{_USERS}/{user_id}?done=changed", 303)


@router.get("/tokens")
def show_tokens(request: Request, context: Context, page: PageNumber = 1) -> Response:
    """Every token that stands."""
    rows, following = _cut(_tokens(context), page)
    return show(request, "access/tokens.html.j2", tokens=rows, following=following, has_twin=True)


@router.get("/tokens.json")
def tokens_json(context: Context) -> Response:
    """The same as data."""
    return JSONResponse({"items": [_plain(row) for row in _tokens(context)]})


@router.post("/tokens/{token_id}/revoke")
def revoke(request: Request, caller: Administrator, token_id: str) -> Response:
    """Ends anybody's token at once."""
    try:
        with context_of(request).store.session() as session:
            accounts.revoke_token(session, token_id, by=by_of(request, caller.actor))
    except UsageError as error:
        raise not_found("This token") from error
    return RedirectResponse("/admin/tokens", 303)


@router.get("/audit")
def show_audit(request: Request, context: Context, before: Before = None) -> Response:
    """What was done, the newest first."""
    items, following = _events(context, before)
    return show(request, "access/audit.html.j2", events=items, following=following, has_twin=True)


@router.get("/audit.json")
def audit_json(context: Context, before: Before = None) -> Response:
    """The same as data."""
    items, following = _events(context, before)
    return JSONResponse({"items": [_plain(item) for item in items], "next": following})


def _user(context: WebContext, user_id: str) -> dict[str, Any]:
    """One account as data; Problem 404 when there is none."""
    for user in _users(context):
        if user["user_id"] == user_id:
            return user
    raise not_found("This account")


def _cut(rows: list[dict[str, Any]], number: int) -> tuple[list[dict[str, Any]], int | None]:
    """A page of a list, and the number of the next one."""
    shown = rows[(number - 1) * _ROWS : number * _ROWS]
    return shown, number + 1 if len(rows) > number * _ROWS else None


def _users(context: WebContext) -> list[dict[str, Any]]:
    return [
        {name: getattr(line, name) for name in ("user_id", "email", "name", "is_admin", "active", "roles")}
        | {"signs_in_by": list(line.signs_in_by)}
        for line in list_users(context.store)
    ]


def _tokens(context: WebContext) -> list[dict[str, Any]]:
    with context.store.reading() as session:
        return token_rows(session, queries.standing_tokens(session), now=context.clock())


def _events(context: WebContext, before: int | None) -> tuple[list[dict[str, Any]], str | None]:
    with context.store.reading() as session:
        found = accounts.events(session, before=before, count=_ROWS + 1)
        names = {f"user:{user.id}": user.email for user in queries.all_users(session)}
        items = [
            {
                "seq": event.seq, "at": event.at, "actor": event.actor, "name": names.get(event.actor, event.actor),
                "action": event.action, "subject_kind": event.subject_kind, "subject_id": event.subject_id,
                "subject": names.get(f"{event.subject_kind}:{event.subject_id}", event.subject_id), "detail": event.detail,
                "address": event.address,
            }
            for event in found[:_ROWS]
        ]  # fmt: skip
    return items, str(items[-1]["seq"]) if len(found) > _ROWS else None


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    return {key: value.isoformat() if isinstance(value, datetime) else value for key, value in row.items()}


def _users_page(
    request: Request, *, status: int = 200, number: int = 1, problem: LichenError | None = None
) -> Response:
    rows, following = _cut(_users(context_of(request)), number)
    return show(
        request, "access/users.html.j2", status=status, users=rows, following=following, problem=problem, has_twin=True
    )


def _user_page(
    request: Request,
    user_id: str,
    *,
    status: int = 200,
    done: bool = False,
    problem: LichenError | None = None,
    link: str = "",
) -> Response:
    context = context_of(request)
    user = _user(context, user_id)
    with context.store.reading() as session:
        teams = list(queries.all_teams(session))
    answer = show(
        request, "access/user.html.j2", status=status, user=user, teams=teams, roles=accounts.ROLES, done=done, problem=problem,
        link=link,
    )  # fmt: skip
    if link:
        answer.headers["Cache-Control"] = "private, no-store"
    return answer
