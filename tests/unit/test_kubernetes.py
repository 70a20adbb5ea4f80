# SPDX-License-Identifier: Apache-2.0
"""Which pods are meant, what of cAdvisor's metrics is summed, kubeconfig files, and the API as it answers."""

from __future__ import annotations

import base64
import json
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from tests.e2e.prometheus_support import answering, send

from lichen.collect.machine.kubernetes.choice import Pod, PodChoice, counted, network_lack
from lichen.collect.machine.kubernetes.config import Cluster, plain_yaml, read_kubeconfig
from lichen.collect.machine.kubernetes.counter import cluster_of, pod_counter, probe
from lichen.collect.machine.kubernetes.pods import ApiPods, is_chosen
from lichen.collect.machine.prometheus.exposition import Sample, parse
from lichen.collect.machine.prometheus.series import Series
from lichen.config import Kubernetes, PrometheusServer
from lichen.errors import ConfigError, NothingMeasured

# --- exposition -------------------------------------------------------------------------------------------------------

TEXT = """\
# HELP a_total Counts.
# TYPE a_total counter
a_total{pod="x",quote="say \\"}\\" \\\\ \\n"} 1.5e3 1700000000123
a_total 7
a_total_more 8
a_total{pod="cut
a_total{pod=1} 3
a_total{} +Inf
b{ a = "1" , } NaN
"""


def test_the_asked_metrics_are_read_and_broken_lines_passed_over() -> None:
    found = list(parse(TEXT, {"a_total", "b"}))
    assert [sample.value for sample in found[:3]] == [1500, 7, float("inf")]
    assert dict(found[0].labels) == {"__name__": "a_total", "pod": "x", "quote": 'say "}" \\ \n'}
    assert found[0].at_ms == 1700000000123
    assert found[1] == Sample((("__name__", "a_total"),), 7, None)
    assert dict(found[3].labels) == {"__name__": "b", "a": "1"}
    assert len(found) == 4


# --- choice -----------------------------------------------------------------------------------------------------------


def test_a_choice_is_a_label_or_a_workload() -> None:
    assert PodChoice.parse("shop/app.kubernetes.io/name=web") == PodChoice(
        namespace="shop", label="app.kubernetes.io/name", value="web"
    )
    assert PodChoice.parse("shop/deployment/web", "nginx").container == "nginx"
    for wrong in ("shop", "shop/web", "shop/replicaset/web", "/app=web", "shop/deployment/"):
        with pytest.raises(ConfigError, match="names no pods"):
            PodChoice.parse(wrong)


def series(name: str, count: int = 3, start: int = 0, **labels: str) -> Series:
    everything = {"__name__": name, "namespace": "shop", "pod": "web-0", **labels}
    return Series.of(tuple(sorted(everything.items())), [(start + i, float(i)) for i in range(count)])


CPU = "container_cpu_usage_seconds_total"
RECEIVED = "container_network_receive_bytes_total"
PODS = {"web-0": Pod(name="web-0")}


def kept(found: list[Series], choice: str = "shop/statefulset/web", container: str | None = None) -> list[Series]:
    return counted(found, PodChoice.parse(choice, container), PODS)


def test_each_container_counts_once_and_no_sum_beside_it() -> None:
    wanted = [
        series(CPU, container="web", cpu="total", id="/a"),
        series(CPU, container="sidecar", id="/b"),
    ]
    others = [
        series(CPU, container="", id="/pod", image=""),
        series(CPU, container="POD", id="/pause"),
        series(CPU, container="web", cpu="cpu00", id="/a"),
        series(CPU, container="web", id="/z", pod="web-1"),
        series(CPU, container="web", id="/z", namespace="other"),
        series(CPU, count=2, container="web", cpu="total", id="/a", job="again"),
    ]
    assert kept([*others, *wanted]) == wanted
    assert kept([*others, *wanted], container="sidecar") == [wanted[1]]


