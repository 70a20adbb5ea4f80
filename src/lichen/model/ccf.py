# SPDX-License-Identifier: Apache-2.0
"""Formulas of Cloud Carbon Footprint (CCF): energy of rented processors, memory, storage and networks, and shares of servers.

Those that say "as coded" repeat what the program does instead of what its documentation says.
"""

from __future__ import annotations

from typing import Annotated, Final

from lichen.model.registry import Number, formula
from lichen.units import BYTE_PER_GB, HOUR_PER_DAY, JOULE_PER_KWH, SECOND_PER_HOUR, Tag

_CCF: Final = ("Cloud Carbon Footprint, Methodology (2024), Energy Estimate",)
_EMBODIED: Final = (
    "Cloud Carbon Footprint, Methodology (2024), Embodied Emissions",
    "ISO/IEC 21031:2024 (SCI), embodied emissions M",
)
_CODE: Final = ("cloud-carbon-footprint, commit b7a049c (2024-03-25), packages/aws and packages/core",)


@formula("ccf.processor_energy", version=1, sources=_CCF)
def processor_energy_kwh(
    processor_time_s: Annotated[Number, Tag("s")],
    idle_w: Annotated[Number, Tag("W", "b")],
    full_w: Annotated[Number, Tag("W", "b")],
    utilisation_share: Annotated[Number, Tag("1")],
) -> Annotated[Number, Tag("kWh", "b")]:
    """Energy of virtual processors or graphics cards, linear between idle and full power.

    Args:
        processor_time_s: time for which virtual processors or cards are rented, summed over them [s], >= 0.
        idle_w: power of one at rest [W], >= 0.
        full_w: power of one at full load [W], >= 0.
        utilisation_share: share of its capacity in use [1], 0 to 1.

    Returns:
        Energy at the boundary b [kWh].

    >>> processor_energy_kwh(3.6e6, 1.0, 5.0, 0.5)
    3.0
    """
    return processor_time_s * (idle_w + (full_w - idle_w) * utilisation_share) / JOULE_PER_KWH


@formula("ccf.counted_time", version=1, sources=_CCF)
def counted_time_s(
    vcpu_time_s: Annotated[Number, Tag("s")], time_ratio: Annotated[Number, Tag("1")]
) -> Annotated[Number, Tag("s")]:
    """Virtual processor time that counts: a burstable instance is taken to run at its baseline instead of at the usual load.

    Args:
        vcpu_time_s: virtual processor time rented [s], >= 0.
        time_ratio: baseline over usual utilisation; 1 for all other instances [1].

    Returns:
        Virtual processor time at the usual utilisation [s].

    >>> counted_time_s(3600.0, 0.25)
    900.0
    """
    return vcpu_time_s * time_ratio


@formula("ccf.function_time_as_coded", version=1, sources=_CODE)
def function_time_s(
    memory_byte_seconds: Annotated[Number, Tag("B*s")], processors_1_per_gb: Annotated[Number, Tag("1/GB")]
) -> Annotated[Number, Tag("s")]:
    """Virtual processor time of functions as coded: gigabyte-seconds of their memory are read as seconds of a processor.

    Args:
        memory_byte_seconds: memory of functions over the time that they run [B.s], >= 0.
        processors_1_per_gb: virtual processors that a gigabyte is taken for [1/GB], >= 0.

    Returns:
        Virtual processor time [s].

    >>> function_time_s(5e9, 1.0)
    5.0
    """
    return memory_byte_seconds / BYTE_PER_GB * processors_1_per_gb


@formula("ccf.billed_time_as_coded", version=1, sources=_CODE)
def billed_time_s(
    vcpu_time_s: Annotated[Number, Tag("s")], machines: Annotated[Number, Tag("1")]
) -> Annotated[Number, Tag("s")]:
    """Virtual processor time of the machines that are billed, as coded: standbys use energy and were never made.

    Args:
        vcpu_time_s: virtual processor time of all machines [s], >= 0.
        machines: that run for each one that is billed [1], >= 1.

    Returns:
        Virtual processor time of those that are billed [s].

    >>> billed_time_s(7200.0, 2.0)
    3600.0
    """
    return vcpu_time_s / machines


@formula("ccf.card_time", version=1, sources=_CCF)
def card_time_s(
    vcpu_time_s: Annotated[Number, Tag("s")],
    instance_vcpus: Annotated[Number, Tag("1")],
    instance_cards: Annotated[Number, Tag("1")],
) -> Annotated[Number, Tag("s")]:
    """Time for which the graphics cards of an instance are rented, from that of its virtual processors.

    Args:
        vcpu_time_s: virtual processor time rented [s], >= 0.
        instance_vcpus: virtual processors of the instance [1], > 0.
        instance_cards: its graphics cards [1], >= 0.

    Returns:
        Time summed over cards [s].

    >>> card_time_s(7200.0, 8.0, 4.0)
    3600.0
    """
    return vcpu_time_s / instance_vcpus * instance_cards


