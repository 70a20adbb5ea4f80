# SPDX-License-Identifier: Apache-2.0
"""``lichen push``."""

from __future__ import annotations

from pathlib import Path

import click

from lichen.cli import pushing
from lichen.cli.invocation import Invocation, common_options
from lichen.errors import StorageError, UsageError


@click.command("push", epilog="Example: lichen push --server https://lichen.example.org lichen-runs/*.gz")
@click.argument("runs", nargs=-1, metavar="[RUN...]", type=click.Path(path_type=Path))
@pushing.push_option
@common_options
@click.pass_obj
def command(invocation: Invocation, runs: tuple[Path, ...]) -> None:
    """Send run files to a server.

    Without any, those that wait since it was away. The token is read from the variable LICHEN_TOKEN. A run that the server has is
    not doubled.
    """
    settings = invocation.settings()
    pushed = pushing.send(invocation, settings, runs)
    if pushed is None:
        raise UsageError("No server is named.", repair="Give --server, or set output.server.", culprit="output.server")
    if invocation.json:
        invocation.print_json(pushing.to_json(pushed))
    if pushed.waiting:
        raise StorageError(
            f"{pushed.waiting} runs wait in the spool: {pushed.why.rstrip('.')}.",
            repair="Run lichen push again when the server is back.",
            culprit=settings.output.server or "",
        )
    if pushed.refused:
        raise StorageError(
            f"The server refused {len(pushed.refused)} of the runs.",
            repair="They lie in .lichen/spool/refused; measure again.",
            culprit=settings.output.server or "",
        )
