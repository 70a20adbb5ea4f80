# SPDX-License-Identifier: Apache-2.0
"""Adopts processes whose parent has exited, so that what a command leaves behind is still known to be its own."""

from __future__ import annotations

import contextlib
import ctypes
import os
from collections.abc import Collection, Iterator
from typing import Final

import psutil

_PR_SET_CHILD_SUBREAPER: Final = 36
_PR_GET_CHILD_SUBREAPER: Final = 37


def adopts() -> bool:
    """Whether orphans below this process become its children."""
    answer = ctypes.c_int(0)
    ctypes.CDLL(None).prctl(_PR_GET_CHILD_SUBREAPER, ctypes.byref(answer), 0, 0, 0)
    return bool(answer.value)


@contextlib.contextmanager
def adopting() -> Iterator[None]:
    """While it lasts, orphans below this process become its children (prctl(2), PR_SET_CHILD_SUBREAPER)."""
    before = adopts()
    libc = ctypes.CDLL(None)
    libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    try:
        yield
    finally:
        libc.prctl(_PR_SET_CHILD_SUBREAPER, int(before), 0, 0, 0)


def bury(known: Collection[int]) -> None:
    """Takes the exited orphans out of the process table.

    Args:
        known: children that this process started itself, and waits for elsewhere.
    """
    for child in psutil.Process().children():
        if child.pid not in known:
            with contextlib.suppress(psutil.Error, ChildProcessError):
                if child.status() == psutil.STATUS_ZOMBIE:
                    os.waitpid(child.pid, os.WNOHANG)


def living(known: Collection[int]) -> list[str]:
    """Processes below this one that are alive, as ``name (pid)``.

    Args:
        known: children that this process started itself, and whose descendants do not count.
    """
    found = []
    for child in psutil.Process().children():
        if child.pid in known:
            continue
        for process in (child, *_descendants(child)):
            with contextlib.suppress(psutil.Error):
                if process.status() != psutil.STATUS_ZOMBIE:
                    found.append(f"{process.name()} ({process.pid})")
    return found


def _descendants(process: psutil.Process) -> list[psutil.Process]:
    try:
        return list(process.children(recursive=True))
    except psutil.Error:
        return []
