# SPDX-License-Identifier: Apache-2.0
"""Advice on bills that have nothing to change, are not whole, are owed by contract, or are in several currencies."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from pathlib import Path

import pytest
from click.testing import CliRunner
from tests.focus_support import OWNERS, bring, line, of_month, on, project, write

from lichen.cli.app import root as cli
from lichen.errors import UsageError
from lichen.render.bill_advice import BillAdviceText
from lichen.service.bills.advice import BillAdvice, Piece, Question, advise_bill
from lichen.service.workspace import Workspace

SETTINGS = f'{OWNERS}\n[bills]\nutilisation = "loads.csv"\n'
DAYS = range(1, 32)
RATE = 60.0
OLD = {
    "SkuMeter": "EUW3-BoxUsage:m4.xlarge", "SkuPriceDetails": "", "EffectiveCost": "10", "BilledCost": "10", "ListCost": "10",
    "ChargeDescription": "$0.222 per On Demand Linux m4.xlarge Instance Hour",
}  # fmt: skip


def imported(folder: Path, lines: Iterable[dict[str, str]], loads: str = "") -> Workspace:
    made = project(folder / "project", SETTINGS if loads else OWNERS)
    if loads:
        (folder / "project" / "loads.csv").write_text(f"resource,cpu\n{loads}\n", encoding="utf-8")
    bring(made, write(folder / "bill.csv", lines))
    return made


def rules(found: BillAdvice) -> set[str]:
    return {piece.rule.rule_id for piece in found.pieces}


def piece(found: BillAdvice, rule: str) -> Piece:
    (one,) = [one for one in found.pieces if one.rule.rule_id == rule]
    return one


def current(load: str = "0.6", **changed: str) -> tuple[list[dict[str, str]], str]:
    """A busy, current machine, its volume, its bucket and an idle gateway, in the cleanest region, at a negotiated price."""
    part = {
        "kind": "m7g.xlarge", "volume": "gp3", "region": "eu-north-1", "listed": "5", "requests": "5000", "gateway": "0",
        "application": "shop", **changed,
    }  # fmt: skip
    costs = {
        "RegionId": part["region"], "EffectiveCost": "3", "BilledCost": "3", "ListCost": part["listed"],
        "Tags": f'{{"application":"{part["application"]}"}}',
    }  # fmt: skip
    machine = {"SkuMeter": f"BoxUsage:{part['kind']}", "SkuPriceDetails": f'{{"InstanceType":"{part["kind"]}"}}'}
    others = [
        (f"EBS:VolumeUsage.{part['volume']}", "vol-1", "3", "GB-Mo"), ("DataTransfer-Out-Bytes", "i-1", "5", "GB"),
        ("TimedStorage-ByteHrs", "bucket", "4", "GB-Mo"), ("Requests-Tier2", "bucket", part["requests"], "Requests"),
        ("NatGateway-Hours", "nat-1", "24", "Hours"), ("NatGateway-Bytes", "nat-1", part["gateway"], "GB"),
    ]  # fmt: skip
    lines = []
    for day in DAYS:
        lines.append(on(day, **costs, **machine))
        for meter, name, amount, unit in others:
            service = "Amazon Simple Storage Service" if name == "bucket" else "Amazon Elastic Compute Cloud"
            told = {
                "SkuMeter": meter,
                "ResourceId": name,
                "ServiceName": service,
                "ChargeDescription": "",
                "SkuPriceDetails": "",
            }
            amounts = {"ConsumedQuantity": amount, "PricingQuantity": amount, "ConsumedUnit": unit, "PricingUnit": unit}
            lines.append(on(day, **costs, **told, **amounts))
    return lines, f"i-1,{load}"


def test_where_nothing_is_to_change_no_rule_finds_anything(tmp_path: Path) -> None:
    found = advise_bill(imported(tmp_path, *current()), Question(hourly_rate=RATE))
    assert (found.pieces, found.untold, found.days_told) == ((), 0, None)
    assert found.loads == 1
    assert found.cost.value >= 31 * 6 * 3, "all of it was looked at"
    assert BillAdviceText(found, "en").heading() == "All bills, 2026-10: no rule found anything to change"


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"load": "0.02"}, {"idle", "functions"}),
        ({"load": "0.3"}, {"oversized"}),
        ({"kind": "m4.xlarge"}, {"old-generation", "arm"}),
        ({"volume": "gp2"}, {"old-volume"}),
        ({"requests": "0.1"}, {"storage-class"}),
        ({"gateway": "10"}, {"gateway-traffic"}),
        ({"listed": "3"}, {"commitment"}),
        ({"application": "shop-test"}, {"schedule"}),
        ({"region": "eu-central-1"}, {"region-move"}),
    ],
    ids=lambda one: next(iter(one)) if isinstance(one, dict) else "",
)
def test_a_change_of_that_bill_is_seen_by_its_own_rule_alone(
    tmp_path: Path, changed: dict[str, str], expected: set[str]
) -> None:
    found = advise_bill(imported(tmp_path, *current(**changed)), Question(hourly_rate=RATE))
    assert rules(found) == expected
    assert found.untold == 0


def test_three_days_are_a_month_like_them_and_tell_no_pattern(tmp_path: Path) -> None:
    found = advise_bill(imported(tmp_path, [on(day, **OLD) for day in (1, 2, 3)]), Question(hourly_rate=RATE))
    assert found.days_told == 3
    assert found.cost.value == pytest.approx(31 * 10)
    newer = piece(found, "old-generation")
    assert newer.money is not None
    assert newer.money.value == pytest.approx(310 * 0.04)
    assert newer.finding.facts["hours"] == pytest.approx(744)
    assert rules(found) <= {"old-generation", "arm", "region-move"}, (
        "three days are neither steady nor uneven, nor silent"
    )
    note = "The bills tell 3 days of the month: every figure is that of a whole month like these."
    assert note in BillAdviceText(found, "en").notes()
    assert found.to_json()["days_told"] == 3


def test_days_that_are_not_told_are_no_days_without_use(tmp_path: Path) -> None:
    lines = [
        *(on(day, **OLD) for day in range(1, 16)),
        *(on(day, **{**OLD, "ResourceId": "i-2"}) for day in range(1, 4)),
    ]
    found = advise_bill(imported(tmp_path, lines), Question(hourly_rate=RATE))
    assert found.days_told == 15
    assert {one.finding.where.resource for one in found.pieces if one.rule.rule_id == "spot"} == {"i-2"}, "three of 15"
    assert {one.finding.where.resource for one in found.pieces if one.rule.rule_id == "commitment"} == {"i-1"}


@pytest.mark.parametrize(
    ("days", "sources", "told"),
    [
        ({"part": 15}, 1, "One bill does not tell all days of the month: bill:part (15/31). Its figures are"),
        (
            {"part": 15, "less": 3},
            2,
            "2 bills do not tell all days of the month: bill:less (3/31), bill:part (15/31). Their",
        ),
    ],
    ids=["one", "two"],
)
def test_bills_that_tell_less_than_another_are_named(
    tmp_path: Path, days: dict[str, int], sources: int, told: str
) -> None:
    """A bill of all days for 310 EUR a month, and others that are as much a month though they tell a part of it."""
    made = imported(tmp_path, [on(day, **OLD) for day in range(1, 32)])
    for name, count in days.items():
        part = [on(day, **{**OLD, "ResourceId": name}) for day in range(1, count + 1)]
        bring(made, write(tmp_path / f"{name}.csv", part), source=name)
    found = advise_bill(made, Question(month="2026-10", hourly_rate=RATE))
    assert (found.days_told, found.days_by_source) == (
        min(days.values()),
        {"bill:aws-payer": 31} | {f"bill:{one}": count for one, count in days.items()},
    )
    assert found.cost.value == pytest.approx((1 + sources) * 310)
    assert found.to_json()["days_by_source"] == dict(found.days_by_source)
    (note,) = [one for one in BillAdviceText(found, "en").notes() if "days of the month" in one]
    assert note.startswith(told)
    assert any("(15/31)" in one for one in BillAdviceText(found, "fr").notes())


def test_the_newest_whole_month_goes_before_the_running_one(tmp_path: Path) -> None:
    september = [
        {
            **of_month("2026-09", **OLD),
            **{k: v for k, v in on(date(2026, 9, day)).items() if k.startswith("ChargePeriod")},
        }
        for day in range(1, 31)
    ]
    made = imported(tmp_path, [*september, *(on(day, **OLD) for day in (1, 2, 3))])
    assert advise_bill(made, Question()).month == date(2026, 9, 1)
    asked = advise_bill(made, Question(month="2026-10"))
    assert (asked.month, asked.days_told) == (date(2026, 10, 1), 3)


def test_a_line_of_a_month_is_no_batch_of_one_day(tmp_path: Path) -> None:
    whole = {"ConsumedQuantity": "744", "PricingQuantity": "744", "ChargePeriodStart": "2026-10-01T00:00:00Z"}
    found = advise_bill(
        imported(tmp_path, [line(**OLD, **whole, ChargePeriodEnd="2026-11-01T00:00:00Z")]), Question(hourly_rate=RATE)
    )
    assert found.days_told is None
    assert "old-generation" in rules(found)
    assert not {"spot", "commitment", "schedule"} & rules(found)


@pytest.mark.parametrize(
    ("costs", "owed"),
    [
        ({"EffectiveCost": "3", "BilledCost": "0", "ListCost": "4.6"}, True),
        ({"EffectiveCost": "3", "BilledCost": "4.6", "ListCost": "4.6"}, True),
        ({"EffectiveCost": "3", "BilledCost": "3", "ListCost": "4.6"}, False),
        ({"EffectiveCost": "3", "BilledCost": "3", "ListCost": ""}, False),
    ],
    ids=["reserved", "savings-plan", "auction", "no-list-price"],
)
def test_what_a_contract_pays_is_an_upper_bound(tmp_path: Path, costs: dict[str, str], owed: bool) -> None:
    made = imported(tmp_path, [on(day, **costs) for day in DAYS], "i-1,0.01")
    found = advise_bill(made, Question(application="shop", hourly_rate=RATE))
    idle = piece(found, "idle")
    assert idle.money is not None
    assert idle.money.high == pytest.approx(93)
    assert idle.money.low == (0 if owed else pytest.approx(93))
    assert idle.sure_amount is not owed
    assert idle.finding.contract is owed
    assert (found.together.value == 0) is owed
    assert idle.impacts is not None
    assert idle.impacts["gwp100"].value is not None, "what is turned off runs no longer, whoever pays"
    text = BillAdviceText(found, "en")
    line_of = next(one for one in text.lines() if one.title.startswith("Turn off"))
    assert any(note.startswith("A contract pays for it") for note in line_of.notes) is owed
    assert line_of.money.startswith("at most") is owed


def test_the_currency_of_another_month_does_not_matter(tmp_path: Path) -> None:
    made = imported(tmp_path, [of_month("2026-09", **OLD, BillingCurrency="CHF"), of_month("2026-10", **OLD)])
    assert advise_bill(made, Question()).month == date(2026, 10, 1)
    with pytest.raises(
        UsageError, match=r"The bill of 20\d\d-\d\d is in CHF, and no exchange rate of CHF to EUR is known"
    ) as told:
        advise_bill(made, Question(month="2026-09"))
    assert "--currency CHF --hourly-rate N, or say the rate" in str(told.value.repair)


def test_a_bill_in_two_currencies_is_told_in_one(tmp_path: Path) -> None:
    swiss = {**OLD, "BillingCurrency": "CHF", "ResourceId": "i-2"}
    made = imported(tmp_path, [*(on(day, **OLD) for day in DAYS), *(on(day, **swiss) for day in DAYS)])
    with pytest.raises(UsageError, match=r"The bill of 20\d\d-\d\d is in CHF and EUR") as told:
        advise_bill(made, Question())
    assert str(told.value.repair) == "Say the rate, EUR for one CHF: --exchange CHF=0.9."
    assert advise_bill(made, Question(exchange=("CHF=1.1",))).cost.value == pytest.approx(310 + 341)
    config = ["--config", str(made.settings.folder / "lichen.toml"), "--quiet"]
    said = CliRunner().invoke(cli, ["advise", "--bill", "shop", "--exchange", "CHF=1.1", *config])
    assert said.exit_code == 0, said.output


@pytest.mark.parametrize("said", ["CHF", "CHF=", "CHF=0", "chf=1.1", "CHF=-1", "CHF=1e3"])
def test_a_rate_that_is_none_is_refused(tmp_path: Path, said: str) -> None:
    made = imported(tmp_path, [of_month("2026-10", **OLD)])
    with pytest.raises(UsageError, match="--exchange is"):
        advise_bill(made, Question(exchange=(said,)))
