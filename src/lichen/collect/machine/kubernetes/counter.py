# SPDX-License-Identifier: Apache-2.0
"""The counter of a part that is pods: through Prometheus and cAdvisor's metrics, or from the kubelets themselves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Final

from lichen.collect.base import Availability
from lichen.collect.counters import Counter
from lichen.collect.machine.counter_collector import CounterCollector
from lichen.collect.machine.endpoint import Address, Endpoint, token_of
from lichen.collect.machine.kubernetes.choice import (
    METRICS,
    NETWORK,
    Pod,
    PodChoice,
    containers_of,
    counted,
    network_lack,
)
from lichen.collect.machine.kubernetes.config import Cluster, in_cluster, read_kubeconfig
from lichen.collect.machine.kubernetes.kubelet import Kubelet, KubeletSource
from lichen.collect.machine.kubernetes.pods import ApiPods, MetricPods, NamedPods, PodFinder
from lichen.collect.machine.prometheus.client import Prometheus, address_of, quoted
from lichen.collect.machine.prometheus.counter import LOOK_BACK_NS, PrometheusSource, Queries
from lichen.collect.machine.prometheus.expression import Term
from lichen.collect.machine.prometheus.series import Labels, Series
from lichen.collect.machine.series_counter import Collected, SeriesCounter
from lichen.config import Kubernetes, PrometheusServer
from lichen.errors import ConfigError, LichenError, NothingMeasured

_QUANTITIES: Final = tuple(dict.fromkeys(METRICS.values()))


class PodSource(PrometheusSource):
    """Pods as Prometheus knows them from cAdvisor.

    Args:
        cluster: whose API lists the pods; None: kube-state-metrics tells them, or their names do.
    """

    def __init__(self, choice: PodChoice, address: Address, cluster: Cluster | None, *, wait_s: float) -> None:
        optional = frozenset(_QUANTITIES) - {"cpu_time"}
        super().__init__(
            str(choice), address, Queries(expressions={}, select=self._select, optional=optional, wait_s=wait_s)
        )
        self._choice = choice
        self._cluster = cluster
        self._finder: PodFinder | None = None
        self._pods: dict[str, Pod] = {}
        self._seen: set[Labels] = set()

    def _prepare(self, server: Prometheus) -> None:
        """Finds the pods again: those that came since the start count as well, and those that went."""
        if self._finder is None:
            self._finder = self._found_by(server)
        self._pods |= self._finder.pods()
        if not self._pods:
            raise NothingMeasured(
                f"There are no {self._choice}, {self._finder.how}.",
                repair="Correct the namespace and the label or the workload, or start it.",
                culprit=str(self._choice),
            )
        names = quoted(self._choice.pattern if self._choice.kind else "|".join(sorted(self._pods)))
        chosen = f"{{namespace={quoted(self._choice.namespace)}, pod=~{names}}}"
        self._terms = {
            quantity: tuple(Term(metric + chosen) for metric, counts in METRICS.items() if counts == quantity)
            for quantity in _QUANTITIES
        }

    def _found_by(self, server: Prometheus) -> PodFinder:
        if self._cluster is not None:
            return ApiPods(self._choice, self._cluster)
        told = MetricPods(self._choice, server, LOOK_BACK_NS)
        return told if told.pods() else NamedPods(self._choice, server, LOOK_BACK_NS)

    def _select(self, quantity: str, found: list[Series]) -> list[Series]:
        self._seen.update(series.labels for series in found)
        if quantity in NETWORK and network_lack(self._choice, self._pods, containers_of(self._seen)):
            return []
        return counted(found, self._choice, self._pods)

    def collect(self, first_ns: int, last_ns: int) -> Collected:
        """The samples around a window."""
        collected = super().collect(first_ns, last_ns)
        notes = list(collected.notes)
        if self._finder is not None:
            notes.append(f"{len(self._pods)} pods of {self._choice}, {self._finder.how}.")
        lack = network_lack(self._choice, self._pods, containers_of(self._seen))
        if lack:
            notes = [*(note for note in notes if not note.startswith(tuple(NETWORK))), lack]
        return Collected(curves=collected.curves, interval_ns=collected.interval_ns, notes=tuple(notes))


def pod_counter(
    choice: PodChoice, kubernetes: Kubernetes, server: PrometheusServer, prometheus_url: str | None = None
) -> SeriesCounter:
    """The counter of some pods: from the kubelets that are named, else from Prometheus, else from the kubelets behind the API.

    Args:
        prometheus_url: of another Prometheus than the declared one.

    Raises:
        ConfigError: none of them is named, or a file or token is wrong.
    """
    cluster = cluster_of(kubernetes)
    if kubernetes.kubelets:
        return SeriesCounter(str(choice), KubeletSource(choice, lambda: _direct(kubernetes)))
    if prometheus_url is not None or server.url is not None:
        address = address_of(server, prometheus_url)
        return SeriesCounter(str(choice), PodSource(choice, address, cluster, wait_s=server.wait_s))
    if cluster is not None:
        return SeriesCounter(str(choice), KubeletSource(choice, lambda: _behind(cluster, choice)))
    raise ConfigError(
        f"Nothing is named that counts {choice}.",
        repair="Set url under [prometheus], or kubeconfig or kubelets under [kubernetes].",
        culprit=str(choice),
    )


def cluster_of(kubernetes: Kubernetes) -> Cluster | None:
    """The cluster that is named, or that this process is a pod of.

    Raises:
        ConfigError: the kubeconfig cannot be read or understood.
    """
    if kubernetes.kubeconfig is not None:
        return read_kubeconfig(kubernetes.kubeconfig, kubernetes.context)
    return in_cluster()


def _direct(kubernetes: Kubernetes) -> list[Kubelet]:
    token = token_of(kubernetes.token_env, setting="kubernetes.token_env")
    return [
        Kubelet(
            Endpoint(
                "The kubelet", Address(url=url, token=token, authority=kubernetes.ca), setting="kubernetes.kubelets"
            )
        )
        for url in kubernetes.kubelets
    ]


def _behind(cluster: Cluster, choice: PodChoice) -> list[Kubelet]:
    """The kubelets of the nodes that the pods run on now, through the API."""
    nodes = sorted({pod.node for pod in ApiPods(choice, cluster).pods().values() if pod.node})
    return [Kubelet(cluster.endpoint(), path=f"/api/v1/nodes/{node}/proxy") for node in nodes]


class KubernetesCollector(CounterCollector):
    """What pods consume, through Prometheus. Target: ``{"pods": "namespace/label=value", "prometheus": ADDRESS}``."""

    name: ClassVar[str] = "kubernetes"

    def probe(self) -> Availability:
        """Whether there is a cluster around this process; elsewhere it has to be named."""
        return probe(Kubernetes())

    def open(self, target: Mapping[str, Any]) -> Counter:
        """The counter of the target's pods."""
        match dict(target):
            case {"pods": str(pods), "prometheus": str(url), **rest} if set(rest) <= {"container"}:
                return pod_counter(PodChoice.parse(pods, rest.get("container")), Kubernetes(), PrometheusServer(), url)
        raise ConfigError(
            f"The kubernetes collector cannot measure {dict(target)!r}.",
            repair='Give it {"pods": "shop/app=web", "prometheus": "http://host:9090"}.',
        )


def probe(kubernetes: Kubernetes) -> Availability:
    """Whether a cluster's API answers."""
    try:
        cluster = cluster_of(kubernetes)
        if cluster is None:
            return Availability(
                False, "No Kubernetes cluster is named.", "Set kubeconfig under [kubernetes], if you have one."
            )
        with cluster.endpoint() as endpoint:
            endpoint.ask_json("/version")
    except LichenError as error:
        return Availability(False, error.problem, error.repair)
    return Availability(True)
