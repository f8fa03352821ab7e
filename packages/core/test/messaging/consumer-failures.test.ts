import assert from 'node:assert';
import { describe, expect, it } from '@jest/globals';
import {
  type Connection,
  type ConsumerOptions,
  type FailureOutcome,
  type KombuError,
  type Message,
  MessageStateError,
  Queue,
  StaleDeliveryError,
} from '../../src/index.js';
import { faultyMemory } from '../support/faults.js';
import { ManualClock } from '../support/manual-clock.js';
import { openMemory, settle, until } from '../support/memory.js';
import { memoryTest, put, ready } from '../support/with-memory.js';

const queue = new Queue('q');

const with_ = memoryTest({ declare: [queue], drainMs: 1000 });

/** Lets time go by until `condition` holds. */
async function turn(clock: ManualClock, condition: () => boolean): Promise<void> {
  for (let i = 0; !condition(); i++) {
    if (i > 1000) throw new Error('it did not come');
    await settle();
    const next = clock.next();
    if (!condition() && next !== undefined) await clock.advance(next);
  }
}

/** Lets a poisoned message through a consumer and says what came of it. */
async function outcomeOf(connection: Connection, options: ConsumerOptions): Promise<string> {
  let deliveries = 0;
  const failing = options.onMessage;
  const consumer = connection.consumer({
    queues: queue,
    ...options,
    onMessage: (message) => {
      if (++deliveries === 1) return failing?.(message);
      return message.ack();
    },
  });
  await consumer.consume();
  await put(connection, ['poison']);
  await until(() => deliveries > 0);
  await settle(20);
  const result = deliveries > 1 ? 'requeued' : (await ready(connection)) > 0 ? 'waits' : 'gone';
  await consumer.close({ drainMs: 0 });
  await queue.bind(connection).purge();
  return result;
}

const FAILING: Record<string, (message: Message) => unknown> = {
  throws: () => {
    throw new Error('thrown');
  },
  rejects: async () => {
    await settle(1);
    throw new Error('rejected');
  },
  'throws nothing much': () => {
    throw undefined;
  },
  'returns a thenable that rejects': () => ({
    // biome-ignore lint/suspicious/noThenProperty: this is what is tested
    then: (_ok: unknown, fail: (error: Error) => void) => fail(new Error('thenable')),
  }),
};

describe.each(Object.entries(FAILING))('a handler that %s', (_name, onMessage) => {
  it.each<[FailureOutcome, string]>([
    ['ack', 'gone'],
    ['reject', 'gone'],
    ['requeue', 'requeued'],
    [undefined, 'gone'], // It waits in hand, unsettled, for its time to be requeued.
  ])('gets onError asked; %s leaves the message %s', (answer, expected) =>
    with_(async (connection) => {
      const asked: unknown[] = [];
      const sync = await outcomeOf(connection, {
        onMessage,
        onError: (error, message) => {
          asked.push([error instanceof Error || error === undefined, message.payload]);
          return answer;
        },
      });
      const async_ = await outcomeOf(connection, {
        onMessage,
        onError: async () => {
          await settle(1);
          return answer;
        },
      });
      expect(asked).toEqual([[true, 'poison']]);
      expect([sync, async_]).toEqual([expected, expected]);
    }),
  );
});

