# SPDX-License-Identifier: Apache-2.0
"""``lichen evaluate``."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from lichen.cli.invocation import Invocation, common_options, method_names
from lichen.errors import StorageError, UsageError


@click.command(
    "evaluate",
    epilog="""\b
Examples:
  lichen evaluate lichen-1 activities.json
  lichen evaluate lichen-1,greenframe-2 lichen-runs/2026-01-31-0123456789ab.run.json.gz
  echo '{"activities": [{"entity": "shop", "quantity": "network_bytes", "value": 1e6}]}' | lichen evaluate lichen-1 -""",
)
@click.argument("methods", metavar="METHOD[,METHOD…]")
@click.argument("source", metavar="[FILE|-]", default="-")
@common_options
@click.pass_obj
def command(invocation: Invocation, methods: str, source: str) -> None:
    """Apply methods to activities given as JSON.

    FILE holds {"activities": [...]} or is a run file, plain or gzipped; without it, or with "-", stdin is read. Nothing is
    written.
    """
    method_ids = method_names(methods)
    workspace = invocation.workspace()
    from lichen.ledger.runfile import read_document
    from lichen.service.evaluation import evaluate_document

    if source == "-" and sys.stdin is None:
        raise UsageError("Standard input is closed.", repair="Name a file, or pipe JSON in.", culprit="-")
    if source == "-" and sys.stdin.buffer.isatty():
        invocation.say("reading activities from the keyboard; Ctrl-D ends them")
    if source != "-":
        _check_there(Path(source), workspace.settings.output.runs)
    document = read_document(sys.stdin.buffer if source == "-" else Path(source))
    invocation.print_json(evaluate_document(workspace, document, method_ids))


def _check_there(source: Path, runs: Path) -> None:
    """A name that stands for any run, as documentation has it, is answered with a run."""
    from lichen.ledger import runfile

    newest = next(runfile.find(runs), None)
    if newest is not None and not source.exists():
        raise StorageError(
            f"{source} cannot be read: there is no such file.",
            repair=f"Name a run file, such as the newest one: {newest}.",
            culprit=str(source),
        )
