# SPDX-License-Identifier: Apache-2.0
"""How much of what a way of hosting takes: sized for the peak, with headroom and a spare machine, billed by the month.

Nothing here is a price or an impact. Every rule is one line of arithmetic, told in ``docs/simulate.md``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Final

from lichen.errors import UsageError
from lichen.portfolio.scenarios import (
    FULL_CPU_GIB,
    HOURS,
    SECONDS_PER_HOUR,
    Architecture,
    Demand,
    Line,
    Machine,
    Need,
    Offer,
    Queries,
    Sized,
    Use,
)
from lichen.units import BYTE_PER_GB, BYTE_PER_GIB

SYSTEM_DISK_GB: Final = 30.0
"""Disk of a rented machine, for its system."""
TASK: Final = Machine(key="", vcpu=1.0, memory_gib=2.0)
"""A managed container."""
LAG: Final = 1.15
"""Containers that run beyond what the moment asks for, because starting one takes minutes."""
UNIT_GIB: Final = 2.0
UNIT_VCPUS: Final = 0.25
"""What one capacity unit of a serverless database holds: 2 GiB of memory, and about a quarter of a CPU with them."""
LEAST_QUERY_GB: Final = 0.01
"""What a query is charged for at least."""
LEAST_HOURS: Final = 30.0
"""Hours a month that the machine of the files runs at least: an hour a day."""
MILLION: Final = 1e6
GB_PER_TB: Final = 1000.0
_STORED: Final[Mapping[str, Mapping[str, str | float]]] = {
    "block_storage": {"storage_class": "ssd", "replication": 2.0},
    "database_storage": {"storage_class": "ssd", "replication": 2.0},
    "object_storage": {"storage_class": "hdd", "replication": 3.0},
}
"""Medium and copies that a provider keeps."""


def size(architecture: Architecture, demand: Demand, offer: Offer) -> Sized:
    """What a way of hosting takes.

    Raises:
        UsageError: it cannot carry the workload: a price that the provider lacks, a workload that it has no place for.
    """
    return _SIZES[architecture](demand, offer)


def _iaas(demand: Demand, offer: Offer) -> Sized:
    """Rented machines, all the time, as many as the peak asks for and a spare one; the database runs on such machines, too."""
    machine = _machine(offer)
    count = _count(demand, machine)
    found = _kept(demand, offer)
    notes: list[str] = []
    if count:
        busy = demand.cpu_s / (count * machine.vcpu * HOURS * SECONDS_PER_HOUR)
        found += _rented("instance", machine, count, min(1.0, busy))
        found += _stored("block_storage", count * SYSTEM_DISK_GB)
        found.append(Line(role="load_balancer", quantity=HOURS, count=1))
    vcpus, memory_gib, data_gb = _database(demand)
    servers = 0
    if vcpus or data_gb:
        servers = max(math.ceil(vcpus / machine.vcpu), math.ceil(memory_gib / machine.memory_gib), 1) * (
            1 + demand.spare
        )
        found += _rented("instance", machine, servers, None)
        found += _stored("block_storage", servers * SYSTEM_DISK_GB + data_gb * (1 + demand.spare))
        notes.append("own_database")
    return _sized(
        found, machines=count + servers, vcpus=(count + servers) * machine.vcpu, vcpus_peak=(count + servers) * machine.vcpu,
        notes=tuple(notes),
    )  # fmt: skip


def _paas(demand: Demand, offer: Offer) -> Sized:
    """Managed containers that follow the load, two at least, and a managed database with a standby copy."""
    found = _kept(demand, offer)
    needs: list[Need] = []
    peak = mean = 0.0
    if count := _count(demand, TASK):
        peak = float(count)
        mean = min(peak, max(1.0 + demand.spare, LAG * demand.mean_cpus / demand.load_most / TASK.vcpu))
        vcpu_h, memory_gib_h = mean * TASK.vcpu * HOURS, mean * TASK.memory_gib * HOURS
        found.append(Line(role="container_vcpu", quantity=vcpu_h, count=mean))
        found.append(Line(role="container_memory", quantity=memory_gib_h))
        found += _computed("container_vcpu", vcpu_h * SECONDS_PER_HOUR, memory_gib_h * SECONDS_PER_HOUR, demand.cpu_s)
        found.append(Line(role="load_balancer", quantity=HOURS, count=1))
        needs = [Need(service="containers", limit="vcpu", value=TASK.vcpu)]
        needs.append(Need(service="containers", limit="memory", value=TASK.memory_gib))
    found += _managed(demand, offer, needs)
    return _sized(found, needs=needs, vcpus=mean * TASK.vcpu, vcpus_peak=peak * TASK.vcpu)


def _serverless(demand: Demand, offer: Offer) -> Sized:
    """Functions behind a gateway, paid by use; a database that shrinks with the load; queries paid by what they read."""
    found = _kept(demand, offer, "object_storage")
    needs: list[Need] = []
    notes = ["disks_as_objects"] if demand.disk_gb else []
    if demand.peak_cpus:
        found += _functions(demand, offer, needs)
    if demand.database_gb:
        if "database_capacity" in offer.roles:
            found += _units(demand)
        else:
            found += _managed(demand, offer, needs, queries=False)
            notes.append("no_serverless_database")
    if demand.queries is not None:
        _require(offer, "query_scan", "queries paid by what they read")
        found += _queries(demand.queries, needs)
    return _sized(found, needs=needs, notes=tuple(notes))


def _files(demand: Demand, offer: Offer) -> Sized:
    """Compressed columns on object storage, and a query engine on one machine that runs while there is something to do."""
    queries = demand.queries
    if queries is None or demand.peak_cpus:
        raise UsageError(
            "The way 'files' carries queries to data, and no requests of visitors.",
            repair="Choose iaas, paas or serverless for this workload.", culprit="files",
        )  # fmt: skip
    machine = _machine(offer)
    found = _kept(demand, offer)
    found += _stored("object_storage", queries.columns_gb)
    busy_h = queries.count * queries.read_gb * queries.cpu_s_per_gb / machine.vcpu / SECONDS_PER_HOUR
    hours = max(LEAST_HOURS, busy_h)
    count = math.ceil(hours / HOURS)
    found.append(Line(role="instance", key=machine.key, quantity=hours, count=count))
    found += _machine_time(machine, hours, min(1.0, busy_h / hours) if hours else None)
    found += _stored("block_storage", count * SYSTEM_DISK_GB)
    notes = [
        *(["one_at_a_time"] if queries.at_once > 1 else []),
        *(["larger_than_memory"] if queries.read_gb * BYTE_PER_GB > machine.memory_gib * BYTE_PER_GIB else []),
    ]
    return _sized(found, machines=count, vcpus=count * machine.vcpu, notes=tuple(notes))


_SIZES: Final[Mapping[str, Callable[[Demand, Offer], Sized]]] = {
    "iaas": _iaas, "paas": _paas, "serverless": _serverless, "files": _files,
}  # fmt: skip


def _count(demand: Demand, machine: Machine) -> int:
    """Machines for the peak, and the spare ones; none where there is no application."""
    if not demand.peak_cpus:
        return 0
    wanted = demand.peak_cpus / demand.load_most / machine.vcpu
    return max(math.ceil(wanted), math.ceil(demand.memory_gib / machine.memory_gib), 1) + demand.spare


def _kept(demand: Demand, offer: Offer, disks: str = "block_storage") -> list[Line | Use]:
    """Files on object storage, disks where machines can have them, and what goes out to visitors."""
    found: list[Line | Use] = []
    if demand.disk_gb:
        _require(offer, disks, "storage")
        found += _stored(disks, demand.disk_gb)
    if demand.storage_gb:
        _require(offer, "object_storage", "object storage")
        found += _stored("object_storage", demand.storage_gb)
    if demand.egress_gb:
        _require(offer, "egress", "data that go out")
        found.append(Line(role="egress", quantity=demand.egress_gb))
        attributes: dict[str, str | float] = {"path": "internet"}
        volume = demand.egress_gb * BYTE_PER_GB
        found.append(Use(quantity="network_bytes", value=volume, service="egress", attributes=attributes))
    return found


def _functions(demand: Demand, offer: Offer, needs: list[Need]) -> list[Line | Use]:
    _require(offer, "function_memory", "functions")
    if not (demand.requests or demand.peak_requests_per_s):
        raise UsageError(
            "Functions are paid by the request, and the requests of this workload are not known.",
            repair="Give requests_per_minute and peak_requests_per_minute.", culprit="requests_per_minute",
        )  # fmt: skip
    memory_gib = demand.function_memory_gib
    cpu_s = demand.cpu_s / demand.requests if demand.requests else 0.0
    duration_s = max(demand.duration_s, cpu_s / min(1.0, memory_gib / FULL_CPU_GIB))
    busy_s = demand.requests * duration_s
    at_once = demand.peak_requests_per_s * duration_s
    found: list[Line | Use] = [
        Line(role="function_memory", quantity=busy_s * memory_gib, count=at_once),
        Line(role="function_requests", quantity=demand.requests / MILLION),
    ]
    if "function_vcpu" in offer.roles:
        found.append(Line(role="function_vcpu", quantity=busy_s * memory_gib / FULL_CPU_GIB))
    found += _computed("function_memory", busy_s * memory_gib / FULL_CPU_GIB, busy_s * memory_gib, demand.cpu_s)
    if "gateway_requests" in offer.roles:
        found.append(Line(role="gateway_requests", quantity=demand.requests / MILLION))
        heavy: dict[str, str | float] = {"request_class": "heavy"}
        found.append(Use(quantity="requests", value=demand.requests, service="gateway_requests", attributes=heavy))
    needs += [
        Need(service="functions", limit="concurrency", value=at_once),
        Need(service="functions", limit="duration", value=duration_s),
        Need(service="functions", limit="memory", value=memory_gib),
        Need(service="gateway", limit="rate", value=demand.peak_requests_per_s),
    ]
    if demand.database_gb:  # each function that runs holds a connection
        needs.append(Need(service="database", limit="connections", value=at_once))
    return found


def _units(demand: Demand) -> list[Line | Use]:
    """A serverless database: units for the peak, fewer in the mean, one at least; and a standby copy."""
    peak = max(demand.database_memory_gib / UNIT_GIB, demand.database_vcpus / UNIT_VCPUS, 1.0)
    hours = max(1.0, peak * demand.mean_share) * (1 + demand.spare) * HOURS
    found: list[Line | Use] = [Line(role="database_capacity", quantity=hours, count=peak * (1 + demand.spare))]
    seconds = hours * SECONDS_PER_HOUR
    found += _computed("database_capacity", seconds * UNIT_VCPUS, seconds * UNIT_GIB, None)
    found += _stored("database_storage", demand.database_gb)
    return found


def _queries(queries: Queries, needs: list[Need]) -> list[Line | Use]:
    read_gb = max(LEAST_QUERY_GB, queries.read_gb)
    needs.append(Need(service="queries", limit="concurrency", value=queries.at_once))
    cpu_s = queries.count * read_gb * queries.cpu_s_per_gb
    return [
        Line(role="query_scan", quantity=queries.count * read_gb / GB_PER_TB),
        Use(quantity="vcpu_time", value=cpu_s, service="query_scan"),
        *_stored("object_storage", queries.columns_gb),
    ]


def _database(demand: Demand) -> tuple[float, float, float]:
    """What one database of rows has to hold, of visitors and of queries: CPUs, memory [GiB] and data [GB]."""
    asked = demand.queries
    if asked is None:
        return demand.database_vcpus, demand.database_memory_gib, demand.database_gb
    return (
        demand.database_vcpus + asked.database_vcpus,
        demand.database_memory_gib + asked.database_memory_gib,
        demand.database_gb + asked.data_gb,
    )


def _managed(demand: Demand, offer: Offer, needs: list[Need], *, queries: bool = True) -> list[Line | Use]:
    """A managed database: the smallest type that holds it, or several of the largest, and a standby copy."""
    vcpus, memory_gib, data_gb = _database(demand) if queries else (
        demand.database_vcpus, demand.database_memory_gib, demand.database_gb,
    )  # fmt: skip
    if not (vcpus or data_gb):
        return []
    _require(offer, "database", "managed databases")
    holding = [one for one in offer.databases if one.vcpu >= vcpus and one.memory_gib >= memory_gib]
    chosen = min(holding or offer.databases, key=lambda one: one.vcpu if holding else -one.vcpu)
    shards = max(math.ceil(vcpus / chosen.vcpu), math.ceil(memory_gib / chosen.memory_gib), 1)
    needs.append(Need(service="database", limit="storage", value=data_gb))
    copies = 1 + demand.spare
    return [*_rented("database", chosen, shards * copies, None), *_stored("database_storage", data_gb * copies)]


def _rented(role: str, machine: Machine, count: int, busy: float | None) -> list[Line | Use]:
    line = Line(role=role, key=machine.key, quantity=count * HOURS, count=count)
    return [line, *_machine_time(machine, count * HOURS, busy)]


def _machine_time(machine: Machine, hours: float, busy: float | None) -> list[Line | Use]:
    """Time of a type that the catalogue knows, and of its CPUs; the load only where the workload tells it."""
    platform = machine.key.replace(":db.", ":")
    seconds = hours * SECONDS_PER_HOUR
    attributes: dict[str, str | float] = {} if busy is None else {"utilisation": busy}
    return [
        Use(quantity="instance_time", value=seconds, platform=platform),
        Use(quantity="vcpu_time", value=seconds * machine.vcpu, platform=platform, attributes=attributes),
    ]


def _computed(role: str, vcpu_s: float, memory_gib_s: float, cpu_s: float | None) -> list[Line | Use]:
    """CPU and memory of a service without machines of a type."""
    busy: dict[str, str | float] = {} if cpu_s is None or not vcpu_s else {"utilisation": min(1.0, cpu_s / vcpu_s)}
    return [
        Use(quantity="vcpu_time", value=vcpu_s, service=role, attributes=busy),
        Use(quantity="memory_byte_seconds", value=memory_gib_s * BYTE_PER_GIB, service=role),
    ]


def _stored(role: str, data_gb: float) -> list[Line | Use]:
    held = data_gb * BYTE_PER_GB * HOURS * SECONDS_PER_HOUR
    return [
        Line(role=role, quantity=data_gb),
        Use(quantity="storage_byte_seconds", value=held, service=role, attributes=_STORED[role]),
    ]


def _machine(offer: Offer) -> Machine:
    if offer.machine is None:
        raise UsageError(
            f"No price of a machine of '{offer.provider}' is known.",
            repair="Name another provider, or give prices of your own.", culprit=offer.provider,
        )  # fmt: skip
    return offer.machine


def _require(offer: Offer, role: str, what: str) -> None:
    if role not in offer.roles:
        raise UsageError(
            f"No price of {what} of '{offer.provider}' is known.",
            repair=f"Choose another way or provider, or give a price of the role '{role}' in a table of your own.",
            culprit=role,
        )


def _sized(
    found: list[Line | Use], *, needs: list[Need] | None = None, machines: float = 0.0, vcpus: float = 0.0,
    vcpus_peak: float = 0.0, notes: tuple[str, ...] = (),
) -> Sized:  # fmt: skip
    """Lines of one thing are told as one."""
    lines: dict[tuple[str, str], Line] = {}
    for one in found:
        if isinstance(one, Line):
            before = lines.get((one.role, one.key), Line(role=one.role, key=one.key, quantity=0.0))
            lines[one.role, one.key] = Line(
                role=one.role, key=one.key, quantity=before.quantity + one.quantity, count=before.count + one.count
            )
    return Sized(
        lines=tuple(lines.values()), uses=tuple(one for one in found if isinstance(one, Use)),
        needs=tuple(needs or ()), machines=machines, vcpus=vcpus, vcpus_peak=vcpus_peak, notes=notes,
    )  # fmt: skip
