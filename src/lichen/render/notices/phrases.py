# SPDX-License-Identifier: Apache-2.0
"""Figures, changes, days and foreign names inside the sentences of messages, in one language."""

from __future__ import annotations

import unicodedata
from datetime import date, datetime
from decimal import Decimal
from typing import Final

from babel.dates import format_date, format_skeleton, format_time
from babel.numbers import format_currency, format_percent

from lichen.render.figures import plain, shorten
from lichen.render.i18n import Catalogue, catalogue
from lichen.render.numbers import Numbers

NAME_MAX: Final = 60
_TEXT_MAX: Final = 200
_STILL: Final = 0.005
_ISOLATE: Final = "\u2068"
_END: Final = "\u2069"


class Phrases:
    """What sentences are made of.

    Args:
        lang: ``en`` or ``fr``.
    """

    def __init__(self, lang: str) -> None:
        self.lang: Final = lang
        self.words: Final[Catalogue] = catalogue(lang)
        self.numbers: Final = Numbers(lang)
        self.say: Final = self.words.say
        self.count: Final = self.words.count

    def name(self, text: str, limit: int = NAME_MAX) -> str:
        """A foreign name: short, without control characters; one that runs from right to left does not turn its line."""
        clean = shorten(" ".join(plain(text).split()), limit)
        turns = any(unicodedata.bidirectional(letter) in ("R", "AL", "AN") for letter in clean)
        return f"{_ISOLATE}{clean}{_END}" if turns else clean

    def sentence(self, text: str) -> str:
        """A text that somebody wrote."""
        return self.name(text, _TEXT_MAX)

    def amount(
        self, value: float | None, unit: str = "gCO2e", *, low: float | None = None, high: float | None = None
    ) -> str:
        """A figure, with its range where there is one."""
        base, _, per = unit.partition("/")
        found = self.numbers.amount(value, base, low=low, high=high)
        of = f"\u00a0/\u00a0{self.words.word('web.per', per)}" if per and value is not None else ""
        return f"{found.text}{of} ({found.spread})" if found.spread else f"{found.text}{of}"

    def signed(self, value: float, unit: str = "gCO2e") -> str:
        """A difference with its sign."""
        return ("+" if value > 0 else "\u2212" if value < 0 else "") + self.numbers.amount(abs(value), unit).text

    def share(self, share: float) -> str:
        """A relative change with its sign, in whole percents; a range of them, when they are as good as none, is one word."""
        pattern = "+#,##0\u202f%;\u2212#,##0\u202f%" if self.lang == "fr" else "+#,##0%;\u2212#,##0%"
        whole = 0.0 if abs(share) < _STILL else share
        if not whole:
            return "±0\u202f%" if self.lang == "fr" else "±0%"
        return str(format_percent(whole, pattern, self.words.locale))

    def arrow(self, share: float) -> str:
        """The same behind an arrow."""
        if abs(share) < _STILL:
            return f"=\u00a0{self.share(share)}"
        return f"{'▲' if share > 0 else '▼'}\u00a0{self.share(share)}"

    def percent(self, share: float) -> str:
        """A share of one."""
        return self.numbers.whole_percent(share)

    def money(self, amount: Decimal, currency: str) -> str:
        """An amount in whole units of its currency."""
        pattern = "#,##0\u00a0¤" if self.lang == "fr" else "¤#,##0"
        code = plain(currency)[:8] or "XXX"
        return str(format_currency(amount, code, pattern, self.words.locale, currency_digits=False))

    def day(self, day: date) -> str:
        """A day and its month: the year is that of the message."""
        return str(format_skeleton("MMMMd", day, locale=self.words.locale))

    def long_day(self, day: date) -> str:
        """A day with its year."""
        return str(format_date(day, "medium", self.words.locale))

    def moment(self, at: datetime) -> str:
        """A day, hour and minute of UTC."""
        return f"{self.long_day(at)} {format_time(at, 'HH:mm', locale=self.words.locale)}\u00a0UTC"

    def month(self, day: date) -> str:
        """A month and its year."""
        return str(format_skeleton("yMMMM", day, locale=self.words.locale))

    def what(self, name: str) -> str:
        """The word for an indicator or a quantity."""
        family = next((one for one in ("indicator", "quantity") if f"{one}.{name}" in self.words), "")
        return self.words.say(f"{family}.{name}") if family else self.name(name)
