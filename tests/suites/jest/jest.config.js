// SPDX-License-Identifier: Apache-2.0
module.exports = { testTimeout: 20_000 };
