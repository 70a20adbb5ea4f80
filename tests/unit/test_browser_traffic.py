# SPDX-License-Identifier: Apache-2.0
"""Recorded events become requests, sites become parties: oracles computed by hand."""

from __future__ import annotations

import json
import socket
import struct
import threading
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lichen.collect.browser.sites import only_site_rules, party, registrable_site
from lichen.collect.browser.traffic import Traffic, read_traffic
from lichen.collect.browser.websocket import WebSocket, WebSocketClosedError
from lichen.collect.counters import Edge, Reading
from lichen.collect.journeys.readings import Evidence, assemble
from lichen.collect.journeys.window import DocumentReading, StepMark, Window


def frame(method: str, session: str = "A", **parameters: Any) -> bytes:
    content = {"method": f"Network.{method}", "params": parameters, "sessionId": session}
    return json.dumps(content, separators=(",", ":")).encode()


def sent(number: str, url: str, at_s: float, session: str = "A", **more: Any) -> bytes:
    request = {"url": url, "method": "GET", "headers": {}}
    return frame("requestWillBeSent", session, requestId=number, request=request, timestamp=at_s, type="Fetch", **more)


def answered(number: str, at_s: float, head: int, session: str = "A", **more: Any) -> bytes:
    response = {"status": 200, "headers": {}, "encodedDataLength": head, **more}
    return frame("responseReceived", session, requestId=number, timestamp=at_s, response=response, hasExtraInfo=True)


def headers_sent(number: str, session: str = "A") -> bytes:
    return frame("requestWillBeSentExtraInfo", session, requestId=number, headers={"Host": "a.example"})


def finished(number: str, at_s: float, total: int, session: str = "A") -> bytes:
    return frame("loadingFinished", session, requestId=number, timestamp=at_s, encodedDataLength=total)


HEADER_BYTES = len("GET /x HTTP/1.1\r\n") + len("Host: a.example\r\n") + len("\r\n")


def test_one_plain_request() -> None:
    traffic = read_traffic(
        [sent("1", "http://a.example/x", 10.0), headers_sent("1"), answered("1", 10.2, 90), finished("1", 10.3, 590)]
    )
    (exchange,) = traffic.exchanges
    assert (exchange.received(10.3), exchange.sent(10.3)) == (590, HEADER_BYTES)
    assert (exchange.status, exchange.kind, exchange.host) == (200, "fetch", "a.example")


def test_two_sessions_that_tell_the_same_count_once() -> None:
    once = [sent("1", "http://a.example/x", 10.0), headers_sent("1"), answered("1", 10.2, 90), finished("1", 10.3, 590)]
    piece = {"requestId": "1", "timestamp": 10.25, "dataLength": 500, "encodedDataLength": 500}
    twice = [
        *once[:2],
        sent("1", "http://a.example/x", 10.0, "B"),
        headers_sent("1", "B"),
        *once[2:3],
        frame("dataReceived", "A", **piece),
        frame("dataReceived", "B", **piece),
        finished("1", 10.3, 590, "B"),
        *once[3:],
    ]
    (exchange,) = read_traffic(twice).exchanges
    assert (exchange.received(10.3), exchange.received(10.26)) == (590, 90 + 500)
    assert exchange.sent(10.3) == HEADER_BYTES


def test_a_redirect_is_a_request_of_its_own() -> None:
    redirect = {"status": 302, "headers": {"Content-Length": "5"}, "encodedDataLength": 80}
    traffic = read_traffic(
        [
            sent("1", "http://a.example/x", 10.0),
            headers_sent("1"),
            headers_sent("1"),
            sent("1", "http://a.example/y", 10.1, redirectResponse=redirect, redirectHasExtraInfo=True),
            answered("1", 10.2, 90),
            finished("1", 10.3, 190),
        ]
    )
    first, second = traffic.exchanges
    assert (first.status, first.received(11), first.sent(11)) == (302, 85, HEADER_BYTES)
    assert (second.status, second.received(11), second.sent(11)) == (200, 190, HEADER_BYTES)


