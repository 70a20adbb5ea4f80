# SPDX-License-Identifier: Apache-2.0
"""Refusals as pages: who looks for a page that does not exist reads a sentence, not data."""

from __future__ import annotations

import json
from typing import Any, Final

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from lichen.errors import LichenError
from lichen.outputs.web.access import wants_page
from lichen.outputs.web.pages.rendering import show

_TOLD: Final = (403, 404, 422, 429, 503)
"""Statuses that have a heading of their own."""
_KEPT: Final = ("retry-after", "www-authenticate", "allow")


def install(app: FastAPI) -> None:
    """People get a page where programs get `lichen.outputs.web.problems`."""
    for kind in (HTTPException, RequestValidationError, LichenError):
        app.add_exception_handler(kind, _for_people(app.exception_handlers[kind]))


def _for_people(usual: Any) -> Any:
    async def refused(request: Request, error: Exception) -> Response:
        answer: Response = await usual(request, error)
        path = request.url.path
        if answer.status_code < 400 or not wants_page(request) or path.startswith("/api/") or path.endswith(".json"):
            return answer
        status = answer.status_code
        told = json.loads(bytes(answer.body))
        page = show(
            request, "pages/refusal.html.j2", status=status, heading=status if status in _TOLD else "other",
            detail=told["detail"], repair=told["repair"],
        )  # fmt: skip
        for name in _KEPT:
            if name in answer.headers:
                page.headers[name] = answer.headers[name]
        return page

    return refused
