# SPDX-License-Identifier: Apache-2.0
"""Browsers among the processes that a suite starts, found without being told."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_YOUNG_NS: Final = 1_000_000_000
"""A process is born as a copy of its parent and becomes a browser a moment later: it is looked at again until this age."""
_LONGEST_BYTES: Final = 1 << 16
_BROWSER: Final = re.compile(
    r"(chrom(e|ium)([-_]headless[-_]shell)?|google-chrome.*|chrome-headless-shell|headless_shell|content_shell|"
    r"msedge|microsoft-edge.*|brave(-browser)?|firefox(-esr|-bin)?|MiniBrowser)"
)
_NOT_MAIN: Final = re.compile(r"--type=|-contentproc$|--version$")
"""A helper process, or a mere question."""
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
    return _words(_read(pid, "cmdline"))


def as_browser(pid: int, words: list[str]) -> BrowserFound | None:
    """The browser that a command line starts; None for anything else and for a browser's helper processes."""
    names = {word.rpartition("/")[2] for word in words[:2]}  # a shell script of the same name comes second
    if not any(_BROWSER.fullmatch(name) for name in names) or any(_NOT_MAIN.match(word) for word in words[1:]):
        return None
    if len(words) == 1 and " " in words[0]:
        return None  # not a command line but a title: of npm, of a helper
    port = next((word.removeprefix(_PORT) for word in words if word.startswith(_PORT)), None)
    profile = next((word.removeprefix(_PROFILE) for word in words if word.startswith(_PROFILE)), None)
    return BrowserFound(pid, port, profile)


class ProcessWatch:
    """Finds browsers that descend from this process. A look at which nothing was born costs one small read."""

    def __init__(self) -> None:
        self._last_id = _last_id()
        self._seen = _all_pids()
        self._young: dict[int, int] = {}

    def forget(self, pid: int) -> None:
        """``pid`` is known already."""
        self._seen.add(pid)
        self._young.pop(pid, None)

    def look(self) -> Iterator[BrowserFound]:
        """Browsers that were born since the previous look."""
        now_ns = time.monotonic_ns()
        last_id = _last_id()
        if last_id != self._last_id:
            self._last_id = last_id
            pids = _all_pids()
            self._young |= dict.fromkeys(pids - self._seen, now_ns)
            self._seen = pids
        for pid, born_ns in list(self._young.items()):
            words = command_line(pid)
            found = as_browser(pid, words)
            known = found is not None and not _is_copy(pid, words)
            if known or not words or now_ns - born_ns > _YOUNG_NS:
                del self._young[pid]
            if known and found is not None and is_own(pid):
                yield found


def is_alive(pid: int) -> bool:
    """Whether the process is there and no zombie."""
    fields = _stat(pid)
    return bool(fields) and fields[0] not in "ZX"


def is_own(pid: int) -> bool:
    """Whether the process descends from this one."""
    own = os.getpid()
    while pid > 1:
        fields = _stat(pid)
        if not fields:
            return False
        pid = int(fields[1])
        if pid == own:
            return True
    return False


def _read(pid: int, name: str) -> bytes:
    """A file of /proc/<pid>; empty when the process is gone."""
    try:
        fd = os.open(f"/proc/{pid}/{name}", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return b""
    try:
        return os.read(fd, _LONGEST_BYTES)
    except OSError:
        return b""
    finally:
        os.close(fd)


def _words(content: bytes) -> list[str]:
    return content.rstrip(b"\0").decode(errors="replace").split("\0") if content else []


def _stat(pid: int) -> list[str]:
    """Fields of /proc/<pid>/stat after the command: state, parent..."""
    return _read(pid, "stat").decode(errors="replace").rpartition(")")[2].split()


def _is_copy(pid: int, words: list[str]) -> bool:
    """Whether ``pid`` has its parent's command line: a browser's helper is its copy until it becomes what it is to be."""
    fields = _stat(pid)
    return not fields or command_line(int(fields[1])) == words


def _last_id() -> bytes:
    """The id given out last, to a process or a thread."""
    return Path("/proc/loadavg").read_bytes().rpartition(b" ")[2]


def _all_pids() -> set[int]:
    return {int(name) for name in os.listdir("/proc") if name.isdigit()}  # noqa: PTH208 - ten times faster
