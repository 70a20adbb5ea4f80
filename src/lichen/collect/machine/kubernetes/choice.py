# SPDX-License-Identifier: Apache-2.0
"""Which pods a part means, and which of their series are counted: each container once, each network once."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from lichen.collect.machine.prometheus.series import Labels, Series
from lichen.errors import ConfigError

WORKLOADS: Final[Mapping[str, str]] = {
    "deployment": "-[a-z0-9]{1,10}-[a-z0-9]{5}",
    "statefulset": "-[0-9]+",
    "daemonset": "-[a-z0-9]{5}",
    "job": "(-[0-9]+)?-[a-z0-9]{5}",
    "pod": "",
}
"""What Kubernetes puts behind a workload's name to name its pods."""

METRICS: Final[Mapping[str, str]] = {
    "container_cpu_usage_seconds_total": "cpu_time",
    "container_memory_working_set_bytes": "memory_bytes",
    "container_network_receive_bytes_total": "network_received_bytes",
    "container_network_transmit_bytes_total": "network_sent_bytes",
    "container_fs_reads_bytes_total": "disk_bytes",
    "container_fs_writes_bytes_total": "disk_bytes",
}
"""Metrics of cAdvisor, which every kubelet has in it, and what they count."""
NETWORK: Final = frozenset({"network_received_bytes", "network_sent_bytes"})
_PAUSE: Final = "POD"
"""What some kubelets call the container that only holds a pod's network."""
_IDENTITY: Final = ("__name__", "namespace", "pod", "container", "id", "name", "interface", "device", "cpu")
"""Labels that tell two counters apart; others say who scraped them."""
_INTERFACE: Final = ("__name__", "namespace", "pod", "interface")


@dataclass(frozen=True, slots=True, kw_only=True)
class PodChoice:
    """Pods of one namespace, by a label or by the workload that made them.

    Attributes:
        label, value: of the pods; empty when a workload is given.
        kind, name: of the workload.
        container: the one that counts in each pod; all of them when None.
    """

    namespace: str
    label: str = ""
    value: str = ""
    kind: str = ""
    name: str = ""
    container: str | None = None

    @classmethod
    def parse(cls, text: str, container: str | None = None) -> PodChoice:
        """``namespace/label=value`` or ``namespace/kind/name``.

        Raises:
            ConfigError: it is neither.
        """
        namespace, _, rest = text.partition("/")
        label, equals, value = rest.partition("=")
        if namespace and equals and label:
            return cls(namespace=namespace, label=label, value=value, container=container)
        kind, _, name = rest.partition("/")
        if namespace and name and kind in WORKLOADS:
            return cls(namespace=namespace, kind=kind, name=name, container=container)
        raise ConfigError(
            f"'{text}' names no pods.",
            repair='Give a namespace and a label, "shop/app=web", or a workload, "shop/deployment/web" '
            f"({', '.join(WORKLOADS)}).",
            culprit=text,
        )

    def __str__(self) -> str:
        what = f"{self.label}={self.value}" if self.label else f"{self.kind}/{self.name}"
        return f"pods {self.namespace}/{what}" + (f", container {self.container}" if self.container else "")

    @property
    def pattern(self) -> str:
        """Regular expression of the names of a workload's pods."""
        return re.escape(self.name) + WORKLOADS[self.kind]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pod:
    """One pod.

    Attributes:
        host_network: whether its network is its node's; None when that is not known.
        node: where it runs, empty when that is not known.
    """

    name: str
    host_network: bool | None = None
    node: str = ""


def quantity_of(series: Series) -> str:
    """What a series of cAdvisor counts; empty for none that is used."""
    return METRICS.get(dict(series.labels).get("__name__", ""), "")


def containers_of(found: Iterable[Labels]) -> dict[str, set[str]]:
    """The containers that are seen in each pod, by its name."""
    seen: dict[str, set[str]] = {}
    for labels in map(dict, found):
        if labels.get("container", "") not in ("", _PAUSE):
            seen.setdefault(labels.get("pod", ""), set()).add(labels["container"])
    return seen


def network_lack(choice: PodChoice, pods: Mapping[str, Pod], containers: Mapping[str, set[str]]) -> str:
    """Why the network bytes of the pods are unknown, as a sentence; empty when they are not."""
    if any(pod.host_network for pod in pods.values()):
        return f"Network bytes of {choice} are unknown: they use the network of their node."
    if choice.container is not None and any(len(containers.get(name, ())) > 1 for name in pods):
        return f"Network bytes of {choice} are unknown: a pod's containers share its network."
    return ""


def counted(found: Iterable[Series], choice: PodChoice, pods: Mapping[str, Pod]) -> list[Series]:
    """The series of the chosen pods that are summed.

    cAdvisor shows each container, the pod around it as a sum without a container's name, and the network once a pod, on the
    container that holds it or on the pod. The same counter scraped by two jobs is one.
    """
    kept: dict[tuple[str, ...], Series] = {}
    networks: dict[tuple[str, ...], list[Series]] = {}
    for series in found:
        labels = dict(series.labels)
        if labels.get("namespace") != choice.namespace or labels.get("pod") not in pods:
            continue
        if not _belongs(labels, choice, pods[labels["pod"]]):
            continue
        if "interface" in labels:
            networks.setdefault(tuple(labels.get(name, "") for name in _INTERFACE), []).append(series)
            continue
        key = tuple(labels.get(name, "") for name in _IDENTITY)
        other = kept.get(key)
        if other is None or len(series.times_ns) > len(other.times_ns):
            kept[key] = series
    return [*kept.values(), *(series for listed in networks.values() for series in _one_after_another(listed))]


def _one_after_another(listed: list[Series]) -> list[Series]:
    """Of an interface's series those that follow each other, as after a restart of the pod's network; of two at a time one."""
    chosen: list[Series] = []
    for series in sorted(listed, key=lambda one: len(one.times_ns), reverse=True):
        if series.times_ns and all(
            series.times_ns[0] > other.times_ns[-1] or series.last_ns < other.times_ns[0] for other in chosen
        ):
            chosen.append(series)
    return chosen


def _belongs(labels: Mapping[str, str], choice: PodChoice, pod: Pod) -> bool:
    container = labels.get("container", "")
    if METRICS.get(labels.get("__name__", "")) in NETWORK:
        return container in ("", _PAUSE) and labels.get("interface") != "lo" and pod.host_network is not True
    if container in ("", _PAUSE) or labels.get("cpu", "total") != "total":
        return False
    return choice.container is None or container == choice.container
