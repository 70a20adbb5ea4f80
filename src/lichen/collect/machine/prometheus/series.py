# SPDX-License-Identifier: Apache-2.0
"""Samples of counters and gauges that were taken at other times than the edges, read at the edges. Pure.

Between two samples a counter lies on a straight line; it may have been anywhere between both values, which is the error that is
stated. A counter that fell began anew at zero. A series that appears in the window began at zero between the scrape that lacked
it and its first sample; one that vanishes keeps what it had. Where samples lie too far apart, nothing is known.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from statistics import median
from typing import Final, Literal, Self

from lichen.collect.counters import Reading
from lichen.collect.machine.cumulative import Cumulative

Labels = tuple[tuple[str, str], ...]
Kind = Literal["counter", "gauge"]

_JITTER: Final = 1.25
"""Scrapes come a little early or late: distances are compared with this allowance."""
GAP_INTERVALS: Final = 2
"""Samples further apart than this many intervals leave what lies between them unknown."""
JOULES_PER_KWH: Final = 3.6e6
_LARGEST: Final = 1e30
"""Anything counts less; sums of larger numbers would not be finite."""


@dataclass(frozen=True, slots=True)
class Series:
    """Samples of one series, in order of time; samples that are no number, or beyond all that is counted, are left out.

    Attributes:
        times_ns: when each was taken [ns since 1970]. values: as many.
        seen_ns: time of the last sample, one that is no number included; 0 without any.
    """

    labels: Labels
    times_ns: tuple[int, ...]
    values: tuple[float, ...]
    seen_ns: int = 0

    @classmethod
    def of(cls, labels: Labels, samples: Iterable[tuple[int, float]]) -> Self:
        """A series of (time, value) pairs in any order; of two at one time the later given counts."""
        given = dict(samples)
        times = sorted(at for at, value in given.items() if abs(value) < _LARGEST)
        return cls(labels, tuple(times), tuple(given[at] for at in times), max(given, default=0))

    def shifted(self, by_ns: int) -> Series:
        """The same on a clock that is ahead by ``by_ns``."""
        return Series(self.labels, tuple(at + by_ns for at in self.times_ns), self.values, self.seen_ns + by_ns)

    def scaled(self, factor: float) -> Series:
        """The same with each value times ``factor``."""
        pairs = zip(self.times_ns, self.values, strict=True)
        return replace(Series.of(self.labels, [(at, value * factor) for at, value in pairs]), seen_ns=self.seen_ns)

    @property
    def last_ns(self) -> int:
        """Time of its last sample; 0 without any."""
        return self.times_ns[-1] if self.times_ns else 0


def interval_ns(series: Iterable[Series]) -> int | None:
    """How often samples are taken: the median of their distances; None when no series has two."""
    spacings = [b - a for one in series for a, b in pairwise(one.times_ns)]
    return round(median(spacings)) if spacings else None


@dataclass(frozen=True, slots=True)
class Point:
    """A value at one instant: None when it is not known; how far it may be off, either way."""

    value: float | None
    error: float = 0.0


NOT_KNOWN: Final = Point(None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """One series between its samples: a counter made to grow only, or a gauge.

    Attributes:
        areas: integral of the values from the first time to each [value x s].
        ended: nothing follows the last sample: the series is gone, not late.
        born: the series appeared in the window.
        resets: how often the counter began anew.
    """

    times_ns: tuple[int, ...]
    values: tuple[float, ...]
    areas: tuple[float, ...]
    longest_ns: int
    ended: bool
    born: bool
    resets: int = 0

    def at(self, at_ns: int) -> Point:
        """The value at an instant."""
        after = bisect_left(self.times_ns, at_ns)
        if after == len(self.times_ns):
            return Point(self.values[-1]) if self.ended and self.times_ns else NOT_KNOWN
        if self.times_ns[after] == at_ns:
            return Point(self.values[after])
        if after == 0:
            return Point(self.values[0]) if self.born else NOT_KNOWN
        span_ns = self.times_ns[after] - self.times_ns[after - 1]
        if span_ns > self.longest_ns:
            return NOT_KNOWN
        low, high = self.values[after - 1], self.values[after]
        share = (at_ns - self.times_ns[after - 1]) / span_ns
        return Point(low + share * (high - low), abs(high - low) * max(share, 1 - share))

    def area(self, at_ns: int) -> Point:
        """The integral from the first sample to an instant [value x s]; not known across a gap."""
        value = self.at(at_ns).value
        if value is None or self._gap_before(at_ns):
            return NOT_KNOWN
        before = bisect_right(self.times_ns, at_ns) - 1
        if before < 0:
            return Point(0.0)
        return Point(self.areas[before] + (self.values[before] + value) / 2 * (at_ns - self.times_ns[before]) / 1e9)

    def _gap_before(self, at_ns: int) -> bool:
        return any(b - a > self.longest_ns for a, b in pairwise(self.times_ns) if a < at_ns)


def curve(series: Series, kind: Kind, *, first_ns: int, interval: int, ended: bool) -> Curve:
    """The curve of a series that has samples.

    Args:
        first_ns: first edge. A series without an earlier sample appeared after it.
        interval: how often samples are taken [ns].
        ended: the series is gone.
    """
    # What began before the window and far from it does not matter, and may hold gaps: the window begins two samples earlier.
    start = max(0, bisect_right(series.times_ns, first_ns) - 2)
    times, raw = list(series.times_ns[start:]), list(series.values[start:])
    born = series.times_ns[0] > first_ns
    values, resets = (_grown(raw, from_zero=born)) if kind == "counter" else (raw, 0)
    if born:
        times, values = [times[0] - interval, *times], [0.0, *values]
    if ended and kind == "gauge":
        times, values = [*times, times[-1] + interval], [*values, 0.0]
    areas = [0.0]
    for i in range(1, len(times)):
        areas.append(areas[-1] + (values[i] + values[i - 1]) / 2 * (times[i] - times[i - 1]) / 1e9)
    return Curve(
        times_ns=tuple(times),
        values=tuple(values),
        areas=tuple(areas),
        longest_ns=round(GAP_INTERVALS * interval * _JITTER),
        ended=ended,
        born=born,
        resets=resets,
    )


def _grown(values: Sequence[float], *, from_zero: bool) -> tuple[list[float], int]:
    """A counter's values as increases since its first one, or since zero, and how often it began anew.

    No counter is below zero: one that says so has added nothing yet.
    """
    counter: Cumulative[float] = Cumulative()
    if from_zero:
        counter.feed(0.0)
    return [counter.feed(max(0.0, value)) or 0.0 for value in values], counter.resets


def total(points: Iterable[Point]) -> Point:
    """The sum of points; not known when one of them is not, or there is none."""
    listed = list(points)
    known = [point.value for point in listed if point.value is not None]
    if not listed or len(known) < len(listed):
        return NOT_KNOWN
    return Point(math.fsum(known), math.fsum(point.error for point in listed))


def readings(curves: Mapping[str, Sequence[Curve]], instants_ns: Sequence[int]) -> list[Reading]:
    """What the curves of each quantity say at the edges.

    Args:
        curves: by quantity: ``cpu_time`` [s], ``network_received_bytes``, ``network_sent_bytes``, ``network_bytes`` (both
            ways), ``disk_bytes``, ``memory_bytes`` (a gauge), ``energy_joules``, ``energy_kwh``. None for the others.
        instants_ns: edges in order of time.
    """
    found = []
    earlier_ns = instants_ns[0] if instants_ns else 0
    for at_ns in instants_ns:

        def value(quantity: str, factor: float = 1.0, at_ns: int = at_ns) -> float | None:
            known = total(one.at(at_ns) for one in curves.get(quantity, ())).value
            return None if known is None else known * factor

        received, sent = _whole(value("network_received_bytes")), _whole(value("network_sent_bytes"))
        if "network_bytes" in curves:
            received, sent = _whole(value("network_bytes")), 0  # the query holds both ways; only their sum is used
        joules = value("energy_joules") if "energy_joules" in curves else value("energy_kwh", JOULES_PER_KWH)
        memory = curves.get("memory_bytes", ())
        found.append(
            Reading(
                cpu_ns=_whole(value("cpu_time", 1e9)),
                disk_bytes=_whole(value("disk_bytes")),
                memory_byte_seconds=total(one.area(at_ns) for one in memory).value,
                memory_peak_bytes=_whole(_highest(memory, earlier_ns, at_ns)),
                alive=_alive(curves, at_ns),
                network_received_bytes=received,
                network_sent_bytes=sent,
                energy_j=joules,
            )
        )
        earlier_ns = at_ns
    return found


def _highest(gauges: Sequence[Curve], from_ns: int, to_ns: int) -> float | None:
    """The highest sum that was seen in a span, its ends included."""
    inside = {at for one in gauges for at in one.times_ns if from_ns < at < to_ns}
    sums = [total(one.at(at) for one in gauges).value for at in {from_ns, to_ns, *inside}]
    known = [value for value in sums if value is not None]
    return max(known) if known and len(known) == len(sums) else None


def _alive(curves: Mapping[str, Sequence[Curve]], at_ns: int) -> int:
    """How many series of the quantity that has most of them are there."""
    counts = [
        sum(one.times_ns[0] <= at_ns and not (one.ended and at_ns > one.times_ns[-1]) for one in listed)
        for listed in curves.values()
    ]
    return max(counts, default=0)


def _whole(value: float | None) -> int | None:
    return None if value is None else round(value)
