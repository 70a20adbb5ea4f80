// SPDX-License-Identifier: Apache-2.0
const { defineConfig } = require("cypress");

module.exports = defineConfig({
  video: false,
  e2e: { supportFile: false, env: { fail: Boolean(process.env.SHOP_FAIL) } },
});
