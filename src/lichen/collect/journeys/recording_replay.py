# SPDX-License-Identifier: Apache-2.0
"""Replays a recording step by step, with Playwright's page."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from functools import singledispatchmethod
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from lichen.collect.browser.addresses import without_credentials
from lichen.collect.journeys import recording_schema as recorded
from lichen.collect.journeys.recording import Recording
from lichen.collect.journeys.recording_selectors import COUNT, FIND
from lichen.collect.journeys.script import MissingError, PageRefusedError, Step, StepFailedError

if TYPE_CHECKING:
    from playwright.sync_api import ElementHandle, Frame, Page

_LOOK_MS: Final = 100
"""Between two looks for an element: often enough for a person, rare enough not to be seen in the CPU time."""
_TRIES: Final = 3
"""A page may replace an element between its being found and its being used."""
_BUTTONS: Final = {"primary": "left", "auxiliary": "middle", "secondary": "right"}
_SIDE_BUTTONS: Final = frozenset(("back", "forward"))
_TYPED: Final = frozenset(("textarea", "text", "url", "tel", "search", "password", "number", "email"))
"""Fields into which a person types; others (colour, date, slider) are set."""

_KEEP_START: Final = """(field, value) => {
  const start = field.value;
  const goesOn = value.startsWith(start) && value.length > start.length;
  field.value = "";
  if (goesOn) field.value = start;
  return goesOn ? start.length : 0;
}"""
"""Empties a field, unless the value goes on from what it holds; how many characters it keeps."""
_SET_VALUE: Final = """(field, value) => {
  field.focus();
  if (field.isContentEditable) field.textContent = value; else field.value = value;
  for (const kind of ["input", "change"]) field.dispatchEvent(new Event(kind, { bubbles: true }));
}"""


class Replay:
    """Runs a recording.

    Args:
        recording: as read.
        base_url: stands in for the recorded site when given.
        dwell_s: time in seconds that a person spends on each page; None: what the automation takes.
        timeout_s: longest time in seconds for a step that names none, in a recording that names none.
    """

    def __init__(self, recording: Recording, base_url: str | None, dwell_s: float | None, timeout_s: float) -> None:
        self._recording = recording
        self._dwell_s = dwell_s
        self._timeout_ms = recording.timeout_ms or timeout_s * 1000
        self._origin = origin_of(recording.origin)
        self._stand_in = self._origin if base_url is None else origin_of(base_url)

    def prepare(self, page: Page) -> None:
        """Size and network, before the window."""
        for number, step in self._recording.set_up:
            self._perform(page, number, step)

    def run(self, page: Page, step: Step) -> None:
        """The journey."""
        for stretch in self._recording.stretches:
            with step(stretch.name, dwell=self._dwell_s if stretch.dwell_s is None else stretch.dwell_s):
                for number, one in stretch.steps:
                    self._perform(page, number, one)

    def _perform(self, page: Page, number: int, step: recorded.RecordedStep) -> None:
        from playwright.sync_api import Error

        where = f"{self._recording.path}, step {number}, {step.type}"
        try:
            _Performer(page, step.timeout or self._timeout_ms, self._here).perform(step)
        except (Error, PageRefusedError, MissingError) as error:
            raise StepFailedError(where, error) from error

    def _here(self, url: str) -> str:
        """A recorded address on the site that is measured."""
        plain = without_credentials(url)
        return self._stand_in + plain[len(self._origin) :] if origin_of(plain) == self._origin else plain


def origin_of(url: str) -> str:
    """Scheme, host and port of an address."""
    parts = urlsplit(without_credentials(url))
    return f"{parts.scheme}://{parts.netloc}"


class _Performer:
    """One recorded step on a page.

    Args:
        page: of the journey.
        timeout_ms: longest time for each wait.
        here: turns a recorded address into one of the measured site.
    """

    def __init__(self, page: Page, timeout_ms: float, here: Callable[[str], str]) -> None:
        self._page = page
        self._timeout_ms = timeout_ms
        self._here = here

    def perform(self, step: recorded.RecordedStep) -> None:
        """Performs ``step`` and waits for the navigation that it leads to."""
        from playwright.sync_api import Error

        place = self._place(step)
        for attempt in range(1, _TRIES + 1):
            element = self._find(step, place)
            try:
                if step.navigation is None or isinstance(step, recorded.Navigate | recorded.Close):
                    self._do(step, place, element)
                else:
                    with place.expect_navigation(timeout=self._timeout_ms):
                        self._do(step, place, element)
            except Error as error:
                if attempt == _TRIES or "not attached" not in str(error):
                    raise
            else:
                return

    # --- where ----------------------------------------------------------------------------------

    def _place(self, step: recorded.RecordedStep) -> Frame:
        """The frame that a step is about."""
        frame = self._page.main_frame if step.target == "main" else self._target(self._here(step.target))
        for index in step.frame:
            frame = self._child(frame, index)
        return frame

    def _target(self, url: str) -> Frame:
        """The page or frame with an address, once there is one."""

        def look() -> Frame | None:
            pages = [page for page in self._page.context.pages if not page.is_closed()]
            frames = [*(page.main_frame for page in pages), *(frame for page in pages for frame in page.frames)]
            return next((frame for frame in frames if frame.url == url), None)

        return self._until(look, f"a page with the address {url}")

    def _child(self, frame: Frame, index: int) -> Frame:
        return self._until(lambda: next(iter(frame.child_frames[index:]), None), f"frame {index} of {frame.url}")

    def _until(self, look: Callable[[], Frame | None], what: str) -> Frame:
        """What ``look`` finds, as soon as it finds something."""
        deadline = time.monotonic() + self._timeout_ms / 1000
        while (found := look()) is None:
            if time.monotonic() > deadline:
                raise self._missing(what)
            self._page.wait_for_timeout(_LOOK_MS)
        return found

    def _find(self, step: recorded.RecordedStep, place: Frame) -> ElementHandle | None:
        """The element of a step that names one, once it is visible."""
        from playwright.sync_api import TimeoutError as TookTooLongError

        selectors = getattr(step, "selectors", None)
        if selectors is None or isinstance(step, recorded.WaitForElement):
            return None
        try:
            handle = place.wait_for_function(FIND, arg=_chains(selectors), polling=_LOOK_MS, timeout=self._timeout_ms)
        except TookTooLongError as error:
            raise self._missing(f"an element that matches {_shown(selectors)}") from error
        return handle.as_element()

    def _missing(self, what: str) -> MissingError:
        return MissingError(f"waited {self._timeout_ms / 1000:g} s in vain for {what}")

    # --- what -----------------------------------------------------------------------------------

    @singledispatchmethod
    def _do(self, step: recorded.RecordedStep, place: Frame, element: ElementHandle | None) -> None:
        """Does what a step says. The reader lets no other kinds through."""
        del place, element
        raise TypeError(f"a recorded step of the type {step.type} has no action")

    @_do.register(recorded.Click)
    def _click(self, step: recorded.Click, place: Frame, element: ElementHandle) -> None:
        if step.button in _SIDE_BUTTONS:
            self._press_side_button(step, place, element)
            return
        options: dict[str, Any] = {"button": _BUTTONS[step.button], "timeout": self._timeout_ms}
        box = element.bounding_box()
        if box is not None and 0 < step.offsetX < box["width"] and 0 < step.offsetY < box["height"]:
            options["position"] = {"x": step.offsetX, "y": step.offsetY}
        if step.type == "doubleClick":
            element.dblclick(**options)
        else:
            element.click(delay=step.duration, **options)

    def _press_side_button(self, step: recorded.Click, place: Frame, element: ElementHandle) -> None:
        element.hover(timeout=self._timeout_ms)
        box = element.bounding_box() or {"x": 0.0, "y": 0.0}
        session = place.page.context.new_cdp_session(place.page)
        spot = {"x": box["x"] + step.offsetX, "y": box["y"] + step.offsetY, "button": step.button, "clickCount": 1}
        for event in ("mousePressed", "mouseReleased"):
            session.send("Input.dispatchMouseEvent", {"type": event, **spot})
        session.detach()

    @_do.register(recorded.Hover)
    def _hover(self, step: recorded.Hover, place: Frame, element: ElementHandle) -> None:
        del step, place
        element.hover(timeout=self._timeout_ms)

    @_do.register(recorded.Change)
    def _change(self, step: recorded.Change, place: Frame, element: ElementHandle) -> None:
        kind = element.evaluate("(field) => field.type ?? ''")
        if kind in ("select-one", "select-multiple"):
            element.select_option(value=step.value, timeout=self._timeout_ms)
        elif kind in _TYPED:
            kept = element.evaluate(_KEEP_START, step.value)
            element.focus()
            place.page.keyboard.press("End")
            place.page.keyboard.type(step.value[kept:])
        else:
            element.evaluate(_SET_VALUE, step.value)

    @_do.register(recorded.Key)
    def _key(self, step: recorded.Key, place: Frame, element: None) -> None:
        del element
        keyboard = place.page.keyboard
        (keyboard.down if step.type == "keyDown" else keyboard.up)(step.key)

    @_do.register(recorded.Scroll)
    def _scroll(self, step: recorded.Scroll, place: Frame, element: ElementHandle | None) -> None:
        position = [step.x, step.y]
        if element is None:
            place.evaluate("([x, y]) => window.scroll(x, y)", position)
        else:
            element.scroll_into_view_if_needed(timeout=self._timeout_ms)
            element.evaluate("(element, [x, y]) => element.scroll(x, y)", position)

    @_do.register(recorded.Navigate)
    def _navigate(self, step: recorded.Navigate, place: Frame, element: None) -> None:
        del element
        url = self._here(step.url)
        response = place.goto(url, timeout=self._timeout_ms)
        if response is not None and response.status >= 400:
            raise PageRefusedError(f"{url} answers with status {response.status}")

    @_do.register(recorded.Close)
    def _close(self, step: recorded.Close, place: Frame, element: None) -> None:
        del step, element
        place.page.close()

    @_do.register(recorded.SetViewport)
    def _set_viewport(self, step: recorded.SetViewport, place: Frame, element: None) -> None:
        del element
        page, width, height = place.page, int(step.width), int(step.height)
        page.set_viewport_size({"width": width, "height": height})
        if step.isMobile or step.deviceScaleFactor not in (0, page.evaluate("devicePixelRatio")):
            metrics = {
                "width": width, "height": height, "deviceScaleFactor": step.deviceScaleFactor, "mobile": step.isMobile,
            }  # fmt: skip
            page.context.new_cdp_session(page).send("Emulation.setDeviceMetricsOverride", metrics)
        if step.hasTouch:
            page.context.new_cdp_session(page).send("Emulation.setTouchEmulationEnabled", {"enabled": True})

    @_do.register(recorded.EmulateNetworkConditions)
    def _slow_network(self, step: recorded.EmulateNetworkConditions, place: Frame, element: None) -> None:
        del element
        limits = {
            "offline": False, "latency": step.latency, "downloadThroughput": step.download, "uploadThroughput": step.upload,
        }  # fmt: skip
        session = place.page.context.new_cdp_session(place.page)
        session.send("Network.enable")
        session.send("Network.emulateNetworkConditions", limits)

    @_do.register(recorded.WaitForElement)
    def _wait_for_element(self, step: recorded.WaitForElement, place: Frame, element: None) -> None:
        from playwright.sync_api import TimeoutError as TookTooLongError

        del element
        wanted = {
            "chains": _chains(step.selectors), "operator": step.operator, "count": step.count, "shown": step.visible,
            "properties": step.properties, "attributes": step.attributes,
        }  # fmt: skip
        try:
            place.wait_for_function(COUNT, arg=wanted, polling=_LOOK_MS, timeout=self._timeout_ms)
        except TookTooLongError as error:
            number = f"{step.operator} {step.count}"
            raise self._missing(f"elements ({number}) that match {_shown(step.selectors)}") from error

    @_do.register(recorded.WaitForExpression)
    def _wait_for_expression(self, step: recorded.WaitForExpression, place: Frame, element: None) -> None:
        from playwright.sync_api import TimeoutError as TookTooLongError

        del element
        # As a function: a page's content security policy may forbid texts that are evaluated.
        condition = f"() => ({step.expression.rstrip().rstrip(';')}\n)"
        try:
            place.wait_for_function(condition, polling=_LOOK_MS, timeout=self._timeout_ms)
        except TookTooLongError as error:
            raise self._missing(f"the expression {step.expression[:80]}") from error


def _chains(selectors: list[str | list[str]]) -> list[list[str]]:
    return [[one] if isinstance(one, str) else one for one in selectors]


def _shown(selectors: list[str | list[str]]) -> str:
    """Selectors as a message names them."""
    shown = [" > ".join(chain) for chain in _chains(selectors)]
    return re.sub(r"\s+", " ", " or ".join(shown))[:160]
