# SPDX-License-Identifier: Apache-2.0
"""Processors and accelerators by name: makers' specifications, and the names that hypervisors give instead.

The tables beside this file hold facts: ``cpus.csv`` (one row per processor), ``accelerators.csv``, and ``families.csv`` (what a
hypervisor says when it hides the processor, with a typical host of that family). Each row names its source, a key of `SOURCES`.
"""

from __future__ import annotations

import csv
import difflib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

_FOLDER: Final = Path(__file__).parent
_NEAREST: Final = 3

SOURCES: Final[Mapping[str, str]] = {
    "amd-specifications": "AMD, product specifications, https://www.amd.com/en/products/specifications.html",
    "ampere-specifications": "Ampere Computing, Altra product briefs, https://amperecomputing.com",
    "cloud-carbon-footprint": "Cloud Carbon Footprint, methodology, https://www.cloudcarbonfootprint.org (Apache-2.0)",
    "cloud-provider-documentation": "Instance documentation of AWS, Azure and Google Cloud: cores and generation, no TDP",
    "codecarbon-cpu-power": "CodeCarbon 3.3, cpu_power.csv (MIT): TDP of processors made for one cloud; cores: provider",
    "intel-ark": "Intel, product specifications, https://ark.intel.com",
    "nvidia-datasheets": "NVIDIA, data sheets, https://www.nvidia.com/en-us/data-center/",
    "spec-power-results": "Hardware columns of SPECpower_ssj2008 results, https://www.spec.org/power_ssj2008/results/",
}
"""Where the specifications come from, by key. Retrieved in November 2026."""


@dataclass(frozen=True, slots=True)
class Cpu:
    """A processor as its maker specifies it, per chip; ``tdp_w`` is None where no maker publishes it."""

    name: str
    vendor: str
    cores: int
    threads: int
    tdp_w: float | None
    year: int
    architecture: str
    source: str


@dataclass(frozen=True, slots=True)
class Accelerator:
    """A graphics processor or another accelerator card; ``tdp_w`` is its maximum power as specified."""

    name: str
    vendor: str
    tdp_w: float
    year: int
    source: str


@dataclass(frozen=True, slots=True)
class Family:
    """What a hypervisor's name for its processor gives away, and a typical host of that family; None is unknown."""

    pattern: re.Pattern[str]
    label: str
    vendor: str | None
    architecture: str | None
    year: int | None
    host_threads: int | None
    host_tdp_w: float | None


@dataclass(frozen=True, slots=True)
class Match:
    """What a name was found to be: a processor, a hypervisor's family, or neither, with the nearest or all fitting names."""

    cpu: Cpu | None = None
    family: Family | None = None
    candidates: tuple[str, ...] = ()
    ambiguous: bool = False


def words(name: str) -> tuple[str, ...]:
    """The words that tell a processor: without trade marks, clock, core count, maker and filler words.

    >>> words("Intel(R) Xeon(R) Platinum 8370C CPU @ 2.80GHz")
    ('xeon', 'platinum', '8370c')
    >>> words("AMD EPYC 7763 64-Core Processor")
    ('epyc', '7763')
    """
    text = re.sub(r"\((r|tm|c)\)|[®™©]", " ", name.lower())
    text = re.sub(r"\(intel turbo.*?\)|\(amd turbo.*?\)", " ", text)
    text = re.sub(r"@|\(?\b\d+([.,]\d+)?\s*[gm]hz\b\)?|\b(\d+|dual|quad|six|eight|twelve|sixteen)-core\b", " ", text)
    text = re.sub(r"\bv(ersion)?\s+(?=\d)|\b(intel|amd|nvidia|cpu|processor|processors|the|genuine)\b", " ", text)
    text = re.sub(r"[^a-z0-9+.-]", " ", text)
    return tuple(word.strip("-.") for word in text.split() if word.strip("-."))