describe('a handler that fails', () => {
  it('has its message requeued by itself, later and later, and no other message waits for it', () => {
    const clock = new ManualClock();
    return with_(
      async (connection) => {
        const failedAt: number[] = [];
        const handled: unknown[] = [];
        const errors: unknown[] = [];
        const consumer = connection.consumer({
          queues: queue,
          prefetchCount: 2,
          onMessage: async (message) => {
            if (message.payload === 'poison') {
              failedAt.push(clock.now());
              throw new Error(`failure ${failedAt.length}`);
            }
            handled.push(message.payload);
            await message.ack();
          },
        });
        consumer.on('error', ({ error, message }) => errors.push([(error as Error).message, message.payload]));
        await consumer.consume();
        await put(connection, ['poison', 'other']);
        for (let i = 1; i <= 9; i++) {
          await turn(clock, () => failedAt.length === i);
          await put(connection, [i]);
          await until(() => handled.includes(i), `message ${i}`);
          // It is in hand, not in the queue, until its time has come.
          expect(await ready(connection)).toBe(0);
        }
        const waits = failedAt.slice(1).map((at, i) => at - (failedAt[i] as number));
        expect(waits).toEqual([1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000]);
        expect(errors.slice(0, 2)).toEqual([
          ['failure 1', 'poison'],
          ['failure 2', 'poison'],
        ]);
        expect(handled).toEqual(['other', 1, 2, 3, 4, 5, 6, 7, 8, 9]);
        // Closing does not wait for its time: the message is in its queue.
        await consumer.close();
        expect(await ready(connection)).toBe(1);
      },
      { clock },
    );
  });

  it('starts from 1 s again for a message that was handled in between', () => {
    const clock = new ManualClock();
    return with_(
      async (connection) => {
        const attempts: number[] = [];
        const consumer = connection.consumer({
          queues: queue,
          onMessage: (message) => {
            attempts.push(clock.now());
            if (attempts.length !== 3) throw new Error('no');
            void message.ack();
          },
        });
        await consumer.consume();
        await put(connection, ['same']);
        await turn(clock, () => attempts.length === 3);
        await put(connection, ['same']);
        await turn(clock, () => attempts.length === 5);
        const waits = attempts.slice(1).map((at, i) => at - (attempts[i] as number));
        expect(waits).toEqual([1000, 2000, 0, 1000]);
      },
      { clock },
    );
  });

  it('takes up one place of the prefetch until its message is requeued', () =>
    with_(async (connection) => {
      const started: unknown[] = [];
      const consumer = connection.consumer({
        queues: queue,
        prefetchCount: 2,
        onMessage: (message) => {
          started.push(message.payload);
          if (message.payload === 'poison') throw new Error('no');
        },
      });
      await consumer.consume();
      await put(connection, ['poison', 1, 2]);
      await until(() => started.length === 2);
      await settle(10);
      expect(started).toEqual(['poison', 1]);
    }));

  it('may have settled its message before: then it stays as it is', () =>
    with_(async (connection) => {
      const outcome = await outcomeOf(connection, {
        onMessage: async (message) => {
          await message.ack();
          throw new Error('too late');
        },
        onError: () => 'requeue',
      });
      expect(outcome).toBe('gone');
    }));

  it('is logged as a warning where nobody asked to be told', async () => {
    const warned: string[] = [];
    const logger = { debug() {}, info() {}, warn: (text: string) => warned.push(text), error() {} };
    const { connection } = openMemory({ logger });
    await queue.bind(connection).declare();
    await connection.producer().publish(1, { routingKey: 'q' });
    const consumer = connection.consumer({
      queues: queue,
      onMessage: () => {
        throw new Error('no');
      },
    });
    await consumer.consume();
    await until(() => warned.length > 0);
    expect(warned[0]).toContain("a handler of queue 'q' failed");
    await connection.close();
  });

  it('is requeued after a while when onError itself fails', () =>
    with_(async (connection) => {
      const logged: string[] = [];
      const logger = { debug() {}, info() {}, warn() {}, error: (text: string) => logged.push(text) };
      for (const onError of [
        () => {
          throw new Error('onError');
        },
        async () => {
          throw new Error('onError');
        },
        () => 'nonsense' as FailureOutcome,
      ]) {
        const { connection: other } = openMemory({ logger });
        await queue.bind(other).declare();
        expect(
          await outcomeOf(other, {
            onMessage: () => {
              throw new Error('no');
            },
            onError,
          }),
        ).toBe('gone');
        await other.close();
      }
      expect(logged.filter((text) => text === 'onError threw')).toHaveLength(2);
      expect(connection.connected).toBe(true);
    }));

  it('runs strictly one after another with concurrency 1, its onError included', () =>
    with_(async (connection) => {
      const log: string[] = [];
      const consumer = connection.consumer({
        queues: queue,
        concurrency: 1,
        onMessage: async (message) => {
          log.push(`+${message.payload}`);
          await settle(1);
          throw new Error('no');
        },
        onError: async (_error, message) => {
          await settle(2);
          log.push(`-${message.payload}`);
          return 'reject';
        },
      });
      await consumer.consume();
      await put(connection, [1, 2, 3]);
      await until(() => log.length === 6);
      expect(log).toEqual(['+1', '-1', '+2', '-2', '+3', '-3']);
    }));

  it('does not stop the consumer of callbacks', () =>
    with_(async (connection) => {
      const log: unknown[] = [];
      const consumer = connection.consumer({
        queues: queue,
        callbacks: [
          (body) => {
            if (body === 1) throw new Error('no');
          },
          (body, message) => {
            log.push(body);
            return message.ack();
          },
        ],
        onError: () => 'ack',
      });
      await consumer.consume();
      await put(connection, [1, 2]);
      await until(() => log.length === 1);
      expect(log).toEqual([2]);
    }));
});

