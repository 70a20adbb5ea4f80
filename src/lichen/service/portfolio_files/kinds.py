# SPDX-License-Identifier: Apache-2.0
"""What a key of a portfolio file may hold. A value comes as TOML gives it, or as the text of a cell."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Final

LINE_MAX: Final = 200
PROSE_MAX: Final = 5000
TAGS_MAX: Final = 50
_MONEY_MAX: Final = Decimal(10) ** 12
_STEERING: Final = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""Characters that turn the direction of the text after them: with them a name can be shown as another one."""
_NUMBER: Final = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,3})?")
_CURRENCY: Final = re.compile(r"[A-Z]{3}")
_POINT: Final = re.compile(r"\s*(\d{4})\s*=\s*([^;]+?)\s*")
LINEAR: Final = "linear"


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of value.

    Attributes:
        wanted: what to give, to end the sentence "Give …".
        read: a value of TOML as it is kept; ValueError when it is none.
        from_cell: the text of a cell, not empty, as TOML would give it; ValueError when it is none.
        choices: the allowed words; empty when open.
        is_number: whether a cell may have a decimal comma, in files whose cells are parted by semicolons.
    """

    wanted: str
    read: Callable[[object], Any]
    from_cell: Callable[[str], object] = str
    choices: tuple[str, ...] = ()
    is_number: bool = False


def _text(value: object, longest: int, spared: str) -> str:
    if not isinstance(value, str) or not value.strip() or len(value) > longest:
        raise ValueError
    for sign in value:
        if sign in _STEERING or (unicodedata.category(sign) in ("Cc", "Cs") and sign not in spared):
            raise ValueError
    return value


def _line(value: object) -> str:
    return _text(value, LINE_MAX, "").strip()


def _prose(value: object) -> str:
    return _text(value.replace("\r\n", "\n") if isinstance(value, str) else value, PROSE_MAX, "\n\t")


def _code(value: object) -> str:
    if not isinstance(value, str) or not value.strip() or len(value) > LINE_MAX or "/" in value:
        raise ValueError
    if value in (".", ".."):  # no address of a page can hold them
        raise ValueError
    if any(unicodedata.category(sign) in ("Cc", "Cs") for sign in value):
        raise ValueError
    return value


def _currency(value: object) -> str:
    if not isinstance(value, str) or _CURRENCY.fullmatch(value) is None:
        raise ValueError
    return value


def _tags(value: object) -> list[str]:
    if not isinstance(value, list) or len(value) > TAGS_MAX:
        raise ValueError
    return [_line(item) for item in value]


def split_cell(text: str) -> list[str]:
    """The texts of a cell, between ``;``; one within a text is written ``\\;``, a backslash twice."""
    found, current, signs = [], "", iter(text)
    for sign in signs:
        if sign == "\\":
            current += next(signs, "\\")
        elif sign == ";":
            found.append(current.strip())
            current = ""
        else:
            current += sign
    return [item for item in [*found, current.strip()] if item]


def _day(value: object) -> date:
    if isinstance(value, str):
        value = date.fromisoformat(value.strip())
    if not isinstance(value, date) or isinstance(value, datetime) or not 1970 <= value.year <= 2200:
        raise ValueError
    return value


def _moment(value: object) -> datetime:
    if isinstance(value, str):
        value = datetime.fromisoformat(value.strip())
    if not isinstance(value, datetime) or value.tzinfo is None or not 1970 <= value.year <= 2200:
        raise ValueError
    return value.astimezone(UTC)


def _money(value: object) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, int | float | str | Decimal):
        raise ValueError  # noqa: TRY004 - read promises ValueError, whatever is wrong
    try:
        amount = Decimal(str(value).strip())
    except InvalidOperation as error:
        raise ValueError from error
    if not amount.is_finite() or not 0 <= amount < _MONEY_MAX or round(amount, 6) != amount:
        raise ValueError
    return amount


def _number_cell(text: str) -> object:
    if _NUMBER.fullmatch(text) is None:
        raise ValueError
    return float(text)


def _whole_cell(text: str) -> object:
    if len(text) > 18:
        raise ValueError
    return int(text)


def whole(minimum: int, maximum: int, unit: str = "") -> Kind:
    """A whole number between two bounds, both included."""

    def read(value: object) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not minimum <= value <= maximum:
            raise ValueError
        return value

    return Kind(f"a whole number{unit and f' of {unit}'} from {minimum} to {maximum}", read, _whole_cell)


def number(minimum: float = -math.inf, maximum: float = math.inf, unit: str = "") -> Kind:
    """A finite number between two bounds, both included."""

    def read(value: object) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float) or abs(value) > 1e300:
            raise ValueError
        if not minimum <= value <= maximum:  # NaN is neither
            raise ValueError
        return float(value)

    low = "" if math.isinf(minimum) else f" of {minimum:g} or more"
    high = "" if math.isinf(maximum) else f", at most {maximum:g}"
    return Kind(f"a number{unit and f' in {unit}'}{low}{high}", read, _number_cell, is_number=True)


def choice(*words: str) -> Kind:
    """One of several words."""

    def read(value: object) -> str:
        if value not in words:
            raise ValueError
        return str(value)

    return Kind(f"one of {', '.join(words)}", read, str.strip, words)


def _path(value: object) -> str | dict[str, float]:
    if value == LINEAR:
        return LINEAR
    if not isinstance(value, Mapping) or not value:
        raise ValueError
    share = number(0, 1)
    if not all(isinstance(year, str) and re.fullmatch(r"\d{4}", year) for year in value):
        raise ValueError
    return {year: float(share.read(value[year])) for year in sorted(value)}


def _path_cell(text: str) -> object:
    if text.strip() == LINEAR:
        return LINEAR
    points = [_POINT.fullmatch(piece) for piece in text.split(";") if piece.strip()]
    if not all(points):
        raise ValueError
    return {point[1]: _number_cell(point[2]) for point in points if point is not None}


LINE: Final = Kind(f"one line of 1 to {LINE_MAX} characters", _line)
PROSE: Final = Kind(f"a text of 1 to {PROSE_MAX} characters", _prose)
CODE: Final = Kind(f"one line of 1 to {LINE_MAX} characters, without '/', and not '.' or '..'", _code)
CURRENCY: Final = Kind("a currency such as EUR (ISO 4217)", _currency)
INDICATOR: Final = Kind("an indicator of the nomenclature such as gwp100", _line)
TAGS: Final = Kind(f"a list of at most {TAGS_MAX} texts", _tags, split_cell)
DAY: Final = Kind("a day such as 2026-01-31", _day)
MOMENT: Final = Kind("a moment with its zone, such as 2026-01-31T14:30:00+01:00", _moment)
MONEY: Final = Kind("an amount of 0 or more with at most six decimals", _money, is_number=True)
SHARE: Final = number(0, 1)
YEAR: Final = whole(1970, 2200)
PATH: Final = Kind('"linear", or the share saved by each year such as { "2027" = 0.12 }', _path, _path_cell)
