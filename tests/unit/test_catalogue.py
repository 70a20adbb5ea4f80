# SPDX-License-Identifier: Apache-2.0
"""Processors by name: whatever surrounds a model number, what hypervisors say instead, and names that fit several."""

from __future__ import annotations

import pytest

from lichen.catalogue.hardware import SOURCES, accelerators, cpus, families, find_accelerator, find_cpu, words


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("AMD EPYC 7763 64-Core Processor", "AMD EPYC 7763"),
        ("EPYC 7763", "AMD EPYC 7763"),
        ("7763", "AMD EPYC 7763"),
        ("epyc7763", "AMD EPYC 7763"),
        ("AMD EPYC 7702P 64-Core Processor", "AMD EPYC 7702P"),
        ("AMD EPYC 7702 64-Core Processor", "AMD EPYC 7702"),
        ("AMD EPYC 7B12", "AMD EPYC 7B12"),
        ("AMD EPYC 7R13 Processor", "AMD EPYC 7R13"),
        ("Intel(R) Xeon(R) Platinum 8370C CPU @ 2.80GHz", "Intel Xeon Platinum 8370C"),
        ("Intel(R) Xeon(R) Platinum 8259CL CPU @ 2.50GHz", "Intel Xeon Platinum 8259CL"),
        ("Intel(R) Xeon(R) Platinum 8272CL CPU @ 2.60GHz", "Intel Xeon Platinum 8272CL"),
        ("Intel(R) Xeon(R) CPU E5-2686 v4 @ 2.30GHz", "Intel Xeon E5-2686 v4"),
        ("Intel Xeon E5-2470 2.30 GHz (Intel Turbo Boost Technology up to 3.10 GHz)", "Intel Xeon E5-2470"),
        ("INTEL® XEON® Gold 6246 Processor", "Intel Xeon Gold 6246"),
        ("Intel Xeon Platinum 8480+", "Intel Xeon Platinum 8480+"),
        ("Quad-Core AMD Opteron(r) Processor 8376 HE", "AMD Opteron 8376 HE"),
    ],
)
def test_a_name_is_found_whatever_surrounds_it(name: str, found: str) -> None:
    cpu = find_cpu(name).cpu
    assert cpu is not None
    assert cpu.name == found


@pytest.mark.parametrize(
    ("name", "vendor", "architecture"),
    [
        ("AMD EPYC", "amd", None),
        ("AMD EPYC Processor", "amd", None),
        ("AMD EPYC Processor (with IBPB)", "amd", None),
        ("AMD EPYC-Rome Processor", "amd", "zen2"),
        ("AMD EPYC-Milan Processor", "amd", "zen3"),
        ("Intel Xeon Processor (Skylake, IBRS)", "intel", "skylake"),
        ("Intel Xeon Processor (Cascadelake)", "intel", "cascadelake"),
        ("Intel Core Processor (Broadwell, no TSX, IBRS)", "intel", "broadwell"),
        ("Intel Xeon E3-12xx v2 (Ivy Bridge)", "intel", "ivybridge"),
        ("Westmere E56xx/L56xx/X56xx (Nehalem-C)", "intel", "nehalem"),
        ("Intel(R) Xeon(R) CPU @ 2.20GHz", "intel", None),
        ("Intel(R) Xeon(R) Processor @ 2.70GHz", "intel", None),
        ("Neoverse-N1", "arm", "neoverse-n1"),
        ("ARMv8 Processor rev 1 (v8l)", "arm", None),
        ("QEMU Virtual CPU version 2.5+", None, None),
        ("Common KVM processor", None, None),
    ],
)
def test_what_a_hypervisor_says_is_recognised_as_such(name: str, vendor: str | None, architecture: str | None) -> None:
    match = find_cpu(name)
    assert match.cpu is None
    assert match.family is not None
    assert (match.family.vendor, match.family.architecture) == (vendor, architecture)


def test_an_unknown_name_is_not_matched_to_a_neighbour() -> None:
    match = find_cpu("AMD EPYC 7764")
    assert (match.cpu, match.family, match.ambiguous) == (None, None, False)
    assert "AMD EPYC 7763" in match.candidates


@pytest.mark.parametrize("name", ["Apple M1", "Intel Core i5-4570", "AMD Ryzen 7 5800X 8-Core Processor", "7", "v"])
def test_what_is_no_server_is_not_taken_for_one(name: str) -> None:
    match = find_cpu(name)
    assert match.cpu is None
    assert match.family is None


def test_a_name_of_several_processors_is_none_of_them() -> None:
    match = find_cpu("v3")
    assert match.cpu is None
    assert match.ambiguous
    assert {"Intel Xeon E5-2699 v3", "Intel Xeon E5-2620 v3"} <= set(match.candidates)
    card, candidates = find_accelerator("A100")
    assert card is None
    assert len(candidates) == 3


def test_every_processor_is_found_by_its_own_name_alone() -> None:
    assert [cpu.name for cpu in cpus() if find_cpu(cpu.name).cpu != cpu] == []
    assert [card.name for card in accelerators() if find_accelerator(card.name)[0] != card] == []


def test_specifications_are_plausible_and_have_a_source() -> None:
    assert {cpu.source for cpu in cpus()} | {card.source for card in accelerators()} == set(SOURCES)
    for cpu in cpus():
        assert cpu.threads in (cpu.cores, 2 * cpu.cores), cpu
        assert 2005 <= cpu.year <= 2026, cpu
        assert cpu.tdp_w is None or 30 <= cpu.tdp_w <= 500, cpu
        assert cpu.vendor in ("amd", "intel", "arm"), cpu
    for family in families():
        assert family.host_threads is None or family.vendor is not None, family


def test_known_processors_have_their_makers_figures() -> None:
    figures = {
        "EPYC 7763": (64, 128, 280.0, 2021), "EPYC 7B12": (64, 128, 240.0, 2019), "EPYC 7R13": (48, 96, 225.0, 2021),
        "8370C": (32, 64, 205.0, 2021), "8259CL": (24, 48, 210.0, 2019), "8272CL": (26, 52, 195.0, 2019),
        "Gold 6246": (12, 24, 165.0, 2019), "E5-2699 v3": (18, 36, 145.0, 2014),
    }  # fmt: skip
    for name, wanted in figures.items():
        cpu = find_cpu(name).cpu
        assert cpu is not None
        assert (cpu.cores, cpu.threads, cpu.tdp_w, cpu.year) == wanted


def test_words_leave_the_model_alone() -> None:
    assert words("Intel(R) Xeon(R) E-2388G CPU 3.20GHz") == ("xeon", "e-2388g")
    assert words("Intel Xeon E3-1220v2 (Intel Turbo Boost Technology up to 3.50 GHz)") == ("xeon", "e3-1220v2")
