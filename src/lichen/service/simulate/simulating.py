# SPDX-License-Identifier: Apache-2.0
"""Answers a scenario: sizes each way of hosting, prices it, evaluates it, and says what may be said."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING, Final

from lichen.catalogue import prices, regions
from lichen.errors import UsageError
from lichen.portfolio import scenarios_choice as choice
from lichen.portfolio.scenarios import (
    LEVELS,
    Architecture,
    Cost,
    Demand,
    Level,
    Need,
    Offer,
    Sized,
    Spread,
)
from lichen.portfolio.scenarios_sizing import size
from lichen.service.simulate.impacts import ByLevel, Footprint, activities, evaluate_ways
from lichen.service.simulate.latency import latency
from lichen.service.simulate.machines import machine_demand, needs_machines
from lichen.service.simulate.owning import own_activities, own_bill, own_notes
from lichen.service.simulate.pricing import Market, price_notes
from lichen.service.simulate.result import BillLine, LimitMet, ManagedHours, Note, Simulation, Way
from lichen.service.simulate.scenario import TODAY, Asked, Scenario
from lichen.service.workspace import Workspace

if TYPE_CHECKING:
    from lichen.service.simulate.today import Billed

NEAR: Final = 0.7
"""Share of a limit from which it is said to be near."""
_NONE: Final = Spread.of(0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Draft:
    """A way before it is evaluated.

    Attributes:
        rows: its activities. cost: what a month costs with another demand; None for today's, which is a fact.
    """

    name: str
    architecture: Architecture
    provider: str
    region: str
    zone: str
    today: bool
    lines: tuple[BillLine, ...]
    bill: Spread
    hours: Spread
    move_hours: Spread
    stop_hours: Spread
    sized: Sized
    limits: tuple[LimitMet, ...]
    notes: tuple[Note, ...]
    rows: ByLevel
    cost: Cost | None


def simulate(workspace: Workspace, scenario: Scenario, as_of: date, billed: Billed | None = None) -> Simulation:
    """The answer to a scenario.

    Args:
        as_of: the day that prices are old or new on, unless the scenario says one.
        billed: the month that a bill tells, where the scenario names one; its demand stands in for what was not declared.

    Raises:
        UsageError: a way that cannot carry the workload, a type or a price that is not known.
    """
    day = scenario.as_of or as_of
    demand = _demand(scenario, billed)
    market = Market.of(scenario, () if billed is None else billed.prices)
    drafts = [*_today(workspace, scenario, market, demand, day, billed)]
    drafts += [_draft(workspace, scenario, market, demand, asked) for asked in scenario.options]
    if not drafts:
        raise UsageError(
            "The scenario names no way of hosting.", repair='Add an [[option]] with to = "aws:eu-west-3/paas".',
            culprit="option",
        )  # fmt: skip
    found = evaluate_ways(workspace, [draft.rows for draft in drafts], {}, scenario.as_of)
    ways = [_way(draft, footprint, scenario) for draft, footprint in zip(drafts, found.by_way, strict=True)]
    now = next((place for place, draft in enumerate(drafts) if draft.today), None)
    chances = {} if now is None else {
        way.name: chance
        for place, way in enumerate(ways)
        if place != now and (chance := found.chance(place, now)) is not None
    }  # fmt: skip
    weighed = {way.name: _weighed(way) for way in ways}
    repaid = _repaid(weighed.values())
    ways = [replace(way, repaid_months=repaid.get(way.name)) for way in ways]
    order = [one.name for one in choice.ranked(list(weighed.values()))]
    lines = [line for draft in drafts for line in draft.lines]
    return Simulation(
        name=scenario.name,
        currency=scenario.currency,
        rate=scenario.rate,
        as_of=day,
        cpu_source=_cpu_source(scenario, billed),
        users=scenario.users,
        facts=_facts(scenario, billed, demand["value"]),
        ways=tuple(sorted(ways, key=lambda way: order.index(way.name))),
        front=choice.front(list(weighed.values())),
        chances=chances,
        break_evens=_break_evens(drafts, demand["value"]),
        managed=_managed(drafts, weighed, scenario.rate.value),
        verdicts=(*choice.verdicts(list(weighed.values()), chances), *_not_compared(billed)),
        notes=(*_general(scenario, billed, demand["value"]), *price_notes(lines, market, day)),
        method=found.method,
    )


def _demand(scenario: Scenario, billed: Billed | None) -> Mapping[Level, Demand]:
    """What was declared, and from a bill or from machines what was not."""
    if billed is not None:
        return billed.demand(scenario.demand, cpu_known=scenario.cpu_source != "assumed")
    if scenario.own is not None and needs_machines(scenario.own, scenario.demand["value"]):
        return machine_demand(scenario.own, scenario.demand)
    return scenario.demand


def _cpu_source(scenario: Scenario, billed: Billed | None) -> str:
    known = scenario.demand["value"].cpu_s and scenario.cpu_source != "assumed"
    if billed is not None and not known:
        return "bill"
    return "machines" if needs_machines(scenario.own, scenario.demand["value"]) else scenario.cpu_source


def _facts(scenario: Scenario, billed: Billed | None, demand: Demand) -> dict[str, float]:
    """What is told of the workload; CPU time that a bill tells is spread over the requests that were declared."""
    found = {**scenario.facts, **({} if billed is None else billed.facts)}
    if billed is not None and demand.requests:
        found["cpu_ms_per_request"] = demand.cpu_s / demand.requests * 1000
    return found


def _today(
    workspace: Workspace,
    scenario: Scenario,
    market: Market,
    demand: Mapping[Level, Demand],
    day: date,
    billed: Billed | None,
) -> list[_Draft]:
    if billed is not None and scenario.bill is not None:
        lines = billed.lines(market)
        hours = scenario.bill.hours or _hours("iaas", billed.machines)
        return [
            _Draft(
                name=TODAY, architecture="iaas", provider=billed.provider, region=billed.region, zone=billed.zone, today=True,
                lines=lines, bill=_sum(line.money for line in lines), hours=hours, move_hours=_NONE, stop_hours=_NONE,
                sized=Sized(lines=(), uses=(), machines=billed.machines, vcpus=billed.vcpus, vcpus_peak=billed.vcpus),
                limits=(), notes=billed.notes, rows=dict.fromkeys(LEVELS, billed.activities), cost=None,
            )
        ]  # fmt: skip
    own = scenario.own
    if own is None:
        return []
    lines = own_bill(workspace, own, market)
    count = sum(one.count for one in own.machines)
    hours = own.hours or _hours("owned", count)
    rows: ByLevel = {level: own_activities(workspace, own, demand[level], level, day) for level in LEVELS}
    bill = _sum(line.money for line in lines)
    return [
        _Draft(
            name=TODAY, architecture="owned", provider="", region="", zone=own.zone, today=True, lines=lines, bill=bill,
            hours=hours, move_hours=_NONE, stop_hours=_NONE, sized=Sized(lines=(), uses=(), machines=count), limits=(),
            notes=tuple(own_notes(own, demand["value"], day)), rows=rows,
            cost=lambda _demand: bill.value + hours.value * scenario.rate.value,
        )
    ]  # fmt: skip


def _draft(
    workspace: Workspace, scenario: Scenario, market: Market, demand: Mapping[Level, Demand], asked: Asked
) -> _Draft:
    offer = market.offer(asked)
    sized = {level: size(asked.architecture, demand[level], offer) for level in LEVELS}
    lines = {level: market.bill(sized[level], offer) for level in LEVELS}
    usual = _NONE if asked.today else None
    effort = _like(asked.architecture, demand["value"])
    hours = asked.hours or _hours(effort, sized["value"].machines)
    limits = tuple(_limits(sized["value"].needs, offer))
    notes = [Note(code=code) for code in sized["value"].notes]
    rate = scenario.rate.value

    def cost(used: Demand) -> float:
        found = size(asked.architecture, used, offer)
        work = (asked.hours or _hours(effort, found.machines)).value
        return _sum(line.money for line in market.bill(found, offer)).value + work * rate

    return _Draft(
        name=asked.name,
        architecture=asked.architecture,
        provider=asked.provider,
        region=f"{asked.provider}:{asked.region}",
        zone=regions.get(asked.region, asked.provider).zone,
        today=asked.today,
        lines=_ranged(lines),
        bill=Spread(
            _sum(line.money for line in lines["low"]).low,
            _sum(line.money for line in lines["value"]).value,
            _sum(line.money for line in lines["high"]).high,
        ),
        hours=hours,
        move_hours=asked.move_hours or usual or _effort(effort, "move", "once"),
        stop_hours=asked.stop_hours or usual or _effort(effort, "stop", "once"),
        sized=sized["value"],
        limits=limits,
        notes=tuple(notes),
        rows={level: activities(workspace, sized[level], offer, market) for level in LEVELS},
        cost=cost,
    )


def _ranged(lines: Mapping[Level, Sequence[BillLine]]) -> tuple[BillLine, ...]:
    """The lines as expected, each with the ends of what the workload may ask for."""
    ends = {level: {(line.role, line.key): line.money for line in lines[level]} for level in ("low", "high")}
    found = []
    for line in lines["value"]:
        place = line.role, line.key
        low = min(line.money.low, ends["low"].get(place, line.money).low)
        high = max(line.money.high, ends["high"].get(place, line.money).high)
        found.append(replace(line, money=Spread(low, line.money.value, high)))
    return tuple(found)


def _way(draft: _Draft, footprint: Footprint, scenario: Scenario) -> Way:
    rate, work = scenario.rate, draft.hours
    paid = Spread(work.low * rate.low, work.value * rate.value, work.high * rate.high)
    move = draft.move_hours
    fixed = any(limit.outcome == "passed" and not limit.raised for limit in draft.limits)
    return Way(
        name=draft.name,
        architecture=draft.architecture,
        provider=draft.provider,
        region=draft.region,
        zone=draft.zone,
        today=draft.today,
        possible=not fixed,
        machines=draft.sized.machines,
        vcpus=draft.sized.vcpus,
        vcpus_peak=draft.sized.vcpus_peak,
        lines=draft.lines,
        bill=draft.bill,
        hours=work,
        full=draft.bill + paid,
        move_hours=move,
        move_cost=Spread(move.low * rate.low, move.value * rate.value, move.high * rate.high),
        stop_hours=draft.stop_hours,
        repaid_months=None,
        latency=latency(draft.zone, scenario.users_in),
        water_stress=_water_stress(draft.region),
        impacts=footprint.impacts,
        not_covered=footprint.not_covered,
        limits=draft.limits,
        notes=draft.notes,
    )


def _water_stress(region: str) -> int | None:
    found = regions.find(region) if region else None
    return None if found is None else found.water_stress


def _weighed(way: Way) -> choice.Weighed:
    return choice.Weighed(
        name=way.name, architecture=way.architecture, bill=way.bill, hours=way.hours, full=way.full, move=way.move_cost,
        carbon=way.carbon, today=way.today, possible=way.possible,
    )  # fmt: skip


def _repaid(weighed: Iterable[choice.Weighed]) -> dict[str, float | None]:
    ways = list(weighed)
    today = next((way for way in ways if way.today), None)
    return {} if today is None else {way.name: choice.repaid_after(way, today) for way in ways if not way.today}


def _limits(needs: Sequence[Need], offer: Offer) -> list[LimitMet]:
    found = []
    for need in needs:
        told = prices.limit(offer.provider, need.service, need.limit)
        if told is None:
            continue
        share = need.value / told.value if told.value else 0.0
        outcome = "passed" if share > 1 else "near" if share >= NEAR else "kept"
        found.append(
            LimitMet(
                service=need.service,
                product=told.product,
                limit=need.limit,
                needed=need.value,
                allowed=told.value,
                unit=told.unit,
                raised=told.raised,
                status=told.status,
                outcome=outcome,
                source=told.source,
            )
        )
    return found


def _break_evens(drafts: Sequence[_Draft], demand: Demand) -> tuple[choice.BreakEven, ...]:
    """Each way that is paid by use beside each that is there all the time."""
    if not (demand.requests or demand.queries):
        return ()
    by_use = [draft for draft in drafts if draft.architecture == "serverless" and draft.cost is not None]
    fixed = [draft for draft in drafts if draft.architecture in ("owned", "iaas", "paas") and draft.cost is not None]
    return tuple(
        choice.break_even((one.name, one.cost), (other.name, other.cost), demand)
        for one in by_use
        for other in fixed
        if one.cost is not None and other.cost is not None
    )


def _managed(drafts: Sequence[_Draft], weighed: Mapping[str, choice.Weighed], rate: float) -> tuple[ManagedHours, ...]:
    """Each managed way beside each that people run themselves."""
    managed = [draft.name for draft in drafts if draft.architecture in ("paas", "serverless")]
    unmanaged = [draft.name for draft in drafts if draft.architecture in ("owned", "iaas")]
    return tuple(
        ManagedHours(
            managed=one,
            unmanaged=other,
            needed=choice.worth_hours(weighed[one], weighed[other], rate),
            spared=weighed[other].hours.minus(weighed[one].hours),
        )
        for one in managed
        for other in unmanaged
    )


def _not_compared(billed: Billed | None) -> Iterable[choice.Verdict]:
    """What of today's bill no way of hosting changes, while the others are priced without it."""
    amount = 0.0 if billed is None else billed.facts.get("not_compared", 0.0)
    if billed is not None and amount:
        facts = {"amount": abs(amount), "share": billed.facts["not_compared_share"]}
        code = "not_compared" if amount > 0 else "not_compared_credit"
        yield choice.Verdict(code=code, names=(TODAY,), facts=facts)


