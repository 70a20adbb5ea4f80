# SPDX-License-Identifier: Apache-2.0
"""What a meter is, by rules that are data: one TOML file for each provider in ``mapping/``, and files of the user's own.

A rule says what one of a bill's unit counts (seconds of an instance, of virtual CPUs, bytes held or moved, requests) and of
which platform; never what that costs the planet. `lichen.collect.bills.mapping_file` reads the files and names their words.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from lichen.catalogue import machines
from lichen.collect.bills.instances import core_family, find_instance, nearest, size_of
from lichen.collect.bills.mapping_file import load
from lichen.collect.bills.mapping_rule import MACHINE, READ_FROM, Attributes, Rule, Told, Types, text_of
from lichen.collect.bills.meter import Amount, Family, Meter, Reason, Understood
from lichen.collect.bills.units import BillUnit, Dimension, parse_unit
from lichen.records import DataMethod
from lichen.units import BYTE_PER_GB, BYTE_PER_GIB

_BYTE_QUANTITIES: Final = ("storage_byte_seconds", "memory_byte_seconds")
_CONVERTED: Final[Mapping[str, tuple[Dimension, ...]]] = {
    "vcpu_time": ("byte_time", "bytes", "count"),
    "gpu_time": ("byte_time", "bytes", "count"),
    "storage_byte_seconds": ("time", "unit_time"),
    "memory_byte_seconds": ("time", "unit_time"),
    "requests": ("bytes", "time", "unit_time"),
    "network_bytes": ("count",),
}
"""Quantity -> dimensions that tell it only times a factor."""
_BLOCK: Final = re.compile(r"^\d[\d,]*\s*(?=[A-Za-z/]{2})")
"""A number before a unit; those of ``10K`` and ``1M`` are no block."""
_THOUSANDS: Final = re.compile(r"(?<=\d),(?=\d{3}(?!\d))")
"""Commas in ``3,904 GiB``."""
_HELD: Final[Attributes] = {"beside": "vcpu_time"}
"""Attributes of memory whose making virtual CPUs carry, wherever a load or a standby sets these apart."""
_OF_SERVICE: Final = re.compile(
    r"^(?:db|docdb|cache|dax|dms|mq|ml|kafka|bc)\.|\.(?:search|elasticsearch)$", re.IGNORECASE
)
"""What services put around the type of the machine behind."""


@dataclass(frozen=True, slots=True)
class Named:
    """The machine that a line names."""

    types: tuple[str, ...]
    vcpus: float | None
    memory_gib: float | None


class Rules:
    """Rules of all providers, in the order in which they are asked."""

    def __init__(self, rules: Sequence[Rule], types: Mapping[str, Types], digest: str) -> None:
        self._rules = tuple(sorted(rules, key=lambda rule: -rule.priority))
        self._types = types
        self._candidates = functools.lru_cache(maxsize=4096)(self._of_service)
        self.hash = digest
        """Of all files: another one means that a bill may be understood otherwise."""

    @property
    def rules(self) -> tuple[Rule, ...]:
        """All rules, in the order in which they are asked."""
        return self._rules

    @staticmethod
    def load(extra: Sequence[Path] = ()) -> Rules:
        """The rules that come with Lichen, and those of the user's files, which are asked first.

        Args:
            extra: TOML files.

        Raises:
            ConfigError: a file cannot be read, or says what no rule can say.
        """
        return Rules(*load(extra))

    def understand(self, meter: Meter) -> Understood:
        """What a meter is: the first rule that concerns it says so."""
        unit = parse_unit(_BLOCK.sub("1 ", meter.unit) if self._of(meter.provider).blocks else meter.unit)
        named: Named | None = None
        for rule in self._candidates(meter.provider, meter.service):
            if not rule.concerns(meter, unit):
                continue
            if rule.reason is not None:
                return Understood(family=rule.family, reason=rule.reason, rule=rule.name)
            named = named or self._named(meter)
            if rule.cores:
                return _cores(rule, meter, unit, named)
            if not rule.instance:
                return _understood(rule, meter, unit, named)
            if named.types or named.vcpus:
                return _machine(rule, meter, unit, named)
        return Understood(family=family_of(meter), reason=Reason.NO_RULE)

    def _of_service(self, provider: str, service: str) -> tuple[Rule, ...]:
        """Rules whose conditions on provider and service hold."""
        return tuple(rule for rule in self._rules if rule.provider in ("", provider) and rule.serves(service))

    def _of(self, provider: str) -> Types:
        return self._types.get(provider, self._types[""])

    def _named(self, meter: Meter) -> Named:
        types = self._of(meter.provider)
        details = _details(meter.details)
        found = [meter.instance_type, *(str(details[key]) for key in types.keys if details.get(key))]
        for column, pattern in types.patterns:
            if match := pattern.search(text_of(meter, column)):
                found.append(match["type"])
        written = tuple(dict.fromkeys(one.strip() for one in found if one and one.strip()))
        return Named(written, _number(details, types.vcpus), _number(details, types.memory_gib))


def family_of(meter: Meter) -> Family:
    """Family of a meter that no rule knows, by the category of FOCUS."""
    for word, family in _CATEGORIES:
        if word in meter.service_category.lower():
            return family
    return Family.OTHER


_CATEGORIES: Final = (
    ("ai ", Family.AI),
    ("machine learning", Family.AI),
    ("analytics", Family.ANALYTICS),
    ("database", Family.DATABASE),
    ("compute", Family.COMPUTE),
    ("storage", Family.STORAGE),
    ("network", Family.NETWORK),
)


def _understood(rule: Rule, meter: Meter, unit: BillUnit | None, named: Named) -> Understood:
    counted = _counted(rule, unit)
    if counted is None:
        reason = Reason.UNKNOWN_UNIT if meter.unit else Reason.NO_QUANTITY
        return Understood(family=rule.family, reason=reason, rule=rule.name)
    amounts, within = [], _within(rule, meter, named)
    for told in rule.told:
        per_unit = _per_unit(told, _factor(told, meter), counted, BYTE_PER_GIB if rule.binary else BYTE_PER_GB)
        if per_unit is None:
            return Understood(family=rule.family, reason=Reason.UNKNOWN_UNIT, rule=rule.name)
        amount = Amount(
            quantity=told.quantity,
            per_unit=per_unit,
            platform=_platform(rule, told.platform or rule.platform, meter, named),
            monthly=counted.monthly,
            attributes={
                **rule.attributes,
                **_beside(rule, told),
                **told.attributes,
                **_idle(meter, told.quantity),
                **within,
            },
            method=told.method or rule.method,
        )
        amounts.append(amount)
    return Understood(family=rule.family, amounts=tuple(amounts), rule=rule.name)


def _beside(rule: Rule, told: Told) -> Attributes:
    """Whether memory comes with virtual CPUs, whose making is that of a server with its memory."""
    processors = any(other.quantity == "vcpu_time" for other in rule.told)
    return _HELD if told.quantity == "memory_byte_seconds" and processors else {}


def _counted(rule: Rule, unit: BillUnit | None) -> BillUnit | None:
    counted = unit if rule.unit is None else rule.unit
    return None if counted is None else counted.binary() if rule.binary else counted


def _factor(told: Told, meter: Meter) -> float | None:
    """Of the amount, or of the size that the meter names."""
    texts = (meter.meter, meter.description)
    sizes = (size for pattern, size in told.factors if any(text and pattern.accepts(text) for text in texts))
    return next(sizes, told.factor)


def _per_unit(told: Told, factor: float | None, unit: BillUnit, byte_per_gb: float) -> float | None:
    """Of the quantity per one of the bill's unit; None where the unit does not tell it.

    Args:
        byte_per_gb: bytes of the gigabytes that a factor is of.
    """
    if unit.dimension in READ_FROM[told.quantity]:
        return unit.scale * (1.0 if factor is None else factor)
    if factor is None or unit.dimension not in _CONVERTED.get(told.quantity, ()):
        return None
    if told.quantity in _BYTE_QUANTITIES or told.quantity == "network_bytes":
        return unit.scale * factor * byte_per_gb
    if unit.dimension in ("byte_time", "bytes"):
        return unit.scale / byte_per_gb * factor
    return unit.scale * factor


def _platform(rule: Rule, written: str, meter: Meter, named: Named) -> str:
    """A rule's platform; of the machine that the line names: its type, else its family, else the provider."""
    if written != MACHINE:
        return written
    known = (key for key in _keys(rule, meter.provider, named) if vcpus_of(key))
    texts = (*named.types, meter.meter, meter.description)
    families = (family for text in texts if (family := core_family(meter.provider, text)))
    return next(known, None) or next(families, meter.provider)


