# SPDX-License-Identifier: Apache-2.0
"""Meters of energy beside the parts of a measurement: which are read, and what each part is given of them.

A meter that a part has to itself is that part's energy. The meter of a whole machine is shared out by CPU time, idle energy apart
unless it is declared otherwise. Energy at the boundary ``device`` belongs to what stands for the visitor's device, energy at the
boundaries ``it`` and ``facility`` to servers: the joules of the one say nothing of the other.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, Final

from lichen.collect.base import Sample, StepReading
from lichen.collect.counters import Counter
from lichen.collect.entities import parse_entity
from lichen.collect.machine.endpoint import Address, token_of
from lichen.collect.machine.host import Finding
from lichen.collect.machine.meters.allocation import Allocation, allocate
from lichen.collect.machine.meters.base import JOULES_PER_UNIT, MachineCpu, MeterCounter
from lichen.collect.machine.meters.nvml import Nvml
from lichen.collect.machine.meters.plain import Display, FileDisplay, HttpDisplay, PlainSource
from lichen.collect.machine.meters.rapl import Rapl
from lichen.collect.machine.prometheus.client import address_of
from lichen.collect.machine.prometheus.counter import QueryCounter
from lichen.collect.machine.series_counter import SeriesCounter
from lichen.collect.rows import JourneySamples, mean_of_kept
from lichen.config import Meter, Settings
from lichen.errors import LichenError
from lichen.records import Activity, DataMethod

MACHINE: Final = "#machine"
_METER: Final = "#meter "
"""What the machine and its meters are called at an edge: names that no part can have."""
_COMPONENTS: Final = frozenset({"rapl", "nvml"})
"""Meters of a component of a machine. They are added to each other, and stand back where the whole is metered."""
_J_PER_KWH: Final = JOULES_PER_UNIT["kWh"]
_UNOBSERVED_S: Final = 1.0
"""Part of a dwell that is worth a sentence."""
_TIERS: Final = {"device": "device", "it": "server", "facility": "server"}


def is_part(name: str) -> bool:
    """Whether what is called so at an edge is a part, and not a meter."""
    return name != MACHINE and not name.startswith(_METER)


def meter_counters(settings: Settings) -> dict[str, Counter]:
    """New counters of the declared meters, to be read at the same edges as the parts.

    Raises:
        ConfigError: a meter's address or token cannot be used.
    """
    found: dict[str, Counter] = {_METER + meter.name: _counter(meter, settings) for meter in settings.meters}
    if any(not meter.covers for meter in settings.meters):
        found[MACHINE] = MachineCpu()
    return found


def probe_meters(settings: Settings) -> list[Finding]:
    """Whether each declared meter can be read, and what it says of itself. Each is read once."""
    found = []
    for meter in settings.meters:
        topic = f"meter {meter.name}"
        try:
            counter = _counter(meter, settings)
            try:
                counter.start()
                what = " ".join([f"{meter.kind} can be read.", *counter.notes()])
                found.append(Finding(topic=topic, ok=True, what=what))
            finally:
                counter.close()
        except LichenError as error:
            found.append(Finding(topic=topic, ok=False, what=error.problem, repair=error.repair))
    return found


def _counter(meter: Meter, settings: Settings) -> Counter:
    what = f"The meter '{meter.name}'"
    if meter.kind == "rapl":
        return MeterCounter(Rapl())
    if meter.kind == "nvml":
        return MeterCounter(Nvml())
    if meter.query is not None:
        expression = meter.query if meter.unit != "Wh" else f"({meter.query}) * {JOULES_PER_UNIT['Wh']:g}"
        quantity = "energy_kwh" if meter.unit == "kWh" else "energy_joules"
        server = settings.prometheus
        return QueryCounter(what, address_of(server), {quantity: expression}, wait_s=server.wait_s)
    if meter.url is not None:
        address = Address(url=meter.url, token=token_of(meter.token_env, setting="meter.token_env"))
        display: Display = HttpDisplay(what, address)
    else:
        assert meter.path is not None  # noqa: S101 - settings refuse a meter without its place; tells mypy
        display = FileDisplay(meter.path)
    return SeriesCounter(what, PlainSource(what, display, unit=meter.unit, path=meter.json or ""))


def energy_rows(rows: Sequence[Activity], run: JourneySamples, meters: Sequence[Meter]) -> list[Activity]:
    """A row of energy for each part and step that a meter tells of, one a boundary.

    Args:
        rows: of the journey; energy gets the attributes that CPU time has.
        run: its samples.
        meters: that were read.
    """
    found = []
    for row in rows:
        entity = parse_entity(row.entity)
        if row.quantity != "cpu_time" or entity is None:
            continue
        told: dict[str, DataMethod] = {}
        for boundary, tier in _TIERS.items():
            serving = _serving(entity.part, boundary, meters, run) if row.attribute("tier") == tier else []
            samples = tuple(_of_part(sample, entity.step, entity.part, serving, run) for sample in run.samples)
            if serving:
                told[boundary] = "metered" if all(m.covers == (entity.part,) for m in serving) else "allocated"
            elif boundary == "it" and any(_own_j(sample, entity.step, entity.part) for sample in run.samples):
                samples = tuple(_own_j(sample, entity.step, entity.part) for sample in run.samples)
                told[boundary] = "allocated"
            if boundary in told:
                found.append(_row(row, boundary, samples, told[boundary], run))
    return found


def _row(
    row: Activity, boundary: str, joules: tuple[float | None, ...], method: DataMethod, run: JourneySamples
) -> Activity:
    samples = tuple(None if value is None else value / _J_PER_KWH for value in joules)
    return replace(
        row,
        quantity="energy",
        unit="kWh",
        value=mean_of_kept(samples, run.kept),
        samples=samples,
        method=method,
        attributes={**row.attributes, "boundary": boundary},
    )


def _serving(part: str, boundary: str, meters: Sequence[Meter], run: JourneySamples) -> list[Meter]:
    """The meters that tell a part's energy at a boundary."""
    found = [
        meter
        for meter in meters
        if meter.boundary == boundary and (part in meter.covers or (not meter.covers and _is_here(part, run)))
    ]
    whole = [meter for meter in found if meter.kind not in _COMPONENTS]
    return whole or found


