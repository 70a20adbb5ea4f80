# SPDX-License-Identifier: Apache-2.0
"""The public page of an application: plain words, behind a link that its owners made."""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from lichen.outputs.web.access import not_found, public
from lichen.outputs.web.context import WebContext
from lichen.outputs.web.pages.asked import Context, PeriodName
from lichen.outputs.web.pages.rendering import show, twin
from lichen.service.board import public as board
from lichen.service.board.views import PublicView

router = APIRouter(
    prefix="/public", include_in_schema=False,
    dependencies=[Depends(public("the link holds a secret, and shows what its owners want everybody to see"))],
)  # fmt: skip
UNLISTED: Final = {"X-Robots-Tag": "noindex", "Referrer-Policy": "no-referrer"}
"""Who has the link sees the page; it is for no search engine, and no other site learns it."""


@router.get("/{key}.json")
def data(context: Context, key: str, period: PeriodName = None) -> Response:
    """The same as data."""
    answer = twin(_view(context, key, period))
    answer.headers.update(UNLISTED)
    return answer


@router.get("/{key}")
def page(request: Request, context: Context, key: str, period: PeriodName = None) -> Response:
    """An application in plain words."""
    view = _view(context, key, period)
    answer = show(request, "pages/public.html.j2", has_twin=True, view=view)
    answer.headers.update(UNLISTED)
    return answer


def _view(context: WebContext, key: str, period: str | None) -> PublicView:
    view = board.public(context, key, period=period)
    if view is None:
        raise not_found()
    return view