def _within(rule: Rule, meter: Meter, named: Named) -> Attributes:
    """The machine that a part is of, where its time tells of that part already."""
    if not rule.part:
        return {}
    key = next((key for key in _keys(rule, meter.provider, named) if vcpus_of(key)), "")
    facts = machines.find(key) or {}
    return {"within": key} if "kind" in facts and facts.get(rule.part) else {}


def _cores(rule: Rule, meter: Meter, unit: BillUnit | None, named: Named) -> Understood:
    """The time of a machine's virtual CPUs, and of the machine where its type tells how many it has."""
    counted = _counted(rule, unit)
    if counted is None or counted.dimension not in READ_FROM["vcpu_time"]:
        reason = Reason.UNKNOWN_UNIT if meter.unit else Reason.NO_QUANTITY
        return Understood(family=rule.family, reason=reason, rule=rule.name)
    key = _platform(rule, rule.platform or MACHINE, meter, named)
    scale = counted.scale * rule.cores * rule.copies
    if vcpus := vcpus_of(key):
        amounts = _times(rule, meter, counted, key, vcpus, rule.method, rule.cores / vcpus)
    else:
        used = Amount(
            quantity="vcpu_time", per_unit=scale, platform=key, monthly=counted.monthly, method=rule.method,
            attributes={**rule.attributes, **_idle(meter, "vcpu_time"), **_standby(rule)},
        )  # fmt: skip
        amounts = (used,)
    return Understood(family=rule.family, amounts=amounts, rule=rule.name)


