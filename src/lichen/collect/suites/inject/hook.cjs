// SPDX-License-Identifier: Apache-2.0
// Loaded into every Node.js process of a suite (NODE_OPTIONS=--require). Tells when a browser starts, and gives Chromium a
// debugging port of its own choice. What it cannot do it leaves alone: the suite must run as it does without it.
'use strict';

const childProcess = require('child_process');
const fs = require('fs');
const path = require('path');
const { isMainThread } = require('worker_threads');

const FOLDER = __dirname;
const LONGEST = 4000; // a write to a pipe is atomic up to 4096 bytes
const FULL_MS = 2000;
const SLEEPER = new Int32Array(new SharedArrayBuffer(4));

const channel = { out: -1, reply: null, closed: !isMainThread };

function open() {
  if (channel.out >= 0) return;
  channel.out = fs.openSync(path.join(FOLDER, 'events'), fs.constants.O_WRONLY | fs.constants.O_NONBLOCK);
}

// A reply pipe belongs to whoever renames it first.
function claimReply() {
  for (const name of fs.readdirSync(path.join(FOLDER, 'free'))) {
    const mine = path.join(FOLDER, 'taken', name);
    try {
      fs.renameSync(path.join(FOLDER, 'free', name), mine);
    } catch {
      continue;
    }
    // Opened for reading alone, it would wait forever for a Lichen that was killed; then the first read finds its end.
    const both = fs.openSync(mine, 'r+');
    try {
      return { name, input: fs.openSync(mine, 'r') };
    } finally {
      fs.closeSync(both);
    }
  }
  return null;
}

function write(event) {
  let text = JSON.stringify(event);
  for (const field of ['test', 'file']) {
    if (Buffer.byteLength(text) > LONGEST && typeof event[field] === 'string') {
      text = JSON.stringify({ ...event, [field]: event[field].slice(0, 400) });
    }
  }
  const bytes = Buffer.from(text + '\n');
  for (let waited = 0; ; waited += 1) {
    try {
      fs.writeSync(channel.out, bytes);
      return;
    } catch (error) {
      if (error.code !== 'EAGAIN' || waited >= FULL_MS) throw error;
      Atomics.wait(SLEEPER, 0, 0, 1);
    }
  }
}

/** Tells one event; with `wait`, returns once it was taken note of. Nobody listening is no error. */
function tell(event, wait = true) {
  if (channel.closed) return;
  try {
    open();
    if (wait && channel.reply === null) channel.reply = claimReply();
    const answered = wait && channel.reply !== null;
    write({ ...event, pid: event.pid ?? process.pid, ...(answered ? { reply: channel.reply.name } : {}) });
    if (answered && fs.readSync(channel.reply.input, Buffer.alloc(1), 0, 1, null) === 0) channel.closed = true;
  } catch {
    channel.closed = true;
  }
}

const CHROMIUM = /^--remote-debugging-(pipe|port)(=|$)/;
const OTHERS = /^(-juggler-pipe|--inspector-pipe|-?-marionette)$/;

function valueOf(args, name) {
  const found = args.find((arg) => arg.startsWith(name + '='));
  return found === undefined ? null : found.slice(name.length + 1);
}

const spawn = childProcess.spawn;

childProcess.spawn = function (file, args, options) {
  const known = Array.isArray(args) ? args.map(String) : [];
  const chromium = known.some((arg) => CHROMIUM.test(arg));
  if (channel.closed || !(chromium || known.some((arg) => OTHERS.test(arg)))) return spawn.apply(this, arguments);
  let given = known;
  if (chromium && valueOf(known, '--remote-debugging-port') === null) {
    // Before the first argument that is no option: what follows it are addresses to open.
    const at = known.findIndex((arg) => !arg.startsWith('-'));
    given = [...known.slice(0, at < 0 ? known.length : at), '--remote-debugging-port=0', ...(at < 0 ? [] : known.slice(at))];
  }
  tell({ event: 'launch' });
  const child = spawn.call(this, file, given, options);
  if (child.pid === undefined) {
    tell({ event: 'launched' });
    return child;
  }
  tell({
    event: 'launched',
    browser: child.pid,
    port: chromium ? valueOf(given, '--remote-debugging-port') : null,
    profile: valueOf(given, '--user-data-dir'),
  });
  child.once('exit', (code, signal) => tell({ event: 'exit', browser: child.pid, code, signal }, false));
  return child;
};
require('module').syncBuiltinESMExports();

tell({ event: 'hello' }, false);

module.exports = { tell };
