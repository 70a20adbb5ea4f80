# SPDX-License-Identifier: Apache-2.0
"""Unchanged Playwright suites, JavaScript and Python: each case's figures against the server's log and the kernel's account."""

from __future__ import annotations

import importlib.util
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parent / "sites"))
from suites_run import Outcome, measured, network, on_the_wire, plain
from suites_support import Copy, copy
from wire import WireServer

from lichen.collect.suites import Level

pytestmark = [pytest.mark.browser, pytest.mark.beside]

ROOT = Path(__file__).parents[2]
SPEC = importlib.util.spec_from_file_location("benchmarks_edges", ROOT / "benchmarks" / "edges.py")
assert SPEC is not None
assert SPEC.loader is not None
edges = importlib.util.module_from_spec(SPEC)
sys.modules[SPEC.name] = edges
SPEC.loader.exec_module(edges)


@pytest.fixture
def server() -> Iterator[WireServer]:
    with WireServer() as running:
        yield running


@pytest.fixture
def group() -> Iterator[Any]:
    with edges.CGroup.create() as made:
        if made is None:
            pytest.skip("no control group can be made here (needs root, or a delegated group)")
        yield made


def with_spec(suite: Copy, text: str, file: str = "shop.spec.js") -> Copy:
    (suite.folder / file).write_text(text)
    return suite


def without_times(output: str) -> list[str]:
    """Durations differ between any two runs, and so do the attempts that an expectation made until its time was over."""
    lines = [line.strip() for line in output.splitlines() if not re.search("×|unexpected value|locator resolved", line)]
    return [re.sub(r"\(?\d+([.]\d+)?m?s\)?", "", line) for line in lines]


def bytes_of_cases(outcome: Outcome) -> int:
    return sum(case.reading.network_bytes for case in outcome.reading.cases)


EXPECTED = {
    "playwright": ["shop › opens", "shop › loads the list", "shop › sells"],
    "playwright-python": ["test_opens[chromium]", "TestList › test_loads[chromium]", "test_sells[chromium]"],
    "playwright-python/script": ["script.py"],
}


@pytest.mark.parametrize("name", EXPECTED)
def test_cases_add_up_to_the_servers_log_and_to_the_control_group(
    name: str, server: WireServer, group: Any, tmp_path: Path
) -> None:
    suite = copy(name, tmp_path, server.url)
    before_ns = group.cpu_ns()
    outcome = measured(suite.command, suite.folder, suite.env, enter=f"echo $$ > {group.path}/cgroup.procs; ")
    truth_ns = group.cpu_ns() - before_ns
    assert outcome.code == 0, outcome.output
    assert outcome.reading.level is Level.INJECTED
    assert list(outcome.cases) == EXPECTED[name]
    rows = network(outcome.reading)
    assert rows[""] == (0, 0)
    assert tuple(map(sum, zip(*rows.values(), strict=True))) == on_the_wire(server)
    by_rows_ns = sum(part.cpu_ns for step in outcome.reading.steps for part in step.readings.values())
    assert by_rows_ns == outcome.tree_cpu_ns
    assert by_rows_ns == pytest.approx(truth_ns, rel=0.05)
    assert outcome.reading.parts == ("runner", "browser")
    for case in outcome.reading.cases:
        assert case.reading.readings["browser"].cpu_ns > 0
        assert case.reading.readings["browser"].memory_peak_bytes > 10e6
        assert case.reading.paced_s == case.reading.observed_s > 0


def test_one_case_is_the_page_and_the_click_that_the_server_saw_for_it(server: WireServer, tmp_path: Path) -> None:
    suite = copy("playwright", tmp_path, server.url)
    outcome = measured(suite.command, suite.folder, suite.env)
    case = outcome.cases["shop › loads the list"]
    own = [line for line in server.log if line.target.startswith("/blob")]
    page = server.log[0]
    assert case.reading.requests == 2
    assert case.reading.network_bytes == sum(line.sent + line.received for line in (*own, page))
    assert (case.file, case.status) == ("shop.spec.js", "passed")
    steps = [request.step for request in outcome.reading.requests if "/blob" in request.url]
    assert steps == ["shop › loads the list"]


