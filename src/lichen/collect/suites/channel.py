# SPDX-License-Identifier: Apache-2.0
"""The pipe through which a running suite tells what happens, and waits until it was taken note of.

One line of JSON per event is written to the named pipe ``events``. A sender that wants to wait renames one of the pipes in
``free`` into ``taken``: it is then its own; each event names it, and one byte comes back through it once the event was
handled. Named pipes, because every language opens, writes and reads them synchronously without a library; renaming, because
it is atomic. A sender that finds nobody listening goes on.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

_FREE: Final = 16
"""Reply pipes that wait for a sender; a new one is laid as each is taken."""
_CHUNK: Final = 1 << 16

Event = dict[str, Any]


class Channel:
    """The receiving side. Create it before the suite starts.

    Args:
        folder: private to this run.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._pending = b""
        self._replies: dict[str, int] = {}
        self._known: set[str] = set()
        for name in ("free", "taken"):
            (folder / name).mkdir(mode=0o700)
        os.mkfifo(folder / "events", 0o600)
        # Open for both directions: opening never blocks, and the pipe never ends while senders come and go.
        self._events = os.open(folder / "events", os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        for _ in range(_FREE):
            self._lay()

    def _lay(self) -> None:
        name = str(len(self._replies))
        path = self._folder / name
        os.mkfifo(path, 0o600)
        self._replies[name] = os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        path.rename(self._folder / "free" / name)  # only now: a sender takes it the moment that it is there

    def wait(self, stop: int, timeout_s: float | None) -> bool:
        """Sleeps until an event has arrived, ``stop`` can be read, or the time is over; whether ``stop`` can be read."""
        ready = select.select([self._events, stop], [], [], timeout_s)[0]
        return stop in ready

    def events(self) -> Iterator[Event]:
        """What has arrived. Lines that are no event are left out: anyone in the tree can write to the pipe."""
        while True:
            try:
                self._pending += os.read(self._events, _CHUNK)
            except BlockingIOError:
                break
            *lines, self._pending = self._pending.split(b"\n")
            for line in lines:
                with contextlib.suppress(ValueError):
                    event = json.loads(line)
                    if isinstance(event, dict) and isinstance(event.get("event"), str):
                        yield event

    def acknowledge(self, event: Event) -> None:
        """Lets the sender of ``event`` go on."""
        name = event.get("reply")
        if isinstance(name, str) and name in self._replies:
            with contextlib.suppress(OSError):
                os.write(self._replies[name], b".")
            if name not in self._known:
                self._known.add(name)
                self._lay()

    def close(self) -> None:
        """Lets everyone go on for good."""
        while self._replies:
            os.close(self._replies.popitem()[1])
        if self._events >= 0:
            os.close(self._events)
            self._events = -1