def _standby(rule: Rule) -> Attributes:
    """Machines that run for one that is billed, where there are several."""
    return {} if rule.copies == 1 else {"standby": rule.copies}


def _idle(meter: Meter, quantity: str) -> Attributes:
    """Capacity that is reserved and unused runs idle."""
    return {"utilisation": 0.0} if meter.capacity == "unused" and quantity in ("vcpu_time", "instance_time") else {}


def _machine(rule: Rule, meter: Meter, unit: BillUnit | None, named: Named) -> Understood:
    """The time of a machine: of its type, of the nearest one, or of as many virtual CPUs as the bill says it has."""
    counted = _counted(rule, unit)
    if counted is None or counted.dimension not in READ_FROM["instance_time"]:
        reason = Reason.UNKNOWN_UNIT if meter.unit else Reason.NO_QUANTITY
        return Understood(family=rule.family, reason=reason, rule=rule.name)
    time = functools.partial(_times, rule, meter, counted)
    for key in _keys(rule, meter.provider, named):
        if vcpus := vcpus_of(key):
            return Understood(family=rule.family, amounts=time(key, vcpus, rule.method), rule=rule.name)
    for meant in named.types:
        near = nearest(meter.provider, meant)
        if near is not None and (vcpus := vcpus_of(near.platform)):
            share = named.vcpus / vcpus if named.vcpus else near.share
            amounts = time(near.platform, vcpus, "proxy", share)
            return Understood(family=rule.family, amounts=amounts, nearest=meant, rule=rule.name)
    size = next((found for one in named.types if (found := size_of(meter.provider, one))), None)
    vcpus = named.vcpus or (size.vcpus if size else None)
    memory_gib = named.memory_gib or (size.memory_gib if size else None)
    if not vcpus:
        return Understood(family=rule.family, reason=Reason.NO_RULE, rule=rule.name)
    key = _platform(rule, MACHINE, meter, named)
    made = functools.partial(Amount, platform=key, monthly=counted.monthly, method=rule.method)
    scale = counted.scale * rule.copies
    busy = {**rule.attributes, **_idle(meter, "vcpu_time")}
    amounts = (made(quantity="vcpu_time", per_unit=scale * vcpus, attributes=busy),)
    if memory_gib:
        held_byte_s = scale * memory_gib * BYTE_PER_GIB
        amounts += (made(quantity="memory_byte_seconds", per_unit=held_byte_s, attributes=_held(rule)),)
    return Understood(family=rule.family, amounts=amounts, rule=rule.name)


