# SPDX-License-Identifier: Apache-2.0
"""What the rules understand of meters of Azure, Google Cloud, Oracle, OVHcloud and Scaleway, worked out by hand."""

from __future__ import annotations

import json
from typing import Any

import pytest

from lichen.collect.bills.mapping import Rules
from lichen.collect.bills.meter import Meter, Reason, Understood

HOUR = 3600.0
GB = 1e9
GIB = 2.0**30
N2 = json.dumps([{"key": "compute.googleapis.com/machine_spec", "value": "n2-standard-4"}])
MICRO = json.dumps({"compute.googleapis.com/machine_spec": "e2-micro"})


@pytest.fixture(scope="module")
def rules() -> Rules:
    return Rules.load()


def amounts(found: Understood) -> dict[str, Any]:
    return {f"{one.quantity} {one.platform}": pytest.approx(one.per_unit, rel=1e-9) for one in found.amounts}


AZURE = [
    # 17 of "10 Hours" are 17 hours: the number is the block that a price is for.
    ("Virtual Machines", "D2 v2/DS2 v2", "10 Hours", {"instance_time azure:d2_v2": HOUR, "vcpu_time azure:d2_v2": 2 * HOUR}),
    ("Virtual Machines", "D4as v4 Spot", "1 Hour", {"instance_time azure:d4as_v4": HOUR, "vcpu_time azure:d4as_v4": 4 * HOUR}),
    ("Virtual Machines", "D4s v6", "1 Hour", {"instance_time azure:d4s_v5": HOUR, "vcpu_time azure:d4s_v5": 4 * HOUR}),
    ("Azure App Service", "P1 v2 App", "1 Hour", {"instance_time azure:p1_v2": HOUR, "vcpu_time azure:p1_v2": HOUR}),
    ("Container Instances", "vCPU Duration", "1000 Hours", {"vcpu_time azure:container-instances": HOUR}),
    ("Container Instances", "Memory Duration", "1000 GB Hours", {"memory_byte_seconds azure:container-instances": GB * HOUR}),
    ("Azure Database for MySQL", "2 vCore", "100 Hours",
     {"vcpu_time azure:mysql": 2 * HOUR, "memory_byte_seconds azure:database-memory": 8 * GB * HOUR}),
    ("SQL Database", "vCore", "1 Hour",
     {"vcpu_time azure:sql-database": HOUR, "memory_byte_seconds azure:database-memory": 5.1 * GB * HOUR}),
    ("SQL Database", "S1 DTUs", "1/Day", {"vcpu_time azure:sql-database": 0.2 * 24 * HOUR}),
    ("Redis Cache", "C1 Cache Instance", "100 Hours",
     {"memory_byte_seconds azure:redis-cache": GB * HOUR, "vcpu_time azure:redis-processors": HOUR}),
    ("Azure Cosmos DB", "100 RU/s", "1/Hour", {"requests azure:cosmos-db": 100 * HOUR}),
    ("Functions", "Execution Time", "50000 GB Seconds",
     {"memory_byte_seconds azure:functions": GB, "vcpu_time azure:functions-processors": 0.666667}),
    ("Storage", "P10 LRS Disk", "1/Month", {"storage_byte_seconds azure:disk-ssd": 128 * GB}),
    ("Storage", "E1 Disks", "100 /Month", {"storage_byte_seconds azure:disk-ssd": 4 * GB}),
    ("HDInsight", "S30 Disk", "1 /Month", {"storage_byte_seconds azure:disk-hdd": 1024 * GB}),
    ("Storage", "RA-GRS Data Stored", "100 GB/Month", {"storage_byte_seconds azure:storage-grs": GB}),
    ("Storage", "Cool RA-GZRS Data Stored", "1 GB/Month", {"storage_byte_seconds azure:storage-gzrs": GB}),
    ("Storage", "ZRS Snapshots", "1 GB/Month", {"storage_byte_seconds azure:storage-zrs": GB}),
    ("Storage", "Hot LRS Write Operations", "10K", {"requests azure:storage": 10_000}),
    ("Container Registry", "Premium Registry Unit", "1/Day",
     {"storage_byte_seconds azure:container-registry": 500 * GB * 24 * HOUR}),
    ("Bandwidth", "Standard Data Transfer Out", "1 GB", {"network_bytes azure:bandwidth": GB}),
    ("Key Vault", "Operations", "10K", {"requests azure:key-vault": 10_000}),
]  # fmt: skip


