# SPDX-License-Identifier: Apache-2.0
"""A gate on the terminal: the verdict first, then every check, what matters most at the top."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import click

from lichen.cli.failure import printable
from lichen.cli.invocation import Invocation

if TYPE_CHECKING:
    from lichen.service.gating.outcome import GateResult

_STYLES: Final = {
    "pass": "green", "fail": "bold red", "error": "bold red", "inconclusive": "yellow", "warn": "yellow",
    "accepted": "yellow", "skipped": "dim",
}  # fmt: skip


def show(invocation: Invocation, gate: GateResult, lang: str, *, github: bool = False) -> None:
    """Prints a gate on stdout.

    Args:
        github: annotations for GitHub Actions too; on stderr where stdout is JSON.
    """
    from lichen.service.gating.outcome import gate_document

    if invocation.json:
        invocation.print_json(gate_document(gate))
    else:
        _print(invocation, gate, lang)
    if github:
        from lichen.outputs.ci.github import commands

        for line in commands(gate, lang):
            click.echo(line, err=invocation.json)


def _print(invocation: Invocation, gate: GateResult, lang: str) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    from lichen.render.gating import MARKS, GateText, state

    text, console = GateText(gate, lang), invocation.console()
    console.print(Text(f"{MARKS[gate.outcome]} {text.headline()}", style=_STYLES[gate.outcome]))
    if gate.checks:
        table = Table(box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0), show_edge=False, header_style="dim")
        for heading in text.headings():
            table.add_column(Text(heading), overflow="fold")
        for check in text.ordered():
            found = state(check)
            said = "\n".join(filter(None, (text.sentence(check), text.remark(check))))
            table.add_row(
                Text(f"{MARKS[found]} {text.state_word(check)}", style=_STYLES[found]),
                Text(text.place(check)), Text(text.code(check)), Text(said),
            )  # fmt: skip
        console.print()
        console.print(table)
    for heading, lines in text.causes():
        console.print()
        for line in (heading, *(f"  {line}" for line in lines)):
            console.print(Text(printable(line)), soft_wrap=True)
    for line in text.notes():
        console.print(Text(printable(line)), soft_wrap=True)
