# SPDX-License-Identifier: Apache-2.0
"""Listens to a suite while it runs: takes edges where its test cases begin and end, and attaches to its browsers."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, Self

from lichen.collect.browser.exchange import Exchange
from lichen.collect.browser.traffic import Traffic
from lichen.collect.counters import Edge, Meter
from lichen.collect.suites.browsers import Browsers
from lichen.collect.suites.cases import CaseBook
from lichen.collect.suites.channel import Channel, Event
from lichen.collect.suites.processes import BrowserFound, is_own
from lichen.collect.suites.proxied import exchange_told
from lichen.collect.suites.reading import SuiteReading, assemble
from lichen.errors import LichenError, NothingMeasured

RUNNER: Final = "runner"
"""Name of the tree that holds the command, less the browsers and servers that it starts."""
SERVER: Final = "server"

_CALIBRATION_SHARE: Final = 0.005
"""Share of the time that may go into reading the exact memory of a browser, some 25 ms each time, while the suite is held."""
_WATCHFUL_S: Final = 0.03
_RELAXED_S: Final = 0.25
"""Pause between two looks for browsers: while the suite tells of them itself, a look is a mere precaution."""


class Attachment:
    """A context manager around the life of the command. Made by `Suite.attach`.

    While it is entered, a thread handles events: the suite goes on only after its event was handled, so that edges lie
    exactly at the boundaries. Whatever fails here, the suite runs on: it is then measured as a process tree.
    """

    def __init__(self, meter: Meter, folder: Path, *, runner: str, whole: str | None) -> None:
        self._meter = meter
        self._folder = folder
        self._runner = runner
        self._whole = whole
        self._book = CaseBook()
        self._browsers = Browsers(meter)
        self._notes: list[str] = []
        self._hooked = False
        self._traffics: list[Traffic] = []
        self._proxied: list[Exchange] = []
        self._held_ns = 0
        self._began_ns = time.monotonic_ns()
        self._calibrating_ns = 0

    def __enter__(self) -> Self:
        try:
            self._channel = Channel(self._folder)
        except OSError as error:
            raise NothingMeasured(
                f"The suite cannot be listened to: no pipe can be made in {self._folder} ({error.strerror}).",
                repair="Point TMPDIR to a local folder, or measure the process tree alone (--no-attach).",
                culprit=str(self._folder),
            ) from error
        self._stop = os.eventfd(0, os.EFD_CLOEXEC)
        self._thread = threading.Thread(target=self._run, name="lichen-suite", daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        os.eventfd_write(self._stop, 1)
        self._thread.join()
        os.close(self._stop)

    def reading(self, first: Edge, last: Edge) -> SuiteReading:
        """What the suite consumed; to be asked once, after the context was left.

        Args:
            first, last: edges of the window, taken by the caller before the command's first instruction and after its end.
        """
        book = self._book
        if self._whole is None and not book.cases:
            self._notes.append("The runner told of no test case: everything is booked between them.")
        if self._whole is not None and not book.cases:
            book.start(self._whole, "command", first, name=self._whole)
            book.end(self._whole, "command", last, "ended")
        book.close(last)
        edges = self._meter.settled(_ordered(first, *book.edges(), last))
        return assemble(
            book,
            edges,
            [*self._traffics, Traffic(tuple(self._proxied), ())],
            runner=self._runner,
            level=self._browsers.level,
            blind=self._browsers.blind(last.at_ns),
            held_s=self._held_ns / 1e9,
            notes=(*dict.fromkeys(self._notes), *dict.fromkeys(self._browsers.notes)),
        )

    # --- thread -----------------------------------------------------------------------------------------------------

    def _run(self) -> None:
        try:
            self._listen()
        except Exception as error:  # noqa: BLE001 - whatever it is, the suite must run on
            self._notes.append(f"Listening to the suite stopped: {error}.")
        finally:
            self._channel.close()
            self._traffics = self._browsers.close()

    def _listen(self) -> None:
        while True:
            relaxed = self._hooked and not self._browsers.waiting
            stop = self._channel.wait(self._stop, timeout_s=_RELAXED_S if relaxed else _WATCHFUL_S)
            for event in self._channel.events():
                began_ns = time.monotonic_ns()
                try:
                    self._take(event)
                finally:
                    self._channel.acknowledge(event)
                if "reply" in event and event["event"] != "launched":
                    self._held_ns += time.monotonic_ns() - began_ns
            if stop:
                return
            self._browsers.look()

    def _take(self, event: Event) -> None:
        handlers: dict[str, Callable[[Event], None]] = {
            "hello": self._take_hello,
            "note": self._take_note,
            "start": self._take_start,
            "end": self._take_end,
            "launch": self._take_launch,
            "launched": self._take_launched,
            "exit": self._take_exit,
            "proxy": self._take_proxy,
            "exchange": self._take_exchange,
            "server": self._take_server,
        }
        handler = handlers.get(event["event"])
        if handler is not None:
            handler(event)

    def _take_hello(self, _: Event) -> None:
        self._hooked = True

    def _take_note(self, event: Event) -> None:
        self._notes.append(_text(event, "text"))

    def _take_start(self, event: Event) -> None:
        key, source = _text(event, "case"), _text(event, "source")
        edge = self._meter.edge() if self._book.is_news(key, source) else None
        self._book.start(key, source, edge, name=_text(event, "test"), file=_text(event, "file") or None)

    def _take_end(self, event: Event) -> None:
        key, source = _text(event, "case"), _text(event, "source")
        if self._book.is_end(key, source):
            self._book.end(key, source, self._meter.edge(), _text(event, "status") or "unknown")
            self._browsers.catch_up()
            if self._calibrating_ns <= _CALIBRATION_SHARE * (time.monotonic_ns() - self._began_ns):
                self._calibrate()

    def _take_launch(self, _: Event) -> None:
        self._book.launch(self._meter.edge())

    def _take_launched(self, event: Event) -> None:
        pid = _own_pid(event, "browser")
        if pid is not None:
            self._browsers.told(BrowserFound(pid, _text(event, "port") or None, _text(event, "profile") or None))
            if self._whole is not None:  # there is no boundary of a case at which it could be done later
                self._calibrate()
        self._book.launched(self._meter.edge())

    def _calibrate(self) -> None:
        began_ns = time.monotonic_ns()
        self._meter.calibrate_memory()
        self._calibrating_ns += time.monotonic_ns() - began_ns

    def _take_exit(self, event: Event) -> None:
        pid = event.get("browser")
        if isinstance(pid, int):
            self._browsers.ended(pid, _text(event, "signal") or None)

    def _take_proxy(self, _: Event) -> None:
        self._browsers.proxied()

    def _take_exchange(self, event: Event) -> None:
        with contextlib.suppress(KeyError, TypeError, ValueError):
            self._proxied.append(exchange_told(event))

    def _take_server(self, event: Event) -> None:
        pid = _own_pid(event, "server")
        if pid is not None:
            try:
                self._meter.add(SERVER, pid, another=True)
            except LichenError as gone:
                self._notes.append(f"A server of the suite ended before it could be watched: {gone.problem}")


def _own_pid(event: Event, name: str) -> int | None:
    """The process that an event names, if it is one of the suite's: anything in the tree can write events, and in a container
    of its own the same number is another process.
    """
    pid = event.get(name)
    return pid if isinstance(pid, int) and is_own(pid) else None


def _text(event: Event, name: str) -> str:
    value: Any = event.get(name)
    return value if isinstance(value, str) else ""


def _ordered(*edges: Edge) -> list[Edge]:
    found = {id(edge): edge for edge in edges}
    return sorted(found.values(), key=lambda edge: edge.at_ns)
