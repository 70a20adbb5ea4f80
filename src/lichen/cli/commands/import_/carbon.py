# SPDX-License-Identifier: Apache-2.0
"""``lichen import carbon``."""

from __future__ import annotations

import os

import click

from lichen.cli.invocation import Invocation, common_options


@click.command(
    "carbon",
    epilog="""\b
Examples:
  lichen import carbon carbon-emissions.parquet
  lichen import carbon azure-scope-2.json --dry-run""",
)
@click.argument("places", nargs=-1, required=True, metavar="PLACE…")
@click.option(
    "--source", metavar="NAME", help="Name under which rows are kept; importing under it again replaces them."
)
@click.option("--dry-run", is_flag=True, help="Read and count, and write nothing.")
@common_options
@click.pass_obj
def command(invocation: Invocation, places: tuple[str, ...], source: str | None, dry_run: bool) -> None:
    """Import what cloud providers say of their own emissions.

    PLACE is a file or a folder, in CSV (packed with gzip or not), Parquet or JSON; formats are recognised. Figures are kept to be
    held against one's own (lichen bills reconcile), and count nowhere. A month that is imported again is replaced.
    """
    from lichen.config import resolve_lang
    from lichen.render.carbon import carbon_lines
    from lichen.service.bills.carbon import import_carbon

    workspace = invocation.workspace()
    found = import_carbon(workspace, places, source=source, dry_run=dry_run).to_json()
    if invocation.json:
        invocation.print_json(found)
        return
    for line in carbon_lines(found, resolve_lang(invocation.lang or "auto", os.environ)):
        click.echo(line)
