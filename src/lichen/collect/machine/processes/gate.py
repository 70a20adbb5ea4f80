# SPDX-License-Identifier: Apache-2.0
"""What a measured command is before it is the command: a small script, run on its own, that waits and then becomes it.

So the meter is there before the command's first instruction, and nothing stands between the command and its terminal: it keeps
the process id, the process group, the descriptors, the environment and the signals that a shell would have given it. Only what
the kernel tells the command of itself (getrusage) holds some 20 ms of CPU time more, the script's; the figures do not.

Usage: ``gate.py OPENS TELLS MASK COMMAND...``. It waits for a byte on the descriptor OPENS and becomes the command, with the
signals of MASK (numbers, comma between) blocked. On the descriptor TELLS it says at which instant it does so and what CPU time
it has used until then, in nanoseconds; the number of the error follows when it cannot. TELLS is closed when it has become the
command. When OPENS is closed first, nobody measures any more and nothing is started.
"""

from __future__ import annotations

import errno
import os
import signal
import sys
import time

_SHELL = "/bin/sh"
_PYTHON_IGNORES = (signal.SIGPIPE, signal.SIGXFSZ)


def _environment() -> dict[bytes, bytes]:
    """The environment as this script was started with it: Python adds LC_CTYPE to its own in a C locale (PEP 538)."""
    with open("/proc/self/environ", "rb") as file:  # noqa: PTH123 - pathlib would double the start-up time
        entries = (entry.partition(b"=") for entry in file.read().split(b"\0"))
        return {name: value for name, equals, value in entries if equals}


def _places(program: str, environment: dict[bytes, bytes]) -> list[str]:
    """Where the program may lie."""
    return [program] if "/" in program else [os.path.join(place, program) for place in os.get_exec_path(environment)]  # type: ignore[arg-type]  # noqa: PTH118


def become(command: list[str], environment: dict[bytes, bytes]) -> int:
    """Becomes the command, found as a shell finds it; the number of the error when it cannot."""
    problem = errno.ENOENT
    if not command[0]:
        return problem
    for place in _places(command[0], environment):
        try:
            os.execve(place, command, environment)  # noqa: S606 - starting the user's command is the task
        except OSError as error:
            if error.errno == errno.ENOEXEC:
                # A script without '#!' is the shell's (POSIX, execvp).
                os.execve(_SHELL, [_SHELL, place, *command[1:]], environment)  # noqa: S606
            if error.errno not in (errno.ENOENT, errno.ENOTDIR):
                problem = error.errno or problem
    return problem


def main(opens: int, tells: int, mask: list[int], command: list[str]) -> int:
    """Waits, then becomes the command."""
    for descriptor in (opens, tells):
        os.set_inheritable(descriptor, False)
    environment = _environment()
    for number in _PYTHON_IGNORES:
        signal.signal(number, signal.SIG_DFL)
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    if not os.read(opens, 1):
        return 0
    signal.pthread_sigmask(signal.SIG_SETMASK, mask)
    os.write(tells, f"{time.monotonic_ns()} {time.process_time_ns()} ".encode())
    os.write(tells, str(become(command, environment)).encode())
    return 127


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), int(sys.argv[2]), [int(n) for n in sys.argv[3].split(",") if n], sys.argv[4:]))
