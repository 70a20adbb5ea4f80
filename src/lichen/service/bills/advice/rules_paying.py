# SPDX-License-Identifier: Apache-2.0
"""Rules on how things are paid: by contract, by auction, by use, or for being there."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Final

from lichen.catalogue import prices
from lichen.catalogue.prices import Effort
from lichen.portfolio.scenarios import FULL_CPU_GIB, SECONDS_PER_HOUR, Spread
from lichen.service.bills.advice.changing import mean_load, number, percentile, saved
from lichen.service.bills.advice.evidence import MonthEvidence, Thing
from lichen.service.bills.advice.finding import AT_MOST, NOTHING, Finding, Rule, Use
from lichen.service.simulate.billed_needs import BY_USE_LOAD, BY_USE_PEAK
from lichen.units import BYTE_PER_GIB

_UNDISCOUNTED: Final = 0.95
"""Effective over list cost from which nothing is paid by contract or auction."""
_STEADY: Final = 0.8
"""Least over mean use of a day from which a contract for that much is used up."""
_COMMITTED: Final = Spread(0.6, 0.72, 0.85)
"""Price with a contract of a year, over the list price: no contract is alike. Assumed."""
_SPOT: Final = Spread(0.15, 0.4, 0.75)
"""Price at auction over the list price; providers say up to 90 % less. Assumed."""
_UNEVEN: Final = 0.5
"""Standard deviation over mean of daily use from which work comes in batches."""
_LEAST_DAYS: Final = 14
_WORTH: Final = 0.7
"""Cost of the other way over that of this one, from which it is worth the work."""
_SELDOM: Final = 0.2
_HEADROOM: Final = 0.6
_S_PER_GB: Final = 3.0
"""CPU time for a gigabyte that a query scans [s], as on the bill's quantities. Assumed."""
_GB_PER_TB: Final = 1000.0
_QUERIES: Final = frozenset({"aws:athena"})


def commitment(evidence: MonthEvidence) -> Iterator[Finding]:
    """Machines at list price that run on every day alike. What runs is the same, and so is its footprint."""
    for thing in evidence.things:
        daily = _daily(thing)
        if not _at_list_price(thing) or len(daily) < _LEAST_DAYS:
            continue
        mean = sum(daily.values()) / len(daily)
        steady = min(daily.values()) / mean
        if steady < _STEADY or len(daily) < evidence.told.count - 1:
            continue
        yield Finding(
            rule="commitment", where=thing.where, confidence="billed", money=saved(thing.cost.times(steady), _COMMITTED),
            facts={"platform": thing.machines[0].platform, "steady": steady},
        )  # fmt: skip


def spot(evidence: MonthEvidence) -> Iterator[Finding]:
    """Machines at list price whose use differs widely from day to day: work that may be interrupted can be had at auction."""
    for thing in evidence.things:
        daily = _daily(thing)
        if (
            not _at_list_price(thing)
            or thing.family not in ("compute", "analytics")
            or not daily
            or not evidence.long_enough
        ):
            continue
        each = [daily.get(day, 0.0) for day in evidence.each_day()]
        mean = sum(each) / len(each)
        uneven = math.sqrt(sum((one - mean) ** 2 for one in each) / len(each)) / mean if mean else 0.0
        if uneven >= _UNEVEN:
            yield Finding(
                rule="spot", where=thing.where, confidence="suspected", money=saved(thing.cost, _SPOT),
                facts={"platform": thing.machines[0].platform, "uneven": uneven},
            )  # fmt: skip


