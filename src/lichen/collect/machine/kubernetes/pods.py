# SPDX-License-Identifier: Apache-2.0
"""Finds the pods of a part: by the cluster's API or a kubelet, by kube-state-metrics in Prometheus, or by how pods are named."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, Protocol

from lichen.collect.machine.kubernetes.choice import Pod, PodChoice
from lichen.collect.machine.kubernetes.config import Cluster
from lichen.collect.machine.prometheus.client import Prometheus, quoted
from lichen.errors import NothingMeasured

_PAGE: Final = "500"
_OWNERS: Final = {"statefulset": "StatefulSet", "daemonset": "DaemonSet", "job": "Job"}
_REPLICA_SET: Final = "ReplicaSet"


class PodFinder(Protocol):
    """Finds pods, again whenever it is asked; those of an earlier answer may be gone."""

    @property
    def how(self) -> str:
        """How it finds them, for a note."""
        ...

    def pods(self) -> dict[str, Pod]:
        """The pods by name.

        Raises:
            LichenError: whoever knows them does not answer.
        """
        ...


class ApiPods:
    """Pods that the cluster's API lists."""

    def __init__(self, choice: PodChoice, cluster: Cluster) -> None:
        self._choice = choice
        self._cluster = cluster

    @property
    def how(self) -> str:
        """How it finds them, for a note."""
        return "listed by the cluster's API"

    def pods(self) -> dict[str, Pod]:
        """The pods that are there now.

        Raises:
            NothingMeasured: the API does not answer or refuses.
        """
        choice = self._choice
        selector = {"labelSelector": f"{choice.label}={choice.value}"} if choice.label else {}
        owners = self._replica_sets() if choice.kind == "deployment" else {choice.name}
        owner_kind = _REPLICA_SET if choice.kind == "deployment" else _OWNERS.get(choice.kind, "")
        items = self._list(f"/api/v1/namespaces/{choice.namespace}/pods", selector)
        if choice.kind == "pod":
            return pods_of(item for item in items if item["metadata"].get("name") == choice.name)
        return pods_of(item for item in items if not owner_kind or _owned(item, owner_kind, owners))

    def _replica_sets(self) -> set[str]:
        path = f"/apis/apps/v1/namespaces/{self._choice.namespace}/replicasets"
        return {
            str(item["metadata"].get("name"))
            for item in self._list(path, {})
            if _owned(item, "Deployment", {self._choice.name})
        }

    def _list(self, path: str, parameters: Mapping[str, str]) -> Iterator[dict[str, Any]]:
        with self._cluster.endpoint() as endpoint:
            more = ""
            while True:
                page = endpoint.ask_json(path, {**parameters, "limit": _PAGE, **({"continue": more} if more else {})})
                items = page.get("items") if isinstance(page, dict) else None
                if not isinstance(items, list):
                    raise endpoint.strange("list")
                yield from (item for item in items if isinstance(item, dict) and isinstance(item.get("metadata"), dict))
                more = str((page.get("metadata") or {}).get("continue") or "")
                if not more:
                    return


def pods_of(items: Iterable[Mapping[str, Any]]) -> dict[str, Pod]:
    """Pods as the API writes them, by name."""
    found = {}
    for item in items:
        name, spec = str(item["metadata"].get("name")), item.get("spec") or {}
        host_network = bool(spec.get("hostNetwork", False))
        found[name] = Pod(name=name, host_network=host_network, node=str(spec.get("nodeName") or ""))
    return found


def is_chosen(item: Mapping[str, Any], choice: PodChoice) -> bool:
    """Whether a pod is meant, as far as it tells itself: a deployment's name is in that of the replica set that owns the pod."""
    metadata = item["metadata"]
    labels = metadata.get("labels") or {}
    if metadata.get("namespace") != choice.namespace:
        return False
    if choice.label:
        return bool(labels.get(choice.label) == choice.value)
    if choice.kind == "pod":
        return bool(metadata.get("name") == choice.name)
    if choice.kind == "deployment":
        return _owned(item, _REPLICA_SET, {f"{choice.name}-{labels.get('pod-template-hash')}"})
    return _owned(item, _OWNERS[choice.kind], {choice.name})


def _owned(item: Mapping[str, Any], kind: str, names: set[str]) -> bool:
    owners = item["metadata"].get("ownerReferences") or ()
    return any(owner.get("kind") == kind and owner.get("name") in names for owner in owners)


