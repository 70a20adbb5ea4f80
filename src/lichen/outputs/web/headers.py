# SPDX-License-Identifier: Apache-2.0
"""Header fields of every answer: what a browser may load, run, embed and keep."""

from __future__ import annotations

from collections.abc import MutableMapping, Sequence
from typing import Any, Final

from fastapi import FastAPI
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from lichen.outputs.web import problems
from lichen.outputs.web.problems import Problem

POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
"""Content Security Policy: nothing inline, nothing from elsewhere, nobody frames a page."""
FIELDS: Final = (
    ("Content-Security-Policy", POLICY),
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "same-origin"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    ("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
    ("Cache-Control", "private, no-cache"),
)
"""A handler that needs another value, such as a badge that is shown elsewhere, sets its own."""
TRANSPORT: Final = ("Strict-Transport-Security", "max-age=31536000")


class SecurityFields:
    """Adds the fields that an answer does not bear yet; what fails unforeseen is answered with them too, and without its cause.

    Args:
        app: what answers.
        secure: people reach the server over TLS.
    """

    def __init__(self, app: ASGIApp, *, secure: bool) -> None:
        self._app: Final = app
        self._fields: Final = fields(secure=secure)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        started = False

        async def dressed(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                dress(message, self._fields)
            await send(message)

        try:
            await self._app(scope, receive, dressed)
        except Exception:
            if not started:
                failure = Problem(500, "Something in the server failed.", repair="Its log says what.")
                await problems.answer(failure)(scope, receive, dressed)
            raise


def fields(*, secure: bool) -> Sequence[tuple[str, str]]:
    """Names and values of the fields; ``secure``: people reach the server over TLS."""
    return (*FIELDS, TRANSPORT) if secure else FIELDS


def dress(message: MutableMapping[str, Any], added: Sequence[tuple[str, str]]) -> None:
    """Adds fields that the start of an answer does not bear yet."""
    there = MutableHeaders(scope=message)
    for name, value in added:
        there.setdefault(name, value)
    if there.get("cache-control", "").startswith("private"):
        there.add_vary_header("Cookie")
        there.add_vary_header("Authorization")


def install(app: FastAPI) -> None:
    """Puts the fields on every answer of an application, refusals included."""
    app.add_middleware(SecurityFields, secure=app.state.context.base_url.startswith("https://"))
