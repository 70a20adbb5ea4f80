# SPDX-License-Identifier: Apache-2.0
"""Runs of both sides in turn, each in a browser of its own, until every journey is decided or its time is over."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from lichen.collect.base import Sample
from lichen.collect.journeys import Journey
from lichen.errors import JourneyFailed
from lichen.service.comparing.sides import Side, SideName, naming
from lichen.service.progress import Progress
from lichen.stats.paired import LOOKS, order

_NAMES: Final[tuple[SideName, SideName]] = ("base", "head")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """When to look and when to stop.

    Attributes:
        max_pairs: looks beyond it are not taken.
        max_s: longest time for one journey's counted pairs [s].
        discard: warm-ups of each side, before anything is counted.
    """

    max_pairs: int
    max_s: float
    discard: int

    @property
    def looks(self) -> tuple[int, ...]:
        """Numbers of pairs at which it is looked."""
        return tuple(look for look in LOOKS if look <= self.max_pairs)


@dataclass(slots=True)
class PairSeries:
    """The runs of one journey so far.

    Attributes:
        journeys: on the base and on the head.
        samples: of the base and of the head, a pair at each position.
        failed: why it failed, by side.
        decided: by a look.
        late: the time was over before that.
    """

    journeys: tuple[Journey, Journey]
    samples: tuple[list[Sample], list[Sample]] = field(default_factory=lambda: ([], []))
    failed: dict[SideName, JourneyFailed] = field(default_factory=dict)
    elapsed_s: float = 0.0
    longest_s: float = 0.0
    decided: bool = False
    late: bool = False

    @property
    def name(self) -> str:
        """Of the journey, the same on both sides."""
        return self.journeys[0].name

    @property
    def pairs(self) -> int:
        """Whole pairs."""
        return len(self.samples[1])


Look = Callable[[PairSeries], None]
"""Looks at a journey whose pairs have reached a look, and sets `PairSeries.decided`."""


def measure_pairs(base: Side, head: Side, rule: Rule, look: Look, progress: Progress) -> list[PairSeries]:
    """Measures both sides in pairs, several journeys in turn.

    Args:
        look: called at each look of each journey.
        progress: told of all runs of both sides.

    Returns:
        One series a journey, in their order. One that failed says on which side.
    """
    series = [PairSeries(pair) for pair in zip(base.journeys, head.journeys, strict=True)]
    sides = (base, head)
    progress.phase(f"comparing {', '.join(one.name for one in series)}")
    for one in series:
        for index in range(rule.discard):
            if not one.failed:
                _take_pair(one, sides, (0, 1), -1 - index)
    while going := [one for one in series if not one.failed and not one.decided and not one.late]:
        for one in going:
            began = time.monotonic()
            taken = _take_pair(one, sides, order(one.pairs), one.pairs)
            if taken is None:
                continue
            for samples, sample in zip(one.samples, taken, strict=True):
                samples.append(sample)
            lasted_s = time.monotonic() - began
            one.elapsed_s += lasted_s
            one.longest_s = max(one.longest_s, lasted_s)
            if one.pairs in rule.looks:
                look(one)
            last = one.pairs >= rule.looks[-1]
            one.late = not one.decided and (last or one.elapsed_s + one.longest_s > rule.max_s)
            _tell(progress, series, rule, one.name)
    progress.done(", ".join(one.name for one in series))
    return series


def _take_pair(
    one: PairSeries, sides: tuple[Side, Side], turn: Sequence[int], index: int
) -> tuple[Sample, Sample] | None:
    """A run of each side in the order of ``turn``; None when one failed: the other is tried all the same, to tell which."""
    taken: dict[int, Sample] = {}
    for place in turn:
        try:
            with naming(_NAMES[place]):
                taken[place] = sides[place].runner.sample(one.journeys[place], index)
        except JourneyFailed as error:
            one.failed[_NAMES[place]] = error
    return None if one.failed else (taken[0], taken[1])


def _tell(progress: Progress, series: Sequence[PairSeries], rule: Rule, name: str) -> None:
    going = [one for one in series if not one.failed]
    expected = [
        one.pairs
        if one.decided or one.late
        else next((look for look in rule.looks if look > one.pairs), rule.looks[-1])
        for one in going
    ]
    progress.sample(name, 2 * sum(one.pairs for one in going), 2 * sum(expected), None)
