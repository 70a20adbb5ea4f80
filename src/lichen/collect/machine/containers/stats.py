# SPDX-License-Identifier: Apache-2.0
"""What an engine says of one container: the counters in one answer of its statistics.

Source: docs.docker.com/reference/api/engine, ContainerStats; the same structure in Podman's compatible API.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

_IDLE_FILES: Final = ("total_inactive_file", "inactive_file")
"""Of version 1 and version 2 of control groups: file pages that nobody uses, which the working set leaves out."""
_TRANSFERS: Final = frozenset({"read", "write"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Stats:
    """Counters of a container since it started; None where the engine does not say.

    Attributes:
        engine_ns: when the engine read them, by its own clock [ns since 1970].
        cpus: processors that the container may use at once; None when the engine does not say.
        memory_bytes: working set now.
    """

    engine_ns: int
    cpu_ns: int | None
    memory_bytes: int | None
    disk_bytes: int | None
    network_received_bytes: int | None
    network_sent_bytes: int | None
    alive: int
    cpus: int | None = None


def read_stats(answer: Mapping[str, Any]) -> Stats | None:
    """The counters in an engine's answer; None when the container has no processes, or the answer no time."""
    engine_ns = parse_time_ns(answer.get("read"))
    cpu_ns = _integer(answer, "cpu_stats", "cpu_usage", "total_usage")
    alive = _integer(answer, "pids_stats", "current")
    # Of a stopped container engines answer zeros, with or without the year 1.
    if engine_ns is None or not cpu_ns:
        return None
    received, sent = _network(answer.get("networks"))
    return Stats(
        engine_ns=engine_ns,
        cpu_ns=cpu_ns,
        memory_bytes=_working_set(answer.get("memory_stats")),
        disk_bytes=_storage(answer),
        network_received_bytes=received,
        network_sent_bytes=sent,
        alive=1 if alive is None else alive,
        cpus=_integer(answer, "cpu_stats", "online_cpus") or None,
    )


def parse_time_ns(text: object) -> int | None:
    """RFC 3339 with up to nine decimals [ns since 1970]; None when it is none, or before 1970."""
    if not isinstance(text, str) or len(text) < len("1970-01-01T00:00:00"):
        return None
    seconds, rest = text[:19], text[19:]
    digits = ""
    if rest.startswith("."):
        digits = rest[1:].rstrip("Z").partition("+")[0].partition("-")[0]
        rest = rest[1 + len(digits) :]
    try:
        moment = datetime.fromisoformat(seconds + (rest or "Z"))
        nanoseconds = int(f"{digits:0<9}"[:9])
    except ValueError:
        return None
    total = int(moment.timestamp()) * 1_000_000_000 + nanoseconds
    return total if total > 0 else None


def _integer(answer: Any, *path: str) -> int | None:
    for key in path:
        answer = answer.get(key) if isinstance(answer, Mapping) else None
    return answer if isinstance(answer, int) and not isinstance(answer, bool) and answer >= 0 else None


def _working_set(memory: Any) -> int | None:
    usage = _integer(memory, "usage")
    if usage is None:
        return None
    idle = next((value for key in _IDLE_FILES if (value := _integer(memory, "stats", key)) is not None), 0)
    return max(0, usage - idle)


def _storage(answer: Mapping[str, Any]) -> int | None:
    """Bytes read and written. An empty list means nothing moved on version 2, and nothing counted on version 1."""
    blkio = answer.get("blkio_stats")
    rows = blkio.get("io_service_bytes_recursive") if isinstance(blkio, Mapping) else None
    if not isinstance(rows, list) or not rows:
        stats = answer.get("memory_stats", {}).get("stats") or {}
        return 0 if rows is not None and "anon" in stats else None
    return _total(row for row in rows if str(row.get("op", "")).lower() in _TRANSFERS)


def _total(rows: Iterable[Mapping[str, Any]]) -> int | None:
    values = [_integer(row, "value") for row in rows]
    known = [value for value in values if value is not None]
    return sum(known) if len(known) == len(values) else None


def _network(networks: Any) -> tuple[int | None, int | None]:
    """All interfaces, whatever they are called; None without any, as of a container in the machine's network."""
    if not isinstance(networks, Mapping) or not networks:
        return None, None
    received = [_integer(interface, "rx_bytes") for interface in networks.values()]
    sent = [_integer(interface, "tx_bytes") for interface in networks.values()]
    if None in received or None in sent:
        return None, None
    return sum(value or 0 for value in received), sum(value or 0 for value in sent)
