# SPDX-License-Identifier: Apache-2.0
"""Starts one browser and ends it with whoever asked for it. Run as a script, with nothing but the standard library.

Usage: ``python -I -S guard.py FOLDER LOG COMMAND...``. Makes FOLDER, prints the browser's pid, then waits. When its
standard input closes, because it was told to or because its parent died in whatever way, it kills the browser with all
its helpers and removes FOLDER. When the browser ends first it prints ``exit CODE`` and goes on waiting. Should the guard
itself be killed, the kernel kills the browser (parent-death signal).
"""

import contextlib
import ctypes
import os
import select
import shutil
import signal
import sys
import time

_PR_SET_PDEATHSIG = 1  # Linux, prctl(2)
_PR_SET_CHILD_SUBREAPER = 36
_FOLDER_VARIABLES = (
    "TMPDIR",  # temporary files
    "BREAKPAD_DUMP_LOCATION",  # Chromium's database of crashes, in the user's home otherwise
    "XDG_RUNTIME_DIR",  # what dconf shares between processes, in the user's home where there is no such folder
)
"""Where the browser is told to write in its own folder, so that nothing of it stays behind."""


def _start(command: list[str], log: str) -> int:
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    guard = os.getpid()
    pid = os.fork()
    if pid:
        return pid
    try:
        os.setsid()
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != guard:  # it died before the line above took effect
            os._exit(1)
        null = os.open(os.devnull, os.O_RDONLY)
        out = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        os.dup2(null, 0)
        os.dup2(out, 1)
        os.dup2(out, 2)
        folder = os.path.dirname(log)  # noqa: PTH120 - as below
        for name in _FOLDER_VARIABLES:
            os.environ[name] = folder
        os.execv(command[0], command)  # noqa: S606 - the browser, as an argument list
    except OSError as error:
        os.write(2, f"{error}\n".encode())
    os._exit(127)


def _children() -> list[int]:
    """Processes whose parent is this one; as its subreaper it inherits what the browser leaves behind."""
    me = str(os.getpid())
    found = []
    for name in os.listdir("/proc"):  # noqa: PTH208 - pathlib doubles the start-up time of this script
        if name.isdigit():
            with contextlib.suppress(OSError), open(f"/proc/{name}/stat") as file:  # noqa: PTH123 - as above
                if file.read().rpartition(")")[2].split()[1] == me:
                    found.append(int(name))
    return found


def _end(folder: str) -> None:
    """Kills every descendant, whichever process group it is in, then removes ``folder``.

    By pid, not by group: a browser that has just been forked has no group of its own yet. A child that was not waited
    for keeps its pid, so no stranger can be hit.
    """
    while children := _children():
        for child in children:
            os.kill(child, signal.SIGKILL)
        for child in children:
            os.waitpid(child, 0)
    for _ in range(5):
        shutil.rmtree(folder, ignore_errors=True)
        if not os.path.exists(folder):  # noqa: PTH110 - pathlib doubles the start-up time of this script
            break
        time.sleep(0.02)


def main(folder: str, log: str, command: list[str]) -> None:
    """Makes ``folder``, starts ``command`` with its output in ``log``; ends both when standard input closes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    os.mkdir(folder, 0o700)  # noqa: PTH102 - as above; here, so that whoever dies, someone removes it
    pid = _start(command, log)
    try:
        os.write(1, f"{pid}\n".encode())
        watch = select.poll()
        watch.register(0, select.POLLIN | select.POLLHUP)
        end_of_browser = os.pidfd_open(pid)
        watch.register(end_of_browser, select.POLLIN)
        while True:
            ready = {fd for fd, _ in watch.poll()}
            if end_of_browser in ready:
                status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
                watch.unregister(end_of_browser)
                os.write(1, f"exit {status}\n".encode())
            if 0 in ready and not os.read(0, 1):
                return
    except BrokenPipeError:
        return
    finally:
        _end(folder)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3:])
