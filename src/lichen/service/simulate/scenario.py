# SPDX-License-Identifier: Apache-2.0
"""What a scenario asks: a workload, how it runs today, and the ways of hosting to weigh."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Final

from lichen.catalogue.prices import Price
from lichen.portfolio.scenarios import Architecture, Demand, Level, Spread

CPU_SOURCES: Final = ("given", "measured", "assumed")
TODAY: Final = "today"
"""Name of the way that the workload runs now, on a bill or on machines of one's own."""
HOURLY_RATE: Final = Spread(40.0, 55.0, 80.0)
"""What an hour of work costs an employer in Western Europe, in euros, where the scenario does not say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A way of hosting to weigh.

    Attributes:
        machine, database: types that are asked for, as the provider names them; None: the first one of the table of prices.
        hours: of people, a month; move_hours: of people, once; stop_hours: that visitors notice. None: what is usual.
        today: whether the workload runs so now.
    """

    name: str
    architecture: Architecture
    provider: str
    region: str
    machine: str | None = None
    database: str | None = None
    hours: Spread | None = None
    move_hours: Spread | None = None
    stop_hours: Spread | None = None
    today: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnMachines:
    """Machines of one model that are owned.

    Attributes:
        count: how many; power_w: of one, as stated; None where a model of power has to tell.
        memory_gb: of one. written_off_on: the day from which they cost no capital any more.
    """

    model: str
    count: float
    power_w: float | None = None
    cpu: str | None = None
    memory_gb: float | None = None
    bought_on: date | None = None
    written_off_on: date | None = None
    zone: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Own:
    """How the workload runs on machines of one's own.

    Attributes:
        zone: where they stand, for machines that do not say; pue: of the room; None: what is usual.
        electricity: money for a kilowatt-hour; None: the table's.
        load: share of their CPUs that is busy; None: what is usual.
        capital: money a month for machines that are not written off, or towards the next ones.
        hours: of people, a month; None: what is usual.
    """

    machines: tuple[OwnMachines, ...]
    zone: str
    pue: Spread | None = None
    electricity: Spread | None = None
    load: Spread | None = None
    capital: Spread | None = None
    hours: Spread | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FromBill:
    """An application's month, as its imported bills tell it; ``utilisation`` of its machines where the bill has none."""

    application: str
    month: date
    utilisation: Spread | None = None
    hours: Spread | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """The whole question.

    Attributes:
        demand: what the workload asks for, at the low end, as expected and at the high end.
        cpu_source: how its CPU time is known. users: persons; users_in: country they are in.
        own, bill: how it runs today; at most one is given.
        currency: of the answer; rate: money for an hour of work; rate_assumed: whether nobody said it.
        exchange: money of ``currency`` for one of another currency, where it is said.
        prices: of the user's own. as_of: the day that prices are old or new on.
        facts: of the workload, that are told with the answer.
    """

    name: str
    demand: Mapping[Level, Demand]
    options: tuple[Asked, ...]
    cpu_source: str = "given"
    users: float | None = None
    users_in: str | None = None
    own: Own | None = None
    bill: FromBill | None = None
    currency: str = "EUR"
    rate: Spread = HOURLY_RATE
    rate_assumed: bool = False
    exchange: Mapping[str, Decimal] = field(default_factory=dict)
    prices: tuple[Price, ...] = ()
    as_of: date | None = None
    facts: Mapping[str, float] = field(default_factory=dict)
