# SPDX-License-Identifier: Apache-2.0
"""Curves for other boards."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from lichen.outputs.web.access import Reader
from lichen.outputs.web.api import answers
from lichen.outputs.web.api.answers import Indicator, MonthName
from lichen.outputs.web.api.applications import Context
from lichen.service.board.queries import SeriesQuery
from lichen.service.board.reading import HEADLINE
from lichen.service.board.series import series
from lichen.service.board.views import SeriesView

router = APIRouter(prefix="/api/v1", tags=["board"])


@router.get("/timeseries", response_model=SeriesView, responses=answers.documented(404), summary="A curve")
def get_timeseries(
    request: Request,
    context: Context,
    caller: Reader,
    *,
    level: Literal["organisation", "team", "application", "journey"] = "organisation",
    ref: Annotated[str, Query(max_length=401, description="Code; application/journey for a journey.")] = "",
    indicator: Indicator = HEADLINE,
    granularity: Literal["month", "run"] = "month",
    first: Annotated[MonthName, Query(alias="from", description="First month; the last 13 if none.")] = None,
    last: Annotated[MonthName, Query(alias="to", description="Last month.")] = None,
    per: Annotated[
        Literal["total", "visit"], Query(description="The month's total, or the figure of one visit.")
    ] = "total",
) -> Response:
    """A figure by month or by run, with its range. Indicators are those of the nomenclature, and visits, cost and value."""
    query = SeriesQuery(
        level=level, ref=ref, indicator=indicator, granularity=granularity, first=first, last=last, per=per
    )
    return answers.answer(request, answers.found(series(context, query, caller.visibility()), "This"))
