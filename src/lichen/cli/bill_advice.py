# SPDX-License-Identifier: Apache-2.0
"""``lichen advise --bill``: prints advice on a month of bills, and writes it to files."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import click

from lichen.cli.answer_files import asked_files, write_files

if TYPE_CHECKING:
    from lichen.cli.invocation import Invocation
    from lichen.render.bill_advice import BillAdviceText, PieceLine


def advise(invocation: Invocation, said: dict[str, Any], formats: tuple[str, ...], *, most: int | None) -> None:
    """Prints what to change in a bill.

    Args:
        said: the question. most: pieces of advice that are shown; None: all.
    """
    from lichen.outputs.report.bill_advice import as_html, as_markdown
    from lichen.render.bill_advice import BillAdviceText
    from lichen.service.bills.advice import Question, advise_bill

    workspace = invocation.workspace()
    files = asked_files(formats, workspace.settings, example="advice.html")
    found = advise_bill(workspace, Question(**said))
    if invocation.json:
        invocation.print_json(found.to_json())
    else:
        _print(BillAdviceText(found, workspace.settings.lang), most)
    lang = workspace.settings.lang
    pages = {"html": partial(as_html, found, lang), "md": partial(as_markdown, found, lang)}
    write_files(invocation, files, lang, document=found.to_json(), pages=pages)


def _print(text: BillAdviceText, most: int | None) -> None:
    click.secho(text.heading(), bold=True)
    click.echo(" · ".join(text.facts()))
    lines = text.lines()
    for line in lines[:most]:
        _line(text, line)
    if most is not None and len(lines) > most:
        click.echo(text.more(len(lines) - most))
    if text.mark():
        click.echo(text.mark())
    for note in text.notes():
        click.echo(f"{click.style('!', fg='yellow')} {note}")
    click.echo(text.made_with())


def _line(text: BillAdviceText, line: PieceLine) -> None:
    click.echo(f"{line.number:>3}  {click.style(line.title, bold=True)}")
    click.echo(f"     {text.told(line)}")
    click.echo(f"     {text.saves(line)}")
    click.echo(f"     {line.marks}")
    for note in line.notes:
        click.echo(f"     {note}")
    click.echo(f"     {' · '.join(line.source)}")
