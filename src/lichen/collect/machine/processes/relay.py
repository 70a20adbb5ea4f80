# SPDX-License-Identifier: Apache-2.0
"""Waits for a command and hands on the signals that were meant for it.

The command sits in the process group of whoever started Lichen, so that Ctrl-C and Ctrl-Z reach it as if Lichen were not there.
What the terminal sends has therefore arrived and is not sent again: many programs take a second Ctrl-C for impatience. What
somebody sends to Lichen alone (``kill``, a CI runner that cancels a job) is handed on.
"""

from __future__ import annotations

import os
import select
import signal
import threading
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Final, Self

_HANDED_ON: Final = frozenset(
    (signal.SIGINT, signal.SIGTERM, signal.SIGQUIT, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2)
)
_SENT_BY_KERNEL: Final = 0x80
"""si_code of a signal that a terminal sent to its whole foreground group: SI_KERNEL, see sigaction(2)."""
_WAKE: Final = signal.SIGCHLD


class SignalRelay:
    """While it lasts, signals wait instead of ending this process. Enter it before other threads are started.

    Attributes:
        before: signals that were blocked before; the command is given this mask.
    """

    def __init__(self) -> None:
        self.before: frozenset[int] = frozenset()
        self.handed_on: list[int] = []

    def __enter__(self) -> Self:
        self.before = frozenset(signal.pthread_sigmask(signal.SIG_BLOCK, _HANDED_ON | {_WAKE}))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        signal.pthread_sigmask(signal.SIG_SETMASK, self.before)

    def let_in(self) -> None:
        """Lets a signal that waits do here what it does without the relay: a Ctrl-C before the command was started."""
        blocked = signal.pthread_sigmask(signal.SIG_SETMASK, self.before)
        signal.pthread_sigmask(signal.SIG_SETMASK, blocked)

    def wait(self, pidfd: int, ticks_s: Iterator[float], tick: Callable[[], object]) -> None:
        """Returns when the process has ended; it is not waited for, so that its clock can still be read.

        Args:
            pidfd: of the process.
            ticks_s: times between two ticks [s].
            tick: called at each.
        """
        waiter = threading.Thread(
            target=_wake_at_end, args=(pidfd, threading.get_ident()), name="lichen-end", daemon=True
        )
        waiter.start()
        while not _ended(pidfd):
            info = signal.sigtimedwait(_HANDED_ON | {_WAKE}, next(ticks_s))
            if info is None:
                tick()
            elif info.si_signo != _WAKE and info.si_code != _SENT_BY_KERNEL:
                self.handed_on.append(info.si_signo)
                signal.pidfd_send_signal(pidfd, info.si_signo)
        waiter.join()


def _ended(pidfd: int) -> bool:
    poll = select.poll()
    poll.register(pidfd, select.POLLIN)
    return bool(poll.poll(0))


def _wake_at_end(pidfd: int, thread: int) -> None:
    """A thread of its own: SIGCHLD of the kernel may be taken by any thread, this one is sent to the one that waits."""
    own = os.dup(pidfd)
    try:
        poll = select.poll()
        poll.register(own, select.POLLIN)
        poll.poll()
    finally:
        os.close(own)
    signal.pthread_kill(thread, _WAKE)
