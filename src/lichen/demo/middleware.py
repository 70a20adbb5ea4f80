# SPDX-License-Identifier: Apache-2.0
"""What wraps every answer: the access log, and the refusal of forms posted from elsewhere."""

import json
from collections.abc import MutableMapping
from pathlib import Path
from typing import Any, Final

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from lichen.demo.database import QueryMeter, query_meter

SECURITY_HEADERS: Final = (
    (
        b"content-security-policy",
        b"default-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'",
    ),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"same-origin"),
)


class AccessLog:
    """Counts bytes and database statements of each answer; writes them when a file is given.

    Bytes are those of the body as sent (after compression) and, apart, those of the header fields.
    """

    def __init__(self, app: ASGIApp, path: Path | None = None) -> None:
        self._app = app
        self._path = path

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request and count its answer."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        meter = QueryMeter()
        seen: MutableMapping[str, Any] = {"status": 0, "header_bytes": 0, "body_bytes": 0}

        async def count(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), *SECURITY_HEADERS]
                seen["status"] = message["status"]
                seen["header_bytes"] = sum(len(name) + len(value) + 4 for name, value in message["headers"])
            elif message["type"] == "http.response.body":
                seen["body_bytes"] += len(message.get("body", b""))
            await send(message)

        token = query_meter.set(meter)
        try:
            await self._app(scope, receive, count)
        finally:
            query_meter.reset(token)
            self._write({"method": scope["method"], "path": _target(scope), **seen, "queries": meter.count})

    def _write(self, line: MutableMapping[str, Any]) -> None:
        if self._path is not None:
            with self._path.open("a", encoding="utf-8") as log:
                log.write(json.dumps(line) + "\n")


class SameOrigin:
    """Refuses a POST that a page of another site sends."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request unless its origin is foreign."""
        if scope["type"] == "http" and scope["method"] == "POST":
            headers = Headers(scope=scope)
            origin = headers.get("origin")
            if origin is not None and origin.partition("://")[2] != headers.get("host"):
                refusal = PlainTextResponse("This form was sent from another site.\n", status_code=403)
                await refusal(scope, receive, send)
                return
        await self._app(scope, receive, send)


def _target(scope: Scope) -> str:
    query = scope["query_string"].decode("latin-1")
    return f"{scope['path']}?{query}" if query else str(scope["path"])
