# SPDX-License-Identifier: Apache-2.0
"""Lines of a bill summed by everything that is no amount: what is left is small enough to be understood."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from lichen.collect.bills.line import AMOUNTS, CELLS, DECIMAL, KEYS
from lichen.collect.bills.lines import UNREADABLE

if TYPE_CHECKING:
    import ibis.expr.types as ir

COUNT: Final = "lines"
"""Column that counts the lines of a charge."""
DAYS: Final = tuple(cell.name for cell in CELLS if cell.kind == "day")
COUNTS: Final = (COUNT, UNREADABLE)
_MAY_LACK: Final = ("quantity", "list_cost")
"""Amounts that a bill may leave out: a sum of which one is unknown is unknown."""
_TYPE: Final = f"decimal({DECIMAL[0]}, {DECIMAL[1]})"


def added(counts: ir.Value) -> ir.IntegerValue:
    """A sum of counts as the whole number that it is: DuckDB gives one of 128 bits, and Ibis does not know."""
    return counts.sum().cast("float64").cast("int64")


def as_day(moment: ir.Value) -> ir.DateValue:
    """A day of its own type: DuckDB makes timestamps of days that are truncated or moved, and Ibis does not know."""
    return moment.cast("timestamp").cast("date")


def again(charges: ir.Table) -> ir.Table:
    """Charges: one row for each of their distinct keys, with exact sums and counts of lines and unreadable values.

    Args:
        charges: as `lichen.collect.bills.lines.summed_lines` reads them, or those of several files.
    """
    import ibis

    charges = charges.mutate(**{name: as_day(charges[name]) for name in DAYS})
    sums = {
        name: ibis.ifelse(charges[name].isnull().any(), ibis.null(_TYPE), charges[name].sum()).cast(_TYPE)
        if name in _MAY_LACK
        else charges[name].sum().cast(_TYPE)
        for name in AMOUNTS
    }
    counts = {name: added(charges[name]) for name in COUNTS}
    return charges.group_by(list(KEYS)).aggregate(**sums, **counts)
