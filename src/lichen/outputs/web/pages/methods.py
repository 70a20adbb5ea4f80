# SPDX-License-Identifier: Apache-2.0
"""The page of methods and factors: what figures are computed by, and with which numbers."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from lichen.outputs.web.access import Reader
from lichen.outputs.web.pages.asked import Context, PageNumber, SearchText
from lichen.outputs.web.pages.rendering import show, twin
from lichen.service.board.methods import factors_methods

router = APIRouter(include_in_schema=False)


@router.get("/methods.json")
def data(_caller: Reader, context: Context, q: SearchText = "", page: PageNumber = 1) -> Response:
    """The same as data."""
    return twin(factors_methods(context, search=q, page=page))


@router.get("/methods")
def page(request: Request, _caller: Reader, context: Context, q: SearchText = "", page: PageNumber = 1) -> Response:
    """Methods, and the factors that match a search."""
    view = factors_methods(context, search=q, page=page)
    return show(request, "pages/methods.html.j2", place="methods", frame=view.frame, has_twin=True, view=view)
