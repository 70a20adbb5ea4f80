# SPDX-License-Identifier: Apache-2.0
"""Answers as a whole: bill, hours, footprint, limits and what is said, from declared workloads, machines and imported bills."""

from __future__ import annotations

import json
import math
from datetime import date
from pathlib import Path

import pytest
from click.testing import CliRunner
from tests.focus_support import STORAGE, bring, line, on, project, write

from lichen.cli.app import root as cli
from lichen.config import load_settings
from lichen.errors import UsageError
from lichen.portfolio.scenarios import HOURS, LEVELS
from lichen.render.i18n import LANGUAGES
from lichen.render.pareto import axis, ticks
from lichen.render.simulation import SimulationText
from lichen.service.evaluation import evaluate_document
from lichen.service.simulate.asking import Question, answer
from lichen.service.simulate.latency import latency
from lichen.service.simulate.result import Simulation
from lichen.service.workspace import Workspace

TODAY = date(2026, 11, 1)
EXAMPLES = Path(__file__).resolve().parents[2] / "examples" / "simulate"
MONEY = "[money]\nhourly_rate = 50\nexchange = { USD = 1.0 }\nas_of = 2026-11-01\n"


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return project(tmp_path / "project")


def ask(workspace: Workspace, folder: Path, text: str) -> Simulation:
    path = folder / "scenario.toml"
    path.write_text(text, encoding="utf-8")
    return answer(workspace, Question(scenario=path), TODAY)


OWN = """
[workload]
requests_per_minute = 60
cpu_ms_per_request = 10
[own]
zone = "FR"
pue = 1.5
electricity_per_kwh = 0.2
hours_per_month = 10
[[own.machine]]
model = "old"
count = 2
power_w = 100
written_off_on = 2024-01-01
"""


def test_written_off_machines_cost_electricity_and_hours(workspace: Workspace, tmp_path: Path) -> None:
    found = ask(workspace, tmp_path, OWN + MONEY)
    (today,) = found.ways
    kwh = 2 * 0.1 * HOURS * 1.5
    assert [today.bill.at(level) for level in LEVELS] == pytest.approx([kwh * 0.2] * 3)
    assert today.full.value == pytest.approx(kwh * 0.2 + 500)
    assert today.impacts["energy"].value == pytest.approx(kwh)
    assert today.impacts["gwp100"].embodied == 0
    assert today.repaid_months is None
    assert [note.code for note in today.notes] == ["written_off", "own_rest"]


def test_machines_that_are_not_written_off_carry_what_making_them_emitted(workspace: Workspace, tmp_path: Path) -> None:
    found = ask(workspace, tmp_path, OWN.replace("2024-01-01", "2028-01-01") + MONEY)
    assert found.ways[0].impacts["gwp100"].embodied > 0
    assert "capital_unknown" in [note.code for note in found.ways[0].notes]


def test_figures_are_those_of_evaluate(workspace: Workspace, tmp_path: Path) -> None:
    """One computing path: the same energy, given to ``lichen evaluate``, has the same figures and ranges."""
    found = ask(workspace, tmp_path, OWN + MONEY).ways[0]
    row = {
        "entity": "own/x", "quantity": "energy", "value": 2 * 0.1 * HOURS * 1.5, "boundary": "facility", "tier": "server",
        "zone": "FR",
    }  # fmt: skip
    document = {"activities": [row], "started_at": "2026-11-01T00:00:00Z", "ended_at": "2026-12-01T00:00:00Z"}
    totals = evaluate_document(workspace, document, ["lichen-1"])["totals"]
    for indicator, impact in found.impacts.items():
        said = [total for total in totals if total["indicator"] == indicator]
        assert math.isclose(impact.value, math.fsum(total["value"] for total in said), rel_tol=1e-12), indicator
        if len(said) == 1:
            assert math.isclose(impact.low, said[0]["low"], rel_tol=1e-9)
            assert math.isclose(impact.high, said[0]["high"], rel_tol=1e-9)


def test_a_bill_is_quantities_times_prices(workspace: Workspace, tmp_path: Path) -> None:
    (tmp_path / "prices.csv").write_text(
        "provider,region,role,key,low,price,high,currency\n"
        "aws,,instance,aws:m6i.large,0.08,0.1,0.12,EUR\naws,,block_storage,,,0.1,,EUR\naws,,load_balancer,,,0.02,,EUR\n"
    )
    text = """
[workload]
requests_per_minute = 600
peak_requests_per_minute = 6000
cpu_ms_per_request = 20
headroom = 0.5
[[option]]
name = "rented"
to = "aws:eu-west-3/iaas"
machine = "m6i.large"
hours_per_month = 3
"""
    found = ask(workspace, tmp_path, text + MONEY + 'prices = "prices.csv"\n').way("rented")
    # 100 requests a second x 20 ms / 0.5 / 2 CPUs = 2 machines and a spare one.
    assert found.machines == 3
    expected = 3 * HOURS * 0.1 + 90 * 0.1 + HOURS * 0.02
    assert found.bill.value == pytest.approx(expected)
    assert found.bill.low == pytest.approx(expected - 3 * HOURS * 0.02)
    assert found.full.value == pytest.approx(expected + 150)
    assert {one.status for one in found.lines} == {"own"}
    assert found.not_covered == ()
    assert found.impacts["energy"].low < found.impacts["energy"].value < found.impacts["energy"].high


