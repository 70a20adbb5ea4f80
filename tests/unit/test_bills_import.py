# SPDX-License-Identifier: Apache-2.0
"""Bills through the real import: what the ledger and the store hold afterwards, by hand."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from tests.focus_support import OWNERS, STORAGE, TAX, bring, ledger_of, line, of_month, on, project, rows, write

from lichen.errors import UsageError
from lichen.service.importing_tables import opened
from lichen.service.workspace import Workspace
from lichen.store.models import Application, Cost

DAY_S = 86_400.0


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return project(tmp_path / "project")


def costs(workspace: Workspace) -> list[tuple[Any, ...]]:
    """Costs of the store: application, month, amount, currency, source."""
    with opened(workspace) as store, store.reading() as session:
        codes = {one.id: one.code for one in session.scalars(select(Application))}
        found = [
            (codes.get(one.application_id or ""), one.period, one.amount, one.currency, one.kind, one.source)
            for one in session.scalars(select(Cost))
        ]
    return sorted(found, key=repr)


def test_a_machine_is_time_and_money(workspace: Workspace, tmp_path: Path) -> None:
    found = bring(workspace, write(tmp_path / "bill.csv", [line()]))
    assert (found.rows, found.made) == (3, ("shop",))
    things = {
        row[0]: row[1:] for row in rows(workspace, "quantity", "value", "unit", "platform", "coverage", "service")
    }
    assert things == {
        "instance_time": (DAY_S, "s", "aws:m5.xlarge", None, "Amazon Elastic Compute Cloud"),
        "vcpu_time": (4 * DAY_S, "s", "aws:m5.xlarge", None, "Amazon Elastic Compute Cloud"),
        "cost": (1.0, "currency", None, "estimated", "Amazon Elastic Compute Cloud"),
    }
    (cost,) = [row for row in ledger_of(workspace).rows("activities") if row["quantity"] == "cost"]
    assert {name: cost[name] for name in ("effective_amount", "billed_amount", "list_amount", "amount", "currency")} == {
        "effective_amount": Decimal(1), "billed_amount": Decimal(1), "list_amount": Decimal("1.25"),
        "amount": Decimal(1), "currency": "EUR",
    }  # fmt: skip
    assert (cost["source"], cost["month"], cost["day"]) == ("bill:aws-payer", "2026-10", date(2026, 10, 5))
    assert (cost["entity"], cost["application"]) == ("shop/Amazon Elastic Compute Cloud/i-1", "shop")
    assert (cost["region"], cost["account"], cost["resource"]) == ("aws:eu-west-3", "123", "i-1")
    assert (cost["tier"], cost["basis"], cost["family"]) == ("server", "total", "compute")
    assert (cost["started_at"].isoformat(), cost["ended_at"].isoformat()) == (
        "2026-10-05T00:00:00+00:00",
        "2026-10-06T00:00:00+00:00",
    )
    assert costs(workspace) == [("shop", date(2026, 10, 1), Decimal(1), "EUR", "cloud", "bill:aws-payer")]


def test_a_month_of_storage_is_as_long_as_the_month(workspace: Workspace, tmp_path: Path) -> None:
    lines = [of_month(month, **STORAGE) for month in ("2026-10", "2026-11", "2028-02", "2100-02")]
    bring(workspace, write(tmp_path / "bill.csv", lines))
    found = dict(rows(workspace, "month", "value", quantity="storage_byte_seconds"))
    per_day = found["2026-10"] / 31
    # A GB is read as it is written: 10^9 bytes.
    assert per_day == pytest.approx(2e9 * DAY_S, rel=1e-12)
    assert {month: round(value / per_day, 9) for month, value in found.items()} == {
        "2026-10": 31, "2026-11": 30, "2028-02": 29, "2100-02": 28,
    }  # fmt: skip


def test_hours_and_amounts_of_a_day_add_up_exactly(workspace: Workspace, tmp_path: Path) -> None:
    hours = [line(ConsumedQuantity="0.1", EffectiveCost="0.1", BilledCost="0.2", ListCost="0.3") for _ in range(10)]
    found = bring(workspace, write(tmp_path / "bill.csv", hours))
    assert found.details["charges"] == 1
    assert rows(workspace, "value", quantity="instance_time") == [(3600.0,)]
    assert rows(workspace, "effective_amount", "billed_amount", "tags", quantity="cost") == [
        (Decimal(1), Decimal(2), '{"kind":"cloud","lines":10}')
    ]


def test_what_nobody_owns_stays_visible(workspace: Workspace, tmp_path: Path) -> None:
    found = bring(workspace, write(tmp_path / "bill.csv", [line(), line(Tags="", ResourceId="")]))
    assert found.details["unallocated"] == [{"currency": "EUR", "effective": "1"}]
    assert rows(workspace, "entity", "application", "resource", quantity="cost") == [
        ("/Amazon Elastic Compute Cloud/-", "", None),
        ("shop/Amazon Elastic Compute Cloud/i-1", "shop", "i-1"),
    ]
    assert (None, date(2026, 10, 1), Decimal(1), "EUR", "cloud", "bill:aws-payer") in costs(workspace)


def test_taxes_credits_and_what_no_rule_knows_keep_their_cost(workspace: Workspace, tmp_path: Path) -> None:
    lines = [
        line(), line(**TAX, BilledCost="0.2", EffectiveCost="0.2"),
        line(ChargeCategory="Credit", BilledCost="-3", EffectiveCost="-3", ConsumedQuantity="", ConsumedUnit=""),
        line(ServiceName="Amazon Nobody Knows", SkuMeter="Nothing", ChargeDescription="x", ConsumedUnit="Wonders",
             SkuPriceDetails="", PricingUnit="Wonders"),
        line(ConsumedQuantity="", PricingQuantity="", ResourceId="i-2"),
    ]  # fmt: skip
    found = bring(workspace, write(tmp_path / "bill.csv", lines))
    coverage = {one["coverage"]: (one["effective"], one["lines"]) for one in found.details["coverage"]}
    assert coverage["no_usage"] == ("-2.8", 2)
    assert coverage["estimated"] == ("1", 1)
    assert coverage["no_quantity"] == ("1", 1)
    assert coverage["no_rule"] == ("1", 1)
    assert set(coverage) == {"no_usage", "estimated", "no_quantity", "no_rule"}
    (money,) = found.details["money"]
    assert (money["effective"], money["covered"]) == ("0.2", pytest.approx(1 / 3))
    assert [row for row in rows(workspace, "quantity", "resource") if row[0] == "instance_time"] == [
        ("instance_time", "i-1")
    ]


def test_currencies_are_kept_apart(workspace: Workspace, tmp_path: Path) -> None:
    found = bring(workspace, write(tmp_path / "bill.csv", [line(), line(BillingCurrency="USD", EffectiveCost="7")]))
    assert [(one["currency"], one["effective"]) for one in found.details["money"]] == [("EUR", "1"), ("USD", "7")]
    assert rows(workspace, "currency", "effective_amount", quantity="cost") == [
        ("EUR", Decimal(1)),
        ("USD", Decimal(7)),
    ]
    assert [(amount, currency) for _, _, amount, currency, _, _ in costs(workspace)] == [
        (Decimal(1), "EUR"),
        (Decimal(7), "USD"),
    ]
    assert rows(workspace, "value", quantity="instance_time") == [(2 * DAY_S,)], "time has no currency"


def test_a_correction_is_netted_and_more_than_was_used_is_told(workspace: Workspace, tmp_path: Path) -> None:
    back = {"ChargeClass": "Correction", "EffectiveCost": "-0.5", "BilledCost": "-0.5"}
    lines = [
        line(), line(ConsumedQuantity="-6", **back),
        line(ResourceId="i-2", ConsumedQuantity="-6", **back), line(**STORAGE),
    ]  # fmt: skip
    found = bring(workspace, write(tmp_path / "bill.csv", lines))
    assert rows(workspace, "resource", "value", quantity="instance_time") == [("i-1", 18 * 3600.0)]
    coverage = {one["coverage"]: (one["effective"], one["lines"]) for one in found.details["coverage"]}
    assert coverage == {"estimated": ("1.5", 3), "negative": ("-0.5", 1)}


@pytest.mark.parametrize("quantity", ["1e20", "240001"])
def test_more_than_can_be_is_left_out_and_told(workspace: Workspace, tmp_path: Path, quantity: str) -> None:
    found = bring(workspace, write(tmp_path / "bill.csv", [line(ConsumedQuantity=quantity), line(ResourceId="i-2")]))
    coverage = {one["coverage"]: one["lines"] for one in found.details["coverage"]}
    assert coverage == {"absurd": 1, "estimated": 1}
    assert rows(workspace, "resource", "value", quantity="instance_time") == [("i-2", DAY_S)]


def test_a_line_of_another_month_counts_on_the_nearest_day_of_its_billing_period(
    workspace: Workspace, tmp_path: Path
) -> None:
    lines = [on(date(2026, 9, 20), ResourceId="late"), on(date(2026, 11, 3), ResourceId="early"), on(31)]
    bring(workspace, write(tmp_path / "bill.csv", lines))
    assert rows(workspace, "resource", "day", quantity="cost") == [
        ("early", date(2026, 10, 31)), ("i-1", date(2026, 10, 31)), ("late", date(2026, 10, 1)),
    ]  # fmt: skip


def test_what_is_shared_is_split_to_the_last_digit(tmp_path: Path) -> None:
    shared = """
