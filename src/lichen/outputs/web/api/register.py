# SPDX-License-Identifier: Apache-2.0
"""What programs change: the register of actions, applications retired or taken out, teams taken out."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Body, Depends, Path, Query, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from lichen.outputs.web.access import Identity, Reader, Writer, not_found, require
from lichen.outputs.web.api import answers
from lichen.outputs.web.api.answers import Code
from lichen.outputs.web.context import WebContext, context_of
from lichen.outputs.web.forms import by_of
from lichen.outputs.web.problems import Problem
from lichen.service import register, removing
from lichen.service.board.queries import Visibility
from lichen.service.board.rows import ActionRow
from lichen.service.register import ActionView
from lichen.service.removing import Goes
from lichen.store import Session
from lichen.store.models import Action, Application
from lichen.store.queries import declared

router = APIRouter(prefix="/api/v1", tags=["register"])
Remover = Annotated[Identity, Depends(require("admin"))]
"""Parameter of a handler that takes things out: an administrator of the organisation, or a token of one."""
ActionId = Annotated[str, Path(pattern="^[0-9a-f]{32}$", description="Id of an action.")]
Confirm = Annotated[
    str, Query(max_length=200, description="The code once more; without it the answer is what would go.")
]
Context = Annotated[WebContext, Depends(context_of)]
Text = Annotated[str, Field(min_length=1, max_length=200)]
Day = Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}$", description="A day, 2026-10-31.")]
_DOCUMENTED: Final = answers.documented(404)
_CONFLICT: Final[dict[int | str, dict[str, Any]]] = {
    409: {"description": "What would go; confirm it.", "content": answers.PROBLEM}
}


class ActionChange(BaseModel):
    """What is told of an action; null empties a key, keys that are left out stay as they are."""

    model_config = ConfigDict(extra="forbid")

    title: Text | None = Field(None, description="What is done, in a few words.")
    description: Annotated[str, Field(max_length=5000)] | None = None
    owner: Text | None = Field(None, description="Who does it.")
    status: Literal["planned", "doing", "done", "dropped"] | None = Field(
        None, description="done without a day is done today."
    )
    started_on: Day | None = None
    done_on: Day | None = None
    indicator: Annotated[str, Field(max_length=64)] | None = Field(None, description="Of before_value and after_value.")
    before_value: Annotated[float, Field(ge=0, le=1e300, allow_inf_nan=False, strict=True)] | None = None
    after_value: Annotated[float, Field(ge=0, le=1e300, allow_inf_nan=False, strict=True)] | None = None
    expected_saving: Annotated[float, Field(ge=0, le=1, strict=True)] | None = Field(
        None, description="Share hoped to be saved."
    )
    tags: Annotated[list[Text], Field(max_length=50)] | None = None


class NewAction(ActionChange):
    """An action to write down."""

    application: Code
    title: Text = Field(description="What is done, in a few words.")


@router.post(
    "/actions", status_code=201, response_model=ActionRow, responses=_DOCUMENTED, summary="Write an action down"
)
def add_action(request: Request, context: Context, caller: Writer, told: NewAction) -> Response:
    """Adds an action to the register of an application that the caller may write to."""
    given = told.model_dump(exclude_unset=True, exclude={"application"})
    with context.store.session() as session:
        application = _writable(caller, declared.application(session, told.application), "This application")
        read = register.read(given, cells=False, check_indicator=context.workspace.nomenclature.indicator)
        action_id = register.add(session, application, read, by=by_of(request, caller.actor)).id
        application_id = application.id
    answer = answers.answer(request, _entry(context, _only(application_id), action_id).action)
    answer.status_code = 201
    answer.headers["Location"] = f"/api/v1/actions/{action_id}"
    return answer


@router.get("/actions/{action_id}", response_model=ActionView, responses=_DOCUMENTED, summary="An action")
def get_action(request: Request, context: Context, caller: Reader, action_id: ActionId) -> Response:
    """An entry of the register."""
    return answers.answer(request, _entry(context, caller.visibility(), action_id))


@router.patch("/actions/{action_id}", response_model=ActionRow, responses=_DOCUMENTED, summary="Change an action")
def change_action(
    request: Request, context: Context, caller: Writer, action_id: ActionId, told: Annotated[ActionChange, Body()]
) -> Response:
    """Changes what is told of an action."""
    with context.store.session() as session:
        action = _action(session, caller, action_id)
        read = register.read(
            told.model_dump(exclude_unset=True), cells=False, check_indicator=context.workspace.nomenclature.indicator
        )
        register.change(session, action, read, by=by_of(request, caller.actor))
        application_id = action.application_id
    return answers.answer(request, _entry(context, _only(application_id), action_id).action)


@router.delete("/actions/{action_id}", status_code=204, responses=_DOCUMENTED, summary="Take an action out")
def remove_action(request: Request, context: Context, caller: Writer, action_id: ActionId) -> Response:
    """Takes an action out of the register; the audit log keeps that it was there."""
    with context.store.session() as session:
        register.remove(session, _action(session, caller, action_id), by=by_of(request, caller.actor))
    return Response(status_code=204)


@router.post("/applications/{code}/retire", response_model=Goes, responses=_DOCUMENTED, summary="Retire an application")
def retire_application(request: Request, context: Context, caller: Writer, code: Code) -> Response:
    """Leaves it out of lists, but for the periods that count it; nothing is lost."""
    with context.store.session() as session:
        application = _administered(session, caller, code)
        removing.retire(session, application, by=by_of(request, caller.actor))
        return answers.answer(request, removing.goes_with_application(session, application))


@router.post(
    "/applications/{code}/restore", response_model=Goes, responses=_DOCUMENTED, summary="Bring an application back"
)
def restore_application(request: Request, context: Context, caller: Writer, code: Code) -> Response:
    """Brings a retired application back into lists."""
    with context.store.session() as session:
        application = _administered(session, caller, code)
        removing.restore(session, application, by=by_of(request, caller.actor))
        return answers.answer(request, removing.goes_with_application(session, application))


@router.delete(
    "/applications/{code}", response_model=Goes, responses=_DOCUMENTED | _CONFLICT, summary="Take an application out"
)
def remove_application(
    request: Request, context: Context, caller: Remover, code: Code, confirm: Confirm = ""
) -> Response:
    """Takes an application out with what was decided and imported about it; its runs stay in the ledger."""
    with context.store.session() as session:
        application = declared.application(session, code)
        if application is None or not caller.is_admin:
            raise not_found("This application")
        _confirmed(removing.goes_with_application(session, application), confirm)
        goes = removing.remove_application(session, application, by=by_of(request, caller.actor))
    return answers.answer(request, goes)


@router.delete("/teams/{code}", response_model=Goes, responses=_DOCUMENTED | _CONFLICT, summary="Take a team out")
def remove_team(
    request: Request,
    context: Context,
    caller: Remover,
    code: Code,
    confirm: Confirm = "",
    applications_to: Annotated[
        str | None,
        Query(max_length=200, description="Code of the team that its applications go to; without it, to none."),
    ] = None,
) -> Response:
    """Takes a team out: members lose their role, its targets and tokens end, its applications move."""
    with context.store.session() as session:
        team = declared.team(session, code)
        if team is None or not caller.is_admin:
            raise not_found("This team")
        heir = None if not applications_to else removing.team_by_code(session, applications_to)
        _confirmed(removing.goes_with_team(session, team), confirm)
        goes = removing.remove_team(session, team, heir=heir, by=by_of(request, caller.actor))
    return answers.answer(request, goes)


def _confirmed(goes: Goes, confirm: str) -> None:
    if confirm != goes.code:
        raise Problem(
            409, f"This takes '{goes.code}' out, and what 'goes' counts.",
            repair=f"Send it again with ?confirm={goes.code}.", culprit="confirm", further={"goes": dict(goes.counts)},
        )  # fmt: skip


def _entry(context: WebContext, seen: Visibility, action_id: str) -> ActionView:
    return answers.found(register.entry(context, action_id, seen), "This action")


def _only(application_id: str) -> Visibility:
    """What a program that just wrote is shown: it may have the scope write and not read."""
    return Visibility(teams=frozenset(), applications=frozenset((application_id,)))


def _action(session: Session, caller: Identity, action_id: str) -> Action:
    action, application = answers.found(register.find(session, action_id), "This action")
    _writable(caller, application, "This action")
    return action


def _writable(caller: Identity, application: Application | None, what: str) -> Application:
    """The application; 404 when the caller does not see it, 403 when others edit it."""
    if application is None or not (caller.may_read(application) or caller.may_write(application)):
        raise not_found(what)
    if not caller.may_write(application):
        raise Problem(403, "Only editors of its team change this.", repair="Ask one of them.")
    return application


def _administered(session: Session, caller: Identity, code: str) -> Application:
    """An application whose team the caller administers."""
    application = _writable(caller, declared.application(session, code), "This application")
    if not caller.may_manage(application):
        raise Problem(
            403, "Only administrators of the team or the organisation change this.", repair="Ask one of them."
        )
    return application
