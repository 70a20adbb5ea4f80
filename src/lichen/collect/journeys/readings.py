# SPDX-License-Identifier: Apache-2.0
"""From edges and exchanges to the rows of a sample. Pure: nothing is read from the machine here."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from lichen.collect.balance import balance
from lichen.collect.base import Request, Sample, StepReading
from lichen.collect.counters import Edge, Reading
from lichen.collect.entities import BROWSER
from lichen.collect.journeys.exchange import Exchange
from lichen.collect.journeys.sites import party, registrable_site
from lichen.collect.journeys.traffic import Traffic
from lichen.collect.journeys.window import StepMark, Window
from lichen.records import DataMethod

AGENT: Final = "#agent"
DRIVER: Final = "#driver"
"""Lichen itself and the browser driver: names that no part can have."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What the window left: edges, steps and circumstances."""

    window: Window
    index: int
    started_at: str
    settle_s: float
    part_names: tuple[str, ...]
    notes: tuple[str, ...]
    memory_methods: Mapping[str, DataMethod]


@dataclass(frozen=True, slots=True)
class _Span:
    """A step on the monotonic clock, in seconds."""

    name: str
    start_s: float
    end_s: float


def assemble(evidence: Evidence, traffic: Traffic, *, site: str | None) -> Sample:
    """The sample.

    Args:
        evidence: of the window.
        traffic: everything recorded in the browser's life; what lies outside the window is left out.
        site: registrable site of the journey; when None, that of the first document requested.
    """
    window = evidence.window
    first, last = window.first, window.last
    if first is None or last is None:
        raise ValueError("the window was not closed")
    spans = [_Span(mark.name, mark.start.at_ns / 1e9, mark.end.at_ns / 1e9) for mark in window.marks]
    bounds = (first.at_ns / 1e9, last.at_ns / 1e9)
    seen = [exchange for exchange in traffic.exchanges if _touches(exchange, *bounds)]
    own_site = site or next((registrable_site(e.host) for e in seen if e.kind == "document"), None)
    requests = tuple(_request(exchange, spans, bounds, own_site) for exchange in seen)
    sizes = _bytes_by_step(seen, spans, bounds)
    counts = _requests_by_step(seen, spans, bounds)
    steps = [_step(mark, evidence.part_names, sizes[mark.name], counts[mark.name]) for mark in window.marks]
    if not (len(steps) == 1 and window.marks[0].start.at_ns == first.at_ns):
        steps.append(_between(evidence, steps, sizes[""], counts[""]))
    return Sample(
        index=evidence.index,
        started_at=evidence.started_at,
        window_s=(last.at_ns - first.at_ns) / 1e9,
        settle_s=evidence.settle_s,
        steps=tuple(steps),
        requests=requests,
        edge_spread_ns=max(edge.spread_ns for edge in window.edges()),
        agent_cpu_ns=window.agent_ns,
        driver_cpu_ns=last.cpu_ns(DRIVER) - first.cpu_ns(DRIVER),
        machine=balance(first, last, os.cpu_count() or 1, besides={AGENT: window.agent_ns}),
        notes=(*evidence.notes, *traffic.notes),
        memory_methods=evidence.memory_methods,
    )


# --- parts ------------------------------------------------------------------------------------------------------------


def _step(mark: StepMark, names: Sequence[str], network_bytes: int, requests: int) -> StepReading:
    observed_s = (mark.end.at_ns - mark.start.at_ns) / 1e9
    inner = [edge for edge in (mark.rest, mark.end) if edge is not None]
    rest = mark.rest
    return StepReading(
        name=mark.name,
        observed_s=observed_s,
        paced_s=max(observed_s, mark.dwell_s or 0.0),
        readings={name: _difference(mark.start, mark.end, name, inner) for name in names},
        network_bytes=network_bytes,
        requests=requests,
        layouts=mark.documents.layouts,
        dom_elements=mark.documents.dom_elements,
        resting_cpu_ns=None if rest is None else mark.end.cpu_ns(BROWSER) - rest.cpu_ns(BROWSER),
        resting_s=0.0 if rest is None else (mark.end.at_ns - rest.at_ns) / 1e9,
    )


