# SPDX-License-Identifier: Apache-2.0
"""``lichen restore``."""

from __future__ import annotations

import contextlib
from pathlib import Path

import click

from lichen.cli.invocation import Invocation, common_options
from lichen.cli.keeping import tell


@click.command("restore", epilog="Example: lichen restore lichen-2026-11-22.tar")
@click.argument("file", type=click.Path(path_type=Path), metavar="FILE")
@click.option("--force", is_flag=True, help="Set aside what is there; nothing is deleted.")
@common_options
@click.pass_obj
def command(invocation: Invocation, file: Path, force: bool) -> None:
    """Bring a backup back.

    Store and ledger have to be empty. All of it is verified before anything is written. The store may be another kind of database
    than the one that was backed up.
    """
    from lichen.service.backup import restore
    from lichen.service.context import open_context

    context = open_context(invocation.workspace())
    with contextlib.closing(context.store):
        kept = restore(context, file, force=force)
    tell(invocation, kept, file, context.settings.lang)
