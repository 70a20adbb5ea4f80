# SPDX-License-Identifier: Apache-2.0
"""The plug-in ``journeys``: one sample of a journey as activity rows."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from typing import ClassVar

from lichen import nomenclature
from lichen.collect.base import Availability, Window
from lichen.collect.counters import Meter
from lichen.collect.entities import BROWSER, segment
from lichen.collect.journeys.browser import find_browser
from lichen.collect.journeys.sample import run_sample
from lichen.collect.journeys.script import load_journey
from lichen.collect.journeys.settings import BrowserSettings
from lichen.collect.rows import JourneySamples, PartPlace, activities
from lichen.config.settings import Measure
from lichen.errors import ConfigError, NothingMeasured
from lichen.records import Activity


class JourneyCollector:
    """Runs a journey once and emits what its steps consumed.

    ``collect`` reads from the window's target: ``journey`` (path of a file, or an address), ``meter`` (callable that
    gives a `Meter`: reading process trees is another collector's trade, so it is handed in), and, if wanted,
    ``profile``, ``executable``, ``settings`` (`BrowserSettings`), ``parts`` (name -> pid), ``artefacts`` (folder; without
    one, no screenshot), ``functional_unit``, ``page_dwell_s`` and ``base_url``. The window's entity is the application;
    rows are booked under ``<application>/<part>/<journey>/<step>``, those between steps under ``(between)``, so that they
    add up to the window.
    """

    name: ClassVar[str] = "journeys"
    emits: ClassVar[tuple[str, ...]] = (
        "cpu_time",
        "cpu_time_share",
        "memory_peak",
        "memory_byte_seconds",
        "disk_bytes",
        "network_bytes",
        "requests",
        "screen_time",
        "window_time",
        "layouts",
        "dom_elements",
    )

    def probe(self) -> Availability:
        """Whether a browser and its driver are here."""
        try:
            find_browser()
            import playwright.sync_api  # noqa: F401 - only whether it is there
        except NothingMeasured as missing:
            return Availability(False, missing.problem, missing.repair)
        except ImportError:
            return Availability(False, "Playwright is not installed.", 'pip install "lichen[journeys]".')
        return Availability(True)

    def collect(self, window: Window) -> Iterable[Activity]:
        """Activities of one sample.

        Raises:
            ConfigError: the target names no journey or no meter, or the entity is more than an application.
            JourneyFailed, NothingMeasured: as `run_sample`.
        """
        target = window.target
        meter: Callable[[], Meter] | None = target.get("meter")
        if not target.get("journey") or not callable(meter):
            lack = "meter" if target.get("journey") else "journey"
            raise ConfigError(
                f"The collector 'journeys' was given no {lack}.",
                repair='Pass target={"journey": path or address, "meter": callable that gives a Meter}.',
                culprit=lack,
            )
        if "/" in window.entity:
            raise ConfigError(
                f"The entity '{window.entity}' of a journey is more than an application.",
                repair="Give one word; part, journey and step are added.",
                culprit=window.entity,
            )
        parts: Mapping[str, int] = target.get("parts", {})
        journey = load_journey(
            str(target["journey"]),
            base_url=target.get("base_url"),
            page_dwell_s=target.get("page_dwell_s", Measure().page_dwell_s),
        )
        sample = run_sample(
            journey,
            browser=find_browser(target.get("profile", "fidelity"), target.get("executable")),
            settings=target.get("settings", BrowserSettings()),
            meter_factory=meter,
            parts=parts,
            index=0,
            artefacts=target.get("artefacts"),
        )
        run = JourneySamples(
            project=window.entity,
            journey=segment(journey.name),
            functional_unit=target.get("functional_unit", "visit"),
            samples=(sample,),
            kept=(0,),
            places={BROWSER: PartPlace(tier="device")} | {name: PartPlace(tier="server") for name in parts},
            cpu_count=os.cpu_count() or 1,
        )
        return activities(run, nomenclature.load())
