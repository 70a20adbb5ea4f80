# SPDX-License-Identifier: Apache-2.0
"""Lines of Amazon's bills, read, understood and evaluated by ccf-2024, against the figures of Cloud Carbon Footprint's own tests."""

from __future__ import annotations

import calendar
import csv
import json
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Final

import pytest

from lichen.collect.bills.mapping import Rules
from lichen.collect.bills.meter import Meter
from lichen.config import Settings, load_settings
from lichen.ledger import open_ledger
from lichen.ledger.tables import activity_json
from lichen.service.bills.importing import BillOrder, import_bills
from lichen.service.context import ledger_place
from lichen.service.evaluation import evaluate_activities, parse_document
from lichen.service.workspace import Workspace

CASES: Final = Path(__file__).parents[3] / "shared" / "cases" / "ccf.json"
GRAMS_PER_TONNE: Final = 1e6
SECONDS_PER_DAY: Final = 86400

# Rows of the fixtures of packages/aws/src/__tests__ (Apache-2.0): service, usage type, unit, amount, region, day, then the
# kilowatt-hours and metric tonnes of CO2 equivalents that its tests expect of the row.
PUBLISHED: Final = [
    ("AmazonEC2", "USW1-EBS:SnapshotUsage", "GB-Mo", 5, "us-west-1", "2020-10-30", 0.00823329, 2.65249433943e-06),
    ("AmazonCloudWatch", "USE1-TimedStorage-ByteHrs", "GB-Mo", 4, "us-east-2", "2020-10-30", 2.6839188649319113e-15, 1.1020385572919622e-18),
    ("AmazonRDS", "RDS:StorageUsage", "GB-Mo", 5, "us-east-1", "2020-10-30", 0.0027444300000000004, 1.04032833567e-06),
    ("AmazonRDS", "InstanceUsage:db.t2.micro", "Hrs", 2, "us-west-2", "2020-10-30", 0.03376132322432609, 1.0876784219211461e-05),
    ("AmazonDynamoDB", "APS1-TimedBackupStorage-ByteHrs", "GB-Month", 1e10, "us-west-1", "2020-10-31", 1.3419594324659556e-05, 4.323350444792595e-09),
    ("AmazonES", "USE2-ES:GP2-Storage", "GB-Mp", 37, "us-west-1", "2020-10-30", 0.037493135999999996, 1.2079051145711998e-05),
    ("AmazonECS", "APN1-Fargate-vCPU-Hours:perCPU", "hours", 5, "us-west-1", "2020-10-30", 0.012031000000000002, 3.875991177e-06),
    ("AmazonECS", "APN1-Fargate-GB-Hours", "hours", 11, "us-east-2", "2020-10-30", 1.4981999999999998e-05, 6.151729056e-09),
    ("AmazonMSK", "APS1-Kafka.m5.large", "hours", 7, "us-west-1", "2020-10-30", 0.06905092093815457, 2.2245928045882443e-05),
    ("AmazonDocDB", "APS1-InstanceUsage:db.r5.large", "Hrs", 30, "us-west-1", "2020-10-30", 0.7607035424102532, 0.00024507357814768403),
    ("AmazonEC2", "APN1-SpotUsage:c5.12xlarge", "Hrs", 12, "us-west-1", "2020-10-30", 1.7724144799017756, 0.0005710134557465154),
    ("AmazonSimpleDB", "APN1-BoxUsage", "Hrs", 2, "us-west-1", "2020-10-30", 0.0048124000000000005, 1.5503964708e-06),
    ("AmazonEC2", "APE1-CPUCredits:t3", "vCPU-Hours", 7, "us-east-1", "2020-10-30", 0.016843399999999998, 6.384810794599999e-06),
    ("AmazonRedshift", "RMS:ra3.4xlarge", "GB-Mo", 5, "us-east-1", "2020-10-30", 0.005066640000000001, 1.9206061581600003e-06),
    ("AmazonRedshift", "CS:ra3.4xlarge", "seconds", 10, "us-west-1", "2020-10-30", 0.00010455525793820347, 3.36842537841772e-08),
    ("AmazonEC2", "APE1-BoxUsage:t3.2xlarge", "Hrs", 88, "us-west-1", "2020-10-30", 3.0426203211844607, 0.000980231861015034),
    ("AmazonEC2", "USW2-USE1-AWS-Out-Bytes", "GB", 1574, "us-east-1", "2021-01-01", 1.7864900000000001, 0.0006772029778100001),
    ("AmazonS3", "USE1-BytesDeleted-STANDARD", "GB-Mo", 0.0253623422, "us-east-1", "2021-01-02", 1.3921034560789e-05, 5.2770326499238e-09),
    ("AmazonS3", "USE1-BytesDeleted-GDA", "GB-Mo", 0.06434566, "us-east-1", "2021-01-05", 0.00021191059160856002, 8.032873605046523e-08),
    ("AmazonS3", "TimedStorage-ZIA-ByteHrs", "GB-Mo", 465759470, "us-west-1", "2021-01-08", 6.2503031402684e-07, 2.0136414117909e-10),
    ("AmazonS3", "TimedStorage-RRS-ByteHrs", "GB-Mo", 876543637, "us-west-1", "2021-01-08", 1.1762860016402e-06, 3.789605322904e-10),
    ("AmazonEC2", "APS3-EBS:VolumeUsage.gp2", "GB-Mo", 23.9310345, "ap-south-1", "2021-01-08", 0.048499974655632, 3.434768205111858e-05),
    ("AmazonEFS", "EU-TimedStorage-ByteHrs", "GB-Mo", 0.0052443816, "eu-west-1", "2021-01-08", 1.9489146523119416e-17, 5.4296762213410694e-21),
    ("AmazonRDS", "APS3-Aurora:StorageUsage", "GB-Mo", 0.0044965104, "ap-south-1", "2021-01-08", 2.73386393436672e-05, 1.93612243831851e-08),
    ("AmazonRDS", "EU-Aurora:BackupUsage", "GB-Mo", 0.0044965104, "eu-west-1", "2021-01-08", 7.404214822243199e-06, 2.0628142494769554e-09),
    ("AmazonRDS", "EUC1-RDS:Multi-AZ-GP2-Storage", "GB-Mo", 25, "eu-central-1", "2021-01-08", 0.0506664, 1.5757250400000002e-05),
    ("AmazonRDS", "Multi-AZUsage:db.r5.12xlarge", "Hrs", 8783.99999999999, "us-east-1", "2021-01-08", 4943.5097095398905, 1.8739312820855767),
    ("AmazonDocDB", "APS3-StorageUsage", "GB-Mo", 0.00508608, "ap-south-1", "2021-01-08", 1.0307734548479999e-05, 7.299937607233535e-09),
    ("AmazonDocDB", "EUC1-BackupUsage", "GB-Mo", 0.00508608, "eu-central-1", "2021-01-08", 8.375034320639999e-06, 2.6046356737190398e-09),
    ("AmazonDynamoDB", "TimedStorage-ByteHrs", "GB-Mo", 0.0000142996, "us-east-1", "2021-01-08", 3.5426738031674176e-20, 1.3429178158928698e-23),
    ("AmazonEC2", "EU-BoxUsage:h1.16xlarge", "Hrs", 200, "eu-west-1", "2021-01-08", 49.38658274488162, 0.013759101952724019),
    ("AmazonFSx", "EU-Storage.MultiAZ:SSD", "GB-Mo", 200, "eu-west-1", "2021-01-08", 0.2026656, 5.646263616e-05),
    ("AmazonKinesis", "EU-Extended-ByteHrs", "GB-Mo", 200, "eu-west-1", "2021-01-08", 2.4774635676294563e-13, 6.902213499415666e-17),
    ("AmazonEC2", "BoxUsage:p3dn.24xlarge", "Hrs", 24, "us-east-1", "2022-01-01", 50.97439130876038, 0.01932281153902049),
    ("AWSLambda", "Lambda-GB-Second", "seconds", 5, "us-east-1", "2022-01-01", 3.341944444444445e-06, 1.2668275386111113e-09),
    ("AWSLambda", "Lambda-GB-Second-ARM", "seconds", 7, "us-east-1", "2022-01-01", 2.3834999999999997e-06, 9.035109614999999e-10),
]  # fmt: skip


