# SPDX-License-Identifier: Apache-2.0
"""A rule about meters of bills: on which of them it holds, and what they are."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from lichen.collect.bills.meter import Family, Meter, Reason
from lichen.collect.bills.units import BillUnit, Dimension
from lichen.records import AttributeValue, DataMethod

Attributes = Mapping[str, AttributeValue]

TEXTS: Final = (
    "service", "category", "operation", "charge", "pricing", "commitment", "capacity", "publisher", "details",
)  # fmt: skip
"""Columns of a meter that a rule sets conditions on, all of which must hold."""
KINDS: Final = ("meter", "description")
"""Columns that say the same in other words: where a rule has conditions on both, one suffices."""
READ_FROM: Final[Mapping[str, tuple[Dimension, ...]]] = {
    "instance_time": ("time", "unit_time"),
    "vcpu_time": ("time", "unit_time"),
    "gpu_time": ("time", "unit_time"),
    "storage_byte_seconds": ("byte_time",),
    "memory_byte_seconds": ("byte_time",),
    "network_bytes": ("bytes",),
    "requests": ("count",),
}
"""Quantity -> dimensions of a unit that tell it without a factor."""
PARTS: Final = ("memory_gib", "gpus", "ssd_gb")
"""What of a machine may be billed apart: facts of the catalogue."""
MACHINE: Final = "{machine}"
"""Platform of a rule: the type that the line names, else the family of machines, else the provider."""


@dataclass(frozen=True, slots=True)
class Pattern:
    """Texts that a condition accepts.

    Attributes:
        wanted: one of them must be found; empty: any text.
        refused: none of them may be found.
    """

    wanted: tuple[re.Pattern[str], ...] = ()
    refused: tuple[re.Pattern[str], ...] = ()

    def accepts(self, text: str) -> bool:
        """Whether a text is one of those."""
        if any(one.search(text) for one in self.refused):
            return False
        return not self.wanted or any(one.search(text) for one in self.wanted)


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A quantity that a rule reads out of a bill's unit.

    Attributes:
        factor: of the quantity per one of what the unit counts: per second, byte or piece; where a volume becomes time, per
            gigabyte; where a time becomes a volume, gigabytes.
        factors: the same by meter, where a meter names a size (a disk of a price list): the first that fits counts.
        platform: key of the catalogue; empty: the rule's. `MACHINE` is the machine that the line names.
        attributes: besides the rule's.
        method: None: the rule's.
    """

    quantity: str
    factor: float | None = None
    factors: tuple[tuple[Pattern, float], ...] = ()
    platform: str = ""
    attributes: Attributes = field(default_factory=dict)
    method: DataMethod | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What a kind of meters is.

    Attributes:
        provider: empty: any.
        texts: column -> condition, all of which must hold.
        kinds: conditions on meter and description, one of which must hold where the text is known.
        units: dimensions of the unit for which it holds; empty: any.
        priority: rules of a higher one are asked first.
        reason: why there are no amounts.
        instance: whether the line is the time of a machine of the type that it names.
        names: how the catalogue writes that type, ``{type}`` as the bill has it, ``{bare}`` without the prefix of a service;
            the first that is known counts.
        copies: machines that run for one that is billed (a standby).
        cores: virtual CPUs per billed one, where the unit counts those of the machine that the line names, whose memory is
            billed apart; 0: it does not.
        part: what the line bills apart of a machine: a fact of the catalogue's machines. Where it names a machine that has
            one, whose time tells of it already, the amounts are said to be within that machine.
        told: quantities, where it is no machine.
        unit: what the bill's unit really is, where its word is another.
        binary: whether the provider's GB are 2^30 bytes.
    """

    name: str
    provider: str
    family: Family
    texts: Mapping[str, Pattern]
    kinds: Mapping[str, Pattern]
    units: tuple[Dimension, ...] = ()
    priority: int = 0
    reason: Reason | None = None
    instance: bool = False
    names: tuple[str, ...] = ("{type}",)
    copies: float = 1.0
    cores: float = 0.0
    part: str = ""
    told: tuple[Told, ...] = ()
    platform: str = ""
    attributes: Attributes = field(default_factory=dict)
    method: DataMethod = "metered"
    unit: BillUnit | None = None
    binary: bool = False

    def serves(self, service: str) -> bool:
        """Whether the condition on the service holds; where no service is told, that on the meter decides."""
        return "service" not in self.texts or (
            (not service and "meter" in self.kinds) or self.texts["service"].accepts(service)
        )

    def concerns(self, meter: Meter, unit: BillUnit | None) -> bool:
        """Whether its conditions hold, that on the service aside."""
        if self.units and (unit is None or unit.dimension not in self.units):
            return False
        return self._kind(meter) and all(
            pattern.accepts(text_of(meter, column)) for column, pattern in self.texts.items() if column != "service"
        )

    def _kind(self, meter: Meter) -> bool:
        if not self.kinds:
            return True
        return any((text := text_of(meter, column)) and pattern.accepts(text) for column, pattern in self.kinds.items())


@dataclass(frozen=True, slots=True, kw_only=True)
class Types:
    """Where a provider's bills name the type of a machine.

    Attributes:
        patterns: column and pattern whose group ``type`` is one; asked in this order.
        keys: keys of ``details`` that hold one.
        vcpus, memory_gib: keys of ``details`` that hold how large it is.
        blocks: whether a number before a unit is the block that a price is for, and no part of what is counted: 17 of
            ``10 Hours`` are 17 hours.
    """

    patterns: tuple[tuple[str, re.Pattern[str]], ...] = ()
    keys: tuple[str, ...] = ()
    vcpus: tuple[str, ...] = ()
    memory_gib: tuple[str, ...] = ()
    blocks: bool = False


def text_of(meter: Meter, column: str) -> str:
    """The text of a column, ``category`` being short for ``service_category``."""
    return str(getattr(meter, "service_category" if column == "category" else column))
