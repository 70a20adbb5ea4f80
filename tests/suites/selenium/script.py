# SPDX-License-Identifier: Apache-2.0
"""A shop, with Selenium and no test runner."""

import os
import sys

from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

options = webdriver.ChromeOptions()
options.binary_location = os.environ.get("CHROMIUM", "/usr/bin/chromium")
options.add_argument("--headless")
options.add_argument("--no-sandbox")
with webdriver.Chrome(options=options, service=Service("/usr/bin/chromedriver")) as driver:
    driver.get(f"{os.environ['BASE_URL']}/shop.html")
    driver.find_element(By.ID, "load").click()
    WebDriverWait(driver, 10).until(lambda page: page.find_element(By.ID, "size").text == "30000")
    sys.stdout.write(f"{driver.title}\n")
if os.environ.get("SHOP_FAIL"):
    sys.exit(7)
