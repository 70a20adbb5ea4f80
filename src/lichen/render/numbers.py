# SPDX-License-Identifier: Apache-2.0
"""Numbers as people read them: in their language, in a unit of the right size, with the digits that the interval supports.

How far the interval supports digits follows the Particle Data Group's rounding rule (Review of Particle Physics,
introduction, section "Rounding"): a half-width that starts with 100 to 354 carries two digits, any other one. A value
of 0.2137 between 0.15 and 0.31 reads 0.21. Never more than three digits are shown; where no interval is known, two; a
value that does not vary shows three. Decimal marks and groups: Unicode CLDR, through Babel.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Final

from babel.dates import format_date, format_time
from babel.numbers import format_decimal, format_percent

from lichen.render.i18n import Catalogue, catalogue
from lichen.service.result import Counter, Indicator

DIGITS_MAX: Final = 3
DIGITS_WITHOUT_INTERVAL: Final = 2
_PLAIN_FROM, _PLAIN_BELOW = Decimal("0.001"), Decimal(1_000_000)
_RAW_FROM, _RAW_BELOW = Decimal("0.0001"), Decimal(1_000_000_000_000)
_TWO_DIGITS_BELOW: Final = Decimal("3.55")
_SHARE_SHOWN: Final = 0.001
"""The smallest share that is shown as a number."""
_SUPERSCRIPT: Final = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
_SPACE: Final = {"en": "\u00a0", "fr": "\u202f"}


@dataclass(frozen=True, slots=True)
class Rung:
    """A unit of display.

    Attributes:
        prefix, base: SI prefix and the catalogue's key of the unit, e.g. ``m`` and ``gCO2e``.
        factor: canonical units in one of these.
        start: the smallest value shown in this unit, in canonical units.
    """

    prefix: str
    base: str
    factor: float
    start: float


def _rung(prefix: str, base: str, factor: float, start: float | None = None) -> Rung:
    return Rung(prefix, base, factor, factor if start is None else start)


_LADDERS: Final[Mapping[str, tuple[Rung, ...]]] = {
    "gCO2e": (
        _rung("µ", "gCO2e", 1e-6), _rung("m", "gCO2e", 1e-3), _rung("", "gCO2e", 1.0, 0.1),
        _rung("k", "gCO2e", 1e3), _rung("", "tCO2e", 1e6),
    ),
    "gSbe": (
        _rung("n", "gSbe", 1e-9), _rung("µ", "gSbe", 1e-6), _rung("m", "gSbe", 1e-3), _rung("", "gSbe", 1.0),
        _rung("k", "gSbe", 1e3), _rung("", "tSbe", 1e6),
    ),
    "kWh": (
        _rung("m", "Wh", 1e-6), _rung("", "Wh", 1e-3, 1e-4), _rung("k", "Wh", 1.0), _rung("M", "Wh", 1e3),
        _rung("G", "Wh", 1e6),
    ),
    "L": (_rung("µ", "L", 1e-6), _rung("m", "L", 1e-3), _rung("", "L", 1.0), _rung("", "m3", 1e3)),
    "MJ": (_rung("", "J", 1e-6), _rung("k", "J", 1e-3), _rung("M", "J", 1.0), _rung("G", "J", 1e3)),
    "B": (_rung("", "B", 1.0), _rung("k", "B", 1e3), _rung("M", "B", 1e6), _rung("G", "B", 1e9), _rung("T", "B", 1e12)),
    "s": (_rung("m", "s", 1e-3), _rung("", "s", 1.0), _rung("", "min", 60.0, 600.0), _rung("", "h", 3600.0, 7200.0)),
    "B.s": (_rung("", "Bs", 1.0), _rung("k", "Bs", 1e3), _rung("M", "Bs", 1e6), _rung("G", "Bs", 1e9)),
    "W": (_rung("m", "W", 1e-3), _rung("", "W", 1.0), _rung("k", "W", 1e3)),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Amount:
    """A number and its interval, ready to be printed; a text is empty where nothing is known.

    Attributes:
        number: the value, or the word for unknown.
        unit: its unit in the language; empty for counts and unknowns.
        low, high: bounds of the model range, in the same unit.
        repeat: how far repeating the measurement moves the value, as a share of it: ``± 0.3%``.
        spread: the sentence part for the model range, e.g. ``0.15 to 0.31``.
        text: number and unit.
    """

    number: str
    unit: str = ""
    low: str = ""
    high: str = ""
    repeat: str = ""
    spread: str = ""
    text: str = ""

    @property
    def full(self) -> str:
        """Number, unit and model range: ``0.21 gCO₂e (0.15 to 0.31)``."""
        return f"{self.text} ({self.spread})" if self.spread else self.text


def _leading(value: Decimal) -> int:
    """Power of ten of the first digit."""
    return value.adjusted()


def _error_place(half_width: Decimal) -> int:
    """Power of ten of the last digit that a half-width supports, by the Particle Data Group's rule."""
    lead = _leading(half_width)
    return lead - 1 if half_width.scaleb(-lead) < _TWO_DIGITS_BELOW else lead


