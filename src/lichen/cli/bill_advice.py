# SPDX-License-Identifier: Apache-2.0
"""``lichen advise --bill``: prints advice on a month of bills, and writes it to files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from lichen.cli import outputs
from lichen.cli.words import Words
from lichen.errors import UsageError

if TYPE_CHECKING:
    from lichen.cli.invocation import Invocation
    from lichen.config import Settings
    from lichen.render.bill_advice import BillAdviceText, PieceLine
    from lichen.service.bills.advice import BillAdvice

_FORMATS: Final = ("json", "html", "md")


def advise(invocation: Invocation, said: dict[str, Any], formats: tuple[str, ...], *, most: int | None) -> None:
    """Prints what to change in a bill.

    Args:
        said: the question. most: pieces of advice that are shown; None: all.
    """
    from lichen.render.bill_advice import BillAdviceText
    from lichen.service.bills.advice import Question, advise_bill

    workspace = invocation.workspace()
    files = _files(formats, workspace.settings)
    found = advise_bill(workspace, Question(**said))
    if invocation.json:
        invocation.print_json(found.to_json())
    else:
        _print(BillAdviceText(found, workspace.settings.lang), most)
    _write(invocation, found, files, workspace.settings.lang)


def _files(formats: tuple[str, ...], settings: Settings) -> list[tuple[str, Path]]:
    """The files asked for, checked before anything is computed."""
    found = []
    for word in formats:
        name, equals, file = word.partition("=")
        if name not in _FORMATS or not equals or not file:
            raise UsageError(
                f"'{word}' is not json=FILE, html=FILE or md=FILE.",
                repair="Write --format html=advice.html.",
                culprit=word,
            )
        outputs.check_file(Path(file), settings.file)
        found.append((name, Path(file)))
    return found


def _write(invocation: Invocation, found: BillAdvice, files: list[tuple[str, Path]], lang: str) -> None:
    from lichen.ledger.runfile import write_atomically
    from lichen.outputs.report.bill_advice import as_html, as_markdown

    words = Words(lang)
    for name, path in files:
        if name == "json":
            content = f"{json.dumps(found.to_json(), ensure_ascii=False, indent=1)}\n".encode()
        else:
            content = (as_html if name == "html" else as_markdown)(found, lang)
        write_atomically(path, content)
        invocation.written.append(path)
        invocation.say(f"{words['written']}{words.colon}{path}")


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
