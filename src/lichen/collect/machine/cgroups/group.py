# SPDX-License-Identifier: Apache-2.0
"""Where the files of a control group lie: version 1, version 2 or both, seen from the machine or from inside a container.

The kernel names a group by a path within its hierarchy; the mount table says which folder shows which part of a hierarchy. In a
cgroup namespace both paths start at the namespace's top, so that groups outside begin with ``/..``.
Sources: cgroups(7), cgroup_namespaces(7), proc_pid_mountinfo(5), kernel ``Documentation/admin-guide/cgroup-v2.rst``.
"""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Self

from lichen.errors import ConfigError, NothingMeasured

UNIFIED: Final = ""
"""Key of the version 2 hierarchy, which has no name."""
CPU_ACCOUNTING: Final = "cpuacct"
MEMORY: Final = "memory"
STORAGE: Final = "blkio"
_VERSION_1: Final = (CPU_ACCOUNTING, MEMORY, STORAGE)
_PROCS: Final = "cgroup.procs"
_ID_MIN: Final = 12
"""Engines show container ids by their first 12 digits; shorter ones match by chance."""
_CONTAINER: Final = re.compile(r"(?:(?:docker|libpod|crio|cri-containerd|containerd)-)?([0-9a-f]{32,64})(?:\.scope)?")
"""Folder of a container: the bare id (cgroupfs driver), or a scope that the engine names (systemd driver)."""


@dataclass(frozen=True, slots=True)
class Group:
    """One control group.

    Attributes:
        name: its path, as the hierarchy shows it here.
        folders: where its files lie, by controller of version 1, and ``UNIFIED``; only hierarchies in which the group holds the
            same processes.
    """

    name: str
    folders: Mapping[str, Path]

    def folder(self, controller: str) -> Path | None:
        """Folder of a controller of version 1, else that of version 2; None when the group has neither."""
        return self.folders.get(controller) or self.folders.get(UNIFIED)

    @property
    def home(self) -> Path:
        """The folder whose processes are the group's, and that accounts for their CPU time."""
        return self.folders.get(CPU_ACCOUNTING) or self.folders[UNIFIED]

    def exists(self) -> bool:
        """Whether the group is still there."""
        return self.home.is_dir()

    def pids(self) -> list[int]:
        """Live processes of the group and of the groups below it; empty once it is gone."""
        return pids_below(self.home)


def pids_below(folder: Path) -> list[int]:
    """Live processes of the group in a folder and of those below it."""
    return [pid for below in _walk(folder) for pid in _pids_in(below)]


def _pids_in(folder: Path) -> list[int]:
    try:
        return [int(line) for line in (folder / _PROCS).read_bytes().split()]
    except OSError:  # gone, or a group of threads, whose processes are those of its parent
        return []


def _walk(folder: Path) -> Iterator[Path]:
    """A folder and those below it, parents first."""
    stack = [folder]
    while stack:
        here = stack.pop()
        yield here
        try:
            with os.scandir(here) as entries:
                stack.extend(Path(entry.path) for entry in entries if entry.is_dir(follow_symlinks=False))
        except OSError:
            continue


@dataclass(frozen=True, slots=True)
class _Mount:
    """A folder that shows a hierarchy from the group ``top`` downwards."""

    point: Path
    top: tuple[str, ...]

    def folder(self, path: str) -> Path | None:
        """Folder of a group; None when it lies outside of what is shown, or the namespace hides a name on the way."""
        steps = _steps(path)
        below = steps[len(self.top) :]
        if steps[: len(self.top)] != self.top or ".." in below:
            return None
        return self.point.joinpath(*below)


def _steps(path: str) -> tuple[str, ...]:
    return tuple(step for step in path.split("/") if step not in ("", "."))


def _unescaped(text: str) -> str:
    """A field of the mount table, in which white space and backslashes are octal."""
    return re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), text)


