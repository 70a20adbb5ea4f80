# SPDX-License-Identifier: Apache-2.0
"""Advice on bills in the words and numbers of a language: ``lichen advise --bill``."""

from __future__ import annotations

import calendar
from typing import Final, NamedTuple

from lichen.portfolio.scenarios import Spread
from lichen.render.figures import plain
from lichen.render.i18n import catalogue
from lichen.render.numbers import Amount, Numbers
from lichen.render.pareto import Spot, axes, scatter, ticks
from lichen.service.bills.advice.advising import BillAdvice, Piece
from lichen.service.bills.advice.asking import EVERYTHING
from lichen.service.bills.advice.weighing import CARBON, Saving

SHOWN: Final = ("gwp100", "energy", "water")
_PERCENT: Final = frozenset({"load", "steady", "even", "uneven"})
_SCALES: Final = {
    "stored_gb": (1e9, "B"), "earlier_gb": (1e9, "B"), "scanned_tb": (1e12, "B"), "even_tb": (1e12, "B"), "bytes": (1.0, "B"),
    "hours": (1.0, "h"), "open_h": (1.0, "h"), "week_h": (1.0, "h"),
}  # fmt: skip
"""Facts that are amounts: how many of the unit one is, and the unit."""
_FRONT: Final = " ◆"
_SOURCES: Final = 3
"""Bills that a sentence names."""
_DRAWN: Final = 2
"""Pieces of advice that a chart needs: one stands beside nothing."""


class PieceLine(NamedTuple):
    """A piece of advice.

    Attributes:
        number: place in the list. title: what to do. where: what is meant. reason: what the bill or a meter says.
        money, net: saved in a month, of the bill and with the work counted. impacts: by indicator of `SHOWN`.
        marks: work, risk, how sure it is. notes: what has to be known. source: title and address.
    """

    number: int
    title: str
    where: str
    reason: str
    money: str
    net: str
    impacts: tuple[str, ...]
    marks: str
    notes: tuple[str, ...]
    source: tuple[str, str]


