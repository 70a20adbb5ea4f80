# SPDX-License-Identifier: Apache-2.0
"""Figures, money, dates and changes as the pages write them, in one language."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Final

from babel.dates import format_date, format_skeleton, format_time
from babel.numbers import format_currency, format_decimal, format_percent

from lichen.records import DATA_METHODS
from lichen.render.bill import counted
from lichen.render.bill_doubts import doubt_line
from lichen.render.figures import COUNTERS, HEADLINE, plain
from lichen.render.i18n import Catalogue, catalogue
from lichen.render.numbers import Numbers
from lichen.service.board.bill_views import ImportedBill
from lichen.service.board.rows import ActionRow, FactorRow, Facts, PartRow
from lichen.service.board.run_rows import CounterValue, StepRow
from lichen.service.board.shapes import (
    FacetValue,
    Figure,
    Money,
    Period,
    Point,
    Ranks,
    Shares,
    TargetGap,
)  # fmt: skip

_STILL: Final = 0.005
"""A change that is smaller, either way, is said to be none."""
_NO_CURRENCY: Final = ("", "XXX")
"""What stands where nobody told the currency."""


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

    def figure(self, figure: Figure, *, with_per: bool = True) -> Shown:
        """A figure with its range; why it is unknown where it is. with_per: the unit says per what, as no heading does."""
        if figure.value is None:
            return Shown(self.numbers.unknown, missing=self.missing(figure.missing))
        unit, _, per = figure.unit.partition("/")
        if unit == "1" and figure.low is None and float(figure.value).is_integer():
            return Shown(self.integer(figure.value) + (self._per(per) if with_per else ""), why=figure.why)
        amount = self.numbers.amount(figure.value, unit, low=figure.low, high=figure.high)
        return Shown(f"{amount.text}{self._per(per) if with_per else ''}", amount.spread, why=figure.why)

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
        if money.currency in _NO_CURRENCY:
            told = str(format_decimal(money.amount, f"#,##0{digits}", self.words.locale))
            return self.say("bill.no_currency", amount=told)
        pattern = f"#,##0{digits}\u00a0¤" if self.lang == "fr" else f"¤#,##0{digits}"
        return str(
            format_currency(
                money.amount,
                plain(money.currency)[:8] or _NO_CURRENCY[-1],
                pattern,
                self.words.locale,
                currency_digits=False,
            )
        )

    def cash(self, amount: Decimal | None, currency: str) -> str:
        """An amount of a currency."""
        return self.money(Money(amount=amount, currency=currency))

    def change(self, share: float | None) -> str:
        """A relative change with its sign and an arrow: ``▼ −12%``."""
        if share is None:
            return self.numbers.unknown
        if abs(share) < _STILL:
            return self.say("web.change.none")
        pattern = "+#,##0\u202f%;\u2212#,##0\u202f%" if self.lang == "fr" else "+#,##0%;\u2212#,##0%"
        arrow = "▲" if share > 0 else "▼"
        return f"{arrow}\u00a0{format_percent(share, pattern, self.words.locale)}"

    def counted(self, noun: str, number: int) -> str:
        """A number of things of a bill: ``1,200 lines``."""
        return counted(self.words, noun, number)

    def doubts(self, imports: Sequence[ImportedBill]) -> list[str]:
        """Figures of imports that cannot be, each told once."""
        told = (doubt_line(one.method, one, self.words) for bill in imports for one in bill.doubts)
        return list(dict.fromkeys(told))

    def ratio(self, ratio: float | None) -> str:
        """One thing over another, with two digits that count."""
        return self.numbers.unknown if ratio is None else self.numbers.raw(float(f"{ratio:.2g}"))

    def percent(self, share: float | None) -> str:
        """A share of one."""
        return self.numbers.unknown if share is None else self.numbers.whole_percent(share)

    def period(self, name: str, *, inside: bool = False) -> str:
        """``2026-10`` as a month with its year, ``2026`` as it is; ``inside`` a sentence a month keeps its own case."""
        year, _, month = name.partition("-")
        if not month:
            return year
        told = str(format_skeleton("yMMMM", date(int(year), int(month), 1), locale=self.words.locale))
        return told if inside else told.capitalize()

    def span(self, period: Period) -> str:
        """A period in words."""
        return self.period(period.name)

    def day(self, day: date | datetime | None) -> str:
        """A date; a dash where nothing happened."""
        return "–" if day is None else str(format_date(day, "medium", self.words.locale))

    def moment(self, at: datetime | None) -> str:
        """A date with hour and minute of UTC."""
        if at is None:
            return self.say("web.access.never")
        hour = format_time(at, "HH:mm", locale=self.words.locale)
        return f"{self.day(at)} {hour}\u00a0UTC"

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

    def gap(self, gap: TargetGap | None) -> str:
        """Where something stands against its path: ``8% above``."""
        if gap is None or gap.gap is None:
            return self.numbers.unknown if gap else "–"
        if abs(gap.gap) < _STILL:
            return self.say("web.target.on_path")
        key = "web.target.above" if gap.gap > 0 else "web.target.below"
        return self.say(key, share=self.numbers.percent(abs(gap.gap)))

    def signed(self, value: float | None, unit: str, *, plus: bool) -> str:
        """An amount; where it is a difference, with its sign."""
        if value is None or not plus:
            return self.value(value, unit)
        sign = "+" if value > 0 else "\u2212" if value < 0 else ""
        return sign + self.value(abs(value), unit)

    def rank(self, ranks: Ranks) -> str:
        """A place in the list, and the one by weight where it has one: ``3rd, 1 by weight``."""
        if ranks.rank is None:
            return self.numbers.unknown
        rank, weighted = self.integer(ranks.rank), self.integer(ranks.weighted_rank)
        if ranks.rank == ranks.weighted_rank:
            return self.say("web.portfolio.rank", rank=rank)
        if ranks.weight == 1:
            return self.say("web.portfolio.reranked", rank=rank, weighted=weighted)
        return self.say("web.portfolio.ranked", rank=rank, weighted=weighted, weight=self.decimal(ranks.weight))

    def facet(self, name: str, value: FacetValue) -> str:
        """What a filter is called."""
        key = f"web.facet_value.{name}.{value.value}"
        return self.say(key) if key in self.words else value.label or value.value

    def saving(self, row: ActionRow) -> str:
        """What an action saved, as runs say or its owner told, or is expected to."""
        if row.measured is not None and row.measured.change is not None:
            return self.change(row.measured.change)
        if row.before and row.after is not None:
            return self.change(row.after / row.before - 1)
        if row.expected_saving is not None:
            return self.say("web.action.expected", share=self.percent(row.expected_saving))
        return "–"

    def evidence(self, row: ActionRow) -> str:
        """What the runs before and after an action say, with its interval; else the two values that its owner told."""
        found = row.measured
        if found is not None and found.low is not None and found.high is not None:
            return self.say(
                f"web.action.evidence.{found.evidence}", low=self.change(found.low), high=self.change(found.high),
                runs=self.say("web.action.runs", before=self.integer(found.runs_before), after=self.integer(found.runs_after)),
            )  # fmt: skip
        if row.before is not None and row.after is not None:
            return f"{self.value(row.before, row.unit)} → {self.value(row.after, row.unit)}"
        return self.say("web.action.evidence.too_few_runs") if found is not None else ""

    def choices(self, family: str, names: Sequence[str]) -> list[tuple[str, str]]:
        """Names of a closed list with their words, to choose from."""
        return [(name, self.word(family, name)) for name in names]

    def with_units(self, indicators: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
        """Indicators with their words and units, to choose from."""
        return [(name, f"{self.word('indicator', name)} ({self.word('unit', unit)})") for name, unit in indicators]

    def raw_number(self, value: float | None) -> str:
        """A number as it was typed, to be typed again; empty when unknown."""
        told = "" if value is None else f"{value:.12g}"
        return told.replace(".", ",") if self.lang == "fr" else told

    def facts(self, facts: Facts) -> list[tuple[str, str]]:
        """What is known of an application: label and text."""
        pairs = (
            ("kind", self.word("web.kind", facts.kind)), ("lifecycle", self.word("web.lifecycle", facts.lifecycle)),
            ("technical_owner", facts.technical_owner), ("criticality", facts.criticality), ("complexity", facts.complexity),
            ("maturity", self.word("web.maturity", facts.maturity)), ("users", self._maybe(facts.users)),
            ("person_days", self._maybe(facts.person_days_per_year)), ("tags", ", ".join(facts.tags)),
            ("repository", facts.repository),
        )  # fmt: skip
        return [(self.say(f"web.fact.{name}"), str(text)) for name, text in pairs if text not in ("", None)]

    def _maybe(self, value: float | None) -> str:
        return "" if value is None else self.integer(value)

    def point(self, point: Point, unit: str) -> str:
        """A place on a curve, with its range."""
        return self.figure(Figure(value=point.value, low=point.low, high=point.high, unit=unit)).full

    def part(self, row: PartRow) -> str:
        """Name of a part, a tier or a phase."""
        family = next((one for one in ("tier", "phase") if f"{one}.{row.code}" in self.words), "tier")
        return row.name if row.name and row.name != row.code else self.word(family, row.code)

    def step_columns(self, steps: Sequence[StepRow]) -> list[tuple[str, str]]:
        """Columns of a table of steps: the counters that some step has, and energy and climate."""
        counters = [name for name in COUNTERS if any(name in step.counters for step in steps)]
        indicators = [name for name in ("energy", HEADLINE) if any(name in step.indicators for step in steps)]
        return [(name, self.say(f"column.{name}")) for name in (*counters, *indicators)]

    def step_cell(self, step: StepRow, name: str) -> str:
        """A step's counter or indicator; empty where it does not apply."""
        if name in step.indicators:
            return self.figure(step.indicators[name]).text
        return self.counter(step.counters[name]) if name in step.counters else ""

    def counter_names(self, counters: Mapping[str, CounterValue]) -> list[str]:
        """The five counters that are there, in their order."""
        return [name for name in COUNTERS if name in counters]

    def counter(self, counter: CounterValue) -> str:
        """A counter with its unit."""
        half = None if counter.half_width is None or counter.value is None else counter.half_width * counter.value
        return self.numbers.amount(
            counter.value, counter.unit, half_width=0.0 if counter.exact and half is None else half
        ).text

    def compared(self, name: str) -> str:
        """What a row of a comparison is of: ``journey: quantity``, or a quantity alone."""
        journey, separator, what = name.rpartition(": ")
        return f"{plain(journey)}{separator}{self.quantity_or_indicator(what)}"

    def quantity_or_indicator(self, name: str) -> str:
        """The word for a quantity, an indicator or a series."""
        family = next((one for one in ("indicator", "quantity", "web.curve") if f"{one}.{name}" in self.words), "")
        return self.word(family, name)

    def indicators(self, names: Sequence[str]) -> str:
        """Words of several indicators."""
        return ", ".join(self.word("indicator", name) for name in names)

    def ordered(self, shares: Shares) -> list[tuple[str, float]]:
        """Data methods with a share, best first."""
        return [(name, shares[name]) for name in DATA_METHODS if shares.get(name)]

    def problems(self, codes: Sequence[str]) -> str:
        """What is wrong with an application's data, in words."""
        return ", ".join(self.word("web.problem", code) for code in codes) or "–"

    def raw(self, row: FactorRow) -> str:
        """A factor's value with its range, as it enters formulas."""
        unit = "" if row.unit == "1" else f" {plain(row.unit)}"
        value = f"{self.numbers.raw(row.value)}{unit}"
        if row.low == row.high:
            return value
        spread = self.say("number.range", low=self.numbers.raw(row.low), high=self.numbers.raw(row.high))
        return f"{value} ({spread})"
