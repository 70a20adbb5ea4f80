# SPDX-License-Identifier: Apache-2.0
"""What a figure consists of, by cause: making the device, having it switched on, CPU, network, memory, disk, servers."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from lichen.model.boundaries import OF_TIER
from lichen.model.results import Computed, add
from lichen.model.uncertainty import variance_shares
from lichen.records import Factor, Impact
from lichen.units import BOUNDARIES

CAUSES: Final = (
    "device_making", "device_power", "cpu", "network", "memory", "disk", "server",
    "server_making", "meter", "other",
)  # fmt: skip
"""Every cause, in the order in which equal ones are shown."""
SCREEN_TIME: Final = "screen_time"
_BY_QUANTITY: Final[Mapping[str, str]] = {
    SCREEN_TIME: "device_power", "cpu_time": "cpu", "cpu_time_share": "cpu", "network_bytes": "network",
    "memory_byte_seconds": "memory", "memory_peak": "memory", "disk_bytes": "disk", "energy": "meter",
}  # fmt: skip
_DOUBTS: Final = 3
"""Factors that are named as what a range comes from."""
_NETWORK_FACTORS: Final = "network."
"""Factors of a network's own equipment: what they price is the network, by whatever quantity it is shared out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """A piece of the figure.

    Attributes:
        cause: one of `CAUSES`; quantity: of the activity that the piece is proportional to.
        value: in the indicator's unit; share: of the figure.
    """

    cause: str
    quantity: str
    value: float
    share: float

    def to_json(self) -> dict[str, Any]:
        """As ``--json`` prints it."""
        return {"cause": self.cause, "quantity": self.quantity, "value": self.value, "share": self.share}


@dataclass(frozen=True, slots=True, kw_only=True)
class Composition:
    """A figure by cause, largest first; the values sum to it.

    Attributes:
        declared: share of the figure that follows a declared screen time (the dwell of steps).
        constant: share of the figure that was the same in every sample, which repeating cannot move; None when unknown.
        doubts: factors that the range of the figure comes from, each with the share of the range's variance that it explains,
            the largest first.
    """

    indicator: str
    causes: tuple[Cause, ...]
    declared: float
    constant: float | None
    doubts: tuple[tuple[Factor, float], ...] = ()

    def by_cause(self) -> dict[str, float]:
        """Share of each cause, largest first."""
        return _summed((row.cause, row.share) for row in self.causes)

    def by_quantity(self) -> dict[str, float]:
        """Share of the figure that follows each quantity, largest first."""
        return _summed((row.quantity, row.share) for row in self.causes)

    def to_json(self) -> dict[str, Any]:
        """As ``--json`` prints it."""
        return {
            "indicator": self.indicator, "causes": [row.to_json() for row in self.causes], "declared": self.declared,
            "constant": self.constant,
            "range_from": [{"factor": factor.key, "share": share} for factor, share in self.doubts],
        }  # fmt: skip


def compose(rows: Sequence[tuple[str, Computed]]) -> Composition | None:
    """The composition of a sum of impacts of one indicator.

    Args:
        rows: tier of the part (device, network, server) and impact.

    Returns:
        None when there is nothing to share out.
    """
    total = math.fsum(computed.impact.value for _, computed in rows)
    if not total:
        return None
    has_device = any(tier == "device" for tier, _ in rows)
    cells: dict[tuple[str, str], list[float]] = {}
    for tier, computed in rows:
        impact = computed.impact
        cells.setdefault((_cause(impact, tier, has_device), impact.quantities[0]), []).append(impact.value)
    causes = [
        Cause(cause=cause, quantity=quantity, value=math.fsum(values), share=math.fsum(values) / total)
        for (cause, quantity), values in cells.items()
    ]
    impacts = [computed.impact for _, computed in rows]
    declared = math.fsum(
        impact.value * (1 - impact.shares.get("measured", 0.0))
        for impact in impacts
        if SCREEN_TIME in impact.quantities
    )
    repeated = any(len(impact.samples) > 1 for impact in impacts)
    constant = math.fsum(impact.value for impact in impacts if len(set(impact.samples)) <= 1)
    return Composition(
        indicator=impacts[0].indicator,
        causes=tuple(sorted(causes, key=lambda row: (-row.value, CAUSES.index(row.cause)))),
        declared=declared / total,
        constant=constant / total if repeated else None,
        doubts=_doubts([computed for _, computed in rows]),
    )


def _doubts(rows: Sequence[Computed]) -> tuple[tuple[Factor, float], ...]:
    """What the range of a sum comes from."""
    factors = {factor.key: factor for computed in rows for factor in computed.impact.factors}
    return variance_shares(add(rows)[1], factors.values())[:_DOUBTS]


def _cause(impact: Impact, tier: str, has_device: bool) -> str:
    """Where there is a device, its causes are told apart and a server is one; where there is none, the server's are."""
    boundary = next((factor.boundary for factor in impact.factors if factor.boundary in BOUNDARIES), "")
    if has_device and (tier == "server" or boundary in OF_TIER["server"]):
        return "server"
    if boundary == "network" or any(factor.factor_id.startswith(_NETWORK_FACTORS) for factor in impact.factors):
        return "network"
    if impact.phase == "embodied":
        return "server_making" if tier == "server" else "device_making"
    if boundary == "device" and impact.quantities[0] == "network_bytes":
        return "device_power"  # of methods that charge the device by what it transfers
    return _BY_QUANTITY.get(impact.quantities[0], "other")


def _summed(pairs: Iterable[tuple[str, float]]) -> dict[str, float]:
    found: dict[str, list[float]] = {}
    for name, share in pairs:
        found.setdefault(name, []).append(share)
    summed = {name: math.fsum(shares) for name, shares in found.items()}
    return dict(sorted(summed.items(), key=lambda item: -item[1]))
