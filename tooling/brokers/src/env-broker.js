/**
 * A broker that somebody else runs: no hooks to stop it.
 *
 * @param {{ name: string, url: string, defaultPort: number, version: string }} o
 * @returns {import('./types.d.ts').Broker}
 */
export function envBroker({ name, url, defaultPort, version }) {
  const parsed = new URL(url);
  return {
    name,
    url,
    host: parsed.hostname || '127.0.0.1',
    port: Number(parsed.port) || defaultPort,
    version,
    origin: 'env',
    pid: undefined,
    log: () => '',
    close: async () => {},
    [Symbol.asyncDispose]: async () => {},
  };
}

/**
 * The broker of an environment variable, once it has answered; otherwise why it is not to be had.
 *
 * @template T
 * @param {string} variable
 * @param {() => Promise<T>} ask
 * @returns {Promise<T | import('./types.d.ts').Unavailable>}
 */
export async function reached(variable, ask) {
  try {
    return await ask();
  } catch (error) {
    return { unavailable: `${variable} is set, but nothing answers there: ${/** @type {Error} */ (error).message}` };
  }
}

/**
 * Closes what there is, last first, even when one of them fails; then throws the first failure.
 *
 * @param {readonly (() => Promise<unknown>)[]} closers
 */
export async function closeAll(closers) {
  /** @type {unknown[]} */
  const failures = [];
  for (const close of [...closers].reverse()) {
    try {
      await close();
    } catch (error) {
      failures.push(error);
    }
  }
  if (failures.length > 0) throw failures[0];
}
