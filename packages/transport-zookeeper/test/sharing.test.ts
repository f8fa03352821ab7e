import { type ChildProcess, spawn } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { until } from '@kombu/brokers';
import { Connection, Queue } from '@kombu/core';
import { zookeeper } from '../src/index.js';
import { connectRaw, startServer } from './support/server.js';

const server = await startServer();
const url = `zookeeper://127.0.0.1:${server.port}/shared`;
const queue = new Queue('jobs');
let connection: Connection;

beforeAll(async () => {
  connection = new Connection(url, { transport: zookeeper });
  await queue.bind(connection).queueDeclare();
});
afterAll(async () => {
  await connection.close();
  await server.close();
});

/** A process that consumes, and says the number of each message once it is acknowledged. */
function worker(): { readonly child: ChildProcess; readonly seen: number[] } {
  const script = `
    import { Connection, Queue } from '@kombu/core';
    import { zookeeper } from ${JSON.stringify(new URL('../dist/index.js', import.meta.url).href)};
    const connection = new Connection(${JSON.stringify(url)}, { transport: zookeeper });
    const consumer = connection.consumer({
      queues: [new Queue('jobs')], autoDeclare: false, prefetchCount: 20,
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

describe('a queue that many share', () => {
  it('gives each of 2,000 messages to one of four processes', async () => {
    const workers = Array.from({ length: 4 }, worker);
    const closed = workers.map(({ child }) => new Promise((resolve) => child.once('close', resolve)));
    await until(async () => (await queue.bind(connection).queueDeclare()).consumerCount === 4, {
      what: 'all are at work',
    });
    await connection.producer().publishMany(
      Array.from({ length: 2000 }, (_, n) => ({ n })),
      { routingKey: 'jobs' },
    );
    const count = (): number => workers.reduce((sum, { seen }) => sum + seen.length, 0);
    await until(() => count() >= 2000, { what: 'all have come', timeoutMs: 60_000 });
    for (const { child } of workers) child.stdin?.end();
    expect(await Promise.all(closed)).toEqual([0, 0, 0, 0]);
    const all = workers.flatMap(({ seen }) => seen).sort((a, b) => a - b);
    expect(all).toEqual([...Array(2000).keys()]);
    for (const { seen } of workers) expect(seen.length).toBeGreaterThan(0);
    await using raw = await connectRaw(server);
    expect(await raw.children('/shared/.kombu/claims/jobs')).toEqual([]);
    expect(await raw.children('/shared/jobs')).toEqual([]);
  }, 90_000);
});
