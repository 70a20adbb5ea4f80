# SPDX-License-Identifier: Apache-2.0
"""The activities of a run that comes in: checked as `lichen evaluate` checks them, at the pace of an ingest.

Rows of a run differ in their numbers and are alike in everything else. What was found right once is remembered; then only the
numbers are looked at.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from lichen.errors import StorageError
from lichen.model.activities import parse_activity
from lichen.nomenclature import Nomenclature

NAME_MAX: Final = 200
"""Most characters of a name: an application, a part, a journey or a step."""
SEGMENTS_MAX: Final = 8
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")
_NUMBERS: Final = frozenset({int, float, type(None)})
_REMEMBERED: Final = 4096
_NUMBER_MAX: Final = 2.0**63

Limits = tuple[float, float]


def named(name: str, what: str) -> str:
    """A name, as it is.

    Raises:
        StorageError: it is empty, longer than `NAME_MAX` characters, or holds a control character; ``.`` and ``..``, which no
            address of a page can hold (RFC 3986, section 5.2.4).
    """
    if name in (".", ".."):
        raise StorageError(f"{what} is {name!r}, which no address can hold.", repair="Rename it.", culprit=what)
    if not name.strip() or len(name) > NAME_MAX or _CONTROL.search(name):
        shown = name if len(name) <= NAME_MAX else f"{name[:40]}…"
        raise StorageError(
            f"{what} is {shown!r}: a name has 1 to {NAME_MAX} characters and no control characters.",
            repair="Rename it.", culprit=what,
        )  # fmt: skip
    return name


class RowCheck:
    """The check of rows for one nomenclature."""

    def __init__(self, nomenclature: Nomenclature) -> None:
        self._nomenclature = nomenclature
        self._known: dict[Any, Limits] = {}
        self._entities: set[str] = set()

    def check(self, rows: Sequence[Mapping[str, Any]], application: str) -> None:
        """Makes sure that every row is an activity of an application.

        Raises:
            ActivityError: a row is none.
            StorageError: a row is of another application, or its entity is too long.
        """
        for position, row in enumerate(rows):
            kind = _kind(row)
            limits = None if kind is None else self._known.get(kind)
            if limits is None or not _within(row, limits):
                self._look_at(row, position, kind)
            self._check_entity(row["entity"], position, application)

    def _look_at(self, row: Mapping[str, Any], position: int, kind: Any) -> None:
        term = self._nomenclature.quantity(parse_activity(row, position, self._nomenclature).quantity)
        if row.get("unit") != term.unit:
            raise StorageError(
                f"activity {position + 1}: {term.name} is in {row.get('unit')!r}, a run holds it in '{term.unit}'.",
                repair="Measure again.", culprit=f"activity {position + 1}",
            )  # fmt: skip
        lowest = -_NUMBER_MAX if term.minimum is None else term.minimum
        limits = (lowest, _NUMBER_MAX if term.maximum is None else term.maximum)
        if not _within(row, limits):
            raise StorageError(
                f"activity {position + 1}: {term.name} is 2^63 or more.",
                repair="Give a number that can have been measured.", culprit=f"activity {position + 1}",
            )  # fmt: skip
        if kind is not None:
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            self._known[kind] = limits

    def _check_entity(self, entity: str, position: int, application: str) -> None:
        if entity not in self._entities:
            segments = entity.split("/")
            for segment in segments:
                named(segment, f"activity {position + 1}: a word of its entity")
            if len(segments) > SEGMENTS_MAX:
                raise StorageError(
                    f"activity {position + 1}: its entity has more than {SEGMENTS_MAX} words.",
                    repair="Write application/part/journey/step.", culprit=f"activity {position + 1}",
                )  # fmt: skip
            if len(self._entities) >= _REMEMBERED:
                self._entities.clear()
            self._entities.add(entity)
        if entity.partition("/")[0] != application:
            raise StorageError(
                f"activity {position + 1} is of the application '{entity.partition('/')[0]}', the first of '{application}'.",
                repair="Send one run for each application.", culprit=f"activity {position + 1}",
            )  # fmt: skip


def _kind(row: Mapping[str, Any]) -> Any:
    """All of a row but its numbers and its place; None when it has to be looked at as a whole."""
    rest = dict(row)
    entity = rest.pop("entity", None)
    rest.pop("value", None)
    rest.pop("samples", None)
    # True equals 1 and would be found as it.
    if "tier" not in rest or "value" not in row or type(entity) is not str or bool in map(type, rest.values()):
        return None
    kind = tuple(rest.items())
    try:
        hash(kind)
    except TypeError:
        return None
    return kind


def _within(row: Mapping[str, Any], limits: Limits) -> bool:
    """Whether every number of a row lies within; unknown is no number."""
    samples = row.get("samples", [])
    if type(samples) is not list:
        return False
    numbers = [row["value"], *samples]
    kinds = set(map(type, numbers))
    if not kinds <= _NUMBERS:
        return False
    if type(None) in kinds:
        numbers = [number for number in numbers if number is not None]
    return not numbers or (limits[0] <= min(numbers) and max(numbers) <= limits[1])
