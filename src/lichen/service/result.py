# SPDX-License-Identifier: Apache-2.0
"""What a measurement says, ready to be shown: the tree of figures that the terminal, the report and ``--json`` render."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from lichen.service.comparison import Comparison
from lichen.service.composition import Composition
from lichen.service.sci import Sci

Kind = Literal["journey", "command"]

PrecisionStatus = Literal["reached", "low_precision", "fixed", "single"]
"""``reached`` the target, ``low_precision`` stopped before it, ``fixed`` number asked for, ``single`` sample."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Counter:
    """A physical quantity of a journey, a part or a step.

    Attributes:
        value: mean of the kept samples; None when unknown.
        half_width: half of the 95 % interval of that mean; None when unknown, 0 when all samples agree.
        exact: all samples have the same value.
    """

    quantity: str
    value: float | None
    unit: str
    half_width: float | None = None
    exact: bool = False

    def times(self, count: float) -> Counter:
        """The quantity of ``count`` such things."""
        return replace(self, value=_times(self.value, count), half_width=_times(self.half_width, count))

    def to_json(self) -> dict[str, Any]:
        """As ``--json`` prints it."""
        return {"value": self.value, "unit": self.unit, "half_width": self.half_width, "exact": self.exact}


@dataclass(frozen=True, slots=True, kw_only=True)
class Indicator:
    """An indicator of a journey, a part or a step, with its two intervals kept apart.

    Attributes:
        low, high: 90 % range of the model (factors).
        half_width: half of the 95 % interval from repeating the measurement; None with one sample.
        use, embodied: the two phases; they sum to ``value``.
        shares: share of the value by data method (measured, metered, allocated, modelled, proxy).
        impact_ids: rows that ``lichen explain`` opens.
    """

    indicator: str
    value: float
    low: float
    high: float
    unit: str
    use: float
    embodied: float
    half_width: float | None
    shares: Mapping[str, float]
    impact_ids: tuple[str, ...]

    def times(self, count: float) -> Indicator:
        """The indicator of ``count`` such things."""
        return replace(
            self,
            value=self.value * count, low=self.low * count, high=self.high * count,
            use=self.use * count, embodied=self.embodied * count, half_width=_times(self.half_width, count),
        )  # fmt: skip

    def to_json(self) -> dict[str, Any]:
        """As ``--json`` prints it."""
        return {
            "value": self.value,
            "low": self.low,
            "high": self.high,
            "unit": self.unit,
            "use": self.use,
            "embodied": self.embodied,
            "half_width": self.half_width,
            "shares": dict(self.shares),
            "impact_ids": list(self.impact_ids),
        }


