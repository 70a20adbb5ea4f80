# SPDX-License-Identifier: Apache-2.0
"""Containers as their kubelets show them: read every few seconds in the background, interpolated at the edges.

A kubelet looks at its containers every 10 to 20 s by itself and shows when it did; asking more often gives no newer figures.
Source: kubernetes.io/docs/reference/instrumentation/node-metrics (the path /metrics/cadvisor).
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from lichen.collect.machine.endpoint import Endpoint
from lichen.collect.machine.kubernetes.choice import (
    METRICS,
    NETWORK,
    Pod,
    PodChoice,
    containers_of,
    counted,
    network_lack,
    quantity_of,
)
from lichen.collect.machine.kubernetes.pods import is_chosen, pods_of
from lichen.collect.machine.prometheus.exposition import parse
from lichen.collect.machine.prometheus.series import Curve, Labels, Series, curve, interval_ns
from lichen.collect.machine.series_counter import Collected
from lichen.errors import LichenError, NothingMeasured

METRICS_PATH: Final = "/metrics/cadvisor"
PODS_PATH: Final = "/pods"
_LOOK_S: Final = 5.0
_UNTOLD_INTERVAL_NS: Final = 15 * 10**9
_WAIT_INTERVALS: Final = 3
_LONGEST_WAIT_S: Final = 60.0


@dataclass(slots=True)
class Kubelet:
    """One kubelet, and what it has shown so far.

    Attributes:
        samples: by series: time [ns] and value.
        shown: series of the last answer; looked_ns: when that was asked for.
    """

    endpoint: Endpoint
    path: str = ""
    samples: dict[Labels, list[tuple[int, float]]] = field(default_factory=dict)
    shown: set[Labels] = field(default_factory=set)
    looked_ns: int = 0
    failure: str = ""

    def look(self) -> None:
        """Reads it once.

        Raises:
            NothingMeasured: it does not answer, or refuses.
        """
        answer = self.endpoint.ask(self.path + METRICS_PATH)
        self.endpoint.accept(answer)
        middle_ns = (answer.asked_ns + answer.answered_ns) // 2
        shown = set()
        for sample in parse(answer.text, METRICS):
            at_ns = middle_ns if sample.at_ms is None else sample.at_ms * 1_000_000
            self.samples.setdefault(sample.labels, []).append((at_ns, sample.value))
            shown.add(sample.labels)
        if not shown:
            raise self.endpoint.strange("metrics of containers")
        self.shown, self.looked_ns = shown, answer.asked_ns

    def pods(self, choice: PodChoice) -> dict[str, Pod]:
        """The chosen pods that run on it.

        Raises:
            NothingMeasured: it does not answer, or refuses.
        """
        page = self.endpoint.ask_json(self.path + PODS_PATH)
        items = page.get("items") if isinstance(page, dict) else None
        if not isinstance(items, list):
            raise self.endpoint.strange("pods")
        known = [item for item in items if isinstance(item, dict) and isinstance(item.get("metadata"), dict)]
        return pods_of(item for item in known if is_chosen(item, choice))


class KubeletSource:
    """Pods of some kubelets. A source of `series_counter.SeriesCounter`.

    Args:
        choice: which pods.
        kubelets: opens the clients; what they are is asked once, in `start`.
    """

    def __init__(self, choice: PodChoice, kubelets: Callable[[], Sequence[Kubelet]]) -> None:
        self._choice = choice
        self._open = kubelets
        self._kubelets: Sequence[Kubelet] = ()
        self._pods: dict[str, Pod] = {}
        self._lock = threading.Lock()
        self._closed = threading.Event()
        self._wake = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Reads each kubelet once, then again and again.

        Raises:
            NothingMeasured: one does not answer, or none runs such a pod.
        """
        self._kubelets = self._open()
        for kubelet in self._kubelets:
            kubelet.look()
            self._pods |= kubelet.pods(self._choice)
        if not self._pods:
            where = ", ".join(str(kubelet.endpoint) for kubelet in self._kubelets) or "no kubelet"
            raise NothingMeasured(
                f"There are no {self._choice} on {where}.",
                repair="Correct the namespace and the label or the workload, or name the kubelets of their nodes.",
                culprit=str(self._choice),
            )
        self._thread = threading.Thread(target=self._follow, name="lichen-kubelets", daemon=True)
        self._thread.start()

    def _follow(self) -> None:
        while not self._closed.is_set():
            self._wake.wait(_LOOK_S)
            self._wake.clear()
            for kubelet in self._kubelets:
                if self._closed.is_set():
                    return
                self._look(kubelet)

    def _look(self, kubelet: Kubelet) -> None:
        with self._lock:
            try:
                kubelet.look()
                self._pods |= kubelet.pods(self._choice)
                kubelet.failure = ""
            except LichenError as error:
                kubelet.failure = error.problem

    def collect(self, first_ns: int, last_ns: int) -> Collected:
        """What was shown around a window; waits for figures later than its last edge, three intervals at most."""
        interval = self._interval()
        limit_s = min(_LONGEST_WAIT_S, _WAIT_INTERVALS * interval / 1e9)
        deadline = time.monotonic() + limit_s
        while time.monotonic() < deadline and self._pending(last_ns):
            self._wake.set()
            time.sleep(0.5)
        with self._lock:
            return self._collected(first_ns, last_ns)

    def _interval(self) -> int:
        with self._lock:
            listed = [one for kubelet in self._kubelets for one in self._series(kubelet)]
        return _spacing(listed)

    def _pending(self, last_ns: int) -> bool:
        with self._lock:
            return any(
                kubelet.looked_ns <= last_ns
                or any(one.last_ns <= last_ns for one in self._series(kubelet) if one.labels in kubelet.shown)
                for kubelet in self._kubelets
            )

    def _series(self, kubelet: Kubelet) -> list[Series]:
        listed = [Series.of(labels, samples) for labels, samples in kubelet.samples.items()]
        return counted([one for one in listed if one.times_ns], self._choice, self._pods)

    def _collected(self, first_ns: int, last_ns: int) -> Collected:
        notes = [f"{str(self._choice).capitalize()}: {len(self._pods)} pods, read from their kubelets."]
        interval = _spacing([one for kubelet in self._kubelets for one in self._series(kubelet)])
        curves: dict[str, list[Curve]] = {}
        for kubelet in self._kubelets:
            if kubelet.looked_ns <= last_ns:
                notes.append(f"Figures of {self._choice} are unknown after the window. {kubelet.failure}".strip())
            for one in self._series(kubelet):
                ended = one.labels not in kubelet.shown and kubelet.looked_ns > last_ns
                found = curve(one, "gauge" if quantity_of(one) == "memory_bytes" else "counter", first_ns=first_ns,
                              interval=interval, ended=ended)  # fmt: skip
                curves.setdefault(quantity_of(one), []).append(found)
        told = network_lack(
            self._choice, self._pods, containers_of(labels for kubelet in self._kubelets for labels in kubelet.samples)
        )
        if told:
            notes.append(told)
            curves = {name: listed for name, listed in curves.items() if name not in NETWORK}
        return Collected(curves=curves, interval_ns=interval, notes=tuple(notes))

    def close(self) -> None:
        """Ends the readings and the connections."""
        self._closed.set()
        self._wake.set()
        if self._thread is not None:
            self._thread.join()
        for kubelet in self._kubelets:
            with contextlib.suppress(OSError):
                kubelet.endpoint.close()


def _spacing(listed: Sequence[Series]) -> int:
    """How far apart figures lie: a kubelet may look more often than it is asked."""
    return max(interval_ns(listed) or _UNTOLD_INTERVAL_NS, round(_LOOK_S * 1e9))
