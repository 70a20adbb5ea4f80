# SPDX-License-Identifier: Apache-2.0
"""Queries and pods through a real Prometheus, against the control groups that its target reads; and what misbehaves.

No kubelet can run on a test machine. What Prometheus scrapes here is a stand-in that shows, with a kubelet's names and labels,
what real control groups account for.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
from tests.e2e.prometheus_support import answering, exposing, prometheus, scraped, send

from lichen.collect.counters import Instant, Reading
from lichen.collect.machine.cgroups import own as own_cgroup
from lichen.collect.machine.cgroups.own import OwnCgroup
from lichen.collect.machine.endpoint import Address
from lichen.collect.machine.kubernetes.choice import PodChoice
from lichen.collect.machine.kubernetes.counter import pod_counter
from lichen.collect.machine.prometheus.counter import QueryCounter
from lichen.collect.machine.series_counter import SeriesCounter
from lichen.config import Kubernetes, PrometheusServer
from lichen.errors import NothingMeasured

LOAD = """
import sys, time
share = float(sys.argv[1])
begin, used = time.monotonic(), time.process_time()
while True:
    if time.process_time() - used >= share * (time.monotonic() - begin):
        time.sleep(0.002)
"""
KEPT = {"cpu_time": "work_seconds_total"}


def now() -> Instant:
    return Instant(monotonic_ns=time.monotonic_ns(), wall_ns=time.time_ns())


def window(counter: SeriesCounter, seconds: float, between: Callable[[], object] = lambda: None) -> list[Reading]:
    """Readings at both ends of a span, in whose middle something happens."""
    counter.start()
    try:
        edges = [now()]
        time.sleep(seconds / 2)
        between()
        time.sleep(seconds / 2)
        edges.append(now())
        return list(counter.readings_at(edges))
    finally:
        counter.close()


class Target:
    """Shows counters that tests move: each grows by its rate."""

    def __init__(self) -> None:
        self.lines: dict[str, tuple[float, float, float]] = {}
        self.stamped = ""

    def grow(self, series: str, rate: float, *, start: float = 0.0) -> None:
        """Begins a counter, or begins it anew."""
        self.lines[series] = (time.monotonic(), start, rate)

    def text(self) -> str:
        at = time.monotonic()
        return (
            "".join(f"{name} {start + rate * (at - began)}\n" for name, (began, start, rate) in self.lines.items())
            + self.stamped
        )


@pytest.fixture(scope="module")
def target() -> Target:
    return Target()


@pytest.fixture(scope="module")
def server(target: Target, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A Prometheus that scrapes the target twice a second."""
    target.grow("up_to_date_total", 1.0)
    with (
        exposing(target.text) as where,
        prometheus(tmp_path_factory.mktemp("prometheus"), [where], interval="500ms") as (url, _),
    ):
        scraped(url, "up_to_date_total")
        yield url


# --- figures ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def loads() -> Iterator[dict[str, OwnCgroup]]:
    """Two control groups that use 0.2 and 0.5 of a CPU."""
    if not own_cgroup.probe().ok:
        pytest.skip("no control group can be made here (needs root, or a delegated group)")
    with contextlib.ExitStack() as stack:
        groups = {}
        for pod, share in (("web-6d4b75cb6d-hx2vz", "0.2"), ("web-6d4b75cb6d-k9p4q", "0.5")):
            group = stack.enter_context(OwnCgroup("pod"))
            process = subprocess.Popen([sys.executable, "-S", "-c", LOAD, share])
            stack.callback(process.wait)
            stack.callback(process.kill)
            group.join(process.pid)
            groups[pod] = group
        yield groups


def kubelet_text(groups: dict[str, OwnCgroup], networks: dict[str, float]) -> str:
    """Containers, the sums that stand beside them, and each network once, as cAdvisor shows them."""
    lines = []
    for pod, group in groups.items():
        cpu_s = group.cpu_ns() / 1e9
        where = f'namespace="shop",pod="{pod}"'
        of = f'id="/kubepods/pod-{pod}/c1",image="web:1",name="c1",{where}'
        lines += [
            f'container_cpu_usage_seconds_total{{container="web",cpu="total",{of}}} {cpu_s}',
            f'container_cpu_usage_seconds_total{{container="",cpu="total",id="/kubepods/pod-{pod}",image="",{where}}} {cpu_s}',
            f'container_memory_working_set_bytes{{container="web",{of}}} 5e+07',
            f'container_memory_working_set_bytes{{container="",id="/kubepods/pod-{pod}",image="",{where}}} 6e+07',
            *(
                f'container_network_{way}_bytes_total{{container="POD",id="/kubepods/{pod}/pause",interface="{link}",{where}}}'
                f" {networks[pod]}"
                for way in ("receive", "transmit")
                for link in ("eth0", "lo")
            ),
        ]
    lines.append('container_cpu_usage_seconds_total{container="web",namespace="other",pod="web-6d4b75cb6d-hx2vz"} 1e6')
    return "\n".join(lines) + "\n"