def test_a_restarted_container_is_another_counter() -> None:
    found = [series(CPU, container="web", id="/a"), series(CPU, container="web", id="/b", start=10)]
    assert kept(found) == found


def test_a_pods_network_counts_once_whoever_shows_it() -> None:
    pause = series(RECEIVED, count=5, container="POD", interface="eth0", id="/pause")
    pod = series(RECEIVED, count=4, container="", interface="eth0", id="/pod")
    second = series(RECEIVED, container="", interface="net1", id="/pod")
    loopback = series(RECEIVED, container="POD", interface="lo", id="/pause")
    assert kept([pause, pod, second, loopback]) == [pause, second]
    anew = series(RECEIVED, count=2, start=100, container="POD", interface="eth0", id="/pause2")
    assert kept([pause, anew]) == [pause, anew]


def test_when_a_pods_network_is_not_its_own() -> None:
    choice = PodChoice.parse("shop/statefulset/web")
    assert network_lack(choice, PODS, {}) == ""
    assert "network of their node" in network_lack(choice, {"web-0": Pod(name="web-0", host_network=True)}, {})
    one = PodChoice.parse("shop/statefulset/web", "nginx")
    assert network_lack(one, PODS, {"web-0": {"nginx"}}) == ""
    assert "share its network" in network_lack(one, PODS, {"web-0": {"nginx", "sidecar"}})


def pod(name: str, owner: tuple[str, str] | None = None, **labels: str) -> dict[str, object]:
    owners = [{"kind": owner[0], "name": owner[1]}] if owner else []
    return {
        "metadata": {"name": name, "namespace": "shop", "labels": labels, "ownerReferences": owners},
        "spec": {"nodeName": "n1", "hostNetwork": name.startswith("host")},
    }


def test_a_pod_tells_whether_it_is_meant() -> None:
    web = pod(
        "web-6d4b75cb6d-hx2vz", ("ReplicaSet", "web-6d4b75cb6d"), **{"app": "web", "pod-template-hash": "6d4b75cb6d"}
    )
    assert is_chosen(web, PodChoice.parse("shop/deployment/web"))
    assert is_chosen(web, PodChoice.parse("shop/app=web"))
    assert not is_chosen(web, PodChoice.parse("shop/deployment/web-6d4b75cb6d"))
    assert not is_chosen(web, PodChoice.parse("other/app=web"))
    assert is_chosen(pod("db-0", ("StatefulSet", "db")), PodChoice.parse("shop/statefulset/db"))
    assert is_chosen(web, PodChoice.parse("shop/pod/web-6d4b75cb6d-hx2vz"))


# --- kubeconfig -------------------------------------------------------------------------------------------------------

KUBECONFIG = """\
apiVersion: v1
kind: Config
preferences: {}
current-context: dev
clusters:
- cluster:
    certificate-authority-data: QUJD
    server: https://10.0.0.1:6443
  name: dev
- cluster:
    server: "https://prod:6443"
    insecure-skip-tls-verify: true
  name: prod
contexts:
- context:
    cluster: dev
    namespace: shop
    user: me
  name: dev
- context: {}
  name: empty
- context:
    cluster: prod
    user: me
  name: prod
- context:
    cluster: dev
    user: cloud
  name: cloud
users:
- name: me
  user:
    token: canary7731
- name: cloud
  user:
    exec:
      apiVersion: client.authentication.k8s.io/v1
      command: aws
      args:
      - eks
      - get-token
"""


def test_a_kubeconfig_is_read(tmp_path: Path) -> None:
    file = tmp_path / "config"
    file.write_text(KUBECONFIG)
    assert read_kubeconfig(file) == Cluster(server="https://10.0.0.1:6443", authority="ABC", token="canary7731")
    file.write_text(json.dumps(plain_yaml(KUBECONFIG)))
    assert read_kubeconfig(file).token == "canary7731"