@pytest.mark.parametrize(
    ("name", "expected"), [("playwright", 1), ("playwright-python", 1), ("playwright-python/script", 7)]
)
def test_a_failing_suite_keeps_its_exit_code_and_output_and_its_figures(
    name: str, expected: int, server: WireServer, tmp_path: Path
) -> None:
    suite = copy(name, tmp_path, server.url, SHOP_FAIL="1")
    alike = ["--workers=1"] if name == "playwright" else []  # with two, lines come in any order
    code, output = plain([*suite.command, *alike], suite.folder, suite.env)
    server.log.clear()
    outcome = measured(suite.command, suite.folder, suite.env)
    assert outcome.code == code == expected
    assert without_times(outcome.output) == without_times(output)
    if outcome.reading.cases[-1].status != "ended":
        assert [case.status for case in outcome.reading.cases] == ["passed", "passed", "failed"]
    assert tuple(map(sum, zip(*network(outcome.reading).values(), strict=True))) == on_the_wire(server)


EXPECTATIONS = """
const { expect, test } = require("@playwright/test");
const wrong = async ({ page }) => {
  await page.goto("/shop.html");
  await expect(page).toHaveTitle("Closed", { timeout: 100 });
};
test.fail("known to fail", wrong);
test("fails from here on", async (given) => {
  test.fail();
  await wrong(given);
});
test.fail("works again", async ({ page }) => { await page.goto("/shop.html"); });
test.fail("never ends", async ({ page }) => {
  test.setTimeout(1000);
  await page.goto("/shop.html");
  await new Promise(() => {});
});
test.fixme("not yet", wrong);
"""
AS_EXPECTED = {
    "known to fail": "passed",
    "fails from here on": "passed",
    "works again": "failed",
    "never ends": "timedOut",
    "not yet": "skipped",
}


@pytest.mark.parametrize("hooked", [True, False])
def test_what_is_expected_to_fail_and_does_has_not_failed(hooked: bool, server: WireServer, tmp_path: Path) -> None:
    """Whether the worker tells the end of a test, or the reporter."""
    suite = with_spec(copy("playwright", tmp_path, server.url), EXPECTATIONS)
    unhooked = [] if hooked else ["env", "-u", "NODE_OPTIONS"]
    outcome = measured([*unhooked, *suite.command, "--workers=1"], suite.folder, suite.env)
    assert outcome.code == 1
    assert {name: case.status for name, case in outcome.cases.items()} == AS_EXPECTED


def test_workers_are_reduced_to_one_whatever_the_command_says(server: WireServer, tmp_path: Path) -> None:
    suite = copy("playwright", tmp_path, server.url)
    outcome = measured([*suite.command, "-j", "2", "--fully-parallel", "--workers=3"], suite.folder, suite.env)
    assert outcome.code == 0, outcome.output
    assert "using 1 worker" in outcome.output
    assert all(case.reading is not None for case in outcome.reading.cases)
    assert any("one worker" in note for note in outcome.notes)


def test_a_package_script_is_measured_as_what_it_starts(server: WireServer, tmp_path: Path) -> None:
    suite = copy("playwright", tmp_path, server.url)
    (suite.folder / "package.json").write_text('{"scripts": {"test": "playwright test --grep opens"}}')
    outcome = measured(["npm", "test", "--", "--workers=2"], suite.folder, suite.env)
    assert outcome.code == 0, outcome.output
    assert list(outcome.cases) == ["shop › opens"]
    assert bytes_of_cases(outcome) == on_the_wire(server)[1]


