# SPDX-License-Identifier: Apache-2.0
"""``lichen measure``."""

from __future__ import annotations

import contextlib

import click

from lichen.cli import outputs
from lichen.cli.invocation import Invocation, common_options, setting_option
from lichen.cli.words import Words


@click.command(
    "measure",
    epilog="""\b
Examples:
  lichen measure
  lichen measure https://example.org --samples 10 --zone FR
  lichen measure apply simulate --html report.html --format json=result.json""",
)
@click.argument("journeys", nargs=-1, metavar="[JOURNEY…|URL]")
@setting_option("--samples", "measure.samples", "N|auto")
@setting_option("--profile", "measure.profile")
@setting_option("--zone", "context.zone", "ZONE")
@setting_option("--device", "context.device")
@setting_option("--network", "context.network")
@setting_option("--method", "method.use", "ID")
@setting_option("--out", "output.runs", "DIR")
@setting_option("--html", "output.html", "FILE")
@click.option("--format", "formats", multiple=True, metavar="NAME=FILE", help="Write FILE through an output plug-in.")
@common_options
@click.pass_obj
def command(invocation: Invocation, journeys: tuple[str, ...], formats: tuple[str, ...]) -> None:
    """Run journeys in a browser and print what they consume.

    A JOURNEY is a name declared in lichen.toml or a Python file; a URL is opened and scrolled; without either, all declared
    journeys are run.
    """
    run(invocation, journeys, formats)


def run(invocation: Invocation, journeys: tuple[str, ...], formats: tuple[str, ...]) -> None:
    """Measures, prints, writes the files asked for."""
    from lichen.service.measure import measure

    workspace = invocation.workspace()
    settings = workspace.settings
    targets = outputs.plan(settings.output.html, formats, keep=settings.file)
    with contextlib.closing(invocation.progress(settings.lang)) as progress:
        result = measure(workspace, journeys, progress, on_written=invocation.written.append)
    if invocation.json:
        invocation.print_json(result.to_json())
    else:
        from lichen.render.terminal import print_result

        print_result(result, invocation.console(), settings.lang)
    words = Words(settings.lang)
    for target in targets:
        outputs.write([target], result, settings.lang)
        invocation.written.append(target.path)
        invocation.say(f"{words['written']}{words.colon}{target.path}")
