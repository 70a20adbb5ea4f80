# SPDX-License-Identifier: Apache-2.0
"""Why a figure changed: more use, another consumption per use, or other factors. The three effects sum to the change.

total = volume x intensity x factor, where intensity x factor is the figure of one functional unit.

Order, as the base-year recalculation of the GHG Protocol has it (Corporate Standard, revised edition 2004, chapter 5): first the
earlier point is restated, at the volume of its time, which is the effect of factors and method; then like is compared with like.
What remains is shared between volume and intensity symmetrically: their joint term is halved, which for two causes is the Shapley
value (Sun, Energy Economics 20 (1998) 85-100). ``docs/model/effects.md`` tells why.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A figure at two points. All figures are of one functional unit, in one unit of one indicator.

    Attributes:
        volume_before, volume_after: functional units, such as visits; 0 where there were none.
        published: the earlier figure as it was first published.
        restated: the earlier figure, physical quantities unchanged: one value for each change of the model in turn (such as other
            factors, then another method), the last one under the model of ``now``.
        now: the later figure.
    """

    volume_before: float
    volume_after: float
    published: float
    restated: Sequence[float]
    now: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Effects:
    """What a change is made of, in the indicator's unit.

    Attributes:
        before, after: totals at the two points.
        volume: of more or less use.
        intensity: of other physical quantities per functional unit, at constant factors.
        factor: of factors and method together; ``model`` has the effect of each change of the model.
    """

    before: float
    after: float
    volume: float
    intensity: float
    model: tuple[float, ...]

    @property
    def factor(self) -> float:
        """Effect of factors and method together."""
        return math.fsum(self.model)

    @property
    def change(self) -> float:
        """What the effects sum to."""
        return self.after - self.before


def decompose(change: Change) -> Effects:
    """The effects behind a change of a total.

    Zeros need no special case: what appears from nothing, or vanishes, is an effect of what appeared. A change of volume and of
    intensity that are swapped in time has the same effects with the opposite sign.

    >>> effects = decompose(
    ...     Change(volume_before=100, volume_after=120, published=2.0, restated=(2.5,), now=2.0)
    ... )
    >>> effects.factor, effects.volume, effects.intensity, effects.change
    (50.0, 45.0, -55.0, 40.0)
    """
    figures = (change.published, *change.restated)
    like = figures[-1]
    before, after = change.volume_before, change.volume_after
    return Effects(
        before=before * change.published,
        after=after * change.now,
        volume=(after - before) * (like + change.now) / 2,
        intensity=(change.now - like) * (before + after) / 2,
        model=tuple(before * (later - earlier) for earlier, later in itertools.pairwise(figures)),
    )


def add(effects: Iterable[Effects]) -> Effects:
    """Effects of a sum of figures; each needs as many changes of the model as the others."""
    rows = list(effects)
    return Effects(
        before=math.fsum(row.before for row in rows),
        after=math.fsum(row.after for row in rows),
        volume=math.fsum(row.volume for row in rows),
        intensity=math.fsum(row.intensity for row in rows),
        model=tuple(math.fsum(column) for column in zip(*(row.model for row in rows), strict=True)),
    )
