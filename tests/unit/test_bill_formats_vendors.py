# SPDX-License-Identifier: Apache-2.0
"""What each vendor's own format says of a line: commitments that count once, nested records, answers of interfaces."""

from __future__ import annotations

import datetime as dt
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lichen.collect.bills.engine import DuckEngine
from lichen.collect.bills.format import formats, recognise
from lichen.collect.bills.lines import COUNT, UNREADABLE, checked_lines, summed_lines
from lichen.collect.bills.opening import sniff

Rows = list[dict[str, Any]]


@pytest.fixture
def engine(tmp_path: Path) -> Any:
    with DuckEngine(tmp_path / "spool", threads=1) as found:
        yield found


def _read(engine: DuckEngine, path: Path, wanted: str) -> Rows:
    """Lines of a file, which summed first are the same."""
    opened = sniff(path)
    one = recognise(opened.columns, formats())
    assert one.name == wanted
    found = _rows(engine, checked_lines(engine.read(opened), one))
    assert sum(row[UNREADABLE] for row in found) == 0
    summed = _rows(engine, summed_lines(engine.read(opened), one))
    assert sum(row[COUNT] for row in summed) == len(found)
    for amount in ("quantity", "billed_cost", "effective_cost", "list_cost"):
        assert sum(row[amount] or 0 for row in summed) == sum(row[amount] or 0 for row in found)
    return found


def _rows(engine: DuckEngine, table: Any) -> Rows:
    return [row for batch in engine.arrow(table) for row in batch.to_pylist()]


def test_a_commitment_of_aws_is_counted_where_it_is_used_and_its_fee_keeps_what_nothing_used(
    tmp_path: Path, engine: DuckEngine
) -> None:
    head = (
        "lineItem/UsageStartDate,lineItem/LineItemType,lineItem/ProductCode,lineItem/UsageType,lineItem/UsageAmount,"
        "lineItem/UnblendedCost,savingsPlan/SavingsPlanEffectiveCost,savingsPlan/TotalCommitmentToDate,"
        "savingsPlan/UsedCommitment,reservation/EffectiveCost,reservation/UnusedAmortizedUpfrontFeeForBillingPeriod,"
        "reservation/UnusedRecurringFee,reservation/ReservationARN,bill/BillingEntity,lineItem/LegalEntity,"
        "resourceTags/user:team,resourceTags/user:cost center\n"
    )
    lines = (
        "Usage,AmazonEC2,BoxUsage:m5.large,1,0.10,,,,,,,,AWS,Amazon Web Services EMEA SARL,loans,\n"
        "SavingsPlanCoveredUsage,AmazonEC2,BoxUsage:m5.large,1,0.10,0.07,,,,,,,AWS,,,\n"
        "SavingsPlanNegation,ComputeSavingsPlans,BoxUsage:m5.large,1,-0.10,,,,,,,,AWS,,,\n"
        "SavingsPlanRecurringFee,ComputeSavingsPlans,ComputeSP,1,0.09,,0.09,0.07,,,,,AWS,,,\n"
        "DiscountedUsage,AmazonEC2,BoxUsage:m5.large,1,0,,,,0.06,,,arn:r,AWS,,,\n"
        "RIFee,AmazonEC2,HeavyUsage:m5.large,1,0.08,,,,,0.005,0.015,arn:r,AWS,,,\n"
        'Fee,AmazonEC2,HeavyUsage:m5.large,1,100,,,,,,,arn:r,AWS,,"a ""b""",7\n'
        "Usage,8abc,SoftwareUsage,1,2,,,,,,,,AWS Marketplace,Acme Inc.,,\n"
        "Tax,AmazonEC2,,1,3,,,,,,,arn:r,AWS,,,\n"
    )
    path = tmp_path / "cur.csv"
    path.write_text(head + "".join(f"2026-05-01T00:00:00Z,{line}\n" for line in lines.splitlines()), encoding="utf-8")
    found = _read(engine, path, "aws-cur")
    effective = {f"{row['charge']} {row['commitment']} {row['meter']}".strip(): row["effective_cost"] for row in found}
    assert effective == {
        "usage  BoxUsage:m5.large": Decimal("0.10"),
        "usage used BoxUsage:m5.large": Decimal("0.06"),
        "adjustment  BoxUsage:m5.large": Decimal(0),
        "purchase unused ComputeSP": Decimal("0.02"),
        "purchase unused HeavyUsage:m5.large": Decimal("0.02"),
        "purchase  HeavyUsage:m5.large": Decimal(0),
        "usage  SoftwareUsage": Decimal(2),
        "tax": Decimal(3),
    }
    assert [row["effective_cost"] for row in found if row["commitment"] == "used"] == [Decimal("0.07"), Decimal("0.06")]
    assert sum(row["billed_cost"] for row in found) == Decimal("105.27")
    assert [row["publisher"] for row in found if row["publisher"]] == ["Acme Inc."]
    assert [json.loads(row["tags"]) for row in found if row["tags"]] == [
        {"team": "loans"},
        {"team": 'a "b"', "cost center": "7"},
    ]


