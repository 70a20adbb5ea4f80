# SPDX-License-Identifier: Apache-2.0
"""An adviser follows the applications of the companies: list, filter, one file, a message."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any


def prepare(page: Any) -> None:
    """Sign in with the demonstration account, outside the measured window."""
    page.goto("/sign-in?lang=en")
    page.get_by_label("E-mail").fill("adviser@portal.example")
    page.get_by_label("Password").fill("lichen-demo")
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/applications")


def journey(page: Any, step: Callable[..., AbstractContextManager[object]]) -> None:
    """Look through the list, narrow it, open a file and write to the analyst.

    Args:
        page: a signed-in Playwright page whose base address is the portal.
        step: opens a named step; `dwell` is the seconds a person spends in it.
    """
    with step("list", dwell=20):
        page.goto("/applications")
        page.get_by_role("img", name="By status").wait_for()
    with step("filter", dwell=15):
        page.get_by_role("combobox", name="Status").select_option(label="In review")
        page.get_by_role("button", name="Apply filters").click()
        page.wait_for_url("**status=in_review**")
        page.get_by_role("button", name="Amount").click()
    with step("detail", dwell=25):
        page.get_by_role("link", name="Open application").first.click()
        page.wait_for_url("**/applications/*")
        page.get_by_role("heading", name="Timeline").wait_for()
    with step("message", dwell=30):
        page.get_by_label("Write to your analyst").fill("The cash plan is updated; the new one is attached.")
        page.get_by_role("button", name="Send").click()
        page.wait_for_url("**#messages")
        page.get_by_text("The cash plan is updated").wait_for()
