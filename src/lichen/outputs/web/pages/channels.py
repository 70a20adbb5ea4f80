# SPDX-License-Identifier: Apache-2.0
"""The channels that teams are told through: how they get on, what they were sent, and a button that tries one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Request
from starlette.responses import RedirectResponse, Response

from lichen.outputs.web.access import Administrator, not_found
from lichen.outputs.web.context import context_of
from lichen.outputs.web.forms import Form, by_of, read
from lichen.outputs.web.pages.answers import HOME, answer
from lichen.outputs.web.pages.telling import kept
from lichen.service.notifying.channels import ChannelRow, DeliveryRow, channel_rows, delivery_rows, try_channel

router: Final = APIRouter(include_in_schema=False)
Fields = Annotated[Form, Depends(read)]
_SHOWN: Final = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelsView:
    """Channels of the settings, and the newest messages."""

    channels: tuple[ChannelRow, ...]
    deliveries: tuple[DeliveryRow, ...]


@router.get("/channels")
@router.get("/channels.json")
def show_channels(request: Request, caller: Administrator, done: str = "") -> Response:  # noqa: ARG001 - its role is checked
    """Channels, and whether they get through."""
    context = context_of(request)
    view = ChannelsView(channels=tuple(channel_rows(context)), deliveries=tuple(delivery_rows(context, _SHOWN)))
    return answer(request, view, "channels", place="settings", crumbs=[HOME], done=done == "trial")


@router.post("/channels")
def try_one(request: Request, caller: Administrator, form: Fields) -> Response:
    """Sends a trial at once; what the channel answered is the first line of the messages."""
    row = try_channel(context_of(request), form.one("channel"), by_of(request, caller.actor))
    if row is None:
        raise not_found("This channel")
    return RedirectResponse(f"/channels?done=trial{kept(request)}", 303)
