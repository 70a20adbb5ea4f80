# SPDX-License-Identifier: Apache-2.0
"""``lichen simulate``."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from lichen.cli.answer_files import asked_files, write_files
from lichen.cli.invocation import Invocation, common_options

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from lichen.render.simulation import SimulationText

_WIDE: Final = 110
"""Columns of a terminal that shows every figure."""


@click.command(
    "simulate",
    epilog="""\b
Examples:
  lichen simulate --scenario examples/simulate/public-service.toml
  lichen simulate --from-bill shop --month 2026-10 --to aws:eu-west-3/serverless --requests-per-minute 900
  lichen simulate --from-inventory servers.csv --zone FR --to ovhcloud:gra/iaas --to aws:eu-west-3/paas
  lichen simulate --scenario pipeline.toml --format html=pipeline.html --details""",
)
@click.option("--scenario", type=click.Path(path_type=Path), metavar="FILE", help="What is asked, as TOML.")
@click.option(
    "--to", multiple=True, metavar="PROVIDER:REGION/WAY", help="Where to: iaas, paas, serverless or files there."
)
@click.option("--from-bill", metavar="APPLICATION", help="The workload, from imported bills of --month.")
@click.option("--month", metavar="YYYY-MM", help="Month of the bill.")
@click.option("--from-inventory", metavar="FILE|APPLICATION", help="The workload, from machines that are owned.")
@click.option("--zone", metavar="CODE", help="Country or grid zone of these machines.")
@click.option("--requests-per-minute", type=float, metavar="N", help="Requests, in the mean of a month.")
@click.option("--peak", type=float, metavar="N", help="Requests a minute at the peak, twice the mean when not given.")
@click.option("--cpu-ms", type=float, metavar="N", help="CPU time of a request.")
@click.option("--hourly-rate", type=float, metavar="N", help="Money for an hour of work.")
@click.option("--currency", metavar="CODE", help="Currency of the answer, EUR when not given.")
@click.option("--prices", type=click.Path(path_type=Path), metavar="FILE", help="Prices of your own, as CSV.")
@click.option("--details", is_flag=True, help="Each way's bill, move and limits, too.")
@click.option("--format", "formats", multiple=True, metavar="json|html|md=FILE", help="Write the answer to FILE.")
@common_options
@click.pass_context
def command(ctx: click.Context, /, details: bool, formats: tuple[str, ...], **said: Any) -> None:
    """Weigh the same workload elsewhere: money, people's time, footprint, limits.

    Each way of hosting is sized for the peak, priced, and evaluated by the method in force; people's hours are part of its
    full cost. The answer may be that nothing is gained.
    """
    from datetime import UTC, datetime

    from lichen.outputs.report.simulation import as_html, as_markdown
    from lichen.render.simulation import SimulationText
    from lichen.service.simulate.asking import Question, answer

    invocation = ctx.ensure_object(Invocation)
    workspace = invocation.workspace()
    files = asked_files(formats, workspace.settings, example="simulation.html")
    found = answer(workspace, Question(**said), datetime.now(UTC).date())
    text = SimulationText(found, workspace.settings.lang)
    if invocation.json:
        invocation.print_json(found.to_json())
    else:
        _print(invocation.console(), text, details=details)
    lang = workspace.settings.lang
    pages = {"html": partial(as_html, found, lang), "md": partial(as_markdown, found, lang)}
    write_files(invocation, files, lang, document=found.to_json(), pages=pages)


def _print(console: Console, text: SimulationText, *, details: bool) -> None:
    from rich.text import Text

    def lines(heading: str, told: list[str], mark: str = "") -> None:
        if told:
            console.print()
            console.print(Text(text.say(f"simulate.{heading}"), style="bold"), soft_wrap=True)
        for line in told:
            console.print(Text(f"{mark}{line}"), soft_wrap=True)

    console.print(Text(text.heading(), style="bold"), soft_wrap=True)
    console.print(Text(" · ".join(text.facts()), style="dim"), soft_wrap=True)
    console.print(_table(text, console.width))
    if text.mark():
        console.print(Text(text.mark(), style="dim"), soft_wrap=True)
    lines("verdicts", text.verdicts())
    lines("even", text.break_evens(all_pairs=details))
    if details:
        lines("managed", text.managed())
        _details(console, text)
    lines("notes", text.notes(), "! ")
    if not details:
        console.print()
        console.print(Text(text.hint(), style="dim"), soft_wrap=True)


def _details(console: Console, text: SimulationText) -> None:
    from rich.text import Text

    for number, one in enumerate(text.details(), start=1):
        console.print()
        console.print(Text(f"{number}  {one.name}", style="bold"), Text(f"· {one.what}", style="dim"), soft_wrap=True)
        for line in (*one.lines, *one.facts, *one.limits):
            console.print(Text(f"   {line}"), soft_wrap=True)
        for line in one.notes:
            console.print(Text(f"   ! {line}"), soft_wrap=True)


def _table(text: SimulationText, width: int) -> Table:
    """Figures with their ranges below them; a narrow terminal has no room for mineral resources and primary energy."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    shown = None if width >= _WIDE else -2
    table = Table(box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0), show_edge=False, header_style="dim")
    table.add_column("", justify="right")
    for place, heading in enumerate(text.columns()[:shown]):
        table.add_column(Text(heading), justify="right" if place else "left", overflow="fold")
    for row in text.rows():
        cells = [
            Text.assemble(cell.text, *((("\n" + cell.spread, "dim"),) if cell.spread else ()))
            for cell in row.cells[:shown]
        ]
        table.add_row(Text(str(row.number)), Text(row.name), *cells)
    return table
