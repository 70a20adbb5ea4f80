# SPDX-License-Identifier: Apache-2.0
"""A month of bills as rules of advice look at it: what is rented, resource by resource, what it costs, and how it is used."""

from __future__ import annotations

import calendar
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from functools import cached_property
from typing import Any, Final, NamedTuple

from lichen.catalogue import machines
from lichen.catalogue.prices import UNITS, Price
from lichen.collect.bills.meter import ESTIMATED
from lichen.errors import UsageError
from lichen.ledger import Selection
from lichen.portfolio.scenarios import SECONDS_PER_HOUR, Spread
from lichen.service.bills.advice.finding import Use, Where
from lichen.service.bills.days import Told, ToldDays
from lichen.service.board.gathering import summable
from lichen.service.context import ServiceContext
from lichen.service.simulate.billed_prices import role_of
from lichen.service.simulate.pricing import Market
from lichen.units import BYTE_PER_GB

BEFORE: Final = 6
"""Months back that growth is looked at."""
_BY: Final = ("application", "account", "service", "region", "resource", "family")
_INSTANCE: Final = "instance"
_LONG_ENOUGH: Final = 14
"""Days from which a silence says something."""
_OWED: Final = 0.95
"""Billed over effective cost, or effective over list and billed cost, below which a commitment pays."""


@dataclass(frozen=True, kw_only=True)
class Thing:
    """What an application rents of one family under one name.

    Attributes:
        cost: of what stands behind ``uses``, in the currency of the answer. discount: effective over list cost; None where the
            bill has no list prices.
        contract: whether a commitment pays for it, wholly or in part: its money is owed until that ends, used or not.
        days: by platform of a machine: seconds that it ran on each day; empty where the bill has no days.
    """

    where: Where
    family: str
    uses: tuple[Use, ...]
    cost: Spread
    discount: float | None
    contract: bool
    days: Mapping[str, Mapping[date, float]]

    @cached_property
    def machines(self) -> tuple[Use, ...]:
        """Time of instances that the catalogue knows, and of their virtual CPUs."""
        return tuple(one for one in self.uses if _is_machine(one.platform))

    @property
    def platforms(self) -> tuple[str, ...]:
        """What it is of, each once."""
        return tuple(dict.fromkeys(one.platform for one in self.uses))

    def of(self, quantity: str, platform: str | None = None) -> tuple[Use, ...]:
        """Uses of a quantity, of a platform where one is given."""
        return tuple(
            one for one in self.uses if one.quantity == quantity and platform in (None, one.platform)
        )  # fmt: skip

    def amount(self, quantity: str, platform: str | None = None) -> float:
        """Sum of a quantity."""
        return sum(one.value for one in self.of(quantity, platform))

    def loads(self) -> list[tuple[float, float]] | None:
        """Measured loads with the seconds that they held; None where a part was not measured, or nothing runs."""
        found = [(one.load, one.value) for one in self.machines if one.quantity == "instance_time"]
        known = [(load, seconds) for load, seconds in found if load is not None]
        return sorted(known) if found and len(known) == len(found) else None


@dataclass(frozen=True, kw_only=True)
class MonthEvidence:
    """A month.

    Attributes:
        days: of the month. told: what the bill tells that tells least of it. by_source: what each tells; its amounts and costs
            are those of a month like the days that it tells.
        stored: GB.month by (application, account, region, platform) and month, of the months before, too.
        busy: (account, region) in which any application had machines.
        market: prices, those of the bill first.
    """

    context: ServiceContext
    month: date
    days: int
    told: Told
    by_source: Mapping[str, Told]
    things: tuple[Thing, ...]
    stored: Mapping[tuple[str, str, str, str], Mapping[str, float]]
    busy: frozenset[tuple[str, str]]
    market: Market

    @property
    def seconds(self) -> float:
        """Seconds of the month."""
        return self.days * 24 * SECONDS_PER_HOUR

    @property
    def long_enough(self) -> bool:
        """Whether so many days are told that what did not happen may be taken as what does not happen."""
        return self.told.count >= _LONG_ENOUGH

    def each_day(self) -> list[date]:
        """Days that are told."""
        return [self.told.last - timedelta(days=back) for back in reversed(range(self.told.count))]

    @cached_property
    def by_resource(self) -> Mapping[tuple[str, str], tuple[Thing, ...]]:
        """Things with a name, by account and name."""
        found: dict[tuple[str, str], list[Thing]] = {}
        for thing in self.things:
            if thing.where.resource:
                found.setdefault((thing.where.account, thing.where.resource), []).append(thing)
        return {place: tuple(things) for place, things in found.items()}

    def price(self, role: str, provider: str, region: str, key: str = "") -> Spread | None:
        """Price of a unit of a role in the currency of the answer; None when nothing is known.

        Args:
            region: key of the catalogue.
        """
        found = self.market.price(role, provider, region.partition(":")[2], key)
        rate = None if found is None else rate_of(self.market, found.currency)
        if found is None or rate is None:
            return None
        return Spread(float(found.low) * rate.low, float(found.price) * rate.value, float(found.high) * rate.high)

    def ratio(self, role: str, old: str, new: str, region: str) -> Spread | None:
        """Price of a platform over that of another in a region, as the bill itself tells both; None where it does not."""
        place = region.partition(":")[2]
        paid = [
            next((one.price for one in self.market.own if (one.role, one.region, one.key) == (role, place, key)), None)
            for key in (old, new)
        ]
        before, after = paid
        return None if not before or after is None else Spread.of(float(after / before))

    def cost_of(self, thing: Thing, platform: str) -> Spread | None:
        """What of the cost of a thing is that of a platform; None where others share it whose prices are not known."""
        if thing.platforms == (platform,):
            return thing.cost
        priced = {name: self._list_cost(thing, name) for name in thing.platforms}
        known = [one for one in priced.values() if one is not None]
        if len(known) < len(priced) or not sum(known):
            return None
        return thing.cost.times((priced[platform] or 0.0) / sum(known))

    def _list_cost(self, thing: Thing, platform: str) -> float | None:
        costs = []
        for use in thing.uses:
            role = role_of(use.quantity, platform)
            if use.platform == platform and role:
                found = self.price(role, platform.partition(":")[0], thing.where.region, platform)
                costs.append(None if found is None else found.value * billed_amount(use, self.seconds))
        known = [one for one in costs if one is not None]
        return sum(known) if known and len(known) == len(costs) else None


