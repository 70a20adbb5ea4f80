# SPDX-License-Identifier: Apache-2.0
"""``lichen import bills``."""

from __future__ import annotations

import os

import click

from lichen.cli.imports import store_options
from lichen.cli.invocation import Invocation, common_options


@click.command(
    "bills",
    epilog="""\b
Examples:
  lichen import bills focus-2026-10.parquet
  lichen import bills exports/ --source aws --create
  lichen import bills s3://billing/focus/2026-10 --dry-run""",
)
@click.argument("places", nargs=-1, required=True, metavar="PLACE…")
@store_options
@click.option(
    "--replace",
    is_flag=True,
    help="Also replace what is there already, and periods of which days or accounts would be lost.",
)
@click.option("--format", "format_name", metavar="NAME", help="Format of all files; each is recognised when not given.")
@click.option(
    "--engine",
    metavar="NAME",
    default="duckdb",
    show_default=True,
    help="duckdb, spark://HOST:PORT or local[N].",
)
@common_options
@click.pass_obj
def command(
    invocation: Invocation,
    *,
    places: tuple[str, ...],
    source: str | None,
    create: bool,
    dry_run: bool,
    replace: bool,
    format_name: str | None,
    engine: str,
) -> None:
    """Import bills of cloud providers: usage and cost, by application.

    PLACE is a file, a folder or s3://BUCKET/PREFIX, in CSV (packed with gzip or not), Parquet or JSON; formats are recognised.
    Lines belong to applications by [[bills.owner]] and [[bills.shared]] in lichen.toml. A billing period that is imported again
    is replaced.
    """
    from lichen.service.bills.importing import BillOrder, import_bills

    workspace = invocation.workspace()
    order = BillOrder(
        places=places, source=source, create=create, replace=replace, dry_run=dry_run, format=format_name, engine=engine
    )  # fmt: skip
    imported = import_bills(workspace, order, progress=invocation.progress(workspace.settings.lang))
    found = imported.to_json()
    # What tells of an import is loaded after it: the sooner the files are read, the sooner all of it is done.
    from lichen.config import resolve_lang
    from lichen.render.bill import bill_lines
    from lichen.render.bill_doubts import doubt_lines

    if invocation.json:
        invocation.print_json(found)
        return
    lang = resolve_lang(invocation.lang or "auto", os.environ)
    for line in bill_lines(found, lang):
        click.echo(line)
    # Regions that differ in nothing else are told once.
    for line in dict.fromkeys(doubt_lines(workspace.settings.method.use, imported.doubts, lang)):
        click.echo(line)
