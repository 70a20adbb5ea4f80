# SPDX-License-Identifier: Apache-2.0
"""What the workload of a bill asks for: machines, functions, stores, traffic; not what the provider runs beside."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

from lichen.catalogue import machines
from lichen.ledger import Ledger, Selection
from lichen.ledger.sums import Key
from lichen.portfolio.scenarios import HOURS, LEVELS, SECONDS_PER_HOUR, Demand, Level, Spread
from lichen.service.bills.days import Told
from lichen.units import BYTE_PER_GB, BYTE_PER_GIB

BY_USE_LOAD: Final = Spread(0.3, 0.7, 1.0)
"""Load of CPUs that are paid by use: a function waits for its database while it is paid. Assumed."""
BY_USE_PEAK: Final = 2.0
"""Peak over mean of what is paid by use, which no bill tells. Assumed."""
_DATABASE: Final = "database"
_SERVERLESS: Final = "serverless"
_MACHINES: Final = frozenset({"compute", _SERVERLESS, _DATABASE})
"""Families whose CPUs and memory are the workload's. A gateway, a balancer, a query that is paid by what it reads, a queue are
the provider's own: each way of hosting has its own of them."""
_CONTROL: Final = re.compile(r"[a-z]+:(?:eks|kubernetes(?:-service|-engine)?)")
"""Control planes of clusters, where their processors are assumed: the nodes are what works."""
_BESIDE: Final = frozenset({"aws:workspaces", "aws:appstream", "aws:codebuild", "gcp:cloud-build", "aws:cpu-credits"})
"""Desktops of people, builds, and time of processors that a machine has in any case."""
_BY: Final[tuple[Key, ...]] = (
    "source", "account", "service", "region", "resource", "family", "platform", "method", "day",
)  # fmt: skip
_RUNNING: Final = frozenset({"vcpu_time", "instance_time", "memory_byte_seconds"})


def workload_rows(rows: Iterable[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    """Rows of what the workload rents; what is kept and moved belongs to it in any case.

    Args:
        rows: totals by ``family``, ``platform`` and ``method``.
    """
    return (row for row in rows if row["quantity"] not in _RUNNING or _works(row))


def _works(row: Mapping[str, Any]) -> bool:
    platform = row["platform"] or ""
    control = row["method"] == "modelled" and _CONTROL.fullmatch(platform)
    return row["family"] in _MACHINES and platform not in _BESIDE and not control


def _has_type(platform: str) -> bool:
    return (machines.find(platform) or {}).get("kind") == "instance"


def needs_of(rows: Iterable[Mapping[str, Any]], load: Spread) -> tuple[dict[Level, Demand], float]:
    """What runs in the mean, as a demand; and how many machines of a type that is.

    Args:
        rows: of the workload, with values in their units for each second. load: of rented CPUs where the bill has none.
    """
    sums: dict[str, float] = {}
    busy, peak = dict.fromkeys(LEVELS, 0.0), dict.fromkeys(LEVELS, 0.0)
    count = 0.0
    for row in rows:
        value = float(row["value"] or 0.0)
        told = json.loads(row["attributes"] or "{}")
        stored = "database_" if row["family"] == _DATABASE else ""
        match row["quantity"]:
            case "vcpu_time" if stored:
                _add(sums, "database_vcpus", value)
            case "vcpu_time":
                by_use = row["family"] == _SERVERLESS
                usual = BY_USE_LOAD if by_use else load
                for level in LEVELS:
                    used = value * float(told.get("utilisation", usual.at(level)))
                    busy[level] += used
                    peak[level] += BY_USE_PEAK * used if by_use else max(used, value * Demand().load_most)
            case "instance_time":
                facts = machines.find(row["platform"] or "") or {}
                _add(sums, f"{stored}memory_gib", float(facts.get("memory_gib", 0.0)) * value)
                count += value
            case "memory_byte_seconds":
                _add(sums, f"{stored}memory_gib", value / BYTE_PER_GIB)
            case "storage_byte_seconds":
                kind = "database" if stored else "storage" if told.get("storage_class") == "hdd" else "disk"
                _add(sums, f"{kind}_gb", value / BYTE_PER_GB)
            case "network_bytes" if told.get("path") in ("internet", "cdn"):
                _add(sums, "egress_gb", value / BYTE_PER_GB * HOURS * SECONDS_PER_HOUR)
    return {level: _demand(sums, busy[level], peak[level]) for level in LEVELS}, count


def rented_by_core(ledger: Ledger, chosen: Selection, told: Mapping[str, Told]) -> float:
    """Machines that are billed by their processors and not by a type, as many as there are names; in the mean of the days.

    Args:
        chosen: rows of a month. told: days of each source.
    """
    names: dict[tuple[str, Any], set[tuple[str, ...]]] = {}
    timed = replace(chosen, quantities=["vcpu_time"])
    for row in ledger.totals(_BY, peaks=(), selection=timed):
        if row["family"] == "compute" and _works(row) and not _has_type(row["platform"] or ""):
            name = tuple(str(row[column] or "") for column in ("account", "service", "region", "resource"))
            names.setdefault((row["source"], row["day"]), set()).add(name)
    found = 0.0
    for source, span in told.items():
        daily = [len(those) for (other, _), those in names.items() if other == source]
        if daily:
            found += sum(daily) / span.count if span.daily else max(daily)
    return found


def _add(sums: dict[str, float], name: str, value: float) -> None:
    sums[name] = sums.get(name, 0.0) + value


def _demand(sums: Mapping[str, float], mean_cpus: float, peak_cpus: float) -> Demand:
    """Rented CPUs are taken as sized for their peak: that is what they carry with the usual headroom."""
    return Demand(
        cpu_s=mean_cpus * HOURS * SECONDS_PER_HOUR,
        peak_cpus=peak_cpus,
        memory_gib=sums.get("memory_gib", 0.0),
        storage_gb=sums.get("storage_gb", 0.0),
        disk_gb=sums.get("disk_gb", 0.0),
        egress_gb=sums.get("egress_gb", 0.0),
        database_gb=sums.get("database_gb", 0.0),
        database_vcpus=sums.get("database_vcpus", 0.0),
        database_memory_gib=sums.get("database_memory_gib", 0.0),
    )
