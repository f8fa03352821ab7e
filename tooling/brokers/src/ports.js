import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';

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

/** @type {typeof import('./types.d.ts').freePort} */
export async function freePort() {
  for (let tries = 0; tries < 200; tries++) {
    const port = randomInt(FIRST, LAST);
    if (await isFree(port)) return port;
  }
  throw new Error(`no free port between ${FIRST} and ${LAST}`);
}
