# SPDX-License-Identifier: Apache-2.0
"""``lichen import traffic``."""

from __future__ import annotations

from pathlib import Path

import click

from lichen.cli.imports import show, store_options
from lichen.cli.invocation import Invocation, common_options, setting_option


@click.command(
    "traffic",
    epilog="""\b
Examples:
  lichen import traffic access.log* --application shop --day-zone Europe/Paris
  lichen import traffic matomo.csv --application shop --dry-run""",
)
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="FILE…")
@click.option("--application", required=True, metavar="CODE", help="Application whose traffic it is.")
@setting_option("--day-zone", "traffic.day_zone", "ZONE")
@store_options
@common_options
@click.pass_obj
def command(
    invocation: Invocation, files: tuple[Path, ...], application: str, source: str | None, create: bool, dry_run: bool
) -> None:
    """Import visits and page views by day and journey.

    FILE is an access log of nginx or Apache, a log of CloudFront (packed with gzip or not), an export of Matomo or a CSV table.
    Journeys are known by their paths: [[traffic.journey]] in lichen.toml. A day that is imported again from the same source is
    replaced, so give all logs of a day at once. Addresses and user agents stay in memory, hashed.
    """
    from lichen.service.importing_traffic import TrafficOrder, import_traffic

    order = TrafficOrder(paths=files, application=application, source=source, create=create, dry_run=dry_run)
    workspace = invocation.workspace()
    progress = invocation.progress(workspace.settings.lang)
    show(invocation, import_traffic(workspace, order, progress=progress))
