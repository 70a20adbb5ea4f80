# SPDX-License-Identifier: Apache-2.0
"""The page of what to measure next, and of how far the roll-out is."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from lichen.outputs.web.access import Reader
from lichen.outputs.web.pages.asked import Context, PageNumber, PeriodName
from lichen.outputs.web.pages.rendering import show, twin
from lichen.service.board.next import measure_next

router = APIRouter(include_in_schema=False)


@router.get("/measure-next.json")
def data(caller: Reader, context: Context, period: PeriodName = None, page: PageNumber = 1) -> Response:
    """The same as data."""
    return twin(measure_next(context, caller.visibility(), period=period, page=page))


@router.get("/measure-next")
def page(
    request: Request, caller: Reader, context: Context, period: PeriodName = None, page: PageNumber = 1
) -> Response:
    """Journeys, the most promising first."""
    view = measure_next(context, caller.visibility(), period=period, page=page)
    return show(request, "pages/measure_next.html.j2", place="next", frame=view.frame, has_twin=True, view=view)
