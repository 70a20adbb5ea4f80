# SPDX-License-Identifier: Apache-2.0
"""How much a way of hosting takes, against arithmetic done by hand."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lichen.errors import UsageError
from lichen.portfolio.scenarios import HOURS, Demand, Line, Machine, Offer, Queries, Sized, Spread, Use
from lichen.portfolio.scenarios_sizing import size

SMALL = Machine(key="aws:m6i.large", vcpu=2, memory_gib=8)
DATABASES = (
    Machine(key="aws:db.m6g.large", vcpu=2, memory_gib=8),
    Machine(key="aws:db.m6g.xlarge", vcpu=4, memory_gib=16),
)
ROLES = frozenset(
    {"instance", "database", "database_storage", "block_storage", "object_storage", "load_balancer", "egress", "container_vcpu",
     "container_memory", "function_memory", "function_requests", "gateway_requests", "database_capacity", "query_scan"}
)  # fmt: skip
OFFER = Offer(provider="aws", region="eu-west-3", machine=SMALL, databases=DATABASES, roles=ROLES)
SERVICE = Demand(
    # 100 requests a second at the peak, of 25 ms of CPU time: 2.5 CPUs; 175 million a month.
    cpu_s=175e6 * 0.025, peak_cpus=2.5, requests=175e6, peak_requests_per_s=100, duration_s=0.08, load_most=0.5, spare=1,
)  # fmt: skip
QUERIES = Queries(
    count=1000, at_once=2, data_gb=400, scanned_gb=100, packed=0.25, read=0.1, database_vcpus=3, database_memory_gib=12,
    cpu_s_per_gb=3,
)  # fmt: skip


def line(sized: Sized, role: str) -> Line:
    return next(one for one in sized.lines if one.role == role)


def uses(sized: Sized, quantity: str) -> list[Use]:
    return [one for one in sized.uses if one.quantity == quantity]


def test_rented_machines_hold_the_peak_with_headroom_and_one_may_fail() -> None:
    found = size("iaas", SERVICE, OFFER)
    # 2.5 CPUs / 0.5 / 2 CPUs a machine = 2.5: 3 machines, and a spare one.
    assert found.machines == 4
    assert line(found, "instance").quantity == 4 * HOURS
    (cpu,) = uses(found, "vcpu_time")
    assert cpu.value == pytest.approx(8 * HOURS * 3600)
    assert cpu.attributes["utilisation"] == pytest.approx(175e6 * 0.025 / (8 * HOURS * 3600))


def test_memory_asks_for_machines_where_it_is_more_than_cpus_do() -> None:
    assert size("iaas", replace(SERVICE, memory_gib=33), OFFER).machines == 5 + 1


def test_containers_follow_the_load_between_a_floor_and_the_peak() -> None:
    mean_cpus = 175e6 * 0.025 / (HOURS * 3600)
    found = size("paas", SERVICE, OFFER)
    assert found.vcpus == pytest.approx(1.15 * mean_cpus / 0.5)
    assert found.vcpus_peak == 5 + 1
    assert line(found, "container_vcpu").quantity == pytest.approx(found.vcpus * HOURS)
    assert line(found, "container_memory").quantity == pytest.approx(2 * found.vcpus * HOURS)
    assert size("paas", replace(SERVICE, cpu_s=0.0), OFFER).vcpus == 2


def test_functions_are_paid_for_duration_and_memory() -> None:
    found = size("serverless", SERVICE, OFFER)
    assert line(found, "function_memory").quantity == pytest.approx(175e6 * 0.08 * 1769 / 1024)
    assert line(found, "function_requests").quantity == 175
    assert line(found, "gateway_requests").quantity == 175
    needs = {(one.service, one.limit): one.value for one in found.needs}
    assert needs["functions", "concurrency"] == pytest.approx(8)
    assert needs["gateway", "rate"] == 100


def test_a_function_with_little_memory_has_a_part_of_a_cpu_and_takes_longer() -> None:
    quarter = replace(SERVICE, function_memory_gib=1769 / 1024 / 4, duration_s=0.03)
    # 25 ms of a whole CPU take 100 ms on a quarter of one.
    assert line(size("serverless", quarter, OFFER), "function_memory").quantity == pytest.approx(
        175e6 * 0.1 * 1769 / 1024 / 4
    )


def test_functions_need_requests_and_a_price() -> None:
    with pytest.raises(UsageError, match="requests of this workload are not known"):
        size("serverless", replace(SERVICE, requests=0.0, peak_requests_per_s=0.0), OFFER)
    with pytest.raises(UsageError, match="No price of functions of 'aws'"):
        size("serverless", SERVICE, replace(OFFER, roles=ROLES - {"function_memory"}))


def test_a_managed_database_is_the_smallest_that_holds_it_twice() -> None:
    found = size("paas", Demand(database_gb=100, database_vcpus=3, database_memory_gib=8), OFFER)
    assert (line(found, "database").key, line(found, "database").quantity) == ("aws:db.m6g.xlarge", 2 * HOURS)
    assert line(found, "database_storage").quantity == 200
    (cpu,) = uses(found, "vcpu_time")
    assert cpu.platform == "aws:m6g.xlarge"


def test_a_database_that_no_type_holds_is_several() -> None:
    found = size("paas", Demand(database_gb=100, database_vcpus=9, database_memory_gib=8, spare=0), OFFER)
    assert line(found, "database").quantity == 3 * HOURS


def test_a_serverless_database_shrinks_with_the_load_and_a_provider_without_one_has_a_managed_one() -> None:
    demand = replace(SERVICE, database_gb=10, database_vcpus=2, database_memory_gib=8)
    # 8 units for 2 CPUs at the peak; two copies.
    found = line(size("serverless", demand, OFFER), "database_capacity")
    assert found.quantity == pytest.approx(8 * demand.mean_share * 2 * HOURS)
    other = size("serverless", demand, replace(OFFER, roles=ROLES - {"database_capacity"}))
    assert other.notes == ("no_serverless_database",)
    assert line(other, "database").key == "aws:db.m6g.large"


def test_queries_by_volume_read_columns_and_keep_them() -> None:
    found = size("serverless", Demand(queries=QUERIES), OFFER)
    # 100 GB x 0.25 x 0.1 = 2.5 GB each.
    assert line(found, "query_scan").quantity == pytest.approx(1000 * 2.5 / 1000)
    assert line(found, "object_storage").quantity == 100
    (cpu,) = uses(found, "vcpu_time")
    assert cpu.value == pytest.approx(1000 * 2.5 * 3)


def test_a_tiny_query_is_charged_for_ten_megabytes() -> None:
    tiny = Demand(queries=replace(QUERIES, scanned_gb=0.001))
    assert line(size("serverless", tiny, OFFER), "query_scan").quantity == pytest.approx(1000 * 0.01 / 1000)


def test_files_run_while_there_is_something_to_do() -> None:
    found = size("files", Demand(queries=QUERIES), OFFER)
    assert line(found, "instance").quantity == 30  # 1000 x 2.5 GB x 3 s / 2 CPUs are an hour
    assert found.notes == ("one_at_a_time",)
    busy = replace(QUERIES, count=100_000)
    hours = 100_000 * 2.5 * 3 / 2 / 3600
    assert line(size("files", Demand(queries=busy), OFFER), "instance").quantity == pytest.approx(hours)
    assert "larger_than_memory" in size("files", Demand(queries=replace(QUERIES, scanned_gb=1000)), OFFER).notes


def test_files_carry_no_visitors() -> None:
    with pytest.raises(UsageError, match="no requests of visitors"):
        size("files", SERVICE, OFFER)


def test_disks_go_along_and_become_objects_where_no_machine_has_them() -> None:
    demand = replace(SERVICE, disk_gb=50)
    assert line(size("paas", demand, OFFER), "block_storage").quantity == 50
    found = size("serverless", demand, OFFER)
    assert line(found, "object_storage").quantity == 50
    assert found.notes == ("disks_as_objects",)


def test_what_is_kept_is_held_all_month_and_what_goes_out_says_its_path() -> None:
    found = size("paas", Demand(storage_gb=3, egress_gb=5), OFFER)
    (kept,) = uses(found, "storage_byte_seconds")
    assert kept.value == pytest.approx(3e9 * HOURS * 3600)
    assert kept.attributes == {"storage_class": "hdd", "replication": 3.0}
    (out,) = uses(found, "network_bytes")
    assert (out.value, out.attributes["path"]) == (5e9, "internet")


def test_another_use_keeps_peak_and_data() -> None:
    half = SERVICE.used(0.5)
    assert (half.cpu_s, half.requests, half.peak_cpus) == (SERVICE.cpu_s / 2, SERVICE.requests / 2, SERVICE.peak_cpus)


def test_a_spread_in_disorder_is_an_error_of_the_program() -> None:
    with pytest.raises(ValueError, match="no range"):
        Spread(2, 1, 3)
    assert Spread(1, 2, 3).minus(Spread(0, 1, 5)) == Spread(-4, 1, 3)
