# SPDX-License-Identifier: Apache-2.0
"""Makes ``instances.csv.gz``, ``hosts.csv.gz`` and ``terminals.csv.gz``: what cloud instances, servers and terminals are.

Run it with ``python -m lichen.catalogue.build_machines boaviztapi-2.5.0-py3-none-any.whl [FOLDER]``. It reads the tables inside
the archive of BoaviztAPI 2.5.0 (Boavizta, program under the AGPL-3.0; the figures are facts that it cites from makers, providers,
Vantage and TechPowerUp) and takes over specifications, never text and never program.

What the published tables leave open is completed as that version does it, so that its results are met:

- A processor is the first one of the list whose words all occur in the host's; what it has goes before what the host says of it.
- A die without a published size: the mean of the family's dies with as many cores; else in proportion, when the family has one
  number of cores; else by linear regression on cores. A family without any size is replaced by all processors.
- The power curve ``a ln(b (load + c)) + d`` is fitted to 12, 32, 75 and 102 % of the thermal design power at 0, 10, 50 and 100 %
  load, starting from the curve of the model range and within three times its parameters; without a design power it is that curve.
- A graphics processor is found as a processor is; one that is not in the list is a large one by default. The wafer that its dies
  take includes the saw's width, the cut-off at the rim, and dies that fail.
- Hosts of Google Cloud have all their memory as the capacity of each module. It is kept where instances are counted in modules,
  and what such a host has in all is left out.
- Memory modules of cloud hosts draw the power of typical ones of the processor's generation: their layout is not published.
"""

from __future__ import annotations

import csv
import difflib
import gzip
import io
import math
import re
import statistics
import sys
import warnings
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

import numpy as np
from scipy.optimize import OptimizeWarning, curve_fit

HERE: Final = Path(__file__).parent
PROVIDERS: Final = ("aws", "azure", "gcp", "ovhcloud", "scaleway")
LOADS_PERCENT: Final = (0.0, 10.0, 50.0, 100.0)
TDP_SHARES: Final = (0.12, 0.32, 0.75, 1.02)
DEFAULT_CURVE: Final = (171.2, 0.0354, 36.89, -10.13)
CURVE_REACH: Final = 2.0
"""The fit may move each parameter by this many times its absolute value."""
SAME_RANGE: Final = 0.9
"""Similarity from which the names of two model ranges are taken for one: Xeon E7 reads as Xeon E."""
TYPICAL_MODULE_GIB: Final[Mapping[str, float]] = {"DDR3": 16.0, "DDR4": 32.0, "DDR5": 64.0}
DEFAULT_MEMORY: Final = "DDR4"
DIE_FIGURES: Final = 3
WHOLE_MEMORY_AS_MODULE: Final = ("GCP",)
"""Makers whose hosts are published with all their memory as the capacity of each module: what the host has in all is unknown."""
PERCENT: Final = 100.0
WAFER_MM, KERF_MM, DEFECTS_PER_CM2, MM2_PER_CM2 = 300.0, 0.2, 0.1, 100.0
GPU_MEMORY_MM2_PER_GB: Final = 15.5
DEFAULT_GPU: Final[Mapping[str, float]] = {
    "die_mm2": 814.0, "memory_gb": 80.0, "memory_dies": 6.0, "board_cm2": 296.0, "casing_kg": 0.79, "heatsink_kg": 0.9,
    "kg": 1.69,
}  # fmt: skip
"""A large graphics processor; its die as it is, not as the wafer that it takes."""
GPU_COLUMNS: Final[Mapping[str, str]] = {
    "board_cm2": "pwb_surface", "casing_kg": "mass_casing", "heatsink_kg": "mass_heatsink", "kg": "mass",
}  # fmt: skip

Table = Sequence[Mapping[str, str]]
Facts = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Archive:
    """The tables of the archive."""

    path: Path

    def table(self, name: str) -> list[dict[str, str]]:
        """Rows of a table below ``boaviztapi/data``."""
        with zipfile.ZipFile(self.path) as archive, archive.open(f"boaviztapi/data/{name}") as file:
            return list(csv.DictReader(io.TextIOWrapper(file, encoding="utf-8", newline="")))


