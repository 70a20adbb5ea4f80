# SPDX-License-Identifier: Apache-2.0
"""``lichen explain``."""

from __future__ import annotations

from pathlib import Path

import click

from lichen.cli.invocation import Invocation, common_options


@click.command(
    "explain",
    epilog="""\b
Examples:
  lichen explain 5fc70976bb6d606a
  lichen explain "apply/recap#energy" --run lichen-runs/2026-01-31-0123456789ab.run.json.gz""",
)
@click.argument("figure_id", metavar="ID")
@click.option("--run", type=click.Path(path_type=Path), metavar="PATH", help="Run file, the newest when not given.")
@click.option("--method", "method_id", metavar="ID", help="Look through another method than the run's own.")
@common_options
@click.pass_obj
def command(invocation: Invocation, figure_id: str, run: Path | None, method_id: str | None) -> None:
    """Open a figure down to its formula, factors, sources and raw values.

    ID is an impact's id, or JOURNEY[/STEP[/PART]][#INDICATOR].
    """
    from lichen.service.explain import explain

    workspace = invocation.workspace()
    tree = explain(workspace, figure_id, run, method_id)
    if invocation.json:
        invocation.print_json(tree)
        return
    from lichen.cli.derivation import print_derivation

    print_derivation(tree, invocation.console(), workspace.settings.lang)
