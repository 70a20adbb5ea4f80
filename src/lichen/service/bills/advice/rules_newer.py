# SPDX-License-Identifier: Apache-2.0
"""Rules on what has a cheaper or newer successor: machines, volumes, storage classes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Final

from lichen.catalogue import successors
from lichen.catalogue.successors import Successor
from lichen.portfolio.scenarios import Spread
from lichen.service.bills.advice.changing import became, saved
from lichen.service.bills.advice.evidence import MonthEvidence, Thing, billed_amount
from lichen.service.bills.advice.finding import Finding, Part, Rule, Use
from lichen.service.simulate.billed_prices import role_of

_SELDOM: Final = 1.0
_NEVER: Final = 0.1
"""Requests a month and gigabyte below which objects are read seldom, and hardly ever."""
_LEAST_GB: Final = 10.0


def old_generation(evidence: MonthEvidence) -> Iterator[Finding]:
    """Machines of a family that has a successor of the same kind."""
    return _machines(evidence, "generation", "old-generation")


def arm(evidence: MonthEvidence) -> Iterator[Finding]:
    """Machines with a sister whose processors are ARM: the software has to be built for them."""
    return _machines(evidence, "arm", "arm")


def old_volume(evidence: MonthEvidence) -> Iterator[Finding]:
    """Volumes of a kind that another one does the same as for less."""
    for thing in evidence.things:
        for platform in thing.platforms:
            successor = successors.find("volume", platform)
            if successor is None:
                continue
            uses = thing.of("storage_byte_seconds", platform)
            yield Finding(
                rule="old-volume", where=thing.where, confidence="billed",
                money=_money(evidence, thing, platform, successor), before=uses,
                after=tuple(replace(use, platform=successor.key) for use in uses),
                facts={"platform": platform, "to": successor.key, "stored_gb": _gb(evidence, thing, platform)},
            )  # fmt: skip


def storage_class(evidence: MonthEvidence) -> Iterator[Finding]:
    """Objects that are hardly read, by the requests on the bill of the bucket."""
    asked: dict[tuple[str, str], float] = {}
    for place, things in evidence.by_resource.items():
        asked[place] = sum(thing.amount("requests") for thing in things)
    for thing in evidence.things:
        stored_gb = _gb(evidence, thing, "aws:s3")
        place = thing.where.account, thing.where.resource
        if not thing.where.resource or stored_gb < _LEAST_GB or not evidence.long_enough:
            continue
        each = asked[place] / stored_gb
        successor = successors.find("never" if each < _NEVER else "seldom", "aws:s3") if each < _SELDOM else None
        if successor is None:
            continue
        uses = thing.of("storage_byte_seconds", "aws:s3")
        yield Finding(
            rule="storage-class", where=thing.where, confidence="billed",
            money=_money(evidence, thing, "aws:s3", successor), before=uses,
            after=tuple(replace(use, platform=successor.key) for use in uses),
            part=Part(low=0.5, value=1.0, high=1.0),
            facts={"to": successor.key, "stored_gb": stored_gb, "each": each},
        )  # fmt: skip


def _machines(evidence: MonthEvidence, kind: str, rule: str) -> Iterator[Finding]:
    for thing in evidence.things:
        for platform in dict.fromkeys(use.platform for use in thing.machines):
            successor = successors.find(kind, platform)
            if successor is None:
                continue
            before = tuple(use for use in thing.machines if use.platform == platform)
            yield Finding(
                rule=rule, where=thing.where, confidence="billed", money=_money(evidence, thing, platform, successor),
                before=before, after=became(before, platform, successor.key),
                facts={"platform": platform, "to": successor.key, "hours": _hours(evidence, before)},
            )  # fmt: skip


def _hours(evidence: MonthEvidence, uses: Iterable[Use]) -> float:
    return sum(billed_amount(use, evidence.seconds) for use in uses if use.quantity == "instance_time")


def _gb(evidence: MonthEvidence, thing: Thing, platform: str) -> float:
    return sum(billed_amount(use, evidence.seconds) for use in thing.of("storage_byte_seconds", platform))


def _money(evidence: MonthEvidence, thing: Thing, platform: str, successor: Successor) -> Spread | None:
    """What is saved: by the bill's own prices of both where it has them, else by the ratio of the table."""
    cost = evidence.cost_of(thing, platform)
    if cost is None:
        return None
    quantity = next(use.quantity for use in thing.uses if use.platform == platform and use.quantity != "vcpu_time")
    role = role_of(quantity, platform)
    known = evidence.ratio(role, platform, successor.key, thing.where.region) if role else None
    return saved(cost, known or Spread(successor.low, successor.ratio, successor.high))


RULES: Final = (
    Rule(
        rule_id="old-generation", find=old_generation, hours=Spread(0.5, 2, 8), risk="low",
        source="Amazon EC2, instance types and previous generations", url="https://aws.amazon.com/ec2/previous-generation/",
    ),
    Rule(
        rule_id="arm", find=arm, hours=Spread(2, 8, 40), risk="medium",
        source="AWS Graviton, technical guide", url="https://github.com/aws/aws-graviton-getting-started",
    ),
    Rule(
        rule_id="old-volume", find=old_volume, hours=Spread(0.1, 0.3, 1), risk="low",
        source="Amazon EBS, general purpose volumes",
        url="https://docs.aws.amazon.com/ebs/latest/userguide/general-purpose.html",
    ),
    Rule(
        rule_id="storage-class", find=storage_class, hours=Spread(0.5, 1, 4), risk="low",
        source="Amazon S3, storage classes", url="https://docs.aws.amazon.com/AmazonS3/latest/userguide/storage-class-intro.html",
    ),
)  # fmt: skip
