// SPDX-License-Identifier: Apache-2.0
// Mocha: root hooks around each test, added to the command line of its process; no parallel workers.
'use strict';

const path = require('path');
const { tell } = require('./hook.cjs');

const within = (process.argv[1] ?? '').split(path.sep);
const program = within[within.length - 1];
const isRunner = /^_?mocha(\.js|\.cjs)?$/.test(program) || (program === 'cli.js' && within.includes('mocha'));

if (isRunner && !process.argv.includes(__filename)) {
  const end = process.argv.indexOf('--') < 0 ? process.argv.length : process.argv.indexOf('--');
  process.argv.splice(end, 0, '--require', __filename, '--no-parallel');
}

let number = 0;

exports.mochaHooks = {
  beforeEach() {
    const test = this.currentTest;
    number += 1;
    tell({
      event: 'start',
      case: String(number),
      test: test.titlePath().join(' › '),
      file: test.file ? path.relative(process.cwd(), test.file) : null,
    });
  },
  afterEach() {
    tell({ event: 'end', case: String(number), status: this.currentTest.state ?? 'unknown' });
  },
};