def last_place(value: float, half_width: float | None) -> int:
    """Power of ten of the last digit that may be shown.

    Args:
        value: the central value, in the unit of display; not zero.
        half_width: half of its interval, in the same unit; None when unknown, 0 when it does not vary.
    """
    lead = _leading(_decimal(value))
    if half_width is None:
        place = lead - DIGITS_WITHOUT_INTERVAL + 1
    elif half_width == 0:
        place = lead - DIGITS_MAX + 1
    else:
        place = _error_place(_decimal(half_width))
    return min(max(place, lead - DIGITS_MAX + 1), lead)


def _decimal(value: float) -> Decimal:
    if not math.isfinite(value):
        raise ValueError(f"{value} is not a number that can be shown; unknown is None")
    return Decimal(repr(float(value)))


def _round(value: Decimal, place: int) -> tuple[Decimal, int]:
    """``value`` cut at ``place``, but with one digit at least and three at most; and the place that was used."""
    if not value:
        return Decimal(0), 0
    lead = _leading(value)
    place = min(max(place, lead - DIGITS_MAX + 1), lead)
    rounded = value.quantize(Decimal(1).scaleb(place), ROUND_HALF_EVEN)
    if _leading(rounded) > lead:
        place = max(place, _leading(rounded) - DIGITS_MAX + 1)
        rounded = rounded.quantize(Decimal(1).scaleb(place), ROUND_HALF_EVEN)
    return rounded, place


