# SPDX-License-Identifier: Apache-2.0
"""What the report's template is given: tiles, rows and legends, every text in its language and every drawing made."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from lichen.render import charts
from lichen.render.comparison import ComparisonWords
from lichen.render.numbers import Amount


@dataclass(frozen=True, slots=True)
class Tile:
    """An indicator or a counter with its interval and a remark."""

    label: str
    amount: Amount
    remark: str
    drawing: Markup | None = None
    is_noise: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a table: a name, a drawing where the table has one, and figures as texts."""

    name: str
    is_foreign: bool
    cells: Sequence[str]
    drawing: Markup | None = None
    remark: str = ""


@dataclass(frozen=True, slots=True)
class MethodRow:
    """A method beside others: its name and title, its figure as a drawing and as texts."""

    name: str
    title: str
    drawing: Markup | None
    value: str
    spread: str
    ratio: str


@dataclass(frozen=True, slots=True)
class Mark:
    """An entry of a legend: CSS class of the swatch and its word."""

    style: str
    name: str
    remark: str


def method_rows(compared: ComparisonWords) -> list[MethodRow]:
    """Methods side by side, with their figures on one axis."""
    rows = compared.rows()
    axis_max = max((row.figure.high or 0.0 for row in rows), default=0.0)
    found = []
    for row in rows:
        figure, drawing = row.figure, None
        if figure.value is not None and figure.low is not None and figure.high is not None:
            drawing = charts.interval(
                figure.value, figure.low, figure.high, half_width=None, axis_max=axis_max, title="", height=14
            )
        found.append(MethodRow(row.method, row.title, drawing, row.amount.text, row.spread, row.ratio))
    return found
