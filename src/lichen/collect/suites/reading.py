# SPDX-License-Identifier: Apache-2.0
"""From the book of cases and the recorded traffic to what each case consumed. Pure: nothing is read from the machine."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import IntEnum
from itertools import pairwise
from typing import TypeVar

from lichen.collect.base import Request, StepReading
from lichen.collect.browser.spans import NetworkShares, Span, share_out
from lichen.collect.browser.traffic import Traffic
from lichen.collect.counters import Edge, Reading
from lichen.collect.suites.cases import Case, CaseBook

_N = TypeVar("_N", int, float)

_NOTHING = Reading(cpu_ns=0, disk_bytes=0, memory_byte_seconds=0.0, memory_peak_bytes=0, alive=0, energy_j=0.0)
"""A part before it was there."""


class Level(IntEnum):
    """How a suite could be attached to: what is known of it grows with the level."""

    TREE = 0
    """The process tree alone."""
    PORT_FOUND = 1
    """A debugging port that the suite opens itself was found: bytes and requests, from the moment it was found."""
    INJECTED = 2
    """The suite itself tells when a browser starts, and waits: bytes and requests from the first on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseReading:
    """What one test case consumed.

    Attributes:
        name: its titles from the outermost on, joined by `` › ``; attempts after the first and cases of the same name are
            told apart by a number.
        file: where it is written, relative to what the runner takes for its root; None when not told.
        status: as the runner calls it (``passed``, ``failed``...); ``interrupted`` when it never ended.
        reading: its counters without the start of browsers; None when other cases ran at the same time.
    """

    name: str
    file: str | None
    status: str
    reading: StepReading | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SuiteReading:
    """What a suite consumed; cases and ``between`` add up to its window.

    Attributes:
        runner: shown to users. level: how far it was attached to.
        cases: in the order in which they began.
        between: everything outside the cases: start-up of runner and browsers, hooks, cases that ran side by side.
        requests: of all browsers that were attached to, one browser after the other; ``step`` is the case's name.
        parts: names of the process trees: the runner always, browser and server when there were any.
        held_s: time that the suite was held at the edges of its cases; it lies between them.
        notes: what a reader should know, one sentence each.
    """

    runner: str
    level: Level
    cases: tuple[CaseReading, ...]
    between: StepReading
    requests: tuple[Request, ...]
    parts: tuple[str, ...]
    edge_spread_ns: int
    held_s: float
    notes: tuple[str, ...]

    @property
    def steps(self) -> tuple[StepReading, ...]:
        """Rows that add up to the window."""
        return (*(case.reading for case in self.cases if case.reading is not None), self.between)


@dataclass(frozen=True, slots=True)
class Blindness:
    """A stretch [ns, monotonic] in which a browser ran whose traffic was not told."""

    start_ns: int
    end_ns: int


def assemble(
    book: CaseBook,
    edges: Sequence[Edge],
    traffics: Sequence[Traffic],
    *,
    runner: str,
    level: Level,
    blind: Sequence[Blindness],
    held_s: float,
    notes: Sequence[str],
) -> SuiteReading:
    """The reading of a suite.

    Args:
        book: closed.
        edges: all edges of the window, settled, in order of time; those of the book are found by their instant.
        traffics: one for each browser that was attached to.
        blind: when a browser ran whose traffic is not known; bytes of cases that touch such a stretch are unknown.
    """
    names = _unique_names(book.cases)
    owners = _owners(book, edges, names)
    first, last = edges[0], edges[-1]
    parts = tuple(last.readings)
    spans = [Span(name, a.at_ns / 1e9, b.at_ns / 1e9) for name, a, b in owners if name]
    bounds = (first.at_ns / 1e9, last.at_ns / 1e9)
    network = [share_out(traffic.exchanges, spans, bounds) for traffic in traffics]
    unknown = {name for name, a, b in owners if _is_blind(a, b, blind)} if level else {name for name, *_ in owners}
    steps = {name: _step(name, owners, parts, network, known=name not in unknown) for name in ("", *names.values())}
    shared = [case for case in book.cases if not case.alone]
    more = [f"{len(shared)} test cases ran side by side: what they consumed is not told apart."] if shared else []
    return SuiteReading(
        runner=runner,
        level=level,
        cases=tuple(
            CaseReading(
                name=names[id(case)],
                file=case.file,
                status=case.status,
                reading=steps[names[id(case)]] if case.alone else None,
            )
            for case in book.cases
        ),
        between=replace(steps[""], paced_s=0.0),
        requests=tuple(request for share in network for request in share.requests),
        parts=parts,
        edge_spread_ns=max(edge.spread_ns for edge in edges),
        held_s=held_s,
        notes=(*notes, *more, *(note for traffic in traffics for note in traffic.notes)),
    )


