# SPDX-License-Identifier: Apache-2.0
"""Instances on a bill, read, summed and understood, against figures that BoaviztAPI 2.5.0 gave for them.

A bill tells neither the load nor the country of the original's question: both are added to what the ledger holds.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import pytest
from babel.core import get_global

from lichen.catalogue import machines
from lichen.collect.bills.mapping import Rules
from lichen.collect.bills.meter import Meter
from lichen.config import load_settings
from lichen.ledger import open_ledger
from lichen.ledger.tables import activity_json
from lichen.service.bills.importing import BillOrder, import_bills
from lichen.service.context import ledger_place
from lichen.service.evaluation import evaluate_activities, parse_document
from lichen.service.workspace import Workspace

CASES: Final = Path(__file__).parents[3] / "shared" / "cases" / "boavizta.json"
PUBLISHED: Final = Path(__file__).parent / "data" / "boavizta.json"
INDICATORS: Final = {"gwp": ("gwp100", 1e3), "adp": ("adpe", 1e3), "pe": ("pe", 1.0), "fe": ("energy", 1.0)}
PHASES: Final = (("use", "use"), ("embedded", "embodied"))
LONGEST_H: Final = 24 * 10_000
"""More hours of one resource on one day are taken for a mistake."""
PROVIDERS: Final = {
    "aws": ("AWS", "AmazonEC2", "BoxUsage:{type}", "Hrs"),
    "azure": ("Microsoft", "Virtual Machines", "{type}", "1 Hour"),
    "gcp": ("Google Cloud", "Compute Engine", "Compute", "Hours"),
    "ovhcloud": ("OVHcloud", "Public Cloud instance", "{type}", "Hours"),
    "scaleway": ("Scaleway", "Instances", "{type}", "Hours"),
}
"""Provider as FOCUS names it, service, meter and unit."""


@dataclass(frozen=True, slots=True)
class Row:
    """An instance on a bill, and what the original gave for it."""

    provider: str
    kind: str
    hours: float
    added: Mapping[str, Any]
    expected: Mapping[str, Mapping[str, float | None]]

    @property
    def line(self) -> dict[str, str]:
        """Its line in FOCUS."""
        name, service, meter, unit = PROVIDERS[self.provider]
        return {
            "ProviderName": name, "ServiceName": service, "ServiceCategory": "Compute", "SkuMeter": meter.format(type=self.kind),
            "ChargeDescription": f"{self.kind} hours", "SkuPriceDetails": json.dumps({"InstanceType": self.kind}),
            "ConsumedQuantity": repr(self.hours), "ConsumedUnit": unit, "ChargeCategory": "Usage",
            "ChargePeriodStart": "2026-03-05T00:00:00Z", "ChargePeriodEnd": "2026-03-06T00:00:00Z",
            "BillingPeriodStart": "2026-03-01T00:00:00Z", "BillingPeriodEnd": "2026-04-01T00:00:00Z",
            "BillingAccountId": "payer", "SubAccountId": "account", "BillingCurrency": "EUR",
            "BilledCost": "1", "EffectiveCost": "1", "ListCost": "1",
        }  # fmt: skip


def rows() -> Iterator[Row]:
    for case in json.loads(PUBLISHED.read_text(encoding="utf-8"))["cases"]:
        provider, _, kind = case["platform"].partition(":")
        if provider in PROVIDERS and (machines.find(case["platform"]) or {}).get("kind") == "instance":
            added = {name: case[name] for name in ("utilisation", "zone") if case[name] is not None}
            yield Row(provider, kind, float(case["hours"]), added, {name: case[name] for name in INDICATORS})
    for case in json.loads(CASES.read_text())["cases"] if CASES.exists() else ():
        said = case["input"]
        added = {}
        if said["usage_location"] is not None:
            (added["zone"],) = get_global("territory_aliases")[said["usage_location"]]
        if said["time_workload_pct"] is not None:
            added["utilisation"] = said["time_workload_pct"] / 100
        raw = case["output_raw"]
        expected = {
            name: {phase: raw[name][phase] and raw[name][phase]["value"] for phase, _ in PHASES} for name in INDICATORS
        }
        yield Row(said["provider"], said["instance_type"], float(said["duration_hours"]), added, expected)


ROWS: Final = [row for row in rows() if row.hours <= LONGEST_H]


def as_expected(workspace: Workspace, row: Row, activities: list[dict[str, Any]]) -> None:
    parsed, context = parse_document(workspace, {"activities": [{**one, **row.added} for one in activities]})
    found = evaluate_activities(workspace, workspace.method("boavizta-2.5"), parsed, context, on=None)
    for criterion, (indicator, scale) in INDICATORS.items():
        for theirs, ours in PHASES:
            expected = row.expected[criterion][theirs]
            values = [impact.value for impact in found.impacts if (impact.indicator, impact.phase) == (indicator, ours)]
            if expected is None:
                assert values == []
            else:
                assert sum(values) == pytest.approx(expected * scale, rel=1e-6), (row.kind, criterion, theirs)


def test_there_are_instances_of_each_provider() -> None:
    assert {row.provider for row in ROWS} >= {"aws", "azure", "gcp"}


def test_a_bill_through_files_and_ledger_gives_the_originals_figures(tmp_path: Path) -> None:
    """Each row is a resource of one bill in FOCUS, which is imported as any other."""
    (tmp_path / "lichen.toml").touch()
    path = tmp_path / "focus.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        bill = csv.DictWriter(file, [*ROWS[0].line, "ResourceId"])
        bill.writeheader()
        for number, row in enumerate(ROWS):
            bill.writerow({**row.line, "ResourceId": f"row-{number:03}"})
    workspace = Workspace(load_settings(tmp_path / "lichen.toml", env={}))
    import_bills(workspace, BillOrder(places=[str(path)]))
    ledger = open_ledger(ledger_place(workspace.settings), create=False)
    by_row: dict[str, list[dict[str, Any]]] = {}
    for one in ledger.activities().to_pylist():
        if one["quantity"] == "instance_time":
            by_row.setdefault(one["entity"].rpartition("/")[2], []).append(activity_json(one))
    assert len(by_row) == len(ROWS)
    for number, row in enumerate(ROWS):
        as_expected(workspace, row, by_row[f"row-{number:03}"])


@pytest.mark.parametrize("provider", PROVIDERS)
def test_every_instance_of_the_catalogue_is_understood_as_itself(provider: str) -> None:
    """By the type that a column names, and by a meter alone."""
    rules = Rules.load()
    _, service, meter, unit = PROVIDERS[provider]
    known = [key for key in machines.keys() if key.startswith(f"{provider}:")]  # noqa: SIM118 -- a function
    for key in known:
        facts = machines.find(key) or {}
        if facts.get("kind") != "instance" or "inside" in facts:
            continue
        kind = key.partition(":")[2]
        by_meter = Meter(provider=provider, service=service, meter=meter.format(type=kind), unit=unit)
        by_column = replace(by_meter, instance_type=kind)
        # A meter of Google names a family, and one of Amazon's machines has no service before the type.
        plain = provider not in ("aws", "gcp") or (provider == "aws" and kind.count(".") == 1)
        for one in (by_column, by_meter) if plain else (by_column,):
            found = rules.understand(one)
            expected = {"instance_time": (key, 3600.0), "vcpu_time": (key, 3600.0 * float(facts["vcpu"]))}
            assert {amount.quantity: (amount.platform, amount.per_unit) for amount in found.amounts} == expected
            assert all(amount.method == "metered" for amount in found.amounts)
