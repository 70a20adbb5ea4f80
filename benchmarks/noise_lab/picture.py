# SPDX-License-Identifier: Apache-2.0
"""The pictures of the page: coefficients of variation with their intervals, a row each, drawn by the report's charts."""

from __future__ import annotations

import math
from collections.abc import Sequence

from analysis import Cell
from markupsafe import escape
from statements import CONDITION_WORDS, WAY_WORDS, WORK_WORDS, percent

from lichen.render import charts

WIDTH, LABEL, VALUE, ROW, HEAD = 760, 210, 170, 22, 26
STYLE = (
    "text{font:13px system-ui,sans-serif;fill:#1d2a24}.small{font-size:12px;fill:#4c5b53}.axis{stroke:#b9c4bd}"
    ".range{stroke:#7fa08f;stroke-width:6}.dot{fill:#1f5f45}.paper{fill:#fff}"
    "@media(prefers-color-scheme:dark){text{fill:#e6ece8}.small{fill:#a9b8b0}.axis{stroke:#4c5b53}.range{stroke:#4f7a66}"
    ".dot{fill:#9fd8bd}.paper{fill:#141a17}}"
)


def draw(work: str, cells: Sequence[Cell]) -> str:
    """An SVG file of one work.

    Args:
        work: whose cells these are.
        cells: one per condition.
    """
    shown = [(one, way) for one in cells for way in one.ways if way.name in WAY_WORDS]
    axis_max = math.ceil(20 * max(way.cv.high for _, way in shown)) / 20
    body, top = [], HEAD
    for one in cells:
        body.append(f'<text x="8" y="{top + 16}" font-weight="600">{CONDITION_WORDS[one.record["condition"]]}</text>')
        top += HEAD
        for _, way in (pair for pair in shown if pair[0] is one):
            words = WAY_WORDS[way.name]
            drawing = charts.interval(
                way.cv.value, way.cv.low, way.cv.high, half_width=None, axis_max=axis_max, height=ROW,
                title=f"{words}: {percent(way.cv)}",
            )  # fmt: skip
            body.append(f'<text class="small" x="20" y="{top + 13}">{escape(words)}</text>')
            body.append(f'<svg x="{LABEL}" y="{top}" width="{WIDTH - LABEL - VALUE}" height="{ROW}">{drawing}</svg>')
            body.append(f'<text class="small" x="{WIDTH - VALUE + 14}" y="{top + 13}">{percent(way.cv)}</text>')
            top += ROW
    title = f"{WORK_WORDS[work]}: coefficient of variation of equal work, 0 to {axis_max:.0%}, with 95 % intervals"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {top + 8}" role="img" aria-label="{title}">'
        f'<style>{STYLE}</style><rect class="paper" width="{WIDTH}" height="{top + 8}"/>'
        f'<text x="8" y="18">{title}</text>{"".join(body)}</svg>\n'
    )
