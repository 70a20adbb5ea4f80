# SPDX-License-Identifier: Apache-2.0
"""Scenario files: what they say, and one sentence for each mistake."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from lichen.errors import ConfigError, LichenError, UsageError
from lichen.portfolio.scenarios import HOURS, Spread
from lichen.service.simulate.reading import parse_place, read_scenario
from lichen.service.simulate.scenario import Scenario

TODAY = date(2026, 11, 1)
OPTION = '[[option]]\nto = "aws:eu-west-3/paas"\n'


def read(folder: Path, text: str) -> Scenario:
    path = folder / "scenario.toml"
    path.write_text(text, encoding="utf-8")
    return read_scenario(path, TODAY)


def test_a_workload_of_page_views(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        "[workload]\npage_views_per_month = 1_000_000\nrequests_per_page_view = 10\npeak_requests_per_minute = 600\n"
        "cpu_ms_per_request = { low = 10, value = 20, high = 40 }\nresponse_kb = 5\nheadroom = 0.5\n" + OPTION,
    )
    demand = found.demand["value"]
    assert demand.requests == 10_000_000
    assert demand.peak_requests_per_s == 10
    assert demand.cpu_s == pytest.approx(200_000)
    assert demand.peak_cpus == pytest.approx(0.2)
    assert demand.egress_gb == pytest.approx(50)
    assert demand.load_most == 0.5
    assert found.demand["high"].cpu_s == pytest.approx(400_000)
    assert found.cpu_source == "given"


def test_requests_a_minute_are_those_of_the_mean_month(tmp_path: Path) -> None:
    found = read(tmp_path, "[workload]\nrequests_per_minute = 60\n" + OPTION)
    assert found.demand["value"].requests == 60 * 60 * HOURS
    assert found.demand["value"].peak_requests_per_s == pytest.approx(2)
    assert found.cpu_source == "assumed"


def test_the_cpu_time_of_a_request_may_be_measured(tmp_path: Path) -> None:
    def row(quantity: str, value: float, samples: list[float], **more: Any) -> dict[str, Any]:
        return {"entity": "shop/x/j/s", "quantity": quantity, "value": value, "samples": samples, **more}

    rows = [
        row("cpu_time", 0.3, [0.2, 0.4], tier="server"),
        row("cpu_time", 0.1, [0.1, 0.1], tier="server"),
        row("cpu_time", 9.0, [9.0, 9.0], tier="device"),
        row("requests", 20.0, [20.0, 20.0], tier="device"),
    ]
    (tmp_path / "run.json").write_text(json.dumps({"activities": rows}))
    text = '[workload]\nrequests_per_minute = 60\ncpu_measured_in = "run.json"\n' + OPTION
    found = read(tmp_path, text)
    requests = found.demand["value"].requests
    # 0.4 s over 20 requests are 20 ms; the repetitions took 15 and 25.
    assert [found.demand[level].cpu_s / requests for level in ("low", "value", "high")] == pytest.approx(
        [0.015, 0.02, 0.025]
    )
    assert found.cpu_source == "measured"
    (tmp_path / "run.json").write_text(json.dumps({"activities": rows[2:]}))
    with pytest.raises(ConfigError, match="measured no server part"):
        read(tmp_path, text)


def test_machines_of_an_inventory(tmp_path: Path) -> None:
    (tmp_path / "servers.csv").write_text("model;count;power_w;written_off_on\nR640;2;180;2024-01-31\n")
    found = read(
        tmp_path, '[workload]\nrequests_per_minute = 1\n[own]\ninventory = "servers.csv"\nzone = "FR"\n' + OPTION
    )
    assert found.own is not None
    (machine,) = found.own.machines
    assert (machine.model, machine.count, machine.power_w, machine.written_off_on) == (
        "R640",
        2,
        180,
        date(2024, 1, 31),
    )


def test_money_is_declared(tmp_path: Path) -> None:
    money = '[money]\ncurrency = "chf"\nhourly_rate = 90\nexchange = { USD = 0.8 }\nas_of = 2026-03-01\n'
    found = read(tmp_path, f"[workload]\nstorage_gb = 1\n{money}{OPTION}")
    assert (found.currency, found.rate, found.rate_assumed) == ("CHF", Spread.of(90), False)
    assert found.as_of == date(2026, 3, 1)
    assert {code: float(rate) for code, rate in found.exchange.items()} == {"USD": 0.8}


W = "[workload]\nrequests_per_minute = 60\n"


@pytest.mark.parametrize(
    ("text", "said", "repair"),
    [
        ("[workload\n", "is not TOML", "Repair that line"),
        (W + OPTION + "[option.x]\n", "no key 'option.0.x'", "Keys"),
        (W + "requests_per_minit = 1\n" + OPTION, "no key 'workload.requests_per_minit'", "requests_per_minute"),
        ("[wrokload]\n" + OPTION, "no key 'wrokload'", "workload"),
        ("workload = 3\n" + OPTION, "'workload' is no table", "Write"),
        (OPTION, "asks for nothing", "requests_per_minute"),
        ("[workload]\nrequests_per_minute = 'many'\n" + OPTION, "is no number", "Write a number"),
        ("[workload]\nrequests_per_minute = nan\n" + OPTION, "is no number", "Write a number"),
        ("[workload]\nrequests_per_minute = -1\n" + OPTION, "is -1", "from 0"),
        (W + "peak_requests_per_minute = 10\n" + OPTION, "is below their mean", "Correct"),
        ("[workload]\npeak_requests_per_minute = 10\n" + OPTION, "without their number", "requests_per_minute"),
        (W + "requests_per_page_view = 2\n" + OPTION, "by the minute and by the page view", "Keep one"),
        ("[workload]\nrequests_per_page_view = 2\n" + OPTION, "without page views", "page_views_per_month"),
        (W + "cpu_ms_per_request = { low = 3, value = 2, high = 4 }\n" + OPTION, "not between", "in order"),
        (W + "cpu_ms_per_request = { low = 3, value = 4 }\n" + OPTION, "not just low, value and high", "low = 1"),
        (W + "cpu_ms_per_request = 1\ncpu_measured_in = 'x'\n" + OPTION, "given and measured", "Keep one"),
        (W + "response_kb = 1\negress_gb_per_month = 1\n" + OPTION, "by the month and by the answer", "Keep one"),
        (W + "spare = 1.5\n" + OPTION, "workload.spare is 1.5", "whole number"),
        (W + "cpu_ms_per_request = 0\n" + OPTION, "cpu_ms_per_request is 0", "from 0.001"),
        ("[workload]\nrequests_per_minute = 1e12\n" + OPTION, "is 1e+12", "to 1e+09"),
        (W + "headroom = 1\n" + OPTION, "workload.headroom is 1", "0.95"),
        (W + "[queries]\nper_month = 1\n" + OPTION, "queries.data_gb is missing", "data_gb = 100"),
        (W + "[own]\n" + OPTION, "has not just one of own.inventory", "Give one"),
        (W + "[[own.machine]]\nmodel = 'x'\ncount = 0\n" + OPTION, "No machine is owned", "Name one"),
        (W + "[own]\napplication = 'shop'\n" + OPTION, "portfolio has no machine of 'shop'", "import inventory"),
        (W + "[bill]\napplication = 'shop'\n" + OPTION, "bill.month is missing", "2026-10"),
        (W + "[bill]\napplication = 'shop'\nmonth = 'soon'\n" + OPTION, "bill.month is 'soon', no date", "2026-10-31"),
        (W + "[money]\ncurrency = 'euro'\n" + OPTION, "money.currency is 'EURO'", "ISO 4217"),
        (W + "[money]\ncurrency = 'CHF'\n" + OPTION, "money.hourly_rate is missing", "in CHF"),
        (W + "[money]\nexchange = { USD = 0 }\n" + OPTION, "money.exchange.USD is 0", "from"),
        (W + "[[option]]\n", "option.0.to is missing", "to ="),
        (W + "option = 1\n", "option", ""),
        (W + OPTION + OPTION, "Two [[option]] are called", "Rename"),
        (W + OPTION + 'name = "today"\n', "is called 'today'", "today = true"),
        (W + OPTION + "today = 1\n", "neither true nor false", "true"),
        (W + OPTION + "today = true\n[[own.machine]]\nmodel = 'x'\n", "tells twice how the workload runs today", "Keep one"),
        (W + '[[option]]\nto = "aws:eu-west-3/pass"\n', "'pass' is no way of hosting", "paas"),
        (W + '[[option]]\nto = "aws:eu-west-33/paas"\n', "no region 'aws:eu-west-33'", "eu-west-3"),
        (W + '[[option]]\nto = "aws"\n', "no place and way", "aws:eu-west-3/paas"),
    ],
)  # fmt: skip
def test_a_mistake_is_one_sentence_with_its_repair(tmp_path: Path, text: str, said: str, repair: str) -> None:
    with pytest.raises(LichenError) as refused:
        read(tmp_path, text)
    assert refused.value.exit_code == 2
    assert said in refused.value.problem
    assert repair in refused.value.repair
    assert "\n" not in refused.value.problem


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        read_scenario(tmp_path / "absent.toml", TODAY)
    (tmp_path / "latin.toml").write_bytes(b"# caf\xe9\n")
    with pytest.raises(ConfigError, match="not UTF-8"):
        read_scenario(tmp_path / "latin.toml", TODAY)
    with pytest.raises(ConfigError, match="cannot be read"):
        read_scenario(tmp_path, TODAY)


def test_a_provider_without_prices_is_refused_with_those_that_have_some() -> None:
    with pytest.raises(UsageError, match="no prices of 'oci'") as refused:
        parse_place("oci:eu-frankfurt-1/iaas")
    assert "aws" in refused.value.repair
