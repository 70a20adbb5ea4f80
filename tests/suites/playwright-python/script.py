# SPDX-License-Identifier: Apache-2.0
"""A shop, with Playwright for Python and no test runner."""

import os
import sys

from playwright.sync_api import sync_playwright

with sync_playwright() as playwright:
    browser = playwright.chromium.launch(
        executable_path=os.environ.get("CHROMIUM", "/usr/bin/chromium"), args=["--no-sandbox"]
    )
    page = browser.new_page(base_url=os.environ["BASE_URL"])
    page.goto("/shop.html")
    page.click("#load")
    page.wait_for_function("document.querySelector('#size').textContent === '30000'")
    sys.stdout.write(f"{page.title()}\n")
    browser.close()
if os.environ.get("SHOP_FAIL"):
    sys.exit(7)
