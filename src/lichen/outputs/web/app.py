# SPDX-License-Identifier: Apache-2.0
"""The application: every room of the server plugged into one FastAPI."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib import import_module
from importlib.util import find_spec
from typing import Final

from fastapi import FastAPI

from lichen import __version__
from lichen.outputs.web import access, problems
from lichen.outputs.web.context import WebContext

ROOMS: Final = (
    "access", "ingest", "api.runs", "health", "signin", "api.applications", "api.measurements", "api.series", "api.exports",
    "api.metrics", "api.badge", "api.explain", "pages",
)  # fmt: skip
"""Modules of this package. Each has a ``router``, an ``install(app)`` for middleware and mounted folders, or both."""


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
    problems.install(app)
    for room in ROOMS:
        name = f"{__package__}.{room}"
        try:
            if find_spec(name) is None:
                continue
        except ModuleNotFoundError:
            continue
        module = import_module(name)
        if (install := getattr(module, "install", None)) is not None:
            install(app)
        if (router := getattr(module, "router", None)) is not None:
            app.include_router(router)
    access.check_rules(app)
    return app
