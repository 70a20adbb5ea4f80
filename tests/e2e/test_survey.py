# SPDX-License-Identifier: Apache-2.0
"""A real browser looks into a page that wastes in known ways: each is found, with the amount that the server can count."""

from __future__ import annotations

import gzip
import http.server
import random
import struct
import threading
import zlib
from pathlib import Path
from typing import Any

import pytest

from lichen.collect.journeys import BrowserSettings, Journey, driver_session, find_browser, run_sample
from lichen.collect.machine import MachineMeter
from lichen.collect.survey import Survey, read_survey

pytestmark = [pytest.mark.browser, pytest.mark.beside]

SCRIPT = (
    "function used() { document.title = 'used'; }\n"
    + "".join(f"function spare{i}() {{ return 'never called, number {i}'; }}\n" for i in range(400))
    + "used();"
)
SHEET = "p { margin: 0; }\n" + "".join(f".spare{i} {{ color: rgb({i % 256}, 0, 0); }}\n" for i in range(200))
BUSY = "const end = performance.now() + 130; while (performance.now() < end) { }"
POLL = """let n = 0; const timer = setInterval(async () => {
  await fetch('/status'); n += 1; if (n === 6) { clearInterval(timer); document.title = 'done'; } }, 300);"""


def png(width: int, height: int) -> bytes:
    """Noise, which does not compress."""
    noise = random.Random(7)
    rows = b"".join(b"\0" + noise.randbytes(3 * width) for _ in range(height))

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


PAGES = {
    "/": f"""<!doctype html><title>first</title><link rel=stylesheet href=/style.css><script src=/app.js></script>
<p>one</p><a href=/second>next</a><img src=/large.png width=50 height=50><div style="height:5000px"></div>
<img src=/below.png width=100 height=100><script>{BUSY}</script>""",
    "/second": f"""<!doctype html><title>second</title><link rel=stylesheet href=/style.css><p>two</p><script>{POLL}</script>""",
}
FILES = {
    "/app.js": (SCRIPT.encode(), "text/javascript", "no-store"),
    "/style.css": (SHEET.encode(), "text/css", "no-store"),
    "/large.png": (png(200, 200), "image/png", "max-age=31536000"),
    "/below.png": (png(100, 100), "image/png", "max-age=31536000"),
    "/status": (b"{}", "application/json", "no-store"),
}


class Site(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        if self.path == "/old":
            self.send_response(301)
            self.send_header("Location", "/")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        body, kind, cache = FILES.get(self.path, (PAGES.get(self.path, "").encode(), "text/html", "no-cache"))
        compressed = self.path in PAGES
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Cache-Control", cache)
        if compressed:
            body = gzip.compress(body)
            self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments: Any) -> None:
        pass


@pytest.fixture(scope="module")
def survey(tmp_path_factory: pytest.TempPathFactory) -> Survey:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Site)
    threading.Thread(target=server.serve_forever, daemon=True).start()

    def run(page: Any, step: Any) -> None:
        with step("read"):
            page.goto("/old")
        with step("wait"):
            page.click("a")
            page.wait_for_function("document.title === 'done'")

    url = f"http://127.0.0.1:{server.server_port}"
    journey = Journey(name="waste", source="waste", source_hash="", base_url=url, run=run)
    settings = BrowserSettings(rest_s=0.0, timeout_s=10.0, journey_timeout_s=60.0)
    folder: Path = tmp_path_factory.mktemp("survey")
    try:
        with driver_session():
            sample = run_sample(
                journey, browser=find_browser("fast"), settings=settings, meter_factory=MachineMeter, parts={},
                index=-1, artefacts=folder, survey=True,
            )  # fmt: skip
    finally:
        server.shutdown()
        server.server_close()
    assert sample.survey is not None
    return sample.survey


def rows(survey: Survey, path: str) -> list[Any]:
    return [one for one in survey.resources if one.url.endswith(path)]


def test_texts_that_came_plain_are_compressed_on_trial(survey: Survey) -> None:
    (script,) = rows(survey, "/app.js")
    assert script.gzip_bytes == tuple(len(zlib.compress(SCRIPT.encode(), level)) for level in (1, 6, 9))
    assert script.decoded_bytes == len(SCRIPT)
    assert script.step == "read"
    (page,) = rows(survey, "/second")
    assert (page.encoding, page.gzip_bytes) == ("gzip", None)


def test_what_no_step_used_is_counted(survey: Survey) -> None:
    by_kind = {one.kind: one for one in survey.coverage}
    assert {one.url.rpartition("/")[2] for one in survey.coverage} == {"app.js", "style.css"}
    script = by_kind["script"]
    assert script.characters == len(SCRIPT)
    spare = sum(len(f"function spare{i}() {{ return 'never called, number {i}'; }}") for i in range(400))
    assert script.used == len(SCRIPT) - spare
    sheet = by_kind["stylesheet"]
    assert (sheet.characters, sheet.used) == (len(SHEET), len("p { margin: 0; }"))


def test_images_know_their_place_and_whether_they_were_seen(survey: Survey) -> None:
    found = {one.url.rpartition("/")[2]: one for one in survey.images}
    large, below = found["large.png"], found["below.png"]
    assert (large.natural_px, large.shown_px, large.seen) == (40_000, 2_500, True)
    assert (below.natural_px, below.shown_px, below.seen) == (10_000, 10_000, False)


def test_pages_tell_what_they_hold_before_they_are_left(survey: Survey) -> None:
    found = {one.url.rpartition("/")[2]: one for one in survey.documents}
    assert found[""].elements == 12
    assert found["second"].step == "wait"
    tasks = {one.step: one for one in survey.long_tasks}
    assert tasks["read"].total_s >= 0.13


def test_repeated_requests_keep_their_order_and_pauses(survey: Survey) -> None:
    asked = rows(survey, "/status")
    assert len(asked) == 6
    assert [one.at_s for one in asked] == sorted(one.at_s for one in asked)
    assert rows(survey, "/old")[0].status == 301


def test_it_survives_a_run_file(survey: Survey) -> None:
    assert read_survey(survey.to_json()) == survey
