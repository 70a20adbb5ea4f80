# SPDX-License-Identifier: Apache-2.0
"""What a run file holds: each key that is read, with its type, so that a damaged file is refused in one sentence."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from lichen.records import countable

_NUMBER: Final = (int, float)
_MAYBE_NUMBER: Final = (int, float, type(None))

_METHOD: Final[Mapping[str, Any]] = {"id": str, "version": str}
_SAMPLING: Final[Mapping[str, Any]] = {
    "taken": int, "discarded": int, "primary_s": [_NUMBER], "kept": [int], "precision": _MAYBE_NUMBER,
    "target": _MAYBE_NUMBER, "cv": _MAYBE_NUMBER, "status": str,
}  # fmt: skip
_REQUEST: Final[Mapping[str, Any]] = {
    "step": str, "url": str, "host": str, "party": str, "kind": str, "network_bytes": _MAYBE_NUMBER,
}  # fmt: skip
_JOURNEY: Final[Mapping[str, Any]] = {
    "name": str, "source": str, "functional_unit": str, "sampling": _SAMPLING, "requests": [_REQUEST], "notes": [str],
    "agent_cpu_s": _MAYBE_NUMBER, "driver_cpu_s": _MAYBE_NUMBER,
}  # fmt: skip
RUN: Final[Mapping[str, Any]] = {
    "schema": str, "lichen_version": str, "project": str, "started_at": str, "ended_at": str, "host": dict,
    "browser": dict, "settings": dict, "method": _METHOD, "context": dict, "journeys": [_JOURNEY], "activities": [dict],
}  # fmt: skip
"""Key -> type, types, ``[type of each element]`` or the keys of a table."""
OPTIONAL: Final[Mapping[str, Any]] = {"figures": dict}
"""Keys that a run file may have; one written before they existed has none."""
_FIGURE: Final[Mapping[str, Any]] = {
    "value": _NUMBER, "low": _NUMBER, "high": _NUMBER, "use": _NUMBER, "embodied": _NUMBER, "unit": str,
}  # fmt: skip


def faults(value: Any, shape: Any = RUN, where: str = "") -> Iterator[str]:
    """What a value lacks or has of the wrong type, one phrase each; nothing when it fits."""
    if isinstance(shape, Mapping):
        if not isinstance(value, Mapping):
            yield f"{where or 'it'} is not a table"
            return
        for key, wanted in shape.items():
            inner = f"{where}.{key}" if where else key
            if key in value:
                yield from faults(value[key], wanted, inner)
            else:
                yield f"{inner} is missing"
    elif isinstance(shape, list):
        if not isinstance(value, list):
            yield f"{where} is not a list"
            return
        for index, element in enumerate(value):
            yield from faults(element, shape[0], f"{where}[{index}]")
    elif not isinstance(value, shape) or (isinstance(value, bool) and shape is not bool):
        names = [kind.__name__ for kind in (shape if isinstance(shape, tuple) else (shape,)) if kind is not type(None)]
        yield f"{where} is not of type {' or '.join(names)}"


def further_faults(run: Mapping[str, Any]) -> Iterator[str]:
    """As `faults`, for the keys that a run may have."""
    journeys = run.get("figures", {})
    yield from faults({"figures": journeys}, OPTIONAL)
    for name, figures in journeys.items() if isinstance(journeys, Mapping) else ():
        yield from figure_faults(figures, f"figures.{name}")


def figure_faults(figures: Any, where: str) -> Iterator[str]:
    """As `faults`, for the figures of a journey: indicator -> value, model range, phases and unit."""
    yield from faults(figures, {}, where)
    for indicator, figure in figures.items() if isinstance(figures, Mapping) else ():
        yield from faults(figure, _FIGURE, f"{where}.{indicator}")


def miscounts(run: Mapping[str, Any]) -> Iterator[str]:
    """What a run of the right types contradicts itself in: repetitions that were not taken, requests without a count, units."""
    taken: dict[str, int] = {}
    for index, journey in enumerate(run["journeys"]):
        taken[journey["name"]] = count = journey["sampling"]["taken"]
        if not countable(journey.get("units", 1.0)):
            yield f"journeys[{index}].units is not a number above 0"
        if not all(0 <= kept < count for kept in journey["sampling"]["kept"]):
            yield f"journeys[{index}].sampling.kept names a repetition that was not taken"
        for number, request in enumerate(journey["requests"]):
            if not isinstance(request.get("count", 1), int):
                yield f"journeys[{index}].requests[{number}].count is not of type int"
    for index, row in enumerate(run["activities"]):
        samples, segments = row.get("samples"), str(row.get("entity")).split("/")
        wanted = taken.get(segments[2]) if len(segments) == 4 else None
        if wanted is not None and isinstance(samples, list) and samples and len(samples) != wanted:
            yield f"activities[{index}].samples are {len(samples)} of {wanted}"
