# SPDX-License-Identifier: Apache-2.0
"""What a bill tells of a workload: which of its lines are the workload, and what a month of it is when days are missing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from click.testing import CliRunner
from tests.focus_support import STORAGE, TAX, bring, line, of_month, on, project, write

from lichen.cli.app import root as cli
from lichen.errors import UsageError
from lichen.portfolio.scenarios import HOURS, Spread
from lichen.service.bills.days import ToldDays
from lichen.service.context import open_context
from lichen.service.simulate.pricing import Market
from lichen.service.simulate.scenario import FromBill
from lichen.service.simulate.today import Billed, read_billed
from lichen.service.workspace import Workspace

OCTOBER = date(2026, 10, 1)
MARKET = Market("EUR", {"USD": Decimal("0.5")}, ())
DAYS = range(1, 32)
NETWORK = {
    "ServiceCategory": "Networking", "SkuMeter": "EUW3-NatGateway-Hours", "ChargeDescription": "$0.05 per NAT Gateway Hour",
    "SkuPriceDetails": "", "ResourceId": "nat-1",
}  # fmt: skip
BALANCER = {
    "ServiceName": "Elastic Load Balancing", "ServiceCategory": "Networking", "SkuMeter": "EUW3-LoadBalancerUsage",
    "ChargeDescription": "$0.0225 per LoadBalancer-hour", "SkuPriceDetails": "", "ResourceId": "elb-1",
}  # fmt: skip
CLUSTER = {
    "ServiceName": "Amazon Elastic Kubernetes Service", "SkuMeter": "EUW3-AmazonEKS-Hours:perCluster",
    "ChargeDescription": "$0.10 per cluster hour", "SkuPriceDetails": "", "ResourceId": "eks-1",
}  # fmt: skip
CREDITS = {
    "SkuMeter": "EUW3-CPUCredits:t3", "ChargeDescription": "$0.05 per vCPU-Hour of T3 CPU Credits", "SkuPriceDetails": "",
    "ConsumedUnit": "vCPU-Hours", "PricingUnit": "vCPU-Hours",
}  # fmt: skip
QUERIES = {
    "ServiceName": "Amazon Athena", "ServiceCategory": "Analytics", "SkuMeter": "EUW3-DataScannedInTB", "ChargeDescription": "",
    "SkuPriceDetails": "", "ConsumedUnit": "Terabytes", "ConsumedQuantity": "5", "PricingUnit": "Terabytes",
    "ResourceId": "queries",
}  # fmt: skip
GOOGLE = {
    "ProviderName": "Google Cloud", "PublisherName": "Google", "RegionId": "europe-west9", "ServiceName": "Compute Engine",
    "SkuPriceDetails": "", "ResourceId": "vm-1",
}  # fmt: skip
CORES = {
    **GOOGLE, "SkuMeter": "N2 Instance Core running in Paris", "ChargeDescription": "N2 Instance Core running in Paris",
    "ConsumedUnit": "Hours", "ConsumedQuantity": "96",
}  # fmt: skip
FUNCTION = {
    "ServiceName": "AWS Lambda", "SkuMeter": "EUW3-Lambda-GB-Second", "ChargeDescription": "", "SkuPriceDetails": "",
    "ConsumedUnit": "Lambda-GB-Second", "ConsumedQuantity": "100000", "PricingUnit": "Lambda-GB-Second", "ResourceId": "resize",
}  # fmt: skip


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return project(tmp_path / "project")


@contextmanager
def told_days(workspace: Workspace) -> Iterator[ToldDays]:
    context = open_context(workspace)
    yield ToldDays(context.ledger)
    context.store.close()


def billed(workspace: Workspace, folder: Path, lines: list[dict[str, str]], month: date = OCTOBER) -> Billed:
    """What a bill of these lines tells of the application 'shop'."""
    bring(workspace, write(folder / "bill.csv", lines))
    return read(workspace, month)


def read(workspace: Workspace, month: date = OCTOBER) -> Billed:
    context = open_context(workspace)
    try:
        return read_billed(context, FromBill(application="shop", month=month, utilisation=Spread.of(0.25)), MARKET)
    finally:
        context.store.close()


def codes(found: Billed) -> set[str]:
    return {note.code for note in (*found.notes, *found.doubts)}


def cost(found: Billed) -> float:
    return sum(line.money.value for line in found.lines(MARKET))


@pytest.mark.parametrize(
    "beside",
    [NETWORK, BALANCER, CLUSTER, CREDITS, QUERIES],
    ids=["nat", "balancer", "cluster", "credits", "athena"],
)
def test_what_the_provider_runs_beside_is_not_the_workload(
    workspace: Workspace, tmp_path: Path, beside: dict[str, str]
) -> None:
    """Four CPUs that are rented for their peak, a quarter of them busy in the mean, whatever gateway stands before them."""
    found = billed(workspace, tmp_path, [*(on(day) for day in DAYS), *(on(day, **beside) for day in DAYS)])
    need = found.needs["value"]
    assert (need.mean_cpus, need.peak_cpus) == pytest.approx((1.0, 4 * 0.6))
    assert found.machines == pytest.approx(1)
    assert ("billed_apart" in codes(found)) is (beside is QUERIES), "no way of hosting rents queries for an application"
    assert cost(found) == pytest.approx(2 * HOURS / 24), "today is all of the bill"


def test_cores_that_are_rented_by_the_hour_are_machines(workspace: Workspace, tmp_path: Path) -> None:
    lines = [on(day, **CORES) for day in DAYS] + [on(day, **{**CORES, "ResourceId": "vm-2"}) for day in range(1, 11)]
    found = billed(workspace, tmp_path, [*lines, on(20, **{**CORES, "ResourceId": "vm-1"})])
    cpus = 4 * (31 + 10 + 1) / 31
    need = found.needs["value"]
    assert (need.mean_cpus, need.peak_cpus) == pytest.approx((0.25 * cpus, 0.6 * cpus))
    assert found.machines == pytest.approx((31 + 10) / 31), "by name and day"


def test_functions_are_paid_by_use(workspace: Workspace, tmp_path: Path) -> None:
    found = billed(workspace, tmp_path, [on(day, **FUNCTION) for day in DAYS])
    cpus = 100_000 * 0.578858112 / 86_400
    need = found.needs["value"]
    assert (need.mean_cpus, need.peak_cpus) == pytest.approx((0.7 * cpus, 2 * 0.7 * cpus), rel=1e-6)
    assert found.machines == 0


def test_ten_days_of_a_bill_are_a_month_like_them(workspace: Workspace, tmp_path: Path) -> None:
    tax = line(**TAX, EffectiveCost="7", BilledCost="7", ResourceId="")
    found = billed(workspace, tmp_path, [*(on(day, EffectiveCost="4.8") for day in range(1, 11)), tax])
    assert found.needs["value"].peak_cpus == pytest.approx(2.4)
    assert found.machines == pytest.approx(1)
    assert cost(found) == pytest.approx(4.8 * HOURS / 24 + 7), "taxes stand as they are"
    (days,) = [note.facts for note in found.doubts if note.code == "billed_days"]
    assert (days["told"], days["days"]) == (10, 31)
    hours = sum(one.value or 0.0 for one in found.activities if one.quantity == "instance_time") / 3600
    assert hours == pytest.approx(HOURS)


def test_a_bill_that_tells_less_than_another_is_named(workspace: Workspace, tmp_path: Path) -> None:
    whole, part = [on(day) for day in DAYS], [on(day, ResourceId="i-2") for day in range(1, 16)]
    bring(workspace, write(tmp_path / "part.csv", part), source="part")
    found = billed(workspace, tmp_path, whole)
    assert cost(found) == pytest.approx(2 * HOURS / 24), "each is a month like its own days"
    (days,) = [note.facts for note in found.doubts if note.code == "billed_days_by"]
    assert (days["sources"], days["days"]) == ("bill:part (15/31)", 31)
    assert "billed_days" not in codes(found)


def simulated(workspace: Workspace, *flags: str) -> str:
    """What the command says of the application 'shop' in October beside rented machines."""
    path = str(workspace.settings.folder / "lichen.toml")
    call = ["simulate", "--from-bill", "shop", "--month", "2026-10", "--to", "aws:eu-west-3/iaas", "--config", path]
    said = CliRunner().invoke(cli, [*call, "--quiet", *flags])
    assert said.exit_code == 0, said.output
    return said.output.replace("\u00a0", " ").replace("\u202f", " ")


@pytest.mark.parametrize(
    ("rest", "share", "code", "told", "dit"),
    [
        ({"Tax": "10", "Credit": "-4"}, 6 / 126, "not_compared", "6.0 EUR (4.8%) cannot be", "6,0 EUR (4,8 %) ne se comparent"),
        ({"Tax": "10", "Credit": "-40"}, 30 / 120, "not_compared_credit", "take 30 EUR off", "ôtent 30 EUR à la facture"),
    ],
    ids=["taxes", "credits"],
)  # fmt: skip
def test_what_no_way_of_hosting_changes_is_told_beside_the_verdict(
    workspace: Workspace, tmp_path: Path, rest: dict[str, str], share: float, code: str, told: str, dit: str
) -> None:
    """A month's machine at 120 EUR, told on one day, so that nothing is scaled; taxes and credits of 6 or -30 beside it."""
    lines = [
        line(**{**TAX, "ChargeCategory": kind}, EffectiveCost=amount, BilledCost=amount, ResourceId="")
        for kind, amount in rest.items()
    ]
    found = billed(workspace, tmp_path, [on(5, EffectiveCost="120"), *lines])
    amount = sum(map(float, rest.values()))
    assert (found.facts["not_compared"], found.facts["not_compared_share"]) == pytest.approx((amount, share))
    answer = json.loads(simulated(workspace, "--json"))
    (verdict,) = [one for one in answer["verdicts"] if one["code"].startswith("not_compared")]
    assert (verdict["code"], verdict["names"]) == (code, ["today"])
    assert (verdict["facts"]["amount"], verdict["facts"]["share"]) == pytest.approx((abs(amount), share))
    assert told in simulated(workspace, "--lang", "en")
    assert dit in simulated(workspace, "--lang", "fr")


