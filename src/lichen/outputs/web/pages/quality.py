# SPDX-License-Identifier: Apache-2.0
"""The page of data quality: how far the figures can be trusted, and what would make them better."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from lichen.outputs.web.access import Reader
from lichen.outputs.web.pages.asked import Context, PageNumber, PeriodName
from lichen.outputs.web.pages.rendering import show, twin
from lichen.service.board.quality import quality

router = APIRouter(include_in_schema=False)


@router.get("/quality.json")
def data(caller: Reader, context: Context, period: PeriodName = None, page: PageNumber = 1) -> Response:
    """The same as data."""
    return twin(quality(context, caller.visibility(), period=period, page=page))


@router.get("/quality")
def page(
    request: Request, caller: Reader, context: Context, period: PeriodName = None, page: PageNumber = 1
) -> Response:
    """Applications, those with the most to mend first."""
    view = quality(context, caller.visibility(), period=period, page=page)
    return show(request, "pages/quality.html.j2", place="quality", frame=view.frame, has_twin=True, view=view)
