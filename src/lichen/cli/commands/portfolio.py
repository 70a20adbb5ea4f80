# SPDX-License-Identifier: Apache-2.0
"""``lichen portfolio``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lichen.cli.decisions import by_command, opened
from lichen.cli.failure import printable
from lichen.cli.invocation import Invocation, common_options
from lichen.cli.words import Words
from lichen.errors import UsageError

if TYPE_CHECKING:
    from lichen.service.portfolio_files import Change, Plan
    from lichen.service.removing import Goes


@click.group("portfolio", epilog="Example: lichen portfolio export portfolio.toml")
@common_options
def command() -> None:
    """Export and import the portfolio as files; retire applications and take them out."""


@command.command("export", epilog="Example: lichen portfolio export portfolio.toml")
@click.argument("file", type=click.Path(path_type=Path), metavar="FILE.toml|FOLDER")
@click.option("--force", is_flag=True, help="Overwrite files that exist.")
@common_options
@click.pass_obj
def export(invocation: Invocation, file: Path, force: bool) -> None:
    """Write the portfolio to a TOML file, or to a folder of CSV files."""
    from lichen.service.portfolio_files import export_portfolio

    with opened(invocation) as (store, workspace):
        lang = workspace.settings.lang
        written = export_portfolio(store, file, lang=lang, force=force)
    invocation.written += written
    if invocation.json:
        invocation.print_json({"written": [str(path) for path in written]})
        return
    words = Words(lang)
    for path in written:
        click.echo(f"{words['written']}{words.colon}{path}")


@command.command("import", epilog="Example: lichen portfolio import portfolio.toml --dry-run")
@click.argument("files", type=click.Path(path_type=Path), metavar="FILE...", nargs=-1, required=True)
@click.option("--dry-run", is_flag=True, help="Say what would be done, and do nothing.")
@common_options
@click.pass_obj
def import_(invocation: Invocation, files: tuple[Path, ...], dry_run: bool) -> None:
    """Add and change what the files say; all of it, or nothing.

    A FILE is a TOML file, a CSV file named after its table (application.csv), or a folder of these. Rows and keys that the files
    leave out stay as they are; nothing is removed.
    """
    from lichen.service.portfolio_files import import_portfolio

    with opened(invocation, dry_run=dry_run) as (store, workspace):
        by = by_command("portfolio import")
        made = import_portfolio(store, files, nomenclature=workspace.nomenclature, by=by, dry_run=dry_run)
        lang = workspace.settings.lang
    if invocation.json:
        invocation.print_json({"dry_run": dry_run} | plan_json(made))
        return
    print_plan(made, Words(lang))
    if dry_run:
        click.echo(Words(lang)["dry_run"])


@command.command("retire", epilog="Example: lichen portfolio retire old-portal")
@click.argument("code")
@common_options
@click.pass_obj
def retire(invocation: Invocation, code: str) -> None:
    """Leave an application out of lists from now on; its history stays."""
    from lichen.service import removing

    with opened(invocation) as (store, workspace):
        words = Words(workspace.settings.lang)
        with store.session() as session:
            removing.retire(session, removing.application_by_code(session, code), by=by_command("portfolio retire"))
    _print_done(invocation, "retired", code, words)


@command.command("restore", epilog="Example: lichen portfolio restore old-portal")
@click.argument("code")
@common_options
@click.pass_obj
def restore(invocation: Invocation, code: str) -> None:
    """Bring a retired application back into lists."""
    from lichen.service import removing

    with opened(invocation) as (store, workspace):
        words = Words(workspace.settings.lang)
        with store.session() as session:
            removing.restore(session, removing.application_by_code(session, code), by=by_command("portfolio restore"))
    _print_done(invocation, "restored", code, words)


@command.command("remove", epilog="Example: lichen portfolio remove old-portal --yes")
@click.argument("code")
@click.option("--yes", is_flag=True, help="Do not ask.")
@common_options
@click.pass_obj
def remove(invocation: Invocation, code: str, yes: bool) -> None:
    """Take an application out with what was decided and imported about it.

    Its runs stay in the ledger. A run that is sent under its code later makes it again, without a team.
    """
    from lichen.service import removing

    with opened(invocation) as (store, workspace):
        words = Words(workspace.settings.lang)
        with store.reading() as session:
            goes = removing.goes_with_application(session, removing.application_by_code(session, code))
        confirm_removal(invocation, goes, words, yes=yes)
        with store.session() as session:
            application = removing.application_by_code(session, code)
            goes = removing.remove_application(session, application, by=by_command("portfolio remove"))
    print_removal(invocation, goes, words)


def confirm_removal(invocation: Invocation, goes: Goes, words: Words, *, yes: bool) -> None:
    """Say what goes, and ask.

    Raises:
        UsageError: nobody is there to answer.
    """
    if yes:
        return
    counted = ", ".join(f"{count} {words[f'go_{kind}']}" for kind, count in goes.counts.items() if count)
    told = f"{words['goes_with'].format(name=printable(goes.code))}{words.colon}{counted or words['go_nothing']}"
    if invocation.json or not sys.stdin.isatty():
        raise UsageError(f"{told}.", repair="Add --yes to take it out.", culprit=goes.code)
    click.echo(told, err=True)
    click.confirm(words["take_out"], abort=True, err=True)


def print_removal(invocation: Invocation, goes: Goes, words: Words) -> None:
    """Say what went."""
    if invocation.json:
        invocation.print_json({"removed": goes.code, "with": dict(goes.counts)})
        return
    click.echo(f"{words['removed']}{words.colon}{printable(goes.code)}")


def _print_done(invocation: Invocation, what: str, code: str, words: Words) -> None:
    if invocation.json:
        invocation.print_json({what: code})
        return
    click.echo(f"{words[what]}{words.colon}{printable(code)}")


def plan_json(made: Plan) -> dict[str, Any]:
    """What an import did, as JSON."""
    return {
        "added": [{"table": change.table, "row": change.shown} for change in made.changes if change.is_new],
        "changed": [
            {
                "table": change.table, "row": change.shown,
                "keys": {
                    key: {"before": _plain(change.before.get(key)), "after": _plain(value)}
                    for key, value in change.after.items()
                },
            }
            for change in made.changes if not change.is_new
        ],
        "unchanged": made.unchanged,
        "not_in_the_files": made.left,
    }  # fmt: skip


def print_plan(made: Plan, words: Words) -> None:
    """What an import did: each row added or changed, then a line a table."""
    from lichen.service.portfolio_files import TABLES

    for change in made.changes:
        click.echo(_line(change, words))
    for table in TABLES:
        counts = (
            (words["added"], made.count(table, new=True)), (words["changed"], made.count(table, new=False)),
            (words["unchanged"], made.unchanged.get(table, 0)), (words["not_in_the_files"], made.left.get(table, 0)),
        )  # fmt: skip
        told = [f"{word} {count}" for word, count in counts if count]
        if told:
            click.echo(f"{table}{words.colon}{' · '.join(told)}")


def _line(change: Change, words: Words) -> str:
    shown = printable(change.shown)
    if change.is_new:
        return f"{words['added']}{words.colon}{shown}"
    keys = ", ".join(
        f"{key} {printable(_short(change.before.get(key)))} → {printable(_short(value))}"
        for key, value in change.after.items()
    )
    return f"{words['changed']}{words.colon}{shown}{words.colon}{keys}"


def _short(value: Any) -> str:
    text = "–" if value is None or value in ("", []) else str(_plain(value))
    return text if len(text) <= 60 else f"{text[:60]}…"


def _plain(value: Any) -> Any:
    """As JSON has it: texts for days and amounts."""
    return value if value is None or isinstance(value, str | int | float | list | dict) else str(value)
