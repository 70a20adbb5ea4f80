# SPDX-License-Identifier: Apache-2.0
"""Makes ``ccf_instances.csv.gz``: what instances and services are for the methods of Cloud Carbon Footprint.

Run it with ``python -m lichen.catalogue.build_ccf ARCHIVE.tar.gz [OUTPUT]``; `lichen.catalogue.ccf_source` says which archive.
Services come from ``ccf_services.csv`` beside it: copies kept, drives and virtual CPUs per billed unit, from
``ReplicationFactors.ts``, ``CostAndUsageTypes.ts`` and ``CostAndUsageReportsRow.ts`` of the same archive. Instances that only
``instances.csv.gz`` knows are younger than the program, which takes them for the average processor of their provider.

Columns, where ``ccf_fixed_`` is what the repaired method reads:

- ``ccf_provider``; ``ccf_vcpus`` of an instance; ``ccf_cpu``, the possible processors together, as factors name them.
- ``ccf_time_ratio``: virtual CPU time that counts, per virtual CPU time billed: burstable instances run at their baseline
  instead of at 50 %; nodes of Amazon Redshift are divided by 3600 once too often, which the repaired method does not do.
- ``ccf_gpus`` and ``ccf_gpu``.
- ``ccf_extra_memory_gb``: memory of an instance above what the servers measured by SPECpower hold per processor, in the program's
  gigabytes: 2^30 bytes, as providers and makers of modules count, times watts by the gigabyte of a module.
- ``ccf_host``, ``ccf_host_vcpus``: the server whose manufacture is shared out, and the virtual CPUs that share it. As published
  these are those of the largest instance of the family; a burstable instance shares a server of 48 to 96 (platform table of
  Teads, in ``data/aws-instances.csv`` of cloud-carbon-footprint/ccf-coefficients, commit b0032d9).
- ``ccf_memory``: what the program takes rented memory for where that is not memory: a ``processor`` for each gigabyte of a
  function, ``storage`` for a container.
- ``ccf_replication``, ``ccf_storage``; ``ccf_tb_ratio``, ``ccf_gb_ratio``: terabytes and gigabytes counted per decimal one, as
  the reader of Google's bills divides by powers of two; ``ccf_byte_hours_ratio``: what is counted per byte-second, times the
  hours of the month, where gigabyte-months are read as byte-hours.
"""

from __future__ import annotations

import csv
import gzip
import io
import math
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from lichen.catalogue.ccf_source import PROVIDERS, UNKNOWN, Source, processors_id, read, slug, typical

HERE: Final = Path(__file__).parent
OUTPUT: Final = HERE / "ccf_instances.csv.gz"
INSTANCES: Final = HERE / "instances.csv.gz"
SERVICES: Final = HERE / "ccf_services.csv"
VCPUS_PER_CHIP: Final = 96
TWO_CHIPS: Final = frozenset({"m5zn", "z1d"})
USUAL_LOAD_PERCENT: Final = 50.0
SECOND_PER_HOUR: Final = 3600
GRAM_PER_TONNE: Final = 1e6
TB_RATIO: Final = 1e12 / 2**40
GB_RATIO: Final = 1e9 / 2**30
BYTE_HOURS_RATIO: Final = TB_RATIO / 1e9
BURSTABLE_HOST_VCPUS: Final[Mapping[str, int]] = {"t3": 96, "t3a": 96, "t4g": 64}
T2_HOST_VCPUS: Final[Mapping[str, int]] = {
    "nano": 48,
    "micro": 48,
    "small": 48,
    "medium": 48,
    "large": 72,
    "xlarge": 72,
    "2xlarge": 72,
}
MEMORY_IN_MEGABYTES: Final = "t1.micro"
"""The type whose memory of 613 MB stands among gigabytes; it is no more than what measured servers hold."""
MANAGED: Final[Mapping[str, str]] = {
    "db": "mrtxz",
    "docdb": "rt",
    "cache": "mrtc",
    "dax": "rt",
    "dms": "cmrt",
    "mq": "mrt",
    "ml": "cgimprt",
}
"""Services that put a prefix before the type of an instance, and first letters of the families that they offer."""
SAME_AS_EC2: Final = ("db", "docdb", "cache")
DOCUMENT_COPIES: Final = 2
"""Copies that the program keeps of all that DocumentDB bills, instances included."""
SEARCH: Final = ("search", "elasticsearch")

Facts = dict[str, Any]


