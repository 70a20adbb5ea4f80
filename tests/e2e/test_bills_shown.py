# SPDX-License-Identifier: Apache-2.0
"""A bill from its file to its page: what is imported is what is shown, to the last digit."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import pytest
from click.testing import CliRunner

from lichen.cli.app import root as cli
from lichen.config import load_settings
from lichen.service.board import figures
from lichen.service.board.bills import application_bill, bills
from lichen.service.context import ServiceContext, open_context
from lichen.service.workspace import Workspace

RULES: Final = """
[project]
name = "shop"

[bills]
utilisation = "load.csv"

[[bills.owner]]
application_tag = "application"

[[bills.shared]]
name = "support"
services = ["AWS Support*"]
by = "cost"
"""
COLUMNS: Final = (
    "BillingPeriodStart", "ChargePeriodStart", "ProviderName", "BillingAccountId", "SubAccountId", "ResourceId", "RegionId",
    "ServiceName", "ServiceCategory", "ChargeCategory", "ChargeDescription", "x_UsageType", "ConsumedQuantity", "ConsumedUnit",
    "BilledCost", "EffectiveCost", "ListCost", "BillingCurrency", "Tags",
)  # fmt: skip
EC2, EBS = "Amazon Elastic Compute Cloud", "Amazon Elastic Block Store"


def line(day: int, service: str, usage: str, quantity: float, unit: str, cost: str, **other: str) -> dict[str, str]:
    """A line of a FOCUS file."""
    application = other.pop("application", "")
    tags = json.dumps({"application": application}) if application else "{}"
    return {
        "BillingPeriodStart": "2026-10-01T00:00:00Z", "ChargePeriodStart": f"2026-10-{day:02}T00:00:00Z", "ProviderName": "AWS",
        "BillingAccountId": "1", "SubAccountId": "1", "ResourceId": f"r-{application}", "RegionId": "eu-west-3",
        "ServiceName": service, "ServiceCategory": "Compute", "ChargeCategory": "Usage", "ChargeDescription": usage,
        "x_UsageType": usage, "ConsumedQuantity": str(quantity), "ConsumedUnit": unit, "BilledCost": cost,
        "EffectiveCost": cost, "ListCost": cost, "BillingCurrency": "EUR", "Tags": tags, **other,
    }  # fmt: skip


LINES: Final = (
    *(line(day, EC2, "EUW3-BoxUsage:m5.large", 24.0, "Hours", "10.000000001", application="Shop") for day in range(1, 31)),
    *(line(day, EC2, "EUW3-BoxUsage:m5.large", 24.0, "Hours", "5.0", application="portal") for day in range(1, 31)),
    line(3, EBS, "EUW3-EBS:VolumeUsage.gp3", 100.0, "GB-Mo", "8.5", application="shop"),
    line(4, "AWS Support (Business)", "EUW3-Support", 1.0, "Units", "90.01"),
    line(5, EC2, "EUW3-BoxUsage:m5.large", 24.0, "Hours", "2.25"),
)  # fmt: skip


@pytest.fixture
def context(tmp_path: Path) -> Iterator[ServiceContext]:
    (tmp_path / "lichen.toml").write_text(RULES, encoding="utf-8")
    (tmp_path / "load.csv").write_text("resource,cpu\nr-Shop,0\n", encoding="utf-8")
    with (tmp_path / "focus.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows(LINES)
    words = [
        "--config",
        str(tmp_path / "lichen.toml"),
        "import",
        "bills",
        str(tmp_path / "focus.csv"),
        "--create",
        "--json",
    ]
    done = CliRunner().invoke(cli, words)
    assert done.exit_code == 0, done.output
    with (found := open_context(Workspace(load_settings(tmp_path / "lichen.toml", env={})))).store:
        figures.refresh(found)
        yield found


def of(context: ServiceContext, code: str) -> Any:
    found = application_bill(context, code, period="2026-10")
    assert found is not None
    return found


def test_what_is_imported_is_what_is_shown(context: ServiceContext) -> None:
    view = bills(context, period="2026-10")
    own = {"shop": Decimal("308.50000003"), "portal": Decimal(150)}
    assert view.spent[0].effective == sum(Decimal(one["EffectiveCost"]) for one in LINES)
    shown = {row.named.code: row.costs[0].amount for row in view.rows}
    assert sum(amount or Decimal(0) for amount in shown.values()) + Decimal("2.25") == view.spent[0].effective
    assert set(shown) == set(own)
    for code, amount in own.items():
        expected = amount + Decimal("90.01") * amount / sum(own.values())
        assert shown[code] == pytest.approx(expected, abs=Decimal("1e-9"))
        assert of(context, code).spent[0].effective == shown[code]
    assert view.unallocated is not None
    assert view.unallocated.costs[0].amount == Decimal("2.25")
    (imported,) = view.imports
    assert (imported.source, imported.month, imported.files, imported.lines) == ("bill:aws-1", "2026-10", 1, len(LINES))
    assert imported.at is not None


def test_the_bill_counts_for_the_servers_and_has_its_reasons(context: ServiceContext) -> None:
    shop, portal = of(context, "shop"), of(context, "portal")
    assert [row.reason for row in shop.uncovered] == ["support"]
    assert {row.named.code for row in shop.services} == {EC2, EBS, "AWS Support (Business)"}
    assert {row.named.code for row in shop.regions} == {"aws:eu-west-3"}
    machines = [
        next(row for row in view.services if row.named.code == EC2).figures["energy"] for view in (shop, portal)
    ]
    # The same machine for the same time, measured as idle, and with the method's assumption.
    assert 0 < machines[0].value < machines[1].value
