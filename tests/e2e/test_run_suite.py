# SPDX-License-Identifier: Apache-2.0
"""A test suite under ``lichen run``: rows per test case that add up, the suite's own exit code and output."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parent / "sites"))
from suites_support import copy
from wire import WireServer

from lichen.collect.machine.cgroups.own import probe as probe_own_group
from lichen.ledger import runfile

LICHEN = [sys.executable, "-c", "from lichen.cli import main; main()"]


@pytest.mark.browser
@pytest.mark.beside
def test_a_suite_that_fails_has_rows_for_each_case(tmp_path: Path) -> None:
    with WireServer() as server:
        suite = copy("playwright", tmp_path, server.url, SHOP_FAIL="1")
        done = subprocess.run(
            [*LICHEN, "run", "--json", "--", *suite.command],
            cwd=suite.folder, env=suite.env, capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
    assert done.returncode == 1
    assert "1 failed" in done.stderr
    [command] = json.loads(done.stdout)["journeys"]
    cases = {step["name"]: step for step in command["steps"]}
    assert set(cases) == {"shop › opens", "shop › loads the list", "shop › sells", ""}
    assert {part["name"]: part["tier"] for part in command["parts"]} == {"runner": "server", "browser": "device"}
    total = command["counters"]["cpu_time"]["value"]
    assert sum(case["counters"]["cpu_time"]["value"] for case in cases.values()) == pytest.approx(total, rel=1e-9)
    assert all(cases[name]["counters"]["network_bytes"]["value"] > 0 for name in cases if name)
    [run] = runfile.find(suite.folder / "lichen-runs")
    record = runfile.read(run).content["journeys"][0]
    assert [case["status"] for case in record["suite"]["cases"]] == ["passed", "passed", "failed"]
    assert record["suite"]["level"] == 2
    cause = "parts" if probe_own_group().ok else "right"  # the browser is born in the group that the runner is in
    assert record["unknown"] == [{"part": "runner", "quantity": "network_bytes", "cause": cause}]
    gaps = {row["part"]: row["arguments"] for row in command["not_covered"] if row["quantity"] == "network_bytes"}
    assert gaps["runner"]["cause"] == cause
    assert "test cases that failed or were interrupted: 'shop › sells'" in record["notes"]


@pytest.mark.browser
@pytest.mark.beside
def test_without_attaching_it_is_one_step(tmp_path: Path) -> None:
    with WireServer() as server:
        suite = copy("playwright", tmp_path, server.url)
        done = subprocess.run(
            [*LICHEN, "run", "--json", "--no-attach", "--", *suite.command],
            cwd=suite.folder, env=suite.env, capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
    assert done.returncode == 0
    [command] = json.loads(done.stdout)["journeys"]
    assert [step["name"] for step in command["steps"]] == ["run"]
    assert [part["name"] for part in command["parts"]] == ["command"]
    assert (command["counters"]["network_bytes"]["value"] is not None) is probe_own_group().ok


@pytest.mark.parametrize(("text", "steps"), [("import math", ["run"]), ("# import playwright", ["job.py", ""])])
def test_a_script_is_looked_into_when_it_names_a_browser_driver(tmp_path: Path, text: str, steps: list[str]) -> None:
    (tmp_path / "job.py").write_text(f"{text}\nprint('done')\n")
    done = subprocess.run(
        [*LICHEN, "run", "--json", "--", "python3", "job.py"], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert done.stderr == "done\n"
    assert [step["name"] for step in json.loads(done.stdout)["journeys"][0]["steps"]] == steps
