# SPDX-License-Identifier: Apache-2.0
"""Advice on bills: each rule on lines that were imported, money by hand, impacts against the one computing path."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner
from tests.focus_support import OWNERS, bring, of_month, on, project, write

from lichen.catalogue import machines, successors
from lichen.cli.app import root as cli
from lichen.errors import UsageError
from lichen.outputs.report.bill_advice import as_html
from lichen.portfolio.scenarios import Spread
from lichen.render.bill_advice import BillAdviceText
from lichen.render.i18n import LANGUAGES
from lichen.service.bills.advice import BillAdvice, Piece, Question, advise_bill
from lichen.service.bills.advice.advising import BY_ID, RULES, both
from lichen.service.bills.advice.changing import smaller
from lichen.service.bills.advice.weighing import Saving
from lichen.service.evaluation import evaluate_document
from lichen.service.workspace import Workspace

DAYS = range(1, 32)
MONTH_S = 31 * 86_400.0
RATE = 60.0
LOADS = "resource,cpu\ni-idle,0.02\ni-big,0.2\ni-half,0.45\ndb-1,0.1\n"
SETTINGS = f'{OWNERS}\n[bills]\nutilisation = "loads.csv"\n'


def machine(
    kind: str, name: str, cost: float, *, app: str = "shop", days: range = DAYS, **own: str
) -> Iterator[dict[str, str]]:
    """A machine that runs on some days of October; its list cost is its cost unless it is said."""
    for day in days:
        told = {
            "SkuMeter": f"EUC1-BoxUsage:{kind}", "SkuPriceDetails": json.dumps({"InstanceType": kind}),
            "ChargeDescription": f"$1 per On Demand Linux {kind} Instance Hour", "ResourceId": name, "EffectiveCost": str(cost),
            "BilledCost": str(cost), "ListCost": str(cost), "Tags": json.dumps({"application": app}),
            "RegionId": "eu-central-1",
        }  # fmt: skip
        yield on(day, **{**told, **own})


def thing(meter: str, name: str, amount: float, unit: str, cost: float, **own: str) -> dict[str, str]:
    """A line of something else than a machine, on one day of October."""
    told = {
        "SkuMeter": meter, "SkuPriceDetails": "", "ChargeDescription": "", "ResourceId": name, "ConsumedQuantity": str(amount),
        "ConsumedUnit": unit, "PricingQuantity": str(amount), "PricingUnit": unit, "EffectiveCost": str(cost),
        "BilledCost": str(cost), "ListCost": str(cost), "RegionId": "eu-central-1",
    }  # fmt: skip
    return on(5, **{**told, **own})


def undated(line: dict[str, str]) -> dict[str, str]:
    """A line without its days."""
    return {name: value for name, value in line.items() if not name.startswith(("ChargePeriod", "BillingPeriod"))}


S3 = {"ServiceName": "Amazon Simple Storage Service", "ServiceCategory": "Storage"}
VOLUME = "EUC1-EBS:VolumeUsage.gp2"
LINES = [
    *machine("m4.large", "i-idle", 2.4),
    *machine("m5.xlarge", "i-big", 4.8, ListCost="9.6"),
    *machine("m5.xlarge", "i-half", 4.8, ListCost="9.6"),
    *machine("m5.large", "i-test", 2.4, app="shop-test", ListCost="4.8"),
    *machine("m6g.large", "i-quiet", 2.0, app="web", ListCost="4.0"),
    *machine("m6g.large", "i-batch", 2.0, app="web", days=range(1, 11)),
    thing("EUC1-DataTransfer-Out-Bytes", "i-half", 50, "GB", 4.5),
    thing("USE1-EBS:VolumeUsage.gp2", "vol-alone", 500, "GB-Mo", 50.0, RegionId="us-east-1"),
    thing(VOLUME, "vol-used", 100, "GB-Mo", 11.0),
    thing("EUC1-TimedStorage-ByteHrs", "cold", 1000, "GB-Mo", 23.0, **S3),
    thing("EUC1-TimedStorage-ByteHrs", "seldom", 1000, "GB-Mo", 23.0, **S3),
    thing("EUC1-Requests-Tier2", "seldom", 500, "Requests", 0.01, **S3),
    thing("EUC1-TimedStorage-ByteHrs", "busy", 1000, "GB-Mo", 23.0, **S3),
    thing("EUC1-Requests-Tier2", "busy", 5000, "Requests", 0.01, **S3),
    thing("EUC1-NatGateway-Bytes", "nat-1", 1000, "GB", 45.0),
    thing("EUC1-EUW3-AWS-Out-Bytes", "vpc-1", 200, "GB", 4.0),
    thing(
        "EUC1-DataScannedInTB", "queries", 100, "Terabytes", 500.0, ServiceName="Amazon Athena", ServiceCategory="Analytics"
    ),
    thing("EUC1-Lambda-GB-Second", "resize", 100e6, "Lambda-GB-Second", 4000, ServiceName="AWS Lambda"),
    *machine(
        "db.m5.large", "db-1", 5.0, SkuMeter="EUC1-InstanceUsage:db.m5.large", ServiceCategory="Databases",
        ServiceName="Amazon Relational Database Service", ListCost="10",
    ),
    *(
        of_month(month, **undated(thing("EUC1-EBS:SnapshotUsage", "", stored_gb, "GB-Mo", stored_gb / 20)))
        for month, stored_gb in (("2026-07", 100), ("2026-08", 120), ("2026-09", 150), ("2026-10", 200))
    ),
]  # fmt: skip


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    folder = tmp_path_factory.mktemp("advice")
    made = project(folder / "project", SETTINGS)
    (folder / "project" / "loads.csv").write_text(LOADS, encoding="utf-8")
    bring(made, write(folder / "bill.csv", LINES))
    return made


@pytest.fixture(scope="module")
def found(workspace: Workspace) -> BillAdvice:
    return advise_bill(workspace, Question(hourly_rate=RATE))


def piece(found: BillAdvice, rule: str, resource: str) -> Piece:
    (one,) = [
        one for one in found.pieces if (one.rule.rule_id, one.finding.where.resource) == (rule, resource)
    ]  # fmt: skip
    return one


def money(one: Piece) -> Spread:
    assert one.money is not None
    return one.money


def net(one: Piece) -> Spread:
    assert one.net is not None
    return one.net


def climate(one: Piece) -> Saving:
    assert one.impacts is not None
    return one.impacts["gwp100"]


def of(found: BillAdvice, rule: str) -> set[str]:
    return {one.finding.where.resource for one in found.pieces if one.rule.rule_id == rule}


def carbon(workspace: Workspace, *rows: dict[str, object]) -> float:
    """Grams of activities in Frankfurt, by the document that ``lichen evaluate`` takes."""
    told = [{"entity": "x", "tier": "server", "region": "aws:eu-central-1", **row} for row in rows]
    impacts = evaluate_document(workspace, {"activities": told}, ["lichen-1"])["impacts"]
    return sum(one["value"] for one in impacts if one["indicator"] == "gwp100" and one["accounting"] == "location")


def running(platform: str, load: float | None = None, share: float = 1.0) -> list[dict[str, object]]:
    told = {"platform": platform} if load is None else {"platform": platform, "utilisation": load}
    vcpu = float((machines.find(platform) or {})["vcpu"])
    return [
        {**told, "quantity": "vcpu_time", "value": vcpu * MONTH_S * share},
        {**told, "quantity": "instance_time", "value": MONTH_S * share},
    ]


def test_what_was_measured_as_idle_can_go_with_all_that_it_costs(workspace: Workspace, found: BillAdvice) -> None:
    assert of(found, "idle") == {"i-idle"}
    one = piece(found, "idle", "i-idle")
    assert money(one).value == pytest.approx(31 * 2.4)
    assert net(one).value == pytest.approx(31 * 2.4 - 1 * RATE / 12), "one hour of work, spread over a year"
    expected = carbon(workspace, *running("aws:m4.large", 0.02))
    assert climate(one).value == pytest.approx(expected, rel=1e-12)
    assert one.finding.confidence == "measured"


def test_half_of_the_processors_do_for_twice_the_load(workspace: Workspace, found: BillAdvice) -> None:
    assert of(found, "oversized") == {"i-big"}, "45 % is too busy to halve, 2 % is idle"
    one = piece(found, "oversized", "i-big")
    assert one.finding.facts["to"] == "aws:m5.large"
    expected = carbon(workspace, *running("aws:m5.xlarge", 0.2)) - carbon(workspace, *running("aws:m5.large", 0.4))
    assert climate(one).value == pytest.approx(expected, rel=1e-9)
    # The bill has its own price of m5.large: 2.40 a day against 4.80.
    assert money(one).value == pytest.approx(31 * 2.4)


def test_an_environment_that_is_not_production_runs_in_working_hours(workspace: Workspace, found: BillAdvice) -> None:
    assert of(found, "schedule") == {"i-test"}
    one = piece(found, "schedule", "i-test")
    assert money(one).value == pytest.approx(31 * 2.4 * (1 - 55 / 168))
    spared = 1 - 55 / 168
    assert climate(one).value == pytest.approx(spared * carbon(workspace, *running("aws:m5.large")), rel=1e-9)


def test_a_difference_knows_what_both_sides_share(workspace: Workspace, found: BillAdvice) -> None:
    """Drawn apart, two thirds of a figure would have a range wider than the figure's own."""
    rows = [{"entity": "x", "tier": "server", "region": "aws:eu-central-1", **row} for row in running("aws:m5.large")]
    totals = evaluate_document(workspace, {"activities": rows}, ["lichen-1"])["totals"]
    energy = next(one for one in totals if one["indicator"] == "energy" and one["phase"] == "use")
    saving = (piece(found, "schedule", "i-test").impacts or {})["energy"]
    spared = 1 - 55 / 168
    assert (saving.low, saving.high) == pytest.approx((energy["low"] * spared, energy["high"] * spared), rel=1e-9)


