// SPDX-License-Identifier: Apache-2.0
// The test runner of Node.js: hooks around every test of the files that `node --test` starts, each in a process of its own.
'use strict';

const path = require('path');
const { isMainThread } = require('worker_threads');
const { tell } = require('./hook.cjs');

if (process.env.NODE_TEST_CONTEXT && isMainThread) {
  const { afterEach, beforeEach } = require('node:test');
  const file = path.relative(process.cwd(), process.argv[1] ?? '');
  const open = [];
  let number = 0;

  const nameOf = (context) => context.fullName ?? context.name;

  // A test within a test belongs to the outer one.
  const isInner = (context) => open.some((test) => nameOf(context).startsWith(`${test.name} > `));

  beforeEach((context) => {
    if (isInner(context)) return;
    number += 1;
    const test = { name: nameOf(context), key: `${process.pid}/${number}`, context };
    open.push(test);
    tell({ event: 'start', case: test.key, test: test.name.replaceAll(' > ', ' › '), file });
  });

  afterEach((context) => {
    const at = open.findIndex((test) => test.context === context);
    if (at < 0) return;
    const [test] = open.splice(at, 1);
    tell({ event: 'end', case: test.key, status: context.passed === undefined ? 'unknown' : context.passed ? 'passed' : 'failed' });
  });
}
