# SPDX-License-Identifier: Apache-2.0
"""A verdict in words and numbers of a language: ``lichen compare`` on a terminal, and lines for whoever tells it elsewhere."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from lichen.render.figures import plain, shorten
from lichen.render.i18n import catalogue
from lichen.render.numbers import Numbers, Rung
from lichen.render.sentences import told
from lichen.service.verdict import Cause, Effect, JourneyVerdict, Outcome, Verdict
from lichen.stats.paired import LOOKS

SHOWN: Final = ("energy", "cpu_time", "network_bytes", "requests", "layouts")
"""Shown beside what decides, where it was measured."""
CAUSES_SHOWN: Final = 5
STYLES: Final[dict[Outcome, str]] = {
    "pass": "green", "fail": "bold red", "inconclusive": "yellow", "error": "bold red",
}  # fmt: skip
_MUCH: Final = 10.0
"""Relative change from which on a factor says more than a percentage."""

_HARDLY: Final = 0.0005
"""Relative change that a tenth of a percent rounds to nothing."""

Row = tuple[Outcome | None, Sequence[str]]
"""Outcome of what decides, and the cells of its row."""


class VerdictText:
    """A verdict in one language.

    Args:
        verdict: of `lichen.service.comparing.compare`.
        lang: ``en`` or ``fr``.
    """

    def __init__(self, verdict: Verdict, lang: str) -> None:
        self._verdict = verdict
        self._words = catalogue(lang)
        self._numbers = Numbers(lang)

    def headline(self) -> str:
        """The outcome of the whole, with what it is about."""
        verdict = self._verdict
        return self._words.say(
            "verdict.headline",
            outcome=self.outcome(verdict.outcome),
            base=plain(verdict.base.text),
            head=plain(verdict.head.text),
        )

    def outcome(self, outcome: Outcome) -> str:
        """An outcome as a symbol and a word."""
        return self._words.say(f"verdict.outcome.{outcome}")

    def journey(self, journey: JourneyVerdict) -> str:
        """A journey with its outcome and why."""
        return self._words.say(
            "verdict.journey",
            journey=plain(journey.journey),
            outcome=self.outcome(journey.outcome),
            reason=self.reason(journey),
        )

    def reason(self, journey: JourneyVerdict) -> str:
        """Why a journey has its outcome."""
        say, delta = self._words.say, self._numbers.percent(self._verdict.delta)
        is_live = self._verdict.head.kind != "run"
        if journey.primary is None or (is_live and journey.primary.pairs < LOOKS[0]):
            return told(journey.reason, self._words)
        gated = [effect for name in journey.gated if (effect := journey.effect(name)) is not None]
        if journey.outcome == "pass":
            return say("verdict.held", delta=delta)
        if journey.outcome == "fail":
            return ", ".join(self._rise(effect) for effect in gated if effect.outcome == "fail")
        left = [effect for effect in gated if effect.outcome == "inconclusive"]
        said = [say(f"verdict.fault.{effect.fault}", name=self.name(effect.name)) for effect in left if effect.fault]
        names = [self.name(effect.name) for effect in left if not effect.fault]
        if names:
            said.append(say("verdict.not_known", names=", ".join(names), delta=delta))
        return self._words.say("compare.mark").join(said)

    def name(self, name: str) -> str:
        """A quantity or an indicator by its name in the language."""
        word = self._words.word("quantity", name)
        return self._words.word("indicator", name) if word == name else word

    def _rise(self, effect: Effect) -> str:
        key = "verdict.from_nothing" if effect.change is None else "verdict.rose"
        return self._words.say(key, name=self.name(effect.name), change=self.change(effect))

    def change(self, effect: Effect) -> str:
        """A relative change with its sign; a factor where it is many times as much."""
        change = effect.change
        if change is None:
            return self._numbers.unknown
        return self._relative(change) if change else "="

    def _relative(self, share: float) -> str:
        if abs(share) < _HARDLY:
            return self._words.say("verdict.hardly")
        if share >= _MUCH:
            return self._words.say("verdict.times", factor=self._numbers.integer(round(share + 1)))
        return f"{'+' if share > 0 else '−'}{self._numbers.percent(abs(share))}"

    def interval(self, effect: Effect) -> str:
        """The interval of a change; that it is exact where it has none."""
        if effect.fault:
            return ""
        if effect.exact:
            return self._words.say("verdict.exact")
        if effect.low is None:
            return ""
        low = self._relative(effect.low)
        high = self._words.say("verdict.any") if effect.high is None else self._relative(effect.high)
        return low if low == high else self._words.say("number.range", low=low, high=high)

    def columns(self) -> list[str]:
        """Headings of `rows`."""
        return ["", *(self._words.say(f"verdict.column.{name}") for name in ("base", "head", "change", "interval"))]

    def rows(self, journey: JourneyVerdict) -> Iterator[Row]:
        """A row for what decides, then for what is only shown."""
        names = dict.fromkeys((*journey.gated, *SHOWN))
        for name in names:
            effect = journey.effect(name)
            if effect is None:
                continue
            decides = name in journey.gated
            mark = self._words.say(f"verdict.mark.{effect.outcome if decides else 'shown'}")
            rung = self._numbers.rung(max(effect.base or 0.0, effect.head or 0.0), effect.unit)
            cells = (
                f"{mark} {self.name(name)}",
                self._amount(effect.base, effect, rung),
                self._amount(effect.head, effect, rung),
                self.change(effect),
                self.interval(effect),
            )
            yield effect.outcome if decides else None, cells

    def _amount(self, value: float | None, effect: Effect, rung: Rung) -> str:
        """One side's value; a count is whole, and what never varies has all its digits."""
        if value is not None and effect.unit == "1" and value.is_integer():
            return self._numbers.integer(int(value))
        return self._numbers.amount(value, effect.unit, rung=rung, half_width=0.0 if effect.exact else None).text

    @property
    def origin(self) -> str:
        """What stands before the causes."""
        return self._words.say("verdict.from")

    def causes(self, journey: JourneyVerdict) -> list[str]:
        """What differs, the largest explanation first."""
        return [self.cause(cause) for cause in journey.causes[:CAUSES_SHOWN]]

    def cause(self, cause: Cause) -> str:
        """One cause."""
        say = self._words.say
        amount = self._bytes(cause.bytes_delta)
        what = shorten(plain(cause.name), 60)
        if cause.kind == "counter":
            return say("verdict.layouts", count=f"{cause.requests_delta or 0:+d}")
        if cause.kind in ("part", "step"):
            seconds = cause.cpu_s_delta or 0.0
            time = f"{'+' if seconds > 0 else '−'}{self._numbers.amount(abs(seconds), 's').text}"
            return say(f"verdict.cpu_of_{cause.kind}", time=time, name=what)
        if cause.host and cause.name != cause.host:
            what = say("verdict.on_host", name=what, host=plain(cause.host))
        count = abs(cause.requests_delta or 0)
        if cause.change in ("new", "gone") and cause.url and count == 1:
            said = say(f"verdict.is_{cause.change}", name=what)
        elif cause.change in ("heavier", "lighter"):
            was = plain(cause.instead_of)
            said = say("verdict.instead", name=what, was=was) if was and was != cause.name else what
        else:
            said = self._words.count(f"verdict.requests_{cause.change}", count, name=what)
        line = say("verdict.amount", amount=amount, said=said) if amount else said
        return say("verdict.in_step", said=line, step=plain(cause.step)) if cause.step else line

    def _named(self, warning: str) -> str:
        """A warning in the language, the quantities in it by their names."""
        said = told(warning, self._words)
        for one in self._verdict.journeys:
            names = ", ".join(one.varying)
            if names and warning.startswith(f"{one.journey}: ") and warning.endswith(f"({names})"):
                return said.replace(names, ", ".join(map(self.name, one.varying)), 1)
        return said

    def _bytes(self, delta: int | None) -> str:
        if not delta:
            return ""
        return f"{'+' if delta > 0 else '−'}{self._numbers.amount(abs(delta), 'B', half_width=0.0).text}"

    def advice(self) -> Iterator[str]:
        """How to get an answer where there is none."""
        open_ones = [one for one in self._verdict.journeys if one.outcome == "inconclusive" and one.primary is not None]
        visible = [
            effect.smallest_visible
            for one in open_ones
            for name in one.gated
            if (effect := one.effect(name)) is not None and effect.smallest_visible is not None
            and effect.outcome == "inconclusive"
        ]  # fmt: skip
        if visible:
            yield self._words.say("verdict.visible", change=self._numbers.percent(max(visible)))

    def remarks(self) -> Iterator[str]:
        """How it was compared, and how far it can be trusted."""
        verdict = self._verdict
        pairs = max((one.primary.pairs for one in verdict.journeys if one.primary is not None), default=0)
        method = f"{verdict.method['id']} {verdict.method['version']}"
        if verdict.head.kind == "run":
            yield self._words.count("verdict.recorded", pairs, method=method)
        else:
            time = self._numbers.amount(round(verdict.elapsed_s), "s").text
            yield self._words.count("verdict.how", pairs, time=time, method=method)
        for warning in verdict.warnings:
            yield self._words.say("verdict.warning", warning=self._named(warning))
        files = [*verdict.base.runs, *verdict.head.runs]
        if files:
            yield self._words.say("verdict.runs", files=", ".join(files))
