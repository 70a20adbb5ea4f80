# SPDX-License-Identifier: Apache-2.0
"""The counter of a control group: everything that ran in it, also what lived between two looks."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Self

from lichen.collect.base import Availability
from lichen.collect.counters import UNKNOWN, Instant, Reading
from lichen.collect.machine.cgroups.files import GroupFiles, GroupGone
from lichen.collect.machine.cgroups.group import UNIFIED, Group, Hierarchies
from lichen.collect.machine.cgroups.memory import GroupMemory
from lichen.collect.machine.cgroups.network_bytes import Mixed, Network, Traffic, open_network
from lichen.collect.machine.cgroups.storage import Storage, open_storage
from lichen.collect.machine.cumulative import Cumulative
from lichen.errors import LichenError, NothingMeasured
from lichen.records import DataMethod

_SEARCH_NS: Final = 1_000_000_000
"""A group that vanished is looked for at most this often."""
_RESOURCES: Final = ("cpu", "memory", "io")

Locate = Callable[[], Group | None]
"""Where the part's group is now; None while there is none."""


@dataclass(slots=True)
class _Open:
    """The accounts of the group that is there now."""

    group: Group
    files: GroupFiles
    memory: GroupMemory
    storage: Storage
    network: Network | None
    cpu_ns: int | None = None
    disk_bytes: int | None = None
    pids: Collection[int] = ()

    def close(self) -> None:
        self.files.close()
        self.memory.close()
        self.storage.close()
        if self.network is not None:
            self.network.close()


class _Notes:
    """What a reader should know: the last sentence about each thing."""

    def __init__(self) -> None:
        self._sentences: dict[str, str] = {}

    def note(self, sentence: str, *, about: str) -> None:
        self._sentences[about] = sentence

    def tell_network(self, part: str, mixed: Mixed) -> None:
        """Says why network bytes are unknown."""
        match mixed.kind:
            case "hidden":
                self.note(f"Network bytes of {part} are unknown: its processes cannot be looked into.", about="network")
            case "several":
                self.note(f"Network bytes of {part} are unknown: its processes use several networks.", about="network")
            case "machine":
                self.note(f"Network bytes of {part} are unknown: it shares the machine's network.", about="network")
            case "stranger":
                self.note(
                    f"Network bytes of {part} are unknown: it shares its network with {mixed.stranger}.",
                    about="network",
                )

    def all(self) -> tuple[str, ...]:
        """One sentence each."""
        return tuple(self._sentences.values())


