# SPDX-License-Identifier: Apache-2.0
"""A user's journey in a real browser: steps, edges, requests. The only room that knows Playwright and Chromium."""

from lichen.collect.browser.throttling import Throttling
from lichen.collect.journeys.browser import BrowserInfo, find_browser
from lichen.collect.journeys.collector import JourneyCollector
from lichen.collect.journeys.driver import driver_session
from lichen.collect.journeys.replay_archive import Archive, Book
from lichen.collect.journeys.sample import run_sample
from lichen.collect.journeys.script import Journey, Step, load_journey
from lichen.collect.journeys.settings import BrowserSettings

__all__ = [
    "Archive",
    "Book",
    "BrowserInfo",
    "BrowserSettings",
    "Journey",
    "JourneyCollector",
    "Step",
    "Throttling",
    "driver_session",
    "find_browser",
    "load_journey",
    "run_sample",
]
