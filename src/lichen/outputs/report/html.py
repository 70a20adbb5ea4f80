# SPDX-License-Identifier: Apache-2.0
"""The result as one HTML file: no request, nothing essential behind a script, readable on a phone, in the dark and on paper."""

from __future__ import annotations

import json
from typing import ClassVar, Final

from markupsafe import Markup

from lichen.outputs.report.page import asset, encoded, environment, policy, written
from lichen.outputs.report.view import ReportView
from lichen.render import charts
from lichen.render.i18n import catalogue
from lichen.service.result import Result

SIZE_MAX: Final = 80_000
"""Bytes. The machine-readable copy of the result is left out where it would not fit."""


def json_for_html(document: object) -> Markup:
    """JSON that no HTML parser can leave: ``<``, ``>``, ``&`` and the two line separators are written as escapes."""
    text = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    for letter in "<>&\u2028\u2029":
        text = text.replace(letter, f"\\u{ord(letter):04x}")
    return Markup(text)  # noqa: S704 - no letter of HTML is left


class HtmlReport:
    """One file for people: figures with both intervals, where they come from, how sure they are, what is missing."""

    name: ClassVar[str] = "html"
    media_type: ClassVar[str] = "text/html; charset=utf-8"
    suffix: ClassVar[str] = ".html"

    def render(self, result: Result, *, lang: str) -> bytes:
        """The page in ``en`` or ``fr``, as UTF-8."""
        page = self._page(result, lang, embedded=None)
        embedded = json_for_html(result.to_json())
        if len(page) + len(encoded(embedded)) < SIZE_MAX:
            return self._page(result, lang, embedded=embedded)
        return page

    def _page(self, result: Result, lang: str, *, embedded: Markup | None) -> bytes:
        words = catalogue(lang)
        style, script = asset("report.css"), asset("theme.js")
        html = (
            environment()
            .get_template("report.html.j2")
            .render(
                lang=lang,
                say=words.say,
                view=ReportView(result, lang),
                patterns=charts.definitions(),
                swatch=charts.swatch,
                policy=policy(style, script),
                style=Markup(style),  # noqa: S704 - a file of this package
                script=Markup(script),  # noqa: S704 - a file of this package
                embedded=embedded,
            )
        )
        return written(html)
