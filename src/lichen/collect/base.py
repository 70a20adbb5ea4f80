# SPDX-License-Identifier: Apache-2.0
"""What collectors share: the plug-in protocol, and what a window leaves.

A *window* is the stretch of time that is measured; its *edges* are its start, the start and end of each step, and its end.
At an edge every counter of every part is read once, CPU clocks first; what lies between two edges is their difference.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol

from lichen.collect.balance import Balance
from lichen.collect.counters import NetworkGap, Reading
from lichen.collect.survey import Survey
from lichen.records import Activity, DataMethod


@dataclass(frozen=True, slots=True)
class Availability:
    """Answer of a collector's ``probe()``: whether it works here, what lacks, and the repair."""

    ok: bool
    lacks: str = ""
    repair: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """What to collect: a span and a target.

    Attributes:
        entity: path under which the activities are booked.
        duration_s: length of the window; None when the target ends it.
        target: what is observed, in the collector's own terms (pid, command, journey).
    """

    entity: str
    duration_s: float | None = None
    target: Mapping[str, Any] = field(default_factory=dict)


class Collector(Protocol):
    """A plug-in of the group ``lichen.collectors``. The class is instantiated without arguments."""

    name: ClassVar[str]
    emits: ClassVar[tuple[str, ...]]
    """Quantities of the nomenclature that it may emit."""

    def probe(self) -> Availability:
        """Whether it can measure here; never raises."""
        ...

    def collect(self, window: Window) -> Iterable[Activity]:
        """Activities of the window."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One network request of the page, a worker, a frame or a popup.

    Attributes:
        step: name of the step in which the request was sent; ``""`` between steps.
        party: ``first`` when its site equals the journey's site, else ``third``.
        received_bytes, sent_bytes: on the wire as the browser accounts for them, headers included; None when unknown.
        kind: document, script, stylesheet, image, font, media, fetch, websocket, other.
        status: HTTP status; None when the request failed.
        from_cache: answered by the browser's own cache: no bytes on the wire.
        top_level: asked for a whole page, not for something in it.
    """

    step: str
    url: str
    host: str
    party: str
    kind: str
    method: str
    status: int | None
    received_bytes: int | None
    sent_bytes: int | None
    from_cache: bool = False
    top_level: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class StepReading:
    """What one step of one sample consumed.

    Attributes:
        name: the step's name; ``""`` for the time between steps, so that the rows of a sample add up to its window.
        observed_s: wall-clock time between the step's edges.
        dwell_s: declared for the step; None when none is.
        paced_s: time a person spends: the declared dwell, or the observed time when none is declared or it is longer; 0
            between steps.
        readings: per part, the difference of the counters between the step's edges.
        network_bytes, requests: of the browser, in this step.
        layouts: layout passes, one for each page that loaded and each one after it.
        dom_elements: elements of the page at the step's end.
        resting_cpu_ns: browser CPU during the step's final rest, resting_s its length.
    """

    name: str
    observed_s: float
    paced_s: float
    readings: Mapping[str, Reading]
    network_bytes: int | None
    requests: int | None
    layouts: int | None = None
    dom_elements: int | None = None
    resting_cpu_ns: int | None = None
    resting_s: float = 0.0
    dwell_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One repetition of a journey in a browser of its own.

    Attributes:
        window_s: wall-clock time from the first to the last edge.
        settle_s: time waited for the browser to come to rest before the window.
        edge_spread_ns: largest error of an edge's CPU readings.
        agent_cpu_ns, driver_cpu_ns: CPU of Lichen itself and of the browser driver inside the window; in no total.
        machine: where the CPU time of the whole machine went; None when its counters are not readable.
        memory_methods: per part, how its memory is known (the meter's ``memory_method``).
        network_gaps: of parts whose network bytes are unknown, why (the meter's ``network_gaps``).
        notes: what a reader should know (dialogs dismissed, downloads stopped, memory read as RSS...).
        survey: what was found in the pages, of a sample that counts in no figure.
    """

    index: int
    started_at: str
    window_s: float
    settle_s: float
    steps: tuple[StepReading, ...]
    requests: tuple[Request, ...]
    edge_spread_ns: int
    agent_cpu_ns: int
    driver_cpu_ns: int
    machine: Balance | None = None
    notes: tuple[str, ...] = ()
    memory_methods: Mapping[str, DataMethod] = field(default_factory=dict)
    network_gaps: Mapping[str, NetworkGap] = field(default_factory=dict)
    survey: Survey | None = None
