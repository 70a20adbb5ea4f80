# SPDX-License-Identifier: Apache-2.0
"""A result on a terminal of 80 columns and more: one table per journey, then how precise it is and where it comes from."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import Final

from rich.box import SIMPLE_HEAD
from rich.cells import cell_len, set_cell_size
from rich.console import Console
from rich.table import Table
from rich.text import Text

from lichen.render import figures as say
from lichen.render.comparison import ComparisonWords
from lichen.render.composition import cause_words, constant_words, cpu_words, doubt_words, follows_words
from lichen.render.i18n import Catalogue, catalogue
from lichen.render.numbers import Numbers
from lichen.service.result import Figures, JourneyResult, Result

QUALITY_FROM_WIDTH: Final = 110
"""From this width on, each row tells its data quality; below, only the line under the table does."""
_TEXT_WIDTH: Final = 80
_GREEN: Final = "green"
_STATUS_STYLES: Final = {"reached": _GREEN, "low_precision": "yellow", "fixed": "", "single": "yellow"}
_LABEL_WIDTH: Final = 19
_STEP_WIDTH_MIN: Final = 10
_LABEL_LINES: Final = 3
_PART_MARK: Final = "· "
_UNKNOWN: Final = "?"


def _wrap(text: str, width: int) -> list[str]:
    """Lines of at most ``width`` cells, broken at spaces only: a no-break space holds, a path too long stays whole."""
    lines = [""]
    for word in text.split(" "):
        longer = f"{lines[-1]} {word}" if lines[-1] else word
        if lines[-1] and cell_len(longer) > width:
            lines.append(word)
        else:
            lines[-1] = longer
    return lines


def _label(name: str, width: int, mark: str) -> str:
    """A row's name in at most ``width`` cells a line: broken at spaces, else within a word, and cut when it is very long."""
    room = width - len(mark)
    lines = []
    for line in _wrap(name, room):
        rest = line
        while cell_len(rest) > room:
            head = set_cell_size(rest, room).rstrip()
            lines.append(head)
            rest = rest[len(head) :]
        lines.append(rest)
    if len(lines) > _LABEL_LINES:
        lines[_LABEL_LINES - 1] = set_cell_size(lines[_LABEL_LINES - 1], room - 1).rstrip() + "…"
    return "\n".join(
        (mark if first == 0 else " " * len(mark)) + line for first, line in enumerate(lines[:_LABEL_LINES])
    )


