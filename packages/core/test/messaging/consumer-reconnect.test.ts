import { describe, expect, it } from '@jest/globals';
import { type Connection, type KombuError, type MemoryTransport, type Message, Queue } from '../../src/index.js';
import { settle, until } from '../support/memory.js';
import { memoryTest, range } from '../support/with-memory.js';

const queue = new Queue('q');

const with_ = memoryTest({
  declare: [queue],
  drainMs: 500,
  options: () => ({ reconnect: { intervalStartMs: 1, intervalMaxMs: 5 } }),
});

const put = (connection: Connection, bodies: Iterable<unknown>) =>
  connection.producer().publishMany(bodies, { routingKey: 'q', retry: true });

async function lose(connection: Connection, transport: MemoryTransport): Promise<void> {
  const revived = new Promise((resolve) => connection.once('revived', resolve));
  transport.failLinks();
  await revived;
}

describe('a lost link', () => {
  it('is survived by a consumer, which says so', () =>
    with_(async (connection, transport) => {
      const seen: unknown[] = [];
      const revived: string[] = [];
      const consumer = connection.consumer({
        queues: queue,
        onMessage: (message) => {
          seen.push(message.payload);
          return message.ack();
        },
      });
      consumer.on('revived', (event) => revived.push(event.queue));
      await consumer.consume();
      for (let i = 0; i < 3; i++) {
        await put(connection, [i]);
        await until(() => seen.length === i + 1);
        await lose(connection, transport);
      }
      expect(consumer.consumingFrom('q')).toBe(true);
      expect(revived).toEqual(['q', 'q', 'q']);
      expect(seen).toEqual([0, 1, 2]);
    }));

  it('hands what was waiting here to whoever is next, once', () =>
    with_(async (connection, transport) => {
      const started: unknown[] = [];
      const held: Message[] = [];
      const consumer = connection.consumer({
        queues: queue,
        prefetchCount: 5,
        concurrency: 1,
        onMessage: async (message) => {
          started.push(message.payload);
          held.push(message);
          if (held.length === 1) await until(() => held.length === 1 && connection.connected && revived);
          else await message.ack();
        },
      });
      let revived = false;
      consumer.on('revived', () => {
        revived = true;
      });
      await put(connection, range(5));
      await consumer.consume();
      await until(() => held.length === 1);
      await lose(connection, transport);
      await until(() => started.length === 6);
      await settle(10);
      // The first was in hand when the link was lost: it comes again, the others come once.
      expect(started[0]).toBe(0);
      expect([...started].sort()).toEqual([0, 0, 1, 2, 3, 4]);
      const again = held.find((message, i) => i > 0 && message.payload === 0);
      expect(again?.deliveryInfo.redelivered).toBe(true);
      expect((await (held[0] as Message).ack().catch((error: KombuError) => error)) as KombuError).toMatchObject({
        code: 'ERR_KOMBU_STALE_DELIVERY',
      });
    }));

  it('frees the places of what was in hand', () =>
    with_(async (connection, transport) => {
      const held: Message[] = [];
      const consumer = connection.consumer({
        queues: queue,
        prefetchCount: 2,
        onMessage: (message) => {
          held.push(message);
        },
      });
      await put(connection, range(4));
      await consumer.consume();
      await until(() => held.length === 2);
      await lose(connection, transport);
      await until(() => held.length === 4);
      await settle(5);
      expect(held).toHaveLength(4);
      for (let i = 2; i < 4; i++) await held[i]?.ack();
      await until(() => held.length === 6);
      for (let i = 4; i < 6; i++) await held[i]?.ack();
      await settle();
      expect((await queue.bind(connection).queueDeclare({ passive: true })).messageCount).toBe(0);
    }));

  it('does not leave a stale message to be requeued later', () =>
    with_(async (connection, transport) => {
      let count = 0;
      const consumer = connection.consumer({
        queues: queue,
        onMessage: (message) => {
          if (++count === 1) throw new Error('no');
          return message.ack();
        },
      });
      await consumer.consume();
      await put(connection, [1]);
      await until(() => count === 1);
      await lose(connection, transport);
      await until(() => count === 2);
      await consumer.close();
      expect((await queue.bind(connection).queueDeclare({ passive: true })).messageCount).toBe(0);
    }));

  it('is survived by a loop', () =>
    with_(async (connection, transport) => {
      const seen: unknown[] = [];
      await put(connection, [0]);
      for await (const message of connection.consumer({ queues: queue, prefetchCount: 1 })) {
        seen.push(message.payload);
        await message.ack();
        if (seen.length === 3) break;
        await settle();
        await lose(connection, transport);
        await put(connection, [seen.length]);
      }
      expect(seen).toEqual([0, 1, 2]);
    }));

  it('loses nothing, however often it happens', () =>
    with_(async (connection, transport) => {
      const handled = new Set<unknown>();
      const consumer = connection.consumer({
        queues: queue,
        prefetchCount: 10,
        onMessage: async (message) => {
          await settle(1);
          await message.ack();
          handled.add(message.payload);
        },
        onError: () => undefined,
      });
      await consumer.consume();
      const publishing = (async () => {
        for (let i = 0; i < 30; i++) {
          await put(
            connection,
            range(10).map((n) => i * 10 + n),
          );
          await settle(1);
        }
      })();
      for (let i = 0; i < 10; i++) {
        await settle(8);
        transport.failLinks();
      }
      await publishing;
      await until(() => handled.size === 300, 'all messages', 8000);
    }));
});
