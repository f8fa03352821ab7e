import { describe, expect, it } from '@jest/globals';
import { Consumer, Exchange, type Message, Queue } from '../../src/index.js';
import { settle, until } from '../support/memory.js';
import { failure, memoryTest, put, range, ready } from '../support/with-memory.js';

const queue = new Queue('q');

const with_ = memoryTest({ drainMs: 1000 });

describe('a consumer with a handler', () => {
  it('declares its queue, gets what is there and what comes', () =>
    with_(async (connection) => {
      const media = new Exchange('media', { type: 'topic' });
      const video = new Queue<number>('video', { exchange: media, routingKey: 'v.#' });
      const seen: number[] = [];
      const consumer = connection.consumer({
        queues: [video],
        onMessage: async (message) => {
          seen.push(message.payload);
          await message.ack();
        },
      });
      expect(consumer.consumingFrom('video')).toBe(false);
      await consumer.consume();
      expect(consumer.consumingFrom('video')).toBe(true);
      expect(consumer.consumingFrom(video)).toBe(true);
      for (const n of range(5)) await connection.producer().publish(n, { exchange: media, routingKey: `v.${n}` });
      await until(() => seen.length === 5);
      expect(seen).toEqual([0, 1, 2, 3, 4]);
      expect(consumer.connection).toBe(connection);
      expect(consumer.channel).not.toBe(connection.defaultChannel);
      expect(consumer.queues.map(({ name }) => name)).toEqual(['video']);
    }));

  it('does nothing until consume', () =>
    with_(async (connection) => {
      await put(connection, [1]);
      let count = 0;
      const consumer = new Consumer(connection, { queues: queue, onMessage: () => count++ });
      await consumer.declare();
      await settle();
      expect(count).toBe(0);
      expect(await ready(connection)).toBe(1);
    }));

  it('gets a queue, or several', () =>
    with_(async (connection) => {
      const seen: string[] = [];
      const consumer = connection.consumer({
        queues: [new Queue('a'), new Queue('b').bind(connection)],
        onMessage: (message) => {
          seen.push(`${message.deliveryInfo.queue}${message.payload}`);
          void message.ack();
        },
      });
      await consumer.consume();
      await put(connection, [1], 'a');
      await put(connection, [2], 'b');
      await until(() => seen.length === 2);
      expect(seen.sort()).toEqual(['a1', 'b2']);
      expect(consumer.queues.every(({ channel }) => channel === consumer.channel)).toBe(true);
    }));

  it('starts handlers in the order of delivery, at most as many as the prefetch', () =>
    with_(async (connection) => {
      const started: number[] = [];
      let running = 0;
      let most = 0;
      const consumer = connection.consumer({
        queues: queue,
        prefetchCount: 3,
        onMessage: async (message) => {
          started.push(message.payload as number);
          most = Math.max(most, ++running);
          await new Promise((resolve) => setTimeout(resolve, Math.random() * 4));
          running--;
          await message.ack();
        },
      });
      await consumer.consume();
      await put(connection, range(30));
      await until(() => started.length === 30 && running === 0);
      expect(started).toEqual(range(30));
      expect(most).toBe(3);
    }));

  it('runs one handler strictly after another with concurrency 1, whatever the prefetch', () =>
    with_(async (connection) => {
      const log: string[] = [];
      const consumer = connection.consumer({
        queues: queue,
        prefetchCount: 10,
        concurrency: 1,
        onMessage: async (message) => {
          log.push(`+${message.payload}`);
          await settle(2);
          await message.ack();
          await settle(1);
          log.push(`-${message.payload}`);
        },
      });
      await put(connection, range(5));
      await consumer.consume();
      await until(() => log.length === 10);
      expect(log).toEqual(range(5).flatMap((n) => [`+${n}`, `-${n}`]));
    }));

  it('holds no more unsettled messages than its prefetch over all its queues', () =>
    with_(async (connection) => {
      for (const prefetchCount of [1, 2, 5]) {
        await put(connection, range(10), 'a');
        await put(connection, range(10), 'b');
        const held: Message[] = [];
        let most = 0;
        let done = 0;
        const consumer = connection.consumer({
          queues: [new Queue('a'), new Queue('b')],
          prefetchCount,
          onMessage: (message) => {
            held.push(message);
            most = Math.max(most, held.length);
          },
        });
        await consumer.consume();
        while (done < 20) {
          await settle(2);
          const message = held.shift();
          if (message === undefined) continue;
          await message.ack();
          done++;
        }
        expect(most).toBe(prefetchCount);
        await consumer.close();
      }
    }));

  it('does not let one slow message hold up the others', () =>
    with_(async (connection) => {
      let release = () => {};
      const done: number[] = [];
      const consumer = connection.consumer({
        queues: queue,
        prefetchCount: 5,
        onMessage: async (message) => {
          if (message.payload === 0) await new Promise<void>((resolve) => (release = resolve));
          await message.ack();
          done.push(message.payload as number);
        },
      });
      await consumer.consume();
      await put(connection, range(20));
      await until(() => done.length === 19);
      release();
      await until(() => done.length === 20);
      expect(done.at(-1)).toBe(0);
    }));

  it('shares a queue with another consumer of the same connection', () =>
    with_(async (connection) => {
      const seen: string[] = [];
      const consumers = ['a', 'b'].map((name) =>
        connection.consumer({
          queues: queue,
          prefetchCount: 1,
          onMessage: async (message) => {
            seen.push(`${name}${message.payload}`);
            await settle(1);
            await message.ack();
          },
        }),
      );
      for (const consumer of consumers) await consumer.consume();
      await put(connection, range(20));
      await until(() => seen.length === 20);
      expect(seen.map((one) => Number(one.slice(1))).sort((x, y) => x - y)).toEqual(range(20));
      expect(new Set(seen.map((one) => one[0])).size).toBe(2);
    }));

  it('calls its callbacks one after the other, with the body and the message', () =>
    with_(async (connection) => {
      const log: unknown[] = [];
      const consumer = connection.consumer({
        queues: new Queue<{ n: number }>('q'),
        callbacks: [
          async (body, message) => {
            await settle(1);
            log.push(['first', body.n, message.payload === body]);
          },
          (body) => {
            log.push(['second', body.n]);
          },
        ],
      });
      consumer.registerCallback((_body, message) => {
        log.push('third');
        return message.ack();
      });
      await consumer.consume();
      await put(connection, [{ n: 1 }]);
      await until(() => log.length === 3);
      expect(log).toEqual([['first', 1, true], ['second', 1], 'third']);
      await settle();
      expect(await ready(connection)).toBe(0);
    }));

  it('calls onMessage instead of its callbacks when it has both', () =>
    with_(async (connection) => {
      const log: string[] = [];
      const consumer = connection.consumer({
        queues: queue,
        onMessage: (message) => {
          log.push('onMessage');
          void message.ack();
        },
        callbacks: [() => log.push('callback')],
      });
      await consumer.consume();
      await put(connection, [1]);
      await until(() => log.length > 0);
      expect(log).toEqual(['onMessage']);
      await consumer.receive(1, {} as Message);
      expect(log).toEqual(['onMessage', 'callback']);
    }));

  it('needs a handler to consume', () =>
    with_(async (connection) => {
      const consumer = connection.consumer({ queues: queue });
      expect((await failure(consumer.consume())).code).toBe('ERR_KOMBU_INVALID_OPTION');
      expect(() => consumer.receive(1, {} as Message)).toThrow('there are no callbacks');
      consumer.registerCallback((_body, message) => message.ack());
      await consumer.consume();
    }));

  it('checks its options, and names them', () =>
    with_(async (connection) => {
      const wrong: [object, string][] = [
        [{ prefetch: 5 }, "did you mean 'prefetchCount'?"],
        [{ prefetchCount: -1 }, 'prefetchCount'],
        [{ prefetchCount: 70_000 }, 'prefetchCount'],
        [{ concurrency: 0 }, 'concurrency'],
        [{ onMessage: 'x' }, 'onMessage'],
        [{ callbacks: () => {} }, 'callbacks'],
        [{ callbacks: [5] }, 'callbacks'],
        [{ accept: 'json' }, 'accept'],
        [{ accept: [5] }, 'accept'],
        [{ noAck: 1 }, 'noAck'],
        [{ tagPrefix: 1 }, 'tagPrefix'],
        [{ onError: 1 }, 'onError'],
        [{ onDecodeError: 1 }, 'onDecodeError'],
        [{ queues: 'q' }, 'a consumer needs queues'],
        [{ queues: [new Exchange('x')] }, 'a consumer needs queues'],
      ];
      for (const [options, text] of wrong) {
        expect(() => connection.consumer({ queues: queue, ...options } as never)).toThrow(text);
      }
      const unknown = connection.consumer({ queues: queue, accept: ['jsn'], onMessage: () => {} });
      expect((await failure(unknown.consume())).code).toBe('ERR_KOMBU_NO_SERIALIZER');
    }));

  it('takes messages for good with noAck: of the call, the consumer or the queue', () =>
    with_(async (connection) => {
      const seen: boolean[] = [];
      const onMessage = async (message: Message) => {
        seen.push(message.acknowledged);
        await message.ack();
        await message.reject();
      };
      await put(connection, [1]);
      const byConsumer = connection.consumer({ queues: queue, noAck: true, onMessage });
      await byConsumer.consume();
      await until(() => seen.length === 1);
      await byConsumer.close();
      await put(connection, [2]);
      const byQueue = connection.consumer({ queues: new Queue('q', { noAck: true }), onMessage });
      await byQueue.consume();
      await until(() => seen.length === 2);
      await byQueue.close();
      await put(connection, [3]);
      const byCall = connection.consumer({ queues: new Queue('q', { noAck: true }), onMessage });
      await byCall.consume({ noAck: false });
      await until(() => seen.length === 3);
      expect(seen).toEqual([true, true, false]);
    }));

  it('does not declare with autoDeclare off', () =>
    with_(async (connection) => {
      const consumer = connection.consumer({ queues: new Queue('missing'), autoDeclare: false, onMessage: () => {} });
      expect((await failure(consumer.consume())).code).toBe('ERR_KOMBU_NOT_FOUND');
      expect(consumer.consumingFrom('missing')).toBe(false);
      await consumer.declare();
      await consumer.consume();
      expect(consumer.consumingFrom('missing')).toBe(true);
    }));

  it('consumes from all of its queues, or from none when one cannot be', () =>
    with_(async (connection) => {
      await new Queue('b', { maxLength: 1 }).bind(connection).declare();
      const consumer = connection.consumer({ queues: [new Queue('a'), new Queue('b')], onMessage: () => {} });
      expect((await failure(consumer.consume())).code).toBe('ERR_KOMBU_PRECONDITION_FAILED');
      expect(consumer.consumingFrom('a')).toBe(false);
      await put(connection, [1], 'a');
      await settle();
      expect(await ready(connection, 'a')).toBe(1);
    }));

  it('names its consumers as it is told, each differently', () =>
    with_(async (connection) => {
      const tags = new Set<unknown>();
      for (let i = 0; i < 2; i++) {
        const consumer = connection.consumer({
          queues: [new Queue('a'), new Queue('b')],
          tagPrefix: 'worker-',
          onMessage: (message) => {
            tags.add(message.deliveryInfo.consumerTag);
            void message.ack();
          },
        });
        await consumer.consume();
        await put(connection, [1], 'a');
        await put(connection, [1], 'b');
        await until(() => tags.size === 2 * (i + 1));
        await consumer.close();
      }
      for (const tag of tags) expect(tag).toMatch(/^worker-./);
    }));

  it('can be the only one of its queue', () =>
    with_(async (connection) => {
      const first = connection.consumer({ queues: queue, exclusive: true, onMessage: () => {} });
      await first.consume();
      const second = connection.consumer({ queues: queue, onMessage: () => {} });
      expect((await failure(second.consume())).code).toBe('ERR_KOMBU_ACCESS_REFUSED');
      await first.close();
      await second.consume();
    }));

  it('consumes from a queue whose name the broker chooses', () =>
    with_(async (connection) => {
      const seen: unknown[] = [];
      const consumer = connection.consumer({
        queues: new Queue('', { exclusive: true }),
        onMessage: (message) => {
          seen.push(message.payload);
          void message.ack();
        },
      });
      await consumer.consume();
      const name = consumer.queues[0]?.name as string;
      expect(name).not.toBe('');
      await consumer.consume(); // Nothing is new, although the declaration has no name.
      await put(connection, [1], name);
      await until(() => seen.length === 1);
      expect(seen).toEqual([1]);
    }));
});

