import { type ChildProcess, spawn } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { until } from '@kombu/brokers';
import { type Connection, Queue } from '@kombu/core';
import { connect, keysBelow, openDriver, put, reserve } from './support/connect.js';
import { startServer } from './support/server.js';

const server = await startServer();
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

/** A process that consumes, and says the number of each message once it is acknowledged. */
function worker(): { readonly child: ChildProcess; readonly seen: number[] } {
  const script = `
    import { Connection, Queue } from '@kombu/core';
    import { etcd } from ${JSON.stringify(new URL('../dist/index.js', import.meta.url).href)};
    const connection = new Connection(${JSON.stringify(server.url)}, { transport: etcd });
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

describe('a queue that many share', () => {
  it('gives each of 2,000 messages to one of four processes', async () => {
    const workers = Array.from({ length: 4 }, worker);
    const closed = workers.map(({ child }) => new Promise((resolve) => child.once('close', resolve)));
    const consumers = async () => (await queue.bind(connection).queueDeclare({ passive: true })).consumerCount;
    await until(async () => (await consumers()) === 4, { what: 'all are there', timeoutMs: 30_000 });
    await connection.producer().publishMany(
      Array.from({ length: 2000 }, (_, n) => ({ n })),
      { routingKey: 'shared' },
    );
    const count = (): number => workers.reduce((sum, { seen }) => sum + seen.length, 0);
    await until(() => count() >= 2000, { what: 'all have come', timeoutMs: 60_000 });
    for (const { child } of workers) child.stdin?.end();
    expect(await Promise.all(closed)).toEqual([0, 0, 0, 0]);
    const all = workers.flatMap(({ seen }) => seen).sort((a, b) => a - b);
    expect(all).toEqual([...Array(2000).keys()]);
    for (const { seen } of workers) expect(seen.length).toBeGreaterThan(0);
    expect(await keysBelow(server, 'kombu/messages/')).toEqual({});
    expect(await keysBelow(server, 'kombu/claims/')).toEqual({});
    expect(Object.keys(await keysBelow(server, 'kombu/sessions/'))).toHaveLength(1);
  }, 120_000);

  it('is in the order of publishing, whichever of its producers is asked, and wherever clocks stand', async () => {
    const [one, two] = await Promise.all([openDriver(server.port), openDriver(server.port)]);
    for (let i = 0; i < 20; i++) await put(i % 3 === 0 ? one : two, 'order', [`${i}a`, `${i}b`]);
    const bodies = (await reserve(two, 'order')).map(({ payload }) => payload);
    expect(bodies).toEqual(Array.from({ length: 20 }, (_, i) => [`${i}a`, `${i}b`]).flat());
    await Promise.all([one.close(), two.close()]);
  });

  it('takes what four producers put at once, each in its order', async () => {
    const drivers = await Promise.all(Array.from({ length: 4 }, () => openDriver(server.port)));
    const names = (who: number) => Array.from({ length: 150 }, (_, i) => `${who}-${i}`);
    await Promise.all(drivers.map((driver, who) => Promise.all(names(who).map((body) => put(driver, 'four', [body])))));
    const consumer = await openDriver(server.port);
    const got: string[] = [];
    for (let some = await reserve(consumer, 'four'); some.length > 0; some = await reserve(consumer, 'four')) {
      got.push(...some.map(({ payload }) => payload as string));
    }
    for (const who of [0, 1, 2, 3]) expect(got.filter((body) => body.startsWith(`${who}-`))).toEqual(names(who));
    expect(got).toHaveLength(600);
    await Promise.all([consumer, ...drivers].map((driver) => driver.close()));
  }, 60_000);
});
