# SPDX-License-Identifier: Apache-2.0
"""Advice on bills as one HTML file, and as Markdown."""

from __future__ import annotations

from lichen.outputs.report.alternatives import md, page, row
from lichen.outputs.report.page import encoded
from lichen.render.bill_advice import BillAdviceText, PieceLine
from lichen.service.bills.advice import BillAdvice


def as_html(found: BillAdvice, lang: str) -> bytes:
    """The advice as a page: a table, the plot of money against climate, each piece in full."""
    return page("bill_advice.html.j2", BillAdviceText(found, lang), lang)


def as_markdown(found: BillAdvice, lang: str) -> bytes:
    """The advice as Markdown: the table, and each piece in full."""
    text = BillAdviceText(found, lang)
    columns = ("", *text.columns())
    lines = [f"# {md(text.heading())}", "", md(" · ".join(text.facts())), ""]
    listed = text.lines()
    if listed:
        lines += [row(columns), "|" + "|".join("---" for _ in columns) + "|"]
        lines += [row((str(one.number), *cells(one))) for one in listed]
        lines += ["", md(text.mark())]
    for one in listed:
        title, url = one.source
        lines += ["", f"## {one.number} {md(one.title)}", "", md(text.told(one)), "", f"- {md(text.saves(one))}"]
        lines += [f"- {md(note)}" for note in (*one.notes, one.marks)]
        lines.append(f"- [{md(title)}]({url})")
    lines += ["", f"## {md(text.say('bill_advice.notes'))}", "", *(f"- {md(note)}" for note in text.notes())]
    return encoded("\n".join([*lines, "", md(text.made_with()), ""]))


def cells(line: PieceLine) -> tuple[str, ...]:
    """A row of the table, in the order of its columns."""
    return line.title, line.where, line.money, line.net, *line.impacts, line.marks
