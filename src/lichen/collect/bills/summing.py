# SPDX-License-Identifier: Apache-2.0
"""Lines of a bill summed by everything that is no amount: what is left is small enough to be understood."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from lichen.collect.bills.line import CELLS

if TYPE_CHECKING:
    import ibis.expr.types as ir

COUNT: Final = "lines"
"""Column that counts the lines of a charge."""
DAYS: Final = tuple(cell.name for cell in CELLS if cell.kind == "day")


def added(counts: ir.Value) -> ir.IntegerValue:
    """A sum of counts as the whole number that it is: DuckDB gives one of 128 bits, and Ibis does not know."""
    return counts.sum().cast("float64").cast("int64")


def as_day(moment: ir.Value) -> ir.DateValue:
    """A day of its own type: DuckDB makes timestamps of days that are truncated or moved, and Ibis does not know."""
    return moment.cast("timestamp").cast("date")


def charges(lines: ir.Table) -> ir.Table:
    """Charges of lines that were summed as a file writes them. Those that are read alike stay apart: later sums join them.

    Args:
        lines: as `lichen.collect.bills.lines.summed_lines` reads them.
    """
    return lines.mutate(**{name: as_day(lines[name]) for name in DAYS})
