# SPDX-License-Identifier: Apache-2.0
"""The short way of runs to their handler: what programs send hundreds of times a second passes no machinery made for pages.

Same rules, same answers: limits, access, header fields and refusals are those of the long way, which every other request takes,
and so does one with a cookie. Taking the long way costs as much again as checking a run.
"""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Any, Final

from fastapi import FastAPI
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from lichen.errors import LichenError
from lichen.outputs.web import headers, limits, problems
from lichen.outputs.web.api import runs
from lichen.outputs.web.problems import Problem


class ShortWay:
    """Answers ``POST /api/v1/runs`` with a token; passes on everything else.

    Args:
        app: the long way.
        secure: people reach the server over TLS.
    """

    def __init__(self, app: ASGIApp, *, secure: bool) -> None:
        self._app: Final = app
        message: MutableMapping[str, Any] = {"type": "http.response.start", "headers": []}
        headers.dress(message, headers.fields(secure=secure))
        self._fields: Final[list[tuple[bytes, bytes]]] = message["headers"]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one request."""
        if scope["type"] != "http" or scope["path"] != runs.PATH or scope["method"] != "POST" or not _by_token(scope):
            await self._app(scope, receive, send)
            return
        request = Request(scope, receive)
        try:
            answer = await self._answer(request)
        except ClientDisconnect:
            return
        except Exception:
            failure = Problem(500, "Something in the server failed.", repair="Its log says what.")
            await self._send(problems.answer(failure), scope, receive, send)
            raise
        await self._send(answer, scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        try:
            limits.charge_address(request)
            return await runs.answer(request)
        except Problem as problem:
            return problems.answer(problem)
        except LichenError as error:
            return problems.answer(problems.of_error(error))

    async def _send(self, answer: Response, scope: Scope, receive: Receive, send: Send) -> None:
        answer.raw_headers += self._fields
        await answer(scope, receive, send)


def _by_token(scope: Scope) -> bool:
    """Whether no page can have made a browser send this."""
    found = {name: value for name, value in scope["headers"] if name in (b"authorization", b"cookie")}
    return found.keys() == {b"authorization"} and found[b"authorization"][:7].lower() == b"bearer "


def install(app: FastAPI) -> None:
    """Stands before everything else of an application."""
    app.add_middleware(ShortWay, secure=app.state.context.base_url.startswith("https://"))
