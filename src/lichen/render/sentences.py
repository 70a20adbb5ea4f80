# SPDX-License-Identifier: Apache-2.0
"""Sentences that arrive as data, said in the reader's language: why something is not covered, notes of collectors, fall-backs."""

from __future__ import annotations

import re
import string
from collections.abc import Iterator, Mapping
from decimal import Decimal
from functools import cache
from typing import Any, Final

from babel.numbers import format_percent

from lichen.render.i18n import Catalogue, catalogue

_STORED: Final = "en"
"""Language of run files and of the public JSON."""
_FAMILY: Final = "sentence"
_UNKNOWN: Final = "unknown_value"
"""Code of a quantity whose value is unknown; for some quantities the catalogue knows why, and what to do."""
_TIMES: Final = f"{_FAMILY}.times"
_GAPS_OF_SHARES: Final = frozenset({"share", "steps"})
_SHARE: Final = re.compile(r"(\d+(?:\.\d+)?)%")


def reason_words(row: Mapping[str, Any], words: Catalogue) -> str:
    """Why a quantity is not covered.

    Args:
        row: of ``not_covered`` or ``by_design``: ``reason`` in English, ``code`` and ``arguments`` for the catalogue.
        words: the reader's catalogue; a code that it does not know leaves the English reason.
    """
    key, arguments = f"reason.{row.get('code', '')}", row.get("arguments", {})
    if key not in words:
        return str(row.get("reason", ""))
    if row.get("code") == _UNKNOWN:
        quantity = row.get("quantity", "")
        for why in (f"unknown.{quantity}_{arguments.get('cause', '')}", f"unknown.{quantity}"):
            if why in words:
                return words.say(why)
    said = words.say(key, **arguments)
    if "indicator" not in arguments:
        return said
    indicator, phase = (words.word(family, arguments[family]) for family in ("indicator", "phase"))
    return words.say("reason.only", reason=said, indicator=indicator, phase=phase)


def finding_words(row: Mapping[str, Any], words: Catalogue) -> tuple[str, str, str]:
    """Topic, finding and repair of a row of the doctor, in the reader's language."""
    topic = told(row["topic"], words, family="doctor_topic")
    what, repair = (told(row[key], words, family="doctor") for key in ("what", "repair"))
    return topic, _SHARE.sub(lambda found: _share(found[1], words), what), repair


def _localised(name: str, value: str, words: Catalogue) -> str:
    """What fills a gap of a sentence, its shares as the language writes them."""
    return _SHARE.sub(lambda found: _share(found[1], words), value) if name in _GAPS_OF_SHARES else value


def _share(percent: str, words: Catalogue) -> str:
    """A share with the digits that it came with."""
    _, point, digits = percent.partition(".")
    pattern = words.locale.percent_formats[None].pattern.replace("##0", f"##0{point}{'0' * len(digits)}")
    return format_percent(Decimal(percent) / 100, pattern, locale=words.locale)


def told(text: str, words: Catalogue, *, family: str = _FAMILY) -> str:
    """An English sentence of a run file in the reader's language; one that the catalogue does not know stays as it is.

    Args:
        family: of sentences, in the catalogue.
    """
    for key, pattern in _patterns(family):
        if found := pattern.fullmatch(text):
            values = {name: _localised(name, value, words) for name, value in found.groupdict().items()}
            if key == _TIMES:
                values["sentence"] = told(values["sentence"], words)
            return words.say(key, **values)
    return text


@cache
def _patterns(family: str) -> tuple[tuple[str, re.Pattern[str]], ...]:
    """Each English sentence as a pattern that finds what fills its gaps; the one around another sentence first."""
    messages = catalogue(_STORED).messages
    keys = sorted((key for key in messages if key.startswith(f"{family}.")), key=lambda key: key != _TIMES)
    return tuple((key, re.compile("".join(_pieces(messages[key])), re.DOTALL)) for key in keys)


def _pieces(message: str) -> Iterator[str]:
    for literal, field, _, _ in string.Formatter().parse(message):
        yield re.escape(literal)
        if field:
            yield rf"(?P<{field}>\d+)" if field == "count" else f"(?P<{field}>.+?)"
