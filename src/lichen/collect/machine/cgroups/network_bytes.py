# SPDX-License-Identifier: Apache-2.0
"""Network bytes of a part, by what it has of its own.

A network namespace of its own: the counters of all its interfaces but the loopback, which is the part's traffic with itself.
Else a control group of its own: its packets, counted in the kernel (`bpf`), those on the machine's loopback told apart, for that
is how parts of one machine talk to each other. Else nothing tells its bytes from those of others. Source: proc_net(5).
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, Protocol

from lichen.collect.machine.cgroups.bpf import PacketCount
from lichen.collect.machine.cgroups.group import UNIFIED, Hierarchies, pids_below
from lichen.collect.machine.cumulative import Cumulative
from lichen.collect.machine.parts.guard import GUARD_COMM
from lichen.collect.machine.processes.proc import all_pids, read_stat
from lichen.errors import LichenError

_BUFFER: Final = 65536
_LOOPBACK: Final = b"lo"
_PLACEHOLDERS: Final = frozenset({"pause", "catatonit"})
"""Processes that engines start to hold the network of a pod; they send nothing themselves."""


@dataclass(frozen=True, slots=True)
class Traffic:
    """Bytes received and sent since the part is watched.

    Attributes:
        loopback: those of them, both ways, that passed a loopback; 0 where it is left out.
    """

    received: int
    sent: int
    loopback: int = 0


class Network(Protocol):
    """Cumulative network bytes of a part."""

    def read(self) -> Traffic | None:
        """The bytes so far; None when they cannot be read any more."""
        ...

    def close(self) -> None:
        """Gives back what it took."""
        ...


def namespace_of(pid: int) -> int | None:
    """Identity of a process's network namespace; None when it is gone or this user may not know."""
    try:
        return os.stat(f"/proc/{pid}/ns/net").st_ino  # noqa: PTH116 - called for every process of a group
    except OSError:
        return None


class NamespaceNetwork:
    """Interfaces of the network namespace of a process that has one of its own.

    The file stays open, and with it the namespace, so that bytes are known to the end; `close` lets it go.

    Args:
        pid: any process inside.

    Raises:
        OSError: the process is gone.
    """

    def __init__(self, pid: int) -> None:
        self._fd = os.open(f"/proc/{pid}/net/dev", os.O_RDONLY | os.O_CLOEXEC)
        self._received: dict[bytes, Cumulative[int]] = {}
        self._sent: dict[bytes, Cumulative[int]] = {}
        self._first = True

    def read(self) -> Traffic | None:
        """Bytes of all interfaces so far; one that appears counts from its birth, one that vanishes keeps its bytes."""
        try:
            content = os.pread(self._fd, _BUFFER, 0)
        except OSError:
            return None
        present = set()
        for name, received, sent in parse_interfaces(content):
            present.add(name)
            for counters, value in ((self._received, received), (self._sent, sent)):
                if name not in counters:
                    counters[name] = Cumulative()
                    if not self._first:
                        counters[name].feed(0)
                counters[name].feed(value)
        for name in self._received.keys() - present:
            self._received[name].restart()
            self._sent[name].restart()
        self._first = False
        return Traffic(
            sum(counter.total or 0 for counter in self._received.values()),
            sum(counter.total or 0 for counter in self._sent.values()),
        )

    def close(self) -> None:
        """Lets the namespace go."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1


def parse_interfaces(content: bytes) -> Iterable[tuple[bytes, int, int]]:
    """(interface, bytes received, bytes sent) of each line of /proc/net/dev but the loopback's."""
    for line in content.splitlines()[2:]:
        name, _, numbers = line.partition(b":")
        fields = numbers.split(None, 9)
        if name.strip() != _LOOPBACK and len(fields) > 8:
            yield name.strip(), int(fields[0]), int(fields[8])


class GroupNetwork:
    """Packets of a control group of version 2, headers included.

    Args:
        folder: of the group.

    Raises:
        OSError: this user may not count packets.
    """

    def __init__(self, folder: Path) -> None:
        self._packets = PacketCount(folder)

    def read(self) -> Traffic:
        """Bytes of its packets so far."""
        return Traffic(*self._packets.read())

    def close(self) -> None:
        """Stops counting."""
        self._packets.close()


@dataclass(frozen=True, slots=True)
class Mixed:
    """The bytes of a part cannot be told from those of others.

    Attributes:
        kind: ``hidden``: this user may not look into its processes; ``several``: they use several namespaces; ``machine``: they
            use the machine's; ``stranger``: they share theirs. Packets of its group may not be counted, or it has none.
        stranger: who else uses the namespace.
    """

    kind: Literal["hidden", "several", "machine", "stranger"]
    stranger: str = ""