def test_a_commitment_without_its_columns_keeps_the_billed_cost_so_that_nothing_counts_twice(
    tmp_path: Path, engine: DuckEngine
) -> None:
    path = tmp_path / "cur.csv"
    path.write_text(
        "lineItem/UsageStartDate,lineItem/LineItemType,lineItem/ProductCode,lineItem/UsageType,lineItem/UsageAmount,"
        "lineItem/UnblendedCost\n"
        "2026-05-01T00:00:00Z,SavingsPlanCoveredUsage,AmazonEC2,BoxUsage:m5.large,1,0.10\n"
        "2026-05-01T00:00:00Z,SavingsPlanNegation,ComputeSavingsPlans,BoxUsage:m5.large,1,-0.10\n"
        "2026-05-01T00:00:00Z,SavingsPlanRecurringFee,ComputeSavingsPlans,ComputeSP,1,0.09\n",
        encoding="utf-8",
    )
    found = _read(engine, path, "aws-cur")
    assert [row["effective_cost"] for row in found] == [Decimal("0.10"), Decimal("-0.10"), Decimal("0.09")]


def test_cur_2_has_maps_of_products_and_tags(tmp_path: Path, engine: DuckEngine) -> None:
    text = pa.map_(pa.string(), pa.string())
    table = pa.table(
        {
            "line_item_usage_start_date": pa.array([dt.datetime(2026, 5, 31, 23, tzinfo=dt.UTC)], pa.timestamp("ms", tz="UTC")),
            "bill_billing_period_start_date": pa.array([dt.datetime(2026, 5, 1, tzinfo=dt.UTC)], pa.timestamp("ms")),
            "line_item_line_item_type": ["Usage"], "line_item_product_code": ["AmazonEC2"],
            "line_item_usage_type": ["EUW3-BoxUsage:m5.large"], "line_item_usage_amount": [1.0],
            "line_item_unblended_cost": [0.107], "pricing_public_on_demand_cost": [0.107],
            "product_instance_type": ["m5.large"], "product_region_code": ["eu-west-3"],
            "product": pa.array([[("vcpu", "2"), ("memory", "8 GiB")]], text),
            "resource_tags": pa.array([[("user_team", "loans")]], text),
        }
    )  # fmt: skip
    pq.write_table(table, tmp_path / "cur2.parquet")
    (row,) = _read(engine, tmp_path / "cur2.parquet", "aws-cur-2")
    assert (row["day"], row["period"]) == (dt.date(2026, 5, 31), dt.date(2026, 5, 1))
    assert json.loads(row["details"]) == {"vcpu": "2", "memory": "8 GiB"}
    assert json.loads(row["tags"]) == {"user_team": "loans"}
    assert (row["instance_type"], row["billed_cost"]) == ("m5.large", Decimal("0.107"))


