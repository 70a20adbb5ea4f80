# SPDX-License-Identifier: Apache-2.0
"""`lichen measure` whole: a real browser, a real server part, and what goes wrong, as the shell sees it."""

from __future__ import annotations

import json
import math
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psutil
import pytest

from lichen.ledger import runfile

pytestmark = [pytest.mark.browser, pytest.mark.beside]

PAGE = """<!doctype html><html lang="en"><title>Shop</title><h1>Shop</h1><input aria-label="Search">
<button onclick="for (let i = 0, s = 0; i < 2e7; i++) s += i; this.textContent = 'Paid'">Pay</button>"""

JOURNEY = """
def journey(page, step):
    with step("open", dwell=5):
        page.goto("/")
    with step("pay", dwell=3):
        page.get_by_role("button", name="Pay").click()
        page.get_by_role("button", name="Paid").wait_for()
"""

CONFIG = """
[project]
name = "shop"
[context]
zone = "FR"
device = "laptop"
[measure]
samples = 3
profile = "fast"
rest_s = 0.1
action_timeout_s = 2.0
[[part]]
name = "site"
command = ["{python}", "-m", "http.server", "{port}", "--bind", "127.0.0.1"]
cwd = "site"
[[journey]]
name = "buy"
file = "buy.py"
base_url = "{site.url}"
"""


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "index.html").write_text(PAGE)
    (tmp_path / "buy.py").write_text(JOURNEY)
    (tmp_path / "lichen.toml").write_text(CONFIG)
    return tmp_path


def lichen(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "lichen", *arguments],
        cwd=folder, env=os.environ | environment, capture_output=True, text=True, check=False, timeout=150,
    )  # fmt: skip


def descendants_of(marker: str) -> list[str]:
    """Command lines of live processes that mention ``marker``."""
    found = []
    for process in psutil.process_iter(["cmdline", "status", "environ"]):
        words = " ".join(process.info["cmdline"] or [])
        own = (process.info["environ"] or {}).get("LICHEN_TEST_MARK") == marker
        if (marker in words or own) and process.pid != os.getpid() and process.info["status"] != psutil.STATUS_ZOMBIE:
            found.append(words)
    return found


class TestRun:
    def test_from_click_to_explained_figure(self, shop: Path) -> None:
        done = lichen(shop, "measure", "--json", "--html", "report.html")
        assert done.returncode == 0, done.stderr
        result = json.loads(done.stdout)
        (journey,) = result["journeys"]
        assert [step["name"] for step in journey["steps"]] == ["open", "pay", ""]
        assert [part["name"] for part in journey["parts"]] == ["browser", "site"]
        assert journey["sampling"]["taken"] == 3
        between = journey["sampling"]["discarded"] + 3 + 1
        assert result["host"]["calibration"]["repetitions"] == between
        assert result["host"]["calibration"]["grade"] in "ABCD"
        assert journey["counters"]["screen_time"]["value"] == pytest.approx(8.0)
        pay = journey["steps"][1]["counters"]
        assert pay["cpu_time"]["value"] > 0.005
        assert pay["requests"] == {"value": 0, "unit": "1", "half_width": 0.0, "exact": True}
        assert journey["steps"][0]["parts"][1]["counters"]["cpu_time"]["value"] > 0
        # What the server sent is what the browser received: it is not added to the journey's bytes.
        assert journey["counters"]["network_bytes"] == journey["parts"][0]["counters"]["network_bytes"]
        gwp = journey["indicators"]["gwp100"]
        assert 0 < gwp["low"] < gwp["value"] < gwp["high"]
        evaluated = self.same_by_evaluate(shop, result)
        in_use = [row for row in evaluated if row["indicator"] == "gwp100" and row["phase"] == "use"]
        largest = max(in_use, key=lambda row: row["value"])["impact_id"]
        assert largest in gwp["impact_ids"]
        self.opens(shop, largest)
        assert (shop / "report.html").stat().st_size < 60_000
        assert descendants_of(str(shop)) == []

    def same_by_evaluate(self, shop: Path, result: dict[str, Any]) -> list[dict[str, Any]]:
        """The one computing path: evaluating the run file's activities gives the printed figures. Returns the impacts."""
        evaluated = json.loads(lichen(shop, "evaluate", "lichen-1", result["run_path"]).stdout)
        (journey,) = result["journeys"]
        for name, indicator in journey["indicators"].items():
            rows = [impact["value"] for impact in evaluated["impacts"] if impact["indicator"] == name]
            assert math.fsum(rows) == pytest.approx(indicator["value"], rel=1e-12)
        impacts: list[dict[str, Any]] = evaluated["impacts"]
        return impacts

    def opens(self, shop: Path, impact_id: str) -> None:
        done = lichen(shop, "explain", impact_id)
        assert done.returncode == 0, done.stderr
        for words in ("lichen", "FR", "gCO"):
            assert words in done.stdout

    def test_two_runs_are_two_files(self, shop: Path) -> None:
        for _ in range(2):
            assert lichen(shop, "measure", "--samples", "1", "--quiet").returncode == 0
        runs = list(runfile.find(shop / "lichen-runs"))
        assert len(runs) == 2
        assert all(runfile.read(path).content["project"] == "shop" for path in runs)

    def test_another_measurement_at_the_same_time_is_named(self, shop: Path) -> None:
        code = "import lichen, sys\nwith lichen.track('other'): print(flush=True); sys.stdin.read()"
        here = {"XDG_RUNTIME_DIR": str(shop / "here")}
        with subprocess.Popen(
            [sys.executable, "-c", code], env=os.environ | here, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        ) as other:
            assert other.stdout is not None
            assert other.stdout.readline() == b"\n"
            done = lichen(shop, "measure", "--samples", "1", "--quiet", "--json", **here)
            other.communicate(b"")
        sentence = f"another measurement ran on this machine at the same time (process {other.pid})"
        assert sentence in json.loads(done.stdout)["journeys"][0]["notes"]
        assert not list((shop / "here").glob("lichen/*"))


