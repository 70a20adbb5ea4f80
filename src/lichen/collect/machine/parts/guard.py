# SPDX-License-Identifier: Apache-2.0
"""Parent of one server part: a small script, run on its own, that lets no process of the part outlive the measurement.

It starts the command in a session of its own, adopts its orphans (daemons fork twice), and ends them all when its standard
input closes, which happens whenever the measuring process ends, be it by SIGKILL. Between start and end it sleeps.

Usage: ``guard.py GRACE_S LOG GROUP COMMAND...``. GROUP is the folder of a control group that the command is born in and that is
removed after it, or empty. It says on standard output, a line each: ``pid N`` or ``error WHY`` once, then ``exit CODE`` when the
command ends (negative: killed by that signal).
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import select
import signal
import sys
import time

GUARD_COMM = "lichen-guard"
"""Name under which a guard shows in /proc/<pid>/comm."""
_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36


def _prctl(option: int, value: int) -> None:
    ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0)


def _say(line: str) -> None:
    with contextlib.suppress(OSError):
        os.write(1, f"{line}\n".encode())


def _join(group: str) -> None:
    """Enters a control group; where that is refused, the command runs outside of it, and nothing is counted by it."""
    with contextlib.suppress(OSError):
        fd = os.open(f"{group}/cgroup.procs", os.O_WRONLY)
        os.write(fd, b"0")
        os.close(fd)


def _exec(log: str, group: str, command: list[str], failure: int, guard: int) -> None:
    """Becomes the command, in the forked child; writes to ``failure`` why it cannot."""
    try:
        if group:
            _join(group)
        os.setsid()
        _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != guard:
            os._exit(1)
        output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(output, 1)
        os.dup2(output, 2)
        for ignored in (signal.SIGINT, signal.SIGPIPE, signal.SIGXFSZ):
            signal.signal(ignored, signal.SIG_DFL)
        os.execvp(command[0], command)  # noqa: S606 - starting the user's command is the task
    except OSError as error:
        os.write(failure, (error.strerror or str(error)).encode())
        os._exit(127)


def _start(log: str, group: str, command: list[str]) -> int:
    """Starts the command; its pid, or -1 after saying why not."""
    reading, writing = os.pipe()
    guard = os.getpid()
    pid = os.fork()
    if pid == 0:
        _exec(log, group, command, writing, guard)
    os.close(writing)
    problem = os.read(reading, 4096)
    os.close(reading)
    if problem:
        _say(f"error {problem.decode()}")
        return -1
    _say(f"pid {pid}")
    return pid


def _descendants(root: int) -> list[int]:
    """Every process below ``root``."""
    children: dict[int, list[int]] = {}
    for name in os.listdir("/proc"):  # noqa: PTH208 - pathlib would triple the start-up time
        if not name.isdigit():
            continue
        with contextlib.suppress(OSError):
            fd = os.open(f"/proc/{name}/stat", os.O_RDONLY)
            fields = os.read(fd, 4096).rpartition(b")")[2].split()
            os.close(fd)
            children.setdefault(int(fields[1]), []).append(int(name))
    found: list[int] = []
    stack = [root]
    while stack:
        below = children.get(stack.pop(), [])
        found += below
        stack += below
    return found


def _reap(command_pid: int) -> None:
    """Waits for whatever has exited; says so when it is the command."""
    with contextlib.suppress(ChildProcessError):
        while True:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                return
            if pid == command_pid:
                _say(f"exit {os.waitstatus_to_exitcode(status)}")


def _end(command_pid: int, grace_s: float) -> None:
    """Ends every descendant: politely, then not."""
    own = os.getpid()
    until = time.monotonic() + grace_s
    number = signal.SIGTERM
    told: set[int] = set()
    while alive := _descendants(own):
        if time.monotonic() >= until:
            number = signal.SIGKILL
            told.clear()
        for pid in alive:
            if pid not in told:
                told.add(pid)
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.kill(pid, number)
        time.sleep(0.01)
        _reap(command_pid)
        if time.monotonic() >= until + grace_s + 1:
            return


def main(grace_s: float, log: str, group: str, command: list[str]) -> int:
    """Guards the command until standard input closes or a SIGTERM comes."""
    fd = os.open("/proc/self/comm", os.O_WRONLY)
    os.write(fd, GUARD_COMM.encode())
    os.close(fd)
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)
    reading, writing = os.pipe()
    for end in (reading, writing):
        os.set_blocking(end, False)
    signal.set_wakeup_fd(writing)
    ended = False

    def note_end(*_: object) -> None:
        nonlocal ended
        ended = True

    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.signal(signal.SIGTERM, note_end)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    pid = _start(log, group, command)
    if pid < 0:
        return 127
    while not ended:
        ready, _, _ = select.select([0, reading], [], [])
        if reading in ready:
            os.read(reading, 4096)
            _reap(pid)
        if 0 in ready and not os.read(0, 4096):
            ended = True
    _end(pid, grace_s)
    if group:
        with contextlib.suppress(OSError):
            os.rmdir(group)  # noqa: PTH106 - pathlib would triple the start-up time
    return 0


if __name__ == "__main__":
    sys.exit(main(float(sys.argv[1]), sys.argv[2], sys.argv[3], sys.argv[4:]))