@pytest.mark.slow
def test_pods_have_the_cpu_time_of_their_control_groups_and_nothing_counts_twice(
    loads: dict[str, OwnCgroup], tmp_path: Path
) -> None:
    networks = dict.fromkeys(loads, 1000.0)
    with (
        exposing(lambda: kubelet_text(loads, networks)) as where,
        prometheus(tmp_path, [where], interval="500ms", path="/metrics/cadvisor") as (url, _),
    ):
        scraped(url, "container_cpu_usage_seconds_total")
        counter = pod_counter(PodChoice.parse("shop/deployment/web"), Kubernetes(), PrometheusServer(url=url))
        counter.start()
        edges, oracle = [], []
        for _ in range(2):
            edges.append(now())
            oracle.append(sum(group.cpu_ns() for group in loads.values()))
            if len(edges) == 1:
                time.sleep(6)
                networks.update(dict.fromkeys(loads, 6000.0))
                time.sleep(6)
        first, last = counter.readings_at(edges)
        notes = counter.notes()
        counter.close()
    assert first.cpu_ns is not None
    assert last.cpu_ns is not None
    assert last.cpu_ns - first.cpu_ns == pytest.approx(oracle[1] - oracle[0], rel=0.02)
    assert last.memory_peak_bytes == 100_000_000
    assert last.memory_byte_seconds is not None
    assert first.memory_byte_seconds is not None
    window_s = (edges[1].wall_ns - edges[0].wall_ns) / 1e9
    assert last.memory_byte_seconds - first.memory_byte_seconds == pytest.approx(1e8 * window_s)
    # 5,000 bytes came to each of two pods, and as many left; the loopback is the pod's talk with itself.
    assert (last.network_bytes or 0) - (first.network_bytes or 0) == 20_000
    assert last.disk_bytes is None
    assert any("found by the names that a deployment gives its pods" in note for note in notes)
    assert any(note.startswith("disk_bytes of pods shop/deployment/web is unknown") for note in notes)


def test_a_query_has_the_counters_increase_between_the_edges(server: str, target: Target) -> None:
    target.grow('work_seconds_total{pod="a"}', 2.0, start=1e6)
    target.grow('work_seconds_total{pod="b"}', 0.5)
    target.grow("held_bytes", 0.0, start=4096.0)
    target.grow("joules_total", 40.0)
    scraped(server, "joules_total")
    counter = QueryCounter(
        "x",
        Address(url=server),
        {
            "cpu_time": "sum by (pod) (work_seconds_total) * 2",
            "memory_bytes": "held_bytes",
            "energy_joules": "joules_total",
        },
    )
    counter.start()
    edges = [now()]
    time.sleep(4)
    edges.append(now())
    first, last = counter.readings_at(edges)
    seconds = (edges[1].wall_ns - edges[0].wall_ns) / 1e9
    assert last.cpu_ns is not None
    assert first.cpu_ns is not None
    # A scrape is stamped when it begins; on a busy machine the target answers later, and not always equally late.
    assert (last.cpu_ns - first.cpu_ns) / 1e9 == pytest.approx(5.0 * seconds, rel=0.05)
    assert last.energy_j is not None
    assert first.energy_j is not None
    assert last.energy_j - first.energy_j == pytest.approx(40 * seconds, rel=0.05)
    assert last.memory_peak_bytes == 4096
    assert last.network_bytes is None
    assert any("sampled every 0.5 s" in note for note in counter.notes())
    counter.close()


def test_what_prometheus_must_evaluate_is_told_to_be_less_exact(server: str, target: Target) -> None:
    target.grow("evaluated_total", 3.0)
    scraped(server, "evaluated_total")
    counter = QueryCounter("x", Address(url=server), {"cpu_time": "max(evaluated_total)"})
    first, last = window(counter, 4)
    assert last.cpu_ns is not None
    assert first.cpu_ns is not None
    assert (last.cpu_ns - first.cpu_ns) / 1e9 == pytest.approx(12, rel=0.35)
    assert any("hides resets" in note for note in counter.notes())


