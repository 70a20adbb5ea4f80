# SPDX-License-Identifier: Apache-2.0
"""One journey as the report's template shows it: every text already in its language, every drawing already made."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Final

from markupsafe import Markup

from lichen.outputs.report.rows import Mark, MethodRow, Row, Tile, method_rows
from lichen.records import DATA_METHODS
from lichen.render import charts
from lichen.render import figures as say
from lichen.render.charts import Segment
from lichen.render.comparison import ComparisonWords
from lichen.render.composition import SMALL, constant_words, cpu_words, doubt_words, follows_words, small_words
from lichen.render.i18n import Catalogue
from lichen.render.numbers import Amount, Numbers
from lichen.service.result import Figures, Indicator, JourneyResult, Result

REQUESTS_SHOWN: Final = 8
NOISE: Final = 0.5
"""Half-width of a counter, as a share of it, from which it is shown as noise and not as a result."""


def _on_its_host(url: str) -> str:
    """An address without scheme and host, which stand in a column of their own; other addresses whole."""
    _, separator, rest = url.partition("://")
    slash = rest.find("/")
    return rest[slash:] if separator and slash >= 0 else url


class JourneyView:
    """One journey, ready for the template."""

    def __init__(self, journey: JourneyResult, result: Result, words: Catalogue, numbers: Numbers) -> None:
        self.journey: Final = journey
        self.words: Final = words
        self.numbers: Final = numbers
        self.beside: Final = result.journeys
        self.run_path: Final = result.run_path
        self.axis_max: Final = max(
            (j.figures.indicators[say.HEADLINE].high for j in result.journeys if say.HEADLINE in j.figures.indicators),
            default=0.0,
        )

    @cached_property
    def name(self) -> str:
        """As the user wrote it."""
        return self.journey.name

    @cached_property
    def per(self) -> str:
        """``per visit``."""
        return say.unit_of_use(self.journey, self.words)

    @cached_property
    def headline(self) -> Indicator | None:
        """The climate figure."""
        return self.journey.figures.indicators.get(say.HEADLINE)

    @cached_property
    def climate(self) -> Amount:
        """The climate figure, formatted."""
        if self.headline is None:
            return self.numbers.indicator(None)
        return self.numbers.indicator(self.headline, say.indicator_rung(say.HEADLINE, self.beside, self.numbers))

    @cached_property
    def interval(self) -> Markup | None:
        """Both intervals of the climate figure, on the axis that all journeys share."""
        if self.headline is None:
            return None
        figure, amount = self.headline, self.climate
        title = self.words.say("report.interval_title", value=amount.text, range=amount.spread)
        if amount.repeat:
            title += " " + self.words.say("report.interval_repeat", repeat=amount.repeat)
        return charts.interval(
            figure.value, figure.low, figure.high, half_width=figure.half_width, axis_max=self.axis_max, title=title
        )

    @cached_property
    def status(self) -> str:
        """Key of the precision status, also a CSS class."""
        return self.journey.sampling.status

    @cached_property
    def badge(self) -> str:
        """Precision status as symbol and words."""
        return say.status_words(self.journey.sampling, self.words)

    @cached_property
    def precision(self) -> str:
        """Precision in sentences, the first with a capital, and how much of the climate figure it is about."""
        text = say.precision_words(self.journey.sampling, self.words, self.numbers)
        return f"{text[0].upper()}{text[1:]} {cpu_words(self.journey, self.words, self.numbers)}".rstrip()

    @cached_property
    def constant(self) -> str:
        """How much of the climate figure repeating cannot move."""
        return constant_words(self.journey, self.words, self.numbers)

    @cached_property
    def causes(self) -> list[Mark]:
        """The climate figure by cause, with the share of each; causes too small to be seen are in the sentence below."""
        return [
            Mark(charts.series(place), self.words.word("cause", name), self.numbers.whole_percent(share))
            for place, (name, share) in enumerate(self._causes.items())
        ]

    @cached_property
    def small_causes(self) -> str:
        """The causes that are too small to be drawn, in words."""
        composition = self.journey.composition
        return small_words(composition, self.words, self.numbers) if composition else ""

    @cached_property
    def causes_bar(self) -> Markup | None:
        """The climate figure by cause, as a bar; None where there is none."""
        segments = [Segment(share, charts.series(place)) for place, share in enumerate(self._causes.values())]
        return charts.stacked_bar(segments, axis_max=1.0, title="", height=20) if segments else None

    @cached_property
    def _causes(self) -> dict[str, float]:
        composition = self.journey.composition
        return {name: share for name, share in composition.by_cause().items() if share >= SMALL} if composition else {}

    @cached_property
    def methods(self) -> list[MethodRow]:
        """This method and the others, on one axis; empty where no other has a figure."""
        return method_rows(self._compared) if self._compared else []

    @cached_property
    def method_reasons(self) -> list[tuple[str, list[str]]]:
        """Why each other method has another figure: a heading and sentences."""
        return self._compared.reasons() if self._compared else []

    @cached_property
    def methods_line(self) -> str:
        """The other methods in one line."""
        return self._compared.line() if self._compared else ""

    @cached_property
    def compare_command(self) -> str:
        """The command that says why the methods differ."""
        return f"lichen evaluate {','.join(row.name for row in self.methods)} {self.run_path}"

    @cached_property
    def _compared(self) -> ComparisonWords | None:
        comparison = self.journey.comparison
        return ComparisonWords(comparison, self.words, self.numbers) if comparison else None

    @cached_property
    def doubts(self) -> str:
        """What the range of the climate figure comes from."""
        return doubt_words(self.journey, self.words, self.numbers)

    @cached_property
    def follows(self) -> str:
        """What the climate figure is proportional to, in a sentence."""
        return follows_words(self.journey, self.words, self.numbers)

    @cached_property
    def whole(self) -> str:
        """The figures of the whole run beside those of one unit; empty where the run does one."""
        return say.whole_words(self.journey, self.words, self.numbers) or ""

    @cached_property
    def sci(self) -> str:
        """The Software Carbon Intensity; empty where the method gives none."""
        return say.sci_words(self.journey, self.words, self.numbers)

    @cached_property
    def cv(self) -> str:
        """Coefficient of variation of the samples; empty when there is none."""
        cv = self.journey.sampling.cv
        return self.words.say("report.cv", cv=self.numbers.percent(cv)) if cv is not None else ""

    @cached_property
    def samples(self) -> str:
        """The span of the samples' CPU time, for the strip's ends."""
        values = self.journey.sampling.primary_s
        low, high = (self.numbers.amount(value, "s", half_width=0.0).text for value in (min(values), max(values)))
        return self.words.say("report.samples_span", low=low, high=high)

    @cached_property
    def strip(self) -> Markup | None:
        """One dot per sample; None where there is nothing to compare."""
        sampling = self.journey.sampling
        if len(sampling.primary_s) < 2:
            return None
        return charts.dot_strip(sampling.primary_s, sampling.kept, title=self.samples)

    @cached_property
    def own_cpu(self) -> str:
        """CPU time of the measuring itself; empty when unknown."""
        agent, driver = (
            self.numbers.amount(value, "s").text for value in (self.journey.agent_cpu_s, self.journey.driver_cpu_s)
        )
        known = self.journey.agent_cpu_s is not None or self.journey.driver_cpu_s is not None
        return self.words.say("report.own_cpu", agent=agent, driver=driver) if known else ""

    @cached_property
    def phases(self) -> Tile | None:
        """Use and embodied of the climate figure."""
        return self._tile(say.HEADLINE)

    @cached_property
    def indicators(self) -> list[Tile]:
        """The other indicators, each with its share of use and embodied."""
        return [tile for name in say.other_indicators(self.journey.figures) if (tile := self._tile(name))]

    def _tile(self, name: str) -> Tile | None:
        indicator = self.journey.figures.indicators.get(name)
        if indicator is None:
            return None
        amount = self.numbers.indicator(indicator)
        remark, drawing = "", None
        if indicator.embodied > 0:
            remark = self.words.say(
                "report.phases",
                use=self.numbers.whole_percent(indicator.use / indicator.value),
                embodied=self.numbers.whole_percent(indicator.embodied / indicator.value),
            )
            drawing = charts.stacked_bar(
                [Segment(indicator.use, "s0"), Segment(indicator.embodied, "s1")],
                axis_max=indicator.value,
                title="",
                height=8,
            )
        return Tile(self.words.word("indicator", name), amount, remark, drawing)

    @cached_property
    def counters(self) -> list[Tile]:
        """The five counters."""
        tiles = []
        for name in say.counters_of(self.journey):
            counter = self.journey.figures.counters.get(name)
            if counter is None:
                continue
            rung = self.numbers.rung(counter.value, counter.unit)
            amount = self.numbers.counter(counter, rung)
            same = counter.exact and counter.half_width in (None, 0.0)
            remark = self.words.say("report.exact") if same else ""
            noise = not same and bool(counter.value) and (counter.half_width or 0.0) > NOISE * (counter.value or 0.0)
            if amount.repeat and not same:
                remark = self.words.say("report.noise" if noise else "report.varies", repeat=amount.repeat)
            tiles.append(Tile(self.words.word("quantity", name), amount, remark, is_noise=noise))
        return tiles

    @cached_property
    def legend(self) -> list[Mark]:
        """The parts in the order of their series."""
        return [
            Mark(charts.series(place), part.name, self.words.word("tier", part.tier))
            for place, part in enumerate(self.journey.parts)
        ]

    @cached_property
    def stack(self) -> list[Row]:
        """Per step: a bar of its parts, the sum, and each part."""
        steps = self.journey.steps
        sums = [i.value for step in steps if (i := step.figures.indicators.get(say.HEADLINE))]
        axis_max = max(sums, default=0.0)
        rows = []
        for step in steps:
            values = {part.name: part.figures.indicators.get(say.HEADLINE) for part in step.parts}
            segments = [
                Segment(found.value, charts.series(place))
                for place, part in enumerate(self.journey.parts)
                if (found := values.get(part.name)) is not None
            ]
            cells = [self._climate(step.figures.indicators.get(say.HEADLINE), with_range=False)]
            cells += [self._climate(values.get(part.name), with_range=False) for part in self.journey.parts]
            drawing = charts.stacked_bar(segments, axis_max=axis_max, title="")
            rows.append(self._row(step.name, cells, drawing=drawing))
        return rows

    @cached_property
    def _columns(self) -> list[say.Column]:
        return say.columns(self.journey, say.TABLE_INDICATORS, self.numbers, beside=self.beside)

    def _climate(self, indicator: Indicator | None, *, with_range: bool) -> str:
        column = next((c for c in self._columns if c.name == say.HEADLINE), None)
        if column is None or indicator is None:
            return self.numbers.unknown
        amount = self.numbers.indicator(indicator, column.rung, column.finest)
        return f"{amount.number} ({amount.spread})" if with_range and amount.spread else amount.number

    @cached_property
    def climate_unit(self) -> str:
        """Unit of the climate figures in the tables."""
        return next((self.numbers.unit(c.rung) for c in self._columns if c.name == say.HEADLINE), "")

    @cached_property
    def headings(self) -> list[tuple[str, str]]:
        """Name and unit of each column of the step and part tables."""
        named = [(self.words.say(f"column.{c.name}"), self.numbers.unit(c.rung)) for c in self._columns]
        return [*named, (self.words.say("column.quality"), "")]

    @cached_property
    def step_rows(self) -> list[Row]:
        """All figures of each step."""
        return [self._row(step.name, self._cells(step.figures)) for step in self.journey.steps]

    @cached_property
    def part_rows(self) -> list[Row]:
        """All figures of each part."""
        return [
            self._row(part.name, self._cells(part.figures), remark=self.words.word("tier", part.tier))
            for part in self.journey.parts
        ]

    @cached_property
    def total_row(self) -> Row:
        """All figures of the journey."""
        return Row(self.words.say("journey.total"), False, self._cells(self.journey.figures))

    def _row(self, name: str, cells: Sequence[str], *, drawing: Markup | None = None, remark: str = "") -> Row:
        return Row(say.step_name(name, self.words), bool(name), cells, drawing, remark)

    def _cells(self, figures: Figures) -> list[str]:
        cells = []
        for column in self._columns:
            if column.name == say.HEADLINE:
                cells.append(self._climate(figures.indicators.get(say.HEADLINE), with_range=True))
            else:
                cells.append(column.amount(figures, self.numbers).number)
        return [*cells, say.quality_main(figures, self.words, self.numbers)]

    @cached_property
    def requests(self) -> list[tuple[str, str, str, str, str, str]]:
        """Largest requests: address on its host, host, kind, party, bytes and count."""
        rows = self.journey.top_requests[:REQUESTS_SHOWN]
        return [
            (
                _on_its_host(row.url),
                row.host,
                self.words.word("kind", row.kind),
                self.words.word("party", row.party),
                self.numbers.amount(row.network_bytes, "B", half_width=0.0).text,
                self.numbers.integer(row.count),
            )
            for row in rows
        ]

    @cached_property
    def third_party(self) -> str:
        """Bytes from third parties, and why an address may have none, in sentences."""
        amount = self.numbers.amount(self.journey.third_party_bytes, "B", half_width=0.0).text
        said = [self.words.say("report.third_party", amount=amount)]
        if any(row.network_bytes == 0 for row in self.journey.top_requests[:REQUESTS_SHOWN]):
            said.append(self.words.say("report.nothing_sent"))
        return " ".join(said)

    @cached_property
    def quality(self) -> str:
        """Data quality of the climate figure in words."""
        return say.quality_words(self.headline.shares if self.headline else {}, self.words, self.numbers)

    @cached_property
    def quality_bar(self) -> Markup:
        """Data quality of the climate figure as a bar; a hatched end when something is not covered."""
        shares = self.headline.shares if self.headline else {}
        gap = bool(self.gaps)
        title = self.quality + (f", {self.words.say('report.gap_mark')}" if gap else "")
        return charts.quality_bar(shares, order=DATA_METHODS, gap=gap, title=title)

    @cached_property
    def quality_legend(self) -> list[Mark]:
        """The data methods that occur, best first, with their share."""
        shares = self.headline.shares if self.headline else {}
        return [
            Mark(f"q-{name}", self.words.word("quality", name), self.numbers.whole_percent(shares[name]))
            for name in DATA_METHODS
            if shares.get(name)
        ]

    @cached_property
    def gaps(self) -> list[say.Gap]:
        """What is not covered, and why."""
        return say.gaps(self.journey.not_covered, self.words)

    @cached_property
    def counted_only(self) -> str:
        """What the method counts without converting it."""
        return say.counted_only([self.journey], self.words)

    @cached_property
    def notes(self) -> list[str]:
        """What the collectors noted."""
        return say.notes(self.journey, self.words)
