# SPDX-License-Identifier: Apache-2.0
"""What went wrong in a journey, in a sentence a person can act on."""

from __future__ import annotations

import difflib
import re
from pathlib import Path
from typing import TYPE_CHECKING, Final

from lichen.collect.browser.addresses import without_credentials
from lichen.collect.journeys.foreign import LeftError, crossed_threads
from lichen.collect.journeys.script import Journey, MissingError, PageRefusedError, StepFailedError, line_in, text_of
from lichen.errors import JourneyFailed

if TYPE_CHECKING:
    from playwright.sync_api import Page

_SCREENSHOT_TIMEOUT_MS: Final = 3000
NOT_KEPT: Final = "not kept (output.keep_screenshots)"
"""What stands in place of a screenshot's path when none is wanted."""

_NET_ERRORS: Final = {
    "ERR_CONNECTION_REFUSED": "the connection is refused",
    "ERR_NAME_NOT_RESOLVED": "the host name is unknown",
    "ERR_CONNECTION_TIMED_OUT": "the connection times out",
    "ERR_TIMED_OUT": "the connection times out",
    "ERR_CONNECTION_RESET": "the connection is reset",
    "ERR_CONNECTION_CLOSED": "the connection is closed without an answer",
    "ERR_EMPTY_RESPONSE": "the answer is empty",
    "ERR_ADDRESS_UNREACHABLE": "the address cannot be reached",
    "ERR_INTERNET_DISCONNECTED": "this machine has no network",
}
_SET_BASE_URL: Final = (
    'Set base_url in its [[journey]], such as base_url = "http://localhost:8000" or "{part.url}", or write '
    "http://host/path."
)
_STEP_CALL: Final = re.compile(r"(?:Window\.step|unmeasured_step)\(\) (?P<problem>.*)")


def describe(error: BaseException, *, crashed: bool) -> tuple[str, str]:
    """What happened and the repair, without the journey's name.

    Args:
        error: raised inside a journey.
        crashed: whether a page crashed before.
    """
    if isinstance(error, LeftError):
        said = f": {words}" if (words := _first_line(text_of(error.raised))) else ""
        return (
            f"it raised {type(error.raised).__name__}{said}, which ends a program",
            "To end a journey early, return; to let it fail, raise an Exception.",
        )
    if crossed_threads(error):
        return "the page was used from another thread", "Use the page only in the thread that runs the journey."
    text = _plain(text_of(error))
    if isinstance(error, MissingError):
        return text, "Check the selector or the address; allow more time when the site is slow."
    if isinstance(error, PageRefusedError):
        return text, "Check the address, or write a journey file that signs in first."
    if crashed:
        return "the page crashed", "Open it by hand in the same browser; a page often crashes when memory runs out."
    if (refused := re.search(r"net::(ERR_\w+)(?: at (\S+))?", text)) is not None:
        return _net_error(refused[1], refused[2])
    if "Cannot navigate to invalid URL" in text:
        return _partial_address(text)
    if "has been closed" in text:
        return "the page or the browser was closed while the journey still used it", ""
    if type(error).__name__ == "TimeoutError" and "Timeout" in text:
        return _timeout(text), "Check the selector or the address; allow more time when the site is slow."
    first_line = _first_line(text)
    return _in_code(error, first_line)


def failed(
    journey: Journey, step: str, error: BaseException, *, crashed: bool, screenshot: Path | str | None
) -> JourneyFailed:
    """The error to raise for ``error``, which the journey raised in ``step`` (empty: outside steps)."""
    source = ""
    if isinstance(error, StepFailedError):
        source, error = f" ({error.where})", error.cause
    elif line := line_in(error.raised if isinstance(error, LeftError) else error, journey.source):
        source = f" ({journey.source}:{line})"
    what, repair = describe(error, crashed=crashed)
    place = f", step '{step}'" if step else ""
    shown = f" Screenshot: {screenshot}." if screenshot is not None else ""
    return JourneyFailed(
        f"Journey '{journey.name}'{place}{source}: {what}.",
        repair=f"{repair}{shown}".strip(),
        culprit=f"{journey.name}/{step}" if step else journey.name,
    )


def take_screenshot(page: Page, folder: Path, name: str) -> Path | None:
    """A picture of ``page`` in ``folder``; None when the page cannot be pictured any more."""
    from playwright.sync_api import Error

    path = folder / (re.sub(r"[^\w.-]+", "-", name) + ".png")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=path, timeout=_SCREENSHOT_TIMEOUT_MS)
    except (Error, OSError):
        return None
    return path


def _net_error(code: str, url: str | None) -> tuple[str, str]:
    reason = _NET_ERRORS.get(code)
    at = f" at {without_credentials(url)}" if url else ""
    if reason is not None:
        return f"nothing answers{at}: {reason}", "Start the site, or correct the address."
    if "CERT" in code:
        return f"the certificate{at} is not valid ({code})", "Set ignore_https_errors = true for a test site."
    if code == "ERR_UNSAFE_PORT":
        return (
            f"the browser refuses the port{at}",
            "Serve on another port, such as 8000: Chromium keeps some for itself.",
        )
    if code == "ERR_ABORTED":
        return f"the navigation{at} was stopped: the address is a download, or the page navigated elsewhere", ""
    return f"the page{at} cannot be loaded ({code})", ""


def _timeout(text: str) -> str:
    allowed = re.search(r"Timeout (\d+)ms", text)
    seconds = f"{int(allowed[1]) / 1000:g} s" if allowed else "the allowed time"
    navigating = re.search(r'navigating to "([^"]+)"', text)
    if navigating is not None:
        return f"{without_credentials(navigating[1])} was not loaded after {seconds}"
    waiting = re.search(r"waiting for (.+)", text)
    action = text.split(":", 1)[0]
    awaited = waiting[1].strip() if waiting is not None else action
    return f"waited {seconds} in vain for {awaited}"


def _partial_address(text: str) -> tuple[str, str]:
    asked = re.search(r'navigating to "([^"]*)"', text)
    shown = f" '{without_credentials(asked[1])}'" if asked is not None else ""
    return f"the address{shown} is not whole, and the journey has no base_url that would complete it", _SET_BASE_URL


def _in_code(error: BaseException, first_line: str) -> tuple[str, str]:
    """What a journey's own line did wrong."""
    if isinstance(error, TypeError) and (wrong := _STEP_CALL.fullmatch(first_line)) is not None:
        return f"step() {wrong['problem']}", 'Write: with step("name", dwell=seconds): ...'
    if isinstance(error, AttributeError) and (near := _nearest(error)):
        return f"AttributeError: {first_line}", f"Did you mean '{near}'?"
    if type(error).__module__.startswith("playwright"):
        return first_line.rstrip("."), ""
    return f"{type(error).__name__}: {first_line}".rstrip(": ."), ""


def _nearest(error: AttributeError) -> str:
    """The attribute that was probably meant; empty when nothing is near."""
    names = [name for name in dir(error.obj) if not name.startswith("_")]
    close = difflib.get_close_matches(error.name or "", names, n=1)
    return close[0] if close else ""


def _first_line(text: str) -> str:
    return next((line.strip() for line in text.splitlines() if line.strip()), "")


def _plain(text: str) -> str:
    return re.sub(r"\x1b\[[0-9;]*m", "", text)
