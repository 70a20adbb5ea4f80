# SPDX-License-Identifier: Apache-2.0
"""Several containers as one part."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeVar

from lichen.collect.counters import UNKNOWN, Reading
from lichen.records import DATA_METHODS, DataMethod

_N = TypeVar("_N", int, float)


def together(readings: Sequence[Reading]) -> Reading:
    """The sum of the readings of one instant; what one of them does not know is unknown.

    The sum of the peaks is an upper bound of the peak of the sum. Times of pressure overlap, so that of several is unknown.
    """
    if len(readings) == 1:
        return readings[0]
    if not readings:
        return UNKNOWN
    return Reading(
        cpu_ns=_sum(reading.cpu_ns for reading in readings),
        disk_bytes=_sum(reading.disk_bytes for reading in readings),
        memory_byte_seconds=_sum(reading.memory_byte_seconds for reading in readings),
        memory_peak_bytes=_sum(reading.memory_peak_bytes for reading in readings),
        alive=sum(reading.alive for reading in readings),
        network_received_bytes=_sum(reading.network_received_bytes for reading in readings),
        network_sent_bytes=_sum(reading.network_sent_bytes for reading in readings),
        network_loopback_bytes=_sum(reading.network_loopback_bytes for reading in readings),
    )


def weakest(methods: Iterable[DataMethod]) -> DataMethod:
    """A sum is not known better than its terms."""
    return max(methods, key=DATA_METHODS.index, default="measured")


def _sum(values: Iterable[_N | None]) -> _N | None:
    total: _N | None = None
    for value in values:
        if value is None:
            return None
        total = value if total is None else total + value
    return total
