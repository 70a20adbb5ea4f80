# SPDX-License-Identifier: Apache-2.0
"""The bills of a period: of one application, by service and region; and of all applications."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Final

from lichen.collect.bills.meter import ESTIMATED
from lichen.portfolio.coverage import coverage_of_cost
from lichen.portfolio.money import add
from lichen.service.board import lists, periods
from lichen.service.board.bill_extrapolating import extrapolated
from lichen.service.board.bill_facts import (
    CostFact,
    Groups,
    bill_sources,
    costs,
    documents,
    figures,
    kept,
    units,
    values,
)
from lichen.service.board.bill_imports import newest_imports
from lichen.service.board.bill_reconciled import reconciled, state_of_vendors
from lichen.service.board.bill_views import (
    ApplicationBillView,
    BillRow,
    BillsView,
    ExtrapolatedRow,
    Spent,
    UncoveredRow,
)
from lichen.service.board.queries import EVERYTHING, PAGE_ROWS, Visibility
from lichen.service.board.reading import HEADLINE, Look
from lichen.service.board.rows import Curve, PartRow
from lichen.service.board.shapes import Figure, Money, Named, Point
from lichen.service.board.sources import beside, tier_claims
from lichen.service.board.units import Unit
from lichen.service.context import ServiceContext
from lichen.store.queries import board as queries
from lichen.store.queries.board import AppFact

BESIDE: Final = (HEADLINE, "energy", "water")
"""Indicators that stand beside a cost."""
UNALLOCATED: Final = ""
"""Application of what belongs to nobody."""
LEVEL: Final = "bill"
"""Of the derivation of a bill's figure."""
_TIER: Final = "server"


@dataclass(frozen=True, slots=True)
class _Told:
    """What the ledger tells of an application's bill."""

    spent: tuple[Spent, ...] = ()
    figures: Mapping[str, Figure] | None = None
    uncovered: tuple[UncoveredRow, ...] = ()
    extrapolated: ExtrapolatedRow | None = None
    services: tuple[BillRow, ...] = ()
    regions: tuple[BillRow, ...] = ()
    curves: tuple[Curve, ...] = ()


def application_bill(
    context: ServiceContext, code: str, seen: Visibility = EVERYTHING, *, period: str | None = None
) -> ApplicationBillView | None:
    """An application's part of the bills; None when there is none with this code, or it is not seen.

    Raises:
        UsageError: a period that does not exist.
        StorageError: the ledger is away.
    """
    with context.store.reading() as session:
        look = Look(context, session, seen, period)
        fact = next((one for one in look.applications if one.code == code), None)
        if fact is None:
            return None
        told = kept(look, ("application", code, look.period.name), lambda: _application(look, code))
        return ApplicationBillView(
            frame=look.frame(), application=lists.named(fact), spent=told.spent, figures=told.figures or {},
            uncovered=told.uncovered, extrapolated=told.extrapolated, services=told.services,
            regions=told.regions, curves=told.curves,
            server=_server(look, fact), sources=tuple(bill_sources(look)) if told.spent else (),
        )  # fmt: skip


def bills(
    context: ServiceContext, seen: Visibility = EVERYTHING, *, period: str | None = None, page: int = 1
) -> BillsView:
    """All bills of a period, by application.

    Raises:
        UsageError: a period that does not exist.
        StorageError: the ledger is away.
    """
    with context.store.reading() as session:
        look = Look(context, session, seen, period)
        codes = None if seen.teams is None else tuple(sorted(one.code for one in look.applications))
        # Figures of providers come in without a trace in the store.
        said = "" if codes is not None else state_of_vendors(look)
        return kept(look, ("bills", codes, look.period.name, page, said), lambda: _bills(look, codes, page))


def _application(look: Look, code: str) -> _Told:
    first, last = look.trend_span
    months = first, periods.moved(last, 1)
    facts = costs(look, ("month", "service", "region", "family", "coverage"), months, [code])
    if not facts:
        return _Told()
    currency = main_currency(look, facts)
    groups = by_region(documents(look, ("month", "service", "family"), months, [code]))
    shown = _of_span(look, groups)
    of_span = [fact for fact in facts if _is_in(look, fact.month)]
    figured = units(look, shown)

    def rows_by(place: int, of: Callable[[CostFact], str], ref: Callable[[str], str]) -> tuple[BillRow, ...]:
        rows = []
        for name in sorted({of(fact) for fact in of_span} | {words[place] for words in shown}):
            own = [figured[words] for words in shown if words[place] == name and words in figured]
            found = figures(look, own, BESIDE, why_of(look, ref(name)))
            spent = [fact for fact in of_span if of(fact) == name]
            rows.append(bill_row(spent, Named(code=name, name=name), currency, of_span, found))
        return _dearest_first(rows)

    return _Told(
        spent=spent_of(of_span, currency),
        figures=figures(look, figured.values(), additive(look), why_of(look, code)),
        uncovered=uncovered_of(of_span, currency),
        extrapolated=extrapolated(look, of_span, _by_word(figured, 2), currency),
        services=rows_by(1, lambda fact: fact.service, lambda name: f"{code}/{name}" if name else code),
        regions=rows_by(3, lambda fact: fact.region, lambda _: code),
        curves=_curves(look, facts, groups, currency),
    )


