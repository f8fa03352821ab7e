import { afterAll, describe, expect, it } from '@jest/globals';
import { isUnavailable, type MongodbReplicaSet, startMongodb, startMongodbReplicaSet, until } from '@kombu/brokers';
import { Connection, type Message, Queue } from '@kombu/core';
import { mongodb } from '../src/index.js';
import { skipped } from './support/server.js';

const started = await startMongodbReplicaSet();

if (isUnavailable(started)) {
  const single = await startMongodb();
  const other = isUnavailable(single) ? '' : `; the other tests ran on ${single.product}`;
  if (!isUnavailable(single)) await single.close();
  describe('a replica set', () => skipped(`failover and change streams need mongod: ${started.unavailable}${other}`));
} else suite(started);

function suite(set: MongodbReplicaSet): void {
  afterAll(() => set.close());
  const queue = new Queue('orders');
  const connect = () => new Connection(set.url, { transport: mongodb });

  describe('a replica set', () => {
    it('wakes consumers by a change stream, and polls nothing', async () => {
      const connection = connect();
      const got: Message[] = [];
      const consumer = connection.consumer({
        queues: [queue],
        onMessage: async (message) => {
          got.push(message);
          await message.ack();
        },
      });
      await consumer.consume();
      const other = connect();
      for (let n = 1; n <= 5; n++) {
        const since = performance.now();
        await other.producer().publish({ n }, { routingKey: 'orders' });
        await until(() => got.length === n, { what: 'the message', timeoutMs: 900, everyMs: 1 });
        expect(performance.now() - since).toBeLessThan(900);
      }
      await connection.close();
      await other.close();
    }, 30_000);

    it('is followed when its primary steps down; nothing that was confirmed is lost', async () => {
      const connection = connect();
      const seen = new Set<number>();
      const consumer = connection.consumer({
        queues: [queue],
        prefetchCount: 20,
        onMessage: async (message: Message<{ n: number }>) => {
          seen.add(message.payload.n);
          await message.ack();
        },
      });
      await consumer.consume();
      const confirmed: number[] = [];
      let state: 'publishing' | 'done' = 'publishing';
      const producer = connect().producer();
      const publishing = (async () => {
        for (let n = 0; state === 'publishing'; n++) {
          await producer.publish({ n }, { routingKey: 'orders', retry: true });
          confirmed.push(n);
        }
      })();
      await until(() => confirmed.length > 50, { what: 'some messages' });
      for (let i = 0; i < 3; i++) {
        await set.stepDown();
        const before = confirmed.length;
        await until(() => confirmed.length > before + 20, { what: 'publishing goes on', timeoutMs: 60_000 });
      }
      state = 'done';
      await publishing;
      await until(() => confirmed.every((n) => seen.has(n)), { what: 'all that was confirmed', timeoutMs: 90_000 });
      await connection.close();
      await producer.close();
    }, 240_000);
  });
}
