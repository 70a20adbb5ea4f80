# SPDX-License-Identifier: Apache-2.0
"""The members of a team, managed by its administrators; the team taken out, by those of the organisation."""

from __future__ import annotations

from typing import Annotated, Final, cast

from fastapi import APIRouter, Depends, Request
from starlette.responses import RedirectResponse, Response

from lichen.errors import LichenError, UsageError
from lichen.outputs.web.access import Administrator, Identity, not_found, require
from lichen.outputs.web.context import context_of
from lichen.outputs.web.forms import Form, by_of, check_confirmed, read
from lichen.outputs.web.pages.addresses import segment
from lichen.outputs.web.pages.answers import HOME
from lichen.outputs.web.pages.rendering import show, twin
from lichen.outputs.web.pages.telling import kept, told
from lichen.outputs.web.problems import Problem
from lichen.service import accounts, members, removing
from lichen.service.accounts import Role
from lichen.store import Session
from lichen.store.models import Team
from lichen.store.queries import accounts as accounts_queries
from lichen.store.queries import declared

router: Final = APIRouter(include_in_schema=False)
Manager = Annotated[Identity, Depends(require("write", persons_only=True))]
"""Parameter of a handler that changes something of a team: of which one, the handler asks."""
Fields = Annotated[Form, Depends(read)]
_DOES: Final = ("invite", "role", "remove", "link")


@router.get("/teams/{code}/members")
@router.get("/teams/{code}/members.json")
def show_members(request: Request, caller: Manager, code: str, done: str = "") -> Response:
    """Who is in the team and may do what."""
    context = context_of(request)
    with context.store.reading() as session:
        team_id = _administered(session, caller, code).id
    if request.url.path.endswith(".json"):
        return twin(members.members(context, team_id))
    return _page(request, team_id, done=done if done in _DOES else "")


@router.post("/teams/{code}/members")
def change_members(request: Request, caller: Manager, code: str, form: Fields) -> Response:
    """Invites somebody, changes a role, takes somebody out, or makes another link."""
    context, by, do = context_of(request), by_of(request, caller.actor), form.one("do")
    link, email, team_id = None, "", ""
    try:
        with context.store.session() as session:
            team = _administered(session, caller, code)
            team_id = team.id
            if do not in _DOES:
                raise Problem(422, f"'{do[:40]}' is nothing to do with a member.", repair="Use the page.", culprit="do")
            role = cast("Role | None", None if do == "remove" else form.maybe("role") or "")
            if do == "invite":
                user, link = members.invite(
                    session, team, form.one("email"), cast("Role", role), name=form.one("name"),
                    base_url=context.base_url, by=by,
                )  # fmt: skip
                email = user.email
            elif do == "link":
                link = members.link_again(session, team, form.one("user"), base_url=context.base_url, by=by)
            else:
                members.set_role(session, team, form.one("user"), role, by=by)
    except UsageError as error:
        return _page(request, team_id, problem=error, given=form)
    if link is not None:
        answer = _page(request, team_id, link=link, email=email)
        answer.headers["Cache-Control"] = "private, no-store"
        return answer
    return RedirectResponse(f"/teams/{segment(code)}/members?done={do}{kept(request)}", 303)


@router.get("/teams/{code}/remove")
def show_remove(request: Request, caller: Administrator, code: str) -> Response:  # noqa: ARG001 - the rule of the route
    """What goes with the team."""
    return _remove_page(request, code)


@router.post("/teams/{code}/remove")
def remove_team(request: Request, caller: Administrator, code: str, form: Fields) -> Response:
    """Takes the team out, once its code was typed."""
    try:
        with context_of(request).store.session() as session:
            team = _team(session, code)
            heir = removing.team_by_code(session, form.one("heir")) if form.maybe("heir") else None
            check_confirmed(form, team.code)
            removing.remove_team(session, team, heir=heir, by=by_of(request, caller.actor))
    except UsageError as error:
        return _remove_page(request, code, problem=error)
    return RedirectResponse(f"/settings?done=teams{kept(request)}#teams", 303)


def _team(session: Session, code: str) -> Team:
    team = declared.team(session, code)
    if team is None:
        raise not_found("This team")
    return team


def _administered(session: Session, caller: Identity, code: str) -> Team:
    """A team that the caller administers; 404 when it is not seen, 403 when others do."""
    team = declared.team(session, code)
    if team is None or not caller.may_see_team(team.id):
        raise not_found("This team")
    if not caller.may_administer(team.id):
        raise Problem(
            403, "Only administrators of the team manage its members.", repair="Ask one of them.", key="members"
        )
    return team


def _page(
    request: Request, team_id: str, *, done: str = "", link: str = "", email: str = "", given: Form | None = None,
    problem: LichenError | None = None,
) -> Response:  # fmt: skip
    view = members.members(context_of(request), team_id)
    crumb = view.team.name or view.team.code, f"/teams/{segment(view.team.code)}"
    return show(
        request, "pages/members.html.j2", status=200 if problem is None else 422, place="portfolio", frame=view.frame,
        crumbs=[HOME, crumb], has_twin=True, view=view, roles=accounts.ROLES, done=done, link=link, email=email,
        given=(given or Form({})).one, problem=told(request, problem, "web.access.problem."),
    )  # fmt: skip


def _remove_page(request: Request, code: str, *, problem: LichenError | None = None) -> Response:
    with context_of(request).store.reading() as session:
        team = _team(session, code)
        goes = removing.goes_with_team(session, team)
        others = [(one.code, one.name or one.code) for one in accounts_queries.all_teams(session) if one.id != team.id]
    return show(
        request, "pages/remove_team.html.j2", status=200 if problem is None else 422, place="portfolio",
        crumbs=[HOME, (goes.name or goes.code, f"/teams/{segment(goes.code)}")], goes=goes, others=others,
        problem=told(request, problem, "web.remove.problem."),
    )  # fmt: skip