@contextlib.contextmanager
def on_another_clock(url: str, ahead_s: Callable[[], float]) -> Iterator[str]:
    """The same Prometheus as a machine sees it whose clock is behind by some seconds."""

    def forward(handler: BaseHTTPRequestHandler) -> None:
        parts = urlsplit(handler.path)
        asked = dict(parse_qsl(parts.query))
        for name in {"time", "start", "end"} & asked.keys():
            asked[name] = str(float(asked[name]) - ahead_s())
        with urllib.request.urlopen(f"{url}{parts.path}?{urlencode(asked)}") as response:
            answer = json.load(response)
        result = answer["data"].get("result", [])
        if answer["data"].get("resultType") == "scalar":
            result[:] = [result[0] + ahead_s(), str(float(result[1]) + ahead_s())]
        else:
            for row in result:
                for pair in row.get("values", [row.get("value")]):
                    pair[0] += ahead_s()
        send(handler, json.dumps(answer), kind="application/json")

    with answering(forward) as shifted:
        yield shifted


@pytest.mark.parametrize("ahead_s", [-40.0, 3.5])
def test_a_prometheus_on_another_clock_gives_the_same_figures(server: str, target: Target, ahead_s: float) -> None:
    name = f"clock_{abs(ahead_s):.0f}_total"
    target.grow(name, 0.0, start=100.0)
    scraped(server, name)
    with on_another_clock(server, lambda: ahead_s) as url:
        counter = QueryCounter("x", Address(url=url), {"cpu_time": name})
        first, last = window(counter, 3, lambda: target.grow(name, 0.0, start=109.0))
    assert (last.cpu_ns or 0) - (first.cpu_ns or 0) == 9_000_000_000
    assert any(f"{ahead_s:+.1f}" in note and "off ours" in note for note in counter.notes())


def test_a_clock_of_prometheus_that_is_set_leaves_the_figures_unknown(server: str) -> None:
    ahead_s = [0.0]
    with on_another_clock(server, lambda: ahead_s[0]) as url:
        counter = QueryCounter("x", Address(url=url), {"cpu_time": "up_to_date_total"})
        _, last = window(counter, 1, lambda: ahead_s.__setitem__(0, 2.0))
    assert last.cpu_ns is None
    assert any("was set during the window" in note for note in counter.notes())


def test_pods_by_a_label_are_found_through_kube_state_metrics(server: str, target: Target) -> None:
    kubernetes, prometheus_server = Kubernetes(), PrometheusServer(url=server)
    choice = PodChoice.parse("store/app.kubernetes.io/name=web")
    with pytest.raises(NothingMeasured, match="Nobody tells which are the pods store/app") as refused:
        pod_counter(choice, kubernetes, prometheus_server).start()
    assert "--metric-labels-allowlist" in refused.value.repair
    for pod, name in (("w1", "web"), ("d1", "db")):
        target.grow(
            f'kube_pod_labels{{namespace="store",pod="{pod}",label_app_kubernetes_io_name="{name}"}}', 0.0, start=1.0
        )
        where = f'container="c",namespace="store",pod="{pod}"'
        target.grow(f"container_cpu_usage_seconds_total{{{where}}}", 0.0, start=50.0)
        target.grow(f'container_fs_reads_bytes_total{{device="/dev/vda",{where}}}', 0.0, start=4096.0)
        target.grow(f'container_fs_writes_bytes_total{{device="/dev/vda",{where}}}', 0.0, start=0.0)
    scraped(server, "container_fs_writes_bytes_total")

    def work() -> None:
        where = 'container="c",namespace="store",pod="w1"'
        target.grow(f"container_cpu_usage_seconds_total{{{where}}}", 0.0, start=53.0)
        target.grow(f'container_fs_writes_bytes_total{{device="/dev/vda",{where}}}', 0.0, start=8192.0)

    counter = pod_counter(choice, kubernetes, prometheus_server)
    first, last = window(counter, 3, work)
    assert (last.cpu_ns or 0) - (first.cpu_ns or 0) == 3_000_000_000
    assert (last.disk_bytes or 0) - (first.disk_bytes or 0) == 8192
    assert any("1 pods of" in note and "kube-state-metrics" in note for note in counter.notes())


# --- kubelets ---------------------------------------------------------------------------------------------------------


