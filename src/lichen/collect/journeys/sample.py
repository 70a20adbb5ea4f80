# SPDX-License-Identifier: Apache-2.0
"""One sample: a new browser, a settle, the window, and what is read from it afterwards."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from lichen.collect.base import Sample
from lichen.collect.browser.addresses import without_credentials
from lichen.collect.browser.layouts import PAGE_SCRIPT
from lichen.collect.browser.recorder import Recorder
from lichen.collect.browser.sites import only_site_rules, registrable_site
from lichen.collect.browser.spans import Span
from lichen.collect.browser.surveying import Surveyor
from lichen.collect.browser.traffic import Traffic, read_traffic
from lichen.collect.counters import Counter, Meter
from lichen.collect.entities import BROWSER
from lichen.collect.journeys import failures
from lichen.collect.journeys.browser import BrowserInfo
from lichen.collect.journeys.driver import Driver, driver_session
from lichen.collect.journeys.foreign import TimeLimit
from lichen.collect.journeys.process import BrowserProcess
from lichen.collect.journeys.readings import DRIVER, Evidence, assemble
from lichen.collect.journeys.replay import third_parties
from lichen.collect.journeys.script import Journey, PageRefusedError
from lichen.collect.journeys.settings import BrowserSettings, sandboxed
from lichen.collect.journeys.window import DocumentReader, OnEvent, SurveyingReader, Window, unmeasured_step
from lichen.collect.survey import Survey
from lichen.errors import ConfigError, JourneyFailed, LichenError, NothingMeasured
from lichen.records import timestamp

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page, Playwright

_LOOK_S: Final = 0.05
_CALM_LOOKS: Final = 3
_CALM_SHARE: Final = 0.03
_NANO: Final = 1e9
_BLANK: Final = "about:blank"
"""Where a new page stands: a picture of it shows nothing."""


def run_sample(
    journey: Journey,
    *,
    browser: BrowserInfo,
    settings: BrowserSettings,
    meter_factory: Callable[[], Meter],
    parts: Mapping[str, int | Counter],
    index: int,
    artefacts: Path | None,
    on_event: OnEvent | None = None,
    survey: bool = False,
) -> Sample:
    """Runs ``journey`` once in a browser of its own and measures it.

    Args:
        meter_factory: gives the meter of all parts; it is entered and left here.
        parts: name of each server part with its root pid or its counter; they are read in the same window.
        index: of this repetition.
        artefacts: folder for the screenshot of a failure; None: no screenshot is taken.
        on_event: told the phases as they begin.
        survey: look into the pages too; the sample then counts in no figure, as looking costs.

    Raises:
        JourneyFailed: names journey, step and what was waited for.
        BrowserMissing, NothingMeasured: the browser does not start.
        ConfigError: a step name is used twice, empty or contains ``/``.
    """
    tell = on_event or _ignore
    run = _Run(journey, browser, settings, index, artefacts, tell)
    run.surveyor = Surveyor() if survey else None
    with driver_session() as driver:
        return run.measure(driver, meter_factory, parts)


@contextmanager
def _no_garbage_collection() -> Iterator[None]:
    """Walking all objects of this process in the middle of a window would be CPU time of the agent's, and would delay an edge."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _ignore(phase: str, detail: str) -> None:
    del phase, detail


