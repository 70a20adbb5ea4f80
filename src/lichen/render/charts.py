# SPDX-License-Identifier: Apache-2.0
"""Small inline SVG drawings, made for table cells: they stretch with the cell because every position is a percentage.

A drawing never stands alone: the table's row says the same in figures, its ``<title>`` says it in words, and series differ by
pattern as well as by colour. Colours are the page's: classes ``s0`` to ``s6`` for series and ``q-…`` for data quality refer to
the patterns ``p1`` to ``p6``, which lie on the classes ``b1`` to ``b6``; ``gap`` refers to the bare hatching ``p0``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from markupsafe import Markup, escape

SERIES: Final = 7
"""Series with a style of their own; further ones start again."""
_VISIBLE: Final = 0.0005
"""Share of the cell's width below which a piece would be thinner than a pixel."""
_PATTERNS: Final = (
    '<path d="M0 6L6 0" stroke-width="1.6"/>',
    '<circle cx="2" cy="2" r="1.2"/>',
    '<path d="M0 3H6" stroke-width="1.4"/>',
    '<path d="M3 0V6M0 3H6" stroke-width="1"/>',
    '<path d="M0 0L6 6" stroke-width="1.6"/>',
    '<path d="M1.5 0V6M4.5 0V6" stroke-width="1"/>',
)
"""What is drawn over the colours 1 to 6; colour 0 stays plain."""


@dataclass(frozen=True, slots=True)
class Segment:
    """A piece of a stacked bar. ``style`` is the CSS class that gives colour and pattern; ``value`` in the axis' unit."""

    value: float
    style: str


def series(position: int) -> str:
    """Style of the ``position``-th series."""
    return f"s{position % SERIES}"


def _percent(position: float) -> str:
    """A position between 0 and 1 as a short percentage."""
    return f"{round(100 * position, 2):g}%"


def _svg(body: Iterable[str], *, title: str, kind: str, height: int) -> Markup:
    name = f'role="img"><title>{escape(title)}</title>' if title else 'aria-hidden="true">'
    return Markup(f'<svg class="{kind}" height="{height}" {name}{"".join(body)}</svg>')  # noqa: S704 - the title is escaped


def definitions() -> Markup:
    """Patterns that the styles refer to; once per page, before the first drawing."""
    shapes = [(0, "", _PATTERNS[0])]
    shapes += [(n, f'<rect class="b{n}" width="6" height="6"/>', shape) for n, shape in enumerate(_PATTERNS, start=1)]
    patterns = "".join(
        f'<pattern id="p{number}" width="6" height="6" patternUnits="userSpaceOnUse">{ground}<g class="ink">{shape}</g></pattern>'
        for number, ground, shape in shapes
    )
    return Markup(f'<svg class="defs" width="0" height="0" aria-hidden="true"><defs>{patterns}</defs></svg>')  # noqa: S704


def swatch(style: str) -> Markup:
    """A small square for a legend; the word beside it says what it is."""
    return Markup(  # noqa: S704 - styles are ours
        f'<svg class="key" aria-hidden="true"><rect class="{style}"/></svg>'
    )


def _rectangles(segments: Sequence[Segment], whole: float, height: int) -> list[str]:
    """Rectangles side by side."""
    body, start = [], 0.0
    for segment in segments:
        width = segment.value / whole if whole > 0 else 0.0
        if width >= _VISIBLE:
            left = f' x="{_percent(start)}"' if start else ""
            body.append(f'<rect{left} width="{_percent(width)}" height="{height}" class="{segment.style}"/>')
        start += max(0.0, width)
    return body


def stacked_bar(segments: Sequence[Segment], *, axis_max: float, title: str, height: int = 14) -> Markup:
    """A horizontal bar in pieces, as wide as its cell.

    Args:
        segments: pieces from left to right, in one unit.
        axis_max: value at the right edge of the cell, the same for all bars that are compared.
        title: what the bar says, in words; empty where the same words stand beside it.
        height: in CSS pixels.
    """
    return _svg(_rectangles(segments, axis_max, height), title=title, kind="bar", height=height)


def interval(
    value: float, low: float, high: float, *, half_width: float | None, axis_max: float, title: str, height: int = 22
) -> Markup:
    """A dot for the value, a thick line for the model range, and a thin bracket below for repeatability.

    Args:
        value, low, high, half_width: in one unit; half_width None when unknown.
        axis_max: value at the right edge; the left edge is zero.
        title: what the drawing says, in words.
        height: in CSS pixels.
    """
    scale = 1 / axis_max if axis_max > 0 else 0.0
    middle = round(height * 0.36)
    body = [f'<line class="axis" x2="100%" y1="{middle:g}" y2="{middle:g}"/>']
    if low < high:
        ends = f'x1="{_percent(low * scale)}" x2="{_percent(high * scale)}"'
        body.append(f'<line class="range" {ends} y1="{middle:g}" y2="{middle:g}"/>')
    body.append(f'<circle class="dot" cx="{_percent(value * scale)}" cy="{middle:g}" r="5"/>')
    if half_width is not None:
        left, right = _percent(max(0.0, value - half_width) * scale), _percent((value + half_width) * scale)
        below = height - 3
        body.append(f'<line class="rep" x1="{left}" x2="{right}" y1="{below}" y2="{below}"/>')
        body.extend(f'<line class="rep" x1="{x}" x2="{x}" y1="{below - 3}" y2="{below + 3}"/>' for x in (left, right))
    return _svg(body, title=title, kind="iv", height=height)


def quality_bar(
    shares: Mapping[str, float], *, order: Sequence[str], gap: bool, title: str, height: int = 14
) -> Markup:
    """Shares of a total by data method, best first.

    Args:
        shares: share of one by data method; order: the methods from best to weakest.
        gap: whether something is not covered: its size is unknown, so a hatched end piece of fixed width stands for it.
        title: what the bar says, in words.
        height: in CSS pixels.
    """
    room = 0.94 if gap else 1.0
    segments = [Segment(shares.get(name, 0.0) * room, f"q-{name}") for name in order]
    body = _rectangles(segments, 1.0, height)
    if gap:
        body.append(f'<rect x="95%" width="5%" height="{height}" class="gap"/>')
    return _svg(body, title=title, kind="bar", height=height)


def dot_strip(values: Sequence[float], kept: Iterable[int], *, title: str, height: int = 26) -> Markup:
    """One dot per sample on a common axis: full when it counts, hollow when it was trimmed.

    Args:
        values: in one unit; kept: positions that count.
        title: what the strip says, in words.
        height: in CSS pixels.
    """
    low, high = min(values, default=0.0), max(values, default=0.0)
    counted, middle = set(kept), height / 2
    body = [f'<line class="axis" x2="100%" y1="{middle:g}" y2="{middle:g}"/>']
    for position, value in enumerate(values):
        place = 0.04 + 0.92 * ((value - low) / (high - low) if high > low else 0.5)
        style = "dot" if position in counted else "dot cut"
        body.append(f'<circle class="{style}" cx="{_percent(place)}" cy="{middle:g}" r="5"/>')
    return _svg(body, title=title, kind="strip", height=height)
