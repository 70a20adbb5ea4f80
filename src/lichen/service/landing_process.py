# SPDX-License-Identifier: Apache-2.0
"""The landing beside the server: a process of its own, so that whoever sends runs never waits for figures.

It ends when the server does, however that ends: the pipe between them closes.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING, Final, Self

from lichen.config import Settings
from lichen.errors import StorageError

if TYPE_CHECKING:
    from lichen.service.landing import Landing

_IDLE_S: Final = 0.5
_WAIT_MAX_S: Final = 30.0
_NICENESS: Final = 10
_STOP_S: Final = 5.0
_GRACE_S: Final = 3.0
_AGAIN_S: Final = 2.0
_FIRST_S: Final = 1.0
"""Before the first one begins: two processes that load all they need at once would keep the first visitor waiting."""

Target = Callable[[Settings, Connection], None]


class LandingProcess:
    """Lands the runs of a store while it lasts; begun again when it dies.

    Args:
        settings: say where store and ledger are.
        target: what the process does instead, until the pipe that it is handed closes; after_s: seconds before it begins.
    """

    def __init__(self, settings: Settings, target: Target | None = None, *, after_s: float = _FIRST_S) -> None:
        self._settings = settings
        self._target = target or run
        self._after_s = after_s
        self._stopping = threading.Event()
        self._guard = threading.Thread(target=self._keep, name="lichen-beside", daemon=True)

    def __enter__(self) -> Self:
        self._guard.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._guard.join()

    def _keep(self) -> None:
        spawning = multiprocessing.get_context("spawn")
        self._stopping.wait(self._after_s)
        while not self._stopping.is_set():
            ours, theirs = spawning.Pipe()
            process = spawning.Process(
                target=self._target, args=(self._settings, theirs), name="lichen-beside", daemon=True
            )
            process.start()
            theirs.close()
            while process.is_alive() and not self._stopping.wait(_IDLE_S):
                pass
            ours.close()
            process.join(_STOP_S)
            if process.is_alive():
                process.kill()
                process.join()
            self._stopping.wait(_AGAIN_S)


def run(settings: Settings, server: Connection) -> None:
    """Lands runs until the pipe to the server closes."""
    from lichen.service.context import open_context
    from lichen.service.landing import Landing
    from lichen.service.workspace import Workspace

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.nice(_NICENESS)
    over = threading.Event()
    threading.Thread(target=end_with, args=(server, over), daemon=True).start()
    follow(Landing(open_context(Workspace(settings))), over.wait)


def end_with(server: Connection, over: threading.Event) -> None:
    """Ends this process when the pipe to the server closes, at once if what it does lasts: it may be ended anywhere."""
    with contextlib.suppress(EOFError, OSError):
        server.recv_bytes()
    over.set()
    time.sleep(_GRACE_S)
    os._exit(0)


def follow(landing: Landing, stopped: Callable[[float], bool]) -> None:
    """Lands whatever comes.

    Args:
        stopped: waits so many seconds and says whether to end.
    """
    said: str | None = None
    wait_s = 0.0
    while not stopped(wait_s):
        problem = ""
        try:
            wait_s = 0.0 if landing.step() else _IDLE_S
            problem = landing.problem
        except StorageError as error:
            problem = error.sentence()
            wait_s = min(max(2 * wait_s, _IDLE_S), _WAIT_MAX_S)
        if problem != said:
            with contextlib.suppress(StorageError):
                landing.tell(problem)
                said = problem
    with contextlib.suppress(StorageError):
        landing.release()
