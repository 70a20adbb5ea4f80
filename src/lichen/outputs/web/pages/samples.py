# SPDX-License-Identifier: Apache-2.0
"""The sample portfolio, put in and taken out by an administrator."""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from lichen.outputs.web.access import Administrator, Identity
from lichen.outputs.web.context import context_of
from lichen.outputs.web.forms import by_of
from lichen.service import sample
from lichen.service.accounts import note

router: Final = APIRouter(include_in_schema=False)


@router.post("/sample/load")
def load_sample(request: Request, caller: Administrator) -> Response:
    """Fills the board with the sample portfolio."""
    if not sample.is_loaded(context_of(request)):
        _note(request, caller, "sample.load")
        sample.load(context_of(request))
    return RedirectResponse("/", 303)


@router.post("/sample/remove")
def remove_sample(request: Request, caller: Administrator) -> Response:
    """Takes the sample portfolio out."""
    if sample.is_loaded(context_of(request)):
        _note(request, caller, "sample.remove")
        sample.remove(context_of(request))
    return RedirectResponse("/", 303)


def _note(request: Request, caller: Identity, action: str) -> None:
    with context_of(request).store.session() as session:
        note(session, by_of(request, caller.actor), action, "sample", "sample")
