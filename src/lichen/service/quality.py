# SPDX-License-Identifier: Apache-2.0
"""What a reader must know about how a journey was measured: what it forgot to declare, pages that never rest, other work."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Sequence
from statistics import median
from typing import Final

from lichen.collect.base import Sample, StepReading

RESTING_SHARE: Final = 0.05
"""CPU at rest, as a share of one core, above which the part of a dwell that was not observed matters."""
TAIL_S: Final = 0.06
"""CPU time at rest that is no sign of a busy page: a static page with one image leaves 10 to 75 ms of work behind in the
second after it was loaded, whether rest is 0.3 or 5 s, and hardly any after that."""
LONGEST_REST_S: Final = 5
"""Rest to propose: long enough that what a page leaves behind is a hundredth of a core."""
UNOBSERVED_S: Final = 1.0
"""Part of a dwell that is worth a sentence."""
FOREIGN_SHARE: Final = 0.10
"""Share of the machine that other programs may use during a measurement without a word."""
GAP_SHARE: Final = 0.5
"""Share of the bytes that may be moved between steps without a word."""
REFUSED_STATUS: Final = 400
"""First HTTP status that says that there is no such page, or that it is not for this visitor."""
PRESSED_SHARE: Final = 0.10
"""Share of the window in which a part may wait for a resource without a word."""
STOLEN_SHARE: Final = 0.02
"""Share of the machine that a hypervisor may give to others without a word."""
_MEASURED: Final = re.compile(r"\d+(?:\.\d+)?(?:e[+-]?\d+)?(?= (?:ms|J|processes)\b)|(?<=\()\d+(?=\))")
"""A number in a note that another repetition may tell otherwise: with such a unit, or a process id in its brackets."""


def said_once(notes: Iterable[str]) -> tuple[str, ...]:
    """Notes without repetition: of those that differ in a measured number or a process id alone, the one with the largest.

    Each repetition has its own error of an edge or step of a meter; thirty sentences would tell no more than the worst of them.

    >>> said_once(["CPU time is off by 9 ms at most.", "web is away.", "CPU time is off by 12 ms at most."])
    ('CPU time is off by 12 ms at most.', 'web is away.')
    """
    worst: dict[str, str] = {}
    for note in notes:
        key = _MEASURED.sub("#", note)
        worst[key] = max(worst.get(key, note), note, key=lambda said: [float(n) for n in _MEASURED.findall(said)])
    return tuple(worst.values())


def notes_of(samples: Sequence[Sample]) -> tuple[str, ...]:
    """Sentences about the samples of one journey, for its record."""
    return (*_resting(samples), *_load(samples), *_pressed(samples))


def journey_notes(samples: Sequence[Sample]) -> tuple[str, ...]:
    """Sentences about what a journey's file forgot, for its record; a command or a test suite is not asked for it."""
    return (*_without_dwell(samples), *_refused_pages(samples), *_gap(samples))


def _without_dwell(samples: Sequence[Sample]) -> Iterator[str]:
    """Screen time decides most of the figure: seconds of automation must not pass for a person's unnoticed."""
    lasted_s: dict[str, list[float]] = {}
    for sample in samples:
        for step in sample.steps:
            if step.name and step.dwell_s is None:
                lasted_s.setdefault(step.name, []).append(step.observed_s)
    if not lasted_s:
        return
    seconds = {name: math.fsum(values) / len(values) for name, values in lasted_s.items()}
    if all(len(sample.steps) == 1 for sample in samples):  # no time between steps: the journey names none
        (only_s,) = seconds.values()
        yield (
            f"the journey declares no step and no dwell: only the {only_s:.1f} s of the automation count as a person's time; "
            'write with step("name", dwell=seconds)'
        )
        return
    named = ", ".join(f"'{name}' {value:.1f} s" for name, value in seconds.items())
    yield (
        f"no dwell is declared ({named}): only the seconds of the automation count as a person's time; "
        "give each step dwell=seconds"
    )


def _refused_pages(samples: Sequence[Sample]) -> Iterator[str]:
    """Pages that answered with an error, once for each step and status; secrets are masked where notes are recorded."""
    seen: dict[tuple[str, int], str] = {}
    for sample in samples:
        for request in sample.requests:
            if request.top_level and request.status is not None and request.status >= REFUSED_STATUS:
                seen.setdefault((request.step, request.status), request.url)
    for (step, status), url in seen.items():
        where = f"in the step '{step}'" if step else "between steps"
        yield f"{url} answered with status {status} {where}: what was measured is the page of that error"


def _gap(samples: Sequence[Sample]) -> Iterator[str]:
    """Bytes that no step accounts for: a page opened before the first step."""
    total = gap = 0
    for sample in samples:
        for step in sample.steps:
            total += step.network_bytes or 0
            gap += 0 if step.name else step.network_bytes or 0
    if total and gap > GAP_SHARE * total:
        yield (
            f"{gap / total:.0%} of the bytes were moved between steps, where nobody spends time: "
            "put the first page.goto inside the first step"
        )


def _resting(samples: Sequence[Sample]) -> Iterator[str]:
    """Half a second at rest is not extrapolated to a dwell: that would amplify its noise. It is said instead."""
    steps: dict[str, list[StepReading]] = {}
    for sample in samples:
        for step in sample.steps:
            if step.name and step.resting_s > 0 and step.resting_cpu_ns is not None:
                steps.setdefault(step.name, []).append(step)
    busy: list[str] = []
    unobserved_s = longest_s = 0.0
    for name, readings in steps.items():
        count = len(readings)
        used_s = math.fsum((r.resting_cpu_ns or 0) / 1e9 for r in readings)
        rested_s = math.fsum(r.resting_s for r in readings)
        missed_s = math.fsum(r.paced_s - r.observed_s for r in readings) / count
        if used_s - TAIL_S * count > RESTING_SHARE * rested_s and missed_s >= UNOBSERVED_S:
            busy.append(f"'{name}' {used_s / rested_s:.0%}")
            unobserved_s += missed_s
            longest_s = max(longest_s, missed_s)
    if busy:
        yield (
            f"the page stays busy at rest (share of a core: {', '.join(busy)}): the {unobserved_s:.0f} s of dwell that were "
            f"not observed are not charged; measure.rest_s = {min(LONGEST_REST_S, math.ceil(longest_s))} observes more"
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
