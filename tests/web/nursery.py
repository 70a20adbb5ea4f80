# SPDX-License-Identifier: Apache-2.0
"""Servers without the wait for their imports: one process loads everything, then forks a whole server for each line on its input.

    python tests/web/nursery.py

``serve FILE`` begins one, whose output goes to FILE, and answers with its process number; ``wait NUMBER`` answers once it has
ended.
"""

from __future__ import annotations

import os
import sys

import lichen.outputs.web.serving
import lichen.service.landing_process  # noqa: F401 - loaded before anything forks
from lichen.cli import main


def serve(output: str) -> int:
    """Begins a server; its process number."""
    number = os.fork()
    if number:
        return number
    code: object = 1
    try:
        target = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(target, 1)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        sys.argv = ["lichen", "serve"]
        main()
    except SystemExit as end:
        code = end.code
    finally:
        sys.stdout.flush()
        os._exit(code if isinstance(code, int) else 1)


def obey() -> None:
    """Does what the lines on standard input say."""
    while line := sys.stdin.readline():
        word, _, rest = line.strip().partition(" ")
        if word == "serve":
            sys.stdout.write(f"{serve(rest)}\n")
        else:
            sys.stdout.write(f"{os.waitstatus_to_exitcode(os.waitpid(int(rest), 0)[1])}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    obey()