@formula("ccf.memory_energy", version=1, sources=_CCF)
def memory_energy_kwh(
    vcpu_time_s: Annotated[Number, Tag("s")],
    instance_vcpus: Annotated[Number, Tag("1")],
    extra_memory_gb: Annotated[Number, Tag("GB")],
    memory_w_per_gb: Annotated[Number, Tag("W/GB", "b")],
) -> Annotated[Number, Tag("kWh", "b")]:
    """Energy of an instance's memory above what the servers behind the processors' figures hold.

    Args:
        vcpu_time_s: virtual processor time rented [s], >= 0.
        instance_vcpus: virtual processors of the instance [1], > 0.
        extra_memory_gb: its memory above that share [GB], >= 0.
        memory_w_per_gb: power of a gigabyte of memory [W/GB].

    Returns:
        Energy at the boundary b [kWh].

    >>> memory_energy_kwh(7.2e6, 2.0, 10.0, 0.5)
    5.0
    """
    return vcpu_time_s / instance_vcpus * extra_memory_gb * memory_w_per_gb / JOULE_PER_KWH


@formula("ccf.capacity_energy", version=1, sources=_CCF)
def capacity_energy_kwh(
    counted_byte_seconds: Annotated[Number, Tag("B*s")], capacity_w_per_gb: Annotated[Number, Tag("W/GB", "b")]
) -> Annotated[Number, Tag("kWh", "b")]:
    """Energy of storage or memory that is rented by capacity and time.

    Args:
        counted_byte_seconds: capacity rented over time [B.s], >= 0.
        capacity_w_per_gb: power of a gigabyte [W/GB].

    Returns:
        Energy at the boundary b [kWh].

    >>> capacity_energy_kwh(3.6e15, 0.25)
    0.25
    """
    return counted_byte_seconds / BYTE_PER_GB * capacity_w_per_gb / JOULE_PER_KWH


@formula("ccf.replicated", version=1, sources=_CCF)
def replicated_kwh(
    energy_it_kwh: Annotated[Number, Tag("kWh", "it")], replication: Annotated[Number, Tag("1")]
) -> Annotated[Number, Tag("kWh", "it")]:
    """Energy of all copies that a service keeps of what is rented from it once.

    Args:
        energy_it_kwh: energy of one copy [kWh].
        replication: copies kept [1], >= 1.

    Returns:
        Energy of all copies [kWh].

    >>> replicated_kwh(2.0, 3.0)
    6.0
    """
    return energy_it_kwh * replication


@formula("ccf.units_as_coded", version=1, sources=_CODE)
def units_as_coded_byte_seconds(
    storage_byte_seconds: Annotated[Number, Tag("B*s")], unit_ratio: Annotated[Number, Tag("1")]
) -> Annotated[Number, Tag("B*s")]:
    """Capacity as the program counts it: bills in bytes are divided by powers of two, bills in gigabytes by powers of ten.

    Args:
        storage_byte_seconds: capacity rented over time [B.s], >= 0.
        unit_ratio: gigabytes or terabytes that the program counts per decimal one [1].

    Returns:
        Capacity over time, in bytes of the decimal units that its factors are for [B*s].

    >>> units_as_coded_byte_seconds(1000.0, 0.5)
    500.0
    """
    return storage_byte_seconds * unit_ratio


@formula("ccf.volume_as_coded", version=1, sources=_CODE)
def volume_as_coded_bytes(
    network_bytes: Annotated[Number, Tag("B")], unit_ratio: Annotated[Number, Tag("1")]
) -> Annotated[Number, Tag("B")]:
    """Traffic as the program counts it: bills in bytes are divided by powers of two, bills in gigabytes by powers of ten.

    Args:
        network_bytes: bytes moved [B], >= 0.
        unit_ratio: gigabytes that the program counts per decimal one [1].

    Returns:
        Traffic, in bytes of the decimal units that its factor is for [B].

    >>> volume_as_coded_bytes(1000.0, 0.5)
    500.0
    """
    return network_bytes * unit_ratio