@dataclass(frozen=True, slots=True)
class Hierarchies:
    """The hierarchies of control groups that this process can see.

    Attributes:
        root: folder that stands for ``/``.
    """

    root: Path
    _mounts: Mapping[str, tuple[_Mount, ...]] = field(default_factory=dict)

    @classmethod
    def read(cls, root: Path = Path("/")) -> Self:
        """Reads the mount table; a machine without control groups has no hierarchies."""
        try:
            table = (root / "proc/self/mountinfo").read_text(errors="surrogateescape")
        except OSError:
            table = ""
        found: dict[str, list[_Mount]] = {}
        for line in table.splitlines():
            before, _, after = line.partition(" - ")
            kind, _, rest = after.partition(" ")
            if kind not in ("cgroup", "cgroup2"):
                continue
            top, point = (_unescaped(word) for word in before.split(" ")[3:5])
            options = rest.rpartition(" ")[2].split(",")
            mount = _Mount(root / point.lstrip("/"), _steps(top))
            for key in (UNIFIED,) if kind == "cgroup2" else (name for name in _VERSION_1 if name in options):
                found.setdefault(key, []).append(mount)
        return cls(root, {key: tuple(sorted(mounts, key=lambda m: len(m.top))) for key, mounts in found.items()})

    @property
    def unified(self) -> Path | None:
        """Where groups of version 2 are shown; None without them."""
        mounts = self._mounts.get(UNIFIED)
        return mounts[0].point if mounts else None

    @property
    def layout(self) -> str | None:
        """``v1``, ``v2``, ``hybrid`` (both, controllers in version 1), or None without control groups."""
        old, new = any(key in self._mounts for key in _VERSION_1), UNIFIED in self._mounts
        return "hybrid" if old and new else "v2" if new else "v1" if old else None

    def of_path(self, path: str) -> Group:
        """The group at a path below the hierarchies, or at the full path of one of its folders.

        Raises:
            ConfigError: the path is the machine's own group, or leads out of the hierarchy.
            NothingMeasured: there is no such group; the nearest names are in the repair.
        """
        steps = _steps(self._without_mount(path))
        if not steps or ".." in steps:
            raise ConfigError(
                f"'{path}' is no control group of a part.",
                repair="Give its path below /sys/fs/cgroup, such as system.slice/nginx.service.",
                culprit=path,
            )
        name = "/".join(steps)
        folders = {
            key: folder
            for key, mounts in self._mounts.items()
            for mount in mounts[:1]
            if (folder := mount.point / name).is_dir()
        }
        if not folders.keys() & {CPU_ACCOUNTING, UNIFIED}:
            raise NothingMeasured(
                f"There is no control group '{name}'.", repair=self._nearest(name) or self._lack(), culprit=path
            )
        return Group(name, folders)

    def of_pid(self, pid: int) -> Group:
        """The group that a process is in.

        A process may be in another group for each controller. The group of its CPU time counts; what other hierarchies say of
        other groups is left out.

        Raises:
            NothingMeasured: no such process, it is in no group but the machine's own, or its group is not shown here.
        """
        paths = self._paths(pid)
        name = _cpu_group(paths)
        if name is None:
            raise NothingMeasured(
                f"The control group of process {pid} is not known.", repair=self._lack(), culprit=str(pid)
            )
        folders = {}
        for key, path in paths.items():
            if path == name and (folder := self._shown(key, path, pid)) is not None:
                folders[key] = folder
        group = Group("/".join(_steps(name)) or "/", folders)
        if not folders.keys() & {CPU_ACCOUNTING, UNIFIED}:
            raise NothingMeasured(
                f"The control group of process {pid}, {name}, is not shown in this container.",
                repair="Run Lichen on the machine itself, or with the machine's /sys/fs/cgroup.",
                culprit=str(pid),
            )
        if _is_machine(group.home):
            raise NothingMeasured(
                f"Process {pid} is in no control group of its own, only in the machine's.",
                repair="Give its pid or port instead, so that its process tree is measured.",
                culprit=str(pid),
            )
        return group

    def folder_of(self, pid: int, key: str) -> Path | None:
        """Folder of the group that a process is in, in one hierarchy; None when it has ended, or its group is not shown here."""
        try:
            path = self._paths(pid).get(key)
        except NothingMeasured:
            return None
        return None if path is None else self._shown(key, path, pid)

    def of_container(self, container_id: str) -> Group:
        """The group of a container, by its id or the first 12 digits or more, of whatever engine and driver.

        Raises:
            ConfigError: the id is too short, is none, or fits several containers.
            NothingMeasured: no group has that id.
        """
        wanted = container_id.lower()
        if len(wanted) < _ID_MIN or not re.fullmatch("[0-9a-f]+", wanted):
            raise ConfigError(
                f"'{container_id}' is no container id.",
                repair=f"Give its {_ID_MIN} first digits or more.",
                culprit=container_id,
            )
        mount = self._cpu_mount()
        found: dict[str, Path] = {}
        for folder in _walk(mount.point) if mount is not None else ():
            match = _CONTAINER.fullmatch(folder.name)
            if match is not None and match[1].startswith(wanted):
                found.setdefault(match[1], folder)
        if len(found) > 1:
            raise ConfigError(
                f"'{container_id}' fits {len(found)} containers.", repair="Give more digits.", culprit=container_id
            )
        if not found or mount is None:
            raise NothingMeasured(
                f"No control group of this machine belongs to container '{container_id}'.",
                repair="Start the container, or run Lichen on the machine that runs it.",
                culprit=container_id,
            )
        return self.of_path(str(next(iter(found.values())).relative_to(mount.point)))

    def _paths(self, pid: int) -> dict[str, str]:
        """Path of a process's group in each hierarchy."""
        try:
            lines = (self.root / f"proc/{pid}/cgroup").read_text(errors="surrogateescape").splitlines()
        except OSError as error:
            raise NothingMeasured(
                f"There is no process {pid} to find the control group of.",
                repair="It ended, or another user's processes are hidden here (hidepid): start it again.",
                culprit=str(pid),
            ) from error
        paths = {}
        for line in lines:
            number, controllers, path = line.split(":", 2)
            for key in [UNIFIED] if number == "0" else controllers.split(","):
                if key in self._mounts:
                    paths[key] = path
        return paths

    def _shown(self, key: str, path: str, pid: int) -> Path | None:
        """Folder of a process's group; where the namespace hides its name, the one that lists the process."""
        for mount in self._mounts[key]:
            folder = mount.folder(path)
            if folder is not None and folder.is_dir():
                return folder
        if path.startswith("/..") or any(".." in mount.top for mount in self._mounts[key]):
            for mount in self._mounts[key]:
                for folder in _walk(mount.point):
                    if pid in _pids_in(folder):
                        return folder
        return None

    def _cpu_mount(self) -> _Mount | None:
        mounts = self._mounts.get(CPU_ACCOUNTING) or self._mounts.get(UNIFIED)
        return mounts[0] if mounts else None

    def _without_mount(self, path: str) -> str:
        for mounts in self._mounts.values():
            for mount in mounts:
                point = f"/{mount.point.relative_to(self.root)}"
                if path == point or path.startswith(f"{point}/"):
                    return path.removeprefix(point)
        return path

    def _nearest(self, name: str) -> str:
        mount = self._cpu_mount()
        if mount is None:
            return ""
        names = [str(folder.relative_to(mount.point)) for folder in _walk(mount.point)][1:]
        same = [other for other in names if other.rpartition("/")[2] == name.rpartition("/")[2]]
        close = same[:1] or difflib.get_close_matches(name, names, n=1)
        return f"Did you mean '{close[0]}'?" if close else ""

    def _lack(self) -> str:
        if self.layout is None:
            return "No control groups are mounted here: mount them at /sys/fs/cgroup."
        return "List the folders below /sys/fs/cgroup."


def _cpu_group(paths: Mapping[str, str]) -> str | None:
    """Which group's CPU time is that of the process.

    The two versions may disagree: an engine may fill only one of them, a service manager may refine only one of them.
    """
    old, new = paths.get(CPU_ACCOUNTING), paths.get(UNIFIED)
    if old is None or new is None:
        return old if new is None else new
    return new if new.startswith(f"{old.rstrip('/')}/") else old


def _is_machine(folder: Path) -> bool:
    """Whether a folder is the top of a hierarchy: files that only the top has (version 1), or lacks (version 2)."""
    return (folder / "cgroup.sane_behavior").exists() or (
        (folder / "cgroup.controllers").exists() and not (folder / "cgroup.events").exists()
    )
