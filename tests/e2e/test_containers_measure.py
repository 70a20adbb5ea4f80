# SPDX-License-Identifier: Apache-2.0
"""`lichen measure` of a page that a container serves, as the shell sees it."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.e2e.containers_support import EngineUnderTest, docker_engine

from lichen.collect.machine.cgroups.files import GroupFiles
from lichen.collect.machine.cgroups.group import Hierarchies
from lichen.collect.machine.parts.ready import wait_ready

pytestmark = pytest.mark.browser

SERVER = """
    import http.server, time
    class Page(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            if self.path == "/quit":
                raise SystemExit
            began = time.process_time()
            while self.path == "/" and time.process_time() - began < 0.8:
                pass
            body = b"<!doctype html><title>Shop</title><p>" + b"x" * 200_000
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
        def log_message(self, *args): pass
    http.server.HTTPServer(("", 8000), Page).serve_forever(poll_interval=30)
"""
CONFIG = """
[project]
name = "shop"
[measure]
samples = 1
discard = 0
profile = "fast"
rest_s = 0.1
[[part]]
name = "web"
container = "shop-web"
engine = "{engine}"
ready = "{url}/ready"
[[journey]]
name = "open"
file = "open.py"
base_url = "{url}"
"""
JOURNEY = """
def journey(page, step):
    with step("open", dwell=2):
        page.goto("/")
"""


@pytest.fixture(scope="module")
def engine() -> Iterator[EngineUnderTest]:
    with docker_engine() as started:
        yield started


@pytest.fixture
def shop(engine: EngineUnderTest, tmp_path: Path) -> Iterator[Path]:
    engine.run("shop-web", SERVER)
    url = f"http://{engine.ip('shop-web')}:8000"
    wait_ready("shop-web", f"{url}/ready", 20, lambda: None)
    (tmp_path / "lichen.toml").write_text(CONFIG.replace("{engine}", engine.address).replace("{url}", url))
    (tmp_path / "open.py").write_text(JOURNEY)
    yield tmp_path
    engine.clean()


def lichen(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "lichen", "measure", *arguments],
        cwd=folder, env=os.environ | {"LANG": "C"}, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip


def test_rows_of_the_container_are_its_control_groups(shop: Path, engine: EngineUnderTest) -> None:
    container_id = engine.call("inspect", "-f", "{{.Id}}", "shop-web")
    files = GroupFiles(Hierarchies.read().of_container(container_id))
    try:
        before = files.cpu_ns()
        done = lichen(shop, "--json")
        after = files.cpu_ns()
    finally:
        files.close()
    assert done.returncode == 0, done.stderr
    (journey,) = json.loads(done.stdout)["journeys"]
    (web,) = [part for part in journey["parts"] if part["name"] == "web"]
    counters: dict[str, Any] = web["counters"]
    # The container does nothing outside the window but answer that it is ready.
    assert before is not None
    assert after is not None
    assert counters["cpu_time"]["value"] == pytest.approx((after - before) / 1e9, rel=0.01)
    assert counters["cpu_time"]["value"] > 0.8
    assert 200_000 < counters["network_bytes"]["value"] < 450_000
    assert counters["memory_peak"]["value"] > 1e6
    steps = [
        part["counters"]["cpu_time"]["value"]
        for step in journey["steps"]
        for part in step["parts"]
        if part["name"] == "web"
    ]
    assert math.fsum(steps) == pytest.approx(counters["cpu_time"]["value"])


def test_a_container_that_vanishes_is_named(shop: Path, engine: EngineUnderTest) -> None:
    engine.call("update", "--restart=no", "shop-web")
    (shop / "open.py").write_text(
        f"import subprocess\n{JOURNEY}        subprocess.run({[*engine.tool, 'rm', '-f', 'shop-web']!r}, check=True)\n"
    )
    done = lichen(shop)
    assert done.returncode == 5, done.stderr
    assert "The part 'web' is not there: There is no container 'shop-web'." in done.stderr
    assert "Traceback" not in done.stderr
    assert not list(shop.glob("lichen-runs/*.json.gz"))


@pytest.mark.parametrize(
    ("old", "new", "code", "words"),
    [
        ('"shop-web"', '"shop-wep"', 5, "Did you mean 'shop-web'?"),
        ("container =", "label =", 5, "There are no containers of the label"),
        ('engine = "unix', 'engine = "ssh://x', 2, "ssh -NL"),
        ('engine = "', 'engine = "/nowhere', 5, "cannot be reached: nothing is there"),
        ('container = "shop-web"', 'container = "a"\npid = 3', 2, "has pid and container"),
        ('container = "shop-web"', "pid = 1", 2, "has engine, which its pid has no use for"),
    ],
)
def test_what_cannot_be_found_is_a_sentence(shop: Path, old: str, new: str, code: int, words: str) -> None:
    text = (shop / "lichen.toml").read_text()
    assert old in text
    (shop / "lichen.toml").write_text(text.replace(old, new, 1))
    done = lichen(shop)
    assert (done.returncode, "Traceback" in done.stderr) == (code, False), done.stderr
    assert words in done.stderr


def test_doctor_lists_the_engine(shop: Path, engine: EngineUnderTest) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "lichen", "doctor", "--json"],
        cwd=shop, env=os.environ | {"DOCKER_HOST": engine.address}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    rows = {row["topic"]: row for row in json.loads(done.stdout)}
    assert rows["containers"]["ok"]
    assert f"{engine.address}: 1 running, 1 of them read from control groups" in rows["containers"]["what"]
