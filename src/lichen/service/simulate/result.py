# SPDX-License-Identifier: Apache-2.0
"""The answer to a scenario: each way of hosting with its money, hours, footprint and limits, and what may be said of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import date
from typing import Any

from lichen.portfolio.scenarios import Architecture, Spread
from lichen.portfolio.scenarios_choice import BreakEven, Verdict
from lichen.records import NotCovered


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """Something that a reader has to know: a code of the catalogues, under ``simulate_note``, and its gaps."""

    code: str
    facts: Mapping[str, str | float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class BillLine:
    """A line of the bill that a way of hosting would have.

    Attributes:
        role, key: what is rented. quantity: in ``unit``, a month; count: machines or tasks that it is.
        money: a month, in the currency of the answer.
        price, price_currency: of one unit, as its source tells it; valid_from: since when it is known.
        status: ``published``, ``assumed`` or ``own``; elsewhere: the price is of another region.
    """

    role: str
    key: str
    quantity: float
    unit: str
    count: float
    money: Spread
    price: float
    price_currency: str
    status: str
    source: str
    valid_from: date | None = None
    elsewhere: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Impact:
    """A figure of a month with the range of the model; ``use`` and ``embodied`` are its two phases."""

    indicator: str
    unit: str
    value: float
    low: float
    high: float
    use: float
    embodied: float

    @property
    def spread(self) -> Spread:
        """As a number with its range."""
        return Spread(self.low, self.value, self.high)


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitMet:
    """A limit of a service beside what is asked of it: ``passed``, ``near`` (from 70 %) or ``kept``."""

    service: str
    product: str
    limit: str
    needed: float
    allowed: float
    unit: str
    raised: bool
    status: str
    outcome: str
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """A way of hosting.

    Attributes:
        region: ``provider:region``; zone: its country or grid. today: whether the workload runs so now.
        possible: whether no fixed limit is passed.
        machines: that people look after; vcpus: rented all the time; vcpus_peak: that are there at the peak.
        bill, full, move_cost: money; hours: of people a month; move_hours, stop_hours: once, the latter as visitors notice it.
        repaid_months: after which the move has paid for itself; None where it never does, or nothing is known of today.
        latency: ``near``, ``continent``, ``far``, or empty where the visitors' country is not known.
        water_stress: of the region, 0 (low) to 4 (extremely high); None is unknown.
        impacts: a month, by indicator; not_covered: quantities without a figure, each once.
    """

    name: str
    architecture: Architecture
    provider: str
    region: str
    zone: str
    today: bool
    possible: bool
    machines: float
    vcpus: float
    vcpus_peak: float
    lines: tuple[BillLine, ...]
    bill: Spread
    hours: Spread
    full: Spread
    move_hours: Spread
    move_cost: Spread
    stop_hours: Spread
    repaid_months: float | None
    latency: str
    water_stress: int | None
    impacts: Mapping[str, Impact]
    not_covered: tuple[NotCovered, ...]
    limits: tuple[LimitMet, ...]
    notes: tuple[Note, ...]

    @property
    def carbon(self) -> Spread | None:
        """Its climate figure [gCO2e]; None when nothing is known."""
        found = self.impacts.get("gwp100")
        return None if found is None else found.spread


@dataclass(frozen=True, slots=True, kw_only=True)
class ManagedHours:
    """Hours a month that a managed way has to spare to be worth its bill, beside those that it is thought to spare."""

    managed: str
    unmanaged: str
    needed: float
    spared: Spread


@dataclass(frozen=True, slots=True, kw_only=True)
class Simulation:
    """The whole answer.

    Attributes:
        ways: by full cost. front: names of ways that no other one beats in full cost and carbon at once.
        chances: by name, the share of the model's draws in which a way emits less than today's.
        facts: of the workload. method: id, version and hash of the factors.
    """

    name: str
    currency: str
    rate: Spread
    as_of: date
    cpu_source: str
    users: float | None
    facts: Mapping[str, float]
    ways: tuple[Way, ...]
    front: tuple[str, ...]
    chances: Mapping[str, float]
    break_evens: tuple[BreakEven, ...]
    managed: tuple[ManagedHours, ...]
    verdicts: tuple[Verdict, ...]
    notes: tuple[Note, ...]
    method: Mapping[str, str]

    def way(self, name: str) -> Way:
        """A way by its name."""
        return next(way for way in self.ways if way.name == name)

    def to_json(self) -> dict[str, Any]:
        """The public JSON, without sentences: those depend on the language. Values are unrounded."""
        found: dict[str, Any] = _plain(asdict(self))
        for way, told in zip(self.ways, found["ways"], strict=True):
            told["not_covered"] = [{"quantity": one.quantity, "reason": one.reason} for one in way.not_covered]
        return {"schema_version": 1, **found}


def _plain(value: Any) -> Any:
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {key: _plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return value
