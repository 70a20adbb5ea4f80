# SPDX-License-Identifier: Apache-2.0
"""The browser driver (Playwright's), started once and kept for all samples of a run."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

import psutil

from lichen.errors import NothingMeasured

if TYPE_CHECKING:
    from playwright.sync_api import Playwright


class Driver:
    """Starts Playwright when it is first needed.

    The driver works outside the browser's process tree; its CPU time is shown apart and is in no total. Keeping it saves
    about half a second a sample; the browser itself is new each time.
    """

    def __init__(self) -> None:
        self._playwright: Playwright | None = None
        self.pid = 0

    def playwright(self) -> Playwright:
        """Playwright, running."""
        if self._playwright is None:
            try:
                from playwright.sync_api import Error, sync_playwright
            except ImportError as error:
                raise NothingMeasured(
                    "Journeys need Playwright, which is not installed.", repair='pip install "lichen[journeys]".'
                ) from error
            process = psutil.Process()
            before = {child.pid for child in process.children()}
            try:
                self._playwright = sync_playwright().start()
            except Error as error:
                raise NothingMeasured(
                    f"The browser driver does not start: {str(error).splitlines()[0]}",
                    repair="Run journeys from a thread without a running asyncio loop.",
                ) from error
            self.pid = next((child.pid for child in process.children() if child.pid not in before), 0)
        return self._playwright

    def discard(self) -> None:
        """Ends a driver that was interrupted wherever it stood: nobody knows its state, and the next sample starts another."""
        with contextlib.suppress(psutil.Error):
            if self.pid:
                psutil.Process(self.pid).kill()
        with contextlib.suppress(Exception):
            self.close()
        self._playwright = None

    def close(self) -> None:
        """Ends the driver."""
        if self._playwright is not None:
            self._playwright.stop()
            self._playwright = None


_open: list[Driver] = []


@contextlib.contextmanager
def driver_session() -> Iterator[Driver]:
    """Keeps one driver for everything inside; nested sessions share it.

    ``run_sample`` opens one by itself: put one around all samples of a run so that they share it. Not for several
    threads: Playwright's synchronous interface belongs to the thread that started it.
    """
    if _open:
        yield _open[-1]
        return
    driver = Driver()
    _open.append(driver)
    try:
        yield driver
    finally:
        _open.remove(driver)
        driver.close()
