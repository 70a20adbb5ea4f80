# SPDX-License-Identifier: Apache-2.0
"""Makes ``cloud.csv.gz``: what a rented processor and its graphics cards are, for methods that charge by architecture.

Run it with ``python -m lichen.catalogue.build_cloud [OUTPUT]`` after the tables of machines and of Cloud Carbon Footprint, which
it reads. It adds facts, and no machine:

- ``inside``: the instance that a service rents out under a name of its own; the product that a meter of Azure is named after.
- ``vcpu_kind``: architecture of the processor behind a virtual CPU, as factors name it; the provider's name for an
  average of its processors, where a service or a provider is all that is known. Hosts have it, and instances through them.
- ``threads_per_vcpu``: hardware threads of a virtual CPU, where that is not one: families that are rented by the core.
- ``vcpu_load``: the baseline of a burstable instance, as the name of a factor (``baseline_10``: a tenth of each virtual CPU).
- ``gpu_tdp_w``: thermal design power of one graphics card of the host [W].

Instances that services rent out under a name of their own (``db.m5.large``, ``m5.large.search``) are those inside.
Baselines: instance documentation of AWS (T2, T3, T4g), Azure (B series) and Google Cloud (E2, F1, G1). Families without
simultaneous multithreading: instance documentation of AWS (M7a and its likes) and Google Cloud (T2D, H3). Cards: data sheets of
NVIDIA, AMD and Intel; cards whose maker publishes no power have none here.
"""

from __future__ import annotations

import csv
import gzip
import io
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

HERE: Final = Path(__file__).parent
OUTPUT: Final = HERE / "cloud.csv.gz"
COLUMNS: Final = ("key", "inside", "vcpu_kind", "threads_per_vcpu", "vcpu_load", "gpu_tdp_w")
PROVIDERS: Final = ("aws", "azure", "gcp", "oci", "ovhcloud", "scaleway")

KINDS: Final[Mapping[str, str]] = {
    "Broadwell": "broadwell", "Cascade Lake": "cascadelake", "Cascade Lake-SP": "cascadelake", "Coffee Lake": "coffeelake",
    "Emerald Rapids": "emeraldrapids", "Genoa": "zen4", "Granite Rapids": "graniterapids", "Graviton": "cortex_a72",
    "Graviton2": "neoverse_n1", "Graviton3": "neoverse_v1", "Graviton3E": "neoverse_v1", "Graviton4": "neoverse_v2",
    "Haswell": "haswell", "Ice Lake": "icelake", "Ice Lake-SP": "icelake", "Ivy Bridge": "ivybridge", "Milan": "zen3",
    "Mystique": "neoverse_n1", "Naples": "zen1", "Quicksilver": "neoverse_n1", "Rome": "zen2", "Sandy Bridge": "sandybridge",
    "Sapphire Rapids": "sapphirerapids", "Skylake": "skylake", "Skylake-SP": "skylake", "Turin": "zen5",
}  # fmt: skip
"""Microarchitecture as hosts name it -> as factors do."""

KINDS_OF_CPUS: Final[Mapping[str, str]] = {
    "AMD EPYC 7B12": "zen2", "AMD EPYC 7B13": "zen3", "AMD EPYC 9B14": "zen4", "Google Axion": "neoverse_v2",
}  # fmt: skip
"""Processors made for one cloud, whose hosts do not name the microarchitecture."""

KINDS_OF_CCF: Final[Mapping[str, str]] = {
    "amd_epyc_1st_gen": "zen1", "amd_epyc_2nd_gen": "zen2", "amd_epyc_3rd_gen": "zen3", "aws_graviton2": "neoverse_n1",
    "broadwell": "broadwell", "cascade_lake": "cascadelake", "coffee_lake": "coffeelake", "haswell": "haswell",
    "ivy_bridge": "ivybridge", "skylake": "skylake",
}  # fmt: skip
"""As instances of Cloud Carbon Footprint name it; those that may have several have the provider's average."""

BY_THE_CORE: Final = re.compile(r"aws:(m7a|c7a|r7a|hpc7a|hpc6a|m8a|c8a|r8a)\..*|gcp:(t2d|h3)-.*")
THREADS_OF_A_CORE: Final = "2"

INSIDE: Final = re.compile(
    r"aws:(?:(?:db|cache|ml|mq|dms|dax|docdb|kafka|search)\.)?(?P<type>[a-z0-9-]+\.[a-z0-9-]+?)(?:\.(?:search|elasticsearch))?"
)
"""The instance inside one that a service rents out."""

BASELINES: Final[Mapping[str, Mapping[str, str]]] = {
    "baseline_5": {"aws": "t2.nano t3.nano t3a.nano t4g.nano", "azure": "b1ls"},
    "baseline_10": {"aws": "t2.micro t3.micro t3a.micro t4g.micro", "azure": "b1s"},
    "baseline_12": {"gcp": "e2-micro"},
    "baseline_17": {"aws": "t2.2xlarge", "azure": "b8ms b12ms b16ms b20ms"},
    "baseline_20": {
        "aws": "t2.small t2.medium t3.small t3a.small t4g.small t3.medium t3a.medium t4g.medium", "azure": "b1ms b2s",
        "gcp": "f1-micro",
    },
    "baseline_22": {"aws": "t2.xlarge", "azure": "b4ms"},
    "baseline_25": {"gcp": "e2-small"},
    "baseline_30": {"aws": "t2.large t3.large t3a.large t4g.large", "azure": "b2ms"},
    "baseline_40": {"aws": "t3.xlarge t3a.xlarge t4g.xlarge t3.2xlarge t3a.2xlarge t4g.2xlarge"},
    "baseline_50": {"gcp": "e2-medium g1-small"},
}  # fmt: skip
"""Baseline -> provider -> types, in percent of each virtual CPU."""

