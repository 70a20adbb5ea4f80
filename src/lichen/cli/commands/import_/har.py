# SPDX-License-Identifier: Apache-2.0
"""``lichen import har``."""

from __future__ import annotations

from pathlib import Path

import click

from lichen.cli import outputs
from lichen.cli.invocation import Invocation, common_options, setting_option
from lichen.cli.words import Words


@click.command("har", epilog="Example: lichen import har checkout.har --site shop.example --html checkout.html")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="FILE…")
@click.option("--site", metavar="HOST", help="Host of the first party; that of the first document when not given.")
@setting_option("--zone", "context.zone", "ZONE")
@setting_option("--device", "context.device")
@setting_option("--network", "context.network")
@setting_option("--method", "method.use", "ID")
@setting_option("--out", "output.runs", "DIR")
@setting_option("--html", "output.html", "FILE")
@click.option("--format", "formats", multiple=True, metavar="NAME=FILE", help="Write FILE through an output plug-in.")
@common_options
@click.pass_obj
def command(invocation: Invocation, files: tuple[Path, ...], site: str | None, formats: tuple[str, ...]) -> None:
    """Import requests and bytes of HTTP archives (HAR 1.2) as a run.

    An archive tells what crossed the network and nothing else: CPU time, memory, storage and screen time are not covered.
    Headers, cookies, bodies and the queries of addresses are not kept.
    """
    from lichen.service.importing import import_har

    workspace = invocation.workspace()
    settings = workspace.settings
    targets = outputs.plan(settings.output.html, formats, keep=settings.file)
    result = import_har(workspace, files, site=site)
    invocation.written.append(Path(result.run_path))
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
