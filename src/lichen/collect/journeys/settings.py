# SPDX-License-Identifier: Apache-2.0
"""How the browser is set up: everything that, when changed, makes two series incomparable."""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass, replace
from typing import Any, Final, Literal

from lichen.collect.browser.throttling import Throttling
from lichen.collect.journeys.replay_archive import Archive, Book
from lichen.errors import ConfigError

Cache = Literal["cold", "warm"]

QUIET_FLAGS: Final[tuple[str, ...]] = (
    # nothing of the browser's own on the network
    "--disable-background-networking",
    "--disable-breakpad",
    "--disable-client-side-phishing-detection",
    "--disable-component-extensions-with-background-pages",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-domain-reliability",
    "--disable-extensions",
    "--disable-field-trial-config",
    "--disable-search-engine-choice-screen",
    "--disable-sync",
    "--metrics-recording-only",
    "--no-default-browser-check",
    "--no-first-run",
    "--no-pings",
    "--no-service-autorun",
    # WebUIOmnibox*: two hidden pages of the address bar, half a second of CPU time and 80 MB in a window nobody sees
    (
        "--disable-features=AutofillServerCommunication,CertificateTransparencyComponentUpdater,"
        "DialMediaRouteProvider,InterestFeedContentSuggestions,MediaRouter,OptimizationHints,Translate,"
        "WebUIOmniboxAimPopup,WebUIOmniboxPopup"
    ),
    # the page is always in front: timers and rendering run at their normal pace
    "--disable-background-timer-throttling",
    "--disable-backgrounding-occluded-windows",
    "--disable-hang-monitor",
    "--disable-renderer-backgrounding",
    # the same bytes and the same rendering path everywhere
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--disable-gpu",
    "--hide-scrollbars",
    "--mute-audio",
    "--password-store=basic",
    "--use-mock-keychain",
)
"""Chromium switches that remove the browser's own work from the measurement. Names: Chromium's switch files."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BrowserSettings:
    """Set-up of the browser for all samples of a run.

    Attributes:
        viewport: width and height in CSS pixels.
        user_agent: None keeps the browser's own.
        cache: ``cold``: new profile, nothing cached. ``warm``: the journey is first run once, unmeasured, in the same
            browser; then cookies and page storage are cleared, while HTTP cache, Cache Storage and service workers
            stay, and the journey starts again in a new page.
        rest_s: real rest at the end of each step, inside the step, so that timers, polling and animation show.
        settle_s: longest wait for the browser to come to rest before the window.
        timeout_s: of one action (click, wait, navigation). journey_timeout_s: of the whole journey.
        block_third_party: only hosts of the journey's own site are reachable.
        third_parties: what all other hosts answer from, or are recorded into; None: they are reached as they are.
        extra_args: further Chromium switches.
    """

    viewport: tuple[int, int] = (1366, 768)
    device_scale_factor: float = 1.0
    locale: str = "en-GB"
    time_zone: str = "Europe/Paris"
    color_scheme: Literal["light", "dark", "no-preference"] = "light"
    reduced_motion: Literal["reduce", "no-preference"] = "no-preference"
    user_agent: str | None = None
    throttling: Throttling | None = None
    cache: Cache = "cold"
    rest_s: float = 1.0
    settle_s: float = 3.0
    timeout_s: float = 30.0
    journey_timeout_s: float = 300.0
    ignore_https_errors: bool = False
    block_third_party: bool = False
    third_parties: Archive | Book | None = None
    extra_args: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuses settings that cannot be meant."""
        if min(self.viewport) < 1:
            raise _wrong("viewport", self.viewport, "two positive numbers of pixels, such as 1366x768")
        if self.cache not in ("cold", "warm"):
            raise _wrong("cache", self.cache, "'cold' or 'warm'")
        for name in ("device_scale_factor", "timeout_s", "journey_timeout_s"):
            if not getattr(self, name) > 0:
                raise _wrong(name, getattr(self, name), "a number above 0")
        for name in ("rest_s", "settle_s"):
            if not getattr(self, name) >= 0:
                raise _wrong(name, getattr(self, name), "a number of seconds, 0 or more")
        if self.block_third_party and self.third_parties is not None:
            raise _wrong(
                "block_third_party", True, "false where third parties are frozen: they answer from their recording"
            )
        if self.throttling is not None and not self.throttling.cpu_rate >= 1:
            raise _wrong("throttling.cpu_rate", self.throttling.cpu_rate, "1 (no slow-down) or more")

    def fingerprint(self) -> dict[str, Any]:
        """All settings plus the sandbox's state, as JSON values: two series compare only when these are equal."""
        content = asdict(replace(self, third_parties=None))
        content.pop("third_parties")
        if isinstance(self.third_parties, Archive):
            content["third_parties_sha256"] = self.third_parties.sha256
        content["viewport"] = list(self.viewport)
        content["extra_args"] = list(self.extra_args)
        content["sandbox"] = sandboxed()
        return content


def sandboxed() -> bool:
    """Whether Chromium runs in its sandbox: always, except as root, where it refuses to."""
    return os.geteuid() != 0


def _wrong(name: str, value: object, wanted: str) -> ConfigError:
    return ConfigError(f"The browser setting '{name}' is {value!r}.", repair=f"Give {wanted}.", culprit=name)
