# SPDX-License-Identifier: Apache-2.0
"""A command that runs below a guard, which ends it with all its descendants when this process ends."""

from __future__ import annotations

import contextlib
import os
import re
import select
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import psutil

from lichen.collect.machine.cgroups.own import group_for_packets
from lichen.collect.machine.parts import guard
from lichen.errors import PartFailed

_START_TIMEOUT_S: Final = 20.0
_LOG_LINES: Final = 5
_TRACE: Final = re.compile(r"Traceback \(most recent call last\):|\s+\^+\s*$")
_PORT_TAKEN: Final = re.compile(r"address already in use|EADDRINUSE", re.IGNORECASE)
"""How the C library, and so nearly everything, says so; and how Node.js does."""


def _signal_name(number: int) -> str:
    """Name of a signal; real-time ones but the first and the last have a number alone."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


class Supervised:
    """Starts ``command`` in a session of its own; its output goes to ``log``.

    Args:
        name: how messages call it.
        log: file, emptied first.
        grace_s: time between SIGTERM and SIGKILL when this process dies without stopping it.
        own_group: the command is born in a control group of its own where that lets its network bytes be counted.

    Attributes:
        pid: of the command.

    Raises:
        PartFailed: the command cannot be started.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        *,
        log: Path,
        cwd: Path | None,
        env: Mapping[str, str],
        grace_s: float,
        own_group: bool = False,
    ) -> None:
        self.name = name
        self._log = log
        self._exit_code: int | None = None
        self._group = group_for_packets(name) if own_group else None
        group = "" if self._group is None else str(self._group.folder)
        try:
            log.write_bytes(b"")
            self._guard = subprocess.Popen(
                [sys.executable, "-I", "-S", guard.__file__, str(grace_s), str(log), group, *command],
                cwd=cwd,
                env=env,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                bufsize=0,
                start_new_session=True,
            )
        except (OSError, ValueError) as error:  # ValueError: a NUL in a word or in a variable
            self._leave_group()
            why = error.strerror if isinstance(error, OSError) else error
            where = (error.filename if isinstance(error, OSError) else None) or command[0]
            raise PartFailed(
                f"The part '{name}' cannot be started: {where}: {why}.",
                repair="Make that file or folder accessible.",
                culprit=name,
            ) from error
        kind, _, rest = self._listen(_START_TIMEOUT_S).partition(" ")
        if kind != "pid":
            self.stop(0)
            raise PartFailed(
                f"The part '{name}' cannot be started: '{command[0]}': {rest or 'its guard died'}.",
                repair="Correct its command or its cwd.",
                culprit=name,
            )
        self.pid = int(rest)

    def exit_code(self) -> int | None:
        """Exit code of the command, negative when a signal ended it; None while it runs."""
        if self._exit_code is None:
            kind, _, rest = self._listen(0).partition(" ")
            if kind == "exit":
                self._exit_code = int(rest)
            elif self._guard.poll() is not None:
                self._exit_code = -signal.SIGKILL
        return self._exit_code

    def wait(self, timeout_s: float) -> int | None:
        """Exit code of the command; None when it has not ended within ``timeout_s``."""
        if self._exit_code is None:
            kind, _, rest = self._listen(timeout_s).partition(" ")
            if kind == "exit":
                self._exit_code = int(rest)
        return self.exit_code()

    def has_children(self) -> bool:
        """Whether anything that the command started still runs, or the command itself."""
        try:
            return bool(psutil.Process(self._guard.pid).children())
        except psutil.NoSuchProcess:
            return False

    def check(self) -> None:
        """Raises PartFailed with the exit code and the last lines of the log when the command has ended."""
        code = self.exit_code()
        if code is None:
            return
        how = f"exit code {code}" if code >= 0 else f"killed by {_signal_name(-code)}"
        lines = self.last_lines()
        said = f"; it said last: {' | '.join(lines)}" if lines else "; it said nothing"
        advice = "Run it in the foreground: a command that ends cannot be watched. " if code == 0 else ""
        if any(_PORT_TAKEN.search(line) for line in lines):
            advice = "Its port is taken: write {port} in its command to be given a free one, or stop what holds it. "
        raise PartFailed(
            f"The part '{self.name}' has ended ({how}){said}.",
            repair=f"{advice}Its whole output is in {self._log}.",
            culprit=self.name,
        )

    def last_lines(self) -> list[str]:
        """Last lines of its output that say something; of a stack trace, what was raised and not how it came there."""
        with contextlib.suppress(OSError), self._log.open("rb") as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - 8192))
            lines = file.read().decode(errors="replace").splitlines()
            telling = [line.rstrip() for line in lines if line.strip() and not _TRACE.match(line)]
            outer = [line for line in telling if not line[0].isspace()]
            return [line.strip() for line in outer or telling][-_LOG_LINES:]
        return []

    def stop(self, grace_s: float) -> None:
        """Ends the command and all its descendants: SIGTERM, then SIGKILL after ``grace_s``."""
        streams = (self._guard.stdin, self._guard.stdout)
        if streams[0] is not None:
            with contextlib.suppress(OSError):
                streams[0].close()
        try:
            self._guard.wait(2 * grace_s + 5)
        except subprocess.TimeoutExpired:
            self._guard.kill()
            self._guard.wait()
        if streams[1] is not None:
            streams[1].close()
        self._leave_group()

    def _leave_group(self) -> None:
        if self._group is not None:
            self._group.close()
            self._group = None

    def _listen(self, timeout_s: float) -> str:
        """What the guard says next, waiting at most ``timeout_s`` for it; empty when nothing."""
        stream = self._guard.stdout
        if stream is not None and not stream.closed:
            poll = select.poll()
            poll.register(stream, select.POLLIN)
            if poll.poll(timeout_s * 1000):
                return stream.readline().decode().strip()
        return ""