def build(source: Source) -> list[Facts]:
    """Every row, in any order."""
    rows = [*_aws(source), *_azure(source), *_gcp(source), *_services()]
    rows += _younger({row["key"] for row in rows})
    rows += [{"key": provider, "ccf_cpu": f"{provider}_unknown"} for provider in PROVIDERS]
    for row in rows:
        provider = row["key"].partition(":")[0]
        row["ccf_provider"] = provider
        for name in ("tb", "gb"):
            row[f"ccf_{name}_ratio"] = {"tb": TB_RATIO, "gb": GB_RATIO}[name] if provider == "gcp" else 1
        row.setdefault("ccf_replication", 1)
        if "ccf_cpu" in row:
            row.setdefault("ccf_fixed_cpu", row["ccf_cpu"])
            row.setdefault("ccf_time_ratio", 1)
            row.setdefault("ccf_fixed_time_ratio", row["ccf_time_ratio"])
        if "ccf_extra_memory_gb" in row and MEMORY_IN_MEGABYTES not in row["key"]:
            row["ccf_fixed_extra_memory_gb"] = row["ccf_extra_memory_gb"]
        if "ccf_host" in row:
            row.setdefault("ccf_fixed_host", row["ccf_host"])
            row.setdefault("ccf_fixed_host_vcpus", row["ccf_host_vcpus"])
    return rows


def host_id(provider: str, tonnes: float) -> str:
    """Name of the servers whose manufacture is published as one figure: the figure in grams, ``aws_1344094_4``."""
    return f"{provider}_{tonnes * GRAM_PER_TONNE:.12g}".replace(".", "_")


class _Aws:
    """Types of Amazon's instances."""

    def __init__(self, source: Source) -> None:
        types = source.table("aws.types", "EC2_INSTANCE_TYPES")
        self.types: dict[str, dict[str, list[float]]] = {
            family: {size.strip(): own for size, own in sizes.items()} for family, sizes in types.items()
        }
        self.redshift: dict[str, dict[str, list[float]]] = source.table("aws.types", "REDSHIFT_INSTANCE_TYPES")
        self.large: dict[str, dict[str, list[float]]] = source.table(
            "aws.types", "INSTANCE_FAMILY_TO_INSTANCE_TYPE_MAPPING"
        )
        self.kafka: dict[str, float] = source.table("aws.types", "MSK_INSTANCE_TYPES")
        self.baseline: dict[str, float] = source.table("aws.types", "BURSTABLE_INSTANCE_BASELINE_UTILIZATION")
        self.processors: dict[str, list[str]] = source.table("aws.types", "INSTANCE_TYPE_COMPUTE_PROCESSOR_MAPPING")
        self.gpus: dict[str, float] = source.table("aws.types", "GPU_INSTANCES_TYPES")
        self.gpu_kinds: dict[str, list[str]] = source.table("aws.types", "INSTANCE_TYPE_GPU_PROCESSOR_MAPPING")
        self.watts = source.literal("aws", r"MIN_WATTS_BY_COMPUTE_PROCESSOR:\s*")
        self.chip_gb = source.literal("aws", r"MEMORY_BY_COMPUTE_PROCESSOR:\s*")
        self.chip_gb_mean = source.number("aws", "MEMORY_AVG")

    def instance(self, key: str, kind: str, *, known: bool = True, embodied: bool = True) -> Facts:
        """Facts of one instance.

        Args:
            kind: ``m5.large``.
            known: whether the program finds the type's processors under this name.
            embodied: whether it finds the type's manufacture under this name.
        """
        family, _, size = kind.partition(".")
        own = (
            self.types.get(family, {}).get(size) or self.redshift.get(family, {}).get(size) or self.large[family][size]
        )
        processors = self.processors.get(kind, [UNKNOWN]) if known else [UNKNOWN]
        row: Facts = {"key": key, "ccf_vcpus": own[0], "ccf_cpu": processors_id("aws", processors, self.watts)}
        if kind in self.baseline:
            row["ccf_time_ratio"] = self.baseline[kind] / USUAL_LOAD_PERCENT
        elif family in self.redshift:
            row |= {"ccf_time_ratio": 1 / SECOND_PER_HOUR, "ccf_fixed_time_ratio": 1}
        if kind in self.gpus:
            kinds = self.gpu_kinds[kind] if known else [UNKNOWN]
            row |= {"ccf_gpus": self.gpus[kind], "ccf_gpu": processors_id("aws", kinds, self.watts)}
        extra = self._extra_gb(family, own[1], processors) if known or not embodied else 0.0
        if extra > 0 and kind not in self.baseline:
            row["ccf_extra_memory_gb"] = extra
        if embodied:
            row |= self._host(family, size)
        return row

    def _extra_gb(self, family: str, own_gb: float, processors: Sequence[str]) -> float:
        members = self.types.get(family) or self.redshift.get(family)
        if not members:
            return 0.0
        vcpus, memory_gb = list(members.values())[-1][:2]
        chips = 2 if family in TWO_CHIPS else math.ceil(vcpus / VCPUS_PER_CHIP)
        held_gb = typical(processors, self.chip_gb, self.chip_gb_mean, median=False)
        return (memory_gb / chips - held_gb) * own_gb / memory_gb

    def _host(self, family: str, size: str) -> Facts:
        if family in self.large:
            # The program reads the column of the memory, in GB, as tonnes.
            _, memory_gb, tonnes = self.large[family][size]
            largest = list(self.large[family].values())[-1][0]
            hosts = {"ccf_host": host_id("aws", memory_gb), "ccf_fixed_host": host_id("aws", tonnes)}
            return {**hosts, "ccf_host_vcpus": largest}
        own = self.types.get(family, {}).get(size)
        if own is None or len(own) < 3:
            return {}
        row: Facts = {"ccf_host": host_id("aws", own[2]), "ccf_host_vcpus": list(self.types[family].values())[-1][0]}
        if family == "t2":
            row["ccf_fixed_host_vcpus"] = T2_HOST_VCPUS[size]
        elif family in BURSTABLE_HOST_VCPUS:
            row["ccf_fixed_host_vcpus"] = BURSTABLE_HOST_VCPUS[family]
        return row