describe('the queues of a running consumer', () => {
  it('can be added, and consume starts only what is new', () =>
    with_(async (connection) => {
      const seen: unknown[] = [];
      const tags = new Map<string, string>();
      const consumer = connection.consumer({
        queues: new Queue('a'),
        onMessage: (message) => {
          seen.push(message.payload);
          tags.set(message.deliveryInfo.queue, String(message.deliveryInfo.consumerTag));
          void message.ack();
        },
      });
      await consumer.consume();
      await put(connection, ['a1'], 'a');
      await until(() => seen.length === 1);
      const before = tags.get('a');
      const added = consumer.addQueue(new Queue('b'));
      expect(consumer.addQueue(new Queue('b'))).toBe(added);
      expect(consumer.consumingFrom('b')).toBe(false);
      await Promise.all([consumer.consume(), consumer.consume()]);
      expect(consumer.consumingFrom('b')).toBe(true);
      await put(connection, ['b1'], 'b');
      await put(connection, ['a2'], 'a');
      await until(() => seen.length === 3);
      expect(tags.get('a')).toBe(before);
      expect(consumer.queues.map(({ name }) => name)).toEqual(['a', 'b']);
    }));

  it('can be taken out one by one; the others go on', () =>
    with_(async (connection) => {
      const seen: unknown[] = [];
      const consumer = connection.consumer({
        queues: [new Queue('a'), new Queue('b')],
        onMessage: (message) => {
          seen.push(message.payload);
          void message.ack();
        },
      });
      await consumer.consume();
      await consumer.cancelByQueue('a');
      await consumer.cancelByQueue('unknown');
      expect(consumer.consumingFrom('a')).toBe(false);
      expect(consumer.queues.map(({ name }) => name)).toEqual(['b']);
      await put(connection, ['a1'], 'a');
      await put(connection, ['b1'], 'b');
      await until(() => seen.length === 1);
      await settle();
      expect(seen).toEqual(['b1']);
      expect(await ready(connection, 'a')).toBe(1);
      await consumer.consume();
      expect(consumer.consumingFrom('a')).toBe(false);
    }));

  it('are all left by cancel, what is in hand stays settleable, and consume starts again', () =>
    with_(async (connection) => {
      const held: Message[] = [];
      const consumer = connection.consumer({
        queues: queue,
        prefetchCount: 5,
        concurrency: 2,
        onMessage: async (message) => {
          held.push(message);
          await until(() => message.acknowledged);
        },
      });
      await put(connection, range(10));
      await consumer.consume();
      await until(() => held.length === 2);
      await consumer.cancel();
      expect(consumer.consumingFrom('q')).toBe(false);
      // Two are in hand; the three that were prefetched went back to the front, in order.
      const bound = queue.bind(connection);
      const next = [];
      for (let i = 0; i < 4; i++) next.push(await bound.get());
      expect(next.map((message) => message?.payload)).toEqual([2, 3, 4, 5]);
      expect(next.some((message) => message?.deliveryInfo.redelivered)).toBe(false);
      for (const message of held) await message.ack();
      await consumer.cancel();
      await consumer.consume();
      await until(() => held.length === 4);
      expect(held.map(({ payload }) => payload)).toEqual([0, 1, 6, 7]);
      for (const message of held.slice(2)) await message.ack();
      await until(() => held.length === 6);
      for (const message of held.slice(4)) await message.ack();
    }));

  it('can be purged together', () =>
    with_(async (connection) => {
      const consumer = connection.consumer({ queues: [new Queue('a'), new Queue('b')], onMessage: () => {} });
      await consumer.declare();
      await put(connection, [1, 2], 'a');
      await put(connection, [3], 'b');
      expect(await consumer.purge()).toBe(3);
      expect(await consumer.purge()).toBe(0);
    }));
});

