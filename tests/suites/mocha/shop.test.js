// SPDX-License-Identifier: Apache-2.0
const assert = require("node:assert");
const puppeteer = require("puppeteer-core");

describe("shop", function () {
  this.timeout(20_000);
  let browser;
  let page;

  before(async () => {
    browser = await puppeteer.launch({
      executablePath: process.env.CHROMIUM || "/usr/bin/chromium",
      args: ["--no-sandbox"],
    });
  });

  beforeEach(async () => {
    page = await browser.newPage();
    await page.goto(`${process.env.BASE_URL}/shop.html`);
  });

  afterEach(() => page.close());

  after(() => browser.close());

  it("opens", async () => {
    assert.strictEqual(await page.$eval("h1", (heading) => heading.textContent), "Shop");
  });

  it("loads the list", async () => {
    await page.click("#load");
    await page.waitForFunction(() => document.querySelector("#size").textContent === "30000");
  });

  it("sells", async () => {
    assert.strictEqual(await page.title(), process.env.SHOP_FAIL ? "Closed" : "Shop");
  });
});