@pytest.mark.parametrize(("service", "meter", "unit", "expected"), AZURE, ids=lambda value: str(value)[:30])
def test_azure(rules: Rules, service: str, meter: str, unit: str, expected: dict[str, float]) -> None:
    assert amounts(rules.understand(Meter(provider="azure", service=service, meter=meter, unit=unit))) == expected


def test_disks_are_held_for_the_month_and_copied_three_times(rules: Rules) -> None:
    (disk,) = rules.understand(Meter(provider="azure", service="Storage", meter="P10 LRS Disk", unit="1/Month")).amounts
    assert disk.monthly
    assert disk.attributes == {"storage_class": "ssd", "replication": 3}


def test_focus_calls_ten_thousand_operations_of_azure_a_unit(rules: Rules) -> None:
    """Bills in FOCUS 1.0 tell 0.0003 units of operations that cost 0.05 by the ten thousand: three operations."""
    said = "Tiered Block Blob - LRS - List and Create Container Operations - US East"
    found = rules.understand(Meter(provider="azure", service="Storage Accounts", description=said, unit="Units"))
    assert amounts(found) == {"requests azure:storage": 10_000}


def test_another_generation_of_a_machine_of_azure_is_flagged(rules: Rules) -> None:
    found = rules.understand(Meter(provider="azure", service="Virtual Machines", meter="D4s v6", unit="1 Hour"))
    assert found.nearest == "D4s v6"
    assert {one.method for one in found.amounts} == {"proxy"}


GCP = [
    ("Compute Engine", "N2 Instance Core running in Paris", "hour", "", {"vcpu_time gcp:n2": HOUR}),
    ("Compute Engine", "N2 Instance Core running in Paris", "hour", N2,
     {"instance_time gcp:n2-standard-4": HOUR / 4, "vcpu_time gcp:n2-standard-4": HOUR}),
    ("Compute Engine", "N2 Instance Ram running in Paris", "gibibyte hour", "", {"memory_byte_seconds gcp:n2": GIB * HOUR}),
    ("Compute Engine", "N2 Instance Ram running in Paris", "gibibyte hour", N2,
     {"memory_byte_seconds gcp:n2-standard-4": GIB * HOUR}),
    ("Compute Engine", "E2 Instance Core running in Americas", "hour", MICRO,
     {"instance_time gcp:e2-micro": 4 * HOUR, "vcpu_time gcp:e2-micro": 8 * HOUR}),
    ("Compute Engine", "Compute optimized Core running in Americas", "seconds", "", {"vcpu_time gcp:c2": 1}),
    ("Compute Engine", "Nvidia Tesla V100 GPU running in Americas", "seconds", "", {"gpu_time gcp:nvidia-tesla-v100": 1}),
    ("Compute Engine", "SSD backed PD Capacity", "gibibyte month", "", {"storage_byte_seconds gcp:disk-ssd": GIB}),
    ("Compute Engine", "Storage PD Capacity", "gibibyte month", "", {"storage_byte_seconds gcp:disk-hdd": GIB}),
    ("Compute Engine", "Regional SSD backed PD Capacity", "gibibyte month", "",
     {"storage_byte_seconds gcp:disk-ssd-regional": GIB}),
    ("Compute Engine", "Network Inter Zone Egress", "gibibyte", "", {"network_bytes gcp:network": GIB}),
    ("Cloud SQL", "Cloud SQL for PostgreSQL: Regional - 8 vCPU + 30GB RAM in Paris", "hour", "",
     {"vcpu_time gcp:cloud-sql": 16 * HOUR, "memory_byte_seconds gcp:database-memory": 60 * GIB * HOUR}),
    ("Cloud SQL", "Cloud SQL: vCPU in Americas", "seconds", "", {"vcpu_time gcp:cloud-sql": 1}),
    ("Cloud Storage", "Standard Storage Europe Multi-region", "gibibyte month", "",
     {"storage_byte_seconds gcp:cloud-storage": GIB}),
    ("Cloud Dataflow", "vCPU Time Batch Iowa", "seconds", "", {"vcpu_time gcp:dataflow": 1}),
    ("BigQuery", "Analysis (eu)", "tebibyte", "", {"vcpu_time gcp:bigquery": 3 * 2**40 / GB}),
    ("Kubernetes Engine", "Autopilot Pod mCPU Requests in Paris", "hour", "", {"vcpu_time gcp:kubernetes-engine": 3.6}),
    ("Cloud Run", "Memory Allocation Time", "gibibyte second", "", {"memory_byte_seconds gcp:cloud-run": GIB}),
]  # fmt: skip


