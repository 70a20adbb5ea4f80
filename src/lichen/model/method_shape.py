# SPDX-License-Identifier: Apache-2.0
"""Which type each key of a method file has, so that a wrong one is refused by its name before anything reads it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple


class Fault(NamedTuple):
    """A value of the wrong type.

    Attributes:
        key: its place, ``rule 'cpu': step[0].bind``.
        wanted: what to write instead.
    """

    key: str
    wanted: str


@dataclass(frozen=True, slots=True)
class _Kind:
    wanted: str
    fits: Callable[[Any], bool]


def _scalar(value: Any) -> bool:
    return isinstance(value, str | bool | int) or (isinstance(value, float) and math.isfinite(value))


def _scalars(value: Any) -> bool:
    return _scalar(value) or (isinstance(value, list) and bool(value) and all(map(_scalar, value)))


def _texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def _table_of(fits: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, dict) and all(map(fits, value.values()))


def _word(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())


_WORD: Final = _Kind("a text that is not empty", _word)
_TEXT: Final = _Kind("a text", lambda value: isinstance(value, str))
_FLAG: Final = _Kind("true or false", lambda value: isinstance(value, bool))
_TEXTS: Final = _Kind("a list of texts", _texts)
_WORDS: Final = _Kind("a list of one or more texts", lambda value: _texts(value) and bool(value))
_TABLE_OF_TEXTS: Final = _Kind("a table of texts", _table_of(lambda value: isinstance(value, str)))
_TABLE_OF_VALUES: Final = _Kind("a table of texts and finite numbers", _table_of(_scalar))
_CONDITIONS: Final = _Kind("a table of values or of lists of values", _table_of(_scalars))

_STEP: Final = {"formula": _WORD, "bind": _TABLE_OF_TEXTS, "name": _WORD}
_RULE: Final[Mapping[str, Any]] = {
    "id": _WORD, "indicator": _WORD, "phase": _TEXT, "quantities": _WORDS, "unless": _TEXTS, "when": _CONDITIONS,
    "derive": _FLAG, "step": [_STEP],
}  # fmt: skip
METHOD: Final[Mapping[str, Any]] = {
    "id": _WORD, "version": _WORD, "title": _WORD, "title_fr": _WORD, "description": _TEXT, "description_fr": _TEXT,
    "sources": _TEXTS, "licence": _WORD, "validity": _WORD, "validity_fr": _WORD, "known_defects": _TEXTS,
    "known_defects_fr": _TEXTS, "accounting": _TEXT, "defaults": _TABLE_OF_VALUES, "reasons": _TABLE_OF_TEXTS,
    "reasons_fr": _TABLE_OF_TEXTS, "rule": [_RULE],
    "derive": [{"indicator": _WORD, "accounting": _TEXT, "optional": _FLAG, **_STEP}],
    "grade": [{"indicator": _WORD, "letters": _WORDS, "bounds": _WORD, "rounded": _FLAG}],
}  # fmt: skip
"""Key -> kind, or ``[keys of each repeated table]``."""


def fault(table: Mapping[str, Any], shape: Mapping[str, Any] = METHOD, where: str = "") -> Fault | None:
    """The first value of the wrong type; None when all fit. Missing and unknown keys are not looked at."""
    for key, wanted in shape.items():
        if key not in table:
            continue
        value, place = table[key], f"{where}{key}"
        if isinstance(wanted, _Kind):
            if not wanted.fits(value):
                return Fault(place, wanted.wanted)
        elif not (isinstance(value, list) and value and all(isinstance(item, dict) for item in value)):
            return Fault(place, f"repeated tables, [[{key}]]")
        else:
            for index, item in enumerate(value):
                inner = f"rule '{item['id']}': " if key == "rule" and _word(item.get("id")) else f"{place}[{index}]."
                found = fault(item, wanted[0], inner)
                if found is not None:
                    return found
    return None