def open_network(pids: Collection[int], unified: Path | None) -> Network | Mixed:
    """The network of a part, if it has one of its own.

    Args:
        pids: its processes.
        unified: folder of the group of version 2 that holds these processes and no other.
    """
    spaces = {space: pid for pid in pids if (space := namespace_of(pid)) is not None}
    mixed = _mixed(spaces, pids)
    if mixed is None:
        try:
            return NamespaceNetwork(next(iter(spaces.values())))
        except OSError:  # it has just ended
            mixed = Mixed("hidden")
    if unified is not None:
        try:
            return GroupNetwork(unified)
        except OSError:  # this user may not
            pass
    return mixed


def _mixed(spaces: Collection[int], pids: Collection[int]) -> Mixed | None:
    """Who else uses the namespaces of a part; None when it has one to itself."""
    if len(spaces) != 1:
        return Mixed("several" if spaces else "hidden")
    if namespace_of(os.getpid()) in spaces:
        return Mixed("machine")
    inside = set(pids)
    for pid in all_pids():
        if pid not in inside and namespace_of(pid) in spaces:
            stat = read_stat(pid)
            if stat is not None and not stat.dead and stat.comm not in _PLACEHOLDERS:
                return Mixed("stranger", f"{stat.comm} ({pid})")
    return None


class TreeNetwork:
    """Bytes of the process trees of one part, as far as each has a namespace or a control group to itself.

    Attributes:
        shares: whom it shares its bytes with, once they are unknown: ``parts`` that are counted apart, or ``others``; empty while
            they are known.
    """

    def __init__(self) -> None:
        self.shares: Literal["", "parts", "others"] = ""
        self._networks: list[Network] = []
        self._places: list[Path | int] = []

    def add(self, pid: int) -> None:
        """Counts one more tree from now on; bytes are unknown when they cannot be told from those of others."""
        if self.shares or self.covers(pid):
            return
        found = _open_tree(pid)
        if found is None:
            self.forget("others")
            return
        self._networks.append(found[0])
        self._places.append(found[1])

    def covers(self, pid: int) -> bool:
        """Whether the bytes of a process are counted here."""
        if not self._places:
            return False
        folder = Hierarchies.read().folder_of(pid, UNIFIED)
        return namespace_of(pid) in self._places or (
            folder is not None and not {folder, *folder.parents}.isdisjoint(self._places)
        )

    def forget(self, shares: Literal["parts", "others"]) -> None:
        """The bytes counted here are no longer those of this part alone: they are unknown from now on.

        Its places are kept: whoever is found there later shares them as well.
        """
        self._stop()
        self.shares = shares

    def read(self) -> Traffic | None:
        """Bytes so far."""
        if self.shares or not self._networks:
            return None
        found = [network.read() for network in self._networks]
        known = [traffic for traffic in found if traffic is not None]
        if len(known) < len(found):
            return None
        return Traffic(
            sum(traffic.received for traffic in known),
            sum(traffic.sent for traffic in known),
            sum(traffic.loopback for traffic in known),
        )

    def close(self) -> None:
        """Stops counting."""
        self._stop()
        self._places.clear()

    def _stop(self) -> None:
        for network in self._networks:
            network.close()
        self._networks.clear()


def _open_tree(pid: int) -> tuple[Network, Path | int] | None:
    """The network of a process tree with its group's folder or its namespace; None when it shares both with others."""
    hierarchies = Hierarchies.read()
    own, space = namespace_of(os.getpid()), namespace_of(pid)
    try:
        unified = hierarchies.of_pid(pid).folders.get(UNIFIED)
        if unified is not None and unified == hierarchies.folder_of(os.getpid(), UNIFIED):
            unified = None  # shared with this process
    except LichenError:
        unified = None
    if unified is None and space in (None, own):
        return None
    members = _tree(pid)
    if unified is not None and not set(pids_below(unified)) <= members:
        unified = None
    network = open_network(members, unified)
    if isinstance(network, Mixed):
        return None
    place = unified if isinstance(network, GroupNetwork) else space
    return None if place is None else (network, place)


def _tree(root: int) -> set[int]:
    """A process and its descendants, and what its guard has adopted."""
    children: dict[int, list[int]] = {}
    for pid in all_pids():
        stat = read_stat(pid)
        if stat is not None:
            children.setdefault(stat.ppid, []).append(pid)
    own = read_stat(root)
    guard = None if own is None else read_stat(own.ppid)
    stack = children.get(own.ppid, []) if own is not None and guard is not None and guard.comm == GUARD_COMM else [root]
    found = {root}
    while stack:
        pid = stack.pop()
        found.add(pid)
        stack = [*stack, *children.get(pid, ())]
    return found
