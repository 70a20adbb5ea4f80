# SPDX-License-Identifier: Apache-2.0
"""Applies the rules to a month of bills, weighs what each finding saves, and ranks by full cost: bill and people's work."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Final

from lichen.portfolio.scenarios import Spread
from lichen.portfolio.sources import SourceKind
from lichen.service.bills.advice import rules_newer, rules_paying, rules_place, rules_waste
from lichen.service.bills.advice.asking import EVERYTHING, Question, hourly_of, market_of, month_of
from lichen.service.bills.advice.evidence import MonthEvidence, read_month
from lichen.service.bills.advice.finding import ALL_OF_IT, AT_MOST, Finding, Rule, Where
from lichen.service.bills.advice.weighing import CARBON, INDICATORS, Difference, Saving, Scale
from lichen.service.board.gathering import sources_of
from lichen.service.context import ServiceContext, open_context
from lichen.service.workspace import Workspace

RULES: Final[tuple[Rule, ...]] = (*rules_waste.RULES, *rules_newer.RULES, *rules_place.RULES, *rules_paying.RULES)
BY_ID: Final[Mapping[str, Rule]] = {rule.rule_id: rule for rule in RULES}
MOST: Final = 300
"""Findings that are weighed and told, the dearest first; the rest is counted."""
LEAST_MONEY: Final = 1.0
LEAST_G: Final = 500.0
"""Money, and grams of CO2e, a month from which one of them is told."""
MONTHS_A_YEAR: Final = 12
"""Months that the work of following a piece of advice is spread over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """A piece of advice.

    Attributes:
        money: saved in a month, of the bill; None where no price is known, ``money.value`` counts only when ``sure_amount``.
        net: the same less the work that it takes, spread over a year.
        impacts: saved in a month; None where nothing physical changes.
        best: whether no other advice on the same resource saves more: savings on one resource do not add up.
        on_front: whether no other advice saves more money and more climate.
    """

    finding: Finding
    rule: Rule
    money: Spread | None
    net: Spread | None
    impacts: Mapping[str, Saving] | None
    best: bool = False
    on_front: bool = False

    @property
    def sure_amount(self) -> bool:
        """Whether more than an upper bound is known."""
        return self.finding.part.value is not None and not self.finding.contract

    @property
    def adds_up(self) -> bool:
        """Whether it counts in the sum: the best of its resource, with a figure, that overlaps with nothing."""
        return self.best and self.sure_amount and not self.rule.wide

    def to_json(self) -> dict[str, Any]:
        """As ``--json`` prints it."""
        found, rule, where = self.finding, self.rule, self.finding.where
        return {
            "rule": rule.rule_id,
            "application": where.application,
            "account": where.account,
            "service": where.service,
            "region": where.region,
            "resource": where.resource,
            "confidence": found.confidence,
            "facts": dict(found.facts),
            "money": _told(self.money, at_most=not self.sure_amount),
            "net": _told(self.net, at_most=not self.sure_amount),
            "savings": None if self.impacts is None else {name: one.to_json() for name, one in self.impacts.items()},
            "hours": _told(rule.hours),
            "hours_per_month": _told(found.run_hours),
            "risk": rule.risk,
            "latency": found.latency,
            "wide": rule.wide,
            "contract": found.contract,
            "best": self.best,
            "on_front": self.on_front,
            "source": {"title": rule.source, "url": rule.url},
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class BillAdvice:
    """Advice on a month of bills, what saves most of the full cost first.

    Attributes:
        application: ``*`` for all.
        days_told: days of the month that the bill tells of that tells least; None where all bills tell all of them. A figure is
            that of a whole month like the days that its bill tells: days_by_source.
        cost: of what has quantities, in a month. carbon: its climate figure; None without one.
        together: money that the best of each resource saves, upper bounds and wide advice left out; together_carbon likewise.
        untold: findings that are too small, or were not weighed. volumes: how many there are of which no bill tells whether
            they hang on a machine.
        loads: share of the time of machines whose load was measured; None without machines.
    """

    application: str
    month: date
    days_told: int | None
    days_by_source: Mapping[str, int]
    currency: str
    rate: Spread
    rate_assumed: bool
    pieces: tuple[Piece, ...]
    cost: Spread
    carbon: Saving | None
    together: Spread
    together_carbon: Saving | None
    untold: int
    volumes: int
    loads: float | None
    method: Mapping[str, str]

    def to_json(self) -> dict[str, Any]:
        """As ``--json`` prints it."""
        return {
            "application": self.application,
            "month": f"{self.month:%Y-%m}",
            "days_told": self.days_told,
            "days_by_source": dict(self.days_by_source),
            "currency": self.currency,
            "rate": _told(self.rate),
            "advice": [piece.to_json() for piece in self.pieces],
            "cost": _told(self.cost),
            "carbon": None if self.carbon is None else self.carbon.to_json(),
            "together": {
                "money": _told(self.together),
                "carbon": None if self.together_carbon is None else self.together_carbon.to_json(),
            },
            "untold": self.untold,
            "volumes": self.volumes,
            "loads": self.loads,
            "method": dict(self.method),
        }


def advise_bill(workspace: Workspace, question: Question) -> BillAdvice:
    """What to change in what a month of bills tells.

    Raises:
        UsageError: no bill was imported, none tells of this application or month, or a currency has no exchange rate.
        StorageError: the ledger, the store or a table of prices cannot be read.
    """
    context = open_context(workspace)
    try:
        return advise_in(context, question)
    finally:
        context.store.close()


def advise_in(context: ServiceContext, question: Question) -> BillAdvice:
    """The same for a server, whose store and ledger are open."""
    sources = sources_of(context, SourceKind.BILL)
    code = None if question.application == EVERYTHING else question.application
    market = market_of(question)
    month = month_of(context, sources, question, market)
    evidence = read_month(context, sources, month, code, market)
    rate = hourly_of(question)
    owed = {thing.where for thing in evidence.things if thing.contract}
    found = [
        replace(finding, contract=bool(finding.before) and finding.where in owed)
        for rule in RULES
        for finding in rule.find(evidence)
    ]
    found.sort(key=_worth)
    scale = Scale(context.workspace, month)
    shown = found[:MOST]
    weighed = scale.differences(shown)
    made = [(_piece(finding, one, rate), one) for finding, one in zip(shown, weighed, strict=True)]
    worth = [(piece, one) for piece, one in made if _saves(piece)]
    pieces = _with_front(_with_best([piece for piece, _ in worth]))
    chosen = [(piece, one) for piece, (_, one) in zip(pieces, worth, strict=True) if piece.adds_up]
    whole = scale.differences([_everything(evidence)])[0].get(CARBON)
    return BillAdvice(
        application=question.application, month=month, currency=market.currency, rate=rate,
        days_told=None if evidence.told.whole else evidence.told.count,
        days_by_source={source: told.count for source, told in evidence.by_source.items()},
        rate_assumed=question.hourly_rate is None,
        pieces=tuple(sorted(pieces, key=_order)),
        cost=sum((thing.cost for thing in evidence.things), start=Spread.of(0.0)),
        carbon=None if whole is None else whole.saving(ALL_OF_IT),
        together=sum((piece.money for piece, _ in chosen if piece.money is not None), start=Spread.of(0.0)),
        together_carbon=_sum(one[CARBON] for _, one in chosen if CARBON in one),
        untold=len(found) - len(pieces), volumes=_volumes(evidence, found), loads=_loads(evidence), method=scale.told,
    )  # fmt: skip


def _worth(finding: Finding) -> tuple[float, str, str]:
    """What may save most money first; what no price is known of may be worth much."""
    money = float("inf") if finding.money is None else finding.money.high * finding.part.high
    return -money, finding.rule, finding.where.resource


def _piece(finding: Finding, weighed: Mapping[str, Difference], rate: Spread) -> Piece:
    rule, part = BY_ID[finding.rule], finding.part
    paid = AT_MOST if finding.contract else part
    money = None if finding.money is None else _part(finding.money, paid.low, paid.value, part.high)
    impacts = {name: weighed[name].saving(part) for name in INDICATORS if name in weighed}
    return Piece(
        finding=finding, rule=rule, money=money, net=None if money is None else money.minus(_work(finding, rule, rate)),
        impacts=impacts if finding.before or finding.after else None,
    )  # fmt: skip


def _saves(piece: Piece) -> bool:
    """Whether enough money or climate may be saved to be told: trifles are no advice, nor is what saves neither."""
    carbon = (piece.impacts or {}).get(CARBON)
    saved_g = 0.0 if carbon is None else carbon.high if carbon.value is None else carbon.value
    worth = piece.money is None or (piece.money.value > 0 and piece.money.high >= LEAST_MONEY)
    return worth or saved_g >= LEAST_G


def _part(money: Spread, low: float, value: float | None, high: float) -> Spread:
    ends = [money.low * low, money.low * high, money.high * low, money.high * high]
    expected = money.value * (high if value is None else value)
    return Spread(min(*ends, expected), expected, max(*ends, expected))


def _work(finding: Finding, rule: Rule, rate: Spread) -> Spread:
    """Money of the work in a month: what it takes once, spread over a year, and what it takes or spares each month."""
    once = rule.hours.times(1 / MONTHS_A_YEAR)
    hours = once + finding.run_hours
    ends = [amount * price for amount in (hours.low, hours.high) for price in (rate.low, rate.high)]
    return Spread(min(ends), hours.value * rate.value, max(ends))


def _key(where: Where) -> tuple[str, ...]:
    """What savings cannot add up on: one resource; without a name, one service at a place."""
    if where.resource:
        return where.account, where.resource
    return where.application, where.account, where.service, where.region


def _with_best(pieces: Sequence[Piece]) -> list[Piece]:
    best: dict[tuple[str, ...], int] = {}
    for number, piece in enumerate(pieces):
        place = (*_key(piece.finding.where), piece.rule.rule_id if piece.rule.wide else "")
        known = best.get(place)
        if known is None or _order(piece) < _order(pieces[known]):
            best[place] = number
    chosen = set(best.values())
    return [replace(piece, best=number in chosen) for number, piece in enumerate(pieces)]


def _with_front(pieces: Sequence[Piece]) -> list[Piece]:
    """Marks those that none beats in money and climate at once; upper bounds are no figures to compare."""
    points = [both(piece) for piece in pieces]
    found = []
    for piece, mine in zip(pieces, points, strict=True):
        beaten = mine is None or any(
            other is not None and other != mine and other[0] >= mine[0] and other[1] >= mine[1] for other in points
        )
        found.append(replace(piece, on_front=not beaten))
    return found


def both(piece: Piece) -> tuple[float, float] | None:
    """Money net of work, and climate, that a piece saves for sure; None where one of them is not known or nothing is saved."""
    carbon = None if piece.impacts is None else piece.impacts.get(CARBON)
    told = 0.0 if piece.impacts is None else None if carbon is None else carbon.value
    if piece.net is None or told is None or not piece.sure_amount or (piece.net.value <= 0 and told <= 0):
        return None
    return piece.net.value, told


def _order(piece: Piece) -> tuple[bool, bool, float, str, str, str]:
    """What surely saves most of the full cost first; upper bounds after it, and what no price is known of."""
    net = piece.net
    where = piece.finding.where
    return (
        not piece.sure_amount, net is None, 0.0 if net is None else -net.value, piece.rule.rule_id, where.application,
        where.resource,
    )  # fmt: skip


def _everything(evidence: MonthEvidence) -> Finding:
    """All that is rented, as if it went away: what it causes."""
    uses = rules_place.summed(use for thing in evidence.things for use in thing.uses)
    nowhere = Where(application="", account="", service="", region="", resource="")
    return Finding(rule="", where=nowhere, confidence="billed", money=None, before=uses)


def _sum(differences: Iterable[Difference]) -> Saving | None:
    listed = list(differences)
    if not listed:
        return None
    draws = sum((one.draws for one in listed[1:]), start=listed[0].draws)
    whole = Difference(sum(one.value for one in listed), draws, listed[0].unit)
    return whole.saving(ALL_OF_IT)


def _volumes(evidence: MonthEvidence, found: Sequence[Finding]) -> int:
    told = {(one.where.account, one.where.resource) for one in found if one.rule == "unattached"}
    listed = {
        (thing.where.account, thing.where.resource)
        for thing in evidence.things
        if not rules_waste.VOLUMES.isdisjoint(thing.platforms)
    }
    return len(listed - told)


def _loads(evidence: MonthEvidence) -> float | None:
    uses = [use for thing in evidence.things for use in thing.machines if use.quantity == "instance_time"]
    whole = sum(use.value for use in uses)
    return sum(use.value for use in uses if use.load is not None) / whole if whole else None


def _told(spread: Spread | None, *, at_most: bool = False) -> dict[str, float | None] | None:
    if spread is None:
        return None
    return {"low": spread.low, "value": None if at_most else spread.value, "high": spread.high}