def rate_of(market: Market, currency: str) -> Spread | None:
    """Money of the answer for one of another currency; None where nobody said it."""
    try:
        return market.rate(currency)
    except UsageError:
        return None


def billed_amount(use: Use, seconds: float) -> float:
    """A use in the unit of a price: hours, GB kept for the month, GB; the rest as it is."""
    match use.quantity:
        case "instance_time":
            return use.value / SECONDS_PER_HOUR
        case "storage_byte_seconds":
            return use.value / BYTE_PER_GB / seconds
        case "network_bytes":
            return use.value / BYTE_PER_GB
        case _:
            return use.value


def read_month(
    context: ServiceContext, sources: Sequence[str], month: date, code: str | None, market: Market
) -> MonthEvidence:
    """A month of the bills of an application, or of all.

    Args:
        sources: of bills, as the ledger names them. month: its first day. code: of the application; None: all.
        market: prices of the user's own; those that the bill implies are put behind them.
    """
    days = calendar.monthrange(month.year, month.month)[1]
    chosen = Selection(
        applications=None if code is None else [code], sources=sources, first_day=month, end_day=month + timedelta(days=days)
    )  # fmt: skip
    ledger = context.ledger
    physical = replace(chosen, quantities=summable(context))
    timed = replace(chosen, quantities=["instance_time"])
    everybody = replace(chosen, applications=None, quantities=["instance_time", "vcpu_time"])
    earlier = replace(chosen, quantities=["storage_byte_seconds"], first_day=_back(month, BEFORE))
    all_days = ToldDays(ledger)
    told = {source: all_days.of(source, month) for source in sources}
    costs = ledger.costs((*_BY, "coverage", "source"), selection=chosen)
    things = _things(
        ledger.totals((*_BY, "platform", "attributes", "source"), peaks=(), selection=physical),
        costs,
        ledger.totals((*_BY, "platform", "day", "source"), peaks=(), selection=timed),
        told,
        market,
    )
    kept = ledger.totals(
        ("application", "account", "region", "platform", "month", "source"), peaks=(), selection=earlier
    )
    telling = sorted({row["source"] for row in costs})
    evidence = MonthEvidence(
        context=context, month=month, days=days, things=things, market=market, stored=_stored(kept, all_days),
        told=all_days.least(telling, month) or all_days.of("", month), by_source={source: told[source] for source in telling},
        busy=frozenset(
            (row["account"] or "", row["region"] or "")
            for row in ledger.totals(("account", "region"), peaks=(), selection=everybody)
        ),
    )  # fmt: skip
    own = _implied(evidence)
    return replace(evidence, market=replace(market, own=(*market.own, *own)))