def test_volumes_where_nobody_has_a_machine_hang_on_nothing(found: BillAdvice) -> None:
    assert of(found, "unattached") == {"vol-alone"}
    one = piece(found, "unattached", "vol-alone")
    assert money(one).value == pytest.approx(50)
    assert found.volumes == 1, "of the other one the bill cannot tell"


def test_a_newer_volume_costs_less_and_causes_the_same(found: BillAdvice) -> None:
    assert of(found, "old-volume") == {"vol-alone", "vol-used"}
    one = piece(found, "old-volume", "vol-used")
    assert money(one).value == pytest.approx(11 * 0.2)
    assert (climate(one).value, climate(one).low, climate(one).high) == (0, 0, 0)


def test_objects_go_to_the_class_of_their_requests(found: BillAdvice) -> None:
    told = {
        one.finding.where.resource: one.finding.facts["to"]
        for one in found.pieces
        if one.rule.rule_id == "storage-class"
    }
    assert told == {"cold": "aws:s3-glacier-instant", "seldom": "aws:s3-standard-ia"}, "5 requests a gigabyte stay"
    one = piece(found, "storage-class", "cold")
    assert money(one).value == pytest.approx(23 * (1 - 0.174))


def test_copies_that_doubled_go_back_by_half(found: BillAdvice) -> None:
    (one,) = [one for one in found.pieces if one.rule.rule_id == "snapshots"]
    assert money(one).value == pytest.approx(10 * 0.5, rel=0.02), "July has as many days as October"
    assert one.finding.facts["stored_gb"] == pytest.approx(2 * float(one.finding.facts["earlier_gb"]))


