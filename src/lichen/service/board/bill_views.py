# SPDX-License-Identifier: Apache-2.0
"""What the pages of bills show, as plain data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from lichen.service.bills.reconciled import ProviderMonth
from lichen.service.board.rows import Curve, Frame, PartRow
from lichen.service.board.shapes import Figure, Money, Named, Page


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """What a bill charges in one currency; currencies are never added.

    Attributes:
        effective: with commitments spread over their use: the cost that counts. billed: what invoices charge.
        listed: at list prices; None where a bill does not tell.
        coverage: share of the effective cost of usage that physical quantities stand beside; None where usage costs nothing.
        coverage_listed: the same of the cost at list prices: what is free, or paid for by a commitment, counts there.
    """

    currency: str
    effective: Decimal | None
    billed: Decimal | None
    listed: Decimal | None
    coverage: float | None
    coverage_listed: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class UncoveredRow:
    """Cost that no figure stands beside.

    Attributes:
        reason: a word of `lichen.collect.bills.meter.Reason`.
        share: of all cost in the currency.
    """

    reason: str
    cost: Money
    share: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtrapolatedRow:
    """Figures by indicator that were guessed from a cost, where `bills.extrapolate` asks for them; part of no other figure."""

    cost: Money
    figures: Mapping[str, Figure]


@dataclass(frozen=True, slots=True, kw_only=True)
class BillRow:
    """A service, a region or an application of a bill.

    Attributes:
        named: with an empty code where it is none of the list: what belongs to nobody, or to no region.
        costs: the main currency first. share: of the cost in the main currency.
        figures: by indicator: energy, gwp100, water. coverage: as in `Spent`, in the main currency.
        known: whether the thing has a page of its own.
    """

    named: Named
    costs: tuple[Money, ...]
    share: float | None
    figures: Mapping[str, Figure]
    coverage: float | None
    known: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplicationBillView:
    """An application's part of the bills of a period.

    Attributes:
        spent: by currency, the main one first. figures: every additive indicator.
        uncovered: the largest first. services, regions: the dearest first.
        curves: cost and impact by month.
        server: the server tier as the sources tell it; None where the bill alone does.
        sources: names of the bills.
    """

    frame: Frame
    application: Named
    spent: tuple[Spent, ...]
    figures: Mapping[str, Figure]
    uncovered: tuple[UncoveredRow, ...]
    extrapolated: ExtrapolatedRow | None
    services: tuple[BillRow, ...]
    regions: tuple[BillRow, ...]
    curves: tuple[Curve, ...]
    server: PartRow | None
    sources: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DoubtRow:
    """A figure of an import that cannot be: of a platform, by a method, out of bounds.

    Attributes:
        guard: what was looked at, a word of `lichen.service.bills.guards.Guard`.
        value, low, high: the figure and its bounds, in ``unit``.
    """

    method: str
    guard: str
    platform: str
    region: str
    value: float
    low: float
    high: float
    unit: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedBill:
    """A bill that was imported: the newest import of each source and month.

    Attributes:
        files: how many its import read, which may tell of other bills and months too.
        lines: of this bill and month; None where that was not kept.
        at: when.
        doubts: figures of the method in use then, of all that was imported with it.
    """

    source: str
    month: str
    files: int
    lines: int | None
    at: datetime | None
    doubts: tuple[DoubtRow, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class BillsView:
    """All bills of a period: one row an application, 25 a page, the dearest first.

    Attributes:
        spent, figures, uncovered: of what is seen.
        unallocated: what belongs to nobody; None where it is not shown, or there is none.
        imports: the newest; imports_told: how many there are.
        reconciled: the newest month first; empty where no provider's own figures were imported.
    """

    frame: Frame
    spent: tuple[Spent, ...]
    figures: Mapping[str, Figure]
    uncovered: tuple[UncoveredRow, ...]
    extrapolated: ExtrapolatedRow | None
    unallocated: BillRow | None
    rows: tuple[BillRow, ...]
    page: Page
    imports: tuple[ImportedBill, ...]
    imports_told: int
    reconciled: tuple[ProviderMonth, ...]
