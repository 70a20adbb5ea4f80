# SPDX-License-Identifier: Apache-2.0
"""``lichen explain``."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lichen.cli.invocation import Invocation, common_options
from lichen.cli.outputs import check_file
from lichen.cli.words import Words
from lichen.errors import UsageError

if TYPE_CHECKING:
    from lichen.ledger.runfile import RunFile


@click.command(
    "explain",
    epilog="""\b
Examples:
  lichen explain "apply/company#energy"
  lichen explain "apply#cpu_time"
  lichen explain "apply#sci" --html why.html
  lichen explain 5fc70976bb6d606a --run 4be1c9d07a52""",
)
@click.argument("figure_id", metavar="[ID]", required=False)
@click.option("--run", metavar="ID|PATH", help="Run, by the start of its id or its file; the newest when not given.")
@click.option("--method", "method_id", metavar="ID", help="Look through another method than the run's own.")
@click.option("--html", type=click.Path(path_type=Path), metavar="FILE", help="Write the derivation as a page, too.")
@common_options
@click.pass_obj
def command(
    invocation: Invocation, figure_id: str | None, run: str | None, method_id: str | None, html: Path | None
) -> None:
    """Open a figure down to its formula, factors, sources and raw values.

    ID is an impact's id, or JOURNEY[/STEP[/PART]][#NAME]: NAME is an indicator (gwp100, energy, water...), sci, a counter
    (cpu_time, network_bytes...) or the heading of a column (climate, CPU...); the climate figure when it is not given.
    Without ID, the climate figure of a run that has one journey or command.
    """
    from lichen.cli.derivation import figure_words
    from lichen.service.explain import explain, open_run

    workspace = invocation.workspace()
    lang = workspace.settings.lang
    if html is not None:
        check_file(html, workspace.settings.file)
    if figure_id is None:
        opened = open_run(workspace, run)
        figure_id, run = _only_journey(opened), str(opened.path)
    tree = explain(workspace, figure_id, run, method_id, words=figure_words())
    _show(invocation, tree, lang)
    if html is not None:
        from lichen.ledger.runfile import write_atomically
        from lichen.outputs.report.derivation import DerivationPage

        write_atomically(html, DerivationPage(tree, lang).render())
        invocation.written.append(html)
        words = Words(lang)
        invocation.say(f"{words['written']}{words.colon}{html}")


def _show(invocation: Invocation, tree: Mapping[str, Any], lang: str) -> None:
    if invocation.json:
        invocation.print_json(tree)
        return
    from lichen.cli.derivation import print_derivation

    print_derivation(tree, invocation.console(), lang)


def _only_journey(run: RunFile) -> str:
    """The name of the journey or command of a run; several are listed in an error."""
    names = [str(journey["name"]) for journey in run.content["journeys"]]
    if len(names) == 1:
        return names[0]
    raise UsageError(
        f"The run {run.run_id[:12]} has {len(names)} journeys.",
        repair=f"Name one: {', '.join(names)}. Or give JOURNEY/STEP#NAME, or the id of an impact.",
        culprit="ID",
    )
