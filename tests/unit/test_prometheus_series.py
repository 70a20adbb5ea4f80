# SPDX-License-Identifier: Apache-2.0
"""Samples at other times than the edges: every case by hand."""

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lichen.collect.counters import UNKNOWN, Instant
from lichen.collect.machine.endpoint import Address
from lichen.collect.machine.prometheus.counter import QueryCounter, changes
from lichen.collect.machine.prometheus.expression import Term, is_rate, terms
from lichen.collect.machine.prometheus.series import Curve, Kind, Series, curve, interval_ns, readings, total
from lichen.collect.machine.series_counter import Collected, SeriesCounter, was_set
from lichen.errors import ConfigError

S = 10**9


def made(
    samples: list[tuple[float, float]], kind: Kind = "counter", *, first_s: float = 10.0, ended: bool = False
) -> Curve:
    """A curve of (seconds, value) samples, taken every 10 s."""
    series = Series.of((), [(round(at * S), value) for at, value in samples])
    return curve(series, kind, first_ns=round(first_s * S), interval=10 * S, ended=ended)


def at(found: Curve, seconds: float) -> float | None:
    return found.at(round(seconds * S)).value


def test_between_two_samples_a_counter_lies_on_a_line() -> None:
    found = made([(0, 100), (10, 110), (20, 140)], first_s=5)
    assert at(found, 5) == 5
    assert at(found, 12) == 10 + 0.2 * 30
    # It may have stood at 110 until now, or at 140 since the sample.
    assert found.at(12 * S).error == pytest.approx(0.8 * 30)
    assert found.at(10 * S).error == 0


def test_only_increases_count_and_a_fall_is_a_new_beginning() -> None:
    found = made([(0, 100), (10, 110), (20, 4), (30, 6), (40, 1)], first_s=0)
    assert [at(found, t) for t in (0, 10, 20, 30, 40)] == [0, 10, 14, 16, 17]
    assert found.resets == 2


def test_a_series_that_appears_in_the_window_counts_from_zero() -> None:
    found = made([(32, 8), (42, 9)], first_s=10)
    assert found.born
    assert [at(found, t) for t in (10, 22, 27, 32, 37)] == [0, 0, 4, 8, 8.5]


def test_one_that_vanished_keeps_what_it_had_and_one_that_is_late_is_unknown() -> None:
    samples = [(0.0, 1.0), (10.0, 3.0)]
    assert at(made(samples, ended=True), 60) == 2
    assert at(made(samples, ended=False), 60) is None


def test_an_edge_in_a_gap_is_unknown_and_an_edge_beside_it_is_not() -> None:
    found = made([(0, 0), (10, 1), (40, 2), (50, 3)], first_s=5)
    assert [at(found, t) for t in (5, 10, 20, 40, 45)] == [0.5, 1, None, 2, 2.5]
    # One missed scrape leaves two intervals: that is still known.
    assert at(made([(0, 0), (20, 1)], first_s=5), 10) == 0.5


def test_what_lies_before_the_first_sample_of_an_old_series_is_unknown() -> None:
    assert at(made([(0, 5), (10, 6)], first_s=5), -1) is None


def test_no_number_is_no_sample_but_was_seen() -> None:
    series = Series.of((), [(1, 5.0), (2, math.nan), (3, math.inf)])
    assert (series.times_ns, series.seen_ns) == ((1,), 3)


def test_a_counter_below_zero_adds_nothing() -> None:
    found = made([(0, 5), (10, 7), (20, -3), (30, -1), (40, 4)], first_s=5)
    assert [at(found, t) for t in (10, 20, 30, 40)] == [2, 2, 2, 6]


def test_a_gauge_is_integrated_exactly_between_its_samples() -> None:
    found = made([(0, 100), (10, 200), (20, 200)], "gauge", first_s=5)
    # A trapezium from 5 s (150) to 10 s (200), and a rectangle to 15 s.
    before, after = found.area(5 * S).value, found.area(15 * S).value
    assert before is not None
    assert after == pytest.approx(before + 5 * 175 + 5 * 200)


def test_memory_of_pods_that_replace_each_other() -> None:
    old = made([(0, 100), (10, 100), (20, 100)], "gauge", ended=True)
    new = made([(30, 50), (40, 50)], "gauge")
    first, last = readings({"memory_bytes": [old, new]}, [10 * S, 40 * S])
    # 100 for 10 s, a slope of 100 to 0 and one of 0 to 50 in the same 10 s, 50 for 10 s.
    assert last.memory_byte_seconds is not None
    assert first.memory_byte_seconds is not None
    assert last.memory_byte_seconds - first.memory_byte_seconds == pytest.approx(1000 + 500 + 250 + 500)
    assert last.memory_peak_bytes == 100
    assert (first.alive, last.alive) == (1, 1)


def test_a_sum_is_unknown_when_one_of_its_series_is() -> None:
    good, late = made([(0, 0), (10, 1), (20, 2)], first_s=5), made([(0, 0), (10, 1)], first_s=5)
    assert total([good.at(15 * S), late.at(15 * S)]).value is None
    assert total([]).value is None
    first, last = readings({"cpu_time": [good, late], "disk_bytes": [good]}, [5 * S, 15 * S])
    assert (first.cpu_ns, last.cpu_ns, last.disk_bytes) == (S, None, 2)
    assert last.network_bytes is None


