# SPDX-License-Identifier: Apache-2.0
"""``lichen compare``."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from lichen.cli import outputs
from lichen.cli.invocation import Invocation, common_options, setting_option
from lichen.cli.words import Words
from lichen.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from lichen.config import Settings
    from lichen.render.verdict import VerdictText
    from lichen.service.verdict import JourneyVerdict, Verdict

_JSON: Final = "json"


@click.command(
    "compare",
    epilog="""\b
BASE and HEAD are each one of:
  https://… or url:…   an address that answers already
  cmd:COMMAND          a command that serves the site on {port}, or on $PORT
  git:REF              a branch, tag or commit, built and served
  run:FILE[,FILE…]     recorded runs

\b
Examples:
  lichen compare git:main git:HEAD
  lichen compare https://staging.example.org https://www.example.org checkout
  lichen compare "cmd:python -m http.server {port} -d old" "cmd:python -m http.server {port} -d new"
  lichen compare run:before.run.json.gz run:after.run.json.gz --format json=verdict.json""",
)
@click.argument("base")
@click.argument("head")
@click.argument("journeys", nargs=-1, metavar="[JOURNEY]...")
@setting_option("--delta", "compare.delta", "SHARE")
@setting_option("--max-minutes", "compare.max_minutes", "N")
@setting_option("--max-pairs", "compare.max_pairs", "N")
@setting_option("--profile", "measure.profile")
@setting_option("--method", "method.use", "ID")
@setting_option("--out", "output.runs", "DIR")
@click.option("--strict", is_flag=True, help="End with 6 when it is inconclusive.")
@click.option("--allow-different-hosts", is_flag=True, help="Show what differs between unlike runs, undecided.")
@click.option("--format", "formats", multiple=True, metavar="json=FILE", help="Write the verdict to FILE.")
@common_options
@click.pass_obj
def command(
    invocation: Invocation,
    base: str,
    head: str,
    journeys: tuple[str, ...],
    strict: bool,
    allow_different_hosts: bool,
    formats: tuple[str, ...],
) -> None:
    """Say whether HEAD uses more than BASE, and what that comes from.

    Both are measured in turn, in pairs, until each journey is decided: those of lichen.toml, those named, or the page of the
    address. Exit codes: 0 pass or inconclusive, 1 fail, 4 a journey failed, 6 inconclusive with --strict.
    """
    from lichen.service.comparing import Options, compare

    workspace = invocation.workspace()
    files = _files(formats, workspace.settings)
    options = Options(
        journeys=journeys, allow_different_hosts=allow_different_hosts, on_written=invocation.written.append
    )
    with contextlib.closing(invocation.progress(workspace.settings.lang)) as progress:
        verdict = compare(workspace, base, head, options, progress)
    _show(invocation, verdict, workspace.settings.lang)
    _write(invocation, verdict, files, workspace.settings.lang)
    if code := exit_code(verdict, strict=strict):
        raise click.exceptions.Exit(code)


def exit_code(verdict: Verdict, *, strict: bool) -> ExitCode:
    """How a comparison ends."""
    codes = {"fail": ExitCode.BUDGET, "error": ExitCode.JOURNEY_FAILED}
    if verdict.outcome == "inconclusive" and strict:
        return ExitCode.INCONCLUSIVE
    return codes.get(verdict.outcome, ExitCode.PASS)


def _files(formats: tuple[str, ...], settings: Settings) -> list[Path]:
    """The files asked for, checked before anything is measured."""
    found = []
    for word in formats:
        name, equals, file = word.partition("=")
        if name != _JSON or not equals or not file:
            raise UsageError(f"'{word}' is not json=FILE.", repair="Write --format json=verdict.json.", culprit=word)
        outputs.check_file(Path(file), settings.file)
        found.append(Path(file))
    return found


def _write(invocation: Invocation, verdict: Verdict, files: list[Path], lang: str) -> None:
    from lichen.ledger.runfile import write_atomically
    from lichen.service.verdict import verdict_document

    words = Words(lang)
    for path in files:
        content = json.dumps(verdict_document(verdict), ensure_ascii=False, indent=1)
        write_atomically(path, f"{content}\n".encode())
        invocation.written.append(path)
        invocation.say(f"{words['written']}{words.colon}{path}")


def _show(invocation: Invocation, verdict: Verdict, lang: str) -> None:
    from lichen.render.verdict import VerdictText
    from lichen.service.verdict import verdict_document

    if invocation.json:
        invocation.print_json(verdict_document(verdict))
    else:
        _print(invocation.console(), VerdictText(verdict, lang), verdict)


def _print(console: Console, text: VerdictText, verdict: Verdict) -> None:
    from rich.text import Text

    from lichen.render.verdict import STYLES

    console.print(Text(text.headline(), style=STYLES[verdict.outcome]), soft_wrap=True)
    for journey in verdict.journeys:
        console.print()
        console.print(Text(text.journey(journey), style="bold"), soft_wrap=True)
        if journey.primary is not None:
            console.print(_table(text, journey))
        for number, cause in enumerate(text.causes(journey)):
            start = text.origin if number == 0 else " " * len(text.origin)
            console.print(Text(f"{start} {cause}"), soft_wrap=True)
    console.print()
    for line in (*text.advice(), *text.remarks()):
        console.print(Text(line), soft_wrap=True)


def _table(text: VerdictText, journey: JourneyVerdict) -> Table:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    from lichen.render.verdict import STYLES

    table = Table(box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0), show_edge=False, header_style="dim")
    for place, heading in enumerate(text.columns()):
        table.add_column(Text(heading), justify="right" if place else "left", overflow="fold")
    for outcome, cells in text.rows(journey):
        style = "dim" if outcome is None else STYLES[outcome]
        table.add_row(*(Text(cell, style=style if place in (0, 3) else "") for place, cell in enumerate(cells)))
    return table
