# SPDX-License-Identifier: Apache-2.0
"""From measured journeys and commands to the content of a run file."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, Protocol

from lichen import __version__, redact
from lichen.collect.balance import Balance
from lichen.collect.base import Sample
from lichen.collect.entities import BROWSER, segment
from lichen.collect.rows import JourneySamples, PartPlace, activities, mean_of_kept
from lichen.collect.survey import Survey
from lichen.config import Meter
from lichen.ledger import runfile
from lichen.nomenclature import Nomenclature
from lichen.records import Activity, writable
from lichen.service.metering import energy_notes, energy_record, energy_rows
from lichen.service.quality import notes_of, said_once
from lichen.service.result import PrecisionStatus
from lichen.stats.sampling import Precision, SamplingPlan, precision

NANO: Final = 1e9


class Subject(Protocol):
    """What was repeated: a journey, or a command."""

    @property
    def name(self) -> str:
        """Booked in the entity's path."""
        ...

    @property
    def source(self) -> str:
        """File, address or command line, secrets masked."""
        ...

    @property
    def source_hash(self) -> str:
        """Identity of the source."""
        ...

    @property
    def base_url(self) -> str | None:
        """What its relative addresses refer to."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One journey or command after its last sample.

    Attributes:
        units: functional units done in each sample, such as images; one in each when empty.
        notes: sentences for its record, besides those of its samples.
        record: further keys of its record in the run file.
        survey: what a look into the warm-up found; None where none was taken.
    """

    journey: Subject
    plan: SamplingPlan
    discarded: int
    samples: tuple[Sample, ...]
    primary_s: tuple[float, ...]
    elapsed_s: float
    units: tuple[float, ...] = ()
    notes: tuple[str, ...] = ()
    record: Mapping[str, Any] = field(default_factory=dict)
    survey: Survey | None = None

    @property
    def precision(self) -> Precision:
        """Of the primary metric."""
        return precision(self.primary_s)

    @property
    def status(self) -> PrecisionStatus:
        """Whether the target was reached."""
        if len(self.primary_s) == 1:
            return "single"
        if self.plan.target is None:
            return "fixed"
        return "reached" if self.precision.relative <= self.plan.target else "low_precision"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFacts:
    """What all journeys of a run share.

    Attributes:
        places: where the browser and each part run, by name.
        host, browser, settings: fingerprints; two runs compare only when they are equal.
        meters: of energy, that were read.
    """

    project: str
    functional_unit: str
    method: Mapping[str, str]
    places: Mapping[str, PartPlace]
    host: Mapping[str, Any]
    browser: Mapping[str, Any]
    settings: Mapping[str, Any]
    context: Mapping[str, Any]
    meters: tuple[Meter, ...] = ()


def rows_of(facts: RunFacts, measured: Measured, nomenclature: Nomenclature) -> list[Activity]:
    """Activity rows of a journey."""
    run = _samples_of(facts, measured)
    rows = activities(run, nomenclature)
    rows += energy_rows(rows, run, facts.meters)
    return rows if not measured.units else [_per_unit(row, measured, nomenclature) for row in rows]


def _samples_of(facts: RunFacts, measured: Measured) -> JourneySamples:
    return JourneySamples(
        project=segment(facts.project),
        journey=segment(measured.journey.name),
        functional_unit=facts.functional_unit,
        samples=measured.samples,
        kept=measured.precision.kept,
        places=facts.places,
        cpu_count=int(facts.host["cpu_count"]),
    )


def _per_unit(row: Activity, measured: Measured, nomenclature: Nomenclature) -> Activity:
    """A row of whole samples as a row of one functional unit: what adds up is divided, a peak stays what it is."""
    if not nomenclature.quantity(row.quantity).additive:
        mean_units = math.fsum(measured.units) / len(measured.units)
        duration_s = row.attribute("duration_s")
        if not isinstance(duration_s, float):
            return row
        return replace(row, attributes={**row.attributes, "duration_s": duration_s / mean_units})
    samples = tuple(
        None if value is None else value / units for value, units in zip(row.samples, measured.units, strict=True)
    )
    return replace(row, value=mean_of_kept(samples, measured.precision.kept), samples=samples)


def run_content(
    facts: RunFacts, started_at: str, ended_at: str, measured: Sequence[Measured], nomenclature: Nomenclature
) -> dict[str, Any]:
    """The content of the run file: see ``docs/run-file.md``."""
    about = {
        "schema": runfile.SCHEMA,
        "lichen_version": __version__,
        "project": facts.project,
        "started_at": started_at,
        "ended_at": ended_at,
        "host": dict(facts.host),
        "browser": redact.tree(facts.browser),
        "settings": redact.tree(facts.settings),
        "method": dict(facts.method),
        "context": {"parts": len(facts.places), "functional_unit": facts.functional_unit, **facts.context},
        "journeys": [_journey_record(facts, one) for one in measured],
    }
    rows = [row.to_json() for one in measured for row in rows_of(facts, one, nomenclature)]
    return {**_writable(about), "activities": rows}


