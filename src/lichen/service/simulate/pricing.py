# SPDX-License-Identifier: Apache-2.0
"""What a way of hosting costs: its lines times prices of the user, the bill or the table, in one currency."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final

from lichen.catalogue import machines, prices
from lichen.catalogue.prices import UNITS, Price
from lichen.config.names import nearest
from lichen.errors import UsageError
from lichen.portfolio.scenarios import Line, Machine, Offer, Sized, Spread
from lichen.service.simulate.result import BillLine, Note
from lichen.service.simulate.scenario import Asked, Scenario

STALE_DAYS: Final = 365
"""Age from which a price is said to be old: list prices of clouds change about once a year."""
_EURO: Final = "EUR"


@dataclass(frozen=True, slots=True)
class Market:
    """Prices and exchange rates of a scenario.

    Attributes:
        own: prices of the user's own and of the bill, in the order in which they count.
    """

    currency: str
    exchange: Mapping[str, Decimal]
    own: tuple[Price, ...]

    @classmethod
    def of(cls, scenario: Scenario, billed: Sequence[Price] = ()) -> Market:
        """The prices of a scenario; those that its file states go before those of its bill."""
        return cls(scenario.currency, scenario.exchange, (*scenario.prices, *billed))

    def rate(self, currency: str) -> Spread:
        """Money of the answer for one of another currency.

        Raises:
            UsageError: nobody said it.
        """
        if currency == self.currency:
            return Spread.of(1.0)
        if currency in self.exchange:
            return Spread.of(float(self.exchange[currency]))
        told = prices.find("exchange", "exchange", key=currency) if self.currency == _EURO else None
        if told is None:
            raise UsageError(
                f"Prices in {currency} cannot be told in {self.currency}: no exchange rate is known.",
                repair=f"Say it in [money]: exchange = {{ {currency} = 0.9 }}, {self.currency} for one {currency}.",
                culprit=currency,
            )
        return Spread(float(told.low), float(told.price), float(told.high))

    def price(self, role: str, provider: str, region: str, key: str = "") -> Price | None:
        """What a unit costs; None when nothing is known."""
        return prices.find(role, provider, region, key, self.own)

    def bill(self, sized: Sized, offer: Offer) -> tuple[BillLine, ...]:
        """The lines of a way of hosting with their money."""
        return tuple(self._line(line, offer) for line in sized.lines)

    def _line(self, line: Line, offer: Offer) -> BillLine:
        found = self.price(line.role, offer.provider, offer.region, line.key)
        if found is None:
            raise UsageError(
                f"No price of '{line.key or line.role}' is known for {offer.provider}.",
                repair=f"Give a price of the role '{line.role}' in a table of your own: [money] prices = \"prices.csv\".",
                culprit=line.role,
            )
        rate = self.rate(found.currency)
        amounts = (float(found.low) * rate.low, float(found.price) * rate.value, float(found.high) * rate.high)
        return BillLine(
            role=line.role, key=line.key or found.key, quantity=line.quantity, unit=UNITS[line.role], count=line.count,
            money=Spread(*amounts).times(line.quantity), price=float(found.price), price_currency=found.currency,
            status=found.status, source=found.source, valid_from=found.valid_from, elsewhere=found.elsewhere,
        )  # fmt: skip

    def offer(self, asked: Asked) -> Offer:
        """What a provider has at a place.

        Raises:
            UsageError: a type is asked for that is not known, or that has no price.
        """
        provider, region = asked.provider, asked.region
        roles = frozenset(role for role in UNITS if self.price(role, provider, region) is not None)
        keys = (asked.database,) if asked.database else prices.keys("database", provider, region)
        databases = tuple(self._machine("database", provider, region, key) for key in keys)
        chosen = prices.find("instance", provider, region)
        key = asked.machine or (chosen.key if chosen is not None else None)
        return Offer(
            provider=provider, region=region, roles=roles, databases=databases,
            machine=None if key is None else self._machine("instance", provider, region, key),
        )  # fmt: skip

    def _machine(self, role: str, provider: str, region: str, name: str) -> Machine:
        key = name if ":" in name else f"{provider}:{name}"
        facts = machines.find(key)
        if facts is None:
            close = machines.near(key)
            raise UsageError(
                f"There is no type '{name}' of {provider}.",
                repair=f"Did you mean '{close[0].partition(':')[2]}'?" if close else "Name a type of the catalogue.",
                culprit=name,
            )
        if self.price(role, provider, region, key) is None:
            known = prices.keys(role, provider, region)
            raise UsageError(
                f"No price of '{name}' is known.",
                repair=f"{nearest(key, known, valid_are='Types with a price')} Or give its price in a table of your own.",
                culprit=name,
            )
        return Machine(key=key, vcpu=float(facts["vcpu"]), memory_gib=float(facts["memory_gib"]))


def price_notes(lines: Sequence[BillLine], market: Market, as_of: date) -> list[Note]:
    """What has to be told of prices: which are assumed, how old the oldest is, which exchange rate was taken."""
    found = []
    assumed = [line for line in lines if line.status == "assumed"]
    if assumed:
        found.append(
            Note(code="prices_assumed", facts={"count": len({(one.role, one.key, one.source) for one in assumed})})
        )
    days = [(as_of - line.valid_from).days for line in lines if line.valid_from is not None]
    if days and max(days) > STALE_DAYS:
        found.append(Note(code="prices_old", facts={"months": round(max(days) / 30.4)}))
    if any(line.elsewhere for line in lines):
        found.append(Note(code="prices_elsewhere"))
    for currency in sorted({line.price_currency for line in lines} - {market.currency}):
        rate = market.rate(currency)
        code = "exchange" if currency in market.exchange else "exchange_assumed"
        found.append(Note(code=code, facts={"from": currency, "to": market.currency, "rate": rate.value}))
    return found
