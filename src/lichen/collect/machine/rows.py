# SPDX-License-Identifier: Apache-2.0
"""The rows of one part and one window, whatever it was read from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from lichen.collect.counters import Reading
from lichen.records import Activity, DataMethod


def part_rows(
    entity: str,
    span: Reading,
    window_s: float,
    *,
    method: DataMethod,
    memory: DataMethod | None = None,
    attributes: Mapping[str, float],
) -> Iterator[Activity]:
    """One row for each quantity of a window that is known, or could have been: those are None.

    Args:
        entity: path under which they are booked.
        span: what the part consumed in the window.
        window_s: length of the window.
        method: how the figures are known; memory: how those of memory are, where it differs.
        attributes: of every row.
    """
    of_memory = memory or method
    rows: tuple[tuple[str, str, float | None, DataMethod], ...] = (
        ("cpu_time", "s", None if span.cpu_ns is None else span.cpu_ns / 1e9, method),
        ("memory_peak", "B", span.memory_peak_bytes, of_memory),
        ("memory_byte_seconds", "B.s", span.memory_byte_seconds, of_memory),
        ("disk_bytes", "B", span.disk_bytes, method),
        ("network_bytes", "B", span.network_bytes, method),
        ("window_time", "s", window_s, "measured"),
    )
    for quantity, unit, value, known in rows:
        yield Activity(entity=entity, quantity=quantity, value=value, unit=unit, method=known, attributes=attributes)