def central(cell: str) -> float | None:
    """The value of ``value;low;high``, or of a plain number; None for an empty cell."""
    text = cell.partition(";")[0].strip()
    return float(text) if text else None


def whole(cell: str) -> int | None:
    """A number without its decimals, as the published list is read; None for an empty cell."""
    return int(float(cell)) if cell else None


def rounded(value: float) -> float:
    """Three significant figures, as published die sizes are completed."""
    return float(f"{value:.{DIE_FIGURES}g}")


def named(name: str, table: Table) -> Mapping[str, str] | None:
    """The first row of a table whose words all occur in a name."""
    asked = set(name.lower().split())
    return next((row for row in table if set(row["name"].lower().split()) <= asked), None)


def wafer_mm2(die_mm2: float) -> float:
    """Area of a round wafer that one working die takes."""
    sawn_mm2 = (math.sqrt(die_mm2) + KERF_MM) ** 2
    whole_mm2 = math.pi * (WAFER_MM / 2) ** 2
    dies = whole_mm2 / sawn_mm2 - math.pi * WAFER_MM / math.sqrt(2 * sawn_mm2)
    return whole_mm2 / dies / math.exp(-math.sqrt(sawn_mm2 / MM2_PER_CM2 * DEFECTS_PER_CM2))


@dataclass(frozen=True, slots=True)
class Processors:
    """The published lists of processors, power curves, memory by processor family, and graphics processors."""

    specs: Table
    curves: Table
    memories: Mapping[str, str]
    gpus: Table

    def die_mm2(self, family: str, cores: int | None) -> float:
        """Size of a die that nobody published, from dies of its family."""
        sized = [row for row in self.specs if row["total_die_size"]]
        dies = [row for row in sized if row["code_name"] == family] or sized
        if cores is None:
            return rounded(statistics.fmean(float(row["total_die_size"]) for row in dies))
        equal = [float(row["total_die_size"]) for row in dies if row["cores"] and float(row["cores"]) == cores]
        if equal:
            return rounded(statistics.fmean(equal))
        if len({row["cores"] for row in dies}) == 1:
            return rounded(float(dies[0]["total_die_size"]) * cores / float(dies[0]["cores"]))
        points = [(float(row["cores"]), float(row["total_die_size"])) for row in dies if row["cores"]]
        slope, intercept = statistics.linear_regression(*zip(*points, strict=True))
        return rounded(intercept + slope * cores)

    def curve(self, model_range: str, tdp_w: float | None) -> tuple[float, ...]:
        """Parameters a [W], b [1/%], c [%], d [W] of the power curve of one processor."""
        start = self._curve_of(model_range.lower())
        return start if tdp_w is None else fitted(start, tdp_w)

    def _curve_of(self, model_range: str) -> tuple[float, ...]:
        known = {row["model_range"].lower(): tuple(float(row[name]) for name in "abcd") for row in self.curves}
        close = [name for name in known if difflib.SequenceMatcher(None, name, model_range).ratio() >= SAME_RANGE]
        if model_range in close:
            return known[model_range]
        return known[close[0]] if len(close) == 1 else DEFAULT_CURVE

    def gpu(self, name: str, memory_gb: float | None) -> Facts:
        """What a graphics processor is made of; ``memory_gb`` is what its host says of its memory."""
        spec = named(name, self.gpus) or {}
        facts: Facts = {"gpu": spec.get("name", name)}
        for column, published in GPU_COLUMNS.items():
            known = central(spec.get(published, ""))
            facts[f"gpu_{column}"] = DEFAULT_GPU[column] if known is None else known
        facts["gpu_die_mm2"] = central(spec.get("die_surface", "")) or wafer_mm2(DEFAULT_GPU["die_mm2"])
        stated_gb = DEFAULT_GPU["memory_gb"] if memory_gb is None else memory_gb
        listed_gb = whole(spec.get("vram", ""))
        capacity_gb = stated_gb if listed_gb is None else listed_gb
        dies = whole(spec.get("number", "")) or DEFAULT_GPU["memory_dies"]
        facts["gpu_memory_mm2"] = wafer_mm2(capacity_gb * GPU_MEMORY_MM2_PER_GB / dies) * dies
        return facts

    def typical_module_gib(self, family: str) -> float:
        """Capacity of a typical memory module beside processors of a family."""
        kind = self.memories.get(family) or self.memories.get(family.partition("-")[0]) or DEFAULT_MEMORY
        return TYPICAL_MODULE_GIB[kind]


