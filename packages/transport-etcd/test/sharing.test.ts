import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startConsumers, until } from '@kombu/brokers';
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

describe('a queue that many share', () => {
  it('gives each of 2,000 messages to one of four processes', async () => {
    await using consumers = startConsumers({
      module: new URL('../dist/index.js', import.meta.url),
      transport: 'etcd',
      url: server.url,
      queue: 'shared',
      prefetchCount: 20,
    });
    const consumerCount = async () => (await queue.bind(connection).queueDeclare({ passive: true })).consumerCount;
    await until(async () => (await consumerCount()) === 4, { what: 'all are there', timeoutMs: 30_000 });
    await connection.producer().publishMany(
      Array.from({ length: 2000 }, (_, n) => ({ n })),
      { routingKey: 'shared' },
    );
    await consumers.received(2000, { timeoutMs: 60_000 });
    expect(await consumers.end()).toEqual([0, 0, 0, 0]);
    expect(consumers.seen.flat().sort((a, b) => a - b)).toEqual([...Array(2000).keys()]);
    for (const seen of consumers.seen) expect(seen.length).toBeGreaterThan(0);
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
