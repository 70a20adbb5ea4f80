# SPDX-License-Identifier: Apache-2.0
"""What a reader must know about how a journey was measured: pages that never rest, a machine that had other work."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from statistics import median
from typing import Final

from lichen.collect.base import Sample, StepReading

RESTING_SHARE: Final = 0.05
"""CPU at rest, as a share of one core, above which the part of a dwell that was not observed matters."""
UNOBSERVED_S: Final = 1.0
"""Part of a dwell that is worth a sentence."""
FOREIGN_SHARE: Final = 0.10
"""Share of the machine that other programs may use during a measurement without a word."""
PRESSED_SHARE: Final = 0.10
"""Share of the window in which a part may wait for a resource without a word."""
STOLEN_SHARE: Final = 0.02
"""Share of the machine that a hypervisor may give to others without a word."""


def notes_of(samples: Sequence[Sample]) -> tuple[str, ...]:
    """Sentences about the samples of one journey, for its record."""
    return (*_resting(samples), *_load(samples), *_pressed(samples))


def _resting(samples: Sequence[Sample]) -> Iterator[str]:
    """Half a second at rest is not extrapolated to a dwell: that would amplify its noise. It is said instead."""
    steps: dict[str, list[StepReading]] = {}
    for sample in samples:
        for step in sample.steps:
            if step.name and step.resting_s > 0 and step.resting_cpu_ns is not None:
                steps.setdefault(step.name, []).append(step)
    busy: list[str] = []
    unobserved_s = 0.0
    for name, readings in steps.items():
        count = len(readings)
        share = math.fsum((r.resting_cpu_ns or 0) / 1e9 / r.resting_s for r in readings) / count
        missed_s = math.fsum(r.paced_s - r.observed_s for r in readings) / count
        if share > RESTING_SHARE and missed_s >= UNOBSERVED_S:
            busy.append(f"'{name}' {share:.0%}")
            unobserved_s += missed_s
    if busy:
        yield (
            f"the page stays busy at rest (share of a core: {', '.join(busy)}): the {unobserved_s:.0f} s of dwell that were "
            "not observed are not charged; raise measure.rest_s to observe more"
        )


def _load(samples: Sequence[Sample]) -> Iterator[str]:
    balances = [sample.machine for sample in samples if sample.machine is not None]
    if not balances:
        return
    foreign = median(found.unattributed_share for found in balances)
    stolen = median(found.stolen_share for found in balances)
    if foreign > FOREIGN_SHARE:
        yield f"other programs used {foreign:.0%} of the machine during the measurement"
    if stolen > STOLEN_SHARE:
        yield f"the hypervisor gave {stolen:.0%} of the machine to others during the measurement"


def _pressed(samples: Sequence[Sample]) -> Iterator[str]:
    """Parts that had to wait: what they consumed is right, what they would consume on a free machine may differ."""
    parts = dict.fromkeys(name for sample in samples for step in sample.steps for name in step.readings)
    for part in parts:
        for resource in ("cpu", "memory", "io"):
            shares = [_waited(sample, part, resource) for sample in samples]
            known = [share for share in shares if share is not None]
            share = median(known) if known else 0.0
            if share > PRESSED_SHARE:
                called = {"cpu": "the processor", "memory": "memory", "io": "storage"}[resource]
                yield f"part {part} waited for {called} during {share:.0%} of the measurement"


def _waited(sample: Sample, part: str, resource: str) -> float | None:
    stalled = [getattr(step.readings[part], f"{resource}_stalled_ns") for step in sample.steps if part in step.readings]
    if None in stalled or not sample.window_s:
        return None
    return math.fsum(stalled) / 1e9 / sample.window_s
