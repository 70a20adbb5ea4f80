# SPDX-License-Identifier: Apache-2.0
"""The result as one HTML file: no request, nothing essential behind a script, readable on a phone, in the dark and on paper."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from functools import cache
from importlib.resources import files
from typing import ClassVar, Final

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from markupsafe import Markup, escape

from lichen.outputs.report.view import ReportView
from lichen.render import charts
from lichen.render.figures import plain, shorten
from lichen.render.i18n import catalogue
from lichen.service.result import Result

SIZE_MAX: Final = 80_000
"""Bytes. The machine-readable copy of the result is left out where it would not fit."""


def foreign(text: str, limit: int = 60) -> Markup:
    """A name that somebody else chose: escaped, isolated from the direction of its surroundings, shortened with a title.

    Letters of ASCII run from left to right as the page does: they need no isolation.
    """
    clean = plain(text)
    short = shorten(clean, limit)
    if short == clean and clean.isascii():
        return escape(clean)
    title = f' title="{escape(clean)}"' if short != clean else ""
    return Markup(f"<bdi{title}>{escape(short)}</bdi>")  # noqa: S704 - both texts are escaped


def json_for_html(document: object) -> Markup:
    """JSON that no HTML parser can leave: ``<``, ``>``, ``&`` and the two line separators are written as escapes."""
    text = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    for letter in "<>&\u2028\u2029":
        text = text.replace(letter, f"\\u{ord(letter):04x}")
    return Markup(text)  # noqa: S704 - no letter of HTML is left


def _digest(text: str) -> str:
    """Source expression of a content security policy: the SHA-256 of an inline element's text."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


@cache
def _asset(name: str) -> str:
    """A file beside this module, without comments and line breaks; a style sheet without the spaces that it does not need."""
    text = files("lichen.outputs.report").joinpath(name).read_text(encoding="utf-8")
    text = re.sub(r"\s+", " ", re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)).strip()
    return re.sub(r" ?([{};,]) ?|(:) ", r"\1\2", text) if name.endswith(".css") else text


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("lichen.outputs.report", ""),
        autoescape=select_autoescape(default=True, default_for_string=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["foreign"] = foreign
    return environment


def _encoded(text: str) -> bytes:
    """As UTF-8; the run file's path may hold bytes that are no text, which JSON and people read as escapes."""
    return text.encode(errors="backslashreplace")


class HtmlReport:
    """One file for people: figures with both intervals, where they come from, how sure they are, what is missing."""

    name: ClassVar[str] = "html"
    media_type: ClassVar[str] = "text/html; charset=utf-8"
    suffix: ClassVar[str] = ".html"

    def render(self, result: Result, *, lang: str) -> bytes:
        """The page in ``en`` or ``fr``, as UTF-8."""
        page = self._page(result, lang, embedded=None)
        embedded = json_for_html(result.to_json())
        if len(page) + len(_encoded(embedded)) < SIZE_MAX:
            return self._page(result, lang, embedded=embedded)
        return page

    def _page(self, result: Result, lang: str, *, embedded: Markup | None) -> bytes:
        words = catalogue(lang)
        style, script = _asset("report.css"), _asset("theme.js")
        policy = (
            f"default-src 'none'; style-src {_digest(style)}; script-src {_digest(script)}; img-src data:; "
            "base-uri 'none'; form-action 'none'"
        )
        html = (
            _environment()
            .get_template("report.html.j2")
            .render(
                lang=lang,
                say=words.say,
                view=ReportView(result, lang),
                patterns=charts.definitions(),
                swatch=charts.swatch,
                policy=policy,
                style=Markup(style),  # noqa: S704 - a file of this package
                script=Markup(script),  # noqa: S704 - a file of this package
                embedded=embedded,
            )
        )
        lines = (line.strip() for line in html.splitlines())
        return _encoded("\n".join(line for line in lines if line) + "\n")
