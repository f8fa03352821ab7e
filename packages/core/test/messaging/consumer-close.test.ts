import { describe, expect, it } from '@jest/globals';
import { Consumer, type ConsumerOptions, type Message, Queue } from '../../src/index.js';
import { settle, until } from '../support/memory.js';
import { failure, memoryTest, put, range, ready } from '../support/with-memory.js';

const queue = new Queue('q');

const with_ = memoryTest({ declare: [queue], drainMs: 500 });

const raise = (): never => {
  throw new Error('the handler failed');
};

/** Fails when `promise` takes longer than a second. */
async function soon<T>(promise: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('it took too long')), 1000);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

describe('closing a consumer', () => {
  it('lets running handlers finish, gives the rest back, and starts nothing new', () =>
    with_(async (connection) => {
      await put(connection, range(10));
      const started: unknown[] = [];
      const finished: unknown[] = [];
      let finish!: () => void;
      const work = new Promise<void>((resolve) => {
        finish = resolve;
      });
      const consumer = connection.consumer({
        queues: queue,
        prefetchCount: 6,
        concurrency: 2,
        onMessage: async (message) => {
          started.push(message.payload);
          await work;
          await message.ack();
          finished.push(message.payload);
        },
      });
      await consumer.consume();
      await until(() => started.length === 2);
      const closing = consumer.close();
      finish();
      await closing;
      expect(started).toEqual([0, 1]);
      expect(finished).toEqual([0, 1]);
      const bound = queue.bind(connection);
      const rest = [];
      for (let i = 0; i < 8; i++) rest.push(await bound.get());
      expect(rest.map((message) => message?.payload)).toEqual([2, 3, 4, 5, 6, 7, 8, 9]);
      expect(rest.some((message) => message?.deliveryInfo.redelivered)).toBe(false);
    }));

  it('waits for handlers no longer than drainMs, and their messages go back', () =>
    with_(async (connection) => {
      await put(connection, [1]);
      let message: Message | undefined;
      const consumer = connection.consumer({
        queues: queue,
        onMessage: (one) => {
          message = one;
          return new Promise(() => {});
        },
      });
      await consumer.consume();
      await until(() => message !== undefined);
      const start = performance.now();
      await consumer.close({ drainMs: 50 });
      expect(performance.now() - start).toBeGreaterThanOrEqual(49);
      expect((await queue.bind(connection).get())?.deliveryInfo.redelivered).toBe(true);
      expect(await failure(message?.ack() as Promise<void>)).toMatchObject({ code: 'ERR_KOMBU_ALREADY_SETTLED' });
      expect(() => consumer.close({ drainMs: -1 })).toThrow('drainMs');
    }));

  it('gives back what a handler has left unsettled, also on a channel that is not its own', () =>
    with_(async (connection) => {
      for (const target of [connection, connection.channel()]) {
        await put(connection, [1, 2]);
        let count = 0;
        const consumer = new Consumer(target, { queues: queue, onMessage: () => count++ });
        await consumer.consume();
        await until(() => count === 2);
        await consumer.close();
        expect(await queue.bind(connection).purge()).toBe(2);
      }
    }));

  it('is done once, whoever asks and how often', () =>
    with_(async (connection) => {
      const closed: unknown[] = [];
      const consumer = connection.consumer({ queues: queue, onMessage: () => {} });
      consumer.on('closed', (event) => closed.push(event));
      await consumer.consume();
      const first = consumer.close();
      expect(consumer.close()).toBe(first);
      await first;
      await consumer.close();
      await consumer[Symbol.asyncDispose]();
      expect(closed).toEqual([{ error: undefined }]);
      expect((await failure(consumer.consume())).code).toBe('ERR_KOMBU_CLOSED');
      expect((await failure(consumer.declare())).code).toBe('ERR_KOMBU_CLOSED');
      await consumer.cancel();
      expect(consumer.consumingFrom('q')).toBe(false);
    }));

  it('happens at the end of a scope', () =>
    with_(async (connection) => {
      let inner: Consumer | undefined;
      {
        await using consumer = connection.consumer({ queues: queue, onMessage: () => {} });
        await consumer.consume();
        inner = consumer;
      }
      expect((await failure(inner.consume())).code).toBe('ERR_KOMBU_CLOSED');
    }));

  it('happens before anything was consumed, too', () =>
    with_(async (connection) => {
      await connection.consumer({ queues: queue, onMessage: () => {} }).close();
      await connection.consumer({}).close();
      await new Consumer(connection.channel(), { queues: queue }).close();
    }));

  it('happens when its signal is aborted, and ends a consume that waits', () =>
    with_(async (connection) => {
      const stop = new AbortController();
      const consumer = connection.consumer({ queues: queue, onMessage: () => {}, signal: stop.signal });
      await consumer.consume();
      const closed = new Promise((resolve) => consumer.on('closed', resolve));
      stop.abort();
      await closed;
      expect((await failure(consumer.consume())).code).toBe('ERR_KOMBU_ABORTED');
      const another = connection.consumer({ queues: queue, onMessage: () => {} });
      expect((await failure(another.consume({ signal: AbortSignal.abort() }))).code).toBe('ERR_KOMBU_ABORTED');
      await another.consume();
    }));

  it('loses and doubles nothing, whenever it happens', () =>
    with_(async (connection) => {
      const handled: number[] = [];
      let sent = 0;
      const producer = connection.producer({ routingKey: 'q' });
      for (let round = 0; round < 60; round++) {
        const options: ConsumerOptions = {
          queues: queue,
          prefetchCount: 1 + (round % 7),
          ...(round % 3 ? {} : { concurrency: 1 }),
          onMessage: async (message) => {
            if (round % 2) await settle(1);
            await message.ack();
            handled.push(message.payload as number);
          },
        };
        const consumer = connection.consumer(options);
        const consuming = consumer.consume();
        const publishing = producer.publishMany(range(20).map(() => sent++));
        if (round % 4) await consuming;
        if (round % 5) await settle(round % 5);
        const ending = round % 6 === 0 ? consumer.cancel().then(() => consumer.close()) : consumer.close();
        await consuming.catch(() => {});
        await Promise.all([ending, publishing]);
      }
      const bound = queue.bind(connection);
      for (let message = await bound.get(); message; message = await bound.get()) {
        handled.push(message.payload as number);
        await message.ack();
      }
      expect([...handled].sort((a, b) => a - b)).toEqual(range(sent));
    }));
});