def test_contracts_and_auctions_save_money_alone(found: BillAdvice) -> None:
    assert of(found, "commitment") == {"i-idle"}, "all others are discounted, or do not run every day"
    one = piece(found, "commitment", "i-idle")
    assert money(one).value == pytest.approx(31 * 2.4 * 0.28)
    assert one.impacts is None
    assert of(found, "spot") == {"i-batch"}
    batch = piece(found, "spot", "i-batch")
    assert batch.finding.facts["uneven"] == pytest.approx((21 / 10) ** 0.5), "10 days of 31"
    assert money(batch).value == pytest.approx(20 * 0.6)


def test_generations_and_processors_come_from_the_table(workspace: Workspace, found: BillAdvice) -> None:
    assert piece(found, "old-generation", "i-idle").finding.facts["to"] == "aws:m6i.large"
    one = piece(found, "arm", "i-half")
    assert money(one).value == pytest.approx(31 * 4.8 * 0.15), "m7g costs 85 % of m5"
    expected = carbon(workspace, *running("aws:m5.xlarge", 0.45)) - carbon(workspace, *running("aws:m7g.xlarge", 0.45))
    assert climate(one).value == pytest.approx(expected, rel=1e-9)


def test_little_work_is_cheaper_by_use(found: BillAdvice) -> None:
    one = piece(found, "functions", "i-idle")
    paid_s = 0.02 * 2 * MONTH_S / 0.7
    bill = paid_s * 1769 / 1024 * 0.0000166667 * 0.9
    assert money(one).value == pytest.approx(31 * 2.4 - bill, rel=1e-6)
    assert one.finding.facts["even"] == pytest.approx(0.02 * 31 * 2.4 / bill, rel=1e-6)
    (held,) = [use.value for use in one.finding.after if use.quantity == "memory_byte_seconds"]
    assert held == pytest.approx(paid_s * 1769 * 2**20, rel=1e-6), "a function with one processor has 1,769 MB"


