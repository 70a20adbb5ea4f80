# SPDX-License-Identifier: Apache-2.0
"""Bills of the newest full month at one glance, for machines that look every few seconds."""

from __future__ import annotations

from dataclasses import dataclass

from lichen.service.board import periods
from lichen.service.board.bill_facts import CostFact, costs, documents, figures, kept, units
from lichen.service.board.bills import UNALLOCATED, main_currency, no_derivation, spent_of, uncovered_of
from lichen.service.board.queries import EVERYTHING, Visibility
from lichen.service.board.reading import HEADLINE, Look
from lichen.service.board.shapes import Figure
from lichen.service.context import ServiceContext


@dataclass(frozen=True, slots=True, kw_only=True)
class BillReading:
    """An application's bill in one currency; the code is empty for what belongs to nobody. coverage: None where unknown."""

    application: str
    currency: str
    cost: float | None
    coverage: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class BillReadings:
    """Everything that is seen. uncovered: cost without a figure by (reason, currency). gwp100: None without a figure."""

    rows: tuple[BillReading, ...]
    uncovered: tuple[tuple[str, str, float | None], ...]
    gwp100: Figure | None


def bill_readings(context: ServiceContext, seen: Visibility = EVERYTHING) -> BillReadings:
    """Bills of the newest full month."""
    with context.store.reading() as session:
        look = Look(context, session, seen)
        codes = None if seen.teams is None else tuple(sorted(one.code for one in look.applications))
        return kept(look, ("readings", codes, look.period.name), lambda: _read(look, codes))


def _read(look: Look, codes: tuple[str, ...] | None) -> BillReadings:
    months = look.span[0], periods.moved(look.span[1], 1)
    facts = costs(look, ("application", "coverage"), months, codes)
    currency = main_currency(look, facts)
    of_code: dict[str, list[CostFact]] = {}
    for fact in facts:
        of_code.setdefault(fact.application, []).append(fact)
    whole = figures(
        look, units(look, documents(look, ("month",), months, codes)).values(), [HEADLINE], no_derivation
    )  # fmt: skip
    return BillReadings(
        rows=tuple(
            BillReading(
                application=code, currency=one.currency, cost=None if one.effective is None else float(one.effective),
                coverage=one.coverage,
            )
            for code in sorted(of_code, key=lambda code: (code != UNALLOCATED, code))
            for one in spent_of(of_code[code], currency)
        ),
        uncovered=tuple(
            (row.reason, row.cost.currency, None if row.cost.amount is None else float(row.cost.amount))
            for row in uncovered_of(facts, currency)
        ),
        gwp100=whole.get(HEADLINE),
    )  # fmt: skip
