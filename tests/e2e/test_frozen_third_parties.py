# SPDX-License-Identifier: Apache-2.0
"""Third parties that are recorded once and then answer from their recording: the same bytes, without the hosts."""

from __future__ import annotations

import gzip
import json
import ssl
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final

import pytest

from lichen.collect.base import Sample
from lichen.collect.journeys import Archive, Book, BrowserSettings, Journey, driver_session, find_browser, run_sample
from lichen.collect.journeys.replay import make_certificate
from lichen.collect.machine import MachineMeter

sys.path.insert(0, str(Path(__file__).parent / "sites"))
from wire import WireServer

pytestmark = [pytest.mark.browser, pytest.mark.beside]

SCRIPT: Final = b"window.stranger = 'here'; //" + bytes(range(65, 91)) * 900
SHARED: Final = {
    "rest_s": 0.3,
    "settle_s": 0.5,
    "timeout_s": 10.0,
    "journey_timeout_s": 60.0,
    "ignore_https_errors": True,
}


class Stranger(BaseHTTPRequestHandler):
    """A third party: another answer each time, compressed, with a cookie, a date of old, and answers for one origin only."""

    protocol_version = "HTTP/1.1"
    served = 0
    seen: list[str]

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        type(self).served += 1
        self.seen.append(self.path)
        body, more = SCRIPT + str(self.served).encode(), {}
        if self.path.startswith("/data"):
            body = json.dumps({"served": self.served, "asked": self.headers.get("X-Test")}).encode()
        if self.command == "OPTIONS":
            body = b""
        elif "gzip" in self.headers.get("Accept-Encoding", ""):
            body, more = gzip.compress(body, mtime=0), {"Content-Encoding": "gzip"}
        self.send_response_only(200)
        age = timedelta(hours=3 if self.path.startswith("/data") else 0)
        date = format_datetime(datetime.now(UTC) - age, usegmt=True)
        headers = {
            "Date": date, "Content-Type": "text/javascript", "Cache-Control": "max-age=600", "Set-Cookie": "id=CANARY",
            "Content-Length": str(len(body)), "Access-Control-Allow-Origin": self.headers.get("Origin", "*"),
            "Access-Control-Allow-Headers": "X-Test", "Vary": "Origin",
        }  # fmt: skip
        for name, value in {**headers, **more}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    do_OPTIONS = do_POST = do_GET  # noqa: N815


@pytest.fixture(scope="module", autouse=True)
def _one_driver() -> Iterator[None]:
    with driver_session():
        yield


@pytest.fixture(params=["http", "https"])
def stranger(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[str, ThreadingHTTPServer]]:
    """Address and server of a third party on ``localhost``, which is another site than 127.0.0.1."""
    handler = type("Handler", (Stranger,), {"served": 0, "seen": []})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    if request.param == "https":
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(make_certificate(tmp_path)[0])
        server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"{request.param}://localhost:{server.server_address[1]}", server
    server.shutdown()
    server.server_close()


def visit(
    site: WireServer, third: str, source: Archive | Book | None, *, more: str = ""
) -> tuple[Sample, dict[str, Any]]:
    """Opens a page of the site that asks a third party for a script, twice for stale and fresh answers, and for ``more``."""
    seen: dict[str, Any] = {}

    def run(page: Any, step: Any) -> None:
        with step("open"):
            page.goto("/plain.html")
            page.add_script_tag(url=f"{third}/a.js")
            asked = f"fetch('{third}/data?n=1', {{headers: {{'X-Test': 'a'}}}}).then(answer => answer.json())"
            seen["first"] = page.evaluate(f"() => {asked}")
            page.evaluate(f"() => {asked}")
            for _ in range(2):
                page.evaluate(f"() => fetch('{third}/fresh').then(answer => answer.text())")
            seen["more"] = page.evaluate(f"() => {more}") if more else None
            seen["stranger"] = page.evaluate("() => window.stranger")

    sample = run_sample(
        Journey("shop", "shop.py", "", site.url, run),
        browser=find_browser("fast"),
        settings=BrowserSettings(**SHARED, third_parties=source),
        meter_factory=MachineMeter,
        parts={},
        index=0,
        artefacts=None,
    )
    return sample, seen


def third_party_rows(sample: Sample) -> list[tuple[Any, ...]]:
    return sorted(
        (row.url, row.kind, row.method, row.status, row.received_bytes, row.sent_bytes, row.from_cache)
        for row in sample.requests
        if row.party == "third"
    )


def test_the_recording_answers_with_the_same_bytes(stranger: tuple[str, ThreadingHTTPServer]) -> None:
    third, server = stranger
    book = Book()
    with WireServer() as site:
        recorded, first = visit(site, third, book)
        archive = book.archive()
        server.shutdown()
        before = server.RequestHandlerClass.served  # type: ignore[attr-defined]
        runs = [visit(site, third, archive) for _ in range(2)]
        first_party = [line.target for line in site.log]
    assert server.RequestHandlerClass.served == before  # type: ignore[attr-defined]
    assert first_party.count("/plain.html") == 3
    for sample, seen in runs:
        assert seen["first"] == first["first"]
        assert seen["stranger"] == "here"
        assert third_party_rows(sample) == third_party_rows(recorded)
        assert not [note for note in sample.notes if "recording" in note]
    rows = third_party_rows(recorded)
    script = next(row for row in rows if row[0].endswith("/a.js"))
    assert len(gzip.compress(SCRIPT)) < script[4] < len(gzip.compress(SCRIPT)) + 600
    from_cache = sorted((row[0].rpartition("/")[2], row[6]) for row in rows if row[2] == "GET")
    assert from_cache == [("a.js", False), ("data?n=1", False), ("data?n=1", False), ("fresh", False), ("fresh", True)]


def test_what_was_not_recorded_is_refused_and_said(stranger: tuple[str, ThreadingHTTPServer]) -> None:
    third, server = stranger
    book = Book()
    with WireServer() as site:
        visit(site, third, book)
        asked = len(server.RequestHandlerClass.seen)  # type: ignore[attr-defined]
        sample, seen = visit(
            site,
            third,
            book.archive(),
            more=f"Promise.all([fetch('{third}/other').then(a => a.status), fetch('{third}/data?n=2').then(a => a.json())])",
        )
        assert len(server.RequestHandlerClass.seen) == asked  # type: ignore[attr-defined]
    assert seen["more"][0] == 404
    assert seen["more"][1] == seen["first"], "the same place with another query has the place's answer"
    host = third.partition("://")[2]
    assert [note for note in sample.notes if note.endswith(f"answered with 404: {host} (1)")]


def test_the_file_keeps_no_cookie_and_reads_back(stranger: tuple[str, ThreadingHTTPServer], tmp_path: Path) -> None:
    third, _ = stranger
    book = Book()
    with WireServer() as site:
        visit(site, third, book)
    path = tmp_path / "third.zip"
    content = book.archive().to_bytes()
    path.write_bytes(content)
    again = Archive.read(path)
    assert again.to_bytes() == content
    assert again.sha256 == book.archive().sha256
    assert not [value for answer in again.answers for _, value in answer.headers if "CANARY" in value]
