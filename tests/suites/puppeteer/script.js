// SPDX-License-Identifier: Apache-2.0
const puppeteer = require("puppeteer-core");

(async () => {
  const browser = await puppeteer.launch({
    executablePath: process.env.CHROMIUM || "/usr/bin/chromium",
    args: ["--no-sandbox"],
  });
  const page = await browser.newPage();
  await page.goto(`${process.env.BASE_URL}/shop.html`);
  await page.click("#load");
  await page.waitForFunction(() => document.querySelector("#size").textContent === "30000");
  console.log(await page.title());
  await browser.close();
  process.exitCode = process.env.SHOP_FAIL ? 7 : 0;
})();
