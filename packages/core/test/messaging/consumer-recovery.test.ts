import { describe, expect, it } from '@jest/globals';
import { Connection, type KombuError, type MemoryTransport, Queue } from '../../src/index.js';
import { openMemory, settle, until } from '../support/memory.js';
import { failure } from '../support/with-memory.js';

const queue = new Queue('q', { exchange: 'x', routingKey: 'k' });

/** Two connections to one broker: that of the consumer and that of somebody else. */
async function with_(run: (mine: Connection, other: Connection, transport: MemoryTransport) => Promise<void>) {
  const { connection, transport } = openMemory();
  const other = new Connection('memory://', { transport });
  try {
    await run(connection, other, transport);
  } finally {
    await connection.close({ drainMs: 500 });
    await other.close();
  }
}

const isThere = (connection: Connection, name = 'q') =>
  new Queue(name)
    .bind(connection)
    .queueDeclare({ passive: true })
    .then(
      () => true,
      () => false,
    );

/** Longer than the first wait before a queue is declared again. */
const pause = () => new Promise((resolve) => setTimeout(resolve, 200));

describe('a consumer whose queue is deleted by others', () => {
  it('says so, declares it again with its bindings, and goes on', () =>
    with_(async (mine, other) => {
      const seen: unknown[] = [];
      const log: unknown[] = [];
      const consumer = mine.consumer({
        queues: queue,
        onMessage: (message) => {
          seen.push(message.payload);
          return message.ack();
        },
      });
      consumer.on('cancelled', (event) => log.push([event.queue, event.error.code, consumer.consumingFrom('q')]));
      consumer.on('revived', (event) => log.push([event.queue, consumer.consumingFrom('q')]));
      await consumer.consume();
      for (let i = 0; i < 2; i++) {
        await queue.bind(other).delete();
        await until(() => log.length === 2 * (i + 1));
        await other.producer().publish(i, { exchange: 'x', routingKey: 'k' });
        await until(() => seen.length === i + 1);
      }
      expect(seen).toEqual([0, 1]);
      expect(log.slice(0, 2)).toEqual([
        ['q', 'ERR_KOMBU_NOT_FOUND', false],
        ['q', true],
      ]);
    }));

  it('goes on in a loop', () =>
    with_(async (mine, other) => {
      const consumer = mine.consumer({ queues: queue });
      const loop = consumer[Symbol.asyncIterator]();
      const next = loop.next();
      await until(() => consumer.consumingFrom('q'));
      await queue.bind(other).delete();
      await until(() => consumer.consumingFrom('q'));
      await other.producer().publish('x', { exchange: 'x', routingKey: 'k' });
      expect((await next).value?.payload).toBe('x');
      await loop.return?.();
    }));

  it('goes on with a queue of another name where the broker chose it', () =>
    with_(async (mine, other) => {
      const consumer = mine.consumer({ queues: new Queue(''), onMessage: () => {} });
      await consumer.consume();
      const before = consumer.queues[0]?.name as string;
      await new Queue(before).bind(other).delete();
      await until(() => consumer.queues[0]?.name !== before);
      const after = consumer.queues[0]?.name as string;
      await until(() => consumer.consumingFrom(after));
      expect(await isThere(other, after)).toBe(true);
    }));

  it('keeps its way of acknowledging', () =>
    with_(async (mine, other) => {
      const acknowledged: boolean[] = [];
      const consumer = mine.consumer({
        queues: queue,
        onMessage: (message) => acknowledged.push(message.acknowledged),
      });
      await consumer.consume({ noAck: true });
      await queue.bind(other).delete();
      await until(() => consumer.consumingFrom('q'));
      await other.producer().publish('x', { exchange: 'x', routingKey: 'k' });
      await until(() => acknowledged.length === 1);
      expect(acknowledged).toEqual([true]);
    }));

  it('leaves it alone when the queue is not its own to declare', () =>
    with_(async (mine, other) => {
      const options = [{ autoDeclare: false }, { queues: new Queue('q', { noDeclare: true }) }];
      for (const option of options) {
        await new Queue('q').bind(other).declare();
        const consumer = mine.consumer({ queues: new Queue('q'), onMessage: () => {}, ...option });
        await consumer.consume();
        await new Queue('q').bind(other).delete();
        await until(() => !consumer.consumingFrom('q'));
        await pause();
        expect(await isThere(other)).toBe(false);
        await consumer.close();
      }
    }));

  it('leaves it alone when it was deleted over the same connection', () =>
    with_(async (mine, other) => {
      const consumer = mine.consumer({ queues: queue, onMessage: () => {} });
      await consumer.consume();
      await queue.bind(mine).delete();
      await until(() => !consumer.consumingFrom('q'));
      await pause();
      expect(await isThere(other)).toBe(false);
      await consumer.consume();
      expect(await isThere(other)).toBe(true);
      // Declared again it is looked after again.
      await queue.bind(other).delete();
      await until(() => consumer.consumingFrom('q'));
    }));

  it.each(['cancel', 'cancelByQueue', 'close'] as const)('leaves it alone after %s', (how) =>
    with_(async (mine, other) => {
      const consumer = mine.consumer({ queues: queue, onMessage: () => {} });
      await consumer.consume();
      await queue.bind(other).delete();
      await until(() => !consumer.consumingFrom('q'));
      await (how === 'cancelByQueue' ? consumer.cancelByQueue('q') : consumer[how]());
      await pause();
      expect(await isThere(other)).toBe(false);
    }),
  );

  it('ends, and says why, when it cannot be declared again', () =>
    with_(async (mine, other) => {
      const errors: unknown[] = [];
      mine.on('error', (error) => errors.push((error as KombuError).code));
      const consumer = mine.consumer({ queues: queue });
      const loop = failure(consumer[Symbol.asyncIterator]().next());
      await until(() => consumer.consumingFrom('q'));
      await queue.bind(other).delete();
      await new Queue('q', { maxLength: 1 }).bind(other).declare();
      expect((await loop).code).toBe('ERR_KOMBU_PRECONDITION_FAILED');
      expect(errors).toEqual(['ERR_KOMBU_PRECONDITION_FAILED']);
    }));

  it('does not consume by itself what was cancelled while it was being declared again', () =>
    with_(async (mine, other) => {
      for (let i = 0; i < 10; i++) {
        const consumer = mine.consumer({ queues: queue, onMessage: () => {} });
        await consumer.consume();
        await queue.bind(other).delete();
        await until(() => !consumer.consumingFrom('q'));
        await new Promise((resolve) => setTimeout(resolve, 97 + (i % 5)));
        await consumer.cancel();
        await settle(10);
        expect(consumer.consumingFrom('q')).toBe(false);
        await consumer.close();
        await queue.bind(mine).delete();
      }
    }));
});
