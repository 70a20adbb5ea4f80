# SPDX-License-Identifier: Apache-2.0
"""Shares requests and their bytes out to stretches of time (steps, test cases). Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from lichen.collect.base import Request
from lichen.collect.browser.exchange import Exchange
from lichen.collect.browser.sites import party, registrable_site

Bounds = tuple[float, float]
"""First and last instant that count, on the monotonic clock [s]."""


@dataclass(frozen=True, slots=True)
class Span:
    """A named stretch on the monotonic clock, in seconds. Several may bear one name."""

    name: str
    start_s: float
    end_s: float


@dataclass(frozen=True, slots=True)
class NetworkShares:
    """What crossed the network.

    Attributes:
        requests: in the order they were sent; ``step`` is the span's name, ``""`` outside all of them.
        bytes, counts: received and sent bytes, and requests that no cache answered, by name; ``""`` holds the rest.
    """

    requests: tuple[Request, ...]
    bytes: Mapping[str, int]
    counts: Mapping[str, int]


def share_out(
    exchanges: Iterable[Exchange], spans: Sequence[Span], bounds: Bounds, site: str | None = None
) -> NetworkShares:
    """Books every exchange that lies within the bounds.

    Args:
        exchanges: of one browser's life.
        spans: none overlaps another.
        bounds: what lies outside is left out.
        site: registrable site that is the first party; when None, that of the first document requested.
    """
    seen = [exchange for exchange in exchanges if _touches(exchange, *bounds)]
    own_site = site or next((registrable_site(e.host) for e in seen if e.kind == "document"), None)
    return NetworkShares(
        requests=tuple(_request(exchange, spans, bounds, own_site) for exchange in seen),
        bytes=_bytes_by_name(seen, spans, bounds),
        counts=_counts_by_name(seen, spans, bounds),
    )


def _touches(exchange: Exchange, start_s: float, end_s: float) -> bool:
    """Whether a request belongs to the window: sent in it, or a WebSocket opened before and used in it."""
    if start_s <= exchange.sent_at_s <= end_s:
        return True
    moments = [at_s for at_s, _ in (*exchange.pieces, *exchange.sent_pieces)]
    return exchange.kind == "websocket" and any(start_s <= at_s <= end_s for at_s in moments)


def name_at(at_s: float, spans: Sequence[Span]) -> str:
    """Name of the stretch that an instant lies in; ``""`` when in none."""
    return next((span.name for span in spans if span.start_s <= at_s < span.end_s), "")


def _in_window(at_s: float, bounds: Bounds) -> bool:
    return bounds[0] <= at_s <= bounds[1]


def _request(exchange: Exchange, spans: Sequence[Span], bounds: Bounds, site: str | None) -> Request:
    sizes = list(_timed_bytes(exchange, bounds))
    return Request(
        step=name_at(exchange.sent_at_s, spans),
        url=exchange.url,
        host=exchange.host,
        party=party(exchange.host, site),
        kind=exchange.kind,
        method=exchange.method,
        status=exchange.status,
        received_bytes=sum(received for _, received, _ in sizes),
        sent_bytes=sum(sent for _, _, sent in sizes),
        from_cache=exchange.from_cache,
        top_level=exchange.top_level,
    )


def _timed_bytes(exchange: Exchange, bounds: Bounds) -> Iterable[tuple[float, int, int]]:
    """When (monotonic clock) how many bytes were received and sent, inside the window.

    A request that ended in the window is booked where it was sent. One that goes on (a WebSocket, a stream, a slow
    download) is booked piece by piece.
    """
    ended = exchange.finished_at_s is not None and exchange.finished_at_s <= bounds[1]
    if exchange.kind != "websocket" and ended:
        yield exchange.sent_at_s, exchange.received(bounds[1]), exchange.sent(bounds[1])
        return
    if _in_window(exchange.sent_at_s, bounds):
        yield exchange.sent_at_s, 0, exchange.request_bytes()
    if exchange.responded_at_s is not None and _in_window(exchange.responded_at_s, bounds):
        yield exchange.responded_at_s, exchange.head_bytes, 0
    for at_s, size in exchange.pieces:
        if _in_window(at_s, bounds):
            yield at_s, size, 0
    for at_s, size in exchange.sent_pieces:
        if _in_window(at_s, bounds):
            yield at_s, 0, size


def _bytes_by_name(exchanges: Iterable[Exchange], spans: Sequence[Span], bounds: Bounds) -> dict[str, int]:
    totals = dict.fromkeys(["", *(span.name for span in spans)], 0)
    for exchange in exchanges:
        for at_s, received, sent in _timed_bytes(exchange, bounds):
            totals[name_at(at_s, spans)] += received + sent
    return totals


def _counts_by_name(exchanges: Iterable[Exchange], spans: Sequence[Span], bounds: Bounds) -> dict[str, int]:
    """Requests that went to the network; those answered by a cache did not."""
    totals = dict.fromkeys(["", *(span.name for span in spans)], 0)
    for exchange in exchanges:
        if not exchange.from_cache and _in_window(exchange.sent_at_s, bounds):
            totals[name_at(exchange.sent_at_s, spans)] += 1
    return totals
