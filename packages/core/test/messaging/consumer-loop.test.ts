import { describe, expect, it } from '@jest/globals';
import { Consumer, type Message, Queue } from '../../src/index.js';
import { settle, until } from '../support/memory.js';
import { failure, memoryTest, put, range, ready } from '../support/with-memory.js';

const queue = new Queue<number>('q');

const with_ = memoryTest({ declare: [queue], drainMs: 1000 });

/** Loops over a consumer until the loop ends by itself. */
async function toItsEnd(consumer: Consumer<number>): Promise<string> {
  for await (const message of consumer) await message.ack();
  return 'over';
}

describe('a loop over a consumer', () => {
  it('gets the messages one by one, in order', () =>
    with_(async (connection) => {
      await put(connection, range(5));
      const seen: number[] = [];
      for await (const message of connection.consumer({ queues: [queue] })) {
        const n: number = message.payload;
        seen.push(n);
        await message.ack();
        if (seen.length === 5) void put(connection, [5]);
        if (seen.length === 6) break;
      }
      expect(seen).toEqual(range(6));
      expect(await ready(connection)).toBe(0);
    }));

  it('answers calls of next() in their order, also those that come while it starts', () =>
    with_(async (connection) => {
      await put(connection, range(2));
      const loop = connection.consumer({ queues: [queue] })[Symbol.asyncIterator]();
      const both = await Promise.all([loop.next(), loop.next()]);
      expect(both.map(({ value }) => value?.payload)).toEqual([0, 1]);
      const third = loop.next();
      await loop.return?.();
      expect((await third).done).toBe(true);
    }));

  it('takes no more than its prefetch at a time', () =>
    with_(async (connection) => {
      await put(connection, range(10));
      const loop = connection.consumer({ queues: [queue], prefetchCount: 3 })[Symbol.asyncIterator]();
      const held: Message<number>[] = [];
      for (let i = 0; i < 3; i++) held.push((await loop.next()).value);
      await settle();
      expect(await ready(connection)).toBe(7);
      const fourth = loop.next();
      let came = false;
      void fourth.then(() => {
        came = true;
      });
      await settle();
      expect(came).toBe(false);
      await held[0]?.ack();
      expect((await fourth).value?.payload).toBe(3);
      await loop.return?.();
    }));

  it('gives back what was prefetched when it is left, in order and untouched; the last message stays settleable', () =>
    with_(async (connection) => {
      await put(connection, range(10));
      const consumer = connection.consumer({ queues: [queue], prefetchCount: 6 });
      let last: Message<number> | undefined;
      for await (const message of consumer) {
        last = message;
        if (message.payload === 2) break;
        await message.ack();
      }
      expect(consumer.consumingFrom('q')).toBe(false);
      const bound = queue.bind(connection);
      const rest: (Message<number> | undefined)[] = [];
      for (let i = 0; i < 7; i++) rest.push(await bound.get());
      expect(rest.map((message) => message?.payload)).toEqual([3, 4, 5, 6, 7, 8, 9]);
      expect(rest.some((message) => message?.deliveryInfo.redelivered)).toBe(false);
      expect(await bound.get()).toBeUndefined();
      expect(consumer.channel.state).toBe('open');
      await last?.ack();
      await settle();
      expect(await bound.get()).toBeUndefined();
    }));

  it('closes a channel of its own once its last message is settled, and may begin again', () =>
    with_(async (connection) => {
      await put(connection, range(4));
      const consumer = connection.consumer({ queues: [queue] });
      const first = consumer.channel;
      let last: Message<number> | undefined;
      for await (const message of consumer) {
        last = message;
        break;
      }
      await settle();
      expect(first.state).toBe('open');
      await last?.ack();
      await first.closed;
      const seen: number[] = [];
      for await (const message of consumer) {
        seen.push(message.payload);
        await message.ack();
        if (seen.length === 3) break;
      }
      expect(seen).toEqual([1, 2, 3]);
      expect(consumer.channel).not.toBe(first);
    }));

  it('begins again on the same channel while something is in hand', () =>
    with_(async (connection) => {
      await put(connection, range(3));
      const consumer = connection.consumer({ queues: [queue] });
      const held: Message<number>[] = [];
      for (let i = 0; i < 3; i++) {
        for await (const message of consumer) {
          held.push(message);
          break;
        }
      }
      expect(held.map(({ payload }) => payload)).toEqual([0, 1, 2]);
      const { channel } = consumer;
      for (const message of held) await message.ack();
      await channel.closed;
      expect(await ready(connection)).toBe(0);
    }));

  it('is left by a throw as by a break', () =>
    with_(async (connection) => {
      await put(connection, range(3));
      const consumer = connection.consumer({ queues: [queue] });
      const failed = await failure(
        (async () => {
          for await (const message of consumer) {
            await message.ack();
            throw new Error(`at ${message.payload}`);
          }
        })(),
      );
      expect(failed.message).toBe('at 0');
      expect(consumer.consumingFrom('q')).toBe(false);
      expect(await ready(connection)).toBe(2);
    }));

  it('excludes a handler, and another loop at the same time', () =>
    with_(async (connection) => {
      const withHandler = connection.consumer({ queues: [queue], onMessage: () => {} });
      expect(() => withHandler[Symbol.asyncIterator]()).toThrow('either a handler or a loop');
      const consumer = connection.consumer({ queues: [queue] });
      const loop = consumer[Symbol.asyncIterator]();
      const waiting = loop.next();
      await until(() => consumer.consumingFrom('q'));
      expect(() => consumer.registerCallback(() => {})).toThrow('either a handler or a loop');
      const second = await failure(consumer[Symbol.asyncIterator]().next());
      expect(second.code).toBe('ERR_KOMBU_INVALID_OPTION');
      await loop.return?.();
      expect(await waiting).toEqual({ value: undefined, done: true });
    }));

  it('goes on with queues that are added to it', () =>
    with_(async (connection) => {
      const consumer = connection.consumer({ queues: [queue] });
      const seen: number[] = [];
      await put(connection, [1]);
      for await (const message of consumer) {
        seen.push(message.payload);
        await message.ack();
        if (seen.length === 1) {
          consumer.addQueue(new Queue<number>('added'));
          await consumer.consume();
          await put(connection, [2], 'added');
        }
        if (seen.length === 2) break;
      }
      expect(seen).toEqual([1, 2]);
    }));

  it('ends when the consumer is closed', () =>
    with_(async (connection) => {
      const consumer = connection.consumer({ queues: [queue] });
      const loop = toItsEnd(consumer);
      await until(() => consumer.consumingFrom('q'));
      await consumer.close();
      expect(await loop).toBe('over');
      expect(() => consumer[Symbol.asyncIterator]()).toThrow('the consumer is closed');
    }));

  it('ends when the connection is closed', () =>
    with_(async (connection) => {
      const consumer = connection.consumer({ queues: [queue] });
      const loop = toItsEnd(consumer);
      await until(() => consumer.consumingFrom('q'));
      await connection.close();
      expect(await loop).toBe('over');
    }));

  it('throws when nothing more can come: its queue is deleted, or its channel was closed', () =>
    with_(async (connection) => {
      const deleted = connection.consumer({ queues: [new Queue('d')] });
      const loop = failure(deleted[Symbol.asyncIterator]().next());
      await until(() => deleted.consumingFrom('d'));
      await new Queue('d').bind(connection).delete();
      expect((await loop).code).toMatch(/^ERR_KOMBU_/);

      const channel = connection.channel();
      const consumer = new Consumer(channel, { queues: [queue] });
      const next = consumer[Symbol.asyncIterator]().next();
      await until(() => consumer.consumingFrom('q'));
      await channel.close();
      expect((await next).done).toBe(true);
    }));

  it('throws AbortedError when its signal is aborted', () =>
    with_(async (connection) => {
      const stop = new AbortController();
      const consumer = connection.consumer({ queues: [queue], signal: stop.signal });
      const waiting = failure(consumer[Symbol.asyncIterator]().next());
      await until(() => consumer.consumingFrom('q'));
      await put(connection, []);
      stop.abort(new Error('enough'));
      const error = await waiting;
      expect(error.code).toBe('ERR_KOMBU_ABORTED');
      expect((error.cause as Error).message).toBe('enough');
      const late = connection.consumer({ queues: [queue], signal: stop.signal });
      expect(() => late[Symbol.asyncIterator]()).toThrow('the consumer was aborted');
      expect((await failure(late.consume())).code).toBe('ERR_KOMBU_ABORTED');
    }));

  it('rejects when it cannot start', () =>
    with_(async (connection) => {
      await new Queue('other', { maxLength: 5 }).bind(connection).declare();
      const consumer = connection.consumer({ queues: [new Queue('other')] });
      const loop = consumer[Symbol.asyncIterator]();
      const [first, second] = [failure(loop.next()), loop.next()];
      expect((await first).code).toBe('ERR_KOMBU_PRECONDITION_FAILED');
      expect(await second).toEqual({ value: undefined, done: true });
      expect(await loop.next()).toEqual({ value: undefined, done: true });
    }));

  it('does nothing when it is left before its first turn', () =>
    with_(async (connection) => {
      const consumer = connection.consumer({ queues: [new Queue('never')] });
      const loop = consumer[Symbol.asyncIterator]();
      expect(await loop.return?.()).toEqual({ value: undefined, done: true });
      expect(await loop.next()).toEqual({ value: undefined, done: true });
      expect((await failure(new Queue('never').bind(connection).queueDeclare({ passive: true }))).code).toBe(
        'ERR_KOMBU_NOT_FOUND',
      );
    }));

  it('keeps what came without acknowledgement for the next loop', () =>
    with_(async (connection) => {
      await put(connection, range(5));
      const consumer = connection.consumer({ queues: [queue], noAck: true });
      const seen: number[] = [];
      for (let i = 0; i < 5; i++) {
        for await (const message of consumer) {
          seen.push(message.payload);
          break;
        }
      }
      expect(seen.sort()).toEqual(range(5));
    }));
});
