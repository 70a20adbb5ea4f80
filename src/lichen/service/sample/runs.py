# SPDX-License-Identifier: Apache-2.0
"""Run files of the sample portfolio: what was measured of the bundled loan portal, scaled and renamed, with some noise."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any, Final

import numpy as np

from lichen import __version__
from lichen.records import timestamp

_MEASURED: Final = Path(__file__).with_name("measured.json")
SAMPLES: Final = 3
_NOISE: Final = 0.03
"""Relative standard deviation between repetitions of what is noisy."""
_NOISY: Final = frozenset({"cpu_time", "memory_peak", "memory_byte_seconds", "disk_bytes", "window_time"})
_HEAVIER: Final[Mapping[str, str]] = {
    "cpu_time": "work", "disk_bytes": "work", "memory_peak": "work", "memory_byte_seconds": "work",
    "network_bytes": "weight", "requests": "weight", "screen_time": "time",
}  # fmt: skip
"""What of an application scales a quantity; the others are the same everywhere."""
_UNITS: Final[Mapping[str, str]] = {
    "cpu_time": "s", "memory_peak": "B", "memory_byte_seconds": "B.s", "disk_bytes": "B", "network_bytes": "B",
    "requests": "1", "screen_time": "s", "window_time": "s", "layouts": "1", "dom_elements": "1",
}  # fmt: skip
_TIERS: Final[Mapping[str, str]] = {"browser": "device"}
HOST: Final[Mapping[str, Any]] = {
    "host_id": "sample", "architecture": "x86_64", "cpu_count": 2, "cpu_count_machine": 2, "cpu_model": "sample",
    "memory_bytes": 8 * 2**30, "virtualised": True,
}  # fmt: skip
BROWSER: Final[Mapping[str, Any]] = {"version": "sample", "profile": "fidelity"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """How an application's run differs from what was measured.

    Attributes:
        code: first word of its entities.
        journeys: name -> the measured journey that it is made of.
        parts: name -> the measured part.
        work, weight, time: factors on computing, on data, and on the time that people look at it.
    """

    code: str
    journeys: Mapping[str, str]
    parts: Mapping[str, str]
    work: float
    weight: float
    time: float


@cache
def _measured() -> Mapping[str, Any]:
    content: Mapping[str, Any] = json.loads(_MEASURED.read_text(encoding="utf-8"))
    return content


def journeys() -> tuple[str, ...]:
    """The journeys that were measured."""
    return tuple(_measured()["steps"])


def content(
    recipe: Recipe, started_at: datetime, method: Mapping[str, str], random: np.random.Generator
) -> dict[str, Any]:
    """A run file.

    Args:
        method: id, version and hash of the factors, as of a run that was measured now.
        random: where the noise comes from.
    """
    noise = (1 + _NOISE * random.standard_normal(SAMPLES)).tolist()
    rows = [
        row
        for journey, source in recipe.journeys.items()
        for step, parts in _measured()["steps"][source].items()
        for row in _rows(recipe, (journey, step), parts, noise)
    ]
    return {
        "schema": "lichen-run/1",
        "lichen_version": __version__,
        "project": recipe.code,
        "started_at": timestamp(started_at),
        "ended_at": timestamp(started_at + timedelta(minutes=2)),
        "host": dict(HOST),
        "browser": dict(BROWSER),
        "settings": {"cache": "cold", "viewport": [1366, 768]},
        "method": dict(method),
        "context": {
            "parts": len(recipe.parts), "zone": "FR", "device": "mix", "network": "fixed", "functional_unit": "visit",
        },
        "journeys": [_journey(recipe, journey, source, rows) for journey, source in recipe.journeys.items()],
        "activities": rows,
    }  # fmt: skip


def _rows(
    recipe: Recipe, where: tuple[str, str], parts: Mapping[str, Mapping[str, Any]], noise: Sequence[float]
) -> Iterator[dict[str, Any]]:
    journey, step = where
    for part, source in recipe.parts.items():
        tier = _TIERS.get(source, "server")
        for quantity, measured in parts[source].items():
            value, attributes = measured if isinstance(measured, list) else (measured, {})
            heavier = getattr(recipe, _HEAVIER[quantity]) if quantity in _HEAVIER else 1.0
            samples = [None if value is None else _rounded(quantity, value * heavier * one) for one in noise]
            if quantity not in _NOISY:
                samples = [None if value is None else _rounded(quantity, value * heavier)] * SAMPLES
            known = [one for one in samples if one is not None]
            row = {
                "entity": f"{recipe.code}/{part}/{journey}/{step}", "quantity": quantity,
                "value": sum(known) / SAMPLES if len(known) == SAMPLES else None, "unit": _UNITS[quantity],
                "method": "measured", "samples": samples, "tier": tier, "zone": "FR", "basis": "per_unit",
                "functional_unit": "visit", **attributes,
            }  # fmt: skip
            yield row | ({"device": "mix", "network": "fixed"} if tier == "device" else {})


def _rounded(quantity: str, value: float) -> float:
    return float(round(value)) if _UNITS[quantity] in ("B", "1") else float(f"{value:.6g}")


def _journey(recipe: Recipe, journey: str, source: str, rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    primary = [
        sum(row["samples"][index] for row in rows if _of(row, journey) and row["quantity"] == "cpu_time")
        for index in range(SAMPLES)
    ]
    mean = sum(primary) / SAMPLES
    spread = float(np.std(primary, ddof=1)) / mean
    return {
        "name": journey,
        "source": "sample",
        "functional_unit": "visit",
        "sampling": {
            "taken": SAMPLES, "discarded": 1, "primary_s": primary, "kept": list(range(SAMPLES)),
            # 4.303 is Student's factor of a 95 % interval for three values.
            "precision": 4.303 * spread / SAMPLES**0.5, "target": None, "cv": spread, "status": "fixed",
        },
        "requests": [
            {
                "step": step, "url": f"https://{recipe.code}.example{path}", "host": f"{recipe.code}.example",
                "party": "first", "kind": kind, "network_bytes": round((size or 0) * recipe.weight), "count": 1,
            }
            for step, path, kind, size in _measured()["requests"][source]
        ],
        "notes": ["made up for the sample portfolio"],
        "agent_cpu_s": 0.0,
        "driver_cpu_s": 0.0,
    }  # fmt: skip


def _of(row: Mapping[str, Any], journey: str) -> bool:
    return str(row["entity"]).split("/")[2] == journey
