# SPDX-License-Identifier: Apache-2.0
"""Declared queries as the counters of a part, and the collector of them."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Final

from lichen.collect.base import Availability
from lichen.collect.counters import Counter
from lichen.collect.machine.counter_collector import CounterCollector
from lichen.collect.machine.endpoint import Address
from lichen.collect.machine.prometheus.client import ClockOffset, Prometheus, probe, quoted
from lichen.collect.machine.prometheus.expression import Term, is_rate, terms
from lichen.collect.machine.prometheus.series import GAP_INTERVALS, Curve, Kind, Series, curve, interval_ns
from lichen.collect.machine.series_counter import STEP_NS, Collected, SeriesCounter
from lichen.errors import ConfigError, LichenError, NothingMeasured

QUANTITIES: Final[Mapping[str, Kind]] = {
    "cpu_time": "counter",
    "network_received_bytes": "counter",
    "network_sent_bytes": "counter",
    "network_bytes": "counter",
    "disk_bytes": "counter",
    "memory_bytes": "gauge",
    "energy_joules": "counter",
    "energy_kwh": "counter",
}
"""What may be queried. Bytes, seconds, joules and kilowatt-hours are cumulative; memory is what is in use."""
LOOK_BACK_NS: Final = 600 * 10**9
"""How long before the window series are looked for: one that is not found there did not exist."""
_UNTOLD_INTERVAL_NS: Final = 60 * 10**9
"""Taken for the distance of samples while only one is known: Prometheus' own default."""
_WAIT_INTERVALS: Final = 3
_STEPS: Final = 10_000
"""Most steps of one evaluation; Prometheus refuses more than 11,000."""
WAIT_S: Final = 180.0

