# SPDX-License-Identifier: Apache-2.0
"""``lichen power``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from lichen.cli.invocation import Invocation, common_options

if TYPE_CHECKING:
    from lichen.render.power import PowerText


@click.command(
    "power",
    epilog="""\b
Examples:
  lichen power
  lichen power --cpu "EPYC 7763" --memory-gb 512 --load 0.3
  lichen power --tdp 205 --chips 2 --threads 128 --memory-gb 512 --year 2021 --vendor intel --json
  lichen power --cpu 8370C --chips 2 --vcpus 4
  lichen power --gpu T4 --gpu-load 0.6""",
)
@click.option("--cpu", metavar="NAME", help="Processor, as a data sheet or /proc/cpuinfo names it.")
@click.option("--tdp", "tdp_w", type=float, metavar="W", help="Thermal design power of one processor.")
@click.option("--chips", type=int, metavar="N", help="Processors of the machine.")
@click.option("--threads", type=int, metavar="N", help="Hardware threads of the whole machine.")
@click.option("--memory-gb", type=float, metavar="N", help="Memory of the whole machine.")
@click.option("--year", type=int, metavar="Y", help="Year of the machine.")
@click.option("--vendor", metavar="intel|amd|arm", help="Maker of the processor.")
@click.option("--vcpus", type=float, metavar="N", help="Give the share of a guest with N virtual processors.")
@click.option("--load", type=float, metavar="0..1", help="Share of the capacity in use, 0.5 when not given.")
@click.option("--gpu", metavar="NAME", help="Accelerator card.")
@click.option("--gpu-tdp", "gpu_tdp_w", type=float, metavar="W", help="Thermal design power of one accelerator card.")
@click.option("--gpus", type=int, metavar="N", help="Accelerator cards, 1 when not given.")
@click.option("--gpu-load", type=float, metavar="0..1", help="Share of the time in use, --load when not given.")
@common_options
@click.pass_context
def command(ctx: click.Context, /, **said: Any) -> None:
    """Estimate watts at the wall of a machine at a load, with range, without a meter.

    Without an option: this machine. The less is known, the wider the range; notes say what was assumed.
    """
    from lichen.render.power import PowerText
    from lichen.service.power import estimate
    from lichen.service.power_hardware import Question

    invocation = ctx.ensure_object(Invocation)
    workspace = invocation.workspace()
    answer = estimate(workspace, Question(**said))
    text = PowerText(answer, workspace.settings.lang)
    if invocation.json:
        invocation.print_json({**answer.to_json(), "basis_text": text.basis(), "warnings": text.notes()})
    else:
        _print(invocation, text, with_curve=said["load"] is None)


def _print(invocation: Invocation, text: PowerText, *, with_curve: bool) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    load, spread = text.columns
    tables = [("", text.lines()), *([(load, text.curve())] if with_curve else [])]
    click.secho(text.heading(), bold=True)
    for first, lines in tables:
        table = Table(first, "", spread, box=SIMPLE_HEAD, pad_edge=False)
        table.columns[1].justify = "right"
        for line in lines:
            table.add_row(*line)
        invocation.console().print(table)
    for sentence in text.foundation():
        click.echo(sentence)
    for note in text.notes():
        click.echo(f"{click.style('!', fg='yellow')} {note}")
