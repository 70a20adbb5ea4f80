# SPDX-License-Identifier: Apache-2.0
"""What a beginner gets wrong in a journey, as the shell sees it: no figure passes for another without a word."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from lichen.ledger import runfile

pytestmark = [pytest.mark.browser, pytest.mark.beside]

PAGE = (
    '<!doctype html><html lang="en"><title>Shop</title><link rel="icon" href="data:,"><h1>Shop</h1>'
    + "<p>words</p>" * 1000
)
CONFIG = """
[project]
name = "shop"
[context]
zone = "FR"
[measure]
samples = 1
discard = 0
profile = "fast"
rest_s = 0.1
action_timeout_s = 2.0
[[part]]
name = "site"
command = ["{python}", "-m", "http.server", "{port}", "--bind", "127.0.0.1", "--directory", "site"]
"""
JOURNEYS = {
    "good": 'with step("open", dwell=5):\n        page.goto("/")',
    "quick": 'page.goto("/")\n    with step("open"):\n        page.goto("/gone.html?token=cafe0123cafe0123")',
    "bare": 'page.goto("/")',
    "idle": 'with step("open", dwell=5):\n        pass',
    "lost": 'with step("open", dwell=5):\n        page.goto("/")\n        page.click("#nope")',
    "slip": 'with step("open", dwell=5):\n        page.got("/")',
}


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "index.html").write_text(PAGE)
    declared = []
    for name, body in JOURNEYS.items():
        (tmp_path / f"{name}.py").write_text(f"def journey(page, step):\n    {body}\n")
        declared.append(f'[[journey]]\nname = "{name}"\nfile = "{name}.py"\nbase_url = "{{site.url}}"\n')
    declared.append('[[journey]]\nname = "adrift"\nfile = "good.py"\n')
    (tmp_path / "lichen.toml").write_text(CONFIG + "".join(declared))
    return tmp_path


def lichen(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "lichen", "measure", "--quiet", *arguments],
        cwd=folder, env=os.environ | {"LANG": "C"}, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip


def by_name(done: subprocess.CompletedProcess[str]) -> dict[str, dict[str, Any]]:
    return {journey["name"]: journey for journey in json.loads(done.stdout)["journeys"]}


def test_what_a_journey_forgets_is_said_everywhere(shop: Path) -> None:
    done = lichen(shop, "good", "quick", "bare", "--json", "--html", "report.html")
    assert done.returncode == 0, done.stderr
    found = by_name(done)
    (written,) = runfile.find(shop / "lichen-runs")
    recorded = {journey["name"]: journey["notes"] for journey in runfile.read(written).content["journeys"]}
    report = (shop / "report.html").read_text()
    for words, names in {
        "no dwell is declared ('open' 0.": ["quick"],
        "/gone.html?token=*** answered with status 404 in the step 'open'": ["quick"],
        "of the bytes were moved between steps": ["quick"],
        "the journey declares no step and no dwell: only the ": ["bare"],
    }.items():
        assert [name for name, journey in found.items() if words in " ".join(journey["notes"])] == names, words
        assert [name for name, notes in recorded.items() if words in " ".join(notes)] == names, words
        assert words.replace("'", "&#39;") in report or words in report
    assert "cafe0123cafe0123" not in done.stdout + report


def test_journeys_that_succeed_are_kept_when_others_fail(shop: Path) -> None:
    done = lichen(shop, "lost", "good", "idle", "--json", "--html", "report.html")
    assert done.returncode == 4, done.stderr
    errors = [json.loads(line)["error"] for line in done.stderr.splitlines()]
    assert [(error["code"], error["exit_code"]) for error in errors] == [("E400", 4)] * 2
    assert "Journey 'lost', step 'open'" in errors[0]["problem"]
    assert errors[1]["problem"] == "Journey 'idle' opened no page: nothing was measured."
    assert list(by_name(done)) == ["good"]
    (written,) = runfile.find(shop / "lichen-runs")
    (kept,) = runfile.read(written).content["journeys"]
    assert "the journey 'idle' of the same run failed and has no figures" in kept["notes"]
    assert "&#39;lost&#39; of the same run failed" in (shop / "report.html").read_text()


def test_nothing_is_written_when_every_journey_fails(shop: Path) -> None:
    done = lichen(shop, "lost", "slip", "adrift")
    assert done.returncode == 4
    assert done.stdout == ""
    assert [line for line in done.stderr.splitlines() if line.startswith("error:")] == [
        f"error: Journey 'lost', step 'open' ({shop}/lost.py:4): waited 2 s in vain for locator(\"#nope\").",
        f"error: Journey 'slip', step 'open' ({shop}/slip.py:3): AttributeError: 'Page' object has no attribute 'got'.",
        (
            f"error: Journey 'adrift', step 'open' ({shop}/good.py:3): the address '/' is not whole, and the journey has no "
            "base_url that would complete it."
        ),
    ]
    assert "hint: Did you mean 'goto'?\n" in done.stderr
    assert "hint: Set base_url in its [[journey]]" in done.stderr
    assert [path.name for path in (shop / "lichen-runs").rglob("*.png")] == ["lost-0-open.png"]
    assert list(runfile.find(shop / "lichen-runs")) == []


def test_parts_belong_to_those_who_use_them(shop: Path) -> None:
    class Quiet(SimpleHTTPRequestHandler):
        def __init__(self, *words: Any) -> None:
            super().__init__(*words, directory=str(shop / "site"))

        def log_message(self, *words: object) -> None:
            """Says nothing."""

    left_out = "the server parts of lichen.toml were not started and are not in these figures"
    with ThreadingHTTPServer(("127.0.0.1", 0), Quiet) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_address[1]}/"
        for words, parts in (((), ["browser"]), (("--parts",), ["browser", "site"])):
            done = lichen(shop, address, "--json", *words)
            assert done.returncode == 0, done.stderr
            (journey,) = by_name(done).values()
            assert [part["name"] for part in journey["parts"]] == parts
            assert any(left_out in note for note in journey["notes"]) == (not words)
        server.shutdown()
    (journey,) = by_name(lichen(shop, "{site.url}/", "--json")).values()
    assert [part["name"] for part in journey["parts"]] == ["browser", "site"]


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("good", "--zone", "XX"), 2, "There is no place 'XX'."),
        (("good", "--html", "nowhere/report.html"), 2, "there is no folder"),
        (("localhost:8765",), 2, "Did you mean http://localhost:8765?"),
        (("http://localhost:9/",), 4, "the browser refuses the port"),
    ],
)
def test_what_is_refused(shop: Path, words: tuple[str, ...], code: int, said: str) -> None:
    done = lichen(shop, *words)
    assert (done.returncode, said in done.stderr) == (code, True), done.stderr
    assert not (shop / "nowhere").exists()
    if code == 2:
        assert not (shop / "lichen-runs").exists()


def test_a_part_whose_port_is_taken_is_told_of_the_free_one(shop: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as holder, socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))  # nobody listens there: the part is watched until it dies
        fixed = (shop / "lichen.toml").read_text().replace('"{port}"', f'"{holder.getsockname()[1]}"')
        waits = f'name = "site"\nready = "tcp://127.0.0.1:{unused.getsockname()[1]}"'
        (shop / "lichen.toml").write_text(
            fixed.replace('name = "site"', waits).replace("{site.url}", "http://127.0.0.1:8000")
        )
        done = lichen(shop, "good")
    assert done.returncode == 5, done.stderr
    (problem,) = [line for line in done.stderr.splitlines() if line.startswith("error:")]
    assert problem.endswith("it said last: OSError: [Errno 98] Address already in use.")
    assert "hint: Its port is taken: write {port} in its command" in done.stderr


def test_a_ready_address_that_refuses_is_named_with_the_log(shop: Path) -> None:
    text = (shop / "lichen.toml").read_text()
    waits = 'name = "site"\nready = "{url}/gone"\nready_timeout_s = 0.5'
    (shop / "lichen.toml").write_text(text.replace('name = "site"', waits))
    done = lichen(shop, "good")
    assert done.returncode == 5
    assert "it answers with status 404" in done.stderr
    (log,) = (shop / "lichen-runs" / "logs").rglob("site.log")
    assert f"hint: Correct its ready address; its output is in {log}." in done.stderr
