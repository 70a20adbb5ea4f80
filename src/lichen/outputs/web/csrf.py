# SPDX-License-Identifier: Apache-2.0
"""Refusal of requests that another site makes a signed-in browser send.

Browsers say where a request comes from (``Sec-Fetch-Site``, W3C Fetch Metadata; ``Origin``, RFC 6454), and no page can make
them lie, so that forms need no hidden secret.
"""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

from fastapi import FastAPI
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Receive, Scope, Send

from lichen.outputs.web import problems, sessions
from lichen.outputs.web.context import context_of
from lichen.outputs.web.problems import Problem

SAFE_METHODS: Final = frozenset(("GET", "HEAD", "OPTIONS", "TRACE"))
"""They change nothing (RFC 9110, section 9.2.1)."""


class SameOrigin:
    """Lets requests that change something pass only from the server's own pages, or from a program.

    Args:
        app: what answers.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app: Final = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one request unless it is forged."""
        if scope["type"] == "http" and scope["method"] not in SAFE_METHODS and is_forged(HTTPConnection(scope)):
            refusal = problems.answer(
                Problem(403, "This request comes from another site.", repair="Send it from a page of this server.")
            )
            await refusal(scope, receive, send)
            return
        await self._app(scope, receive, send)


def is_forged(request: HTTPConnection) -> bool:
    """Whether a request may have been made by another site's page.

    A token in ``Authorization`` is never sent by a browser on its own: with it and without a cookie nothing can be forged.
    """
    has_cookie = bool(request.cookies)
    if request.headers.get("authorization", "").lower().startswith("bearer ") and not has_cookie:
        return False
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site not in ("same-origin", "none")
    origin = request.headers.get("origin")
    if origin is not None:
        return not _is_own(request, origin)
    return sessions.secret_of(request) is not None  # browsers say at least one of the two


def _is_own(request: HTTPConnection, origin: str) -> bool:
    """Whether an origin is the server's: by its configured address, or by the host that the request names."""
    given = urlsplit(origin)
    own = urlsplit(context_of(request).base_url)
    if (given.scheme, given.netloc) == (own.scheme, own.netloc):
        return True
    return given.scheme == own.scheme and given.netloc == request.headers.get("host", "")


def install(app: FastAPI) -> None:
    """Stands before every route of an application."""
    app.add_middleware(SameOrigin)
