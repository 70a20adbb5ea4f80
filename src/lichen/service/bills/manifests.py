# SPDX-License-Identifier: Apache-2.0
"""What is kept of each imported bill beside the ledger: one document for each source and billing period.

It says which files the rows were read from, what they add up to and what was not understood; an import that would change nothing
is known by it, and so is one that would lose something (`lichen.service.bills.losses`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from lichen.portfolio.coverage import coverage_of_cost
from lichen.service.board.periods import moved

if TYPE_CHECKING:
    from lichen.collect.bills.pipeline import Cost, Told
    from lichen.ledger import Ledger

SCHEMA: Final = "lichen-bill/1"
FOLDER: Final = "bills"
_SHOWN: Final = 3
Period = tuple[str, date]
"""Source and first day of a billing period."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Overlap:
    """Accounts that two sources have in one billing period: their money may be counted twice."""

    source: str
    other: str
    period: date
    accounts: Sequence[str]


class Manifests:
    """The manifests of a ledger; none where there is no ledger yet."""

    def __init__(self, ledger: Ledger | None) -> None:
        self._documents = None if ledger is None else ledger.documents
        self._known: dict[str, Mapping[str, Any]] | None = None

    def all(self) -> Mapping[str, Mapping[str, Any]]:
        """All of them by name; read once."""
        if self._known is None:
            documents = self._documents
            names = [] if documents is None else documents.names(FOLDER)
            found = {name: documents.get(name) for name in names} if documents is not None else {}
            self._known = {name: content for name, content in found.items() if content is not None}
        return self._known

    def of(self, period: Period) -> Mapping[str, Any] | None:
        """That of a source and period."""
        return self.all().get(name_of(period))

    def sizes(self) -> set[int]:
        """Bytes of the files that were imported."""
        return {file["size"] for one in self.all().values() for file in one["files"]}

    def of_import(self, import_id: str) -> list[Mapping[str, Any]]:
        """Those of an import, if all of its periods are still as it left them; empty otherwise."""
        found = [one for one in self.all().values() if one["import_id"] == import_id]
        wanted = {tuple(slice_) for one in found for slice_ in one["slices"]}
        return found if {(one["source"], one["period"]) for one in found} == wanted else []

    def overlaps(self, told: Told) -> list[Overlap]:
        """Accounts that another source has in the same period."""
        found = []
        for (source, period), accounts in told.accounts.items():
            others = {one["source"]: one for one in self.all().values() if one["period"] == period.isoformat()}
            others |= {other: {"accounts": those} for (other, start), those in told.accounts.items() if start == period}
            for other, one in sorted(others.items()):
                common = sorted((set(accounts) & set(one["accounts"])) - {""})
                # Of two sources of one import, once.
                if common and (other > source or (other != source and (other, period) not in told.accounts)):
                    found.append(Overlap(source=source, other=other, period=period, accounts=common))
        return found

    def put(self, ledger: Ledger, contents: Iterable[Mapping[str, Any]]) -> None:
        """Keeps manifests."""
        for content in contents:
            ledger.documents.put(name_of((content["source"], date.fromisoformat(content["period"]))), content)


def name_of(period: Period) -> str:
    """Name of a manifest among the documents of the ledger."""
    return f"{FOLDER}/{period[0]}/{period[1].isoformat()}"


def end_of(first: date) -> date:
    """First day of the billing period after the one of a first day: a month later."""
    month = moved(first.replace(day=1), 1)
    last = moved(month, 1) - timedelta(days=1)
    return month.replace(day=min(first.day, last.day))


def contents(told: Told, shared: Mapping[str, Any]) -> list[dict[str, Any]]:
    """A manifest for each period of an import.

    Args:
        shared: what they have in common.
    """
    slices = [[source, period.isoformat()] for source, period in told.days]
    return [
        {
            "schema": SCHEMA, **shared, "source": source, "period": period.isoformat(), "slices": slices,
            "days": [day.isoformat() for day in days], "lines": told.lines[source, period],
            "accounts": told.accounts[source, period],
            **figures([one for one in told.costs if (one.source, one.period) == (source, period)]),
        }
        for (source, period), days in told.days.items()
    ]  # fmt: skip


