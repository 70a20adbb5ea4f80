# SPDX-License-Identifier: Apache-2.0
"""Which containers a part means: by name, id, pod, label or compose service, and in which engine they are."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from lichen.collect.machine.containers.address import EngineAddress
from lichen.collect.machine.containers.engine import Container, Engine
from lichen.collect.machine.containers.starting import how_to_start
from lichen.errors import ConfigError, NothingMeasured

_ID: Final = re.compile(r"[0-9a-f]{4,64}")
_COMPOSE: Final = ("com.docker.compose", "io.podman.compose")
_ONE_OFF: Final = "com.docker.compose.oneoff"
_NAMES_SHOWN: Final = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """Containers as lichen.toml names them.

    Attributes:
        kind: ``container``: the name or the beginning of the id of one, or the name of a Podman pod; ``label``: all with
            ``key=value`` or with ``key``; ``compose``: all of ``project/service`` or of ``project``.
        text: the name, label or service.
    """

    kind: Literal["container", "label", "compose"]
    text: str

    def __str__(self) -> str:
        if self.kind == "container":
            return f"container '{self.text}'"
        return f"containers of the {'label' if self.kind == 'label' else 'compose project or service'} '{self.text}'"

    @property
    def several(self) -> bool:
        """Whether further containers may join while the part is measured."""
        return self.kind != "container"

    def among(self, containers: Iterable[Container]) -> list[Container]:
        """The containers that are meant, stopped ones included.

        Raises:
            ConfigError: the beginning of an id fits several.
        """
        listed = list(containers)
        if self.kind == "label":
            key, equals, value = self.text.partition("=")
            return [c for c in listed if key in c.labels and (not equals or c.labels[key] == value)]
        if self.kind == "compose":
            return [c for c in listed if self._in_project(c)]
        named = [c for c in listed if self.text in (c.name, c.container_id)]
        if named:
            return named
        pod = [c for c in listed if c.pod == self.text]
        if pod:
            return pod
        begun = [c for c in listed if c.container_id.startswith(self.text)] if _ID.fullmatch(self.text) else []
        if len(begun) > 1:
            raise ConfigError(
                f"The ids of {len(begun)} containers begin with '{self.text}': {', '.join(c.name for c in begun)}.",
                repair="Give more of the id, or the name.",
                culprit=self.text,
            )
        return begun

    def _in_project(self, container: Container) -> bool:
        project, _, service = self.text.partition("/")
        return container.labels.get(_ONE_OFF, "").lower() != "true" and any(
            container.labels.get(f"{prefix}.project") == project
            and (not service or container.labels.get(f"{prefix}.service") == service)
            for prefix in _COMPOSE
        )

    def candidates(self, containers: Iterable[Container]) -> list[str]:
        """What could have been written instead, for a message."""
        found: dict[str, None] = {}
        for container in containers:
            if self.kind == "label":
                found |= dict.fromkeys(f"{key}={value}" for key, value in container.labels.items())
            elif self.kind == "compose":
                for prefix in _COMPOSE:
                    project = container.labels.get(f"{prefix}.project")
                    service = container.labels.get(f"{prefix}.service")
                    found |= dict.fromkeys([f"{project}/{service}" if service else project] if project else [])
            elif not container.infrastructure:
                found |= dict.fromkeys(filter(None, (container.name, container.pod)))
        return list(found)


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """The running containers that a choice means, and their engine."""

    address: EngineAddress
    containers: tuple[Container, ...]


def find(choice: Choice, addresses: Sequence[EngineAddress]) -> Found:
    """Asks every engine for the containers that ``choice`` means.

    Raises:
        NothingMeasured: no engine answers, or none has a running container that fits.
        ConfigError: two engines have one, or the beginning of an id fits several.
    """
    if not addresses:
        raise NothingMeasured(
            f"There is no container engine here to ask for the {choice}.",
            repair=f"{how_to_start()}, or give the address of one: engine in the part, or DOCKER_HOST.",
            culprit=choice.text,
        )
    found: list[Found] = []
    stopped: list[Container] = []
    answered: list[Container] = []
    silent: list[NothingMeasured] = []
    for address in addresses:
        try:
            with Engine(address) as engine:
                everybody = engine.containers()
        except NothingMeasured as error:
            silent.append(error)
            continue
        answered += everybody
        meant = choice.among(everybody)
        running = [container for container in meant if container.running]
        stopped += [container for container in meant if not container.running]
        if running:
            found.append(Found(address=address, containers=tuple(running)))
    if len(found) > 1:
        raise ConfigError(
            f"Several engines have the {choice}: {', '.join(str(one.address) for one in found)}.",
            repair=f'Say which: engine = "{found[0].address}" in the part.',
            culprit=choice.text,
        )
    if found:
        return found[0]
    if len(silent) == len(addresses):
        raise silent[0]
    raise _absent(choice, stopped, answered, silent)


def _absent(
    choice: Choice, stopped: Sequence[Container], answered: Sequence[Container], silent: Sequence[NothingMeasured]
) -> NothingMeasured:
    if stopped:
        names = ", ".join(f"{container.name} ({container.state})" for container in stopped[:_NAMES_SHOWN])
        return NothingMeasured(
            f"The {choice} {'do' if choice.several else 'does'} not run: {names}.",
            repair="Start it, then measure again.",
            culprit=choice.text,
        )
    candidates = choice.candidates(answered)
    close = difflib.get_close_matches(choice.text, candidates, n=1)
    if close:
        repair = f"Did you mean '{close[0]}'?"
    elif candidates:
        more = ", ..." if len(candidates) > _NAMES_SHOWN else ""
        repair = f"There is {', '.join(candidates[:_NAMES_SHOWN])}{more}."
    else:
        repair = "Start it first, or name another engine: engine in the part."
    unheard = f" {silent[0].problem}" if silent else ""
    verb = "are no" if choice.several else "is no"
    return NothingMeasured(f"There {verb} {choice}.{unheard}", repair=repair, culprit=choice.text)
