# SPDX-License-Identifier: Apache-2.0
"""A workload and the ways of hosting it: what it asks for in a month, and what a way of hosting rents for it.

A month has `HOURS` hours. CPU time is that of one hardware thread, which is what providers rent as one virtual processor.
Memory is in GiB, which providers rent and price as gigabytes; data are in GB.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final, Literal

HOURS: Final = 8766 / 12
"""Hours of a month: a twelfth of a mean year."""
SECONDS_PER_HOUR: Final = 3600.0
FULL_CPU_GIB: Final = 1769 / 1024
"""Memory of a function that goes with one whole CPU (AWS Lambda, developer guide: 1,769 MB, 1,024 of which are its GB); others
are sized alike."""

Architecture = Literal["owned", "iaas", "paas", "serverless", "files"]
ARCHITECTURES: Final[tuple[Architecture, ...]] = ("owned", "iaas", "paas", "serverless", "files")
"""Own machines; rented machines; managed containers and databases; functions, object storage and queries on it; files on object
storage with a query engine on one machine."""
Level = Literal["low", "value", "high"]
LEVELS: Final[tuple[Level, ...]] = ("low", "value", "high")


@dataclass(frozen=True, slots=True)
class Spread:
    """A number with its range; bounds are added and multiplied bound by bound, so that a sum is never told too precisely.

    >>> (Spread(1, 2, 4) + Spread.of(1)).times(2)
    Spread(low=4, value=6, high=10)
    """

    low: float
    value: float
    high: float

    def __post_init__(self) -> None:
        """Refuses what is no range: callers hand in checked numbers, so this is an error of the program."""
        if not self.low <= self.value <= self.high:
            raise ValueError(f"no range: {self.low}, {self.value}, {self.high}")

    @classmethod
    def of(cls, value: float) -> Spread:
        """A number without doubt."""
        return cls(value, value, value)

    def __add__(self, other: Spread) -> Spread:
        return Spread(self.low + other.low, self.value + other.value, self.high + other.high)

    def times(self, factor: float) -> Spread:
        """As many; the factor is 0 or more."""
        return Spread(self.low * factor, self.value * factor, self.high * factor)

    def minus(self, other: Spread) -> Spread:
        """The difference, whose bounds take the far ends of both: nothing is said about how they move together."""
        return Spread(self.low - other.high, self.value - other.value, self.high - other.low)

    def at(self, level: Level) -> float:
        """One of its three numbers."""
        found: float = getattr(self, level)
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Queries:
    """Queries that are asked of data in a month.

    Attributes:
        count: queries; at_once: those that run together at the peak.
        data_gb: the data as a database of rows keeps them [GB]; scanned_gb: what a query reads of them there [GB].
        packed: share of its size that a table takes as compressed columns; read: share of such a table that a query reads.
        database_vcpus, database_memory_gib: what a database of rows needs to keep up.
        cpu_s_per_gb: CPU time of reading a GB of compressed columns [s].
    """

    count: float
    at_once: float
    data_gb: float
    scanned_gb: float
    packed: float
    read: float
    database_vcpus: float
    database_memory_gib: float
    cpu_s_per_gb: float

    @property
    def columns_gb(self) -> float:
        """The data as compressed columns [GB]."""
        return self.data_gb * self.packed

    @property
    def read_gb(self) -> float:
        """What a query reads of compressed columns [GB]."""
        return self.scanned_gb * self.packed * self.read


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """What a workload asks for in a month.

    Attributes:
        cpu_s: CPU time of the application [s]; peak_cpus: CPUs that it keeps busy at the peak.
        memory_gib: of all its copies at the peak [GiB].
        requests: a month, and ``peak_requests_per_s``; 0 where nobody knows them.
        duration_s: from the arrival of a request to its answer [s].
        storage_gb: files [GB]; disk_gb: of disks that are attached to machines [GB]; egress_gb: to visitors, a month [GB].
        database_gb, database_vcpus, database_memory_gib: of its database; 0 without one.
        load_most: share of the CPUs that may be busy at the peak: 1 - headroom.
        spare: machines that may fail without being missed.
        function_memory_gib: memory of a function [GiB].
        queries: queries asked of data; None for none.
    """

    cpu_s: float = 0.0
    peak_cpus: float = 0.0
    memory_gib: float = 0.0
    requests: float = 0.0
    peak_requests_per_s: float = 0.0
    duration_s: float = 0.0
    storage_gb: float = 0.0
    disk_gb: float = 0.0
    egress_gb: float = 0.0
    database_gb: float = 0.0
    database_vcpus: float = 0.0
    database_memory_gib: float = 0.0
    load_most: float = 0.6
    spare: int = 1
    function_memory_gib: float = FULL_CPU_GIB
    queries: Queries | None = None

    @property
    def mean_cpus(self) -> float:
        """CPUs that the application keeps busy in the mean."""
        return self.cpu_s / (HOURS * SECONDS_PER_HOUR)

    @property
    def mean_share(self) -> float:
        """Mean load as a share of the peak's; 1 without a peak."""
        return min(1.0, self.mean_cpus / self.peak_cpus) if self.peak_cpus else 1.0

    def used(self, share: float) -> Demand:
        """The same workload, peak and data included, with another use over the month.

        Args:
            share: of the present use; 0 is a month without a visitor.
        """
        queries = None if self.queries is None else replace(self.queries, count=self.queries.count * share)
        return replace(
            self, cpu_s=self.cpu_s * share, requests=self.requests * share, egress_gb=self.egress_gb * share,
            queries=queries,
        )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """A type that is rented: ``key`` of the catalogue, hardware threads, memory [GiB]."""

    key: str
    vcpu: float
    memory_gib: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """Where and on what.

    Attributes:
        provider, region: of the place, the region without its provider; both empty for own machines.
        machine: that is rented for the application.
        databases: types of managed databases that have a price.
        roles: names of prices that the provider has, as `lichen.catalogue.prices` names them.
    """

    provider: str
    region: str
    machine: Machine | None = None
    databases: tuple[Machine, ...] = ()
    roles: frozenset[str] = frozenset()

    def service(self, role: str) -> str:
        """Platform of a service without a type."""
        return f"{self.provider}:{role}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """Something that is rented.

    Attributes:
        role: of `lichen.catalogue.prices`; key: which type, empty where there is one only.
        quantity: in the unit of the role's price, in a month.
        count: machines, tasks or functions that it is.
    """

    role: str
    quantity: float
    key: str = ""
    count: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """A physical quantity of a month, as an activity has it; ``service`` is a role whose platform the price's row names."""

    quantity: str
    value: float
    platform: str = ""
    service: str = ""
    attributes: Mapping[str, str | float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """What is asked of a service that has a limit: names of `lichen.catalogue.prices.Limit`."""

    service: str
    limit: str
    value: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Sized:
    """What a way of hosting takes for a demand.

    Attributes:
        machines: that people look after.
        vcpus: rented all the time for the application; 0 where use is paid alone.
        vcpus_peak: that are there at the peak.
        notes: codes of what a reader has to know.
    """

    lines: tuple[Line, ...]
    uses: tuple[Use, ...]
    needs: tuple[Need, ...] = ()
    machines: float = 0.0
    vcpus: float = 0.0
    vcpus_peak: float = 0.0
    notes: tuple[str, ...] = ()


Cost = Callable[[Demand], float]
"""What a month costs with a demand, bill and hours of people together."""
