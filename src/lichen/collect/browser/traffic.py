# SPDX-License-Identifier: Apache-2.0
"""From recorded events to requests: what crossed the network, when, and in which step. Runs after the window.

One request may be told by several sessions (a worker and its page, the two processes of a frame that moves to another
site): events are merged by the browser-wide request id, so nothing counts twice. A redirect is a request of its own.

WebSocket messages count with their frame headers, before compression. What each byte figure holds: `exchange`.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final

from lichen.collect.browser.addresses import without_credentials
from lichen.collect.browser.exchange import Exchange, Told, complete

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
_NOT_NETWORK: Final = (
    "data:",
    "blob:",
    "about:",
    "chrome:",
    "chrome-extension:",
    "devtools:",
    "chrome-error:",
    "file:",
)


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


class _Ledger:
    def __init__(self) -> None:
        self.told: dict[str, Told] = {}
        self.notes: dict[str, int] = {}
        self.pages: set[str] = set()

    def of(self, parameters: dict[str, Any]) -> Told:
        return self.told.setdefault(parameters["requestId"], Told())

    def note(self, text: str) -> None:
        self.notes[text] = self.notes.get(text, 0) + 1

    def close(self) -> Traffic:
        exchanges: list[Exchange] = []
        hops = [hop for told in self.told.values() for hop in told.hops]
        agent = next((h.provisional_headers["User-Agent"] for h in hops if "User-Agent" in h.provisional_headers), "")
        for told in self.told.values():
            told.hops = [hop for hop in told.hops if not hop.url.startswith(_NOT_NETWORK)]
            if complete(told, agent):
                self.note("sent bytes of a worker's request assumed")
            exchanges.extend(hop for hop in told.hops if not hop.blocked and not _stopped_by_a_driver(told, hop))
        exchanges.sort(key=lambda exchange: exchange.sent_at_s)
        notes = tuple(text if count == 1 else f"{text} ({count} times)" for text, count in self.notes.items())
        return Traffic(tuple(exchanges), notes)


def _stopped_by_a_driver(told: Told, hop: Exchange) -> bool:
    """Whether a test tool refused the request (``Fetch.failRequest``): a failure without a cause before anything was sent."""
    return hop.status is None and hop.failed == "net::ERR_FAILED" and not told.sent_headers


# --- one handler per event --------------------------------------------------------------------------------------------


def _will_be_sent(ledger: _Ledger, p: dict[str, Any]) -> None:
    told = ledger.of(p)
    request = p["request"]
    if any(hop.url == request["url"] and hop.sent_at_s == p["timestamp"] for hop in told.hops):
        return  # another session tells the same
    redirect = p.get("redirectResponse")
    last = told.hop
    if redirect is not None and last is not None and last.finished_at_s is None:
        last.is_redirect = True
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
            top_level=p.get("type") == "Document" and p.get("frameId") in ledger.pages,
            sent_at_s=p["timestamp"],
            posted_bytes=posted,
            provisional_headers=request.get("headers", {}),
        )
    )


def _take_response(hop: Exchange, response: dict[str, Any], has_extra: bool) -> None:
    hop.status = response["status"] or None
    hop.protocol = response.get("protocol", "")
    hop.has_extra = has_extra
    hop.response_headers = response.get("headers", {})
    hop.head_bytes = int(response.get("encodedDataLength", 0))
    if response.get("fromDiskCache") or response.get("fromPrefetchCache") or response.get("fromServiceWorker"):
        hop.from_cache = True
    hop.from_cache = hop.from_cache or _answered_by_a_driver(response, has_extra)


def _answered_by_a_driver(response: dict[str, Any], has_extra: bool) -> bool:
    """Whether a test tool answered in the network's place (``Fetch.fulfillRequest``): no connection, nothing ever sent."""
    unsent = response.get("timing", {}).get("sendEnd", 0) < 0
    return unsent and not has_extra and not response.get("connectionId") and "remoteIPAddress" not in response


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
    piece = p["timestamp"], int(p["encodedDataLength"]), int(p["dataLength"])
    ledger.of(p).pieces.setdefault(p["session"], []).append(piece)


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


def _answer_head(ledger: _Ledger, p: dict[str, Any]) -> None:
    text = p.get("headersText")
    size = len(text.encode()) if text else sum(len(k) + len(v.encode()) + 4 for k, v in p["headers"].items())
    ledger.of(p).answers.setdefault(p["session"], []).append((p["statusCode"], size))


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


def _attached(ledger: _Ledger, p: dict[str, Any]) -> None:
    info = p["targetInfo"]
    if info["type"] == "page":
        ledger.pages.add(info["targetId"])  # which is also the id of the page's outermost frame


def _dialog(ledger: _Ledger, p: dict[str, Any]) -> None:
    ledger.note(f"dialog closed: {p['type']} '{p['message'][:80]}'")


def _download(ledger: _Ledger, p: dict[str, Any]) -> None:
    # The browser does not tell what had arrived when it was stopped.
    ledger.note(f"download stopped, its bytes are a lower bound: {p['suggestedFilename']}")


_HANDLERS: Final[dict[bytes, Callable[[_Ledger, dict[str, Any]], None]]] = {
    b"Network.requestWillBeSent": _will_be_sent,
    b"Network.requestWillBeSentExtraInfo": _sent_headers,
    b"Network.responseReceivedExtraInfo": _answer_head,
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
    b"Target.attachedToTarget": _attached,
    b"Page.javascriptDialogOpening": _dialog,
    b"Page.downloadWillBegin": _download,
}
