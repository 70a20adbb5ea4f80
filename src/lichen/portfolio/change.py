# SPDX-License-Identifier: Apache-2.0
"""Why a total of an application or of a portfolio changed, and whether a rebound ate what was saved.

A month before and a month after, journey by journey: more visits (volume), another consumption per visit (intensity), other
factors or methods (factor). ``docs/model/effects.md`` tells the formulas.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from lichen.portfolio.effects import Change, Effects, add, decompose


class Cause(StrEnum):
    """An effect's name."""

    VOLUME = "volume"
    INTENSITY = "intensity"
    FACTOR = "factor"


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A journey at two points, figures per visit in one unit of one indicator.

    Attributes:
        volume_before, volume_after: visits; None when unknown.
        published: figure per visit as it was told at the first point.
        restated: the same under the factors and method of the second point; ``published`` when nothing of the model changed.
        now: figure per visit at the second point.
    """

    volume_before: float | None
    volume_after: float | None
    published: float | None
    restated: float | None
    now: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Explained:
    """A change and what it is made of.

    Attributes:
        effects: they sum to the change.
        largest: the effect that did most; None when nothing changed.
        rebound: the intensity fell while the total rose: what was saved per visit was more than used up.
    """

    effects: Effects
    largest: Cause | None
    rebound: bool


def explain(lines: Iterable[Line]) -> Explained | None:
    """The effects behind the change of a sum of journeys; None when something of it is unknown.

    A journey that nobody made at either point changes nothing. One that appears or vanishes has a volume of 0 at one point; its
    figure per visit is then taken from the other, so that its whole change is one of volume.

    >>> found = explain([Line(volume_before=1000, volume_after=1500, published=2.0, restated=2.0, now=1.8)])
    >>> found.effects.volume, round(found.effects.intensity, 9), found.largest.value, found.rebound
    (950.0, -250.0, 'volume', True)
    """
    changes = [_change(line) for line in lines]
    known = [change for change in changes if change is not None]
    if len(known) != len(changes):
        return None
    effects = add(decompose(change) for change in known) if known else _NOTHING
    sizes = {Cause.VOLUME: effects.volume, Cause.INTENSITY: effects.intensity, Cause.FACTOR: effects.factor}
    largest = max(sizes, key=lambda cause: abs(sizes[cause]))
    return Explained(
        effects=effects,
        largest=largest if sizes[largest] else None,
        rebound=effects.intensity < 0 and effects.change > 0,
    )


def _change(line: Line) -> Change | None:
    before, after = line.volume_before, line.volume_after
    if before is None or after is None:
        return None
    published, restated, now = line.published, line.restated, line.now
    if before == after == 0:
        published = restated = now = 0.0
    if before == 0 and now is not None:
        published = restated = now
    if after == 0 and restated is not None:
        now = restated
    if published is None or restated is None or now is None:
        return None
    return Change(volume_before=before, volume_after=after, published=published, restated=(restated,), now=now)


_NOTHING = Effects(before=0.0, after=0.0, volume=0.0, intensity=0.0, model=(0.0,))