def test_a_customer_agreement_of_azure_writes_its_names_small(tmp_path: Path, engine: DuckEngine) -> None:
    path = tmp_path / "mca.csv"
    path.write_text(
        "\ufeffdate,meterCategory,meterSubCategory,meterName,unitOfMeasure,quantity,costInBillingCurrency,billingCurrency,"
        "paygCostInBillingCurrency,subscriptionId,resourceGroupName,ResourceId,resourceLocation,chargeType,pricingModel,"
        "additionalInfo,tags,publisherType,publisherName\n"
        "05/31/2026,Virtual Machines,Dv3 Series,D2 v3,1 Hour,24,2.5,EUR,3,sub,rg,/vm/1,westeurope,Usage,Reservation,"
        '"{""ServiceType"":""Standard_D2_v3"",""VCPUs"":2}","""team"": ""loans""",Azure,Microsoft\n'
        "2026-05-30,SaaS,,Seat,1/Month,1,9,EUR,9,sub,rg,/saas/1,westeurope,UnusedReservation,Reservation,,,Marketplace,Acme\n",
        encoding="utf-8",
    )
    machine, seat = _read(engine, path, "azure")
    assert (machine["day"], seat["day"]) == (dt.date(2026, 5, 31), dt.date(2026, 5, 30))
    assert machine["instance_type"] == "Standard_D2_v3"
    assert json.loads(machine["details"])["VCPUs"] == 2
    assert json.loads(machine["tags"]) == {"team": "loans"}
    assert (machine["commitment"], machine["pricing"], machine["publisher"]) == ("used", "committed", "")
    assert (seat["charge"], seat["commitment"], seat["publisher"]) == ("usage", "unused", "Acme")
    assert (machine["billed_cost"], machine["list_cost"], machine["operation"]) == (
        Decimal("2.5"),
        Decimal(3),
        "Dv3 Series",
    )


def test_google_nests_records_and_its_credits_are_part_of_the_cost(tmp_path: Path, engine: DuckEngine) -> None:
    label = pa.list_(pa.struct([("key", pa.string()), ("value", pa.string())]))
    table = pa.table(
        {
            "billing_account_id": ["A"] * 3,
            "service": [{"id": "6F81", "description": "Compute Engine"}] * 3,
            "sku": [{"description": "N2 Instance Core"}] * 2 + [{"description": "Commitment v1: Cpu in Paris"}],
            "usage_start_time": pa.array([dt.datetime(2026, 5, 2, 23, tzinfo=dt.UTC)] * 3, pa.timestamp("us", tz="UTC")),
            "project": [{"id": "loans-prod", "name": "loans"}] * 3,
            "location": [{"location": "europe-west9", "region": "europe-west9"}] * 3,
            "labels": pa.array([[{"key": "team", "value": "loans"}], [], None], label),
            "system_labels": pa.array([[{"key": "compute.googleapis.com/cores", "value": "4"}], None, None], label),
            "cost": [1.0, 2.0, 5.0],
            "currency": ["EUR"] * 3,
            "usage": [{"amount": 3600.0, "unit": "seconds", "amount_in_pricing_units": 1.0, "pricing_unit": "hour"}] * 3,
            "credits": pa.array(
                [[{"name": "CUD", "amount": -0.25}, {"name": "free", "amount": -0.5}], [], None],
                pa.list_(pa.struct([("name", pa.string()), ("amount", pa.float64())])),
            ),
            "invoice": [{"month": "202605"}] * 3,
            "cost_type": ["regular", "adjustment", "regular"],
        }
    )  # fmt: skip
    pq.write_table(table, tmp_path / "gcp.parquet")
    first, second, third = _read(engine, tmp_path / "gcp.parquet", "gcp")
    assert [row["billed_cost"] for row in (first, second, third)] == [Decimal("0.25"), Decimal(2), Decimal(5)]
    assert first["effective_cost"] == Decimal("0.25")
    assert (first["list_cost"], first["day"], first["period"]) == (Decimal(1), dt.date(2026, 5, 2), dt.date(2026, 5, 1))
    assert (first["service"], first["meter"], first["unit"], first["account"]) == (
        "Compute Engine", "N2 Instance Core", "hour", "loans-prod",
    )  # fmt: skip
    assert json.loads(first["tags"]) == {"team": "loans"}
    assert json.loads(first["details"]) == {"compute.googleapis.com/cores": "4"}
    assert (third["tags"], third["details"], third["charge"]) == ("", "", "purchase")
    assert second["charge"] == "adjustment"