def _times(value: float | None, count: float) -> float | None:
    return None if value is None else value * count


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """Counters and indicators of one thing. An indicator that nothing covers is absent, never zero."""

    counters: Mapping[str, Counter]
    indicators: Mapping[str, Indicator]

    def to_json(self) -> dict[str, Any]:
        """As ``--json`` prints it."""
        return {
            "counters": {name: counter.to_json() for name, counter in self.counters.items()},
            "indicators": {name: indicator.to_json() for name, indicator in self.indicators.items()},
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class PartResult:
    """One part (the browser, a server part) of a journey or of one of its steps. ``tier``: device, network or server."""

    name: str
    tier: str
    figures: Figures

    def to_json(self) -> dict[str, Any]:
        """As ``--json`` prints it."""
        return {"name": self.name, "tier": self.tier, **self.figures.to_json()}


@dataclass(frozen=True, slots=True, kw_only=True)
class StepResult:
    """One step of a journey; ``name`` is empty for the time between steps."""

    name: str
    figures: Figures
    parts: tuple[PartResult, ...]

    def to_json(self) -> dict[str, Any]:
        """As ``--json`` prints it."""
        return {"name": self.name, **self.figures.to_json(), "parts": [part.to_json() for part in self.parts]}


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestRow:
    """The requests for one address, largest first. ``step`` is the first that made one."""

    url: str
    host: str
    party: str
    kind: str
    step: str
    network_bytes: int | None
    count: int

    def to_json(self) -> dict[str, Any]:
        """As ``--json`` prints it."""
        return {
            "url": self.url, "host": self.host, "party": self.party, "kind": self.kind, "step": self.step,
            "network_bytes": self.network_bytes, "count": self.count,
        }  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampling:
    """How often a journey was run and how precise that made it.

    Attributes:
        primary_s: browser + server CPU seconds of the whole journey in each counted sample.
        kept: positions in ``primary_s`` that survive the 20 % trimming.
        precision: 95 % half-width of the trimmed mean of ``primary_s``, relative; None with one sample.
        target: relative half-width aimed at; None when the number of samples was fixed.
        cv: coefficient of variation of ``primary_s``.
    """

    taken: int
    discarded: int
    primary_s: tuple[float, ...]
    kept: tuple[int, ...]
    precision: float | None
    target: float | None
    cv: float | None
    status: PrecisionStatus

    def to_json(self) -> dict[str, Any]:
        """As ``--json`` prints it."""
        return {
            "taken": self.taken, "discarded": self.discarded, "primary_s": list(self.primary_s), "kept": list(self.kept),
            "precision": self.precision, "target": self.target, "cv": self.cv, "status": self.status,
        }  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class JourneyResult:
    """One journey: totals, parts, steps, requests, and how precise they are. The rows of steps and of parts sum to the total.

    Attributes:
        not_covered: what could not be turned into impacts in this run, a coverage gap: part, quantity, reason (in English),
            and the reason's code with its arguments (`lichen.model.reasons`) for other languages.
        by_design: the same for what the method counts without converting; no gap.
        kind: a journey through pages, or a command.
        units: functional units that one run does; the figures are of one unit.
        whole: the figures of the whole run; None where it does one unit.
        composition: the climate figure by cause; None when there is none.
        sci: Software Carbon Intensity per functional unit; None where the method gives none.
        comparison: the climate figure beside those of other methods; None when no other gives one.
    """

    name: str
    source: str
    functional_unit: str
    sampling: Sampling
    figures: Figures
    parts: tuple[PartResult, ...]
    steps: tuple[StepResult, ...]
    top_requests: tuple[RequestRow, ...]
    third_party_bytes: int | None
    not_covered: tuple[Mapping[str, Any], ...]
    by_design: tuple[Mapping[str, Any], ...] = ()
    notes: tuple[str, ...] = ()
    agent_cpu_s: float | None = None
    driver_cpu_s: float | None = None
    kind: Kind = "journey"
    units: float = 1.0
    whole: Figures | None = None
    composition: Composition | None = None
    comparison: Comparison | None = None
    sci: Sci | None = None

    def to_json(self) -> dict[str, Any]:
        """As ``--json`` prints it."""
        return {
            "name": self.name, "source": self.source, "functional_unit": self.functional_unit,
            "sampling": self.sampling.to_json(), **self.figures.to_json(),
            "parts": [part.to_json() for part in self.parts], "steps": [step.to_json() for step in self.steps],
            "top_requests": [row.to_json() for row in self.top_requests], "third_party_bytes": self.third_party_bytes,
            "not_covered": [dict(row) for row in self.not_covered],
            "by_design": [dict(row) for row in self.by_design], "notes": list(self.notes),
            "agent_cpu_s": self.agent_cpu_s, "driver_cpu_s": self.driver_cpu_s, "kind": self.kind, "units": self.units,
            "whole": None if self.whole is None else self.whole.to_json(),
            "composition": None if self.composition is None else self.composition.to_json(),
            "sci": None if self.sci is None else self.sci.to_json(),
            "comparison": None if self.comparison is None else self.comparison.to_json(),
        }  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """A run seen through one method.

    Attributes:
        run_id: hash of the run file; run_path: where it lies.
        method: id, version, title (en, fr), factors_hash.
        context: zone, device, network and other facts that the method was given.
        fallbacks: sentences about factors that another place stood in for.
        run_name: what ``lichen explain --run`` takes for this run: the beginning of its id, or its path.
        restatement: of the newest restatement when the run is seen through it: when and why it was made, and what each journey
            said when it was measured; None without one.
        named_methods: methods to compare with that the user named; empty where Lichen chose them.
    """

    run_id: str
    run_path: str
    project: str
    started_at: str
    ended_at: str
    lichen_version: str
    host: Mapping[str, Any]
    browser: Mapping[str, Any]
    settings: Mapping[str, Any]
    method: Mapping[str, Any]
    context: Mapping[str, Any]
    journeys: tuple[JourneyResult, ...]
    fallbacks: tuple[str, ...] = ()
    run_name: str = ""
    restatement: Mapping[str, Any] | None = None
    named_methods: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The document that ``lichen measure`` and ``lichen run`` print with ``--json``."""
        return {
            "schema": "lichen-result/1",
            "run_id": self.run_id,
            "run_path": self.run_path,
            "project": self.project,
            "started_at": self.started_at,
            "ended_at": self.ended_at,
            "lichen_version": self.lichen_version,
            "host": dict(self.host),
            "browser": dict(self.browser),
            "settings": dict(self.settings),
            "method": dict(self.method),
            "context": dict(self.context),
            "journeys": [journey.to_json() for journey in self.journeys],
            "fallbacks": list(self.fallbacks),
            "restatement": None if self.restatement is None else dict(self.restatement),
        }
