import { randomInt } from 'node:crypto';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';

// Below what Linux and macOS give to outgoing connections, so that a client's own port never takes one that a server was promised.
const FIRST = 20_000;
const LAST = 32_000;

/** @param {number} port */
function isFree(port) {
  return new Promise((/** @type {(free: boolean) => void} */ resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(false));
    probe.listen({ port, host: '127.0.0.1', exclusive: true }, () => probe.close(() => resolve(true)));
  });
}

/** @param {number} pid */
function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return /** @type {NodeJS.ErrnoException} */ (error).code === 'EPERM';
  }
}

/**
 * Promises the port to this process for as long as it lives: a server takes seconds to listen, and until then nobody else on
 * this machine may be given the same. A file says who has it; that of a dead process is removed, and its port is left to the
 * next who asks.
 *
 * @param {number} port
 */
function promise(port) {
  const folder = path.join(tmpdir(), `kombu-ports-${process.getuid?.() ?? ''}`);
  const file = path.join(folder, String(port));
  try {
    mkdirSync(folder, { recursive: true });
    writeFileSync(file, String(process.pid), { flag: 'wx' });
    return true;
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code !== 'EEXIST') throw error;
  }
  try {
    const owner = Number(readFileSync(file, 'utf8'));
    if (owner > 0 && !isAlive(owner)) rmSync(file, { force: true });
  } catch {
    // Somebody else removed it just now.
  }
  return false;
}

/** @type {typeof import('./types.d.ts').freePort} */
export async function freePort() {
  for (let tries = 0; tries < 500; tries++) {
    const port = randomInt(FIRST, LAST);
    if (promise(port) && (await isFree(port))) return port;
  }
  throw new Error(`no free port between ${FIRST} and ${LAST}`);
}
