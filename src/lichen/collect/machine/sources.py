# SPDX-License-Identifier: Apache-2.0
"""The sources of counters: what a declared part is opened with, and what each can do on this machine."""

from __future__ import annotations

from lichen import redact
from lichen.collect.counters import Counter
from lichen.collect.machine.cgroups.bpf import probe as probe_packets
from lichen.collect.machine.cgroups.counter import CgroupCounter
from lichen.collect.machine.cgroups.counter import probe as probe_cgroups
from lichen.collect.machine.cgroups.group import Hierarchies
from lichen.collect.machine.containers.choice import Choice
from lichen.collect.machine.containers.counter import ContainerCounter, engines
from lichen.collect.machine.containers.starting import ELSEWHERE, installed
from lichen.collect.machine.host import Finding
from lichen.collect.machine.kubernetes.choice import PodChoice
from lichen.collect.machine.kubernetes.counter import pod_counter
from lichen.collect.machine.kubernetes.counter import probe as probe_kubernetes
from lichen.collect.machine.prometheus.client import address_of
from lichen.collect.machine.prometheus.client import probe as probe_prometheus
from lichen.collect.machine.prometheus.counter import QueryCounter
from lichen.config import PART_SOURCES, Part, Settings
from lichen.errors import ConfigError


def is_counter(part: Part) -> bool:
    """Whether a declared part is known by its counters alone, and not by a process that is started or found."""
    return part.command is None and part.port is None and part.pid is None


def open_part(part: Part, settings: Settings) -> Counter:
    """A new counter of a declared part, not yet started.

    Args:
        part: with one of the keys that name a source.
        settings: where the servers are that a part does not name itself.

    Raises:
        ConfigError: the part names no source of counters, or one that is declared wrongly.
    """
    if part.cgroup is not None:
        return CgroupCounter.of_path(part.cgroup)
    if part.query is not None:
        address = address_of(settings.prometheus, part.prometheus)
        return QueryCounter(f"part {part.name}", address, part.query, wait_s=settings.prometheus.wait_s)
    if part.pods is not None:
        choice = PodChoice.parse(part.pods, part.container)
        return pod_counter(choice, settings.kubernetes, settings.prometheus, part.prometheus)
    if part.container is not None:
        return ContainerCounter(Choice(kind="container", text=part.container), engine=part.engine)
    if part.label is not None:
        return ContainerCounter(Choice(kind="label", text=part.label), engine=part.engine)
    if part.compose is not None:
        return ContainerCounter(Choice(kind="compose", text=part.compose), engine=part.engine)
    raise ConfigError(
        f"The part '{part.name}' has no counters of its own.",
        repair=f"Give it one of {', '.join(PART_SOURCES)}.",
        culprit=part.name,
    )


def sources(settings: Settings) -> tuple[Finding, ...]:
    """Every source: what it can do here, or what lacks and the repair. Nothing is changed."""
    return (_cgroups(), _network(), *_engines(), *_prometheus(settings), *_kubernetes(settings))


def _cgroups() -> Finding:
    answer = probe_cgroups()
    layout = {"v1": "version 1", "v2": "version 2", "hybrid": "versions 1 and 2"}.get(
        Hierarchies.read().layout or "", ""
    )
    what = f"CPU, memory, storage and pressure of whole groups, {layout}" if answer.ok else answer.lacks
    return Finding(topic="control groups", ok=answer.ok, what=what, repair=answer.repair)


def _network() -> Finding:
    """Bytes of a namespace of one's own need no right; those of a group do."""
    answer = probe_packets(Hierarchies.read().unified)
    what = "bytes of containers and of server parts with a command" if answer.ok else answer.lacks
    return Finding(topic="network", ok=answer.ok, what=what, repair=answer.repair)


def _engines() -> list[Finding]:
    answering, silent = engines()
    found = [Finding(topic="containers", ok=True, what=what) for what in answering]
    found += [Finding(topic="containers", ok=False, what=error.problem, repair=error.repair) for error in silent]
    if found:
        return found
    off = [
        Finding(
            topic="containers",
            ok=False,
            what=f"{one.name} is installed, but does not answer: its service is not running",
            repair=f"To measure containers, start it: {one.command}",
        )
        for one in installed()
    ]
    nothing = Finding(
        topic="containers",
        ok=False,
        what="no container engine was found",
        repair=f"To measure containers, install and start Docker or Podman, or {ELSEWHERE}.",
    )
    return off or [nothing]


def _prometheus(settings: Settings) -> list[Finding]:
    """A server that nobody named is not missed."""
    if settings.prometheus.url is None:
        return []
    try:
        answer = probe_prometheus(address_of(settings.prometheus))
    except ConfigError as error:
        return [Finding(topic="prometheus", ok=False, what=error.problem, repair=error.repair)]
    what = f"{redact.text(settings.prometheus.url)} answers" if answer.ok else answer.lacks
    return [Finding(topic="prometheus", ok=answer.ok, what=what, repair=answer.repair)]


def _kubernetes(settings: Settings) -> list[Finding]:
    """A cluster that nobody named is not missed."""
    if settings.kubernetes.kubeconfig is None:
        return []
    answer = probe_kubernetes(settings.kubernetes)
    what = f"the cluster of {settings.kubernetes.kubeconfig} answers" if answer.ok else answer.lacks
    return [Finding(topic="kubernetes", ok=answer.ok, what=what, repair=answer.repair)]
