# SPDX-License-Identifier: Apache-2.0
"""``docs/simulate.md`` says what is so: its outputs are those of its examples, its keys those that files may have."""

from __future__ import annotations

import re
import shlex
from dataclasses import fields
from pathlib import Path

import pytest
from click.testing import CliRunner

from lichen.catalogue import prices
from lichen.cli.app import root as cli
from lichen.service.simulate import reading, workload
from lichen.service.simulate.result import Simulation, Way

ROOT = Path(__file__).resolve().parents[2]
PATH = ROOT / "docs" / "simulate.md"
OUTPUT = re.compile(r"<!-- output: (?P<call>.+?) -->\n```text\n(?P<shown>.*?)```", re.DOTALL)
CALLS = [found["call"] for found in OUTPUT.finditer(PATH.read_text(encoding="utf-8"))]


@pytest.mark.parametrize("call", CALLS)
def test_outputs_are_those_of_the_examples(
    call: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("COLUMNS", "120")
    answer = CliRunner().invoke(cli, ["simulate", *shlex.split(call), "--quiet"], prog_name="lichen")
    assert answer.exit_code == 0, answer.output
    said = "".join(f"{line.rstrip()}\n" for line in f"$ lichen simulate {call}\n{answer.output}".splitlines())
    page = PATH.read_text(encoding="utf-8")
    shown = next(found["shown"] for found in OUTPUT.finditer(page) if found["call"] == call)
    if request.config.getoption("--update-golden"):
        PATH.write_text(
            page.replace(
                f"<!-- output: {call} -->\n```text\n{shown}```", f"<!-- output: {call} -->\n```text\n{said}```"
            )
        )
        return
    assert said == shown, "docs/simulate.md differs: run this test with --update-golden and read the change"


def test_both_examples_are_shown() -> None:
    assert len(CALLS) == 2
    assert {path.name for path in (ROOT / "examples" / "simulate").glob("*.toml")} == {
        Path(shlex.split(call)[1]).name for call in CALLS
    }


def test_every_key_of_a_file_is_told() -> None:
    section = PATH.read_text(encoding="utf-8").partition("## Scenario files")[2].partition("## As JSON")[0]
    told = set(re.findall(r"`([a-z_]+)`", section))
    keys = {
        *workload.WORKLOAD,
        *workload.QUERIES,
        *reading._OWN,
        *reading._MACHINE,
        *reading._BILL,
        *reading._MONEY,
        *reading._OPTION,
    }
    assert {key for key in keys if key not in told and f"{key} = true" not in section} == {"machine"} - told


def test_every_key_of_the_answer_is_told() -> None:
    section = PATH.read_text(encoding="utf-8").partition("## As JSON")[2]
    told = set(re.findall(r"`([a-z_]+)`", section))
    assert {field.name for field in fields(Simulation)} <= told
    plain = {
        "name",
        "architecture",
        "provider",
        "region",
        "zone",
        "today",
        "possible",
        "machines",
        "vcpus",
        "vcpus_peak",
    }
    assert {field.name for field in fields(Way)} - plain <= told


def test_hours_are_those_of_the_table() -> None:
    text = PATH.read_text(encoding="utf-8").replace("\n", " ")
    for way, said in (("owned", "own machines {} hours"), ("iaas", "rented machines {} and"), ("paas", "managed {}"),
                      ("serverless", "functions {}"), ("files", "files {}")):  # fmt: skip
        effort = prices.effort(way, "run", "month")
        assert effort is not None
        assert said.format(f"{effort.hours:g}") in text