def test_where_node_options_are_refused_the_process_tree_remains(server: WireServer, tmp_path: Path) -> None:
    suite = copy("playwright", tmp_path, server.url)
    outcome = measured(["env", "-u", "NODE_OPTIONS", *suite.command], suite.folder, suite.env)
    assert outcome.code == 0, outcome.output
    assert outcome.reading.level is Level.TREE
    assert {case.reading.network_bytes for case in outcome.reading.cases if case.reading} <= {None}
    assert outcome.reading.between.network_bytes is None
    assert sum(part.cpu_ns for step in outcome.reading.steps for part in step.readings.values()) == outcome.tree_cpu_ns
    assert any("Network traffic of a browser" in note for note in outcome.reading.notes)
    assert outcome.last.cpu_ns("browser") > 0


def test_cases_side_by_side_are_not_told_apart(server: WireServer, tmp_path: Path) -> None:
    """Without the hook nobody reduces the workers: the reporter tells two tests at once."""
    suite = copy("playwright", tmp_path, server.url)
    (suite.folder / "shop.spec.js").write_text(
        'const { test } = require("@playwright/test");'
        'for (const name of ["a", "b"]) test(name, async () => { await new Promise((done) => setTimeout(done, 3000)); });'
    )
    outcome = measured(["env", "-u", "NODE_OPTIONS", *suite.command], suite.folder, suite.env)
    assert outcome.code == 0, outcome.output
    assert {case.name: case.reading for case in outcome.reading.cases} == {"a": None, "b": None}
    assert any("side by side" in note for note in outcome.reading.notes)
    assert outcome.reading.between.readings["runner"].cpu_ns == outcome.tree_cpu_ns


KILLER = """
const { expect, test } = require("@playwright/test");
const fs = require("fs");
test("dies", async ({ page }) => {
  await page.goto("/shop.html");
  const browser = fs.readdirSync("/proc").filter((pid) => /^[0-9]+$/.test(pid)).find((pid) => {
    try {
      const stat = fs.readFileSync(`/proc/${pid}/stat`, "utf8").replace(/^.*\\) /, "").split(" ");
      return Number(stat[1]) === process.pid && fs.readFileSync(`/proc/${pid}/cmdline`, "utf8").includes("--user-data-dir");
    } catch { return false; }
  });
  process.kill(Number(browser), "SIGKILL");
  await page.click("#load", { timeout: 2000 });
});
test("lives", async ({ page }) => {
  await page.goto("/shop.html");
});
"""


def test_a_killed_browser_is_told_and_the_next_case_gets_its_own(server: WireServer, tmp_path: Path) -> None:
    suite = with_spec(copy("playwright", tmp_path, server.url), KILLER)
    outcome = measured(suite.command, suite.folder, suite.env)
    assert outcome.code == 1
    assert {name: case.status for name, case in outcome.cases.items()} == {"dies": "failed", "lives": "passed"}
    assert network(outcome.reading)["lives"][0] == 1
    assert sum(count for count, _ in network(outcome.reading).values()) == len(server.log) == 2
    assert any("SIGKILL" in note for note in outcome.reading.notes)


MOCKED = """
const { expect, test } = require("@playwright/test");
test("mocks", async ({ page }) => {
  await page.route("**/blob*", (route) => route.fulfill({ body: "x".repeat(30000) }));
  await page.route("**/gone*", (route) => route.abort());
  await page.goto("/shop.html");
  await page.click("#load");
  await expect(page.locator("#size")).toHaveText("30000");
  await page.evaluate(() => fetch("/gone").catch(() => 0));
});
"""


def test_what_the_suite_answers_itself_never_crossed_the_network(server: WireServer, tmp_path: Path) -> None:
    suite = with_spec(copy("playwright", tmp_path, server.url), MOCKED)
    outcome = measured(suite.command, suite.folder, suite.env)
    assert outcome.code == 0, outcome.output
    assert network(outcome.reading)["mocks"] == on_the_wire(server)
    assert len(server.log) == 1


