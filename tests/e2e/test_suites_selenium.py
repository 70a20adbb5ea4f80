# SPDX-License-Identifier: Apache-2.0
"""Unchanged Selenium suites: each case's figures against the server's log and the kernel's account."""

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

from lichen.collect.suites import Level

pytestmark = [pytest.mark.browser, pytest.mark.beside]

CASES = ["test_opens", "TestList › test_loads", "test_sells"]


@pytest.fixture
def server() -> Iterator[WireServer]:
    with WireServer() as running:
        yield running


def test_cases_add_up_to_the_servers_log_and_to_the_control_group(server: WireServer, tmp_path: Path) -> None:
    outcome = check_sums(copy("selenium", tmp_path, server.url), server)
    assert list(outcome.cases) == CASES
    assert {(case.file, case.status) for case in outcome.reading.cases} == {("test_shop.py", "passed")}
    assert [network(outcome.reading)[name][0] for name in CASES] == [1, 2, 1]
    start = outcome.reading.between.readings["browser"].cpu_ns
    assert start > 0.1e9, "the browser's start belongs to no test case"


def test_a_script_without_a_runner_is_one_case(server: WireServer, tmp_path: Path) -> None:
    outcome = check_sums(copy("selenium/script", tmp_path, server.url), server)
    assert list(outcome.cases) == ["script.py"]


@pytest.mark.parametrize(("name", "code"), [("selenium", 1), ("selenium/script", 7)])
def test_a_failing_suite_keeps_exit_code_output_and_figures(
    name: str, code: int, server: WireServer, tmp_path: Path
) -> None:
    outcome = check_failure(copy(name, tmp_path, server.url, SHOP_FAIL="1"), server, code)
    if name == "selenium":
        assert [case.status for case in outcome.reading.cases] == ["passed", "passed", "failed"]


def test_parallel_workers_are_reduced_to_one(server: WireServer, tmp_path: Path) -> None:
    suite = copy("selenium", tmp_path, server.url)
    outcome = measured([*suite.command, "-n", "2"], suite.folder, suite.env)
    assert outcome.code == 0, outcome.output
    assert list(outcome.cases) == CASES
    assert all(case.reading is not None for case in outcome.reading.cases)
    assert any("in one process" in note for note in outcome.reading.notes)


def test_a_browser_that_nobody_tells_of_is_found_by_its_port(server: WireServer, tmp_path: Path) -> None:
    """An isolated interpreter takes nothing from the environment."""
    suite = copy("selenium/script", tmp_path, server.url)
    text = (suite.folder / "script.py").read_text(encoding="utf-8")
    settled = text.replace("    driver.get(", "    __import__('time').sleep(2)\n    driver.get(")
    assert settled != text
    spec_of(suite, "script.py", settled)
    outcome = measured(["python", "-I", "script.py"], suite.folder, suite.env)
    assert outcome.code == 0, outcome.output
    assert outcome.reading.level is Level.PORT_FOUND
    assert network(outcome.reading)["script.py"] == on_the_wire(server)


ODD = """
import sys
from selenium import webdriver
from selenium.common.exceptions import WebDriverException
from selenium.webdriver.chrome.service import Service
import sitecustomize

options = webdriver.ChromeOptions()
options.binary_location = "/nowhere/chromium"
try:
    webdriver.Chrome(options=options, service=Service("/usr/bin/chromedriver"))
except WebDriverException:
    print("no browser,", sitecustomize.OWN)
"""


def test_a_browser_that_does_not_start_and_an_own_sitecustomize_are_as_without(
    server: WireServer, tmp_path: Path
) -> None:
    suite = spec_of(copy("selenium/script", tmp_path, server.url), "script.py", ODD)
    spec_of(suite, "own/sitecustomize.py", "OWN = 'its own file is loaded'\n")
    suite = with_variables(suite, PYTHONPATH=str(suite.folder / "own"))
    outcome = measured(suite.command, suite.folder, suite.env)
    assert (outcome.code, outcome.output) == (0, "no browser, its own file is loaded\n")
    assert network(outcome.reading)["script.py"] == (None, None)


def test_an_isolated_pytest_runs_as_without(server: WireServer, tmp_path: Path) -> None:
    suite = copy("selenium", tmp_path, server.url)
    outcome = measured(["python", "-I", "-m", "pytest", "-q"], suite.folder, suite.env)
    assert outcome.code == 0, outcome.output
    assert list(outcome.cases) == []
    assert any("-I or -E" in note for note in outcome.notes)
    assert outcome.reading.between.readings["runner"].cpu_ns > 0


KILLER = """
import os
import signal

import pytest
from conftest import start


@pytest.fixture
def driver():
    driver = start()
    yield driver
    driver.quit()


@pytest.mark.parametrize("dies", [False, True, False])
def test_shop(driver, dies):
    driver.get(os.environ["BASE_URL"] + "/shop.html")
    if dies:
        os.kill(driver.capabilities["goog:processID"], signal.SIGKILL)
    assert driver.title == "Shop"
"""


def test_a_killed_browser_fails_its_own_case_and_the_next_gets_another(server: WireServer, tmp_path: Path) -> None:
    suite = spec_of(copy("selenium", tmp_path, server.url), "test_shop.py", KILLER)
    conftest = (suite.folder / "conftest.py").read_text(encoding="utf-8")
    own = conftest.replace('@pytest.fixture(scope="session")\ndef driver():', "def start():").replace(
        "    yield driver\n    driver.quit()\n", "    return driver\n"
    )
    spec_of(suite, "conftest.py", own)
    outcome = measured(suite.command, suite.folder, suite.env)
    assert outcome.code == 1, outcome.output
    assert [case.status for case in outcome.reading.cases] == ["passed", "failed", "passed"]
    assert [case.reading.requests for case in outcome.reading.cases] == [1, 1, 1]
    assert tuple(map(sum, zip(*network(outcome.reading).values(), strict=True))) == on_the_wire(server)
