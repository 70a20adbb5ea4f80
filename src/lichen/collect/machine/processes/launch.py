# SPDX-License-Identifier: Apache-2.0
"""Starts a command that waits before its first instruction, so that whoever measures it is there in time."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import IO, Final, Self

from lichen.collect.counters import Edge
from lichen.collect.machine.processes import gate
from lichen.errors import NothingMeasured, UsageError

_COERCED: Final = (b"C.UTF-8", b"C.utf8", b"UTF-8")
"""What Python puts into LC_CTYPE when it finds a C locale (PEP 538)."""
_STDERR: Final = 2
_TOLD: Final = 2
"""Numbers that the gate tells; a third one is an error's."""


def own_environment() -> dict[bytes, bytes]:
    """This process's environment, without the LC_CTYPE that Python itself adds to it in a C locale."""
    environment = dict(os.environb)
    if (
        environment.get(b"LC_CTYPE") in _COERCED
        and b"\0LC_CTYPE=" not in b"\0" + Path("/proc/self/environ").read_bytes()
    ):
        del environment[b"LC_CTYPE"]
    return environment


def _is_open(descriptor: int) -> bool:
    try:
        os.fstat(descriptor)
    except OSError:
        return False
    return True


@dataclass(frozen=True, slots=True)
class Beginning:
    """The command's first instruction: when, and the CPU time that the gate had used by then."""

    at_ns: int
    gate_cpu_ns: int

    def moved(self, edge: Edge, tree: str, *, waiting_ns: int) -> Edge:
        """An edge that was taken while the command waited, as it would have been at the first instruction.

        Args:
            tree: name of the command's process tree.
            waiting_ns: CPU time of the gate at the edge; what it used since then is not the command's.
        """
        reading = edge.readings[tree]
        moved = replace(reading, cpu_ns=(reading.cpu_ns or 0) + self.gate_cpu_ns - waiting_ns)
        return replace(edge, at_ns=self.at_ns, readings={**edge.readings, tree: moved})


class Launched:
    """A command behind its gate. Use it as a context manager: what still waits at the gate is then sent away.

    Args:
        command: program and arguments; no shell.
        env: its environment; this process's own when None.
        stdin, stdout: descriptors or files for its standard input and output; this process's own when None.
        mask: signals that are blocked in the command; those blocked here now when None.
        own_session: whether it gets a session of its own, and so a process group that can be ended as a whole.

    Attributes:
        pid: of the gate, and then of the command. pidfd: refers to it.

    Raises:
        NothingMeasured: no process can be started.
        UsageError: a word of the command or of its environment cannot be given to a program.
    """

    def __init__(
        self,
        command: Sequence[str],
        *,
        env: Mapping[bytes, bytes] | Mapping[str, str] | None = None,
        stdin: int | IO[bytes] | None = None,
        stdout: int | IO[bytes] | None = None,
        mask: Iterable[int] | None = None,
        own_session: bool = False,
    ) -> None:
        self._command = command
        blocked = signal.pthread_sigmask(signal.SIG_BLOCK, ()) if mask is None else mask
        waits, self._opens = os.pipe()
        self._tells, tells = os.pipe()
        words = [str(waits), str(tells), ",".join(str(int(number)) for number in blocked), *command]
        for descriptor in (waits, tells):
            os.set_inheritable(descriptor, True)
        try:
            # close_fds: descriptors that were left open for the command (a make job server's) stay open for it.
            # stderr: named, so that no posix_spawn is used, after which the C library's own signals are ignored.
            self.process = subprocess.Popen(
                [sys.executable, "-I", "-S", gate.__file__, *words],
                env=own_environment() if env is None else env,
                stdin=stdin,
                stdout=stdout,
                stderr=_STDERR if _is_open(_STDERR) else None,
                close_fds=False,
                start_new_session=own_session,
            )
        except (OSError, ValueError) as error:
            self._close()
            if isinstance(error, OSError) and error.errno != errno.E2BIG:
                raise NothingMeasured(
                    f"No process can be started: {error.strerror or error}.",
                    repair="End other programs, or raise ulimit -u.",
                ) from error
            raise UsageError(
                f"'{command[0]}' cannot be started with these words: {error}.",
                repair="Shorten them, and remove NUL characters.",
                culprit=command[0],
            ) from error
        finally:
            for descriptor in (waits, tells):
                os.close(descriptor)
        self.pid = self.process.pid
        self.pidfd = os.pidfd_open(self.pid)

    def open(self) -> Beginning | None:
        """Lets the command begin; returns once it has become the command. None: a signal ended it while it waited.

        Raises:
            UsageError: there is no such program, or it cannot be executed.
        """
        with suppress(BrokenPipeError):
            os.write(self._opens, b"\n")
        said = b""
        while more := os.read(self._tells, 256):
            said += more
        numbers = [int(word) for word in said.split()]
        if len(numbers) > _TOLD:
            self.process.wait()
            raise _not_started(self._command[0], numbers[_TOLD])
        return Beginning(*numbers) if numbers else None

    def exit_code(self) -> int:
        """Waits for the end: its exit code as a shell counts, 128 and the signal's number when one ended it."""
        code = self.process.wait()
        return code if code >= 0 else 128 - code

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()
        os.close(self.pidfd)
        if kind is not None and self.process.returncode is None:
            # What failed is the measurement: the command goes on, and is waited for as if nobody had measured.
            self.process.wait()

    def _close(self) -> None:
        for descriptor in (self._opens, self._tells):
            os.close(descriptor)


def _not_started(program: str, number: int) -> UsageError:
    if number == errno.ENOENT:
        return UsageError(f"There is no program '{program}'.", repair="Correct it, or give its path.", culprit=program)
    if number in (errno.EACCES, errno.EPERM):
        return UsageError(
            f"'{program}' may not be executed: {os.strerror(number)}.",
            repair=f"Give it the right (chmod +x {program}), or name its interpreter before it.",
            culprit=program,
        )
    return UsageError(f"'{program}' cannot be executed: {os.strerror(number)}.", repair="Correct it.", culprit=program)