def _key(parts: tuple[str, ...]) -> str:
    return re.sub(r"[^a-z0-9+]", "", "".join(parts))


@cache
def _rows(table: str) -> tuple[Mapping[str, str], ...]:
    with (_FOLDER / table).open(encoding="utf-8", newline="") as file:
        return tuple(csv.DictReader(file))


@cache
def cpus() -> tuple[Cpu, ...]:
    """Every known processor."""
    return tuple(
        Cpu(
            name=row["name"],
            vendor=row["vendor"],
            cores=int(row["cores"]),
            threads=int(row["threads"]),
            tdp_w=float(row["tdp_w"]) if row["tdp_w"] else None,
            year=int(row["year"]),
            architecture=row["architecture"],
            source=row["source"],
        )
        for row in _rows("cpus.csv")
    )


@cache
def accelerators() -> tuple[Accelerator, ...]:
    """Every known accelerator card."""
    return tuple(
        Accelerator(row["name"], row["vendor"], float(row["tdp_w"]), int(row["year"]), row["source"])
        for row in _rows("accelerators.csv")
    )


@cache
def families() -> tuple[Family, ...]:
    """What hypervisors say, in the order in which it is tried."""
    return tuple(
        Family(
            pattern=re.compile(row["pattern"]),
            label=row["label"],
            vendor=row["vendor"] or None,
            architecture=row["architecture"] or None,
            year=int(row["year"]) if row["year"] else None,
            host_threads=int(row["host_threads"]) if row["host_threads"] else None,
            host_tdp_w=float(row["host_tdp_w"]) if row["host_tdp_w"] else None,
        )
        for row in _rows("families.csv")
    )


def find_cpu(name: str) -> Match:
    """What a processor's name stands for.

    Args:
        name: as ``/proc/cpuinfo``, a data sheet or a person writes it: ``EPYC 7763``, ``8370C``, ``Xeon E5-2699 v3``.

    Returns:
        The processor when exactly one fits; else the family that a hypervisor's name gives away; else the candidates: all that
        fit when several do (``ambiguous``), the nearest names when none does.
    """
    asked = words(name)
    fitting = list(_fitting(asked))
    if len(fitting) == 1:
        return Match(cpu=fitting[0])
    if fitting:
        return Match(candidates=tuple(cpu.name for cpu in fitting), ambiguous=True)
    plain = re.sub(r"[^a-z0-9]+", " ", " ".join(asked)).strip()
    for family in families():
        if family.pattern.fullmatch(plain):
            return Match(family=family)
    return Match(candidates=_nearest(asked, {cpu.name: words(cpu.name) for cpu in cpus()}))


def find_accelerator(name: str) -> tuple[Accelerator | None, tuple[str, ...]]:
    """The accelerator card of that name, or None and the names that fit or are nearest."""
    asked = words(name)
    known = {card.name: card for card in accelerators()}
    exact = [card for card in known.values() if _key(words(card.name)) == _key(asked)]
    fitting = exact or [card for card in known.values() if asked and set(asked) <= set(words(card.name))]
    if len(fitting) == 1:
        return fitting[0], ()
    if fitting:
        return None, tuple(card.name for card in fitting)
    return None, _nearest(asked, {card: words(card) for card in known})


def _fitting(asked: tuple[str, ...]) -> Iterator[Cpu]:
    """Processors of exactly this name, else those whose name ends with it: a model number is enough, a family is not."""
    key = _key(asked)
    if not any(character.isdigit() for character in key):
        return
    exact = [cpu for cpu in cpus() if _key(words(cpu.name)) == key]
    yield from exact or [cpu for cpu in cpus() if words(cpu.name)[-len(asked) :] == asked]


def _nearest(asked: tuple[str, ...], known: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    by_key = {_key(parts): name for name, parts in known.items()}
    return tuple(by_key[key] for key in difflib.get_close_matches(_key(asked), by_key, n=_NEAREST, cutoff=0.5))