def _unique_names(cases: Iterable[Case]) -> dict[int, str]:
    """A name of its own for each case, by identity."""
    names: dict[int, str] = {}
    seen: Counter[str] = Counter()
    for case in cases:
        name = case.name or case.key
        seen[name] += 1
        names[id(case)] = name if seen[name] == 1 else f"{name} ({seen[name]})"
    return names


def _owners(book: CaseBook, edges: Sequence[Edge], names: Mapping[int, str]) -> list[tuple[str, Edge, Edge]]:
    """To whom each stretch between two neighbouring edges belongs: a case's name, or ``""``."""
    alone = [case for case in book.cases if case.alone]
    owners: list[tuple[str, Edge, Edge]] = []
    for a, b in pairwise(edges):
        launching = any(_holds(launch.start, launch.end, a, b) for launch in book.launches)
        owner = next((case for case in alone if _holds(case.start, case.end, a, b)), None)
        owners.append(("" if owner is None or launching else names[id(owner)], a, b))
    return owners


def _holds(start: Edge, end: Edge | None, a: Edge, b: Edge) -> bool:
    return end is not None and start.at_ns <= a.at_ns and b.at_ns <= end.at_ns


def _is_blind(a: Edge, b: Edge, blind: Iterable[Blindness]) -> bool:
    return any(stretch.start_ns < b.at_ns and a.at_ns < stretch.end_ns for stretch in blind)


def _step(
    name: str,
    owners: Sequence[tuple[str, Edge, Edge]],
    parts: Iterable[str],
    network: Sequence[NetworkShares],
    *,
    known: bool,
) -> StepReading:
    own = [(a, b) for owner, a, b in owners if owner == name]
    observed_s = sum(b.at_ns - a.at_ns for a, b in own) / 1e9
    return StepReading(
        name=name,
        observed_s=observed_s,
        paced_s=observed_s,
        readings={part: _sum(_difference(part, a, b) for a, b in own) for part in parts},
        network_bytes=sum(share.bytes.get(name, 0) for share in network) if known else None,
        requests=sum(share.counts.get(name, 0) for share in network) if known else None,
    )


def _difference(part: str, a: Edge, b: Edge) -> Reading:
    later = b.readings.get(part, _NOTHING)
    return later.since(a.readings.get(part, _NOTHING), peak_bytes=later.memory_peak_bytes)


def _sum(readings: Iterable[Reading]) -> Reading:
    """Stretches of one part together; peaks are not added."""
    total = _NOTHING
    for reading in readings:
        total = Reading(
            cpu_ns=_both(total.cpu_ns, reading.cpu_ns, lambda a, b: a + b),
            disk_bytes=_both(total.disk_bytes, reading.disk_bytes, lambda a, b: a + b),
            memory_byte_seconds=_both(total.memory_byte_seconds, reading.memory_byte_seconds, lambda a, b: a + b),
            memory_peak_bytes=_both(total.memory_peak_bytes, reading.memory_peak_bytes, max),
            alive=reading.alive,
            energy_j=_both(total.energy_j, reading.energy_j, lambda a, b: a + b),
        )
    return total


def _both(a: _N | None, b: _N | None, join: Callable[[_N, _N], _N]) -> _N | None:
    return None if a is None or b is None else join(a, b)
