# SPDX-License-Identifier: Apache-2.0
"""Collector of meters of energy."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar, Final

from lichen.collect.base import Availability, Window
from lichen.collect.counters import Counter, minus
from lichen.collect.machine.machine_meter import MachineMeter
from lichen.collect.machine.meters import nvml, rapl
from lichen.collect.machine.meters.base import JOULES_PER_UNIT, MeterCounter
from lichen.collect.machine.meters.plain import FileDisplay, PlainSource
from lichen.collect.machine.series_counter import SeriesCounter
from lichen.errors import ConfigError
from lichen.records import Activity

_METER: Final = "meter"


class MeterCollector:
    """What a meter counts. Target: ``{"meter": "rapl"}``, ``{"meter": "nvml"}`` or ``{"file": PATH, "unit": "kWh"}``."""

    name: ClassVar[str] = "meters"
    emits: ClassVar[tuple[str, ...]] = ("energy",)

    def probe(self) -> Availability:
        """Whether the processor's own meter or that of a graphics card can be read."""
        answer = rapl.probe()
        return answer if answer.ok or not nvml.probe().ok else Availability(True)

    def collect(self, window: Window) -> Iterator[Activity]:
        """The energy of the window, at the boundary IT equipment.

        Raises:
            ConfigError: the window has no duration, or the target is no meter.
            NothingMeasured: the meter is not there or may not be read.
        """
        if window.duration_s is None:
            raise ConfigError(
                f"The window of '{window.entity}' has no end.", repair="Give it a duration_s.", culprit=window.entity
            )
        with MachineMeter() as meter:
            meter.add(_METER, _opened(window.target))
            edges = [meter.edge()]
            time.sleep(window.duration_s)
            edges.append(meter.edge())
            first, last = (edge.readings[_METER].energy_j for edge in meter.settled(edges))
        used_j = minus(last, first)
        yield Activity(
            entity=window.entity,
            quantity="energy",
            value=None if used_j is None else used_j / JOULES_PER_UNIT["kWh"],
            unit="kWh",
            method="metered",
            attributes={"boundary": "it", "duration_s": (edges[1].at_ns - edges[0].at_ns) / 1e9},
        )


def _opened(target: Mapping[str, Any]) -> Counter:
    match dict(target):
        case {"meter": "rapl", **rest} if not rest:
            return MeterCounter(rapl.Rapl())
        case {"meter": "nvml", **rest} if not rest:
            return MeterCounter(nvml.Nvml())
        case {"file": str(file), "unit": str(unit), **rest} if not rest:
            what = f"The meter {file}"
            return SeriesCounter(what, PlainSource(what, FileDisplay(Path(file)), unit=unit))
    raise ConfigError(
        f"The meters collector cannot read {dict(target)!r}.",
        repair='Give it {"meter": "rapl"}, {"meter": "nvml"} or {"file": "path", "unit": "kWh"}.',
    )
