# SPDX-License-Identifier: Apache-2.0
"""Where the machine's CPU time went between two edges: to the parts, to something else, to nobody."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from lichen.collect.counters import Edge, minus
from lichen.errors import NothingMeasured

TICK_NS: Final = 10_000_000
"""Resolution of /proc/stat on every usual kernel (USER_HZ = 100)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Balance:
    """CPU time of the machine between two edges [ns]: ``sum(parts) + unattributed + idle + stolen == total``, exactly.

    Attributes:
        total_ns: CPUs times wall-clock time.
        parts: attributed to each part, from nanosecond clocks.
        unattributed_ns: busy time that belongs to no part. The busy time has ticks of 10 ms and comes from sampling on most
            kernels, so a short window can make it negative: kept, and ``within_noise`` says whether ticks explain it.
        stolen_ns: time that a hypervisor gave to other machines.
        idle_ns: the rest.
        within_noise: false when the parts used more than the machine did beyond what the ticks can hide: something is wrong.
    """

    total_ns: int
    parts: Mapping[str, int]
    unattributed_ns: int
    idle_ns: int
    stolen_ns: int
    within_noise: bool

    @property
    def attributed_ns(self) -> int:
        """CPU time of all parts."""
        return sum(self.parts.values())

    @property
    def unattributed_share(self) -> float:
        """Share of the machine's capacity that other programs used; a quality signal."""
        return self.unattributed_ns / self.total_ns

    @property
    def stolen_share(self) -> float:
        """Share of the machine's capacity that the hypervisor gave to others; a quality signal."""
        return self.stolen_ns / self.total_ns


def balance(edge0: Edge, edge1: Edge, cpus: int, *, besides: Mapping[str, int] | None = None) -> Balance | None:
    """Splits the machine's CPU time between two edges.

    Args:
        edge0, edge1: earlier and later edge of one meter; a part added in between counts from its start.
        cpus: CPUs of the machine.
        besides: CPU time [ns] of what no meter watches but is known, such as Lichen itself; counted as further parts.

    Returns:
        The balance; None when the machine's counters were not readable. A part whose CPU time is unknown is in
        ``unattributed_ns``, one that runs elsewhere is nowhere.

    Raises:
        NothingMeasured: the edges are not in order.
    """
    wall_ns = edge1.at_ns - edge0.at_ns
    if wall_ns <= 0:
        raise NothingMeasured("The window has no length: its last edge is not after its first.")
    if edge0.machine_busy_ns is None or edge1.machine_busy_ns is None:
        return None
    total_ns = cpus * wall_ns
    busy_ns = edge1.machine_busy_ns - edge0.machine_busy_ns
    stolen_ns = (edge1.machine_steal_ns or 0) - (edge0.machine_steal_ns or 0)
    parts = dict(besides or {})
    for name, reading in edge1.readings.items():
        earlier_ns = edge0.readings[name].cpu_ns if name in edge0.readings else 0
        used_ns = minus(reading.cpu_ns, earlier_ns)
        if used_ns is not None and name not in edge1.elsewhere:
            parts[name] = used_ns
    unattributed_ns = busy_ns - sum(parts.values())
    return Balance(
        total_ns=total_ns,
        parts=parts,
        unattributed_ns=unattributed_ns,
        idle_ns=total_ns - busy_ns - stolen_ns,
        stolen_ns=stolen_ns,
        within_noise=unattributed_ns >= -noise_ns(total_ns, cpus),
    )


def noise_ns(total_ns: int, cpus: int) -> int:
    """How far below zero the unattributed time may fall by the counters' resolution alone [ns].

    Busy time is a sum of five columns per CPU, each cut to ticks: two ticks a CPU for the edges, plus 2 % of the total for
    kernels that attribute time by sampling.
    """
    return 2 * TICK_NS * cpus + total_ns // 50