class _Page:
    """Prints one result on one console."""

    def __init__(self, result: Result, console: Console, lang: str) -> None:
        self.result = result
        self.console = console
        self.words: Catalogue = catalogue(lang)
        self.numbers = Numbers(lang)
        self.is_narrow = console.width < QUALITY_FROM_WIDTH
        self.journeys = result.journeys

    def figures(self) -> None:
        """All journeys, and what is said of them."""
        for journey in self.result.journeys:
            self.journey(journey)
        self.remarks()

    def journey(self, journey: JourneyResult) -> None:
        """Title, table, quality, precision, and what is said of this journey alone."""
        self.console.print(Text(say.shorten(say.plain(journey.name), self.console.width), style="bold"))
        self.console.print(self._headline(journey), soft_wrap=True)
        self.console.print(self._table(journey))
        if (whole := say.whole_words(journey, self.words, self.numbers)) is not None:
            self._line("terminal.whole", whole)
        others = [
            f"{self.words.word('indicator', name)} {self.numbers.indicator(journey.figures.indicators[name]).full}"
            for name in say.other_indicators(journey.figures)
            if name not in say.TABLE_INDICATORS
        ]
        if others:
            self._line("terminal.also", ", ".join(others))
        if sci := say.sci_words(journey, self.words, self.numbers):
            self._line("terminal.sci", sci)
        indicator = journey.figures.indicators.get(say.HEADLINE)
        if indicator is not None:
            self._line("terminal.quality", say.quality_words(indicator.shares, self.words, self.numbers))
        if journey.composition is not None:
            self._line("terminal.composition", cause_words(journey.composition, self.words, self.numbers))
            self._line("", follows_words(journey, self.words, self.numbers))
            if doubts := doubt_words(journey, self.words, self.numbers):
                self._line("", doubts)
        status = say.status_words(journey.sampling, self.words)
        precision = say.precision_words(journey.sampling, self.words, self.numbers)
        symbol = status.removesuffix(self.words.say(f"status.{journey.sampling.status}"))
        sentences = f"{symbol}{precision} {cpu_words(journey, self.words, self.numbers)}".rstrip()
        self._line("terminal.precision", sentences, strong=len(status), style=_STATUS_STYLES[journey.sampling.status])
        self._other_methods(journey)
        self.console.print()

    def _other_methods(self, journey: JourneyResult) -> None:
        """What other methods make of it; why they differ is told of those that the user named."""
        if journey.comparison is None:
            return
        said = ComparisonWords(journey.comparison, self.words, self.numbers)
        if line := said.line():
            self._line("compare.title", line)
        for heading, reasons in said.reasons() if self.result.named_methods else ():
            self._line("", heading, strong=len(heading))
            for reason in reasons:
                self._line("", f"{_PART_MARK}{reason}")

    def remarks(self) -> None:
        """What is not covered, what is only counted, notes and fall-backs: each once, whatever the number of journeys."""
        journeys = self.result.journeys
        gaps = {
            journey.name: [
                self.words.say("terminal.gap", **gap.texts()) for gap in say.gaps(journey.not_covered, self.words)
            ]
            for journey in journeys
        }
        self._once("terminal.not_covered", gaps)
        if counted := say.counted_only(journeys, self.words):
            self._line("terminal.by_design", counted)
        self._once("terminal.note", {journey.name: say.notes(journey, self.words) for journey in journeys})
        for text in say.restatements(self.result, self.words):
            self._line("terminal.restated", text)
        for text in say.fallbacks(self.result, self.words):
            self._line("terminal.fallback", text)

    def _once(self, key: str, texts: Mapping[str, Sequence[str]]) -> None:
        """Each text once, with the journeys it is about where it is not about all."""
        about: dict[str, list[str]] = {}
        for name, said in texts.items():
            for text in said:
                about.setdefault(text, []).append(say.plain(name))
        for text, names in about.items():
            content = text
            if len(names) < len(texts):
                content = self.words.say("terminal.in_journeys", content=text, journeys=", ".join(names))
            self._line(key, content)

    def summary(self) -> None:
        """How it was measured, by which method, where the run file is, and how to open a figure."""
        result = self.result
        self.console.print()
        browser, host = say.browser_words(result, self.words), say.host_words(result, self.words, self.numbers)
        setting = self.words.say("terminal.setting", browser=browser, host=host) if browser else host
        self._line("terminal.measured_with", f"{self.numbers.moment(result.started_at)}, {setting}")
        zone = result.context.get("zone")
        place = (
            self.words.say("terminal.zone", zone=say.plain(str(zone))) if zone else self.words.say("terminal.no_zone")
        )
        method = self.words.say(
            "terminal.method_value",
            method=say.method_words(result),
            zone=place,
            factors=say.factors_words(result, self.numbers),
        )
        self._line("terminal.method", method)
        self._line("terminal.run_file", say.plain(result.run_path))
        if (command := say.explain_command(result)) is not None:
            self._line("terminal.open", command, strong=len(command))
        if (command := say.advise_command(result)) is not None:
            self._line("terminal.advise", command, strong=len(command))
        screen = ["terminal.screen_words"] if say.has_screen(result) else []
        for key in ("terminal.range_words", "terminal.quality_words", *screen, "terminal.unknown_mark"):
            self.console.print(
                Text("\n".join(_wrap(self.words.say(key), self.console.width)), style="dim"), soft_wrap=True
            )

    def _line(self, key: str, content: str, *, strong: int = 0, style: str = "bold") -> None:
        """A label and its text with a hanging indent; the first ``strong`` characters of the text get the style."""
        label = (self.words.say(key) if key else "").ljust(_LABEL_WIDTH)
        lines = _wrap(content, self.console.width - cell_len(label))
        text = Text(label + f"\n{' ' * cell_len(label)}".join(lines))
        text.stylize("dim", 0, len(label))
        text.stylize(style, len(label), len(label) + strong)
        self.console.print(text, soft_wrap=True)

    def _headline(self, journey: JourneyResult) -> Text:
        per = say.unit_of_use(journey, self.words)
        indicator = journey.figures.indicators.get(say.HEADLINE)
        if indicator is None:
            return Text(self.words.say("terminal.headline_unknown", per=per))
        amount = self.numbers.indicator(indicator, say.indicator_rung(say.HEADLINE, self.journeys, self.numbers))
        sentence = self.words.say("terminal.headline", gwp=amount.text, per=per, range=amount.spread)
        if amount.repeat and (constant := constant_words(journey, self.words, self.numbers)):
            sentence += self.words.say("terminal.repeat_constant", repeat=amount.repeat, constant=constant)
        elif amount.repeat:
            sentence += self.words.say("terminal.repeat", repeat=amount.repeat)
        text = Text("\n".join(_wrap(sentence, self.console.width)))
        text.stylize(f"bold {_GREEN}", 0, len(amount.text))
        return text

    def _table(self, journey: JourneyResult) -> Table:
        columns = say.columns(journey, say.TABLE_INDICATORS, self.numbers, beside=self.journeys)
        # The only step of a command, or its only part, is the total itself.
        steps = journey.steps if journey.kind == "journey" or len(journey.steps) > 1 else ()
        parts = journey.parts if journey.kind == "journey" or len(journey.parts) > 1 else ()
        rows = [(say.step_name(step.name, self.words), step.figures) for step in steps]
        rows.append((self.words.say("journey.total"), journey.figures))
        rows += [(say.plain(part.name), part.figures) for part in parts]
        cells = [[label, *self._cells(figures, columns)] for label, figures in rows]
        gap = 0 if self.is_narrow else 1
        headings = [self.words.say("column.step"), *self._headings(columns)]
        widest = max(cell_len(row[0]) for row in cells)
        if self.is_narrow and self.console.width - self._taken(headings, cells, gap) - gap < widest:
            headings = [self.words.say("column.step"), *self._headings(columns, is_split=True)]
        table = Table(box=SIMPLE_HEAD, pad_edge=False, padding=(0, gap, 0, 0), show_edge=False, header_style="dim")
        room = max(_STEP_WIDTH_MIN, self.console.width - self._taken(headings, cells, gap) - gap)
        table.add_column(headings[0], max_width=room, no_wrap=True)
        for heading in headings[1:]:
            words = heading.endswith((self.words.say("column.range"), self.words.say("column.quality")))
            table.add_column(Text(heading), justify="left" if words else "right", no_wrap=True)
        total = len(steps)
        for position, (label, *row) in enumerate(cells):
            if position == total:
                table.add_section()
            style = "" if position < total else "bold" if position == total else "dim"
            name = _label(label, room, _PART_MARK if position > total else "")
            table.add_row(*(Text(cell) for cell in (name, *row)), style=style)
        return table

    @staticmethod
    def _taken(headings: Sequence[str], cells: Sequence[Sequence[str]], gap: int) -> int:
        """Cells that all columns but the first take."""
        others = zip(*([*row[1:]] for row in [headings, *cells]), strict=True)
        return sum(1 + gap + max(cell_len(line) for text in texts for line in text.split("\n")) for texts in others)

    def _headings(self, columns: list[say.Column], *, is_split: bool = False) -> list[str]:
        """Names and units; a unit of two words goes over two lines where the table would be too wide."""
        headings = []
        for column in columns:
            unit = self.numbers.unit(column.rung)
            if is_split:
                unit = "\n".join(unit.rsplit("\u00a0", 1))
            headings.append(f"{self.words.say(f'column.{column.name}')}\n{unit}")
            if column.name == say.HEADLINE:
                headings.append(f"\n{self.words.say('column.range')}")
        return headings if self.is_narrow else [*headings, self.words.say("column.quality")]

    def _cells(self, figures: Figures, columns: list[say.Column]) -> list[str]:
        cells = []
        for column in columns:
            amount = column.amount(figures, self.numbers)
            cells.append(_UNKNOWN if amount.number == self.numbers.unknown else amount.number)
            if column.name == say.HEADLINE:
                cells.append(amount.spread)
        return cells if self.is_narrow else [*cells, say.quality_main(figures, self.words, self.numbers)]


def print_result(result: Result, console: Console, lang: str) -> None:
    """Prints a result.

    Args:
        result: the measured run, seen through its method.
        console: where to print; its width, colours and ``NO_COLOR`` are honoured.
        lang: ``en`` or ``fr``.
    """
    page = _Page(result, console, lang)
    page.figures()
    page.summary()


def result_text(result: Result, lang: str) -> str:
    """The figures of a result and the remarks on them as plain text, 80 characters wide; not where they are kept."""
    text = io.StringIO()
    _Page(result, Console(file=text, width=_TEXT_WIDTH, markup=False, highlight=False, emoji=False), lang).figures()
    return text.getvalue().strip("\n")
