// SPDX-License-Identifier: Apache-2.0
// Playwright Test: one worker, and each test's edges told from inside the worker, before its own message leaves.
'use strict';

const childProcess = require('child_process');
const path = require('path');
const { tell } = require('./hook.cjs');
const { asExpected } = require('./playwright_reporter.cjs');

const WORKERS = /^(-j.*|--workers(=.*)?)$/;

function isRunner(argv) {
  const program = path.basename(argv[1] ?? '');
  const within = argv[1] ? argv[1].split(path.sep) : [];
  return argv[2] === 'test' && (program === 'playwright' || (program === 'cli.js' && within.some((p) => p.includes('playwright'))));
}

/** The arguments with exactly one worker, whatever they said. */
function withOneWorker(argv) {
  const end = argv.indexOf('--') < 0 ? argv.length : argv.indexOf('--');
  const kept = [];
  for (let i = 0; i < end; i += 1) {
    if (!WORKERS.test(argv[i])) kept.push(argv[i]);
    else if (argv[i] === '-j' || argv[i] === '--workers') i += 1;
  }
  return [...kept, '--workers=1', ...argv.slice(end)];
}

if (isRunner(process.argv)) {
  process.argv = withOneWorker(process.argv);
  // What the runner itself starts through a shell is the application under test (webServer).
  const spawn = childProcess.spawn;
  childProcess.spawn = function (file, args, options) {
    const child = spawn.apply(this, arguments);
    const given = Array.isArray(args) ? options : args;
    if (given?.shell && child.pid !== undefined) tell({ event: 'server', server: child.pid });
    return child;
  };
}

if (process.send && path.basename(process.argv[1] ?? '').startsWith('workerProcessEntry')) {
  const send = process.send;
  process.send = function (message, ...rest) {
    const told = message?.method === '__dispatch__' ? message.params : undefined;
    if (told?.method === 'testBegin') tell({ event: 'start', source: 'worker', case: told.params.testId });
    if (told?.method === 'testEnd') {
      const { status, expectedStatus } = told.params;
      tell({ event: 'end', source: 'worker', case: told.params.testId, status: asExpected(status, expectedStatus) });
    }
    return send.call(this, message, ...rest);
  };
}

module.exports = { withOneWorker };