CARDS_W: Final[Mapping[str, float]] = {
    "AMD Radeon Instinct MI25": 300, "AMD Radeon PRO V520": 225, "Intel Gaudi": 350, "K520": 225,
    "NVIDIA A10": 150, "NVIDIA A100 SXM4 40GB": 400, "NVIDIA A100 SXM4 80GB": 400, "NVIDIA H100 PCIe 80GB": 350,
    "NVIDIA H100 SXM 80GB": 700, "NVIDIA H200 SXM 141GB": 700, "NVIDIA L4": 72, "NVIDIA L40S 48GB": 350, "NVIDIA P100": 250,
    "NVIDIA RTX PRO 4500 Blackwell Server Edition 32GB": 165, "NVIDIA RTX PRO 6000 Blackwell Server Edition 96GB": 600,
    "NVIDIA T4": 70, "NVIDIA Tesla M60": 300, "NVIDIA Tesla V100 SXM2 16GB": 300, "NVIDIA Tesla V100 SXM2 32GB": 300,
    "NVIDIA Tesla V100S PCIe 32GB": 250, "Tesla K80": 300,
}  # fmt: skip
"""Card -> thermal design power [W]."""

RENTED_CARDS_W: Final[Mapping[str, float]] = {
    "gcp:nvidia-a10g": 150, "gcp:nvidia-k520": 225, "gcp:nvidia-t4": 70, "gcp:nvidia-tesla-a100": 400,
    "gcp:nvidia-tesla-k80": 300, "gcp:nvidia-tesla-m60": 300, "gcp:nvidia-tesla-p100": 250, "gcp:nvidia-tesla-p4": 75,
    "gcp:nvidia-tesla-v100": 300,
}  # fmt: skip
"""Cards that are billed apart from the machine -> thermal design power [W]."""

Row = dict[str, str]


def _table(name: str) -> list[Row]:
    with gzip.open(HERE / name, "rt", encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _hosts(hosts: Sequence[Row]) -> Iterator[Row]:
    for host in hosts:
        kind = KINDS.get(host["cpu_family"]) or KINDS_OF_CPUS.get(host["cpu"], "")
        card_w = CARDS_W.get(host["gpu"])
        yield {"key": host["key"], "vcpu_kind": kind, "gpu_tdp_w": "" if card_w is None else f"{card_w:g}"}


def _loads() -> dict[str, str]:
    """Baselines by key; products of Azure have them as their meters do."""
    return {
        f"{provider}:{prefix}{name}": load
        for load, types in BASELINES.items()
        for provider, names in types.items()
        for name in names.split()
        for prefix in ("", "standard_")
    }


def _inside(key: str, known: Mapping[str, str]) -> str:
    """The instance that a service's own one is, where it is known; the key itself otherwise."""
    match = INSIDE.fullmatch(key)
    inside = f"aws:{match['type']}" if match else key.replace("azure:", "azure:standard_", 1)
    return inside if key not in known and inside in known else key


def _own(provider: str, ccf_cpu: str) -> str:
    """The processor of something that no host is known of."""
    return KINDS_OF_CCF.get(ccf_cpu.removeprefix(f"{provider}_"), provider)


def rows() -> Iterator[Row]:
    """The rows of the table, by key; facts that say nothing are left out."""
    hosts = list(_hosts(_table("hosts.csv.gz")))
    kinds = {host["key"]: host["vcpu_kind"] for host in hosts}
    instances = {row["key"]: kinds.get(row["host"], "") for row in _table("instances.csv.gz")}
    loads = _loads()
    found: dict[str, Row] = {host["key"]: host for host in hosts}
    others = {
        row["key"]: row["ccf_cpu"]
        for row in _table("ccf_instances.csv.gz")
        if row["key"].partition(":")[0] in PROVIDERS
    }
    for key in {*instances, *others, *PROVIDERS}:
        provider, inside = key.partition(":")[0], _inside(key, instances)
        kind = "" if instances.get(key) else instances.get(inside) or _own(provider, others.get(key, ""))
        by_the_core = BY_THE_CORE.fullmatch(inside) is not None
        found[key] = {
            "key": key,
            "inside": "" if inside == key else inside,
            "vcpu_kind": kind,
            "threads_per_vcpu": THREADS_OF_A_CORE if by_the_core else "",
            "vcpu_load": loads.get(inside, ""),
        }
    for key, card_w in RENTED_CARDS_W.items():
        found.setdefault(key, {"key": key})["gpu_tdp_w"] = f"{card_w:g}"
    yield from (
        found[key] for key in sorted(found) if any(value for name, value in found[key].items() if name != "key")
    )


def table() -> bytes:
    """The table, compressed without a date."""
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows())
    return gzip.compress(text.getvalue().encode(), mtime=0)


def main(arguments: Sequence[str]) -> int:
    """Writes the table."""
    output = Path(arguments[0]) if arguments else OUTPUT
    output.write_bytes(table())
    print(f"written: {output}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
