# SPDX-License-Identifier: Apache-2.0
"""Measures journeys: starts the parts, repeats each journey until it is precise enough, writes one run file."""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from lichen import __version__
from lichen.collect.base import Sample
from lichen.collect.journeys import BrowserInfo, BrowserSettings, Journey, Throttling, driver_session, find_browser, load_journey, run_sample
from lichen.collect.machine import Part, PartSpec, TreeMeter, describe_host, start_parts
from lichen.config import Settings
from lichen.errors import ConfigError
from lichen.ledger import runfile
from lichen.records import DATA_METHODS
from lichen.service import samples as journey_samples
from lichen.service.entities import BROWSER, segment
from lichen.service.progress import Progress, Silent
from lichen.service.result import PrecisionStatus, Result
from lichen.service.summary import summarise
from lichen.service.workspace import Workspace
from lichen.stats.sampling import Precision, SamplingPlan, precision

NANO: Final = 1e9
SECONDS_PER_MINUTE: Final = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One journey after its last sample."""

    journey: Journey
    plan: SamplingPlan
    discarded: int
    samples: tuple[Sample, ...]
    primary_s: tuple[float, ...]
    elapsed_s: float

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


def now() -> str:
    """UTC, to the millisecond."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def sampling_plan(settings: Settings, *, shared_host: bool) -> SamplingPlan:
    """The plan that the settings ask for; on a host graded shared the target is the wider one."""
    measure = settings.measure
    if measure.samples != "auto":
        count = int(measure.samples)
        return SamplingPlan(minimum=count, maximum=count, target=None, max_s=math.inf)
    return SamplingPlan(
        minimum=measure.min_samples,
        maximum=measure.max_samples,
        target=measure.precision_shared if shared_host else measure.precision,
        max_s=measure.max_minutes * SECONDS_PER_MINUTE,
    )


