# SPDX-License-Identifier: Apache-2.0
"""What the imports into the store share on the command line: their flags, and the lines that tell what was read and written."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

from lichen.cli.invocation import Invocation
from lichen.cli.words import Words

if TYPE_CHECKING:
    from babel import Locale

    from lichen.service.importing_tables import Imported

Number = float | Decimal | None
F = TypeVar("F", bound=Callable[..., Any])
_MOST_SHOWN: Final = 5


def store_options(command: F) -> F:
    """Adds ``--source``, ``--create`` and ``--dry-run``."""
    options = (
        click.option("--source", metavar="NAME", help="Name under which rows are kept; importing under it again replaces them."),
        click.option("--create", is_flag=True, help="Make applications that do not exist yet, without a team."),
        click.option("--dry-run", is_flag=True, help="Read and count, and write nothing."),
    )  # fmt: skip
    for option in reversed(options):
        command = option(command)
    return command


def show(invocation: Invocation, imported: Imported) -> None:
    """Prints what was imported, as JSON with ``--json``."""
    from babel import Locale

    from lichen.config import resolve_lang

    if invocation.json:
        invocation.print_json(imported.to_json())
        return
    lang = resolve_lang(invocation.lang or "auto", os.environ)
    words = Words(lang)
    for line in _lines(imported, words, Locale(lang)):
        click.echo(line)


def _lines(imported: Imported, words: Words, locale: Locale) -> Iterator[str]:
    from babel.numbers import format_decimal

    from lichen.render.figures import plain

    def number(value: Number) -> str:
        return words["imported_unknown"] if value is None else str(format_decimal(value, locale=locale))

    yield _entry(words, "source", plain(imported.source))
    if imported.first is not None and imported.last is not None:
        shape = "%Y-%m-%d" if imported.kind == "traffic" else "%Y-%m"
        first, last = imported.first.strftime(shape), imported.last.strftime(shape)
        yield _entry(
            words, "imported_period", first if first == last else words["imported_span"].format(first=first, last=last)
        )
    yield _entry(words, "rows", number(imported.rows))
    yield from _traffic(imported.details, words, number)
    if imported.dry_run:
        yield from _outside(imported.details, words, number)
    yield from _tables(imported, words, number)
    yield from _written(imported, words, number)


def _entry(words: Words, key: str, text: str) -> str:
    return f"{words[key]}{words.colon}{text}"


def _traffic(details: dict[str, Any], words: Words, number: Callable[[Number], str]) -> Iterator[str]:
    from lichen.render.figures import plain

    for row in details.get("traffic", ()):
        name = words["imported_whole"] if row["journey"] is None else plain(row["journey"])
        told = words["imported_traffic"].format(visits=number(row["visits"]), views=number(row["page_views"]))
        yield f"{name}{words.colon}{told}"
    for key in ("lines", "robots", "other", "malformed", "late", "unmatched", "unknown_visits"):
        if details.get(key):
            yield _entry(words, f"imported_{key}", number(details[key]))
    if details.get("malformed_at"):
        yield _entry(words, "imported_malformed_at", ", ".join(details["malformed_at"]))
    if details.get("without_agent"):
        yield words["imported_without_agent"]


def _outside(details: dict[str, Any], words: Words, number: Callable[[Number], str]) -> Iterator[str]:
    """The busiest paths of no journey, for who writes the rules."""
    from lichen.render.figures import plain

    for row in details.get("outside", ()):
        yield _entry(words, "imported_outside", f"{plain(row['path'])} ({number(row['page_views'])})")


def _tables(imported: Imported, words: Words, number: Callable[[Number], str]) -> Iterator[str]:
    for currency, amount in imported.totals.items():
        yield _entry(words, "imported_total", f"{number(amount)} {currency}")
    if imported.unallocated:
        yield _entry(words, "imported_unallocated", number(imported.unallocated))
    for key in ("machines", "without_power"):
        if imported.details.get(key):
            yield _entry(words, f"imported_{key}", number(imported.details[key]))


def _written(imported: Imported, words: Words, number: Callable[[Number], str]) -> Iterator[str]:
    from lichen.render.figures import plain

    written = imported.written
    if written is None:
        yield words["imported_dry_run"]
        return
    for code in written.made:
        yield _entry(words, "imported_made", plain(code))
    told = words["imported_written"].format(added=number(written.added), removed=number(written.removed))
    yield _entry(words, "written", told)
    if written.shrunk:
        days = [day.isoformat() for day in written.shrunk[:_MOST_SHOWN]]
        more = "…" if len(written.shrunk) > _MOST_SHOWN else ""
        yield _entry(words, "imported_shrunk", f"{', '.join(days)}{more}")