RETRIED = """
const { expect, test } = require("@playwright/test");
test.describe.configure({ retries: 1 });
for (const file of [1, 2]) test.describe(`d${file}`, () => {
  test("same", async ({ page }, info) => { await page.goto("/shop.html"); expect(info.retry).toBe(file === 1 ? 1 : 0); });
});
test.skip("never", () => {});
"""


def test_attempts_are_cases_of_their_own(server: WireServer, tmp_path: Path) -> None:
    suite = with_spec(copy("playwright", tmp_path, server.url), RETRIED)
    outcome = measured(suite.command, suite.folder, suite.env)
    assert outcome.code == 0, outcome.output
    told = {name: case.status for name, case in outcome.cases.items() if case.status != "skipped"}
    assert told == {"d1 › same": "failed", "d1 › same (2)": "passed", "d2 › same": "passed"}
    assert tuple(map(sum, zip(*network(outcome.reading).values(), strict=True))) == on_the_wire(server)


SERVING = """
const { defineConfig } = require("@playwright/test");
module.exports = defineConfig({
  use: { baseURL: process.env.BASE_URL, trace: "on",
         launchOptions: { executablePath: "/usr/bin/chromium", args: ["--no-sandbox"] } },
  webServer: { command: "node server.js", url: process.env.OWN_URL, reuseExistingServer: false },
});
"""


def test_the_suites_own_server_is_a_part_and_its_own_traces_are_told(server: WireServer, tmp_path: Path) -> None:
    suite = copy("playwright", tmp_path, server.url)
    with WireServer() as free:
        port = free.port
    (suite.folder / "playwright.config.js").write_text(SERVING)
    (suite.folder / "server.js").write_text(
        "while (process.cpuUsage().user < 300000) ;"
        f"require('http').createServer((q, a) => a.end('ok')).listen({port}, '127.0.0.1');"
    )
    env = {**suite.env, "OWN_URL": f"http://127.0.0.1:{port}"}
    outcome = measured([*suite.command, "--grep", "opens"], suite.folder, env)
    assert outcome.code == 0, outcome.output
    assert set(outcome.reading.parts) == {"runner", "browser", "server"}
    assert outcome.last.cpu_ns("server") >= 0.25e9
    assert any("records traces" in note for note in outcome.reading.notes)


def test_a_suite_that_is_killed_leaves_partial_figures(server: WireServer, tmp_path: Path) -> None:
    hanging = (
        'const { test } = require("@playwright/test");'
        'test("hangs", async ({ page }) => { await page.goto("/shop.html"); process.kill(process.ppid, "SIGKILL");'
        " await new Promise(() => {}); });"
    )
    suite = with_spec(copy("playwright", tmp_path, server.url), hanging)
    program = suite.folder / "node_modules" / ".bin" / "playwright"
    outcome = measured(["node", str(program), "test"], suite.folder, suite.env)
    assert outcome.code == -signal.SIGKILL
    (case,) = outcome.reading.cases
    assert (case.name, case.status) == ("hangs", "interrupted")
    assert case.reading.network_bytes == on_the_wire(server)[1]


def test_a_suite_survives_whoever_measures_it(server: WireServer, tmp_path: Path) -> None:
    suite = copy("playwright", tmp_path, server.url)
    watcher = (
        f"import sys; sys.path[:0] = {[str(Path(__file__).parent), str(Path(__file__).parent / 'sites')]!r}\n"
        "import os; from pathlib import Path; from suites_run import measured\n"
        f"measured({list(suite.command)!r}, Path({str(suite.folder)!r}), os.environ)\n"
    )
    log = tmp_path / "log"
    with log.open("wb") as out:
        process = subprocess.Popen([sys.executable, "-c", watcher], env=suite.env, stdout=out, stderr=out)
    deadline = time.monotonic() + 60
    while not server.log and time.monotonic() < deadline:
        time.sleep(0.01)
    process.kill()
    process.wait()
    report = suite.folder / "test-results" / ".last-run.json"
    while not report.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert '"passed"' in report.read_text()
