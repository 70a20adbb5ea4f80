# SPDX-License-Identifier: Apache-2.0
"""Bills of any size in the shape of FOCUS 1.2, the same ones every time: what tests and `benchmarks/bills.py` import.

A part is a month of hourly lines of its own accounts and resources: some 4,000 resources in 10 million lines, each of them billed
by several meters, some of these in several lines an hour. Texts are those of a provider of the AWS kind; amounts are hashed from
the line's number with integers alone, so that no version of an engine makes another bill.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import duckdb
import pyarrow as pa

HOURS: Final = 31 * 24
MONTH: Final = ("2026-05-01", "2026-06-01")
Amounts = Literal["double", "decimal"]

_REGIONS: Final = {
    "eu-west-3": ("EUW3", "Europe (Paris)"), "eu-central-1": ("EUC1", "Europe (Frankfurt)"),
    "us-east-1": ("USE1", "US East (N. Virginia)"), "ap-southeast-2": ("APS2", "Asia Pacific (Sydney)"),
}  # fmt: skip
_FAMILIES: Final = {"t3": (4, 0.0208), "m6i": (4, 0.048), "c6g": (2, 0.034), "r6i": (8, 0.063), "m5": (4, 0.048)}
"""GiB of memory for each vCPU, and dollars an hour for each vCPU."""
_SIZES: Final = {"large": 2, "xlarge": 4, "2xlarge": 8, "4xlarge": 16}
_TEAMS: Final = ("loans", "search", "billing", "portal", "batch", "reports", "identity", "archive")


@dataclass(frozen=True, slots=True)
class _Sku:
    """What is sold: quantities are so much an hour on average, in ``unit``."""

    service: str
    category: str
    subcategory: str
    meter: str
    unit: str
    quantity: float
    price: float
    text: str
    details: str = "{}"


def _machine(meter: str, service: str, price: float, details: dict[str, object]) -> _Sku:
    category = "Databases" if service == "AmazonRDS" else "Compute"
    text = f"${price:.4f} per On Demand Linux {details['InstanceType']} Instance Hour"
    return _Sku(service, category, "Virtual Machines", meter, "Hours", 1.0, price, text, json.dumps(details))


def _machines(prefix: str, *, service: str, usage: str) -> list[_Sku]:
    found = []
    for family, (gib, price) in _FAMILIES.items():
        for size, count in _SIZES.items():
            kind = f"{'db.' if service == 'AmazonRDS' else ''}{family}.{size}"
            details: dict[str, object] = {
                "InstanceType": kind, "InstanceSeries": family, "CoreCount": count, "MemorySize": count * gib,
                "OperatingSystem": "Linux",
            }  # fmt: skip
            found.append(_machine(f"{prefix}-{usage}:{kind}", service, price * count, details))
    return found


def _bundles(prefix: str) -> list[tuple[str, list[list[tuple[_Sku, int]]]]]:
    """Types of resources, each with the sets of meters that bill one of them; a meter comes in so many lines an hour."""

    def network(path: str, gb: float, price: float) -> _Sku:
        text = f"${price:.3f} per GB - data transfer"
        return _Sku("AmazonEC2", "Networking", "Data Transfer", f"{prefix}-{path}", "GB", gb, price, text)

    def stored(service: str, path: str, gb: float, price: float, kind: str) -> _Sku:
        text, details = f"${price:.4f} per GB-month of {kind} storage", json.dumps({"StorageClass": kind})
        return _Sku(service, "Storage", "Object Storage", f"{prefix}-{path}", "GB-Mo", gb / HOURS, price, text, details)

    def asked(service: str, path: str, number: float, price: float) -> _Sku:
        text = f"${price * 1e6:.2f} per million requests"
        return _Sku(service, "Storage", "Object Storage", f"{prefix}-{path}", "Requests", number, price, text)

    sent, received = network("DataTransfer-Out-Bytes", 0.8, 0.09), network("DataTransfer-In-Bytes", 1.7, 0.0)
    regional = network("DataTransfer-Regional-Bytes", 3.1, 0.01)
    instances = _machines(prefix, service="AmazonEC2", usage="BoxUsage")
    databases = _machines(prefix, service="AmazonRDS", usage="InstanceUsage")
    seconds = _Sku(
        "AWSLambda", "Compute", "Serverless Compute", f"{prefix}-Lambda-GB-Second", "Lambda-GB-Seconds", 900.0, 1.66667e-5,
        "AWS Lambda - Total Compute",
    )  # fmt: skip
    return [
        ("instance", [[(sku, 1), (sent, 1), (received, 1), (regional, 2)] for sku in instances]),
        ("volume", [[(stored("AmazonEC2", "EBS:VolumeUsage.gp3", gb, 0.0928, "SSD"), 1)] for gb in (50, 200, 1000)]),
        ("bucket", [[
            (stored("AmazonS3", "TimedStorage-ByteHrs", gb, 0.024, "Standard"), 1),
            (asked("AmazonS3", "Requests-Tier1", 400, 5.3e-6), 2), (asked("AmazonS3", "Requests-Tier2", 9000, 4.2e-7), 2),
            (sent, 1),
        ] for gb in (20, 900, 40_000)]),
        ("db", [[(sku, 1), (stored("AmazonRDS", "RDS:GP3-Storage", 300, 0.133, "SSD"), 1)] for sku in databases]),
        ("function", [[(seconds, 1), (asked("AWSLambda", "Request", 1200, 2e-7), 1)]]),
    ]  # fmt: skip


def _slots(part: int, count: int) -> Iterator[dict[str, object]]:
    """The lines of an hour of a part: everything that is the same from hour to hour."""
    number, made = 0, 0
    regions = list(_REGIONS)
    bundles = {region: _bundles(prefix) for region, (prefix, _) in _REGIONS.items()}
    while made < count:
        region = regions[number % 7 % len(regions)]
        kind, variants = bundles[region][(0, 1, 0, 2, 0, 1, 3, 4)[number % 8]]
        for sku, times in variants[number // 8 % len(variants)]:
            for _ in range(times):
                yield {"slot": made, **_slot(part, number, region, kind, sku)}
                made += 1
        number += 1


def _slot(part: int, number: int, region: str, kind: str, sku: _Sku) -> dict[str, object]:
    account, team = f"2{part:05d}{number % 40:06d}", _TEAMS[number % 11 % len(_TEAMS)]
    share = 0.72 if number % 5 == 0 and kind == "instance" else 1.0
    tags = {"application": f"{team}-{number % 13}", "environment": ("prod", "test")[number % 4 == 3], "team": team}
    return {
        "account": account, "account_name": f"{team}-{number % 40}", "region": region, "region_name": _REGIONS[region][1],
        "zone": f"{region}{'abc'[number % 3]}" if kind in {"instance", "volume"} else None,
        "resource": f"arn:aws:{kind}:{region}:{account}:{kind}/{kind[0]}-{part:04x}{number * 2_654_435_761 % 2**40:010x}",
        "resource_name": f"{team}-{kind}-{number}", "resource_type": kind.title(), "committed": share < 1.0,
        "service": sku.service, "category": sku.category, "subcategory": sku.subcategory, "meter": sku.meter,
        "unit": sku.unit, "average": sku.quantity, "price": sku.price, "effective_price": sku.price * share, "text": sku.text,
        "details": sku.details, "tags": json.dumps(tags) if number % 9 else "{}", "fixed": sku.unit == "Hours",
    }  # fmt: skip


_LINES: Final = """
WITH numbered AS (
    SELECT i, ((i * 2654435761 + {part}) % 1000003) / 1000003.0::DOUBLE AS chance, i % {slots} AS slot,
           TIMESTAMP '{first} 00:00:00' + INTERVAL 1 HOUR * (i // {slots})::INTEGER AS hour,
           CASE WHEN i % 4001 = 4000 THEN 'Tax' WHEN i % 7001 = 7000 THEN 'Credit' ELSE 'Usage' END AS charge
    FROM range({rows}) AS made(i)
), priced AS (
    SELECT *, charge = 'Usage' AS used, round(CASE WHEN fixed THEN 1.0 ELSE average * (0.5 + chance) END, 10) AS amount,
           CASE charge WHEN 'Credit' THEN -0.01 WHEN 'Tax' THEN 0.02 END AS money
    FROM numbered JOIN slots USING (slot)
)
SELECT
    'AWS' AS "ProviderName", 'AWS' AS "PublisherName", 'AWS' AS "InvoiceIssuerName", 'INV-2026-05-0001' AS "InvoiceId",
    '100000000001' AS "BillingAccountId", 'Example payer' AS "BillingAccountName", 'Payer Account' AS "BillingAccountType",
    account AS "SubAccountId", account_name AS "SubAccountName", 'Linked Account' AS "SubAccountType",
    TIMESTAMP '{first} 00:00:00' AS "BillingPeriodStart", TIMESTAMP '{end} 00:00:00' AS "BillingPeriodEnd",
    hour AS "ChargePeriodStart", hour + INTERVAL 1 HOUR AS "ChargePeriodEnd",
    charge AS "ChargeCategory", NULL::VARCHAR AS "ChargeClass",
    CASE WHEN used THEN "text" ELSE charge END AS "ChargeDescription",
    CASE WHEN used THEN 'Usage-Based' ELSE 'One-Time' END AS "ChargeFrequency",
    CASE WHEN committed AND used THEN 0 ELSE coalesce(money, amount * price) END::{amounts} AS "BilledCost",
    coalesce(money, amount * effective_price)::{amounts} AS "EffectiveCost",
    coalesce(money, amount * price)::{amounts} AS "ListCost",
    coalesce(money, amount * effective_price)::{amounts} AS "ContractedCost",
    CASE WHEN used THEN price END::{amounts} AS "ListUnitPrice",
    CASE WHEN used THEN effective_price END::{amounts} AS "ContractedUnitPrice",
    CASE WHEN NOT used THEN NULL WHEN committed THEN 'Committed' ELSE 'Standard' END AS "PricingCategory",
    CASE WHEN used THEN amount END::{amounts} AS "PricingQuantity", CASE WHEN used THEN unit END AS "PricingUnit",
    'USD' AS "PricingCurrency", CASE WHEN used THEN effective_price END::{amounts} AS "PricingCurrencyContractedUnitPrice",
    coalesce(money, amount * effective_price)::{amounts} AS "PricingCurrencyEffectiveCost",
    CASE WHEN used THEN price END::{amounts} AS "PricingCurrencyListUnitPrice", 'USD' AS "BillingCurrency",
    CASE WHEN used THEN amount END::{amounts} AS "ConsumedQuantity", CASE WHEN used THEN unit END AS "ConsumedUnit",
    service AS "ServiceName", category AS "ServiceCategory", subcategory AS "ServiceSubcategory",
    CASE WHEN used THEN 'SKU-' || md5(meter) END AS "SkuId", CASE WHEN used THEN meter END AS "SkuMeter",
    CASE WHEN used THEN 'SPRICE-' || md5(meter || price) END AS "SkuPriceId",
    CASE WHEN used THEN details END AS "SkuPriceDetails",
    CASE WHEN used THEN resource END AS "ResourceId", CASE WHEN used THEN resource_name END AS "ResourceName",
    CASE WHEN used THEN resource_type END AS "ResourceType", region AS "RegionId", region_name AS "RegionName",
    CASE WHEN used THEN zone END AS "AvailabilityZone",
    CASE WHEN used AND committed THEN 'arn:aws:savingsplans::100000000001:savingsplan/1' END AS "CommitmentDiscountId",
    CASE WHEN used AND committed THEN 'Compute' END AS "CommitmentDiscountName",
    CASE WHEN used AND committed THEN 'Spend' END AS "CommitmentDiscountCategory",
    CASE WHEN used AND committed THEN 'Savings Plan' END AS "CommitmentDiscountType",
    CASE WHEN used AND committed THEN 'Used' END AS "CommitmentDiscountStatus",
    CASE WHEN used AND committed THEN amount * effective_price END::{amounts} AS "CommitmentDiscountQuantity",
    CASE WHEN used AND committed THEN 'USD' END AS "CommitmentDiscountUnit",
    NULL::VARCHAR AS "CapacityReservationId", NULL::VARCHAR AS "CapacityReservationStatus",
    CASE WHEN used THEN tags ELSE '{{}}' END AS "Tags"
FROM priced
"""


def write_part(path: Path, *, part: int, rows: int, amounts: Amounts = "double") -> None:
    """Writes a part of a bill: Parquet, CSV or gzipped CSV, by the name of ``path``.

    Args:
        part: which one; each has accounts and resources of its own.
        rows: lines in it.
        amounts: type of quantities and costs in Parquet: floats as AWS exports them, or exact decimals.
    """
    slots = max(1, -(-rows // HOURS))
    query = _LINES.format(
        part=part, rows=rows, slots=slots, first=MONTH[0], end=MONTH[1],
        amounts="DOUBLE" if amounts == "double" else "DECIMAL(38, 15)",
    )  # fmt: skip
    options = "FORMAT parquet" if path.suffix == ".parquet" else "FORMAT csv, TIMESTAMPFORMAT '%Y-%m-%dT%H:%M:%SZ'"
    with duckdb.connect(config={"threads": 2, "memory_limit": "2GB"}) as connection:
        connection.register("slots", pa.Table.from_pylist(list(_slots(part, slots))))
        connection.execute(f"COPY ({query}) TO '{path}' ({options})")
