# SPDX-License-Identifier: Apache-2.0
"""Advice in the words and numbers of a language."""

from __future__ import annotations

from typing import Final, NamedTuple

from lichen.render.figures import plain, shorten, step_name
from lichen.render.i18n import catalogue
from lichen.render.numbers import Numbers
from lichen.service.advice import Advice, JourneyAdvice
from lichen.service.advice.advise import SHOWN, Saving
from lichen.service.advice.evidence import short_url

_NAME_MOST: Final = 48
_BYTES: Final = frozenset({"bytes"})
_SECONDS: Final = frozenset({"seconds", "each_s", "usual_s", "pause_s"})
_UNITS: Final = {"network_bytes": "B", "cpu_time": "s"}
_SHARES: Final = frozenset({"unused"})


class AdviceLine(NamedTuple):
    """One piece of advice.

    Attributes:
        title: what to do. reason: what was measured. savings: what it would save, each with its range.
        marks: effort and criteria. share: of the journey's climate figure; empty when unknown.
    """

    title: str
    reason: str
    savings: tuple[str, ...]
    marks: str
    share: str


class AdviceText:
    """Advice of one journey in one language.

    Args:
        found: what was found.
        lang: ``en`` or ``fr``.
    """

    def __init__(self, found: JourneyAdvice, lang: str) -> None:
        self._found = found
        self._words = catalogue(lang)
        self._numbers = Numbers(lang)

    def heading(self) -> str:
        """How much there is to change."""
        if not self._found.advice:
            return self._words.say("advice.none", journey=plain(self._found.journey))
        return self._words.count("advice.found", len(self._found.advice), journey=plain(self._found.journey))

    def unsurveyed(self) -> str:
        """That the pages were not looked into; empty when they were."""
        return "" if self._found.surveyed else self._words.say("advice.unsurveyed")

    def overlap(self) -> str:
        """What savings are of, and that they overlap."""
        return self._words.say("advice.overlap", unit=self._words.word("functional_unit", self._found.functional_unit))

    def criteria(self) -> str:
        """Which criteria were checked, and which are not met; empty when none was."""
        found = self._found.criteria()
        met = ", ".join(name for name, holds in found.items() if holds)
        return self._words.say("advice.criteria", met=met) if met else ""

    def lines(self) -> list[AdviceLine]:
        """What saves most first."""
        return [self.line(one) for one in self._found.advice]

    def saves(self, line: AdviceLine) -> str:
        """What a line would save, in one sentence part."""
        said = ", ".join(line.savings)
        return self._words.say("advice.saves_share" if line.share else "advice.saves", savings=said, share=line.share)

    def more(self, count: int) -> str:
        """That there is more."""
        return self._words.count("advice.more", count)

    def line(self, one: Advice) -> AdviceLine:
        """One piece of advice."""
        rule = one.rule.rule_id
        main = one.savings.get(SHOWN[0])
        return AdviceLine(
            title=self._words.say(f"advice_do.{rule}"),
            reason=self._reason(one),
            savings=tuple(self._savings(one)),
            marks=self._marks(one),
            share="" if main is None or main.share is None else self._numbers.percent(main.share),
        )

    def _reason(self, one: Advice) -> str:
        found, say = one.finding, self._words.say
        what = shorten(plain(short_url(found.subjects[0])), _NAME_MOST) if found.subjects else ""
        if len(found.subjects) > 1:
            what = self._words.count("advice.and_more", len(found.subjects) - 1, first=what)
        facts = {name: self._fact(name, value) for name, value in found.facts.items()}
        sentence = say(f"advice_why.{one.rule.rule_id}", what=what, **facts)
        if not found.step:
            return sentence
        return say("advice.in_step", step=step_name(plain(found.step), self._words), sentence=sentence)

    def _fact(self, name: str, value: float | str) -> str:
        if isinstance(value, str):
            return self._words.word("advice_kind", value)
        if name in _BYTES:
            return self._numbers.amount(float(value), "B").text
        if name in _SECONDS:
            return self._numbers.amount(float(value), "s").text
        if name in _SHARES:
            return self._numbers.percent(float(value))
        return self._numbers.integer(value) if isinstance(value, int) else self._numbers.raw(round(value, 1))

    def _savings(self, one: Advice) -> list[str]:
        own = [Saving(value=s.value, low=s.low, high=s.high, unit=_UNITS[s.quantity]) for s in one.finding.saved]
        savings = own + [one.savings[name] for name in SHOWN if name in one.savings]
        said = [self._saving(saving) for saving in savings]
        if any(saving.value is None for saving in savings):
            said[0] = self._words.say("advice.at_most", amount=said[0])
        return said

    def _saving(self, saving: Saving) -> str:
        """An amount with its range; the upper bound where bounds alone are known."""
        if saving.value is None:
            return self._numbers.amount(saving.high, saving.unit).text
        return self._numbers.amount(saving.value, saving.unit, low=saving.low, high=saving.high).full

    def _marks(self, one: Advice) -> str:
        return " · ".join([self._words.say(f"advice_effort.{one.rule.effort}"), *one.rule.criteria])
