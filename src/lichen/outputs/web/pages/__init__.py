# SPDX-License-Identifier: Apache-2.0
"""Pages for people, each with a twin in JSON, and what they are made with."""

from __future__ import annotations

from fastapi import APIRouter, FastAPI
from starlette.middleware.gzip import GZipMiddleware

from lichen.outputs.web.pages import (
    actions,
    advice,
    application,
    bills,
    board,
    channels,
    history,
    members,
    patterns,
    refusals,
    retiring,
    samples,
    settings,
    static,
)

router = APIRouter(include_in_schema=False)
for _room in (
    static, board, bills, actions, advice, application, history, channels, members, retiring, samples, settings, patterns,
):  # fmt: skip
    router.include_router(_room.router)

_WORTH_PACKING = 600
"""Bytes of an answer from which compressing it pays."""


def install(app: FastAPI) -> None:
    """Answers of an application are compressed where the browser takes it; refusals are pages for people."""
    refusals.install(app)
    app.add_middleware(GZipMiddleware, minimum_size=_WORTH_PACKING)
