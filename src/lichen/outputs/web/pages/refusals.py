# SPDX-License-Identifier: Apache-2.0
"""Refusals as pages: who looks for a page that does not exist reads a sentence, not data."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from lichen.errors import LichenError
from lichen.outputs.web.access import wants_refusal_page
from lichen.outputs.web.pages.rendering import language_of, show
from lichen.outputs.web.pages.words import Words

_TOLD: Final = (403, 404, 422, 429, 503)
"""Statuses that have a heading of their own."""
_KEPT: Final = ("retry-after", "www-authenticate", "allow")


def install(app: FastAPI) -> None:
    """People get a page where programs get `lichen.outputs.web.problems`."""
    for kind in (HTTPException, RequestValidationError, LichenError):
        app.add_exception_handler(kind, _for_people(app.exception_handlers[kind]))


def _sentence(request: Request, error: Exception, problem: Mapping[str, Any]) -> str:
    """What is wrong, in the reader's language.

    Where the catalogue has no sentence for this very refusal, English readers get the one of the API, which names the culprit;
    others one for its status.
    """
    lang = language_of(request)
    words = Words(lang).words
    keys = f"web.refusal.told.{getattr(error, 'key', '')}", f"web.refusal.culprit.{problem['culprit']}"
    for key in keys:
        if key in words:
            return words.say(key)
    if lang == "en":
        return f"{problem['detail']} {problem['repair']}".strip()
    return words.say(f"web.refusal.status.{problem['status'] if problem['status'] in _TOLD else 'other'}")


def _for_people(usual: Any) -> Any:
    async def refused(request: Request, error: Exception) -> Response:
        answer: Response = await usual(request, error)
        if answer.status_code < 400 or not wants_refusal_page(request):
            return answer
        status = answer.status_code
        page = show(
            request, "pages/refusal.html.j2", status=status, heading=status if status in _TOLD else "other",
            told=_sentence(request, error, json.loads(bytes(answer.body))),
        )  # fmt: skip
        for name in _KEPT:
            if name in answer.headers:
                page.headers[name] = answer.headers[name]
        return page

    return refused