def _bills(look: Look, codes: Collection[str] | None, page: int) -> BillsView:
    first, last = look.span
    months = first, periods.moved(last, 1)
    facts = costs(look, ("application", "family", "coverage"), months, codes)
    currency = main_currency(look, facts)
    whole = units(look, documents(look, ("month", "family"), months, codes))
    by_code = {one.code: one for one in look.applications}
    of_code: dict[str, list[CostFact]] = {}
    for fact in facts:
        of_code.setdefault(fact.application, []).append(fact)
    ordered = sorted(
        (code for code in of_code if code != UNALLOCATED), key=lambda code: (-_cost(of_code[code], currency), code)
    )
    paged, shown = lists.page_of(page, PAGE_ROWS, ordered)
    asked = [*shown, *([UNALLOCATED] if UNALLOCATED in of_code else [])]
    figured = units(look, documents(look, ("month", "application"), months, asked)) if asked else {}

    def row(code: str) -> BillRow:
        own = [unit for words, unit in figured.items() if words[1] == code]
        named = lists.named(by_code[code]) if code in by_code else Named(code=code, name=code)
        found = figures(look, own, BESIDE, why_of(look, code or "/"))
        return bill_row(of_code[code], named, currency, facts, found, known=code in by_code)

    imports, imports_told = newest_imports(look) if codes is None else ((), 0)
    return BillsView(
        frame=look.frame(), spent=spent_of(facts, currency),
        figures=figures(look, whole.values(), additive(look), why_of(look, "") if codes is None else no_derivation),
        uncovered=uncovered_of(facts, currency), extrapolated=extrapolated(look, facts, _by_word(whole, 1), currency),
        unallocated=row(UNALLOCATED) if UNALLOCATED in of_code else None,
        rows=tuple(row(code) for code in shown), page=paged, imports=imports,
        imports_told=imports_told, reconciled=reconciled(look) if codes is None else (),
    )  # fmt: skip


def main_currency(look: Look, facts: Iterable[CostFact]) -> str:
    """The currency that shares and order are of: the organisation's where the bills have it, else the one with most rows."""
    listed = [fact.currency for fact in facts]
    return look.currency if look.currency in listed or not listed else max(sorted(set(listed)), key=listed.count)


def additive(look: Look) -> list[str]:
    """Indicators that add up, the headline first."""
    nomenclature = look.context.workspace.nomenclature
    names = [name for name in nomenclature.names("indicator") if nomenclature.indicator(name).additive]
    return sorted(names, key=lambda name: name != HEADLINE)


def by_region(groups: Groups) -> Groups:
    """Groups split by the region that their documents tell."""
    found: dict[tuple[str, ...], list[Mapping[str, object]]] = {}
    for words, rows in groups.items():
        for document in rows:
            found.setdefault((*words, str(document.get("region") or "")), []).append(document)
    return found


def spent_of(facts: Sequence[CostFact], currency: str) -> tuple[Spent, ...]:
    """What is charged by currency, the main one first."""
    return tuple(
        Spent(
            currency=one, effective=_sum(fact.effective for fact in own), billed=_sum(fact.billed for fact in own),
            listed=_sum(fact.listed for fact in own), coverage=_coverage(own, one),
            coverage_listed=coverage_of_cost(_by_coverage([replace(fact, effective=fact.listed) for fact in own])),
        )
        for one, own in _by_currency(facts, currency)
    )  # fmt: skip


def uncovered_of(facts: Sequence[CostFact], currency: str) -> tuple[UncoveredRow, ...]:
    """Cost without a figure by its reason, the largest first, the main currency before the others."""
    rows = []
    for one, own in _by_currency(facts, currency):
        whole = _cost(own, one)
        sums = {reason: amount for reason, amount in _by_coverage(own).items() if reason != ESTIMATED}
        for reason, amount in sorted(sums.items(), key=lambda item: (-abs(item[1]), item[0])):
            share = float(amount / whole) if whole > 0 else None
            rows.append(UncoveredRow(reason=reason, cost=Money(amount=_plain(amount), currency=one), share=share))
    return tuple(rows)


