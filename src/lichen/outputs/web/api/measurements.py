# SPDX-License-Identifier: Apache-2.0
"""Runs, what they measured, and the figures that follow, for programs."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Path, Query, Request
from starlette.responses import Response

from lichen.outputs.web.access import Reader, not_found
from lichen.outputs.web.api import answers
from lichen.outputs.web.api.answers import Cursor, Indicator, Limit, MonthName
from lichen.outputs.web.api.applications import Context, Listing
from lichen.outputs.web.problems import Problem
from lichen.service.board.catalogue import (
    ActivityItem,
    ImpactItem,
    ImpactQuery,
    activities,
    impacts,
    run_file,
    run_items,
)
from lichen.service.board.compare import compare_periods, compare_runs
from lichen.service.board.queries import SeriesQuery
from lichen.service.board.reading import HEADLINE
from lichen.service.board.rows import RunRow
from lichen.service.board.run import run
from lichen.service.board.views import CompareView, RunView

router = APIRouter(prefix="/api/v1", tags=["measurements"])
RunId = Annotated[
    str, Path(pattern="^[0-9a-f]{6,64}$", description="Id of a run, or its first six characters and more.")
]
OfApplication = Annotated[str | None, Query(max_length=200, description="Code of an application.")]
_DOCUMENTED: Final = answers.documented()
_WITH_404: Final = answers.documented(404)
_RUNS_OF_ACTIVITIES: Final = 20
LEVELS = Literal["organisation", "team", "application", "journey"]


@router.get("/runs", response_model=Listing[RunRow], responses=_WITH_404, summary="Runs")
def list_runs(
    request: Request,
    context: Context,
    caller: Reader,
    application: OfApplication = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Response:
    """Runs, the newest first."""
    after = answers.read_cursor(cursor, 2)
    rows = answers.found(
        run_items(context, application, answers.moment(after), limit + 1, caller.visibility()), "This application"
    )
    return answers.listed(request, rows, limit, lambda row: answers.cursor_of(row.measured_at.isoformat(), row.run_id))


@router.get("/runs/{run_id}", response_model=RunView, responses=_WITH_404, summary="A run")
def get_run(
    request: Request,
    context: Context,
    caller: Reader,
    run_id: RunId,
    method: Annotated[str | None, Query(max_length=64, description="Look through another method.")] = None,
) -> Response:
    """Journeys, steps and parts of a run with counters, indicators and requests."""
    return answers.answer(request, answers.found(run(context, run_id, caller.visibility(), method=method), "This run"))


@router.get(
    "/runs/{run_id}/file",
    responses={
        200: {"content": {"application/gzip": {}}, "description": "The run file, as docs/run-file.md has it."},
        **_WITH_404,
    },
    response_class=Response,
    summary="The file of a run",
)
def get_run_file(request: Request, context: Context, caller: Reader, run_id: RunId) -> Response:
    """The evidence behind a run."""
    body = answers.found(run_file(context, run_id, caller.visibility()), "This run")
    fields = {"Content-Disposition": f'attachment; filename="{run_id}.run.json.gz"'}
    return answers.tagged(request, body, "application/gzip", fields)


@router.get("/activities", response_model=Listing[ActivityItem], responses=_WITH_404, summary="Activities")
def list_activities(
    request: Request,
    context: Context,
    caller: Reader,
    *,
    run_id: Annotated[str | None, Query(pattern="^[0-9a-f]{6,64}$", description="Of one run.")] = None,
    application: OfApplication = None,
    quantity: Annotated[str | None, Query(max_length=64, description="Of one quantity of the nomenclature.")] = None,
    cursor: Cursor = None,
    limit: Annotated[int, Query(ge=1, le=_RUNS_OF_ACTIVITIES, description="Runs of a page.")] = 5,
) -> Response:
    """What was measured, in physical quantities: whole runs a page, the newest first. Values are in the row's unit."""
    if run_id is None and application is None:
        raise Problem(
            422, "Activities are of a run or an application.", repair="Give run_id or application.", culprit="run_id"
        )
    after = answers.moment(answers.read_cursor(cursor, 2))
    rows = run_items(context, application, after, limit + 1, caller.visibility(), run_id=run_id)
    runs = answers.found(rows, "This run or application")
    if run_id is not None and not runs:
        raise not_found("This run")
    page = runs[:limit]
    last = page[-1] if page else None
    following = answers.cursor_of(last.measured_at.isoformat(), last.run_id) if last and len(runs) > limit else None
    return answers.answer(request, {"items": activities(context, page, quantity), "next": following})


@router.get("/impacts", response_model=Listing[ImpactItem], responses=_WITH_404, summary="Impacts")
def list_impacts(
    request: Request,
    context: Context,
    caller: Reader,
    *,
    level: LEVELS = "application",
    ref: Annotated[
        str, Query(max_length=401, description="Code; application/journey for a journey; empty for all.")
    ] = "",
    indicator: Indicator = HEADLINE,
    granularity: Literal["month", "run"] = "month",
    first: Annotated[MonthName, Query(alias="from")] = None,
    last: Annotated[MonthName, Query(alias="to")] = None,
    cursor: Cursor = None,
    limit: Limit = 100,
) -> Response:
    """Figures by month (or of one visit by run), tier and phase, with range, data quality, method and factors.

    Rows with an empty tier and phase are the totals; the others split them, and are not to be added to them.
    """
    series = SeriesQuery(level=level, ref=ref, indicator=indicator, granularity=granularity, first=first, last=last)
    query = ImpactQuery(series=series, position=answers.position(answers.read_cursor(cursor, 1)), limit=limit)
    rows = answers.found(impacts(context, query, caller.visibility()), "This")
    after = answers.cursor_of(str(query.position + limit))
    return answers.listed(request, rows, limit, lambda _: after)


@router.get("/compare", response_model=CompareView, responses=_WITH_404, summary="Two runs or two periods")
def get_compare(
    request: Request,
    context: Context,
    caller: Reader,
    left: Annotated[str, Query(pattern=r"^([0-9a-f]{6,64}|\d{4}(-(0[1-9]|1[0-2]))?)$", description="Run or period.")],
    right: Annotated[str, Query(pattern=r"^([0-9a-f]{6,64}|\d{4}(-(0[1-9]|1[0-2]))?)$", description="Run or period.")],
    application: OfApplication = None,
) -> Response:
    """Two runs side by side or, with an application, two of its periods and what their difference is made of."""
    seen = caller.visibility()
    view: Any = (
        compare_runs(context, left, right, seen)
        if application is None
        else compare_periods(context, application, left, right, seen)
    )
    return answers.answer(request, answers.found(view, "One of the two"))
