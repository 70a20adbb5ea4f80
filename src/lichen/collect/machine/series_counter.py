# SPDX-License-Identifier: Apache-2.0
"""The counter of a part whose counters somebody else samples: known after the window, interpolated at its edges."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, Protocol

from lichen.collect.counters import UNKNOWN, Instant, Reading
from lichen.collect.machine.processes.clock import wall_ns
from lichen.collect.machine.prometheus.series import Curve, readings, total
from lichen.records import DataMethod

STEP_NS: Final = 50_000_000
"""A clock that moved by more than this against another was set."""
_SLEW: Final = 500e-6
"""Fastest that a clock is slewed while it is kept on time (adjtimex(2): 500 ppm)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Collected:
    """What a source knows of the window, on this machine's wall clock.

    Attributes:
        curves: by quantity, as `prometheus_series.readings` takes them; a quantity without curves is unknown.
        interval_ns: how often samples are taken; None when that cannot be told.
        notes: what a reader should know, one sentence each.
    """

    curves: Mapping[str, Sequence[Curve]]
    interval_ns: int | None
    notes: tuple[str, ...] = ()


class Source(Protocol):
    """Who samples the counters."""

    def start(self) -> None:
        """Checks that it answers and knows the part.

        Raises:
            LichenError: it does not.
        """
        ...

    def collect(self, first_ns: int, last_ns: int) -> Collected:
        """The samples around a window [ns since 1970]; waits for one later than its last edge. Never raises."""
        ...

    def close(self) -> None:
        """Gives back what `start` took."""
        ...


class SeriesCounter:
    """Reads a source after the window. Late.

    Args:
        what: the part, as notes call it.
        source: who samples its counters.
    """

    elsewhere = True

    def __init__(self, what: str, source: Source) -> None:
        self._what = what
        self._source = source
        self._began: Instant | None = None
        self._notes: tuple[str, ...] = ()

    def start(self) -> None:
        """Checks that the source answers and knows the part.

        Raises:
            LichenError: it does not.
        """
        try:
            self._source.start()
        except BaseException:
            self._source.close()
            raise
        now_ns = time.monotonic_ns()
        self._began = Instant(monotonic_ns=now_ns, wall_ns=wall_ns(now_ns))

    def read(self) -> Reading | None:
        """None: the counters are known later."""
        return None

    def readings_at(self, instants: Sequence[Instant]) -> list[Reading]:
        """The counters at past instants, between the samples before and after each."""
        if not instants:
            return []
        walked = [*([] if self._began is None else [self._began]), *instants]
        if was_set(walked):
            said = f"The clock of this machine was set during the window: the figures of {self._what} are unknown."
            self._notes = (said,)
            return [UNKNOWN for _ in instants]
        times = [instant.wall_ns for instant in instants]
        collected = self._source.collect(times[0], times[-1])
        self._remark(collected, times)
        return readings(collected.curves, times)

    def _remark(self, collected: Collected, times_ns: Sequence[int]) -> None:
        notes = list(collected.notes)
        curves = collected.curves
        if collected.interval_ns is not None and any(curves.values()):
            notes.append(
                f"The counters of {self._what} are sampled every {collected.interval_ns / 1e9:.3g} s; an edge is interpolated "
                "between two samples."
            )
            if "cpu_time" in curves:
                error_s = max((total(c.at(t) for c in curves["cpu_time"]).error for t in times_ns), default=0.0)
                notes.append(f"CPU time of {self._what} at an edge is off by {error_s * 1e3:.0f} ms at most.")
        for quantity, listed in curves.items():
            if any(total(curve.at(t) for curve in listed).value is None for t in times_ns):
                notes.append(f"{quantity} of {self._what} is unknown at an edge: no sample is close enough to it.")
        everything = [curve for listed in curves.values() for curve in listed]
        if any(curve.resets for curve in everything):
            notes.append(f"Counters of {self._what} began anew; what they held after their last sample is missing.")
        if any(curve.born for curve in everything):
            notes.append(f"Series of {self._what} appeared during the window and count from zero.")
        if any(curve.ended for curve in everything):
            notes.append(
                f"Series of {self._what} vanished during the window; their figures end with their last sample."
            )
        self._notes = tuple(dict.fromkeys(notes))

    def method(self) -> DataMethod:
        """``proxy``: the peak of memory is the highest that was sampled, and what vanished was not seen to its end."""
        return "proxy"

    def notes(self) -> tuple[str, ...]:
        """What a reader should know, one sentence each."""
        return self._notes

    def close(self) -> None:
        """Gives back what `start` took."""
        self._source.close()


def was_set(instants: Sequence[Instant]) -> bool:
    """Whether the wall clock was set between two of the instants: it went on otherwise than the monotonic one."""
    for a, b in pairwise(instants):
        passed_ns = b.monotonic_ns - a.monotonic_ns
        if abs(b.wall_ns - a.wall_ns - passed_ns) > STEP_NS + _SLEW * abs(passed_ns):
            return True
    return False
