# SPDX-License-Identifier: Apache-2.0
"""Canaries: secrets planted wherever a user may have some; none is found in what Lichen writes, prints or names."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.browser, pytest.mark.beside]

SERVER = """
import http.server, sys

class Site(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        status = 500 if self.path.startswith("/broken") else 200
        body = PAGE if self.path.startswith("/page") else b"x"
        self.send_response(status)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    do_POST = do_GET
    def log_message(self, *words):
        pass

PAGE = (
    b"<!doctype html><title>T</title><input type=password aria-label=Password>"
    b"<script>fetch('/data?api_key=canary-fetch&page=2');"
    b"fetch('/x?to=https%3A%2F%2Fu%3Acanary-nested%40h%2F%3Ftoken%3Dcanary-deep')"
    b"</script>"
)
http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Site).serve_forever()
"""

JOURNEY = """
def prepare(page):
    page.context.add_cookies([{"name": "session", "value": "canary-cookie", "url": BASE}])
    page.set_extra_http_headers({"X-Api-Key": "canary-header"})

def journey(page, step):
    with step("sign in"):
        page.goto("/page?token=canary-page&lang=fr#access_token=canary-fragment")
        page.get_by_label("Password").fill("canary-field")
        page.wait_for_load_state("networkidle")
        page.goto("/other/eyJhbGciOiJI.canary-payload.canary_sign")
"""

CONFIG = """
[context]
zone = "FR"
[measure]
samples = 1
discard = 0
profile = "fast"
rest_s = 0.1
[browser]
args = ["--user-agent-hint=a", "--some-token=canary-browser"]
[[part]]
name = "site"
command = ["{python}", "server.py", "{port}", "--password=canary-command", "--secret", "canary-word"]
env = { DB = "canary-env" }
ready = "http://canary-ready-user:canary-ready-pass@127.0.0.1:{port}/ready?key=canary-ready"
reset = "{url}/reset?sig=canary-reset"
[[journey]]
name = "in"
file = "in.py"
base_url = "http://bob:canary-base@127.0.0.1:PORT"
"""


def lichen(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "lichen", *words],
        cwd=folder, env=os.environ | {"LICHEN_LANG": ""}, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip


def everything(folder: Path, *runs: subprocess.CompletedProcess[str]) -> str:
    """All that was printed, every name below the runs' folder, and every file there but the parts' own output."""
    said = [f"{run.stdout}{run.stderr}" for run in runs]
    for path in sorted([*(folder / "lichen-runs").rglob("*"), *folder.glob("out.*")]):
        said.append(str(path.relative_to(folder)))
        if path.is_file() and path.suffix not in (".log", ".png"):
            raw = path.read_bytes()
            said.append((gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw).decode())
    return "\n".join(said)


@pytest.fixture
def site(tmp_path: Path, unused_port: int) -> Path:
    base = f"http://127.0.0.1:{unused_port}"
    (tmp_path / "server.py").write_text(SERVER)
    (tmp_path / "in.py").write_text(f"BASE = {base!r}\n{JOURNEY}")
    config = CONFIG.replace("PORT", str(unused_port)).replace('name = "site"', f'name = "site"\nport = {unused_port}')
    (tmp_path / "lichen.toml").write_text(config)
    return tmp_path


@pytest.fixture
def unused_port() -> int:
    import socket

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def test_no_secret_is_kept_or_shown(site: Path) -> None:
    done = lichen(site, "measure", "--html", "out.html", "--format", "json=out.json")
    assert done.returncode == 0, done.stderr
    shown = lichen(site, "config", "show", "--origin")
    explained = lichen(site, "explain", "gwp100", "--json")
    (run,) = (site / "lichen-runs").glob("*.run.json.gz")
    content = json.loads(gzip.decompress(run.read_bytes()))
    addresses = "\n".join(row["url"] for row in content["journeys"][0]["requests"])
    assert "/page?token=***&lang=fr" in addresses
    assert "/data?api_key=***&page=2" in addresses
    assert content["journeys"][0]["base_url"].startswith("http://127.0.0.1:")
    assert "canary" not in everything(site, done, shown, explained)


@pytest.mark.parametrize(
    ("journey", "code"),
    [
        ('page.goto("/broken?token=canary-a"); page.get_by_text("canary").wait_for(timeout=1)', 4),
        ('raise ValueError(f"no answer: password=canary-b at http://u:canary-c@h/?jwt=canary-d")', 4),
        ('page.goto("http://u:canary-e@127.0.0.1:1/?key=canary-f")', 4),
    ],
)
def test_a_journey_that_fails_tells_no_secret(site: Path, journey: str, code: int) -> None:
    (site / "in.py").write_text(
        f"def journey(page, step):\n    with step('a'):\n        {journey}\n".replace('canary")', 'x")')
    )
    done = lichen(site, "measure", "--json")
    assert done.returncode == code, done.stderr
    assert "error" in done.stderr
    assert "canary" not in everything(site, done)


@pytest.mark.parametrize(
    ("before", "after", "code"),
    [
        ('/reset?sig=canary-reset"', '/broken?sig=canary-reset"', 5),
        ("/ready?key=canary-ready", "/broken?key=canary-ready", 5),
        ('"server.py"', '"absent.py"', 5),
        ('reset = "{url}', 'reset = "ftp://u:canary-x@h', 2),
        ("env = { DB =", "env = [", 2),
    ],
)
def test_a_part_that_fails_tells_no_secret(site: Path, before: str, after: str, code: int) -> None:
    text = (site / "lichen.toml").read_text().replace(before, after)
    if "[" in after:
        text = text.replace('"canary-env" }', '"canary-env" ]')
    (site / "lichen.toml").write_text(text.replace('name = "site"', 'name = "site"\nready_timeout_s = 2'))
    done = lichen(site, "measure")
    assert done.returncode == code, done.stderr
    assert "canary" not in everything(site, done)


def test_an_address_that_is_measured_names_the_journey_without_its_secrets(site: Path) -> None:
    (site / "lichen.toml").unlink()
    done = lichen(
        site, "measure", "http://u:canary-1@127.0.0.1:1/eyJhbGciOiJI.canary-payload.sign?code=canary-2#sid=canary-3"
    )
    assert done.returncode == 4, done.stderr
    assert "canary" not in everything(site, done)
