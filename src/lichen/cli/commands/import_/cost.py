# SPDX-License-Identifier: Apache-2.0
"""``lichen import cost``."""

from __future__ import annotations

from pathlib import Path

import click

from lichen.cli.imports import show, store_options
from lichen.cli.invocation import Invocation, common_options


@click.command("cost", epilog="Example: lichen import cost cloud-2026-10.csv --source cloud")
@click.argument("file", type=click.Path(path_type=Path), metavar="FILE")
@store_options
@common_options
@click.pass_obj
def command(invocation: Invocation, file: Path, source: str | None, create: bool, dry_run: bool) -> None:
    """Import cost by month and application.

    FILE is a table with the columns month, application, amount, currency and kind. Cost without an application stays unallocated
    and visible. A month that is imported again from the same source is replaced.
    """
    from lichen.service.importing_money import TableOrder, import_costs

    order = TableOrder(path=file, source=source, create=create, dry_run=dry_run)
    show(invocation, import_costs(invocation.workspace(), order))
