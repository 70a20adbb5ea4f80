# SPDX-License-Identifier: Apache-2.0
"""Small bills in the shape of FOCUS 1.2, and imports of them into a project of their own."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Final

from lichen.config import load_settings
from lichen.ledger import Ledger, Selection, open_ledger
from lichen.service.bills.importing import BillOrder, ImportedBill, import_bills
from lichen.service.workspace import Workspace

OWNERS: Final = """
[[bills.owner]]
application_tag = "application"
"""
LINE: Final[Mapping[str, str]] = {
    "BilledCost": "1", "EffectiveCost": "1", "ListCost": "1.25", "BillingAccountId": "payer", "BillingCurrency": "EUR",
    "BillingPeriodStart": "2026-10-01T00:00:00Z", "BillingPeriodEnd": "2026-11-01T00:00:00Z", "ChargeCategory": "Usage",
    "ChargeClass": "", "ChargePeriodStart": "2026-10-05T00:00:00Z", "ChargePeriodEnd": "2026-10-06T00:00:00Z",
    "ChargeDescription": "$0.192 per On Demand Linux m5.xlarge Instance Hour", "ConsumedQuantity": "24",
    "ConsumedUnit": "Hours", "PricingQuantity": "24", "PricingUnit": "Hours", "PricingCategory": "Standard",
    "ProviderName": "AWS", "PublisherName": "Amazon Web Services", "RegionId": "eu-west-3", "ResourceId": "i-1",
    "ServiceCategory": "Compute", "ServiceName": "Amazon Elastic Compute Cloud", "SkuMeter": "EUW3-BoxUsage:m5.xlarge",
    "SkuPriceDetails": '{"InstanceType":"m5.xlarge","CoreCount":4,"MemorySize":16}', "SubAccountId": "123",
    "SubAccountName": "prod", "Tags": '{"application":"shop"}',
}  # fmt: skip
"""A machine that ran for a day."""
STORAGE: Final = {
    "ChargeDescription": "$0.023 per GB - first 50 TB / month of storage used", "ConsumedQuantity": "2", "ConsumedUnit": "GB-Mo",
    "PricingQuantity": "2", "PricingUnit": "GB-Mo", "ResourceId": "bucket", "ServiceCategory": "Storage",
    "ServiceName": "Amazon Simple Storage Service", "SkuMeter": "EUW3-TimedStorage-ByteHrs", "SkuPriceDetails": "",
}  # fmt: skip
"""What a line of object storage has of its own."""
TAX: Final = {
    "ChargeCategory": "Tax",
    "ConsumedQuantity": "",
    "ConsumedUnit": "",
    "SkuMeter": "",
    "SkuPriceDetails": "",
}


def line(**own: str) -> dict[str, str]:
    """A line: a machine's, with other values."""
    return {**LINE, **own}


def on(day: int | date, **own: str) -> dict[str, str]:
    """A line of a day of October 2026, or of another day."""
    start = day if isinstance(day, date) else date(2026, 10, day)
    end = start + timedelta(days=1)
    return line(**{"ChargePeriodStart": f"{start}T00:00:00Z", "ChargePeriodEnd": f"{end}T00:00:00Z", **own})


def of_month(month: str, **own: str) -> dict[str, str]:
    """A line of the fifth of a month, ``YYYY-MM``."""
    start = date.fromisoformat(f"{month}-01")
    end = (start + timedelta(days=31)).replace(day=1)
    period = {"BillingPeriodStart": f"{start}T00:00:00Z", "BillingPeriodEnd": f"{end}T00:00:00Z"}
    return on(start.replace(day=5), **period, **own)


def write(path: Path, lines: Iterable[Mapping[str, str]]) -> Path:
    """A bill."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, LINE)
        writer.writeheader()
        writer.writerows(lines)
    return path


def project(folder: Path, settings: str = OWNERS) -> Workspace:
    """A project with these settings."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "lichen.toml").write_text(settings, encoding="utf-8")
    return Workspace(load_settings(folder / "lichen.toml", env={}))


def bring(workspace: Workspace, *places: Path | str, **order: Any) -> ImportedBill:
    """An import; applications are made."""
    return import_bills(workspace, BillOrder(places=[str(place) for place in places], **{"create": True, **order}))


def ledger_of(workspace: Workspace) -> Ledger:
    """The ledger of a project."""
    return open_ledger(str(workspace.settings.folder / ".lichen" / "ledger"))


def rows(workspace: Workspace, *columns: str, quantity: str | None = None) -> list[tuple[Any, ...]]:
    """Rows of the ledger, sorted; of a quantity where one is given."""
    selection = Selection(quantities=None if quantity is None else [quantity])
    found = ledger_of(workspace).rows("activities", selection)
    return sorted((tuple(row[column] for column in columns) for row in found), key=repr)