@pytest.mark.parametrize(
    ("context", "said"),
    [
        ("cloud", r"wants to run a program \(exec\), which Lichen does not do"),
        ("prod", "asks not to check who answers"),
        ("nope", "has no context 'nope'"),
    ],
)
def test_what_a_kubeconfig_may_not_ask(tmp_path: Path, context: str, said: str) -> None:
    file = tmp_path / "config"
    file.write_text(KUBECONFIG)
    with pytest.raises(ConfigError, match=said) as refused:
        read_kubeconfig(file, context)
    assert refused.value.repair
    assert "canary7731" not in refused.value.sentence()


@pytest.mark.parametrize("text", ["a: [1, 2]", "a:\n\tb: 1", "- a\nb: 1", "a: |\n  x", "a:\n  b: 1\n c: 2", "a: &x 1"])
def test_more_of_yaml_than_that_is_refused_and_not_guessed(tmp_path: Path, text: str) -> None:
    file = tmp_path / "config"
    file.write_text(text)
    with pytest.raises(ConfigError, match="is not understood: line") as refused:
        read_kubeconfig(file)
    assert "-o json" in refused.value.repair


def test_a_kubeconfig_that_is_not_there_or_damaged(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        cluster_of(Kubernetes(kubeconfig=tmp_path / "none"))
    file = tmp_path / "config"
    file.write_text(KUBECONFIG.replace("QUJD", "Q"))
    with pytest.raises(ConfigError, match="is not Base64"):
        read_kubeconfig(file)


# --- API --------------------------------------------------------------------------------------------------------------


def listing(handler: BaseHTTPRequestHandler) -> None:
    """Two pages of pods and a replica set, for who brings the token."""
    if handler.headers.get("Authorization") != "Bearer t":
        send(handler, json.dumps({"kind": "Status", "message": "pods is forbidden"}), status=403)
        return
    path, asked = urlsplit(handler.path).path, parse_qs(urlsplit(handler.path).query)
    items = [pod("web-1-a", ("ReplicaSet", "web-1"), app="web"), pod("host-1", ("DaemonSet", "host"))]
    page = {"items": items[:1], "metadata": {"continue": "more"}}
    if path.endswith("/replicasets"):
        page = {"items": [pod("web-1", ("Deployment", "web")), pod("api-1", ("Deployment", "api"))]}
    elif "continue" in asked:
        page = {"items": items[1:], "metadata": {}}
    elif "labelSelector" in asked:
        page = {"items": [item for item in items if asked["labelSelector"] == ["app=web"] and item is items[0]]}
    send(handler, json.dumps(page), kind="application/json")


def test_the_api_lists_pods() -> None:
    with answering(listing) as url:
        cluster = Cluster(server=url, token="t")

        def names(text: str) -> dict[str, Pod]:
            return ApiPods(PodChoice.parse(text), cluster).pods()

        assert list(names("shop/deployment/web")) == ["web-1-a"]
        assert list(names("shop/app=web")) == ["web-1-a"]
        assert names("shop/daemonset/host")["host-1"].host_network is True
        assert names("shop/pod/web-1-a")["web-1-a"].node == "n1"
        assert names("shop/deployment/api") == {}
        with pytest.raises(NothingMeasured, match=r"status 403\): pods is forbidden"):
            ApiPods(PodChoice.parse("shop/app=web"), Cluster(server=url)).pods()


def test_a_cluster_that_nobody_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    assert not probe(Kubernetes()).ok
    with pytest.raises(ConfigError, match="Nothing is named that counts pods shop/app=web"):
        pod_counter(PodChoice.parse("shop/app=web"), Kubernetes(), PrometheusServer())


def test_papers_that_are_none_are_told(tmp_path: Path) -> None:
    file = tmp_path / "config"
    nonsense = base64.b64encode(b"no certificate").decode()
    file.write_text(KUBECONFIG.replace("QUJD", nonsense))
    answer = probe(Kubernetes(kubeconfig=file))
    assert (answer.ok, "cannot be asked, as the certificates" in answer.lacks) == (False, True)
