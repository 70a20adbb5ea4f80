# SPDX-License-Identifier: Apache-2.0
"""From effects to outcomes: what decides together, and the sentence that says why."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from lichen.collect.base import Sample
from lichen.collect.entities import segment
from lichen.service.comparing.causes import causes_of
from lichen.service.comparing.effects import PRIMARY, JourneyEffects, unmeasured, with_family
from lichen.service.comparing.pairs import PairSeries
from lichen.service.comparing.sides import SideName
from lichen.service.record import request_rows
from lichen.service.verdict import Effect, JourneyVerdict, Outcome, PlaceEffects, worst
from lichen.stats.paired import LOOKS

_SIDES: Final[tuple[SideName, SideName]] = ("base", "head")

_FAULTS: Final[Mapping[str, str]] = {
    "unmeasured": "{name} was not measured",
    "unknown": "{name} is unknown in some runs",
    "not_finite": "{name} is no finite number in some runs",
    "negative": "{name} is negative in some runs",
    "zero": "{name} is zero in some runs and not in others: there is no ratio",
    "single": "{name} was seen once: nothing says how much the next run would differ",
}
"""Why an effect has no change, by its code."""

Family = Mapping[str, Effect]
"""The effects of a journey that decide, by name."""


def judged(family: Family) -> Outcome:
    """What the effects that decide say together: one that fails is enough, and all must pass."""
    return worst(tuple(effect.outcome for effect in family.values()))


def family_outcomes(effects: Mapping[str, JourneyEffects], gate: Sequence[str]) -> dict[str, dict[str, Effect]]:
    """The effects that decide, of all journeys seen so far: tested together, so that many tests find no more than one would.

    Args:
        effects: by journey.
        gate: names that decide, in order; one that was not measured decides nothing, and lets nothing pass.
    """
    places = [(journey, name) for journey in effects for name in dict.fromkeys(gate)]
    judged = with_family([effects[journey].whole.get(name) or unmeasured(name) for journey, name in places])
    outcomes: dict[str, dict[str, Effect]] = {journey: {} for journey in effects}
    for (journey, name), effect in zip(places, judged, strict=True):
        outcomes[journey][name] = effect
    return outcomes


def journey_verdict(one: PairSeries, effects: JourneyEffects | None, family: Family, delta: float) -> JourneyVerdict:
    """The verdict on a journey that was measured in pairs.

    Args:
        effects: None when it failed, or was not seen twice.
        family: the effects that decide.
        delta: smallest relative increase that fails.
    """
    if one.failed:
        return JourneyVerdict(journey=segment(one.name), outcome="error", primary=None, reason=_failure(one))
    if effects is None or one.pairs < LOOKS[0]:
        return _too_few(one, effects, family)
    outcome = judged(family)
    causes = causes_of(effects, *(request_rows(_typical(samples)) for samples in one.samples))
    return assembled(one.name, outcome, effects, family, causes=causes, reason=reason_of(outcome, family, delta))


def _too_few(one: PairSeries, effects: JourneyEffects | None, family: Family) -> JourneyVerdict:
    reason = (
        f"the time was over after {one.pairs} of the {LOOKS[0]} pairs that a first look needs; "
        "allow more with --max-minutes"
    )
    if effects is None:
        return JourneyVerdict(journey=segment(one.name), outcome="inconclusive", primary=None, reason=reason)
    open_family = {name: replace(effect, outcome="inconclusive") for name, effect in family.items()}
    return assembled(one.name, "inconclusive", effects, open_family, causes=(), reason=reason)


def assembled(
    journey: str, outcome: Outcome, effects: JourneyEffects, family: Family, *, causes: Any, reason: str
) -> JourneyVerdict:
    """A journey's verdict from its effects; those that decide are the ones of ``family``."""
    whole = {**effects.whole, **family}
    return JourneyVerdict(
        journey=segment(journey),
        outcome=outcome,
        primary=whole.get(PRIMARY) or unmeasured(PRIMARY),
        counters=tuple(effect for name, effect in whole.items() if name != PRIMARY),
        gated=tuple(family),
        steps=_ordered(effects.steps),
        parts=effects.parts,
        causes=causes,
        reason=reason,
    )


def _ordered(steps: tuple[PlaceEffects, ...]) -> tuple[PlaceEffects, ...]:
    """The time between steps last."""
    return tuple(sorted(steps, key=lambda place: not place.name))


def reason_of(outcome: Outcome, family: Family, delta: float) -> str:
    """Why, in one English sentence without its full stop."""
    if outcome == "fail":
        failed = [effect for effect in family.values() if effect.outcome == "fail"]
        return f"{', '.join(_rise(effect) for effect in failed)}"
    if outcome == "inconclusive":
        left = [effect for effect in family.values() if effect.outcome == "inconclusive"]
        said = [_FAULTS[effect.fault].format(name=effect.name) for effect in left if effect.fault]
        open_names = [effect.name for effect in left if not effect.fault]
        if open_names:
            seen = [effect.smallest_visible for effect in left if effect.smallest_visible is not None]
            visible = f"; {left[0].pairs} pairs on this machine show rises above {max(seen):.0%}" if seen else ""
            said.append(f"it is not known whether {', '.join(open_names)} rose by {delta:.1%} or more{visible}")
        return "; ".join(said)
    return f"nothing that decides rose by {delta:.1%} or more"


def _rise(effect: Effect) -> str:
    if effect.change is None:
        return f"{effect.name} rose from nothing"
    return f"{effect.name} rose by {effect.change:.1%}{' exactly' if effect.exact else ''}"


def _failure(one: PairSeries) -> str:
    if len(one.failed) == len(_SIDES):
        return f"the journey fails on both sides: {one.failed['base'].problem}"
    ((side, error),) = one.failed.items()
    return f"the journey fails on the {side} only: {error.problem}"


def varying(journeys: Iterable[JourneyVerdict]) -> list[str]:
    """Warnings about counters that vary within a side, which are then compared like CPU time."""
    return [
        f"{one.journey}: values that vary from run to run are compared by statistics ({', '.join(names)})"
        for one in journeys
        if (names := one.varying)
    ]


def _typical(samples: Sequence[Sample]) -> Sample:
    """The run in the middle by number of requests and bytes: one that missed or repeated a request names no cause."""
    middle = sorted(samples, key=lambda sample: (len(sample.requests), _received(sample)))
    return middle[len(middle) // 2]


def _received(sample: Sample) -> int:
    return sum(request.received_bytes or 0 for request in sample.requests)
