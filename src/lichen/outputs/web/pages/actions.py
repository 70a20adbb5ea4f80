# SPDX-License-Identifier: Apache-2.0
"""The register of actions: found by everybody, written by the editors of an application."""

from __future__ import annotations

from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import RedirectResponse, Response

from lichen.errors import LichenError, UsageError
from lichen.outputs.web.access import Identity, Reader, not_found, require
from lichen.outputs.web.context import context_of
from lichen.outputs.web.forms import Form, by_of, maybe, read
from lichen.outputs.web.pages.answers import HOME, answer, found
from lichen.outputs.web.pages.rendering import language_of, show, twin
from lichen.outputs.web.pages.telling import kept, told
from lichen.outputs.web.pages.words import Words
from lichen.outputs.web.problems import Problem
from lichen.service import register
from lichen.service.board.team import actions
from lichen.service.portfolio_files import kinds
from lichen.service.register import ActionView
from lichen.store import Session
from lichen.store.models import Action, Application
from lichen.store.queries import accounts as accounts_queries
from lichen.store.queries import declared

router: Final = APIRouter(include_in_schema=False)
Changer = Annotated[Identity, Depends(require("write", persons_only=True))]
Fields = Annotated[Form, Depends(read)]
Several = Annotated[list[str], Query()]
Number = Annotated[int, Query(ge=1, le=100_000)]
_LIST: Final = "/actions"
_PERCENT: Final = kinds.number(0, 100)
_LISTED_MAX: Final = 100
"""Applications of a list to choose from; whoever may write to more types the code."""
_DOES: Final = ("save", "done", "remove")


@router.get(_LIST)
@router.get(f"{_LIST}.json")
def show_actions(
    request: Request, caller: Reader, search: str = "", status: Several = [], page: Number = 1, done: str = "",  # noqa: B006
) -> Response:  # fmt: skip
    """What teams did, for others to find."""
    context = context_of(request)
    view = actions(context, caller.visibility(), search=search, status=tuple(status), page=page)
    with context.store.reading() as session:
        listed = declared.applications(session, {row.application.code for row in view.rows})
        seen = {one.code for one in listed if caller.may_read(one)}
    return answer(
        request, view, "actions", place="actions", seen=seen, may_add="write" in caller.scopes and caller.is_person,
        done=done if done == "remove" else "",
    )  # fmt: skip


@router.get(f"{_LIST}/new")
def show_new(request: Request, caller: Changer, application: str = "") -> Response:
    """The form for a new action; ``application`` is filled in."""
    return _page(request, caller, None, given=Form({"application": [application], "owner": [caller.name]}))


@router.post(f"{_LIST}/new")
def add_action(request: Request, caller: Changer, form: Fields) -> Response:
    """Writes an action down and shows it."""
    context = context_of(request)
    try:
        with context.store.session() as session:
            application = _own(session, caller, form.one("application").strip())
            action = register.add(session, application, _read(request, form), by=by_of(request, caller.actor))
            action_id = action.id
    except UsageError as error:
        return _page(request, caller, None, given=form, problem=error)
    return RedirectResponse(f"{_LIST}/{action_id}?done=save{kept(request)}", 303)


@router.get(f"{_LIST}/{{action_id}}")
@router.get(f"{_LIST}/{{action_id}}.json")
def show_action(request: Request, caller: Reader, action_id: str, done: str = "") -> Response:
    """One action, and the form of those who may change it."""
    view = found(register.entry(context_of(request), action_id, caller.visibility()), "This action")
    if request.url.path.endswith(".json"):
        return twin(view)
    return _page(request, caller, view, done=done if done in _DOES else "")


@router.post(f"{_LIST}/{{action_id}}")
def change_action(request: Request, caller: Changer, action_id: str, form: Fields) -> Response:
    """Saves an action, marks it done, or takes it out."""
    context, by, do = context_of(request), by_of(request, caller.actor), form.one("do")
    view = found(register.entry(context, action_id, caller.visibility()), "This action")
    if do not in _DOES:
        raise Problem(422, f"'{do[:40]}' is nothing to do with an action.", repair="Use the page.", culprit="do")
    try:
        with context.store.session() as session:
            action = _writable(session, caller, action_id)
            if do == "remove":
                register.remove(session, action, by=by)
            else:
                given = {"status": register.DONE} if do == "done" else _read(request, form)
                register.change(session, action, given, by=by)
    except UsageError as error:
        return _page(request, caller, view, given=form, problem=error)
    target = _LIST if do == "remove" else f"{_LIST}/{action_id}"
    return RedirectResponse(f"{target}?done={do}{kept(request)}", 303)


def _read(request: Request, form: Form) -> dict[str, Any]:
    """The fields of the form as the register keeps them; a share is typed in percent, tags are parted by commas."""
    given: dict[str, object] = {name: form.one(name) for name in register.FIELDS}
    given["tags"] = form.one("tags").replace(",", ";")
    percent = maybe(form, "expected_saving", _PERCENT)
    given["expected_saving"] = "" if percent is None else str(percent / 100)
    return register.read(given, cells=True, check_indicator=context_of(request).workspace.nomenclature.indicator)


def _own(session: Session, caller: Identity, code: str) -> Application:
    """An application that the caller may write to.

    Raises:
        UsageError: there is none with this code, or it is not seen.
        Problem: 403: it is seen, and others edit it.
    """
    application = declared.application(session, code)
    if application is None or not caller.may_read(application):
        raise UsageError("There is no such application.", repair="Give the code of one.", culprit="application")
    if not caller.may_write(application):
        raise _not_yours()
    return application


def _writable(session: Session, caller: Identity, action_id: str) -> Action:
    known = register.find(session, action_id)
    if known is None or not caller.may_read(known[1]):
        raise not_found("This action")
    if not caller.may_write(known[1]):
        raise _not_yours()
    return known[0]


def _not_yours() -> Problem:
    return Problem(403, "Only editors of its team change this.", repair="Ask one of them.", key="editors")


def _page(
    request: Request, caller: Identity, view: ActionView | None, *, given: Form | None = None, done: str = "",
    problem: LichenError | None = None,
) -> Response:  # fmt: skip
    context = context_of(request)
    with context.store.reading() as session:
        codes = [] if view is None else [view.action.application.code]
        may = any(caller.is_person and caller.may_write(one) for one in declared.applications(session, codes))
        mine = [] if view else [one for one in accounts_queries.all_applications(session) if caller.may_write(one)]
        choice = [(one.code, one.name or one.code) for one in mine] if len(mine) <= _LISTED_MAX else []
    nomenclature = context.workspace.nomenclature
    known = [one for name in nomenclature.names("indicator") if (one := nomenclature.indicator(name)).additive]
    return show(
        request, "pages/action.html.j2", status=200 if problem is None else 422, place="actions",
        crumbs=[HOME, (Words(language_of(request)).say("web.nav.actions"), _LIST)],
        frame=None if view is None else view.frame, has_twin=view is not None, row=None if view is None else view.action,
        may_change=may, choice=choice, statuses=register.FIELDS["status"].kind.choices,
        indicators=sorted((one.name, one.unit) for one in known), given=given, done=done,
        problem=told(request, problem, "web.action.problem."),
    )  # fmt: skip
