# SPDX-License-Identifier: Apache-2.0
"""``lichen backup``."""

from __future__ import annotations

import contextlib
from pathlib import Path

import click

from lichen.cli.invocation import Invocation, common_options
from lichen.cli.keeping import tell


@click.command("backup", epilog="Example: lichen backup lichen-2026-11-22.tar")
@click.argument("file", type=click.Path(path_type=Path), metavar="FILE")
@common_options
@click.pass_obj
def command(invocation: Invocation, file: Path) -> None:
    """Write the server's data to one file, while it serves.

    Store, ledger and evidence, with the SHA-256 of each part. Every run that was acknowledged before the start is in it.
    """
    from lichen.service.backup import back_up
    from lichen.service.context import open_context

    context = open_context(invocation.workspace())
    with contextlib.closing(context.store):
        kept = back_up(context, file)
    invocation.written.append(file)
    tell(invocation, kept, file, context.settings.lang)
