# SPDX-License-Identifier: Apache-2.0
"""Pages of accounts: what their templates say besides what every page does."""

from __future__ import annotations

from typing import Any

from fastapi import Request
from starlette.responses import HTMLResponse

from lichen.errors import LichenError
from lichen.outputs.web.pages.rendering import language_of, show
from lichen.outputs.web.pages.words import Words
from lichen.render.i18n import Catalogue


def page(request: Request, template: str, *, status: int = 200, **values: Any) -> HTMLResponse:
    """A page as the answer to a request.

    Args:
        request: whose caller and language it is for.
        template: name below ``templates``.
        status: of HTTP.
        values: what the template shows.
    """
    words = Words(language_of(request))
    return show(request, template, status=status, moment=words.moment, told=_told(words.words), **values)


def _told(words: Catalogue) -> Any:
    def told(error: LichenError) -> str:
        key = f"web.access.problem.{error.culprit}"
        return words.say(key) if key in words else error.sentence()

    return told
