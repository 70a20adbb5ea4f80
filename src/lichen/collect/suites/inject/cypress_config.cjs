// SPDX-License-Identifier: Apache-2.0
// Loaded into Cypress' command and into the process in which it reads the project's configuration. Keeps the name of the
// project's own reporter, as the one that tells the tests stands in its place and hands everything on to it.
'use strict';

const childProcess = require('child_process');
const fs = require('fs');
const path = require('path');
const { tell } = require('./hook.cjs');

const KEPT = path.join(__dirname, 'cypress_reporter.json');

function keep(config) {
  const type = process.argv.includes('component') ? 'component' : 'e2e';
  const { reporter = null, video = false } = { ...config, ...config[type] };
  fs.writeFileSync(KEPT, JSON.stringify({ reporter }));
  if (video) tell({ event: 'note', text: 'The suite records traces or videos itself: their work is in the figures.' }, false);
}

if (process.send) {
  const send = process.send;
  process.send = function (message, ...rest) {
    try {
      if (message?.event === 'loadConfig:reply') keep(JSON.parse(message.args[0].initialConfig));
    } catch (error) {
      tell({ event: 'note', text: `cypress.config could not be read: ${error.message}` }, false);
    }
    return send.call(this, message, ...rest);
  };
}

// Electron refuses --require and says so on standard error. It gets the options without what is loaded from here; those that it
// keeps for the process of the configuration stay whole.
function withoutOurs(options) {
  const words = options.match(/"[^"]*"|[^\s"]+/g) ?? [];
  const ours = (word) => word?.startsWith(`"${__dirname}${path.sep}`);
  return words.filter((word, at) => !ours(word) && !(word === '--require' && ours(words[at + 1]))).join(' ');
}

const spawn = childProcess.spawn;
childProcess.spawn = function (file, args, options) {
  const { NODE_OPTIONS, ...env } = options?.env ?? {};
  if (env.ORIGINAL_NODE_OPTIONS === undefined || NODE_OPTIONS === undefined) return spawn.apply(this, arguments);
  const users = withoutOurs(NODE_OPTIONS);
  return spawn.call(this, file, args, { ...options, env: users === '' ? env : { ...env, NODE_OPTIONS: users } });
};
