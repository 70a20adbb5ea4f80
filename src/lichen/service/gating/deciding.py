# SPDX-License-Identifier: Apache-2.0
"""Bounds held against figures, one check each; then all that are not exact together, so that many budgets cry no wolf."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from lichen.service.gating.baseline import History
from lichen.service.gating.outcome import REGRESSION, Check, CheckOutcome, Reason, Rule
from lichen.service.gating.readings import Reading, RunReadings
from lichen.service.gating.rules import Bound
from lichen.service.verdict import Effect, JourneyVerdict
from lichen.stats.budgets import SESSIONS_MIN, Mean, against_sessions
from lichen.stats.multiplicity import holm
from lichen.stats.paired import ALPHA

_CLOSE: Final = 1e-9
"""Relative difference of two figures that is the rounding of floats."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A check before all are looked at together.

    Attributes:
        p: one-sided, that it is not above the bound; None when that is settled.
        above: the figure itself is above the bound; within: it surely is not.
    """

    check: Check
    p: float | None = None
    above: bool = False
    within: bool = False


def concluded(drafts: Sequence[Draft]) -> tuple[Check, ...]:
    """The checks. One that is not exact fails when its p-value, after Holm over all of them, is at most `ALPHA`."""
    tested = [place for place, draft in enumerate(drafts) if draft.p is not None]
    adjusted = dict(zip(tested, holm([drafts[place].p or 0.0 for place in tested]), strict=True))
    return tuple(_concluded(draft, adjusted.get(place)) for place, draft in enumerate(drafts))


def _concluded(draft: Draft, p: float | None) -> Check:
    if p is None:
        return draft.check
    if draft.above and p <= ALPHA:
        return replace(draft.check, p=p, outcome="fail", reason="above")
    if draft.within:
        return replace(draft.check, p=p, outcome="pass", reason="within")
    return replace(draft.check, p=p, outcome="inconclusive", reason="not_sure")


def _blank(bound: Bound, journey: str, rule: Rule, limit: float) -> Check:
    return Check(
        code=bound.code, rule=rule, journey=journey, step=bound.step, what=bound.what, unit=bound.unit, limit=limit,
        outcome="inconclusive", reason="unknown", stated=bound.stated, file=bound.file, line=bound.line,
    )  # fmt: skip


def _settled(check: Check, outcome: CheckOutcome, reason: Reason) -> Draft:
    return Draft(replace(check, outcome=outcome, reason=reason))


def _more(value: float, limit: float) -> bool:
    return value > limit + _CLOSE * abs(limit)


def hold_maximum(bound: Bound, journey: str, head: RunReadings | None) -> Draft:
    """The upper bound of a budget against a run; None when no run was measured."""
    assert bound.maximum is not None  # noqa: S101 - the caller has looked
    check = _blank(bound, journey, "max", bound.maximum)
    if head is None:
        return _settled(check, "skipped", "not_compared")
    reading = head.read(journey, bound.step, bound.what)
    check = replace(check, samples=reading.samples)
    mean = reading.mean
    if mean is None:
        return Draft(check)
    check = replace(check, value=mean.value, exact=mean.exact)
    if mean.exact:
        check = replace(check, low=mean.value, high=mean.value)
        return _settled(check, *(("fail", "above") if _more(mean.value, bound.maximum) else ("pass", "within")))
    limits = mean.bounds()
    if limits is None:
        return _settled(check, "inconclusive", "one_sample")
    check = replace(check, low=limits[0], high=limits[1])
    return Draft(
        check, p=mean.p_above(bound.maximum), above=mean.value > bound.maximum, within=limits[1] < bound.maximum
    )


def hold_increase(bound: Bound, journey: str, head: RunReadings, history: History) -> Draft:
    """The bound of increase of a budget against earlier runs."""
    assert bound.increase is not None  # noqa: S101 - the caller has looked
    check = _blank(bound, journey, "increase", bound.increase)
    reading = head.read(journey, bound.step, bound.what)
    check = replace(check, samples=reading.samples, value=None if reading.mean is None else reading.mean.value)
    if not history.runs:
        if history.others:
            return Draft(replace(check, outcome="warn", reason="other_machine", counted=history.others))
        return _settled(check, "skipped", "no_history")
    base = [one.mean for one in _readings(history.runs, journey, bound) if one.mean is not None]
    if reading.mean is None or not base:
        return Draft(check)
    newest = base[0]
    if reading.mean.exact and newest.exact:
        return _exact_increase(check, reading.mean, newest, bound.increase)
    known = [mean for mean in base if mean.error is not None and mean.value > 0]
    return _noisy_increase(replace(check, counted=len(known)), reading.mean, known, bound.increase)


def _readings(runs: Iterable[RunReadings], journey: str, bound: Bound) -> Iterable[Reading]:
    for run in runs:
        if bound.step is None or bound.step in run.steps(journey):
            yield run.read(journey, bound.step, bound.what)


def _exact_increase(check: Check, head: Mean, base: Mean, limit: float) -> Draft:
    check = replace(check, base=base.value, exact=True, counted=1)
    if not base.value:
        return _settled(check, *(("fail", "from_nothing") if head.value > 0 else ("pass", "within")))
    change = head.value / base.value - 1
    check = replace(check, change=change, low=change, high=change)
    return _settled(check, *(("fail", "above") if _more(head.value, base.value * (1 + limit)) else ("pass", "within")))


def _noisy_increase(check: Check, head: Mean, base: Sequence[Mean], limit: float) -> Draft:
    if head.error is None:
        return _settled(check, "inconclusive", "one_sample")
    if head.value <= 0 or not base:
        return _settled(check, "inconclusive", "unknown")
    if len(base) < SESSIONS_MIN:
        centre = sum(mean.value for mean in base) / len(base)
        change = head.value / centre - 1
        check = replace(check, base=centre, change=change)
        return _settled(check, "warn" if change >= limit else "skipped", "few_sessions")
    effect = against_sessions(head, base)
    low, high = effect.interval()
    check = replace(
        check, base=head.value / (1 + effect.change), change=effect.change, low=low, high=high, exact=effect.error == 0
    )
    if not effect.error:
        return _settled(check, *(("fail", "above") if effect.change > limit else ("pass", "within")))
    return Draft(check, p=effect.p, above=effect.change >= limit, within=high < limit)


def hold_effect(bound: Bound, journey: JourneyVerdict) -> Draft:
    """The bound of increase of a budget against a comparison."""
    assert bound.increase is not None  # noqa: S101 - the caller has looked
    check = _blank(bound, journey.journey, "increase", bound.increase)
    place = journey if bound.step is None else next((one for one in journey.steps if one.name == bound.step), None)
    effect = None if place is None else place.effect(bound.what)
    if journey.outcome == "error":
        return _settled(check, "error", "journey_failed")
    if effect is None:
        return _settled(check, "skipped", "not_compared")
    check = _with(check, effect)
    if effect.change is None:
        above = not effect.base and (effect.head or 0) > 0 and effect.exact
        return _settled(check, *(("fail", "from_nothing") if above else ("inconclusive", "unknown")))
    if effect.exact:
        return _settled(check, *(("fail", "above") if effect.change > bound.increase + _CLOSE else ("pass", "within")))
    return Draft(
        check,
        p=1.0 if effect.p is None else effect.p,
        above=effect.change >= bound.increase,
        within=effect.high is not None and effect.high < bound.increase,
    )


def _with(check: Check, effect: Effect) -> Check:
    return replace(
        check, unit=effect.unit, value=effect.head, base=effect.base, change=effect.change, low=effect.low,
        high=effect.high, samples=effect.pairs, exact=effect.exact,
    )  # fmt: skip


def regression(journey: JourneyVerdict, delta: float, place: tuple[str, int]) -> Draft:
    """The check that a comparison itself is; several journeys were looked at together when it was made.

    Args:
        delta: smallest relative increase that fails.
        place: file and line that declare the journey.
    """
    effects = [effect for name in journey.gated if (effect := journey.effect(name)) is not None]
    deciding = next((effect for effect in effects if effect.outcome == journey.outcome), journey.primary)
    check = Check(
        code=REGRESSION, rule="regression", journey=journey.journey, step=None, what="energy", unit="kWh", limit=delta,
        outcome=journey.outcome, reason=_REASONS[journey.outcome], file=place[0], line=place[1],
    )  # fmt: skip
    if deciding is None:
        return Draft(check)
    return Draft(replace(_with(check, deciding), what=deciding.name))


_REASONS: Final[dict[CheckOutcome, Reason]] = {
    "pass": "within", "fail": "above", "inconclusive": "not_sure", "error": "journey_failed",
}  # fmt: skip
