# SPDX-License-Identifier: Apache-2.0
"""Bills of cloud providers, for programs: by application, and an application's by service and region."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from lichen.outputs.web.access import Reader
from lichen.outputs.web.api import answers
from lichen.outputs.web.api.answers import Code, PeriodName
from lichen.outputs.web.api.applications import Context, PageNumber
from lichen.service.board.bill_views import ApplicationBillView, BillsView
from lichen.service.board.bills import application_bill, bills

router = APIRouter(prefix="/api/v1", tags=["bills"])


@router.get(
    "/applications/{code}/bill", response_model=ApplicationBillView, responses=answers.documented(404),
    summary="An application's bill",
)  # fmt: skip
def get_bill(request: Request, context: Context, caller: Reader, code: Code, period: PeriodName = None) -> Response:
    """Cost by currency, coverage by cost, figures with their ranges, by service and region; what is not estimated, and why."""
    view = application_bill(context, code, caller.visibility(), period=period)
    return answers.answer(request, answers.found(view, "This application"))


@router.get("/bills", response_model=BillsView, responses=answers.documented(), summary="Bills by application")
def get_bills(
    request: Request, context: Context, caller: Reader, period: PeriodName = None, page: PageNumber = 1
) -> Response:
    """25 applications a page, the dearest first, with what belongs to nobody and the newest imports."""
    return answers.answer(request, bills(context, caller.visibility(), period=period, page=page))
