# SPDX-License-Identifier: Apache-2.0
"""Where the machine's CPU time went between two edges: to the trees, to something else, to nobody."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from lichen.collect.base import Balance, Edge
from lichen.errors import NothingMeasured

TICK_NS: Final = 10_000_000
"""Resolution of /proc/stat on every usual kernel (USER_HZ = 100)."""


def balance(edge0: Edge, edge1: Edge, cpus: int, *, besides: Mapping[str, int] | None = None) -> Balance | None:
    """Splits the machine's CPU time between two edges.

    Args:
        edge0, edge1: earlier and later edge of one meter; a tree added in between counts from its start.
        cpus: CPUs of the machine.
        besides: CPU time [ns] of what no meter watches but is known, such as Lichen itself; counted as further trees.

    Returns:
        The balance; None when the machine's counters were not readable.

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
    trees = {
        name: reading.cpu_ns - (edge0.trees[name].cpu_ns if name in edge0.trees else 0)
        for name, reading in edge1.trees.items()
    } | dict(besides or {})
    unattributed_ns = busy_ns - sum(trees.values())
    return Balance(
        total_ns=total_ns,
        trees=trees,
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
