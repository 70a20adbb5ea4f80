# SPDX-License-Identifier: Apache-2.0
"""``lichen bills``."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click

from lichen.cli.invocation import Invocation, common_options

if TYPE_CHECKING:
    from lichen.collect.bills.exporting import Form


@click.group(
    "bills",
    epilog="""\b
Examples:
  lichen bills reconcile --month 2026-10
  lichen bills export focus-2026-10.parquet -o with-carbon.parquet --format parquet""",
)
@common_options
def command() -> None:
    """Hold bills against what their providers say, and export them with figures."""


@command.command("reconcile", epilog="Example: lichen bills reconcile --month 2026-10 --source aws-123")
@click.option("--month", metavar="MONTH", help="Of this month alone, such as 2026-10.")
@click.option("--source", metavar="NAME", help="Of this bill alone.")
@click.option("--method", metavar="ID", help="Method of one's own figures, method.use when not given.")
@click.option("--all", "everything", is_flag=True, help="All places, not the ten largest.")
@common_options
@click.pass_obj
def reconcile(
    invocation: Invocation, month: str | None, source: str | None, method: str | None, *, everything: bool
) -> None:
    """Hold the figures of bills against those of their providers.

    Each provider's months first, then the places (account, service, region) that emit most: what runs against scope 1 and 2,
    making against scope 3, electricity by location on both sides, with the ratio, how much of the cost the figure rests on, and
    why the two differ. The provider's figures come from lichen import carbon.
    """
    from lichen.config import resolve_lang
    from lichen.render.carbon import SHOWN, reconciliation_lines
    from lichen.service.bills.reconciling import reconcile as held
    from lichen.service.context import open_context

    workspace = invocation.workspace()
    context = open_context(workspace)
    with context.store:
        found = held(context, method or workspace.settings.method.use, month=month, source=source).to_json()
    if invocation.json:
        invocation.print_json(found)
        return
    lang = resolve_lang(invocation.lang or "auto", os.environ)
    for line in reconciliation_lines(found, lang, None if everything else SHOWN):
        click.echo(line)


@command.command("export", epilog="Example: lichen bills export bill:aws-123 --format parquet -o with-carbon/")
@click.argument("places", nargs=-1, required=True, metavar="PLACE…")
@click.option("--output", "-o", metavar="PATH", required=True, help="File; a folder for several bills.")
@click.option(
    "--format", "form", type=click.Choice(["csv", "parquet"]), default="csv", show_default=True, help="Of the file."
)
@click.option("--method", metavar="ID", help="Method of the figures, method.use when not given.")
@common_options
@click.pass_obj
def export(invocation: Invocation, places: tuple[str, ...], output: str, form: Form, method: str | None) -> None:
    """Write bills again, with what each line causes beside it.

    PLACE is a file, a folder, s3://BUCKET/PREFIX, or bill:NAME for the files of a bill that was imported. All lines and columns
    stay, their order aside; energy, climate, water, minerals, primary energy, platform, coverage, method and factors stand in
    columns x_lichen_….
    """
    from lichen.config import resolve_lang
    from lichen.render.carbon import exported_line
    from lichen.service.bills.exporting import export_bills

    workspace = invocation.workspace()
    chosen = method or workspace.settings.method.use
    found = [one.to_json() for one in export_bills(workspace, places, output, form, method_id=chosen)]
    if invocation.json:
        invocation.print_json(found)
        return
    for one in found:
        click.echo(exported_line(one, resolve_lang(invocation.lang or "auto", os.environ)))
