# SPDX-License-Identifier: Apache-2.0
"""Which source counts for each tier of an application's month, and what the others say.

A meter and a bill know the use of machines and nothing of their making: where the source that counts is silent about a phase, the
next one that knows it answers for that phase. Sources are set side by side over the phases that several of them know.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Final, NamedTuple

from lichen.portfolio.estimate import Estimate
from lichen.portfolio.sources import Choice, Claim, Reason, Slot, SourceKind, choose
from lichen.service.board.units import Amount, Key, Unit

TRUST: Final = tuple(SourceKind)
"""Sources, the most trusted one first."""


class Told(NamedTuple):
    """What a source says about a tier in one indicator, over the phases that are set side by side.

    Attributes:
        amount: None when it is silent.
    """

    tier: str
    indicator: str
    accounting: str
    source: SourceKind
    amount: Amount | None
    counts: bool
    reason: Reason


@dataclass(slots=True)
class Counted:
    """A month of an application, every tier from the source that counts for it.

    Attributes:
        amounts: by tier and phase.
        sources: of each of them.
        told: what all sources say, where there are several or the declared one is silent.
        unknown: indicators (with their accounting) of which a declared source says nothing at all for its tier.
    """

    amounts: Unit = field(default_factory=dict)
    sources: dict[Key, SourceKind] = field(default_factory=dict)
    told: list[Told] = field(default_factory=list)
    unknown: set[tuple[str, str]] = field(default_factory=set)

    def source_of(self, key: Key) -> str:
        """The source of a sum of amounts: that of a tier's use, or ``mixed``."""
        found = {
            source
            for one, source in self.sources.items()
            if (one.indicator, one.accounting) == (key.indicator, key.accounting)
            and key.tier in ("", one.tier)
            and key.phase in ("", one.phase)
        }
        if key.tier:
            return next((str(source) for source in TRUST if source in found), "")
        return str(found.pop()) if len(found) == 1 else "mixed"


def count(
    journeys: Unit, totals: Mapping[SourceKind, Unit], declared: Mapping[str, SourceKind], month: date
) -> Counted:
    """Chooses a source for every tier.

    Args:
        journeys: figures by tier and phase, times traffic.
        totals: the same of meters and bills.
        declared: the source that was declared for a tier.
        month: its first day.
    """
    found = Counted()
    if not totals and all(source is SourceKind.JOURNEYS for source in declared.values()):
        found.amounts, found.sources = dict(journeys), dict.fromkeys(journeys, SourceKind.JOURNEYS)
        return found
    units = {SourceKind.JOURNEYS: journeys, **totals}
    slots: dict[tuple[str, str, str], list[Key]] = {}
    for key in dict.fromkeys(key for unit in units.values() for key in unit):
        slots.setdefault((key.tier, key.indicator, key.accounting), []).append(key)
    for (tier, indicator, accounting), keys in slots.items():
        wanted = declared.get(tier)
        own: Unit = {} if wanted is None else units.get(wanted, {})
        speaks = wanted is None or any(key in own for key in keys)
        chosen = {key: _choose(units, key, month, wanted if not speaks or key in own else None) for key in keys}
        if not speaks:
            found.unknown.add((indicator, accounting))
        for key, choice in chosen.items():
            if choice.counted is not None:
                found.amounts[key] = units[choice.counted][key]
                found.sources[key] = choice.counted
        found.told += _told((tier, indicator, accounting), chosen, units, None if speaks else wanted)
    return found


def _choose(units: Mapping[SourceKind, Unit], key: Key, month: date, declared: SourceKind | None) -> Choice:
    slot = Slot("", key.tier, month)
    claims = [
        Claim(slot=slot, source=source, figure=Estimate(value=units[source][key].value))
        for source in TRUST
        if key in units.get(source, {})
    ]
    return choose(claims, None if declared is None else {("", key.tier): declared})[0]


def _told(
    place: tuple[str, str, str],
    chosen: Mapping[Key, Choice],
    units: Mapping[SourceKind, Unit],
    silent: SourceKind | None,
) -> Iterator[Told]:
    """What all sources say, over the phases that more than one of them knows, or over all of them when the declared is silent."""
    keys = [key for key in chosen if silent is not None or sum(key in unit for unit in units.values()) > 1]
    if not keys:
        return
    if silent is not None:
        yield Told(*place, silent, None, True, Reason.DECLARED)
    counted = {choice.counted for key, choice in chosen.items() if key in keys}
    for source in TRUST:
        own = [units[source][key] for key in keys if key in units.get(source, {})]
        if own:
            amount = Amount()
            for one in own:
                amount.add(one)
            yield Told(*place, source, amount, source in counted, chosen[keys[0]].reason)
