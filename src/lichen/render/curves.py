# SPDX-License-Identifier: Apache-2.0
"""Inline SVG of series: a small line for a table cell, and a chart with axes, range, marks and a second line.

As in `lichen.render.charts`, a drawing never stands alone, positions are percentages or a fixed view box, and colours are the
page's.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from markupsafe import Markup, escape

_WIDTH, _HEIGHT = 640, 220
_LEFT, _RIGHT, _TOP, _BOTTOM = 56, 8, 12, 26
_NICE: Final = (1.0, 2.0, 2.5, 5.0, 10.0)
_TICKS: Final = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A value at one step of the horizontal axis; None is a gap in the line."""

    label: str
    value: float | None
    low: float | None = None
    high: float | None = None


def sparkline(values: Sequence[float | None], *, title: str, width: int = 96, height: int = 26) -> Markup:
    """A line over equal steps whose lower edge is zero, with a dot at its end.

    Args:
        values: oldest first, in one unit; None is a gap.
        title: what the line says, in words.
        width, height: in CSS pixels.
    """
    known = [value for value in values if value is not None]
    top = max(known, default=0.0) or 1.0
    step = (width - 8) / max(1, len(values) - 1)
    spots = [
        None if value is None else (4 + place * step, height - 4 - (height - 8) * max(0.0, value) / top)
        for place, value in enumerate(values)
    ]
    line = _path(spots)
    end = next((spot for spot in reversed(spots) if spot is not None), None)
    dot = f'<circle class="dot" cx="{end[0]:.1f}" cy="{end[1]:.1f}" r="3"/>' if end else ""
    return Markup(  # noqa: S704 - the title is escaped
        f'<svg class="spark" width="{width}" height="{height}" viewBox="0 0 {width} {height}" role="img">'
        f'<title>{escape(title)}</title><path class="line" d="{line}"/>{dot}</svg>'
    )


def _path(spots: Sequence[tuple[float, float] | None]) -> str:
    """Lines through the spots that are known; a gap begins another line."""
    pieces, drawing = [], False
    for spot in spots:
        if spot is not None:
            pieces.append(f"{'L' if drawing else 'M'}{spot[0]:.1f} {spot[1]:.1f}")
        drawing = spot is not None
    return "".join(pieces)


def nice_top(value: float) -> float:
    """The smallest round number that is not below ``value``, where an axis ends."""
    if value <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(value))
    return next(factor * power for factor in _NICE if factor * power >= value * (1 - 1e-12))


def line_chart(
    places: Sequence[Place],
    *,
    title: str,
    ticks: Sequence[tuple[float, str]],
    marks: Sequence[tuple[float, str]] = (),
    planned: Sequence[float | None] = (),
) -> Markup:
    """A line with its range as a band, marks such as deployments as vertical strokes, and a dashed line for a plan.

    Args:
        places: oldest first.
        title: what the chart says, in words.
        ticks: value and label of the lines across; the last is the top of the axis.
        marks: position between 0 (first place) and 1 (last), and what happened.
        planned: of a second line, at the same places.
    """
    top = ticks[-1][0] if ticks else 1.0
    across, up = _WIDTH - _LEFT - _RIGHT, _HEIGHT - _TOP - _BOTTOM
    gaps = max(1, len(places) - 1)

    def spot(position: float, value: float) -> tuple[float, float]:
        return _LEFT + across * position, _TOP + up * (1 - min(1.0, max(0.0, value / top)))

    body = []
    for value, label in ticks:
        _, y = spot(0, value)
        body.append(f'<path class="axis" d="M{_LEFT} {y:.1f}H{_WIDTH - _RIGHT}"/>')
        body.append(f'<text class="end" x="{_LEFT - 8}" y="{y + 4:.1f}">{escape(label)}</text>')
    every = max(1, math.ceil(len(places) / 7))
    for number, place in enumerate(places):
        if (len(places) - 1 - number) % every == 0:
            x, _ = spot(number / gaps, 0)
            body.append(f'<text class="mid" x="{x:.1f}" y="{_HEIGHT - 6}">{escape(place.label)}</text>')
    body += [f'<polygon class="band" points="{band}"/>' for band in _bands(places, spot)]
    for position, label in marks:
        x, _ = spot(position, 0)
        body.append(f'<path class="mark" d="M{x:.1f} {_TOP}V{_HEIGHT - _BOTTOM}"><title>{escape(label)}</title></path>')
    plan = [None if value is None else spot(number / gaps, value) for number, value in enumerate(planned)]
    body.append(f'<path class="plan" d="{_path(plan)}"/>' if plan else "")
    spots = [None if one.value is None else spot(n / gaps, one.value) for n, one in enumerate(places)]
    body.append(f'<path class="line" d="{_path(spots)}"/>')
    body += [f'<circle class="dot" cx="{one[0]:.1f}" cy="{one[1]:.1f}" r="3.5"/>' for one in spots if one]
    return Markup(  # noqa: S704 - labels are escaped
        f'<svg class="curve" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img"><title>{escape(title)}</title>{"".join(body)}</svg>'
    )


def tick_values(top: float) -> list[float]:
    """Values of the lines across, from zero to a round number that is not below ``top``."""
    end = nice_top(top)
    return [end * number / _TICKS for number in range(_TICKS + 1)]


def _bands(places: Sequence[Place], spot: Callable[[float, float], tuple[float, float]]) -> list[str]:
    """Outlines of the ranges, one for each stretch without a gap."""
    stretches: list[list[tuple[int, Place]]] = [[]]
    for number, place in enumerate(places):
        if place.low is None or place.high is None:
            stretches.append([])
        else:
            stretches[-1].append((number, place))
    gaps, found = max(1, len(places) - 1), []
    for stretch in stretches:
        if len(stretch) > 1:
            above = [spot(n / gaps, one.high or 0.0) for n, one in stretch]
            below = [spot(n / gaps, one.low or 0.0) for n, one in reversed(stretch)]
            found.append(" ".join(f"{x:.1f},{y:.1f}" for x, y in (*above, *below)))
    return found
