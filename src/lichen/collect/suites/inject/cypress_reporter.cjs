// SPDX-License-Identifier: Apache-2.0
// Mocha reporter for Cypress. It runs in the process that is Cypress' server, its proxy and, with Electron, the browser's main
// process: there it tells each attempt at a test and each exchange with the site, and hands everything on to the reporter that
// the project asked for. While it waits, the proxy and the commands of the next test wait too.
'use strict';

const diagnostics = require('diagnostics_channel');
const fs = require('fs');
const path = require('path');
const { tell } = require('./hook.cjs');

const ASKED = ['cypress_reporter_asked.json', 'cypress_reporter.json']; // command line and environment come before the project
const LONGEST_URL = 2500;
const KINDS = {
  document: 'document',
  iframe: 'document',
  frame: 'document',
  script: 'script',
  worker: 'script',
  style: 'stylesheet',
  image: 'image',
  font: 'font',
  audio: 'media',
  video: 'media',
  track: 'media',
  empty: 'fetch',
  websocket: 'websocket',
};
// What Cypress and Chromium ask for themselves: no page of the suite does.
const OF_THE_TOOLS = [
  /^https?:\/\/(api|api-proxy|cloud|on|download)\.cypress\.io\//,
  /^https?:\/\/(update|optimizationguide-pa|content-autofill|safebrowsing|safebrowsingohttpgateway)\.googleapis\.com\//,
  /^https?:\/\/clients2\.google\.com\/(time|service)\//,
  /^https?:\/\/accounts\.google\.com\/ListAccounts\b/,
  /^https?:\/\/([\w.-]+\.)?gvt1\.com\//,
  /^https?:\/\/(127\.0\.0\.1|localhost)(:\d+)?\/(json\/(version|list|protocol)$|devtools\/(browser|page)\/)/,
];

const under_way = new Set();
const counted = new WeakMap(); // socket -> bytes read and written that are told already

function addressOf(request) {
  if (/^https?:/.test(request.path)) return request.path; // to a proxy
  const host = request.getHeader('host') ?? request.host;
  return `${request.protocol}//${host}${request.path}`;
}

function kindOf(request) {
  const known = KINDS[request.getHeader('sec-fetch-dest')];
  if (known !== undefined) return known;
  return String(request.getHeader('accept') ?? '').includes('text/html') ? 'document' : 'other';
}

function now() {
  return Number(process.hrtime.bigint()) / 1e9; // the system's monotonic clock
}

class Exchange {
  constructor(request) {
    this.request = request;
    this.socket = request.socket;
    this.url = addressOf(request);
    this.sent_at_s = now();
    this.told = OF_THE_TOOLS.some((address) => address.test(this.url));
    if (this.told) return;
    under_way.add(this);
    if (this.socket === null) request.once('socket', (socket) => (this.socket = socket));
    request.once('close', () => this.tell());
    if (request.listenerCount('upgrade') > 0) request.prependOnceListener('upgrade', () => this.follow());
  }

  follow() {
    // A WebSocket: what follows the handshake is told when it ends, or with everything else when the tests have ended.
    this.request.removeAllListeners('close');
    this.socket.once('close', () => this.tell());
  }

  tell() {
    if (this.told) return;
    this.told = true;
    under_way.delete(this);
    const before = counted.get(this.socket) ?? { read: 0, written: 0 };
    const after = { read: this.socket?.bytesRead ?? 0, written: this.socket?.bytesWritten ?? 0 };
    if (this.socket) counted.set(this.socket, after);
    tell(
      {
        event: 'exchange',
        method: this.request.method,
        url: this.url.slice(0, LONGEST_URL),
        kind: kindOf(this.request),
        status: this.request.res?.statusCode ?? null,
        sent_at_s: this.sent_at_s,
        finished_at_s: now(),
        received_bytes: after.read - before.read,
        sent_bytes: after.written - before.written,
      },
      false,
    );
  }
}

const shown = new Set();

function parentOf(pid) {
  const stat = fs.readFileSync(`/proc/${pid}/stat`, 'utf8');
  return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
}

// With Electron the pages live in processes of Cypress' own, most of them born of a process that only gives birth: they are
// told by their ancestor right below this process. With another browser there is no process of type Tab.
function showElectron() {
  const processes = require('electron').app.getAppMetrics();
  if (!processes.some(({ type }) => type === 'Tab')) return;
  for (let { pid, type } of processes) {
    if (type === 'Browser') continue;
    for (let parent = parentOf(pid); parent !== process.pid && parent > 1; parent = parentOf(pid)) pid = parent;
    if (!shown.has(pid)) tell({ event: 'launched', browser: pid, port: null });
    shown.add(pid);
  }
  tell({ event: 'note', text: "Cypress' server is Electron's main process: its work is in the runner's figures" }, false);
}

function asked() {
  for (const name of ASKED) {
    try {
      return JSON.parse(fs.readFileSync(path.join(__dirname, name), 'utf8')).reporter ?? 'spec';
    } catch {
      continue;
    }
  }
  tell({ event: 'note', text: "the project's reporter is not known: mocha's 'spec' is used" }, false);
  return 'spec';
}

// As Cypress finds it: one of its own, one of mocha, a file of the project, a package of the project.
function ownReporter(name) {
  const cypress = module.parent;
  const { reporters } = cypress.require('mocha');
  const bundled = { junit: 'mocha-junit-reporter', teamcity: 'mocha-teamcity-reporter' };
  if (bundled[name] !== undefined) return cypress.require(bundled[name]);
  if (reporters[name] !== undefined) return reporters[name];
  const root = process.argv[process.argv.indexOf('--run-project') + 1] ?? process.cwd();
  try {
    return require(require.resolve(path.resolve(root, name)));
  } catch (error) {
    if (error.code !== 'MODULE_NOT_FOUND') throw error;
  }
  return require(require.resolve(name, { paths: [root] }));
}

function listen(runner) {
  let spec = null;
  runner.on('suite', (suite) => {
    spec = suite.file ?? spec;
  });
  runner.on('test:before:run', (test) => {
    tell({ event: 'start', source: 'cypress', case: `${spec}:${test.id}`, test: test.titlePath().join(' › '), file: spec });
  });
  runner.on('test:after:run', (test) => {
    tell({ event: 'end', source: 'cypress', case: `${spec}:${test.id}`, status: test.state });
  });
  runner.on('end', () => {
    for (const exchange of [...under_way]) exchange.tell();
  });
}

tell({ event: 'proxy' });
diagnostics.subscribe('http.client.request.start', ({ request }) => void new Exchange(request));

module.exports = function Reporter(runner, options) {
  try {
    showElectron();
    listen(runner);
  } catch (error) {
    tell({ event: 'note', text: `test cases are not told: ${error.message}` }, false);
  }
  const Own = ownReporter(asked());
  return new Own(runner, options);
};