def test_energy_in_kilowatt_hours_becomes_joules() -> None:
    meter = made([(0, 7), (10, 7.5), (20, 8)], first_s=0)
    first, last = readings({"energy_kwh": [meter]}, [0, 20 * S])
    assert (first.energy_j, last.energy_j) == (0, 3.6e6)


def test_the_interval_is_the_usual_distance() -> None:
    series = Series.of((), [(at * S, 0.0) for at in (0, 15, 30, 75, 90)])
    assert interval_ns([series]) == 15 * S
    assert interval_ns([Series.of((), [(0, 1.0)])]) is None


def test_samples_of_an_evaluated_series_are_where_it_changes() -> None:
    steps = Series.of((), [(at * S, float(value)) for at, value in enumerate([1, 1, 1, 4, 4, 4, 4, 4, 4, 4, 5])])
    assert changes(steps, 5 * S).times_ns == (0, 3 * S, 8 * S, 10 * S)


@given(
    st.lists(st.floats(0, 1e9), min_size=3, max_size=30),
    st.lists(st.floats(0, 1), min_size=2, max_size=8),
)
def test_a_counter_never_goes_back_and_spans_add_up(values: list[float], shares: list[float]) -> None:
    found = made([(10.0 * i, value) for i, value in enumerate(values)], first_s=0)
    edges = sorted({round(share * 10 * (len(values) - 1) * S) for share in shares})
    seen = [found.at(edge).value for edge in edges]
    assert all(a is not None and b is not None and a <= b for a, b in pairwise(seen))
    increases = sum(b - a if b >= a else b for a, b in pairwise(values))
    assert at(found, 10.0 * (len(values) - 1)) == pytest.approx(increases)


# --- clocks -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("passed_s", "wall_s", "was"),
    [(10, 10.04, False), (10, 10.06, True), (10, 9.9, True), (3600, 3601, False), (3600, 3603, True)],
)
def test_a_clock_that_was_set_is_told_from_one_that_is_kept_on_time(passed_s: float, wall_s: float, was: bool) -> None:
    edges = [
        Instant(monotonic_ns=0, wall_ns=5 * S),
        Instant(monotonic_ns=round(passed_s * S), wall_ns=round((5 + wall_s) * S)),
    ]
    assert was_set(edges) is was


class Steady:
    """A source with one series."""

    def start(self) -> None: ...

    def collect(self, first_ns: int, last_ns: int) -> Collected:
        return Collected(curves={"cpu_time": (made([(0, 0), (10, 1), (20, 2)], first_s=5),)}, interval_ns=10 * S)

    def close(self) -> None: ...


def test_after_a_step_of_the_clock_nothing_is_known() -> None:
    counter = SeriesCounter("pod", Steady())
    edges = [Instant(monotonic_ns=0, wall_ns=5 * S), Instant(monotonic_ns=10 * S, wall_ns=15 * S)]
    assert [reading.cpu_ns for reading in counter.readings_at(edges)] == [S // 2, 3 * S // 2]
    assert any("off by 500 ms at most" in note for note in counter.notes())
    stepped = [edges[0], Instant(monotonic_ns=10 * S, wall_ns=14 * S)]
    assert counter.readings_at(stepped) == [UNKNOWN, UNKNOWN]
    assert "clock of this machine was set" in counter.notes()[0]


# --- expressions ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("a_total", [("a_total", 1)]),
        ('a_total{pod=~"x{2}|}", n="\\"}"}', [('a_total{pod=~"x{2}|}", n="\\"}"}', 1)]),
        ('{__name__=~"rx|tx"}', [('{__name__=~"rx|tx"}', 1)]),
        ("sum(a_total)", [("a_total", 1)]),
        ("sum by (pod, ns) (a_total{x='1'}) / 1000", [("a_total{x='1'}", 1e-3)]),
        ("sum(a) without (b) * 8", [("a", 8)]),
        ("rx_total + tx_total * 2", [("rx_total", 1), ("tx_total", 2)]),
        ("2 * (sum(a) + b / 4)", [("a", 2), ("b", 0.5)]),
    ],
)
def test_sums_are_taken_apart(text: str, found: list[tuple[str, float]]) -> None:
    assert terms(text) == tuple(Term(selector, factor) for selector, factor in found)


@pytest.mark.parametrize(
    "text",
    [
        "max(a)",
        "a - b",
        "a / b",
        "a offset 5m",
        "sum(a",
        "a)",
        "a or b",
        "a / 0",
        "",
        "sum",
        "a[5m]",
        "3",
        "sum(a) by (b",
    ],
)
def test_what_is_no_sum_is_left_to_prometheus(text: str) -> None:
    assert terms(text) is None


def test_a_rate_is_no_counter() -> None:
    assert is_rate("sum(rate(a_total[5m]))")
    assert not is_rate("rate_total + increase_of_b")
    with pytest.raises(ConfigError, match=r"asks for a rate: rate\(a\[1m\]\)"):
        QueryCounter("x", Address(url="http://h"), {"cpu_time": "rate(a[1m])"})
    with pytest.raises(ConfigError, match="'cpu' is nothing that a query gives"):
        QueryCounter("x", Address(url="http://h"), {"cpu": "a"})
