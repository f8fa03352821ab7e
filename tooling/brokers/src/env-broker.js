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
