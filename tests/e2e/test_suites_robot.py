# SPDX-License-Identifier: Apache-2.0
"""Unchanged Robot Framework suites: each case's figures against the server's log and the kernel's account."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parent / "sites"))
from suites_checks import check_failure, check_sums, spec_of, with_variables
from suites_run import measured, network, on_the_wire
from suites_support import copy
from wire import WireServer

pytestmark = [pytest.mark.browser, pytest.mark.beside]

CASES = ["Shop › Opens", "Shop › Loads The List", "Shop › Sells"]


@pytest.fixture
def server() -> Iterator[WireServer]:
    with WireServer() as running:
        yield running


def test_cases_add_up_to_the_servers_log_and_to_the_control_group(server: WireServer, tmp_path: Path) -> None:
    outcome = check_sums(copy("robot", tmp_path, server.url), server)
    assert list(outcome.cases) == CASES
    assert {(case.file, case.status) for case in outcome.reading.cases} == {("shop.robot", "passed")}
    assert [network(outcome.reading)[name][0] for name in CASES] == [1, 2, 1]


def test_a_failing_suite_keeps_exit_code_output_and_figures(server: WireServer, tmp_path: Path) -> None:
    outcome = check_failure(copy("robot", tmp_path, server.url, SHOP_FAIL="1"), server, 1)
    assert [case.status for case in outcome.reading.cases] == ["passed", "passed", "failed"]


LISTENER = """
ROBOT_LISTENER_API_VERSION = 3
def end_test(data, result):
    open("listened", "a").write(result.name + chr(10))
"""

WITHOUT_BROWSER = """
*** Test Cases ***
First
    Log    hello
Second
    Skip    not today
"""


def test_options_of_the_user_stay_and_suites_nest(server: WireServer, tmp_path: Path) -> None:
    suite = spec_of(copy("robot", tmp_path, server.url), "own.py", LISTENER)
    spec_of(suite, "tests/inner/plain.robot", WITHOUT_BROWSER)
    suite = with_variables(suite, ROBOT_OPTIONS="--listener own.py --skip none")
    outcome = measured(["python", "-m", "robot", "tests"], suite.folder, suite.env)
    assert outcome.code == 0, outcome.output
    assert (suite.folder / "listened").read_text() == "First\nSecond\n"
    assert {name: case.status for name, case in outcome.cases.items()} == {
        "Tests › Inner › Plain › First": "passed",
        "Tests › Inner › Plain › Second": "skipped",
    }
    assert {case.file for case in outcome.reading.cases} == {"tests/inner/plain.robot"}


def test_parallel_processes_are_reduced_to_one(server: WireServer, tmp_path: Path) -> None:
    suite = copy("robot", tmp_path, server.url)
    spec_of(suite, "other.robot", (suite.folder / "shop.robot").read_text(encoding="utf-8"))
    outcome = measured(["pabot", "--processes", "2", "."], suite.folder, suite.env)
    assert outcome.code == 0, outcome.output
    assert sorted(name.removeprefix("Suite › ") for name in outcome.cases) == sorted(
        f"{file} › {test.partition(' › ')[2]}" for file in ("Other", "Shop") for test in CASES
    )
    assert all(case.reading is not None for case in outcome.reading.cases)
    assert tuple(map(sum, zip(*network(outcome.reading).values(), strict=True))) == on_the_wire(server)
    assert any("one worker" in note for note in outcome.notes)
