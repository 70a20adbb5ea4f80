# SPDX-License-Identifier: Apache-2.0
"""A company owner compares the cost of a loan: home, simulator, schedule."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any


def journey(page: Any, step: Callable[..., AbstractContextManager[object]]) -> None:
    """Walk from the home page to a computed schedule.

    Args:
        page: a Playwright page whose base address is the portal.
        step: opens a named step; `dwell` is the seconds a person spends in it.
    """
    with step("open", dwell=8):
        page.goto("/?lang=en")
    with step("simulator", dwell=12):
        page.get_by_role("link", name="Simulate Treasury Guarantee").click()
        page.wait_for_url("**/simulate/treasury-guarantee")
        page.get_by_role("heading", level=1, name="Simulate: Treasury Guarantee").wait_for()
    with step("calculate", dwell=20):
        page.get_by_label("Amount of the loan").fill("180000")
        page.get_by_label("Term in months").fill("72")
        page.get_by_role("button", name="Calculate").click()
        page.wait_for_url("**term_months=72**")
        page.get_by_role("heading", name="Your loan").wait_for()
    with step("schedule", dwell=15):
        page.get_by_role("tab", name="By month").click()
        page.get_by_role("rowheader", name="72", exact=True).scroll_into_view_if_needed()