def _writable(value: Any) -> Any:
    """A JSON value whose texts a file can hold."""
    if isinstance(value, str):
        return writable(value)
    if isinstance(value, Mapping):
        return {_writable(key): _writable(item) for key, item in value.items()}
    return [_writable(item) for item in value] if isinstance(value, list | tuple) else value


def request_rows(sample: Sample) -> list[dict[str, Any]]:
    """Requests of one sample, equal ones of a step counted together; secrets in their addresses are masked first."""
    merged: dict[tuple[Any, ...], dict[str, Any]] = {}
    for request in sample.requests:
        known = request.received_bytes is not None and request.sent_bytes is not None
        total = (request.received_bytes or 0) + (request.sent_bytes or 0) if known else None
        url = redact.text(request.url)
        key = (request.step, url, request.kind, request.status, total is None)
        row = merged.setdefault(
            key,
            {
                "step": request.step, "url": url, "host": request.host, "party": request.party, "kind": request.kind,
                "status": request.status, "count": 0, "network_bytes": None if total is None else 0,
            },
        )  # fmt: skip
        row["count"] += 1
        if total is not None:
            row["network_bytes"] += total
    return sorted(merged.values(), key=lambda row: (-(row["network_bytes"] or 0), row["url"], row["step"]))


def _journey_record(facts: RunFacts, measured: Measured) -> dict[str, Any]:
    reached = measured.precision
    middle = sorted(range(len(measured.primary_s)), key=measured.primary_s.__getitem__)[len(measured.primary_s) // 2]
    kept = [measured.samples[i] for i in reached.kept]
    return {
        "name": segment(measured.journey.name),
        "source": redact.text(measured.journey.source),
        "source_sha256": measured.journey.source_hash,
        "base_url": None if measured.journey.base_url is None else redact.text(measured.journey.base_url),
        "functional_unit": facts.functional_unit,
        "sampling": {
            "taken": len(measured.samples),
            "discarded": measured.discarded,
            "primary_s": list(measured.primary_s),
            "kept": list(reached.kept),
            "precision": reached.relative if math.isfinite(reached.relative) else None,
            "target": measured.plan.target,
            "cv": reached.cv,
            "status": measured.status,
        },
        "samples": [sample_record(sample, measured.primary_s[i]) for i, sample in enumerate(measured.samples)],
        "requests_of_sample": middle,
        "requests": request_rows(measured.samples[middle]),
        "agent_cpu_s": math.fsum(sample.agent_cpu_ns for sample in kept) / len(kept) / NANO,
        "driver_cpu_s": math.fsum(sample.driver_cpu_ns for sample in kept) / len(kept) / NANO,
        "notes": list(
            said_once(
                [
                    *(redact.text(note) for one in measured.samples for note in one.notes),
                    *(redact.text(note) for note in measured.notes),
                    *notes_of(kept),
                    *energy_notes(_samples_of(facts, measured), facts.meters),
                ],
            )
        ),
        **_unknown(kept),
        **({"survey": redact.tree(measured.survey.to_json())} if measured.survey is not None else {}),
        **({"energy": energy_record(_samples_of(facts, measured), facts.meters)} if facts.meters else {}),
        **measured.record,
    }


def _unknown(samples: Sequence[Sample]) -> dict[str, Any]:
    """Why quantities are unknown that are often known; the browser's bytes are what it accounts for itself."""
    gaps = {part: cause for sample in samples for part, cause in sample.network_gaps.items() if part != BROWSER}
    rows = [{"part": part, "quantity": "network_bytes", "cause": cause} for part, cause in gaps.items()]
    return {"unknown": rows} if rows else {}


def sample_record(sample: Sample, primary_s: float) -> dict[str, Any]:
    """Circumstances of one sample: times, CPU of Lichen itself, where the machine's CPU time went."""
    return {
        "index": sample.index,
        "started_at": sample.started_at,
        "window_s": sample.window_s,
        "settle_s": sample.settle_s,
        "primary_s": primary_s,
        "edge_spread_s": sample.edge_spread_ns / NANO,
        "agent_cpu_s": sample.agent_cpu_ns / NANO,
        "driver_cpu_s": sample.driver_cpu_ns / NANO,
        "machine": None if sample.machine is None else _machine_record(sample.machine),
        "resting_cpu_share": [
            [step.name, step.resting_cpu_ns / NANO / step.resting_s]
            for step in sample.steps
            if step.resting_s and step.resting_cpu_ns is not None
        ],
    }


def _machine_record(found: Balance) -> dict[str, float]:
    """CPU seconds of the machine in the window; the four others add up to the total."""
    return {
        "total_cpu_s": found.total_ns / NANO,
        "attributed_cpu_s": found.attributed_ns / NANO,
        "unattributed_cpu_s": found.unattributed_ns / NANO,
        "stolen_cpu_s": found.stolen_ns / NANO,
        "idle_cpu_s": found.idle_ns / NANO,
    }