describe('a handler that never settles', () => {
  it('keeps its message out of the queue, and the others of the prefetch go on', () =>
    with_(async (connection) => {
      const seen: unknown[] = [];
      const consumer = connection.consumer({
        queues: queue,
        prefetchCount: 3,
        onMessage: (message) => {
          seen.push(message.payload);
          if (message.payload !== 0) return message.ack();
        },
      });
      await consumer.consume();
      await put(connection, [0, 1, 2, 3, 4]);
      await until(() => seen.length === 5);
      await consumer.close();
      const back = await queue.bind(connection).get();
      expect(back?.payload).toBe(0);
      expect(back?.deliveryInfo.redelivered).toBe(true);
    }));

  it('does not keep a consumer from ending', () =>
    with_(async (connection) => {
      let started = false;
      const consumer = connection.consumer({
        queues: queue,
        onMessage: () => {
          started = true;
          return new Promise(() => {});
        },
      });
      await consumer.consume();
      await put(connection, [1]);
      await until(() => started);
      await consumer.close({ drainMs: 20 });
      expect(await ready(connection)).toBe(1);
    }));
});

describe('a handler that settles twice', () => {
  it('learns so when it awaits it, and nothing else happens', () =>
    with_(async (connection) => {
      const codes: string[] = [];
      const seen: unknown[] = [];
      const consumer = connection.consumer({
        queues: queue,
        onMessage: async (message) => {
          seen.push(message.payload);
          void message.ack();
          void message.ack();
          await message.reject({ requeue: true });
        },
        onError: (error) => {
          codes.push((error as KombuError).code);
        },
      });
      await consumer.consume();
      await put(connection, [1, 2]);
      await until(() => codes.length === 2);
      await settle();
      expect(seen).toEqual([1, 2]);
      expect(codes).toEqual(['ERR_KOMBU_ALREADY_SETTLED', 'ERR_KOMBU_ALREADY_SETTLED']);
      expect(await ready(connection)).toBe(0);
    }));
});

describe('a settlement that fails after it was taken', () => {
  const lost = new MessageStateError('LEASE_LOST', 'somebody else has it');

  it('goes to onError and to the error event, and is no unhandled rejection', () =>
    with_(
      async (connection) => {
        const told: unknown[] = [];
        const events: unknown[] = [];
        const consumer = connection.consumer({
          queues: queue,
          onMessage: (message) => {
            void message.ack();
          },
          onError: (error, message) => {
            told.push([error, message.payload, message.acknowledged, message.deliveryInfo.queue]);
            return 'requeue'; // Nobody can do anything about it any more.
          },
        });
        consumer.on('error', ({ error }) => events.push(error));
        await consumer.consume();
        await put(connection, ['x']);
        await until(() => told.length === 1);
        await settle();
        expect(told).toEqual([[lost, 'x', true, 'q']]);
        expect(events).toEqual([lost]);
        expect(await ready(connection)).toBe(0);
      },
      { transport: faultyMemory({ settleLater: (outcome) => (outcome === 'ack' ? lost : undefined) }) },
    ));

  it('does no harm when nobody listens, or when onError fails too', () =>
    with_(
      async (connection) => {
        let handled = 0;
        const onMessage = (message: Message) => {
          handled++;
          void message.ack();
        };
        for (const onError of [undefined, () => Promise.reject(new Error('no')), () => assert.fail('no')]) {
          const consumer = connection.consumer({ queues: queue, onMessage, onError });
          await consumer.consume();
          await put(connection, ['x']);
          await settle(10);
          await consumer.close();
        }
        expect(handled).toBe(3);
      },
      { transport: faultyMemory({ settleLater: () => lost }) },
    ));

  it('is told to who awaits it when the channel refuses it at once', () =>
    with_(
      async (connection) => {
        const codes: string[] = [];
        const consumer = connection.consumer({
          queues: queue,
          onMessage: async (message) => {
            void message.ack();
            await message.ack().catch((error: KombuError) => codes.push(error.code));
            codes.push(String(message.acknowledged));
          },
        });
        await consumer.consume();
        await put(connection, ['x']);
        await until(() => codes.length === 2);
        expect(codes).toEqual(['ERR_KOMBU_STALE_DELIVERY', 'false']);
      },
      {
        transport: faultyMemory({
          settle: (outcome) => (outcome === 'ack' ? new StaleDeliveryError('it is stale') : undefined),
        }),
      },
    ));
});