def browser_settings(settings: Settings) -> BrowserSettings:
    """The browser's set-up from lichen.toml."""
    browser, measure = settings.browser, settings.measure
    throttled = (browser.download_kbps, browser.upload_kbps, browser.latency_ms, browser.cpu_slowdown)
    throttling = None
    if any(value is not None for value in throttled):
        throttling = Throttling(
            download_kbit_s=browser.download_kbps,
            upload_kbit_s=browser.upload_kbps,
            latency_ms=browser.latency_ms or 0.0,
            cpu_rate=browser.cpu_slowdown or 1.0,
        )
    return BrowserSettings(
        viewport=(browser.viewport.width, browser.viewport.height),
        device_scale_factor=browser.device_scale_factor,
        locale=browser.locale,
        time_zone=browser.time_zone,
        color_scheme=browser.color_scheme,
        reduced_motion=browser.reduced_motion,
        throttling=throttling,
        cache=browser.cache,
        rest_s=measure.rest_s,
        settle_s=measure.settle_max_s,
        timeout_s=measure.action_timeout_s,
        journey_timeout_s=measure.journey_timeout_s,
        ignore_https_errors=browser.ignore_https_errors,
        block_third_party=browser.block_third_party,
        extra_args=tuple(browser.args),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class JourneyPlan:
    """A journey to measure, before its parts are known to be up: ``base_url`` may name a part, ``{portal.url}``."""

    name: str | None
    source: str
    base_url: str | None


def plan_journeys(settings: Settings, asked: Sequence[str]) -> list[JourneyPlan]:
    """What to measure: names of lichen.toml, files or addresses; all of lichen.toml when nothing is asked.

    Raises:
        ConfigError: there is nothing to measure, or a word is neither.
    """
    declared = {entry.name: entry for entry in settings.journeys}
    if not asked and not declared:
        raise ConfigError(
            "There is no journey to measure.",
            repair="Give an address (lichen measure https://...), or declare a [[journey]] in lichen.toml (lichen init writes one).",
            culprit="journey",
        )
    plans = []
    for word in asked or declared:
        entry = declared.get(word)
        if entry is not None:
            plans.append(JourneyPlan(name=entry.name, source=entry.url or str(entry.file), base_url=entry.base_url))
        elif word.startswith(("http://", "https://")) or word.endswith(".py") or "{" in word:
            plans.append(JourneyPlan(name=None, source=word, base_url=None))
        else:
            known = f"Declared: {', '.join(declared)}." if declared else "lichen.toml declares none."
            raise ConfigError(
                f"'{word}' is neither a declared journey, nor a .py file, nor an address.",
                repair=f"{known} An address starts with http:// or https://.",
                culprit=word,
            )
    return plans


def part_specs(settings: Settings) -> list[PartSpec]:
    """The server parts declared in lichen.toml."""
    return [
        PartSpec(
            name=part.name,
            command=part.command,
            port=part.port,
            pid=part.pid,
            cwd=part.cwd or settings.folder,
            env=dict(part.env),
            ready=part.ready,
            ready_timeout_s=part.ready_timeout_s,
            reset=part.reset,
            zone=part.zone,
        )
        for part in settings.parts
    ]


class _Run:
    """One `measure`: the parts and the browser that all its journeys share."""

    def __init__(self, workspace: Workspace, parts: Mapping[str, Part], progress: Progress) -> None:
        self.settings = workspace.settings
        self.workspace = workspace
        self.parts = parts
        self.progress = progress
        self.host = describe_host()
        self.browser: BrowserInfo = find_browser(self.settings.measure.profile, self.settings.browser.executable)
        self.browser_settings = browser_settings(self.settings)
        self.artefacts = Path(self.settings.output.runs) / "screenshots"

    def load(self, plan: JourneyPlan) -> Journey:
        """The journey, with the addresses of parts filled in."""
        return load_journey(self._filled(plan.source), name=plan.name, base_url=self._filled(plan.base_url))

    def _filled(self, text: str | None) -> Any:
        for name, part in self.parts.items():
            if text is not None and part.url:
                text = text.replace(f"{{{name}.url}}", part.url)
        return text

    def sample(self, journey: Journey, index: int) -> Sample:
        """One repetition, on parts that were reset."""
        for part in self.parts.values():
            part.check()
            part.reset()
        sample = run_sample(
            journey,
            browser=self.browser,
            settings=self.browser_settings,
            meter_factory=TreeMeter,
            parts={name: part.pid for name, part in self.parts.items()},
            index=index,
            artefacts=self.artefacts,
        )
        for part in self.parts.values():
            part.check()
        return sample

    def journey(self, journey: Journey) -> Measured:
        """Repeats a journey until it is precise enough, or as often as asked."""
        plan = sampling_plan(self.settings, shared_host=bool(self.host.get("shared")))
        names = (BROWSER, *self.parts)
        for index in range(self.settings.measure.discard):
            self.sample(journey, -1 - index)
        taken: list[Sample] = []
        primary: list[float] = []
        began = time.monotonic()
        longest_s = 0.0
        while not plan.enough(primary, time.monotonic() - began, longest_s):
            start = time.monotonic()
            taken.append(self.sample(journey, len(taken)))
            longest_s = max(longest_s, time.monotonic() - start)
            primary.append(journey_samples.primary_s(taken[-1], names))
            reached = precision(primary).relative if len(primary) > 1 else None
            self.progress.sample(journey.name, len(taken), _expected(plan, primary), reached)
        return Measured(
            journey=journey,
            plan=plan,
            discarded=self.settings.measure.discard,
            samples=tuple(taken),
            primary_s=tuple(primary),
            elapsed_s=time.monotonic() - began,
        )

    def places(self) -> dict[str, journey_samples.PartPlace]:
        """Where browser and parts run."""
        context = self.settings.context
        browser = journey_samples.PartPlace(tier="device", zone=context.zone, device=context.device, network=context.network)
        servers = {
            name: journey_samples.PartPlace(tier="server", zone=part.zone or context.zone) for name, part in self.parts.items()
        }
        return {BROWSER: browser, **servers}

    def rows(self, measured: Measured) -> list[dict[str, Any]]:
        """Activity rows of a journey."""
        methods = [method for sample in measured.samples for method in sample.memory_methods.values()]
        run = journey_samples.JourneySamples(
            project=segment(self.settings.project.name),
            journey=segment(measured.journey.name),
            functional_unit=self.settings.context.functional_unit,
            samples=measured.samples,
            kept=measured.precision.kept,
            places=self.places(),
            cpu_count=int(self.host["cpu_count"]),
            memory_method=max(methods, key=DATA_METHODS.index, default="measured"),
        )
        return [row.to_json() for row in journey_samples.activities(run, self.workspace.nomenclature)]

    def content(self, started_at: str, measured: Sequence[Measured]) -> dict[str, Any]:
        """The run file's content."""
        settings, context = self.settings, self.settings.context
        return {
            "schema": runfile.SCHEMA,
            "lichen_version": __version__,
            "project": settings.project.name,
            "started_at": started_at,
            "ended_at": now(),
            "host": self.host,
            "browser": {"version": self.browser.version, "profile": self.browser.profile},
            "settings": self.browser_settings.fingerprint() | {"discard": settings.measure.discard},
            "method": {"id": settings.method.use},
            "context": {
                "parts": len(self.parts) + 1,
                "zone": context.zone,
                "device": context.device,
                "network": context.network,
                "functional_unit": context.functional_unit,
            },
            "journeys": [_journey_record(one, context.functional_unit) for one in measured],
            "activities": [row for one in measured for row in self.rows(one)],
        }


def _expected(plan: SamplingPlan, primary: Sequence[float]) -> int:
    """How many samples there will probably be: half-widths shrink with the root of the number."""
    if plan.target is None or len(primary) < 2:
        return plan.maximum if plan.target is None else plan.minimum
    needed = math.ceil(len(primary) * (precision(primary).relative / plan.target) ** 2)
    return min(plan.maximum, max(plan.minimum, needed, len(primary)))


def _request_rows(sample: Sample) -> list[dict[str, Any]]:
    """Requests of one sample, equal ones of a step counted together."""
    merged: dict[tuple[Any, ...], dict[str, Any]] = {}
    for request in sample.requests:
        known = request.received_bytes is not None and request.sent_bytes is not None
        total = (request.received_bytes or 0) + (request.sent_bytes or 0) if known else None
        key = (request.step, request.url, request.kind, request.status, total is None)
        row = merged.setdefault(
            key,
            {
                "step": request.step, "url": request.url, "host": request.host, "party": request.party, "kind": request.kind,
                "status": request.status, "count": 0, "network_bytes": None if total is None else 0,
            },
        )  # fmt: skip
        row["count"] += 1
        if total is not None:
            row["network_bytes"] += total
    return sorted(merged.values(), key=lambda row: (-(row["network_bytes"] or 0), row["url"], row["step"]))


def _journey_record(measured: Measured, functional_unit: str) -> dict[str, Any]:
    reached = measured.precision
    middle = sorted(range(len(measured.primary_s)), key=measured.primary_s.__getitem__)[len(measured.primary_s) // 2]
    kept = [measured.samples[i] for i in reached.kept]
    return {
        "name": segment(measured.journey.name),
        "source": measured.journey.source,
        "source_sha256": measured.journey.source_hash,
        "base_url": measured.journey.base_url,
        "functional_unit": functional_unit,
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
        "samples": [_sample_record(sample, measured.primary_s[i]) for i, sample in enumerate(measured.samples)],
        "requests_of_sample": middle,
        "requests": _request_rows(measured.samples[middle]),
        "agent_cpu_s": math.fsum(sample.agent_cpu_ns for sample in kept) / len(kept) / NANO,
        "driver_cpu_s": math.fsum(sample.driver_cpu_ns for sample in kept) / len(kept) / NANO,
        "notes": list(dict.fromkeys(note for sample in measured.samples for note in sample.notes)),
    }


def _sample_record(sample: Sample, primary_s: float) -> dict[str, Any]:
    return {
        "index": sample.index,
        "started_at": sample.started_at,
        "window_s": sample.window_s,
        "settle_s": sample.settle_s,
        "primary_s": primary_s,
        "edge_spread_s": sample.edge_spread_ns / NANO,
        "agent_cpu_s": sample.agent_cpu_ns / NANO,
        "driver_cpu_s": sample.driver_cpu_ns / NANO,
        "machine_busy_share": sample.machine_busy_share,
        "steal_share": sample.steal_share,
        "resting_cpu_share": [
            [step.name, step.resting_cpu_ns / NANO / step.resting_s]
            for step in sample.steps
            if step.resting_s and step.resting_cpu_ns is not None
        ],
    }


def measure(workspace: Workspace, journeys: Sequence[str] = (), progress: Progress | None = None) -> Result:
    """Measures journeys and writes one run file.

    Args:
        workspace: settings and data.
        journeys: names declared in lichen.toml, journey files or addresses; all declared ones when empty.
        progress: told what happens.

    Returns:
        The run seen through the configured method.

    Raises:
        ConfigError, StorageError: before anything is started.
        NothingMeasured: no browser, a part that does not start.
        JourneyFailed: a journey failed; nothing is written.
    """
    listener = progress or Silent()
    settings = workspace.settings
    folder = Path(settings.output.runs)
    plans = plan_journeys(settings, journeys)
    method = workspace.method(settings.method.use)
    runfile.check_folder(folder)
    with contextlib.ExitStack() as stack:
        specs = part_specs(settings)
        if specs:
            listener.phase(f"starting {', '.join(spec.name for spec in specs)}")
        parts = stack.enter_context(start_parts(specs, logs=folder / "logs"))
        stack.enter_context(driver_session())
        run = _Run(workspace, parts, listener)
        loaded = [run.load(plan) for plan in plans]
        _check_names(loaded)
        started_at = now()
        measured = []
        for journey in loaded:
            listener.phase(journey.name)
            measured.append(run.journey(journey))
            listener.done(journey.name)
        content = run.content(started_at, measured) | {"method": {"id": method.method_id, "version": method.version}}
    written = runfile.write(folder, content)
    return summarise(workspace, written)


def _check_names(journeys: Sequence[Journey]) -> None:
    names = [segment(journey.name) for journey in journeys]
    for name in names:
        if names.count(name) > 1:
            raise ConfigError(
                f"Two journeys are called '{name}'.", repair="Name them apart in lichen.toml, or measure them one by one.", culprit=name
            )