def test_a_bill_of_usage_alone_is_compared_whole(workspace: Workspace, tmp_path: Path) -> None:
    found = billed(workspace, tmp_path, [on(5, EffectiveCost="120")])
    assert "not_compared" not in found.facts
    assert "not_compared" not in simulated(workspace, "--json")


@pytest.mark.parametrize(("month", "days"), [("2026-02", 28), ("2026-10", 31)])
def test_all_months_have_as_many_hours(workspace: Workspace, tmp_path: Path, month: str, days: int) -> None:
    start = date.fromisoformat(f"{month}-01")
    period = {name: of_month(month)[name] for name in ("BillingPeriodStart", "BillingPeriodEnd")}
    lines = [on(start.replace(day=day), EffectiveCost="4.8", **period) for day in range(1, days + 1)]
    kept = on(start.replace(day=5), **{**STORAGE, "EffectiveCost": "2", **period})
    found = billed(workspace, tmp_path, [*lines, kept], start)
    assert cost(found) == pytest.approx(4.8 * HOURS / 24 + 2), "a gigabyte's month costs as much in February"
    assert {"billed_hours", "billed_days"} & codes(found) == {"billed_hours"}


def test_a_month_is_over_once_a_later_one_is_told(workspace: Workspace, tmp_path: Path) -> None:
    october = [on(day) for day in range(1, 29)]
    bring(workspace, write(tmp_path / "october.csv", october))
    with told_days(workspace) as days:
        told = days.of("bill:aws-payer", OCTOBER)
        assert (told.count, told.whole, told.last) == (28, False, date(2026, 10, 28))
    november = [of_month("2026-11")]
    bring(workspace, write(tmp_path / "november.csv", november))
    with told_days(workspace) as days:
        assert days.of("bill:aws-payer", OCTOBER).whole, "nothing ran on the last three days"


