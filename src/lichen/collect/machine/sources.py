# SPDX-License-Identifier: Apache-2.0
"""The sources of counters: what a declared part is opened with, and what each can do on this machine."""

from __future__ import annotations

from lichen.collect.counters import Counter
from lichen.collect.machine.cgroup import Hierarchies
from lichen.collect.machine.cgroup_counter import CgroupCounter
from lichen.collect.machine.cgroup_counter import probe as probe_cgroups
from lichen.collect.machine.container_choice import Choice
from lichen.collect.machine.containers import ContainerCounter, engines
from lichen.collect.machine.host import Finding
from lichen.config import PART_SOURCES, Part
from lichen.errors import ConfigError


def is_counter(part: Part) -> bool:
    """Whether a declared part is known by its counters alone, and not by a process that is started or found."""
    return part.command is None and part.port is None and part.pid is None


def open_part(part: Part) -> Counter:
    """A new counter of a declared part, not yet started.

    Args:
        part: with one of the keys that name a source.

    Raises:
        ConfigError: the part names no source of counters.
    """
    kind = next((name for name in PART_SOURCES if getattr(part, name) is not None), "")
    match kind:
        case "cgroup" if part.cgroup is not None:
            return CgroupCounter.of_path(part.cgroup)
        case "container" | "label" | "compose":
            return ContainerCounter(Choice(kind=kind, text=str(getattr(part, kind))), engine=part.engine)
    raise ConfigError(
        f"The part '{part.name}' has no counters of its own.",
        repair="Give it a cgroup, container, label or compose.",
        culprit=part.name,
    )


def sources() -> tuple[Finding, ...]:
    """Every source: what it can do here, or what lacks and the repair. Nothing is changed."""
    return (_cgroups(), *_engines())


def _cgroups() -> Finding:
    answer = probe_cgroups()
    layout = {"v1": "version 1", "v2": "version 2", "hybrid": "versions 1 and 2"}.get(
        Hierarchies.read().layout or "", ""
    )
    what = f"CPU, memory, storage and pressure of whole groups, {layout}" if answer.ok else answer.lacks
    return Finding(topic="control groups", ok=answer.ok, what=what, repair=answer.repair)


def _engines() -> list[Finding]:
    answering, silent = engines()
    found = [Finding(topic="containers", ok=True, what=what) for what in answering]
    found += [Finding(topic="containers", ok=False, what=error.problem, repair=error.repair) for error in silent]
    nothing = Finding(
        topic="containers",
        ok=False,
        what="no container engine was found",
        repair="To measure containers, start Docker or Podman, or set DOCKER_HOST to its address.",
    )
    return found or [nothing]
