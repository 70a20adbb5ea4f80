# SPDX-License-Identifier: Apache-2.0
"""Electrical energy from physical quantities, at the boundary of the factor that is used.

Every function works on floats and on NumPy arrays alike (scalars or arrays of one shape).
"""

from __future__ import annotations

from typing import Annotated

from lichen.model.registry import Number, formula
from lichen.units import BYTE_PER_GB, JOULE_PER_KWH, WATT_PER_KILOWATT, Tag

_PHYSICS = ("SI Brochure 9th ed. (2019), 1 kWh = 3.6 MJ",)


@formula("energy.from_power", version=1, sources=_PHYSICS)
def from_power_kwh(
    duration_s: Annotated[Number, Tag("s")], power_w: Annotated[Number, Tag("W", "b")]
) -> Annotated[Number, Tag("kWh", "b")]:
    """Energy of something that draws a constant power for a time.

    Args:
        duration_s: time during which the power is drawn [s], >= 0.
        power_w: mean power at the boundary b [W], >= 0.

    Returns:
        Energy at the boundary b [kWh].

    >>> from_power_kwh(3600.0, 10.0)
    0.01
    """
    return duration_s * power_w / JOULE_PER_KWH


@formula(
    "energy.from_cpu_time",
    version=1,
    sources=(
        "ITU-T L.1410 (2014) 6.3, inventory of the use stage",
        "Jay et al. 2023, doi:10.1109/CCGrid57682.2023.00020",
    ),
)
def from_cpu_time_kwh(
    cpu_time_s: Annotated[Number, Tag("s")], energy_j_per_cpu_s: Annotated[Number, Tag("J/s", "b")]
) -> Annotated[Number, Tag("kWh", "b")]:
    """Energy of processor work, proportional to CPU time.

    Linear in CPU time: valid for a mean over a window; a single core at turbo frequency costs more per second than
    several throttled ones, which the factor's range has to hold.

    Args:
        cpu_time_s: CPU time of all processes [s], >= 0.
        energy_j_per_cpu_s: energy per second of one hardware thread [J/s].

    Returns:
        Energy at the boundary b [kWh].

    >>> from_cpu_time_kwh(3.6e6, 4.5)
    4.5
    """
    return cpu_time_s * energy_j_per_cpu_s / JOULE_PER_KWH


@formula("energy.from_memory", version=1, sources=_PHYSICS)
def from_memory_kwh(
    memory_byte_seconds: Annotated[Number, Tag("B*s")], power_w_per_gb: Annotated[Number, Tag("W/GB", "b")]
) -> Annotated[Number, Tag("kWh", "b")]:
    """Energy of memory in use, integrated over time.

    Args:
        memory_byte_seconds: memory in use integrated over the window [B.s], >= 0.
        power_w_per_gb: power of one gigabyte of memory, refresh included [W/GB].

    Returns:
        Energy at the boundary b [kWh].

    >>> from_memory_kwh(3.6e12, 0.5)
    0.0005
    """
    return memory_byte_seconds / BYTE_PER_GB * power_w_per_gb / JOULE_PER_KWH


@formula("energy.from_memory_peak", version=1, sources=_PHYSICS)
def from_memory_peak_kwh(
    memory_peak_b: Annotated[Number, Tag("B")],
    duration_s: Annotated[Number, Tag("s")],
    power_w_per_gb: Annotated[Number, Tag("W/GB", "b")],
) -> Annotated[Number, Tag("kWh", "b")]:
    """Energy of memory when only its peak is known: the peak is taken as held for the whole duration (an upper bound).

    Args:
        memory_peak_b: highest memory in use [B], >= 0.
        duration_s: duration over which it is taken as held [s], >= 0.
        power_w_per_gb: power of one gigabyte of memory [W/GB].

    Returns:
        Energy at the boundary b [kWh].

    >>> from_memory_peak_kwh(1e9, 3600.0, 0.5)
    0.0005
    """
    return memory_peak_b / BYTE_PER_GB * duration_s * power_w_per_gb / JOULE_PER_KWH


