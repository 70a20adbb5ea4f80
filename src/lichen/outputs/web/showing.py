# SPDX-License-Identifier: Apache-2.0
"""Pages of accounts: a template, the words of the reader's language, and the frame that all pages share."""

from __future__ import annotations

from datetime import datetime
from functools import cache
from typing import Any

from babel.dates import format_datetime
from fastapi import Request
from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from starlette.responses import HTMLResponse

from lichen.errors import LichenError
from lichen.outputs.web.access import ANONYMOUS, Identity
from lichen.render.i18n import LANGUAGES, Catalogue, catalogue


def language_of(request: Request) -> str:
    """The language of an answer: the account's, else the first that the browser asks for and Lichen speaks, else English."""
    caller: Identity = getattr(request.state, "identity", ANONYMOUS)
    if caller.lang in LANGUAGES:
        return str(caller.lang)
    wanted = [
        part.partition(";")[0].strip()[:2].lower() for part in request.headers.get("accept-language", "").split(",")
    ]
    return next((lang for lang in wanted if lang in LANGUAGES), LANGUAGES[0])


def page(request: Request, template: str, *, status: int = 200, **values: Any) -> HTMLResponse:
    """A page as the answer to a request.

    Args:
        request: whose caller and language it is for.
        template: name below ``templates``.
        status: of HTTP.
        values: what the template shows.
    """
    words = catalogue(language_of(request))
    caller: Identity = getattr(request.state, "identity", ANONYMOUS)
    html = (
        _environment()
        .get_template(template)
        .render(
            lang=words.lang, say=words.say, moment=_moments(words), told=_told(words), caller=caller,
            path=request.url.path, **values,
        )
    )  # fmt: skip
    return HTMLResponse(html, status, {"Vary": "Accept-Language", "Content-Language": words.lang})


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("lichen.outputs.web", "templates"), undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True,
        autoescape=select_autoescape(default=True, default_for_string=True),
    )  # fmt: skip


def _moments(words: Catalogue) -> Any:
    def moment(at: datetime | None) -> str:
        return (
            words.say("web.access.never") if at is None else f"{format_datetime(at, 'short', locale=words.locale)} UTC"
        )

    return moment


def _told(words: Catalogue) -> Any:
    def told(error: LichenError) -> str:
        key = f"web.access.problem.{error.culprit}"
        return words.say(key) if key in words else error.sentence()

    return told
