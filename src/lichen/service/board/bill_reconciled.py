# SPDX-License-Identifier: Apache-2.0
"""Bills of a period beside the figures of their providers, month by month."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal

from lichen.portfolio.coverage import coverage_of_cost
from lichen.service.bills.differing import Reason
from lichen.service.bills.reconciling import Row, reconcile_between, vendor_sources
from lichen.service.board import periods
from lichen.service.board.bill_facts import bill_sources
from lichen.service.board.bill_views import ReconciledRow
from lichen.service.board.reading import Look


def state_of_vendors(look: Look) -> str:
    """Another text whenever providers' figures may be others; empty where none were imported."""
    sources = vendor_sources(look.context)
    return look.context.ledger.state(sources) if sources else ""


def reconciled(look: Look) -> tuple[ReconciledRow, ...]:
    """Each provider and month of the period of which anything was imported; none without a bill or a provider's figures."""
    bills = bill_sources(look)
    if not bills or not vendor_sources(look.context):
        return ()
    first, last = look.span
    held = reconcile_between(look.context, look.method.method_id, bills, (first, periods.moved(last, 1)))
    months: dict[tuple[str, str], list[Row]] = {}
    for row in held.rows:
        if Reason.NO_EXPORT not in row.why:
            months.setdefault((row.place.month, row.place.provider), []).append(row)
    return tuple(month_of(*place, rows) for place, rows in months.items())


def month_of(month: str, provider: str, rows: Sequence[Row]) -> ReconciledRow:
    """A provider's month, from its accounts, services and regions."""
    pairs = [pair for row in rows for pair in _pairs(row)]
    ours = math.fsum(pair[0] for pair in pairs) if pairs else None
    theirs = math.fsum(pair[1] for pair in pairs) if pairs else None
    both = [row for row in rows if _pairs(row)]
    return ReconciledRow(
        provider=provider, month=month, ours=ours, theirs=theirs,
        ratio=ours / theirs if ours is not None and theirs else None, coverage=_coverage(both or rows),
        why=_why(rows),
    )  # fmt: skip


def _pairs(row: Row) -> list[tuple[float, float]]:
    """Figures that are compared: what runs, making, and the whole where the provider tells no scopes apart."""
    whole = None if row.use is None or row.embodied is None else row.use + row.embodied
    sides = ((row.use, row.operational), (row.embodied, row.making), (whole, row.total))
    return [(ours, theirs) for ours, theirs in sides if ours is not None and theirs is not None]


def _coverage(rows: Iterable[Row]) -> float | None:
    """By the currency with the highest cost; None where usage costs nothing."""
    sums: dict[str, dict[str, Decimal]] = {}
    for row in rows:
        for currency, amounts in row.costs.items():
            of = sums.setdefault(currency, {})
            for word, amount in amounts.items():
                of[word] = of.get(word, Decimal(0)) + amount
    return coverage_of_cost(max(sums.values(), key=_weight)) if sums else None


def _weight(amounts: Mapping[str, Decimal]) -> Decimal:
    return sum(map(abs, amounts.values()), Decimal(0))


def _why(rows: Iterable[Row]) -> tuple[str, ...]:
    """Why the sides differ: what concerns most of the emissions first."""
    weights: dict[Reason, float] = {}
    for row in rows:
        ours = (row.use or 0.0) + (row.embodied or 0.0)
        theirs = (row.operational or 0.0) + (row.making or 0.0) + (row.total or 0.0)
        for reason in row.why:
            weights[reason] = weights.get(reason, 0.0) + max(ours, theirs)
    ordered = list(Reason)
    return tuple(str(one) for one in sorted(weights, key=lambda one: (-weights[one], ordered.index(one))))
