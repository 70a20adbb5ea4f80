# SPDX-License-Identifier: Apache-2.0
"""What a workload asks for in a month, from what people know of it: visitors, requests, CPU time of a request, data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from lichen.errors import ConfigError
from lichen.ledger import runfile
from lichen.portfolio.scenarios import FULL_CPU_GIB, HOURS, LEVELS, Demand, Level, Queries, Spread
from lichen.service.simulate.table import Table

WORKLOAD: Final = (
    "name", "users", "users_in", "page_views_per_month", "requests_per_page_view", "requests_per_minute",
    "peak_requests_per_minute", "cpu_ms_per_request", "cpu_measured_in", "duration_ms_per_request", "response_kb", "memory_gb",
    "storage_gb", "egress_gb_per_month", "database_gb", "database_vcpus", "database_memory_gb", "headroom", "spare",
    "function_memory_gb",
)  # fmt: skip
QUERIES: Final = (
    "per_month", "at_once", "data_gb", "scanned_gb", "packed", "read", "database_vcpus", "database_memory_gb",
    "cpu_s_per_gb",
)  # fmt: skip
PACKED: Final = Spread(0.1, 0.25, 0.6)
"""Share of the size of a table of rows, indexes in, that compressed columns take. Assumed."""
READ: Final = Spread(0.02, 0.1, 0.5)
"""Share of columns and partitions that a query reads. Assumed."""
CPU_S_PER_GB: Final = Spread(1.0, 3.0, 10.0)
"""CPU time of reading, unpacking and adding up a GB of compressed columns [s]. Assumed: 0.1 to 1 GB/s a core."""
CPU_MS: Final = Spread(5.0, 30.0, 150.0)
"""CPU time of a request, where nobody measured it [ms]. Assumed."""
_MINUTES: Final = HOURS * 60
_MOST_REQUESTS: Final = 1e9
_MOST_VIEWS: Final = 1e12
_MOST_GB: Final = 1e10
_MOST_CPUS: Final = 1e6
"""Far beyond any workload, so that a slip of the unit is noticed."""
_PEAK: Final = 2.0
"""Peak over mean, where nobody knows the peak. Assumed, and told."""


@dataclass(frozen=True, slots=True)
class Read:
    """A demand at its three levels, how its CPU time is known, and what is told of it."""

    demand: Mapping[Level, Demand]
    cpu_source: str
    facts: Mapping[str, float]


def demands(table: Table, queries: Table | None, folder: Path, *, otherwise: bool = False) -> Read:
    """The demand that a file declares.

    Args:
        folder: that names of files are relative to. otherwise: whether a bill or machines tell
            what nobody declares.

    Raises:
        ConfigError: it contradicts itself, or asks for nothing.
    """
    requests = _requests(table)
    source, cpu_ms = _cpu(table, folder, asked=bool(requests))
    peak_minute = table.number("peak_requests_per_minute", most=_MOST_REQUESTS)
    if peak_minute is not None and not requests:
        raise table.error("A peak of requests is given without their number", "Add requests_per_minute.")
    mean_minute = requests / _MINUTES
    peak_minute = _PEAK * mean_minute if peak_minute is None else peak_minute
    if peak_minute < mean_minute * (1 - 1e-9):
        raise table.error(
            f"The peak of {peak_minute:g} requests a minute is below their mean of {mean_minute:.0f}",
            "Correct one of them.",
        )
    asked = {level: _queries(queries, level) for level in LEVELS}
    common: dict[str, Any] = {
        "requests": requests,
        "peak_requests_per_s": peak_minute / 60,
        "duration_s": (table.number("duration_ms_per_request", most=3.6e6) or 0.0) / 1000,
        "memory_gib": table.number("memory_gb", most=_MOST_GB) or 0.0,
        "storage_gb": table.number("storage_gb", most=_MOST_GB) or 0.0,
        "egress_gb": _egress(table, requests),
        "database_gb": table.number("database_gb", most=_MOST_GB) or 0.0,
        "database_vcpus": table.number("database_vcpus", most=_MOST_CPUS) or 0.0,
        "database_memory_gib": table.number("database_memory_gb", most=_MOST_GB) or 0.0,
        "load_most": 1.0 - _or(table.number("headroom", most=0.95), 0.4),
        "spare": _whole(table, "spare", 1),
        "function_memory_gib": _or(table.number("function_memory_gb", least=0.125, most=64.0), FULL_CPU_GIB),
    }
    found = {
        level: Demand(
            cpu_s=requests * cpu_ms.at(level) / 1000, peak_cpus=peak_minute / 60 * cpu_ms.at(level) / 1000,
            queries=asked[level], **common,
        )
        for level in LEVELS
    }  # fmt: skip
    asks = requests or queries is not None or common["storage_gb"] or common["database_gb"]
    if not asks and not otherwise:
        raise table.error(
            "The workload asks for nothing",
            "Give requests_per_minute, [queries], storage_gb or database_gb, a [bill] or [own] machines.",
        )
    facts = {
        "requests_per_minute": mean_minute,
        "peak_requests_per_minute": peak_minute,
        "cpu_ms_per_request": cpu_ms.value,
    }
    return Read(found, source, facts if requests else {})


def _requests(table: Table) -> float:
    """Requests of a month, by the minute or by the page view."""
    minute, views = (
        table.number("requests_per_minute", most=_MOST_REQUESTS),
        table.number("page_views_per_month", most=_MOST_VIEWS),
    )
    each = table.number("requests_per_page_view", most=_MOST_REQUESTS)
    if minute is not None and each is not None:
        raise table.error("Requests are given by the minute and by the page view", "Keep one of them.")
    if minute is not None:
        return minute * _MINUTES
    if each is not None and views is None:
        raise table.error("Requests of a page view are given without page views", "Add page_views_per_month.")
    return (views or 0.0) * (1.0 if each is None else each)


def _egress(table: Table, requests: float) -> float:
    """What goes out to visitors in a month [GB]."""
    volume, each_kb = table.number("egress_gb_per_month", most=_MOST_GB), table.number("response_kb")
    if volume is not None and each_kb is not None:
        raise table.error("What goes out is given by the month and by the answer", "Keep one of them.")
    return volume if volume is not None else requests * (each_kb or 0.0) / 1e6


def _cpu(table: Table, folder: Path, *, asked: bool) -> tuple[str, Spread]:
    """CPU time of a request [ms], and how it is known."""
    given, run = table.spread("cpu_ms_per_request", least=0.001, most=3.6e6), table.text("cpu_measured_in")
    if given is not None and run is not None:
        raise table.error("The CPU time of a request is given and measured", "Keep one of them.")
    if run is not None:
        return "measured", measured_cpu_ms(folder / run, table)
    if given is None:
        return ("assumed" if asked else "given"), CPU_MS
    return "given", given


def measured_cpu_ms(path: Path, table: Table) -> Spread:
    """CPU time of server parts for a request of the browser, of a run [ms]: the mean, and the repetitions' ends.

    Raises:
        ConfigError: the run measured no server part, or no request.
    """
    content = runfile.read_document(path)
    rows = [row for row in content.get("activities", []) if isinstance(row, Mapping)]
    cpu = [row for row in rows if row.get("quantity") == "cpu_time" and row.get("tier") == "server"]
    asked = [row for row in rows if row.get("quantity") == "requests" and row.get("tier") in (None, "device")]
    requests = sum(float(row.get("value") or 0) for row in asked)
    if not cpu or not requests:
        raise table.error(
            f"The run {path.name} measured no server part, or no request", "Name a run of a journey with [[part]]s."
        )
    repeated = [row.get("samples") or [] for row in cpu]
    count = min(map(len, repeated))
    totals = [sum(float(row[place] or 0) for row in repeated) for place in range(count)]
    value = sum(float(row.get("value") or 0) for row in cpu)
    scale = 1000 / requests
    return Spread(min([*totals, value]) * scale, value * scale, max([*totals, value]) * scale)


def _queries(table: Table | None, level: Level) -> Queries | None:
    if table is None:
        return None

    def number(key: str, otherwise: Spread | None = None, most: float = 1e15) -> float:
        found = table.spread(key, most=most) or otherwise
        if found is None:
            raise _missing(table, key)
        return found.at(level)

    return Queries(
        count=number("per_month"),
        at_once=number("at_once", Spread.of(1.0)),
        data_gb=number("data_gb"),
        scanned_gb=number("scanned_gb"),
        packed=number("packed", PACKED, 1.0),
        read=number("read", READ, 1.0),
        database_vcpus=number("database_vcpus"),
        database_memory_gib=number("database_memory_gb"),
        cpu_s_per_gb=number("cpu_s_per_gb", CPU_S_PER_GB),
    )


def _missing(table: Table, key: str) -> ConfigError:
    return table.error(f"queries.{key} is missing", f"Write {key} = 100.")


def _whole(table: Table, key: str, otherwise: int) -> int:
    found: Any = table.number(key, most=1000)
    if found is not None and found != int(found):
        raise table.error(f"workload.{key} is {found:g}", "Write a whole number.")
    return otherwise if found is None else int(found)


def _or(value: float | None, otherwise: float) -> float:
    return otherwise if value is None else value
