# SPDX-License-Identifier: Apache-2.0
"""``lichen factors``."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from lichen.cli.invocation import Invocation, common_options
from lichen.cli.outputs import check_file
from lichen.cli.words import Words

if TYPE_CHECKING:
    from lichen.render.numbers import Numbers

_VALUED: Final = ("--config", "--lang")
_PLACE: Final = click.option(
    "--zone", "place", metavar="ZONE", help="Country, grid zone or cloud region (aws:eu-west-3)."
)
_DAY: Final = click.option(
    "--on",
    type=click.DateTime(["%Y-%m-%d"]),
    metavar="DATE",
    help="Day whose vintage answers, the latest when not given.",
)


class _Factors(click.Group):
    """A group whose first word is a search unless it names a command."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        words = iter(args)
        first = ""
        for word in words:
            if word in _VALUED:
                next(words, "")
            elif not word.startswith("-"):
                first = word
                break
        if first not in self.commands and not {"-h", "--help"} & set(args):
            args = ["search", *args]
        return super().parse_args(ctx, args)


@click.group(
    "factors",
    cls=_Factors,
    epilog="""\b
Examples:
  lichen factors grid --zone FR
  lichen factors show facility.pue --zone aws:eu-west-3
  lichen factors diff old-packs/ our-house.toml
  lichen factors fetch rte --zone FR --from 2026-03-01 --to 2026-03-31 -o fr.csv""",
)
@common_options
def command() -> None:
    """Search the factors; open one; compare packs; list licences; fetch hours.

    `lichen factors WORD…` is short for `lichen factors search WORD…`.
    """


@command.command("search", epilog="Example: lichen factors grid water --zone DE --on 2023-06-01")
@click.argument("words", metavar="[WORD…]", nargs=-1)
@_PLACE
@_DAY
@click.option("--source", default="", metavar="WORD", help="Only rows whose source has this in its key or title.")
@common_options
@click.pass_obj
def search(invocation: Invocation, words: tuple[str, ...], place: str | None, on: datetime | None, source: str) -> None:
    """List the factors whose id, unit, comment or source holds every WORD."""
    from lichen.service import factors

    workspace = invocation.workspace()
    query = factors.Query(words=words, place=place, on=on.date() if on else None, source=source)
    rows = factors.search(workspace, query)
    if invocation.json:
        invocation.print_json(rows)
        return
    printer = _Printer(invocation, workspace.settings.lang)
    if not rows:
        click.echo(printer.words["no_factor_fits"])
        return
    printer.table(
        ("factor", "value", "range", "unit", "place_asked", "valid", "source"),
        (
            (
                row["id"],
                *printer.figures(row),
                row["unit"],
                printer.place(row),
                row["valid_from"][:4],
                printer.source(row),
            )
            for row in rows
        ),
    )


@command.command("show", epilog="Example: lichen factors show grid.gwp100 --zone US-CA --json")
@click.argument("factor_id", metavar="ID")
@_PLACE
@_DAY
@common_options
@click.pass_obj
def show(invocation: Invocation, factor_id: str, place: str | None, on: datetime | None) -> None:
    """Show one factor whole: row, range, validity, the places asked, source, licence, pack."""
    from lichen.service import factors

    workspace = invocation.workspace()
    found = factors.show(workspace, factor_id, place, on.date() if on else None)
    if invocation.json:
        invocation.print_json(found)
        return
    _Printer(invocation, workspace.settings.lang).factor(found)


@command.command("diff", epilog="Example: lichen factors diff 2025-packs/ 2026-packs/ --json")
@click.argument("old", type=click.Path(path_type=Path))
@click.argument("new", type=click.Path(path_type=Path), required=False)
@common_options
@click.pass_obj
def diff(invocation: Invocation, old: Path, new: Path | None) -> None:
    """Say what changes from one pack, or folder of packs, to another; to the factors in force when NEW is not given.

    A run file as OLD says whether its factors are those in force.
    """
    from lichen.service import factors

    workspace = invocation.workspace()
    found = factors.difference(workspace, old, new)
    if invocation.json:
        invocation.print_json(found)
        return
    _Printer(invocation, workspace.settings.lang).difference(found)


@command.command(
    "fetch",
    epilog="""\b
Sources: electricity-maps, entsoe, neso (GB), rte (FR).
Example: lichen factors fetch rte --zone FR --from 2026-03-01 --to 2026-03-31 -o fr.csv""",
)
@click.argument("adapter", metavar="SOURCE")
@click.option("--zone", required=True, metavar="ZONE", help="Country or grid zone.")
@click.option(
    "--from", "first", required=True, type=click.DateTime(["%Y-%m-%d"]), metavar="DATE", help="First day (UTC)."
)
@click.option("--to", "last", required=True, type=click.DateTime(["%Y-%m-%d"]), metavar="DATE", help="Last day (UTC).")
@click.option(
    "--output", "-o", "file", required=True, type=click.Path(path_type=Path), metavar="FILE", help="Grid file to write."
)
@click.option("--url", metavar="ADDRESS", help="Address that answers in place of the source's own.")
@common_options
@click.pass_obj
def fetch(invocation: Invocation, /, adapter: str, first: datetime, last: datetime, **said: Any) -> None:
    """Ask a source for electricity by the hour, and write the file that extend.grids names.

    This is the only command that asks for factors over the network.
    """
    from lichen.service import factors

    workspace = invocation.workspace()
    check_file(said["file"], workspace.settings.file)
    wanted = factors.Fetch(adapter=adapter, first=first.date(), last=last.date(), **said)
    found = factors.fetch_grid(workspace, wanted, os.environ)
    if invocation.json:
        invocation.print_json(found)
        return
    printer = _Printer(invocation, workspace.settings.lang)
    count = printer.numbers.integer(found["intervals"])
    click.echo(printer.words["fetched"].format(file=found["file"], count=count, zone=found["zone"]))
    for key in ("source", "licence"):
        click.echo(f"{printer.words[key]}{printer.words.colon}{found[key]}")


