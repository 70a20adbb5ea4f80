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
from lichen.model.method import Method
from lichen.model.results import Evaluation
from lichen.records import Factor, Phase
from lichen.service.differences import ENERGY, Difference, Electricity, MethodFigure, Source, differences

_UNKNOWN: Final = "unknown_value"

PlaceOf = Callable[[str], str | None]
Name = TypeVar("Name", str, Source, tuple[str, ...])

GRID_ARGUMENT: Final = "grid_x_per_kwh"
"""Argument of formulas that takes what a delivered kWh costs."""
_TIERS: Final = {boundary: tier for tier, boundaries in OF_TIER.items() for boundary in boundaries}
_SAME: Final[Mapping[str, str]] = {"cpu_time_share": "cpu_time", "memory_peak": "memory_byte_seconds"}
"""Quantities that say the same thing as another one in other words."""


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
    entity: str
    phase: Phase
    quantities: tuple[str, ...]
    tier: str | None
    grid: Factor | None


@dataclass(slots=True)
class _Sum:
    """A sum under way; ``first`` is the place of its first activity in the list."""

    pieces: list[_Piece] = field(default_factory=list)
    draws: np.ndarray = field(default_factory=lambda: np.zeros(uncertainty.DRAWS))
    first: float = math.inf


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
    letters = [_letters(evaluation, place_of) for evaluation in evaluations]
    nomenclature = evaluations[0].nomenclature
    names = [
        name
        for name in nomenclature.names("indicator")
        if nomenclature.indicator(name).additive and (indicators is None or name in indicators)
    ]
    order = sorted((one.first, place) for found in sums for (place, _), one in found.items())
    compared = []
    for place in dict.fromkeys(place for _, place in order):
        for name in names:
            if sum((place, name) in found for found in sums) < 2:
                continue
            figures = [
                _figure(e.method, found, place, name, frozenset(lost.get(place, ())), graded.get(place, {}))
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


def _letters(evaluation: Evaluation, place_of: PlaceOf) -> dict[str, dict[str, str]]:
    """Letters of the entities of each place: a letter is that of one page or thing, never of several together."""
    found: dict[str, dict[str, str]] = {}
    if not evaluation.method.grades:
        return found
    totals = evaluation.totals(lambda entity: None if place_of(entity) is None else entity)
    for row in evaluation.grades(totals):
        place = place_of(row["entity"])
        if place is not None:
            found.setdefault(place, {})[row["entity"]] = row["grade"]
    return found


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
        for rows in batch.chunks() if any(places) else ():
            for number, draws in enumerate(batch.draws(rows)):
                chain = batch.work.chains[number]
                if chain.accounting != evaluation.method.accounting:
                    continue
                for offset, row in enumerate(range(len(batch))[rows]):
                    place = places[row]
                    if place is not None:
                        one = sums.setdefault((place, chain.indicator), _Sum())
                        one.pieces.append(_piece(batch, number, row))
                        one.draws += draws[offset]
                        one.first = min(one.first, batch.places[row])
    return sums


def _piece(batch: Batch, number: int, row: int) -> _Piece:
    chain = batch.chain(row, number)
    bound = [(name, source.factor) for link in chain.links for name, source in link.sources.items()]
    boundary = next((f.boundary for _, f in bound if f is not None and f.boundary in _TIERS), None)
    return _Piece(
        value=float(batch.values[number][row]),
        entity=batch.groups[row].entity,
        phase=batch.work.rule.phase,
        quantities=tuple(_SAME.get(name, name) for name in batch.work.rule.quantities),
        tier=None if boundary is None else _TIERS[boundary],
        grid=next((f for name, f in bound if name == GRID_ARGUMENT), None),
    )


def _gaps(evaluation: Evaluation, place_of: PlaceOf) -> dict[str, set[Source]]:
    """What the method should have converted at each place and could not; what nobody knows is no method's gap."""
    found: dict[str, set[Source]] = {}
    for row in evaluation.not_covered:
        place = None if row.by_design or row.code == _UNKNOWN else place_of(row.entity)
        if place is not None:
            found.setdefault(place, set()).add((row.entity, _SAME.get(row.quantity, row.quantity)))
    return found


def _figure(
    method: Method,
    sums: Mapping[tuple[str, str], _Sum],
    place: str,
    indicator: str,
    missing: frozenset[Source],
    grades: Mapping[str, str],
) -> MethodFigure:
    one = sums.get((place, indicator))
    if one is None:
        return MethodFigure(method=method.method_id, title=method.title, missing=missing)
    pieces, value = one.pieces, _total(one.pieces)
    low, high = uncertainty.enclosing(value, *uncertainty.bounds(one.draws))
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
        sources=_shares((((p.entity, name), p.value) for p in pieces for name in p.quantities), value),
        missing=missing,
        grades=grades,
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
