# SPDX-License-Identifier: Apache-2.0
"""The catalogue of machines: look-up, completeness, plausible powers; and how its tables are made from published ones."""

from __future__ import annotations

import csv
import gzip
import io
import math
import re
import zipfile
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import numpy as np
import pytest

from lichen.catalogue import build_machines, machines
from lichen.model.boavizta import processor_power_w

PROVIDERS: Final = {"aws": 1479, "azure": 394, "gcp": 339, "ovhcloud": 50, "scaleway": 69}
NEEDED: Final = {
    "instance": {"vcpu", "memory_gib", "dimm_gib", "processors", "host_share", "memory_modules", "gpus", "host"},
    "server": {"processors", "host_share", "gpus"},
}
OF_HOST: Final = {
    "host_processors", "cpu_die_mm2", "curve_a_w", "curve_b", "curve_c", "curve_d_w", "memory_module_gib", "psus", "psu_kg",
    "lifetime_h",
}  # fmt: skip
GPU: Final = {"gpu_casing_kg", "gpu_heatsink_kg", "gpu_board_cm2", "gpu_die_mm2", "gpu_memory_mm2", "gpu_kg"}
CURVE: Final = ("curve_a_w", "curve_b", "curve_c", "curve_d_w")
WATTS_PER_VCPU: Final = (0.2, 12.0)
LARGEST_CURVE: Final = ("ovhcloud:b2-", "ovhcloud:c2-", "ovhcloud:d2-", "ovhcloud:r2-")
"""Their processor has eight threads and no published power: it draws the curve of the largest ones, 23 W a thread."""

MORE_THAN_THE_HOST: Final = {
    "azure:l80s_v2", "azure:standard_l80s_v2", "azure:m128-32ms", "azure:m128m", "azure:m128ms", "azure:m128s",
    "gcp:n2d-highcpu-224", "ovhcloud:b2-120", "ovhcloud:c2-120",
}  # fmt: skip
"""Instances with more vCPUs than the host they are published on."""


def entries(kind: str) -> dict[str, Mapping[str, float | str]]:
    """Entries of a kind, without those that are another one under a service's name."""
    found = {key: machines.find(key) for key in sorted(machines.keys())}
    return {
        key: machine
        for key, machine in found.items()
        if machine and machine.get("kind") == kind and "inside" not in machine
    }


def test_every_provider_has_its_instances() -> None:
    assert Counter(key.partition(":")[0] for key in entries("instance")) == PROVIDERS
    assert (len(entries("server")), len(entries("terminal"))) == (348, 17)


def test_an_instance_has_the_facts_of_its_host_besides_its_own() -> None:
    machine, host = machines.find("aws:m5.xlarge"), machines.find("server:m5.metal")
    assert machine is not None
    assert host is not None
    assert (machine["vcpu"], host["vcpu"]) == (4.0, 96.0)
    assert machine["processors"] == pytest.approx(4 / 48)
    assert machine["host_share"] == pytest.approx(4 / 96)
    assert {name: machine[name] for name in OF_HOST} == {name: host[name] for name in OF_HOST}


def test_what_a_service_rents_out_is_the_instance_inside_and_has_its_own_facts_for_the_published_tool() -> None:
    rented, inside = machines.find("aws:ml.m5.large"), machines.find("aws:m5.large")
    assert rented is not None
    assert inside is not None
    assert {name: rented[name] for name in OF_HOST | {"memory_gib", "host_share"}} == {
        name: inside[name] for name in OF_HOST | {"memory_gib", "host_share"}
    }
    assert (rented["ccf_cpu"], inside["ccf_cpu"]) == ("aws_unknown", "aws_skylake")
    searching = machines.find("aws:m5.large.search")
    assert searching is not None
    assert "ccf_host" in inside
    assert "ccf_host" not in searching


def test_a_family_is_like_its_service_and_has_its_own_processor() -> None:
    family, service = machines.find("gcp:n2"), machines.find("gcp:compute-engine")
    assert family is not None
    assert service is not None
    assert family["vcpu_kind"] == "icelake"
    own = {"key", "vcpu_kind"}
    assert {name: family[name] for name in service if name not in own} == {
        name: service[name] for name in service if name not in own
    }
    assert "kind" not in family


def test_capital_letters_and_spaces_around_do_not_matter() -> None:
    assert machines.find(" Azure:E8as_v5 ") == machines.find("azure:e8as_v5") is not None


@pytest.mark.parametrize("key", ["", "m5.xlarge", "aws:", "aws:m5.xlarge ,", "host", "key"])
def test_what_is_no_key_is_not_found(key: str) -> None:
    assert machines.find(key) is None