class Row:
    """A line of a bill and what is expected of it."""

    def __init__(self, name: str, said: Mapping[str, Any], kwh: float, tonnes: float) -> None:
        self.name, self.said, self.kwh, self.tonnes = name, said, kwh, tonnes

    def as_expected(self, energy: float, carbon: float) -> None:
        assert energy == pytest.approx(self.kwh, rel=1e-6, abs=0), self.name
        assert carbon / GRAMS_PER_TONNE == pytest.approx(self.tonnes, rel=1e-6, abs=0), self.name


def rows() -> Iterator[Row]:
    for service, usage, unit, amount, region, day, kwh, tonnes in PUBLISHED:
        said = {"product": service, "usage_type": usage, "unit": unit, "amount": amount, "region": region, "date": day}
        yield Row(f"{service} {usage}", said, kwh, tonnes)
    for case in json.loads(CASES.read_text())["cases"] if CASES.exists() else ():
        if "usage_type" in case["input"]:
            expected = case["expected"]
            yield Row(case["name"], case["input"], expected["kilowatt_hours"], expected["co2e_metric_tons"])


ROWS: Final = list(rows())


@pytest.fixture(scope="module")
def rules() -> Rules:
    return Rules.load()


@pytest.fixture(scope="module")
def workspace() -> Workspace:
    return Workspace(Settings())


