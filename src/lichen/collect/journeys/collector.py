# SPDX-License-Identifier: Apache-2.0
"""The plug-in ``journeys``: one sample of a journey as activity rows."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, ClassVar

from lichen.collect.base import Availability, Meter, StepReading, TreeReading, Window
from lichen.collect.journeys.browser import find_browser
from lichen.collect.journeys.readings import BROWSER
from lichen.collect.journeys.sample import run_sample
from lichen.collect.journeys.script import load_journey
from lichen.collect.journeys.settings import BrowserSettings
from lichen.errors import ConfigError, NothingMeasured
from lichen.records import Activity


class JourneyCollector:
    """Runs a journey once and emits what its steps consumed.

    ``collect`` reads from the window's target: ``journey`` (path of a file, or an address), ``meter`` (callable that
    gives a `Meter`: reading process trees is another collector's trade, so it is handed in), and, if wanted,
    ``profile``, ``executable``, ``settings`` (`BrowserSettings`), ``parts`` (name -> pid), ``artefacts`` (folder) and
    ``base_url``. Rows are booked under ``<entity>/<tree>/<journey>/<step>``; the time between steps is not a row.
    """

    name: ClassVar[str] = "journeys"
    emits: ClassVar[tuple[str, ...]] = (
        "cpu_time",
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
            ConfigError: the target names no journey or no meter.
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
        journey = load_journey(str(target["journey"]), base_url=target.get("base_url"))
        sample = run_sample(
            journey,
            browser=find_browser(target.get("profile", "fidelity"), target.get("executable")),
            settings=target.get("settings", BrowserSettings()),
            meter_factory=meter,
            parts=target.get("parts", {}),
            index=0,
            artefacts=Path(target.get("artefacts", tempfile.gettempdir())),
        )
        for step in sample.steps:
            if step.name:
                yield from _activities(window.entity, journey.name, step)


def _activities(entity: str, journey: str, step: StepReading) -> Iterator[Activity]:
    for name, tree in step.trees.items():
        tier = "device" if name == BROWSER else "server"
        rows = [*_of_tree(tree)]
        if name == BROWSER:
            rows += _of_page(step)
        for quantity, value, unit in rows:
            yield Activity(
                entity=f"{entity}/{name}/{journey}/{step.name}",
                quantity=quantity,
                value=None if value is None else float(value),
                unit=unit,
                attributes={"tier": tier},
            )


def _of_tree(tree: TreeReading) -> Iterator[tuple[str, float | None, str]]:
    yield "cpu_time", tree.cpu_ns / 1e9, "s"
    yield "memory_peak", tree.memory_peak_bytes, "B"
    yield "memory_byte_seconds", tree.memory_byte_seconds, "B.s"
    yield "disk_bytes", tree.disk_bytes, "B"


def _of_page(step: StepReading) -> list[tuple[str, Any, str]]:
    return [
        ("network_bytes", step.network_bytes, "B"),
        ("requests", step.requests, "1"),
        ("screen_time", step.paced_s, "s"),
        ("window_time", step.observed_s, "s"),
        ("layouts", step.layouts, "1"),
        ("dom_elements", step.dom_elements, "1"),
    ]
