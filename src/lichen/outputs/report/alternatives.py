# SPDX-License-Identifier: Apache-2.0
"""What pages about things that may be chosen (advice on bills, ways of hosting) have in common, as HTML and as Markdown."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final, Protocol

from markupsafe import Markup

from lichen.outputs.report.page import asset, environment, policy, written

_SIGNS: Final = re.compile(r"([\\`*_{}\[\]()#+\-!|~$^<>])")


class Worded(Protocol):
    """What a template reads."""

    def say(self, key: str) -> str:
        """A word of the catalogue."""
        ...


def page(template: str, text: Worded, lang: str) -> bytes:
    """A page without a script of its own: its style sheet, its plot as inline SVG, its tables.

    Args:
        template: file of this room. text: what it is told with.
    """
    style, script = asset("report.css") + asset("simulation.css"), asset("theme.js")
    return written(
        environment()
        .get_template(template)
        .render(
            lang=lang,
            text=text,
            say=text.say,
            policy=policy(style, script),
            style=Markup(style),  # noqa: S704 - files of this package
            script=Markup(script),  # noqa: S704 - a file of this package
        )
    )


def row(cells: Iterable[str]) -> str:
    """A row of a table in Markdown."""
    return f"| {' | '.join(md(cell) for cell in cells)} |"


def md(text: str) -> str:
    """A text without any effect in Markdown: names of resources and of ways are somebody else's."""
    return _SIGNS.sub(r"\\\1", " ".join(text.split("\n")))