def test_google_as_csv_without_credits_says_what_is_lost(tmp_path: Path, engine: DuckEngine) -> None:
    head = "billing_account_id,service.description,sku.description,usage_start_time,cost,currency,usage.amount_in_pricing_units,"
    path = tmp_path / "gcp.csv"
    path.write_text(
        f"{head}usage.pricing_unit,cost_type\n"
        "A,Cloud Storage,Standard Storage Paris,2026-05-02 10:00:00 UTC,1.5,EUR,2,gibibyte month,regular\n",
        encoding="utf-8",
    )
    (row,) = _read(engine, path, "gcp")
    assert (row["billed_cost"], row["charge"], row["day"]) == (Decimal("1.5"), "usage", dt.date(2026, 5, 2))
    opened = sniff(path)
    lost = {rule.cell: rule.lost for rule in recognise(opened.columns, formats()).missing(opened.columns)}
    assert lost["effective_cost"].startswith("credits: costs are told before discounts")
    assert {"tags", "region", "details", "resource"} <= set(lost)


def test_usage_of_ovhcloud_is_taken_apart(tmp_path: Path, engine: DuckEngine) -> None:
    hours = {"unit": "Hour", "value": 720}
    document = {
        "period": {"from": "2026-05-01T00:00:00+02:00", "to": "2026-06-01T00:00:00+02:00"},
        "currency": "EUR",
        "hourlyUsage": {
            "instance": [
                {
                    "reference": "b2-7", "region": "GRA7", "totalPrice": 100.0, "quantity": {"unit": "Hour", "value": 1440},
                    "details": [
                        {"instanceId": "i-1", "quantity": hours, "totalPrice": 49.5},
                        {"instanceId": "i-2", "quantity": hours, "totalPrice": 50.5},
                    ],
                }
            ],
            "storage": [
                {
                    "region": "GRA", "type": "storage", "bucketName": "lake", "totalPrice": 7.25,
                    "stored": {"quantity": {"unit": "GiBh", "value": 1000}, "totalPrice": 7.0},
                    "outgoingBandwidth": {"quantity": {"unit": "GiB", "value": 25}, "totalPrice": 0.25},
                }
            ],
        },
        "resourcesUsage": [],
    }  # fmt: skip
    path = tmp_path / "usage.json"
    path.write_text(json.dumps(document), encoding="utf-8")
    found = {row["resource"]: row for row in _read(engine, path, "ovhcloud")}
    assert sum(row["billed_cost"] for row in found.values()) == Decimal("107.25")
    one, lake = found["i-1"], found["lake"]
    assert (one["meter"], one["region"], one["unit"], one["quantity"]) == ("b2-7", "GRA7", "Hour", Decimal(720))
    assert (one["service"], one["billed_cost"], one["currency"]) == (
        "hourlyUsage.instance.details",
        Decimal("49.5"),
        "EUR",
    )
    assert (lake["service"], lake["unit"], lake["quantity"]) == ("hourlyUsage.storage", "GiBh", Decimal(1000))
    assert one["day"] == dt.date(2026, 5, 1)  # midnight in Paris: the period is May


def test_scaleway_counts_money_in_units_and_billionths(tmp_path: Path, engine: DuckEngine) -> None:
    path = tmp_path / "consumptions.json"
    one = {
        "product_name": "DEV1-S - Run", "category_name": "Compute", "resource_name": "web", "project_id": "p",
        "sku": "/compute/dev1_s/run_fr-par-1", "unit": "minute", "billed_quantity": "43200",
        "value": {"currency_code": "EUR", "units": 12, "nanos": 340000001},
    }  # fmt: skip
    document = {"consumptions": [one, {**one, "value": {"currency_code": "EUR", "units": -1, "nanos": -500000000}}]}
    path.write_text(json.dumps({"updated_at": "2026-05-20T10:00:00Z", **document}), encoding="utf-8")
    found = _read(engine, path, "scaleway")
    assert [row["billed_cost"] for row in found] == [Decimal("12.340000001"), Decimal("-1.5")]
    assert {(row["day"], row["region"], row["quantity"]) for row in found} == {
        (dt.date(2026, 5, 1), "fr-par", Decimal(43200))
    }
    path.write_text(json.dumps({"updated_at": "2026-05-20T10:00:00Z", "billing_period": "2026-03", **document}))
    assert {row["day"] for row in _read(engine, path, "scaleway")} == {dt.date(2026, 3, 1)}