class _Run:
    """One sample under way."""

    def __init__(
        self,
        journey: Journey,
        browser: BrowserInfo,
        settings: BrowserSettings,
        index: int,
        artefacts: Path | None,
        tell: OnEvent,
    ) -> None:
        self._journey = journey
        self._browser = browser
        self._settings = settings
        self._index = index
        self._artefacts = artefacts
        self._tell = tell
        self._window: Window | None = None
        self.surveyor: Surveyor | None = None
        host = urlsplit(journey.base_url or "").hostname
        self._site = registrable_site(host) if host else None
        key = "block_third_party" if settings.block_third_party else "third_parties" if settings.third_parties else ""
        if key and self._site is None:
            raise ConfigError(
                f"Third parties of the journey '{journey.name}' cannot be told: its own site is not known.",
                repair="Give the journey a base_url.",
                culprit=key,
            )

    def measure(self, driver: Driver, meter_factory: Callable[[], Meter], parts: Mapping[str, int | Counter]) -> Sample:
        """The sample."""
        started_at = timestamp()
        self._tell("launch", self._browser.path)
        chosen = self._settings
        rules = only_site_rules(self._site) if chosen.block_third_party and self._site else None
        with ExitStack() as stack:
            verify = not chosen.ignore_https_errors
            frozen = stack.enter_context(third_parties(chosen.third_parties, self._site, verify=verify))
            if frozen is not None:
                rules, chosen = frozen.host_rules, replace(chosen, extra_args=(*frozen.switches, *chosen.extra_args))
            process = stack.enter_context(BrowserProcess(self._browser, chosen, rules))
            playwright = driver.playwright()  # starts while the browser does
            process.wait_ready()
            limit = stack.enter_context(TimeLimit(self._settings.journey_timeout_s, process.kill))
            recorder, connection = self._attach(process, playwright)
            stack.callback(recorder.close)
            meter = stack.enter_context(meter_factory())
            meter.add(BROWSER, process.pid)
            meter.add(DRIVER, driver.pid)
            for name, pid in parts.items():
                meter.add(name, pid)
            self._tell("context", "")
            try:
                page = self._prepare(connection.new_context(**self._context_options()), limit)
                self._tell("settle", "")
                settle_s = self._settle(page, meter)
                meter.calibrate_memory()
                window = self._take_window(page, meter, recorder, limit)
                evidence = self._collect_evidence(window, meter, recorder, settle_s, started_at, parts)
            except Exception as error:
                if limit.expired:
                    raise self._overdue() from error
                if isinstance(error, LichenError):
                    raise
                raise self._failure(error, recorder, page=_last_page(connection)) from error
            finally:
                self._tell("close", "")
                process.kill()
                if limit.expired:
                    driver.discard()
        self._tell("read", "")
        traffic = read_traffic(recorder.frames)
        if frozen is not None:
            evidence = replace(evidence, notes=(*evidence.notes, *frozen.notes()))
        sample = assemble(evidence, traffic, site=self._site)
        if self.surveyor is not None:
            sample = replace(sample, survey=_found(self.surveyor, evidence.window, traffic, self._site))
        self._tell("done", "")
        return sample

    # --- phases ---------------------------------------------------------------------------------

    def _attach(self, process: BrowserProcess, playwright: Playwright) -> tuple[Recorder, Browser]:
        """The recorder first, so that it sees every page; then the driver."""
        from playwright.sync_api import Error

        try:
            recorder = Recorder(process.endpoint, self._settings.throttling, PAGE_SCRIPT, self.surveyor)
            try:
                return recorder, playwright.chromium.connect_over_cdp(
                    process.endpoint, is_local=True, artifacts_dir=process.driver_folder
                )
            except BaseException:
                recorder.close()
                raise
        except (OSError, Error) as error:
            raise NothingMeasured(
                f"The browser {self._browser.path} started but cannot be driven: {str(error).splitlines()[0]}",
                repair="Check that nothing else ended it, and that its version suits Playwright's.",
                culprit=self._browser.path,
            ) from error

    def _context_options(self) -> dict[str, Any]:
        chosen = self._settings
        width, height = chosen.viewport
        return {
            "viewport": {"width": width, "height": height},
            "device_scale_factor": chosen.device_scale_factor,
            "locale": chosen.locale,
            "timezone_id": chosen.time_zone,
            "color_scheme": chosen.color_scheme,
            "reduced_motion": chosen.reduced_motion,
            "user_agent": chosen.user_agent,
            "ignore_https_errors": chosen.ignore_https_errors,
            "accept_downloads": False,
            "base_url": without_credentials(self._journey.base_url) if self._journey.base_url else None,
        }

    def _prepare(self, context: BrowserContext, limit: TimeLimit) -> Page:
        """Opens the page, and does everything that is not to be measured."""
        context.set_default_timeout(self._settings.timeout_s * 1000)
        page = context.new_page()
        if self._journey.base_url is not None and without_credentials(self._journey.base_url) != self._journey.base_url:
            _sign_in(context, page, self._journey.base_url)
        if self._settings.cache == "warm":
            self._tell("rehearse", "")
            page = self._rehearse(context, page, limit)
        if self._journey.prepare is not None:
            self._tell("prepare", "")
            limit.call(self._journey.prepare, page)
        return page

    def _rehearse(self, context: BrowserContext, page: Page, limit: TimeLimit) -> Page:
        """Fills the caches by running the journey once, then forgets who the visitor was."""
        if self._journey.prepare is not None:
            limit.call(self._journey.prepare, page)
        limit.call(self._journey.run, page, unmeasured_step)
        session = context.new_cdp_session(page)
        origins = {f"{parts.scheme}://{parts.netloc}" for p in context.pages if (parts := urlsplit(p.url)).netloc}
        for origin in origins:
            session.send(
                "Storage.clearDataForOrigin",
                {"origin": origin, "storageTypes": "cookies,local_storage,indexeddb,websql,file_systems"},
            )
        context.clear_cookies()
        fresh = context.new_page()
        for old in context.pages:
            if old is not fresh:
                old.close()
        return fresh

    def _settle(self, page: Page, meter: Meter) -> float:
        """Waits until the browser rests: three looks in a row below 3 % of a processor. Returns the seconds waited."""
        before = first = meter.edge()
        calm = 0
        while calm < _CALM_LOOKS and (before.at_ns - first.at_ns) / 1e9 < self._settings.settle_s:
            page.wait_for_timeout(_LOOK_S * 1000)
            now = meter.edge()
            busy_ns = now.cpu_ns(BROWSER) - before.cpu_ns(BROWSER)
            calm = calm + 1 if busy_ns < _CALM_SHARE * (now.at_ns - before.at_ns) else 0
            before = now
        return (before.at_ns - first.at_ns) / 1e9

    def _take_window(self, page: Page, meter: Meter, recorder: Recorder, limit: TimeLimit) -> Window:
        self._tell("window", "")
        reader = DocumentReader(recorder) if self.surveyor is None else SurveyingReader(recorder, self.surveyor)
        window = Window(page, meter, reader, self._settings.rest_s, self._enter)
        self._window = window
        if self.surveyor is not None:
            self.surveyor.begin()
        with _no_garbage_collection():
            window.run(partial(limit.call, self._journey.run))
        self._tell("window end", "")
        meter.calibrate_memory()
        window.revise(meter.settled)
        return window

    def _enter(self, phase: str, detail: str) -> None:
        if self.surveyor is not None and phase == "step":
            self.surveyor.step = detail
        self._tell(phase, detail)

    def _collect_evidence(
        self,
        window: Window,
        meter: Meter,
        recorder: Recorder,
        settle_s: float,
        started_at: str,
        parts: Mapping[str, int | Counter],
    ) -> Evidence:
        notes = list(meter.notes())
        if not recorder.synchronise():
            notes.append("a page did not answer after the window: its last network events may be missing")
        if not sandboxed():
            notes.append("browser without its sandbox, because this is root")
        return Evidence(
            window=window,
            index=self._index,
            started_at=started_at,
            settle_s=settle_s,
            part_names=(BROWSER, *parts),
            notes=tuple(notes),
            memory_methods={name: meter.memory_method(name) for name in (BROWSER, *parts)},
            network_gaps=meter.network_gaps(),
        )

    # --- failures -------------------------------------------------------------------------------

    def _stopped_in(self) -> str:
        return self._window.failed_in or self._window.current if self._window is not None else ""

    def _overdue(self) -> JourneyFailed:
        step = self._stopped_in()
        place = f" and stopped in the step '{step}'" if step else ""
        return JourneyFailed(
            f"Journey '{self._journey.name}' did not end within {self._settings.journey_timeout_s:g} s{place}.",
            repair="Look for a script that never ends, or allow more time (journey_timeout_s).",
            culprit=f"{self._journey.name}/{step}" if step else self._journey.name,
        )

    def _failure(self, error: Exception, recorder: Recorder, page: Page | None) -> JourneyFailed:
        step = self._stopped_in()
        name = "-".join(filter(None, [self._journey.name, str(self._index), step]))
        crashed = recorder.saw_crash()
        picture: Path | str | None = None
        if self._artefacts is None:
            picture = failures.NOT_KEPT
        elif page is not None and not crashed and page.url != _BLANK:
            picture = failures.take_screenshot(page, self._artefacts, name)
        return failures.failed(self._journey, step, error, crashed=crashed, screenshot=picture)


