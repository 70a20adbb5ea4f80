# SPDX-License-Identifier: Apache-2.0
"""``lichen evaluate``."""

from __future__ import annotations

import json
import sys
import zlib
from pathlib import Path
from typing import Any

import click

from lichen.cli.invocation import Invocation, common_options
from lichen.errors import StorageError, UsageError


@click.command(
    "evaluate",
    epilog="""\b
Examples:
  lichen evaluate lichen-1 activities.json
  lichen evaluate lichen-1,greenframe-2 lichen-runs/2026-01-31-0123456789ab.json.gz
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
    method_ids = [word.strip() for word in methods.split(",")]
    if not all(method_ids):
        raise UsageError(
            f"'{methods}' has an empty method name.", repair="Write lichen-1 or lichen-1,greenframe-2.", culprit=methods
        )
    workspace = invocation.workspace()
    document = _from_stdin(invocation) if source == "-" else _from_file(Path(source))

    from lichen.service.evaluation import evaluate_document

    invocation.print_json(evaluate_document(workspace, document, method_ids))


def _from_file(path: Path) -> Any:
    from lichen.ledger.runfile import read_document

    try:
        return read_document(path)
    except (ValueError, RecursionError) as error:
        raise _not_json(str(path), error) from error


def _from_stdin(invocation: Invocation) -> Any:
    stream = sys.stdin.buffer
    if stream.isatty():
        invocation.say("reading activities from the keyboard; Ctrl-D ends them")
    try:
        raw = stream.read()
        content = zlib.decompress(raw, wbits=31) if raw[:2] == b"\x1f\x8b" else raw
        if not content.strip():
            raise StorageError("Standard input is empty.", repair="Pipe JSON into it, or name a file.", culprit="-")
        return json.loads(content)
    except (ValueError, RecursionError, zlib.error) as error:
        raise _not_json("standard input", error) from error


def _not_json(name: str, error: Exception) -> StorageError:
    if isinstance(error, json.JSONDecodeError):
        what = f"{error.msg} (line {error.lineno}, column {error.colno})"
    elif isinstance(error, RecursionError):
        what = "it is nested too deeply"
    else:
        what = str(error)
    return StorageError(f"{name} is not JSON: {what}.", repair="Repair it at that place.", culprit=name)
