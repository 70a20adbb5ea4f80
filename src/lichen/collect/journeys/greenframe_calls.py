# SPDX-License-Identifier: Apache-2.0
"""Which calls of Playwright for JavaScript have a twin in Playwright for Python; helpers for those of GreenFrame without one.

Names: https://playwright.dev/docs/api and https://playwright.dev/python/docs/api.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final


def snake(name: str) -> str:
    """``waitForURL`` as ``wait_for_url``."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()


_SAME: Final = (
    "addCookies", "allInnerTexts", "allTextContents", "blur", "boundingBox", "check", "clear", "clearCookies",
    "click", "count", "dblclick", "dispatchEvent", "down", "dragAndDrop", "dragTo", "fill", "filter", "focus",
    "frameLocator", "getAttribute", "getByAltText", "getByLabel", "getByPlaceholder", "getByRole", "getByTestId",
    "getByText", "getByTitle", "goBack", "goForward", "hover", "innerHTML", "innerText", "inputValue", "insertText",
    "isChecked", "isDisabled", "isEnabled", "isHidden", "isVisible", "locator", "move", "nth", "press",
    "pressSequentially", "reload", "scrollIntoViewIfNeeded", "selectOption", "setChecked", "textContent", "title",
    "type", "uncheck", "up", "waitFor", "waitForLoadState", "waitForSelector", "waitForTimeout", "waitForURL",
    "wheel",
)  # fmt: skip

CALLS: Final[Mapping[str, tuple[str, int]]] = {
    **{name: (snake(name), 0) for name in _SAME},
    "$": ("query_selector", 0),
    "$$": ("query_selector_all", 0),
    "$eval": ("eval_on_selector", 2),
    "$$eval": ("eval_on_selector_all", 2),
    "evaluate": ("evaluate", 1),
    "setViewportSize": ("set_viewport_size", -1),
    "waitForFunction": ("wait_for_function", 1),
}
"""Name -> name in Python, and position of the function that runs in the page; 0: options become keywords, -1: they stay a
table."""

PROPERTIES: Final = frozenset(("keyboard", "mouse"))
"""Members that are calls in neither language."""

PYTHON_PROPERTIES: Final = frozenset(("context", "first", "last", "url"))
"""Calls that are none in Python."""

SCREENSHOTS: Final = frozenset(("addInitScript", "pdf", "screenshot", "video"))
"""Calls that GreenFrame refuses too."""

ASSERTIONS: Final = frozenset(
    (
        "toBeChecked", "toBeDisabled", "toBeEnabled", "toBeHidden", "toBeVisible", "toContainText", "toHaveAttribute",
        "toHaveCount", "toHaveText", "toHaveTitle", "toHaveURL", "toHaveValue",
    )
)  # fmt: skip
"""Of ``expect``; those that wait, so that they end a step."""

HELPERS: Final[Mapping[str, str]] = {
    "scroll_by_distance": '''
def scroll_by_distance(page, pixels):
    """Scrolls on by a number of pixels, as smoothly as a person does."""
    page.evaluate(
        """pixels => new Promise(done => {
            const before = scrollY;
            scrollBy({ top: pixels, behavior: "smooth" });
            addEventListener("scrollend", done, { once: true });
            setTimeout(() => scrollY === before && done(), 200);
            setTimeout(done, 5000);
        })""",
        pixels,
    )
''',
    "scroll_to_element": '''
def scroll_to_element(page, selector):
    """Scrolls smoothly until the element is in view, and waits until it stands still."""
    element = page.locator(selector).first
    element.evaluate("element => element.scrollIntoView({ behavior: 'smooth' })")
    element.element_handle().wait_for_element_state("stable")
''',
    "scroll_to_end": '''
def scroll_to_end(page):
    """Scrolls to the end of the page, 100 pixels every 25 milliseconds."""
    page.evaluate(
        """() => new Promise(done => {
            const timer = setInterval(() => {
                const before = scrollY;
                scrollBy(0, 100);
                if (scrollY === before) { clearInterval(timer); done(); }
            }, 25);
        })"""
    )
''',
}  # fmt: skip
"""Helpers that a journey carries along when its scenario used them."""
