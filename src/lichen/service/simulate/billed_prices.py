# SPDX-License-Identifier: Apache-2.0
"""Unit prices that a bill implies: effective cost over quantity, where one thing alone is behind a cost."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any, Final

from lichen.catalogue import prices
from lichen.catalogue.prices import UNITS, Price
from lichen.collect.bills.meter import ESTIMATED
from lichen.ledger import Ledger, Selection
from lichen.portfolio.scenarios import SECONDS_PER_HOUR
from lichen.service.simulate.scenario import FromBill
from lichen.units import BYTE_PER_GB

_BY: Final = ("service", "resource", "region", "family")
_STORES: Final = ("object_storage", "block_storage", "database_storage")
_QUANTITIES: Final = ("instance_time", "storage_byte_seconds", "network_bytes")

_Place = tuple[Any, ...]


def unit_prices(ledger: Ledger, chosen: Selection, seconds: float, asked: FromBill) -> tuple[Price, ...]:
    """Prices of what is rented, as the bill of a month implies them: discounts and commitments are in them.

    Args:
        chosen: the rows of the month. seconds: of the month.
    """
    paid = _paid(ledger.costs((*_BY, "coverage"), selection=chosen))
    rented: dict[_Place, set[tuple[str, str, float]]] = {}
    physical = replace(chosen, quantities=_QUANTITIES)
    for row in ledger.totals((*_BY, "platform", "attributes"), peaks=(), selection=physical):
        place = tuple(row[name] for name in _BY)
        rented.setdefault(place, set()).add((row["quantity"], row["platform"] or "", _amount(row, seconds)))
    sums: dict[tuple[str, str, str, str], list[float]] = {}
    for place, things in rented.items():
        if len(things) != 1 or place not in paid:
            continue
        (quantity, platform, amount), (money, currency) = next(iter(things)), paid[place]
        role = role_of(quantity, platform)
        if role and amount > 0 and money > 0:
            region = str(place[2] or "").partition(":")[2]
            one = sums.setdefault((role, platform, region, currency), [0.0, 0.0])
            one[0] += money
            one[1] += amount
    return tuple(_price(place, money / amount, asked) for place, (money, amount) in sorted(sums.items()))


def _paid(rows: Iterable[Mapping[str, Any]]) -> dict[_Place, tuple[float, str]]:
    """Cost of usage by place, without credits and taxes; places with two currencies are left out."""
    found: dict[_Place, tuple[float, str]] = {}
    twice: set[_Place] = set()
    for row in rows:
        if row["coverage"] != ESTIMATED or row["effective"] is None:
            continue
        place = tuple(row[name] for name in _BY)
        if place in found:
            twice.add(place)
        found[place] = float(row["effective"]), str(row["currency"])
    return {place: one for place, one in found.items() if place not in twice}


def _amount(row: Mapping[str, Any], seconds: float) -> float:
    """In the unit of a price: hours, GB kept for the month, GB."""
    value = float(row["value"] or 0.0) / (BYTE_PER_GB if row["unit"] in ("B", "B.s") else 1.0)
    return value / SECONDS_PER_HOUR if row["quantity"] == "instance_time" else (
        value / seconds if row["quantity"] == "storage_byte_seconds" else value
    )  # fmt: skip


def role_of(quantity: str, platform: str) -> str:
    """Role of `lichen.catalogue.prices` that a quantity of a platform is priced by; empty where there is none."""
    if quantity == "instance_time":
        return "database" if ":db." in platform else "instance"
    if quantity == "network_bytes":
        return "egress" if platform.endswith(":data-transfer") else ""
    return next((one.role for one in prices.prices() if one.role in _STORES and one.key == platform), "")


def _price(place: tuple[str, str, str, str], price: float, asked: FromBill) -> Price:
    role, platform, region, currency = place
    exact = Decimal(repr(price))
    return Price(
        provider=platform.partition(":")[0], region=region, role=role, key=platform, unit=UNITS[role], low=exact, price=exact,
        high=exact, currency=currency, valid_from=asked.month, status="own",
        source=f"bill of {asked.application}, {asked.month:%Y-%m}",
    )  # fmt: skip
