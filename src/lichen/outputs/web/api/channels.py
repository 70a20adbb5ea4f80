# SPDX-License-Identifier: Apache-2.0
"""Channels for administrators: how they get on, what they were sent, and a trial."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Depends, Path, Request
from starlette.responses import Response

from lichen.outputs.web import limits
from lichen.outputs.web.access import Identity, not_found, require
from lichen.outputs.web.api import answers
from lichen.outputs.web.api.answers import Cursor, Limit
from lichen.outputs.web.api.applications import Context, Listing
from lichen.service.accounts import By
from lichen.service.notifying.channels import ChannelRow, DeliveryRow, channel_rows, delivery_rows, try_channel

router = APIRouter(prefix="/api/v1", tags=["channels"])
_DOCUMENTED: Final = answers.documented(404)
_KEPT: Final = 2_000
"""The newest deliveries, which are those that are listed."""

Administrator = Annotated[Identity, Depends(require("admin"))]
Name = Annotated[str, Path(min_length=1, max_length=200, description="Name of a channel.")]


def _seen(caller: Identity) -> None:
    """Channels are the organisation's: whoever does not administer it finds none."""
    if not caller.is_admin or caller.application_id is not None:
        raise not_found()


@router.get("/channels", response_model=Listing[ChannelRow], responses=_DOCUMENTED, summary="Channels")
def list_channels(
    request: Request, context: Context, caller: Administrator, cursor: Cursor = None, limit: Limit = 100
) -> Response:
    """Channels of the settings, and whether they get through."""
    _seen(caller)
    return answers.by_position(request, channel_rows(context), limit, cursor)


@router.get("/deliveries", response_model=Listing[DeliveryRow], responses=_DOCUMENTED, summary="Deliveries")
def list_deliveries(
    request: Request, context: Context, caller: Administrator, cursor: Cursor = None, limit: Limit = 50
) -> Response:
    """Messages and what became of them, the newest first."""
    _seen(caller)
    return answers.by_position(request, delivery_rows(context, _KEPT), limit, cursor)


@router.post("/channels/{name}/test", response_model=DeliveryRow, responses=_DOCUMENTED, summary="Try a channel")
def try_one(request: Request, context: Context, caller: Administrator, name: Name) -> Response:
    """Sends a trial at once and says what the channel answered."""
    _seen(caller)
    by = By(actor=caller.actor, at=context.clock(), address=limits.address_of(request))
    return answers.answer(request, answers.found(try_channel(context, name, by), "This channel"))
