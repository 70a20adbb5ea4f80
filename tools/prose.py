# SPDX-License-Identifier: Apache-2.0
"""What the pages made from templates share: numbers in a language, and paragraphs of an even width."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator
from itertools import groupby
from math import floor, log10
from pathlib import Path
from typing import Any, Final

from babel.numbers import format_decimal, format_percent
from jinja2 import Environment, FileSystemLoader, StrictUndefined

WIDTH: Final = 138
_PLAIN_PLACES: Final = range(-8, 7)
"""Powers of ten of the first digit for which a number is written without one."""
_SUPERSCRIPT: Final = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
_SPACE: Final = {"en": "", "fr": "\u202f"}
"""What stands between a number and its percent sign (CLDR)."""
_ITEM: Final = re.compile(r"(- |\d+\. )?")
_BOUND: Final = re.compile(r"(?<=«) | (?=[:;?!»%])")
"""Spaces of French typography, and that of a percentage: a line does not break there."""


def number(value: float, digits: int = 2, *, language: str) -> str:
    """A number with so many significant digits, in a language; a power of ten where zeros would hide it.

    >>> number(0.004567, language="fr")
    '0,0046'
    """
    if value == 0:
        return "0"
    first = floor(log10(abs(value)))
    if first in _PLAIN_PLACES:
        places = digits - 1 - first
        return str(format_decimal(round(value, places), format=f"#,##0.{'#' * max(places, 0)}", locale=language))
    return f"{format_decimal(round(value / 10**first, digits - 1), locale=language)} × 10{str(first).translate(_SUPERSCRIPT)}"


def share(value: float, digits: int = 0, *, language: str, signed: bool = False) -> str:
    """A share of one in percent; one that would be rounded away is told to be smaller than the last digit.

    >>> share(0.0001, 1, language="en"), share(0.05, language="en", signed=True)
    ('<0.1%', '+5%')
    """
    form = f"#,##0.{'0' * digits}{_SPACE[language]}%"
    least = 10.0 ** -(digits + 2)
    if 0 < abs(value) < least / 2:
        return "<" + str(format_percent(least, format=form, locale=language))
    return ("+" if signed and value > 0 else "") + str(format_percent(value, format=form, locale=language))


def filled(page: str) -> str:
    """The page with its paragraphs and list items filled to one width; tables, fences and headings stay."""
    return "".join(_filled(page.splitlines()))


def _filled(lines: list[str]) -> Iterator[str]:
    fenced = False
    state: list[bool] = []
    for line in lines:
        edge = line.startswith("```")
        fenced ^= edge
        state.append(not (fenced or edge or line == "" or line[0] in "|#<!"))
    for prose, group in groupby(zip(state, lines, strict=True), key=lambda pair: pair[0]):
        texts = [line for _, line in group]
        if not prose:
            yield from (f"{line}\n" for line in texts)
            continue
        for item in re.split(r"\n(?=- |\d+\. )", "\n".join(texts)):
            indent = " " * len((_ITEM.match(item) or [""])[0])
            yield (
                textwrap.fill(
                    _BOUND.sub("\u00a0", item.replace("\n", " ")),
                    WIDTH,
                    subsequent_indent=indent,
                    break_long_words=False,
                    break_on_hyphens=False,
                )
                + "\n"
            )


def rendered(template: Path, names: dict[str, Any]) -> str:
    """A Markdown page from its template.

    Raises:
        jinja2.UndefinedError: the template asks for a name that is not there.
    """
    environment = Environment(
        loader=FileSystemLoader(template.parent), undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True,
        autoescape=False,  # noqa: S701 - Markdown from the repository's own templates
    )  # fmt: skip
    return filled(environment.get_template(template.name).render(names))
