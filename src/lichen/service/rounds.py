# SPDX-License-Identifier: Apache-2.0
"""How often a measurement is repeated; several journeys in turn, so that a drift of the machine hits all alike.

In turn: a sample of each, then the next of each. ``docs/noise.md`` shows what that gains over one after the other.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from lichen.collect.base import Sample
from lichen.collect.journeys import Journey
from lichen.collect.survey import Survey
from lichen.config import Samples, Settings
from lichen.errors import JourneyFailed
from lichen.service.progress import Progress
from lichen.service.quality import journey_notes
from lichen.service.record import Measured
from lichen.stats.sampling import SamplingPlan, precision

_SECONDS_PER_MINUTE: Final = 60.0

TakeSample = Callable[[Journey, int], Sample]
"""Takes the sample of a journey with an index; a negative one is a warm-up, which is not counted."""


@dataclass(slots=True)
class _Series:
    """The samples of one journey so far; times in seconds, of this journey alone."""

    journey: Journey
    plan: SamplingPlan
    samples: list[Sample] = field(default_factory=list)
    primary_s: list[float] = field(default_factory=list)
    elapsed_s: float = 0.0
    longest_s: float = 0.0
    survey: Survey | None = None

    @property
    def enough(self) -> bool:
        return self.plan.enough(self.primary_s, self.elapsed_s, self.longest_s)

    @property
    def reached(self) -> float | None:
        """Relative precision so far; None before it can be known."""
        return precision(self.primary_s).relative if len(self.primary_s) > 1 else None

    @property
    def expected(self) -> int:
        """How many samples there will probably be: half-widths shrink with the root of the number."""
        count = len(self.primary_s)
        if self.enough:
            return count
        if self.plan.target is None:
            return self.plan.maximum
        if self.reached is None:
            return self.plan.minimum
        needed = math.ceil(count * (self.reached / self.plan.target) ** 2)
        return min(self.plan.maximum, max(self.plan.minimum, needed, count))

    def add(self, sample: Sample, primary_s: float, lasted_s: float) -> None:
        """One more sample."""
        self.samples.append(sample)
        self.primary_s.append(primary_s)
        self.elapsed_s += lasted_s
        self.longest_s = max(self.longest_s, lasted_s)


def sampling_plan(settings: Settings, *, shared_host: bool, samples: Samples | None = None) -> SamplingPlan:
    """The plan that the settings ask for; on a host graded shared the target is the wider one.

    Args:
        samples: stands in for ``measure.samples``.
    """
    measure = settings.measure
    wanted = measure.samples if samples is None else samples
    if wanted != "auto":
        count = int(wanted)
        return SamplingPlan(minimum=count, maximum=count, target=None, max_s=math.inf)
    return SamplingPlan(
        minimum=measure.min_samples,
        maximum=measure.max_samples,
        target=measure.precision_shared if shared_host else measure.precision,
        max_s=measure.max_minutes * _SECONDS_PER_MINUTE,
    )


def repeat_in_turn(
    journeys: Sequence[Journey],
    plan: SamplingPlan,
    take: TakeSample,
    primary_s: Callable[[Sample], float],
    *,
    discard: int,
    progress: Progress,
) -> tuple[list[Measured], dict[str, JourneyFailed]]:
    """Repeats journeys until each is precise enough, or as often as asked; one that is leaves the turn.

    Args:
        journeys: with names that differ.
        plan: of each journey.
        take: takes one sample.
        primary_s: the primary metric of a sample [s].
        discard: warm-ups of each journey, before anything is counted.
        progress: told of all journeys as of one.

    Returns:
        The journeys that succeed, and why each of the others failed, both in the order given. A journey that fails once has
        no figures and takes nothing from the others.
    """
    title = ", ".join(journey.name for journey in journeys)
    progress.phase(title)
    turn = [_Series(journey, plan) for journey in journeys]
    failed: dict[str, JourneyFailed] = {}
    for index in range(discard):
        for series in [series for series in turn if series.journey.name not in failed]:
            try:
                series.survey = take(series.journey, -1 - index).survey or series.survey
            except JourneyFailed as error:
                failed[series.journey.name] = error
    while going := [series for series in turn if series.journey.name not in failed and not series.enough]:
        for series in going:
            began = time.monotonic()
            try:
                sample = take(series.journey, len(series.samples))
            except JourneyFailed as error:
                failed[series.journey.name] = error
                continue
            series.add(sample, primary_s(sample), time.monotonic() - began)
            _tell(progress, [one for one in turn if one.journey.name not in failed], series.journey.name)
    done = [series for series in turn if series.journey.name not in failed]
    if done:
        progress.done(", ".join(series.journey.name for series in done))
    measured = [
        Measured(
            journey=series.journey,
            plan=plan,
            discarded=discard,
            samples=tuple(series.samples),
            primary_s=tuple(series.primary_s),
            elapsed_s=series.elapsed_s,
            notes=journey_notes(series.samples),
            survey=series.survey,
        )
        for series in done
    ]
    return measured, {journey.name: failed[journey.name] for journey in journeys if journey.name in failed}


def _tell(progress: Progress, turn: Sequence[_Series], name: str) -> None:
    """The samples of all journeys together, and the precision of the least precise one."""
    reached = [series.reached for series in turn]
    known = [value for value in reached if value is not None]
    progress.sample(
        name,
        sum(len(series.samples) for series in turn),
        sum(series.expected for series in turn),
        max(known) if len(known) == len(reached) else None,
    )