def test_a_range_of_the_workload_widens_every_figure(workspace: Workspace, tmp_path: Path) -> None:
    text = '[workload]\nrequests_per_minute = 6000\ncpu_ms_per_request = {}\n[[option]]\nname = "x"\nto = "aws:eu-west-3/paas"\n'
    one = ask(workspace, tmp_path, text.format("20") + MONEY).way("x")
    wide = ask(workspace, tmp_path, text.format("{ low = 10, value = 20, high = 40 }") + MONEY).way("x")
    assert one.bill.value == wide.bill.value
    assert wide.bill.low < one.bill.low < one.bill.high < wide.bill.high
    for indicator, impact in one.impacts.items():
        assert wide.impacts[indicator].value == pytest.approx(impact.value)
        assert wide.impacts[indicator].low < impact.low < impact.high < wide.impacts[indicator].high


def test_break_even_is_where_the_full_costs_are_equal(workspace: Workspace, tmp_path: Path) -> None:
    text = """
[workload]
requests_per_minute = {}
peak_requests_per_minute = 60000
cpu_ms_per_request = 20
[[option]]
name = "use"
to = "aws:eu-west-3/serverless"
hours_per_month = 2
[[option]]
name = "fixed"
to = "aws:eu-west-3/iaas"
hours_per_month = 8
"""
    found = ask(workspace, tmp_path, text.format(30000) + MONEY)
    (even,) = found.break_evens
    assert even.outcome == "at"
    assert even.share is not None
    there = ask(workspace, tmp_path, text.format(30000 * even.share) + MONEY)
    assert there.way("use").full.value == pytest.approx(there.way("fixed").full.value, rel=1e-9)


def test_a_fixed_limit_makes_a_way_impossible_and_a_soft_one_is_told(workspace: Workspace, tmp_path: Path) -> None:
    text = """
[workload]
requests_per_minute = 60000
peak_requests_per_minute = 120000
cpu_ms_per_request = 5
duration_ms_per_request = {}
function_memory_gb = {}
[[option]]
name = "functions"
to = "aws:eu-west-3/serverless"
[[option]]
name = "machines"
to = "aws:eu-west-3/iaas"
"""
    soft = ask(workspace, tmp_path, text.format(1000, 1.769) + MONEY).way("functions")
    met = {(one.service, one.limit): one.outcome for one in soft.limits}
    assert met["functions", "concurrency"] == "passed"  # 2,000 a second x 1 s
    assert soft.possible
    hard = ask(workspace, tmp_path, text.format(1000, 12) + MONEY)
    assert not hard.way("functions").possible
    assert hard.ways[-1].name == "functions"
    assert "functions" not in hard.front


def test_a_rate_that_nobody_said_is_asked_for(workspace: Workspace, tmp_path: Path) -> None:
    money = '[money]\ncurrency = "CHF"\nhourly_rate = 90\n'
    text = f'[workload]\nrequests_per_minute = 60\n{money}[[option]]\nto = "aws:eu-west-3/paas"\n'
    with pytest.raises(UsageError, match="Prices in USD cannot be told in CHF") as refused:
        ask(workspace, tmp_path, text)
    assert "USD = 0.9" in refused.value.repair


@pytest.mark.parametrize(
    ("option", "said"),
    [
        ('to = "aws:eu-west-3/iaas"\nmachine = "m6i.huge"', "no type 'm6i.huge' of aws"),
        ('to = "aws:eu-west-3/iaas"\nmachine = "m6i.24xlarge"', "No price of 'm6i.24xlarge'"),
        ('to = "ovhcloud:gra/serverless"', "No price of functions of 'ovhcloud'"),
        ('to = "aws:eu-west-3/files"', "no requests of visitors"),
    ],
)
def test_what_cannot_be_rented_is_one_sentence(workspace: Workspace, tmp_path: Path, option: str, said: str) -> None:
    with pytest.raises(UsageError, match=said) as refused:
        ask(workspace, tmp_path, f"[workload]\nrequests_per_minute = 60\n{MONEY}[[option]]\n{option}\n")
    assert refused.value.repair


