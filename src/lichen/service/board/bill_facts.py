# SPDX-License-Identifier: Apache-2.0
"""What the ledger tells of bills: money by coverage, and the figures of what was rented.

Sums are asked of the ledger when a page is first opened, and kept until somebody imports or changes something: the log of
changes tells. Nothing of it is stored, so that nothing can be out of step with the ledger.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Final, TypeVar

from lichen.ledger import Selection
from lichen.ledger.sums import Key as Column
from lichen.portfolio.sources import SourceKind
from lichen.service.board.figures import state
from lichen.service.board.gathering import sources_of, summable, total_documents
from lichen.service.board.reading import Look
from lichen.service.board.shapes import Figure
from lichen.service.board.units import Amount, Epochs, Unit, bounds_of, content_of, evaluate_units, evaluate_values
from lichen.service.board.units import Key as Place

T = TypeVar("T")
Months = tuple[date, date]
"""First day, and the day after the last."""
_KEPT: Final = 256
_MONEY: Final = "cost"


@dataclass(frozen=True, slots=True)
class CostFact:
    """Cost of a month with the same application, service, region, family, coverage and currency; None where it is not told."""

    month: str
    application: str
    service: str
    region: str
    family: str
    coverage: str
    currency: str
    effective: Decimal | None
    billed: Decimal | None
    listed: Decimal | None


class _Kept:
    """Answers of the ledger, the newest ones. One is made at a time: the next who asks for it finds it made."""

    def __init__(self) -> None:
        self._answers: OrderedDict[tuple[Any, ...], Any] = OrderedDict()
        self._lock = threading.Lock()
        self._making = threading.Lock()

    def get(self, key: tuple[Any, ...], make: Callable[[], T]) -> T:
        """The answer to a question."""
        found: T | None = self._known(key)
        if found is not None:
            return found
        with self._making:
            found = self._known(key)
            if found is not None:
                return found
            made = make()
            with self._lock:
                self._answers[key] = made
                while len(self._answers) > _KEPT:
                    self._answers.popitem(last=False)
            return made

    def _known(self, key: tuple[Any, ...]) -> Any:
        with self._lock:
            if key in self._answers:
                self._answers.move_to_end(key)
            return self._answers.get(key)


_ANSWERS: Final = _Kept()


def kept(look: Look, what: tuple[Any, ...], make: Callable[[], T]) -> T:
    """An answer that is made once for each state of the imports, the portfolio, the method and the factors.

    Args:
        what: is asked for.
    """
    context = look.context
    key = context.ledger.where, *state(look.session), look.stamp, context.settings.bills.extrapolate, *what
    return _ANSWERS.get(key, make)


def bill_sources(look: Look) -> list[str]:
    """Names of the bills in the ledger."""
    return sources_of(look.context, SourceKind.BILL)


def costs(look: Look, by: Sequence[Column], months: Months, codes: Collection[str] | None = None) -> list[CostFact]:
    """Money of bills.

    Args:
        by: further columns than the currency; the others are empty texts.
        codes: of these applications alone, empty for what belongs to nobody; None: of all.
    """
    sources = bill_sources(look)
    if not sources:
        return []
    selection = Selection(
        applications=codes, sources=sources, quantities=[_MONEY], first_day=months[0], end_day=months[1]
    )
    return [
        CostFact(
            row.get("month") or "", row.get("application") or "", row.get("service") or "", row.get("region") or "",
            row.get("family") or "", row.get("coverage") or "", row["currency"] or "", row["effective"], row["billed"],
            row["listed"],
        )
        for row in look.context.ledger.costs(by, selection=selection)
    ]  # fmt: skip


def documents(
    look: Look, by: Sequence[Column], months: Months, codes: Collection[str] | None = None
) -> dict[tuple[str, ...], list[dict[str, Any]]]:
    """Physical quantities of bills, as the model reads them; see `total_documents`."""
    sources = bill_sources(look)
    if not sources:
        return {}
    selection = Selection(
        applications=codes, sources=sources, quantities=summable(look.context), first_day=months[0], end_day=months[1]
    )
    return total_documents(look.context, selection, by)


Groups = Mapping[tuple[str, ...], Sequence[Mapping[str, Any]]]
"""Documents by words, of which the first is their month."""


def units(look: Look, groups: Groups) -> dict[tuple[str, ...], Unit]:
    """Figures of each group with their draws, under the factors of its month."""
    names = _names(groups)
    workspace = look.context.workspace
    found = evaluate_units(workspace, look.method, _contents(look, groups), Epochs(workspace.factors))
    return {names[key.run_id]: unit for key, unit in found.items()}


def values(look: Look, groups: Groups, indicator: str) -> dict[tuple[str, ...], float]:
    """One figure of each group, without its range."""
    names = _names(groups)
    workspace = look.context.workspace
    found = evaluate_values(workspace, look.method, _contents(look, groups), Epochs(workspace.factors))
    return {
        names[key.run_id]: sum(value for place, value in told.items() if _is_of(look, place, indicator))
        for key, told in found.items()
        if any(_is_of(look, place, indicator) for place in told)
    }


def figures(
    look: Look, listed: Iterable[Unit], indicators: Sequence[str], why: Callable[[str], str]
) -> dict[str, Figure]:
    """What some groups add up to, by indicator; those without a figure are left out.

    Args:
        why: address of the derivation, by indicator.
    """
    sums: dict[str, Amount] = {}
    for unit in listed:
        for place, amount in unit.items():
            if _is_of(look, place, place.indicator) and place.indicator in indicators:
                sums.setdefault(place.indicator, Amount()).add(amount)
    names = [name for name in indicators if name in sums]
    nomenclature = look.context.workspace.nomenclature
    return {
        name: Figure(
            value=sums[name].value, low=low, high=high, unit=nomenclature.indicator(name).unit,
            shares=sums[name].shares, why=why(name),
        )
        for name, (low, high) in zip(names, bounds_of([sums[name] for name in names]), strict=True)
    }  # fmt: skip


def _is_of(look: Look, place: Place, indicator: str) -> bool:
    return place.indicator == indicator and place.accounting == look.method.accounting


def _names(groups: Groups) -> dict[str, tuple[str, ...]]:
    return {str(number): words for number, words in enumerate(groups)}


def _contents(look: Look, groups: Groups) -> list[tuple[Any, date]]:
    workspace = look.context.workspace
    return [
        (
            content_of(workspace, str(number), {"activities": list(rows), "context": {}}),
            date.fromisoformat(f"{words[0]}-01"),
        )
        for number, (words, rows) in enumerate(groups.items())
    ]
