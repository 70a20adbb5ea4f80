# SPDX-License-Identifier: Apache-2.0
"""`lichen.track`: measures a block of a Python program from inside.

::

    with lichen.track("detect", unit=len(photos), unit_name="image") as tracked:
        detect(photos)
    print(tracked.energy_kwh.value, tracked.energy_kwh.low, tracked.energy_kwh.high)

    @lichen.track
    def detect(photos): ...

    detect(photos)
    detect.tracked.write()

What is counted is what this process and everything that it has started use while the block lasts, all threads included. Each
time through the block is a repetition. A child process that leaves the block with a fork's copy of it counts nothing: its parent
does.
"""

from __future__ import annotations

import contextvars
import functools
import inspect
import os
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Literal, Self, TypeVar, overload

from lichen.collect.machine.processes.own import (
    OwnProcess,
    OwnReading,
    Span,
    span_of_process,
    span_of_thread,
    thread_reading,
)
from lichen.errors import NothingMeasured, UsageError
from lichen.records import UNITS_REPAIR, Activity, countable, timestamp
from lichen.service.presence import Presence, neighbour_notes

if TYPE_CHECKING:
    from lichen.service.block import BlockRecord
    from lichen.service.result import Indicator

F = TypeVar("F", bound=Callable[..., Any])
Scope = Literal["process", "thread"]

_SCOPES: Final = ("process", "thread")
_ENERGY: Final = "energy"


@dataclass(slots=True, eq=False)
class _Block:
    """A block that is open.

    Attributes:
        pid: process that entered it.
        first: counters at its start; None when it was entered inside itself, and is part of the outer one.
        beside: another block that does not hold it was open at the same time.
        left: it has ended; contexts that were copied while it was open still hold it.
        presence: tells measurements of other processes of it.
    """

    tracker: Tracker
    pid: int
    started_at: str
    first: OwnReading | None = None
    beside: bool = False
    left: bool = False
    presence: Presence = field(default_factory=Presence)


class _State:
    """What the blocks of a process share."""

    def __init__(self) -> None:
        self.own = OwnProcess()
        self.lock = threading.Lock()
        self.active: set[_Block] = set()

    def enter(self, block: _Block, around: tuple[_Block, ...]) -> None:
        """A block of the whole process begins."""
        with self.lock:
            for other in self.active.difference(around):
                other.beside = block.beside = True
            self.active.add(block)
        self.own.watch()
        block.first = self.own.first()

    def left_elsewhere(self, tracker: Tracker) -> _Block | None:
        """An open block that was entered in another context: a generator that another thread or task goes on with."""
        with self.lock:
            return next((block for block in self.active if block.tracker is tracker and not block.left), None)

    def leave(self, block: _Block, first: OwnReading, inside: tuple[_Block, ...]) -> Span:
        """It ends.

        Args:
            inside: blocks that were entered in it and go on after it.
        """
        last = self.own.last()
        with self.lock:
            for other in self.active.intersection(inside):
                other.beside = block.beside = True
        span = span_of_process(self.own, first, last, started_at=block.started_at, beside=block.beside)
        self.own.leave()
        with self.lock:
            self.active.discard(block)
        return span


_state = _State()
_open: contextvars.ContextVar[tuple[_Block, ...]] = contextvars.ContextVar("lichen_open_blocks", default=())


def _begin_anew() -> None:
    """In a fork's child: locks that other threads held would never be released, and the looking thread is not there."""
    global _state  # noqa: PLW0603
    for block in _state.active.union(_open.get()):
        block.presence.forget()
    _state = _State()


os.register_at_fork(after_in_child=_begin_anew)