@formula("energy.from_disk", version=1, sources=_PHYSICS)
def from_disk_kwh(
    disk_bytes: Annotated[Number, Tag("B")], energy_j_per_gb: Annotated[Number, Tag("J/GB", "b")]
) -> Annotated[Number, Tag("kWh", "b")]:
    """Energy of reading and writing storage, proportional to bytes.

    Args:
        disk_bytes: bytes read and written [B], >= 0.
        energy_j_per_gb: energy per gigabyte moved [J/GB].

    Returns:
        Energy at the boundary b [kWh].

    >>> from_disk_kwh(1e9, 3.6e6)
    1.0
    """
    return disk_bytes / BYTE_PER_GB * energy_j_per_gb / JOULE_PER_KWH


@formula(
    "energy.from_volume",
    version=1,
    sources=("Aslan et al. 2018, doi:10.1111/jiec.12630", "Malmodin 2020, power model of data networks"),
)
def from_volume_kwh(
    network_bytes: Annotated[Number, Tag("B")], energy_kwh_per_gb: Annotated[Number, Tag("kWh/GB", "b")]
) -> Annotated[Number, Tag("kWh", "b")]:
    """Energy of moving data over a network, proportional to bytes.

    Networks draw most of their power whether or not data flow: with a marginal factor this is only the variable part, and
    the fixed part goes by time (`from_power_kwh`); with an average factor it is the whole.

    Args:
        network_bytes: bytes received and sent [B], >= 0.
        energy_kwh_per_gb: energy per gigabyte [kWh/GB].

    Returns:
        Energy at the boundary b [kWh].

    >>> from_volume_kwh(1e9, 0.02)
    0.02
    """
    return network_bytes / BYTE_PER_GB * energy_kwh_per_gb


@formula("energy.from_volume_share", version=1, sources=("greenframe-cli 2.0.1, src/model/README.md",))
def from_volume_share_kwh(
    network_bytes: Annotated[Number, Tag("B")],
    energy_wh_per_gb: Annotated[Number, Tag("Wh/GB", "b")],
    end_share: Annotated[Number, Tag("1")],
) -> Annotated[Number, Tag("kWh", "b")]:
    """Energy of moving data when each end of the wire is charged a share of it.

    Args:
        network_bytes: bytes received and sent at this end [B], >= 0.
        energy_wh_per_gb: energy per gigabyte for the whole path [Wh/GB].
        end_share: share charged to this end [1], 0 to 1.

    Returns:
        Energy at the boundary b [kWh].

    >>> from_volume_share_kwh(1e9, 22.0, 0.5)
    0.011
    """
    return network_bytes / BYTE_PER_GB * energy_wh_per_gb * end_share / WATT_PER_KILOWATT


@formula("energy.from_volume_wh", version=1, sources=("greenframe-cli 2.0.1, src/model/README.md",))
def from_volume_wh_kwh(
    disk_bytes: Annotated[Number, Tag("B")], energy_wh_per_gb: Annotated[Number, Tag("Wh/GB", "b")]
) -> Annotated[Number, Tag("kWh", "b")]:
    """Energy of reading and writing storage from a factor in Wh per gigabyte.

    Args:
        disk_bytes: bytes read and written [B], >= 0.
        energy_wh_per_gb: energy per gigabyte moved [Wh/GB].

    Returns:
        Energy at the boundary b [kWh].

    >>> from_volume_wh_kwh(1e9, 1000.0)
    1.0
    """
    return disk_bytes / BYTE_PER_GB * energy_wh_per_gb / WATT_PER_KILOWATT


@formula(
    "energy.metered",
    version=1,
    sources=("GHG Protocol Scope 2 Guidance (2015), chapter 6: consumption from meters and bills",),
)
def metered_kwh(energy_kwh: Annotated[Number, Tag("kWh", "b")]) -> Annotated[Number, Tag("kWh", "b")]:
    """Energy that a meter gave: taken as it is.

    Args:
        energy_kwh: energy at the boundary b [kWh], >= 0.

    Returns:
        The same energy [kWh].

    >>> metered_kwh(1.5)
    1.5
    """
    return energy_kwh
