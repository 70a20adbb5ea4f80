# SPDX-License-Identifier: Apache-2.0
"""Which way of hosting: ranks, what is better in money and carbon at once, where two ways cost the same, what may be said.

The full cost of a month is its bill and the hours that people look after it, at a rate. A move is paid once and stands beside it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

from lichen.portfolio.scenarios import Architecture, Cost, Demand, Spread

_STEPS: Final = 200
"""Halvings of an interval: more than a double has digits."""
NEGLIGIBLE: Final = 0.1
"""Share of a bill below which another bill is the same money."""
SURE: Final = 0.95
"""Share of the model's draws in which one way has to emit less than another before it is said to."""
MOST_USE: Final = 1000.0
"""Times the present use, up to which a workload without a peak is followed."""
REPAID_MONTHS: Final = 60
"""A move that takes longer is not said to be repaid: prices and needs change before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Weighed:
    """A way of hosting, as it is compared.

    Attributes:
        bill: a month, without people; hours: of people, a month; full: both, in money; move: of people, once, in money.
        carbon: a month [gCO2e]; None when nothing is known of it.
        today: whether the workload runs so now. possible: whether no fixed limit is passed.
    """

    name: str
    architecture: Architecture
    bill: Spread
    hours: Spread
    full: Spread
    move: Spread
    carbon: Spread | None
    today: bool = False
    possible: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """A sentence to be said: its code, the ways that it is about, and its numbers."""

    code: str
    names: tuple[str, ...] = ()
    facts: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakEven:
    """Where pay-per-use and provisioned capacity cost the same.

    Attributes:
        outcome: ``at`` a use; ``never`` cheaper by use, even without a visitor; ``always`` cheaper by use,
            though the peak lasted all month.
        share: the use, as a share of the present one; None unless ``at``.
    """

    by_use: str
    provisioned: str
    outcome: Literal["at", "never", "always"]
    share: float | None = None


def ranked(ways: Sequence[Weighed]) -> tuple[Weighed, ...]:
    """By full cost, the cheapest first; what cannot be comes last."""
    return tuple(sorted(ways, key=lambda way: (not way.possible, way.full.value, way.name)))


def front(ways: Sequence[Weighed]) -> tuple[str, ...]:
    """Ways that no other one beats in full cost and carbon at once, the cheapest first.

    >>> ways = [
    ...     Weighed(name=name, architecture="iaas", bill=Spread.of(cost), hours=Spread.of(0), full=Spread.of(cost),
    ...             move=Spread.of(0), carbon=Spread.of(carbon))
    ...     for name, cost, carbon in (("a", 1, 5), ("b", 2, 6), ("c", 3, 1))
    ... ]
    >>> front(ways)
    ('a', 'c')
    """
    known = [way for way in ranked(ways) if way.possible and way.carbon is not None]
    return tuple(way.name for way in known if not any(_beats(other, way) for other in known if other is not way))


def _beats(one: Weighed, other: Weighed) -> bool:
    if one.carbon is None or other.carbon is None:
        return False
    mine, theirs = (one.full.value, one.carbon.value), (other.full.value, other.carbon.value)
    return mine != theirs and mine[0] <= theirs[0] and mine[1] <= theirs[1]


def break_even(by_use: tuple[str, Cost], provisioned: tuple[str, Cost], demand: Demand) -> BreakEven:
    """The use of a month at which paying by use starts to cost more than capacity that is there all the time.

    The peak, and so the capacity, stays as it is: what changes is how often it is used. Use ends where the peak lasts all month.

    Args:
        by_use, provisioned: names and full costs by demand.
        demand: the present one.
    """

    def dearer(share: float) -> float:
        used = demand.used(share)
        return by_use[1](used) - provisioned[1](used)

    most = 1.0 / demand.mean_share if demand.peak_cpus and demand.mean_share > 0 else MOST_USE
    low, high = 0.0, most
    if dearer(low) >= 0:
        return BreakEven(by_use=by_use[0], provisioned=provisioned[0], outcome="never")
    if dearer(high) <= 0:
        return BreakEven(by_use=by_use[0], provisioned=provisioned[0], outcome="always")
    for _ in range(_STEPS):
        middle = (low + high) / 2
        low, high = (middle, high) if dearer(middle) < 0 else (low, middle)
    return BreakEven(by_use=by_use[0], provisioned=provisioned[0], outcome="at", share=high)


def worth_hours(managed: Weighed, unmanaged: Weighed, rate: float) -> float:
    """Hours a month that a managed way has to spare people to be worth its dearer bill; 0 or less where its bill is lower.

    Args:
        rate: money for an hour of work.
    """
    return (managed.bill.value - unmanaged.bill.value) / rate if rate else 0.0


def repaid_after(way: Weighed, today: Weighed) -> float | None:
    """Months after which a move has paid for itself; None where it never does."""
    saved = today.full.value - way.full.value
    return way.move.value / saved if saved > 0 else None


def verdicts(ways: Sequence[Weighed], chances: Mapping[str, float]) -> tuple[Verdict, ...]:
    """What may be said of the whole, most important first.

    Args:
        ways: at least one.
        chances: by name, the share of the model's draws in which a way emits less than today's; empty without one.
    """
    possible = [way for way in ranked(ways) if way.possible]
    today = next((way for way in ways if way.today), None)
    if not possible:
        return (Verdict(code="none_possible"),)
    others = [way for way in possible if not way.today]
    found: list[Verdict] = []
    if today is None:
        found.append(_cheapest(possible))
    elif others:
        found += _money(today, others[0])
    found += _carbon(possible, today, chances)
    return tuple(found)


def _cheapest(possible: Sequence[Weighed]) -> Verdict:
    best = possible[0]
    if len(possible) == 1:
        return Verdict(code="only_one", names=(best.name,), facts={"full": best.full.value})
    second = possible[1]
    code = "cheapest" if best.full.high < second.full.low else "cheapest_perhaps"
    return Verdict(code=code, names=(best.name, second.name), facts={"saved": second.full.value - best.full.value})


def _money(today: Weighed, best: Weighed) -> list[Verdict]:
    """What the cheapest other way brings against today's: money, time, both or neither."""
    saved = today.full.minus(best.full)
    bill, hours = today.bill.value - best.bill.value, today.hours.value - best.hours.value
    facts = {"saved": saved.value, "low": saved.low, "high": saved.high, "bill": bill, "hours": hours}
    if saved.value <= 0:
        return [Verdict(code="stay", names=(today.name, best.name), facts={**facts, "dearer": -saved.value})]
    gained = bill <= NEGLIGIBLE * abs(today.bill.value) and hours > 0
    code = "time_gained" if gained else "cheaper"
    found = [Verdict(code=code, names=(best.name, today.name), facts=facts)]
    if saved.low <= 0:
        found.append(Verdict(code="within_range", names=(best.name, today.name), facts=facts))
    months = repaid_after(best, today)
    if months is not None:
        late = months > REPAID_MONTHS
        found.append(Verdict(code="repaid_late" if late else "repaid", names=(best.name,), facts={"months": months}))
    return found


def _carbon(possible: Sequence[Weighed], today: Weighed | None, chances: Mapping[str, float]) -> list[Verdict]:
    known = [way for way in possible if way.carbon is not None]
    if not known:
        return [Verdict(code="carbon_unknown")]
    least = min(known, key=lambda way: way.carbon.value if way.carbon else 0.0)
    found = []
    if len(known) > 1:
        code = "both" if least.name == possible[0].name else "money_or_carbon"
        found.append(Verdict(code=code, names=(possible[0].name, least.name)))
    if today is not None and least.name != today.name and (chance := chances.get(least.name)) is not None:
        code = "carbon_less" if chance >= SURE else "carbon_no_evidence"
        found.append(Verdict(code=code, names=(least.name, today.name), facts={"chance": chance}))
    return found
