# SPDX-License-Identifier: Apache-2.0
"""Browsers among the processes that a suite starts, found without being told."""

from __future__ import annotations

import contextlib
import os
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_YOUNG_NS: Final = 1_000_000_000
"""A process is born as a copy of its parent and becomes a browser a moment later: it is looked at again until this age."""
_RANGE_MAX: Final = 400
"""Ids to try one by one; above, listing /proc is cheaper."""
_BROWSER: Final = re.compile(
    r"(chrom(e|ium)([-_]headless[-_]shell)?|google-chrome.*|chrome-headless-shell|headless_shell|content_shell|"
    r"msedge|microsoft-edge.*|brave(-browser)?|firefox(-esr|-bin)?|MiniBrowser)"
)
_HELPER: Final = re.compile(r"--type=|-contentproc$")
_PORT: Final = "--remote-debugging-port="
_PROFILE: Final = "--user-data-dir="


@dataclass(frozen=True, slots=True)
class BrowserFound:
    """The main process of a browser.

    Attributes:
        port: of its debugger, as on its command line (``"0"``: of its own choice); None when it has none.
        profile: its profile folder, as on its command line.
    """

    pid: int
    port: str | None
    profile: str | None


def command_line(pid: int) -> list[str]:
    """Words of a process's command line; empty when it is gone."""
    try:
        content = Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return []
    return content.rstrip(b"\0").decode(errors="replace").split("\0")


def as_browser(pid: int, words: list[str]) -> BrowserFound | None:
    """The browser that a command line starts; None for anything else and for a browser's helper processes."""
    if not words or any(_HELPER.match(word) for word in words[1:]):
        return None
    if len(words) == 1 and " " in words[0]:
        return None  # not a command line but a title: of npm, of a helper
    port = next((word.removeprefix(_PORT) for word in words if word.startswith(_PORT)), None)
    names = {Path(word).name for word in words[:2]}  # a shell script of the same name comes second
    if "--version" in words or not any(_BROWSER.fullmatch(name) for name in names):
        return None
    profile = next((word.removeprefix(_PROFILE) for word in words if word.startswith(_PROFILE)), None)
    return BrowserFound(pid, port, profile)


class ProcessWatch:
    """Finds browsers that descend from this process.

    Threads have ids of the same row as processes; only a browser's command line makes it worth asking which it is.
    """

    def __init__(self) -> None:
        self._last = _last_pid()
        self._young: dict[int, int] = {}
        self._done: set[int] = set()

    def forget(self, pid: int) -> None:
        """``pid`` is known already."""
        self._done.add(pid)

    def look(self) -> Iterator[BrowserFound]:
        """Browsers that were born since the previous look."""
        now_ns = time.monotonic_ns()
        first, self._last = self._last, _last_pid()
        fresh = range(first + 1, self._last + 1)
        born = fresh if first <= self._last and len(fresh) <= _RANGE_MAX else _all_pids()
        self._young |= {pid: now_ns for pid in born if pid not in self._young and pid not in self._done}
        for pid, born_ns in list(self._young.items()):
            words = command_line(pid)
            found = as_browser(pid, words) if pid not in self._done else None
            if found is not None and _is_process(pid) and not _is_copy(pid, words) and _descends_from_here(pid):
                self._done.add(pid)
                yield found
            if pid in self._done or now_ns - born_ns > _YOUNG_NS:
                del self._young[pid]


def is_alive(pid: int) -> bool:
    """Whether the process is there and no zombie."""
    fields = _stat(pid)
    return bool(fields) and fields[0] not in "ZX"


def _stat(pid: int) -> list[str]:
    """Fields of /proc/<pid>/stat after the command: state, parent..."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()
    except OSError:
        return []


def _is_process(pid: int) -> bool:
    """Whether ``pid`` is a process, not a mere thread of one."""
    with contextlib.suppress(OSError, StopIteration, ValueError):
        lines = Path(f"/proc/{pid}/status").read_text(errors="replace").splitlines()
        return int(next(line for line in lines if line.startswith("Tgid:")).split()[1]) == pid
    return False


def _is_copy(pid: int, words: list[str]) -> bool:
    """Whether ``pid`` has its parent's command line: a browser's helper is its copy until it becomes what it is to be."""
    fields = _stat(pid)
    return not fields or command_line(int(fields[1])) == words


def _descends_from_here(pid: int) -> bool:
    own = os.getpid()
    while pid > 1:
        fields = _stat(pid)
        if not fields:
            return False
        pid = int(fields[1])
        if pid == own:
            return True
    return False


def _last_pid() -> int:
    return int(Path("/proc/loadavg").read_bytes().rpartition(b" ")[2])


def _all_pids() -> list[int]:
    return [int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit()]
