import path from 'node:path';
import { temporaryFolder } from './folder.js';
import { startOwnServer } from './own-server.js';
import { freePort } from './ports.js';

const PROGRAM = path.join(import.meta.dirname, 'sqs-server.js');
const ACCESS_KEY = 'kombu';
const SECRET = 'secret';
const VERSION = 'fauxqs 1.9.2';

/** @type {typeof import('./types.d.ts').startSqs} */
export async function startSqs(options = {}) {
  const port = options.port ?? (await freePort());
  const folder = await temporaryFolder('kombu-sqs');
  const origin = `http://127.0.0.1:${port}`;
  /** @param {string} where @param {RequestInit} [init] @returns {Promise<any>} */
  const ask = async (where, init) => {
    const answer = await fetch(`${origin}/_test/${where}`, init);
    if (!answer.ok) throw new Error(`${where}: ${answer.status} ${await answer.text()}`);
    return answer.json();
  };
  return startOwnServer({
    name: 'sqs',
    command: process.execPath,
    args: [PROGRAM, String(port), ACCESS_KEY, ...(options.accessKeys ?? [])],
    folder,
    timeoutMs: options.timeoutMs ?? 30_000,
    ready: () => fetch(`${origin}/health`).then(({ ok }) => ok),
    about: () => ({
      name: 'sqs',
      url: `sqs://${ACCESS_KEY}:${SECRET}@127.0.0.1:${port}`,
      host: '127.0.0.1',
      port,
      accessKeyId: ACCESS_KEY,
      secretAccessKey: SECRET,
      version: VERSION,
      origin: /** @type {const} */ ('path'),
      calls: () => ask('calls'),
      resetCalls: () => ask('calls', { method: 'DELETE' }),
      faults: (/** @type {readonly import('./types.d.ts').SqsFault[]} */ list) =>
        ask('faults', { method: 'PUT', headers: { 'content-type': 'text/plain' }, body: JSON.stringify(list) }),
    }),
  });
}
