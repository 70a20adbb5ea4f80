# SPDX-License-Identifier: Apache-2.0
"""``lichen advise``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import click

from lichen.cli.invocation import Invocation, common_options

if TYPE_CHECKING:
    from lichen.render.advice import AdviceText

_SHOWN: Final = 5


@click.command(
    "advise",
    epilog="""\b
Examples:
  lichen advise
  lichen advise simulate --all
  lichen advise --run 4be1c9d07a52 --json""",
)
@click.argument("journeys", nargs=-1, metavar="[JOURNEY…]")
@click.option("--run", metavar="ID|PATH", help="Run, by the start of its id or its file; the newest when not given.")
@click.option("--all", "everything", is_flag=True, help="All that was found, not the first five of each journey.")
@common_options
@click.pass_obj
def command(invocation: Invocation, journeys: tuple[str, ...], run: str | None, everything: bool) -> None:
    """Say what to change in each journey, what saves most first.

    Each piece of advice has a measured reason and what it would save, with a range. Pages are looked into while the measurement
    warms up; nothing is run here.
    """
    from lichen.render.advice import AdviceText
    from lichen.service.advice import advise
    from lichen.service.explain import open_run

    workspace = invocation.workspace()
    opened = open_run(workspace, run)
    found = advise(workspace, opened, journeys)
    if invocation.json:
        invocation.print_json({"run_id": opened.run_id, "journeys": [one.to_json() for one in found]})
        return
    for one in found:
        _print(AdviceText(one, workspace.settings.lang), everything=everything)


def _print(text: AdviceText, *, everything: bool) -> None:
    click.secho(text.heading(), bold=True)
    if text.unsurveyed():
        click.echo(f"{click.style('!', fg='yellow')} {text.unsurveyed()}")
    lines = text.lines()
    for number, line in enumerate(lines if everything else lines[:_SHOWN], start=1):
        click.echo(f"{number:>3}  {click.style(line.title, bold=True)}")
        click.echo(f"     {line.reason}")
        if line.savings:
            click.echo(f"     {text.saves(line)}")
        click.echo(f"     {line.marks}")
    if not everything and len(lines) > _SHOWN:
        click.echo(text.more(len(lines) - _SHOWN))
    if lines:
        click.echo(text.overlap())
    if everything and text.criteria():
        click.echo(text.criteria())
    click.echo()
