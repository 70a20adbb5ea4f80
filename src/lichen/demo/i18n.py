# SPDX-License-Identifier: Apache-2.0
"""Texts in English and French, and numbers written the way each language writes them (CLDR through Babel)."""

import tomllib
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from functools import cache
from typing import Final

from babel.dates import format_date
from babel.numbers import format_currency, format_decimal

from lichen.demo import HERE, LANGUAGES

_LOCALES: Final = {"en": "en_GB", "fr": "fr_FR"}
_CENTS_PER_EURO: Final = 100


@cache
def catalogue(language: str) -> Mapping[str, str]:
    """Return all texts of a language, with sections joined to keys by a dot."""
    raw = tomllib.loads((HERE / "texts" / f"{language}.toml").read_text(encoding="utf-8"))
    return {f"{section}.{key}": text for section, texts in raw.items() for key, text in texts.items()}


class Translator:
    """Writes texts, numbers and dates in one language."""

    def __init__(self, language: str) -> None:
        self.language = language
        self._locale = _LOCALES[language]
        self._texts = catalogue(language)

    def text(self, key: str, **parameters: object) -> str:
        """Return the text under `key`, with its `{parameters}` filled in; an unknown key is a KeyError."""
        return self._texts[key].format(**parameters) if parameters else self._texts[key]

    def number(self, value: float | Decimal | None) -> str:
        """Write a number; an unknown one is a dash."""
        return "–" if value is None else format_decimal(value, locale=self._locale)

    def euros(self, value_eur: float | None) -> str:
        """Write whole euros; an unknown amount is a dash."""
        if value_eur is None:
            return "–"
        return format_currency(value_eur, "EUR", locale=self._locale, currency_digits=False, format=self._whole_euros)

    def cents(self, value_cents: int) -> str:
        """Write an amount in cents as euros with two decimals."""
        return format_currency(Decimal(value_cents) / _CENTS_PER_EURO, "EUR", locale=self._locale)

    def percent(self, value_percent: Decimal | float | str | None) -> str:
        """Write a percentage with two decimals at most; an unknown one is a dash."""
        if value_percent is None:
            return "–"
        return f"{format_decimal(Decimal(str(value_percent)), locale=self._locale)}\u00a0%"

    def day(self, value: date | str | None) -> str:
        """Write a date given as such or in ISO 8601; an unknown one is a dash."""
        if value is None:
            return "–"
        when = date.fromisoformat(value) if isinstance(value, str) else value
        return format_date(when, format="medium", locale=self._locale)

    def kilobytes(self, size_bytes: int) -> str:
        """Write a size in kilobytes (1 kB = 1000 B), rounded up."""
        unit = "ko" if self.language == "fr" else "kB"
        return f"{self.number(-(-size_bytes // 1000))} {unit}"

    @property
    def _whole_euros(self) -> str:
        return "#,##0 ¤" if self.language == "fr" else "¤#,##0"


def choose_language(asked: str | None, remembered: str | None, accept_language: str | None) -> str:
    """Choose the language of an answer.

    Args:
        asked: the `lang` parameter of the address.
        remembered: the `lang` cookie.
        accept_language: the header of the same name.

    Returns:
        The first of the three that the portal speaks; English otherwise.
    """
    for candidate in (asked, remembered):
        if candidate in LANGUAGES:
            return candidate
    for part in (accept_language or "").split(","):
        tag = part.partition(";")[0].strip().lower()[:2]
        if tag in LANGUAGES:
            return tag
    return LANGUAGES[0]
