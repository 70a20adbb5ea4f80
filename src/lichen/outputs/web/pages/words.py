# SPDX-License-Identifier: Apache-2.0
"""Figures, money, dates and changes as the pages write them, in one language."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Final

from babel.dates import format_date, format_datetime, format_skeleton
from babel.numbers import format_currency, format_decimal, format_percent
from markupsafe import Markup

from lichen.records import DATA_METHODS
from lichen.render import charts
from lichen.render.curves import Place, line_chart, sparkline, tick_values
from lichen.render.figures import plain
from lichen.render.i18n import Catalogue, catalogue
from lichen.render.numbers import Numbers
from lichen.service.board.rows import Curve, DeploymentMark
from lichen.service.board.shapes import Figure, Money, Period, Shares, TargetGap, Trend

_STILL: Final = 0.005
"""A change that is smaller, either way, is said to be none."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A figure as texts.

    Attributes:
        text: number and unit, or the word for unknown.
        spread: its range, in the same unit, without the unit; empty where there is none.
        missing: why it is unknown; empty when it is known.
        why: address of its derivation.
    """

    text: str
    spread: str = ""
    missing: str = ""
    why: str = ""

    @property
    def full(self) -> str:
        """Text and range."""
        return f"{self.text} ({self.spread})" if self.spread else self.text


class Words:
    """What templates say.

    Args:
        lang: ``en`` or ``fr``.
    """

    def __init__(self, lang: str) -> None:
        self.words: Final[Catalogue] = catalogue(lang)
        self.numbers: Final = Numbers(lang)
        self.lang: Final = lang
        self.say: Final = self.words.say
        self.count: Final = self.words.count

    def word(self, family: str, name: str) -> str:
        """The word for a name of a closed list; the name itself, without control characters, where there is none."""
        return self.words.word(family, name) if f"{family}.{name}" in self.words else plain(name)

    def figure(self, figure: Figure) -> Shown:
        """A figure with its range; why it is unknown where it is."""
        if figure.value is None:
            return Shown(self.numbers.unknown, missing=self.missing(figure.missing))
        unit, _, per = figure.unit.partition("/")
        amount = self.numbers.amount(figure.value, unit, low=figure.low, high=figure.high)
        return Shown(f"{amount.text}{self._per(per)}", amount.spread, why=figure.why)

    def value(self, value: float | None, unit: str) -> str:
        """A number without a range."""
        base, _, per = unit.partition("/")
        return self.numbers.amount(value, base).text + (self._per(per) if value is not None else "")

    def _per(self, per: str) -> str:
        return f"\u00a0/\u00a0{self.words.word('web.per', per)}" if per else ""

    def missing(self, code: str) -> str:
        """Why something is unknown, as a sentence; empty without a code."""
        return self.word("web.missing", code) if code else ""

    def integer(self, value: float | None) -> str:
        """A count in whole numbers; unknown is a word, never zero."""
        return self.numbers.unknown if value is None else self.numbers.integer(round(value))

    def decimal(self, value: float | None) -> str:
        """A plain number with two decimals at most, such as a weight."""
        return self.numbers.unknown if value is None else str(format_decimal(value, "#,##0.##", self.words.locale))

    def money(self, money: Money | None) -> str:
        """An amount in whole units of its currency, below ten with cents."""
        if money is None or money.amount is None:
            return self.numbers.unknown
        digits = "" if abs(money.amount) >= Decimal(10) else ".00"
        pattern = f"#,##0{digits}\u00a0¤" if self.lang == "fr" else f"¤#,##0{digits}"
        return str(
            format_currency(
                money.amount, plain(money.currency)[:8] or "XXX", pattern, self.words.locale, currency_digits=False
            )
        )

    def money_range(self, money: Money) -> str:
        """The bounds that an amount's owner stated; empty where there are none."""
        if money.amount is None or money.low is None or money.high is None or money.low == money.high:
            return ""
        low, high = (self.money(Money(amount=one, currency=money.currency)) for one in (money.low, money.high))
        return self.say("number.range", low=low, high=high)

    def change(self, share: float | None) -> str:
        """A relative change with its sign and an arrow: ``▼ −12%``."""
        if share is None:
            return self.numbers.unknown
        if abs(share) < _STILL:
            return self.say("web.change.none")
        pattern = "+#,##0\u202f%;\u2212#,##0\u202f%" if self.lang == "fr" else "+#,##0%;\u2212#,##0%"
        arrow = "▲" if share > 0 else "▼"
        return f"{arrow}\u00a0{format_percent(share, pattern, self.words.locale)}"

    def percent(self, share: float | None) -> str:
        """A share of one."""
        return self.numbers.unknown if share is None else self.numbers.whole_percent(share)

    def period(self, name: str) -> str:
        """``2026-10`` as a month with its year, ``2026`` as it is."""
        year, _, month = name.partition("-")
        if not month:
            return year
        return str(format_skeleton("yMMMM", date(int(year), int(month), 1), locale=self.words.locale)).capitalize()

    def span(self, period: Period) -> str:
        """A period in words."""
        return self.period(period.name)

    def day(self, day: date | datetime | None) -> str:
        """A date; a dash where nothing happened."""
        return "–" if day is None else str(format_date(day, "medium", self.words.locale))

    def moment(self, at: datetime | None) -> str:
        """A date with hour and minute of UTC."""
        return (
            self.say("web.access.never")
            if at is None
            else f"{format_datetime(at, 'short', locale=self.words.locale)} UTC"
        )

    def quality(self, shares: Shares) -> str:
        """The data method with the largest share: ``62% measured``."""
        if not shares:
            return self.numbers.unknown
        name, share = max(shares.items(), key=lambda item: item[1])
        return self.say(
            "quality.share", share=self.numbers.whole_percent(share), method=self.words.word("quality", name)
        )

    def quality_all(self, shares: Shares) -> str:
        """Every data method with its share, best first."""
        pieces = [self.quality({name: shares[name]}) for name in DATA_METHODS if shares.get(name)]
        return ", ".join(pieces) if pieces else self.numbers.unknown

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

    def gap(self, gap: TargetGap | None) -> str:
        """Where something stands against its path: ``8% above``."""
        if gap is None or gap.gap is None:
            return self.numbers.unknown if gap else "–"
        if abs(gap.gap) < _STILL:
            return self.say("web.target.on_path")
        key = "web.target.above" if gap.gap > 0 else "web.target.below"
        return self.say(key, share=self.numbers.percent(abs(gap.gap)))

    def month(self, day: date) -> str:
        """A month on an axis: ``Oct 26``."""
        return str(format_date(day, "MMM yy", self.words.locale))

    def chart(
        self, curve: Curve, *, deployments: Sequence[DeploymentMark] = (), planned: Curve | None = None
    ) -> Markup:
        """A series with its range, deployments and plan."""
        if not any(point.value is not None for point in curve.points):
            return Markup()
        is_year = all((one.at.month, one.at.day) == (1, 1) for one in curve.points) and len(curve.points) > 1
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
