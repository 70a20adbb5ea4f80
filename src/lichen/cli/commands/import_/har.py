# SPDX-License-Identifier: Apache-2.0
"""``lichen import har``."""

from __future__ import annotations

from pathlib import Path

import click

from lichen.cli import outputs
from lichen.cli.invocation import Invocation, common_options, output_options, setting_option


@click.command("har", epilog="Example: lichen import har checkout.har --site shop.example --html checkout.html")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="FILE…")
@click.option("--site", metavar="HOST", help="Host of the first party; that of the first document when not given.")
@setting_option("--zone", "context.zone", "ZONE")
@setting_option("--device", "context.device")
@setting_option("--network", "context.network")
@setting_option("--method", "method.use", "ID")
@setting_option("--out", "output.runs", "DIR")
@output_options
@common_options
@click.pass_obj
def command(invocation: Invocation, files: tuple[Path, ...], site: str | None) -> None:
    """Import requests and bytes of HTTP archives (HAR 1.2) as a run.

    An archive tells what crossed the network and nothing else: CPU time, memory, storage and screen time are not covered.
    Headers, cookies, bodies and the queries of addresses are not kept.
    """
    from lichen.service.importing import import_har

    workspace = invocation.workspace()
    settings = workspace.settings
    targets = outputs.planned(invocation, settings)
    result = import_har(workspace, files, site=site)
    invocation.written.append(Path(result.run_path))
    outputs.show(invocation, result, targets, settings.lang)
