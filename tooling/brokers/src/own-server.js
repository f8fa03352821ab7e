import { makeCertificates } from './certificates.js';
import { closeAll } from './env-broker.js';
import { isUnavailable } from './find.js';
import { temporaryFolder } from './folder.js';
import { spawnServer } from './server-process.js';

/** @typedef {import('./types.d.ts').ServerProcess} ServerProcess */
/** @typedef {import('./types.d.ts').TemporaryFolder} TemporaryFolder */
/** @typedef {Required<Omit<import('./types.d.ts').Broker, 'name' | 'url' | 'host' | 'port' | 'version' | 'origin' | 'killConnections'>>} Life */

/**
 * Starts a server in a folder of its own, and gives it the life of a broker that is ours: everything of `Broker` that starts and ends
 * it, and its `pid` as it is now. What fails on the way is cleaned up.
 *
 * @template {object} T
 * @param {Omit<Parameters<typeof spawnServer>[0], 'folder'> & {
 *   folder: TemporaryFolder,
 *   about: () => T | Promise<T>,
 *   before?: () => Promise<unknown>,
 *   stop?: (server: ServerProcess, signal: (name: NodeJS.Signals) => void) => Promise<void>,
 *   pid?: () => number,
 *   beside?: readonly (() => Promise<unknown>)[],
 * }} o `about`: the rest of the broker, asked for once the server is ready. `before`: waits until it may be started again. `stop`: how
 *   it ends in good order, instead of `server.stop()`. `pid`: the process to send signals to, where it is not the one that was started.
 *   `beside`: ends what goes with the server, after it.
 * @returns {Promise<T & Life>}
 */
export async function startOwnServer({ folder, about, before, stop, pid, beside = [], ...spawned }) {
  const others = [() => folder.remove(), ...beside];
  const boot = async () => {
    await before?.();
    return spawnServer({ ...spawned, folder: folder.path });
  };
  let server = await boot().catch(async (error) => {
    await closeAll(others);
    throw error;
  });
  /** @param {NodeJS.Signals} name */
  const signal = (name) => {
    if (!server.running) return;
    if (pid === undefined) server.signal(name);
    else process.kill(pid(), name);
  };
  /** @type {Promise<void> | undefined} */
  let closing;
  const close = () => {
    closing ??= closeAll([...others, () => server.kill()]);
    return closing;
  };
  /** @type {Life} */
  const life = {
    get pid() {
      return pid === undefined ? server.pid : pid();
    },
    async stop() {
      if (server.running) await (stop === undefined ? server.stop() : stop(server, signal));
    },
    async start() {
      if (!server.running) server = await boot();
    },
    async restart() {
      await life.stop();
      await life.start();
    },
    async kill() {
      signal('SIGKILL');
      await server.kill();
    },
    freeze: () => signal('SIGSTOP'),
    thaw: () => signal('SIGCONT'),
    log: () => server.log(),
    close,
    [Symbol.asyncDispose]: close,
  };
  try {
    // Not spread: that would keep the first process's `pid`.
    return Object.assign(life, await about());
  } catch (error) {
    await close();
    throw error;
  }
}

/**
 * A folder for a server, with certificates in it where it is to speak TLS.
 *
 * @param {string} name
 * @param {{ tls?: boolean | undefined, parent?: string | undefined }} [options]
 * @returns {Promise<{ folder: TemporaryFolder, certificates: import('./types.d.ts').Certificates | undefined }
 *   | import('./types.d.ts').Unavailable>}
 */
export async function serverFolder(name, { tls, parent } = {}) {
  const folder = await temporaryFolder(name, parent);
  const certificates = tls ? await makeCertificates(folder.path) : undefined;
  if (certificates === undefined || !isUnavailable(certificates)) return { folder, certificates };
  await folder.remove();
  return certificates;
}
