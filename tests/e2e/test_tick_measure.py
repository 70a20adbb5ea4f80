# SPDX-License-Identifier: Apache-2.0
"""`lichen tick` with a declared `tick.measure`: a real browser measures when it is due, and a real server has the run once."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.e2e.test_push import CONFIG, PAGE, address, free_port, landed, told, waiting
from tests.web.load_support import Server

from lichen.ledger import runfile

pytestmark = [pytest.mark.browser, pytest.mark.beside]

ELSEWHERE = """
[[journey]]
name = "elsewhere"
url = "{site.url}/missing.html"
"""
"""Not among the journeys that are measured by the clock."""
SCHEDULE = """
[output]
server = "ADDRESS"
[tick]
measure = "1440 minutes"
journeys = ["visit"]
"""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    folder = tmp_path / "server"
    folder.mkdir()
    made = Server(folder)
    made.environment["LICHEN_SERVER_PORT"] = str(free_port())
    yield made
    made.end()


def tick(folder: Path, token: str) -> list[dict[str, Any]]:
    """What one tick did."""
    done = subprocess.run(
        [sys.executable, "-m", "lichen", "tick", "--job", "measure", "--json"],
        cwd=folder, env=os.environ | {"LICHEN_TOKEN": token}, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return list(json.loads(done.stdout))


def test_what_is_due_is_measured_and_sent_once(server: Server, tmp_path: Path) -> None:
    shop = tmp_path / "agent"
    (shop / "site").mkdir(parents=True)
    (shop / "site" / "index.html").write_text(PAGE)
    (shop / "lichen.toml").write_text(CONFIG + ELSEWHERE + SCHEDULE.replace("ADDRESS", address(server)))
    token = server.token()
    server.start()
    assert [(one["job"], one["outcome"]) for one in tick(shop, token)] == [("measure", "done")]
    assert tick(shop, token) == [], "it is not due again before a day is over"
    (found,) = runfile.find(shop / "lichen-runs")
    run = runfile.read(found)
    assert [one["name"] for one in run.content["journeys"]] == ["visit"]
    assert waiting(shop) == []
    (journey,) = told(server, token, run.run_id)["journeys"]
    assert journey["indicators"]["gwp100"]["value"] > 0
    assert server.stop() == 0
    assert landed(server.folder) == [run.run_id]
