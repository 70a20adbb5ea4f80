# SPDX-License-Identifier: Apache-2.0
"""Ways of hosting as one HTML file, and as Markdown."""

from __future__ import annotations

import re
from typing import Final

from markupsafe import Markup

from lichen.outputs.report.page import asset, encoded, environment, policy, written
from lichen.render.simulation import SimulationText
from lichen.service.simulate.result import Simulation

_SIGNS: Final = re.compile(r"([\\`*_{}\[\]()#+\-!|~$^<>])")


def as_html(found: Simulation, lang: str) -> bytes:
    """The answer as a page without a script of its own: tables, the plot of cost against climate, each way in full."""
    style, script = asset("report.css") + asset("simulation.css"), asset("theme.js")
    text = SimulationText(found, lang)
    page = environment().get_template("simulation.html.j2")
    return written(
        page.render(
            lang=lang,
            text=text,
            say=text.say,
            policy=policy(style, script),
            style=Markup(style),  # noqa: S704 - files of this package
            script=Markup(script),  # noqa: S704 - a file of this package
        )
    )


def as_markdown(found: Simulation, lang: str) -> bytes:
    """The answer as Markdown: the table, what may be said, and what has to be known."""
    text = SimulationText(found, lang)
    columns = ["", *text.columns()]
    lines = [f"# {_md(text.heading())}", "", _md(" · ".join(text.facts())), "", _cells(columns)]
    lines.append("|" + "|".join("---:" if place != 1 else "---" for place in range(len(columns))) + "|")
    for row in text.rows():
        cells = [cell.text + (f" ({cell.spread})" if cell.spread else "") for cell in row.cells]
        lines.append(_cells([str(row.number), row.name, *cells]))
    lines += ["", _md(text.mark())] if text.mark() else []
    for heading, told in (
        ("simulate.verdicts", text.verdicts()),
        ("simulate.even", text.break_evens()),
        ("simulate.managed", text.managed()),
        ("simulate.notes", text.notes()),
    ):
        if told:
            lines += ["", f"## {_md(text.say(heading))}", "", *(f"- {_md(line)}" for line in told)]
    for one in text.details():
        lines += ["", f"## {_md(one.name)}", "", _md(one.what), ""]
        lines += [f"- {_md(line)}" for line in (*one.lines, *one.facts, *one.limits, *one.notes)]
    return encoded("\n".join([*lines, "", _md(text.made_with()), ""]))


def _cells(cells: list[str]) -> str:
    return f"| {' | '.join(_md(cell) for cell in cells)} |"


def _md(text: str) -> str:
    """A text without any effect in Markdown: names of ways are somebody else's."""
    return _SIGNS.sub(r"\\\1", " ".join(text.split("\n")))
