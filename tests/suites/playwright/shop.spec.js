// SPDX-License-Identifier: Apache-2.0
const { expect, test } = require("@playwright/test");

test.describe("shop", () => {
  test("opens", async ({ page }) => {
    await page.goto("/shop.html");
    await expect(page.getByRole("heading")).toHaveText("Shop");
  });

  test("loads the list", async ({ page }) => {
    await page.goto("/shop.html");
    await page.getByRole("button", { name: "Load the list" }).click();
    await expect(page.locator("#size")).toHaveText("30000");
  });

  test("sells", async ({ page }) => {
    await page.goto("/shop.html");
    await expect(page).toHaveTitle(process.env.SHOP_FAIL ? "Closed" : "Shop", { timeout: 1000 });
  });
});
