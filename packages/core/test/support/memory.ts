import { Connection, type ConnectionOptions, createMemoryTransport, type MemoryTransport } from '../../src/index.js';

/** A connection to a memory broker of its own, and its transport. */
export function openMemory(options: ConnectionOptions = {}): { connection: Connection; transport: MemoryTransport } {
  const transport = createMemoryTransport();
  return { connection: new Connection('memory://', { transport, ...options } as ConnectionOptions), transport };
}

/** Waits until `condition` holds; fails after `timeoutMs`. */
export async function until(condition: () => unknown, what = 'the condition', timeoutMs = 5000): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`${what} did not come within ${timeoutMs} ms`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

/** Lets everything that is ready to run do so. */
export async function settle(turns = 5): Promise<void> {
  for (let i = 0; i < turns; i++) await new Promise((resolve) => setImmediate(resolve));
}