def functions(evidence: MonthEvidence) -> Iterator[Finding]:
    """Machines with little to do, whose work would cost less when it is paid by use."""
    for thing in evidence.things:
        loads, platforms = thing.loads(), {use.platform for use in thing.machines}
        if loads is None or thing.family != "compute" or len(platforms) != 1 or mean_load(loads) >= _SELDOM:
            continue
        platform = platforms.pop()
        provider, cost = platform.partition(":")[0], evidence.cost_of(thing, platform)
        each = evidence.price("function_memory", provider, thing.where.region)
        key = evidence.market.price("function_memory", provider, thing.where.region.partition(":")[2])
        if each is None or key is None or cost is None or cost.value <= 0:
            continue
        busy_s = sum((use.load or 0.0) * use.value for use in thing.machines if use.quantity == "vcpu_time")
        paid = Spread(busy_s / BY_USE_LOAD.high, busy_s / BY_USE_LOAD.value, busy_s / BY_USE_LOAD.low)
        bill = _times(paid.times(FULL_CPU_GIB), each)
        if not 0 < bill.value < _WORTH * cost.value:
            continue
        after = (
            Use(
                quantity="vcpu_time", value=paid.value, platform=key.key, region=thing.where.region,
                attributes={"utilisation": BY_USE_LOAD.value},
            ),
            Use(
                quantity="memory_byte_seconds", value=paid.value * FULL_CPU_GIB * BYTE_PER_GIB, platform=key.key,
                region=thing.where.region,
            ),
        )  # fmt: skip
        yield Finding(
            rule="functions", where=thing.where, confidence="measured", money=cost.minus(bill), before=thing.machines,
            after=after,
            facts={
                "platform": platform, "to": key.key, "load": mean_load(loads),
                "even": mean_load(loads) * cost.value / bill.value,
            },
        )  # fmt: skip


def provisioned(evidence: MonthEvidence) -> Iterator[Finding]:
    """Functions and containers that are used so much that machines for their peak would cost less."""
    for thing in evidence.things:
        uses = thing.of("vcpu_time")
        if thing.family != "serverless" or not uses or thing.machines or thing.cost.value <= 0:
            continue
        provider = thing.where.region.partition(":")[0]
        price = prices.find("instance", provider, thing.where.region.partition(":")[2])
        each = evidence.price("instance", provider, thing.where.region, price.key) if price else None
        if price is None or each is None:
            continue
        vcpu = number(price.key, "vcpu")
        busy = sum(use.value for use in uses) / evidence.seconds * BY_USE_LOAD.value
        count = math.ceil(busy * BY_USE_PEAK / _HEADROOM / vcpu) + 1
        bill = each.times(count * evidence.seconds / SECONDS_PER_HOUR)
        if bill.value >= _WORTH * thing.cost.value:
            continue
        yield Finding(
            rule="provisioned", where=thing.where, confidence="suspected", money=thing.cost.minus(bill), before=thing.uses,
            after=_machines(price.key, thing.where.region, count, evidence.seconds, min(1.0, busy / count / vcpu)),
            run_hours=_effort("iaas", "run", "machine").times(count),
            facts={"to": price.key, "count": float(count), "even": bill.value / thing.cost.value},
        )  # fmt: skip


def queries_on_machine(evidence: MonthEvidence) -> Iterator[Finding]:
    """Queries paid by what they read, of which there are so many that a machine with a query engine costs less."""
    for thing in evidence.things:
        platform = next((one for one in thing.platforms if one in _QUERIES), None)
        if platform is None:
            continue
        provider, cost = platform.partition(":")[0], evidence.cost_of(thing, platform)
        price = prices.find("instance", provider, thing.where.region.partition(":")[2])
        each = evidence.price("instance", provider, thing.where.region, price.key) if price else None
        if price is None or each is None or cost is None:
            continue
        busy_s = thing.amount("vcpu_time", platform)
        scanned_tb = busy_s / _S_PER_GB / _GB_PER_TB
        vcpu = number(price.key, "vcpu")
        load = busy_s / evidence.seconds / vcpu
        bill = each.times(evidence.seconds / SECONDS_PER_HOUR)
        if load > _HEADROOM or bill.value >= _WORTH * cost.value:
            continue
        yield Finding(
            rule="queries-on-machine", where=thing.where, confidence="billed", money=cost.minus(bill),
            before=thing.of("vcpu_time", platform),
            after=_machines(price.key, thing.where.region, 1, evidence.seconds, load),
            run_hours=_effort("iaas", "run", "machine"),
            facts={"to": price.key, "scanned_tb": scanned_tb, "even_tb": scanned_tb * bill.value / cost.value},
        )  # fmt: skip