@formula("ccf.byte_hours_as_coded", version=1, sources=_CODE)
def byte_hours_as_coded_byte_seconds(
    storage_byte_seconds: Annotated[Number, Tag("B*s")],
    byte_hours_ratio: Annotated[Number, Tag("1")],
    hours_of_month: Annotated[Number, Tag("1")],
) -> Annotated[Number, Tag("B*s")]:
    """Capacity as the program reads it off usage types that end in ByteHrs: gigabyte-months are taken for byte-hours.

    Args:
        storage_byte_seconds: capacity rented over time [B.s], >= 0.
        byte_hours_ratio: terabytes counted per terabyte, over the bytes of a gigabyte [1].
        hours_of_month: hours of the month that the bill is of [1], > 0.

    Returns:
        Capacity over time as it enters the program's factors, about 10^12 times too small [B*s].

    >>> byte_hours_as_coded_byte_seconds(720000.0, 0.001, 720.0)
    1.0
    """
    return storage_byte_seconds * byte_hours_ratio / hours_of_month


@formula("ccf.month_as_days_as_coded", version=1, sources=_CODE)
def month_as_days_as_coded_byte_seconds(
    storage_byte_seconds: Annotated[Number, Tag("B*s")],
    counted_days: Annotated[Number, Tag("1")],
    hours_of_month: Annotated[Number, Tag("1")],
) -> Annotated[Number, Tag("B*s")]:
    """Capacity as the program reads it off Azure's bills: gigabyte-months are taken for gigabytes on so many days.

    Args:
        storage_byte_seconds: capacity rented over time [B.s], >= 0.
        counted_days: days that count of the month [1].
        hours_of_month: hours of the month that the bill is of [1], > 0.

    Returns:
        Capacity over time as it enters the program's factors [B*s].

    >>> month_as_days_as_coded_byte_seconds(720.0, 1.0, 720.0)
    24.0
    """
    return storage_byte_seconds * counted_days * HOUR_PER_DAY / hours_of_month


@formula("ccf.server_share", version=1, sources=_EMBODIED)
def server_share_x(
    vcpu_time_s: Annotated[Number, Tag("s")],
    server_x: Annotated[Number, Tag("X")],
    lifetime_h: Annotated[Number, Tag("h")],
    server_vcpus: Annotated[Number, Tag("1")],
) -> Annotated[Number, Tag("X")]:
    """Share of a server's manufacture by virtual processors and time.

    Args:
        vcpu_time_s: virtual processor time rented [s], >= 0.
        server_x: manufacture of the whole server [X].
        lifetime_h: its time of service [h], > 0.
        server_vcpus: virtual processors that it is rented out as [1], > 0.

    Returns:
        Impact share [X].

    >>> server_share_x(7200.0, 1000.0, 100.0, 10.0)
    2.0
    """
    return vcpu_time_s / SECOND_PER_HOUR / lifetime_h / server_vcpus * server_x


@formula("ccf.server_share_as_coded", version=1, sources=_CODE)
def server_share_as_coded_x(
    vcpu_time_s: Annotated[Number, Tag("s")],
    instance_vcpus: Annotated[Number, Tag("1")],
    server_x: Annotated[Number, Tag("X")],
    lifetime_h: Annotated[Number, Tag("h")],
    server_vcpus: Annotated[Number, Tag("1")],
) -> Annotated[Number, Tag("X")]:
    """Share of a server's manufacture as the program has it: hours of the instance are divided by its virtual processors again.

    Args:
        vcpu_time_s: virtual processor time rented [s], >= 0.
        instance_vcpus: virtual processors of the instance [1], > 0.
        server_x: manufacture of the whole server [X].
        lifetime_h: its time of service [h], > 0.
        server_vcpus: virtual processors that it is rented out as [1], > 0.

    Returns:
        Impact share, too small by the virtual processors of the instance [X].

    >>> server_share_as_coded_x(7200.0, 2.0, 1000.0, 100.0, 10.0)
    1.0
    """
    return vcpu_time_s / SECOND_PER_HOUR / instance_vcpus / lifetime_h / server_vcpus * server_x


@formula("ccf.energy_of_carbon_as_coded", version=1, sources=_CODE)
def energy_of_carbon_as_coded_kwh(
    embodied_x: Annotated[Number, Tag("X")], grid_x_per_kwh: Annotated[Number, Tag("X/kWh", "1/delivered")]
) -> Annotated[Number, Tag("kWh", "delivered")]:
    """Energy that the program reports for the manufacture of a server: its emissions divided by those of the grid.

    Args:
        embodied_x: share of the manufacture [X].
        grid_x_per_kwh: impact of a kilowatt-hour where the instance runs [X/kWh], > 0.

    Returns:
        An amount in units of energy that nothing has used [kWh].

    >>> energy_of_carbon_as_coded_kwh(100.0, 50.0)
    2.0
    """
    return embodied_x / grid_x_per_kwh