def _aws(source: Source) -> Iterator[Facts]:
    aws = _Aws(source)
    for table in (aws.types, aws.redshift, aws.large):
        for family, sizes in table.items():
            for size in sizes:
                kind = f"{family}.{size}"
                if table is aws.redshift and size in aws.types.get(family, {}):
                    continue
                yield aws.instance(f"aws:{kind}", kind)
                if table is aws.types:
                    yield from _managed(aws, family, kind)
    for name in aws.kafka:
        kind = name.removeprefix("Kafka.")
        yield aws.instance(f"aws:kafka.{kind}", kind)


def _managed(aws: _Aws, family: str, kind: str) -> Iterator[Facts]:
    """The same type under the names that services which run it for their users give it."""
    for service, letters in MANAGED.items():
        if family[0] in letters and family not in aws.redshift:
            row = aws.instance(f"aws:{service}.{kind}", kind, known=service in SAME_AS_EC2)
            yield row | ({"ccf_replication": DOCUMENT_COPIES} if service == "docdb" else {})
    for service in SEARCH:
        if family[0] in "cimrt" and family not in aws.redshift:
            yield aws.instance(f"aws:{kind}.{service}", kind, known=False, embodied=False)


def _azure(source: Source) -> Iterator[Facts]:
    series: dict[str, dict[str, list[float]]] = source.table("azure.types", "VIRTUAL_MACHINE_TYPE_SERIES_MAPPING")
    plain: dict[str, list[float]] = source.table("azure.types", "VIRTUAL_MACHINE_TYPE_VCPU_MEMORY_MAPPING")
    constrained: dict[str, list[float]] = source.table(
        "azure.types", "VIRTUAL_MACHINE_TYPE_CONSTRAINED_VCPU_CAPABLE_MAPPING"
    )
    processors: dict[str, list[str]] = source.table("azure.types", "INSTANCE_TYPE_COMPUTE_PROCESSOR_MAPPING")
    gpus: dict[str, float] = source.table("azure.types", "GPU_VIRTUAL_MACHINE_TYPES")
    gpu_kinds: dict[str, list[str]] = source.table("azure.types", "GPU_VIRTUAL_MACHINE_TYPE_PROCESSOR_MAPPING")
    watts = source.literal("azure", r"MIN_WATTS_BY_COMPUTE_PROCESSOR:\s*")
    chip_gb = source.literal("azure", r"MEMORY_BY_COMPUTE_PROCESSOR:\s*")

    def facts(
        kind: str, own: Sequence[float], host: tuple[float, float] | None, largest: Sequence[float] = ()
    ) -> Facts:
        on = processors.get(kind, [UNKNOWN])
        row: Facts = {"key": _azure_key(kind), "ccf_vcpus": own[0], "ccf_cpu": processors_id("azure", on, watts)}
        # A name that only contains that of a graphics type counts as one of it, with one card of an unknown kind.
        if any(name in kind for name in gpus):
            row |= {
                "ccf_gpus": gpus.get(kind, 1),
                "ccf_gpu": processors_id("azure", gpu_kinds.get(kind, [UNKNOWN]), watts),
            }
        if largest:
            held_gb = typical(on, chip_gb, source.number("azure", "MEMORY_AVG"), median=False)
            extra = (largest[1] / math.ceil(largest[0] / VCPUS_PER_CHIP) - held_gb) * own[1] / largest[1]
            if extra > 0:
                row["ccf_extra_memory_gb"] = extra
        if host:
            row |= {"ccf_host": host_id("azure", host[0]), "ccf_host_vcpus": host[1]}
        return row

    found: dict[str, Facts] = {}
    for members in series.values():
        largest = list(members.values())[-1]
        for kind, own in members.items():
            row = facts(kind, own, (own[2], largest[0]) if len(own) > 2 else None, largest)
            found[row["key"]] = row
    for kind, own in constrained.items():
        row = facts(kind, own, (own[3], own[2]))
        found.setdefault(row["key"], row)
    for kind, own in plain.items():
        row = facts(kind, own, None)
        found.setdefault(row["key"], row)
    yield from found.values()


