# SPDX-License-Identifier: Apache-2.0
"""Measurements that run at the same time on one machine tell each other, so that each can say that it was disturbed."""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final, Self

_MARK: Final = re.compile(r"(\d+)-\d+\.run")
_PRIVATE: Final = 0o700
_ATTEMPTS: Final = 3


def runtime_folder() -> Path:
    """This user's folder for what lives as long as processes do; it may not exist yet."""
    given = os.environ.get("XDG_RUNTIME_DIR")
    return Path(given) / "lichen" if given else Path(tempfile.gettempdir()) / f"lichen-{os.getuid()}"


class Presence:
    """While it lasts, other measurements of this user on this machine are noticed. Use it as a context manager.

    Each has a file that it keeps locked; whoever comes writes its process id into the files of those who are there. A file
    whose lock is free was left by a process that was killed, and is removed. Where the folder cannot be used, nobody is noticed.

    Args:
        folder: where the files are; this user's own when None.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = runtime_folder() if folder is None else folder
        self._path: Path | None = None
        self._file = -1
        self._others: set[int] = set()

    def __enter__(self) -> Self:
        for _ in range(_ATTEMPTS):
            try:
                self._enter()
                break
            except FileNotFoundError:  # another has just left, and taken the empty folder along
                self.forget()
            except OSError:  # the folder cannot be used: nobody is noticed
                break
        return self

    def _enter(self) -> None:
        self._folder.mkdir(mode=_PRIVATE, parents=True, exist_ok=True)
        owner = self._folder.lstat()
        if stat.S_ISDIR(owner.st_mode) and owner.st_uid == os.getuid():
            self._appear()

    def __exit__(self, *exc: object) -> None:
        self.close()

    def close(self) -> None:
        """Goes: nobody is noticed from now on. The last one takes the folder along."""
        with contextlib.suppress(OSError):
            if self._path is not None:
                self._path.unlink(missing_ok=True)
                self._folder.rmdir()
        self.forget()

    def forget(self) -> None:
        """In a fork's child: the lock is the parent's, and would outlive the parent here."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def others(self) -> tuple[int, ...]:
        """Process ids of the measurements that were there, or came, so far."""
        came = os.pread(self._file, 65536, 0) if self._file >= 0 else b""
        return tuple(sorted(self._others | {int(word) for word in came.split()}))

    def _appear(self) -> None:
        """The file is locked before it has its name: nobody can take it for an abandoned one."""
        self._file, hidden = tempfile.mkstemp(dir=self._folder, prefix=".")
        fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        self._path = self._folder / f"{os.getpid()}-{self._file}.run"
        Path(hidden).rename(self._path)
        for pid, path in self._marks():
            if not _is_related(pid) and _told(path):
                self._others.add(pid)

    def _marks(self) -> Iterator[tuple[int, Path]]:
        for path in self._folder.iterdir():
            found = _MARK.fullmatch(path.name)
            if found and int(found[1]) != os.getpid():
                yield int(found[1]), path


def _told(path: Path) -> bool:
    """Writes this process's id into a file that is kept locked; false for one that was abandoned, which is removed."""
    try:
        file = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW)
    except OSError:
        return False
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.write(file, f"{os.getpid()} ".encode())
        return True
    else:
        path.unlink(missing_ok=True)
        return False
    finally:
        os.close(file)


def _is_related(pid: int) -> bool:
    """Whether a process holds this one or is held by it: what runs inside a measurement is part of it, not its neighbour."""
    import psutil

    try:
        other = psutil.Process(pid)
        own = psutil.Process()
        return other in own.parents() or own in other.parents()
    except psutil.Error:
        return False


def neighbour_notes(presence: Presence) -> tuple[str, ...]:
    """The sentence for a run's record; none when it was alone."""
    others = presence.others()
    named = ", ".join(map(str, others))
    return (f"another measurement ran on this machine at the same time (process {named})",) if others else ()
