# SPDX-License-Identifier: Apache-2.0
"""The measured window: edges, steps, and the readings that are taken at them."""

from __future__ import annotations

import contextlib
import inspect
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final

from lichen.collect.browser.layouts import LayoutBooks
from lichen.collect.browser.recorder import Recorder
from lichen.collect.browser.surveying import Surveyor
from lichen.collect.counters import Edge, Meter
from lichen.collect.journeys.steps import check_step, unused_step
from lichen.errors import ConfigError, LichenError

if TYPE_CHECKING:
    from playwright.sync_api import Page

OnEvent = Callable[[str, str], None]
"""Told what happens: phase (``launch``, ``settle``, ``step``...) and detail."""

WHOLE_JOURNEY: Final = "journey"
"""Name of the only step of a journey that names none."""

_COUNT_ELEMENTS: Final = "document.getElementsByTagName('*').length"


@dataclass(frozen=True, slots=True)
class DocumentReading:
    """State of the pages: layout passes since the previous reading, elements of the journey's page now."""

    layouts: int | None
    dom_elements: int | None


class DocumentReader:
    """Reads pages through the second connection; outside steps, because it takes time in the browser."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._books = LayoutBooks()
        self._heard = 0

    def read(self) -> DocumentReading:
        """Layout passes of all pages and cross-site frames since the previous call; elements of the first page.

        The first call opens the books: its layout passes are those of an earlier time.
        """
        targets = self._recorder.documents()
        commands: list[tuple[str, dict[str, Any], str | None]] = [
            ("Performance.getMetrics", {}, target.session) for target in targets
        ]
        if targets:
            commands.append(
                ("Runtime.evaluate", {"expression": _COUNT_ELEMENTS, "returnByValue": True}, targets[0].session)
            )
        *metrics, elements = self._recorder.call(commands) if targets else [None]
        messages = self._recorder.frames[self._heard :]
        self._heard += len(messages)
        kinds = {session: target.kind for session, target in self._recorder.targets.copy().items()}
        passes = self._books.hear(messages, kinds)
        for target, answer in zip(targets, metrics, strict=True):
            if answer is not None:
                passes += self._books.read(target.session, answer["metrics"])
        known = bool(targets) and None not in metrics and not self._books.lost
        self._books.open, self._books.lost = True, False
        value = elements["result"].get("value") if elements is not None else None
        return DocumentReading(passes if known else None, int(value) if isinstance(value, int) else None)


class SurveyingReader(DocumentReader):
    """Looks into the pages besides, in a sample that counts in no figure."""

    def __init__(self, recorder: Recorder, surveyor: Surveyor) -> None:
        super().__init__(recorder)
        self._surveyor = surveyor

    def read(self) -> DocumentReading:
        """As `DocumentReader.read`."""
        reading = super().read()
        self._surveyor.look(self._recorder)
        return reading


@dataclass(frozen=True, slots=True)
class StepMark:
    """A finished step: its edges and readings. ``rest`` is the edge at which the final rest began."""

    name: str
    dwell_s: float | None
    start: Edge
    rest: Edge | None
    end: Edge
    documents: DocumentReading


class _OpenStep:
    """What ``step(...)`` gives to ``with``. A class, as a generator would turn ``StopIteration`` into something else.

    Attributes:
        where: file and line of the call. start: its first edge, once it is entered.
    """

    start: Edge

    def __init__(self, window: Window, name: str, dwell_s: float | None, where: str) -> None:
        self.name = name
        self.dwell_s = dwell_s
        self.where = where
        self._window = window

    def __enter__(self) -> None:
        self.start = self._window.begin(self)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self._window.finish(self)
        else:
            self._window.leave(self, error)


@dataclass(slots=True)
class Window:
    """Runs a journey's steps and keeps their edges.

    Attributes:
        current: name of the open step, ``""`` between steps; failed_in: the last step when an exception left it.
        refusal: raised by ``step``, kept in case the journey catches it.
    """

    page: Page
    meter: Meter
    reader: DocumentReader
    rest_s: float
    on_event: OnEvent
    marks: list[StepMark] = field(default_factory=list)
    gap_layouts: int | None = 0
    current: str = ""
    failed_in: str = ""
    first: Edge | None = None
    last: Edge | None = None
    agent_ns: int = 0
    refusal: ConfigError | None = None
    _unused: list[_OpenStep] = field(default_factory=list)
    _failed: tuple[_OpenStep, Edge] | None = None

    def run(self, journey: Callable[[Any, Any], None]) -> None:
        """The window, from the first to the last edge, around ``journey(page, step)``."""
        self.reader.read()
        self.first = self.meter.edge()
        agent_start_ns = time.process_time_ns()
        journey(self.page, self.step)
        self._check_end()
        self._book_failed()
        if self.marks:
            self.last = self.meter.edge()
            self.agent_ns = time.process_time_ns() - agent_start_ns
        else:
            rest = self._rest()
            self.last = self.meter.edge()
            self.agent_ns = time.process_time_ns() - agent_start_ns
            documents = self.reader.read()
            self.marks.append(StepMark(WHOLE_JOURNEY, None, self.first, rest, self.last, documents))

    def edges(self) -> list[Edge]:
        """All edges taken so far, in order."""
        inner = [edge for mark in self.marks for edge in (mark.start, mark.rest, mark.end)]
        return [edge for edge in (self.first, *inner, self.last) if edge is not None]

    def revise(self, revision: Callable[[Sequence[Edge]], Sequence[Edge]]) -> None:
        """Replaces all edges by their ``revision``."""
        edges = self.edges()
        revised = {old.at_ns: new for old, new in zip(edges, revision(edges), strict=True)}

        def new(edge: Edge | None) -> Edge | None:
            return None if edge is None else revised[edge.at_ns]

        self.first, self.last = new(self.first), new(self.last)
        self.marks = [
            replace(mark, start=revised[mark.start.at_ns], rest=new(mark.rest), end=revised[mark.end.at_ns])
            for mark in self.marks
        ]

    def step(self, name: str, *, dwell: float | None = None) -> AbstractContextManager[None]:
        """One step, for ``with``; ``dwell`` is the time in seconds that a person stays in it."""
        where = _line_of_caller()
        try:
            check_step(name, dwell, where)
        except ConfigError as error:
            self.refusal = error
            raise
        opened = _OpenStep(self, name, dwell, where)
        self._unused.append(opened)
        return opened

    def begin(self, step: _OpenStep) -> Edge:
        """Opens ``step``; its first edge."""
        self._unused = [other for other in self._unused if other is not step]
        self._check(step)
        if not self._book_failed():
            self._add_gap(self.reader.read())
        self.current = step.name
        self.failed_in = ""
        self.on_event("step", step.name)
        return self.meter.edge()

    def finish(self, step: _OpenStep) -> None:
        """Books ``step``."""
        rest = self._rest()
        end = self.meter.edge()
        self.marks.append(StepMark(step.name, step.dwell_s, step.start, rest, end, self.reader.read()))
        self.current = ""

    def leave(self, step: _OpenStep, error: BaseException) -> None:
        """An ``error`` leaves ``step``. The journey may catch it: then the step is booked, without its rest."""
        self.failed_in = step.name
        self.current = ""
        if isinstance(error, Exception) and not isinstance(error, LichenError):
            self._failed = step, self.meter.edge()

    def _book_failed(self) -> bool:
        """Books the step that an exception left, now that the journey has gone on. The pages are read only now: after
        most exceptions nothing follows, and a page that hangs would not answer.
        """
        if self._failed is None:
            return False
        step, end = self._failed
        self._failed = None
        self.marks.append(StepMark(step.name, step.dwell_s, step.start, None, end, self.reader.read()))
        return True

    def _check(self, step: _OpenStep) -> None:
        failed = self._failed[0].name if self._failed is not None else None
        if self.current:
            problem = f"the step '{step.name}' begins inside the step '{self.current}'"
            repair = "End one step before the next begins."
        elif step.name == failed or any(mark.name == step.name for mark in self.marks):
            problem, repair = f"the step '{step.name}' runs twice", "Give each step a name of its own."
        else:
            return
        self.refusal = ConfigError(f"{step.where}: {problem}.", repair=repair, culprit=step.where)
        raise self.refusal

    def _check_end(self) -> None:
        if self.refusal is not None:
            raise self.refusal
        for step in self._unused:
            raise unused_step(step.name, step.where)

    def _add_gap(self, reading: DocumentReading) -> None:
        if reading.layouts is None or self.gap_layouts is None:
            self.gap_layouts = None
        else:
            self.gap_layouts += reading.layouts

    def _rest(self) -> Edge | None:
        if self.rest_s <= 0:
            return None
        edge = self.meter.edge()
        if self.page.is_closed():
            time.sleep(self.rest_s)
        else:
            self.page.wait_for_timeout(self.rest_s * 1000)
        return edge


def _line_of_caller() -> str:
    """File and line outside this module and ``contextlib``: where the journey opens its step."""
    frame = inspect.currentframe()
    while frame is not None and frame.f_code.co_filename in (__file__, contextlib.__file__):
        frame = frame.f_back
    return f"{frame.f_code.co_filename}:{frame.f_lineno}" if frame is not None else "journey"


def unmeasured_step(name: str, *, dwell: float | None = None) -> AbstractContextManager[None]:
    """A step of the rehearsal that fills the cache: nothing is read."""
    check_step(name, dwell, _line_of_caller())
    return contextlib.nullcontext()