def _azure_key(kind: str) -> str:
    return f"azure:{re.sub(r' +', '_', kind.strip().lower())}"


def _gcp(source: Source) -> Iterator[Facts]:
    families: dict[str, dict[str, list[float]]] = source.table("gcp.types", "MACHINE_FAMILY_TO_MACHINE_TYPE_MAPPING")
    shared = source.table("gcp.types", "MACHINE_FAMILY_SHARED_CORE_TO_MACHINE_TYPE_MAPPING")
    alone = source.table("gcp.types", "N1_SHARED_CORE_MACHINE_FAMILY_TO_MACHINE_TYPE_MAPPING")
    processors: dict[str, list[str]] = source.table("gcp.types", "INSTANCE_TYPE_COMPUTE_PROCESSOR_MAPPING")
    watts = source.literal("gcp", r"MIN_WATTS_BY_COMPUTE_PROCESSOR:\s*")
    seen: set[str] = set()
    for members in (*families.values(), *shared.values(), alone):
        largest = list(members.values())[-1][0]
        for kind, (vcpus, tonnes) in members.items():
            if kind in seen:
                continue
            seen.add(kind)
            # The program looks two letters of the name up: n2d counts as n2. The repaired method looks the family up.
            as_read = kind if kind in processors else kind[:2]
            proper = kind if kind in processors else kind.partition("-")[0]
            yield {
                "key": f"gcp:{kind}",
                "ccf_vcpus": vcpus,
                "ccf_cpu": processors_id("gcp", processors.get(as_read, [UNKNOWN]), watts),
                "ccf_fixed_cpu": processors_id("gcp", processors.get(proper, [UNKNOWN]), watts),
                "ccf_host": host_id("gcp", tonnes),
                "ccf_host_vcpus": largest,
            }
    for name in watts:
        if name.startswith("Nvidia"):
            yield {"key": f"gcp:{name.lower().replace(' ', '-')}", "ccf_gpu": f"gcp_{slug(name)}"}


def _services() -> Iterator[Facts]:
    with SERVICES.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            facts: Facts = {name: cell for name, cell in row.items() if cell and name != "ccf_byte_hours"}
            if row["ccf_byte_hours"]:
                facts["ccf_byte_hours_ratio"] = BYTE_HOURS_RATIO
            yield facts


def _younger(known: set[str]) -> Iterator[Facts]:
    """Instances that the catalogue knows and the program does not: it takes them for the provider's average, without memory."""
    with gzip.open(INSTANCES, "rt", encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            provider = row["key"].partition(":")[0]
            if provider in PROVIDERS and row["key"] not in known:
                yield {"key": row["key"], "ccf_vcpus": row["vcpu"], "ccf_cpu": f"{provider}_unknown"}


def cell(value: object) -> str:
    """A number without superfluous digits, a text as it is, nothing for None."""
    if value is None:
        return ""
    return value if isinstance(value, str) else repr(float(value)).removesuffix(".0")  # type: ignore[arg-type]


def write(path: Path, rows: Iterable[Facts]) -> None:
    """A compressed table, sorted by key and the same for the same rows."""
    ordered = sorted(rows, key=lambda row: row["key"])
    columns = ["key", *sorted({name for row in ordered for name in row} - {"key"})]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([cell(row.get(name)) for name in columns] for row in ordered)
    with path.open("wb") as file, gzip.GzipFile("", "wb", compresslevel=9, fileobj=file, mtime=0) as packed:
        packed.write(text.getvalue().encode())
    print(f"{path}: {len(ordered)} rows, {path.stat().st_size} bytes")


if __name__ == "__main__":
    write(Path(sys.argv[2]) if len(sys.argv) > 2 else OUTPUT, build(read(Path(sys.argv[1]))))
