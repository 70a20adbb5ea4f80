# SPDX-License-Identifier: Apache-2.0
"""The derivation of a figure, for programs."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from lichen.outputs.web.access import Reader
from lichen.outputs.web.api import answers
from lichen.outputs.web.api.answers import Indicator, PeriodName
from lichen.outputs.web.api.applications import Context
from lichen.service.board.explain import ExplainQuery, explain
from lichen.service.board.reading import HEADLINE
from lichen.service.board.views import ExplainView

router = APIRouter(prefix="/api/v1", tags=["board"])


@router.get(
    "/explain", response_model=ExplainView, responses=answers.documented(404), summary="Why a figure is what it is"
)
def get_explain(
    request: Request,
    context: Context,
    caller: Reader,
    level: Literal["organisation", "team", "application", "journey", "bill"] = "organisation",
    ref: Annotated[
        str,
        Query(max_length=401, description="Code; application/journey for a journey, application/service for a bill."),
    ] = "",
    indicator: Indicator = HEADLINE,
    period: PeriodName = None,
) -> Response:
    """Terms of a sum or, for a journey, runs x visits, formulas and factors. The `why` of a figure has these parameters."""
    query = ExplainQuery(level=level, ref=ref, indicator=indicator, period=period)
    return answers.answer(request, answers.found(explain(context, query, caller.visibility()), "This figure"))