def _general(scenario: Scenario, billed: Billed | None, demand: Demand) -> list[Note]:
    found = [] if billed is None else list(billed.doubts)
    if scenario.rate_assumed:
        found.append(Note(code="rate_assumed", facts={"rate": scenario.rate.value, "currency": scenario.currency}))
    source = _cpu_source(scenario, billed)
    if source == "machines":
        found.append(Note(code="from_machines"))
    if source == "assumed":
        found.append(Note(code="cpu_assumed"))
    if demand.queries is not None:
        found.append(Note(code="queries_assumed"))
    found.append(Note(code="not_modelled"))
    return found


def _like(architecture: Architecture, demand: Demand) -> Architecture:
    """Whose hours a way takes: queries on files take as much paid by volume as on a machine, as no application is taken apart."""
    return "files" if architecture == "serverless" and not demand.peak_cpus else architecture


def _hours(architecture: Architecture, machines: float) -> Spread:
    """Hours of people a month: for the whole, and for each machine."""
    return _effort(architecture, "run", "month") + _effort(architecture, "run", "machine").times(machines)


def _effort(architecture: Architecture, task: str, per: str) -> Spread:
    told = prices.effort(architecture, task, per)
    return _NONE if told is None else Spread(told.low, told.hours, told.high)


def _sum(spreads: Iterable[Spread]) -> Spread:
    return sum(spreads, start=_NONE)
