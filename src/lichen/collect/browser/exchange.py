# SPDX-License-Identifier: Apache-2.0
"""One exchange of request and answer, put together from what several sessions told about it.

Received bytes are the browser's ``encodedDataLength`` (status line, headers and body as on the wire; chunk framing
included, TLS not). It leaves out three things that are added from the headers: the body of a redirect, the body of a
worker's main script, and the answer to a preflight. Sent bytes are rebuilt from the headers the browser says it sent:
exact for HTTP/1.1, an upper bound for HTTP/2 and 3, whose headers are compressed. For a few requests of shared and
service workers the browser does not say; what it usually adds is then assumed, and a note tells how many.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

_USUALLY_SENT: Final = {
    "Connection": "keep-alive",
    "Accept": "*/*",
    "Accept-Encoding": "gzip, deflate, br, zstd",
    "Accept-Language": "en-US,en;q=0.9",
    "Sec-Fetch-Site": "same-origin",
    "Sec-Fetch-Mode": "cors",
    "Sec-Fetch-Dest": "empty",
}
"""What Chromium adds to a worker's request; the page's own headers replace them."""


@dataclass(slots=True)
class Exchange:
    """One request on the wire, or answered without it.

    Attributes:
        top_level: asked for a whole page, not for something in it.
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
    top_level: bool = False
    finished_at_s: float | None = None
    failed: str = ""
    has_extra: bool = False
    request_headers: dict[str, str] | None = None
    posted_bytes: int = 0
    head_bytes: int = 0
    responded_at_s: float | None = None
    whole_bytes: int | None = None
    is_redirect: bool = False
    response_headers: dict[str, str] = field(default_factory=dict)
    provisional_headers: dict[str, str] = field(default_factory=dict)
    decoded_bytes: int = 0
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


class Told:
    """What was told about one request id: its hops (a redirect begins a new one), and by session what belongs to them.

    Attributes:
        sent_headers: per hop, the headers put on the wire. answers: per hop, status and size of the answer's head.
        pieces: (monotonic clock, bytes on the wire, bytes decoded) of the last hop's body.
    """

    def __init__(self) -> None:
        self.hops: list[Exchange] = []
        self.sent_headers: dict[str, list[dict[str, str]]] = {}
        self.answers: dict[str, list[tuple[int, int]]] = {}
        self.pieces: dict[str, list[tuple[float, int, int]]] = {}

    @property
    def hop(self) -> Exchange | None:
        """The current hop."""
        return self.hops[-1] if self.hops else None


def complete(told: Told, user_agent: str) -> bool:
    """Joins what was told apart.

    Args:
        told: of one request id; its hops are completed in place.
        user_agent: of the browser, for requests whose sent headers are assumed.

    Returns:
        Whether sent headers had to be assumed.
    """
    with_extra = [hop for hop in told.hops if hop.has_extra] or told.hops[-1:]
    headers: Sequence[dict[str, str]] = max(told.sent_headers.values(), key=len, default=[])
    for hop, sent in zip(with_extra, headers, strict=False):
        hop.request_headers = sent
    answers: Sequence[tuple[int, int]] = max(told.answers.values(), key=len, default=[])
    for hop, (status, size) in zip(with_extra, answers, strict=False):
        hop.status = status  # a page is told 200 where the network said 304
        hop.head_bytes = hop.head_bytes or size
    last = told.hop
    if last is not None and told.pieces:
        _take_pieces(last, max(told.pieces.values(), key=lambda pieces: sum(decoded for _, _, decoded in pieces)))
    assumed = False
    for hop in told.hops:
        if hop.from_cache or hop.status is None:
            continue
        _add_untold_body(hop)
        if hop.request_headers is None:
            hop.request_headers = {
                "Host": urlsplit(hop.url).netloc,
                "User-Agent": user_agent,
                **_USUALLY_SENT,
                **hop.provisional_headers,
            }
            assumed = True
    return assumed


def _take_pieces(hop: Exchange, pieces: Sequence[tuple[float, int, int]]) -> None:
    """The body's pieces by the size that tells most: what is stated for the wire lags behind what was decoded."""
    encoded_bytes = sum(encoded for _, encoded, _ in pieces)
    hop.decoded_bytes = sum(decoded for *_, decoded in pieces)
    compressed = any(name.lower() == "content-encoding" for name in hop.response_headers)
    by_wire = encoded_bytes > 0 and (compressed or encoded_bytes >= hop.decoded_bytes)
    hop.pieces = [(at_s, encoded if by_wire else decoded) for at_s, encoded, decoded in pieces]


def _add_untold_body(hop: Exchange) -> None:
    """Adds head and body that ``encodedDataLength`` left out, where a whole answer is stated as its head or nothing."""
    if hop.whole_bytes is None or hop.whole_bytes > hop.head_bytes:
        return
    hop.whole_bytes = hop.head_bytes
    if hop.method == "HEAD" or hop.status in (204, 304):
        return
    declared = next((v for k, v in hop.response_headers.items() if k.lower() == "content-length"), "")
    if hop.is_redirect or hop.decoded_bytes:
        hop.whole_bytes += int(declared) if declared.isdigit() else hop.decoded_bytes
