# SPDX-License-Identifier: Apache-2.0
"""What the rules understand of meters of Amazon Web Services: amounts worked out by hand from the unit and the type."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import lichen.catalogue
from lichen.collect.bills.mapping import Rules
from lichen.collect.bills.meter import Family, Meter, Reason, Understood

HOUR = 3600.0
GB = 1e9
GIB = 2.0**30
VCPU_PER_LAMBDA_GB = 1024 / 1769


@pytest.fixture(scope="module")
def rules() -> Rules:
    return Rules.load()


def aws(rules: Rules, **said: str) -> Understood:
    return rules.understand(Meter(provider="aws", **said))


def amounts(found: Understood) -> dict[str, tuple[Any, str]]:
    return {amount.quantity: (pytest.approx(amount.per_unit, rel=1e-8), amount.platform) for amount in found.amounts}


INSTANCES = [
    ("AmazonEC2", "USE2-BoxUsage:t2.micro", "Hrs", "aws:t2.micro", HOUR, 1),
    ("AmazonEC2", "EUW2-SpotUsage:c5.18xlarge", "Hours", "aws:c5.18xlarge", HOUR, 72),
    ("AmazonEC2", "DedicatedUsage:m5.xlarge", "Hrs", "aws:m5.xlarge", HOUR, 4),
    ("AmazonEC2", "HeavyUsage:c5.large", "Hrs", "aws:c5.large", HOUR, 2),
    ("AmazonRDS", "InstanceUsage:db.t2.micro", "Hrs", "aws:db.t2.micro", HOUR, 1),
    ("AmazonDocDB", "APS1-InstanceUsage:db.r5.large", "Hrs", "aws:docdb.r5.large", HOUR, 2),
    ("AmazonNeptune", "InstanceUsage:db.r5.large", "Hrs", "aws:db.r5.large", HOUR, 2),
    ("AmazonElastiCache", "NodeUsage:cache.m5.large", "Hrs", "aws:cache.m5.large", HOUR, 2),
    ("AmazonES", "USE1-ESInstance:t3.medium", "Hrs", "aws:t3.medium.elasticsearch", HOUR, 2),
    ("AmazonMSK", "APS1-Kafka.m5.large", "hours", "aws:kafka.m5.large", HOUR, 2),
    ("AmazonRedshift", "Node:ra3.4xlarge", "Hrs", "aws:ra3.4xlarge", HOUR, 12),
    ("AmazonRedshift", "CS:ra3.4xlarge", "seconds", "aws:ra3.4xlarge", 1.0, 12),
    ("AmazonSageMaker", "USE1-Train:ml.m5.xlarge", "Hrs", "aws:ml.m5.xlarge", HOUR, 4),
]


@pytest.mark.parametrize(("service", "usage", "unit", "platform", "seconds", "vcpus"), INSTANCES)
def test_an_hour_of_a_machine_is_its_time_and_that_of_its_virtual_cpus(
    rules: Rules, service: str, usage: str, unit: str, platform: str, seconds: float, vcpus: int
) -> None:
    found = aws(rules, service=service, meter=usage, unit=unit)
    assert amounts(found) == {"instance_time": (seconds, platform), "vcpu_time": (seconds * vcpus, platform)}
    assert all(amount.method == "metered" and not amount.monthly for amount in found.amounts)


@pytest.mark.parametrize(
    ("said", "platform", "vcpus"),
    [
        ({"description": "$1.624 per On Demand Linux g5.4xlarge Instance Hour", "service": "AmazonEC2"}, "aws:g5.4xlarge", 16),
        ({"description": "Linux on-demand m6i.large", "service": "AmazonEC2", "meter": "Compute"}, "aws:m6i.large", 2),
        ({"service": "AmazonEC2", "meter": "Compute", "details": '{"InstanceType": "m6i.large"}'}, "aws:m6i.large", 2),
        ({"instance_type": "m6i.large", "service": "AmazonEC2", "meter": "BoxUsage:other"}, "aws:m6i.large", 2),
    ],
)  # fmt: skip
def test_where_a_bill_names_the_type(rules: Rules, said: dict[str, str], platform: str, vcpus: int) -> None:
    found = amounts(aws(rules, unit="Hours", **said))
    assert found == {"instance_time": (HOUR, platform), "vcpu_time": (HOUR * vcpus, platform)}


def test_a_standby_is_another_machine(rules: Rules) -> None:
    """Two machines run, and the rows say so to the method that counts the making of one."""
    found = aws(rules, service="AmazonRDS", meter="USE1-Multi-AZUsage:db.r5.12xlarge", unit="Hrs")
    reserved, used = found.amounts
    assert (reserved.quantity, reserved.per_unit) == ("instance_time", 2 * HOUR)
    assert (used.quantity, used.per_unit) == ("vcpu_time", 2 * 48 * HOUR)
    assert dict(reserved.attributes) == dict(used.attributes) == {"standby": 2.0}


def test_an_unknown_size_is_a_share_of_the_nearest_machine(rules: Rules) -> None:
    """m6i.7xlarge does not exist: 28 virtual CPUs by its name, on a machine of 32 or 16."""
    found = aws(rules, service="AmazonEC2", meter="BoxUsage:m6i.7xlarge", unit="Hrs")
    assert found.nearest == "m6i.7xlarge"
    assert {amount.method for amount in found.amounts} == {"proxy"}
    assert {amount.platform.partition(".")[0] for amount in found.amounts} == {"aws:m6i"}
    used = next(amount for amount in found.amounts if amount.quantity == "vcpu_time")
    assert used.per_unit == pytest.approx(28 * HOUR)


def test_a_machine_of_which_the_bill_tells_the_size_alone(rules: Rules) -> None:
    details = json.dumps({"InstanceType": "qq1.weird", "CoreCount": 6, "MemorySize": "24 GiB"})
    found = aws(rules, service="AmazonEC2", meter="BoxUsage:qq1.weird", unit="Hrs", details=details)
    assert amounts(found) == {"vcpu_time": (6 * HOUR, "aws"), "memory_byte_seconds": (24 * 2**30 * HOUR, "aws")}


def test_a_machine_of_which_nothing_is_known_has_no_amounts(rules: Rules) -> None:
    found = aws(rules, service="AmazonEC2", meter="BoxUsage:qq1.weird", unit="Hrs")
    assert (found.amounts, found.reason, found.rule) == ((), Reason.NO_RULE, "ec2.instances")


def test_reserved_capacity_that_nobody_uses_runs_idle(rules: Rules) -> None:
    found = aws(rules, service="AmazonEC2", meter="UnusedBox:m5.xlarge", unit="Hrs", capacity="unused")
    assert [dict(amount.attributes) for amount in found.amounts] == [{"utilisation": 0.0}] * 2


@pytest.mark.parametrize("usage", ["EUW3-UnusedBox:m5.xlarge", "UnusedDed:m5.xlarge"])
def test_unused_capacity_runs_idle_in_bills_without_a_column_for_it(rules: Rules, usage: str) -> None:
    found = aws(rules, service="AmazonEC2", meter=usage, unit="Hrs")
    assert amounts(found) == {"instance_time": (HOUR, "aws:m5.xlarge"), "vcpu_time": (4 * HOUR, "aws:m5.xlarge")}
    assert [dict(amount.attributes) for amount in found.amounts] == [{"utilisation": 0.0}] * 2


@pytest.mark.parametrize(
    "usage", ["EUW3-Reservation:m5.xlarge", "EUW3-DedicatedRes:m5.xlarge", "EUW3-HostBoxUsage:m5.xlarge"]
)
def test_hours_that_stand_on_other_lines_are_not_counted_again(rules: Rules, usage: str) -> None:
    """A reservation is its machines and what nobody uses of it; a machine on a host of one's own is the host's."""
    assert aws(rules, service="AmazonEC2", meter=usage, unit="Hrs").reason is Reason.INCLUDED


@pytest.mark.parametrize(
    ("said", "gigabytes", "method"),
    [
        ({"meter": "EUW3-DataTransfer-Regional-Bytes", "operation": "InterZone-In"}, 0.0, ""),
        ({"meter": "EUW3-DataTransfer-Regional-Bytes", "operation": "InterZone-Out"}, 1.0, "metered"),
        ({"meter": "EUW3-DataTransfer-Regional-Bytes", "operation": "PublicIP-Out"}, 1.0, "metered"),
        ({"meter": "EUW3-DataTransfer-Regional-Bytes", "operation": "LoadBalancing"}, 0.5, "modelled"),
        ({"meter": "EUW3-DataTransfer-Regional-Bytes"}, 0.5, "modelled"),
        ({"description": "$0.010 per GB - regional data transfer - in/out/between EC2 AZs"}, 0.5, "modelled"),
        ({"meter": "EUW3-DataTransfer-xAZ-Out-Bytes", "description": "regional data transfer"}, 1.0, "metered"),
        ({"meter": "EUW3-DataTransfer-xAZ-In-Bytes", "description": "regional data transfer"}, 0.0, ""),
    ],
)
def test_traffic_between_zones_is_counted_where_it_is_sent(
    rules: Rules, said: dict[str, str], gigabytes: float, method: str
) -> None:
    """Both ends are billed; a half of each where the line does not tell which one it is."""
    found = aws(rules, service="AmazonEC2", unit="GB", **said)
    if not gigabytes:
        assert found.reason is Reason.INCLUDED
    else:
        assert amounts(found) == {"network_bytes": (gigabytes * GB, "aws:data-transfer")}
        assert [(one.method, dict(one.attributes)) for one in found.amounts] == [(method, {"path": "intra_region"})]


def test_concurrency_that_is_kept_ready_holds_its_memory_once(rules: Rules) -> None:
    """The time that it is used has the processors alone."""
    said = {"service": "AWSLambda", "unit": "Lambda-GB-Second"}
    ready = aws(rules, meter="EUW3-Lambda-Provisioned-Concurrency", **said)
    assert amounts(ready) == {"memory_byte_seconds": (GB, "aws:lambda")}
    for arm, platform in (("", "aws:lambda"), ("-ARM", "aws:lambda-arm")):
        used = aws(rules, meter=f"EUW3-Lambda-Provisioned-GB-Second{arm}", **said)
        assert amounts(used) == {"vcpu_time": (VCPU_PER_LAMBDA_GB, platform)}


def test_a_comma_in_a_size_is_one_of_thousands(rules: Rules) -> None:
    details = json.dumps({"InstanceType": "qq1.weird", "CoreCount": 128, "MemorySize": "3,904 GiB"})
    found = aws(rules, service="AmazonEC2", meter="BoxUsage:qq1.weird", unit="Hrs", details=details)
    assert amounts(found)["memory_byte_seconds"] == (3904 * 2**30 * HOUR, "aws")


def held(platform: str) -> dict[str, tuple[float, str]]:
    """A gigabyte, over the time that its unit tells."""
    return {"storage_byte_seconds": (GB, platform)}


def both(platform: str, seconds: float, byte_seconds: float) -> dict[str, tuple[float, str]]:
    """Time of virtual CPUs and memory that go with each other."""
    return {"vcpu_time": (seconds, platform), "memory_byte_seconds": (byte_seconds, platform)}


OTHERS = [
    ("AmazonEC2", "EBS:VolumeUsage.gp2", "GB-Mo", held("aws:ebs-gp2")),
    ("AmazonEC2", "USW1-EBS:SnapshotUsage", "GB-Mo", held("aws:ebs-snapshot")),
    ("AmazonEC2", "EBS:VolumeUsage", "GB-Mo", held("aws:ebs-magnetic")),
    ("", "EBS:VolumeUsage.piops", "GB-Mo", held("aws:ebs-io1")),
    ("AmazonS3", "TimedStorage-ByteHrs", "GB-Mo", held("aws:s3")),
    ("", "TimedStorage-ByteHrs", "GB-Mo", held("aws:s3")),
    ("AmazonS3", "EUW2-TimedStorage-ZIA-ByteHrs", "GB-Mo", held("aws:s3-one-zone-ia")),
    ("AmazonS3", "TimedStorage-GDA-ByteHrs", "GB-Mo", held("aws:s3-deep-archive")),
    ("AmazonGlacier", "TimedStorage-ByteHrs", "GB-Mo", held("aws:glacier")),
    ("AmazonCloudWatch", "USE1-TimedStorage-ByteHrs", "GB-Mo", held("aws:cloudwatch")),
    ("AmazonEFS", "TimedStorage-ByteHrs", "GB-Mo", held("aws:efs")),
    ("AmazonDynamoDB", "APS1-TimedBackupStorage-ByteHrs", "GB-Month", held("aws:dynamodb-backup")),
    ("AmazonRDS", "RDS:GP2-Storage", "GB-Mo", held("aws:rds-gp2")),
    ("AmazonRDS", "RDS:StorageUsage", "GB-Mo", held("aws:rds-magnetic")),
    ("AmazonRDS", "EUC1-RDS:Multi-AZ-GP2-Storage", "GB-Mo", held("aws:rds-multi-az-gp2")),
    ("AmazonRDS", "APS3-Aurora:StorageUsage", "GB-Mo", held("aws:aurora-storage")),
    ("AmazonRDS", "EU-Aurora:BackupUsage", "GB-Mo", held("aws:aurora-backup")),
    ("AmazonES", "USE2-ES:GP2-Storage", "GB-Mp", held("aws:elasticsearch-storage")),
    ("AmazonRedshift", "RMS:ra3.4xlarge", "GB-Mo", held("aws:redshift-managed-storage")),
    ("AmazonDocDB", "APS3-StorageUsage", "GB-Mo", held("aws:docdb-storage")),
    ("AmazonDocDB", "EUC1-BackupUsage", "GB-Mo", held("aws:docdb-backup")),
    ("AmazonFSx", "EU-Storage.SSD.50", "GB-Mo", held("aws:fsx")),
    ("AmazonFSx", "EU-Storage.MultiAZ:SSD", "GB-Mo", held("aws:fsx")),
    ("AmazonFSx", "EU-BackupUsage.MultiAZ", "GB-Mo", held("aws:fsx-backup")),
    ("AmazonMSK", "EU-Kafka.Storage.GP2", "GB-Mo", held("aws:msk-storage")),
    ("AmazonKinesisAnalytics", "APS1-RunningApplicationStorage", "GB-month", held("aws:kinesis-analytics")),
    ("AWSLambda", "Lambda-GB-Second", "seconds", both("aws:lambda", VCPU_PER_LAMBDA_GB, GB)),
    ("AWSLambda", "EUW3-Lambda-GB-Second-ARM", "Lambda-GB-Second", both("aws:lambda-arm", VCPU_PER_LAMBDA_GB, GB)),
    ("AWSLambda", "Lambda-Provisioned-Concurrency", "Lambda-GB-Second", {"memory_byte_seconds": (GB, "aws:lambda")}),
    ("AWSLambda", "Request", "Requests", {"requests": (1.0, "aws:lambda")}),
    ("AmazonECS", "APN1-Fargate-vCPU-Hours:perCPU", "hours", {"vcpu_time": (HOUR, "aws:fargate")}),
    ("AmazonECS", "APN1-Fargate-GB-Hours", "hours", {"memory_byte_seconds": (GB * HOUR, "aws:fargate")}),
    ("AmazonEKS", "USE1-Fargate-GB-Hours", "GB-Hours", {"memory_byte_seconds": (GB * HOUR, "aws:fargate")}),
    ("AWSGlue", "APS1-Crawler-DPU-Hour", "DPU-Hour", both("aws:glue", 4 * HOUR, 16 * GIB * HOUR)),
    ("AmazonRDS", "USE2-Aurora:ServerlessUsage", "ACU-Hr", both("aws:aurora-serverless", HOUR / 4, 2 * GIB * HOUR)),
    ("AmazonAthena", "USE1-DataScannedInTB", "Terabytes", {"vcpu_time": (3 * 1000.0, "aws:athena")}),
    ("AmazonSimpleDB", "APN1-BoxUsage", "Hrs", {"vcpu_time": (HOUR, "aws:simpledb")}),
    ("AmazonEC2", "APE1-CPUCredits:t3", "vCPU-Hours", {"vcpu_time": (HOUR, "aws:cpu-credits")}),
    ("AmazonEC2", "USW2-USE1-AWS-Out-Bytes", "GB", {"network_bytes": (GB, "aws:data-transfer")}),
    ("AmazonCloudFront", "US-DataTransfer-Out-Bytes", "GB", {"network_bytes": (GB, "aws:cloudfront")}),
    ("AmazonEC2", "NatGateway-Bytes", "GB", {"network_bytes": (GB, "aws:nat-gateway")}),
    ("AWSQueueService", "APN1-Requests-Tier1", "Requests", {"requests": (1.0, "aws:sqs")}),
    ("AmazonDynamoDB", "EU-WriteCapacityUnit-Hrs", "WriteCapacityUnit-Hrs", {"requests": (HOUR, "aws:dynamodb")}),
    ("awskms", "ca-central-1-KMS-Requests", "Requests", {"requests": (1.0, "aws:kms")}),
]  # fmt: skip


@pytest.mark.parametrize(("service", "usage", "unit", "meant"), OTHERS, ids=[f"{row[0]} {row[1]}" for row in OTHERS])
def test_what_one_of_the_unit_is(
    rules: Rules, service: str, usage: str, unit: str, meant: dict[str, tuple[float, str]]
) -> None:
    found = aws(rules, service=service, meter=usage, unit=unit)
    assert amounts(found) == meant
    monthly = "mo" in unit.lower() or unit == "GB-Mp"
    assert all(amount.monthly == monthly for amount in found.amounts)


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ({"charge": "tax"}, Reason.NO_USAGE),
        ({"charge": "credit", "service": "AmazonEC2", "meter": "BoxUsage:m5.large", "unit": "Hrs"}, Reason.NO_USAGE),
        ({"commitment": "unused", "charge": "usage"}, Reason.UNUSED_COMMITMENT),
        ({"publisher": "Datadog", "service": "Datadog Pro"}, Reason.MARKETPLACE),
        ({"service": "8icvdraalzbfrdevgamoddblf", "meter": "APS3-SoftwareUsage:t2.small", "unit": "Hrs"}, Reason.MARKETPLACE),
        ({"service": "AWSSupportBusiness", "meter": "Dollar", "unit": "Dollar"}, Reason.SUPPORT),
        ({"service": "AmazonRDS", "meter": "EU-ExtendedSupport:Yr1-Yr2:MySQL5.7", "unit": "vCPU-hour"}, Reason.SUPPORT),
        ({"service": "AmazonBedrock", "meter": "USE1-Claude-input-tokens", "unit": "1K tokens"}, Reason.AI),
        ({"service": "AmazonEC2", "meter": "EBS:VolumeP-IOPS.gp3", "unit": "IOPS-Mo"}, Reason.INCLUDED),
        ({"service": "AmazonEC2", "meter": "EBSOptimized:c5.2xlarge", "unit": "Hrs"}, Reason.INCLUDED),
        ({"service": "AmazonVPC", "meter": "USE1-PublicIPv4:InUseAddress", "unit": "Hrs"}, Reason.INCLUDED),
        ({"service": "ElasticMapReduce", "meter": "APN1-BoxUsage:m5.xlarge", "unit": "Hrs"}, Reason.INCLUDED),
        ({"service": "AmazonEC2", "meter": "USE1-USW2-AWS-In-Bytes", "unit": "GB"}, Reason.INCLUDED),
        ({"service": "AmazonECS", "meter": "APN1-ECS-EC2-GB-Hours", "unit": "GB-Hours"}, Reason.INCLUDED),
        ({"service": "AmazonS3", "meter": "USW2-EarlyDelete-ByteHrs", "unit": "GB-Mo"}, Reason.NO_USAGE),
        ({"service": "AmazonEC2", "meter": "BoxUsage:m5.large", "unit": "GB-Mo"}, Reason.NO_RULE),
        ({"service": "AWSNewThing", "meter": "Widgets", "unit": "Widgets"}, Reason.NO_RULE),
        ({"service": "AmazonECS", "meter": "Fargate-vCPU-Hours:perCPU", "unit": ""}, Reason.NO_RULE),
        ({"service": "AmazonEC2", "meter": "EBS:VolumeUsage.gp3", "unit": "furlongs"}, Reason.UNKNOWN_UNIT),
        ({"service": "AmazonEC2", "meter": "EBS:VolumeUsage.gp3", "unit": "Hours"}, Reason.UNKNOWN_UNIT),
        ({"service": "AmazonEC2", "meter": "EBS:VolumeUsage.gp3", "unit": ""}, Reason.NO_QUANTITY),
    ],
)  # fmt: skip
def test_why_a_line_has_no_amounts(rules: Rules, said: dict[str, str], reason: Reason) -> None:
    found = aws(rules, **said)
    assert (found.amounts, found.reason) == ((), reason)


def test_unknown_services_keep_the_family_of_their_category(rules: Rules) -> None:
    for category, family in (
        ("Databases", Family.DATABASE),
        ("AI and Machine Learning", Family.AI),
        ("", Family.OTHER),
    ):
        assert rules.understand(Meter(provider="aws", service="New", service_category=category)).family is family


def test_every_amount_says_what_methods_ask_for(rules: Rules) -> None:
    """Storage its class, traffic its path, requests how heavy they are; and every rule has its own name."""
    asked = {"storage_byte_seconds": "storage_class", "network_bytes": "path", "requests": "request_class"}
    for rule in rules.rules:
        for told in rule.told:
            if needed := asked.get(told.quantity):
                assert needed in {**rule.attributes, **told.attributes}, (rule.name, told.quantity)
    names = [(rule.provider, rule.name) for rule in rules.rules]
    assert len(names) == len(set(names))


def test_services_that_cloud_carbon_footprint_knows_have_a_rule(rules: Rules) -> None:
    """But those that stand for a kind of machine, whose rules name the machine, or for what another key tells."""
    table = Path(lichen.catalogue.__file__).parent / "ccf_services.csv"
    with table.open(encoding="utf-8", newline="") as file:
        known = {row["key"] for row in csv.DictReader(file) if row["key"].startswith("aws:")}
    meant = {told.platform or rule.platform for rule in rules.rules for told in rule.told}
    machines = {"aws:ec2", "aws:ecs", "aws:docdb", "aws:elasticache", "aws:elasticsearch", "aws:msk", "aws:redshift"}
    assert known - meant <= machines | {"aws:aurora", "aws:ebs", "aws:opensearch-storage"}


def test_the_same_files_have_the_same_hash(tmp_path: Path, rules: Rules) -> None:
    extra = tmp_path / "mine.toml"
    extra.write_text(OWN, encoding="utf-8")
    assert Rules.load().hash == rules.hash
    assert Rules.load([extra]).hash != rules.hash


OWN = """
provider = "aws"
[services]
thing = ["AWSNewThing", "AWS New Thing*"]
[[rule]]
name = "new_thing"
service = "thing"
meter = ["/Widget(s|-hours)$/", "!*Free*"]
units = ["count"]
family = "requests"
platform = "aws:new-thing"
attributes = { request_class = "heavy" }
amounts = [{ quantity = "requests" }, { quantity = "vcpu_time", factor = 0.2, method = "modelled" }]
"""


def test_a_rule_of_ones_own_is_asked_first(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(OWN + OWN[OWN.index("[[rule]]") :].replace("new_thing", "sqs").replace('"thing"', '"AWSQueueService"')
                    .replace("Widget(s|-hours)$", "Requests"), encoding="utf-8")  # fmt: skip
    own = Rules.load([path])
    for service, meter, rule in (
        ("AWS New Thing for You", "EU-Widgets", "new_thing"),
        ("AWSQueueService", "EU-Requests-Tier1", "sqs"),
        ("AWSNewThing", "EU-Free-Widgets", ""),
    ):
        found = own.understand(Meter(provider="aws", service=service, meter=meter, unit="10K Requests"))
        assert found.rule == rule
        if rule:
            assert amounts(found) == {"requests": (1e4, "aws:new-thing"), "vcpu_time": (2e3, "aws:new-thing")}
    other = own.understand(Meter(provider="gcp", service="AWSNewThing", meter="Widgets", unit="Requests"))
    assert other.rule != "new_thing"


@given(st.fixed_dictionaries({}, optional={name: st.text(max_size=40) for name in Meter.__dataclass_fields__}))
def test_every_meter_is_understood_or_has_a_reason(said: dict[str, Any]) -> None:
    for provider in ("aws", said.get("provider", "")):
        found = RULES.understand(Meter(**{**said, "provider": provider}))
        assert bool(found.amounts) != (found.reason is not None)
        assert all(amount.per_unit > 0 for amount in found.amounts)


RULES = Rules.load()
