# SPDX-License-Identifier: Apache-2.0
"""Bills of cloud providers: an application's part of them, and all of them by application."""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter, Request
from starlette.responses import Response

from lichen.outputs.web.access import Reader
from lichen.outputs.web.context import context_of
from lichen.outputs.web.pages.addresses import segment
from lichen.outputs.web.pages.answers import HOME, answer, around, found
from lichen.outputs.web.pages.board import Number
from lichen.outputs.web.pages.rendering import CHART
from lichen.service.board.bills import application_bill, bills

router: Final = APIRouter(include_in_schema=False)


@router.get("/applications/{code}/bill")
@router.get("/applications/{code}/bill.json")
def show_bill(request: Request, caller: Reader, code: str, period: str | None = None) -> Response:
    """What an application is billed for, and what that costs the planet."""
    view = found(application_bill(context_of(request), code, caller.visibility(), period=period or None))
    before, after = around(view.frame)
    crumb = view.application.name or view.application.code, f"/applications/{segment(view.application.code)}"
    return answer(
        request, view, "application_bill", place="bills", assets=CHART, before=before, after=after, crumbs=[HOME, crumb]
    )


@router.get("/bills")
@router.get("/bills.json")
def show_bills(request: Request, caller: Reader, period: str | None = None, page: Number = 1) -> Response:
    """Applications by what they are billed, what belongs to nobody, and the last imports."""
    view = bills(context_of(request), caller.visibility(), period=period or None, page=page)
    before, after = around(view.frame)
    return answer(request, view, "bills", place="bills", before=before, after=after)
