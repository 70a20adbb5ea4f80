# SPDX-License-Identifier: Apache-2.0
"""Lines of a bill summed by everything that is no amount: what is left is small enough to be understood."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from lichen.collect.bills.line import DECIMAL, KEYS

if TYPE_CHECKING:
    import ibis.expr.types as ir

COUNT: Final = "lines"
"""Column that counts the lines of a charge."""
_MAY_LACK: Final = ("quantity", "list_cost")
"""Amounts that a bill may leave out: a sum of which one is unknown is unknown."""
_TYPE: Final = f"decimal({DECIMAL[0]}, {DECIMAL[1]})"


def charges(lines: ir.Table) -> ir.Table:
    """Charges of lines: one row for each of their distinct keys, with exact sums and ``lines``, how many there were.

    Args:
        lines: columns `lichen.collect.bills.line.CELLS`.
    """
    return _summed(lines, lines.count())


def again(charges: ir.Table) -> ir.Table:
    """Charges of several files as those of one."""
    return _summed(charges, charges[COUNT].sum())


def _summed(rows: ir.Table, count: ir.IntegerScalar) -> ir.Table:
    import ibis

    sums = {
        name: ibis.ifelse(rows[name].isnull().any(), ibis.null(_TYPE), rows[name].sum()).cast(_TYPE)
        if name in _MAY_LACK
        else rows[name].sum().cast(_TYPE)
        for name in ("quantity", "billed_cost", "effective_cost", "list_cost")
    }
    return rows.group_by(list(KEYS)).aggregate(**sums, **{COUNT: count.cast("int64")})
