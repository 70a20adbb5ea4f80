# SPDX-License-Identifier: Apache-2.0
"""Ways of hosting as one HTML file, and as Markdown."""

from __future__ import annotations

from lichen.outputs.report.alternatives import md, page, row
from lichen.outputs.report.page import encoded
from lichen.render.simulation import SimulationText
from lichen.service.simulate.result import Simulation


def as_html(found: Simulation, lang: str) -> bytes:
    """The answer as a page without a script of its own: tables, the plot of cost against climate, each way in full."""
    return page("simulation.html.j2", SimulationText(found, lang), lang)


def as_markdown(found: Simulation, lang: str) -> bytes:
    """The answer as Markdown: the table, what may be said, and what has to be known."""
    text = SimulationText(found, lang)
    columns = ["", *text.columns()]
    lines = [f"# {md(text.heading())}", "", md(" · ".join(text.facts())), "", row(columns)]
    lines.append("|" + "|".join("---:" if place != 1 else "---" for place in range(len(columns))) + "|")
    for way in text.rows():
        cells = [cell.text + (f" ({cell.spread})" if cell.spread else "") for cell in way.cells]
        lines.append(row([str(way.number), way.name, *cells]))
    lines += ["", md(text.mark())] if text.mark() else []
    for heading, told in (
        ("simulate.verdicts", text.verdicts()),
        ("simulate.even", text.break_evens()),
        ("simulate.managed", text.managed()),
        ("simulate.notes", text.notes()),
    ):
        if told:
            lines += ["", f"## {md(text.say(heading))}", "", *(f"- {md(line)}" for line in told)]
    for one in text.details():
        lines += ["", f"## {md(one.name)}", "", md(one.what), ""]
        lines += [f"- {md(line)}" for line in (*one.lines, *one.facts, *one.limits, *one.notes)]
    return encoded("\n".join([*lines, "", md(text.made_with()), ""]))