def _is_here(part: str, run: JourneySamples) -> bool:
    """Whether a part ran on this machine in every sample."""
    return all(sample.machine is not None and part in sample.machine.parts for sample in run.samples)


def _of_part(sample: Sample, step: str, part: str, serving: Sequence[Meter], run: JourneySamples) -> float | None:
    """Energy of a part in a step of one sample [J]; None when one of its meters does not tell it."""
    values = [
        _share(reading, part, meter, sample, run)
        for reading in sample.steps
        if reading.name == step
        for meter in serving
    ]
    known = [value for value in values if value is not None]
    return math.fsum(known) if known and len(known) == len(values) else None


def _share(step: StepReading, part: str, meter: Meter, sample: Sample, run: JourneySamples) -> float | None:
    reading = step.readings.get(_METER + meter.name)
    if reading is None or reading.energy_j is None:
        return None
    # What comes between steps is a difference of differences, and may fall below zero by a rounding error.
    energy_j = max(0.0, reading.energy_j)
    if meter.covers:
        return _among(energy_j, part, {name: _cpu_ns(step, name) for name in meter.covers})
    if meter.kind == "nvml":
        users = [name for name, place in run.places.items() if place.tier == _TIERS[meter.boundary]]
        return energy_j if users == [part] else None
    shared = _shared_out(step, energy_j, meter, sample, run)
    return None if shared is None else shared.parts.get(part)


def _among(energy_j: float, part: str, cpu_ns: dict[str, int | None]) -> float | None:
    """The share of one of the parts that have a meter to themselves."""
    if len(cpu_ns) == 1:
        return energy_j
    known = [used for used in cpu_ns.values() if used is not None]
    own = cpu_ns[part]
    if own is None or len(known) < len(cpu_ns) or sum(known) == 0:
        return None
    return energy_j * own / sum(known)