@pytest.mark.parametrize("days", [[1], [1, 14], [5], [2, 6, 7, 13, 20, 27]], ids=str)
def test_lines_of_a_whole_month_tell_all_of_it(workspace: Workspace, tmp_path: Path, days: list[int]) -> None:
    found = billed(workspace, tmp_path, [on(day) for day in days])
    assert cost(found) == pytest.approx(len(days))
    assert not {"billed_hours", "billed_days"} & codes(found)


def test_what_has_no_cost_is_said_and_runs_all_the_same(workspace: Workspace, tmp_path: Path) -> None:
    free = {"BilledCost": "", "EffectiveCost": "", "ListCost": ""}
    lines = [*(on(day) for day in DAYS), *(on(day, **{**FUNCTION, **free}) for day in DAYS)]
    found = billed(workspace, tmp_path, lines)
    assert cost(found) == pytest.approx(HOURS / 24)
    (unpriced,) = [note.facts for note in found.doubts if note.code == "billed_unpriced"]
    assert unpriced["services"] == "AWS Lambda"
    assert "today costs more than is told. Services: AWS Lambda." in simulated(workspace)


def test_a_bill_without_any_cost_has_its_region_from_what_runs(workspace: Workspace, tmp_path: Path) -> None:
    free = {"BilledCost": "", "EffectiveCost": "", "ListCost": ""}
    elsewhere = {**free, "RegionId": "eu-central-1", "ResourceId": "i-2"}
    lines = [*(on(day, **free) for day in DAYS), *(on(day, **elsewhere) for day in range(1, 5))]
    found = billed(workspace, tmp_path, lines)
    assert found.region == "aws:eu-west-3"
    assert found.facts == {}
    assert {"billed_free", "billed_unpriced"} <= codes(found)


