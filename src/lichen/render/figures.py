# SPDX-License-Identifier: Apache-2.0
"""What every rendering says in the same words: which figures come first, a step's name, precision and data quality."""

from __future__ import annotations

import shlex
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from lichen.records import DATA_METHODS, ID_SHOWN
from lichen.render.i18n import Catalogue
from lichen.render.numbers import Amount, Numbers, Rung
from lichen.render.sentences import reason_words, told
from lichen.service.result import Figures, JourneyResult, Result, Sampling
from lichen.service.sci import UNIT

COUNTERS: Final = ("cpu_time", "network_bytes", "screen_time", "memory_peak", "disk_bytes")
"""The five counters of a journey, in the order in which they are shown."""
COMMAND_COUNTERS: Final = ("window_time", "cpu_time", "network_bytes", "memory_peak", "disk_bytes")
"""Those of a command, which nobody looks at: the time it takes stands where the screen's stood."""
HEADLINE: Final = "gwp100"
_RESTATED: Final = "restated"
"""How sentences on another model than that of the measurement begin."""
OTHER_INDICATORS: Final = ("energy", "water", "adpe", "pe")
TABLE_INDICATORS: Final = ("energy", HEADLINE, "water")
"""Indicators with a column in the table of steps."""

STATUS_SYMBOLS: Final[Mapping[str, str]] = {"reached": "✓", "low_precision": "!", "fixed": "", "single": "•"}
"""None for a number of samples that was asked for: it is neither a success nor a lack."""
_HIDDEN_CATEGORIES: Final = ("Cc", "Cs", "Co", "Cn")
_DIRECTION_CONTROLS: Final = frozenset("\u200e\u200f\u061c\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def plain(text: str) -> str:
    """A foreign name without control characters and without direction marks, so that it cannot rewrite its surroundings."""
    kept = (
        " " if letter in "\t\n\r" else letter
        for letter in text
        if letter in "\t\n\r"
        or (letter not in _DIRECTION_CONTROLS and unicodedata.category(letter) not in _HIDDEN_CATEGORIES)
    )
    return "".join(kept)


def shorten(text: str, limit: int) -> str:
    """At most ``limit`` characters, the cut marked by an ellipsis."""
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"


def step_name(name: str, catalogue: Catalogue) -> str:
    """A step's name; the time between steps has a name of its own."""
    return plain(name) if name else catalogue.say("step.between")


def counters_of(journey: JourneyResult) -> tuple[str, ...]:
    """The five counters of a journey or a command, in the order in which they are shown."""
    return COMMAND_COUNTERS if journey.kind == "command" and "screen_time" not in journey.figures.counters else COUNTERS


def unit_of_use(journey: JourneyResult, catalogue: Catalogue) -> str:
    """``per visit``, in the language; a functional unit of the user's stands for itself."""
    return catalogue.say("journey.per", unit=catalogue.word("functional_unit", plain(journey.functional_unit)))


def whole_words(journey: JourneyResult, catalogue: Catalogue, numbers: Numbers) -> str | None:
    """The figures of the whole run of a command that does several units: ``1,000 image: Climate 0.3 g, Energy 0.6 Wh, ...``."""
    whole = journey.whole
    if whole is None:
        return None
    unit = catalogue.word("functional_unit", plain(journey.functional_unit))
    indicators = [
        f"{catalogue.word('indicator', name)} {numbers.indicator(found).text}"
        for name in (HEADLINE, "energy")
        if (found := whole.indicators.get(name)) is not None
    ]
    counters = [
        f"{catalogue.word('quantity', name)} {numbers.counter(counter, numbers.rung(counter.value, counter.unit)).text}"
        for name in counters_of(journey)
        if (counter := whole.counters.get(name)) is not None and counter.value is not None
    ]
    return catalogue.say(
        "terminal.whole_value", count=numbers.raw(journey.units), unit=unit, figures=", ".join([*indicators, *counters])
    )


def sci_words(journey: JourneyResult, catalogue: Catalogue, numbers: Numbers) -> str:
    """``0.21 gCO₂e per visit (0.15 to 0.31)``: the Software Carbon Intensity; empty where there is none."""
    if journey.sci is None:
        return ""
    amount = numbers.amount(journey.sci.value, UNIT, low=journey.sci.low, high=journey.sci.high)
    unit = catalogue.word("functional_unit", plain(journey.sci.functional_unit))
    said = catalogue.say("journey.sci", figure=amount.text, unit=unit)
    return f"{said} ({amount.spread})" if amount.spread else said


def quality_words(shares: Mapping[str, float], catalogue: Catalogue, numbers: Numbers) -> str:
    """``62% measured, 31% modelled, 7% proxy``: best first; unknown when there is no total to share out."""
    pieces = [
        catalogue.say(
            "quality.share", share=numbers.whole_percent(shares[name]), method=catalogue.word("quality", name)
        )
        for name in DATA_METHODS
        if shares.get(name)
    ]
    return ", ".join(pieces) if pieces else numbers.unknown


def quality_main(figures: Figures, catalogue: Catalogue, numbers: Numbers) -> str:
    """The data method with the largest share of the climate figure, for a narrow column."""
    indicator = figures.indicators.get(HEADLINE)
    if indicator is None or not indicator.shares:
        return numbers.unknown
    name, share = max(indicator.shares.items(), key=lambda item: item[1])
    return catalogue.say("quality.share", share=numbers.whole_percent(share), method=catalogue.word("quality", name))


def precision_words(sampling: Sampling, catalogue: Catalogue, numbers: Numbers) -> str:
    """Status in words, how many samples were taken and how near the target that came."""
    sentence = catalogue.count(
        f"precision.{sampling.status}",
        sampling.taken,
        precision=numbers.percent(sampling.precision),
        target=numbers.percent(sampling.target),
        kept=numbers.integer(len(sampling.kept)),
    )
    return catalogue.say("precision.line", status=catalogue.say(f"status.{sampling.status}"), sentence=sentence)


def status_words(sampling: Sampling, catalogue: Catalogue) -> str:
    """Precision status as symbol and word."""
    return f"{STATUS_SYMBOLS[sampling.status]} {catalogue.word('status', sampling.status)}".strip()


def other_indicators(figures: Figures) -> list[str]:
    """Indicators beside the headline: the built-in ones in their order, then those that a plug-in adds."""
    added = [name for name in figures.indicators if name != HEADLINE and name not in OTHER_INDICATORS]
    return [name for name in (*OTHER_INDICATORS, *added) if name in figures.indicators]


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """Quantities that the method does not cover in some parts, for one reason."""

    quantities: tuple[str, ...]
    parts: tuple[str, ...]
    reason: str

    def texts(self) -> dict[str, str]:
        """Values for a message of one line."""
        return {"quantities": ", ".join(self.quantities), "parts": ", ".join(self.parts), "reason": self.reason}


def gaps(rows: Iterable[Mapping[str, Any]], catalogue: Catalogue) -> list[Gap]:
    """What is not covered, or counted only; quantities that share parts and reason stand together."""
    parts: dict[tuple[str, str], dict[str, None]] = {}
    for row in rows:
        quantity = catalogue.word("quantity", plain(row.get("quantity", "")))
        parts.setdefault((quantity, plain(reason_words(row, catalogue))), {})[plain(row.get("part", ""))] = None
    together: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for (quantity, reason), names in parts.items():
        together.setdefault((reason, tuple(names)), []).append(quantity)
    return [Gap(quantities=tuple(q), parts=names, reason=reason) for (reason, names), q in together.items()]


def notes(journey: JourneyResult, catalogue: Catalogue) -> list[str]:
    """What the collectors noted, in the language."""
    return [plain(told(note, catalogue)) for note in journey.notes]


def fallbacks(result: Result, catalogue: Catalogue) -> list[str]:
    """Factors of another place that stood in, in the language."""
    return [plain(told(text, catalogue)) for text in result.fallbacks if not text.startswith(_RESTATED)]


def restatements(result: Result, catalogue: Catalogue) -> list[str]:
    """That figures are restated, why, and what they were first, in the language."""
    said = [plain(told(text, catalogue)) for text in result.fallbacks if text.startswith(_RESTATED)]
    return [*said, *_first_said(result, catalogue)]


def _first_said(result: Result, catalogue: Catalogue) -> Iterator[str]:
    """The climate figure of each journey as it was first published, where the run was restated."""
    numbers = Numbers(catalogue.lang)
    for name, figures in (result.restatement or {"before": {}})["before"].items():
        if figures and HEADLINE in figures:
            first = figures[HEADLINE]
            amount = numbers.amount(first["value"], first["unit"], low=first["low"], high=first["high"])
            yield catalogue.say("journey.first_said", journey=plain(name), figure=amount.full)


def counted_only(journeys: Iterable[JourneyResult], catalogue: Catalogue) -> str:
    """Quantities that are shown as counters and that the method converts in no part, as one list."""
    names: dict[str, None] = {}
    for journey in journeys:
        left: dict[str, set[str]] = {}
        for row in journey.by_design:
            left.setdefault(row["quantity"], set()).add(row["part"])
        for quantity, parts in left.items():
            counters = {part.name: part.figures.counters.get(quantity) for part in journey.parts}
            counted = {part for part, counter in counters.items() if counter is not None and counter.value is not None}
            if counted and counted <= parts:
                names[catalogue.word("quantity", plain(quantity))] = None
    first, *others = names or [""]
    return ", ".join([first, *(word if word[1:2].isupper() else word[:1].lower() + word[1:] for word in others)])


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A counter or an indicator in one unit of display for all rows of a table, so that they compare at a glance.

    Attributes:
        finest: power of ten of the last digit that a row may show; None when no total is known.
    """

    name: str
    rung: Rung
    finest: int | None
    is_indicator: bool

    def amount(self, figures: Figures, numbers: Numbers) -> Amount:
        """The row's figure; empty where the quantity does not apply, such as the screen time of a server."""
        if self.is_indicator:
            return numbers.indicator(figures.indicators.get(self.name), self.rung, self.finest)
        counter = figures.counters.get(self.name)
        return Amount("") if counter is None else numbers.counter(counter, self.rung, self.finest)


def columns(
    journey: JourneyResult, indicators: tuple[str, ...], numbers: Numbers, *, beside: Iterable[JourneyResult] = ()
) -> list[Column]:
    """Columns of a journey's tables.

    Args:
        journey: whose tables.
        indicators: those with a column.
        numbers: of the language.
        beside: the journeys of the run; a column has one unit in all of them, the one that suits the largest.
    """
    found = []
    for name in counters_of(journey):
        value = _column_value(journey, name)
        unit = next((row.counters[name].unit for row in _rows(journey) if name in row.counters), None)
        if unit is not None:
            shown = [other for one in (journey, *beside) if (other := _column_value(one, name)) is not None]
            rung = numbers.rung(max(shown, default=None), unit)
            found.append(Column(name=name, rung=rung, finest=numbers.finest(value, rung), is_indicator=False))
    for name in indicators:
        indicator = journey.figures.indicators.get(name)
        if indicator is not None:
            rung = indicator_rung(name, (journey, *beside), numbers)
            found.append(Column(name=name, rung=rung, finest=numbers.finest(indicator.value, rung), is_indicator=True))
    return found


def indicator_rung(name: str, journeys: Iterable[JourneyResult], numbers: Numbers) -> Rung:
    """The unit in which all journeys of a run show an indicator: the one that suits the largest."""
    known = [found for journey in journeys if (found := journey.figures.indicators.get(name)) is not None]
    return numbers.rung(max(found.value for found in known), known[0].unit)


def _rows(journey: JourneyResult) -> list[Figures]:
    return [journey.figures, *(part.figures for part in journey.parts), *(step.figures for step in journey.steps)]


def _column_value(journey: JourneyResult, name: str) -> float | None:
    """What the unit of a counter's column has to suit: the total, or the largest row where the total is unknown or zero."""
    total = journey.figures.counters.get(name)
    if total is not None and total.value:
        return total.value
    counters = [row.counters[name].value for row in _rows(journey) if name in row.counters]
    return max((value for value in counters if value is not None), default=None)


def host_words(result: Result, catalogue: Catalogue, numbers: Numbers) -> str:
    """The machine in words, from what is known of it."""
    host = result.host
    known = []
    if isinstance(count := host.get("cpu_count"), int):
        known.append(catalogue.count("host.cpus", count))
    if isinstance(memory := host.get("memory_bytes"), int):
        known.append(catalogue.say("host.memory", memory=numbers.amount(memory, "B").text))
    if host.get("cpu_model"):
        known.append(plain(str(host["cpu_model"])))
    if host.get("kernel"):
        known.append(catalogue.say("host.kernel", version=plain(str(host["kernel"]))))
    if host.get("virtualised"):
        known.append(catalogue.say("host.virtual"))
    calibration = host.get("calibration")
    if isinstance(calibration, Mapping) and isinstance(cv := calibration.get("cv"), float):
        grade = plain(str(calibration.get("grade")))
        known.append(catalogue.say("host.grade", grade=grade, cv=numbers.percent(cv)))
    name = plain(str(host.get("host_id") or catalogue.say("host.unnamed")))[:ID_SHOWN]
    return f"{name} ({', '.join(known)})" if known else name


def has_screen(result: Result) -> bool:
    """Whether somebody looks at what was measured: screen time means nothing for a batch."""
    return any("screen_time" in journey.figures.counters for journey in result.journeys)


def browser_words(result: Result, catalogue: Catalogue) -> str:
    """Version of the browser and the profile it ran with; empty for commands and archives, which have none."""
    if not result.browser:
        return ""
    version = plain(str(result.browser.get("version") or catalogue.say("number.unknown")))
    profile = result.browser.get("profile")
    return f"Chromium {version} ({plain(str(profile))})" if profile else f"Chromium {version}"


def method_words(result: Result) -> str:
    """Id and version of the method."""
    return f"{plain(str(result.method['id']))} {plain(str(result.method.get('version', '')))}".strip()


def factors_words(result: Result, numbers: Numbers) -> str:
    """The beginning of the factors' hash, long enough to tell two sets apart."""
    return plain(str(result.method.get("factors_hash") or numbers.unknown))[:ID_SHOWN]


def method_title(result: Result, lang: str) -> str:
    """Title of the method in the language, its id without one."""
    title = result.method.get("title")
    text = title.get(lang) or title.get("en") if isinstance(title, Mapping) else title
    return plain(str(text or result.method["id"]))


def explain_command(result: Result) -> str | None:
    """What opens the first climate figure, now and after further measurements; None when there is no such figure."""
    for journey in result.journeys:
        if HEADLINE in journey.figures.indicators:
            return f"lichen explain {shlex.quote(plain(journey.name))} --run {shlex.quote(plain(result.run_name))}"
    return None


def advise_command(result: Result) -> str | None:
    """What says what to change; None where no page was looked into while the measurement warmed up."""
    if not result.browser or not result.settings.get("discard"):
        return None
    return f"lichen advise --run {shlex.quote(plain(result.run_name))}"
