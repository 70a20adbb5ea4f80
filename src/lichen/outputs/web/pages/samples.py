# SPDX-License-Identifier: Apache-2.0
"""The sample portfolio, put in and taken out by an administrator."""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from lichen.outputs.web.access import Administrator
from lichen.outputs.web.context import context_of
from lichen.service import sample

router: Final = APIRouter(include_in_schema=False)


@router.post("/sample/load")
def load_sample(request: Request, caller: Administrator) -> Response:  # noqa: ARG001 - the rule of the route
    """Fills the board with the sample portfolio."""
    if not sample.is_loaded(context_of(request)):
        sample.load(context_of(request))
    return RedirectResponse("/", 303)


@router.post("/sample/remove")
def remove_sample(request: Request, caller: Administrator) -> Response:  # noqa: ARG001 - the rule of the route
    """Takes the sample portfolio out."""
    sample.remove(context_of(request))
    return RedirectResponse("/", 303)
