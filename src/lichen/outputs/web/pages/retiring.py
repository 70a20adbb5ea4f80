# SPDX-License-Identifier: Apache-2.0
"""An application retired, brought back, or taken out."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Depends, Request
from starlette.responses import RedirectResponse, Response

from lichen.errors import LichenError, UsageError
from lichen.outputs.web.access import Identity, not_found, require
from lichen.outputs.web.context import context_of
from lichen.outputs.web.forms import Form, by_of, check_confirmed, read
from lichen.outputs.web.pages.addresses import segment
from lichen.outputs.web.pages.answers import HOME
from lichen.outputs.web.pages.rendering import show
from lichen.outputs.web.pages.telling import kept, told
from lichen.outputs.web.problems import Problem
from lichen.service import removing
from lichen.store import Session
from lichen.store.models import Application
from lichen.store.queries import declared

router: Final = APIRouter(include_in_schema=False)
Manager = Annotated[Identity, Depends(require("write", persons_only=True))]
"""Parameter of a handler that changes something of a team: of which one, the handler asks."""
Fields = Annotated[Form, Depends(read)]


@router.get("/applications/{code}/retire")
def show_retire(request: Request, caller: Manager, code: str) -> Response:
    """What retiring the application and taking it out would do."""
    return _page(request, caller, code)


@router.post("/applications/{code}/retire")
def change(request: Request, caller: Manager, code: str, form: Fields) -> Response:
    """Retires the application, brings it back, or takes it out, once its code was typed."""
    by, do = by_of(request, caller.actor), form.one("do")
    try:
        with context_of(request).store.session() as session:
            application = _administered(session, caller, code)
            if do == "retire":
                removing.retire(session, application, by=by)
            elif do == "restore":
                removing.restore(session, application, by=by)
            elif do == "remove" and caller.is_admin:
                check_confirmed(form, application.code)
                removing.remove_application(session, application, by=by)
            else:
                raise Problem(
                    422, f"'{do[:40]}' is nothing to do with an application.", repair="Use the page.", culprit="do"
                )
    except UsageError as error:
        return _page(request, caller, code, problem=error)
    if do == "remove":
        return RedirectResponse(f"/settings?done=applications{kept(request)}", 303)
    return RedirectResponse(f"/applications/{segment(code)}?done={do}{kept(request)}", 303)


def _administered(session: Session, caller: Identity, code: str) -> Application:
    """An application whose team the caller administers; 404 when it is not seen, 403 when others do."""
    application = declared.application(session, code)
    if application is None or not caller.may_read(application):
        raise not_found("This application")
    if not caller.may_manage(application):
        raise Problem(
            403, "Only administrators of the team or the organisation change this.", repair="Ask one of them.",
            key="administrators",
        )  # fmt: skip
    return application


def _page(request: Request, caller: Identity, code: str, *, problem: LichenError | None = None) -> Response:
    with context_of(request).store.reading() as session:
        goes = removing.goes_with_application(session, _administered(session, caller, code))
    return show(
        request, "pages/retire.html.j2", status=200 if problem is None else 422, place="portfolio",
        crumbs=[HOME, (goes.name or goes.code, f"/applications/{segment(goes.code)}")], goes=goes,
        problem=told(request, problem, "web.remove.problem."),
    )  # fmt: skip
