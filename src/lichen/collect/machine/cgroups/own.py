# SPDX-License-Identifier: Apache-2.0
"""A control group of one's own, for one command: its exact CPU time, and bytes on the network that nothing else can tell apart.

It is made below the group of this process, so that every limit goes on to hold, and no controller is switched on in it, so that
the scheduler treats its processes as before.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import re
import time
from pathlib import Path
from typing import Final, Self

from lichen.collect.base import Availability
from lichen.collect.machine.cgroups import bpf
from lichen.collect.machine.cgroups.counter import CgroupCounter
from lichen.collect.machine.cgroups.files import GroupFiles
from lichen.collect.machine.cgroups.group import CPU_ACCOUNTING, UNIFIED, Group, Hierarchies
from lichen.errors import NothingMeasured

_PREFIX: Final = "lichen"
_NAME: Final = re.compile(rf"{_PREFIX}-(\d+)-\d+-.*")
_REMOVAL_S: Final = 2.0
_count = itertools.count(1)


class OwnCgroup:
    """A new, empty group. Use it as a context manager: it is removed at the end, and nothing in it is killed.

    Args:
        label: what it is for; part of its name.

    Attributes:
        folder: where it lies.

    Raises:
        NothingMeasured: this user may not make one here.
    """

    def __init__(self, label: str) -> None:
        hierarchies = Hierarchies.read()
        key = UNIFIED if hierarchies.layout in ("v2", "hybrid") else CPU_ACCOUNTING
        parent = hierarchies.folder_of(os.getpid(), key)
        if parent is None:
            raise _refused("no control groups are mounted here")
        self._parent = parent
        _sweep(parent)
        name = f"{_PREFIX}-{os.getpid()}-{next(_count)}-{re.sub(r'[^A-Za-z0-9_]', '_', label)[:64]}"
        self.folder = parent / name
        self.group = Group(name, {key: self.folder})
        try:
            self.folder.mkdir()
        except OSError as error:
            raise _refused(f"{self.folder}: {error.strerror}") from error
        try:
            self._files = GroupFiles(self.group)
        except OSError as error:
            self._remove()
            raise _refused(f"{self.folder}: {error.strerror}") from error

    def join(self, pid: int) -> None:
        """Puts a process into the group; its later children are born in it, its present ones stay where they are.

        Raises:
            NothingMeasured: the kernel refuses, or there is no such process.
        """
        try:
            (self.folder / "cgroup.procs").write_text(str(pid))
        except OSError as error:
            raise _refused(f"process {pid} cannot be put into it: {error.strerror}") from error

    def cpu_ns(self) -> int:
        """CPU time of everything that ever ran in the group.

        Raises:
            GroupGone: somebody else removed it.
        """
        return self._files.cpu_ns() or 0

    def counter(self, what: str) -> CgroupCounter:
        """All that the group accounts for, as a part."""
        return CgroupCounter(what, lambda: self.group if self.group.exists() else None)

    def close(self) -> None:
        """Removes the group; processes that are still in it go on, in the group of this process."""
        self._files.close()
        self._remove()

    def _remove(self) -> None:
        until = time.monotonic() + _REMOVAL_S
        while True:
            for pid in self.group.pids():
                with contextlib.suppress(OSError):
                    (self._parent / "cgroup.procs").write_text(str(pid))
            try:
                self.folder.rmdir()
            except FileNotFoundError:
                return
            except OSError:
                if time.monotonic() > until:
                    return
                time.sleep(0.01)
            else:
                return

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def group_for_packets(label: str) -> OwnCgroup | None:
    """A group whose packets may be counted; None where this user may not make one or may not count."""
    try:
        group = OwnCgroup(label)
    except NothingMeasured:
        return None
    if bpf.probe(group.group.folders.get(UNIFIED)).ok:
        return group
    group.close()
    return None


def _refused(why: str) -> NothingMeasured:
    return NothingMeasured(
        f"A control group for a command of its own cannot be made: {why}.",
        repair="Run as root, or in a delegated group: systemd-run --user --scope -p Delegate=yes lichen ...",
    )


def _sweep(parent: Path) -> None:
    """Removes the empty groups of processes that were killed before they could."""
    with contextlib.suppress(OSError), os.scandir(parent) as entries:
        for entry in entries:
            match = _NAME.fullmatch(entry.name)
            if match is not None and not Path(f"/proc/{match[1]}").exists():
                with contextlib.suppress(OSError):
                    Path(entry.path).rmdir()


def probe() -> Availability:
    """Whether a group can be made here, and its packets be counted."""
    try:
        with OwnCgroup("probe") as group:
            return bpf.probe(group.group.folders.get(UNIFIED))
    except NothingMeasured as refused:
        return Availability(False, refused.problem, refused.repair)