def test_what_never_touches_the_network_is_left_out_or_free() -> None:
    traffic = read_traffic(
        [
            sent("1", "data:text/plain,x", 10.0),
            sent("2", "http://a.example/x", 10.0),
            answered("2", 10.1, 90, fromDiskCache=True),
            finished("2", 10.2, 0),
            sent("3", "http://a.example/y", 10.0),
            frame("loadingFailed", requestId="3", timestamp=10.1, errorText="x", blockedReason="csp"),
            sent("4", "http://a.example/z", 10.0),
            frame("loadingFailed", requestId="4", timestamp=10.1, errorText="net::ERR_CONNECTION_REFUSED"),
        ]
    )
    cached, refused = traffic.exchanges
    assert (cached.from_cache, cached.received(11), cached.sent(11)) == (True, 0, 0)
    assert (refused.status, refused.received(11), refused.sent(11)) == (None, 0, 0)


def test_a_compressed_stream_counts_what_is_stated_for_the_wire() -> None:
    events = [
        sent("1", "http://a.example/x", 10.0),
        headers_sent("1"),
        answered("1", 10.1, 100, headers={"content-encoding": "br"}),
        frame("dataReceived", requestId="1", timestamp=10.2, dataLength=900, encodedDataLength=300),
        frame("dataReceived", requestId="1", timestamp=10.4, dataLength=900, encodedDataLength=0),
        frame("loadingFailed", requestId="1", timestamp=10.5, errorText="net::ERR_ABORTED"),
    ]
    (exchange,) = read_traffic(events).exchanges
    assert exchange.received(11) == 400
    assert exchange.received(10.15) == 100


@pytest.mark.parametrize(
    ("host", "site"),
    [
        ("127.0.0.1", "127.0.0.1"),
        ("[::1]", "::1"),
        ("localhost", "localhost"),
        ("www.Shop.example.", "shop.example"),
        ("a.b.c.org", "c.org"),
        ("www.bbc.co.uk", "bbc.co.uk"),
        ("impots.gouv.fr", "impots.gouv.fr"),
        ("www.service.gouv.fr", "service.gouv.fr"),
        ("ada.github.io", "ada.github.io"),
        ("x.ada.github.io", "ada.github.io"),
    ],
)
def test_registrable_sites(host: str, site: str) -> None:
    assert registrable_site(host) == site
    assert party(host, site) == "first"
    assert party("other.example", site) == "third"


@given(st.from_regex(r"\A[a-z]{1,8}(\.[a-z]{1,8}){0,4}\Z"))
def test_a_site_is_its_own_site_and_holds_its_hosts(host: str) -> None:
    site = registrable_site(host)
    assert registrable_site(site) == site
    assert host == site or host.endswith(f".{site}")
    assert party(f"deep.{site}", site) in {"first", "third"}


def test_rules_leave_one_site_reachable() -> None:
    assert only_site_rules("shop.example") == "MAP * ~NOTFOUND , EXCLUDE shop.example , EXCLUDE *.shop.example"


# --- readings ---------------------------------------------------------------------------------------------------------


def edge(at_s: float, cpu_ms: int, peak: int, disk: int | None = 0) -> Edge:
    tree = Reading(
        cpu_ns=cpu_ms * 10**6, disk_bytes=disk, memory_byte_seconds=at_s * 100, memory_peak_bytes=peak, alive=3
    )
    driver = Reading(cpu_ns=cpu_ms * 10**5, disk_bytes=0, memory_byte_seconds=0, memory_peak_bytes=0, alive=1)
    return Edge(at_ns=int(at_s * 1e9), spread_ns=int(at_s), readings={"browser": tree, "#driver": driver})


def window_of(*marks: StepMark, first: Edge, last: Edge) -> Window:
    unused: Any = None
    window = Window(unused, unused, unused, 1.0, unused)
    window.marks, window.first, window.last, window.gap_layouts, window.agent_ns = list(marks), first, last, 2, 7
    return window


