# SPDX-License-Identifier: Apache-2.0
"""Measures journeys: starts the parts, repeats each journey until it is precise enough, writes one run file."""

from __future__ import annotations

import contextlib
import math
import os
import re
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Final

from lichen.collect.base import Sample
from lichen.collect.entities import BROWSER, segment
from lichen.collect.journeys import (
    BrowserInfo,
    BrowserSettings,
    Journey,
    Throttling,
    driver_session,
    find_browser,
    load_journey,
    run_sample,
)
from lichen.collect.journeys.rows import PartPlace, primary_s
from lichen.collect.machine import MachineMeter, Part, Parts, describe_host, is_counter, open_part
from lichen.config import Samples, Settings
from lichen.errors import ConfigError, LichenError
from lichen.ledger import runfile
from lichen.service.metering import meter_counters
from lichen.service.progress import Progress, Silent
from lichen.service.record import Measured, RunFacts, now, run_content
from lichen.service.result import Result
from lichen.service.summary import summarise
from lichen.service.workspace import Workspace
from lichen.stats.sampling import SamplingPlan, precision

SECONDS_PER_MINUTE: Final = 60.0
_REST_S: Final = {"fidelity": 0.5, "fast": 0.3}
"""Rest at the end of a step when the settings name none: the profiles are never compared, so each has its own."""
_PART_URL: Final = re.compile(r"\{([\w-]+)\.url\}")


def sampling_plan(settings: Settings, *, shared_host: bool, samples: Samples | None = None) -> SamplingPlan:
    """The plan that the settings ask for; on a host graded shared the target is the wider one.

    Args:
        samples: stands in for ``measure.samples``.
    """
    measure = settings.measure
    wanted = measure.samples if samples is None else samples
    if wanted != "auto":
        count = int(wanted)
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
        rest_s=_REST_S[measure.profile] if measure.rest_s is None else measure.rest_s,
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
            repair="Give an address (lichen measure https://...), or declare a [[journey]] in lichen.toml: lichen init.",
            culprit="journey",
        )
    plans = []
    for word in asked or declared:
        entry = declared.get(word)
        if entry is not None:
            plans.append(JourneyPlan(name=entry.name, source=entry.url or str(entry.file), base_url=entry.base_url))
        elif word.startswith(("http://", "https://")) or word.endswith((".py", ".json")) or "{" in word:
            plans.append(JourneyPlan(name=None, source=word, base_url=None))
        else:
            known = f"Declared: {', '.join(declared)}." if declared else "lichen.toml declares none."
            raise ConfigError(
                f"'{word}' is neither a declared journey, nor a .py or .json file, nor an address.",
                repair=f"{known} An address starts with http:// or https://.",
                culprit=word,
            )
    return plans


def declared_parts(settings: Settings) -> list[Part]:
    """The server parts declared in lichen.toml."""
    return [
        Part(
            name=part.name,
            command=part.command or (),
            port=part.port,
            pid=part.pid,
            cwd=part.cwd or settings.folder,
            env=part.env,
            ready="" if part.ready in (None, "tcp") else str(part.ready),
            timeout_s=part.ready_timeout_s,
            reset=part.reset or (),
            counter=partial(open_part, part, settings) if is_counter(part) else None,
        )
        for part in settings.parts
    ]


def run_folder(settings: Settings, kind: str) -> Path:
    """Folder of one run's logs or screenshots: two measurements at once in one folder never share a file."""
    return settings.output.runs / kind / f"{now()[:19].replace(':', '')}-{os.getpid()}"


class _Runner:
    """Repeats journeys with one browser, on parts that are up."""

    def __init__(self, settings: Settings, browser: BrowserInfo, parts: Parts, progress: Progress) -> None:
        self.settings = settings
        self.browser = browser
        self.browser_settings = browser_settings(settings)
        self.parts = parts
        self.progress = progress
        self.artefacts = run_folder(settings, "screenshots") if settings.output.keep_screenshots else None

    def sample(self, journey: Journey, index: int) -> Sample:
        """One repetition, on parts that were reset; a negative index is a warm-up, which does not rest."""
        self.parts.check()
        self.parts.reset()
        try:
            sample = run_sample(
                journey,
                browser=self.browser,
                settings=self.browser_settings if index >= 0 else replace(self.browser_settings, rest_s=0.0),
                meter_factory=MachineMeter,
                parts={**self.parts.roots, **meter_counters(self.settings)},
                index=index,
                artefacts=self.artefacts,
            )
        except LichenError:
            # A part that died is the cause of what the browser complains about: it is named instead.
            self.parts.check()
            raise
        self.parts.check()
        return replace(sample, notes=(*self.parts.notes, *sample.notes))

    def repeat(self, journey: Journey, plan: SamplingPlan) -> Measured:
        """Repeats a journey until it is precise enough, or as often as asked."""
        names = (BROWSER, *self.parts.names)
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
            primary.append(primary_s(taken[-1], names))
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