class MetricPods:
    """Pods that kube-state-metrics told Prometheus of.

    Args:
        server: stays open as long as this is used.
        look_back_ns: how far back pods are looked for.
    """

    def __init__(self, choice: PodChoice, server: Prometheus, look_back_ns: int) -> None:
        self._choice = choice
        self._server = server
        self._look_back_ns = look_back_ns

    @property
    def how(self) -> str:
        """How it finds them, for a note."""
        return "found through kube-state-metrics"

    def pods(self) -> dict[str, Pod]:
        """The pods that were there in the time looked back on.

        Raises:
            NothingMeasured: Prometheus does not answer.
        """
        names = {labels["pod"] for labels in self._tell() if "pod" in labels}
        hosts = {
            labels.get("pod"): labels.get("host_network")
            for labels in self._seen(f"kube_pod_info{{{self._namespace}}}")
            if labels.get("pod") in names
        }
        told = {"true": True, "false": False}
        return {name: Pod(name=name, host_network=told.get(hosts.get(name) or "")) for name in sorted(names)}

    @property
    def _namespace(self) -> str:
        return f"namespace={quoted(self._choice.namespace)}"

    def _tell(self) -> list[dict[str, str]]:
        choice = self._choice
        if choice.label:
            # kube-state-metrics writes labels so: other characters than these become underscores.
            label = "label_" + re.sub(r"[^a-zA-Z0-9_]", "_", choice.label)
            return self._seen(f"kube_pod_labels{{{self._namespace}, {label}={quoted(choice.value)}}}")
        if choice.kind == "pod":
            return self._seen(f"kube_pod_info{{{self._namespace}, pod={quoted(choice.name)}}}")
        if choice.kind != "deployment":
            kind = _OWNERS[choice.kind]
            return self._seen(
                f'kube_pod_owner{{{self._namespace}, owner_kind="{kind}", owner_name={quoted(choice.name)}}}'
            )
        owned = f'{self._namespace}, owner_kind="Deployment", owner_name={quoted(choice.name)}'
        sets = {labels.get("replicaset", "") for labels in self._seen(f"kube_replicaset_owner{{{owned}}}")} - {""}
        if not sets:
            return []
        listed = quoted("|".join(re.escape(name) for name in sorted(sets)))
        return self._seen(f'kube_pod_owner{{{self._namespace}, owner_kind="{_REPLICA_SET}", owner_name=~{listed}}}')

    def _seen(self, selector: str) -> list[dict[str, str]]:
        """Labels of what was scraped in the time looked back on."""
        now_ns = self._server.now_ns()
        found = self._server.raw(selector, now_ns - self._look_back_ns, now_ns)
        return [dict(series.labels) for series in found]


class NamedPods:
    """Pods by the names that a workload gives them. Which there are is not asked: the pattern selects.

    Args:
        server: whose series are looked through.
        look_back_ns: how far back.

    Raises:
        NothingMeasured: they are chosen by a label, which no name tells.
    """

    def __init__(self, choice: PodChoice, server: Prometheus, look_back_ns: int) -> None:
        if not choice.kind:
            raise NothingMeasured(
                f"Nobody tells which are the {choice}: Prometheus has no kube_pod_labels of them.",
                repair="Name a kubeconfig (kubernetes.kubeconfig), let kube-state-metrics tell the label "
                "(--metric-labels-allowlist), or give a workload such as namespace/deployment/name.",
                culprit=str(choice),
            )
        self._choice = choice
        self._server = server
        self._look_back_ns = look_back_ns

    @property
    def how(self) -> str:
        """How it finds them, for a note."""
        return f"found by the names that a {self._choice.kind} gives its pods"

    def pods(self) -> dict[str, Pod]:
        """The pods that were there in the time looked back on.

        Raises:
            NothingMeasured: Prometheus does not answer.
        """
        namespace, pattern = quoted(self._choice.namespace), quoted(self._choice.pattern)
        selector = f'container_cpu_usage_seconds_total{{namespace={namespace}, pod=~{pattern}, container!=""}}'
        now_ns = self._server.now_ns()
        found = self._server.raw(selector, now_ns - self._look_back_ns, now_ns)
        names = {dict(series.labels)["pod"] for series in found}
        return {name: Pod(name=name) for name in sorted(names)}
