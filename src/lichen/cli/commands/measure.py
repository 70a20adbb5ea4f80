# SPDX-License-Identifier: Apache-2.0
"""``lichen measure``."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import click

from lichen.cli import outputs
from lichen.cli.failure import report
from lichen.cli.invocation import Invocation, common_options, setting_option
from lichen.cli.words import Words
from lichen.errors import ExitCode

if TYPE_CHECKING:
    from lichen.errors import JourneyFailed
    from lichen.service.result import Result
    from lichen.service.workspace import Workspace


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
@click.option("--parts", is_flag=True, help="Start and measure the parts of lichen.toml beside any address.")
@click.option("--record", is_flag=True, help="First record the third parties into browser.third_parties.")
@common_options
@click.pass_obj
def command(
    invocation: Invocation, journeys: tuple[str, ...], formats: tuple[str, ...], parts: bool, record: bool
) -> None:
    """Run journeys in a browser and print what they consume.

    A JOURNEY is a name declared in lichen.toml or a Python file, or a recording of the browser's developer tools (.json); a URL
    is opened and scrolled; without either, all declared journeys are run.
    """
    run(invocation, journeys, formats, with_parts=parts, record=record)


def run(
    invocation: Invocation,
    journeys: tuple[str, ...],
    formats: tuple[str, ...],
    *,
    with_parts: bool = False,
    record: bool = False,
) -> None:
    """Measures, prints, writes the files asked for; then says which journeys failed, and ends with their exit code."""
    workspace = invocation.workspace()
    settings = workspace.settings
    targets = outputs.plan(settings.output.html, formats, keep=settings.file)
    failures: list[JourneyFailed] = []
    try:
        result = _measured(invocation, workspace, journeys, {"with_parts": with_parts, "record": record}, failures)
        _show(invocation, result, targets, settings.lang)
    finally:
        for error in failures:
            report(error, invocation.json)
    if failures:
        raise click.exceptions.Exit(ExitCode.JOURNEY_FAILED)


def _measured(
    invocation: Invocation,
    workspace: Workspace,
    journeys: tuple[str, ...],
    wanted: Mapping[str, bool],
    failures: list[JourneyFailed],
) -> Result:
    """The result of the journeys that succeed; the errors of the others are added to ``failures``. ``wanted``: flags of
    `lichen.service.measure.measure`.
    """
    from lichen.service.measure import measure

    with contextlib.closing(invocation.progress(workspace.settings.lang)) as progress:
        return measure(
            workspace,
            journeys,
            progress,
            **wanted,
            on_written=invocation.written.append,
            on_failed=failures.append,
        )


def _show(invocation: Invocation, result: Result, targets: Sequence[outputs.Target], lang: str) -> None:
    """Prints the result, then writes the files asked for."""
    if invocation.json:
        invocation.print_json(result.to_json())
    else:
        from lichen.render.terminal import print_result

        print_result(result, invocation.console(), lang)
    words = Words(lang)
    for target in targets:
        outputs.write([target], result, lang)
        invocation.written.append(target.path)
        invocation.say(f"{words['written']}{words.colon}{target.path}")