def test_rows_of_a_sample_add_up_to_its_window() -> None:
    first, last = edge(10, 0, 1), edge(20, 1000, 5, None)
    one = StepMark("one", 8.0, edge(11, 100, 9), edge(12, 300, 20), edge(13, 400, 10), DocumentReading(4, 40))
    two = StepMark("two", None, edge(14, 450, 3), None, edge(19, 900, 30), DocumentReading(6, 60))
    evidence = Evidence(
        window=window_of(one, two, first=first, last=last),
        index=2,
        started_at="2026-01-01T00:00:00Z",
        settle_s=0.5,
        part_names=("browser",),
        notes=("a",),
        memory_methods={"browser": "measured"},
        network_gaps={},
    )
    sample = assemble(evidence, Traffic((), ("b",)), site=None)
    steps = {step.name: step for step in sample.steps}
    assert [step.name for step in sample.steps] == ["one", "two", ""]
    assert sum(step.observed_s for step in sample.steps) == sample.window_s == 10.0
    assert [steps[name].readings["browser"].cpu_ns for name in ("one", "two", "")] == [
        300 * 10**6,
        450 * 10**6,
        250 * 10**6,
    ]
    assert [steps[name].paced_s for name in ("one", "two", "")] == [8.0, 5.0, 0.0]
    assert [steps[name].readings["browser"].memory_peak_bytes for name in ("one", "two", "")] == [20, 30, 9]
    assert [steps[name].readings["browser"].memory_byte_seconds for name in ("one", "two", "")] == [200, 500, 300]
    assert [steps[name].readings["browser"].disk_bytes for name in ("one", "two", "")] == [0, 0, None]
    assert (steps["one"].resting_cpu_ns, steps["one"].resting_s) == (100 * 10**6, 1.0)
    assert (steps["two"].resting_cpu_ns, steps["two"].resting_s) == (None, 0.0)
    assert [steps[name].layouts for name in ("one", "two", "")] == [4, 6, 2]
    assert (sample.agent_cpu_ns, sample.driver_cpu_ns, sample.edge_spread_ns) == (7, 10**8, 20)
    assert sample.notes == ("a", "b")
    assert sample.memory_methods == {"browser": "measured"}
    assert sample.machine is None


# --- websocket --------------------------------------------------------------------------------------------------------


def serve_once(answer: bytes) -> tuple[int, threading.Thread]:
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        with listener, listener.accept()[0] as connection:
            request = b""
            while b"\r\n\r\n" not in request:
                request += connection.recv(4096)
            for start in range(0, len(answer), 7):  # frames arrive torn
                connection.sendall(answer[start : start + 7])

    thread = threading.Thread(target=serve)
    thread.start()
    return listener.getsockname()[1], thread


def test_messages_of_every_length_arrive_whole() -> None:
    messages = [b"a" * 125, b"b" * 126, b"c" * 65535, b"d" * 65536]
    stream = b"HTTP/1.1 101 Switching Protocols\r\n\r\n"
    for text in messages:
        size = len(text)
        head = (
            struct.pack("!BB", 0x81, size)
            if size < 126
            else struct.pack("!BBH", 0x81, 126, size)
            if size < 65536
            else struct.pack("!BBQ", 0x81, 127, size)
        )
        stream += head + text
    stream += b"\x01\x02he" + b"\x80\x03llo"  # one message in two frames
    port, thread = serve_once(stream)
    client = WebSocket(f"ws://127.0.0.1:{port}/x")
    assert list(client.messages()) == [*messages, b"hello"]
    client.close()
    thread.join(5)


def test_a_refused_handshake_is_an_error() -> None:
    port, thread = serve_once(b"HTTP/1.1 403 Forbidden\r\n\r\n")
    with pytest.raises(WebSocketClosedError, match="403"):
        WebSocket(f"ws://127.0.0.1:{port}/x")
    thread.join(5)
