# SPDX-License-Identifier: Apache-2.0
"""A Prometheus, or what speaks like one (Thanos, Mimir, VictoriaMetrics): the few questions that counters need answered.

Source: prometheus.io/docs/prometheus/latest/querying/api.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Self

from lichen.collect.base import Availability
from lichen.collect.machine.endpoint import Address, Endpoint, token_of
from lichen.collect.machine.prometheus.series import Labels, Series
from lichen.config import PrometheusServer
from lichen.errors import ConfigError, LichenError

_MS: Final = 1_000_000
_CLOCK_QUESTIONS: Final = 3
SETTING: Final = "prometheus.url"


@dataclass(frozen=True, slots=True)
class ClockOffset:
    """How far the server's clock is ahead of ours [ns], and by how much that may be wrong."""

    ahead_ns: int
    error_ns: int


class Prometheus:
    """Client of one server. `close` it, or use it as a context manager.

    Raises:
        ConfigError: the address cannot be used.
    """

    def __init__(self, address: Address) -> None:
        self._endpoint = Endpoint("Prometheus", address, setting=SETTING)
        self._ahead_ns = 0
        # A server cuts the evaluation short before the client gives up, and says so in its own words.
        self._evaluation = f"{max(1, round(0.8 * address.timeout_s * 1e3))}ms"

    def __str__(self) -> str:
        return str(self._endpoint)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Ends its connections."""
        self._endpoint.close()

    def clock(self) -> ClockOffset:
        """The distance between both clocks, from the quickest of a few answers.

        The server evaluates ``time()`` between question and answer, so it bounds its clock to half their distance.

        Raises:
            NothingMeasured: it does not answer.
        """
        best: ClockOffset | None = None
        for _ in range(_CLOCK_QUESTIONS):
            asked_ns = time.time_ns()
            result = self._query("query", {"query": "time()"})["result"]
            answered_ns = time.time_ns()
            try:
                _, seconds = result
                theirs_ns = round(float(seconds) * 1e3) * _MS
            except (TypeError, ValueError, OverflowError) as error:
                raise self._endpoint.strange("time") from error
            found = ClockOffset(theirs_ns - (asked_ns + answered_ns) // 2, (answered_ns - asked_ns) // 2 + _MS)
            if best is None or found.error_ns < best.error_ns:
                best = found
        assert best is not None  # noqa: S101 - asked at least once; tells mypy
        self._ahead_ns = best.ahead_ns
        return best

    def now_ns(self) -> int:
        """The time on the server's clock, as far as `clock` was asked [ns since 1970]."""
        return time.time_ns() + self._ahead_ns

    def version(self) -> str:
        """Its version; empty when it does not tell, as what only speaks its language.

        Raises:
            NothingMeasured: it does not answer.
        """
        self.clock()
        try:
            data = self._endpoint.ask_json("/api/v1/status/buildinfo").get("data") or {}
            return str(data.get("version", ""))
        except (LichenError, AttributeError):
            return ""

    def raw(self, selector: str, start_ns: int, end_ns: int) -> list[Series]:
        """The samples that were scraped, with their own times, of each series that a plain selector finds.

        Args:
            start_ns, end_ns: both on the server's clock [ns since 1970].

        Raises:
            NothingMeasured: it does not answer, or refuses.
        """
        window_ms = max(1, math.ceil((end_ns - start_ns) / _MS))
        data = self._query("query", {"query": f"{selector}[{window_ms}ms]", "time": _seconds(end_ns)})
        return self._series(data)

    def evaluated(self, expression: str, start_ns: int, end_ns: int, step_s: float) -> list[Series]:
        """An expression evaluated at steps.

        Raises:
            NothingMeasured: it does not answer, or refuses.
        """
        asked = {"query": expression, "start": _seconds(start_ns), "end": _seconds(end_ns), "step": f"{step_s:.3f}"}
        return self._series(self._query("query_range", asked))

    def living(self, selector: str, at_ns: int) -> set[Labels]:
        """Series that are not stale: their target is scraped and they were in the last scrape.

        Raises:
            NothingMeasured: it does not answer, or refuses.
        """
        data = self._query("query", {"query": selector, "time": _seconds(at_ns)})
        return {labels_of(row["metric"]) for row in self._rows(data, "vector")}

    def _query(self, kind: str, parameters: Mapping[str, str]) -> dict[str, Any]:
        answer = self._endpoint.ask_json(f"/api/v1/{kind}", {**parameters, "timeout": self._evaluation})
        data = answer.get("data") if isinstance(answer, dict) else None
        if not isinstance(data, dict) or "result" not in data:
            raise self._endpoint.strange("query result")
        return data

    def _series(self, data: Mapping[str, Any]) -> list[Series]:
        try:
            return [_series(row) for row in self._rows(data, "matrix")]
        except (TypeError, ValueError, OverflowError) as error:
            raise self._endpoint.strange("matrix of numbers") from error

    def _rows(self, data: Mapping[str, Any], kind: str) -> list[dict[str, Any]]:
        rows = data["result"]
        values = "values" if kind == "matrix" else "value"
        if data.get("resultType") == "scalar" and kind == "vector":
            return []
        if not isinstance(rows, list) or not all(
            isinstance(row, dict) and isinstance(row.get("metric"), dict) for row in rows
        ):
            raise self._endpoint.strange(f"{kind} of samples")
        return [row for row in rows if values in row]  # histograms have buckets instead of a value


def labels_of(metric: Mapping[str, Any]) -> Labels:
    """The identity of a series."""
    return tuple(sorted((str(name), str(value)) for name, value in metric.items()))


def quoted(value: str) -> str:
    """A text as PromQL writes it."""
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def _series(row: Mapping[str, Any]) -> Series:
    """A row of a matrix."""
    return Series.of(
        labels_of(row["metric"]), [(round(float(at) * 1e3) * _MS, float(value)) for at, value in row["values"]]
    )


def _seconds(ns: int) -> str:
    """As the API reads a time: seconds since 1970 with milliseconds."""
    return f"{ns // 10**9}.{ns % 10**9 // _MS:03d}"


def address_of(prometheus: PrometheusServer, url: str | None = None) -> Address:
    """Where to ask.

    Args:
        prometheus: the section ``[prometheus]``.
        url: another address that a part names; the token and the authorities are those of the section's own server, and no
            other is shown them.

    Raises:
        ConfigError: no address is named, or the token's variable is not set.
    """
    if url is not None and url != prometheus.url:
        return Address(url=url, timeout_s=prometheus.timeout_s)
    if prometheus.url is None:
        raise ConfigError(
            "No Prometheus is named.", repair='Set url = "http://host:9090" under [prometheus].', culprit=SETTING
        )
    token = token_of(prometheus.token_env, setting="prometheus.token_env")
    return Address(url=prometheus.url, token=token, authority=prometheus.ca, timeout_s=prometheus.timeout_s)


def probe(address: Address | None) -> Availability:
    """Whether a Prometheus answers."""
    if address is None:
        return Availability(
            False, "No Prometheus is named.", 'Set url = "http://host:9090" under [prometheus], if you have one.'
        )
    try:
        with Prometheus(address) as server:
            server.version()
    except LichenError as error:
        return Availability(False, error.problem, error.repair)
    return Availability(True)
