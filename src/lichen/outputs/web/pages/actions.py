# SPDX-License-Identifier: Apache-2.0
"""The register of actions: what was done about footprints, by whom, and what it saved, for every team to find."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from lichen.outputs.web.access import Reader
from lichen.outputs.web.pages.asked import Context, PageNumber, SearchText
from lichen.outputs.web.pages.rendering import show, twin
from lichen.service.board import team

router = APIRouter(include_in_schema=False)
STATUSES: Final = ("planned", "doing", "done", "dropped")
Statuses = Annotated[list[Literal["planned", "doing", "done", "dropped"]] | None, Query(max_length=len(STATUSES))]


@router.get("/actions.json")
def data(
    caller: Reader, context: Context, q: SearchText = "", status: Statuses = None, page: PageNumber = 1
) -> Response:
    """The same as data."""
    return twin(team.actions(context, caller.visibility(), search=q, status=status or (), page=page))


@router.get("/actions")
def page(
    request: Request, caller: Reader, context: Context, q: SearchText = "", status: Statuses = None, page: PageNumber = 1
) -> Response:  # fmt: skip
    """Actions that match a search, the newest done first."""
    view = team.actions(context, caller.visibility(), search=q, status=status or (), page=page)
    return show(
        request, "pages/actions.html.j2", place="actions", frame=view.frame, has_twin=True, view=view, statuses=STATUSES
    )
