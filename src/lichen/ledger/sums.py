# SPDX-License-Identifier: Apache-2.0
"""Sums of activities, as Ibis expressions: DuckDB runs them here, Spark on a cluster."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import reduce
from operator import and_
from typing import TYPE_CHECKING, Any, Final, Literal

from lichen.ledger.reader import Selection
from lichen.ledger.tables import SUMMED

if TYPE_CHECKING:
    import ibis.expr.types as ir

Key = Literal[
    "source", "month", "day", "run_id", "application", "part", "journey", "step", "tier", "boundary", "zone", "region",
    "platform", "device", "network", "method", "functional_unit", "attributes", "entity", "service", "account", "resource",
    "family", "coverage", "currency",
]  # fmt: skip
"""Columns that sums may be asked by; quantity, unit and basis are told apart in any case."""

LARGE: Final = "B.s"
"""Unit of values that outgrow this DECIMAL: a petabyte kept for four months already has 23 digits before the point."""
SCALED: Final = "GB.s"
"""Unit that they are summed in."""
SCALE: Final = 10**9


def totals(
    activities: ir.Table, by: Sequence[Key], *, peaks: Collection[str], selection: Selection | None = None
) -> ir.Table:
    """What activities add up to, by columns, quantity, unit and basis.

    Rows of the basis ``per_unit`` hold one functional unit each time they are measured: their sum over several runs is divided by
    ``runs`` to be the mean of a run.

    Args:
        activities: the table, from `Ledger.ibis` or of another engine.
        by: columns.
        peaks: quantities that are not additive; their highest value stands in place of the sum.
        selection: rows; all when None.

    Returns:
        ``value`` in ``unit`` (null when one of the values is unknown), ``unknown`` and ``rows`` (counts), ``runs`` (distinct).
        Byte-seconds are in `SCALED`. Money adds up within one currency only: ask by ``currency`` where there may be several.
    """
    import ibis

    rows = activities.filter(chosen(activities, selection)) if selection and selection.given() else activities
    large = rows.unit == LARGE
    exact = ibis.ifelse(large, rows.value / float(SCALE), rows.value).cast(f"decimal({SUMMED[0]}, {SUMMED[1]})")
    rows = rows.mutate(unit=ibis.ifelse(large, ibis.literal(SCALED), rows.unit), exact=exact)
    keys = [*by, *(name for name in ("quantity", "unit", "basis") if name not in by)]
    summed = rows.group_by(keys).aggregate(
        total=rows.exact.sum(),
        peak=rows.exact.max(),
        unknown=rows.value.isnull().sum(),
        rows=rows.count(),
        runs=rows.run_id.nunique(),
    )
    value = ibis.ifelse(summed.quantity.isin(sorted(peaks)), summed.peak, summed.total) if peaks else summed.total
    known: Any = ibis.ifelse(summed.unknown > 0, ibis.null(), value)
    return summed.mutate(value=known).select(*keys, "value", "unknown", "rows", "runs").order_by(keys)


def costs(activities: ir.Table, by: Sequence[Key], *, selection: Selection | None = None) -> ir.Table:
    """What money adds up to, by columns and currency, exact to the last digit of the bills.

    Args:
        activities: the table, from `Ledger.ibis` or of another engine.
        by: columns.
        selection: rows; all when None. Sources may tell of the same money: choose among them.

    Returns:
        ``effective``, ``billed`` and ``listed`` (null where no row tells it), ``rows``.
    """
    rows = activities.filter(chosen(activities, selection)) if selection and selection.given() else activities
    rows = rows.filter(rows.quantity == "cost")
    rows = rows.mutate(exact=rows.effective_amount.fill_null(rows.amount.cast(f"decimal({SUMMED[0]}, {SUMMED[1]})")))
    keys = [*by, *(["currency"] if "currency" not in by else [])]
    summed = rows.group_by(keys).aggregate(
        effective=rows.exact.sum(), billed=rows.billed_amount.sum(), listed=rows.list_amount.sum(), rows=rows.count()
    )
    return summed.order_by(keys)


def chosen(table: ir.Table, selection: Selection) -> Any:
    """The rows of a selection, as a condition."""
    import ibis

    found = [table[name].isin(sorted(values)) for name, values in selection.words("activities")]
    if (first := selection.first_day) is not None:
        found += [table.month >= selection.months()[0], table.day >= ibis.literal(first)]
    if (end := selection.end_day) is not None:
        found += [table.month <= selection.months()[1], table.day < ibis.literal(end)]
    return reduce(and_, found)
