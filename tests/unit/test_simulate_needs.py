# SPDX-License-Identifier: Apache-2.0
"""What rows of a bill say of the memory and the data of a workload, in the units that machines and stores are sized by."""

from __future__ import annotations

from typing import Any

import pytest

from lichen.portfolio.scenarios import HOURS, Demand, Machine, Offer, Spread
from lichen.portfolio.scenarios_sizing import size
from lichen.service.simulate.billed_needs import needs_of


def row(quantity: str, value: float, unit: str, family: str = "compute", **others: Any) -> dict[str, Any]:
    """A row whose value is of each second."""
    return {
        "quantity": quantity, "value": value, "unit": unit, "family": family, "platform": "", "attributes": None, **others,
    }  # fmt: skip


def needs(*rows: dict[str, Any]) -> Demand:
    demands, _ = needs_of(rows, Spread.of(0.5))
    return demands["value"]


def test_memory_of_types_and_memory_that_is_billed_apart_are_one_unit() -> None:
    """Two m5.large of 8 GiB, and 24 GiB beside cores of Google: 40 GiB fill five machines of 8 GiB, not six."""
    demand = needs(
        row("instance_time", 2.0, "s", platform="aws:m5.large"),
        row("memory_byte_seconds", 24.0 * 2**30, "B.s", platform="gcp:n2"),
        row("vcpu_time", 4.0, "s", platform="gcp:n2"),
    )
    assert demand.memory_gib == pytest.approx(40, rel=1e-12)
    machine = Machine(key="aws:m5.large", vcpu=2, memory_gib=8)
    offer = Offer(
        provider="aws",
        region="eu-west-3",
        machine=machine,
        databases=(),
        roles=frozenset({"instance", "load_balancer"}),
    )
    assert size("iaas", demand, offer).machines == 5 + 1


def test_memory_of_a_database_is_its_own() -> None:
    demand = needs(row("memory_byte_seconds", 12.0 * 2**30, "B.s", family="database"))
    assert (demand.memory_gib, demand.database_memory_gib) == (0.0, pytest.approx(12))


def test_data_are_in_decimal_gigabytes() -> None:
    demand = needs(
        row("storage_byte_seconds", 3e9, "B.s", family="storage", attributes='{"storage_class": "hdd"}'),
        row("storage_byte_seconds", 2e9, "B.s", family="storage", attributes='{"storage_class": "ssd"}'),
        row("network_bytes", 1e6, "B", family="network", attributes='{"path": "internet"}'),
    )
    assert (demand.storage_gb, demand.disk_gb) == (pytest.approx(3), pytest.approx(2))
    assert demand.egress_gb == pytest.approx(1e-3 * HOURS * 3600)


def test_memory_that_is_rented_by_the_gigabyte_is_of_2_to_the_30_bytes() -> None:
    """Two containers of 2 GiB, the least, all the month."""
    offer = Offer(
        provider="aws", region="eu-west-3", machine=None, databases=(),
        roles=frozenset({"container_vcpu", "container_memory", "load_balancer"}),
    )  # fmt: skip
    found = size("paas", Demand(cpu_s=1.0, peak_cpus=0.1), offer)
    (held,) = [one.value for one in found.uses if one.quantity == "memory_byte_seconds"]
    assert held == pytest.approx(2 * 2 * 2**30 * HOURS * 3600)
