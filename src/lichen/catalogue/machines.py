# SPDX-License-Identifier: Apache-2.0
"""Cloud instances, servers and end-user devices by key: ``aws:m5.xlarge``, ``server:m5.metal``, ``terminal:laptop-pro``.

Each table beside this file has a column ``key`` and, after it, facts: specifications, never impacts. Tables that share a key
complete each other; where two know the same fact, the first in the order of `TABLES` counts. An instance names its host in the
column ``host`` and has the host's facts besides its own. An empty cell is an unknown fact: the entry does not have it.

=====================  ==========================================================================================
fact                   meaning
=====================  ==========================================================================================
kind                   ``instance``, ``server`` or ``terminal``
vcpu, memory_gib,      what is rented or built in: hardware threads, memory [GiB], local solid-state and hard disks [GB, as
ssd_gb, hdd_gb, gpus   their providers state them], graphics processors
processors,            the same, counted in parts of the host: processors by vCPU, memory modules and drives by
memory_modules,        capacity; fractions for an instance. ``host_share`` is the share of the host's vCPUs
ssd_drives, hdd_drives
cpu, cpu_family        the processor's name and microarchitecture
host_processors,       processors of the host; cores and hardware threads of each, its thermal design power [W], the
cores_per_cpu,         area of its dies [mm²]
threads_per_cpu,
cpu_tdp_w, cpu_die_mm2
curve_a_w, curve_b,    power of one processor [W] at the load u [1]: ``a ln(b (u + c)) + d``
curve_c, curve_d_w
memory_module_gib,     capacity of one memory module and of the module whose power is typical for it [GiB], of one drive [GB]
dimm_gib,
ssd_drive_gb,
hdd_drive_gb
gpu, gpu_*             the graphics processor: area of wafer that its dies [mm²] and its memory take [mm²], its board [cm²],
                       mass of casing, heat sink and all of it [kg]
psus, psu_kg           power supplies of the host, and the mass of one [kg]
lifetime_h             years of service, in hours
model, power_w,        of a terminal: its type, power while it is used [W], share of its life in which it is used
use_share
vcpu_kind,             architecture of the processor behind a virtual CPU, or the provider whose average it is; hardware
threads_per_vcpu,      threads of a virtual CPU, where more than one; baseline of a burstable instance, as part of a factor's
vcpu_load, gpu_tdp_w   name; thermal design power of one graphics processor [W]; ``build_cloud.py`` says whence
inside                 the instance that a service rents out under a name of its own: its facts are the service's, those of
                       Cloud Carbon Footprint apart, which tells the two from each other
like                   an entry whose facts are this one's where it has none: families of machines whose processors and
                       memory are billed apart, in ``rented.csv``
ccf_medium, ccf_days   the medium for which Cloud Carbon Footprint takes a capacity, whatever it is (an SSD on Google where the
                       line says so, on Azure always), and the days that it counts of a month, in ``ccf_storage.csv``
ccf_*                  what else the methods of Cloud Carbon Footprint read; ``build_ccf.py`` says what each one is
=====================  ==========================================================================================

Memory is made and rented by 2^30 bytes, whatever makers and providers call them. GiB: AWS, Azure, Scaleway. GB, in that meaning:
Google Cloud, Oracle, makers of modules. OVHcloud writes GB and does not say which; it is taken alike. A method that takes such a
figure for its own gigabytes binds it as it is.

Sources: tables of BoaviztAPI 2.5.0; ``build_machines.py`` says what is completed, and how. Constants of Cloud Carbon Footprint,
commit b7a049c. Families in ``rented.csv``: processors that Google Cloud and Oracle document for them, the commonest where there
are several; power of cards: data sheets of NVIDIA.
"""

from __future__ import annotations

import csv
import difflib
import gzip
import math
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Final

