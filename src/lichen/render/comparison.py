# SPDX-License-Identifier: Apache-2.0
"""Methods side by side, in words: rows of a table, and a sentence for each computed difference."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from lichen.collect.entities import parse_entity
from lichen.render.figures import plain
from lichen.render.i18n import Catalogue
from lichen.render.numbers import Amount, Numbers, Rung, last_place
from lichen.service.comparison import Comparison
from lichen.service.differences import Difference, MethodFigure

_EXACT: Final = 1e-9
"""Relative width below which a range is none: all factors of the method are fixed."""
_TINY: Final = 0.01
"""Ratio below which its inverse is told, and share of a unit below which a figure gets another one."""
_WORLD: Final = "WORLD"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A method's line: its name and title, its figure, and the ratio to the first method (empty for that one).

    Attributes:
        spread: the model range, or the words for none.
        grades: letter of each step that is a page, with the step's name.
        has_range: whether the method gives one.
    """

    method: str
    title: str
    amount: Amount
    spread: str
    ratio: str
    grades: tuple[tuple[str, str], ...]
    has_range: bool
    figure: MethodFigure


class ComparisonWords:
    """One comparison in one language."""

    def __init__(self, comparison: Comparison, words: Catalogue, numbers: Numbers) -> None:
        self.comparison: Final = comparison
        self._words: Final = words
        self._numbers: Final = numbers
        self._figures: Final = {row.method: row for row in comparison.figures}

    def rows(self) -> list[Row]:
        """Every method, all figures in the unit that suits the first one's, but for those that are far too small for it."""
        figures = self.comparison.figures
        known = next((row.value for row in figures if row.value), None)
        rung = self._numbers.rung(known, self.comparison.unit)
        return [self._row(row, rung) for row in figures]

    def _row(self, figure: MethodFigure, rung: Rung) -> Row:
        wide = _has_range(figure)
        amount = self._numbers.amount(
            figure.value,
            self.comparison.unit,
            low=figure.low if wide else None,
            high=figure.high if wide else None,
            rung=None if figure.value and figure.value < _TINY * rung.factor else rung,
        )
        no_range = self._words.say("compare.no_range") if figure.value is not None else ""
        return Row(
            method=plain(figure.method),
            title=plain(figure.title.get(self._words.lang) or figure.title.get("en", "")),
            amount=amount,
            spread=amount.spread or no_range,
            ratio="" if figure is self.comparison.figures[0] else self._times(figure.ratio),
            grades=_grades(figure),
            has_range=wide,
            figure=figure,
        )

    def line(self) -> str:
        """The other methods in one line: ``swdm-4 25 mgCO₂e × 0.19; ...``; empty where none gives a figure."""
        pieces = [
            self._words.say("compare.line", method=row.method, value=row.amount.text, times=row.ratio).rstrip()
            for row in self.rows()[1:]
            if row.figure.value is not None
        ]
        return self._words.say("compare.mark").join(pieces)

    def reasons(self) -> list[tuple[str, list[str]]]:
        """For each other method a heading, and why its figure is not the first one's; only methods with something to say."""
        found = []
        for row in self.rows()[1:]:
            if row.figure.value is None:
                said = [self._words.say("compare.none", method=row.method)]
            else:
                said = [self.sentence(d) for d in self.comparison.differences if d.method == row.figure.method]
                if row.grades:
                    letters = ", ".join(f"{plain(step)} {letter}" for step, letter in row.grades)
                    said.append(self._words.say("compare.grades", letters=letters))
            if said:
                found.append((self._heading(row), said))
        return found

    def _heading(self, row: Row) -> str:
        """What the sentences below explain; the method's name where no ratio is known."""
        ratio, first = row.figure.ratio, plain(self.comparison.figures[0].method)
        told = {"method": row.method, "value": row.amount.text, "first": first}
        if not ratio:
            return row.method
        if ratio < _TINY:
            return self._words.say("compare.why_less", **told, ratio=self._digits(1 / ratio))
        return self._words.say("compare.why", **told, ratio=self._digits(ratio))

    def sentence(self, difference: Difference) -> str:
        """A difference in words; every number is computed from its values."""
        told = {"method": plain(difference.method), "first": plain(difference.first)}
        tellers = {
            "scope_first": self._scope, "scope_other": self._scope, "tiers": self._tiers, "phases": self._phases,
            "energy": self._energy, "per_kwh": self._per_kwh, "no_energy": self._no_energy, "gap_first": self._gap,
            "gap_other": self._gap,
        }  # fmt: skip
        return self._words.say(f"difference.{difference.code}", **told, **tellers[difference.code](difference.values))

    def _scope(self, values: Mapping[str, Any]) -> dict[str, str]:
        return {
            "pieces": self._pieces(values["quantities"]),
            "share": self._numbers.whole_percent(values["share"]),
        }

    def _pieces(self, shares: Mapping[str, float]) -> str:
        """``screen time 92%, CPU time 5%``."""
        return ", ".join(
            self._words.say("compare.piece", quantity=self._quantity(name), share=self._numbers.whole_percent(share))
            for name, share in shares.items()
        )

    def _quantity(self, name: str) -> str:
        return self._words.word("follows", plain(name))

    def _tiers(self, values: Mapping[str, Any]) -> dict[str, str]:
        return {"first_tiers": self._tier_words(values["first"]), "tiers": self._tier_words(values["other"])}

    def _tier_words(self, shares: Mapping[str, float]) -> str:
        return ", ".join(
            self._words.say(
                "compare.tier_piece",
                tier=self._words.word("tier", name),
                share=self._numbers.whole_percent(share),
            )
            for name, share in shares.items()
        )

    def _phases(self, values: Mapping[str, Any]) -> dict[str, str]:
        first, other = values["first"], values["other"]
        return {
            "first_embodied": self._value(first["embodied"]), "embodied": self._value(other["embodied"]),
            "first_use": self._value(first["use"]), "use": self._value(other["use"]),
        }  # fmt: skip

    def _value(self, value: float) -> str:
        """A figure of the comparison's unit; nothing is said to be nothing."""
        return self._numbers.amount(value, self.comparison.unit).text if value else self._words.say("compare.nothing")

    def _energy(self, values: Mapping[str, Any]) -> dict[str, str]:
        first, other = (self._numbers.amount(values[key], "kWh").text for key in ("first", "other"))
        return {"first_energy": first, "energy": other, "times": self._times(values["ratio"])}

    def _per_kwh(self, values: Mapping[str, Any]) -> dict[str, str]:
        unit = self.comparison.unit
        first, other = (self._numbers.amount(values[key], unit, half_width=0.0).text for key in ("first", "other"))
        return {
            "first_price": first, "price": other, "times": self._times(values["ratio"]),
            "first_places": self._places(values["first_electricity"]), "places": self._places(values["other_electricity"]),
        }  # fmt: skip

    def _places(self, rows: Sequence[Mapping[str, Any]]) -> str:
        return ", ".join(
            self._words.say("compare.place", place=self._place(str(row["place"])), year=row["year"]) for row in rows
        )

    def _place(self, code: str) -> str:
        if code == _WORLD:
            return self._words.say("compare.world")
        return str(self._words.locale.territories.get(code, plain(code)))

    def _no_energy(self, values: Mapping[str, Any]) -> dict[str, str]:
        return {"methods": ", ".join(map(plain, values["methods"]))}

    def _gap(self, values: Mapping[str, Any]) -> dict[str, str]:
        return {"pieces": self._pieces(values["quantities"])}

    def _times(self, ratio: float | None) -> str:
        if ratio is None:
            return ""
        if 0 < ratio < _TINY:
            return self._words.say("compare.times_less", ratio=self._digits(1 / ratio))
        return self._words.say("compare.times", ratio=self._digits(ratio))

    def _digits(self, ratio: float) -> str:
        return self._numbers.digits(ratio, last_place(ratio, None) if ratio else 0)


def _grades(figure: MethodFigure) -> tuple[tuple[str, str], ...]:
    """Letters by step; the time between steps is no page."""
    named = ((parse_entity(entity), letter) for entity, letter in figure.grades.items())
    return tuple((entity.step, letter) for entity, letter in named if entity is not None and entity.step)


def _has_range(figure: MethodFigure) -> bool:
    if figure.value is None or figure.low is None or figure.high is None:
        return False
    return figure.high - figure.low > _EXACT * abs(figure.value)
