import { mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { cacheFolder } from './cache.js';
import { lastLine, run } from './run.js';
import { which } from './which.js';

const INSTALL_MS = 10 * 60_000;
/** A failure is remembered for so long, so that not every test file tries again. */
const FAILURE_MS = 10 * 60_000;

// Services that a package would start must not start: the tests start their own.
const ENV = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1', SYSTEMD_OFFLINE: '1' };

/** @type {typeof import('./types.d.ts').aptInstall} */
export async function aptInstall(packages) {
  if (process.env.KOMBU_TEST_NO_INSTALL) return 'KOMBU_TEST_NO_INSTALL forbids to install it';
  const apt = which(['apt-get']);
  if (apt === undefined) return 'there is no apt-get to install it with';
  if (process.getuid?.() !== 0) return `only root can install it (apt-get install ${packages.join(' ')})`;

  const failure = path.join(cacheFolder(), `apt-${packages.join('_')}.failed`);
  const unlock = await lock(path.join(cacheFolder(), 'apt.lock'));
  try {
    const before = recentFailure(failure);
    if (before !== undefined) return before;
    const reason = await install(apt, packages);
    if (reason !== undefined) writeFileSync(failure, reason);
    return reason;
  } finally {
    unlock();
  }
}

/**
 * @param {string} apt
 * @param {readonly string[]} packages
 */
async function install(apt, packages) {
  const args = ['install', '-y', '--no-install-recommends', '-o', 'DPkg::Lock::Timeout=300', ...packages];
  process.stderr.write(`installing ${packages.join(' ')} ...\n`);
  let done = await run(apt, args, { env: ENV, timeoutMs: INSTALL_MS });
  if (done.code !== 0) {
    process.stderr.write('apt-get update ...\n');
    await run(apt, ['update', '-q'], { env: ENV, timeoutMs: INSTALL_MS });
    done = await run(apt, args, { env: ENV, timeoutMs: INSTALL_MS });
  }
  process.stderr.write(done.code === 0 ? `installed ${packages.join(' ')}\n` : `could not install it\n`);
  return done.code === 0 ? undefined : `apt-get install ${packages.join(' ')}: ${lastLine(done.stderr)}`;
}

/** @param {string} file */
export function recentFailure(file) {
  try {
    return Date.now() - statSync(file).mtimeMs < FAILURE_MS ? readFileSync(file, 'utf8') : undefined;
  } catch {
    return undefined;
  }
}

/**
 * One installation at a time on this machine. The lock of a process that is gone is taken over.
 *
 * @param {string} folder
 */
export async function lock(folder) {
  const owner = path.join(folder, 'pid');
  for (;;) {
    try {
      mkdirSync(folder);
      writeFileSync(owner, String(process.pid));
      return () => rmSync(folder, { recursive: true, force: true });
    } catch {
      if (!(await held(folder, owner))) rmSync(folder, { recursive: true, force: true });
      await delay(200);
    }
  }
}

/**
 * @param {string} folder
 * @param {string} owner
 */
async function held(folder, owner) {
  try {
    if (Date.now() - statSync(folder).mtimeMs < 2000) return true; // its owner may be about to write its pid
    process.kill(Number(readFileSync(owner, 'utf8')), 0);
    return true;
  } catch {
    return false;
  }
}