@pytest.mark.skipif(os.geteuid() != 0, reason="a network namespace of one's own needs root")
def test_no_network_after_installation(shop: Path) -> None:
    command = 'ip link set lo up && exec "$0" -m lichen measure --samples 1 --quiet'
    done = subprocess.run(
        ["unshare", "--net", "sh", "-c", command, sys.executable], cwd=shop, capture_output=True, text=True, check=False
    )
    if "unshare" in done.stderr or "ip: not found" in done.stderr:
        pytest.skip(f"no network namespace here: {done.stderr.strip()}")
    assert done.returncode == 0, done.stderr
    assert "gCO" in done.stdout


class TestWhatGoesWrong:
    """Each: one sentence with the culprit, the right exit code, nothing left behind."""

    def fails(self, shop: Path, code: int, *words: str, arguments: tuple[str, ...] = (), **environment: str) -> str:
        done = lichen(shop, "measure", "--quiet", *arguments, **environment)
        assert done.returncode == code, (done.returncode, done.stderr)
        for word in words:
            assert word in done.stderr, done.stderr
        assert "Traceback" not in done.stderr
        assert done.stderr.count("error:") == 1
        assert list(runfile.find(shop / "lichen-runs")) == []
        assert descendants_of(str(shop)) == []
        return done.stderr

    def test_unknown_setting(self, shop: Path) -> None:
        (shop / "lichen.toml").write_text(CONFIG.replace("samples = 3", "sample = 3"))
        self.fails(shop, 2, "sample", "samples")

    def test_journey_with_a_syntax_error(self, shop: Path) -> None:
        (shop / "buy.py").write_text("def journey(page, step)\n    pass\n")
        self.fails(shop, 2, "buy.py:1")

    def test_selector_that_never_comes(self, shop: Path) -> None:
        (shop / "buy.py").write_text(JOURNEY.replace('name="Paid"', 'name="Refunded"'))
        text = self.fails(shop, 4, "pay", "Refunded")
        pictures = list((shop / "lichen-runs").rglob("*.png"))
        assert pictures
        assert any(picture.name in text for picture in pictures)

    def test_site_down(self, shop: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.fails(shop, 4, str(port), arguments=(f"http://127.0.0.1:{port}/",))

    def test_no_chromium(self, shop: Path) -> None:
        folder = shop / "bin"
        folder.mkdir()
        for tool in ("python3", "node", "sh"):
            found = shutil.which(tool)
            if found:
                (folder / tool).symlink_to(found)
        self.fails(shop, 5, "hromium", "apt", PATH=str(folder), LICHEN_BROWSER="")

    def test_part_that_dies(self, shop: Path) -> None:
        (shop / "lichen.toml").write_text(
            CONFIG.replace('"-m", "http.server", "{port}"', '"-c", "raise SystemExit(7)"')
        )
        self.fails(shop, 5, "site", "7")

    def test_part_that_dies_in_the_window(self, shop: Path) -> None:
        (shop / "site" / "serve.py").write_text(
            "import http.server, os, sys\n"
            "class Handler(http.server.SimpleHTTPRequestHandler):\n"
            "    def do_POST(self): os._exit(9)\n"
            "http.server.ThreadingHTTPServer(('127.0.0.1', int(sys.argv[1])), Handler).serve_forever()\n"
        )
        (shop / "lichen.toml").write_text(
            CONFIG.replace('"-m", "http.server", "{port}", "--bind", "127.0.0.1"', '"serve.py", "{port}"')
        )
        (shop / "site" / "index.html").write_text(
            PAGE.replace("this.textContent", "fetch('/', {method: 'POST'}); this.x")
        )
        self.fails(shop, 5, "site", "9")

    def test_part_that_never_gets_ready(self, shop: Path) -> None:
        slow = CONFIG.replace('"-m", "http.server", "{port}"', '"-c", "import time; time.sleep(60)", "{port}"')
        (shop / "lichen.toml").write_text(slow.replace('cwd = "site"', 'cwd = "site"\nready_timeout_s = 1.0'))
        self.fails(shop, 5, "site", "1 s")

    def test_port_taken(self, shop: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as holder:
            port = holder.getsockname()[1]
            (shop / "lichen.toml").write_text(
                CONFIG.replace('"{port}"', f'"{port}"').replace('cwd = "site"', f'cwd = "site"\nport = {port}')
            )
            self.fails(shop, 5, str(port), str(os.getpid()))

    def test_page_that_crashes(self, shop: Path) -> None:
        (shop / "buy.py").write_text(JOURNEY.replace('page.goto("/")', 'page.goto("chrome://crash")'))
        self.fails(shop, 4, "open")

    def test_page_that_hangs(self, shop: Path) -> None:
        (shop / "site" / "index.html").write_text(PAGE.replace("i < 2e7", "true"))
        (shop / "lichen.toml").write_text(CONFIG.replace("rest_s = 0.1", "rest_s = 0.1\njourney_timeout_s = 5.0"))
        self.fails(shop, 4, "pay")

    def test_runs_folder_that_is_a_file(self, shop: Path) -> None:
        (shop / "runs").write_text("")
        self.fails(shop, 2, "runs", arguments=("--out", "runs"))

    def test_dialogs_and_downloads_are_survived_and_said(self, shop: Path) -> None:
        (shop / "site" / "index.html").write_text(PAGE.replace("this.textContent", "alert('hi'); this.textContent"))
        done = lichen(shop, "measure", "--samples", "1", "--json", "--quiet")
        assert done.returncode == 0, done.stderr
        assert any("dialog" in note for note in json.loads(done.stdout)["journeys"][0]["notes"])


@pytest.mark.slow
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_stopped_at_any_time_leaves_nothing(shop: Path, how: signal.Signals) -> None:
    """Interrupted in every phase: parts start, browser starts, window, close.

    No process stays, no temporary folder either, no result is half there.
    """
    rng = random.Random(int(how))
    temporary, runtime = shop / "tmp", shop / "runtime"  # a killed run's mark stays in the latter until the next one
    temporary.mkdir()
    moments_s = [rng.uniform(0.05, 6.0) for _ in range(8 if how == signal.SIGKILL else 4)]
    for moment_s in (0.3, 0.9, *moments_s):
        mark = f"{shop}-{how}-{moment_s}"
        agent = subprocess.Popen(
            [sys.executable, "-m", "lichen", "measure", "--samples", "60", "--quiet"],
            cwd=shop, env=os.environ | {"LICHEN_TEST_MARK": mark, "TMPDIR": str(temporary), "XDG_RUNTIME_DIR": str(runtime)},
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, start_new_session=True,
        )  # fmt: skip
        time.sleep(moment_s)
        agent.send_signal(how)
        _, error = agent.communicate(timeout=30)
        assert b"Traceback" not in error, error.decode()
        deadline = time.monotonic() + 10
        while (descendants_of(mark) or any(temporary.iterdir())) and time.monotonic() < deadline:
            time.sleep(0.1)
        assert descendants_of(mark) == []
        assert list(temporary.iterdir()) == []
        assert list(runfile.find(shop / "lichen-runs")) == []
        assert not list((shop / "lichen-runs").glob(".*.part"))
