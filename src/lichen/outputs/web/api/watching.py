# SPDX-License-Identifier: Apache-2.0
"""What happens to applications, for programs: deployments and marks are told here; changes of histories and alerts are read."""

from __future__ import annotations

import hashlib
import hmac
import os
from datetime import UTC, datetime
from functools import partial
from typing import Annotated, Final, Literal

from fastapi import APIRouter, Depends, Query, Request
from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, ValidationError
from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse, Response

from lichen.outputs.web import limits
from lichen.outputs.web.access import Identity, Reader, Writer, not_found, public, require
from lichen.outputs.web.api import answers
from lichen.outputs.web.api.answers import Code, Cursor, Limit
from lichen.outputs.web.api.applications import Context, Listing
from lichen.outputs.web.context import WebContext
from lichen.outputs.web.problems import Problem
from lichen.service import alerts, history_watch
from lichen.service.accounts import By
from lichen.service.alerts import AlertRow
from lichen.service.alerts.budgeting import BudgetItem, NewBudget, listed_budgets, set_budget
from lichen.service.board.shapes import to_json
from lichen.service.history_watch import HistoryView
from lichen.service.history_watch.listing import DeploymentItem, MarkItem, deployment_items, mark_items
from lichen.service.history_watch.recording import NewDeployment, NewMark, record_deployment, record_mark

router = APIRouter(prefix="/api/v1", tags=["history"])
_DOCUMENTED: Final = answers.documented()
_WITH_404: Final = answers.documented(404)
_TOLD: Final = {
    200: {"description": "It was told before."},
    201: {"description": "Kept."},
    **answers.documented(400, 404),
}
Line = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$")]
OfApplication = Annotated[str | None, Query(max_length=200, description="Code of an application.")]


def _in_utc(at: datetime) -> datetime:
    """A moment in UTC; ValueError where the calendar has none, as on its first and last day."""
    try:
        return at.astimezone(UTC)
    except OverflowError:
        raise ValueError("the moment lies outside of the years 1 to 9999") from None


Moment = Annotated[AwareDatetime, AfterValidator(_in_utc)]
Recorder = Annotated[Identity, Depends(require("ingest"))]
"""What pipelines tell needs the scope that their runs need."""


SIGNATURE: Final = "X-Hub-Signature-256"
"""Header of a signed webhook, called as the forges call it."""


class DeploymentBody(BaseModel):
    """A version that went live."""

    model_config = ConfigDict(extra="forbid")
    application: Line = Field(description="Its code.")
    version: Line | None = Field(None, description="Version or tag; the commit when there is none.")
    environment: Line | None = Field(None, description="Where it runs, such as production.")
    commit: Line | None = None
    at: Moment | None = Field(None, description="When, with a time zone; now when left out.")
    author: Line | None = None
    link: Annotated[str, Field(max_length=500, pattern=r"^https?://[!-~]+$")] | None = None


class MarkBody(BaseModel):
    """A day on which what is measured with became another one: histories are cut there."""

    model_config = ConfigDict(extra="forbid")
    application: Line | None = Field(None, description="Its code; null: for all of them, which administrators may.")
    kind: Literal["browser", "runtime", "cluster", "factors", "method", "other"]
    text: Line = Field(description="What changed, such as Chromium 156.")
    at: Moment | None = Field(None, description="When, with a time zone; now when left out.")


class BudgetBody(BaseModel):
    """How much a visit or a month of an application may take, from today on."""

    model_config = ConfigDict(extra="forbid")
    application: Line = Field(description="Its code.")
    journey: Line | None = Field(None, description="Code of a journey; null: each of them, or all of them for a month.")
    what: Line = Field(description="Indicator or quantity of the nomenclature; a month has budgets of indicators.")
    per: Literal["visit", "month"] = "visit"
    limit: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = Field(
        description="In its canonical unit; null ends the budget."
    )
    reason: Annotated[str, Field(max_length=500, pattern=r"^[^\x00-\x1f\x7f]*$")] = ""


@router.post(
    "/deployments", status_code=201, response_model=DeploymentItem, responses=_TOLD, summary="Tell of a deployment"
)
def post_deployment(request: Request, context: Context, caller: Recorder, body: DeploymentBody) -> Response:
    """Keeps a deployment. The same version, environment and moment are told once: 201 the first time, 200 later."""
    told = NewDeployment(**(body.model_dump() | {"at": body.at or context.clock()}))
    found = record_deployment(context, told, allowed=caller.may_ingest, by=_by(request, context, caller))
    if found is None:
        raise not_found("This application")
    row, is_new = found
    return _kept(DeploymentItem.of(row, body.application), is_new=is_new)