def _shared_out(
    step: StepReading, energy_j: float, meter: Meter, sample: Sample, run: JourneySamples
) -> Allocation | None:
    """The energy of the machine in a step, by CPU time; None when the machine's is not known."""
    machine = step.readings.get(MACHINE)
    if machine is None or machine.cpu_ns is None or sample.machine is None:
        return None
    here = {name: _cpu_ns(step, name) for name in run.places if name in sample.machine.parts}
    shared = allocate(
        energy_j,
        parts_cpu_ns=here,
        busy_ns=machine.cpu_ns,
        total_ns=round(machine.alive * step.observed_s * 1e9),
        idle=meter.idle,
    )
    return _with_idle(shared, run) if meter.boundary == "device" else shared


def _with_idle(shared: Allocation, run: JourneySamples) -> Allocation:
    """A person's device is on for the visit: what it draws when it rests is the visit's, as its screen is."""
    users = [name for name in shared.parts if run.places[name].tier == _TIERS["device"]]
    own_j = shared.parts[users[0]] if len(users) == 1 else None
    if own_j is None:
        return shared
    return replace(shared, parts={**shared.parts, users[0]: own_j + shared.idle_j}, idle_j=0.0)


def _cpu_ns(step: StepReading, part: str) -> int | None:
    reading = step.readings.get(part)
    return None if reading is None else reading.cpu_ns


def _own_j(sample: Sample, step: str, part: str) -> float | None:
    """Energy that a part's own counter tells, as a query of it does."""
    values = [
        reading.readings[part].energy_j for reading in sample.steps if reading.name == step and part in reading.readings
    ]
    known = [value for value in values if value is not None]
    return math.fsum(known) if known and len(known) == len(values) else None


def energy_notes(run: JourneySamples, meters: Sequence[Meter]) -> list[str]:
    """What a reader should know of metered devices: a meter sees the pace of automation, not that of a person."""
    paced_s = math.fsum(step.paced_s - step.observed_s for sample in run.samples for step in sample.steps if step.name)
    missed_s = paced_s / max(1, len(run.samples))
    if missed_s < _UNOBSERVED_S:
        return []
    return [
        f"the meter '{meter.name}' counts the time that was observed: the {missed_s:.0f} s of dwell beyond it have no energy of "
        "the device"
        for meter in meters
        if meter.boundary == "device"
    ]


def energy_record(run: JourneySamples, meters: Sequence[Meter]) -> list[dict[str, Any]]:
    """Where the energy of each machine's meter went, mean of the kept samples: what the parts have, others and nobody."""
    return [record for meter in meters if not meter.covers and meter.kind != "nvml" for record in _record(run, meter)]


def _record(run: JourneySamples, meter: Meter) -> Iterator[dict[str, Any]]:
    shares: list[Allocation] = []
    total_j = 0.0
    for sample in (run.samples[i] for i in run.kept):
        for step in sample.steps:
            reading = step.readings.get(_METER + meter.name)
            if reading is None or reading.energy_j is None:
                return
            found = _shared_out(step, max(0.0, reading.energy_j), meter, sample, run)
            if found is None:
                return
            total_j += max(0.0, reading.energy_j)
            shares.append(found)
    per_sample = _J_PER_KWH * len(run.kept)
    names = dict.fromkeys(name for share in shares for name in share.parts)
    yield {
        "meter": meter.name,
        "boundary": meter.boundary,
        "idle_rule": meter.idle,
        "total_kwh": total_j / per_sample,
        "parts_kwh": {name: math.fsum(share.parts.get(name) or 0.0 for share in shares) / per_sample for name in names},
        "other_kwh": math.fsum(share.other_j for share in shares) / per_sample,
        "idle_kwh": math.fsum(share.idle_j for share in shares) / per_sample,
    }