def _expected(plan: SamplingPlan, primary: Sequence[float]) -> int:
    """How many samples there will probably be: half-widths shrink with the root of the number."""
    if plan.target is None or len(primary) < 2:
        return plan.maximum if plan.target is None else plan.minimum
    needed = math.ceil(len(primary) * (precision(primary).relative / plan.target) ** 2)
    return min(plan.maximum, max(plan.minimum, needed, len(primary)))


def measure(
    workspace: Workspace,
    journeys: Sequence[str] = (),
    progress: Progress | None = None,
    *,
    on_written: Callable[[Path], object] | None = None,
) -> Result:
    """Measures journeys and writes one run file.

    Args:
        workspace: settings and data.
        journeys: names declared in lichen.toml, journey files or addresses; all declared ones when empty.
        progress: told what happens.
        on_written: told the path of the run file as soon as it is there, before its figures are computed.

    Returns:
        The run seen through the configured method.

    Raises:
        ConfigError, StorageError: before anything is started.
        NothingMeasured: no browser, a part that does not start.
        JourneyFailed: a journey failed; nothing is written.
    """
    listener = progress or Silent()
    settings = workspace.settings
    method = workspace.method(settings.method.use)
    browser = find_browser(settings.measure.profile, settings.browser.executable)
    plans = plan_journeys(settings, journeys)
    load = partial(
        load_journey, page_dwell_s=settings.measure.page_dwell_s, action_timeout_s=settings.measure.action_timeout_s
    )
    early = {plan: load(plan.source, name=plan.name) for plan in plans if "{" not in plan.source}
    runfile.check_folder(settings.output.runs)
    host = describe_host()
    plan = sampling_plan(settings, shared_host=bool(host["virtualised"]))
    with contextlib.ExitStack() as stack:
        declared = declared_parts(settings)
        if declared:
            listener.phase(f"starting {', '.join(part.name for part in declared)}")
        parts = stack.enter_context(Parts(declared, folder=run_folder(settings, "logs")))
        stack.enter_context(driver_session())
        runner = _Runner(settings, browser, parts, listener)
        started_at = now()
        measured = []
        for journey in on_parts(plans, early, parts, load):
            listener.phase(journey.name)
            measured.append(runner.repeat(journey, plan))
            listener.done(journey.name)
    facts = RunFacts(
        project=settings.project.name,
        functional_unit=settings.context.functional_unit,
        method={"id": method.method_id, "version": method.version, "factors_hash": workspace.factors.hash()},
        places=places(settings, [part.name for part in declared]),
        host=host,
        browser={"version": browser.version, "profile": browser.profile},
        settings=runner.browser_settings.fingerprint()
        | {"discard": settings.measure.discard, "page_dwell_s": settings.measure.page_dwell_s},
        context={"zone": settings.context.zone, "device": settings.context.device, "network": settings.context.network},
        meters=settings.meters,
    )
    written = runfile.write(
        settings.output.runs, run_content(facts, started_at, now(), measured, workspace.nomenclature)
    )
    if on_written is not None:
        on_written(written.path)
    return summarise(workspace, written)


def places(settings: Settings, parts: Iterable[str]) -> dict[str, PartPlace]:
    """Where the browser and the named parts run."""
    context = settings.context
    zones = {part.name: part.zone or context.zone for part in settings.parts}
    browser = PartPlace(tier="device", zone=context.zone, device=context.device, network=context.network)
    return {BROWSER: browser} | {name: PartPlace(tier="server", zone=zones[name]) for name in parts}


def on_parts(
    plans: Sequence[JourneyPlan],
    early: Mapping[JourneyPlan, Journey],
    parts: Parts,
    load: Callable[..., Journey],
) -> list[Journey]:
    """The journeys with the parts' addresses filled in. ``load``: `load_journey` with the settings' times."""

    def filled(text: str) -> str:
        return _PART_URL.sub(lambda match: parts.url(match[1]), text)

    journeys = []
    for plan in plans:
        journey = early.get(plan) or load(filled(plan.source), name=plan.name)
        if plan.base_url is not None:
            journey = load(plan.source, name=plan.name, base_url=filled(plan.base_url))
        journeys.append(journey)
    names = [segment(journey.name) for journey in journeys]
    for name in names:
        if names.count(name) > 1:
            raise ConfigError(
                f"Two journeys are called '{name}'.",
                repair="Name them apart in lichen.toml, or measure them one by one.",
                culprit=name,
            )
    return journeys
