# SPDX-License-Identifier: Apache-2.0
"""Inline SVG of ways by cost and footprint, on logarithmic axes, with their ranges; a number beside each dot is its row's.

As in `lichen.render.charts`, a drawing never stands alone: the table above it says the same in figures.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from markupsafe import Markup, escape

_WIDTH, _HEIGHT = 640, 320
_LEFT, _RIGHT, _TOP, _BOTTOM = 96, 18, 20, 48
_STEPS: Final = (1.0, 2.0, 5.0)
_ROOM: Final = 1.15
"""Times the outermost value, where the axes end."""
_MOST_TICKS: Final = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Spot:
    """A way: its number in the table, and both figures with their ranges, all above 0.

    Attributes:
        across, up: low, value, high. on_front: whether no other way beats it in both.
    """

    number: int
    name: str
    across: tuple[float, float, float]
    up: tuple[float, float, float]
    on_front: bool


@dataclass(frozen=True, slots=True)
class Axis:
    """A logarithmic axis: its ends in the figures' unit, and the pixels that it runs over."""

    low: float
    high: float
    start: float
    end: float

    def place(self, value: float) -> float:
        """Where a value stands [px]."""
        whole = math.log(self.high / self.low)
        return self.start + (self.end - self.start) * (
            math.log(max(value, self.low) / self.low) / whole if whole else 0.5
        )


def axis(ranges: Sequence[tuple[float, float, float]], start: float, end: float) -> Axis:
    """An axis that holds all ranges."""
    low = min(one[0] for one in ranges)
    high = max(one[2] for one in ranges)
    return Axis(low / _ROOM, high * _ROOM, start, end)


def ticks(one: Axis) -> list[float]:
    """Round values on an axis: 1, 2 and 5 times powers of ten, powers alone where these are too many."""
    first, last = math.floor(math.log10(one.low)), math.ceil(math.log10(one.high))
    for steps in (_STEPS, (1.0, 3.0), (1.0,)):
        found = [step * 10.0**power for power in range(first, last + 1) for step in steps]
        found = [value for value in found if one.low <= value <= one.high]
        if len(found) <= _MOST_TICKS:
            break
    return found


def scatter(
    spots: Sequence[Spot], *, title: str, across: tuple[str, Sequence[str]], up: tuple[str, Sequence[str]]
) -> Markup:
    """Dots with their ranges; those of the front are joined.

    Args:
        spots: at least one.
        title: what the drawing says, in words.
        across, up: what the axes hold, and the labels of their ticks as `ticks_of` gives them.
    """
    x, y = axes(spots)
    body = []
    for value, label in zip(ticks(x), across[1], strict=True):
        place = x.place(value)
        body.append(f'<path class="axis" d="M{place:.1f} {_TOP}V{_HEIGHT - _BOTTOM}"/>')
        body.append(f'<text class="mid" x="{place:.1f}" y="{_HEIGHT - _BOTTOM + 16}">{escape(label)}</text>')
    for value, label in zip(ticks(y), up[1], strict=True):
        place = y.place(value)
        body.append(f'<path class="axis" d="M{_LEFT} {place:.1f}H{_WIDTH - _RIGHT}"/>')
        body.append(f'<text class="end" x="{_LEFT - 8}" y="{place + 4:.1f}">{escape(label)}</text>')
    body.append(
        f'<text class="mid" x="{(_LEFT + _WIDTH - _RIGHT) / 2:.1f}" y="{_HEIGHT - 8}">{escape(across[0])}</text>'
    )
    body.append(f'<text x="4" y="{_TOP - 4}">{escape(up[0])}</text>')
    front = sorted((spot for spot in spots if spot.on_front), key=lambda spot: spot.across[1])
    line = "L".join(f"{x.place(spot.across[1]):.1f} {y.place(spot.up[1]):.1f}" for spot in front)
    body.append(f'<path class="plan" d="M{line}"/>' if len(front) > 1 else "")
    for spot in spots:
        at, level = x.place(spot.across[1]), y.place(spot.up[1])
        body.append(
            f'<path class="mark" d="M{x.place(spot.across[0]):.1f} {level:.1f}H{x.place(spot.across[2]):.1f}"/>'
        )
        body.append(f'<path class="mark" d="M{at:.1f} {y.place(spot.up[0]):.1f}V{y.place(spot.up[2]):.1f}"/>')
    for spot in spots:
        at, level = x.place(spot.across[1]), y.place(spot.up[1])
        name = f"<title>{spot.number} {escape(spot.name)}</title>"
        body.append(f'<circle class="dot" cx="{at:.1f}" cy="{level:.1f}" r="5">{name}</circle>')
        body.append(
            f'<text class="name" x="{at + 8:.1f}" y="{level - 8:.1f}">{spot.number}{" ◆" if spot.on_front else ""}</text>'
        )
    return Markup(  # noqa: S704 - names and labels are escaped
        f'<svg class="curve" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img"><title>{escape(title)}</title>{"".join(body)}</svg>'
    )


def axes(spots: Sequence[Spot]) -> tuple[Axis, Axis]:
    """The axes of a drawing, across and up."""
    return (
        axis([spot.across for spot in spots], _LEFT, _WIDTH - _RIGHT),
        axis([spot.up for spot in spots], _HEIGHT - _BOTTOM, _TOP),
    )
