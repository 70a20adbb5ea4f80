# SPDX-License-Identifier: Apache-2.0
"""``lichen comment``."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from lichen.cli.invocation import Invocation, common_options
from lichen.cli.words import Words
from lichen.errors import UsageError

if TYPE_CHECKING:
    from lichen.service.gating.outcome import GateResult


@click.command(
    "comment",
    epilog="""\b
Examples:
  lichen gate --format json=gate.json; lichen comment gate.json --github
  lichen comment gate.json --gitlab --dry-run""",
)
@click.argument("file", metavar="FILE", type=click.Path(path_type=Path))
@click.option("--github", is_flag=True, help="On the pull request of this step; the token is GITHUB_TOKEN.")
@click.option("--gitlab", is_flag=True, help="On the merge request of this job; the token is GITLAB_TOKEN.")
@click.option("--dry-run", is_flag=True, help="Print the comment, and send nothing.")
@common_options
@click.pass_obj
def command(invocation: Invocation, file: Path, github: bool, gitlab: bool, dry_run: bool) -> None:
    """Write what a gate found on the merge request, in one comment.

    FILE is the result of lichen gate --format json=FILE, or of lichen compare --format json=FILE. The comment is made once and
    brought up to date afterwards.
    """
    from lichen.outputs.ci.markdown import comment, marker
    from lichen.outputs.ci.posting import on_github, on_gitlab, post

    if github == gitlab and not (dry_run and not github):
        raise UsageError("Say where the comment goes.", repair="Give --github or --gitlab.", culprit="--github")
    settings = invocation.settings()
    gate = _read(invocation, file)
    body, words = comment(gate, settings.lang), Words(settings.lang)
    if dry_run:
        if invocation.json:
            invocation.print_json({"done": "nothing", "body": body})
        else:
            click.echo(body, nl=False)
        return
    done = post(on_github(os.environ) if github else on_gitlab(os.environ), body, marker(gate.project))
    if done == "refused":
        _summarise(gate, settings.lang)
    if invocation.json:
        invocation.print_json({"done": done, "body": body})
    else:
        click.echo(words[f"comment_{done}"])


def _read(invocation: Invocation, file: Path) -> GateResult:
    """The result of a gate; a comparison is one without budgets."""
    from lichen.ledger.runfile import read_document
    from lichen.service.gating.gate import Order, gate
    from lichen.service.gating.outcome import read_gate
    from lichen.service.verdict import read_verdict

    document = read_document(file)
    if isinstance(document, dict) and "schema_version" in document:
        order = Order(today=datetime.now(UTC).date(), verdict=read_verdict(document, source=str(file)))
        return gate(invocation.workspace(), order)
    return read_gate(document, source=str(file))


def _summarise(gate: GateResult, lang: str) -> None:
    """What may not be said on the merge request is said in the summary of the step, where there is one."""
    from lichen.outputs.ci import GateMarkdown
    from lichen.outputs.ci.github import append_summary

    append_summary(GateMarkdown().render(gate, lang=lang), os.environ)
