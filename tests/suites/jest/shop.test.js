// SPDX-License-Identifier: Apache-2.0
const puppeteer = require("puppeteer-core");

describe("shop", () => {
  let browser;
  let page;

  beforeAll(async () => {
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

  afterAll(() => browser.close());

  test("opens", async () => {
    expect(await page.$eval("h1", (heading) => heading.textContent)).toBe("Shop");
  });

  test("loads the list", async () => {
    await page.click("#load");
    await page.waitForFunction(() => document.querySelector("#size").textContent === "30000");
  });

  test("sells", async () => {
    expect(await page.title()).toBe(process.env.SHOP_FAIL ? "Closed" : "Shop");
  });
});
