# SPDX-License-Identifier: Apache-2.0
"""Whole command on a trivial local page, three counted samples, against a re-enactment of the closest peer's cycle.

The peer (greenframe-cli 2.0.1, observed): 3.4 s until its first sample; then per sample a new browser, a fixed pause of
2.0 s, the scenario (open until the network is idle, scroll to the end by 100 px every 25 ms), close. It is re-enacted here
with the same browser, container operations left out (in its favour). Rounds are interleaved. Limits: fast 0.5, fidelity 0.8.

Run: .venv/bin/python benchmarks/cycle.py [ROUNDS]
"""

from __future__ import annotations

import contextlib
import http.server
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from lichen.collect.journeys import find_browser

SAMPLES = 3
PEER_START_S = 3.4
PEER_PAUSE_S = 2.0
LIMITS = {"fast": 0.5, "fidelity": 0.8}
PAGE = b"<!doctype html><title>Trivial</title><h1>Trivial</h1>" + b"<p>A paragraph of plain text.</p>" * 60


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers every path with the page."""

    def do_GET(self) -> None:
        """The page."""
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(PAGE)))
        self.end_headers()
        self.wfile.write(PAGE)

    def log_message(self, *_: object) -> None:
        """Silent."""


@contextlib.contextmanager
def site() -> Iterator[str]:
    """The page on a free port."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}/"
    server.shutdown()


def peer(url: str) -> None:
    """The peer's cycle."""
    from playwright.sync_api import sync_playwright

    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    executable = find_browser("fidelity", None).path
    time.sleep(PEER_START_S)
    with sync_playwright() as playwright:
        for _ in range(SAMPLES):
            browser = playwright.chromium.launch(executable_path=executable, args=arguments)
            page = browser.new_context().new_page()
            time.sleep(PEER_PAUSE_S)
            page.goto(url, wait_until="networkidle")
            page.evaluate(
                "() => new Promise(done => { const t = setInterval(() => { scrollBy(0, 100);"
                " if (scrollY + innerHeight >= document.body.scrollHeight) { clearInterval(t); done(); } }, 25); })"
            )
            browser.close()


def lichen(url: str, profile: str, folder: str) -> None:
    """Our whole command."""
    command = [
        sys.executable,
        "-m",
        "lichen",
        "measure",
        url,
        "--samples",
        str(SAMPLES),
        "--profile",
        profile,
        "--quiet",
    ]
    subprocess.run([*command, "--out", folder, "--json"], check=True, stdout=subprocess.DEVNULL)


def seconds(work: Callable[[], None]) -> float:
    """Wall-clock time of a call."""
    start = time.monotonic()
    work()
    return time.monotonic() - start


def main() -> int:
    """Prints times and ratios; 1 when a limit is broken."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    times: dict[str, list[float]] = {"peer": [], "fidelity": [], "fast": []}
    with site() as url, tempfile.TemporaryDirectory() as folder:
        for _ in range(rounds):
            times["peer"].append(seconds(lambda: peer(url)))
            for profile in ("fidelity", "fast"):
                times[profile].append(seconds(lambda profile=profile: lichen(url, profile, str(Path(folder)))))  # type: ignore[misc]
    broken = False
    for name, series in times.items():
        ratios = [own / other for own, other in zip(series, times["peer"], strict=True)]
        ratio = statistics.median(ratios)
        limit = LIMITS.get(name)
        verdict = (
            "" if limit is None else f"  ratio {ratio:.2f} (limit {limit})  {'ok' if ratio <= limit else 'BROKEN'}"
        )
        broken |= limit is not None and ratio > limit
        print(
            f"{name:9} median {statistics.median(series):5.2f} s  min {min(series):5.2f}  max {max(series):5.2f}{verdict}"
        )
    return int(broken)


if __name__ == "__main__":
    raise SystemExit(main())
