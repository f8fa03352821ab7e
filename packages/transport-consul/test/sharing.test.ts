import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startConsumers, until } from '@kombu/brokers';
import { type Connection, Queue } from '@kombu/core';
import { connect, keysBelow } from './support/connect.js';
import { withServer } from './support/server.js';

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
      await using consumers = startConsumers({
        module: new URL('../dist/index.js', import.meta.url),
        transport: 'consul',
        url: server.url,
        queue: 'shared',
        prefetchCount: 20,
      });
      await until(async () => (await server.call('GET', 'session/list')).length === 5, {
        what: 'all are there',
        timeoutMs: 30_000,
      });
      await connection.producer().publishMany(
        Array.from({ length: 2000 }, (_, n) => ({ n })),
        { routingKey: 'shared' },
      );
      await consumers.received(2000, { timeoutMs: 60_000 });
      expect(await consumers.end()).toEqual([0, 0, 0, 0]);
      expect(consumers.seen.flat().sort((a, b) => a - b)).toEqual([...Array(2000).keys()]);
      for (const seen of consumers.seen) expect(seen.length).toBeGreaterThan(0);
      expect(await keysBelow(server, 'kombu/shared/')).toEqual(['kombu/shared/declared']);
      expect(await server.call('GET', 'session/list')).toHaveLength(1);
    }, 120_000);
  });
});
