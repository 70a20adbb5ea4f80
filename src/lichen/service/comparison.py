# SPDX-License-Identifier: Apache-2.0
"""Methods side by side on one list of activities: figure, range and ratio, and what makes them differ.

Every difference is a code with computed values; one that is not there is not said. `lichen.render.comparison` makes sentences.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, TypeVar

import numpy as np

from lichen.collect.entities import parse_entity
from lichen.model import uncertainty
from lichen.model.batch import Batch
from lichen.model.boundaries import OF_TIER
from lichen.model.chain import Chain
from lichen.model.method import Method
from lichen.model.results import Evaluation
from lichen.records import Factor, Phase

_UNKNOWN: Final = "unknown_value"

PlaceOf = Callable[[str], str | None]
Name = TypeVar("Name", str, tuple[str, ...])

GRID_ARGUMENT: Final = "grid_x_per_kwh"
"""Argument of formulas that takes what a delivered kWh costs."""
ENERGY: Final = "energy"
_SHOWN: Final = 0.01
"""Shares and ratios that differ by less read the same: no difference is told."""
_TIERS: Final = {boundary: tier for tier, boundaries in OF_TIER.items() for boundary in boundaries}
_SAME: Final[Mapping[str, str]] = {"cpu_time_share": "cpu_time", "memory_peak": "memory_byte_seconds"}
"""Quantities that say the same thing as another one in other words."""


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
        gaps: quantities that the method reads and could not convert.
        grade: its letter; None where the method grades nothing, or not this place.
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
    gaps: tuple[str, ...] = ()
    grade: str | None = None

    def resting_on(self, quantities: frozenset[str]) -> float:
        """Share of the figure that rests on one or more of ``quantities``."""
        return math.fsum(share for names, share in self.rests.items() if not quantities.isdisjoint(names))

    def to_json(self) -> dict[str, Any]:
        """As JSON prints it."""
        return {
            "method": self.method, "title": dict(self.title), "value": self.value, "low": self.low, "high": self.high,
            "ratio": self.ratio, "use": self.use, "embodied": self.embodied, "energy_kwh": self.energy_kwh,
            "per_kwh": self.per_kwh, "electricity": [row.to_json() for row in self.electricity], "tiers": dict(self.tiers),
            "quantities": dict(self.quantities), "gaps": list(self.gaps), "grade": self.grade,
        }  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """A reason why a method's figure is not the first method's.

    Attributes:
        code: ``scope_first`` and ``scope_other`` (quantities that only one counts), ``tiers``, ``phases``, ``energy`` and
            ``per_kwh`` (whose ratios multiply to that of the use phase), ``no_energy`` (only one figure comes from energy),
            ``gap_first`` and ``gap_other`` (quantities that one should count and could not).
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """One place (an entity, a journey) and indicator seen through several methods, in the order in which they were named."""

    entity: str
    indicator: str
    unit: str
    figures: tuple[MethodFigure, ...]
    differences: tuple[Difference, ...]

    def known(self) -> Comparison:
        """The same without methods that give no figure, but with the first one."""
        return replace(
            self, figures=tuple(row for row in self.figures if row.value is not None or row is self.figures[0])
        )

    def to_json(self) -> dict[str, Any]:
        """As JSON prints it."""
        return {
            "entity": self.entity, "indicator": self.indicator, "unit": self.unit,
            "figures": [row.to_json() for row in self.figures],
            "differences": [row.to_json() for row in self.differences],
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Piece:
    """A figure that a sum is made of, with what it comes from."""

    value: float
    phase: Phase
    quantities: tuple[str, ...]
    tier: str | None
    grid: Factor | None


@dataclass(slots=True)
class _Sum:
    pieces: list[_Piece] = field(default_factory=list)
    draws: np.ndarray = field(default_factory=lambda: np.zeros(uncertainty.DRAWS))


def compare(
    evaluations: Sequence[Evaluation],
    place_of: PlaceOf = lambda entity: entity,
    indicators: Collection[str] | None = None,
) -> list[Comparison]:
    """Compares methods, place by place, by each indicator that two or more of them give.

    Args:
        evaluations: of one list of activities; the first one is what the others are compared with.
        place_of: where an entity is booked, e.g. its journey; None leaves it out. Default: the entity itself.
        indicators: those looked at; None: all that can be added.

    Returns:
        Places in the order of the activities, indicators in the order of the nomenclature.
    """
    sums = [_gather(evaluation, place_of) for evaluation in evaluations]
    gaps = [_gaps(evaluation, place_of) for evaluation in evaluations]
    letters = [{(row["entity"], row["indicator"]): row["grade"] for row in e.grades()} for e in evaluations]
    nomenclature = evaluations[0].nomenclature
    names = [
        name
        for name in nomenclature.names("indicator")
        if nomenclature.indicator(name).additive and (indicators is None or name in indicators)
    ]
    places = dict.fromkeys(place for found in sums for place, _ in found)
    compared = []
    for place in places:
        for name in names:
            if sum((place, name) in found for found in sums) < 2:
                continue
            figures = [
                _figure(e.method, found, place, name, lost.get(place, ()), graded.get((place, name)))
                for e, found, lost, graded in zip(evaluations, sums, gaps, letters, strict=True)
            ]
            unit = nomenclature.indicator(name).unit
            compared.append(_compared(place, name, unit, figures))
    return compared


def compare_document(evaluations: Sequence[Evaluation]) -> dict[str, Any]:
    """The key ``comparison`` of ``lichen evaluate``: each entity, and each journey over its parts and steps."""
    return {
        "entities": [row.to_json() for row in compare(evaluations)],
        "journeys": [row.to_json() for row in compare(evaluations, journey_of)],
    }


def journey_of(path: str) -> str | None:
    """The journey that an entity belongs to; None where it belongs to none."""
    entity = parse_entity(path)
    return None if entity is None else entity.journey


def _compared(place: str, indicator: str, unit: str, figures: Sequence[MethodFigure]) -> Comparison:
    first = figures[0].value
    rated = [replace(row, ratio=None if row.value is None or not first else row.value / first) for row in figures]
    return Comparison(
        entity=place,
        indicator=indicator,
        unit=unit,
        figures=tuple(rated),
        differences=tuple(row for other in rated[1:] for row in differences(rated[0], other, indicator)),
    )


def _gather(evaluation: Evaluation, place_of: PlaceOf) -> dict[tuple[str, str], _Sum]:
    """Pieces and draws of each place and indicator, by the method's own accounting."""
    sums: dict[tuple[str, str], _Sum] = {}
    for batch in evaluation.batches:
        places = [place_of(group.entity) for group in batch.groups]
        for rows in batch.chunks():
            for number, draws in enumerate(batch.draws(rows)):
                chain = batch.work.chains[number]
                if chain.accounting != evaluation.method.accounting:
                    continue
                for offset, row in enumerate(range(len(batch))[rows]):
                    place = places[row]
                    if place is not None:
                        one = sums.setdefault((place, chain.indicator), _Sum())
                        one.pieces.append(_piece(batch, chain, number, row))
                        one.draws += draws[offset]
    return sums


def _piece(batch: Batch, chain: Chain, number: int, row: int) -> _Piece:
    bound = [(name, source.factor) for link in chain.links for name, source in link.sources.items()]
    boundary = next((f.boundary for _, f in bound if f is not None and f.boundary in _TIERS), None)
    return _Piece(
        value=float(batch.values[number][row]),
        phase=batch.work.rule.phase,
        quantities=tuple(_SAME.get(name, name) for name in batch.work.rule.quantities),
        tier=None if boundary is None else _TIERS[boundary],
        grid=next((f for name, f in bound if name == GRID_ARGUMENT), None),
    )


def _gaps(evaluation: Evaluation, place_of: PlaceOf) -> dict[str, tuple[str, ...]]:
    """Quantities of each place that the method should have converted; what nobody knows is no method's gap."""
    found: dict[str, dict[str, None]] = {}
    for row in evaluation.not_covered:
        place = None if row.by_design or row.code == _UNKNOWN else place_of(row.entity)
        if place is not None:
            found.setdefault(place, {})[_SAME.get(row.quantity, row.quantity)] = None
    return {place: tuple(names) for place, names in found.items()}


def _figure(
    method: Method,
    sums: Mapping[tuple[str, str], _Sum],
    place: str,
    indicator: str,
    gaps: tuple[str, ...],
    grade: str | None,
) -> MethodFigure:
    one = sums.get((place, indicator))
    if one is None:
        return MethodFigure(method=method.method_id, title=method.title, gaps=gaps)
    pieces, value = one.pieces, _total(one.pieces)
    low, high = uncertainty.bounds(one.draws)
    energy = sums.get((place, ENERGY))
    energy_kwh = _total(p for p in energy.pieces if p.phase == "use") if energy else None
    priced = [p for p in pieces if p.phase == "use" and p.grid is not None]
    return MethodFigure(
        method=method.method_id,
        title=method.title,
        value=value,
        low=low,
        high=high,
        use=_total(p for p in pieces if p.phase == "use"),
        embodied=_total(p for p in pieces if p.phase == "embodied"),
        energy_kwh=energy_kwh,
        per_kwh=_total(priced) / energy_kwh if priced and energy_kwh else None,
        electricity=_electricity(priced),
        tiers=_shares(((p.tier, p.value) for p in pieces), value) if all(p.tier for p in pieces) else {},
        quantities=_shares(((name, p.value) for p in pieces for name in p.quantities), value),
        rests=_shares(((p.quantities, p.value) for p in pieces), value),
        gaps=gaps,
        grade=grade,
    )


def _total(pieces: Iterable[_Piece]) -> float:
    return math.fsum(piece.value for piece in pieces)


def _shares(pairs: Iterable[tuple[Name | None, float]], whole: float) -> dict[Name, float]:
    """Share of each name in ``whole``, largest first; names that share a piece overlap. Empty where it is zero."""
    by_name: dict[Name, list[float]] = {}
    for name, value in pairs:
        if name is not None:
            by_name.setdefault(name, []).append(value)
    shares = {name: math.fsum(values) / whole for name, values in by_name.items()} if whole else {}
    return dict(sorted(shares.items(), key=lambda item: -item[1]))


def _electricity(priced: Sequence[_Piece]) -> tuple[Electricity, ...]:
    by_factor: dict[tuple[str, int, float], float] = {}
    for piece in priced:
        if piece.grid is not None and piece.value:
            key = (piece.grid.geography, piece.grid.valid_from.year, piece.grid.value)
            by_factor[key] = by_factor.get(key, 0.0) + piece.value
    ordered = sorted(by_factor, key=lambda key: -by_factor[key])
    return tuple(Electricity(place=place, year=year, value=value) for place, year, value in ordered)


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
        lost = [name for name in lacking.gaps if counting.quantities.get(name)]
        if lost:
            found[code] = {"quantities": lost}
    return [Difference(code=code, method=other.method, first=first.method, values=v) for code, v in found.items()]


def _apart(one: Mapping[str, float], other: Mapping[str, float]) -> bool:
    return any(abs(one.get(name, 0.0) - other.get(name, 0.0)) >= _SHOWN for name in {*one, *other})


def _by_energy(first: MethodFigure, other: MethodFigure) -> dict[str, dict[str, Any]]:
    """How much of the ratio of the use phase is energy, and how much is what a kWh costs."""
    found: dict[str, dict[str, Any]] = {}
    if not first.per_kwh or not other.per_kwh or not first.energy_kwh or not other.energy_kwh:
        lacking = [row.method for row in (first, other) if row.per_kwh is None]
        return {"no_energy": {"methods": lacking}} if len(lacking) == 1 else {}
    energy, price = other.energy_kwh / first.energy_kwh, other.per_kwh / first.per_kwh
    if abs(energy - 1) >= _SHOWN:
        found["energy"] = {"first": first.energy_kwh, "other": other.energy_kwh, "ratio": energy}
    if abs(price - 1) >= _SHOWN:
        found["per_kwh"] = {
            "first": first.per_kwh,
            "other": other.per_kwh,
            "ratio": price,
            "first_electricity": [row.to_json() for row in first.electricity],
            "other_electricity": [row.to_json() for row in other.electricity],
        }
    return found
