# SPDX-License-Identifier: Apache-2.0
"""What a meter of energy is, and its counters made to grow only."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from typing import Final, Protocol

from lichen.collect.counters import UNKNOWN, Instant, Reading
from lichen.collect.machine.processes.proc import MachineStat
from lichen.records import DataMethod

JOULES_PER_UNIT: Final = {"J": 1.0, "Wh": 3600.0, "kWh": 3.6e6}


class EnergyMeter(Protocol):
    """Counts joules, read within milliseconds."""

    def start(self) -> None:
        """Opens it.

        Raises:
            NothingMeasured: it is not there or may not be read.
        """
        ...

    def read_j(self) -> float | None:
        """Energy since `start` [J]; None when it cannot be read now, never 0 instead. Never raises."""
        ...

    def notes(self) -> tuple[str, ...]:
        """What a reader should know, one sentence each."""
        ...

    def close(self) -> None:
        """Gives back what `start` took."""
        ...


class _Prompt:
    """What prompt counters of a meter have in common. They are no parts: nothing of theirs adds to the machine's CPU time."""

    elsewhere = True

    def readings_at(self, instants: Sequence[Instant]) -> list[Reading]:
        """Nobody asks, as the counter is prompt."""
        return [UNKNOWN for _ in instants]

    def method(self) -> DataMethod:
        """``metered``."""
        return "metered"

    def notes(self) -> tuple[str, ...]:
        """What a reader should know, one sentence each."""
        return ()


class MeterCounter(_Prompt):
    """A meter read at the edges themselves. Prompt."""

    def __init__(self, meter: EnergyMeter) -> None:
        self._meter = meter

    def start(self) -> None:
        """Opens the meter.

        Raises:
            NothingMeasured: it is not there or may not be read.
        """
        self._meter.start()

    def read(self) -> Reading:
        """Its energy and nothing else."""
        return replace(UNKNOWN, energy_j=self._meter.read_j(), alive=1)

    def notes(self) -> tuple[str, ...]:
        """What a reader should know, one sentence each."""
        return self._meter.notes()

    def close(self) -> None:
        """Closes the meter."""
        self._meter.close()


class MachineCpu(_Prompt):
    """Busy CPU time of the whole machine, by which the energy of a machine is shared out. Prompt."""

    def __init__(self) -> None:
        self._stat: MachineStat | None = None

    def start(self) -> None:
        """Opens the machine's counters."""
        self._stat = MachineStat()

    def read(self) -> Reading:
        """Busy time of all CPUs since boot, in ticks of 10 ms; what is alive are the CPUs."""
        if self._stat is None:
            return UNKNOWN
        return replace(UNKNOWN, cpu_ns=self._stat.times().busy_ns, alive=os.cpu_count() or 1)

    def close(self) -> None:
        """Gives the descriptors back."""
        if self._stat is not None:
            self._stat.close()
            self._stat = None
