import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { until } from '@kombu/brokers';
import {
  type BoundQueue,
  ChannelError,
  Connection,
  collectReplies,
  drainConsumer,
  eventloop,
  ignoreErrors,
  insured,
  itermessages,
  KombuError,
  maybeDeclare,
  Queue,
  uuid,
} from '@kombu/core';
import { describeCarrot } from './carrot.js';
import type { PatternBroker } from './patterns.js';
import { describeTypedPayloads } from './typed-payloads.js';

const RECONNECT = { intervalStartMs: 20, intervalStepMs: 20, intervalMaxMs: 200 };
const WAIT = { timeoutMs: 10_000 };

/** Runs helpers, pools, the names of carrot and typed payloads on a real broker. */
export function describeHelpers({ name, url, transport, killConnections }: Omit<PatternBroker, 'python'>): void {
  let connection: Connection;

  beforeAll(() => {
    connection = new Connection(url, { transport, reconnect: RECONNECT });
  });
  afterAll(() => connection.close());

  /** A queue of its own with these messages. */
  async function filled<T>(...bodies: T[]): Promise<{ queue: Queue<T>; bound: BoundQueue<T> }> {
    const queue = new Queue<T>(`helpers-${uuid()}`, { expiresMs: 60_000 });
    const bound = queue.bind(connection);
    await bound.declare();
    for (const body of bodies) await connection.producer().publish(body, { routingKey: queue.name });
    return { queue, bound };
  }

  /** Waits until so many messages are ready. */
  const ready = (bound: BoundQueue, count: number): Promise<unknown> =>
    until(async () => (await bound.queueDeclare({ passive: true })).messageCount === count, {
      what: `${count} messages in '${bound.name}'`,
      ...WAIT,
    });

  describe(`messages one by one on ${name}`, () => {
    it('itermessages yields so many, the others stay', async () => {
      const { queue, bound } = await filled('a', 'b', 'c');
      const seen: string[] = [];
      for await (const message of itermessages(connection, undefined, queue, { limit: 2, ...WAIT })) {
        seen.push(message.payload);
        await message.ack();
      }
      expect(seen).toEqual(['a', 'b']);
      await ready(bound as BoundQueue, 1);
      for await (const { payload } of itermessages(connection, undefined, queue, {
        limit: 9,
        timeoutMs: 300,
        noAck: true,
      }))
        seen.push(payload);
      expect(seen).toEqual(['a', 'b', 'c']);
    });

    it('itermessages is aborted', async () => {
      const { queue } = await filled<string>();
      const abort = new AbortController();
      const next = itermessages(connection, undefined, queue, { signal: abort.signal }).next();
      setTimeout(() => abort.abort(), 50);
      await expect(next).rejects.toMatchObject({ code: 'ERR_KOMBU_ABORTED' });
    });

    it('drainConsumer yields what a consumer gets, and gives back what it has not yielded', async () => {
      const { queue, bound } = await filled('a', 'b', 'c');
      const seen: string[] = [];
      for await (const message of drainConsumer(connection.consumer({ queues: [queue] }), { limit: 2, ...WAIT })) {
        seen.push(message.payload);
        await message.ack();
      }
      expect(seen).toEqual(['a', 'b']);
      await ready(bound as BoundQueue, 1);
    });

    it('collectReplies acknowledges where it is asked to, and deletes the queue', async () => {
      const { queue, bound } = await filled('one', 'two');
      const got: string[] = [];
      const replies = collectReplies(connection, connection.channel(), queue, { limit: 2, noAck: false, ...WAIT });
      for await (const body of replies) got.push(body);
      expect(got).toEqual(['one', 'two']);
      await expect(bound.queueDeclare({ passive: true })).rejects.toMatchObject({ code: 'ERR_KOMBU_NOT_FOUND' });
    });

    it('eventloop takes a turn for deliveries, and ends in TimeoutError where none come', async () => {
      const { queue } = await filled<string>();
      const seen: string[] = [];
      const consumer = connection.consumer({
        queues: [queue],
        noAck: true,
        onMessage: (m) => void seen.push(m.payload),
      });
      await consumer.consume();
      const loop = eventloop(connection, { limit: 3, timeoutMs: 3000 });
      for (const text of ['a', 'b']) {
        const turn = loop.next();
        await connection.producer().publish(text, { routingKey: queue.name });
        expect((await turn).done).toBe(false);
        await until(() => seen.at(-1) === text, { what: `'${text}'`, ...WAIT });
      }
      await consumer.close();
      await expect(eventloop(connection, { timeoutMs: 20 }).next()).rejects.toMatchObject({
        code: 'ERR_KOMBU_TIMEOUT',
      });
      const ignoring = eventloop(connection, { timeoutMs: 20, ignoreTimeouts: true, limit: 3 });
      expect((await ignoring.next()).done).toBe(true);
    });
  });

  describe(`links, channels and pools on ${name}`, () => {
    it('insured calls again after a lost link, and puts the connection back', async () => {
      const { queue, bound } = await filled<string>();
      await using pool = connection.pool(1);
      const attempts: number[] = [];
      const result = await insured(
        pool,
        async ({ attempt, channel, connection: lent }, text: string) => {
          attempts.push(attempt);
          if (attempt === 0) {
            await killConnections();
            throw new KombuError('CONNECTION_LOST', 'lost', { retryable: true });
          }
          await lent.producer().publish(text, { routingKey: queue.name, retry: true, ...WAIT });
          return channel.connection === lent;
        },
        ['done'],
        { intervalStartMs: 20, intervalMaxMs: 200, timeoutMs: 20_000 },
      );
      expect([result, attempts]).toEqual([true, [0, 1]]);
      expect(pool.idle).toBe(1);
      expect((await bound.get({ noAck: true }))?.payload).toBe('done');
    });

    it('ignoreErrors ignores what the broker says, and nothing else', async () => {
      const missing = new Queue(`missing-${uuid()}`).bind(connection);
      const look = () => missing.queueDeclare({ passive: true });
      await expect(look()).rejects.toBeInstanceOf(ChannelError);
      expect(await ignoreErrors(connection, look)).toBeUndefined();
      expect(await ignoreErrors(connection, () => 7)).toBe(7);
      const mine = (): never => {
        throw new TypeError('mine');
      };
      await expect(ignoreErrors(connection, mine)).rejects.toThrow('mine');
    });

    it('maybeDeclare remembers what stays, not what may go away by itself', async () => {
      const channel = connection.channel();
      const twice = async (queue: Queue) => [await maybeDeclare(queue, channel), await maybeDeclare(queue, channel)];
      const queue = new Queue(`stays-${uuid()}`);
      expect(await twice(queue)).toEqual([true, false]);
      expect(await twice(new Queue(`expires-${uuid()}`, { expiresMs: 5000 }))).toEqual([true, true]);
      const auto = new Queue(`auto-${uuid()}`, { autoDelete: true });
      expect(await twice(auto)).toEqual([true, true]);
      for (const one of [queue, auto]) await one.bind(channel).delete();
      await channel.close();
    });

    it('pools lend what came back last, and keep who waits apart', async () => {
      await using pool = connection.pool(2);
      const [one, two] = [await pool.acquire(WAIT), await pool.acquire(WAIT)];
      await Promise.all([one.connect(), two.connect()]);
      await expect(pool.acquire({ block: false })).rejects.toMatchObject({ code: 'ERR_KOMBU_CONNECTION_LIMIT' });
      await expect(pool.acquire({ timeoutMs: 20 })).rejects.toMatchObject({ code: 'ERR_KOMBU_TIMEOUT' });
      const abort = new AbortController();
      const aborted = pool.acquire({ signal: abort.signal });
      const waiting = pool.acquire(WAIT);
      abort.abort();
      await expect(aborted).rejects.toMatchObject({ code: 'ERR_KOMBU_ABORTED' });
      await pool.release(two);
      expect(await waiting).toBe(two);
      await pool.release(one);
      await pool.release(two);
      expect(await pool.acquire(WAIT)).toBe(two);
      await pool.replace(two);
      expect(two.connected).toBe(false);
      const { queue, bound } = await filled<string>();
      await pool.use((lent) => lent.producer().publish('x', { routingKey: queue.name }));
      expect((await bound.get({ noAck: true }))?.payload).toBe('x');
    });

    it('channels of a pool publish and take', async () => {
      await using channels = connection.channelPool(2);
      const { queue } = await filled<number>();
      await Promise.all(
        Array.from({ length: 20 }, (_, n) =>
          channels.use((channel) => channel.producer().publish(n, { routingKey: queue.name })),
        ),
      );
      const seen: number[] = [];
      await channels.use(async (channel) => {
        for await (const message of itermessages(connection, channel, queue, { limit: 20, noAck: true, ...WAIT }))
          seen.push(message.payload);
      });
      expect(seen.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 20 }, (_, n) => n));
    });
  });

  describeCarrot(name, () => connection);
  describeTypedPayloads(name, () => connection);
}
