# SPDX-License-Identifier: Apache-2.0
"""``lichen power``: its output in both languages, its JSON, and mistakes as one sentence with exit code 2."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from lichen.cli.app import root

Power = Callable[..., Result]
FULL = (
    "--tdp", "280", "--chips", "1", "--threads", "128", "--memory-gb", "512", "--year", "2021", "--vendor", "amd",
)  # fmt: skip


@pytest.fixture
def power(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Power:
    monkeypatch.chdir(tmp_path)
    for name in ("LANG", "LC_ALL", "LC_MESSAGES"):
        monkeypatch.delenv(name, raising=False)
    return lambda *args: CliRunner().invoke(root, ["power", *args], prog_name="lichen")


def document(answer: Result) -> dict[str, Any]:
    assert answer.exit_code == 0, answer.stderr
    content: dict[str, Any] = json.loads(answer.stdout)
    return content


def test_json_has_the_promised_keys(power: Power) -> None:
    content = document(power(*FULL, "--load", "0.5", "--json"))
    assert {"power_w", "low", "high", "basis", "load", "idle_w", "max_w", "curve", "warnings", "validity"} <= set(
        content
    )
    assert content["basis"] == "full"
    assert content["low"] < content["power_w"] < content["high"]
    assert content["idle_w"] < content["power_w"] < content["max_w"]
    assert content["power_w"] == next(point["power_w"] for point in content["curve"] if point["load"] == 0.5)
    assert content["validity"] == {"fitted_years": [2015, 2022], "inside": True}
    assert content["warnings"] == []


def test_a_name_says_as_much_as_its_figures(power: Power) -> None:
    named = document(power("--cpu", "AMD EPYC 7763 64-Core Processor", "--memory-gb", "512", "--load", "0.3", "--json"))
    figures = document(power(*FULL, "--load", "0.3", "--json"))
    assert {key: named[key] for key in ("power_w", "low", "high", "basis")} == {
        key: figures[key] for key in ("power_w", "low", "high", "basis")
    }


def test_without_a_load_the_half_is_taken_and_the_curve_is_printed(power: Power) -> None:
    assert document(power(*FULL, "--json"))["load"] == 0.5
    text = power(*FULL).stdout
    assert [f"{load}%" in text for load in (0, 10, 90, 100)] == [True] * 4
    assert "No load was given" in text
    assert "90%" not in power(*FULL, "--load", "0.5").stdout


def test_a_person_reads_watts_range_and_basis(power: Power) -> None:
    text = power("--cpu", "8370C", "--chips", "2", "--vcpus", "4", "--load", "0.5").stdout
    assert text.startswith("4 vCPU of Intel Xeon Platinum 8370C, 50% busy")
    for words in ("at the wall", "idle", "full load", "whole host", "added by this load", "90 % range"):
        assert words in text
    assert "known: thermal design power, hardware threads, year, maker" in text


def test_french(power: Power) -> None:
    text = power("--lang", "fr", "--cpu", "AMD EPYC", "--vcpus", "2").stdout
    assert "à la prise" in text
    assert "fourchette à 90\u00a0%" in text
    assert "L’hyperviseur ne dit que" in text


def test_this_machine(power: Power) -> None:
    content = document(power("--json"))
    assert content["power_w"] > 0
    assert content["hardware"]["threads"] >= 1


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("--load", "1.5"), ("--load is 1.5.", "Give a share from 0 to 1.")),
        (("--load", "nan"), ("--load is nan.", "Give a share from 0 to 1.")),
        (("--load", "-0.1"), ("--load is -0.1.", "Give a share from 0 to 1.")),
        (("--tdp", "nan"), ("--tdp is nan.", "Give a number above 0.")),
        (("--tdp", "-3"), ("--tdp is -3.", "Give a number above 0.")),
        (("--memory-gb", "inf"), ("--memory-gb is inf.", "Give a number above 0.")),
        (("--tdp", "200", "--chips", "0"), ("--chips is 0.", "Give a whole number from 1.")),
        (("--chips", "2"), ("--chips alone says too little.", "Add --cpu, --tdp or --threads.")),
        (("--tdp", "200", "--vendor", "via"), ("--vendor is 'via'.", "Give one of intel, amd, arm.")),
        (("--tdp", "200", "--year", "21"), ("--year is 21, which no machine has.", "Give 1990 to 2100.")),
        (("--tdp", "1e300"), ("--tdp is 1e+300, which no machine has.", "Give 1 to 10000.")),
        (("--memory-gb", "1e-9"), ("--memory-gb is 1e-09, which no machine has.", "Give 0.01 to 1e+06.")),
        (("--cpu", " "), ("--cpu is empty.", "Give a name such as 'EPYC 7763'.")),
        (("--cpu", "zork"), ("'zork' is not in the catalogue.", "Add --tdp or --threads.")),
        (("--cpu", "7763", "--vendor", "intel"), ("'7763' is a processor of amd, --vendor says intel.", "Leave --vendor out.")),
        (("--cpu", "7763", "--vcpus", "200"), ("--vcpus is 200, and the machine has 128 hardware threads.", "--chips")),
        (("--gpu", "A100"), ("'A100' names no single accelerator.", "NVIDIA A100 SXM4")),
        (("--gpu", "zork"), ("'zork' names no single accelerator.", "Give --gpu-tdp W instead.")),
        (("--gpu-load", "0.3"), ("No accelerator is named.", "Add --gpu NAME or --gpu-tdp W.")),
        (("--gpu", "T4", "--gpu-tdp", "70"), ("--gpu and --gpu-tdp exclude each other.", "Give one of them.")),
        (("--gpu", "T4", "--gpus", "0"), ("--gpus is 0.", "Give a whole number from 1.")),
    ],
)  # fmt: skip
def test_a_mistake_is_one_sentence_with_its_repair(power: Power, args: tuple[str, ...], said: tuple[str, str]) -> None:
    answer = power(*args)
    problem, repair = said
    assert answer.exit_code == 2
    assert answer.stdout == ""
    assert answer.stderr.startswith(f"error: {problem}\nhint: ")
    assert repair in answer.stderr


def test_an_unknown_processor_with_a_size_goes_on_and_says_so(power: Power) -> None:
    content = document(power("--cpu", "AMD EPYC 7764", "--threads", "128", "--json"))
    assert content["basis"] == "threads+vendor"
    assert any("not in the catalogue (nearest: AMD EPYC 7763" in sentence for sentence in content["warnings"])


@pytest.mark.parametrize(
    "args",
    [
        (
            "--tdp",
            "1",
            "--chips",
            "1000",
            "--threads",
            "1",
            "--memory-gb",
            "1000000",
            "--year",
            "1990",
            "--vendor",
            "amd",
        ),
        ("--tdp", "10000", "--chips", "1000", "--threads", "100000", "--memory-gb", "0.01", "--year", "2100"),
        ("--threads", "1", "--vcpus", "0.001", "--vendor", "arm"),
        ("--cpu", "Neoverse-N1", "--vcpus", "100000", "--gpu-tdp", "10000", "--gpus", "10000"),
    ],
)
def test_extremes_give_finite_ordered_figures(power: Power, args: tuple[str, ...]) -> None:
    content = document(power(*args, "--json"))
    assert 0 < content["low"] < content["power_w"] < content["high"] < 1e12
    assert content["idle_w"] <= content["power_w"] <= content["max_w"]