@pytest.mark.parametrize(
    ("key", "nearest"),
    [
        ("aws:m5.xlage", "aws:m5.xlarge"),
        ("aws:m5xlarge", "aws:m5.xlarge"),
        ("m5.xlarge", "aws:m5.xlarge"),
        ("Scaleway:DEV1_M", "scaleway:dev1-m"),
    ],
)
def test_a_misspelt_key_has_near_ones(key: str, nearest: str) -> None:
    assert nearest in machines.near(key)


def test_a_word_that_reads_as_a_number_that_is_none_stays_a_word(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name, text in (("a.csv.gz", "key,cpu,vcpu\nx:y,nan,2\n"), ("b.csv.gz", "key,cpu,gpus\nx:y,other,1\n")):
        with gzip.open(tmp_path / name, "wt") as file:
            file.write(text)
    monkeypatch.setattr(machines, "_FOLDER", tmp_path)
    monkeypatch.setattr(machines, "TABLES", ("a.csv.gz", "b.csv.gz"))
    assert machines.find("X:Y") == {"key": "x:y", "cpu": "nan", "vcpu": 2.0, "gpus": 1.0}


def test_every_machine_has_what_the_equations_need_or_a_reason() -> None:
    """Memory of Google's hosts is the one gap: they are published with all of it as the capacity of a module."""
    lacking = {
        (key, name)
        for kind, needed in NEEDED.items()
        for key, machine in entries(kind).items()
        for name in needed | OF_HOST | (GPU if machine["gpus"] else set())
        if name not in machine
    }
    assert lacking == set()
    memoryless = {key for key, machine in entries("server").items() if "memory_modules" not in machine}
    hosts_of_google = {machine["host"] for key, machine in entries("instance").items() if key.startswith("gcp:")}
    assert memoryless == hosts_of_google


def test_instances_that_hold_more_than_their_host_are_the_known_ones() -> None:
    beyond = {
        key
        for key, machine in entries("instance").items()
        for host in [machines.find(str(machine["host"])) or {}]
        if any(float(machine[name]) > float(host[name]) for name in ("processors", "host_share", "gpus"))
    }
    assert beyond == MORE_THAN_THE_HOST


def test_every_vcpu_draws_a_plausible_power() -> None:
    found = list(entries("instance").items())
    facts = {name: np.array([float(machine[name]) for _, machine in found]) for name in ("vcpu", "processors", *CURVE)}
    watts = processor_power_w(
        facts["processors"], 0.5, *(facts[name] for name in CURVE), least_power_w=1.0, figures_exponent=4.0
    )
    low, high = WATTS_PER_VCPU
    odd = {key for (key, _), power in zip(found, watts / facts["vcpu"], strict=True) if not low <= power <= high}
    assert odd == {key for key, _ in found if key.startswith(LARGEST_CURVE)}


# How the tables are made ---------------------------------------------------------------------------------------------


def processors(*rows: tuple[str, str, str, str, str]) -> build_machines.Processors:
    """Processors of (name, family, cores, die, tdp)."""
    columns = ("name", "code_name", "cores", "total_die_size", "tdp")
    return build_machines.Processors([dict(zip(columns, row, strict=True)) for row in rows], [], {}, [])


LAKE: Final = (
    ("Maker One 10", "Lake", "10", "200", "100"),
    ("Maker One 20", "Lake", "20", "300", "100"),
    ("Maker One 20 L", "Lake", "20", "310", "100"),
    ("Maker Two 8", "Hill", "8", "80", "100"),
    ("Maker Three", "Bare", "4", "", "100"),
)


@pytest.mark.parametrize(
    ("family", "cores", "die_mm2"),
    [
        ("Lake", 20, 305.0),  # mean of the two with as many cores
        ("Lake", 15, 252.0),  # on the line through (10, 200), (20, 300), (20, 310): 252.5, to three figures
        ("Hill", 16, 160.0),  # one number of cores: in proportion
        ("Bare", 8, 80.0),  # no die of the family: all of them, and one has as many cores
        ("Lake", None, 270.0),  # cores unknown: mean of the family
    ],
)
def test_a_die_without_a_published_size(family: str, cores: int | None, die_mm2: float) -> None:
    assert processors(*LAKE).die_mm2(family, cores) == die_mm2


def test_the_first_processor_counts_whose_words_all_occur() -> None:
    table = processors(*LAKE).specs
    assert [(build_machines.named(name, table) or {}).get("name") for name in ("maker one 20 L v2", "Maker One", "")] == [
        "Maker One 20", None, None,
    ]  # fmt: skip


def test_a_power_curve_meets_the_shares_of_the_design_power() -> None:
    a, b, c, d = build_machines.fitted(build_machines.DEFAULT_CURVE, 200.0)
    powers = [a * math.log(b * (load + c)) + d for load in build_machines.LOADS_PERCENT]
    assert powers == pytest.approx([24.0, 64.0, 150.0, 204.0], rel=0.02)


def test_a_model_range_that_is_written_alike_has_its_curve() -> None:
    curves = [
        {"model_range": name, "a": str(a), "b": "1", "c": "1", "d": "0"} for name, a in (("Xeon E5", 1), ("Xeon E", 2))
    ]
    known = build_machines.Processors([], curves, {}, [])
    assert [known.curve(name, None)[0] for name in ("Xeon E5", "Xeon E7", "EPYC")] == [1.0, 2.0, 171.2]


def test_a_wafer_takes_more_than_its_dies() -> None:
    """A die of 100 mm²: (10 + 0.2)² sawn; 70686 / 104.04 - 942.48 / 14.425 dies; exp(-sqrt(0.10404)) of them work."""
    dies = 70685.8347 / 104.04 - 942.4778 / math.sqrt(208.08)
    assert build_machines.wafer_mm2(100.0) == pytest.approx(70685.8347 / dies / math.exp(-math.sqrt(0.10404)), rel=1e-8)


def test_tables_are_made_from_an_archive_and_are_the_same_each_time(tmp_path: Path) -> None:
    archive = build_machines.Archive(_archive(tmp_path / "a.whl"))
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        build_machines.build(archive, lambda name, rows, at=tmp_path / folder: build_machines.write(at / name, rows))  # type: ignore[misc]
    for name in machines.TABLES[:3]:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()
    with gzip.open(tmp_path / "one" / "instances.csv.gz", "rt") as file:
        (row,) = csv.DictReader(file)
    assert row["key"] == "aws:t.small"
    assert [float(row[name]) for name in ("processors", "host_share", "memory_modules", "ssd_drives")] == [
        0.1,
        0.05,
        0.5,
        0.25,
    ]


def _archive(path: Path) -> Path:
    """The published tables with one machine of each kind."""
    clouds = {
        f"archetypes/cloud/{name}.csv": [
            ["id", "vcpu", "memory", "ssd_storage", "hdd_storage", "gpu_units", "platform"]
        ]
        for name in build_machines.PROVIDERS
    }
    clouds["archetypes/cloud/aws.csv"].append(["T.small", "2", "8", "250", "0", "0", "T.metal"])
    host = {
        "id": "T.metal", "manufacturer": "AWS", "CPU.units": "2", "CPU.core_units": "", "CPU.name": "Maker One 10",
        "CPU.threads": "", "RAM.units": "4", "RAM.capacity": "16", "SSD.units": "1", "SSD.capacity": "1000", "HDD.units": "0",
        "HDD.capacity": "0", "GPU.units": "0", "GPU.name": "", "GPU.vram": "0", "POWER_SUPPLY.units": "2;2;2",
        "POWER_SUPPLY.unit_weight": "2.99;1;5", "USAGE.hours_life_time": "35040",
    }  # fmt: skip
    tables: dict[str, list[list[str]]] = clouds | {
        "archetypes/server.csv": [list(host), list(host.values())],
        "archetypes/user_terminal.csv": [
            ["id", "USAGE.avg_power", "USAGE.use_time_ratio", "USAGE.hours_life_time"],
            ["laptop-pro", "75;50;100", "0.3", "35040"],
        ],
        "crowdsourcing/cpu_specs.csv": [
            ["name", "code_name", "model_range", "tdp", "cores", "threads", "total_die_size"],
            ["Maker One 10", "Lake", "One", "100.0", "10.0", "20.0", "200.0"],
        ],
        "crowdsourcing/gpu_specs.csv": [["name"]],
        "consumption_profile/cpu/cpu_profile.csv": [["manufacturer", "model_range", "a", "b", "c", "d"]],
        "consumption_profile/ram/memory_type.csv": [["cpu_family", "memory_type"], ["Lake", "DDR5"]],
    }
    with zipfile.ZipFile(path, "w") as archive:
        for name, rows in tables.items():
            text = io.StringIO()
            csv.writer(text).writerows(rows)
            archive.writestr(f"boaviztapi/data/{name}", text.getvalue())
    return path


@pytest.mark.parametrize("name", ["vcpu", "ccf_vcpus", "memory_gib", "lifetime_h"])
def test_what_is_asked_of_all_keys_at_once_is_what_each_of_them_has(name: str) -> None:
    assert [key for key in machines.keys() if machines.has(key, name) != (name in (machines.find(key) or {}))] == []  # noqa: SIM118


def test_memory_is_named_by_the_unit_that_it_has() -> None:
    """Providers state GiB, or GB that are taken for it; only what a published tool computes keeps that tool's word."""
    sizes = {"aws:m5.large": 8.0, "azure:d4s_v3": 16.0, "scaleway:dev1-l": 8.0, "ovhcloud:b3-8": 8.0}
    assert {key: (machines.find(key) or {})["memory_gib"] for key in sizes} == sizes
    others = {name for name in machines.facts() if re.search(r"(memory|dimm).*_gb", name)}
    assert others == {"ccf_extra_memory_gb", "ccf_fixed_extra_memory_gb"}
