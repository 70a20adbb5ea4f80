# SPDX-License-Identifier: Apache-2.0
"""From samples to Activity rows: one row per part, step and quantity, holding its repetitions."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from lichen.collect.base import Sample, StepReading
from lichen.collect.counters import Reading
from lichen.collect.entities import BROWSER, JourneyEntity
from lichen.nomenclature import Nomenclature
from lichen.records import DATA_METHODS, Activity, DataMethod

NANO: Final = 1e9

Value = float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PartPlace:
    """Where a part runs: ``zone`` of its electricity, ``region`` of its cloud; ``device`` and ``network`` for the browser."""

    tier: str
    zone: str | None = None
    region: str | None = None
    device: str | None = None
    network: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class JourneySamples:
    """The counted samples of one journey and which of them are kept."""

    project: str
    journey: str
    functional_unit: str
    samples: tuple[Sample, ...]
    kept: tuple[int, ...]
    places: Mapping[str, PartPlace]
    cpu_count: int


def primary_s(sample: Sample, parts: Iterable[str]) -> float:
    """Browser + server CPU seconds of the whole journey: the metric that decides how many samples are taken."""
    names = set(parts)
    return math.fsum(
        reading.cpu_ns / NANO
        for step in sample.steps
        for name, reading in step.readings.items()
        if name in names and reading.cpu_ns is not None
    )


def step_names(samples: Sequence[Sample]) -> list[str]:
    """Steps in the order in which they were first seen, the time between steps last."""
    seen = dict.fromkeys(step.name for sample in samples for step in sample.steps)
    return [*(name for name in seen if name), *([""] if "" in seen else [])]


def _merged(sample: Sample, name: str) -> list[StepReading]:
    return [step for step in sample.steps if step.name == name]


def _sum(values: Iterable[Value]) -> Value:
    listed = list(values)
    if any(value is None for value in listed):
        return None
    return math.fsum(value for value in listed if value is not None)


def _highest(values: Iterable[Value]) -> Value:
    listed = list(values)
    if not listed or any(value is None for value in listed):
        return None
    return max(value for value in listed if value is not None)


def _part_quantities(part: str, cpu_count: int) -> dict[str, Callable[[Reading], Value]]:
    found: dict[str, Callable[[Reading], Value]] = {
        "cpu_time": lambda reading: None if reading.cpu_ns is None else reading.cpu_ns / NANO,
        "cpu_time_share": lambda reading: None if reading.cpu_ns is None else reading.cpu_ns / NANO / cpu_count,
        "memory_peak": lambda reading: reading.memory_peak_bytes,
        "memory_byte_seconds": lambda reading: reading.memory_byte_seconds,
        "disk_bytes": lambda reading: reading.disk_bytes,
    }
    if part != BROWSER:  # whose bytes are what it accounts for itself, per step
        found["network_bytes"] = lambda reading: reading.network_bytes
    return found


_BROWSER_QUANTITIES: Final[Mapping[str, Callable[[StepReading], Value]]] = {
    "network_bytes": lambda step: step.network_bytes,
    "requests": lambda step: step.requests,
    "screen_time": lambda step: step.paced_s,
    "window_time": lambda step: step.observed_s,
    "layouts": lambda step: step.layouts,
    "dom_elements": lambda step: step.dom_elements,
}
_SERVER_QUANTITIES: Final[Mapping[str, Callable[[StepReading], Value]]] = {
    "window_time": lambda step: step.observed_s,
}
_PEAKS: Final = frozenset({"memory_peak", "dom_elements"})


def _series(samples: Sequence[Sample], step: str, part: str, quantity: str, cpu_count: int) -> Iterator[Value]:
    from_tree = _part_quantities(part, cpu_count).get(quantity)
    from_step = (_BROWSER_QUANTITIES if part == BROWSER else _SERVER_QUANTITIES).get(quantity)
    combine = _highest if quantity in _PEAKS else _sum
    for sample in samples:
        readings = _merged(sample, step)
        if from_tree is not None:
            yield combine(from_tree(reading.readings[part]) for reading in readings if part in reading.readings)
        elif from_step is not None:
            yield combine(from_step(reading) for reading in readings)


def mean_of_kept(values: Sequence[Value], kept: Sequence[int]) -> Value:
    """Mean over the kept samples; None when one of them is unknown."""
    total = _sum(values[i] for i in kept)
    return None if total is None else total / len(kept)


def activities(run: JourneySamples, nomenclature: Nomenclature) -> list[Activity]:
    """Rows of one journey, in the order of parts, steps and quantities.

    Every row's value is the mean over the run's kept samples, so rows of steps and parts add up to the journey's.
    """
    rows: list[Activity] = []
    names = step_names(run.samples)
    for part, place in run.places.items():
        quantities = [
            *_part_quantities(part, run.cpu_count),
            *(_BROWSER_QUANTITIES if part == BROWSER else _SERVER_QUANTITIES),
        ]
        for step in names:
            entity = JourneyEntity(run.project, part, run.journey, step).path
            window_s = mean_of_kept(list(_series(run.samples, step, part, "window_time", run.cpu_count)), run.kept)
            for quantity in quantities:
                if not step and quantity == "dom_elements":
                    continue  # counted at the end of a step; between steps there is no such moment
                values = tuple(_series(run.samples, step, part, quantity, run.cpu_count))
                rows.append(
                    Activity(
                        entity=entity,
                        quantity=quantity,
                        value=mean_of_kept(values, run.kept),
                        unit=nomenclature.quantity(quantity).unit,
                        samples=values,
                        method=_method(run, part, step, quantity),
                        attributes=_attributes(
                            place, run.functional_unit, window_s if quantity == "memory_peak" else None
                        ),
                    )
                )
    return rows


def _attributes(place: PartPlace, functional_unit: str, duration_s: Value) -> dict[str, Any]:
    attributes: dict[str, Any] = {"tier": place.tier, "basis": "per_unit", "functional_unit": functional_unit}
    optional = {
        "zone": place.zone, "region": place.region, "device": place.device, "network": place.network, "duration_s": duration_s,
    }  # fmt: skip
    return attributes | {key: value for key, value in optional.items() if value is not None}


def _method(run: JourneySamples, part: str, step: str, quantity: str) -> DataMethod:
    if quantity in ("memory_peak", "memory_byte_seconds"):
        # The weakest of the samples: a mean is not known better than its terms.
        known = [sample.memory_methods.get(part, "proxy") for sample in run.samples]
        return max(known, key=DATA_METHODS.index, default="proxy")
    if quantity == "screen_time":
        # A declared dwell is a person's assumed pace, not something that was observed; nor is the time between steps.
        readings = [reading for sample in run.samples for reading in _merged(sample, step)]
        return "modelled" if any(reading.paced_s != reading.observed_s for reading in readings) else "measured"
    return "measured"
