# SPDX-License-Identifier: Apache-2.0
"""The application: every room of the server plugged into one FastAPI."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from fastapi import FastAPI

from lichen import __version__
from lichen.outputs.web import access, description, health, ingest, lane, pages, problems, signin
from lichen.outputs.web.api import (
    applications,
    badge,
    bills,
    channels,
    explain,
    exports,
    measurements,
    metrics,
    register,
    runs,
    series,
    watching,
)
from lichen.outputs.web.context import WebContext

_INSTALLED: Final = (problems, access, ingest, signin, pages, lane)
"""Rooms with an ``install(app)``: middleware, handlers of errors, mounted folders. The last one stands before the others."""
_ROUTED: Final = (
    runs, health, signin, applications, bills, register, measurements, series, exports, metrics, badge, explain, watching,
    channels, pages,
)  # fmt: skip
"""Rooms with a ``router``; the first is asked first, and runs come in most often."""


def create_app(context: WebContext) -> FastAPI:
    """The server as an ASGI application.

    Args:
        context: handlers find it in ``request.app.state.context``.
    """

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        yield
        await asyncio.to_thread(app.state.ingest.close)

    app = FastAPI(
        title="Lichen",
        version=__version__,
        openapi_url="/api/v1/openapi.json",
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
    )
    app.state.context = context
    for room in _INSTALLED:
        room.install(app)
    for routed in _ROUTED:
        app.include_router(routed.router)
    access.check_rules(app)
    description.install(app)
    return app
