# SPDX-License-Identifier: Apache-2.0
"""What rules share: a machine that becomes another one, the next size down, and what a change of price saves."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import cache
from typing import Final

from lichen.catalogue import machines
from lichen.portfolio.scenarios import Spread
from lichen.service.bills.advice.finding import Use

_SIZES: Final = (
    re.compile(r"(?P<head>aws:(?:[a-z]+\.)?[a-z0-9-]+\.)(?P<size>[a-z0-9-]+)(?P<tail>(?:\.[a-z]+)?)"),
    re.compile(r"(?P<head>azure:(?:standard_)?[a-z]+)(?P<size>\d+)(?P<tail>[a-z0-9_]*)"),
    re.compile(r"(?P<head>gcp:[a-z0-9]+-[a-z]+-)(?P<size>\d+)(?P<tail>)"),
    re.compile(r"(?P<head>ovhcloud:[a-z]+\d+-)(?P<size>\d+)(?P<tail>)"),
    re.compile(r"(?P<head>scaleway:[a-z]+\d-)(?P<size>[a-z]+)(?P<tail>)"),
)
"""How providers write the size of a machine within its family."""


def saved(cost: Spread, ratio: Spread) -> Spread:
    """What is saved of a cost when the price becomes a ratio of what it was.

    >>> saved(Spread.of(100.0), Spread(0.75, 0.8, 1.05))
    Spread(low=-5.0, value=20.0, high=25.0)
    """
    ends = [amount * (1 - share) for amount in (cost.low, cost.high) for share in (ratio.low, ratio.high)]
    value = cost.value * (1 - ratio.value)
    return Spread(round(min(*ends, value), 9), round(value, 9), round(max(*ends, value), 9))


def number(platform: str, fact: str) -> float:
    """A fact of the catalogue; 0 where it is unknown."""
    found = (machines.find(platform) or {}).get(fact)
    return found if isinstance(found, float) else 0.0


def became(uses: Iterable[Use], old: str, new: str) -> tuple[Use, ...]:
    """The uses of a machine on another one that does the same work: more processors are less busy, fewer are busier.

    Baselines of burstable machines are the method's, and stay.
    """
    before, after = number(old, "vcpu"), number(new, "vcpu")
    ratio = after / before if before and after else 1.0
    found = []
    for use in uses:
        if use.platform != old:
            found.append(use)
            continue
        load = use.load
        told = use.attributes if load is None else {**use.attributes, "utilisation": min(1.0, load / ratio)}
        scale = ratio if use.quantity == "vcpu_time" else 1.0
        found.append(replace(use, platform=new, value=use.value * scale, attributes=told))
    return tuple(found)


@cache
def smaller(platform: str) -> str:
    """The largest size of the same family that has fewer virtual CPUs; empty where there is none.

    >>> smaller("aws:m5.xlarge"), smaller("azure:d4s_v3"), smaller("gcp:n2-standard-4"), smaller("aws:m5.large")
    ('aws:m5.large', 'azure:d2s_v3', 'gcp:n2-standard-2', '')
    """
    told = next((found for one in _SIZES if (found := one.fullmatch(platform))), None)
    if told is None:
        return ""
    pattern = re.compile(re.escape(told["head"]) + r"[a-z0-9-]+" + re.escape(told["tail"]))
    least, most_gib = number(platform, "vcpu"), number(platform, "memory_gib")
    known = machines.keys()
    sizes = [
        (number(key, "vcpu"), number(key, "memory_gib"), key)
        for key in known
        if pattern.fullmatch(key) and same_family(key, told)
    ]
    fitting = [one for one in sizes if 0 < one[0] < least and 0 < one[1] < most_gib]
    return max(fitting)[2] if fitting else ""


def same_family(key: str, told: re.Match[str]) -> bool:
    """Whether a key is a size of the family of a match."""
    found = next((one for pattern in _SIZES if (one := pattern.fullmatch(key))), None)
    return found is not None and (found["head"], found["tail"]) == (told["head"], told["tail"])


def mean_load(loads: Sequence[tuple[float, float]]) -> float:
    """Mean of loads by the seconds that they held."""
    return sum(load * seconds for load, seconds in loads) / sum(seconds for _, seconds in loads)


def percentile(loads: Sequence[tuple[float, float]], share: float) -> float:
    """The load below which a share of the time lies.

    Args:
        loads: in ascending order, with their seconds.

    >>> percentile([(0.1, 90.0), (0.7, 10.0)], 0.95), percentile([(0.1, 96.0), (0.7, 4.0)], 0.95)
    (0.7, 0.1)
    """
    left = share * sum(seconds for _, seconds in loads)
    for load, seconds in loads:
        left -= seconds
        if left <= 0:
            return load
    return loads[-1][0]
