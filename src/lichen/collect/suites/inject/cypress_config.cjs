// SPDX-License-Identifier: Apache-2.0
// Loaded into the process in which Cypress reads the project's configuration: keeps the name of the project's own reporter,
// as the one that tells the tests stands in its place and hands everything on to it.
'use strict';

const fs = require('fs');
const path = require('path');
const { tell } = require('./hook.cjs');

const KEPT = path.join(__dirname, 'cypress_reporter.json');

function keep(config) {
  const type = process.argv.includes('component') ? 'component' : 'e2e';
  const settings = { ...config, ...config[type] };
  if (settings.reporter) fs.writeFileSync(KEPT, JSON.stringify({ reporter: settings.reporter }));
  if (settings.video) tell({ event: 'note', text: 'the suite records traces or videos itself: their work is in the figures' }, false);
}

if (process.send) {
  const send = process.send;
  process.send = function (message, ...rest) {
    try {
      if (message?.event === 'loadConfig:reply') keep(JSON.parse(message.args[0].initialConfig));
    } catch {
      // Another version of Cypress words it otherwise: its reporter is then the default one.
    }
    return send.call(this, message, ...rest);
  };
}
