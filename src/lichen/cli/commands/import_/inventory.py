# SPDX-License-Identifier: Apache-2.0
"""``lichen import inventory``."""

from __future__ import annotations

from pathlib import Path

import click

from lichen.cli.imports import show, store_options
from lichen.cli.invocation import Invocation, common_options


@click.command("inventory", epilog="Example: lichen import inventory servers.csv --source cmdb")
@click.argument("file", type=click.Path(path_type=Path), metavar="FILE")
@store_options
@common_options
@click.pass_obj
def command(invocation: Invocation, file: Path, source: str | None, create: bool, dry_run: bool) -> None:
    """Import the machines that are owned: model, count, power, dates.

    FILE is a table with the columns model, count, power_w, application, environment, kind, cpu, memory_gb, bought_on,
    written_off_on and region, or one of G4IT or NumEcoEval. An inventory that is imported again is replaced as a whole.
    """
    from lichen.service.importing_inventory import import_inventory
    from lichen.service.importing_money import TableOrder

    order = TableOrder(path=file, source=source, create=create, dry_run=dry_run)
    show(invocation, import_inventory(invocation.workspace(), order))
