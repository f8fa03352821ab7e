import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startConsumers, until } from '@kombu/brokers';
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

describe('a queue that many share', () => {
  it('gives each of 2,000 messages to one of four processes', async () => {
    await using consumers = startConsumers({
      module: new URL('../dist/index.js', import.meta.url),
      transport: 'zookeeper',
      url: url,
      queue: 'jobs',
      prefetchCount: 20,
    });
    await until(async () => (await queue.bind(connection).queueDeclare()).consumerCount === 4, {
      what: 'all are at work',
    });
    await connection.producer().publishMany(
      Array.from({ length: 2000 }, (_, n) => ({ n })),
      { routingKey: 'jobs' },
    );
    await consumers.received(2000, { timeoutMs: 60_000 });
    expect(await consumers.end()).toEqual([0, 0, 0, 0]);
    expect(consumers.seen.flat().sort((a, b) => a - b)).toEqual([...Array(2000).keys()]);
    for (const seen of consumers.seen) expect(seen.length).toBeGreaterThan(0);
    await using raw = await connectRaw(server);
    expect(await raw.children('/shared/.kombu/claims/jobs')).toEqual([]);
    expect(await raw.children('/shared/jobs')).toEqual([]);
  }, 90_000);
});
