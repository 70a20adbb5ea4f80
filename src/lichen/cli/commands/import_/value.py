# SPDX-License-Identifier: Apache-2.0
"""``lichen import value``."""

from __future__ import annotations

from pathlib import Path

import click

from lichen.cli.imports import show, store_options
from lichen.cli.invocation import Invocation, common_options


@click.command("value", epilog="Example: lichen import value value-2026.csv --source controlling")
@click.argument("file", type=click.Path(path_type=Path), metavar="FILE")
@store_options
@common_options
@click.pass_obj
def command(invocation: Invocation, file: Path, source: str | None, create: bool, dry_run: bool) -> None:
    """Import value by month and application: revenue, avoided cost.

    FILE is a table with the columns month, application, amount, currency, kind, owner, confidence (0 to 1), low and high. A month
    that is imported again from the same source is replaced.
    """
    from lichen.service.importing_money import TableOrder, import_values

    order = TableOrder(path=file, source=source, create=create, dry_run=dry_run)
    show(invocation, import_values(invocation.workspace(), order))