Select = Callable[[str, list[Series]], list[Series]]
"""Keeps those series of a quantity that belong to the part."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Queries:
    """What is asked.

    Attributes:
        expressions: PromQL by quantity.
        select: keeps the series that belong to the part; all of them when None.
        optional: quantities that may have no series: they are then unknown.
        wait_s: longest wait for a sample later than the window.
    """

    expressions: Mapping[str, str]
    select: Select | None = None
    optional: frozenset[str] = frozenset()
    wait_s: float = WAIT_S


@dataclass(slots=True)
class _Held:
    """Series of one quantity after the window; ``ended``: which of them are gone."""

    series: list[Series] = field(default_factory=list)
    ended: list[bool] = field(default_factory=list)


class PrometheusSource:
    """Series of one Prometheus.

    Args:
        what: the part, as notes call it.

    Raises:
        ConfigError: a query asks for a rate, or for an unknown quantity.
    """

    def __init__(self, what: str, address: Address, queries: Queries) -> None:
        self._what = what
        self._address = address
        self._queries = queries
        self._terms = {name: _terms(name, text) for name, text in queries.expressions.items()}
        self._server: Prometheus | None = None
        self._offset = ClockOffset(0, 0)
        self._interval_ns: int | None = None

    def start(self) -> None:
        """Asks every query once.

        Raises:
            NothingMeasured: Prometheus does not answer, refuses, or finds nothing.
        """
        server = self._server = Prometheus(self._address)
        self._offset = server.clock()
        self._prepare(server)
        now_ns = time.time_ns()
        found = {}
        for quantity in self._terms:
            found[quantity] = self._fetch(server, quantity, now_ns - LOOK_BACK_NS, now_ns)
            if not found[quantity] and quantity not in self._queries.optional:
                asked = self._queries.expressions.get(quantity, "its metrics")
                raise NothingMeasured(
                    f"{server} has no {quantity} of {self._what}: nothing in ten minutes answers {asked}.",
                    repair="Correct the query, or start what it asks for; Prometheus must have scraped it once.",
                    culprit=self._what,
                )
        self._interval_ns = interval_ns(one for listed in found.values() for one in listed)

    def close(self) -> None:
        """Ends the connection."""
        if self._server is not None:
            self._server.close()

    def collect(self, first_ns: int, last_ns: int) -> Collected:
        """The samples around a window; waits for one later than its last edge, three intervals at most."""
        if self._server is None:
            return Collected(curves={}, interval_ns=None)
        notes: list[str] = []
        held: dict[str, _Held] = {}
        try:
            offset = self._server.clock()
            self._prepare(self._server)
        except LichenError as error:
            return Collected(curves={}, interval_ns=None, notes=(self._lost(error),))
        if abs(offset.ahead_ns - self._offset.ahead_ns) > STEP_NS + offset.error_ns + self._offset.error_ns:
            said = f"The clock of {self._server} was set during the window: the figures of {self._what} are unknown."
            return Collected(curves={}, interval_ns=None, notes=(said,))
        if abs(self._offset.ahead_ns) > STEP_NS:
            notes.append(
                f"The clock of {self._server} is {self._offset.ahead_ns / 1e9:+.2f} s off ours; its samples were moved by that."
            )
        if self._interval_ns is None:
            self._interval_ns = self._learnt(self._server, first_ns)
        self._await(self._server, last_ns)
        for quantity in self._terms:
            try:
                held[quantity] = self._held(self._server, quantity, first_ns, last_ns)
            except LichenError as error:
                notes.append(self._lost(error))
        interval = interval_ns(one for found in held.values() for one in found.series) or self._interval()
        curves = {name: _curves(name, found, first_ns, interval) for name, found in held.items() if found.series}
        notes += [
            f"{name} of {self._what} is evaluated by Prometheus, which hides resets inside the expression and moves an edge by "
            f"up to {interval / 1e9:.3g} s: give it as a sum of plain series."
            for name, listed in self._terms.items()
            if listed is None
        ]
        notes += [
            f"{name} of {self._what} is unknown: {self._server} has no sample of it in the window."
            for name, found in held.items()
            if not found.series
        ]
        return Collected(curves=curves, interval_ns=interval, notes=tuple(notes))

    def _prepare(self, server: Prometheus) -> None:
        """Called before the server is asked for samples, at the start and after the window."""

    def _lost(self, error: LichenError) -> str:
        return f"Figures of {self._what} are unknown: {error.problem}"

    def _learnt(self, server: Prometheus, first_ns: int) -> int | None:
        """How often samples are taken, now that there are some more."""
        try:
            return interval_ns(
                one for quantity in self._terms for one in self._fetch(server, quantity, first_ns, time.time_ns())
            )
        except LichenError:
            return None  # it is asked once more, and then told

    def _interval(self) -> int:
        return self._interval_ns or _UNTOLD_INTERVAL_NS

    def _await(self, server: Prometheus, last_ns: int) -> None:
        """Until every living series has a sample later than the last edge."""
        interval_s = self._interval() / 1e9
        # One more second, for what is scraped at once is there only a little later.
        limit_s = min(self._queries.wait_s, _WAIT_INTERVALS * interval_s + 1.0)
        deadline = time.monotonic() + limit_s - (time.time_ns() - last_ns) / 1e9
        while time.monotonic() < deadline:
            try:
                if not any(self._pending(server, quantity, last_ns) for quantity in self._terms):
                    return
            except LichenError:
                return  # it is asked once more, and then told
            time.sleep(min(max(0.1, interval_s / 5), 2.0, max(0.0, deadline - time.monotonic())))

    def _pending(self, server: Prometheus, quantity: str, last_ns: int) -> bool:
        """Whether a series is there that has no sample after the window yet."""
        if self._terms[quantity] is None:
            return time.time_ns() < last_ns + 2 * self._interval()
        tail_ns = min(last_ns - GAP_INTERVALS * self._interval(), time.time_ns() - 10**9)
        late = [one for one in self._fetch(server, quantity, tail_ns, time.time_ns()) if one.last_ns <= last_ns]
        return bool(late) and not all(self._gone(server, quantity, late, last_ns))

    def _held(self, server: Prometheus, quantity: str, first_ns: int, last_ns: int) -> _Held:
        series = self._fetch(server, quantity, first_ns - LOOK_BACK_NS, time.time_ns())
        series = [one for one in series if one.last_ns > first_ns - GAP_INTERVALS * self._interval()]
        late = [one for one in series if one.last_ns < last_ns]
        gone = dict(zip((one.labels for one in late), self._gone(server, quantity, late, last_ns), strict=True))
        return _Held(series, [gone.get(one.labels, False) for one in series])

    def _gone(self, server: Prometheus, quantity: str, late: Sequence[Series], last_ns: int) -> list[bool]:
        """Which of the series without a late sample have vanished: they are stale, or their target was scraped without them."""
        if not late:
            return []
        living = set()
        for term in self._terms[quantity] or (Term(self._queries.expressions[quantity]),):
            living |= server.living(term.selector, time.time_ns() + self._offset.ahead_ns)
        return [one.labels not in living or self._left_out(server, one, last_ns) for one in late]

    def _left_out(self, server: Prometheus, series: Series, last_ns: int) -> bool:
        """Whether the target that had the series was scraped well after its last sample. Some series never become stale."""
        labels = dict(series.labels)
        if series.seen_ns > last_ns:
            return False
        if "job" not in labels or "instance" not in labels:
            return False
        own = ", ".join(f"{name}={quoted(labels[name])}" for name in ("job", "instance"))
        ahead_ns = self._offset.ahead_ns
        ups = server.raw(f"up{{{own}}}", series.last_ns + ahead_ns, time.time_ns() + ahead_ns)
        scraped = [at for up in ups for at, value in zip(up.times_ns, up.values, strict=True) if value == 1]
        return bool(scraped) and max(scraped) - ahead_ns > series.last_ns + GAP_INTERVALS * self._interval()

    def _fetch(self, server: Prometheus, quantity: str, start_ns: int, end_ns: int) -> list[Series]:
        """Series that belong to the part, on our clock."""
        ahead_ns = self._offset.ahead_ns
        start_ns, end_ns = start_ns + ahead_ns, end_ns + ahead_ns
        listed = self._terms[quantity]
        if listed is None:
            step_s = max(1.0, self._interval() / 5e9 if self._interval_ns else 1.0, (end_ns - start_ns) / 1e9 / _STEPS)
            evaluated = server.evaluated(self._queries.expressions[quantity], start_ns, end_ns, step_s)
            found = [changes(one, self._interval()) for one in evaluated]
        else:
            found = [one.scaled(term.factor) for term in listed for one in server.raw(term.selector, start_ns, end_ns)]
        found = [one.shifted(-ahead_ns) for one in found if one.times_ns]
        return found if self._queries.select is None else self._queries.select(quantity, found)


def changes(series: Series, interval: int) -> Series:
    """The steps at which an evaluated series has another value, and others an interval apart: these are its samples."""
    kept: list[tuple[int, float]] = []
    for at, value in zip(series.times_ns, series.values, strict=True):
        if not kept or value != kept[-1][1] or at - kept[-1][0] >= interval:
            kept.append((at, value))
    return Series.of(series.labels, kept)


def _curves(quantity: str, found: _Held, first_ns: int, interval: int) -> list[Curve]:
    return [
        curve(one, QUANTITIES[quantity], first_ns=first_ns, interval=interval, ended=ended)
        for one, ended in zip(found.series, found.ended, strict=True)
    ]


def _terms(quantity: str, expression: str) -> tuple[Term, ...] | None:
    if quantity not in QUANTITIES:
        raise ConfigError(
            f"'{quantity}' is nothing that a query gives.",
            repair=f"Name one of {', '.join(QUANTITIES)}.",
            culprit=quantity,
        )
    if is_rate(expression):
        raise ConfigError(
            f"The query of {quantity} asks for a rate: {expression}",
            repair="Give the cumulative counter itself; it is read at the edges of the window.",
            culprit=quantity,
        )
    return terms(expression)


class QueryCounter(SeriesCounter):
    """Counters of a part that are declared as queries, one a quantity. Late.

    Args:
        what: the part, as notes call it.
        address: of the Prometheus.
        expressions: PromQL of cumulative counters (and of memory in use) by quantity.

    Raises:
        ConfigError: a query asks for a rate, or for an unknown quantity.
    """

    def __init__(self, what: str, address: Address, expressions: Mapping[str, str], *, wait_s: float = WAIT_S) -> None:
        super().__init__(what, PrometheusSource(what, address, Queries(expressions=expressions, wait_s=wait_s)))


class PrometheusCollector(CounterCollector):
    """What declared queries count. Target: ``{"url": ADDRESS, "query": {QUANTITY: PROMQL}}``."""

    name: ClassVar[str] = "prometheus"

    def probe(self) -> Availability:
        """Whether a Prometheus answers; without a declaration there is none to ask."""
        return probe(None)

    def open(self, target: Mapping[str, Any]) -> Counter:
        """The counter of the target's queries."""
        match dict(target):
            case {"url": str(url), "query": dict(query), **rest} if not rest:
                return QueryCounter("the target", Address(url=url), query)
        raise ConfigError(
            f"The prometheus collector cannot measure {dict(target)!r}.",
            repair='Give it {"url": "http://host:9090", "query": {"cpu_time": "process_cpu_seconds_total"}}.',
        )
