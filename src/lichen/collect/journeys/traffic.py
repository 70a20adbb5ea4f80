# SPDX-License-Identifier: Apache-2.0
"""From recorded events to requests: what crossed the network, when, and in which step. Runs after the window.

One request may be told by several sessions (a worker and its page, the two processes of a frame that moves to another
site): events are merged by the browser-wide request id, so nothing counts twice. A redirect is a request of its own.

Received bytes are the browser's ``encodedDataLength`` (status line, headers and body as on the wire; chunk framing
included, TLS not). Sent bytes are rebuilt from the headers the browser says it sent: exact for HTTP/1.1, an upper bound
for HTTP/2 and 3, whose headers are compressed. WebSocket messages count with their frame headers, before compression.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit

from lichen.collect.journeys.script import without_credentials

_KINDS: Final = {
    "Document": "document",
    "Script": "script",
    "Stylesheet": "stylesheet",
    "Image": "image",
    "Font": "font",
    "Media": "media",
    "XHR": "fetch",
    "Fetch": "fetch",
    "EventSource": "fetch",
    "Ping": "fetch",
    "Preflight": "fetch",
    "WebSocket": "websocket",
}
_NOT_NETWORK: Final = ("data:", "blob:", "about:", "chrome:", "chrome-extension:", "devtools:", "chrome-error:", "file:")


@dataclass(slots=True)
class Exchange:
    """One request on the wire, or answered without it.

    Attributes:
        sent_at_s: monotonic clock. pieces: (monotonic clock, bytes) of what came when, received and sent.
        protocol: as negotiated, e.g. ``http/1.1``.
        whole_bytes: total received when the browser stated it at the end.
    """

    url: str
    method: str
    kind: str
    sent_at_s: float
    status: int | None = None
    protocol: str = ""
    from_cache: bool = False
    blocked: bool = False
    finished_at_s: float | None = None
    failed: str = ""
    has_extra: bool = False
    request_headers: dict[str, str] | None = None
    posted_bytes: int = 0
    head_bytes: int = 0
    responded_at_s: float | None = None
    whole_bytes: int | None = None
    pieces: list[tuple[float, int]] = field(default_factory=list)
    sent_pieces: list[tuple[float, int]] = field(default_factory=list)

    @property
    def host(self) -> str:
        """Host name of the address."""
        return urlsplit(self.url).hostname or ""

    def received(self, until_s: float) -> int:
        """Bytes received up to ``until_s`` (monotonic clock)."""
        if self.from_cache:
            return 0
        if self.whole_bytes is not None and self.finished_at_s is not None and self.finished_at_s <= until_s:
            return self.whole_bytes
        return self.head_bytes + sum(size for at_s, size in self.pieces if at_s <= until_s)

    def sent(self, until_s: float) -> int:
        """Bytes sent up to ``until_s`` (monotonic clock)."""
        if self.from_cache:
            return 0
        return self.request_bytes() + sum(size for at_s, size in self.sent_pieces if at_s <= until_s)

    def request_bytes(self) -> int:
        """Bytes of request line, headers and body; 0 when the browser told of no headers sent."""
        if self.request_headers is None:
            return 0
        parts = urlsplit(self.url)
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        line = len(self.method) + 1 + len(target.encode()) + len(" HTTP/1.1\r\n")
        body = self.posted_bytes
        size = line + 2
        for name, value in self.request_headers.items():
            if name.startswith(":"):
                continue
            for single in value.split("\n"):
                size += len(name.encode()) + 2 + len(single.encode()) + 2
            if name.lower() == "content-length" and value.isdigit():
                body = int(value)
        return size + body


@dataclass(frozen=True, slots=True)
class Traffic:
    """All exchanges of a recording, in the order they were sent, and what else was seen."""

    exchanges: tuple[Exchange, ...]
    notes: tuple[str, ...]


def read_traffic(frames: Iterable[bytes]) -> Traffic:
    """Parses recorded messages."""
    ledger = _Ledger()
    for frame in frames:
        method_end = frame.find(b'"', 11)
        handler = _HANDLERS.get(frame[11:method_end])
        if handler is not None:
            event = json.loads(frame)
            handler(ledger, {**event["params"], "session": event.get("sessionId", "")})
    return ledger.close()


class _Told:
    """What was told about one request id: hops (redirects) in order, and the side information of each."""

    def __init__(self) -> None:
        self.hops: list[Exchange] = []
        self.sent_headers: dict[str, list[dict[str, str]]] = {}
        self.pieces: dict[str, list[tuple[float, int]]] = {}

    @property
    def hop(self) -> Exchange | None:
        return self.hops[-1] if self.hops else None


class _Ledger:
    def __init__(self) -> None:
        self.told: dict[str, _Told] = {}
        self.notes: dict[str, int] = {}

    def of(self, parameters: dict[str, Any]) -> _Told:
        return self.told.setdefault(parameters["requestId"], _Told())

    def note(self, text: str) -> None:
        self.notes[text] = self.notes.get(text, 0) + 1

    def close(self) -> Traffic:
        exchanges: list[Exchange] = []
        for told in self.told.values():
            _complete(told)
            exchanges.extend(hop for hop in told.hops if not hop.url.startswith(_NOT_NETWORK) and not hop.blocked)
        exchanges.sort(key=lambda exchange: exchange.sent_at_s)
        notes = tuple(text if count == 1 else f"{text} ({count} times)" for text, count in self.notes.items())
        return Traffic(tuple(exchanges), notes)


def _complete(told: _Told) -> None:
    headers: Sequence[dict[str, str]] = max(told.sent_headers.values(), key=len, default=[])
    with_extra = [hop for hop in told.hops if hop.has_extra] or told.hops[-1:]
    for hop, sent in zip(with_extra, headers, strict=False):
        hop.request_headers = sent
    if told.hop is not None and told.pieces:
        told.hop.pieces = max(told.pieces.values(), key=lambda pieces: sum(size for _, size in pieces))


# --- one handler per event --------------------------------------------------------------------------------------------


def _will_be_sent(ledger: _Ledger, p: dict[str, Any]) -> None:
    told = ledger.of(p)
    request = p["request"]
    if any(hop.url == request["url"] and hop.sent_at_s == p["timestamp"] for hop in told.hops):
        return  # another session tells the same
    redirect = p.get("redirectResponse")
    last = told.hop
    if redirect is not None and last is not None and last.finished_at_s is None:
        _take_response(last, redirect, bool(p.get("redirectHasExtraInfo")))
        last.finished_at_s = p["timestamp"]
        last.whole_bytes = int(redirect.get("encodedDataLength", 0))
    elif last is not None and redirect is None:
        return  # the same hop, told later by a second session
    posted = sum(len(base64.b64decode(entry.get("bytes", ""))) for entry in request.get("postDataEntries", ()))
    told.hops.append(
        Exchange(
            url=without_credentials(request["url"]),
            method=request["method"],
            kind=_KINDS.get(p.get("type", ""), "other"),
            sent_at_s=p["timestamp"],
            posted_bytes=posted,
        )
    )


def _take_response(hop: Exchange, response: dict[str, Any], has_extra: bool) -> None:
    hop.status = response["status"] or None
    hop.protocol = response.get("protocol", "")
    hop.has_extra = has_extra
    hop.head_bytes = int(response.get("encodedDataLength", 0))
    if response.get("fromDiskCache") or response.get("fromPrefetchCache") or response.get("fromServiceWorker"):
        hop.from_cache = True


def _response(ledger: _Ledger, p: dict[str, Any]) -> None:
    hop = ledger.of(p).hop
    if hop is not None and hop.status is None:
        _take_response(hop, p["response"], bool(p.get("hasExtraInfo")))
        hop.responded_at_s = p["timestamp"]


def _from_cache(ledger: _Ledger, p: dict[str, Any]) -> None:
    hop = ledger.of(p).hop
    if hop is not None:
        hop.from_cache = True


def _data(ledger: _Ledger, p: dict[str, Any]) -> None:
    size = int(p["encodedDataLength"])
    ledger.of(p).pieces.setdefault(p["session"], []).append((p["timestamp"], size))


def _finished(ledger: _Ledger, p: dict[str, Any]) -> None:
    hop = ledger.of(p).hop
    if hop is not None and hop.whole_bytes is None:
        hop.finished_at_s = p["timestamp"]
        hop.whole_bytes = int(p["encodedDataLength"])


def _failed(ledger: _Ledger, p: dict[str, Any]) -> None:
    hop = ledger.of(p).hop
    if hop is not None and hop.finished_at_s is None:
        hop.finished_at_s = p["timestamp"]
        hop.failed = p.get("errorText", "failed")
        hop.blocked = bool(p.get("blockedReason")) and hop.status is None
        hop.from_cache = hop.from_cache or "ERR_CACHE_MISS" in hop.failed


def _sent_headers(ledger: _Ledger, p: dict[str, Any]) -> None:
    ledger.of(p).sent_headers.setdefault(p["session"], []).append(p["headers"])


def _socket_created(ledger: _Ledger, p: dict[str, Any]) -> None:
    told = ledger.of(p)
    if not told.hops:
        told.hops.append(Exchange(url=p["url"], method="GET", kind="websocket", sent_at_s=-1.0))


def _socket_request(ledger: _Ledger, p: dict[str, Any]) -> None:
    hop = ledger.of(p).hop
    if hop is not None and hop.sent_at_s < 0:
        hop.sent_at_s = p["timestamp"]
        hop.request_headers = p["request"]["headers"]


def _socket_response(ledger: _Ledger, p: dict[str, Any]) -> None:
    hop = ledger.of(p).hop
    if hop is None or hop.status is not None:
        return
    response = p["response"]
    hop.status = response["status"]
    text = response.get("headersText")
    if text is not None:
        hop.pieces.append((p["timestamp"], len(text.encode())))
    if response.get("requestHeaders"):
        hop.request_headers = response["requestHeaders"]


def _frame_size(frame: dict[str, Any], *, masked: bool) -> int:
    data = frame["payloadData"]
    size = len(data.encode()) if frame["opcode"] == 1 else len(base64.b64decode(data))
    return size + 2 + (0 if size < 126 else 2 if size < 1 << 16 else 8) + (4 if masked else 0)


def _socket_received(ledger: _Ledger, p: dict[str, Any]) -> None:
    hop = ledger.of(p).hop
    if hop is not None:
        hop.pieces.append((p["timestamp"], _frame_size(p["response"], masked=False)))


def _socket_sent(ledger: _Ledger, p: dict[str, Any]) -> None:
    hop = ledger.of(p).hop
    if hop is not None:
        hop.sent_pieces.append((p["timestamp"], _frame_size(p["response"], masked=True)))


def _dialog(ledger: _Ledger, p: dict[str, Any]) -> None:
    ledger.note(f"dialog closed: {p['type']} '{p['message'][:80]}'")


def _download(ledger: _Ledger, p: dict[str, Any]) -> None:
    ledger.note(f"download stopped: {p['suggestedFilename']}")


_HANDLERS: Final[dict[bytes, Callable[[_Ledger, dict[str, Any]], None]]] = {
    b"Network.requestWillBeSent": _will_be_sent,
    b"Network.requestWillBeSentExtraInfo": _sent_headers,
    b"Network.requestServedFromCache": _from_cache,
    b"Network.responseReceived": _response,
    b"Network.dataReceived": _data,
    b"Network.loadingFinished": _finished,
    b"Network.loadingFailed": _failed,
    b"Network.webSocketCreated": _socket_created,
    b"Network.webSocketWillSendHandshakeRequest": _socket_request,
    b"Network.webSocketHandshakeResponseReceived": _socket_response,
    b"Network.webSocketFrameReceived": _socket_received,
    b"Network.webSocketFrameSent": _socket_sent,
    b"Page.javascriptDialogOpening": _dialog,
    b"Page.downloadWillBegin": _download,
}