def _difference(start: Edge, end: Edge, name: str, peaks: Iterable[Edge]) -> Reading:
    peak_bytes = _highest(edge.readings[name].memory_peak_bytes for edge in peaks)
    return end.readings[name].since(start.readings[name], peak_bytes=peak_bytes)


def _between(evidence: Evidence, steps: Sequence[StepReading], network_bytes: int, requests: int) -> StepReading:
    """The time between steps: the window less its steps, so that rows add up."""
    window = evidence.window
    first, last = window.first, window.last
    assert first is not None and last is not None  # noqa: S101, PT018 - checked by the caller; tells mypy
    observed_s = max(0.0, (last.at_ns - first.at_ns) / 1e9 - sum(step.observed_s for step in steps))
    gap_ends = [*(mark.start for mark in window.marks), last]
    readings = {
        name: _difference(first, last, name, gap_ends).less(step.readings[name] for step in steps)
        for name in evidence.part_names
    }
    return StepReading(
        name="",
        observed_s=observed_s,
        paced_s=0.0,  # a person's time lies in the steps; what passes between them is the automation's
        readings=readings,
        network_bytes=network_bytes,
        requests=requests,
        layouts=window.gap_layouts,
    )


def _highest(values: Iterable[int | None]) -> int | None:
    known = list(values)
    return None if any(value is None for value in known) else max(v for v in known if v is not None)


# --- network ----------------------------------------------------------------------------------------------------------


def _touches(exchange: Exchange, start_s: float, end_s: float) -> bool:
    """Whether a request belongs to the window: sent in it, or a WebSocket opened before and used in it."""
    if start_s <= exchange.sent_at_s <= end_s:
        return True
    moments = [at_s for at_s, _ in (*exchange.pieces, *exchange.sent_pieces)]
    return exchange.kind == "websocket" and any(start_s <= at_s <= end_s for at_s in moments)


def _step_at(at_s: float, spans: Sequence[_Span]) -> str:
    return next((span.name for span in spans if span.start_s <= at_s < span.end_s), "")


def _in_window(at_s: float, bounds: tuple[float, float]) -> bool:
    return bounds[0] <= at_s <= bounds[1]


def _request(exchange: Exchange, spans: Sequence[_Span], bounds: tuple[float, float], site: str | None) -> Request:
    sizes = list(_timed_bytes(exchange, bounds))
    return Request(
        step=_step_at(exchange.sent_at_s, spans),
        url=exchange.url,
        host=exchange.host,
        party=party(exchange.host, site),
        kind=exchange.kind,
        method=exchange.method,
        status=exchange.status,
        received_bytes=sum(received for _, received, _ in sizes),
        sent_bytes=sum(sent for _, _, sent in sizes),
        from_cache=exchange.from_cache,
    )


def _timed_bytes(exchange: Exchange, bounds: tuple[float, float]) -> Iterable[tuple[float, int, int]]:
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


def _bytes_by_step(
    exchanges: Iterable[Exchange], spans: Sequence[_Span], bounds: tuple[float, float]
) -> dict[str, int]:
    totals = dict.fromkeys(["", *(span.name for span in spans)], 0)
    for exchange in exchanges:
        for at_s, received, sent in _timed_bytes(exchange, bounds):
            totals[_step_at(at_s, spans)] += received + sent
    return totals


def _requests_by_step(
    exchanges: Iterable[Exchange], spans: Sequence[_Span], bounds: tuple[float, float]
) -> dict[str, int]:
    """Requests that went to the network; those answered by a cache did not."""
    totals = dict.fromkeys(["", *(span.name for span in spans)], 0)
    for exchange in exchanges:
        if not exchange.from_cache and _in_window(exchange.sent_at_s, bounds):
            totals[_step_at(exchange.sent_at_s, spans)] += 1
    return totals
