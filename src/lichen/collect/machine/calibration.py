# SPDX-License-Identifier: Apache-2.0
"""How repeatable CPU seconds are on this machine, by fixed work that is repeated: a grade, never a correction.

Dividing a measurement by the time that fixed work takes beside it is not done: ``docs/noise.md`` shows where that helps and where
it harms. The fixed work says how much to trust the machine, and how small a change it can show.
"""

from __future__ import annotations

import os
import statistics
import time
from dataclasses import dataclass
from typing import Any, Final, Literal

from lichen.collect.machine.processes.proc import MachineStat

Grade = Literal["A", "B", "C", "D"]

_GRADES: Final[tuple[tuple[float, Grade], ...]] = ((0.01, "A"), (0.03, "B"), (0.06, "C"))
"""Coefficient of variation of fixed work below which a machine has the grade."""
_BLOCK_STEPS: Final = 160_000
"""Work of one repetition: some 20 ms, long against a scheduler's slice, short against a drift."""
_FEWEST: Final = 5
"""Repetitions of which a spread is told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """How repeatable CPU seconds are on this machine.

    Attributes:
        cv: coefficient of variation of the CPU time of fixed work (sample standard deviation over mean).
        repetitions: of the work.
        block_cpu_s: median CPU time of one repetition.
        grade: A (below 1 %), B (3 %), C (6 %), D.
        steal_share: share of all CPUs' time that the hypervisor gave to others while the work ran.
        others_share: share of all CPUs' time that other programs used while the work ran.
    """

    cv: float
    repetitions: int
    block_cpu_s: float
    grade: Grade
    steal_share: float
    others_share: float

    def to_json(self) -> dict[str, Any]:
        """As it stands in a run file, under ``calibration`` of the host."""
        return {
            "grade": self.grade,
            "cv": self.cv,
            "repetitions": self.repetitions,
            "block_cpu_s": self.block_cpu_s,
            "steal_share": self.steal_share,
            "others_share": self.others_share,
        }


def grade(cv: float) -> Grade:
    """Grade of a coefficient of variation."""
    return next((letter for limit, letter in _GRADES if cv < limit), "D")


def _block() -> int:
    """Fixed work: integer arithmetic and a small table, as interpreters do."""
    table = [0] * 1024
    value = 1
    for step in range(_BLOCK_STEPS):
        value = (value * 1_103_515_245 + 12_345) & 0x7FFF_FFFF
        table[value & 1023] += step
    return sum(table)


class Calibrator:
    """Repeats fixed work whenever it is asked to, and grades the machine by all repetitions.

    A measurement asks between its samples, outside their windows, so that a drift from sample to sample is in the grade; a look
    takes some 40 ms, little beside a sample::

        calibrator = Calibrator()
        for _ in range(7):
            calibrator.look()
            ...  # a sample
        calibrator.look_last()
        found = calibrator.result()
    """

    def __init__(self) -> None:
        self._spent_ns: list[int] = []
        self._total_ns = self._steal_ns = self._others_ns = 0

    def look_last(self) -> None:
        """A look, as long as it must be for the repetitions to be enough after few samples."""
        self.look(max(1, _FEWEST - len(self._spent_ns)))

    def look(self, blocks: int = 1) -> None:
        """Repeats the work ``blocks`` times, after one that is not counted: caches are warm then."""
        stat = MachineStat()
        try:
            first, own_ns, began_ns = stat.times(), time.process_time_ns(), time.monotonic_ns()
            _block()
            for _ in range(blocks):
                before_ns = time.thread_time_ns()
                _block()
                self._spent_ns.append(time.thread_time_ns() - before_ns)
            last, own_ns = stat.times(), time.process_time_ns() - own_ns
        finally:
            stat.close()
        self._total_ns += (time.monotonic_ns() - began_ns) * (os.cpu_count() or 1)
        self._steal_ns += last.steal_ns - first.steal_ns
        self._others_ns += last.busy_ns - first.busy_ns - own_ns

    def result(self) -> Calibration | None:
        """What the repetitions so far say; None while there are fewer than five."""
        if len(self._spent_ns) < _FEWEST:
            return None
        cv = statistics.stdev(self._spent_ns) / statistics.fmean(self._spent_ns)
        return Calibration(
            cv=cv,
            repetitions=len(self._spent_ns),
            block_cpu_s=statistics.median(self._spent_ns) / 1e9,
            grade=grade(cv),
            steal_share=min(1.0, self._steal_ns / self._total_ns),
            # The kernel counts a busy machine in ticks: over a short look the difference may fall below zero.
            others_share=min(1.0, max(0.0, self._others_ns / self._total_ns)),
        )

    def record(self) -> dict[str, Any] | None:
        """The result as it stands in a run file."""
        found = self.result()
        return None if found is None else found.to_json()


def calibrate(seconds: float = 3.0) -> Calibration:
    """Repeats fixed work during ``seconds`` (at least five times) and grades the machine."""
    calibrator = Calibrator()
    until_ns = time.monotonic_ns() + round(seconds * 1e9)
    calibrator.look(_FEWEST)
    while time.monotonic_ns() < until_ns:
        calibrator.look()
    found = calibrator.result()
    if found is None:
        raise AssertionError("five repetitions are enough")
    return found