@cache
def fitted(start: tuple[float, ...], tdp_w: float) -> tuple[float, ...]:
    """The curve through shares of a thermal design power; its parameters a, b, c, d."""
    lowest = [
        max(floor, value - CURVE_REACH * abs(value)) for floor, value in zip((0, 0, 0, -math.inf), start, strict=True)
    ]
    highest = [value + CURVE_REACH * abs(value) for value in start]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", OptimizeWarning)  # a and d absorb what b does: only the curve is determined
        found, _ = curve_fit(
            _logarithm, LOADS_PERCENT, [tdp_w * share for share in TDP_SHARES], p0=start, bounds=(lowest, highest)
        )
    return tuple(float(value) for value in found)


def _logarithm(load: Any, a: float, b: float, c: float, d: float) -> Any:
    return a * np.log(b * (load + c)) + d


def host(row: Mapping[str, str], processors: Processors) -> Facts:
    """What a server is; empty cells where nobody says."""
    name = row["CPU.name"]
    spec = named(name, processors.specs) or {}
    cores, threads = (whole(spec.get(key, "")) for key in ("cores", "threads"))
    die, tdp_w = (whole(spec.get(key, "")) for key in ("total_die_size", "tdp"))
    family = spec.get("code_name", "")
    a, b, c, d = processors.curve(spec.get("model_range", ""), tdp_w)
    facts: Facts = {
        "key": f"server:{row['id'].lower()}",
        "kind": "server",
        "cpu": spec.get("name", name),
        "cpu_family": family,
        "host_processors": central(row["CPU.units"]),
        "cores_per_cpu": cores or central(row["CPU.core_units"]),
        "threads_per_cpu": threads or central(row["CPU.threads"]),
        "cpu_tdp_w": tdp_w,
        "cpu_die_mm2": die or processors.die_mm2(family, cores),
        "curve_a_w": a,
        "curve_b": b * PERCENT,
        "curve_c": c / PERCENT,
        "curve_d_w": d,
        "memory_module_gib": central(row["RAM.capacity"]),
        "memory_modules": central(row["RAM.units"]),
        "psus": central(row["POWER_SUPPLY.units"]),
        "psu_kg": central(row["POWER_SUPPLY.unit_weight"]),
        "lifetime_h": central(row["USAGE.hours_life_time"]),
        "processors": central(row["CPU.units"]),
        "host_share": 1,
    }
    facts |= {
        "dimm_gib": facts["memory_module_gib"],
        "memory_gib": facts["memory_modules"] * facts["memory_module_gib"],
    }
    if row["manufacturer"] in WHOLE_MEMORY_AS_MODULE:
        del facts["memory_modules"], facts["memory_gib"], facts["dimm_gib"]
    if facts["threads_per_cpu"]:
        facts["vcpu"] = facts["threads_per_cpu"] * facts["processors"]
    for kind in ("ssd", "hdd"):
        drives, drive_gb = central(row[f"{kind.upper()}.units"]), central(row[f"{kind.upper()}.capacity"])
        if drives:
            facts |= {f"{kind}_drives": drives, f"{kind}_drive_gb": drive_gb}
            if drive_gb:
                facts[f"{kind}_gb"] = drives * drive_gb
    facts["gpus"] = central(row["GPU.units"]) or 0
    if facts["gpus"]:
        facts |= processors.gpu(row["GPU.name"], central(row["GPU.vram"]))
    return facts