def figures(costs: Sequence[Cost]) -> dict[str, Any]:
    """What a manifest says of the money of its period."""
    return {
        "money": [money.to_json() for money in money_of(costs)],
        "coverage": [
            {"coverage": coverage, "currency": currency, "lines": lines, "effective": text(effective)}
            for (coverage, currency), (lines, effective) in by_coverage(costs).items()
        ],
        "unallocated": {currency: text(amount) for currency, amount in unallocated(costs).items()},
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Money:
    """Sums in one currency.

    Attributes:
        covered, covered_list: share of the cost of usage that physical quantities stand beside, by effective and by list cost;
            None where it cannot be told.
    """

    currency: str
    effective: Decimal | None
    billed: Decimal | None
    listed: Decimal | None
    covered: float | None
    covered_list: float | None

    def to_json(self) -> dict[str, Any]:
        """Amounts as texts, since JSON's numbers are no decimals."""
        return {
            "currency": self.currency, "effective": text(self.effective), "billed": text(self.billed),
            "list": text(self.listed), "covered": self.covered, "covered_list": self.covered_list,
        }  # fmt: skip


def money_of(costs: Sequence[Cost]) -> list[Money]:
    """Sums by currency."""
    found = []
    for currency in sorted({one.currency for one in costs}):
        of_it = [one for one in costs if one.currency == currency]
        found.append(
            Money(
                currency=currency,
                effective=_sum(one.effective for one in of_it),
                billed=_sum(one.billed for one in of_it),
                listed=_sum(one.listed for one in of_it),
                covered=_share((one.coverage, one.effective) for one in of_it),
                covered_list=_share((one.coverage, one.listed) for one in of_it),
            )
        )
    return found


def by_coverage(costs: Iterable[Cost]) -> dict[tuple[str, str], tuple[int, Decimal | None]]:
    """Lines and effective cost by coverage and currency, the dearest first."""
    found: dict[tuple[str, str], list[Cost]] = {}
    for one in costs:
        found.setdefault((one.coverage, one.currency), []).append(one)
    sums = {key: (sum(one.lines for one in of), _sum(one.effective for one in of)) for key, of in found.items()}
    return dict(sorted(sums.items(), key=lambda one: (-(one[1][1] or Decimal(0)), one[0])))


def unallocated(costs: Iterable[Cost]) -> dict[str, Decimal | None]:
    """Effective cost that belongs to nobody, by currency."""
    found: dict[str, list[Decimal | None]] = {}
    for one in costs:
        if not one.application:
            found.setdefault(one.currency, []).append(one.effective)
    return {currency: _sum(amounts) for currency, amounts in sorted(found.items())}


def text(amount: Decimal | None) -> str | None:
    """An amount as a text without an exponent and without zeros at its end."""
    if amount is None:
        return None
    plain = f"{amount:f}"
    return plain.rstrip("0").rstrip(".") if "." in plain else plain


def _sum(amounts: Iterable[Decimal | None]) -> Decimal | None:
    known = [amount for amount in amounts if amount is not None]
    return sum(known, Decimal(0)) if known else None


def _share(amounts: Iterable[tuple[str, Decimal | None]]) -> float | None:
    known: dict[str, Decimal] = {}
    for coverage, amount in amounts:
        if amount is not None:
            known[coverage] = known.get(coverage, Decimal(0)) + amount
    return coverage_of_cost(known)


def some(texts: Sequence[str]) -> str:
    """The first of some texts, and how many more there are."""
    shown = ", ".join(texts[:_SHOWN])
    return f"{shown} and {len(texts) - _SHOWN} more" if len(texts) > _SHOWN else shown