def queries_on_files(evidence: MonthEvidence) -> Iterator[Finding]:
    """Databases with little to do: what they hold can be files that are queried, as long as little is read of them."""
    for thing in evidence.things:
        loads = thing.loads()
        each = evidence.price("query_scan", thing.where.region.partition(":")[0], thing.where.region)
        if thing.family != "database" or loads is None or each is None or each.value <= 0:
            continue
        if percentile(loads, 0.95) < _SELDOM:
            yield Finding(
                rule="queries-on-files", where=thing.where, confidence="suspected", money=thing.cost, before=thing.machines,
                part=AT_MOST,
                facts={
                    "platform": thing.machines[0].platform, "load": mean_load(loads), "even_tb": thing.cost.value / each.value
                },
            )  # fmt: skip


def _daily(thing: Thing) -> Mapping[date, float]:
    found: dict[date, float] = {}
    for by_day in thing.days.values():
        for day, seconds in by_day.items():
            found[day] = found.get(day, 0.0) + seconds
    return found


def _at_list_price(thing: Thing) -> bool:
    """Whether the bill tells that nothing was discounted."""
    return (
        bool(thing.machines) and thing.discount is not None and thing.discount >= _UNDISCOUNTED and thing.cost.value > 0
    )


def _machines(platform: str, region: str, count: int, seconds: float, load: float) -> tuple[Use, ...]:
    told = {"utilisation": load}
    time = count * seconds
    return (
        Use(
            quantity="vcpu_time",
            value=time * number(platform, "vcpu"),
            platform=platform,
            region=region,
            attributes=told,
        ),
        Use(quantity="instance_time", value=time, platform=platform, region=region, attributes=told),
    )


def _times(amount: Spread, price: Spread) -> Spread:
    return Spread(amount.low * price.low, amount.value * price.value, amount.high * price.high)


def _effort(architecture: str, task: str, per: str) -> Spread:
    told: Effort | None = prices.effort(architecture, task, per)
    return NOTHING if told is None else Spread(told.low, told.hours, told.high)


RULES: Final = (
    Rule(
        rule_id="commitment", find=commitment, hours=Spread(1, 3, 8), risk="medium", wide=True,
        source="AWS Savings Plans", url="https://docs.aws.amazon.com/savingsplans/latest/userguide/what-is-savings-plans.html",
    ),
    Rule(
        rule_id="spot", find=spot, hours=Spread(4, 12, 40), risk="medium",
        source="Amazon EC2, spot instances",
        url="https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/using-spot-instances.html",
    ),
    Rule(
        rule_id="functions", find=functions, hours=Spread(16, 60, 200), risk="high",
        source="AWS Lambda, pricing", url="https://aws.amazon.com/lambda/pricing/",
    ),
    Rule(
        rule_id="provisioned", find=provisioned, hours=Spread(16, 40, 120), risk="high",
        source="Amazon EC2, prices on demand", url="https://aws.amazon.com/ec2/pricing/on-demand/",
    ),
    Rule(
        rule_id="queries-on-machine", find=queries_on_machine, hours=Spread(8, 24, 60), risk="medium",
        source="Amazon Athena, pricing", url="https://aws.amazon.com/athena/pricing/",
    ),
    Rule(
        rule_id="queries-on-files", find=queries_on_files, hours=Spread(24, 60, 160), risk="high",
        source="Amazon Athena, pricing", url="https://aws.amazon.com/athena/pricing/",
    ),
)  # fmt: skip