def test_pods_are_read_from_a_kubelet_at_the_times_it_tells(target: Target) -> None:
    """It looks at its containers once a second by itself, however often it is asked."""
    began = time.time() - 10  # a counter is never negative, whatever the fraction of a second at which it is asked
    pods = {
        "items": [
            {
                "metadata": {"name": "w1", "namespace": "shop", "labels": {"app": "web"}},
                "spec": {"nodeName": "n1"},
            }
        ]
    }

    def kubelet(handler: BaseHTTPRequestHandler) -> None:
        if handler.path == "/pods":
            send(handler, json.dumps(pods), kind="application/json")
            return
        looked = int(time.time())
        where = 'container="c",id="/a",namespace="shop",pod="w1"'
        send(handler, f"container_cpu_usage_seconds_total{{{where}}} {0.25 * (looked - began)} {looked * 1000}\n")

    with answering(kubelet) as url:
        counter = pod_counter(PodChoice.parse("shop/app=web"), Kubernetes(kubelets=(url,)), PrometheusServer())
        counter.start()
        edges = [now()]
        time.sleep(6)
        edges.append(now())
        first, last = counter.readings_at(edges)
        counter.close()
        nobody = pod_counter(PodChoice.parse("shop/app=db"), Kubernetes(kubelets=(url,)), PrometheusServer())
        with pytest.raises(NothingMeasured, match="There are no pods shop/app=db on The kubelet"):
            nobody.start()
    seconds = (edges[1].wall_ns - edges[0].wall_ns) / 1e9
    assert ((last.cpu_ns or 0) - (first.cpu_ns or 0)) / 1e9 == pytest.approx(0.25 * seconds, rel=1e-3)
    assert any("read from their kubelets" in note for note in counter.notes())


# --- what happens to series -------------------------------------------------------------------------------------------


def test_a_reset_adds_what_came_after_it(server: str, target: Target) -> None:
    target.grow("reset_total", 0.0, start=500.0)
    scraped(server, "reset_total")
    counter = QueryCounter("x", Address(url=server), {"cpu_time": "reset_total"})
    first, last = window(counter, 3, lambda: target.grow("reset_total", 0.0, start=7.0))
    assert (last.cpu_ns or 0) - (first.cpu_ns or 0) == 7_000_000_000
    assert any("began anew" in note for note in counter.notes())


def test_a_pod_that_is_replaced_keeps_its_increase_and_the_new_one_counts_from_zero(
    server: str, target: Target
) -> None:
    def replace() -> None:
        target.grow('pods_total{pod="old"}', 0.0, start=130.0)
        time.sleep(1.2)
        del target.lines['pods_total{pod="old"}']
        target.grow('pods_total{pod="new"}', 0.0, start=5.0)

    target.grow('pods_total{pod="old"}', 0.0, start=100.0)
    scraped(server, "pods_total")
    counter = QueryCounter("x", Address(url=server), {"cpu_time": "pods_total"})
    first, last = window(counter, 3, replace)
    assert (last.cpu_ns or 0) - (first.cpu_ns or 0) == 35_000_000_000
    told = " ".join(counter.notes())
    assert "appeared" in told
    assert "vanished" in told


def test_a_part_that_vanishes_keeps_its_last_values(server: str, target: Target) -> None:
    target.grow("vanishing_total", 0.0, start=10.0)
    scraped(server, "vanishing_total")
    counter = QueryCounter("x", Address(url=server), {"cpu_time": "vanishing_total"})
    first, last = window(counter, 3, lambda: target.lines.pop("vanishing_total"))
    assert (last.cpu_ns, last.alive) == (first.cpu_ns, 0)
    assert any("vanished" in note for note in counter.notes())


def test_a_series_with_times_of_its_own_never_becomes_stale_and_is_known_to_be_gone(
    server: str, target: Target
) -> None:
    """As cAdvisor's: Prometheus gives no sign that they ended, but its target was scraped without them."""
    line = 'timed_total{pod="a"} 5'
    stop = threading.Event()

    def stamp() -> None:
        while not stop.wait(0.1):
            target.stamped = f"{line} {time.time_ns() // 10**6}\n"
        target.stamped = ""

    thread = threading.Thread(target=stamp)
    thread.start()
    try:
        scraped(server, "timed_total")
        counter = QueryCounter("x", Address(url=server), {"cpu_time": "timed_total"})
        first, last = window(counter, 4, stop.set)
    finally:
        stop.set()
        thread.join()
    assert (last.cpu_ns, last.alive) == (first.cpu_ns, 0)
    assert any("vanished" in note for note in counter.notes())


def test_what_is_no_number_is_unknown(server: str, target: Target) -> None:
    target.grow("nan_total", 0.0, start=1.0)
    scraped(server, "nan_total")
    counter = QueryCounter(
        "x", Address(url=server), {"cpu_time": "nan_total", "disk_bytes": "up_to_date_total"}, wait_s=2
    )
    _, last = window(counter, 3, lambda: target.grow("nan_total", 0.0, start=float("nan")))
    assert last.cpu_ns is None
    assert last.disk_bytes is not None
    assert any("cpu_time of x is unknown" in note for note in counter.notes())