_FOLDER: Final = Path(__file__).parent
_NEAREST: Final = 3
TABLES: Final = (
    "instances.csv.gz",
    "hosts.csv.gz",
    "terminals.csv.gz",
    "ccf_instances.csv.gz",
    "cloud.csv.gz",
    "rented.csv",
    "ccf_storage.csv",
)
"""Tables in the order in which their facts count. A new one is one row here."""
_LINKS: Final = ("like", "inside", "host")
"""Facts that name another machine, whose facts count too."""


def find(key: str) -> Mapping[str, float | str] | None:
    """What a machine is.

    Args:
        key: ``provider:type``, ``server:archetype`` or ``terminal:archetype``; capital letters are read as small ones.

    Returns:
        Fact -> number or word; None for a key that no table holds.

    >>> m5 = find("aws:m5.xlarge")
    >>> (m5["vcpu"], m5["cpu"], m5["lifetime_h"]) if m5 else None
    (4.0, 'Intel Xeon Platinum 8175M', 52560.0)
    """
    return _facts(key.strip().lower())


def has(key: str, *names: str) -> bool:
    """Whether any of some facts of a machine is known; quicker than `find` where all keys are asked.

    >>> has("aws:m5.xlarge", "vcpu"), has("aws:s3", "vcpu")
    (True, False)
    """
    for table in TABLES:
        if cells := _rows(table).get(key):
            places = _places(table)
            if any(name in places and cells[places[name]] for name in names):
                return True
            for link in (one for one in _LINKS if one in places and cells[places[one]]):
                passed = [name for name in names if link != "inside" or not _of_ccf(name)]
                if has(cells[places[link]].lower(), *passed):
                    return True
    return False


def near(key: str) -> tuple[str, ...]:
    """Known keys that are written like this one, nearest first; of the same provider when there are any."""
    asked = key.strip().lower()
    provider, colon, _ = asked.partition(":")
    same = [known for known in keys() if known.startswith(provider + colon)] if colon else []
    return tuple(difflib.get_close_matches(asked, same or keys(), n=_NEAREST))


@cache
def keys() -> tuple[str, ...]:
    """Every known key, sorted."""
    return tuple(sorted({key for table in TABLES for key in _rows(table)}))


@cache
def facts() -> frozenset[str]:
    """Names of all facts that some machine has."""
    return frozenset(name for table in TABLES for name in _columns(table))


@cache
def _facts(key: str) -> Mapping[str, float | str] | None:
    found: dict[str, float | str] = {}
    known = False
    for table in TABLES:
        if cells := _rows(table).get(key):
            known = True
            found = {**_named(_columns(table), cells), **found}
    if not known:
        return None
    for name in (host for host in _LINKS if host in found):
        others = _facts(str(found[name])) or {}
        found = {**{fact: value for fact, value in others.items() if name != "inside" or not _of_ccf(fact)}, **found}
    return found


def _of_ccf(fact: str) -> bool:
    """Whether only the methods of Cloud Carbon Footprint read a fact: they tell an instance from a service that rents it out."""
    return fact.startswith("ccf_")


def _named(columns: list[str], cells: list[str]) -> dict[str, float | str]:
    return {name: _value(cell) for name, cell in zip(columns, cells, strict=True) if cell}


def _value(cell: str) -> float | str:
    """A number where the cell is one: a name that reads as infinity or no number stays a name."""
    try:
        number = float(cell)
    except ValueError:
        return cell
    return number if math.isfinite(number) else cell


@cache
def _table(name: str) -> tuple[list[str], dict[str, list[str]]]:
    unpacked = gzip.open if name.endswith(".gz") else open
    with unpacked(_FOLDER / name, "rt", encoding="utf-8", newline="") as file:
        lines = csv.reader(file)
        columns = next(lines)
        return columns, {cells[0]: cells for cells in lines}


@cache
def _places(table: str) -> Mapping[str, int]:
    return {name: place for place, name in enumerate(_columns(table))}


def _columns(table: str) -> list[str]:
    return _table(table)[0]


def _rows(table: str) -> dict[str, list[str]]:
    return _table(table)[1]
