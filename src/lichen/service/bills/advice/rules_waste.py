# SPDX-License-Identifier: Apache-2.0
"""Rules on what is rented and hardly used."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import Final

from lichen.portfolio.scenarios import Spread
from lichen.service.bills.advice.changing import became, mean_load, percentile, saved, smaller
from lichen.service.bills.advice.evidence import MonthEvidence, Thing
from lichen.service.bills.advice.finding import AT_MOST, Finding, Rule, Use, Where
from lichen.units import BYTE_PER_GB

IDLE: Final = 0.05
"""Load below which a machine does nothing but keep itself running."""
WIDE: Final = 0.4
"""Load below which half of the processors would do."""
_PEAK: Final = 0.95
_DAY_S: Final = 86_400.0
_MOST_OF_MONTH: Final = 0.9
_LEAST_DAYS: Final = 14
_OPEN_H: Final = 55.0
_WEEK_H: Final = 168.0
"""Hours of a week, and those in which people work with an environment: eleven on five days."""
_ALWAYS_S: Final = 22 * 3600.0
_GROWN: Final = 1.5
_AGO: Final = 3
_LEAST_GB: Final = 10.0
_COPIES: Final = re.compile("snapshot|backup")
_NOT_PRODUCTION: Final = re.compile(
    r"(?:^|[^a-z])(dev|develop|development|test|testing|staging|stage|qa|uat|sandbox|preprod|integration|demo)(?:[^a-z]|$)"
)
VOLUMES: Final = frozenset((
    "aws:ebs-gp2", "aws:ebs-gp3", "aws:ebs-io1", "aws:ebs-io2", "aws:ebs-st1", "aws:ebs-sc1", "aws:ebs-magnetic",
    "azure:disk-ssd", "azure:disk-hdd", "gcp:disk-ssd", "gcp:disk-hdd", "ovhcloud:volume", "scaleway:block-storage",
    "oci:block-volume",
))  # fmt: skip
"""Disks that hang on a machine, or on none."""
_CHECKS: Final = "AWS Trusted Advisor, cost optimization checks"
_CHECKS_URL: Final = "https://docs.aws.amazon.com/awssupport/latest/user/cost-optimization-checks.html"


def idle(evidence: MonthEvidence) -> Iterator[Finding]:
    """Machines whose load was measured as next to nothing."""
    for thing in _named_machines(evidence):
        loads = thing.loads()
        if loads is None or percentile(loads, _PEAK) >= IDLE:
            continue
        yield Finding(
            rule="idle", where=thing.where, confidence="measured", money=thing.cost, before=thing.uses,
            facts={"platform": thing.machines[0].platform, "load": mean_load(loads), "hours": _seconds(thing) / 3600},
        )  # fmt: skip


def idle_suspected(evidence: MonthEvidence) -> Iterator[Finding]:
    """Machines that ran all month, were not measured, and moved no byte, where others of the account are billed for theirs."""
    moved = {
        (thing.where.account, thing.where.resource) for thing in evidence.things if thing.amount("network_bytes") > 0
    }
    accounts = {account for account, resource in moved if resource}
    for thing in _named_machines(evidence):
        place = thing.where.account, thing.where.resource
        measured = any(use.load is not None for use in thing.machines)
        if measured or place in moved or thing.where.account not in accounts or not evidence.long_enough:
            continue
        if _is_machine_with_traffic(thing) and _seconds(thing) >= _MOST_OF_MONTH * evidence.seconds:
            yield Finding(
                rule="idle-suspected", where=thing.where, confidence="suspected", money=thing.cost, before=thing.uses,
                part=AT_MOST, facts={"platform": thing.machines[0].platform, "hours": _seconds(thing) / 3600},
            )  # fmt: skip


def oversized(evidence: MonthEvidence) -> Iterator[Finding]:
    """Machines that half of their processors would do for, by the 95th percentile of their measured loads."""
    for thing in _named_machines(evidence):
        loads = thing.loads()
        platforms = {one.platform for one in thing.machines}
        if loads is None or len(platforms) != 1:
            continue
        peak, platform = percentile(loads, _PEAK), platforms.pop()
        less = smaller(platform)
        if not IDLE <= peak < WIDE or not less:
            continue
        after = became(thing.machines, platform, less)
        if max(use.load or 0.0 for use in after) >= 1.0:
            continue
        cost = evidence.cost_of(thing, platform)
        ratio = evidence.ratio("instance", platform, less, thing.where.region) or _by_size(thing, after)
        yield Finding(
            rule="oversized", where=thing.where, confidence="measured",
            money=None if cost is None else saved(cost, ratio), before=thing.machines, after=after,
            facts={"platform": platform, "to": less, "load": peak},
        )  # fmt: skip


def unattached(evidence: MonthEvidence) -> Iterator[Finding]:
    """Volumes of an account and region in which nobody had a machine all month: nothing that they could hang on."""
    for thing in evidence.things:
        place = thing.where.account, thing.where.region
        for platform in thing.platforms:
            if platform not in VOLUMES or not all(place) or place in evidence.busy or not evidence.long_enough:
                continue
            uses = thing.of("storage_byte_seconds", platform)
            stored_gb = thing.amount("storage_byte_seconds", platform) / BYTE_PER_GB / evidence.seconds
            yield Finding(
                rule="unattached", where=thing.where, confidence="billed", money=evidence.cost_of(thing, platform),
                before=uses, facts={"platform": platform, "stored_gb": stored_gb},
            )  # fmt: skip


def snapshots(evidence: MonthEvidence) -> Iterator[Finding]:
    """Copies that grow month by month: those that were there three months ago would be enough."""
    now = f"{evidence.month:%Y-%m}"
    for (application, account, region, platform), stored in sorted(evidence.stored.items()):
        months = sorted(month for month in stored if month <= now)
        if not _COPIES.search(platform) or now not in stored or len(months) <= _AGO:
            continue
        amounts = [stored[month] for month in months[-_AGO - 1 :]]
        grows = all(later > earlier for earlier, later in pairwise(amounts))
        if not grows or amounts[-1] < _LEAST_GB or amounts[-1] < _GROWN * amounts[0]:
            continue
        spared = 1 - amounts[0] / amounts[-1]
        things = [
            thing
            for thing in evidence.things
            if (thing.where.application, thing.where.account, thing.where.region) == (application, account, region)
            and platform in thing.platforms
        ]
        costs = [evidence.cost_of(thing, platform) for thing in things]
        known = [cost for cost in costs if cost is not None]
        before = tuple(use for thing in things for use in thing.of("storage_byte_seconds", platform))
        yield Finding(
            rule="snapshots",
            where=Where(application=application, account=account, service=things[0].where.service, region=region, resource=""),
            confidence="billed", before=before, after=tuple(use.times(1 - spared) for use in before),
            money=sum(known, start=Spread.of(0.0)).times(spared) if len(known) == len(costs) else None,
            facts={"platform": platform, "stored_gb": amounts[-1], "earlier_gb": amounts[0], "months": float(_AGO)},
        )  # fmt: skip


def incomplete_uploads(evidence: MonthEvidence) -> Iterator[Finding]:
    """Parts of uploads to an archive that were never finished."""
    for thing in evidence.things:
        if uses := thing.of("storage_byte_seconds", "aws:s3-staging"):
            yield Finding(
                rule="incomplete-uploads", where=thing.where, confidence="billed",
                money=evidence.cost_of(thing, "aws:s3-staging"), before=uses,
                facts={"stored_gb": sum(use.value for use in uses) / BYTE_PER_GB / evidence.seconds},
            )  # fmt: skip


def schedule(evidence: MonthEvidence) -> Iterator[Finding]:
    """Machines of environments that are not production, and run day and night, weekends included."""
    for thing in evidence.things:
        word = _not_production(thing.where)
        if not word or not thing.machines or not _round_the_clock(thing):
            continue
        platforms = {use.platform for use in thing.machines}
        costs = [evidence.cost_of(thing, platform) for platform in sorted(platforms)]
        known = [cost for cost in costs if cost is not None]
        spared = 1 - _OPEN_H / _WEEK_H
        yield Finding(
            rule="schedule", where=thing.where, confidence="billed", before=thing.machines,
            after=tuple(use.times(1 - spared) for use in thing.machines),
            money=sum(known, start=Spread.of(0.0)).times(spared) if len(known) == len(costs) else None,
            facts={"platform": thing.machines[0].platform, "environment": word, "open_h": _OPEN_H, "week_h": _WEEK_H},
        )  # fmt: skip


def _named_machines(evidence: MonthEvidence) -> Iterator[Thing]:
    """Machines that the bill tells one by one and that ran for a day at least."""
    return (
        thing for thing in evidence.things if thing.where.resource and thing.machines and _seconds(thing) >= _DAY_S
    )  # fmt: skip


def _seconds(thing: Thing) -> float:
    return sum(use.value for use in thing.machines if use.quantity == "instance_time")


def _is_machine_with_traffic(thing: Thing) -> bool:
    """Databases and caches answer machines of their own region, which no bill counts."""
    return thing.family == "compute"


def _round_the_clock(thing: Thing) -> bool:
    """Whether something ran on most days of two weeks or more, nights and weekends included."""
    ran: dict[object, float] = {}
    for by_day in thing.days.values():
        for day, seconds in by_day.items():
            ran[day] = ran.get(day, 0.0) + seconds
    full = [day for day, seconds in ran.items() if seconds >= _ALWAYS_S]
    return len(full) >= _LEAST_DAYS and len(full) >= _MOST_OF_MONTH * len(ran)


def _not_production(where: Where) -> str:
    for name in (where.application, where.resource, where.account):
        if found := _NOT_PRODUCTION.search(name.lower()):
            return found[1]
    return ""


def _by_size(thing: Thing, after: Iterable[Use]) -> Spread:
    """Sizes of a family cost by their virtual CPUs."""
    old = sum(use.value for use in thing.machines if use.quantity == "vcpu_time")
    new = sum(use.value for use in after if use.quantity == "vcpu_time")
    return Spread.of(new / old) if old else Spread.of(1.0)


RULES: Final = (
    Rule(rule_id="idle", find=idle, hours=Spread(0.5, 1, 4), risk="low", source=_CHECKS, url=_CHECKS_URL),
    Rule(rule_id="idle-suspected", find=idle_suspected, hours=Spread(1, 2, 6), risk="medium", source=_CHECKS, url=_CHECKS_URL),
    Rule(
        rule_id="oversized", find=oversized, hours=Spread(0.5, 2, 6), risk="medium",
        source="AWS Compute Optimizer, rightsizing of EC2 instances",
        url="https://docs.aws.amazon.com/compute-optimizer/latest/ug/view-ec2-recommendations.html",
    ),
    Rule(rule_id="unattached", find=unattached, hours=Spread(0.5, 1, 3), risk="low", source=_CHECKS, url=_CHECKS_URL),
    Rule(
        rule_id="snapshots", find=snapshots, hours=Spread(1, 3, 8), risk="low",
        source="Amazon Data Lifecycle Manager, retention of snapshots",
        url="https://docs.aws.amazon.com/ebs/latest/userguide/snapshot-lifecycle.html",
    ),
    Rule(
        rule_id="incomplete-uploads", find=incomplete_uploads, hours=Spread(0.2, 0.5, 1), risk="low",
        source="Amazon S3, lifecycle of incomplete multipart uploads",
        url="https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpu-abort-incomplete-mpu-lifecycle-config.html",
    ),
    Rule(
        rule_id="schedule", find=schedule, hours=Spread(1, 3, 8), risk="low",
        source="Instance Scheduler on AWS", url="https://docs.aws.amazon.com/solutions/latest/instance-scheduler-on-aws/",
    ),
)  # fmt: skip
