import { type ChildProcess, spawn } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { until } from '@kombu/brokers';
import { type Connection, Queue } from '@kombu/core';
import { connect, keysBelow } from './support/connect.js';
import { withServer } from './support/server.js';

/** A process that consumes, and says the number of each message once it is acknowledged. */
function worker(url: string): { readonly child: ChildProcess; readonly seen: number[] } {
  const script = `
    import { Connection, Queue } from '@kombu/core';
    import { consul } from ${JSON.stringify(new URL('../dist/index.js', import.meta.url).href)};
    const connection = new Connection(${JSON.stringify(url)}, { transport: consul });
    const consumer = connection.consumer({
      queues: [new Queue('shared')], autoDeclare: false, prefetchCount: 20,
      onMessage: async (message) => { await message.ack({ confirm: true }); console.log(message.payload.n); },
    });
    await consumer.consume();
    process.stdin.on('end', () => connection.close()).resume();`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    cwd: import.meta.dirname,
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const seen: number[] = [];
  let rest = '';
  child.stdout.on('data', (chunk) => {
    const lines = `${rest}${chunk}`.split('\n');
    rest = lines.pop() ?? '';
    seen.push(...lines.map(Number));
  });
  return { child, seen };
}

await withServer({}, (server) => {
  const queue = new Queue('shared');
  let connection: Connection;

  beforeAll(async () => {
    connection = connect(server);
    await queue.bind(connection).queueDeclare();
  });
  afterAll(async () => {
    await connection.close();
    await server.close();
  });

  describe('a queue that many share', () => {
    it('gives each of 2,000 messages to one of four processes', async () => {
      const workers = Array.from({ length: 4 }, () => worker(server.url));
      const closed = workers.map(({ child }) => new Promise((resolve) => child.once('close', resolve)));
      await until(async () => (await server.call('GET', 'session/list')).length === 5, {
        what: 'all are there',
        timeoutMs: 30_000,
      });
      await connection.producer().publishMany(
        Array.from({ length: 2000 }, (_, n) => ({ n })),
        { routingKey: 'shared' },
      );
      const count = (): number => workers.reduce((sum, { seen }) => sum + seen.length, 0);
      await until(async () => count() >= 2000, { what: 'all have come', timeoutMs: 60_000 });
      for (const { child } of workers) child.stdin?.end();
      expect(await Promise.all(closed)).toEqual([0, 0, 0, 0]);
      const all = workers.flatMap(({ seen }) => seen).sort((a, b) => a - b);
      expect(all).toEqual([...Array(2000).keys()]);
      for (const { seen } of workers) expect(seen.length).toBeGreaterThan(0);
      expect(await keysBelow(server, 'kombu/shared/')).toEqual(['kombu/shared/declared']);
      expect(await server.call('GET', 'session/list')).toHaveLength(1);
    }, 120_000);
  });
});
