# SPDX-License-Identifier: Apache-2.0
"""Unchanged Puppeteer suites: a plain script, Mocha, Jest, Node.js' own runner. Cases against the server's log."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parent / "sites"))
from suites_run import measured, network, on_the_wire, plain
from suites_support import copy
from wire import WireServer

from lichen.collect.suites import Level

pytestmark = [pytest.mark.browser, pytest.mark.beside]

SHOP = ["shop › opens", "shop › loads the list", "shop › sells"]
EXPECTED = {"puppeteer": ["script.js"], "mocha": SHOP, "jest": SHOP}


def without_times(output: str) -> str:
    return re.sub(r" *\(?\d+(\.\d+)? ?m?s\)?(, estimated \d+ s)?", "", output)


@pytest.fixture
def server() -> Iterator[WireServer]:
    with WireServer() as running:
        yield running


@pytest.mark.parametrize("name", EXPECTED)
@pytest.mark.parametrize("fail", [False, True])
def test_cases_add_up_and_the_suite_is_as_ever(name: str, fail: bool, server: WireServer, tmp_path: Path) -> None:
    suite = copy(name, tmp_path, server.url, **({"SHOP_FAIL": "1"} if fail else {}))
    code, output = plain(suite.command, suite.folder, suite.env)
    server.log.clear()
    outcome = measured(suite.command, suite.folder, suite.env)
    assert outcome.code == code
    assert without_times(outcome.output) == without_times(output)
    assert bool(outcome.code) is fail
    assert outcome.reading.level is Level.INJECTED
    assert list(outcome.cases) == EXPECTED[name]
    if EXPECTED[name] is SHOP:
        assert [case.status for case in outcome.reading.cases] == ["passed", "passed", "failed" if fail else "passed"]
        assert {case.file for case in outcome.reading.cases} == {"shop.test.js"}
    rows = network(outcome.reading)
    assert rows[""] == (0, 0)
    assert tuple(map(sum, zip(*rows.values(), strict=True))) == on_the_wire(server)
    assert sum(part.cpu_ns for step in outcome.reading.steps for part in step.readings.values()) == outcome.tree_cpu_ns


def test_the_start_of_the_browser_is_in_no_case(server: WireServer, tmp_path: Path) -> None:
    suite = copy("puppeteer", tmp_path, server.url)
    outcome = measured(suite.command, suite.folder, suite.env)
    case = outcome.cases["script.js"].reading
    window_s = (outcome.last.at_ns - outcome.first.at_ns) / 1e9
    assert case.observed_s + outcome.reading.between.observed_s == pytest.approx(window_s, abs=1e-6)
    assert outcome.reading.between.readings["browser"].cpu_ns > 0.05e9


def test_mocha_runs_in_one_process_although_it_was_told_to_run_in_parallel(server: WireServer, tmp_path: Path) -> None:
    suite = copy("mocha", tmp_path, server.url)
    (suite.folder / ".mocharc.json").write_text('{"parallel": true, "require": ["./early.js"]}')
    (suite.folder / "early.js").write_text("console.log('early')")
    outcome = measured([*suite.command, "--parallel", "--jobs", "2"], suite.folder, suite.env)
    assert outcome.code == 0, outcome.output
    assert outcome.output.count("early") == 1
    assert len(outcome.cases) == 3
    assert tuple(map(sum, zip(*network(outcome.reading).values(), strict=True))) == on_the_wire(server)


OWN_ENVIRONMENT = """
const { TestEnvironment } = require("jest-environment-node");
module.exports = class Own extends TestEnvironment {
  async setup() { await super.setup(); this.global.here = 1; }
  async handleTestEvent(event) { if (event.name === "test_done") process.stdout.write(`own sees ${event.test.name}\\n`); }
};
"""
OWN_TEST = """
/** @jest-environment ./environment.js */
test("own", () => { expect(globalThis.here).toBe(1); });
test.skip("never", () => {});
test.todo("later");
"""


def test_jest_runs_in_one_process_and_keeps_the_projects_environment(server: WireServer, tmp_path: Path) -> None:
    suite = copy("jest", tmp_path, server.url)
    (suite.folder / "environment.js").write_text(OWN_ENVIRONMENT)
    (suite.folder / "own.test.js").write_text(OWN_TEST)
    outcome = measured(
        [*suite.command, "--maxWorkers=2", "--runTestsByPath", "own.test.js", "shop.test.js"], suite.folder, suite.env
    )
    assert outcome.code == 0, outcome.output
    assert "own sees own\n" in outcome.output
    assert sorted(outcome.cases) == sorted(["own", *SHOP])
    assert (outcome.cases["own"].file, outcome.cases["own"].status) == ("own.test.js", "passed")
    assert tuple(map(sum, zip(*network(outcome.reading).values(), strict=True))) == on_the_wire(server)


def test_a_pipe_instead_of_a_port_is_measured_as_well(server: WireServer, tmp_path: Path) -> None:
    suite = copy("puppeteer", tmp_path, server.url)
    script = suite.folder / "script.js"
    script.write_text(script.read_text().replace("args: [", "pipe: true, args: ["))
    outcome = measured(suite.command, suite.folder, suite.env)
    assert outcome.code == 0, outcome.output
    assert network(outcome.reading)["script.js"] == on_the_wire(server)


def test_a_browser_that_nobody_tells_of_is_found_by_its_port(server: WireServer, tmp_path: Path) -> None:
    suite = copy("puppeteer", tmp_path, server.url)
    outcome = measured(["env", "-u", "NODE_OPTIONS", *suite.command], suite.folder, suite.env)
    assert outcome.code == 0, outcome.output
    assert outcome.reading.level is Level.PORT_FOUND
    # Bytes are complete or, when a page had begun to load before the browser was found, unknown: never a part.
    assert network(outcome.reading)["script.js"] in (on_the_wire(server), (None, None))
    assert outcome.last.cpu_ns("browser") > 0


NODE_TEST = """
const assert = require("node:assert");
const { describe, it, test } = require("node:test");
const puppeteer = require("puppeteer-core");