@command.command("licences", epilog="Example: lichen factors licences --json")
@common_options
@click.pass_obj
def licences(invocation: Invocation) -> None:
    """List the licences of the rows, with their sources."""
    from lichen.service import factors

    workspace = invocation.workspace()
    found = factors.licences(workspace)
    if invocation.json:
        invocation.print_json(found)
        return
    printer = _Printer(invocation, workspace.settings.lang)
    printer.table(
        ("licence", "rows", "sources"),
        ((row["licence"], printer.numbers.integer(row["rows"]), ", ".join(row["sources"])) for row in found),
    )


class _Printer:
    """Factors as lines and tables, in one language."""

    def __init__(self, invocation: Invocation, lang: str) -> None:
        from lichen.render.numbers import Numbers

        self._invocation = invocation
        self.words = Words(lang)
        self.numbers: Numbers = Numbers(lang)

    def table(self, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
        from rich.box import SIMPLE_HEAD
        from rich.table import Table

        table = Table(*(self.words[column] for column in columns), box=SIMPLE_HEAD, pad_edge=False)
        for row in rows:
            table.add_row(*row)
        self._invocation.console().print(table)

    def figures(self, row: Mapping[str, Any]) -> tuple[str, str]:
        if row.get("vector"):
            return self.words["steps"].format(count=len(row["vector"])), ""
        value, low, high = (self.numbers.raw(row[name]) for name in ("value", "low", "high"))
        return value, "" if low == high else f"{low} – {high}"

    def place(self, row: Mapping[str, Any]) -> str:
        asked = row["fallback"]
        return f"{row['geography']} ({self.words['fallback']} {asked[0]})" if asked else str(row["geography"])

    def source(self, row: Mapping[str, Any]) -> str:
        own = self._own(row)
        return f"{row['source']} ({own})" if own else str(row["source"])

    def _own(self, row: Mapping[str, Any]) -> str:
        if row.get("replaces"):
            return self.words["own_instead"].format(pack=row["replaces"])
        return self.words["own"] if row["own"] else ""

    def _validity(self, row: Mapping[str, Any]) -> str:
        key = "valid_span" if row["valid_to"] else "valid_open"
        return self.words[key].format(start=row["valid_from"], end=row["valid_to"])

    def factor(self, row: Mapping[str, Any]) -> None:
        def say(key: str, text: str) -> None:
            click.echo(f"{self.words[key]}{self.words.colon}{text}")

        value, spread = self.figures(row)
        click.echo(f"{click.style(row['id'], bold=True)} {value}{_unit(row)}")
        if spread:
            say(
                "range_assumed" if row["range_basis"] == "assumed" else "range_source",
                f"{spread} ({row['distribution']})",
            )
        say("place_asked", self.place(row))
        say("valid", self._validity(row))
        say(
            "asked",
            " > ".join(
                step["place"] if step["has_row"] else self.words["no_row"].format(place=step["place"])
                for step in row["asked"]
            ),
        )
        own = self._own(row)
        say("pack", f"{row['pack']} ({own})" if own else row["pack"])
        source = row["source_record"]
        say("source", f"{source['title']}. {source['publisher']}, {source['year']}. {source['url']}")
        say("licence", row["licence"])
        if row["comment"]:
            say("comment", row["comment"])
        if len(row["vintages"]) > 1:
            say(
                "vintages",
                "; ".join(f"{one['valid_from'][:4]} {self.numbers.raw(one['value'])}" for one in row["vintages"]),
            )
        say("places", self.numbers.integer(len(row["places"])))

    def difference(self, found: Mapping[str, Any]) -> None:
        if "same" in found:
            key = {True: "same_factors", False: "other_factors", None: "unknown_factors"}[found["same"]]
            click.echo(self.words[key])
            return
        for row in found["changed"]:
            percent = "" if row["percent"] is None else f" ({row['percent']:+.1f} %)"
            if self.words.colon != ": ":
                percent = percent.replace(".", ",")
            others = sorted(set(row["fields"]) - {"value"})
            click.echo(
                f"{self.words['changed']}{self.words.colon}{row['id']} {row['geography']} {row['valid_from'][:4]} "
                f"{self.numbers.raw(row['old'])} → {self.numbers.raw(row['new'])}{_unit(row)}{percent}"
                + (f" [{', '.join(others)}]" if others else "")
            )
        for key in ("added", "removed"):
            for row in found[key]:
                click.echo(
                    f"{self.words[key]}{self.words.colon}{row['id']} {row['geography']} {row['valid_from'][:4]} "
                    f"{self.figures(row)[0]}{_unit(row)}"
                )
        if not any(found.values()):
            click.echo(self.words["no_difference"])


def _unit(row: Mapping[str, Any]) -> str:
    """`` gCO2e/kWh``; empty for a ratio."""
    return "" if row["unit"] == "1" else f" {row['unit']}"
