# SPDX-License-Identifier: Apache-2.0
"""Drawings of a page, each with its words: quality bars, ranges, trends, series with their tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Final

from babel.core import get_global
from babel.dates import format_date
from markupsafe import Markup

from lichen.outputs.web.pages.words import Words
from lichen.records import DATA_METHODS
from lichen.render import charts
from lichen.render.curves import Place, line_chart, sparkline, tick_values
from lichen.render.figures import plain
from lichen.service.board.rows import Curve, DeploymentMark, TargetRow
from lichen.service.board.shapes import Figure, Money, Point, Shares, Trend

_CURRENCIES: Final = frozenset(get_global("all_currencies"))


class Drawings(Words):
    """What templates say and draw.

    Args:
        lang: ``en`` or ``fr``.
    """

    def quality_bar(self, shares: Shares, *, gap: bool = False) -> Markup:
        """The quality bar, with its words as a title."""
        return charts.quality_bar(shares, order=DATA_METHODS, gap=gap, title=self.quality_all(shares), height=10)

    def interval(self, figure: Figure, axis_max: float) -> Markup:
        """A figure's range on an axis; empty where it has none."""
        if figure.value is None or figure.low is None or figure.high is None:
            return Markup()
        return charts.interval(
            figure.value, figure.low, figure.high, half_width=None, axis_max=axis_max, title=self.figure(figure).full,
            height=16,
        )  # fmt: skip

    def spark(self, trend: Trend) -> Markup:
        """A trend as a small line."""
        known = [point for point in trend.points if point.value is not None]
        if not known:
            return Markup()
        title = self.say(
            "web.chart.spark",
            first=self.value(known[0].value, trend.unit),
            last=self.value(known[-1].value, trend.unit),
        )
        return sparkline([point.value for point in trend.points], title=title)

    def month(self, day: date) -> str:
        """A month on an axis: ``Oct 26``."""
        return str(format_date(day, "MMM yy", self.words.locale))

    def chart(
        self, curve: Curve, *, deployments: Sequence[DeploymentMark] = (), planned: Curve | None = None
    ) -> Markup:
        """A series with its range, deployments and plan."""
        if not any(point.value is not None for point in curve.points):
            return Markup()
        is_year = len(curve.points) > 1 and len({(one.at.month, one.at.day) for one in curve.points}) == 1
        places = [
            Place(label=str(p.at.year) if is_year else self.month(p.at), value=p.value, low=p.low, high=p.high)
            for p in curve.points
        ]
        plan: Mapping[date, float | None] = {one.at: one.value for one in planned.points} if planned else {}
        tops = [one.high or one.value or 0.0 for one in curve.points] + [value or 0.0 for value in plan.values()]
        unit = curve.unit.partition("/")[0]
        rung = self.numbers.rung(max(tops), unit)
        ticks = [
            (value * rung.factor, self.decimal(value))
            for value in tick_values(max(tops) / rung.factor)
        ]  # fmt: skip
        return line_chart(
            places, title=self.curve_title(curve), ticks=ticks, marks=_marks(curve, deployments),
            planned=[plan.get(point.at) for point in curve.points] if plan else (),
        )  # fmt: skip

    def curve_unit(self, curve: Curve) -> str:
        """The unit that a curve's axis is in."""
        base, _, per = curve.unit.partition("/")
        top = max((point.high or point.value or 0.0 for point in curve.points), default=0.0)
        return self.numbers.unit(self.numbers.rung(top, base)) + self._per(per)

    def curve_name(self, curve: Curve) -> str:
        """What a curve is of."""
        return self.word("web.curve", curve.name) if f"web.curve.{curve.name}" in self.words else self.word(
            "indicator", curve.name
        )  # fmt: skip

    def curve_title(self, curve: Curve) -> str:
        """Name, unit and the newest value of a curve."""
        last = next((point for point in reversed(curve.points) if point.value is not None), None)
        said = self.value(last.value if last else None, curve.unit)
        return self.say("web.chart.title", name=self.curve_name(curve), value=said)

    def curves_table(self, curves: Sequence[Curve]) -> tuple[list[str], list[tuple[str, list[str]]]]:
        """Names of the series, and their values by month, the newest first."""
        months = sorted({point.at for curve in curves for point in curve.points}, reverse=True)
        values = [{point.at: point for point in curve.points} for curve in curves]
        rows = []
        for month in months:
            cells = []
            for curve, known in zip(curves, values, strict=True):
                point = known.get(month)
                cells.append(self._point(curve, point))
            rows.append((self.month(month), cells))
        return [self.curve_name(curve) for curve in curves], rows

    def _point(self, curve: Curve, point: Point | None) -> str:
        if point is None or point.value is None:
            return self.numbers.unknown
        unit, _, _ = curve.unit.partition("/")
        if unit in _CURRENCIES:
            return self.money(Money(amount=Decimal(str(point.value)), currency=unit))
        return self.point(point, curve.unit)

    def path(self, row: TargetRow) -> tuple[Curve, Curve]:
        """What was and what the path allows, by year."""
        planned, actual = ({one.at.year: one.value for one in curve.points} for curve in (row.planned, row.actual))
        years = sorted(planned.keys() | actual.keys())
        first, second = (
            Curve(
                name=name, unit=row.gap.unit,
                points=tuple(Point(at=date(year, 12, 31), value=values.get(year)) for year in years),
            )
            for name, values in (("actual", actual), ("planned", planned))
        )  # fmt: skip
        return first, second

    def path_rows(self, row: TargetRow) -> list[tuple[str, str, str]]:
        """Year, what the path allows, and what was."""
        actual, planned = self.path(row)
        return [
            (str(was.at.year), self.value(may.value, row.gap.unit), self.value(was.value, row.gap.unit))
            for was, may in zip(actual.points, planned.points, strict=True)
        ]

    def scale(self, curve: Curve) -> float:
        """Canonical units in one unit of a curve's axis."""
        top = max((point.high or point.value or 0.0 for point in curve.points), default=0.0)
        return self.numbers.rung(top, curve.unit.partition("/")[0]).factor


def _marks(curve: Curve, deployments: Sequence[DeploymentMark]) -> list[tuple[float, str]]:
    """Deployments between the first and the last place of a curve, which stand for whole months or days."""
    if len(curve.points) < 2:
        return []
    first, last = curve.points[0].at.toordinal(), curve.points[-1].at.toordinal()
    found = []
    for one in deployments:
        place = (one.at.date().toordinal() - first) / max(1, last - first)
        if 0 <= place <= 1:
            found.append((place, f"{one.at.date().isoformat()} {plain(one.version)[:40]}"))
    return found
