# SPDX-License-Identifier: Apache-2.0
"""What a gate found, in words of a language: for the terminal, and for every file that continuous integration reads."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from lichen.render.figures import plain
from lichen.render.i18n import catalogue
from lichen.render.numbers import Amount, Numbers
from lichen.render.sentences import told
from lichen.render.verdict import VerdictText
from lichen.service.gating.outcome import REGRESSION, Acceptance, Check, GateResult
from lichen.stats.budgets import SESSIONS_MIN

MARKS: Final = {
    "pass": "✔", "fail": "✘", "accepted": "▲", "inconclusive": "?", "warn": "▲", "skipped": "–", "error": "✘",
}  # fmt: skip
"""A sign beside each word: colour and shape never stand alone."""
_ORDER: Final = ("fail", "error", "inconclusive", "warn", "accepted", "skipped", "pass")
_MINUS: Final = "\u2212"


def state(check: Check) -> str:
    """Outcome of a check, or ``accepted``."""
    return "accepted" if check.outcome == "fail" and check.accepted is not None else check.outcome


class GateText:
    """A gate in one language.

    Args:
        gate: of `lichen.service.gating.gate.gate`.
        lang: ``en`` or ``fr``.
    """

    def __init__(self, gate: GateResult, lang: str) -> None:
        self.gate = gate
        self.lang = lang
        self._words = catalogue(lang)
        self._numbers = Numbers(lang)
        self._gap: Final = "\u202f" if lang == "fr" else "\u00a0"

    def verdict(self) -> str:
        """The outcome as one word."""
        return self._words.say(f"gate.outcome.{self.gate.outcome}")

    def headline(self) -> str:
        """The outcome, and how many checks it comes from."""
        gate, words = self.gate, self._words
        if gate.outcome == "fail":
            said = [words.count("gate.broken", len(gate.breaches))]
        elif gate.outcome == "error":
            said = [words.count("gate.failed", len(self._failed()))]
        elif gate.outcome == "inconclusive":
            count = sum(check.outcome == "inconclusive" for check in gate.checks)
            said = [words.count("gate.not_told", count)]
        elif gate.checks:
            said = [words.count("gate.holds", sum(check.outcome == "pass" for check in gate.checks))]
        else:
            said = [words.say("gate.nothing")]
        if gate.accepted:
            said.append(words.count("gate.accepted", len(gate.accepted)))
        return words.say("gate.headline", outcome=self.verdict(), said=", ".join(said))

    def _failed(self) -> set[str]:
        return {*self.gate.failed, *(check.journey for check in self.gate.checks if check.outcome == "error")}

    def ordered(self) -> tuple[Check, ...]:
        """The checks, what matters most first; within that as they are declared."""
        return tuple(sorted(self.gate.checks, key=lambda check: _ORDER.index(state(check))))

    def headings(self) -> tuple[str, str, str, str]:
        """Of a table of checks: state, journey, bound, what was found."""
        state, place, code, found = (
            self._words.say(f"gate.column.{name}") for name in ("state", "place", "code", "found")
        )
        return state, place, code, found

    def causes(self) -> Iterator[tuple[str, Sequence[str]]]:
        """What moved in each journey of a comparison that did not pass: a heading, and its lines."""
        verdict = self.gate.verdict
        for journey in () if verdict is None else verdict.journeys:
            if verdict is not None and journey.causes and journey.outcome != "pass":
                heading = self._words.say("gate.causes", journey=plain(journey.journey))
                yield heading, VerdictText(verdict, self.lang).causes(journey)

    def state_word(self, check: Check) -> str:
        """A check's outcome as a word."""
        return self._words.say(f"gate.state.{state(check)}")

    def place(self, check: Check) -> str:
        """Journey, and step if there is one."""
        return plain(check.journey if check.step is None else f"{check.journey} › {check.step}")

    def what(self, check: Check) -> str:
        """Name of what is limited."""
        found = self._words.word("indicator", check.what)
        return self._words.word("quantity", check.what) if found == check.what else found

    def title(self, check: Check) -> str:
        """Code, place and bound: the same whatever was measured."""
        key = "gate.title.max" if check.rule == "max" else "gate.title.increase"
        return self._words.say(
            key, code=self.code(check), place=self.place(check), what=self.what(check), limit=self._limit(check)
        )

    def code(self, check: Check) -> str:
        """Code of the budget; a comparison's own in words."""
        return self._words.say("gate.regression") if check.code == REGRESSION else check.code

    def _limit(self, check: Check) -> str:
        """As somebody wrote it, whatever digits an interval would support."""
        if check.rule != "max":
            return self._percent(check.limit)
        rung = self._numbers.rung(check.limit, check.unit)
        name = self._numbers.unit(rung)
        return f"{self._numbers.raw(check.limit / rung.factor)}{f'{self._gap}{name}' if name else ''}"

    def _amount(self, value: float | None, check: Check, *, interval: bool = False) -> Amount:
        if check.exact and check.unit == "1" and value is not None and float(value).is_integer():
            return Amount(shown := self._numbers.integer(int(value)), text=shown)
        low, high = (check.low, check.high) if interval and not check.exact else (None, None)
        half = 0.0 if low is None else None
        return self._numbers.amount(value, check.unit, low=low, high=high, half_width=half)

    def _percent(self, share: float | None) -> str:
        if share is None:
            return self._numbers.unknown
        return f"{_MINUS}{self._numbers.percent(-share)}" if share < 0 else self._numbers.percent(share)

    def _change(self, share: float | None) -> str:
        text = self._percent(share)
        return f"+{text}" if share is not None and share > 0 else text

    def sentence(self, check: Check) -> str:
        """What was found, and why that is the outcome."""
        limit = self._limit(check)
        shown = self._amount(check.value, check, interval=check.rule == "max")
        value = shown.full
        if check.rule == "max" and check.reason == "above" and check.value is not None and shown.text == limit:
            value, limit = self._raw(check.value, check), self._raw(check.limit, check)
        change = self._change(check.change)
        if check.low is not None and check.high is not None and not check.exact and check.rule != "max":
            low, high = self._change(check.low), self._change(check.high)
            if low != high:
                change = f"{change} ({self._words.say('number.range', low=low, high=high)})"
        key = f"gate.max.{check.reason}" if check.rule == "max" else f"gate.increase.{check.reason}"
        return self._words.say(
            key if key in self._words else f"gate.any.{check.reason}",
            what=self.what(check), value=value, limit=limit, change=change, base=self._amount(check.base, check).text,
            count=check.counted if check.rule == "increase" and check.counted else check.samples, needed=SESSIONS_MIN,
        )  # fmt: skip

    def _raw(self, value: float, check: Check) -> str:
        unit = "" if check.unit == "1" else f"\u00a0{check.unit}"
        return f"{self._numbers.raw(value)}{unit}"

    def remark(self, check: Check) -> str:
        """Who accepts it until when, or that nobody does any more; why the budget exists; empty when nothing is to be said."""
        said = []
        if check.accepted is not None:
            said.append(self._acceptance("gate.accepted_until", check.accepted))
        if check.lapsed is not None:
            said.append(self._acceptance("gate.lapsed", check.lapsed))
        if check.stated and check.outcome in ("fail", "inconclusive"):
            said.append(plain(check.stated))
        return " · ".join(said)

    def _acceptance(self, key: str, accepted: Acceptance) -> str:
        return self._words.say(
            key, owner=plain(accepted.owner), until=accepted.until, reason=plain(accepted.reason).rstrip(".")
        )

    def notes(self) -> Sequence[str]:
        """Sentences about the whole, the journeys that failed first."""
        failed = [
            self._words.say("gate.note.failed", journey=plain(name), why=plain(why))
            for name, why in self.gate.failed.items()
        ]
        verdict = self.gate.verdict
        compared: list[str] = []
        if verdict is not None:
            compared += VerdictText(verdict, self.lang).advice()
            compared += (told(warning, self._words) for warning in verdict.warnings)
        return (
            *failed,
            *compared,
            *(self._words.say(f"gate.note.{note.key}", **note.values) for note in self.gate.notes),
        )