# --- servers that misbehave -------------------------------------------------------------------------------------------


def test_nothing_answers_the_query(server: str) -> None:
    counter = QueryCounter("part web", Address(url=server), {"cpu_time": "nowhere_total"})
    with pytest.raises(
        NothingMeasured, match="has no cpu_time of part web: nothing in ten minutes answers nowhere_total"
    ):
        counter.start()


def test_a_query_that_is_wrong_is_told_in_prometheus_own_words(server: str) -> None:
    counter = QueryCounter("part web", Address(url=server), {"cpu_time": "sum(("})
    with pytest.raises(NothingMeasured, match=r"refuses \(status 400\).*parse error"):
        counter.start()


def test_a_prometheus_that_goes_away_leaves_the_figures_unknown(target: Target, tmp_path: Path) -> None:
    target.grow("lost_total", 1.0)
    with exposing(target.text) as where, prometheus(tmp_path, [where], interval="500ms") as (url, process):
        scraped(url, "lost_total")
        counter = QueryCounter("x", Address(url=url, timeout_s=2), {"cpu_time": "lost_total"})
        _, last = window(counter, 1, process.kill)
    assert last.cpu_ns is None
    assert any("cannot be reached" in note for note in counter.notes())


def test_a_prometheus_that_hangs_leaves_the_figures_unknown(target: Target, tmp_path: Path) -> None:
    target.grow("hung_total", 1.0)
    with exposing(target.text) as where, prometheus(tmp_path, [where], interval="500ms") as (url, process):
        scraped(url, "hung_total")
        counter = QueryCounter("x", Address(url=url, timeout_s=1), {"cpu_time": "hung_total"})
        try:
            _, last = window(counter, 1, lambda: os.kill(process.pid, signal.SIGSTOP))
        finally:
            os.kill(process.pid, signal.SIGCONT)
    assert last.cpu_ns is None
    assert any("did not answer within 1 s" in note for note in counter.notes())


def test_nobody_is_there() -> None:
    counter = QueryCounter("x", Address(url="http://127.0.0.1:9"), KEPT)
    with pytest.raises(NothingMeasured, match=r"Prometheus at http://127\.0\.0\.1:9 cannot be reached") as refused:
        counter.start()
    assert "prometheus.url" in refused.value.repair


@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (200, "<html>hello</html>", "gave no JSON: something else answers there"),
        (200, '{"status": "success"}', "gave no query result"),
        (200, '{"data": {"resultType": "scalar", "result": [1]}}', "gave no time"),
        (200, '{"data": {"result": [1, "2"], "resultType": "scalar"}}', "has no cpu_time|gave no matrix"),
        (401, '{"error": "token expired"}', r"refuses \(status 401\): token expired"),
        (503, "<html>busy</html>", r"refuses \(status 503\)\."),
        (302, "", r"refuses \(status 302\)"),
    ],
)
def test_something_else_answers(status: int, body: str, said: str) -> None:
    with answering(lambda handler: send(handler, body, status=status, kind="application/json")) as url:
        counter = QueryCounter("x", Address(url=url), KEPT)
        with pytest.raises(NothingMeasured, match=said):
            counter.start()


def test_an_answer_that_drips_is_cut_off() -> None:
    over = threading.Event()

    def drip(handler) -> None:
        handler.send_response(200)
        handler.end_headers()
        while not over.wait(0.1):
            handler.wfile.write(b" ")

    with answering(drip) as url:
        counter = QueryCounter("x", Address(url=url, timeout_s=1), KEPT)
        try:
            with pytest.raises(NothingMeasured, match="did not answer within 1 s"):
                counter.start()
        finally:
            over.set()


def test_an_answer_without_end_is_refused() -> None:
    def flood(handler) -> None:
        handler.send_response(200)
        handler.end_headers()
        piece = b" " * 2**20
        for _ in range(80):
            handler.wfile.write(piece)

    with answering(flood) as url:
        counter = QueryCounter("x", Address(url=url), KEPT)
        with pytest.raises(NothingMeasured, match="more than 64 MiB"):
            counter.start()


def test_the_token_is_sent_and_never_shown() -> None:
    seen = []

    def answer(handler) -> None:
        seen.append(handler.headers.get("Authorization"))
        send(handler, '{"error": "no"}', status=403)

    with answering(answer) as url:
        address = Address(url=url, token="canary7731")
        counter = QueryCounter("x", address, KEPT)
        with pytest.raises(NothingMeasured) as refused:
            counter.start()
    assert seen == ["Bearer canary7731"]
    assert "canary7731" not in refused.value.sentence() + repr(address)