class Numbers:
    """Formats values in one language."""

    def __init__(self, lang: str) -> None:
        self._catalogue: Final[Catalogue] = catalogue(lang)
        self._lang: Final = lang
        self.unknown: Final = self._catalogue.say("number.unknown")

    def rung(self, value: float | None, unit: str) -> Rung:
        """The unit in which ``value`` (canonical ``unit``) is shown with one to three digits before the mark."""
        ladder = _LADDERS.get(unit)
        if ladder is None:
            return Rung("", "" if unit == "1" else unit, 1.0, 0.0)
        base = next((rung for rung in ladder if rung.factor == 1.0), ladder[0])
        if not value:
            return base
        rounded = float(_round(abs(_decimal(value)), -400)[0])
        return next((rung for rung in reversed(ladder) if rounded >= rung.start), ladder[0])

    def unit(self, rung: Rung) -> str:
        """Name of a unit of display in the language."""
        return rung.prefix + self._catalogue.word("unit", rung.base).replace(" ", "\u00a0") if rung.base else ""

    def digits(self, value: float, place: int) -> str:
        """``value`` rounded at ``place``, with the language's mark and groups; powers of ten outside 0.001 to a million."""
        rounded, used = _round(_decimal(value), place)
        if rounded and not _PLAIN_FROM <= abs(rounded) < _PLAIN_BELOW:
            return self._power(rounded, used)
        return self._plain(rounded, used)

    def _power(self, value: Decimal, place: int) -> str:
        """A number between one and ten times a power of ten."""
        lead = _leading(value)
        mantissa = self._plain(value.scaleb(-lead), place - lead)
        return f"{mantissa}\u00a0×\u00a010{str(lead).translate(_SUPERSCRIPT)}"

    def _plain(self, value: Decimal, place: int) -> str:
        decimals = max(0, -place)
        pattern = "#,##0" + ("." + "0" * decimals if decimals else "")
        return str(format_decimal(value, format=pattern, locale=self._catalogue.locale))

    def amount(
        self,
        value: float | None,
        unit: str,
        *,
        low: float | None = None,
        high: float | None = None,
        half_width: float | None = None,
        rung: Rung | None = None,
        finest: int | None = None,
    ) -> Amount:
        """A value with the digits that its interval supports; with both intervals, the wider one decides.

        Args:
            value: in the canonical ``unit``; None is shown as unknown.
            low, high: model range; half_width: repeatability. In the canonical unit, None when unknown.
            rung: unit of display; by default the one that suits the value.
            finest: in a column, power of ten of the last digit that any row may show; a smaller value is said to be below it.
        """
        if value is None:
            return Amount(self.unknown, text=self.unknown)
        rung = rung or self.rung(value or high, unit)
        shown = value / rung.factor
        halves = [half_width / rung.factor] if half_width is not None else []
        if low is not None and high is not None:
            halves.append((high - low) / 2 / rung.factor)
        half = max(halves) if halves else None
        if shown:
            place = last_place(shown, half)
        elif half:
            place = _error_place(_decimal(half))
        else:
            place = 0
        name = self.unit(rung)
        number = self._cell(shown, place, finest)
        low_text = self._cell(low / rung.factor, place, finest) if low is not None else ""
        high_text = self._cell(high / rung.factor, place, finest) if high is not None else ""
        below = finest is not None and abs(_decimal(shown)) < Decimal(1).scaleb(finest) / 2
        has_spread = low_text != high_text and not below
        spread = self._catalogue.say("number.range", low=low_text, high=high_text) if has_spread else ""
        return Amount(
            number=number,
            unit=name,
            low=low_text,
            high=high_text,
            repeat=self._repeat(value, half_width),
            spread=spread,
            text=f"{number}{_SPACE[self._lang]}{name}" if name else number,
        )

    def _cell(self, shown: float, place: int, finest: int | None) -> str:
        if finest is None or not shown:
            return self.digits(shown, place)
        smallest = Decimal(1).scaleb(finest)
        if abs(_decimal(shown)) < smallest / 2:
            return self._catalogue.say("number.below", bound=self._plain(smallest, finest))
        return self._plain(
            _decimal(shown).quantize(smallest.scaleb(max(0, place - finest)), ROUND_HALF_EVEN), max(place, finest)
        )

    def finest(self, value: float | None, rung: Rung) -> int | None:
        """The last digit that a column may show whose total is ``value``: the total's third; None without a total."""
        return _leading(_decimal(value / rung.factor)) - DIGITS_MAX + 1 if value else None

    def _repeat(self, value: float, half_width: float | None) -> str:
        """Half of the repeatability interval as a share of the value; empty when unknown, or when the value is zero."""
        if half_width is None or not value:
            return ""
        share = half_width / abs(value)
        if 0 < share < _SHARE_SHOWN / 2:
            return self._catalogue.say("number.less_than", bound=self._percent(_SHARE_SHOWN, "#,##0.0%"))
        if share > 1:
            return self._catalogue.say("number.over", bound=self.percent(1.0))
        return self._catalogue.say("number.plus_minus", share=self.percent(share))

    def counter(self, counter: Counter | None, rung: Rung | None = None, finest: int | None = None) -> Amount:
        """A counter; counts and exact bytes are whole numbers unless ``rung`` asks for another unit."""
        if counter is None:
            return self.amount(None, "1")
        value = counter.value
        whole = value is not None and float(value).is_integer()
        if (
            value is not None
            and whole
            and rung is None
            and (counter.unit == "1" or (counter.exact and counter.unit == "B"))
        ):
            name = self._catalogue.word("unit", counter.unit) if counter.unit != "1" else ""
            number = self.integer(int(value))
            return Amount(number, name, text=f"{number}{_SPACE[self._lang]}{name}" if name else number)
        if value is not None and counter.exact and rung is not None and (finest is None or finest <= 0):
            shown = value / rung.factor
            if shown.is_integer():  # what was declared in whole units is shown in whole units
                number, name = self.integer(int(shown)), self.unit(rung)
                return Amount(number, name, text=f"{number}{_SPACE[self._lang]}{name}" if name else number)
        half_width = 0.0 if counter.exact and counter.half_width is None else counter.half_width
        return self.amount(value, counter.unit, half_width=half_width, rung=rung, finest=finest)

    def indicator(self, indicator: Indicator | None, rung: Rung | None = None, finest: int | None = None) -> Amount:
        """An indicator with its model range and its repeatability; unknown when nothing covers it."""
        if indicator is None:
            return self.amount(None, "1")
        return self.amount(
            indicator.value,
            indicator.unit,
            low=indicator.low,
            high=indicator.high,
            half_width=indicator.half_width,
            rung=rung,
            finest=finest,
        )

    def integer(self, value: int) -> str:
        """A whole number with the language's groups."""
        return str(format_decimal(value, format="#,##0", locale=self._catalogue.locale))

    def raw(self, value: float | None) -> str:
        """A value as it enters a formula: up to six digits, whatever its interval."""
        if value is None:
            return self.unknown
        shown = Decimal(f"{value:.6g}")
        if shown and not _RAW_FROM <= abs(shown) < _RAW_BELOW:
            return self._power(shown, int(shown.normalize().as_tuple().exponent))
        return str(format_decimal(shown, format="#,##0.############", locale=self._catalogue.locale))

    def percent(self, share: float | None) -> str:
        """A share of one: whole percents from 10 % on, one decimal below; what would round to nothing is said to be less."""
        if share is None:
            return self.unknown
        if 0 < abs(share) < _SHARE_SHOWN / 2:
            return self._catalogue.say("number.below", bound=self._percent(_SHARE_SHOWN, "#,##0.0%"))
        return self._percent(share, "#,##0%" if abs(share) >= 0.0995 else "#,##0.#%")

    def whole_percent(self, share: float) -> str:
        """A share of one in whole percents; a part that would round to nothing or to the whole is said to be less or more."""
        if 0 < share < 0.005:
            return self._catalogue.say("number.below", bound=self._percent(0.01, "#,##0%"))
        if 0.995 <= share < 1 - 1e-9:
            return self._catalogue.say("number.above", bound=self._percent(0.99, "#,##0%"))
        return self._percent(share, "#,##0%")

    def _percent(self, share: float, pattern: str) -> str:
        pattern = pattern.replace("%", "\u202f%") if self._lang == "fr" else pattern
        return str(format_percent(share, format=pattern, locale=self._catalogue.locale))

    def moment(self, instant: str) -> str:
        """An ISO 8601 instant as date, hour and minute of UTC."""
        moment = datetime.fromisoformat(instant).astimezone(UTC)
        locale = self._catalogue.locale
        day, hour = format_date(moment, "long", locale), format_time(moment, "HH:mm", tzinfo=UTC, locale=locale)
        return f"{day}, {hour}\u00a0UTC"
