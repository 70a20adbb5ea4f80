# SPDX-License-Identifier: Apache-2.0
"""The counter of a part that is one container or several, of Docker or Podman, here or elsewhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from lichen.collect.base import Availability
from lichen.collect.counters import UNKNOWN, Counter, Instant, Reading
from lichen.collect.machine.cgroups.group import Group
from lichen.collect.machine.containers.address import engine_addresses
from lichen.collect.machine.containers.choice import Choice, find
from lichen.collect.machine.containers.engine import Engine
from lichen.collect.machine.containers.local import LocalContainers, group_of
from lichen.collect.machine.containers.remote import RemoteContainers
from lichen.collect.machine.containers.starting import ELSEWHERE, how_to_start
from lichen.collect.machine.counter_collector import CounterCollector
from lichen.errors import ConfigError, LichenError
from lichen.records import DataMethod


class ContainerCounter:
    """Counters of the containers that a choice means, summed.

    Where their control groups can be seen they are read at the edge itself; otherwise through the engine, and interpolated.

    Args:
        choice: which containers.
        engine: address, socket or Docker context to ask instead of those that are found.
    """

    def __init__(self, choice: Choice, *, engine: str | None = None) -> None:
        self._choice = choice
        self._engine = engine
        self._counter: Counter | None = None

    @property
    def elsewhere(self) -> bool:
        """Whether the containers run on another machine, or where their processes cannot be seen."""
        return self._counter is not None and self._counter.elsewhere

    def start(self) -> None:
        """Finds the containers and begins to count.

        Raises:
            NothingMeasured: no engine answers, or no container that is meant runs.
            ConfigError: the engine's address or the choice is not clear.
        """
        found = find(self._choice, engine_addresses(self._engine))
        local = all(group_of(container) is not None for container in found.containers)
        counter: Counter = LocalContainers(self._choice, found) if local else RemoteContainers(self._choice, found)
        self._counter = counter
        counter.start()

    def read(self) -> Reading | None:
        """The counters now; None when only the engine knows them."""
        return UNKNOWN if self._counter is None else self._counter.read()

    def readings_at(self, instants: Sequence[Instant]) -> Sequence[Reading]:
        """The counters at past instants."""
        return [UNKNOWN for _ in instants] if self._counter is None else self._counter.readings_at(instants)

    def groups(self) -> tuple[Group, ...]:
        """The control groups of the containers that are read here."""
        return self._counter.groups() if isinstance(self._counter, LocalContainers) else ()

    def container_ids(self) -> frozenset[str]:
        """The containers that are read through their engine."""
        return self._counter.container_ids() if isinstance(self._counter, RemoteContainers) else frozenset()

    def method(self) -> DataMethod:
        """``measured``; ``proxy`` when a moment was not seen."""
        return "proxy" if self._counter is None else self._counter.method()

    def notes(self) -> tuple[str, ...]:
        """What a reader should know, one sentence each."""
        return () if self._counter is None else self._counter.notes()

    def close(self) -> None:
        """Gives back what `start` took."""
        if self._counter is not None:
            self._counter.close()


def engines() -> tuple[list[str], list[LichenError]]:
    """Engines that answer, in words, and why others do not."""
    answering: list[str] = []
    silent: list[LichenError] = []
    try:
        addresses = engine_addresses()
    except LichenError as error:
        return [], [error]
    for address in addresses:
        try:
            with Engine(address, timeout_s=3.0) as engine:
                running = [container for container in engine.containers() if container.running]
                here = sum(group_of(container) is not None for container in running)
                answering.append(
                    f"{engine.version()} at {address}: {len(running)} running, {here} of them read from control groups, the rest "
                    "through the engine"
                )
        except LichenError as error:
            silent.append(error)
    return answering, silent


class ContainerCollector(CounterCollector):
    """What containers consume. Target: ``{"container": NAME}``, ``{"label": KEY=VALUE}`` or ``{"compose": PROJECT/SERVICE}``.

    A target may also have an ``engine``: an address, a socket or a Docker context.
    """

    name: ClassVar[str] = "containers"

    def probe(self) -> Availability:
        """Whether an engine answers."""
        answering, silent = engines()
        if answering:
            return Availability(True)
        if silent:
            return Availability(False, silent[0].problem, silent[0].repair)
        return Availability(False, "No container engine answers.", f"{how_to_start()}, or {ELSEWHERE}.")

    def open(self, target: Mapping[str, Any]) -> Counter:
        """The counter of the containers that a target means."""
        engine = target.get("engine")
        match {key: value for key, value in target.items() if key != "engine"}:
            case {"container": str(text), **rest} if not rest:
                choice = Choice(kind="container", text=text)
            case {"label": str(text), **rest} if not rest:
                choice = Choice(kind="label", text=text)
            case {"compose": str(text), **rest} if not rest:
                choice = Choice(kind="compose", text=text)
            case _:
                raise ConfigError(
                    f"The container collector cannot measure {dict(target)!r}.",
                    repair='Give it {"container": "name"}, {"label": "key=value"} or {"compose": "project/service"}.',
                )
        return ContainerCounter(choice, engine=None if engine is None else str(engine))
