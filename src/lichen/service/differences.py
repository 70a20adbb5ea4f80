# SPDX-License-Identifier: Apache-2.0
"""What makes one method's figure another one than a second method's: codes with computed values."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

ENERGY: Final = "energy"
_SHOWN: Final = 0.01
"""Shares that differ by less read the same: no difference is told."""
_RATIO_SHOWN: Final = 0.05
"""The same for ratios, which are shown with two digits."""

Source = tuple[str, str]
"""An entity and one of its quantities."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Electricity:
    """What a kWh costs in a method, where and when: the factor, before losses. Unit of ``value``: the indicator's per kWh."""

    place: str
    year: int
    value: float

    def to_json(self) -> dict[str, Any]:
        """As JSON prints it."""
        return {"place": self.place, "year": self.year, "value": self.value}


@dataclass(frozen=True, slots=True, kw_only=True)
class MethodFigure:
    """One method's figure of one place and indicator.

    Attributes:
        title: the method's, by language.
        value, low, high: over both phases, in the indicator's unit; None where the method gives nothing.
        ratio: to the first method's; None where one of them is unknown or the first is zero.
        use, embodied: the two phases; they sum to ``value``.
        energy_kwh: electricity in use; None where the method computes none.
        per_kwh: what a kWh of it costs in effect, losses included; None where the figure does not come from energy.
        electricity: the factors behind ``per_kwh``, the one with the largest share first.
        tiers: share of the figure by tier (device, network, server), as far as the method tells them apart.
        quantities: share of the figure that rests on each quantity; one that rests on several counts for each of them.
        rests: the same without overlap: share of the figure by all the quantities that it rests on.
        sources: share of the figure by entity and quantity; overlaps as ``quantities`` does.
        missing: entities and quantities that the method should have converted and could not.
        grades: the method's letter of each entity of the place, by whatever indicator it grades; empty where it gives none.
    """

    method: str
    title: Mapping[str, str] = field(default_factory=dict)
    value: float | None = None
    low: float | None = None
    high: float | None = None
    ratio: float | None = None
    use: float = 0.0
    embodied: float = 0.0
    energy_kwh: float | None = None
    per_kwh: float | None = None
    electricity: tuple[Electricity, ...] = ()
    tiers: Mapping[str, float] = field(default_factory=dict)
    quantities: Mapping[str, float] = field(default_factory=dict)
    rests: Mapping[tuple[str, ...], float] = field(default_factory=dict)
    sources: Mapping[Source, float] = field(default_factory=dict)
    missing: frozenset[Source] = frozenset()
    grades: Mapping[str, str] = field(default_factory=dict)

    def resting_on(self, quantities: frozenset[str]) -> float:
        """Share of the figure that rests on one or more of ``quantities``."""
        return math.fsum(share for names, share in self.rests.items() if not quantities.isdisjoint(names))

    def to_json(self) -> dict[str, Any]:
        """As JSON prints it."""
        return {
            "method": self.method, "title": dict(self.title), "value": self.value, "low": self.low, "high": self.high,
            "ratio": self.ratio, "use": self.use, "embodied": self.embodied, "energy_kwh": self.energy_kwh,
            "per_kwh": self.per_kwh, "electricity": [row.to_json() for row in self.electricity], "tiers": dict(self.tiers),
            "quantities": dict(self.quantities), "gaps": sorted({quantity for _, quantity in self.missing}),
            "grades": dict(self.grades),
        }  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """A reason why a method's figure is not the first method's.

    Attributes:
        code: ``scope_first`` and ``scope_other`` (quantities that only one counts), ``tiers``, ``phases``, ``energy`` and
            ``per_kwh`` (whose ratios multiply to that of the use phase), ``no_energy`` (only one figure comes from energy),
            ``gap_first`` and ``gap_other`` (what one should count and could not, as shares of the other's figure).
        method: the other method; first: the one that it is compared with.
        values: what the sentence is made of.
    """

    code: str
    method: str
    first: str
    values: Mapping[str, Any]

    def to_json(self) -> dict[str, Any]:
        """As JSON prints it."""
        return {"code": self.code, "method": self.method, "first": self.first, "values": dict(self.values)}


def differences(first: MethodFigure, other: MethodFigure, indicator: str) -> list[Difference]:
    """What makes a method's figure another one than the first method's; nothing where one of them has none.

    Args:
        first: of the method compared with; other: of the other one, for the same place and indicator.
        indicator: name.
    """
    if not first.value or not other.value:
        return []
    found: dict[str, dict[str, Any]] = {}
    for code, counting, lacking in (("scope_first", first, other), ("scope_other", other, first)):
        only = {name: share for name, share in counting.quantities.items() if name not in lacking.quantities and share}
        if only:
            found[code] = {"quantities": only, "share": counting.resting_on(frozenset(only))}
    if first.tiers and other.tiers and _apart(first.tiers, other.tiers):
        found["tiers"] = {"first": dict(first.tiers), "other": dict(other.tiers)}
    if abs(first.embodied - other.embodied) >= _SHOWN * max(first.value, other.value):
        found["phases"] = {
            "first": {"use": first.use, "embodied": first.embodied},
            "other": {"use": other.use, "embodied": other.embodied},
        }
    if indicator != ENERGY:
        found |= _by_energy(first, other)
    for code, counting, lacking in (("gap_first", other, first), ("gap_other", first, other)):
        lost = _lost(counting, lacking.missing)
        if lost:
            found[code] = {"quantities": lost}
    return [Difference(code=code, method=other.method, first=first.method, values=v) for code, v in found.items()]


def _lost(counting: MethodFigure, missing: Collection[Source]) -> dict[str, float]:
    """Share of a figure by quantity that rests on what another method is missing; nothing where that amounts to nothing."""
    found: dict[str, list[float]] = {}
    for source in sorted(missing):
        found.setdefault(source[1], []).append(counting.sources.get(source, 0.0))
    return {name: math.fsum(shares) for name, shares in found.items() if any(shares)}


def _apart(one: Mapping[str, float], other: Mapping[str, float]) -> bool:
    return any(abs(one.get(name, 0.0) - other.get(name, 0.0)) >= _SHOWN for name in {*one, *other})


def _by_energy(first: MethodFigure, other: MethodFigure) -> dict[str, dict[str, Any]]:
    """How much of the ratio of the use phase is energy, and how much is what a kWh costs."""
    found: dict[str, dict[str, Any]] = {}
    if not first.per_kwh or not other.per_kwh or not first.energy_kwh or not other.energy_kwh:
        lacking = [row.method for row in (first, other) if row.per_kwh is None]
        return {"no_energy": {"methods": lacking}} if len(lacking) == 1 else {}
    energy, price = other.energy_kwh / first.energy_kwh, other.per_kwh / first.per_kwh
    if abs(energy - 1) >= _RATIO_SHOWN:
        found["energy"] = {"first": first.energy_kwh, "other": other.energy_kwh, "ratio": energy}
    if abs(price - 1) >= _RATIO_SHOWN:
        found["per_kwh"] = {
            "first": first.per_kwh,
            "other": other.per_kwh,
            "ratio": price,
            "first_electricity": [row.to_json() for row in first.electricity],
            "other_electricity": [row.to_json() for row in other.electricity],
        }
    return found
