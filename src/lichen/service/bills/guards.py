# SPDX-License-Identifier: Apache-2.0
"""Figures that cannot be: what a method makes of a bill is held against physics, platform by platform.

A method or a factor that is wrong by a unit, a divisor or a blank line gives figures that look like any others. The bounds here
are wide enough for each honest model, and published tools would have failed each of them: manufacture divided by the vCPUs
twice, a burstable instance on a host of eight vCPUs, manufacture reported as kilowatt-hours, gigabyte-months read as byte-hours,
grids of several regions added up, and a processor's power averaged over the wrong servers.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, Final

from lichen.catalogue import machines
from lichen.model.method import Method
from lichen.records import AttributeValue
from lichen.service.evaluation import evaluate_activities, parse_document
from lichen.service.workspace import Workspace
from lichen.units import BYTE_PER_GB, SECOND_PER_HOUR, WATT_PER_KILOWATT

GRAM_PER_KG: Final = 1000.0
GB_PER_TB: Final = 1000.0
HOUR_PER_YEAR: Final = 8766.0


class Guard(StrEnum):
    """What is looked at."""

    VCPU_POWER = "vcpu_power"
    """Power of a rented vCPU with its memory, at the facility's meter [W]."""
    RECENT_VCPU_POWER = "recent_vcpu_power"
    """The same of a processor of 2019 or later, with more for much memory [W]."""
    REFERENCE_POWER = "reference_power"
    """Power of an m5.xlarge, which every published model has a figure of [W]."""
    STORAGE_POWER = "storage_power"
    """Power of a rented terabyte with all its copies [W/TB]."""
    GRID = "grid"
    """Climate figure of a delivered kilowatt-hour [gCO2e/kWh]."""
    MAKING = "making"
    """Manufacture of a vCPU that is rented for a year [kgCO2e]."""
    MAKING_ALIKE = "making_alike"
    """Manufacture per vCPU of a family's largest figure over its smallest [1]: an instance twice as large holds twice as much."""
    MAKING_AS_ENERGY = "making_as_energy"
    """Energy in the manufacture of what is rented [kWh]: nobody's meter counts it."""


BOUNDS: Final[Mapping[Guard, tuple[float, float]]] = {
    Guard.VCPU_POWER: (0.2, 12.0),
    Guard.RECENT_VCPU_POWER: (0.2, 5.0),
    Guard.REFERENCE_POWER: (10.0, 28.0),
    Guard.STORAGE_POWER: (0.3, 40.0),
    Guard.GRID: (5.0, 1300.0),
    Guard.MAKING: (0.4, 12.0),
    Guard.MAKING_ALIKE: (1.0, 3.0),
    Guard.MAKING_AS_ENERGY: (0.0, 0.0),
}
"""Guard -> smallest and largest figure that can be.

m5.xlarge: 10 to 25 W at the plug in three published models, and the facility around it. Manufacture: 600 to 6000 kg a server
over 4 to 6 years and 32 to 256 vCPUs. Grids: from Norway's (5 g) to a country of lignite alone (1300 g).
"""

UNITS: Final[Mapping[Guard, str]] = {
    Guard.STORAGE_POWER: "W/TB", Guard.GRID: "gCO2e/kWh", Guard.MAKING: "kgCO2e", Guard.MAKING_ALIKE: "1",
    Guard.MAKING_AS_ENERGY: "kWh",
}  # fmt: skip
"""Guard -> unit, where it is not watts."""