def _things(
    rented: Iterable[Mapping[str, Any]],
    billed: Iterable[Mapping[str, Any]],
    daily: Iterable[Mapping[str, Any]],
    told_days: Mapping[str, Told],
    market: Market,
) -> tuple[Thing, ...]:
    uses: dict[tuple[str, ...], list[Use]] = {}
    for row in rented:
        if row["value"] is None or not row["platform"]:
            continue
        told = json.loads(row["attributes"] or "{}")
        scale = told_days[row["source"]].to_month
        uses.setdefault(_place(row), []).append(
            Use(
                quantity=row["quantity"], value=float(row["value"]) * scale,
                platform=row["platform"], region=row["region"] or "", attributes=told,
            )
        )  # fmt: skip
    paid: dict[tuple[str, ...], list[_Paid]] = {}
    for row in billed:
        if row["coverage"] == ESTIMATED and row["effective"] is not None:
            cost = _in(market, row["currency"], float(row["effective"])).times(told_days[row["source"]].to_month)
            paid.setdefault(_place(row), []).append(_Paid(cost, row["effective"], row["billed"], row["listed"]))
    ran: dict[tuple[str, ...], dict[str, dict[date, float]]] = {}
    for row in daily:
        if not told_days[row["source"]].daily:
            continue
        by_day = ran.setdefault(_place(row), {}).setdefault(row["platform"] or "", {})
        by_day[row["day"]] = by_day.get(row["day"], 0.0) + float(row["value"] or 0.0)
    return tuple(
        Thing(
            where=Where(application=place[0], account=place[1], service=place[2], region=place[3], resource=place[4]),
            family=place[5], uses=tuple(found), cost=sum((one.cost for one in paid.get(place, ())), start=Spread.of(0.0)),
            discount=_discount(paid.get(place, ())), contract=_contract(paid.get(place, ())), days=ran.get(place, {}),
        )
        for place, found in sorted(uses.items())
    )  # fmt: skip


def _place(row: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(str(row[name] or "") for name in _BY)


def _in(market: Market, currency: str, amount: float) -> Spread:
    rate = market.rate(currency)
    ends = sorted((amount * rate.low, amount * rate.high))
    return Spread(ends[0], amount * rate.value, ends[1])


class _Paid(NamedTuple):
    """A cost: in the currency of the answer for a month; and effective, billed and at list prices as the bill has it."""

    cost: Spread
    effective: Decimal
    billed: Decimal | None
    listed: Decimal | None


def _discount(paid: Sequence[_Paid]) -> float | None:
    listed = [one.listed for one in paid if one.listed is not None]
    whole = sum(listed)
    effective = sum(one.effective for one in paid)
    return float(effective / whole) if whole > 0 and len(listed) == len(paid) else None


def _contract(paid: Sequence[_Paid]) -> bool:
    """Whether effective and billed cost differ as those of commitments do.

    What a reservation covers is billed at nothing, and a savings plan takes back elsewhere what is billed at list price. What is
    bought at auction, or with a discount that was negotiated, is billed as it is paid.
    """
    effective, billed = sum(one.effective for one in paid), sum(one.billed for one in paid if one.billed is not None)
    if effective <= 0 or any(one.billed is None for one in paid):
        return False
    discount = _discount(paid)
    taken_back = discount is not None and discount < _OWED and effective < _OWED * float(billed)
    return billed < _OWED * float(effective) or taken_back


def _stored(rows: Iterable[Mapping[str, Any]], days: ToldDays) -> dict[tuple[str, str, str, str], dict[str, float]]:
    found: dict[tuple[str, str, str, str], dict[str, float]] = {}
    for row in rows:
        year, month = (int(one) for one in row["month"].split("-"))
        seconds = calendar.monthrange(year, month)[1] * 24 * SECONDS_PER_HOUR
        place = row["application"] or "", row["account"] or "", row["region"] or "", row["platform"] or ""
        by_month = found.setdefault(place, {})
        stored_gb = (
            float(row["value"] or 0.0) / BYTE_PER_GB / seconds * days.of(row["source"], date(year, month, 1)).to_month
        )
        by_month[row["month"]] = by_month.get(row["month"], 0.0) + stored_gb
    return found


def _implied(evidence: MonthEvidence) -> list[Price]:
    """Prices that the bill implies, where one thing alone stands behind a cost."""
    sums: dict[tuple[str, str, str], list[float]] = {}
    for thing in evidence.things:
        uses = [one for one in thing.uses if one.quantity != "vcpu_time"]
        if len(thing.platforms) != 1 or len({one.quantity for one in uses}) != 1 or thing.cost.value <= 0:
            continue
        role = role_of(uses[0].quantity, uses[0].platform)
        amount = sum(billed_amount(one, evidence.seconds) for one in uses)
        if role and amount > 0:
            one = sums.setdefault((role, uses[0].platform, thing.where.region), [0.0, 0.0])
            one[0] += thing.cost.value
            one[1] += amount
    found = []
    for (role, platform, region), (money, amount) in sorted(sums.items()):
        exact = Decimal(repr(money / amount))
        found.append(
            Price(
                provider=platform.partition(":")[0], region=region.partition(":")[2], role=role, key=platform,
                unit=UNITS[role], low=exact, price=exact, high=exact, currency=evidence.market.currency,
                valid_from=evidence.month, status="own", source="bill",
            )
        )  # fmt: skip
    return found


def _is_machine(platform: str) -> bool:
    return (machines.find(platform) or {}).get("kind") == _INSTANCE


def _back(month: date, count: int) -> date:
    months = month.year * 12 + month.month - 1 - count
    return date(months // 12, months % 12 + 1, 1)