def _times(
    rule: Rule, meter: Meter, unit: BillUnit, key: str, vcpus: float, method: DataMethod, share: float = 1.0
) -> tuple[Amount, ...]:
    """Seconds of an instance and of its virtual CPUs.

    Args:
        share: of the machine, where another size of it is meant.
    """
    attributes = {**rule.attributes, **_idle(meter, "vcpu_time"), **_standby(rule)}
    made = functools.partial(Amount, platform=key, monthly=unit.monthly, method=method)
    time_s = unit.scale * rule.copies * share
    reserved = made(quantity="instance_time", per_unit=time_s, attributes=attributes)
    used = made(quantity="vcpu_time", per_unit=time_s * vcpus, attributes=attributes)
    facts = machines.find(key) or {}
    if "kind" in facts or "memory_gib" not in facts:
        return (reserved, used)
    # Its size is known, its host is not: what it has is counted apart.
    held_byte_s = time_s * float(facts["memory_gib"]) * BYTE_PER_GIB
    held = made(quantity="memory_byte_seconds", per_unit=held_byte_s, attributes=_held(rule))
    if "gpus" not in facts:
        return (used, held)
    cards = made(quantity="gpu_time", per_unit=time_s * float(facts["gpus"]), attributes=_loadless(rule))
    return (used, held, cards)


def _held(rule: Rule) -> Attributes:
    """Attributes of the memory of a machine whose virtual CPUs are another amount."""
    return {**_loadless(rule), **_HELD}


def _loadless(rule: Rule) -> Attributes:
    """A rule's attributes but the load, which is that of processors."""
    return {name: value for name, value in rule.attributes.items() if name != "utilisation"}


def vcpus_of(key: str) -> float | None:
    """Virtual CPUs of a machine of the catalogue; None where it tells none."""
    facts = machines.find(key) or {}
    found = facts.get("vcpu") or facts.get("ccf_vcpus")
    return float(found) if found else None


def _keys(rule: Rule, provider: str, named: Named) -> Iterator[str]:
    """Keys of the catalogue that a line may mean, the likeliest first."""
    for written in named.types:
        bare = _OF_SERVICE.sub("", written)
        for name in rule.names:
            full = name.format(type=written, bare=bare)
            if machines.find(key := f"{provider}:{full.lower()}"):
                yield key
            elif known := find_instance(provider, full):
                yield known


def _details(text: str) -> Mapping[str, Any]:
    """Properties of a SKU; Google writes them as a list of keys and values."""
    if not text.startswith(("{", "[")):
        return {}
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    if isinstance(found, list):
        return {str(one["key"]): one.get("value") for one in found if isinstance(one, dict) and "key" in one}
    return found if isinstance(found, dict) else {}


def _number(details: Mapping[str, Any], keys: Sequence[str]) -> float | None:
    for key in keys:
        match = re.match(r"\s*(\d+(?:\.\d+)?)", _THOUSANDS.sub("", str(details.get(key, ""))))
        if match and float(match[1]) > 0:
            return float(match[1])
    return None
