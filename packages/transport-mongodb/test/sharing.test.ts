import { afterAll, describe, expect, it } from '@jest/globals';
import { startConsumers } from '@kombu/brokers';
import { Connection, Queue } from '@kombu/core';
import { mongodb } from '../src/index.js';
import { skipped, startServer, type TestServer } from './support/server.js';

const started = await startServer();

if (typeof started === 'string') describe('sharing', () => skipped(started));
else suite(started);

function suite(server: TestServer): void {
  afterAll(() => server.close());

  describe('a queue that many share', () => {
    it('gives each of 2,000 messages to one of four processes', async () => {
      const connection = new Connection(server.url(), { transport: mongodb });
      await new Queue('shared').bind(connection).queueDeclare();
      await using consumers = startConsumers({
        module: new URL('../dist/index.js', import.meta.url),
        transport: 'mongodb',
        url: server.url(),
        queue: 'shared',
        prefetchCount: 100,
      });
      await connection.producer().publishMany(
        Array.from({ length: 2000 }, (_, n) => ({ n })),
        { routingKey: 'shared' },
      );
      await consumers.received(2000, { timeoutMs: 150_000 });
      expect(await consumers.end()).toEqual([0, 0, 0, 0]);
      expect(consumers.seen.flat().sort((a, b) => a - b)).toEqual([...Array(2000).keys()]);
      for (const seen of consumers.seen) expect(seen.length).toBeGreaterThan(0);
      expect(await server.collection('messages').countDocuments()).toBe(0);
      await connection.close();
    }, 180_000);
  });
}
