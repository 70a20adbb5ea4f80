# SPDX-License-Identifier: Apache-2.0
"""What is not estimated of a bill, guessed from its cost where the settings ask for it; in no other figure."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import get_args

from lichen.collect.bills.meter import ESTIMATED, Reason
from lichen.portfolio.extrapolating import Estimated, Extrapolated, Unestimated, extrapolate
from lichen.portfolio.money import add
from lichen.records import Phase
from lichen.service.board.bill_facts import CostFact
from lichen.service.board.bill_views import ExtrapolatedRow
from lichen.service.board.reading import Look
from lichen.service.board.shapes import Figure, Money
from lichen.service.board.units import Amount, Unit, bounds_of

_REASONS = frozenset(map(str, Reason))


@dataclass(frozen=True, slots=True)
class _Place:
    """Figures that are summed before they are extrapolated."""

    family: str
    indicator: str
    phase: Phase


def extrapolated(
    look: Look, facts: Sequence[CostFact], of_family: Mapping[str, Sequence[Unit]], currency: str
) -> ExtrapolatedRow | None:
    """Figures of the cost that no rule understood, family by family; None where they are not asked for, or there are none.

    A family that is billed in several currencies is left out: what was rented does not tell in which it was paid.

    Args:
        facts: costs with their family and coverage.
        of_family: figures of what was rented by family.
        currency: the main one, which cost is in.
    """
    if not look.context.settings.bills.extrapolate:
        return None
    foreign = {fact.family for fact in facts if fact.currency != currency}
    told = [fact for fact in facts if fact.family not in foreign and fact.effective is not None]
    missing = [
        Unestimated(family=fact.family, currency=currency, reason=Reason(fact.coverage), cost=fact.effective)
        for fact in told
        if fact.coverage in _REASONS and fact.effective is not None
    ]
    found = extrapolate(missing, _estimated(look, told, of_family, currency))
    if not found:
        return None
    costs = {one.family: one.cost for one in found}
    return ExtrapolatedRow(cost=Money(amount=add(costs.values()), currency=currency), figures=_summed(look, found))


def _estimated(
    look: Look, facts: Iterable[CostFact], of_family: Mapping[str, Sequence[Unit]], currency: str
) -> list[Estimated]:
    costs: dict[str, list[CostFact]] = {}
    for fact in facts:
        if fact.coverage == ESTIMATED:
            costs.setdefault(fact.family, []).append(fact)
    sums: dict[_Place, Amount] = {}
    phases = {str(phase): phase for phase in get_args(Phase)}
    for family in costs:
        for unit in of_family.get(family, ()):
            for key, amount in unit.items():
                if key.accounting == look.method.accounting and key.phase in phases:
                    place = _Place(family, key.indicator, phases[key.phase])
                    sums.setdefault(place, Amount()).add(amount)
    spent = {family: add(fact.effective for fact in own if fact.effective is not None) for family, own in costs.items()}
    return [
        Estimated(
            family=place.family, currency=currency, cost=spent[place.family], indicator=place.indicator, phase=place.phase,
            value=amount.value, low=low, high=high,
        )
        for (place, amount), (low, high) in zip(sums.items(), bounds_of(list(sums.values())), strict=True)
    ]  # fmt: skip


def _summed(look: Look, found: Iterable[Extrapolated]) -> dict[str, Figure]:
    """By indicator; bounds are added one by one, since the same guess stands behind all of them."""
    by_name: dict[str, list[Extrapolated]] = {}
    for one in found:
        by_name.setdefault(one.indicator, []).append(one)
    nomenclature = look.context.workspace.nomenclature
    return {
        name: Figure(
            value=math.fsum(one.value for one in own), low=math.fsum(one.low for one in own),
            high=math.fsum(one.high for one in own), unit=nomenclature.indicator(name).unit, shares={"proxy": 1.0},
        )
        for name, own in by_name.items()
    }  # fmt: skip