async function open() {
  const browser = await puppeteer.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox"] });
  const page = await browser.newPage();
  await page.goto(`${process.env.BASE_URL}/shop.html`);
  return { browser, page };
}

describe("shop", () => {
  it("opens", async () => {
    const { browser, page } = await open();
    assert.strictEqual(await page.title(), "Shop");
    await browser.close();
  });
});

test("loads", async (t) => {
  const { browser, page } = await open();
  await t.test("the list", async () => {
    await page.click("#load");
    await page.waitForFunction(() => document.querySelector("#size").textContent === "30000");
  });
  await browser.close();
});

test("fails", () => assert.fail());
"""


def test_the_runner_of_node_itself(server: WireServer, tmp_path: Path) -> None:
    suite = copy("puppeteer", tmp_path, server.url)
    (suite.folder / "a.test.js").write_text(NODE_TEST)
    (suite.folder / "b.test.js").write_text("require('node:test').test('other', () => {});")
    outcome = measured(["node", "--test", "--test-concurrency=2"], suite.folder, suite.env)
    assert outcome.code == 1
    told = [(case.name, case.file, case.status) for case in outcome.reading.cases]
    assert told == [
        ("shop › opens", "a.test.js", "passed"),
        ("loads", "a.test.js", "passed"),
        ("fails", "a.test.js", "failed"),
        ("other", "b.test.js", "passed"),
    ]
    rows = network(outcome.reading)
    assert [rows["shop › opens"][0], rows["loads"][0], rows["fails"], rows[""]] == [1, 2, (0, 0), (0, 0)]
    assert tuple(map(sum, zip(*rows.values(), strict=True))) == on_the_wire(server)
