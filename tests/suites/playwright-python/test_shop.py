# SPDX-License-Identifier: Apache-2.0
"""A shop, with Playwright for Python and pytest."""

import os
import re

from playwright.sync_api import Page, expect


def test_opens(page: Page) -> None:
    page.goto("/shop.html")
    expect(page.get_by_role("heading")).to_have_text("Shop")


class TestList:
    def test_loads(self, page: Page) -> None:
        page.goto("/shop.html")
        page.get_by_role("button", name="Load the list").click()
        expect(page.locator("#size")).to_have_text("30000")


def test_sells(page: Page) -> None:
    page.goto("/shop.html")
    expect(page).to_have_title(re.compile("Closed" if os.environ.get("SHOP_FAIL") else "Shop"), timeout=1000)
