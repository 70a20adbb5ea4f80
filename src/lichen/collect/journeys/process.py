# SPDX-License-Identifier: Apache-2.0
"""One browser process of one's own: started with a fresh profile, ended with everything it left."""

from __future__ import annotations

import os
import secrets
import select
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from lichen.collect.journeys import guard
from lichen.collect.journeys.browser import BrowserInfo
from lichen.collect.journeys.settings import QUIET_FLAGS, BrowserSettings, sandboxed
from lichen.errors import BrowserMissing, NothingMeasured

_START_TIMEOUT_S: Final = 30.0
_END_TIMEOUT_S: Final = 5.0
_LOOK_S: Final = 0.004


class BrowserProcess:
    """A running browser in a process group and a profile folder of its own.

    The browser's parent is a small guard process: whatever becomes of this process, the guard kills the browser and
    removes the folder. The debugging port is chosen by the browser, on the loopback address only.

    Attributes:
        pid: of the browser's main process.
        endpoint: WebSocket address of its debugger; known after ``wait_ready``.
        driver_folder: where the driver may keep files; removed with the browser's own.
    """

    def __init__(self, browser: BrowserInfo, settings: BrowserSettings, host_rules: str | None = None) -> None:
        """Starts it, without waiting for it to be ready."""
        self._browser = browser
        self._folder = Path(tempfile.gettempdir(), f"lichen-browser-{secrets.token_hex(8)}")
        self._log = self._folder / "browser.log"
        self.driver_folder = self._folder / "driver"
        command = [browser.path, *_arguments(browser, settings, self._folder, host_rules)]
        self._guard = subprocess.Popen(
            [sys.executable, "-I", "-S", guard.__file__, str(self._folder), str(self._log), *command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            bufsize=0,
            start_new_session=True,  # Ctrl-C reaches the whole foreground group: not the one that tidies up
        )
        self.endpoint = ""
        self.pid = 0

    def wait_ready(self) -> None:
        """Waits until the debugger listens.

        Raises:
            BrowserMissing: the browser ended, or was not ready within 30 s.
            NothingMeasured: its sandbox cannot start on this machine.
        """
        deadline = time.monotonic() + _START_TIMEOUT_S
        self.pid = int(self._read_line(deadline) or 0)
        if self.pid == 0:
            raise self._failed_start("its guard process did not start it")
        port_file = self._folder / "profile" / "DevToolsActivePort"
        while True:
            try:
                port, path = port_file.read_text().split("\n", 1)
            except (FileNotFoundError, ValueError):
                pass
            else:
                self.endpoint = f"ws://127.0.0.1:{port}{path.strip()}"
                return
            if self._told():
                raise self._failed_start(f"it ended at once ({self._read_line(deadline)})")
            if time.monotonic() > deadline:
                raise self._failed_start(f"it was not ready after {_START_TIMEOUT_S:.0f} s")
            time.sleep(_LOOK_S)

    def kill(self) -> None:
        """Ends the browser now; may be called from another thread and more than once."""
        stdin = self._guard.stdin
        if stdin is not None and not stdin.closed:
            stdin.close()

    def close(self) -> None:
        """Ends the browser, waits until all its processes are gone and its profile is removed."""
        self.kill()
        try:
            self._guard.wait(_END_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self._guard.kill()
            self._guard.wait()
            shutil.rmtree(self._folder, ignore_errors=True)
        if self._guard.stdout is not None:
            self._guard.stdout.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _told(self, within_s: float = 0.0) -> bool:
        return self._guard.stdout is not None and bool(select.select([self._guard.stdout], [], [], within_s)[0])

    def _read_line(self, deadline: float) -> str:
        assert self._guard.stdout is not None  # noqa: S101 - opened as a pipe above; tells mypy
        line = b""
        while not line.endswith(b"\n"):
            if not self._told(max(0.0, deadline - time.monotonic())):
                break
            piece = os.read(self._guard.stdout.fileno(), 1)
            if not piece:
                break
            line += piece
        return line.decode().strip()

    def _failed_start(self, what: str) -> NothingMeasured:
        log = self._log.read_text(errors="replace") if self._log.exists() else ""
        if "No usable sandbox" in log or "sandbox_linux" in log or "setuid sandbox" in log.lower():
            return NothingMeasured(
                f"The sandbox of {self._browser.path} cannot start here, and Lichen does not switch it off.",
                repair="Allow user namespaces (sysctl -w kernel.unprivileged_userns_clone=1, and on Ubuntu "
                "kernel.apparmor_restrict_unprivileged_userns=0) or: apt-get install chromium-sandbox.",
                culprit=self._browser.path,
            )
        lines = [line for line in log.splitlines() if "dbus" not in line and line.strip()]
        told = f"; its last words: {lines[-1].strip()}" if lines else ""
        return BrowserMissing(
            f"The browser {self._browser.path} does not start: {what}{told}.",
            repair="Start it by hand with --headless to see what it lacks.",
            culprit=self._browser.path,
        )


def _arguments(browser: BrowserInfo, settings: BrowserSettings, folder: Path, host_rules: str | None) -> list[str]:
    width, height = settings.viewport
    return [
        *(["--headless"] if browser.profile == "fidelity" else []),
        "--remote-debugging-port=0",
        f"--user-data-dir={folder / 'profile'}",
        "--no-startup-window",
        f"--window-size={width},{height}",
        *QUIET_FLAGS,
        *([] if sandboxed() else ["--no-sandbox"]),
        *([f"--host-resolver-rules={host_rules}"] if host_rules else []),
        *settings.extra_args,
    ]
