# SPDX-License-Identifier: Apache-2.0
"""Rented resources: what a bill counts (time, capacity, requests) as what draws power and was made.

A virtual processor is charged by time whether it computes or waits, because nobody else can use it meanwhile. Every function
works on floats and on NumPy arrays alike.
"""

from __future__ import annotations

from typing import Annotated, Final

from lichen.model.registry import Number, formula
from lichen.units import BYTE_PER_GB, BYTE_PER_GIB, JOULE_PER_KWH, SECOND_PER_HOUR, Tag

_RENTED: Final = (
    "ISO 14044:2006 4.3.4.2, allocation by a physical relationship: what is reserved for one customer",
    "GHG Protocol, ICT Sector Guidance (2017), chapter 4: cloud and data centre services",
)
_WHOLE: Final = ("ISO 14044:2006 4.3.4.1: shares sum to the whole, that of nobody included",)


@formula("rented.counted_time", version=1, sources=_RENTED)
def counted_time_s(
    duration_s: Annotated[Number, Tag("s")], pieces: Annotated[Number, Tag("1")]
) -> Annotated[Number, Tag("s")]:
    """Time summed over the pieces that are held while something is rented: graphics cards, threads, a share of a host.

    Args:
        duration_s: time for which it is rented [s], >= 0.
        pieces: pieces that are held meanwhile [1], >= 0.

    Returns:
        Time summed over the pieces [s].

    >>> counted_time_s(3600.0, 8.0)
    28800.0
    """
    return duration_s * pieces


@formula("rented.held_capacity", version=1, sources=_RENTED)
def held_capacity_byte_seconds(
    duration_s: Annotated[Number, Tag("s")], capacity_gb: Annotated[Number, Tag("GB")]
) -> Annotated[Number, Tag("B*s")]:
    """Storage that an instance holds while it is rented, whether it is used or not.

    Args:
        duration_s: time for which the instance is rented [s], >= 0.
        capacity_gb: what it holds [GB], >= 0.

    Returns:
        Capacity over time [B*s].

    >>> held_capacity_byte_seconds(10.0, 16.0)
    160000000000.0
    """
    return duration_s * capacity_gb * BYTE_PER_GB


@formula("rented.held_memory", version=1, sources=_RENTED)
def held_memory_byte_seconds(
    duration_s: Annotated[Number, Tag("s")], capacity_gib: Annotated[Number, Tag("GiB")]
) -> Annotated[Number, Tag("B*s")]:
    """Memory that an instance holds while it is rented, whether it is used or not.

    Args:
        duration_s: time for which the instance is rented [s], >= 0.
        capacity_gib: what it holds [GiB], >= 0.

    Returns:
        Memory over time [B*s].

    >>> held_memory_byte_seconds(10.0, 16.0)
    171798691840.0
    """
    return duration_s * capacity_gib * BYTE_PER_GIB


@formula("rented.capacity_energy", version=1, sources=_RENTED)
def capacity_energy_kwh(
    held_byte_seconds: Annotated[Number, Tag("B*s")],
    power_w_per_gb: Annotated[Number, Tag("W/GB", "b")],
    copies: Annotated[Number, Tag("1")],
    overhead: Annotated[Number, Tag("1")],
) -> Annotated[Number, Tag("kWh", "b")]:
    """Energy of storage that is rented by capacity and time, with every copy that is kept of it.

    Args:
        held_byte_seconds: capacity rented over time, counted once [B.s], >= 0.
        power_w_per_gb: power of a gigabyte of the medium [W/GB].
        copies: copies kept [1], >= 1.
        overhead: what runs in all over the media that hold a copy: servers around them, space kept free [1], >= 1.

    Returns:
        Energy at the boundary b [kWh].

    >>> capacity_energy_kwh(3.6e15, 0.25, 3.0, 2.0)
    1.5
    """
    return held_byte_seconds / BYTE_PER_GB * power_w_per_gb * copies * overhead / JOULE_PER_KWH


@formula("rented.capacity_share", version=1, sources=_RENTED)
def capacity_share_x(
    held_byte_seconds: Annotated[Number, Tag("B*s")],
    embodied_x_per_gb_h: Annotated[Number, Tag("X/(GB*h)")],
) -> Annotated[Number, Tag("X")]:
    """Share of the making of memory or storage, by capacity and time.

    Args:
        held_byte_seconds: capacity held over time [B.s], >= 0.
        embodied_x_per_gb_h: impact of making a gigabyte, over the hours of its life [X/(GB.h)].

    Returns:
        Impact share [X].

    >>> capacity_share_x(3.6e12, 0.25)
    0.25
    """
    return held_byte_seconds / BYTE_PER_GB / SECOND_PER_HOUR * embodied_x_per_gb_h


@formula("rented.with_idle", version=1, sources=_WHOLE)
def with_idle_kwh(
    energy_it_kwh: Annotated[Number, Tag("kWh", "it")], overhead: Annotated[Number, Tag("1")]
) -> Annotated[Number, Tag("kWh", "it")]:
    """Energy with the share of what a provider keeps running that nobody rents.

    Args:
        energy_it_kwh: energy of what is rented [kWh].
        overhead: what runs in all over what is rented out [1], >= 1.

    Returns:
        Energy of IT equipment [kWh].

    >>> with_idle_kwh(2.0, 1.25)
    2.5
    """
    return energy_it_kwh * overhead


@formula("rented.whole_share", version=1, sources=_WHOLE)
def whole_share_x(
    embodied_x: Annotated[Number, Tag("X")], copies: Annotated[Number, Tag("1")]
) -> Annotated[Number, Tag("X")]:
    """Impact of making with the share of what stands there for no customer, or of every copy.

    Args:
        embodied_x: impact of making what is rented [X].
        copies: what stands there over what is rented out, or copies kept [1], >= 1.

    Returns:
        Impact share [X].

    >>> whole_share_x(2.0, 1.25)
    2.5
    """
    return embodied_x * copies


@formula("rented.requests_time", version=1, sources=_RENTED)
def requests_time_s(
    requests: Annotated[Number, Tag("1")], request_cpu_s: Annotated[Number, Tag("s")]
) -> Annotated[Number, Tag("s")]:
    """Processor time behind requests of a service that bills nothing else.

    Args:
        requests: requests answered [1], >= 0.
        request_cpu_s: processor time of one, on all machines that take part [s].

    Returns:
        Processor time [s].

    >>> requests_time_s(1000.0, 0.25)
    250.0
    """
    return requests * request_cpu_s
