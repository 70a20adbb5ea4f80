# SPDX-License-Identifier: Apache-2.0
"""Lines of a bill summed by everything that is no amount: what is left is small enough to be understood."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from lichen.collect.bills.line import AMOUNTS, DECIMAL, KEYS
from lichen.collect.bills.lines import UNREADABLE

if TYPE_CHECKING:
    import ibis.expr.types as ir

COUNT: Final = "lines"
"""Column that counts the lines of a charge."""
COUNTS: Final = (COUNT, UNREADABLE)
_MAY_LACK: Final = ("quantity", "list_cost")
"""Amounts that a bill may leave out: a sum of which one is unknown is unknown."""
_TYPE: Final = f"decimal({DECIMAL[0]}, {DECIMAL[1]})"


def charges(lines: ir.Table) -> ir.Table:
    """Charges of lines: one row for each of their distinct keys, with exact sums, and how many lines and unreadable values they had.

    Args:
        lines: as `lichen.collect.bills.lines.checked_lines` reads them.
    """
    return again(lines.mutate(**{COUNT: 1}))


def again(charges: ir.Table) -> ir.Table:
    """Charges of several files as those of one."""
    import ibis

    sums = {
        name: ibis.ifelse(charges[name].isnull().any(), ibis.null(_TYPE), charges[name].sum()).cast(_TYPE)
        if name in _MAY_LACK
        else charges[name].sum().cast(_TYPE)
        for name in AMOUNTS
    }
    counts = {name: charges[name].sum().cast("int64") for name in COUNTS}
    return charges.group_by(list(KEYS)).aggregate(**sums, **counts)