@router.post(
    "/deployments/signed",
    status_code=201,
    response_model=DeploymentItem,
    responses=_TOLD,
    summary="Tell of a deployment by a signed webhook",
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": DeploymentBody.model_json_schema()}},
        },
        "parameters": [
            {
                "name": SIGNATURE,
                "in": "header",
                "required": True,
                "schema": {"type": "string"},
                "description": "sha256=, and the HMAC-SHA-256 of the body in hexadecimal digits.",
            }
        ],
    },
)
async def post_signed(
    request: Request, context: Context, _: Annotated[Identity, Depends(public("its body is signed"))]
) -> Response:  # fmt: skip
    """As ``POST /api/v1/deployments`` without a token, for what can sign and cannot hold one."""
    limits.refuse_guessing(request)
    body = await request.body()
    if not _is_signed(context, body, request.headers.get(SIGNATURE, "")):
        limits.count_guess(request)
        raise Problem(
            422, "The signature is not that of the body.", repair="Sign it with the server's secret.", culprit=SIGNATURE
        )
    try:
        read = DeploymentBody.model_validate_json(body)
    except ValidationError as error:
        first = error.errors()[0]
        raise Problem(
            422, f"{first['msg']}.", repair="Look at the API's description.", culprit=".".join(map(str, first["loc"]))
        ) from error
    if read.at is None:
        raise Problem(
            422,
            "A signed deployment has no 'at': replayed, it would count again.",
            repair="Say when it was.",
            culprit="at",
        )
    told = NewDeployment(**read.model_dump())
    by = By(actor="webhook", at=context.clock(), address=limits.address_of(request))
    found = await run_in_threadpool(partial(record_deployment, context, told, allowed=lambda _: True, by=by))
    if found is None:
        raise not_found("This application")
    row, is_new = found
    return _kept(DeploymentItem.of(row, read.application), is_new=is_new)


def _is_signed(context: WebContext, body: bytes, signature: str) -> bool:
    """Whether a body is signed with the secret of the settings; nothing is where there is none."""
    name = context.settings.server.webhook_secret_env
    secret = os.environ.get(name, "") if name else ""
    expected = f"sha256={hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()}"
    return bool(secret) and hmac.compare_digest(expected.encode(), signature.encode())


@router.get("/deployments", response_model=Listing[DeploymentItem], responses=_WITH_404, summary="Deployments")
def list_deployments(
    request: Request,
    context: Context,
    caller: Reader,
    application: OfApplication = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Response:
    """Deployments, the newest first."""
    after = answers.moment(answers.read_cursor(cursor, 2))
    rows = answers.found(
        deployment_items(context, application, after, limit + 1, caller.visibility()), "This application"
    )
    return answers.listed(request, rows, limit, lambda row: answers.cursor_of(row.at.isoformat(), row.id))


@router.post("/marks", status_code=201, response_model=MarkItem, responses=_TOLD, summary="Mark a history")
def post_mark(request: Request, context: Context, caller: Recorder, body: MarkBody) -> Response:
    """Keeps a mark, such as an upgrade of the browser or the cluster: it cuts histories instead of alarming."""
    told = NewMark(
        application=body.application, at=body.at or context.clock(), kind=body.kind, text=body.text,
        source=caller.name or "api",
    )  # fmt: skip
    by = _by(request, context, caller)
    may_mark_all = caller.is_admin and caller.application_id is None
    found = record_mark(context, told, allowed=caller.may_ingest, by=by, may_mark_all=may_mark_all)
    if found is None:
        raise not_found("This application")
    row, is_new = found
    return _kept(MarkItem.of(row, body.application or ""), is_new=is_new)


@router.get("/marks", response_model=Listing[MarkItem], responses=_WITH_404, summary="Marks")
def list_marks(
    request: Request,
    context: Context,
    caller: Reader,
    application: OfApplication = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Response:
    """Marks of all applications and, where one is asked for, its own; the newest first."""
    rows = answers.found(mark_items(context, application, caller.visibility()), "This application")
    return answers.by_position(request, rows, limit, cursor)


@router.put(
    "/budgets",
    response_model=BudgetItem,
    responses=answers.documented(400, 404),
    summary="Set a budget of production",
)
def put_budget(request: Request, context: Context, caller: Writer, body: BudgetBody) -> Response:
    """Sets a budget, in place of the one of the same thing, or ends it. An alert tells when production breaks it."""
    told = NewBudget(**body.model_dump())
    found = set_budget(context, told, allowed=caller.may_write, by=_by(request, context, caller))
    if found is None:
        raise not_found("This application or journey")
    return JSONResponse(to_json(found))


@router.get("/budgets", response_model=Listing[BudgetItem], responses=_DOCUMENTED, summary="Budgets of production")
def list_budgets(
    request: Request, context: Context, caller: Reader, cursor: Cursor = None, limit: Limit = 100
) -> Response:
    """Budgets that hold today."""
    return answers.by_position(request, listed_budgets(context, caller.visibility()), limit, cursor)


@router.get(
    "/applications/{code}/history", response_model=HistoryView, responses=_WITH_404, summary="Changes of histories"
)
def get_history(request: Request, context: Context, caller: Reader, code: Code) -> Response:
    """Confirmed changes with their likely deployment, what each deployment did, and upgrades."""
    view = history_watch.changes(context, code, caller.visibility())
    return answers.answer(request, answers.found(view, "This application"))


@router.get("/alerts", response_model=Listing[AlertRow], responses=_DOCUMENTED, summary="Alerts")
def list_alerts(
    request: Request,
    context: Context,
    caller: Reader,
    *,
    state: Annotated[
        Literal["firing", "resolved"] | None, Query(description="Open ones, or those that are over.")
    ] = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Response:
    """Alerts of applications that are seen, the newest first; those of the organisation for whoever sees everything."""
    after = answers.moment(answers.read_cursor(cursor, 2))
    rows = alerts.listed(context, caller.visibility(), state=state, before=after, limit=limit + 1)
    return answers.listed(request, rows, limit, lambda row: answers.cursor_of(row.opened_at.isoformat(), row.id))


def _by(request: Request, context: Context, caller: Identity) -> By:
    return By(actor=caller.actor, at=context.clock(), address=limits.address_of(request))


def _kept(item: object, *, is_new: bool) -> Response:
    return JSONResponse(to_json(item), 201 if is_new else 200)
