# SPDX-License-Identifier: Apache-2.0
"""The result as one HTML file: no request, nothing essential behind a script, readable on a phone, in the dark and on paper."""

from __future__ import annotations

import json
from typing import ClassVar, Final

from markupsafe import Markup

from lichen.outputs.report.page import asset, encoded, environment, policy, written
from lichen.outputs.report.view import ReportView
from lichen.render import charts
from lichen.service.result import Result

SIZE_MAX: Final = 60_000
"""Bytes. Where it would be more, the machine-readable copy of the result is left out first; then the last journeys tell other
methods in one line, with the command that says more."""


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
        view = ReportView(result, lang)
        page = self._page(view, embedded=None)
        while len(page) > SIZE_MAX and view.explained:
            view.explained -= 1
            page = self._page(view, embedded=None)
        embedded = json_for_html(result.to_json())
        return self._page(view, embedded=embedded) if len(page) + len(encoded(embedded)) < SIZE_MAX else page

    def _page(self, view: ReportView, *, embedded: Markup | None) -> bytes:
        style, script = asset("report.css"), asset("theme.js")
        html = (
            environment()
            .get_template("report.html.j2")
            .render(
                lang=view.lang,
                say=view.words.say,
                view=view,
                patterns=charts.definitions(),
                swatch=charts.swatch,
                policy=policy(style, script),
                style=Markup(style),  # noqa: S704 - a file of this package
                script=Markup(script),  # noqa: S704 - a file of this package
                embedded=embedded,
            )
        )
        return written(html)