REFERENCE: Final = "aws:m5.xlarge"
OLD: Final = frozenset(
    {"sandybridge", "ivybridge", "haswell", "broadwell", "skylake", "coffeelake", "zen1", "cortex_a72"}
)
"""Architectures before 2019."""
USUAL_GIB: Final = 8.0
EXTRA_W_PER_GIB: Final = 0.7
"""Memory per vCPU up to which a recent one keeps within its bound, and what each GiB above may add."""
_APART: Final = frozenset({"storage_byte_seconds", "network_bytes", "requests"})
"""Quantities that are no work of processors, even where one platform has both."""
_COMPUTED: Final = frozenset({"vcpu_time", "instance_time"})
_SEEN: Final = frozenset({"energy", "gwp100"})
"""Indicators that a guard looks at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rented:
    """A physical quantity of a bill, summed over a platform in a region.

    Attributes:
        value: in the quantity's canonical unit.
        attributes: what the method reads besides, such as ``storage_class``.
    """

    platform: str
    quantity: str
    value: float
    region: str = ""
    attributes: Mapping[str, AttributeValue] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Doubt:
    """A figure out of its bounds.

    Attributes:
        platform: whose figure it is; a family for `Guard.MAKING_ALIKE`.
        value, low, high: the figure and its bounds, in ``unit``.
    """

    guard: Guard
    platform: str
    region: str
    value: float
    low: float
    high: float
    unit: str


@dataclass(slots=True)
class _Sums:
    """What is rented of a platform in a region, and what the method makes of it."""

    platform: str
    region: str
    quantities: dict[str, float] = field(default_factory=dict)
    energy_kwh: float = 0.0
    making_kwh: float = 0.0
    gwp100_use_g: float = 0.0
    gwp100_making_g: float = 0.0

    @property
    def facts(self) -> Mapping[str, float | str]:
        return machines.find(self.platform) or {}

    def fact(self, name: str) -> float:
        """A fact that is a number; nothing where it is unknown."""
        found = self.facts.get(name)
        return found if isinstance(found, float) else 0.0

    @property
    def vcpu_h(self) -> float:
        """Hours of vCPUs, those of an instance where only its own are told."""
        told = self.quantities.get("vcpu_time", 0.0)
        return (told or self.quantities.get("instance_time", 0.0) * self.fact("vcpu")) / SECOND_PER_HOUR

    @property
    def vcpu_w(self) -> float:
        return self.energy_kwh * WATT_PER_KILOWATT / self.vcpu_h

    @property
    def making_kg(self) -> float:
        """Manufacture of a vCPU that is rented for a year."""
        return self.gwp100_making_g / GRAM_PER_KG / self.vcpu_h * HOUR_PER_YEAR


def doubts(workspace: Workspace, method: Method, rented: Iterable[Rented]) -> tuple[Doubt, ...]:
    """What a method makes of a bill that cannot be.

    Args:
        method: the method that is doubted, under the workspace's factors.
        rented: physical quantities of a bill, summed by platform, region, quantity and attributes.

    Returns:
        One doubt for each guard and platform in the order of platforms; none where nothing can be said.
    """
    sums = _evaluated(workspace, method, rented)
    found = [doubt for one in sums for doubt in _doubted(one)]
    return (*found, *_uneven(sums))


def _evaluated(workspace: Workspace, method: Method, rented: Iterable[Rented]) -> list[_Sums]:
    """Impacts by platform and region; storage, traffic and requests apart from what one platform does besides."""
    entities: dict[tuple[str, str, str], str] = {}
    found: dict[str, _Sums] = {}
    rows: list[dict[str, Any]] = []
    for one in sorted(rented, key=lambda r: (r.platform, r.region, r.quantity)):
        place = (one.platform, one.region, one.quantity if one.quantity in _APART else "")
        entity = entities.setdefault(place, f"bill/{len(entities)}")
        sums = found.setdefault(entity, _Sums(one.platform, one.region))
        sums.quantities[one.quantity] = sums.quantities.get(one.quantity, 0.0) + one.value
        row = {
            "entity": entity,
            "quantity": one.quantity,
            "value": one.value,
            "tier": "server",
            "platform": one.platform,
        }
        rows.append({**row, **one.attributes, **({"region": one.region} if one.region else {})})
    activities, context = parse_document(workspace, {"activities": rows})
    seen = replace(
        method,
        rules=tuple(rule for rule in method.rules if rule.indicator in _SEEN),
        derivations=tuple(one for one in method.derivations if one.indicator in _SEEN),
    )
    for impact in evaluate_activities(workspace, seen, activities, context, on=None).impacts:
        if impact.accounting != "location":
            continue
        sums = found[impact.entity]
        match impact.indicator, impact.phase:
            case "energy", "use":
                sums.energy_kwh += impact.value
            case "energy", "embodied":
                sums.making_kwh += impact.value
            case "gwp100", "use":
                sums.gwp100_use_g += impact.value
            case "gwp100", "embodied":
                sums.gwp100_making_g += impact.value
    return list(found.values())


def _doubted(sums: _Sums) -> Iterator[Doubt]:
    """What is wrong with the figures of one platform."""
    if sums.making_kwh:
        yield from _outside(Guard.MAKING_AS_ENERGY, sums, sums.making_kwh)
    if sums.energy_kwh:
        yield from _outside(Guard.GRID, sums, sums.gwp100_use_g / sums.energy_kwh)
    stored_tb_h = sums.quantities.get("storage_byte_seconds", 0.0) / BYTE_PER_GB / GB_PER_TB / SECOND_PER_HOUR
    if stored_tb_h and sums.energy_kwh:
        yield from _outside(Guard.STORAGE_POWER, sums, sums.energy_kwh * WATT_PER_KILOWATT / stored_tb_h)
    if _COMPUTED.isdisjoint(sums.quantities) or not sums.vcpu_h or sums.fact("gpus"):
        return
    if sums.energy_kwh:
        yield from _power(sums)
    if sums.gwp100_making_g:
        yield from _outside(Guard.MAKING, sums, sums.making_kg)


def _power(sums: _Sums) -> Iterator[Doubt]:
    """Power of vCPUs, by what is known of them."""
    wide = tuple(_outside(Guard.VCPU_POWER, sums, sums.vcpu_w))
    yield from wide
    kind, vcpus = sums.facts.get("vcpu_kind"), sums.fact("vcpu")
    if not wide and vcpus and kind is not None and kind not in OLD:
        memory_gib = sums.fact("memory_gib") / vcpus
        allowed_w = EXTRA_W_PER_GIB * max(0.0, memory_gib - USUAL_GIB)
        yield from _outside(Guard.RECENT_VCPU_POWER, sums, sums.vcpu_w, allowed_w)
    if sums.platform == REFERENCE:
        yield from _outside(Guard.REFERENCE_POWER, sums, sums.vcpu_w * vcpus)


def _outside(guard: Guard, sums: _Sums, value: float, more: float = 0.0) -> Iterator[Doubt]:
    """A doubt where a figure is out of bounds, the upper of which may be raised; one that is no number is out of all."""
    low, high = BOUNDS[guard][0], BOUNDS[guard][1] + more
    if math.isnan(value) or not low <= value <= high:
        unit = UNITS.get(guard, "W")
        yield Doubt(guard=guard, platform=sums.platform, region=sums.region, value=value, low=low, high=high, unit=unit)


def _uneven(sums: Iterable[_Sums]) -> Iterator[Doubt]:
    """Families whose sizes differ in manufacture per vCPU by more than their memory can explain."""
    families: dict[str, list[float]] = {}
    for one in sums:
        family, dot, _ = one.platform.partition(".")
        if dot and one.vcpu_h and one.gwp100_making_g and not one.fact("gpus"):
            families.setdefault(family, []).append(one.making_kg)
    for family, figures in sorted(families.items()):
        yield from _outside(Guard.MAKING_ALIKE, _Sums(family, ""), max(figures) / min(figures))
