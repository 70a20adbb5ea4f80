# SPDX-License-Identifier: Apache-2.0
"""``lichen doctor``."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import click

from lichen.cli.invocation import Invocation, common_options
from lichen.cli.words import Words
from lichen.errors import ExitCode, UsageError


@click.command(
    "doctor",
    epilog="""\b
Examples:
  lichen doctor
  lichen doctor --calibrate

Exit code 5 when something lacks without which nothing can be measured.""",
)
@click.option("--fix", is_flag=True, help="Run the repairs that are commands, then look again.")
@click.option("--calibrate", is_flag=True, help="Also measure how precisely this machine repeats the same work.")
@common_options
@click.pass_context
def command(ctx: click.Context, fix: bool, calibrate: bool) -> None:
    """Say what this machine can measure, how precisely, and how to repair what lacks."""
    from lichen.service.doctor import diagnose

    if fix and calibrate:
        raise UsageError("--fix and --calibrate exclude each other.", repair="Repair first, calibrate then.")
    invocation = ctx.ensure_object(Invocation)
    workspace = invocation.workspace()
    rows = diagnose(workspace, calibrate=calibrate)
    if fix and _repair(invocation, rows):
        rows = diagnose(workspace, calibrate=False)
    if invocation.json:
        invocation.print_json(rows)
    else:
        _print(rows, Words(workspace.settings.lang))
    if any(row.get("required") and not row["ok"] for row in rows):
        ctx.exit(ExitCode.NOTHING_MEASURED)


def _repair(invocation: Invocation, rows: Sequence[Mapping[str, Any]]) -> bool:
    """Runs the repairs that are commands; whether there was any."""
    commands = [row["command"] for row in rows if not row["ok"] and row.get("command")]
    for argv in commands:
        invocation.say(f"$ {' '.join(argv)}")
        try:
            done = subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=sys.stderr.fileno(), check=False)
        except OSError as error:
            invocation.say(f"{argv[0]}: {error.strerror}")
            continue
        if done.returncode:
            invocation.say(f"{argv[0]}: exit code {done.returncode}")
    return bool(commands)


def _print(rows: Sequence[Mapping[str, Any]], words: Words) -> None:
    for row in rows:
        symbol, word, colour = ("✓", words["ok"], "green") if row["ok"] else ("✗", words["lacks"], "yellow")
        head = click.style(f"{symbol} {word}", fg=colour)
        click.echo(f"{head} {row['topic']}{words.colon}{row['what']}")
        if row.get("repair") and not row["ok"]:
            click.echo(f"    {words['repair']}{words.colon}{row['repair']}")