describe('the flow of messages', () => {
  it('stops and goes on', () =>
    with_(async (connection) => {
      const seen: unknown[] = [];
      const consumer = connection.consumer({
        queues: queue,
        prefetchCount: 2,
        onMessage: (message) => {
          seen.push(message.payload);
          void message.ack();
        },
      });
      await consumer.flow(false);
      await consumer.consume();
      await put(connection, range(5));
      await settle();
      expect(seen).toEqual([]);
      await consumer.flow(true);
      await until(() => seen.length === 5);
      await consumer.flow(false);
      await put(connection, [5]);
      await settle();
      expect(seen).toEqual(range(5));
      await consumer.flow(true);
      await until(() => seen.length === 6);
    }));

  it('is widened and narrowed by qos while it runs', () =>
    with_(async (connection) => {
      const held: Message[] = [];
      const consumer = connection.consumer({
        queues: queue,
        prefetchCount: 1,
        onMessage: (message) => {
          held.push(message);
        },
      });
      await consumer.consume();
      await put(connection, range(10));
      await until(() => held.length === 1);
      await settle();
      expect(held).toHaveLength(1);
      await consumer.qos({ prefetchCount: 4 });
      await until(() => held.length === 4);
      await settle();
      expect(held).toHaveLength(4);
      await consumer.qos({ prefetchCount: 2 });
      for (const message of held.slice(0, 2)) await message.ack();
      await settle();
      expect(held).toHaveLength(4);
      await held[2]?.ack();
      await until(() => held.length === 5);
      await consumer.qos({ prefetchCount: 0 });
      await until(() => held.length === 10);
      await consumer.qos({ prefetchCount: 3, global: true });
      expect((await failure(consumer.qos({ prefetchCount: -1 }))).code).toBe('ERR_KOMBU_INVALID_OPTION');
    }));

  it('puts everything unsettled back with recover', () =>
    with_(async (connection) => {
      const held: Message[] = [];
      const consumer = connection.consumer({
        queues: queue,
        prefetchCount: 3,
        concurrency: 2,
        onMessage: (message) => {
          held.push(message);
        },
      });
      await put(connection, range(3));
      await consumer.consume();
      await until(() => held.length === 3);
      await consumer.recover({ requeue: true });
      await until(() => held.length === 6);
      expect(held.slice(3).map(({ payload }) => payload)).toEqual([0, 1, 2]);
      expect(held.slice(3).every(({ deliveryInfo }) => deliveryInfo.redelivered)).toBe(true);
      expect((await failure((held[0] as Message).ack())).code).toBe('ERR_KOMBU_ALREADY_SETTLED');
      for (const message of held.slice(3)) await message.ack();
      await settle();
      expect(await ready(connection)).toBe(0);
      expect((await failure(consumer.recover({} as never))).code).toBe('ERR_KOMBU_NOT_SUPPORTED');
    }));
});

