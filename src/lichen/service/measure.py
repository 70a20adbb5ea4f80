# SPDX-License-Identifier: Apache-2.0
"""Measures journeys: starts the parts, repeats them in turn until each is precise enough, writes one run file."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Final

from lichen.collect.base import Sample
from lichen.collect.entities import BROWSER
from lichen.collect.journeys import (
    Archive,
    Book,
    BrowserInfo,
    BrowserSettings,
    Journey,
    Throttling,
    driver_session,
    find_browser,
    load_journey,
    run_sample,
)
from lichen.collect.machine import Calibrator, MachineMeter, Parts, describe_host
from lichen.collect.rows import primary_s
from lichen.config import Settings
from lichen.errors import JourneyFailed, LichenError
from lichen.ledger import runfile
from lichen.records import timestamp
from lichen.service.metering import meter_counters
from lichen.service.parts import declared_parts, run_folder
from lichen.service.places import check_places, places_of
from lichen.service.planning import needs_parts, on_parts, plan_journeys
from lichen.service.presence import Presence, neighbour_notes
from lichen.service.progress import Progress, Silent
from lichen.service.record import RunFacts, run_content
from lichen.service.result import Result
from lichen.service.rounds import repeat_in_turn, sampling_plan
from lichen.service.statement import with_figures
from lichen.service.summary import summarise
from lichen.service.third_parties import source_of_third_parties, write_recording
from lichen.service.workspace import Workspace

_REST_S: Final = {"fidelity": 0.5, "fast": 0.3}
"""Rest at the end of a step when the settings name none: the profiles are never compared, so each has its own."""
_BLANK_ELEMENTS: Final = 3
"""html, head and body: all that the empty page has with which a browser starts."""
PARTS_LEFT_OUT: Final = (
    "the server parts of lichen.toml were not started and are not in these figures: the address is none of theirs; "
    "--parts measures them"
)


def browser_settings(settings: Settings, third_parties: Archive | Book | None = None) -> BrowserSettings:
    """The browser's set-up from lichen.toml. ``third_parties``: what hosts outside the journeys' sites answer from."""
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
        third_parties=third_parties,
        extra_args=tuple(browser.args),
    )


class JourneyRunner:
    """Repeats journeys with one browser, on parts that are up."""

    def __init__(
        self,
        settings: Settings,
        browser: BrowserInfo,
        browser_settings: BrowserSettings,
        parts: Parts,
        progress: Progress,
    ) -> None:
        self.settings = settings
        self.browser = browser
        self.browser_settings = browser_settings
        self.parts = parts
        self.progress = progress
        self.calibrator = Calibrator()
        self.artefacts = run_folder(settings, "screenshots") if settings.output.keep_screenshots else None

    def sample(self, journey: Journey, index: int) -> Sample:
        """One repetition, on parts that were reset; a negative index is a warm-up, which does not rest.

        The first warm-up is looked into, for advice.
        """
        self.calibrator.look()
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
                survey=index == -1 and self.settings.measure.survey,
            )
        except LichenError:
            # A part that died is the cause of what the browser complains about: it is named instead.
            self.parts.check()
            raise
        self.parts.check()
        _check_opened(journey, sample)
        return replace(sample, notes=(*self.parts.notes, *sample.notes))

    def record(self, journeys: Iterable[Journey]) -> None:
        """Runs each journey once to record its third parties, which answer from their recording afterwards."""
        book = self.browser_settings.third_parties
        if not isinstance(book, Book):
            return
        for journey in journeys:
            self.progress.phase(f"{journey.name}: recording its third parties")
            self.sample(journey, -1)
        archive = write_recording(self.settings, book)
        self.browser_settings = replace(self.browser_settings, third_parties=archive)

    def primary_s(self, sample: Sample) -> float:
        """CPU seconds of the browser and the parts, which decide how often a journey is repeated."""
        return primary_s(sample, (BROWSER, *self.parts.names))


def _check_opened(journey: Journey, sample: Sample) -> None:
    """A journey that opened no page has measured an idle browser. One that prepared its page may send no request."""
    elements = [step.dom_elements for step in sample.steps if step.dom_elements is not None]
    if not sample.requests and max(elements, default=0) <= _BLANK_ELEMENTS:
        raise JourneyFailed(
            f"Journey '{journey.name}' opened no page: nothing was measured.",
            repair='Begin its first step with page.goto("/"), and give it a base_url.',
            culprit=journey.name,
        )


def measure(
    workspace: Workspace,
    journeys: Sequence[str] = (),
    progress: Progress | None = None,
    *,
    with_parts: bool = False,
    record: bool = False,
    on_written: Callable[[Path], object] | None = None,
    on_failed: Callable[[JourneyFailed], object] | None = None,
) -> Result:
    """Measures journeys and writes one run file of those that succeed.

    Args:
        workspace: settings and data.
        journeys: names declared in lichen.toml, journey files or addresses; all declared ones when empty.
        progress: told what happens.
        with_parts: start and measure the parts of lichen.toml also beside addresses that are none of theirs.
        record: first run each journey once to record its third parties into ``browser.third_parties``.
        on_written: told the path of the run file as soon as it is there, before its figures are computed.
        on_failed: told of each journey that failed, unless the error is raised.

    Returns:
        The run seen through the configured method.

    Raises:
        ConfigError, StorageError: before anything is started.
        NothingMeasured: no browser, a part that does not start.
        JourneyFailed: every journey failed (the last one's error); nothing is written.
    """
    listener = progress or Silent()
    settings = workspace.settings
    method = workspace.method(settings.method.use)
    for other in settings.method.compare or ():
        workspace.method(other)
    browser = find_browser(settings.measure.profile, settings.browser.executable)
    check_places(workspace)
    prepared = browser_settings(settings, source_of_third_parties(settings, record=record))
    plans = plan_journeys(settings, journeys)
    load = partial(
        load_journey, page_dwell_s=settings.measure.page_dwell_s, action_timeout_s=settings.measure.action_timeout_s
    )
    early = {plan: load(plan.source, name=plan.name) for plan in plans if "{" not in plan.source}
    runfile.check_folder(settings.output.runs)
    host = describe_host()
    plan = sampling_plan(settings, shared_host=bool(host["virtualised"]))
    with contextlib.ExitStack() as stack:
        presence = stack.enter_context(Presence())
        declared = declared_parts(settings) if with_parts or any(needs_parts(settings, plan) for plan in plans) else []
        if declared:
            listener.phase(f"starting {', '.join(part.name for part in declared)}")
        parts = stack.enter_context(Parts(declared, folder=run_folder(settings, "logs")))
        stack.enter_context(driver_session())
        runner = JourneyRunner(settings, browser, prepared, parts, listener)
        ready = on_parts(plans, early, parts, load)
        runner.record(ready)
        started_at = timestamp()
        discard = settings.measure.discard
        measured, failed = repeat_in_turn(
            ready, plan, runner.sample, runner.primary_s, discard=discard, progress=listener
        )
        neighbours = neighbour_notes(presence)
    runner.calibrator.look_last()
    failures = list(failed.values())
    for error in failures if measured else failures[:-1]:
        if on_failed is not None:
            on_failed(error)
    if not measured:
        raise failures[-1]
    said = (*([PARTS_LEFT_OUT] if settings.parts and not declared else ()), *map(_failed_beside, failed), *neighbours)
    measured = [replace(one, notes=(*one.notes, *said)) for one in measured]
    facts = RunFacts(
        project=settings.project.name,
        functional_unit=settings.context.functional_unit,
        method={"id": method.method_id, "version": method.version, "factors_hash": workspace.factors.hash()},
        places=places_of(settings, [part.name for part in declared]),
        host=host | {"calibration": runner.calibrator.record()},
        browser={"version": browser.version, "profile": browser.profile},
        settings=runner.browser_settings.fingerprint()
        | {"discard": discard, "page_dwell_s": settings.measure.page_dwell_s},
        context={"zone": settings.context.zone, "device": settings.context.device, "network": settings.context.network},
        meters=settings.meters,
    )
    content = run_content(facts, started_at, timestamp(), measured, workspace.nomenclature)
    written = runfile.write(settings.output.runs, with_figures(workspace, content))
    if on_written is not None:
        on_written(written.path)
    return summarise(workspace, written)


def _failed_beside(name: str) -> str:
    return f"the journey '{name}' of the same run failed and has no figures"