[[bills.shared]]
name = "cluster"
resources = ["cluster"]
weights = { shop = 1, portal = 1, loans = 1 }

[[bills.shared]]
name = "network"
resources = ["network"]
by = "cost"
"""
    workspace = project(tmp_path / "project", OWNERS + shared)
    lines = [
        line(ResourceId="cluster", EffectiveCost="0.000000000000001", BilledCost="100"), line(EffectiveCost="1"),
        line(EffectiveCost="3", ResourceId="i-2", Tags='{"application":"portal"}'),
        line(ResourceId="network", EffectiveCost="10"),
        line(ResourceId="network", EffectiveCost="5", BillingCurrency="USD"),
    ]  # fmt: skip
    bring(workspace, write(tmp_path / "bill.csv", lines))
    paid = rows(workspace, "resource", "application", "currency", "effective_amount", "billed_amount", quantity="cost")
    cluster = [row for row in paid if row[0] == "cluster"]
    assert [row[1] for row in cluster] == ["loans", "portal", "shop"]
    assert sum(row[3] for row in cluster) == Decimal("1e-15")
    assert sum(row[4] for row in cluster) == 100
    network = {(row[1], row[2]): row[3] for row in paid if row[0] == "network"}
    # One and three euros, and a third of nothing each; nobody pays dollars himself.
    assert {key: round(amount, 9) for key, amount in network.items()} == {
        ("shop", "EUR"): Decimal("2.5"), ("portal", "EUR"): Decimal("7.5"), ("", "USD"): Decimal(5),
    }  # fmt: skip
    assert sum(amount for (_, currency), amount in network.items() if currency == "EUR") == 10
    times = dict(rows(workspace, "entity", "value", quantity="instance_time"))
    assert sum(value for entity, value in times.items() if entity.endswith("/cluster")) == pytest.approx(
        DAY_S, rel=1e-11
    )


def test_what_others_share_with_us_is_nothing_that_we_pay_ourselves(tmp_path: Path) -> None:
    shared = """
