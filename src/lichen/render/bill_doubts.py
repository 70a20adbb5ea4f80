# SPDX-License-Identifier: Apache-2.0
"""Figures of bills that cannot be, as lines of text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Final

from babel.numbers import format_decimal

from lichen.render.figures import plain
from lichen.render.i18n import Catalogue, catalogue
from lichen.service.bills.guards import Guard

if TYPE_CHECKING:
    from lichen.service.bills.guards import Doubt
    from lichen.service.board.bill_views import DoubtRow

_WORDS: Final = {
    Guard.VCPU_POWER: "bill_doubt.vcpu_power",
    Guard.RECENT_VCPU_POWER: "bill_doubt.vcpu_power",
    Guard.REFERENCE_POWER: "bill_doubt.reference_power",
    Guard.STORAGE_POWER: "bill_doubt.storage_power",
    Guard.GRID: "bill_doubt.grid",
    Guard.MAKING: "bill_doubt.making",
    Guard.MAKING_ALIKE: "bill_doubt.making_alike",
    Guard.MAKING_AS_ENERGY: "bill_doubt.making_as_energy",
}
"""Guard -> what is said of a figure that it doubts."""
_PATTERN: Final = "#,##0.###"
_SMALL: Final = "0.0E0"
_LEAST: Final = 1e-3


def doubt_lines(method_id: str, doubts: Iterable[Doubt], lang: str) -> Iterator[str]:
    """One line for each doubt.

    Args:
        method_id: of the method whose figures are doubted.
    """
    words = catalogue(lang)
    for one in doubts:
        yield doubt_line(method_id, one, words)


def doubt_line(method_id: str, one: Doubt | DoubtRow, words: Catalogue) -> str:
    """A doubt, as it was found or as it was kept, in one sentence, with what to check."""

    def number(value: float) -> str:
        pattern = _SMALL if 0 < abs(value) < _LEAST else _PATTERN
        return str(format_decimal(value, format=pattern, locale=words.locale))

    return words.say(
        _WORDS[Guard(one.guard)], method=method_id, platform=plain(one.platform), value=number(one.value),
        low=number(one.low), high=number(one.high),
    )  # fmt: skip
