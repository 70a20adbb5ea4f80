# SPDX-License-Identifier: Apache-2.0
"""``lichen measure``."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

from lichen.cli import outputs, pushing
from lichen.cli.failure import report
from lichen.cli.invocation import Invocation, common_options, methods_option, output_options, setting_option
from lichen.cli.pushing import push_option
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
  lichen measure --methods lichen-1,swdm-4,ecoindex https://example.org
  lichen measure apply simulate --html report.html --format json=result.json""",
)
@click.argument("journeys", nargs=-1, metavar="[JOURNEY…|URL]")
@setting_option("--samples", "measure.samples", "N|auto")
@setting_option("--profile", "measure.profile")
@setting_option("--zone", "context.zone", "ZONE")
@setting_option("--device", "context.device")
@setting_option("--network", "context.network")
@setting_option("--method", "method.use", "ID")
@methods_option
@setting_option("--out", "output.runs", "DIR")
@output_options
@push_option
@click.option("--parts", is_flag=True, help="Start and measure the parts of lichen.toml beside any address.")
@click.option("--record", is_flag=True, help="First record the third parties into browser.third_parties.")
@common_options
@click.pass_obj
def command(invocation: Invocation, journeys: tuple[str, ...], parts: bool, record: bool) -> None:
    """Run journeys in a browser and print what they consume.

    A JOURNEY is a name declared in lichen.toml or a Python file, or a recording of the browser's developer tools (.json); a URL
    is opened and scrolled; without either, all declared journeys are run.
    """
    run(invocation, journeys, with_parts=parts, record=record)


def run(
    invocation: Invocation,
    journeys: tuple[str, ...],
    *,
    with_parts: bool = False,
    record: bool = False,
) -> None:
    """Measures, prints, writes the files asked for; then says which journeys failed, and ends with their exit code."""
    workspace = invocation.workspace()
    settings = workspace.settings
    targets = outputs.planned(invocation, settings)
    failures: list[JourneyFailed] = []
    try:
        result = _measured(invocation, workspace, journeys, {"with_parts": with_parts, "record": record}, failures)
        outputs.show(invocation, result, targets, settings.lang)
        pushing.send(invocation, settings, [Path(result.run_path)])
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
