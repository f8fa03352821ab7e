import path from 'node:path';
import { temporaryFolder } from './folder.js';
import { freePort } from './ports.js';
import { spawnServer } from './server-process.js';

const PROGRAM = path.join(import.meta.dirname, 'sqs-server.js');
const ACCESS_KEY = 'kombu';
const SECRET = 'secret';
const VERSION = 'fauxqs 1.9.2';

/** @type {typeof import('./types.d.ts').startSqs} */
export async function startSqs(options = {}) {
  const port = options.port ?? (await freePort());
  const folder = await temporaryFolder('kombu-sqs');
  const origin = `http://127.0.0.1:${port}`;
  const boot = () =>
    spawnServer({
      name: 'sqs',
      command: process.execPath,
      args: [PROGRAM, String(port), ACCESS_KEY, ...(options.accessKeys ?? [])],
      folder: folder.path,
      timeoutMs: options.timeoutMs ?? 30_000,
      ready: () => fetch(`${origin}/health`).then(({ ok }) => ok),
    });
  let server = await boot().catch(async (error) => {
    await folder.remove();
    throw error;
  });

  /** @param {string} where @param {RequestInit} [init] @returns {Promise<any>} */
  const ask = async (where, init) => {
    const answer = await fetch(`${origin}/_test/${where}`, init);
    if (!answer.ok) throw new Error(`${where}: ${answer.status} ${await answer.text()}`);
    return answer.json();
  };
  const stop = () => server.stop();
  const start = async () => {
    if (!server.running) server = await boot();
  };
  /** @type {Promise<void> | undefined} */
  let closing;
  const close = () => {
    closing ??= server.kill().then(() => folder.remove());
    return closing;
  };
  return {
    name: 'sqs',
    url: `sqs://${ACCESS_KEY}:${SECRET}@127.0.0.1:${port}`,
    host: '127.0.0.1',
    port,
    accessKeyId: ACCESS_KEY,
    secretAccessKey: SECRET,
    version: VERSION,
    origin: 'path',
    get pid() {
      return server.pid;
    },
    stop,
    start,
    async restart() {
      await stop();
      await start();
    },
    kill: () => server.kill(),
    freeze: () => server.signal('SIGSTOP'),
    thaw: () => server.signal('SIGCONT'),
    calls: () => ask('calls'),
    resetCalls: () => ask('calls', { method: 'DELETE' }),
    faults: (list) =>
      ask('faults', { method: 'PUT', headers: { 'content-type': 'text/plain' }, body: JSON.stringify(list) }),
    log: () => server.log(),
    close,
    [Symbol.asyncDispose]: close,
  };
}