[[bills.shared]]
name = "network"
resources = ["network"]
weights = { shop = 1 }

[[bills.shared]]
name = "logs"
resources = ["logs"]
by = "even"
among = ["shop", "mail"]

[[bills.shared]]
name = "support"
resources = ["support"]
by = "cost"
"""
    workspace = project(tmp_path / "project", OWNERS + shared)
    lines = [
        line(EffectiveCost="100"), line(EffectiveCost="100", ResourceId="i-2", Tags='{"application":"portal"}'),
        line(ResourceId="network", EffectiveCost="200"), line(ResourceId="logs", EffectiveCost="60"),
        line(ResourceId="support", EffectiveCost="100"),
    ]  # fmt: skip
    bring(workspace, write(tmp_path / "bill.csv", lines))
    paid = {
        (row[0], row[1]): row[2]
        for row in rows(workspace, "resource", "application", "effective_amount", quantity="cost")
    }
    # Shop and portal pay 100 themselves, each; mail pays nothing, whatever is shared with it.
    assert paid == {
        ("i-1", "shop"): 100, ("i-2", "portal"): 100, ("network", "shop"): 200, ("logs", "shop"): 30, ("logs", "mail"): 30,
        ("support", "shop"): 50, ("support", "portal"): 50,
    }  # fmt: skip


def test_a_measured_load_goes_before_an_assumed_one(tmp_path: Path) -> None:
    workspace = project(tmp_path / "project", OWNERS + '\n[bills]\nutilisation = "load.csv"\n')
    (tmp_path / "project" / "load.csv").write_text(
        "resource,cpu,from,to\ni-1,0.07,2026-10-05,2026-10-05\n", encoding="utf-8"
    )
    bring(workspace, write(tmp_path / "bill.csv", [on(5), on(6)]))
    told = rows(workspace, "day", "attributes", "method", quantity="vcpu_time")
    loads = {day.day: json.loads(attributes or "{}").get("utilisation") for day, attributes, _ in told}
    assert loads[5] == 0.07
    assert loads[6] != 0.07


def test_an_unknown_region_is_flagged_and_empty(workspace: Workspace, tmp_path: Path) -> None:
    found = bring(workspace, write(tmp_path / "bill.csv", [line(RegionId="moon-1")]))
    assert found.details["unknown_regions"] == [["aws", "moon-1"]]
    assert {row[0] for row in rows(workspace, "region")} == {None}


def test_an_application_that_does_not_exist_is_refused_and_nothing_is_written(
    workspace: Workspace, tmp_path: Path
) -> None:
    bill = write(tmp_path / "bill.csv", [line()])
    for dry_run in (True, False):
        with pytest.raises(UsageError, match="no application 'shop'"):
            bring(workspace, bill, create=False, dry_run=dry_run)
    assert (costs(workspace), rows(workspace, "quantity")) == ([], [])


def test_a_dry_run_tells_all_and_writes_nothing(workspace: Workspace, tmp_path: Path) -> None:
    found = bring(workspace, write(tmp_path / "bill.csv", [line()]), dry_run=True)
    assert (found.rows, found.details["lines"], found.details["physical_rows"]) == (0, 1, 2)
    assert not (workspace.settings.folder / ".lichen" / "ledger").exists()
    assert not (workspace.settings.folder / ".lichen" / "bills").exists()
    assert costs(workspace) == []


def test_rows_are_the_same_in_every_run(tmp_path: Path) -> None:
    lines = [
        on(day, ConsumedQuantity=f"{day / 7}", EffectiveCost=f"{day / 3:.12f}", ResourceId=f"i-{day % 5}")
        for day in range(1, 31)
    ]
    bill = write(tmp_path / "bill.csv", [*lines, *reversed(lines)])
    made = []
    for name in ("a", "b"):
        workspace = project(tmp_path / name)
        bring(workspace, bill)
        made.append(rows(workspace, "activity_id", "value", "effective_amount", "run_id"))
    assert made[0] == made[1]
    assert len({row[0] for row in made[0]}) == len(made[0]), "no two rows have one id"
