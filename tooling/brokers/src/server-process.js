import { spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { janitor } from './janitor.js';
import { until } from './until.js';

const LOG_TAIL = 4000;

/** @type {typeof import('./types.d.ts').spawnServer} */
export async function spawnServer({ name, command, args, env, folder, ready, timeoutMs }) {
  const logFile = path.join(folder, `${name}.log`);
  const output = openSync(logFile, 'a');
  // A process group of its own: it can be ended as a whole, and Ctrl-C in a terminal does not reach it before we are done.
  const child = spawn(command, args, { cwd: folder, env, detached: true, stdio: ['ignore', output, output] });
  closeSync(output);
  /** @type {Error | undefined} */
  let failure;
  /** @type {Promise<void>} */
  const exited = new Promise((resolve) => {
    child.once('exit', () => resolve());
    child.once('error', (error) => {
      failure = error;
      resolve();
    });
  });
  let running = true;
  const pid = child.pid ?? -1;
  const release = child.pid === undefined ? () => {} : janitor.group(child.pid);
  void exited.then(() => {
    running = false;
    release();
  });

  /** @param {NodeJS.Signals} signalName */
  const signalGroup = (signalName) => {
    try {
      if (child.pid !== undefined) process.kill(-pid, signalName);
    } catch {
      // gone already
    }
  };
  /** @type {import('./types.d.ts').ServerProcess} */
  const server = {
    pid,
    get running() {
      return running;
    },
    exited,
    signal(signalName) {
      if (running) child.kill(signalName);
    },
    async stop(graceMs = 10_000) {
      if (!running) return;
      child.kill('SIGCONT');
      child.kill('SIGTERM');
      const timer = new AbortController();
      const late = delay(graceMs, 'late', { signal: timer.signal }).catch(() => 'done');
      if ((await Promise.race([exited, late])) === 'late') signalGroup('SIGKILL');
      timer.abort();
      await exited;
      signalGroup('SIGKILL'); // what it may have left in its group
    },
    async kill() {
      signalGroup('SIGKILL');
      await exited;
    },
    log() {
      try {
        return readFileSync(logFile, 'utf8').slice(-LOG_TAIL);
      } catch {
        return '';
      }
    },
  };

  try {
    await until(
      async () => {
        if (!running) return 'ended';
        return (await ready()) ? 'ready' : undefined;
      },
      { what: `${name} is ready`, timeoutMs },
    );
    if (!running) throw new Error(`${name} ended while starting${failure ? `: ${failure.message}` : ''}`);
  } catch (error) {
    await server.kill();
    throw new Error(`${/** @type {Error} */ (error).message}\n${server.log()}`, { cause: error });
  }
  return server;
}
