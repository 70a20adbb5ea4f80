// SPDX-License-Identifier: Apache-2.0
// Playwright reporter: names of the tests, and their edges should the worker not have told them.
'use strict';

const path = require('path');
const { tell } = require('./hook.cjs');

// The modes that record the first attempt of every test.
const RECORDS = ['on', 'retain-on-failure', 'retain-on-first-failure', true];

/** How a test ended, seen from what was expected: test.fail() says that it must fail. A timeout is never what was expected. */
function asExpected(status, expected) {
  if (expected !== 'failed') return status;
  return { failed: 'passed', passed: 'failed' }[status] ?? status;
}

class Reporter {
  // Playwright adds a reporter of its own when none prints: it must decide as without this one.
  printsToStdio() {
    return false;
  }

  onBegin(config, suite) {
    this.root = config.rootDir;
    const traced = suite.allTests().some((test) => {
      const { trace, video } = test.parent.project()?.use ?? {};
      return [trace, video].some((use) => RECORDS.includes(use?.mode ?? use));
    });
    if (traced) tell({ event: 'note', text: 'The suite records traces or videos itself: their work is in the figures.' }, false);
  }

  onTestBegin(test, result) {
    const [, project, , ...titles] = test.titlePath();
    tell({
      event: 'start',
      source: 'reporter',
      case: test.id,
      test: [project, ...titles].filter(Boolean).join(' › '),
      file: path.relative(this.root, test.location.file),
    });
  }

  onTestEnd(test, result) {
    tell({ event: 'end', source: 'reporter', case: test.id, status: asExpected(result.status, test.expectedStatus) });
  }
}

Reporter.asExpected = asExpected;
module.exports = Reporter;
