# SPDX-License-Identifier: Apache-2.0
"""Shares of the impacts of making, transporting and disposing of equipment, for any indicator X."""

from __future__ import annotations

from typing import Annotated

from lichen.model.registry import Number, formula
from lichen.units import BYTE_PER_GB, SECOND_PER_HOUR, Tag

_ALLOCATION = ("ITU-T L.1410 (2014) 6.3, inventory", "ISO 14044:2006 4.3.4.2, allocation procedure")


@formula("embodied.by_time", version=1, sources=_ALLOCATION)
def embodied_by_time_x(
    duration_s: Annotated[Number, Tag("s")],
    embodied_x: Annotated[Number, Tag("X")],
    lifetime_use_h: Annotated[Number, Tag("h")],
) -> Annotated[Number, Tag("X")]:
    """Share of a device's embodied impact by the time it is used.

    Args:
        duration_s: time of use [s].
        embodied_x: impact of the whole device, use phase excluded [X].
        lifetime_use_h: hours of active use over the device's life [h], > 0.

    Returns:
        Impact share [X].

    >>> embodied_by_time_x(3600.0, 200.0, 10.0)
    20.0
    """
    return duration_s / SECOND_PER_HOUR / lifetime_use_h * embodied_x


@formula("embodied.by_cpu_time", version=1, sources=_ALLOCATION)
def embodied_by_cpu_time_x(
    cpu_time_s: Annotated[Number, Tag("s")], embodied_x_per_cpu_s: Annotated[Number, Tag("X/s")]
) -> Annotated[Number, Tag("X")]:
    """Share of a server's embodied impact by the processor time used on it.

    Args:
        cpu_time_s: CPU time [s].
        embodied_x_per_cpu_s: embodied impact per second of used hardware thread [X/s].

    Returns:
        Impact share [X].

    >>> embodied_by_cpu_time_x(10.0, 0.5)
    5.0
    """
    return cpu_time_s * embodied_x_per_cpu_s


@formula("embodied.by_volume", version=1, sources=_ALLOCATION)
def embodied_by_volume_x(
    network_bytes: Annotated[Number, Tag("B")], embodied_x_per_gb: Annotated[Number, Tag("X/GB")]
) -> Annotated[Number, Tag("X")]:
    """Share of a network's embodied impact by the data moved through it.

    Args:
        network_bytes: bytes received and sent [B].
        embodied_x_per_gb: embodied impact per gigabyte [X/GB].

    Returns:
        Impact share [X].

    >>> embodied_by_volume_x(5e8, 3.0)
    1.5
    """
    return network_bytes / BYTE_PER_GB * embodied_x_per_gb
