# SPDX-License-Identifier: Apache-2.0
"""Unchanged Cypress suites: what its proxy exchanged with the site against the server's log, CPU against the kernel's account."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parent / "sites"))
from suites_checks import check_failure, check_sums, spec_of, with_variables
from suites_run import measured, network, on_the_wire
from suites_support import Copy, copy
from wire import WireServer

pytestmark = [pytest.mark.browser, pytest.mark.beside]

CASES = ["shop › opens", "shop › loads the list", "shop › sells"]


@pytest.fixture
def server() -> Iterator[WireServer]:
    with WireServer() as running:
        yield running


@pytest.mark.parametrize("name", ["cypress", "cypress/chromium"])
def test_cases_add_up_to_the_servers_log_and_to_the_control_group(
    name: str, server: WireServer, tmp_path: Path
) -> None:
    outcome = check_sums(copy(name, tmp_path, server.url), server)
    assert list(outcome.cases) == CASES
    assert {(case.file, case.status) for case in outcome.reading.cases} == {("cypress/e2e/shop.cy.js", "passed")}
    assert [network(outcome.reading)[case][0] for case in CASES] == [1, 2, 1]
    own = [line for line in server.log if line.target.startswith("/blob")]
    assert network(outcome.reading)[CASES[1]][1] == sum(line.sent + line.received for line in (*own, server.log[0]))


def test_a_failing_suite_keeps_exit_code_output_and_figures(server: WireServer, tmp_path: Path) -> None:
    suite = copy("cypress", tmp_path, server.url, SHOP_FAIL="1", NODE_OPTIONS="--max-http-header-size=20000")
    suite = Copy(suite.folder, (*suite.command, "--reporter", "dot"), suite.env)
    outcome = check_failure(suite, server, 1)
    assert [case.status for case in outcome.reading.cases] == ["passed", "passed", "failed"]


CONFIG = """
module.exports = {
  video: false,
  reporter: "mocha-reporter.js",
  reporterOptions: { file: "results.txt" },
  e2e: { supportFile: false, retries: 1 },
};
"""

REPORTER = """
module.exports = class {
  constructor(runner, { reporterOptions }) {
    const lines = [];
    runner.on("pass", (test) => lines.push(`passed ${test.title}`));
    runner.on("end", () => require("fs").appendFileSync(reporterOptions.file, lines.join("\\n") + "\\n"));
  }
};
"""

CLOSE_FRAME = 6
"""The empty message that closes a WebSocket: the server leaves it out of its log, the proxy's socket counts it."""

AGAIN = """
let attempts = 0;
it("passes at the second attempt", () => {
  cy.visit("/shop.html");
  cy.then(() => expect((attempts += 1)).to.equal(2));
});
it.skip("never runs", () => {});
"""

TRAFFIC = """
it("asks by itself", () => {
  cy.request("/blob?n=500");
});
it("is answered by the suite", () => {
  cy.intercept("/blob*", { body: "x".repeat(30000) });
  cy.visit("/shop.html");
  cy.get("#load").click();
  cy.get("#size").should("have.text", "30000");
});
it("talks", () => {
  cy.visit("/socket.html");
  cy.title().should("equal", "done");
  cy.window().invoke("eval", "new Promise((done) => { socket.onclose = () => done(true); socket.close(); })");
});
"""


def test_attempts_files_and_every_kind_of_traffic_with_the_projects_own_reporter(
    server: WireServer, tmp_path: Path
) -> None:
    suite = spec_of(copy("cypress", tmp_path, server.url), "cypress.config.js", CONFIG)
    spec_of(suite, "mocha-reporter.js", REPORTER)
    spec_of(suite, "cypress/e2e/shop.cy.js", AGAIN)
    spec_of(suite, "cypress/e2e/traffic.cy.js", TRAFFIC)
    outcome = measured(suite.command, suite.folder, suite.env)
    assert outcome.code == 0, outcome.output
    assert (suite.folder / "results.txt").read_text().splitlines() == [
        "passed passes at the second attempt",
        "passed asks by itself",
        "passed is answered by the suite",
        "passed talks",
    ]
    assert [(name, case.status) for name, case in outcome.cases.items()] == [
        ("passes at the second attempt", "failed"),
        ("passes at the second attempt (2)", "passed"),
        ("never runs", "pending"),
        ("asks by itself", "passed"),
        ("is answered by the suite", "passed"),
        ("talks", "passed"),
    ]
    rows = network(outcome.reading)
    assert [rows[name][0] for name in outcome.cases] == [1, 1, 0, 1, 1, 2]
    requests, size = on_the_wire(server)
    assert tuple(map(sum, zip(*rows.values(), strict=True))) == (requests, size + CLOSE_FRAME)


def test_a_reporter_that_the_environment_names_is_handed_on_to(server: WireServer, tmp_path: Path) -> None:
    suite = with_variables(copy("cypress", tmp_path, server.url), CYPRESS_REPORTER="json")
    outcome = measured([*suite.command, "--spec", "cypress/e2e/shop.cy.js"], suite.folder, suite.env)
    assert outcome.code == 0, outcome.output
    assert '"fullTitle": "shop opens"' in outcome.output
    assert list(outcome.cases) == CASES
