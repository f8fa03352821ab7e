import { type ChildProcess, spawn } from 'node:child_process';
import { afterAll, describe, expect, it } from '@jest/globals';
import { until } from '@kombu/brokers';
import { Connection, Queue } from '@kombu/core';
import { mongodb } from '../src/index.js';
import { skipped, startServer, type TestServer } from './support/server.js';

const started = await startServer();

/** A process that consumes, and says the number of each message once it is acknowledged. */
function worker(url: string): { readonly child: ChildProcess; readonly seen: number[] } {
  const script = `
    import { Connection, Queue } from '@kombu/core';
    import { mongodb } from ${JSON.stringify(new URL('../dist/index.js', import.meta.url).href)};
    const connection = new Connection(${JSON.stringify(url)}, { transport: mongodb });
    const consumer = connection.consumer({
      queues: [new Queue('shared')], autoDeclare: false, prefetchCount: 100,
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

if (typeof started === 'string') describe('sharing', () => skipped(started));
else suite(started);

function suite(server: TestServer): void {
  afterAll(() => server.close());

  describe('a queue that many share', () => {
    it('gives each of 2,000 messages to one of four processes', async () => {
      const connection = new Connection(server.url(), { transport: mongodb });
      await new Queue('shared').bind(connection).queueDeclare();
      const workers = Array.from({ length: 4 }, () => worker(server.url()));
      const closed = workers.map(({ child }) => new Promise((resolve) => child.once('close', resolve)));
      await connection.producer().publishMany(
        Array.from({ length: 2000 }, (_, n) => ({ n })),
        { routingKey: 'shared' },
      );
      const count = (): number => workers.reduce((sum, { seen }) => sum + seen.length, 0);
      await until(async () => count() >= 2000, { what: 'all have come', timeoutMs: 150_000 });
      for (const { child } of workers) child.stdin?.end();
      expect(await Promise.all(closed)).toEqual([0, 0, 0, 0]);
      const all = workers.flatMap(({ seen }) => seen).sort((a, b) => a - b);
      expect(all).toEqual([...Array(2000).keys()]);
      for (const { seen } of workers) expect(seen.length).toBeGreaterThan(0);
      expect(await server.collection('messages').countDocuments()).toBe(0);
      await connection.close();
    }, 180_000);
  });
}