def test_machines_alone_tell_the_workload(workspace: Workspace, tmp_path: Path) -> None:
    text = """
[own]
zone = "FR"
load = 0.25
[[own.machine]]
model = "one"
cpu = "EPYC 7763"
memory_gb = 128
[[option]]
name = "x"
to = "aws:eu-west-3/iaas"
"""
    found = ask(workspace, tmp_path, text + MONEY)
    assert found.cpu_source == "machines"
    assert "from_machines" in [note.code for note in found.notes]
    today = found.way("today")
    assert today.bill.low < today.bill.value < today.bill.high
    assert {"power_modelled", "pue_usual", "capital_unknown"} <= {note.code for note in today.notes}
    with pytest.raises(UsageError, match="Nothing tells how much the machine 'one' computes"):
        ask(workspace, tmp_path, text.replace('cpu = "EPYC 7763"\n', "") + MONEY)
    with pytest.raises(UsageError, match="Of the machine 'one'"):
        ask(workspace, tmp_path, text.replace("EPYC 7763", "Nonesuch 9") + MONEY)


def test_a_bill_tells_what_runs_and_what_it_costs(workspace: Workspace, tmp_path: Path) -> None:
    machine = [on(day, EffectiveCost="4.8", BilledCost="4.8") for day in range(1, 32)]
    store = line(
        **{**STORAGE, "ConsumedQuantity": "100", "PricingQuantity": "100", "EffectiveCost": "2", "BilledCost": "2"}
    )
    bring(workspace, write(tmp_path / "bill.csv", [*machine, store]))
    text = """
[workload]
requests_per_minute = 600
users_in = "FR"
[bill]
application = "shop"
month = "2026-10"
utilisation = 0.25
hours_per_month = 6
[[option]]
name = "same"
to = "aws:eu-west-3/iaas"
machine = "m5.xlarge"
hours_per_month = 6
"""
    found = ask(workspace, tmp_path, text + MONEY)
    today, same = found.way("today"), found.way("same")
    assert today.bill.value == pytest.approx(HOURS / 24 * 4.8 + 2), "a month as long as that of the other ways"
    assert (today.region, today.zone, today.latency) == ("aws:eu-west-3", "FR", "near")
    assert today.machines == pytest.approx(1)
    # 4 CPUs of which a quarter is busy: one CPU all month, whatever was guessed of a request.
    assert found.cpu_source == "bill"
    assert found.facts["cpu_ms_per_request"] == pytest.approx(1000 * HOURS * 3600 / (600 * 60 * HOURS))
    # Rented for its peak: 2.4 CPUs with the usual headroom are one machine, and a spare one.
    assert same.machines == 2
    priced = {(one.role, one.key): one for one in same.lines}
    assert priced["instance", "aws:m5.xlarge"].price == pytest.approx(0.2)
    assert priced["instance", "aws:m5.xlarge"].status == "own"
    assert priced["object_storage", "aws:s3"].money.value == pytest.approx(2.0)
    assert today.impacts["gwp100"].value > 0
    assert 0 <= found.chances["same"] <= 1


def test_a_bill_that_is_not_there_is_one_sentence(workspace: Workspace, tmp_path: Path) -> None:
    question = Question(from_bill="shop", month="2026-10", to=("aws:eu-west-3/iaas",))
    with pytest.raises(UsageError, match="No bill has been imported"):
        answer(workspace, question, TODAY)
    bring(workspace, write(tmp_path / "bill.csv", [line()]))
    with pytest.raises(UsageError, match="in 2026-09") as refused:
        answer(workspace, Question(from_bill="shop", month="2026-09", to=("aws:eu-west-3/iaas",)), TODAY)
    assert "2026-10" in refused.value.repair
    with pytest.raises(UsageError, match="No bill tells of 'shoop'"):
        answer(workspace, Question(from_bill="shoop", month="2026-10", to=("aws:eu-west-3/iaas",)), TODAY)