def test_much_work_is_cheaper_on_machines(found: BillAdvice) -> None:
    one = piece(found, "provisioned", "resize")
    busy = 100e6 * 1024 / 1769 / MONTH_S * 0.7
    assert one.finding.facts["to"] == "aws:m6i.xlarge"
    assert one.finding.facts["count"] == -(-busy * 2 / 0.6 // 4) + 1, "twice the mean, 60 % of it used, one to spare"
    assert one.finding.run_hours.value > 0, "people look after machines"
    work = (40 / 12 + one.finding.run_hours.value) * RATE
    assert net(one).value == pytest.approx(money(one).value - work)


def test_queries_go_where_they_cost_less(found: BillAdvice) -> None:
    many = piece(found, "queries-on-machine", "queries")
    assert many.finding.facts["scanned_tb"] == pytest.approx(100)
    assert float(many.finding.facts["even_tb"]) < 100
    few = piece(found, "queries-on-files", "db-1")
    assert few.finding.facts["even_tb"] == pytest.approx(31 * 5 / (5 * 0.9)), "5 USD a terabyte, at 0.9"
    assert few.sure_amount is False


def test_traffic_is_an_upper_bound(found: BillAdvice) -> None:
    gateway, between = piece(found, "gateway-traffic", "nat-1"), piece(found, "between-regions", "vpc-1")
    for one, cost in ((gateway, 45.0), (between, 4.0)):
        assert (money(one).low, money(one).high) == (0, pytest.approx(cost))
        assert climate(one).value is None
        assert climate(one).low == 0 < climate(one).high


def test_silence_on_the_network_is_a_suspicion(found: BillAdvice) -> None:
    assert of(found, "idle-suspected") == {"i-test", "i-quiet"}, (
        "measured ones are known, one has traffic, one ran ten days"
    )
    assert piece(found, "idle-suspected", "i-quiet").finding.confidence == "suspected"


def test_a_cleaner_region_is_told_with_its_water_and_its_latency(found: BillAdvice) -> None:
    moves = [
        one for one in found.pieces if one.rule.rule_id == "region-move" and one.finding.where.application == "shop"
    ]
    move = next(one for one in moves if one.finding.where.region == "aws:eu-central-1")
    assert move.finding.facts["to"] in ("aws:eu-north-1", "aws:eu-west-3", "aws:eu-central-2")
    assert move.finding.latency == "continent"
    assert {"stress", "new_stress"} <= set(move.finding.facts)
    assert climate(move).low > 0
    assert money(move).low < 0 < money(move).high, "prices of the other region are not known"
    assert not move.adds_up


def test_savings_on_one_resource_do_not_add_up(found: BillAdvice) -> None:
    best = [one for one in found.pieces if one.adds_up]
    places = [(one.finding.where.account, one.finding.where.resource) for one in best if one.finding.where.resource]
    assert len(places) == len(set(places))
    idle = [one for one in found.pieces if one.finding.where.resource == "i-idle" and one.best and not one.rule.wide]
    assert [one.rule.rule_id for one in idle] == ["idle"]
    assert found.together.value == pytest.approx(sum(one.money.value for one in best if one.money is not None))
    assert 0 < found.together.value < found.cost.value


def test_nothing_beats_the_front(found: BillAdvice) -> None:
    points = [(one.on_front, mine) for one in found.pieces if (mine := both(one)) is not None]
    front = [mine for on_front, mine in points if on_front]
    assert front
    for on_front, mine in points:
        beaten = any(other != mine and other[0] >= mine[0] and other[1] >= mine[1] for _, other in points)
        assert on_front is not beaten


def test_all_rules_speak_both_languages(found: BillAdvice) -> None:
    assert {one.rule.rule_id for one in found.pieces} >= set(BY_ID) - {"incomplete-uploads"}
    for lang in LANGUAGES:
        text = BillAdviceText(found, lang)
        for line in text.lines():
            assert "{" not in f"{text.told(line)}{text.saves(line)}{line.title}{line.marks}{line.notes}"
        assert text.chart().startswith("<svg")


@pytest.mark.parametrize(
    ("lang", "sentence"),
    [
        ("en", "money and climate: there is no chart."),
        ("fr", "argent et climat à la fois\u00a0: il n’y a pas de graphique."),
    ],
)
def test_one_piece_of_advice_is_no_chart_and_that_is_said(found: BillAdvice, lang: str, sentence: str) -> None:
    numbers = [spot.number for spot in BillAdviceText(found, lang).spots()]
    assert not any(note.endswith(sentence) for note in BillAdviceText(found, lang).notes())
    one = replace(found, pieces=[found.pieces[numbers[0] - 1]])
    assert BillAdviceText(one, lang).chart() == ""
    assert BillAdviceText(one, lang).notes()[-1].endswith(sentence)
    assert sentence in as_html(one, lang).decode()
    assert not any(note.endswith(sentence) for note in BillAdviceText(replace(found, pieces=[]), lang).notes())


def test_an_application_alone(workspace: Workspace) -> None:
    found = advise_bill(workspace, Question(application="web", hourly_rate=RATE))
    assert {one.finding.where.application for one in found.pieces} == {"web"}
    assert found.volumes == 0


@pytest.mark.parametrize(
    ("question", "said"),
    [
        (Question(application="nobody-knows"), "No bill tells of 'nobody-knows'"),
        (Question(month="2026-02"), "No bill tells of 2026-02"),
        (Question(month="October"), "--month is 'October'"),
        (Question(hourly_rate=float("nan")), "--hourly-rate is nan"),
        (Question(hourly_rate=float("inf")), "--hourly-rate is inf"),
        (Question(hourly_rate=1e300), r"--hourly-rate is 1e\+300"),
    ],
)
def test_what_is_not_there_is_said(workspace: Workspace, question: Question, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        advise_bill(workspace, question)


def test_a_bill_without_an_exchange_rate_is_told_in_its_own_currency(tmp_path: Path) -> None:
    made = project(tmp_path / "project", OWNERS)
    bring(made, write(tmp_path / "bill.csv", machine("m4.large", "i-1", 2.4, BillingCurrency="GBP")))
    with pytest.raises(UsageError, match=r"The bill of 20\d\d-\d\d is in GBP") as told:
        advise_bill(made, Question())
    assert "--currency GBP" in str(told.value.repair)
    found = advise_bill(made, Question(currency="GBP", hourly_rate=50))
    assert money(piece(found, "old-generation", "i-1")).value == pytest.approx(31 * 2.4 * 0.04)
    assert money(piece(found, "commitment", "i-1")).value == pytest.approx(31 * 2.4 * 0.28)


def test_trifles_are_counted_and_not_told(tmp_path: Path) -> None:
    made = project(tmp_path / "project", OWNERS)
    bring(
        made,
        write(tmp_path / "bill.csv", [thing("USE1-EBS:VolumeUsage.gp2", "vol", 1, "GB-Mo", 0.1, RegionId="us-east-1")]),
    )
    found = advise_bill(made, Question())
    assert (found.pieces, found.together.value) == ((), 0)
    assert found.untold >= 2, "it hangs on nothing, and has a successor"


def test_the_command_prints_writes_and_refuses(workspace: Workspace, tmp_path: Path) -> None:
    config = ["--config", str(workspace.settings.folder / "lichen.toml")]
    page = tmp_path / "advice.html"
    told = CliRunner().invoke(
        cli, ["advise", "--bill", "shop", "--month", "2026-10", "--format", f"html={page}", *config, "--quiet"]
    )  # fmt: skip
    assert told.exit_code == 0, told.output
    assert "Turn off what does nothing" in told.output
    assert "with --all" in told.output
    html = page.read_text(encoding="utf-8")
    assert all(part in html for part in ("<svg", "i-idle", "<script>"))
    as_json = CliRunner().invoke(cli, ["advise", "--bill", "--json", *config])
    assert json.loads(as_json.stdout)["application"] == "*"
    for wrong in (["advise", "--month", "2026-10"], ["advise", "checkout", "--bill", "shop"]):
        assert CliRunner().invoke(cli, [*wrong, *config]).exit_code == 2


def test_sizes_below_are_of_the_same_family() -> None:
    assert smaller("aws:r5.2xlarge") == "aws:r5.xlarge"
    assert smaller("aws:db.m5.xlarge") == "aws:db.m5.large"
    assert smaller("aws:m5.large") == "", "there is no smaller one"
    assert smaller("aws:lambda") == ""


def test_successors_hold_as_many_processors_or_the_work_is_carried_over() -> None:
    for kind in ("generation", "arm"):
        for key in machines.keys():  # noqa: SIM118 - a function
            found = successors.find(kind, key)
            if found is not None:
                old, new = machines.find(key) or {}, machines.find(found.key) or {}
                assert float(new.get("vcpu", 0.0)) >= 0.85 * float(old.get("vcpu", 0.0)), f"{found.key} for {key}"
                assert 0 < found.low <= found.ratio <= found.high


def test_every_rule_says_who_says_so() -> None:
    assert len({rule.rule_id for rule in RULES}) == len(RULES)
    assert all(rule.url.startswith("https://") and rule.source for rule in RULES)
