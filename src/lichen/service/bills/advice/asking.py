# SPDX-License-Identifier: Apache-2.0
"""What is asked of a bill: whose, of which month, in which currency; and which month that is."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from lichen.catalogue import prices
from lichen.errors import UsageError
from lichen.ledger import Selection
from lichen.portfolio.scenarios import Spread
from lichen.service.bills.advice.evidence import rate_of
from lichen.service.bills.days import ToldDays
from lichen.service.context import ServiceContext
from lichen.service.simulate.pricing import Market
from lichen.service.simulate.scenario import HOURLY_RATE

EVERYTHING: Final = "*"
_MONTH: Final = re.compile(r"\d{4}-(0[1-9]|1[0-2])", re.ASCII)
_RATE: Final = re.compile(r"([A-Z]{3})=(\d+(?:\.\d+)?)", re.ASCII)
_TOLD: Final = 6
_MOST_AN_HOUR: Final = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is asked.

    Attributes:
        application: its code; ``*``: of all, and of what belongs to nobody.
        month: ``2026-10``; None: the newest one with a bill.
        currency: of the answer; None: euros. exchange: money of that for one of another currency, ``USD=0.9``.
        hourly_rate: money for an hour of work. prices: a table of the user's own.
    """

    application: str = EVERYTHING
    month: str | None = None
    currency: str | None = None
    hourly_rate: float | None = None
    prices: Path | None = None
    exchange: tuple[str, ...] = ()


def hourly_of(question: Question) -> Spread:
    """Money for an hour of work.

    Raises:
        UsageError: it is none.
    """
    asked = question.hourly_rate
    if asked is None:
        return HOURLY_RATE
    if not 0 <= asked <= _MOST_AN_HOUR:
        raise UsageError(
            f"--hourly-rate is {asked:g}.", repair=f"Write money from 0 to {_MOST_AN_HOUR:,}.", culprit="--hourly-rate"
        )
    return Spread.of(asked)


def market_of(question: Question) -> Market:
    """Prices and exchange rates of a question.

    Raises:
        UsageError: a rate is none. StorageError: the table of prices cannot be read.
    """
    return Market(
        currency=question.currency or "EUR", exchange=_exchange(question.exchange),
        own=() if question.prices is None else prices.read_own(question.prices),
    )  # fmt: skip


def month_of(context: ServiceContext, sources: Sequence[str], question: Question, market: Market) -> date:
    """The month that is asked for, or the newest of which all days are told.

    Args:
        sources: of bills, as the ledger names them.

    Raises:
        UsageError: no bill was imported, none tells of this application or month, or a currency has no exchange rate.
    """
    if question.month is not None and not _MONTH.fullmatch(question.month):
        raise UsageError(f"--month is '{question.month}'.", repair="Write it as 2026-10.", culprit="--month")
    code = None if question.application == EVERYTHING else question.application
    told = context.ledger.costs(
        ("month", "source"), selection=Selection(sources=sources, applications=None if code is None else [code])
    ) if sources else []  # fmt: skip
    months = sorted({str(row["month"]) for row in told})
    if not sources:
        raise UsageError("No bill has been imported.", repair="Import one: lichen import bills FILE.", culprit="--bill")
    if not months:
        raise UsageError(
            f"No bill tells of '{code}'.",
            repair="Name an application that a rule of [[bills.owner]] gives lines to.", culprit=str(code),
        )  # fmt: skip
    asked = question.month or _newest(ToldDays(context.ledger), told)
    if asked not in months:
        raise UsageError(
            f"No bill tells of {asked}.", repair=f"Months with a bill: {', '.join(months[-_TOLD:])}.", culprit=asked
        )
    of_it = sorted({str(row["currency"]) for row in told if row["month"] == asked})
    strange = [currency for currency in of_it if rate_of(market, currency) is None]
    if strange:
        say = f"ay the rate, {market.currency} for one {strange[0]}: --exchange {strange[0]}=0.9."
        own = f"Ask in the bill's own currency: --currency {strange[0]} --hourly-rate N, or s{say}"
        raise UsageError(
            f"The bill of {asked} is in {' and '.join(of_it)}, and no exchange rate of {strange[0]} to {market.currency} is "
            "known.",
            repair=own if len(of_it) == 1 else f"S{say}", culprit=strange[0],
        )  # fmt: skip
    return date.fromisoformat(f"{asked}-01")


def _newest(days: ToldDays, rows: Iterable[Mapping[str, Any]]) -> str:
    """The newest month of which no day is missing; where there is none, the newest."""
    sources: dict[str, set[str]] = {}
    for row in rows:
        sources.setdefault(str(row["month"]), set()).add(row["source"])
    whole = [
        month for month, those in sources.items()
        if all(days.of(source, date.fromisoformat(f"{month}-01")).whole for source in those)
    ]  # fmt: skip
    return max(whole or sources)


def _exchange(said: Iterable[str]) -> dict[str, Decimal]:
    """Rates as ``USD=0.9``.

    Raises:
        UsageError: one that is none.
    """
    found = {}
    for one in said:
        told = _RATE.fullmatch(one.strip())
        if told is None or not Decimal(told[2]):
            raise UsageError(f"--exchange is '{one}'.", repair="Write it as USD=0.9.", culprit="--exchange")
        found[told[1]] = Decimal(told[2])
    return found