def test_machines_of_the_portfolio(workspace: Workspace, tmp_path: Path) -> None:
    (tmp_path / "servers.csv").write_text("application,model,count,power_w\nshop,R640,2,100\nother,R740,1,900\n")
    folder = str(workspace.settings.folder / "lichen.toml")
    imported = CliRunner().invoke(
        cli, ["import", "inventory", str(tmp_path / "servers.csv"), "--create", "--config", folder]
    )
    assert imported.exit_code == 0, imported.output
    question = Question(
        from_inventory="shop", zone="FR", to=("aws:eu-west-3/paas",), requests_per_minute=60, cpu_ms=10, hourly_rate=50
    )
    pue = workspace.lookup("facility.pue", "FR").value
    assert answer(workspace, question, TODAY).way("today").impacts["energy"].value == pytest.approx(0.2 * HOURS * pue)
    with pytest.raises(UsageError, match="no machine of 'shoop'"):
        answer(workspace, Question(from_inventory="shoop", to=("aws:eu-west-3/paas",)), TODAY)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "Nothing says where"),
        (["--from-bill", "shop", "--to", "aws:eu-west-3/paas"], "Add --month"),
        (["--month", "2026-10", "--to", "aws:eu-west-3/paas"], "Add --from-bill"),
        (["--from-bill", "shop", "--month", "10/2026", "--to", "aws:eu-west-3/paas"], "--month is '10/2026'"),
        (["--zone", "FR", "--to", "aws:eu-west-3/paas"], "Add --from-inventory"),
        (["--to", "aws:eu-west-3/paas", "--format", "pdf=x"], "is not json=FILE"),
        (["--to", "aws:eu-west-3/paas", "--requests-per-minute", "-3"], "is -3"),
        (["--scenario", "absent.toml"], "cannot be read"),
    ],
)
def test_a_wrong_call_ends_with_2_and_one_sentence(
    arguments: list[str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    found = CliRunner().invoke(cli, ["simulate", *arguments])
    assert found.exit_code == 2
    assert said in found.output
    assert "Traceback" not in found.output


@pytest.mark.parametrize("example", sorted(EXAMPLES.glob("*.toml")), ids=lambda path: path.stem)
def test_examples_run_and_their_files_agree(example: Path, tmp_path: Path) -> None:
    files = [f"--format={kind}={tmp_path / kind}" for kind in ("json", "html", "md")]
    call = [word for file in files for word in file.split("=", 1)]
    found = CliRunner().invoke(cli, ["simulate", "--scenario", str(example), "--json", "--quiet", *call])
    assert found.exit_code == 0, found.output
    printed = json.loads(found.output)
    assert json.loads((tmp_path / "json").read_text(encoding="utf-8")) == printed
    html, md = (tmp_path / "html").read_text(encoding="utf-8"), (tmp_path / "md").read_text(encoding="utf-8")
    for way in printed["ways"]:
        if way["name"] != "today":
            assert way["name"] in html
            assert way["name"].split(",")[0] in md
        assert way["full"]["low"] <= way["full"]["value"] <= way["full"]["high"]
        assert {"gwp100", "energy", "water", "adpe", "pe"} == set(way["impacts"])
        for impact in way["impacts"].values():
            assert impact["low"] <= impact["value"] <= impact["high"]
            assert impact["value"] == pytest.approx(impact["use"] + impact["embodied"])
        assert sum(one["money"]["value"] for one in way["lines"]) == pytest.approx(way["bill"]["value"])
    assert len(html) < 100_000
    assert html.count('class="dot"') == len(printed["ways"])


def test_the_public_service_gains_time_and_no_money() -> None:
    found = answer(Workspace(load_settings(None, env={})), Question(scenario=EXAMPLES / "public-service.toml"), TODAY)
    assert found.facts["requests_per_minute"] == pytest.approx(4000, rel=0.01)
    first = found.verdicts[0]
    assert first.code == "time_gained"
    assert first.facts["bill"] < 0 < first.facts["hours"]


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_sentence_is_said_in_both_languages(workspace: Workspace, tmp_path: Path, lang: str) -> None:
    for example in EXAMPLES.glob("*.toml"):
        text = SimulationText(answer(workspace, Question(scenario=example), TODAY), lang)
        told = [*text.verdicts(), *text.break_evens(), *text.managed(), *text.notes(), *text.facts(), text.heading()]
        for detail in text.details():
            told += [*detail.lines, *detail.facts, *detail.limits, *detail.notes]
        assert all(one.strip() and "{" not in one for one in told)
        assert text.chart().startswith("<svg")


def test_names_cannot_leave_their_place(workspace: Workspace, tmp_path: Path) -> None:
    from lichen.outputs.report.simulation import as_html, as_markdown

    text = '[workload]\nname = "<b>x</b>"\nrequests_per_minute = 60\n'
    option = '[[option]]\nname = "<script>1</script> | [a](b)"\nto = "aws:eu-west-3/paas"\n'
    found = ask(workspace, tmp_path, text + MONEY + option)
    html = as_html(found, "en").decode()
    assert "<script>1" not in html
    assert "<b>x" not in html
    md = as_markdown(found, "en").decode()
    assert "<script>" not in md
    assert "[a](b)" not in md


def test_latency_is_a_class_of_places() -> None:
    assert latency("FR", "FRA") == "near"
    assert latency("US-CAL-CISO", "FR") == "far"
    assert latency("WORLD", "FR") == ""


def test_ticks_of_a_plot_are_round_and_inside() -> None:
    one = axis([(3.0, 10.0, 4200.0)], 0, 100)
    assert all(one.low <= value <= one.high for value in ticks(one))
    assert one.place(one.low) == 0
    assert one.place(one.high) == pytest.approx(100)
