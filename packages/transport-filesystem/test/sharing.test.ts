import { type ChildProcess, spawn } from 'node:child_process';
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { until } from '@kombu/brokers';
import { type Connection, Queue } from '@kombu/core';
import { makeFolder } from './support/folder.js';

const folder = await makeFolder();
const queue = new Queue('shared');
let connection: Connection;

beforeAll(async () => {
  connection = folder.connect();
  await queue.bind(connection).queueDeclare();
});
afterAll(async () => {
  await connection.close();
  await folder.remove();
});

/** A process that consumes, and says the number of each message once it is acknowledged. */
function worker(): { readonly child: ChildProcess; readonly seen: number[] } {
  const script = `
    import { Connection, Queue } from '@kombu/core';
    import { filesystem } from ${JSON.stringify(new URL('../dist/index.js', import.meta.url).href)};
    const connection = new Connection(${JSON.stringify(folder.url)}, { transport: filesystem });
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

describe('a folder that many share', () => {
  it('gives each of 5,000 messages to one of four processes', async () => {
    const workers = Array.from({ length: 4 }, worker);
    const closed = workers.map(({ child }) => new Promise((resolve) => child.once('close', resolve)));
    await connection.producer().publishMany(
      Array.from({ length: 5000 }, (_, n) => ({ n })),
      { routingKey: 'shared' },
    );
    const count = (): number => workers.reduce((sum, { seen }) => sum + seen.length, 0);
    await until(async () => count() >= 5000, { what: 'all have come', timeoutMs: 60_000 });
    for (const { child } of workers) child.stdin?.end();
    expect(await Promise.all(closed)).toEqual([0, 0, 0, 0]);
    const all = workers.flatMap(({ seen }) => seen).sort((a, b) => a - b);
    expect(all).toEqual([...Array(5000).keys()]);
    for (const { seen } of workers) expect(seen.length).toBeGreaterThan(0);
    expect(await readdir(path.join(folder.path, '.kombu', 'in-flight'))).toEqual([]);
  }, 90_000);
});
