# SPDX-License-Identifier: Apache-2.0
"""The columns that a line of a bill is read into, whatever its format, and the groups of them that later steps ask for.

Texts are never null: an empty text is unknown, so that joins on them are exact in every engine. Amounts are DECIMAL: sums of
floats differ from run to run and from engine to engine.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

DECIMAL: Final = (38, 15)
"""Digits, and digits behind the point, of amounts."""

ROW: Final = "lichen_row"
"""Column of a table whose rows an engine numbers, and finds again by their numbers; no file may have one of this name."""

Kind = Literal["text", "day", "amount"]


@dataclass(frozen=True, slots=True)
class Cell:
    """A column of a line.

    Attributes:
        about: what it holds.
        focus: column of FOCUS that has the same meaning; empty where FOCUS has none.
    """

    name: str
    kind: Kind
    about: str
    focus: str = ""


CELLS: Final = (
    Cell("day", "day", "day of the usage, UTC", "ChargePeriodStart"),
    Cell("period", "day", "first day of the billing period", "BillingPeriodStart"),
    Cell("provider", "text", "`aws`, `azure`, `gcp`, `oci`, `ovhcloud`, `scaleway`, or its name", "ProviderName"),
    Cell("payer", "text", "account that is billed", "BillingAccountId"),
    Cell("account", "text", "account, subscription, project or compartment that used it", "SubAccountId"),
    Cell("account_name", "text", "its name", "SubAccountName"),
    Cell("resource_group", "text", "resource group of Azure, compartment of Oracle"),
    Cell("resource", "text", "identifier of the resource", "ResourceId"),
    Cell("resource_name", "text", "its name", "ResourceName"),
    Cell("region", "text", "region as the provider writes it", "RegionId"),
    Cell("service", "text", "service as the provider names it", "ServiceName"),
    Cell("service_category", "text", "category, in the words of FOCUS where the format has them", "ServiceCategory"),
    Cell("meter", "text", "what is counted: usage type, meter, SKU", "SkuMeter"),
    Cell("operation", "text", "operation"),
    Cell("description", "text", "description of the charge", "ChargeDescription"),
    Cell("instance_type", "text", "type of the machine, where the format tells it in a column of its own"),
    Cell("details", "text", "properties of the SKU, a JSON object", "SkuPriceDetails"),
    Cell("unit", "text", "unit of `quantity` as the bill writes it", "ConsumedUnit, else PricingUnit"),
    Cell("charge", "text", "`usage`, `purchase`, `tax`, `credit`, `refund`, `adjustment` or `other`", "ChargeCategory"),
    Cell("pricing", "text", "`on_demand`, `committed`, `spot`, `free` or empty", "PricingCategory"),
    Cell("commitment", "text", "`used` or `unused`, where the line is of a commitment", "CommitmentDiscountStatus"),
    Cell("capacity", "text", "`used` or `unused`, where the line is of a capacity reservation", "CapacityReservationStatus"),
    Cell("publisher", "text", "who made what is sold, where that is not the provider: a marketplace", "PublisherName"),
    Cell("currency", "text", "ISO 4217 code", "BillingCurrency"),
    Cell("tags", "text", "tags, a JSON object", "Tags"),
    Cell("quantity", "amount", "usage in `unit`; null where not told", "ConsumedQuantity, else PricingQuantity"),
    Cell("billed_cost", "amount", "what the invoice charges", "BilledCost"),
    Cell("effective_cost", "amount", "with commitments spread over their use; `billed_cost` where not told", "EffectiveCost"),
    Cell("list_cost", "amount", "at list prices; null where not told", "ListCost"),
)  # fmt: skip

AMOUNTS: Final = tuple(cell.name for cell in CELLS if cell.kind == "amount")
KEYS: Final = tuple(cell.name for cell in CELLS if cell.kind != "amount")
"""All columns that lines are summed by."""

METER: Final = (
    "provider", "service", "service_category", "meter", "operation", "description", "instance_type", "details", "unit", "charge",
    "pricing", "commitment", "capacity", "publisher",
)  # fmt: skip
"""Columns that say what a line is of: `lichen.collect.bills.meter.Meter`."""

OWNER: Final = (
    "provider",
    "payer",
    "account",
    "account_name",
    "resource_group",
    "resource",
    "resource_name",
    "service",
    "tags",
)
"""Columns that say whose a line is."""
