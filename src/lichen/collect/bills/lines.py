# SPDX-License-Identifier: Apache-2.0
"""Reads the columns of a file into the cells of a line, as one Ibis expression that DuckDB and Spark both run.

Reading a text costs more than grouping by it. So lines are first summed by what a file writes, and only the sums are read:
`summed_lines`. Line by line, `lines` gives the same.
"""

from __future__ import annotations

from functools import reduce
from operator import add
from typing import TYPE_CHECKING, Final

import ibis

from lichen.collect.bills.line import CELLS, DECIMAL, ROW
from lichen.collect.bills.reading import NULLS, Reader, as_day, as_json, cleaned, columns_of, fingerprint

if TYPE_CHECKING:
    from collections.abc import Mapping

    import ibis.expr.types as ir

    from lichen.collect.bills.rule import Format

UNREADABLE: Final = "unreadable"
"""Column of `checked_lines`: how many of a line's amounts and days are texts that cannot be read; a line without a day counts."""
COUNT: Final = "lines"
"""Column of `summed_lines` and of all that is made of it: how many lines a row stands for."""

_KINDS: Final = {cell.name: cell.kind for cell in CELLS}
_AMOUNT: Final = f"decimal({DECIMAL[0]}, {DECIMAL[1]})"
_OWN: Final = "lichen_"
"""What our own columns begin with beside those of a file."""
_SALTS: Final = ("", "~")
_BEYOND: Final = f"{_OWN}beyond"
"""How many amounts of a sum are numbers that no amount can hold."""


def lines(table: ir.Table, one: Format) -> ir.Table:
    """The lines of a file: the columns of `line.CELLS`, in their order.

    Args:
        table: the file as an engine reads it: all columns of a CSV file as texts.
        one: its format.
    """
    return checked_lines(table, one).drop(UNREADABLE)


def checked_lines(table: ir.Table, one: Format) -> ir.Table:
    """The lines of a file, and how many values of each cannot be read: their sum above zero refuses the file."""
    reader = Reader(table, one)
    cells = _cells(reader)
    return table.select(**cells, **{UNREADABLE: reader.unreadable()})


def summed_lines(table: ir.Table, one: Format) -> ir.Table:
    """The lines of a file, summed: `checked_lines`, added up by all but amounts, with `COUNT`. Rows may share their keys.

    Lines are summed by the columns as they are written, by the day, and by which of their amounts are told, so that what is
    read of a sum is the sum of what is read of its lines.
    """
    raw = Reader(table, one)
    sums: dict[str, ir.Scalar] = {}
    beyond: list[ir.IntegerValue] = []
    keys: dict[str, ir.Value] = {}
    texts: dict[str, ir.Value] = {}
    for name in _named(one, raw, "amount"):
        sums[name] = raw.number(name).sum().cast(_AMOUNT)
        if raw.is_text(name):
            keys[f"{_OWN}{name}"] = raw.no_number(name)
        else:
            # A number already: that it is told is a smaller key, and those that no amount can hold are counted.
            keys[f"{_OWN}{name}"] = raw.is_null(name)
            beyond.append((~raw.is_null(name) & raw.number(name).isnull()).cast("int8"))
    days = {raw.columns.actual(name): one.rules["day"].dates for name in one.rules["day"].named}
    for name in _named(one, raw, "text", "day"):
        if name not in sums:
            key = raw.key(name, day=days.get(name))
            (keys if name in days or key.type().is_date() else texts)[name] = key
    count = f"{_OWN}{COUNT}"
    counts = {count: table.count().cast("int64"), **({_BEYOND: reduce(add, beyond).sum()} if beyond else {})}
    summed = _grouped(table, texts, keys, sums | counts)
    reader = Reader(summed, one, raw.columns)
    cells = _cells(reader)
    no_numbers = (cleaned(summed[f"{_OWN}{name}"]).notnull().cast("int8") for name in sums if raw.is_text(name))
    wrong = summed[count] * reduce(add, no_numbers, reader.unreadable())
    if beyond:
        wrong += summed[_BEYOND]
    return summed.select(**cells, **{COUNT: summed[count], UNREADABLE: wrong})


