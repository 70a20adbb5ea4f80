# SPDX-License-Identifier: Apache-2.0
"""The browsers of a suite: each is a tree of the meter, and its traffic is recorded where its debugger lets us in."""

from __future__ import annotations

import contextlib
import http.client
import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from lichen.collect.browser.recorder import Recorder
from lichen.collect.browser.traffic import Traffic, read_traffic
from lichen.collect.counters import Meter
from lichen.collect.entities import BROWSER
from lichen.collect.suites.processes import BrowserFound, ProcessWatch, is_alive
from lichen.collect.suites.reading import Blindness, Level
from lichen.errors import LichenError

_LOOK_S: Final = 0.008
_TIMEOUT_S: Final = 15.0
"""How long a browser may take until its debugger listens. A suite waits for its browser as long as that anyway."""
_PATIENCE_S: Final = 0.5
_LOADED: Final = ("http://", "https://", "ws://", "wss://", "file://")


@dataclass(slots=True)
class _Browser:
    pid: int
    found_ns: int
    recorder: Recorder | None = None
    blind_until_ns: int | None = None
    """End of the stretch in which its traffic was not told; None while it goes on."""


class Browsers:
    """Not thread-safe: one thread calls everything.

    Attributes:
        level: highest level that a browser was attached at.
        notes: what went wrong, one sentence each.
    """

    def __init__(self, meter: Meter) -> None:
        self.level = Level.TREE
        self.notes: list[str] = []
        self._meter = meter
        self._watch = ProcessWatch()
        self._browsers: list[_Browser] = []
        self._waiting: list[tuple[_Browser, BrowserFound]] = []
        self._is_proxied = False

    def told(self, found: BrowserFound) -> None:
        """A browser was started just now, and its starter waits: attaches before it does anything.

        It may have been found by itself while its starter waited for it.
        """
        self._watch.forget(found.pid)
        self._waiting = [(browser, other) for browser, other in self._waiting if other.pid != found.pid]
        browser = next((known for known in self._browsers if known.pid == found.pid), None) or self._add(found)
        if browser is None or self._is_proxied:
            return
        if browser.recorder is not None:
            self.level = Level.INJECTED
            return
        if found.port is None:
            self._portless(found.pid)
            return
        deadline = time.monotonic() + _TIMEOUT_S
        while not self._attach(browser, found, Level.INJECTED):
            if time.monotonic() > deadline or not is_alive(found.pid):
                self._silent(found.pid)
                return
            time.sleep(_LOOK_S)

    def proxied(self) -> None:
        """A proxy of the suite tells what crosses the network: the browsers themselves need not be asked."""
        self._is_proxied = True
        self.level = Level.INJECTED

    def look(self) -> None:
        """Finds browsers that nobody told of, and attaches to those whose debugger has come up."""
        for found in self._watch.look():
            browser = self._add(found)
            if self._is_proxied:
                continue
            if browser is not None and found.port is None:
                self._portless(found.pid)
            elif browser is not None:
                self._waiting.append((browser, found))
        for browser, found in list(self._waiting):
            if self._attach(browser, found, Level.PORT_FOUND):
                self._waiting.remove((browser, found))
            elif not is_alive(found.pid) or time.monotonic_ns() - browser.found_ns > _TIMEOUT_S * 1e9:
                self._waiting.remove((browser, found))
                self._silent(found.pid)
        self._watch_the_blind()

    @property
    def waiting(self) -> bool:
        """Whether a debugger is about to come up."""
        return bool(self._waiting)

    def ended(self, pid: int, signal: str | None) -> None:
        """A browser has ended."""
        if signal is not None and any(browser.pid == pid for browser in self._browsers):
            self.notes.append(f"A browser ended by {signal}: bytes of requests under way then are a lower bound.")

    def catch_up(self) -> None:
        """Waits until the living browsers have sent what they hold; their pages, which may be busy, are not asked."""
        for recorder in self._living():
            recorder.call([("Target.getTargets", {}, None)], _PATIENCE_S)

    def _living(self) -> list[Recorder]:
        return [b.recorder for b in self._browsers if b.recorder is not None and is_alive(b.pid)]

    def close(self) -> list[Traffic]:
        """Lets every browser go, and gives the traffic of each that was attached to."""
        for recorder in self._living():
            recorder.synchronise(_PATIENCE_S)
        self._watch_the_blind()
        recorders = [browser.recorder for browser in self._browsers if browser.recorder is not None]
        for recorder in recorders:
            recorder.close()
        return [read_traffic(recorder.frames) for recorder in recorders]

    def blind(self, last_ns: int) -> list[Blindness]:
        """When a browser ran whose traffic is not known. ``last_ns``: end of the window."""
        if self._is_proxied:
            return []
        ends = [(browser.found_ns, browser.blind_until_ns) for browser in self._browsers]
        return [Blindness(start, last_ns if end is None else end) for start, end in ends if end != start]

    # --- one browser ------------------------------------------------------------------------------------------------

    def _add(self, found: BrowserFound) -> _Browser | None:
        browser = _Browser(found.pid, time.monotonic_ns())
        try:
            self._meter.add(BROWSER, found.pid, another=True)
        except LichenError:
            return None  # it has ended already
        self._browsers.append(browser)
        return browser

    def _attach(self, browser: _Browser, found: BrowserFound, level: Level) -> bool:
        address = _endpoint(found)
        if address is None:
            return False
        try:
            recorder = Recorder(address)
        except OSError:
            return False
        browser.recorder = recorder
        missed = any(target.url.startswith(_LOADED) for target in recorder.targets.values())
        browser.blind_until_ns = time.monotonic_ns() if missed else browser.found_ns
        if missed:
            self.notes.append("A browser had begun to load a page before it was found: bytes until then are not known.")
        self.level = max(self.level, level)
        return True

    def _portless(self, pid: int) -> None:
        self.notes.append(f"Network traffic of a browser (process {pid}) is not known: it has no debugging port.")

    def _silent(self, pid: int) -> None:
        self.notes.append(f"Network traffic of a browser (process {pid}) is not known: its debugger did not come up.")

    def _watch_the_blind(self) -> None:
        for browser in self._browsers:
            if browser.recorder is None and browser.blind_until_ns is None and not is_alive(browser.pid):
                browser.blind_until_ns = time.monotonic_ns()


def _endpoint(found: BrowserFound) -> str | None:
    """Address of the debugger; None while it does not listen."""
    if found.port is not None and found.port not in ("", "0"):
        return _asked(found.port)
    if found.profile is None:
        return None
    try:
        port, path = Path(found.profile, "DevToolsActivePort").read_text().split("\n", 1)
    except (OSError, ValueError):
        return None
    return f"ws://127.0.0.1:{port}{path.strip()}"


def _asked(port: str) -> str | None:
    with contextlib.suppress(OSError, ValueError, http.client.HTTPException):
        connection = http.client.HTTPConnection("127.0.0.1", int(port), timeout=_PATIENCE_S)
        try:
            connection.request("GET", "/json/version")
            address = json.loads(connection.getresponse().read()).get("webSocketDebuggerUrl")
        finally:
            connection.close()
        return address if isinstance(address, str) else None
    return None
