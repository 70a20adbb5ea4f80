# SPDX-License-Identifier: Apache-2.0
"""The page of a team: its sums, its applications, its actions."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from lichen.outputs.web.access import Identity, Reader, not_found
from lichen.outputs.web.context import WebContext
from lichen.outputs.web.pages.asked import Context, PeriodName
from lichen.outputs.web.pages.rendering import show, twin
from lichen.service.board.team import team
from lichen.service.board.views import TeamView

router = APIRouter(include_in_schema=False)


@router.get("/teams/{code}.json")
def data(caller: Reader, context: Context, code: str, period: PeriodName = None) -> Response:
    """The same as data."""
    return twin(_view(context, caller, code, period))


@router.get("/teams/{code}")
def page(request: Request, caller: Reader, context: Context, code: str, period: PeriodName = None) -> Response:
    """A team whose applications are seen."""
    view = _view(context, caller, code, period)
    return show(
        request, "pages/team.html.j2", place="portfolio", frame=view.frame, has_twin=True, view=view,
        crumbs=(("Portfolio", "/"),),
    )  # fmt: skip


def _view(context: WebContext, caller: Identity, code: str, period: str | None) -> TeamView:
    view = team(context, code, caller.visibility(), period=period)
    if view is None:
        raise not_found("This team")
    return view
