# SPDX-License-Identifier: Apache-2.0
"""``lichen plugins``."""

from __future__ import annotations

import click

from lichen import plugins
from lichen.cli.invocation import Invocation, common_options


@click.command("plugins", epilog="Example: lichen plugins --json")
@common_options
@click.pass_obj
def command(invocation: Invocation) -> None:
    """List the plug-ins, installed and local."""
    invocation.workspace()
    found = {group: list(plugins.names(group)) for group in plugins.GROUPS}
    if invocation.json:
        invocation.print_json(found)
        return
    for group, names in found.items():
        click.echo(f"{group}: {', '.join(names) or '-'}")
        click.echo(f"    {plugins.GROUPS[group]}")
