# SPDX-License-Identifier: Apache-2.0
"""The book of test cases: which began and ended at which edge, which browsers started in between."""

from __future__ import annotations

from dataclasses import dataclass, field

from lichen.collect.counters import Edge


@dataclass(slots=True)
class Case:
    """A test case, or one attempt at it.

    Attributes:
        key: the runner's own id. source: who told it first.
        name, file, status: as far as told; a case that never ended is ``interrupted``.
        start, end: its edges.
        alone: no other case was under way meanwhile: only then do the counters tell what is its own.
    """

    key: str
    source: str
    start: Edge
    name: str = ""
    file: str | None = None
    status: str = "interrupted"
    end: Edge | None = None
    alone: bool = True


@dataclass(slots=True)
class Launch:
    """The start of a browser: the time in which the suite waits for it is no case's own."""

    start: Edge
    end: Edge | None = None


@dataclass(slots=True)
class CaseBook:
    """Takes events in the order in which they happened.

    Several sources may tell the same case, such as a worker and the process that reports: the source that tells a case
    first is the nearest to it and gives the edges; the others can only add name, file and status.
    """

    cases: list[Case] = field(default_factory=list)
    launches: list[Launch] = field(default_factory=list)
    _told: dict[tuple[str, str], int] = field(default_factory=dict)
    _attempts: dict[str, list[Case]] = field(default_factory=dict)

    def is_news(self, key: str, source: str) -> bool:
        """Whether a start told by ``source`` is one that nobody has told: then it needs an edge."""
        return self._told.get((key, source), 0) >= len(self._attempts.get(key, ()))

    def start(self, key: str, source: str, edge: Edge | None, *, name: str = "", file: str | None = None) -> None:
        """A case begins. ``edge`` is needed when `is_news` says so."""
        attempts = self._attempts.setdefault(key, [])
        number = self._told.get((key, source), 0)
        self._told[key, source] = number + 1
        if number < len(attempts):
            case = attempts[number]
        elif edge is not None:
            case = Case(key, source, edge)
            for other in self.open():
                other.alone = case.alone = False
            attempts.append(case)
            self.cases.append(case)
        else:
            return
        case.name = case.name or name
        case.file = case.file or file

    def is_end(self, key: str, source: str) -> bool:
        """Whether the end of a case, told by ``source``, is the end of one that is open and that it told itself."""
        return self._open_of(key, source) is not None

    def end(self, key: str, source: str, edge: Edge, status: str) -> None:
        """A case ends. Told by another source than its start, or twice, it changes nothing."""
        case = self._open_of(key, source)
        if case is not None:
            case.end = edge
            case.status = status

    def open(self) -> list[Case]:
        """Cases under way."""
        return [case for case in self.cases if case.end is None]

    def _open_of(self, key: str, source: str) -> Case | None:
        found = (case for case in reversed(self._attempts.get(key, ())) if case.end is None and case.source == source)
        return next(found, None)

    def launch(self, edge: Edge) -> None:
        """A browser is about to start."""
        self.launches.append(Launch(edge))

    def launched(self, edge: Edge) -> None:
        """The browser that was started last is there."""
        waiting = [launch for launch in self.launches if launch.end is None]
        if waiting:
            waiting[-1].end = edge

    def close(self, last: Edge) -> None:
        """Nothing comes after ``last``: what is open ends there."""
        stretches: list[Case | Launch] = [*self.cases, *self.launches]
        for stretch in stretches:
            stretch.end = stretch.end or last

    def edges(self) -> list[Edge]:
        """Every edge taken so far, in order of time."""
        stretches: list[Case | Launch] = [*self.cases, *self.launches]
        found = {id(edge): edge for stretch in stretches for edge in (stretch.start, stretch.end) if edge is not None}
        return sorted(found.values(), key=lambda edge: edge.at_ns)
