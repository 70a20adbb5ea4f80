# SPDX-License-Identifier: Apache-2.0
"""A shop, with Selenium and pytest."""

import os

from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait


def test_opens(shop) -> None:
    assert shop.find_element(By.TAG_NAME, "h1").text == "Shop"


class TestList:
    def test_loads(self, shop) -> None:
        shop.find_element(By.ID, "load").click()
        WebDriverWait(shop, 10).until(lambda page: page.find_element(By.ID, "size").text == "30000")


def test_sells(shop) -> None:
    assert shop.title == ("Closed" if os.environ.get("SHOP_FAIL") else "Shop")