describe('closing from inside a handler', () => {
  it('does not wait for that handler', () =>
    with_(async (connection) => {
      for (const onMessage of [
        async (message: Message, consumer: Consumer) => {
          await message.ack();
          await consumer.close();
        },
        async (message: Message, consumer: Consumer) => {
          await settle(2);
          await consumer.close();
          await message.ack().catch(() => {});
        },
        (message: Message, consumer: Consumer) =>
          settle(1)
            .then(() => message.ack())
            .then(() => consumer.close()),
        (message: Message, consumer: Consumer) => {
          void message.ack();
          void consumer.close();
        },
      ]) {
        await put(connection, [1]);
        let done = false;
        const consumer: Consumer = connection.consumer({
          queues: queue,
          onMessage: async (message) => {
            await onMessage(message, consumer);
            done = true;
          },
        });
        await consumer.consume();
        await soon(until(() => done));
        await soon(consumer.close());
        await queue.bind(connection).purge();
      }
    }));

  it.each(['at once', 'later'])('does not wait for an onDecodeError that closes %s', (when) =>
    with_(async (connection) => {
      await connection.producer().publish('x', { routingKey: 'q', contentType: 'application/x-yaml' });
      let closed = false;
      const consumer: Consumer = connection.consumer({
        queues: queue,
        onMessage: () => {},
        onDecodeError: async () => {
          if (when === 'later') await settle(1);
          await consumer.close();
          closed = true;
        },
      });
      await consumer.consume();
      await soon(until(() => closed));
      expect(await ready(connection)).toBe(1);
    }),
  );

  it('does not wait for that handler, whichever message it is and whatever it returns', () =>
    with_(async (connection) => {
      await put(connection, range(5));
      let done = 0;
      const consumer: Consumer = connection.consumer({
        queues: queue,
        concurrency: 1,
        onMessage: (message) =>
          // Not an async function, and not its first message.
          message.ack().then(async () => {
            if (message.payload === 3) await consumer.close();
            done++;
          }),
      });
      await consumer.consume();
      await soon(until(() => done === 4));
      await soon(consumer.close());
      expect(await ready(connection)).toBe(1);
    }));

  it('does not wait for a handler that closes before it has returned anything, nor for its onError', () =>
    with_(async (connection) => {
      const ways: [string, (consumer: Consumer) => Omit<ConsumerOptions, 'queues'>][] = [
        ['before its first await', (consumer) => ({ onMessage: async () => consumer.close() })],
        ['as what it returns', (consumer) => ({ onMessage: () => consumer.close() })],
        [
          'and throws',
          (consumer) => ({
            onMessage: () => {
              void consumer.close();
              raise();
            },
          }),
        ],
        [
          'in onError',
          (consumer) => ({
            onMessage: () => raise(),
            onError: async () => {
              await consumer.close();
              return 'reject' as const;
            },
          }),
        ],
      ];
      for (const [, options] of ways) {
        const lazily = { close: () => consumer.close() } as Consumer;
        const consumer: Consumer = connection.consumer({ queues: queue, ...options(lazily) });
        await put(connection, [1]);
        await consumer.consume();
        await soon(new Promise<void>((resolve) => consumer.on('closed', () => resolve())));
        await queue.bind(connection).purge();
      }
    }));

  it('waits for the other handlers', () =>
    with_(async (connection) => {
      await put(connection, [1, 2]);
      const log: string[] = [];
      const consumer: Consumer = connection.consumer({
        queues: queue,
        onMessage: async (message) => {
          await message.ack();
          if (message.payload === 1) {
            await until(() => log.length > 0);
            await consumer.close();
            log.push('closed');
          } else {
            log.push('started');
            await settle(20);
            log.push('finished');
          }
        },
      });
      await consumer.consume();
      await soon(until(() => log.length === 3));
      expect(log).toEqual(['started', 'finished', 'closed']);
    }));

  it('does not wait for one another when several handlers do it', () =>
    with_(async (connection) => {
      await put(connection, [1, 2, 3]);
      let closed = 0;
      let running = 0;
      const consumer: Consumer = connection.consumer({
        queues: queue,
        onMessage: async (message) => {
          running++;
          await until(() => running === 3);
          await message.ack();
          await consumer.close();
          closed++;
        },
      });
      await consumer.consume();
      await soon(until(() => closed === 3));
    }));

  it('closes the whole connection, also from handlers of several consumers at once', () =>
    with_(async (connection) => {
      await put(connection, [1]);
      await new Queue('p').bind(connection).declare();
      await put(connection, [1], 'p');
      let running = 0;
      let closed = 0;
      const onMessage = async (message: Message) => {
        running++;
        await until(() => running === 2);
        await message.ack();
        await settle(1);
        await connection.close();
        closed++;
      };
      await connection.consumer({ queues: queue, onMessage }).consume();
      await connection.consumer({ queues: new Queue('p'), onMessage }).consume();
      await soon(until(() => closed === 2));
      expect(connection.state).toBe('closed');
    }));

  it('is not taken for a call from outside by code that a handler only started', () =>
    with_(async (connection) => {
      await put(connection, [1]);
      let finished = false;
      let started = () => {};
      const running = new Promise<void>((resolve) => {
        started = resolve;
      });
      const consumer = connection.consumer({
        queues: queue,
        onMessage: async (message) => {
          started();
          await settle(20);
          await message.ack();
          finished = true;
        },
      });
      await consumer.consume();
      await running;
      await consumer.close();
      expect(finished).toBe(true);
    }));
});

describe('closing the connection', () => {
  it('lets handlers finish and gives the rest back', () =>
    with_(async (connection) => {
      const other = connection.clone();
      try {
        await put(connection, range(5));
        const finished: unknown[] = [];
        const consumer = connection.consumer({
          queues: queue,
          concurrency: 1,
          onMessage: async (message) => {
            await settle(5);
            await message.ack();
            finished.push(message.payload);
          },
        });
        await consumer.consume();
        await settle(1);
        await connection.close();
        expect(finished.length).toBeGreaterThanOrEqual(1);
        expect(await queue.bind(other).purge()).toBe(5 - finished.length);
        expect((await failure(consumer.consume())).code).toBe('ERR_KOMBU_CLOSED');
      } finally {
        await other.close();
      }
    }));

  it('leaves nothing behind after many rounds', () =>
    with_(async (connection) => {
      for (let i = 0; i < 100; i++) {
        const consumer = connection.consumer({ queues: queue, onMessage: (message) => message.ack() });
        await consumer.consume();
        await connection.producer().close();
        await consumer.close();
      }
      const info = await queue.bind(connection).queueDeclare({ passive: true });
      expect(info.consumerCount).toBe(0);
    }));
});