describe('a consumer whose queue is deleted', () => {
  it('hears of it, and can consume again', () =>
    with_(async (connection) => {
      const cancelled: unknown[] = [];
      const seen: unknown[] = [];
      const consumer = connection.consumer({
        queues: queue,
        onMessage: (message) => {
          seen.push(message.payload);
          void message.ack();
        },
      });
      consumer.on('cancelled', ({ queue, consumerTag, error }) => cancelled.push([queue, consumerTag, error.code]));
      const once: string[] = [];
      consumer.once('cancelled', () => once.push('once'));
      const off = () => once.push('off');
      consumer.on('cancelled', off).off('cancelled', off);
      await consumer.consume();
      await queue.bind(connection).delete();
      await until(() => cancelled.length === 1);
      expect(cancelled[0]).toEqual(['q', expect.stringMatching(/^kombu-/), expect.stringMatching(/^ERR_KOMBU_/)]);
      expect(once).toEqual(['once']);
      expect(consumer.consumingFrom('q')).toBe(false);
      await consumer.consume();
      await put(connection, [1]);
      await until(() => seen.length === 1);
    }));
});

describe('a consumer on a channel that it was given', () => {
  it('leaves the channel open', () =>
    with_(async (connection) => {
      const channel = connection.channel();
      const consumer = new Consumer(channel, { queues: queue, onMessage: (message) => message.ack() });
      expect(consumer.channel).toBe(channel);
      await consumer.consume();
      await consumer.close();
      expect(channel.state).toBe('open');
    }));

  it('ends with the channel', () =>
    with_(async (connection) => {
      const channel = connection.channel();
      const closed: unknown[] = [];
      const consumer = new Consumer(channel, { queues: queue, onMessage: () => {} });
      consumer.on('closed', ({ error }) => closed.push(error));
      await consumer.consume();
      await channel.close();
      await until(() => closed.length === 1);
      expect(consumer.consumingFrom('q')).toBe(false);
      expect((await failure(consumer.consume())).code).toBe('ERR_KOMBU_CLOSED');
    }));

  it('goes on with another one', () =>
    with_(async (connection) => {
      const seen: unknown[] = [];
      const consumer = new Consumer(connection.channel(), {
        queues: queue,
        onMessage: (message) => {
          seen.push(message.payload);
          void message.ack();
        },
      });
      await consumer.consume();
      await consumer.channel.close();
      const channel = connection.channel();
      consumer.revive(channel);
      expect(consumer.channel).toBe(channel);
      expect(consumer.queues[0]?.channel).toBe(channel);
      await consumer.consume();
      await put(connection, [1]);
      await until(() => seen.length === 1);
    }));
});
