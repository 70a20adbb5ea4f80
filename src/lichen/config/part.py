# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: RUF009 - the calls in class bodies return dataclasses.field()
"""The settings of a server part: each field is the one declaration of its key, as in `lichen.config.settings`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from lichen.config.keys import declare, declare_name, declare_table
from lichen.config.kinds import (
    ADDRESS,
    COMMAND,
    COMPOSE,
    LABEL,
    NAME,
    PATH,
    PODS,
    QUERIES,
    READY,
    RESET,
    TEXT,
    VARIABLES,
    ZONE,
    integer,
    number,
    optional,
)

PART_SOURCES: Final = ("command", "port", "pid", "cgroup", "container", "label", "compose", "pods", "query")
"""Keys of which a part has exactly one; a command may name its port, pods their container."""

PART_HELPERS: Final = {"engine": ("container", "label", "compose"), "prometheus": ("pods", "query")}
"""Keys that only some sources read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A server part, measured in the same window as the browser: started by a command, or found running."""

    name: str = declare_name(
        NAME, en="Name of the part, unique.", fr="Nom de la partie, unique.",
    )  # fmt: skip
    command: tuple[str, ...] | None = declare(
        optional(COMMAND), None, unset="not started here",
        en="Command that starts it; {port} becomes a free port, {url} the address there, {data} a private folder, "
        "{python} the interpreter of Lichen, {other.url} another part's address.",
        fr="Commande qui la démarre ; {port} devient un port libre, {url} son adresse, {data} un dossier privé, "
        "{python} l'interpréteur de Lichen, {autre.url} l'adresse d'une autre partie.",
    )  # fmt: skip
    port: int | None = declare(
        optional(integer(1, 65535)), None, unset="a free one, when the command asks for {port}",
        en="Port on which it already listens, or on which its command will.",
        fr="Port sur lequel elle écoute déjà, ou écoutera une fois démarrée.",
    )  # fmt: skip
    pid: int | None = declare(
        optional(integer(1, 2**31 - 1)), None, unset="not attached by pid",
        en="Process that already runs.", fr="Processus qui tourne déjà.",
    )  # fmt: skip
    cgroup: str | None = declare(
        optional(TEXT), None, unset="not attached by control group",
        en="Control group that already runs, below /sys/fs/cgroup.",
        fr="Groupe de contrôle qui tourne déjà, sous /sys/fs/cgroup.",
    )  # fmt: skip
    container: str | None = declare(
        optional(TEXT), None, unset="not attached by container; with pods, all containers of a pod",
        en="Container that already runs: its name, the start of its id, or the name of a Podman pod. With pods, the container of "
        "each pod.",
        fr="Conteneur qui tourne déjà : son nom, le début de son identifiant, ou le nom d'un pod Podman. Avec pods, le conteneur "
        "de chaque pod.",
    )  # fmt: skip
    label: str | None = declare(
        optional(LABEL), None, unset="not attached by label",
        en="All running containers with this label, as one part.",
        fr="Tous les conteneurs actifs qui portent cette étiquette, comme une seule partie.",
    )  # fmt: skip
    compose: str | None = declare(
        optional(COMPOSE), None, unset="not attached by compose service",
        en="All running containers of a compose service, or of a whole project, as one part.",
        fr="Tous les conteneurs actifs d'un service compose, ou de tout un projet, comme une seule partie.",
    )  # fmt: skip
    pods: str | None = declare(
        optional(PODS), None, unset="not attached by pods",
        en="Pods of Kubernetes, by namespace and label, or by namespace and workload.",
        fr="Pods de Kubernetes, par espace de noms et étiquette, ou par espace de noms et charge de travail.",
    )  # fmt: skip
    query: Mapping[str, str] | None = declare(
        optional(QUERIES), None, unset="not read from Prometheus",
        en="Queries (PromQL) of cumulative counters, one a quantity: cpu_time in seconds, network_bytes, disk_bytes...",
        fr="Requêtes (PromQL) de compteurs cumulatifs, une par grandeur : cpu_time en secondes, network_bytes, disk_bytes...",
    )  # fmt: skip
    engine: str | None = declare(
        optional(TEXT), None, unset="DOCKER_HOST, CONTAINER_HOST, the Docker context, or the usual sockets",
        en="Container engine to ask: its address, its socket, or a Docker context.",
        fr="Moteur de conteneurs à interroger : son adresse, sa socket, ou un contexte Docker.",
    )  # fmt: skip
    prometheus: str | None = declare(
        optional(ADDRESS), None, unset="prometheus.url",
        en="Prometheus that knows the pods or answers the queries.",
        fr="Prometheus qui connaît les pods ou répond aux requêtes.",
    )  # fmt: skip
    cwd: Path | None = declare(
        optional(PATH), None, unset="the folder of lichen.toml",
        en="Folder in which the command runs.", fr="Dossier où s'exécute la commande.",
    )  # fmt: skip
    env: Mapping[str, str] = declare_table(
        VARIABLES, en="Variables added to its environment.", fr="Variables ajoutées à son environnement.",
    )  # fmt: skip
    ready: str | None = declare(
        optional(READY), None, unset="its port, if it has one",
        en="Address that answers once it is ready, or tcp for its port.",
        fr="Adresse qui répond quand elle est prête, ou tcp pour son port.",
    )  # fmt: skip
    ready_timeout_s: float = declare(
        number(0, above=True, unit="seconds"), 30.0,
        en="Longest wait for it to be ready, in seconds.", fr="Attente maximale avant qu'elle soit prête, en secondes.",
    )  # fmt: skip
    reset: tuple[str, ...] | str | None = declare(
        optional(RESET), None, unset="nothing is reset",
        en="Command, or address to post to, that restores its data before each repetition.",
        fr="Commande, ou adresse à appeler (POST), qui rétablit ses données avant chaque répétition.",
    )  # fmt: skip
    zone: str | None = declare(
        optional(ZONE), None, unset="that of the region, else context.zone",
        en="Country or grid zone where it is hosted.", fr="Pays ou zone électrique de son hébergement.",
    )  # fmt: skip
    region: str | None = declare(
        optional(TEXT), None, unset="no cloud",
        en="Cloud region where it is hosted, such as aws:eu-west-3.",
        fr="Région du nuage où elle est hébergée, comme aws:eu-west-3.",
    )  # fmt: skip
