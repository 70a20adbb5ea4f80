# SPDX-License-Identifier: Apache-2.0
"""Ways of hosting in words and numbers of a language: ``lichen simulate``."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Final, NamedTuple

from lichen.portfolio.scenarios import HOURS, Spread
from lichen.portfolio.scenarios_choice import BreakEven, Verdict
from lichen.render.figures import plain
from lichen.render.i18n import catalogue
from lichen.render.numbers import Amount, Numbers
from lichen.render.pareto import Spot, axes, scatter, ticks
from lichen.render.sentences import reason_words
from lichen.service.simulate.result import BillLine, LimitMet, ManagedHours, Note, Simulation, Way
from lichen.service.simulate.scenario import TODAY

INDICATORS: Final = ("gwp100", "energy", "water", "adpe", "pe")
_BILLED: Final = "billed"
_SURE: Final = 0.9999
"""Draws of a model are never all that can be."""
_UNITS: Final = {"1e6": "10⁶", "1": "", "1/s": "/s", "GB.month": "GB", "GB.h": "GB·h", "GB.s": "GB·s"}


class Cell(NamedTuple):
    """A figure and its range; the range is empty where there is none."""

    text: str
    spread: str


class Row(NamedTuple):
    """A way: its number, its name with marks, and its figures in the order of the columns."""

    number: int
    name: str
    cells: tuple[Cell, ...]


class Detail(NamedTuple):
    """A way in full: what it is, its bill line by line, its move, its limits, and what to know of it."""

    name: str
    what: str
    lines: tuple[str, ...]
    facts: tuple[str, ...]
    limits: tuple[str, ...]
    notes: tuple[str, ...]


class SimulationText:
    """An answer in one language.

    Args:
        found: the answer.
        lang: ``en`` or ``fr``.
    """

    def __init__(self, found: Simulation, lang: str) -> None:
        self._found = found
        self._words = catalogue(lang)
        self._numbers = Numbers(lang)

    def heading(self) -> str:
        """Whose workload it is, and how many ways are weighed."""
        return self._words.count("simulate.heading", len(self._found.ways), name=plain(self._found.name))

    def facts(self) -> list[str]:
        """What is known of the workload."""
        found, say, numbers = self._found, self._words.say, self._numbers
        told = []
        if (mean := found.facts.get("requests_per_minute")) is not None:
            peak = found.facts["peak_requests_per_minute"]
            told.append(say("simulate.requests", mean=numbers.integer(round(mean)), peak=numbers.integer(round(peak))))
            amount = numbers.amount(found.facts["cpu_ms_per_request"] / 1000, "s", half_width=0.0).text
            told.append(say("simulate.cpu", amount=amount, how=say(f"simulate_cpu.{found.cpu_source}")))
        if found.users is not None:
            told.append(say("simulate.users", count=numbers.integer(round(found.users))))
        told.append(say("simulate.rate", amount=self.money(found.rate).full))
        return told

    def columns(self) -> tuple[str, ...]:
        """Headings of the table."""
        say = self._words.say
        return (
            say("simulate.way"), say("simulate.bill"), say("simulate.hours"), say("simulate.full"),
            *(self._words.word("indicator", name) for name in INDICATORS),
        )  # fmt: skip

    def rows(self) -> list[Row]:
        """The ways, the cheapest first."""
        return [self._row(number, way) for number, way in enumerate(self._found.ways, start=1)]

    def _row(self, number: int, way: Way) -> Row:
        amounts = [self.money(way.bill), self._hours(way.hours), self.money(way.full)]
        for name in INDICATORS:
            impact = way.impacts.get(name)
            amounts.append(
                self._numbers.amount(None, "1")
                if impact is None
                else self._numbers.amount(impact.value, impact.unit, low=impact.low, high=impact.high)
            )
        return Row(number, self.name(way, marked=True), tuple(Cell(one.text, one.spread) for one in amounts))

    def name(self, way: Way, *, marked: bool = False) -> str:
        """A way's name, with the mark of the front."""
        text = self._named(way.name)
        if not way.possible:
            return self._words.say("simulate.impossible", name=text)
        return self._words.say("simulate.mark", name=text) if marked and way.name in self._found.front else text

    def _named(self, name: str) -> str:
        return self._words.say("simulate.today") if name == TODAY else plain(name)

    def mark(self) -> str:
        """What the mark says; empty without a front."""
        return self._words.say("simulate.mark_is") if self._found.front else ""

    def verdicts(self) -> list[str]:
        """What may be said, most important first; limits that are passed or near come last."""
        told = [self._verdict(verdict) for verdict in self._found.verdicts]
        met = [(way, limit) for way in self._found.ways for limit in way.limits if limit.outcome != "kept"]
        return told + [
            self._words.say("simulate.bill_line", what=self.name(way), amount=self._limit(limit)) for way, limit in met
        ]

    def _verdict(self, verdict: Verdict) -> str:
        facts, numbers = verdict.facts, self._numbers
        names = [self._named(name) for name in verdict.names]
        told = {
            name: self._plain_money(facts[name])
            for name in ("saved", "low", "high", "bill", "dearer", "full", "amount")
            if name in facts
        }
        told["bill_more"] = self._plain_money(max(0.0, -facts.get("bill", 0.0)))
        told["hours"] = numbers.amount(facts.get("hours", 0.0), "h").text
        told["chance"] = numbers.whole_percent(min(_SURE, facts.get("chance", 0.0)))
        told["share"] = numbers.percent(facts.get("share", 0.0))
        code = verdict.code
        if code == "time_gained" and facts["bill"] >= 0:
            code = "time_gained_even"
        if "months" in facts:
            return self._months(f"simulate_verdict.{code}", facts["months"], first=names[0])
        first, second = (*names, "", "")[:2]
        return self._words.say(f"simulate_verdict.{code}", first=first, second=second, **told)

    def _months(self, key: str, months: float, **told: str) -> str:
        """A sentence about a time in whole months, rounded up."""
        return self._words.count(key, max(1, math.ceil(months)), **told)

    def break_evens(self, *, all_pairs: bool = True) -> list[str]:
        """Where paying by use costs the same as capacity that is there all the time.

        Args:
            all_pairs: every pair of ways; otherwise each way by use against the cheapest other one.
        """
        order = [way.name for way in self._found.ways]
        pairs = sorted(self._found.break_evens, key=lambda one: order.index(one.provisioned))
        first = {one.by_use: one for one in reversed(pairs)}
        return [self._even(one) for one in (pairs if all_pairs else first.values())]

    def _even(self, one: BreakEven) -> str:
        names = {"by_use": self._named(one.by_use), "provisioned": self._named(one.provisioned)}
        if one.outcome != "at" or one.share is None:
            return self._words.say(f"simulate_even.{one.outcome}", **names)
        if one.share > 1:
            return self._words.say("simulate_even.above", count=self._numbers.amount(one.share, "1").text, **names)
        share = self._numbers.percent(one.share)
        mean = self._found.facts.get("requests_per_minute")
        if mean is None:
            return self._words.say("simulate_even.at", share=share, **names)
        requests = self._numbers.integer(int(float(f"{mean * HOURS * 60 * one.share:.2g}")))
        return self._words.say("simulate_even.at_requests", share=share, requests=requests, **names)

    def managed(self) -> list[str]:
        """What managed ways have to spare to be worth their bill."""
        return [self._managed(one) for one in self._found.managed]

    def _managed(self, one: ManagedHours) -> str:
        names = {"managed": self._named(one.managed), "unmanaged": self._named(one.unmanaged)}
        if one.needed <= 0:
            return self._words.say("simulate.managed_cheaper", **names)
        needed = self._numbers.amount(one.needed, "h").text
        return self._words.say("simulate.managed_needs", needed=needed, spared=self._hours(one.spared).full, **names)

    def notes(self) -> list[str]:
        """What has to be known of the whole."""
        return [self._note(note) for note in self._found.notes]

    def _note(self, note: Note) -> str:
        shown = {
            "coverage": self._numbers.percent,
            "load": self._numbers.percent,
            "share": self._numbers.percent,
            "rate": self._numbers.raw,
        }
        facts = {
            name: shown[name](value) if name in shown and isinstance(value, float) else
            self._numbers.integer(round(value)) if isinstance(value, int | float) else plain(value)
            for name, value in note.facts.items()
        }  # fmt: skip
        if note.code == "prices_assumed":
            return self._words.count("simulate_note.prices_assumed", round(float(note.facts["count"])))
        return self._words.say(f"simulate_note.{note.code}", **facts)

    def made_with(self) -> str:
        """Method and factors."""
        told = self._found.method
        return self._words.say(
            "simulate.made_with", method=told["id"], version=told["version"], factors=told["factors_hash"][:12]
        )

    def hint(self) -> str:
        """How to see more."""
        return self._words.say("simulate.details_hint")

    def details(self) -> list[Detail]:
        """Each way in full."""
        return [self._detail(way) for way in self._found.ways]

    def _detail(self, way: Way) -> Detail:
        say = self._words.say
        is_billed = any(line.role == _BILLED for line in way.lines)
        what = [say(f"simulate_way.{_BILLED if is_billed else way.architecture}")]
        if way.region:
            what.append(way.region)
        if way.latency:
            what.append(say(f"simulate_near.{way.latency}"))
        if way.water_stress is not None:
            what.append(say("simulate.water_stress", level=way.water_stress))
        return Detail(
            name=self.name(way),
            what=", ".join(what),
            lines=tuple(self._line(line) for line in way.lines),
            facts=tuple(self._facts_of(way)),
            limits=tuple(self._limit(limit) for limit in way.limits),
            notes=tuple(self._note(note) for note in way.notes),
        )

    def _line(self, line: BillLine) -> str:
        what = self._words.say(f"simulate_role.{line.role}")
        if line.role == _BILLED:
            return self._words.say(
                "simulate.bill_line", what=plain(line.key) or what, amount=self.money(line.money).full
            )
        if line.count:
            what = self._words.say("simulate.count", what=what, count=self._numbers.raw(round(line.count, 1)))
        named = f"{what} {line.key.partition(':')[2]}" if line.role in ("instance", "database") else what
        quantity = self._counted(round(line.quantity, 2), line.unit)
        price = f"{self._numbers.raw(line.price)} {line.price_currency}"
        amount = f"{self.money(line.money).full}, {self._words.say('simulate.bill_of', quantity=quantity, price=price)}"
        return self._words.say("simulate.bill_line", what=named, amount=amount)

    def _facts_of(self, way: Way) -> Iterator[str]:
        say, numbers = self._words.say, self._numbers
        if way.machines:
            yield self._words.count("simulate.machines", round(way.machines))
        if way.vcpus and not way.today:
            yield say(
                "simulate.cpus",
                mean=numbers.raw(round(way.vcpus, 1)),
                peak=numbers.raw(round(way.vcpus_peak or way.vcpus, 1)),
            )
        if not way.today:
            yield say(
                "simulate.move", hours=self._hours(way.move_hours).full, money=self.money(way.move_cost).text,
                stop=self._hours(way.stop_hours).full,
            )  # fmt: skip
            if any(one.today for one in self._found.ways):
                months = way.repaid_months
                yield (say("simulate.not_repaid") if months is None else self._months("simulate.repaid", months))
        for one in way.not_covered:
            reason = reason_words(
                {"reason": one.reason, "code": one.code, "arguments": one.arguments, "quantity": one.quantity},
                self._words,
            )
            yield say("simulate.lacks", what=self._words.word("quantity", one.quantity), reason=reason)

    def _limit(self, limit: LimitMet) -> str:
        say = self._words.say
        needed, allowed = (self._counted(float(f"{value:.3g}"), limit.unit) for value in (limit.needed, limit.allowed))
        outcome = say(f"simulate_limit.{limit.outcome}")
        if limit.outcome == "passed":
            outcome = f"{outcome}, {say('simulate_limit.raised' if limit.raised else 'simulate_limit.fixed')}"
        what = say(f"simulate_limit.{limit.service}_{limit.limit}")
        return say("simulate.limit", outcome=outcome, product=limit.product, what=what, needed=needed, allowed=allowed)

    def _counted(self, value: float, unit: str) -> str:
        """A number in a unit of prices or limits, bytes as the language writes them."""
        told = _UNITS.get(unit, unit).replace("B", self._words.word("unit", "B"))
        return f"{self._numbers.raw(value)} {told}".rstrip()

    def chart(self) -> str:
        """Cost against climate as inline SVG; empty where less than two ways have both."""
        spots = self.spots()
        if len(spots) < 2:
            return ""
        x, y = axes(spots)
        say = self._words.say
        return scatter(
            spots, title=say("simulate.chart"),
            across=(say("simulate.chart_across"), [self._tick(value, self._found.currency) for value in ticks(x)]),
            up=(say("simulate.chart_up"), [self._tick(value, "gCO2e") for value in ticks(y)]),
        )  # fmt: skip

    def spots(self) -> list[Spot]:
        """Ways with a cost and a climate figure above 0."""
        return [
            Spot(
                number=number, name=self.name(way), across=_ends(way.full), up=_ends(way.carbon),
                on_front=way.name in self._found.front,
            )
            for number, way in enumerate(self._found.ways, start=1)
            if way.carbon is not None and way.full.low > 0 and way.carbon.low > 0
        ]  # fmt: skip

    def _tick(self, value: float, unit: str) -> str:
        return self._numbers.amount(value, unit, half_width=value / 2).text

    def money(self, spread: Spread) -> Amount:
        """Money with its range, to the digits that the range supports."""
        return self._numbers.amount(spread.value, self._found.currency, low=spread.low, high=spread.high)

    def _plain_money(self, value: float) -> str:
        return self._numbers.amount(value, self._found.currency).text

    def _hours(self, spread: Spread) -> Amount:
        return self._numbers.amount(spread.value, "h", low=spread.low, high=spread.high)

    def say(self, key: str) -> str:
        """A word of the catalogue, for those who lay the answer out."""
        return self._words.say(key)


def _ends(spread: Spread) -> tuple[float, float, float]:
    return spread.low, spread.value, spread.high
