# SPDX-License-Identifier: Apache-2.0
"""What is wrong, in the reader's language, and the language kept from form to page."""

from __future__ import annotations

from fastapi import Request

from lichen.errors import LichenError
from lichen.outputs.web.pages.rendering import language_of
from lichen.outputs.web.pages.words import Words
from lichen.render.i18n import LANGUAGES


def told(request: Request, problem: LichenError | None, family: str) -> str:
    """What is wrong with a form; empty when nothing is.

    Args:
        family: section of the catalogue, with its dot, that has a sentence for each culprit; without one the error's own.
    """
    if problem is None:
        return ""
    words, key = Words(language_of(request)).words, f"{family}{problem.culprit}"
    return words.say(key) if key in words else problem.sentence()


def kept(request: Request) -> str:
    """The language that an address asks for, to go on with in the next one that has parameters already."""
    lang = request.query_params.get("lang")
    return f"&lang={lang}" if lang in LANGUAGES else ""