class BillAdviceText:
    """Advice on a month of bills in one language.

    Args:
        found: the advice.
        lang: ``en`` or ``fr``.
    """

    def __init__(self, found: BillAdvice, lang: str) -> None:
        self._found = found
        self._words = catalogue(lang)
        self._numbers = Numbers(lang)

    def heading(self) -> str:
        """Whose bill it is, and how much there is to change."""
        found, say = self._found, self._words.say
        name = say("bill_advice.everything") if found.application == EVERYTHING else plain(found.application)
        month = f"{found.month:%Y-%m}"
        if not found.pieces:
            return say("bill_advice.none", name=name, month=month)
        return self._words.count("bill_advice.found", len(found.pieces), name=name, month=month)

    def facts(self) -> list[str]:
        """What the month costs and causes, and how much of that can be spared."""
        found, say = self._found, self._words.say
        told = [say("bill_advice.cost", amount=self._money(found.cost).full)]
        if found.carbon is not None:
            told.append(self._saving(found.carbon))
        if any(piece.adds_up for piece in found.pieces):
            told.append(say("bill_advice.together", amount=self._money(found.together).full))
            if found.together_carbon is not None:
                told[-1] += f", {self._saving(found.together_carbon)}"
        return told

    def lines(self) -> list[PieceLine]:
        """What saves most of the full cost first."""
        return [self._line(number, piece) for number, piece in enumerate(self._found.pieces, start=1)]

    def saves(self, line: PieceLine) -> str:
        """What a line saves, in one sentence."""
        amounts = [amount for amount in (line.money, *line.impacts) if amount]
        return self._words.say("bill_advice.saves", savings=", ".join(amounts), net=line.net)

    def told(self, line: PieceLine) -> str:
        """Where it is, and what the bill or a meter says."""
        return self._words.say("bill_advice.told", where=line.where, reason=line.reason)

    def mark(self) -> str:
        """What the mark says; empty without a front."""
        return self.say("bill_advice.mark") if any(piece.on_front for piece in self._found.pieces) else ""

    def columns(self) -> tuple[str, ...]:
        """Headings of the table."""
        say = self._words.say
        return (
            say("bill_advice.do"), say("bill_advice.where"), say("bill_advice.money"), say("bill_advice.net"),
            *(self._words.word("indicator", name) for name in SHOWN), say("bill_advice.terms"),
        )  # fmt: skip

    def more(self, count: int) -> str:
        """That there is more."""
        return self._words.count("advice.more", count)

    def notes(self) -> list[str]:
        """What has to be known of the whole."""
        found, words = self._found, self._words
        told = [] if found.days_told is None else [self._days_told(found.days_told)]
        told += [words.say("bill_advice.overlap"), words.say("bill_advice.ranked", rate=self._money(found.rate).full)]
        if found.loads is not None and found.loads < 1:
            told.append(words.say("bill_advice.unmeasured", share=self._numbers.whole_percent(1 - found.loads)))
        if found.volumes:
            told.append(words.count("bill_advice.volumes", found.volumes))
        if found.untold:
            told.append(words.count("bill_advice.untold", found.untold))
        if found.pieces and len(self.spots()) < _DRAWN:
            told.append(words.say("bill_advice.undrawn"))
        return told

    def _days_told(self, least: int) -> str:
        """That bills do not tell the whole month; which of them, where others tell more.

        Args:
            least: days that the bill tells that tells least.
        """
        days, words = self._found.days_by_source, self._words
        if max(days.values(), default=least) == least:
            return words.count("bill_advice.days_told", least)
        whole = calendar.monthrange(self._found.month.year, self._found.month.month)[1]
        lacking = sorted((count, source) for source, count in days.items() if count < whole)
        named = ", ".join(f"{plain(source)} ({count}/{whole})" for count, source in lacking[:_SOURCES])
        if len(lacking) > _SOURCES:
            named = f"{named}, +{len(lacking) - _SOURCES}"
        return words.count("bill_advice.days_told_by", len(lacking), sources=named)

    def made_with(self) -> str:
        """The method, its version and its factors."""
        method = self._found.method
        return self._words.say(
            "simulate.made_with", method=method["id"], version=method["version"], factors=method["factors_hash"][:12]
        )

    def chart(self) -> str:
        """Money against climate that advice saves, as inline SVG; empty where less than two pieces save both for sure."""
        spots = self.spots()
        if len(spots) < _DRAWN:
            return ""
        x, y = axes(spots)
        say = self._words.say
        return scatter(
            spots, title=say("bill_advice.chart"),
            across=(say("bill_advice.money"), [self._tick(value, self._found.currency) for value in ticks(x)]),
            up=(say("bill_advice.up"), [self._tick(value, "gCO2e") for value in ticks(y)]),
        )  # fmt: skip

    def spots(self) -> list[Spot]:
        """Pieces that save money and climate, whatever the model's factors are."""
        found = []
        for number, piece in enumerate(self._found.pieces, start=1):
            carbon = (piece.impacts or {}).get(CARBON)
            if carbon is None or carbon.value is None or carbon.low <= 0 or piece.money is None or piece.money.low <= 0:
                continue
            money = piece.money
            found.append(
                Spot(
                    number=number, name=self._title(piece), across=(money.low, money.value, money.high),
                    up=(carbon.low, carbon.value, carbon.high), on_front=piece.on_front,
                )
            )  # fmt: skip
        return found

    def say(self, key: str) -> str:
        """A word of the catalogue, for those who lay the advice out."""
        return self._words.say(key)

    def _line(self, number: int, piece: Piece) -> PieceLine:
        unknown = self._words.say("bill_advice.unknown")
        return PieceLine(
            number=number,
            title=self._title(piece) + (_FRONT if piece.on_front else ""),
            where=self._where(piece),
            reason=self._reason(piece),
            money=unknown if piece.money is None else self._at_most(piece, self._money(piece.money), piece.money.high),
            net=unknown if piece.net is None else self._at_most(piece, self._money(piece.net), piece.net.high),
            impacts=self._impacts(piece),
            marks=self._marks(piece),
            notes=tuple(self._notes(piece)),
            source=(piece.rule.source, piece.rule.url),
        )

    def _title(self, piece: Piece) -> str:
        return self._words.say(f"bill_advice_do.{piece.rule.rule_id}")

    def _where(self, piece: Piece) -> str:
        where = piece.finding.where
        account = self._words.say("bill_advice.account", account=plain(where.account)) if where.account else ""
        nobody = self._words.say("bill_advice.nobody")
        parts = (
            plain(where.application) or nobody,
            plain(where.resource) or plain(where.service),
            where.region,
            account,
        )
        return " · ".join(part for part in parts if part)

    def _reason(self, piece: Piece) -> str:
        facts = {name: self._fact(name, value) for name, value in piece.finding.facts.items()}
        return self._words.say(f"bill_advice_why.{piece.rule.rule_id}", **facts)

    def _fact(self, name: str, value: float | str) -> str:
        if isinstance(value, str):
            return plain(value)
        if name in _PERCENT:
            return self._numbers.percent(value)
        if name in _SCALES:
            scale, unit = _SCALES[name]
            return self._numbers.amount(value * scale, unit, half_width=value * scale / 200).text
        return self._numbers.raw(round(value, 2))

    def _impacts(self, piece: Piece) -> tuple[str, ...]:
        """Amounts by indicator; empty texts where a figure is not known, and one text where nothing physical changes."""
        if piece.impacts is None:
            return (self._words.say("bill_advice.nil"), "", "")
        return tuple(self._saving(piece.impacts[name]) if name in piece.impacts else "" for name in SHOWN)

    def _marks(self, piece: Piece) -> str:
        say, rule = self._words.say, piece.rule
        parts = [
            say("bill_advice.hours", amount=self._hours(rule.hours).full),
            say(f"bill_advice_risk.{rule.risk}"),
            say(f"bill_advice_sure.{piece.finding.confidence}"),
        ]
        if piece.finding.latency:
            parts.append(say(f"bill_advice_latency.{piece.finding.latency}"))
        if piece.adds_up:
            parts.append(say("bill_advice.best"))
        return " · ".join(parts)

    def _notes(self, piece: Piece) -> list[str]:
        say, found = self._words.say, piece.finding
        told = []
        if {"stress", "new_stress"} <= set(found.facts):
            stress, new = (self._numbers.integer(int(float(found.facts[name]))) for name in ("stress", "new_stress"))
            told.append(say("bill_advice.stress", stress=stress, new=new))
        if found.contract:
            told.append(say("bill_advice.contract"))
        if found.run_hours.value:
            told.append(say("bill_advice.run", amount=self._hours(found.run_hours).full))
        if found.confidence == "suspected":
            told.append(say(f"bill_advice_proof.{piece.rule.rule_id}"))
        return told

    def _at_most(self, piece: Piece, amount: Amount, high: float) -> str:
        if piece.sure_amount:
            return amount.full
        return self._words.say("advice.at_most", amount=self._numbers.amount(high, self._found.currency).text)

    def _saving(self, saving: Saving) -> str:
        if saving.value is None:
            return self._words.say("advice.at_most", amount=self._numbers.amount(saving.high, saving.unit).text)
        return self._numbers.amount(saving.value, saving.unit, low=saving.low, high=saving.high).full

    def _tick(self, value: float, unit: str) -> str:
        return self._numbers.amount(value, unit, half_width=value / 2).text

    def _money(self, spread: Spread) -> Amount:
        return self._numbers.amount(spread.value, self._found.currency, low=spread.low, high=spread.high)

    def _hours(self, spread: Spread) -> Amount:
        return self._numbers.amount(spread.value, "h", low=spread.low, high=spread.high)