def bill_row(
    rows: Sequence[CostFact],
    named: Named,
    currency: str,
    everything: Sequence[CostFact],
    found: Mapping[str, Figure],
    *,
    known: bool = False,
) -> BillRow:
    """A row of a list.

    Args:
        rows: its costs. everything: those of the whole list.
        found: its figures by indicator.
    """
    whole, own = _cost(everything, currency), _cost(rows, currency)
    return BillRow(
        named=named,
        costs=tuple(
            Money(amount=_sum(fact.effective for fact in some), currency=one)
            for one, some in _by_currency(rows, currency)
        ),
        share=float(own / whole) if whole > 0 else None, figures=found, coverage=_coverage(rows, currency), known=known,
    )  # fmt: skip


def _dearest_first(rows: Iterable[BillRow]) -> tuple[BillRow, ...]:
    """By cost in the main currency, then by the headline."""

    def key(row: BillRow) -> tuple[float, float, str]:
        figure = row.figures.get(HEADLINE)
        return -(row.share or 0.0), -((figure.value if figure else None) or 0.0), row.named.code

    return tuple(sorted(rows, key=key))


def why_of(look: Look, ref: str) -> Callable[[str], str]:
    """Addresses of derivations by indicator.

    Args:
        ref: empty for all bills, ``/`` for what belongs to nobody, else a code, and a service after a ``/``.
    """
    return lambda indicator: look.why(LEVEL, ref, indicator)


def no_derivation(_indicator: str) -> str:
    """The address of the derivation of a figure that has none."""
    return ""


def _server(look: Look, fact: AppFact) -> PartRow | None:
    """The tier that bills tell of, as all its sources tell it."""
    claims = tier_claims(look, fact).get(_TIER, ())
    if not claims:
        return None
    split = queries.of_refs(look.session, look.kind("application"), [fact.id], *look.span, split=True)
    rows = [row for row in split if row.tier == _TIER]
    figure, _ = look.figure(rows, None, look.why("application", fact.code))
    source = rows[-1].source or "" if rows else ""
    return beside(PartRow(code=_TIER, name=_TIER, figure=figure, share=None, source=source), claims)


def _by_word(figured: Mapping[tuple[str, ...], Unit], place: int) -> dict[str, list[Unit]]:
    """Figures by one of the words of their groups."""
    found: dict[str, list[Unit]] = {}
    for words, unit in figured.items():
        found.setdefault(words[place], []).append(unit)
    return found


def _curves(look: Look, facts: Sequence[CostFact], groups: Groups, currency: str) -> tuple[Curve, ...]:
    spent: dict[str, list[Decimal]] = {}
    for fact in facts:
        if fact.currency == currency and fact.effective is not None:
            spent.setdefault(fact.month, []).append(fact.effective)
    caused: dict[str, list[float]] = {}
    for words, value in values(look, groups, HEADLINE).items():
        caused.setdefault(words[0], []).append(value)
    unit = look.context.workspace.nomenclature.indicator(HEADLINE).unit
    return (
        Curve(
            name="cost", unit=currency,
            points=tuple(Point(at=_first(month), value=float(add(spent[month]))) for month in sorted(spent)),
        ),
        Curve(
            name="impact", unit=unit,
            points=tuple(Point(at=_first(month), value=math.fsum(caused[month])) for month in sorted(caused)),
        ),
    )  # fmt: skip


def _of_span(look: Look, groups: Groups) -> Groups:
    return {words: rows for words, rows in groups.items() if _is_in(look, words[0])}


def _is_in(look: Look, month: str) -> bool:
    first, last = look.span
    return first <= _first(month) <= last


def _first(month: str) -> date:
    return date.fromisoformat(f"{month}-01")


def _by_currency(facts: Iterable[CostFact], main: str) -> list[tuple[str, list[CostFact]]]:
    found: dict[str, list[CostFact]] = {}
    for fact in facts:
        found.setdefault(fact.currency, []).append(fact)
    return sorted(found.items(), key=lambda item: (item[0] != main, item[0]))


def _cost(facts: Iterable[CostFact], currency: str) -> Decimal:
    return add(fact.effective for fact in facts if fact.currency == currency and fact.effective is not None)


def _coverage(facts: Iterable[CostFact], currency: str) -> float | None:
    return coverage_of_cost(_by_coverage([fact for fact in facts if fact.currency == currency]))


def _by_coverage(facts: Iterable[CostFact]) -> dict[str, Decimal]:
    """Cost by coverage; of one currency."""
    sums: dict[str, list[Decimal]] = {}
    for fact in facts:
        if fact.effective is not None:
            sums.setdefault(fact.coverage, []).append(fact.effective)
    return {why: add(amounts) for why, amounts in sums.items()}


def _sum(amounts: Iterable[Decimal | None]) -> Decimal | None:
    """A sum of what is told; None where nothing is."""
    known = [amount for amount in amounts if amount is not None]
    return _plain(add(known)) if known else None


def _plain(amount: Decimal) -> Decimal:
    """The same amount without zeros at its end."""
    return amount.normalize() if amount else Decimal(0)
