# SPDX-License-Identifier: Apache-2.0
"""``lichen doctor``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
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
@click.option("--fix", is_flag=True, help="Install the browsers that lack, then look again.")
@click.option("--calibrate", is_flag=True, help="Also measure how precisely this machine repeats the same work.")
@common_options
@click.pass_context
def command(ctx: click.Context, fix: bool, calibrate: bool) -> None:
    """Say what this machine can measure, how precisely, and how to repair what lacks."""
    from lichen.service import doctor

    if fix and calibrate:
        raise UsageError("--fix and --calibrate exclude each other.", repair="Repair first, calibrate then.")
    invocation = ctx.ensure_object(Invocation)
    workspace = invocation.workspace()
    if fix:
        for sentence in doctor.fix(workspace):
            invocation.say(sentence)
    rows = doctor.diagnose(workspace, calibrate=calibrate)
    needed = {f"browser ({workspace.settings.measure.profile})", "browser driver", "run files"}
    lacking = {row["topic"] for row in rows if not row["ok"]} & needed
    if invocation.json:
        invocation.print_json(rows)
    else:
        _print(rows, lacking, workspace.settings.lang)
    if lacking:
        ctx.exit(ExitCode.NOTHING_MEASURED)


def _print(rows: Sequence[Mapping[str, Any]], lacking: AbstractSet[str], lang: str) -> None:
    from lichen.render.i18n import catalogue
    from lichen.render.sentences import finding_words

    words, sentences = Words(lang), catalogue(lang)
    for row in rows:
        if row["ok"]:
            state = click.style(f"✓ {words['ok']}", fg="green")
        elif row["topic"] in lacking:
            state = click.style(f"✗ {words['lacks']}", fg="red")
        else:
            state = click.style(f"! {words['attention']}", fg="yellow")
        topic, what, repair = finding_words(row, sentences)
        click.echo(f"{state}  {topic}{words.colon}{what}")
        if repair and not row["ok"]:
            click.echo(f"    {words['repair']}{words.colon}{repair}")
