# SPDX-License-Identifier: Apache-2.0
"""Tells events of a Python process and waits until they were taken note of. Copied beside the pipes; Python 3.8 or newer."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any, Dict, Optional

_FOLDER = Path(__file__).resolve().parent
_LONGEST = 4000  # a write to a pipe is atomic up to 4096 bytes
_FULL_S = 2.0


class _Channel:
    """Both pipes of one process."""

    def __init__(self) -> None:
        self.pid = os.getpid()
        self.closed = False
        self.reply = ""
        self._in = -1
        self._out = os.open(_FOLDER / "events", os.O_WRONLY | os.O_NONBLOCK)
        for pipe in (_FOLDER / "free").iterdir():
            mine = _FOLDER / "taken" / pipe.name
            try:
                pipe.rename(mine)
            except OSError:
                continue
            # Opened for reading alone, it would wait forever for a Lichen that was killed; then the first read finds its end.
            both = os.open(mine, os.O_RDWR)
            self.reply, self._in = pipe.name, os.open(mine, os.O_RDONLY)
            os.close(both)
            break

    def write(self, event: Dict[str, Any]) -> None:
        line = json.dumps(event).encode()
        for field in ("test", "file"):
            if len(line) > _LONGEST and isinstance(event.get(field), str):
                event = dict(event, **{field: event[field][:300]})
                line = json.dumps(event).encode()
        deadline = time.monotonic() + _FULL_S
        while True:
            try:
                os.write(self._out, line + b"\n")
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.001)

    def wait(self) -> None:
        self.closed = not os.read(self._in, 1)


_channel: Optional[_Channel] = None
_absent = False


def tell(event: Dict[str, Any], *, wait: bool = True) -> None:
    """Tells one event; with ``wait``, returns once it was taken note of. Nobody listening is no error."""
    global _channel, _absent  # noqa: PLW0603 - one pair of pipes for a process
    if _absent:
        return
    try:
        if _channel is None or _channel.pid != os.getpid():  # a forked process needs a reply pipe of its own
            _channel = _Channel()
        waits = wait and bool(_channel.reply)
        _channel.write(dict(event, pid=os.getpid(), **({"reply": _channel.reply} if waits else {})))
        if waits:
            _channel.wait()
        _absent = _channel.closed
    except OSError:
        _absent = True