def evaluated(workspace: Workspace, activities: list[dict[str, Any]]) -> tuple[float, float]:
    """Kilowatt-hours and grams over all phases."""
    parsed, context = parse_document(workspace, {"activities": activities})
    evaluation = evaluate_activities(workspace, workspace.method("ccf-2024"), parsed, context, on=None)
    found = {"energy": 0.0, "gwp100": 0.0}
    for impact in evaluation.impacts:
        assert impact.value is not None
        found[impact.indicator] += impact.value
    return found["energy"], found["gwp100"]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_what_a_line_is_gives_the_tools_figures(workspace: Workspace, rules: Rules, row: Row) -> None:
    """The meter alone, without the way through files and ledger."""
    said = row.said
    day = date.fromisoformat(said["date"])
    meter = Meter(provider="aws", service=said.get("product", ""), meter=said["usage_type"], unit=said["unit"])
    understood = rules.understand(meter)
    assert understood.amounts, understood
    month_s = calendar.monthrange(day.year, day.month)[1] * SECONDS_PER_DAY
    activities = [
        {
            "entity": "bill", "quantity": one.quantity, "platform": one.platform, "region": f"aws:{said['region']}",
            "value": said["amount"] * one.per_unit * (month_s if one.monthly else 1), "tier": "server",
            "started_at": datetime.combine(day, datetime.min.time(), UTC).isoformat(), **one.attributes,
        }
        for one in understood.amounts
    ]  # fmt: skip
    row.as_expected(*evaluated(workspace, activities))


HEADINGS: Final = (
    "bill/BillingPeriodStartDate", "bill/PayerAccountId", "lineItem/UsageAccountId", "lineItem/LineItemType",
    "lineItem/UsageStartDate", "lineItem/ProductCode", "lineItem/UsageType", "lineItem/UsageAmount", "lineItem/CurrencyCode",
    "lineItem/UnblendedCost", "lineItem/ResourceId", "product/region", "pricing/unit", "identity/LineItemId",
)  # fmt: skip


def test_bills_through_files_and_ledger_give_the_tools_figures(tmp_path: Path) -> None:
    """Each row is a resource of one cost and usage report, which is imported as any other."""
    (tmp_path / "lichen.toml").touch()
    path = tmp_path / "report.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        report = csv.writer(file)
        report.writerow(HEADINGS)
        for number, row in enumerate(ROWS):
            said = row.said
            report.writerow([
                f"{said['date'][:7]}-01T00:00:00Z", "111", "222", "Usage", f"{said['date']}T00:00:00Z", said.get("product", ""),
                said["usage_type"], f"{said['amount']:.20f}", "USD", "1", f"row-{number:03}", said["region"], said["unit"],
                f"id{number}",
            ])  # fmt: skip
    workspace = Workspace(load_settings(tmp_path / "lichen.toml", env={}))
    import_bills(workspace, BillOrder(places=[str(path)]))
    ledger = open_ledger(ledger_place(workspace.settings), create=False)
    by_row: dict[str, list[dict[str, Any]]] = {}
    for one in ledger.activities().to_pylist():
        if one["quantity"] != "cost":
            activity = {**activity_json(one), "started_at": one["started_at"].isoformat()}
            by_row.setdefault(one["entity"].rpartition("/")[2], []).append(activity)
    assert len(by_row) == len(ROWS)
    for number, row in enumerate(ROWS):
        row.as_expected(*evaluated(workspace, by_row[f"row-{number:03}"]))
