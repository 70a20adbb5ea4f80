# SPDX-License-Identifier: Apache-2.0
"""The journey's own code, called so that no exit, endless loop, print or thread of it reaches the rest of the run."""

from __future__ import annotations

import contextlib
import ctypes
import inspect
import logging
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from types import FrameType, TracebackType
from typing import Any, Final, Self

from lichen.collect.journeys.script import printing_to_stderr
from lichen.errors import ConfigError

_AGAIN_S: Final = 0.5
"""Between the end of the browser and the first interruption, which most journeys do not need, and between two of them."""
_PLAIN_INTERRUPTIONS: Final = 3
"""Then the journey is taken to swallow them, and is interrupted in its exception handlers too."""


class _TimeUpError(BaseException):
    """Raised in a journey whose time is over. No ``Exception``: those are often caught in a loop that tries again."""


class OverdueError(Exception):
    """The journey ended, in whatever way, after its time was over."""


class ForeignThreadError(Exception):
    """The journey used the page from a thread of its own."""


class LeftError(Exception):
    """The journey raised what ends a program, such as ``sys.exit()``. ``raised``: that exception."""

    def __init__(self, raised: BaseException) -> None:
        super().__init__(type(raised).__name__)
        self.raised = raised


class TimeLimit:
    """Calls a journey's functions, and ends them when their common time is over.

    In the main thread the interruption is a signal (SIGALRM), which also ends ``time.sleep``; in another thread it is an
    asynchronous exception, which Python delivers at its next instruction. What holds Python's lock cannot be interrupted.

    Args:
        limit_s: time in seconds from entering this context.
        end: called once, from another thread, when the time is over: ends what the journey waits for.
    """

    def __init__(self, limit_s: float, end: Callable[[], None]) -> None:
        self._limit_s = min(limit_s, threading.TIMEOUT_MAX)
        self._end = end
        self._left = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="lichen-time-limit", daemon=True)
        self._caller = threading.get_ident()
        self._by_signal = threading.current_thread() is threading.main_thread()
        self._before: Any = None
        self._inside = False
        self._interruptions = 0
        self.expired = False

    def __enter__(self) -> Self:
        if self._by_signal:
            self._before = signal.signal(signal.SIGALRM, self._on_alarm)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._left.set()
        self._thread.join()
        if self._by_signal:
            signal.signal(signal.SIGALRM, self._before)

    def call(self, function: Callable[..., object], *arguments: object) -> None:
        """Calls a function of the journey.

        Raises:
            Exception, KeyboardInterrupt: as the function raised them.
            LeftError: it raised another exception that ends programs.
            OverdueError: its time is over.
            ForeignThreadError: a thread that it started used the page.
            ConfigError: it is a generator or asynchronous, so that nothing of it has run.
        """
        tracing = sys.gettrace()
        strayed: list[str] = []
        try:
            with printing_to_stderr(), _noticing_threads(strayed):
                self._inside = True
                try:
                    result = function(*arguments)
                finally:
                    self._inside = False
        except (Exception, KeyboardInterrupt):
            if strayed:
                raise ForeignThreadError(strayed[0]) from None
            raise
        except _TimeUpError as error:
            raise OverdueError from error
        except BaseException as error:
            raise LeftError(error) from error
        finally:
            if self._interruptions > _PLAIN_INTERRUPTIONS:
                sys.settrace(tracing)
        if self.expired:
            raise OverdueError
        if strayed:
            raise ForeignThreadError(strayed[0])
        _check_has_run(function, result)

    def _watch(self) -> None:
        if self._left.wait(self._limit_s):
            return
        self.expired = True
        self._end()
        while not self._left.wait(_AGAIN_S):
            if not self._inside:
                continue
            if self._by_signal:
                signal.pthread_kill(self._caller, signal.SIGALRM)
            else:
                raised = ctypes.py_object(_TimeUpError)
                ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(self._caller), raised)

    def _on_alarm(self, number: int, frame: FrameType | None) -> None:
        if not (self.expired and self._inside):
            if callable(self._before):
                self._before(number, frame)
            return
        self._interruptions += 1
        if self._interruptions > _PLAIN_INTERRUPTIONS:
            sys.settrace(_trace_nothing)
            while frame is not None and frame.f_code is not TimeLimit.call.__code__:
                frame.f_trace = _interrupt_at_next_line
                frame = frame.f_back
        raise _TimeUpError


def _trace_nothing(frame: FrameType, event: str, argument: object) -> None:
    """Tracing must be on for the frames that are traced; new ones are not."""
    del frame, event, argument


def _interrupt_at_next_line(frame: FrameType, event: str, argument: object) -> Any:
    """Raises again where the first interruption is caught: outside the ``try`` that caught it."""
    del frame, argument
    if event == "line":
        raise _TimeUpError
    return _interrupt_at_next_line


@contextlib.contextmanager
def _noticing_threads(strayed: list[str]) -> Iterator[None]:
    """Notes in ``strayed`` the names of threads that end because they used the page, instead of printing a traceback."""
    usual = threading.excepthook

    def note(event: threading.ExceptHookArgs) -> None:
        if _of_greenlet(event.exc_type):
            strayed.append(event.thread.name if event.thread is not None else "")
        else:
            usual(event)

    def quiet(record: logging.LogRecord) -> bool:
        return not (isinstance(record.exc_info, tuple) and _of_greenlet(record.exc_info[0]))

    asyncio = logging.getLogger("asyncio")
    threading.excepthook = note
    asyncio.addFilter(quiet)
    try:
        yield
    finally:
        threading.excepthook = usual
        asyncio.removeFilter(quiet)


def _of_greenlet(kind: type[BaseException] | None) -> bool:
    """Whether an exception comes from greenlet, which Playwright's synchronous interface waits with."""
    return kind is not None and kind.__module__.partition(".")[0] == "greenlet"


def crossed_threads(error: BaseException) -> bool:
    """Whether ``error`` says that the page was used outside its thread."""
    return isinstance(error, ForeignThreadError) or _of_greenlet(type(error))


def _check_has_run(function: Callable[..., object], result: object) -> None:
    if not (inspect.iscoroutine(result) or inspect.isgenerator(result) or inspect.isasyncgen(result)):
        return
    if not inspect.isasyncgen(result):
        result.close()
    name = getattr(function, "__name__", "journey")
    what = "is asynchronous" if not inspect.isgenerator(result) else "is a generator: it contains yield"
    raise ConfigError(
        f"The function '{name}' of the journey {what}, so nothing of it would run.",
        repair="Write a plain function, without async and yield.",
        culprit=name,
    )
