# SPDX-License-Identifier: Apache-2.0
"""``lichen restate``."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from lichen.cli.failure import report
from lichen.cli.invocation import Invocation, common_options
from lichen.errors import ExitCode

if TYPE_CHECKING:
    from lichen.render.restatement import RestatementText


@click.command(
    "restate",
    epilog="""\b
Examples:
  lichen restate --because "electricity figures of 2026"
  lichen restate --method greenframe-2 --dry-run
  lichen restate --factors house.toml lichen-runs/2026-01-31-0123456789ab.run.json.gz""",
)
@click.argument("paths", nargs=-1, metavar="[RUN|DIR]...", type=click.Path(path_type=Path))
@click.option("--method", "method_id", metavar="ID", help="Method for all runs; each run's own when not given.")
@click.option(
    "--factors", multiple=True, metavar="FILE|PACK", help="Factor pack in place of those in force; may be repeated."
)
@click.option(
    "--as-of",
    type=click.DateTime(["%Y-%m-%d"]),
    metavar="DATE",
    help="Factors of this day; of each run's day when not given.",
)
@click.option("--because", default="", metavar="TEXT", help="Why, for those who read the restatement.")
@click.option("--dry-run", is_flag=True, help="Show what would change, and write nothing.")
@common_options
@click.pass_obj
def command(
    invocation: Invocation,
    paths: tuple[Path, ...],
    method_id: str | None,
    factors: tuple[str, ...],
    as_of: datetime | None,
    because: str,
    dry_run: bool,
) -> None:
    """Recompute history with today's method and factors, beside what was said first.

    RUN is a run file, DIR a folder of them; all runs of output.runs when neither is given. Run files are not changed: one
    restatement is written beside them, with the old figures, the new ones, and why they differ. Nothing is written when no figure
    changes.
    """
    from lichen.render.restatement import RestatementText, starting
    from lichen.service.restating import Order, restate

    workspace = invocation.workspace()
    lang = workspace.settings.lang
    order = Order(
        paths=paths,
        method_id=method_id,
        factors=factors,
        as_of=None if as_of is None else as_of.date(),
        because=because.strip(),
        dry_run=dry_run,
    )
    outcome = restate(workspace, order, lambda count: invocation.say(starting(count, lang)))
    if outcome.path is not None:
        invocation.written.append(outcome.path)
    try:
        if invocation.json:
            invocation.print_json(outcome.to_json())
        else:
            _print(invocation, RestatementText(outcome, lang))
    finally:
        for error in outcome.left_out:
            report(error, invocation.json)
    if outcome.left_out:
        raise click.exceptions.Exit(ExitCode.USAGE)


def _print(invocation: Invocation, text: RestatementText) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    console = invocation.console()
    console.print(Text(text.summary(), style="bold"))
    for found in (text.runs(), text.effects()):
        if found is None:
            continue
        headings, rows = found
        table = Table(box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0), show_edge=False, header_style="dim")
        names = 1 if found == text.effects() else 2
        for place, heading in enumerate(headings):
            table.add_column(Text(heading), justify="left" if place < names else "right", overflow="fold")
        for row in rows:
            table.add_row(*(Text(cell) for cell in row))
        console.print()
        console.print(table)
    console.print()
    for remark in text.remarks():
        console.print(Text(remark), soft_wrap=True)
