# SPDX-License-Identifier: Apache-2.0
"""The energy of a machine shared out among what ran on it, by CPU time. A convention, not physics, and said so. Pure.

Energy follows the share of time in which the CPUs were busy; the rest is idle. A part has the share of the busy energy that it
has of the busy time. Memory traffic, wide vector instructions and storage cost more than their CPU time tells: a part that lives
on them may have used two to three times what it is given.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

IdleRule = Literal["apart", "by share"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Allocation:
    """Energy of a machine in a span [J]: ``sum(known parts) + other + idle == total``.

    Attributes:
        parts: of each part; None where its CPU time is not known.
        other_j: of other programs, and of parts that are not known.
        idle_j: of nobody.
    """

    parts: Mapping[str, float | None]
    other_j: float
    idle_j: float


def allocate(
    energy_j: float, *, parts_cpu_ns: Mapping[str, int | None], busy_ns: int, total_ns: int, idle: IdleRule = "apart"
) -> Allocation:
    """Shares the energy of a machine out.

    Args:
        energy_j: of the machine in the span.
        parts_cpu_ns: CPU time of each part.
        busy_ns: CPU time of everything on the machine; counted in ticks, so that parts may seem to have used a little more.
        total_ns: CPUs times the span.
        idle: ``apart``: idle energy belongs to nobody; ``by share``: it is shared out as the rest is.
    """
    known_ns = sum(used for used in parts_cpu_ns.values() if used is not None)
    used_ns = max(busy_ns, known_ns)
    if used_ns <= 0 or total_ns <= 0:
        none = {name: None if used is None else 0.0 for name, used in parts_cpu_ns.items()}
        return Allocation(parts=none, other_j=0.0, idle_j=energy_j)
    active_j = energy_j if idle == "by share" else energy_j * min(1.0, used_ns / total_ns)
    parts = {name: None if used is None else active_j * used / used_ns for name, used in parts_cpu_ns.items()}
    return Allocation(parts=parts, other_j=active_j * (used_ns - known_ns) / used_ns, idle_j=energy_j - active_j)