class CgroupCounter:
    """Counters of one part whose processes are a control group. Prompt: a look takes some tens of microseconds.

    A group that is removed and made again, by a restart, is followed: the new one counts from zero on top of the old one.

    Args:
        what: how notes call it.
        locate: finds the group, first in `start` and again whenever it has vanished. It may raise a LichenError, which `start`
            passes on, and should answer within milliseconds.
        network: whether the network is counted too.
    """

    elsewhere = False

    def __init__(self, what: str, locate: Locate, *, network: bool = True) -> None:
        self._what = what
        self._locate = locate
        self._with_network = network
        self._open: _Open | None = None
        self._searched_ns = 0
        self._cpu: Cumulative[int] = Cumulative()
        self._disk: Cumulative[int] = Cumulative()
        self._received: Cumulative[int] = Cumulative()
        self._sent: Cumulative[int] = Cumulative()
        self._loopback: Cumulative[int] = Cumulative()
        self._stalled: dict[str, Cumulative[int]] = {resource: Cumulative() for resource in _RESOURCES}
        self._byte_seconds: Cumulative[float] = Cumulative()
        self._last = UNKNOWN
        self._seen_at = 0.0
        self._lost = False
        self._notes = _Notes()

    @classmethod
    def of_path(cls, path: str, *, network: bool = True) -> Self:
        """Counter of the group at a path below the hierarchies."""
        return cls(path, _again(lambda: Hierarchies.read().of_path(path)), network=network)

    @classmethod
    def of_pid(cls, pid: int, *, network: bool = True) -> Self:
        """Counter of the group that a process is in at the start."""
        found: list[Group] = []

        def locate() -> Group | None:
            if not found:
                found.append(Hierarchies.read().of_pid(pid))
            return found[0] if found[0].exists() else None

        return cls(f"process {pid}", locate, network=network)

    @classmethod
    def of_container(cls, container_id: str, *, network: bool = True) -> Self:
        """Counter of a container's group, by its id."""
        return cls(container_id[:12], _again(lambda: Hierarchies.read().of_container(container_id)), network=network)

    @property
    def group(self) -> Group | None:
        """The group that is watched now."""
        return None if self._open is None else self._open.group

    def groups(self) -> tuple[Group, ...]:
        """The group that is watched now; none while it is gone."""
        return () if self._open is None else (self._open.group,)

    def start(self) -> None:
        """Opens the accounts; counting begins.

        Raises:
            NothingMeasured, ConfigError: there is no such group, or it may not be read.
        """
        group = self._locate()
        if group is None:
            raise NothingMeasured(
                f"There is no '{self._what}' to measure.", repair="Start it before the measurement.", culprit=self._what
            )
        try:
            self._open = self._opened(group)
        except OSError as error:
            raise NothingMeasured(
                f"The CPU time of '{self._what}' cannot be read: {error.filename or group.name}: {error.strerror}.",
                repair="Run Lichen as a user who may read it, or raise the limit of open files (ulimit -n).",
                culprit=self._what,
            ) from error
        self.read()

    def _opened(self, group: Group) -> _Open:
        files = GroupFiles(group)
        memory = GroupMemory(files)
        network = open_network(group.pids(), group.folders.get(UNIFIED)) if self._with_network else None
        if isinstance(network, Mixed):
            self._notes.tell_network(self._what, network)
            network = None
        return _Open(group, files, memory, open_storage(group), network)

    def read(self) -> Reading:
        """The counters now; what vanished keeps its last values."""
        now_ns = time.monotonic_ns()
        if self._open is None and now_ns - self._searched_ns >= _SEARCH_NS:
            self._search(now_ns)
        if self._open is not None:
            try:
                self._last = self._look(self._open, now_ns)
                self._seen_at = time.time()
            except GroupGone:
                self._vanished(now_ns)
        return self._last

    def _look(self, account: _Open, now_ns: int) -> Reading:
        cpu_ns = account.files.cpu_ns()
        memory = account.memory.look(now_ns)
        traffic = account.network.read() if account.network is not None else None
        if cpu_ns is None or cpu_ns != account.cpu_ns:
            # Where nobody ran, nobody was born, ended, or moved a byte.
            account.pids = account.files.pids()
            account.disk_bytes = account.storage.read(account.pids)
            account.cpu_ns = cpu_ns
        reading = Reading(
            cpu_ns=self._cpu.feed(cpu_ns),
            disk_bytes=self._disk.feed(account.disk_bytes),
            memory_byte_seconds=self._byte_seconds.feed(None if memory is None else memory[0]),
            memory_peak_bytes=None if memory is None else memory[1],
            alive=len(account.pids),
            network_received_bytes=self._received.feed(None if traffic is None else traffic.received),
            network_sent_bytes=self._sent.feed(None if traffic is None else traffic.sent),
            network_loopback_bytes=self._loopback.feed(None if traffic is None else traffic.loopback),
            cpu_stalled_ns=self._stalled["cpu"].feed(account.files.stalled_ns("cpu")),
            memory_stalled_ns=self._stalled["memory"].feed(account.files.stalled_ns("memory")),
            io_stalled_ns=self._stalled["io"].feed(account.files.stalled_ns("io")),
        )
        self._remark(account, reading)
        return reading

    def _remark(self, account: _Open, reading: Reading) -> None:
        """Notes what a reader of these figures should know."""
        part, say = self._what, self._notes
        if reading.memory_peak_bytes is None:
            say.note(f"Memory of {part} is unknown: no memory controller counts it alone.", about="memory")
        elif not account.memory.marks:
            say.note(f"The memory peak of {part} is the highest seen, at most 1 s apart.", about="memory")
        if account.storage.denied:
            comm = account.storage.denied
            say.note(
                f"Storage traffic of {part} is unknown: this user may not read /proc/<pid>/io of '{comm}'.",
                about="storage",
            )
        if self._cpu.resets:
            say.note(f"The counters of {part} were set to zero meanwhile; both stretches count.", about="reset")

    def _vanished(self, now_ns: int) -> None:
        """Keeps the last values, and looks for a successor at once."""
        if self._open is not None:
            self._last_traffic(self._open.network)
            self._open.close()
        self._open = None
        self._lost = True
        at = datetime.fromtimestamp(self._seen_at, tz=UTC).strftime("%H:%M:%S")
        self._notes.note(
            f"{self._what} vanished; it was last seen at {at} UTC, and its figures end there.", about="gone"
        )
        self._last = Reading(
            cpu_ns=self._cpu.total,
            disk_bytes=self._disk.total,
            memory_byte_seconds=self._byte_seconds.total,
            memory_peak_bytes=None if self._last.memory_peak_bytes is None else 0,
            alive=0,
            network_received_bytes=self._received.total,
            network_sent_bytes=self._sent.total,
            network_loopback_bytes=self._loopback.total,
            cpu_stalled_ns=self._stalled["cpu"].total,
            memory_stalled_ns=self._stalled["memory"].total,
            io_stalled_ns=self._stalled["io"].total,
        )
        self._search(now_ns)

    def _last_traffic(self, network: Network | None) -> None:
        traffic: Traffic | None = network.read() if network is not None else None
        if traffic is not None and traffic.received >= (self._received.total or 0):
            self._received.feed(traffic.received)
            self._sent.feed(traffic.sent)
            self._loopback.feed(traffic.loopback)

    def _search(self, now_ns: int) -> None:
        """Follows the part to its new group, if there is one."""
        self._searched_ns = now_ns
        try:
            group = self._locate()
            found = None if group is None else self._opened(group)
        except (LichenError, OSError):
            return
        if found is None:
            return
        for counter in (self._cpu, self._disk, self._received, self._sent, self._loopback, *self._stalled.values()):
            counter.restart()
        self._byte_seconds.restart()
        self._open = found
        self._notes.note(
            f"{self._what} restarted; what it used between the last look and its end is missing.", about="gone"
        )
        try:
            self._last = self._look(found, now_ns)
        except GroupGone:
            self._vanished(now_ns)

    def readings_at(self, instants: Sequence[Instant]) -> list[Reading]:
        """The last reading for each instant; nobody asks, as the counter is prompt."""
        return [self._last for _ in instants]

    def method(self) -> DataMethod:
        """``measured``; ``proxy`` once the group has vanished or restarted, for its end was not seen."""
        return "proxy" if self._lost else "measured"

    def notes(self) -> tuple[str, ...]:
        """What a reader should know, one sentence each."""
        return self._notes.all()

    def close(self) -> None:
        """Gives every descriptor back; the last values stay."""
        if self._open is not None:
            self._open.close()
            self._open = None


def _again(find: Callable[[], Group]) -> Locate:
    """A search that raises the first time, so that the user learns what is wrong, and answers None later."""
    first = [True]

    def locate() -> Group | None:
        if first:
            first.clear()
            return find()
        try:
            return find()
        except LichenError:
            return None

    return locate


def probe() -> Availability:
    """Whether control groups can be read here."""
    if Hierarchies.read().layout is None:
        return Availability(
            False, "No control groups are mounted.", "Use a Linux machine with control groups at /sys/fs/cgroup."
        )
    return Availability(True)
