# SPDX-License-Identifier: Apache-2.0
"""How much each quantity differs between two series of runs: as it is where a side never varies, by pairs where it does."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from lichen.collect.entities import JourneyEntity, segment
from lichen.model.results import Computed
from lichen.records import Activity
from lichen.service.evaluation import as_of, evaluate_activities, parse_document
from lichen.service.summary import JourneyFigures
from lichen.service.verdict import Effect, Outcome, PlaceEffects
from lichen.service.workspace import Workspace
from lichen.stats.multiplicity import holm
from lichen.stats.paired import ALPHA, LogEffect, fault, paired_effect
from lichen.stats.sampling import precision

PRIMARY: Final = "energy"
_OUTCOMES: Final[Mapping[str, Outcome]] = {"pass": "pass", "fail": "fail", "undecided": "inconclusive"}

Values = tuple[float | None, ...]
Estimate = Callable[[Sequence[float], Sequence[float]], LogEffect]
"""How the effect of two positive series is estimated: by pairs, or by sessions for runs that were recorded apart."""


@dataclass(frozen=True, slots=True)
class Series:
    """One quantity or indicator of one place, run by run."""

    unit: str
    values: Values


@dataclass(frozen=True, slots=True, kw_only=True)
class JourneySeries:
    """All series of one side of a journey: of the whole, by step, by part."""

    whole: Mapping[str, Series]
    steps: Mapping[str, Mapping[str, Series]]
    parts: Mapping[str, Mapping[str, Series]]


@dataclass(frozen=True, slots=True, kw_only=True)
class JourneyEffects:
    """What differs in a journey: on the whole by name of the quantity or indicator, by step and by part."""

    whole: Mapping[str, Effect]
    steps: tuple[PlaceEffects, ...]
    parts: tuple[PlaceEffects, ...]


def journey_series(
    workspace: Workspace, content: Mapping[str, Any], journey: str, *, pinned: Mapping[str, Any] | None = None
) -> JourneySeries:
    """The series of one journey of a run file, under the workspace's method and factors.

    Args:
        content: of a run file.
        journey: its name.
        pinned: content whose day decides which factors hold; that of ``content`` when None.
    """
    rows, context = parse_document(workspace, content)
    method = workspace.method(workspace.settings.method.use)
    evaluation = evaluate_activities(workspace, method, rows, context, on=as_of(pinned or content))
    name = segment(journey)
    record = next(one for one in content["journeys"] if one["name"] == name)
    figures = JourneyFigures(name, rows, evaluation, record["sampling"]["kept"], workspace.nomenclature)

    def of_step(step: str) -> Callable[[JourneyEntity], bool]:
        return lambda entity: entity.step == step

    def of_part(part: str) -> Callable[[JourneyEntity], bool]:
        return lambda entity: entity.part == part

    return JourneySeries(
        whole=_series(figures, lambda _: True),
        steps={step: _series(figures, of_step(step)) for step in figures.steps},
        parts={part: _series(figures, of_part(part), one_part=True) for part in figures.parts},
    )


def _series(
    figures: JourneyFigures, where: Callable[[JourneyEntity], bool], *, one_part: bool = False
) -> dict[str, Series]:
    found: dict[str, Series] = {}
    rows: dict[str, list[Activity]] = {}
    for row in figures.counted(where, one_part=one_part):
        rows.setdefault(row.quantity, []).append(row)
    for quantity, listed in rows.items():
        term = figures.nomenclature.quantity(quantity)
        found[quantity] = Series(
            term.unit, _columns([row.samples for row in listed], math.fsum if term.additive else max)
        )
    impacts: dict[str, list[Computed]] = {}
    for entity, computed in figures.computed:
        if where(entity) and figures.nomenclature.indicator(computed.impact.indicator).additive:
            impacts.setdefault(computed.impact.indicator, []).append(computed)
    count = max((len(series.values) for series in found.values()), default=0)
    for indicator, items in impacts.items():
        samples = [item.impact.samples or (item.impact.value,) * count for item in items]
        found[indicator] = Series(items[0].impact.unit, _columns(samples, math.fsum))
    return {name: series for name, series in found.items() if series.values}


def _columns(rows: Sequence[Values], combine: Callable[[list[float]], float]) -> Values:
    if len({len(row) for row in rows}) != 1:
        return ()
    return tuple(
        None if None in column else combine([value for value in column if value is not None])
        for column in zip(*rows, strict=True)
    )


def effects_between(
    base: JourneySeries, head: JourneySeries, delta: float, estimate: Estimate = paired_effect
) -> JourneyEffects:
    """Every effect that both sides know.

    Args:
        delta: smallest relative increase that fails.
        estimate: of series that vary.
    """

    def among(one: Mapping[str, Series], other: Mapping[str, Series]) -> dict[str, Effect]:
        return {
            name: effect_of(name, series, other[name], delta, estimate) for name, series in one.items() if name in other
        }

    def by_place(
        one: Mapping[str, Mapping[str, Series]], other: Mapping[str, Mapping[str, Series]]
    ) -> tuple[PlaceEffects, ...]:
        return tuple(
            PlaceEffects(name=place, effects=tuple(among(series, other[place]).values()))
            for place, series in one.items()
            if place in other
        )

    return JourneyEffects(
        whole=among(base.whole, head.whole),
        steps=by_place(base.steps, head.steps),
        parts=by_place(base.parts, head.parts),
    )


def effect_of(name: str, base: Series, head: Series, delta: float, estimate: Estimate = paired_effect) -> Effect:
    """The effect of one quantity; unknown where a run does not know it or a ratio has no meaning."""
    pairs = min(len(base.values), len(head.values))
    unknown = replace(
        unmeasured(name), fault="", unit=base.unit, base=_mean(base.values), head=_mean(head.values), pairs=pairs
    )
    if pairs > 1 and len(set(base.values)) == 1 and len(set(head.values)) == 1:
        return _exact(unknown, base.values[0], head.values[0], delta)
    for series in (base, head):
        if (wrong := fault(series.values, series.values)) is not None:
            return replace(unknown, fault=wrong)
    effect = estimate(
        [value for value in base.values if value is not None], [value for value in head.values if value is not None]
    )
    low, high = effect.interval()
    return replace(
        unknown,
        change=effect.change,
        low=low,
        high=high if math.isfinite(high) else None,
        smallest_visible=effect.smallest_visible if math.isfinite(effect.smallest_visible) else None,
        p=effect.p,
        outcome=_OUTCOMES[effect.decide(delta)],
    )


def unmeasured(name: str) -> Effect:
    """The effect of what no run knows."""
    return Effect(
        name=name, unit="", base=None, head=None, change=None, low=None, high=None, pairs=0, smallest_visible=None,
        exact=False, p=None, outcome="inconclusive", fault="unmeasured",
    )  # fmt: skip


def _exact(unknown: Effect, base: float | None, head: float | None, delta: float) -> Effect:
    """Two constants: no statistics can say more than their difference."""
    if base is None or head is None:
        return replace(unknown, fault="unknown")
    if not (math.isfinite(base) and math.isfinite(head)):
        return replace(unknown, fault="not_finite")
    if base < 0 or head < 0:
        return replace(unknown, fault="negative")
    if base == 0:
        change = 0.0 if head == 0 else None
        outcome: Outcome = "fail" if head > 0 else "pass"
    else:
        change = head / base - 1
        outcome = "fail" if change >= delta and head > base else "pass"
    return replace(
        unknown, change=change, low=change, high=change, smallest_visible=0.0, exact=True, outcome=outcome
    )  # fmt: skip


def _mean(values: Values) -> float | None:
    known = [value for value in values if value is not None and math.isfinite(value)]
    return precision(known).mean if known and len(known) == len(values) else None


def with_family(family: Sequence[Effect]) -> list[Effect]:
    """Effects that decide together: one that would fail alone is undecided where so many tests make it a likely accident."""
    tested = [at for at, effect in enumerate(family) if effect.p is not None]
    adjusted = holm([family[at].p or 0.0 for at in tested])
    found = list(family)
    for at, p in zip(tested, adjusted, strict=True):
        if family[at].outcome == "fail" and p > ALPHA:
            found[at] = replace(family[at], outcome="inconclusive")
    return found
