# SPDX-License-Identifier: Apache-2.0
"""``lichen advise``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from lichen.cli.invocation import Invocation, common_options
from lichen.errors import UsageError

if TYPE_CHECKING:
    from lichen.render.advice import AdviceText

_SHOWN: Final = 5
_EVERYTHING: Final = "*"


@click.command(
    "advise",
    epilog="""\b
Examples:
  lichen advise
  lichen advise simulate --all
  lichen advise --run 4be1c9d07a52 --json
  lichen advise --bill shop --month 2026-10 --format html=advice.html""",
)
@click.argument("journeys", nargs=-1, metavar="[JOURNEY…]")
@click.option("--run", metavar="ID|PATH", help="Run, by the start of its id or its file; the newest when not given.")
@click.option("--all", "everything", is_flag=True, help="All that was found, not the first five of each journey.")
@click.option(
    "--bill",
    is_flag=False,
    flag_value=_EVERYTHING,
    metavar="[APPLICATION]",
    help="What to change in imported bills: of an application, or of all.",
)
@click.option("--month", metavar="YYYY-MM", help="Month of the bill, the newest whole one when not given.")
@click.option("--hourly-rate", type=click.FloatRange(min=0), metavar="N", help="Money for an hour of work.")
@click.option("--currency", metavar="CODE", help="Currency of the answer, EUR when not given.")
@click.option("--exchange", multiple=True, metavar="CODE=RATE", help="Rate of another currency: USD=0.9.")
@click.option("--prices", type=click.Path(path_type=Path), metavar="FILE", help="Prices of your own, as CSV.")
@click.option("--format", "formats", multiple=True, metavar="json|html|md=FILE", help="Write advice on bills to FILE.")
@common_options
@click.pass_obj
def command(
    invocation: Invocation,
    /,
    journeys: tuple[str, ...],
    run: str | None,
    everything: bool,
    bill: str | None,
    formats: tuple[str, ...],
    **said: Any,
) -> None:
    """Say what to change in journeys or a bill, what saves most first.

    Each piece of advice has a measured reason and what it would save, with a range. Pages are looked into while the measurement
    warms up; nothing is run here.
    """
    _check(journeys, run, bill, {**said, "format": formats})
    if bill is not None:
        from lichen.cli import bill_advice

        bill_advice.advise(
            invocation, {"application": bill, **said}, formats, most=None if everything else _SHOWN
        )  # fmt: skip
        return
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


def _check(journeys: tuple[str, ...], run: str | None, bill: str | None, said: dict[str, Any]) -> None:
    """Refuses what belongs to bills without one, and what belongs to journeys with one."""
    strange = next((name for name, value in said.items() if value not in (None, ())), None)
    if bill is None and strange is not None:
        flag = f"--{strange.replace('_', '-')}"
        raise UsageError(f"{flag} is of advice on a bill.", repair="Add --bill.", culprit=flag)
    if bill is not None and (journeys or run is not None):
        culprit = journeys[0] if journeys else "--run"
        raise UsageError(
            f"'{culprit}' is of journeys, and --bill is of bills.", repair="Ask for one of them.", culprit=culprit
        )


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
