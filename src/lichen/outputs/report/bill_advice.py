# SPDX-License-Identifier: Apache-2.0
"""Advice on bills as one HTML file, and as Markdown."""

from __future__ import annotations

import re
from typing import Final

from markupsafe import Markup

from lichen.outputs.report.page import asset, encoded, environment, policy, written
from lichen.render.bill_advice import BillAdviceText, PieceLine
from lichen.service.bills.advice import BillAdvice

_SIGNS: Final = re.compile(r"([\\`*_{}\[\]()#+\-!|~$^<>])")


def as_html(found: BillAdvice, lang: str) -> bytes:
    """The advice as a page: a table, the plot of money against climate, each piece in full."""
    style, script = asset("report.css") + asset("simulation.css"), asset("theme.js")
    page = environment().get_template("bill_advice.html.j2")
    text = BillAdviceText(found, lang)
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


def as_markdown(found: BillAdvice, lang: str) -> bytes:
    """The advice as Markdown: the table, and each piece in full."""
    text = BillAdviceText(found, lang)
    columns = ("", *text.columns())
    lines = [f"# {_md(text.heading())}", "", _md(" · ".join(text.facts())), ""]
    listed = text.lines()
    if listed:
        lines += [_cells(columns), "|" + "|".join("---" for _ in columns) + "|"]
        lines += [_cells((str(one.number), *cells(one))) for one in listed]
        lines += ["", _md(text.mark())]
    for one in listed:
        title, url = one.source
        lines += ["", f"## {one.number} {_md(one.title)}", "", _md(text.told(one)), "", f"- {_md(text.saves(one))}"]
        lines += [f"- {_md(note)}" for note in (*one.notes, one.marks)]
        lines.append(f"- [{_md(title)}]({url})")
    lines += ["", f"## {_md(text.say('bill_advice.notes'))}", "", *(f"- {_md(note)}" for note in text.notes())]
    return encoded("\n".join([*lines, "", _md(text.made_with()), ""]))


def cells(line: PieceLine) -> tuple[str, ...]:
    """A row of the table, in the order of its columns."""
    return line.title, line.where, line.money, line.net, *line.impacts, line.marks


def _cells(row: tuple[str, ...]) -> str:
    return f"| {' | '.join(_md(cell) for cell in row)} |"


def _md(text: str) -> str:
    """A text without any effect in Markdown: names of resources are somebody else's."""
    return _SIGNS.sub(r"\\\1", " ".join(text.split("\n")))