def _grouped(
    table: ir.Table, texts: Mapping[str, ir.Value], keys: Mapping[str, ir.Value], sums: Mapping[str, ir.Scalar]
) -> ir.Table:
    """Sums by texts and by further keys.

    Where rows are numbered, they are grouped by fingerprints of their texts, and the texts are read of one row of each kind: a
    file that keeps texts in dictionaries gives their fingerprints for a tenth of what it costs to compare them.
    """
    if ROW not in table.columns or not texts:
        return table.group_by(**texts, **keys).aggregate(**sums)
    prints = _fingerprints(texts)
    summed = table.group_by(**prints, **keys).aggregate(**sums, **{ROW: table[ROW].min()})
    kinds = summed.group_by(list(prints)).aggregate(**{ROW: summed[ROW].min()})
    written = table.semi_join(kinds, ROW).select(**prints, **texts)
    return summed.drop(ROW).join(written, list(prints)).drop(*prints)


def _fingerprints(texts: Mapping[str, ir.Value]) -> dict[str, ir.Value]:
    """128 bits: no two kinds of lines of all the bills of the world share them. Each half sees other digests.

    Of digests, because an engine's hash of a text is made for speed: DuckDB's gives names that differ in few places the same.
    """
    told = [text if text.type().is_string() else as_json(text) for text in texts.values()]
    return {
        f"{_OWN}print_{half}": fingerprint(
            ibis.struct({f"{_OWN}{number}": (text + salt).hexdigest("md5") for number, text in enumerate(told)})
        )
        for half, salt in enumerate(_SALTS)
    }


def added(counts: ir.Value) -> ir.IntegerValue:
    """A sum of counts as the whole number that it is: DuckDB gives one of 128 bits, and Ibis does not know."""
    return counts.sum().cast("float64").cast("int64")


def unreadable(table: ir.Table, one: Format) -> ir.Table:
    """What of a file cannot be read: ``cell``, ``column`` (names of its columns), ``example`` (a text, or null), ``lines``.

    One row for each cell that has any; a second reading, for the message alone.
    """
    reader = Reader(table, one)
    for cell in CELLS:
        reader.cell(cell.name, cell.kind)
    rows = [
        table.filter(wrong).aggregate(
            cell=ibis.literal(name),
            column=ibis.literal(", ".join(one.rules[name].named)),
            example=text.max(),
            lines=lambda found: found.count(),
        )
        for name, (wrong, text) in reader.checks.items()
    ]
    return ibis.union(*rows, distinct=False).filter(ibis._.lines > 0)


def _cells(reader: Reader) -> dict[str, ir.Value]:
    cells = {cell.name: reader.cell(cell.name, cell.kind) for cell in CELLS}
    cells["period"] = ibis.coalesce(cells["period"], as_day(cells["day"].truncate("M")))
    cells["effective_cost"] = ibis.coalesce(cells["effective_cost"], cells["billed_cost"])
    cells["currency"] = cells["currency"].upper()
    return cells


def _named(one: Format, reader: Reader, *kinds: str) -> list[str]:
    """Columns of a file that cells of these kinds are read from, or depend on."""
    found: dict[str, None] = {}
    for name, rule in one.rules.items():
        if _KINDS[name] not in kinds and kinds == ("amount",):
            continue
        for source in rule.sources:
            named = (*source.named, *reader.columns.beginning(source.prefixes)) if _KINDS[name] in kinds else ()
            conditions = (source.column,) if kinds != ("amount",) and source.column else ()
            found.update(dict.fromkeys((*named, *conditions)))
    actual = (reader.columns.actual(name) for name in found)
    return list(dict.fromkeys(name for name in actual if name is not None))


__all__ = [
    "COUNT",
    "NULLS",
    "UNREADABLE",
    "added",
    "checked_lines",
    "columns_of",
    "lines",
    "summed_lines",
    "unreadable",
]
