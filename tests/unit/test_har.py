# SPDX-License-Identifier: Apache-2.0
"""HTTP archives: bytes by hand for each way of stating them, and whatever is hostile refused in one sentence."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lichen.collect.journeys.har import read_har
from lichen.errors import StorageError

WHEN: Final = "2026-11-02T10:00:00.000+01:00"
PAGE: Final = {"id": "p", "title": "https://shop.example/pay?token=x", "startedDateTime": WHEN}


def entry(url: str = "https://shop.example/pay", **more: Any) -> dict[str, Any]:
    """A document of 1000 bytes, asked for with 100."""
    request = {"method": "GET", "url": url, "headers": [], "headersSize": 100, "bodySize": 0} | more.pop("request", {})
    response = {
        "status": 200, "headers": [], "content": {"size": 5000, "mimeType": "text/html"}, "headersSize": -1, "bodySize": -1,
        "_transferSize": 1000,
    } | more.pop("response", {})  # fmt: skip
    return {"pageref": "p", "startedDateTime": WHEN, "time": 20, "request": request, "response": response} | more


def write(folder: Path, *entries: Any, pages: list[Any] | None = None) -> Path:
    path = folder / "a.har"
    log = {"version": "1.2", "creator": {"name": "Tool", "version": "3"}, "pages": pages or [PAGE], "entries": entries}
    path.write_text(json.dumps({"log": log}))
    return path


def only(folder: Path, given_entry: dict[str, Any]) -> Any:
    (page,) = read_har(write(folder, given_entry)).pages
    return page.requests[0]


HEADERS: Final = [{"name": "Server", "value": "x"}, {"name": ":status", "value": "200"}]
HEAD: Final = len("HTTP/1.1 200 OK\r\n\r\n") + len("Server: x\r\n")


@pytest.mark.parametrize(
    ("response", "received"),
    [
        ({}, 1000),
        ({"_transferSize": -1, "headersSize": 200, "bodySize": 300}, 500),
        ({"_transferSize": None, "headers": HEADERS, "bodySize": 300}, HEAD + 300),
        ({"_transferSize": -1, "headersSize": 200, "headers": [{"name": "Content-Length", "value": "70"}]}, 270),
        ({"_transferSize": -1, "headersSize": 200, "content": {"size": 900, "compression": 300}}, 800),
        ({"_transferSize": -1, "headersSize": 200, "content": {"size": 900}}, 1100),
        ({"_transferSize": -1, "headersSize": 9, "headers": [{"name": "content-encoding", "value": "br"}]}, None),
        ({"_transferSize": -1, "headersSize": 200, "content": {}}, None),
        ({"_transferSize": -1, "headersSize": 200, "content": {"size": 10, "compression": 50}}, 210),
        ({"_transferSize": -1, "headersSize": 200, "content": {}, "status": 304}, 200),
        ({"_transferSize": 0, "headersSize": 200, "bodySize": 300}, 500),
    ],
)
def test_received_bytes_by_hand(response: dict[str, Any], received: int | None, tmp_path: Path) -> None:
    assert only(tmp_path, entry(response=response)).received_bytes == received


@pytest.mark.parametrize(
    ("request_", "sent"),
    [
        ({}, 100),
        ({"headersSize": -1, "headers": HEADERS}, len("GET /pay HTTP/1.1\r\n\r\n") + len("Server: x\r\n")),
        ({"bodySize": -1, "postData": {"text": "é" * 10}}, 120),
        ({"bodySize": -1, "headers": [{"name": "Content-Length", "value": "7"}]}, 107),
        ({"bodySize": -1, "postData": {"params": []}}, None),
    ],
)
def test_sent_bytes_by_hand(request_: dict[str, Any], sent: int | None, tmp_path: Path) -> None:
    assert only(tmp_path, entry(request=request_)).sent_bytes == sent


def test_what_a_cache_answered_crossed_no_network(tmp_path: Path) -> None:
    found = only(tmp_path, entry(_fromCache="disk"))
    assert (found.received_bytes, found.sent_bytes, found.from_cache) == (0, 0, True)


def test_pages_parties_kinds_and_dates(tmp_path: Path) -> None:
    har = read_har(
        write(
            tmp_path,
            entry("https://cdn.other.example/a.js?key=secret", _resourceType="script"),
            entry("https://u:pw@www.shop.example:8443/pay?x=1#y", _resourceType="document"),
            entry("https://api.shop.example/v", pageref="q", response={"content": {"mimeType": "application/json"}}),
            entry("https://shop.example/none", pageref=None, response={"status": 0, "_transferSize": 0, "bodySize": 0}),
            entry("wss://shop.example/live", pageref=None),
            entry("data:image/png;base64,xx"),
        )
    )
    assert har.site == "other.example"
    assert [page.name for page in har.pages] == ["pay", "q", "without a page"]
    assert [(r.url, r.kind, r.party) for r in har.pages[0].requests] == [
        ("https://cdn.other.example/a.js", "script", "third" if har.site == "shop.example" else "first"),
        ("https://www.shop.example:8443/pay", "document", "third"),
    ]
    assert [r.kind for r in har.pages[1].requests] == ["fetch"]
    assert (har.failed, har.sockets, har.creator) == (1, 1, "Tool 3")
    assert har.started_at is not None
    assert har.started_at.utcoffset() is not None
    chosen = read_har(tmp_path / "a.har", site="www.shop.example")
    assert [r.party for r in chosen.pages[0].requests] == ["third", "first"]


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "it is not JSON"),
        (b'{"log": {"entries": [', "it is not JSON"),
        (b'{"log": {"entries": [{"time": NaN}]}}', "it is not JSON"),
        (b'{"log": {}}', "it has no log.entries"),
        (b"[1, 2]", "it has no log.entries"),
        (b"[" * 1000, "it is nested too deeply"),
        (b'{"log": {"entries": [' + b"[" * 1000, "it is nested too deeply"),
        (b'{"log": {"entries": [{"a": [' + b"1," * 300_000 + b"1]}]}}", "more values than an archive does"),
        (b'{"log": {"entries": [{}]}}', "entry 1 has no request or no response"),
    ],
)
def test_what_is_no_archive_is_refused(content: bytes, problem: str, tmp_path: Path) -> None:
    path = tmp_path / "a.har"
    path.write_bytes(content)
    with pytest.raises(StorageError) as error:
        read_har(path)
    assert problem in error.value.problem


@pytest.mark.parametrize(
    ("broken", "problem"),
    [
        ({"response": {"_transferSize": -7}}, "entry 2: _transferSize is -7, which is no size"),
        ({"response": {"_transferSize": "9"}}, "entry 2: _transferSize is 9, which is no size"),
        ({"response": {"_transferSize": 1.5}}, "entry 2: _transferSize is 1.5, which is no whole number"),
        ({"response": {"_transferSize": 10**13}}, "which is no size"),
        ({"response": {"_transferSize": -1, "content": {"size": True}}}, "entry 2: size is True, which is no size"),
        ({"startedDateTime": "2026-11-02T10:00:00"}, "entry 2: startedDateTime is no date with a time zone"),
        ({"startedDateTime": 7}, "entry 2: startedDateTime is no date"),
        ({"request": {"url": "http://[::1"}}, "the address of entry 2 is not valid"),
        ({"request": {"url": "https:///x"}}, "the address of entry 2 names no host"),
    ],
)
def test_an_entry_that_lies_is_named(broken: dict[str, Any], problem: str, tmp_path: Path) -> None:
    with pytest.raises(StorageError) as error:
        read_har(write(tmp_path, entry(), entry(**broken)))
    assert problem in error.value.problem


def test_an_infinite_number_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path, entry(response={"_transferSize": 123456789}))
    path.write_text(path.read_text().replace("123456789", "1e999"))
    with pytest.raises(StorageError):
        read_har(path)


def test_a_byte_order_mark_is_read_past(tmp_path: Path) -> None:
    path = write(tmp_path, entry())
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert len(read_har(path).pages) == 1


def test_a_file_that_is_too_large_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "a.har"
    path.touch()
    os.truncate(path, 256 * 2**20 + 1)
    with pytest.raises(StorageError, match="larger than 256 MiB"):
        read_har(path)


VALUES: Final = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(max_size=6)
    | st.just([])
    | st.just({})
)
PLACES: Final = st.sampled_from(
    [("request", "url"), ("request", "headersSize"), ("request", "headers"), ("request", "postData"), ("request", "method"),
     ("response", "content"), ("response", "status"), ("response", "bodySize"), ("response", "headers"), ("", "time"),
     ("", "pageref"), ("", "startedDateTime"), ("", "_resourceType"), ("", "response")]
)  # fmt: skip


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=PLACES, value=VALUES)
def test_whatever_an_entry_holds_it_is_read_or_refused(place: tuple[str, str], value: Any, tmp_path: Path) -> None:
    table, key = place
    broken = entry()
    (broken[table] if table else broken)[key] = value
    try:
        har = read_har(write(tmp_path, broken))
    except StorageError:
        return
    for page in har.pages:
        for request in page.requests:
            assert request.received_bytes is None or request.received_bytes >= 0
