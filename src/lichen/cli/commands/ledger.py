# SPDX-License-Identifier: Apache-2.0
"""``lichen ledger``."""

from __future__ import annotations

from dataclasses import asdict
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lichen.cli.failure import report
from lichen.cli.invocation import Invocation, common_options, setting_option
from lichen.cli.words import Words
from lichen.errors import ExitCode

if TYPE_CHECKING:
    from lichen.ledger import Ledger
    from lichen.ledger.maintenance import Status
    from lichen.service.landing import Status as Landing

_place = setting_option("--ledger", "server.ledger", "PLACE")


@click.group(
    "ledger",
    epilog="""\b
Examples:
  lichen ledger ingest
  lichen ledger status --json
  lichen ledger compact
  lichen ledger retain --before 2025-01-01""",
)
@common_options
def command() -> None:
    """Keep run files as tables that other tools read."""


@command.command("ingest", epilog="Example: lichen ledger ingest lichen-runs --ledger s3://green/ledger")
@click.argument("folder", type=click.Path(path_type=Path), required=False)
@_place
@common_options
@click.pass_obj
def ingest(invocation: Invocation, folder: Path | None) -> None:
    """Append the run files of FOLDER that the ledger does not have.

    FOLDER is output.runs when not given. The ledger is made when there is none, and gets the traffic, costs and values that were
    imported. A damaged file is left out and told, and the exit code is 2 then.
    """
    from lichen.service.importing_ledger import bring_imports
    from lichen.service.ledger_ingest import ingest as append

    settings = invocation.settings()
    printer = _Printer(settings.lang)
    ledger = _opened(invocation, create=True)
    done = append(
        ledger, folder or settings.output.runs,
        lambda count, of: invocation.say(printer.words["files_done"].format(count=count, of=of)),
    )  # fmt: skip
    imported = bring_imports(ledger, settings)
    if invocation.json:
        invocation.print_json({**done.to_json(), "imported_rows": imported})
    else:
        printer.line("ledger", done.where)
        printer.line("run_files", done.files)
        printer.line("runs_added", done.outcome.runs)
        printer.line("rows_added", done.outcome.activities)
        printer.line("already", done.outcome.already)
        printer.line("imported_rows", imported or None)
        printer.line("expired", done.outcome.expired or None)
        printer.line("files_left_out", len(done.left_out) or None)
    for error in done.left_out:
        report(error, invocation.json)
    if done.left_out:
        raise click.exceptions.Exit(ExitCode.USAGE)


@command.command("status", epilog="Example: lichen ledger status --json")
@_place
@common_options
@click.pass_obj
def status(invocation: Invocation) -> None:
    """Say what the ledger holds, and how much room it takes.

    Beside a server's store: what waits to land in it, and what is set aside.
    """
    found = _opened(invocation).status()
    journal = _journal(invocation)
    if invocation.json:
        waiting = None if journal is None else {
            "waiting": journal.pending, "problem": journal.problem,
            "setbacks": [asdict(one) for one in journal.setbacks],
        }  # fmt: skip
        invocation.print_json({**_plain(asdict(found)), "journal": waiting})
        return
    printer = _Printer(invocation.settings().lang)
    printer.status(found)
    if journal is not None:
        printer.journal(journal)


@command.command("compact", epilog="Example: lichen ledger compact --keep-hours 1")
@click.option(
    "--keep-hours", type=click.IntRange(0), metavar="N", default=24, show_default=True,
    help="Replaced files stay so long for those who are reading them.",
)  # fmt: skip
@_place
@common_options
@click.pass_obj
def compact(invocation: Invocation, keep_hours: int) -> None:
    """Join small files, and remove what was replaced.

    Others may write and read meanwhile.
    """
    done = asdict(_opened(invocation).compact(keep_hours))
    if invocation.json:
        invocation.print_json(done)
        return
    printer = _Printer(invocation.settings().lang)
    for key, value in done.items():
        printer.line(key, value)


@command.command("retain", epilog="Example: lichen ledger retain --before 2025-01-01")
@click.option(
    "--before", "first_day", required=True, type=click.DateTime(["%Y-%m-%d"]), metavar="DATE",
    help="First day that is kept (UTC).",
)  # fmt: skip
@_place
@common_options
@click.pass_obj
def retain(invocation: Invocation, first_day: datetime) -> None:
    """Remove everything from before a day, for good.

    Runs from before it are not ingested again. Run files are not touched. Files that hold removed rows go with the first `lichen
    ledger compact` a day later.
    """
    done = _opened(invocation).retain(first_day.date())
    if invocation.json:
        invocation.print_json(_plain(asdict(done)))
        return
    printer = _Printer(invocation.settings().lang)
    printer.line("retained_from", done.first_day)
    printer.line("runs_removed", done.runs)
    printer.line("rows_removed", done.activities)
    printer.line("evidence_removed", done.evidence_removed)


def _opened(invocation: Invocation, *, create: bool = False) -> Ledger:
    from lichen.ledger import open_ledger
    from lichen.service.context import ledger_place

    return open_ledger(ledger_place(invocation.settings()), create=create)


def _journal(invocation: Invocation) -> Landing | None:
    """How runs of the server's journal land; None where there is no store."""
    from lichen.service.context import has_store, open_context
    from lichen.service.workspace import Workspace

    settings = invocation.settings()
    if not has_store(settings):
        return None
    from lichen.service import landing

    context = open_context(Workspace(settings))
    with context.store:
        return landing.status(context)


def _plain(found: dict[str, Any]) -> dict[str, Any]:
    return {key: value.isoformat() if isinstance(value, date) else value for key, value in found.items()}


class _Printer:
    """Facts as lines, in one language."""

    def __init__(self, lang: str) -> None:
        from lichen.render.numbers import Numbers

        self.words = Words(lang)
        self._numbers = Numbers(lang)

    def line(self, key: str, value: str | date | int | None) -> None:
        """A name and its value; nothing when there is no value."""
        if value is not None:
            self._say(self.words[key], self._numbers.integer(value) if isinstance(value, int) else str(value))

    def status(self, found: Status) -> None:
        """What a ledger holds."""
        self.line("ledger", found.where)
        self.line("runs", found.runs)
        for source, rows in found.activities.items():
            self._say(self.words["rows_of"].format(source=source), self._numbers.integer(rows))
        self.line("applications", found.applications)
        if found.first_day is not None:
            self.line("days", self.words["days_span"].format(first=found.first_day, last=found.last_day))
        self.line("retained_from", found.retained_from)
        self._files("tables", found.table_files, found.table_bytes)
        self._files("evidence", found.evidence_files, found.evidence_bytes)

    def journal(self, found: Landing) -> None:
        """What waits to land."""
        self.line("journal_waiting", found.pending)
        self.line("journal_problem", found.problem or None)
        for one in found.setbacks:
            self.line("set_aside" if one.is_aside else "tried_again", f"{one.run_id} ({one.application}): {one.reason}")

    def _files(self, key: str, count: int, size: int) -> None:
        shown = self._numbers.amount(size, "B").text
        self.line(key, self.words["files_size"].format(count=self._numbers.integer(count), size=shown))

    def _say(self, name: str, value: str) -> None:
        click.echo(f"{name}{self.words.colon}{value}")