def _found(surveyor: Surveyor, window: Window, traffic: Traffic, site: str | None) -> Survey:
    """What the surveyor found in the window."""
    edges = window.edges()
    start_s, end_s = edges[0].at_ns / _NANO, edges[-1].at_ns / _NANO
    inside = [exchange for exchange in traffic.exchanges if start_s <= exchange.sent_at_s <= end_s]
    spans = [Span(mark.name, mark.start.at_ns / _NANO, mark.end.at_ns / _NANO) for mark in window.marks]
    own_site = site or next((registrable_site(one.host) for one in inside if one.kind == "document"), None)
    return surveyor.survey(inside, spans, own_site)


def _sign_in(context: BrowserContext, page: Page, url: str) -> None:
    """Makes the browser remember the credentials in ``url``, and nothing else of that visit.

    They cannot stay in the page's own address: scripts of such a page may not call relative addresses.
    """
    response = page.goto(url, wait_until="commit")
    if response is not None and response.status == 401:
        raise PageRefusedError(f"{without_credentials(url)} refuses the user and password of the base address")
    page.goto(_BLANK)
    context.clear_cookies()
    context.new_cdp_session(page).send("Network.clearBrowserCache")


def _last_page(connection: Any) -> Page | None:
    """The page that the user would look at: the newest one that is open."""
    pages = [page for context in connection.contexts for page in context.pages if not page.is_closed()]
    return pages[-1] if pages else None