def test_currencies_are_compared_in_that_of_the_answer(workspace: Workspace, tmp_path: Path) -> None:
    dollars = {"BillingCurrency": "USD", "RegionId": "us-east-1", "EffectiveCost": "3"}
    odd = {"BillingCurrency": "USD", "EffectiveCost": "2", "SkuMeter": "Unheard-Of", "ServiceName": "Unheard Of"}
    lines = [*(on(day, EffectiveCost="2") for day in DAYS), *(on(day, **dollars) for day in DAYS)]
    found = billed(
        workspace, tmp_path, [*lines, *(on(day, **odd, SkuPriceDetails="", ChargeDescription="") for day in DAYS)]
    )
    assert found.region == "aws:eu-west-3", "2 euros are more than 3 dollars of half a euro"
    assert cost(found) == pytest.approx((2 + 1.5 + 1) * HOURS / 24)
    assert found.facts["coverage"] == pytest.approx(3.5 / 4.5)
    context = open_context(workspace)
    try:
        with pytest.raises(UsageError, match="Prices in EUR cannot be told in CHF"):
            read_billed(context, FromBill(application="shop", month=OCTOBER), Market("CHF", {}, ()))
    finally:
        context.store.close()


def test_a_credit_does_not_bend_the_price_of_what_it_is_for(workspace: Workspace, tmp_path: Path) -> None:
    credit = {"ChargeCategory": "Credit", "EffectiveCost": "-10", "BilledCost": "-10", "ConsumedQuantity": ""}
    lines = [on(day, EffectiveCost="4.8") for day in DAYS]
    found = billed(workspace, tmp_path, [*lines, on(5, **credit)])
    (price,) = [one for one in found.prices if one.role == "instance"]
    assert float(price.price) == pytest.approx(0.2)