def instance(provider: str, row: Mapping[str, str], hosts: Mapping[str, Facts], processors: Processors) -> Facts:
    """What an instance is, and what it holds of its host: shares of processors by vCPU, of memory and drives by capacity."""
    on = hosts[f"server:{row['platform'].lower()}"]
    vcpu, memory_gib = float(row["vcpu"]), float(row["memory"])
    facts: Facts = {
        "key": f"{provider}:{row['id'].lower()}",
        "kind": "instance",
        "host": on["key"],
        "vcpu": vcpu,
        "memory_gib": memory_gib,
        "dimm_gib": processors.typical_module_gib(on["cpu_family"]),
        "processors": vcpu / on["threads_per_cpu"],
        "host_share": vcpu / on["vcpu"],
        "memory_modules": memory_gib / on["memory_module_gib"],
        "gpus": central(row["gpu_units"]) or 0,
    }
    for kind in ("ssd", "hdd"):
        held_gb = central(row[f"{kind}_storage"])
        if held_gb is not None and on.get(f"{kind}_drive_gb"):
            facts |= {f"{kind}_gb": held_gb, f"{kind}_drives": held_gb / on[f"{kind}_drive_gb"]}
    return facts


def terminal(row: Mapping[str, str]) -> Facts:
    """What an end-user device is."""
    return {
        "key": f"terminal:{row['id'].lower()}",
        "kind": "terminal",
        "model": re.sub(r"\W", "_", row["id"].lower()),
        "power_w": central(row["USAGE.avg_power"]) or None,  # 0 W stands for a device that nobody measured
        "use_share": central(row["USAGE.use_time_ratio"]),
        "lifetime_h": central(row["USAGE.hours_life_time"]),
    }


def cell(value: object) -> str:
    """A number without superfluous digits, a text as it is, nothing for None."""
    if value is None:
        return ""
    return value if isinstance(value, str) else repr(float(value)).removesuffix(".0")  # type: ignore[arg-type]


def write(path: Path, rows: Iterable[Facts]) -> None:
    """A compressed table, sorted by key and the same for the same rows."""
    ordered = sorted(rows, key=lambda row: row["key"])
    columns = list(dict.fromkeys(name for row in ordered for name in row))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([cell(row.get(name)) for name in columns] for row in ordered)
    with path.open("wb") as file, gzip.GzipFile("", "wb", compresslevel=9, fileobj=file, mtime=0) as packed:
        packed.write(text.getvalue().encode())
    print(f"{path}: {len(ordered)} rows, {path.stat().st_size} bytes")


def build(archive: Archive, write_table: Callable[[str, Iterable[Facts]], None]) -> None:
    """Makes every table of the archive's machines."""
    processors = Processors(
        archive.table("crowdsourcing/cpu_specs.csv"),
        archive.table("consumption_profile/cpu/cpu_profile.csv"),
        {row["cpu_family"]: row["memory_type"] for row in archive.table("consumption_profile/ram/memory_type.csv")},
        archive.table("crowdsourcing/gpu_specs.csv"),
    )
    hosts = {facts["key"]: facts for facts in (host(row, processors) for row in archive.table("archetypes/server.csv"))}

    def instances() -> Iterator[Facts]:
        for provider in PROVIDERS:
            for row in archive.table(f"archetypes/cloud/{provider}.csv"):
                yield instance(provider, row, hosts, processors)

    write_table("hosts.csv.gz", hosts.values())
    write_table("instances.csv.gz", instances())
    write_table("terminals.csv.gz", map(terminal, archive.table("archetypes/user_terminal.csv")))


if __name__ == "__main__":
    folder = Path(sys.argv[2]) if len(sys.argv) > 2 else HERE
    build(Archive(Path(sys.argv[1])), lambda name, rows: write(folder / name, rows))
