# SPDX-License-Identifier: Apache-2.0
"""Containers of this machine: their control groups and network namespaces, read in microseconds.

The engine is asked which containers there are before the window, and when one vanishes; never at an edge.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Final

from lichen.collect.counters import Instant, Reading
from lichen.collect.machine.cgroups.counter import CgroupCounter
from lichen.collect.machine.cgroups.group import Group, Hierarchies
from lichen.collect.machine.containers.choice import Choice, Found
from lichen.collect.machine.containers.engine import Container, Engine
from lichen.collect.machine.containers.summed import together, weakest
from lichen.errors import LichenError
from lichen.records import DataMethod

_RETRY_S: Final = 0.5
"""Least time between two questions to the engine."""
_REVISIT_S: Final = 2.0
"""Of a part that may grow, the engine is asked this often whether it did."""

_PATIENCE_S: Final = 3.0
"""Longest wait for such an answer: the end of the measurement waits for it too."""


def group_of(container: Container) -> Group | None:
    """The control group of a container; None when it is not on this machine, or not to be seen from here."""
    try:
        return Hierarchies.read().of_container(container.container_id)
    except LichenError:
        return None


class _Member:
    """One container of the part, and after it whatever replaces it."""

    def __init__(self, container: Container) -> None:
        self.container = container
        self.lost = threading.Event()
        self._group = group_of(container)
        self.counter = CgroupCounter(container.name, self._locate)

    def _locate(self) -> Group | None:
        """Never asks the engine, as it is called at an edge: it says that the container is lost, and what was found since."""
        if self._group is None or not self._group.exists():
            self._group = None
            self.lost.set()
        return self._group

    def follow(self, container: Container) -> None:
        """The container runs again, or ``container`` took its place."""
        group = group_of(container)
        if group is not None:
            self.container = container
            self._group = group
            self.lost.clear()


class LocalContainers:
    """Counters of containers that run on this machine, summed. Prompt.

    Args:
        choice: what the part means, to find what replaces a container that vanishes.
        found: what it means now.
    """

    elsewhere = False

    def __init__(self, choice: Choice, found: Found) -> None:
        self._choice = choice
        self._found = found
        self._members: list[_Member] = []
        self._notes: list[str] = []
        self._joined = False
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="lichen-containers", daemon=True)

    def start(self) -> None:
        """Opens the accounts of every container.

        Raises:
            NothingMeasured: one has just ended, or may not be read.
        """
        try:
            for container in self._found.containers:
                member = _Member(container)
                member.counter.start()
                self._members.append(member)
        except BaseException:
            self._release()
            raise
        self._thread.start()

    def groups(self) -> tuple[Group, ...]:
        """The control groups of the containers that are watched now."""
        with self._lock:
            return tuple(group for member in self._members for group in member.counter.groups())

    def read(self) -> Reading:
        """The counters now, of all containers together; what vanished keeps its last values."""
        with self._lock:
            reading = together([member.counter.read() for member in self._members])
            if self._lost():
                self._wake.set()
        return reading

    def _lost(self) -> list[_Member]:
        return [member for member in self._members if member.lost.is_set()]

    def _watch(self) -> None:
        """Asks the engine when a container was lost, and now and then when further ones may join."""
        while True:
            self._wake.wait(_REVISIT_S if self._choice.several else None)
            if self._closed.is_set():
                return
            self._wake.clear()
            self._revisit()
            if self._closed.wait(_RETRY_S):
                return

    def _revisit(self) -> None:
        try:
            with Engine(self._found.address, timeout_s=_PATIENCE_S) as engine:
                running = [c for c in self._choice.among(engine.containers()) if c.running]
        except LichenError:  # without its engine, a container that runs is still read
            return
        known = {member.container.container_id: member for member in self._members}
        for container in running:
            member = known.get(container.container_id)
            if member is None:
                self._replace_or_join(container)
            elif member.lost.is_set():
                member.follow(container)

    def _replace_or_join(self, container: Container) -> None:
        """A container of another id replaces one of its name, or any that was lost; else it joins."""
        lost = self._lost()
        heir = next((member for member in lost if member.container.name == container.name), lost[0] if lost else None)
        if heir is not None:
            heir.follow(container)
            return
        member = _Member(container)
        try:
            member.counter.start()
        except LichenError:  # gone already
            return
        with self._lock:
            self._members.append(member)
            self._joined = True
            self._notes.append(f"Container {container.name} joined the part during the measurement.")

    def readings_at(self, instants: Sequence[Instant]) -> list[Reading]:
        """The present reading for each instant; nobody asks, as the counter is prompt."""
        reading = self.read()
        return [reading for _ in instants]

    def method(self) -> DataMethod:
        """``measured``; ``proxy`` once a container has vanished, restarted or joined, for a moment of it was not seen."""
        if self._joined:
            return "proxy"
        return weakest(member.counter.method() for member in self._members)

    def notes(self) -> tuple[str, ...]:
        """What a reader should know, one sentence each."""
        return tuple(dict.fromkeys([*self._notes, *(note for m in self._members for note in m.counter.notes())]))

    def close(self) -> None:
        """Ends the watch and gives every descriptor back."""
        self._closed.set()
        self._wake.set()
        if self._thread.ident is not None:
            self._thread.join()
        self._release()

    def _release(self) -> None:
        for member in self._members:
            member.counter.close()
