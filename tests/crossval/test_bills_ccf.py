# SPDX-License-Identifier: Apache-2.0
"""Lines of Amazon's bills, understood and evaluated by ccf-2024, against figures of Cloud Carbon Footprint's own tests."""

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
from lichen.service.bills.importing import BillOrder, import_bills
from lichen.service.context import ledger_place
from lichen.service.evaluation import evaluate_activities, parse_document
from lichen.service.workspace import Workspace

CASES: Final = Path(__file__).parents[3] / "shared" / "cases" / "ccf.json"
GRAMS_PER_TONNE: Final = 1e6
SECONDS_PER_DAY: Final = 86400

PUBLISHED: Final = Path(__file__).parent / "data" / "ccf_bills.csv"
"""Rows of the fixtures of packages/aws/src/__tests__ (Apache-2.0), and what its tests expect of each."""


class Row:
    """A line of a bill and what is expected of it."""

    def __init__(self, name: str, said: Mapping[str, Any], kwh: float, tonnes: float) -> None:
        self.name, self.said, self.kwh, self.tonnes = name, said, kwh, tonnes

    def as_expected(self, energy: float, carbon: float) -> None:
        assert energy == pytest.approx(self.kwh, rel=1e-6, abs=0), self.name
        assert carbon / GRAMS_PER_TONNE == pytest.approx(self.tonnes, rel=1e-6, abs=0), self.name


def rows() -> Iterator[Row]:
    with PUBLISHED.open(encoding="utf-8", newline="") as file:
        for said in csv.DictReader(file):
            expected = float(said["kilowatt_hours"]), float(said["co2e_metric_tons"])
            yield Row(f"{said['product']} {said['usage_type']}", {**said, "amount": float(said["amount"])}, *expected)
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
    for activity in (one for activities in ledger.evaluable().values() for one in activities):
        if activity["quantity"] != "cost":
            by_row.setdefault(activity["entity"].rpartition("/")[2], []).append(activity)
    assert len(by_row) == len(ROWS)
    for number, row in enumerate(ROWS):
        row.as_expected(*evaluated(workspace, by_row[f"row-{number:03}"]))
