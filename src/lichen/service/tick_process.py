# SPDX-License-Identifier: Apache-2.0
"""Scheduled work beside the server, in a process of its own that ends when the server does."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Final

from lichen.config import Settings
from lichen.errors import LichenError
from lichen.service.context import ServiceContext
from lichen.service.landing_process import end_with

AFTER_S: Final = 20.0
"""Seconds after the server's start: who looks at a server for a moment needs no schedule."""
_EVERY_S: Final = 30.0
_NICENESS: Final = 15


def run(settings: Settings, server: Connection) -> None:
    """Does what is due until the pipe to the server closes."""
    from lichen.service.context import open_context
    from lichen.service.workspace import Workspace

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.nice(_NICENESS)
    over = threading.Event()
    threading.Thread(target=end_with, args=(server, over), daemon=True).start()
    follow(open_context(Workspace(settings)), over.wait)


def follow(context: ServiceContext, stopped: Callable[[float], bool]) -> None:
    """Does what is due from time to time; what a store that is away keeps from being done is done later.

    Args:
        stopped: waits so many seconds and says whether to end.
    """
    from lichen.service.ticking.jobs import all_work
    from lichen.service.ticking.serving import serve_due

    work = [one for one in all_work(context.settings) if one.by_server]
    while not stopped(_EVERY_S):
        with contextlib.suppress(LichenError):
            serve_due(context, work)