@pytest.mark.parametrize(("service", "meter", "unit", "details", "expected"), GCP, ids=lambda value: str(value)[:30])
def test_google(rules: Rules, service: str, meter: str, unit: str, details: str, expected: dict[str, float]) -> None:
    found = rules.understand(Meter(provider="gcp", service=service, meter=meter, unit=unit, details=details))
    assert amounts(found) == expected


OCI = [
    ("COMPUTE", "Standard - E4", "OCPU Hours", {"vcpu_time oci:e4": 2 * HOUR}),
    ("COMPUTE", "Standard - A1", "OCPU Hours", {"vcpu_time oci:a1": HOUR}),
    ("COMPUTE", "Standard - E4 - Memory", "GB Hours", {"memory_byte_seconds oci:e4": GIB * HOUR}),
    ("COMPUTE", "GPU - A10", "GPU Hours",
     {"gpu_time oci:a10": HOUR, "vcpu_time oci:a10": 30 * HOUR, "memory_byte_seconds oci:a10": 240 * GIB * HOUR}),
    ("FUNCTIONS", "Oracle Functions - Execution Time", "GB Seconds",
     {"vcpu_time oci:functions": pytest.approx(1024 / 1769), "memory_byte_seconds oci:functions": GIB}),
    ("BLOCK_STORAGE", "Block Volume - Storage", "GB Months", {"storage_byte_seconds oci:block-volume": GIB}),
    ("OBJECTSTORE", "Object Storage - Storage", "GB Months", {"storage_byte_seconds oci:object-storage": GIB}),
    ("NETWORK", "Outbound Data Transfer Zone 1", "GB Months", {"network_bytes oci:data-transfer": GIB}),
    ("DATABASE", "Oracle Autonomous Transaction Processing - Exadata Storage", "TB",
     {"storage_byte_seconds oci:database": 2**40}),
]  # fmt: skip


@pytest.mark.parametrize(("service", "description", "unit", "expected"), OCI, ids=lambda value: str(value)[:30])
def test_oracle(rules: Rules, service: str, description: str, unit: str, expected: dict[str, float]) -> None:
    found = rules.understand(Meter(provider="oci", service=service, meter="B1", description=description, unit=unit))
    assert amounts(found) == expected


OTHERS = [
    ("ovhcloud", "hourlyUsage.instance.details", "b2-7", "Hour",
     {"instance_time ovhcloud:b2-7": HOUR, "vcpu_time ovhcloud:b2-7": 2 * HOUR}),
    ("ovhcloud", "monthlyUsage.instance", "b2-7.monthly", "", {"instance_time ovhcloud:b2-7": 1, "vcpu_time ovhcloud:b2-7": 2}),
    # A machine whose size is known and whose host is not: what it has is counted apart.
    ("ovhcloud", "hourlyUsage.instance", "l4-90", "Hour",
     {"vcpu_time ovhcloud:l4-90": 22 * HOUR, "memory_byte_seconds ovhcloud:l4-90": 90 * GIB * HOUR,
      "gpu_time ovhcloud:l4-90": HOUR}),
    ("ovhcloud", "hourlyUsage.volume.details", "classic", "GiBh", {"storage_byte_seconds ovhcloud:volume": GIB * HOUR}),
    ("ovhcloud", "hourlyUsage.storage", "storage", "GiBh", {"storage_byte_seconds ovhcloud:object-storage": GIB * HOUR}),
    ("scaleway", "Instances", "/compute/dev1_s/run_fr-par-1", "hour",
     {"instance_time scaleway:dev1-s": HOUR, "vcpu_time scaleway:dev1-s": 2 * HOUR}),
    ("scaleway", "Block", "/storage/block/sbs_5k_fr-par-1", "GB-hour",
     {"storage_byte_seconds scaleway:block-storage": GB * HOUR}),
    ("scaleway", "Object", "/storage/object/standard_fr-par", "GB-month", {"storage_byte_seconds scaleway:object-storage": GB}),
]  # fmt: skip


