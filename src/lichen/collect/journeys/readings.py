# SPDX-License-Identifier: Apache-2.0
"""From edges and exchanges to the rows of a sample. Pure: nothing is read from the machine here."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from lichen.collect.balance import balance
from lichen.collect.base import Sample, StepReading
from lichen.collect.browser.spans import Span, share_out
from lichen.collect.browser.traffic import Traffic
from lichen.collect.counters import Edge, NetworkGap, Reading
from lichen.collect.entities import BROWSER
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
    network_gaps: Mapping[str, NetworkGap]


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
    spans = [Span(mark.name, mark.start.at_ns / 1e9, mark.end.at_ns / 1e9) for mark in window.marks]
    network = share_out(traffic.exchanges, spans, (first.at_ns / 1e9, last.at_ns / 1e9), site)
    sizes, counts = network.bytes, network.counts
    steps = [_step(mark, evidence.part_names, sizes[mark.name], counts[mark.name]) for mark in window.marks]
    if not (len(steps) == 1 and window.marks[0].start.at_ns == first.at_ns):
        steps.append(_between(evidence, steps, sizes[""], counts[""]))
    return Sample(
        index=evidence.index,
        started_at=evidence.started_at,
        window_s=(last.at_ns - first.at_ns) / 1e9,
        settle_s=evidence.settle_s,
        steps=tuple(steps),
        requests=network.requests,
        edge_spread_ns=max(edge.spread_ns for edge in window.edges()),
        agent_cpu_ns=window.agent_ns,
        driver_cpu_ns=last.cpu_ns(DRIVER) - first.cpu_ns(DRIVER),
        machine=balance(first, last, os.cpu_count() or 1, besides={AGENT: window.agent_ns}),
        notes=(*evidence.notes, *traffic.notes),
        memory_methods=evidence.memory_methods,
        network_gaps=evidence.network_gaps,
    )


# --- parts ------------------------------------------------------------------------------------------------------------


def _step(mark: StepMark, names: Sequence[str], network_bytes: int, requests: int) -> StepReading:
    observed_s = (mark.end.at_ns - mark.start.at_ns) / 1e9
    inner = [edge for edge in (mark.rest, mark.end) if edge is not None]
    rest = mark.rest
    return StepReading(
        name=mark.name,
        observed_s=observed_s,
        dwell_s=mark.dwell_s,
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
