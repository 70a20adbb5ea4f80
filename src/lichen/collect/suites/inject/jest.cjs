// SPDX-License-Identifier: Apache-2.0
// Jest: every test environment is told of its tests by Jest itself (handleTestEvent); here they are told on. One process.
'use strict';

const Module = require('module');
const path = require('path');
const { tell } = require('./hook.cjs');

const within = (process.argv[1] ?? '').split(path.sep);
const program = within[within.length - 1];

if (/^jest(\.js|\.cjs)?$/.test(program) && !process.argv.includes('--runInBand')) {
  const kept = process.argv.filter((arg) => !/^(--maxWorkers|-w)(=.*)?$/.test(arg));
  process.argv = [...kept.slice(0, 2), '--runInBand', ...kept.slice(2)];
}

let number = 0;

function titles(test) {
  const names = [];
  for (let block = test; block?.parent; block = block.parent) names.unshift(block.name);
  return names.join(' › ');
}

const runs = (test) => test.mode !== 'skip' && test.mode !== 'todo';

/** A test environment that tells of its tests, and is otherwise the one it was. */
function telling(Environment) {
  if (Environment.tellsLichen) return Environment;
  const Telling = class extends Environment {
    constructor(config, context) {
      super(config, context);
      const file = path.relative(process.cwd(), context?.testPath ?? '');
      const own = this.handleTestEvent;
      const keys = new Map();
      this.handleTestEvent = async (event, state) => {
        const { name, test } = event;
        if (name === 'test_start' && runs(test)) {
          number += 1;
          keys.set(test, String(number));
          tell({ event: 'start', case: keys.get(test), test: titles(test), file });
        }
        if (own) await own.call(this, event, state);
        if (name === 'test_done' && runs(test)) {
          tell({ event: 'end', case: keys.get(test), status: test.errors.length > 0 ? 'failed' : 'passed' });
        }
      };
    }
  };
  Object.defineProperty(Telling, 'name', { value: Environment.name });
  Telling.tellsLichen = true;
  return Telling;
}

const isEnvironment = (value) => typeof value === 'function' && typeof value.prototype?.getVmContext === 'function';

const load = Module._load;
Module._load = function (...args) {
  const exported = load.apply(this, args);
  if (isEnvironment(exported)) return telling(exported);
  if (!isEnvironment(exported?.default) && !isEnvironment(exported?.TestEnvironment)) return exported;
  const replaced = Object.entries(exported).map(([name, value]) => [name, isEnvironment(value) ? telling(value) : value]);
  return Object.defineProperty(Object.fromEntries(replaced), '__esModule', { value: true });
};