@pytest.mark.parametrize(
    ("provider", "service", "meter", "unit", "expected"), OTHERS, ids=lambda value: str(value)[:30]
)
def test_ovhcloud_and_scaleway(
    rules: Rules, provider: str, service: str, meter: str, unit: str, expected: dict[str, float]
) -> None:
    assert amounts(rules.understand(Meter(provider=provider, service=service, meter=meter, unit=unit))) == expected


REASONS = [
    ("azure", "Virtual Machines Licenses", "6 vCPU VM License", "100 Hours", Reason.SUPPORT),
    ("azure", "Azure Databricks", "Standard All-purpose Compute DBU", "10 Hours", Reason.SUPPORT),
    ("azure", "Azure OpenAI", "gpt-4o Input Tokens", "1K", Reason.AI),
    ("azure", "Virtual Network", "Intra-Region Ingress", "1 GB", Reason.INCLUDED),
    ("azure", "Virtual Network", "Basic IPv4 Static Public IP", "1 Hour", Reason.INCLUDED),
    ("azure", "Storage", "Premium SSD v2 Provisioned IOPS", "1/Hour", Reason.INCLUDED),
    ("azure", "Storage", "Cool Early Delete", "1 GB/Month", Reason.NO_USAGE),
    ("azure", "Azure Widgets", "Widget Hours", "1 Hour", Reason.NO_RULE),
    ("gcp", "Compute Engine", "Commitment v1: Cpu in Paris", "hour", Reason.NO_USAGE),
    ("gcp", "Compute Engine", "Licensing Fee for Windows Server", "hour", Reason.SUPPORT),
    ("gcp", "Compute Engine", "External IP Charge on a Standard VM", "hour", Reason.INCLUDED),
    ("gcp", "Cloud Vision API", "Label Detection Operations", "count", Reason.AI),
    ("gcp", "Compute Engine", "N2 Instance Core running in Paris", "bushels", Reason.NO_RULE),
    ("oci", "BLOCK_STORAGE", "Block Volume - Performance Units", "GB Months", Reason.INCLUDED),
    ("oci", "COMPUTE", "Windows OS", "OCPU Hours", Reason.SUPPORT),
    ("ovhcloud", "bill", "Domain name example.org", "", Reason.NO_USAGE),
    ("scaleway", "Network", "/network/ip/ipv4_fr-par-1", "hour", Reason.INCLUDED),
]


@pytest.mark.parametrize(("provider", "service", "said", "unit", "reason"), REASONS, ids=lambda value: str(value)[:30])
def test_what_has_no_quantity_says_why(
    rules: Rules, provider: str, service: str, said: str, unit: str, reason: Reason
) -> None:
    found = rules.understand(Meter(provider=provider, service=service, meter=said, description=said, unit=unit))
    assert (found.reason, found.amounts) == (reason, ())


def test_network_has_a_path_storage_a_class_and_requests_a_weight(rules: Rules) -> None:
    """What methods of impact ask of each quantity."""
    wanted = {"network_bytes": "path", "storage_byte_seconds": "storage_class", "requests": "request_class"}
    values = {
        "path": {"intra_region", "inter_region", "internet", "cdn"},
        "storage_class": {"ssd", "hdd"},
        "request_class": {"light", "heavy"},
    }
    told = [(rule, one) for rule in rules.rules for one in rule.told if one.quantity in wanted]
    assert {rule.provider for rule, _ in told} >= {"azure", "gcp", "oci", "ovhcloud", "scaleway"}
    for rule, one in told:
        name = wanted[one.quantity]
        assert {**rule.attributes, **one.attributes}.get(name) in values[name], rule.name
