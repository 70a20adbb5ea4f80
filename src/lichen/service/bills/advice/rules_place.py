# SPDX-License-Identifier: Apache-2.0
"""Rules on where things run, and what crosses the network for it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from lichen.catalogue import regions
from lichen.catalogue.regions import Region
from lichen.portfolio.scenarios import Spread
from lichen.service.bills.advice.changing import saved
from lichen.service.bills.advice.evidence import MonthEvidence, Thing
from lichen.service.bills.advice.finding import AT_MOST, Finding, Rule, Use, Where
from lichen.service.bills.advice.weighing import CARBON, Scale
from lichen.service.simulate.billed_prices import role_of
from lichen.service.simulate.latency import latency

_WORTH: Final = 0.8
"""Climate figure of the new region over the old one's from which a move is not worth its work."""
_STAYS: Final = frozenset({"network_bytes"})
_ELSEWHERE: Final = Spread(0.8, 1.0, 1.2)
"""Price of a region over that of another, where it is not known."""
_THIRSTY: Final = 3
"""Water stress from which a region is no better place, unless the present one is as dry."""
_GREEN: Final = "Green Software Foundation, patterns: run in a region with cleaner electricity"
_GREEN_URL: Final = "https://patterns.greensoftware.foundation/catalog/cloud/"


def region_move(evidence: MonthEvidence) -> Iterator[Finding]:
    """All that an application rents in a region, in the cleanest region of the same provider on the continent."""
    groups: dict[tuple[str, str], list[Thing]] = {}
    for thing in evidence.things:
        if thing.where.region in regions.regions():
            groups.setdefault((thing.where.application, thing.where.region), []).append(thing)
    cleaner = {region: _cleaner(evidence, region) for region in sorted({region for _, region in groups})}
    for (application, region), things in sorted(groups.items()):
        new, old = cleaner[region], regions.get(region)
        before = summed(use for thing in things for use in thing.uses if use.quantity not in _STAYS)
        if new is None or not before:
            continue
        yield Finding(
            rule="region-move",
            where=Where(application=application, account="", service="", region=region, resource=""), confidence="billed",
            money=_moved(evidence, things, new), before=before,
            after=tuple(replace(use, region=new.key) for use in before), latency=latency(new.zone, old.zone),
            facts={
                "from": old.key, "to": new.key, "place": new.place,
                **({} if old.water_stress is None else {"stress": float(old.water_stress)}),
                **({} if new.water_stress is None else {"new_stress": float(new.water_stress)}),
            },
        )  # fmt: skip


def gateway_traffic(evidence: MonthEvidence) -> Iterator[Finding]:
    """What a NAT gateway is paid for: traffic to the provider's own storage can go around it at no charge."""
    platform = "aws:nat-gateway"
    for thing in evidence.things:
        moved = thing.amount("network_bytes", platform)
        if moved > 0:
            yield Finding(
                rule="gateway-traffic", where=thing.where, confidence="suspected", part=AT_MOST,
                money=evidence.cost_of(thing, platform), before=thing.of("network_bytes", platform), facts={"bytes": moved},
            )  # fmt: skip


def between_regions(evidence: MonthEvidence) -> Iterator[Finding]:
    """Traffic from one region to another."""
    for thing in evidence.things:
        uses = tuple(use for use in thing.of("network_bytes") if use.attributes.get("path") == "inter_region")
        whole = thing.amount("network_bytes")
        if not uses or len({use.quantity for use in thing.uses}) > 1:
            continue
        moved = sum(use.value for use in uses)
        yield Finding(
            rule="between-regions", where=thing.where, confidence="suspected", part=AT_MOST,
            money=thing.cost if moved == whole else None, before=uses, facts={"bytes": moved},
        )  # fmt: skip


def summed(uses: Iterator[Use]) -> tuple[Use, ...]:
    """The same uses, those that are alike as one."""
    found: dict[tuple[object, ...], Use] = {}
    for use in uses:
        place = use.quantity, use.platform, use.region, tuple(sorted(use.attributes.items()))
        known = found.get(place)
        found[place] = use if known is None else replace(known, value=known.value + use.value)
    return tuple(found.values())


def _cleaner(evidence: MonthEvidence, region: str) -> Region | None:
    """The region with the lowest climate figure for an hour of a processor; None where no other one is clearly lower."""
    here = regions.get(region)
    near = [
        one
        for one in regions.regions().values()
        if one.provider == here.provider
        and latency(one.zone, here.zone) in ("near", "continent")
        and (one.water_stress or 0) < max(_THIRSTY, (here.water_stress or 0) + 1)
    ]
    uses = [
        (Use(quantity="vcpu_time", value=1e6, platform=one.provider, region=one.key),) for one in (here, *near)
    ]  # fmt: skip
    figures = Scale(evidence.context.workspace, evidence.month).values(uses, CARBON)
    known = [(value, one) for value, one in zip(figures[1:], near, strict=True) if value is not None]
    if figures[0] is None or not known:
        return None
    value, best = min(known, key=lambda pair: (pair[0], pair[1].key))
    return best if best.key != region and value < _WORTH * figures[0] else None


def _moved(evidence: MonthEvidence, things: list[Thing], new: Region) -> Spread:
    """What a move saves of a cost: by prices of both regions where they are known, else nothing within a range."""
    found = Spread.of(0.0)
    for thing in things:
        ratios = [_ratio(evidence, use, new) for use in thing.uses if role_of(use.quantity, use.platform)]
        known = [one for one in ratios if one is not None]
        ratio = known[0] if len(thing.platforms) == 1 and known else _ELSEWHERE
        found += saved(thing.cost, ratio)
    return found


def _ratio(evidence: MonthEvidence, use: Use, new: Region) -> Spread | None:
    role, provider = role_of(use.quantity, use.platform), new.provider
    there = evidence.market.price(role, provider, new.key.partition(":")[2], use.platform)
    here = evidence.price(role, provider, use.region, use.platform)
    if there is None or there.elsewhere or not there.region or here is None or not here.low:
        return None
    after = evidence.price(role, provider, new.key, use.platform)
    return None if after is None else Spread(after.low / here.high, after.value / here.value, after.high / here.low)


RULES: Final = (
    Rule(
        rule_id="region-move", find=region_move, hours=Spread(24, 48, 120), risk="high", wide=True, source=_GREEN,
        url=_GREEN_URL,
    ),
    Rule(
        rule_id="gateway-traffic", find=gateway_traffic, hours=Spread(0.5, 2, 6), risk="low",
        source="Amazon VPC, pricing of NAT gateways", url="https://docs.aws.amazon.com/vpc/latest/userguide/nat-gateway-pricing.html",
    ),
    Rule(
        rule_id="between-regions", find=between_regions, hours=Spread(4, 16, 60), risk="medium",
        source="Amazon EC2, data transfer", url="https://aws.amazon.com/ec2/pricing/on-demand/",
    ),
)  # fmt: skip