class Tracker:
    """A block to be measured: a context manager, and a decorator. Made by `track`.

    Attributes:
        name: what the block is called.
        unit: functional units that one time through does; may be set inside the block, where it is known only there.
    """

    def __init__(self, name: str, unit: float, unit_name: str, scope: Scope, config: Path | None) -> None:
        self.name = name
        self.unit = unit
        self._unit_name = unit_name
        self._scope = scope
        self._config = config
        self._spans: list[Span] = []
        self._record: tuple[int, BlockRecord] | None = None

    def __enter__(self) -> Self:
        around = tuple(block for block in _open.get() if not block.left)
        started_at = timestamp()
        block = _Block(self, os.getpid(), started_at)
        _open.set((*around, block))
        if not any(outer.tracker is self and outer.pid == block.pid for outer in around):
            block.presence.__enter__()
            if self._scope == "thread":
                block.first = thread_reading()
            else:
                _state.enter(block, around)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        chain = _open.get()
        block = next((block for block in reversed(chain) if block.tracker is self and not block.left), None)
        block = block or _state.left_elsewhere(self)
        if block is None:
            return
        block.left = True
        _open.set(tuple(other for other in chain if not other.left))
        if block.first is None or block.pid != os.getpid():
            return
        inside = chain[chain.index(block) + 1 :] if block in chain else ()
        try:
            if self._scope == "thread":
                span = span_of_thread(block.first, thread_reading(), started_at=block.started_at)
            else:
                span = _state.leave(block, block.first, inside)
            span.sample = replace(span.sample, notes=(*span.sample.notes, *neighbour_notes(block.presence)))
        finally:
            block.presence.close()
        if kind is None:  # what the block itself raised is not hidden behind a unit that it did not get to
            span.units = _checked(self.unit, self.name)
        else:
            span.failed = kind.__name__
        self._spans.append(span)

    def __call__(self, function: F) -> F:
        """Measures each call of a function; its figures are those of the attribute ``tracked`` of the function.

        Raises:
            UsageError: a generator, whose work is done between its calls; a class, or what is no function.
        """
        if inspect.isclass(function) or not callable(function):
            raise UsageError(
                f"'{self.name}' is put before what is no function.",
                repair="Put it before a function, below @staticmethod and @classmethod.",
                culprit=self.name,
            )
        called = (
            function
            if inspect.isroutine(function) or isinstance(function, functools.partial)
            else type(function).__call__
        )
        if inspect.isgeneratorfunction(called) or inspect.isasyncgenfunction(called):
            raise UsageError(
                f"'{self.name}' is a generator: its work is done after it was called.",
                repair="Measure the loop that uses it: with lichen.track(...).",
                culprit=self.name,
            )
        if inspect.iscoroutinefunction(called):

            @functools.wraps(function)
            async def measured(*args: Any, **kwargs: Any) -> Any:
                with self:
                    return await function(*args, **kwargs)
        else:

            @functools.wraps(function)
            def measured(*args: Any, **kwargs: Any) -> Any:
                with self:
                    return function(*args, **kwargs)

        measured.tracked = self  # type: ignore[attr-defined]
        return measured  # type: ignore[return-value]

    def __repr__(self) -> str:
        return f"<lichen.track {self.name!r}, measured {len(self._spans)} times>"

    def __str__(self) -> str:
        """The figures as ``lichen run`` prints them, in the language of the settings; before the block has ended, its name."""
        if not self._spans:
            return repr(self)
        from lichen.render.terminal import result_text

        seen = self._seen()
        return result_text(seen.result(), seen.lang)

    @property
    def activities(self) -> list[Activity]:
        """What the block consumed per functional unit, as rows with one value for each time through it."""
        return self._seen().activities

    @property
    def indicators(self) -> Mapping[str, Indicator]:
        """Figures per functional unit by name, each with the model's range and the repeatability."""
        return self._seen().result().journeys[0].figures.indicators

    @property
    def energy_kwh(self) -> Indicator:
        """Energy per functional unit [kWh].

        Raises:
            NothingMeasured: the method in force gives none.
        """
        found = self.indicators.get(_ENERGY)
        if found is None:
            raise NothingMeasured(
                f"The method gives no energy of '{self.name}'.", repair="Use lichen-1.", culprit=self.name
            )
        return found

    def to_json(self) -> dict[str, Any]:
        """The document that ``lichen run --json`` prints."""
        return self._seen().result().to_json()

    def write(self, folder: Path | str | None = None) -> Path:
        """Writes a run file, into ``output.runs`` when no folder is given; its path.

        Raises:
            StorageError: the folder is read-only, the disk is full.
        """
        return self._seen().write(None if folder is None else Path(folder))

    def _seen(self) -> BlockRecord:
        """All that is known so far; raises NothingMeasured when the block has not ended yet."""
        from lichen.config import load_settings
        from lichen.service.block import BlockRecord
        from lichen.service.workspace import Workspace

        spans = list(self._spans)
        if self._record is None or self._record[0] != len(spans):
            workspace = Workspace(load_settings(self._config, overrides={}, env=os.environ))
            self._record = len(spans), BlockRecord(workspace, self.name, self._unit_name, spans)
        return self._record[1]


def _checked(unit: float, name: str) -> float:
    if not countable(unit):
        raise UsageError(f"The unit of '{name}' is {unit!r}.", repair=UNITS_REPAIR, culprit=name)
    return float(unit)


@overload
def track(name: F, /) -> F: ...


@overload
def track(
    name: str, unit: float = 1.0, *, unit_name: str = "", scope: Scope = "process", config: Path | str | None = None
) -> Tracker: ...


def track(
    name: str | F,
    unit: float = 1.0,
    *,
    unit_name: str = "",
    scope: Scope = "process",
    config: Path | str | None = None,
) -> Tracker | F:
    """Measures a block of this program: use it in a ``with`` statement, or as a decorator.

    Args:
        name: what the block is called; as a decorator without brackets, the function, whose name it takes.
        unit: functional units that one time through does, such as images; may be set later on the tracker.
        unit_name: what one unit is, such as ``image``.
        scope: ``process`` counts all threads and everything that the process has started; ``thread`` the calling thread alone.
        config: settings file; ``lichen.toml`` of the current folder, if there is one, when None.

    Raises:
        UsageError: no name, a unit that is no number above 0, an unknown scope; what `Tracker` cannot be put before.
    """
    if not isinstance(name, str):
        return track(str(getattr(name, "__name__", "")))(name)
    if not name.strip():
        raise UsageError("The block has no name.", repair='Write lichen.track("detect").', culprit="name")
    if scope not in _SCOPES:
        raise UsageError(f"There is no scope '{scope}'.", repair=f"Use {' or '.join(_SCOPES)}.", culprit=name)
    _checked(unit, name)
    called = unit_name or ("run" if unit == 1 else "unit")
    return Tracker(name, unit, called, scope, None if config is None else Path(config))
