import { describe, expect, it } from '@jest/globals';
import {
  ChannelError,
  Exchange,
  InvalidOptionError,
  type KombuError,
  type Message,
  Queue,
  SimpleBuffer,
  SimpleQueue,
} from '../../src/index.js';
import { faultyMemory } from '../support/faults.js';
import { openMemory, settle, until } from '../support/memory.js';
import { failure, memoryTest } from '../support/with-memory.js';

const with_ = memoryTest({ options: () => ({ reconnect: { intervalStartMs: 1, intervalMaxMs: 5 } }) });

describe('a simple queue', () => {
  it('gives back what was put in, in order', () =>
    with_(async (connection) => {
      const queue = connection.simpleQueue('jobs');
      await queue.put({ n: 1 });
      await queue.put('two');
      await queue.put(Buffer.from('3'), { headers: { h: 1 }, priority: 0 });
      expect(await queue.qsize()).toBe(3);
      const first = await queue.get();
      expect(first.payload).toEqual({ n: 1 });
      expect(first.acknowledged).toBe(false);
      await first.ack();
      expect((await queue.getNowait()).payload).toBe('two');
      const third = await queue.get({ timeoutMs: 1000 });
      expect(third.payload).toEqual(Buffer.from('3'));
      expect(third.headers).toEqual({ h: 1 });
    }));

  it('hands out what came, although its consumer cannot be ended properly', async () => {
    const refused = new ChannelError('ACCESS_REFUSED', 'not yours');
    const { connection } = openMemory({ transport: faultyMemory({ cancel: () => refused }) });
    const told: unknown[] = [];
    connection.on('error', (error) => told.push(error));
    const queue = connection.simpleQueue('jobs');
    await queue.qsize();
    const waiting = queue.get({ timeoutMs: 5000 });
    waiting.catch(() => {});
    await until(async () => (await queue.queue.queueDeclare({ passive: true })).consumerCount === 1);
    await queue.put('one');
    const message = await waiting;
    expect(message.payload).toBe('one');
    await message.ack({ confirm: true });
    expect(await queue.qsize()).toBe(0);
    expect(told).toEqual([refused]);
    await connection.close();
  });

  it('is a durable queue and a direct exchange of that name', () =>
    with_(async (connection) => {
      const queue = new SimpleQueue(connection, 'jobs', {
        queueOptions: { maxLength: 2 },
        exchangeOptions: { deliveryMode: 'transient' },
        serializer: 'msgpack',
        compression: 'zlib',
        accept: ['msgpack'],
      });
      await queue.put({ a: 1 });
      const declared = new Queue('jobs', { exchange: new Exchange('jobs'), routingKey: 'jobs', maxLength: 2 });
      await declared.bind(connection).declare();
      expect(queue.queue.name).toBe('jobs');
      expect(queue.noAck).toBe(false);
      const message = await queue.get();
      expect(message.properties.deliveryMode).toBe(1);
      expect(message.contentType).toBe('application/x-msgpack');
      expect(message.headers).toEqual({ compression: 'application/x-gzip' });
      expect(message.payload).toEqual({ a: 1 });
      expect(message.deliveryInfo).toMatchObject({ exchange: 'jobs', routingKey: 'jobs' });
      expect(() => new SimpleQueue(connection, 'x', { queueOpts: {} } as never)).toThrow(
        "did you mean 'queueOptions'?",
      );
    }));

  it('works with a queue that is declared elsewhere, typed', () =>
    with_(async (connection) => {
      const video = new Queue<{ size: number }>('video', { exchange: 'media', routingKey: 'v', noAck: true });
      const queue = connection.simpleQueue(video);
      await queue.put({ size: 5 });
      const message = await queue.get();
      const { size }: { size: number } = message.payload;
      expect(size).toBe(5);
      expect(queue.noAck).toBe(true);
      expect(message.acknowledged).toBe(true);
      const plain = connection.simpleQueue(new Queue('plain'));
      await plain.put(1);
      expect((await plain.get()).payload).toBe(1);
    }));

  it('is empty when it is: at once, or after a time', () =>
    with_(async (connection) => {
      const queue = connection.simpleQueue('jobs');
      expect((await failure(queue.getNowait())).code).toBe('ERR_KOMBU_EMPTY');
      expect((await failure(queue.get({ block: false }))).code).toBe('ERR_KOMBU_EMPTY');
      const start = performance.now();
      const empty = await failure(queue.get({ timeoutMs: 30 }));
      expect(empty).toMatchObject({ code: 'ERR_KOMBU_EMPTY', retryable: true });
      expect(performance.now() - start).toBeGreaterThanOrEqual(29);
      await queue.put('later');
      expect((await queue.get()).payload).toBe('later');
    }));

  it('waits for what comes, and takes no more than it hands out', () =>
    with_(async (connection) => {
      const queue = connection.simpleQueue('jobs');
      const waiting = queue.get();
      await settle(5);
      await queue.put('a');
      await queue.put('b');
      await queue.put('c');
      expect((await waiting).payload).toBe('a');
      expect(await queue.qsize()).toBe(2);
      const info = await queue.queue.queueDeclare({ passive: true });
      expect(info).toEqual({ queue: 'jobs', messageCount: 2, consumerCount: 0 });
      expect((await queue.get()).payload).toBe('b');
      expect(await queue.qsize()).toBe(1);
    }));

  it('lets several wait at once, each for a message of its own', () =>
    with_(async (connection) => {
      const queue = connection.simpleQueue('jobs');
      const waiting = [1, 2, 3].map(() => queue.get());
      await settle(5);
      for (const n of [1, 2, 3, 4]) await queue.put(n);
      const got = await Promise.all(waiting);
      expect(got.map(({ payload }) => payload).sort()).toEqual([1, 2, 3]);
      expect(await queue.qsize()).toBe(1);
    }));

  it('leaves the message where it is when a wait was given up', () =>
    with_(async (connection) => {
      const queue = connection.simpleQueue('jobs');
      for (let i = 0; i < 50; i++) {
        const stop = new AbortController();
        const waiting = queue.get({ signal: stop.signal }).then(
          (message) => message.ack().then(() => true),
          (error: KombuError) => {
            expect(error.code).toBe('ERR_KOMBU_ABORTED');
            return false;
          },
        );
        if (i % 3) await settle(i % 3);
        const put = queue.put(i);
        if (i % 2) await put;
        stop.abort();
        await put;
        const taken = await waiting;
        await settle(2);
        expect(await queue.clear()).toBe(taken ? 0 : 1);
      }
      expect((await failure(queue.get({ signal: AbortSignal.abort() }))).code).toBe('ERR_KOMBU_ABORTED');
    }));

  it('does nothing when a message that was taken with noAck is settled', () =>
    with_(async (connection) => {
      const buffer = connection.simpleBuffer('events');
      await buffer.put('a');
      const message = await buffer.get({ timeoutMs: 1000 });
      await message.ack();
      await message.reject();
      expect(await buffer.qsize()).toBe(0);
    }));

  it('acknowledges by itself with noAck, and loses nothing when a wait is given up', () =>
    with_(async (connection) => {
      const queue = connection.simpleQueue('jobs', { noAck: true });
      await queue.put(1);
      const message = await queue.get();
      expect(message.acknowledged).toBe(true);
      expect((await failure(queue.get({ timeoutMs: 10 }))).code).toBe('ERR_KOMBU_EMPTY');
      await queue.put(2);
      expect(await queue.qsize()).toBe(1);
      await queue.close();
      expect(await connection.simpleQueue('jobs').clear()).toBe(1);
    }));

  it('refuses what accept does not list', () =>
    with_(async (connection) => {
      const queue = connection.simpleQueue('jobs', { accept: ['json'] });
      await queue.put({ a: 1 }, { serializer: 'msgpack' });
      await queue.put({ a: 2 });
      expect((await failure(queue.get())).code).toBe('ERR_KOMBU_CONTENT_DISALLOWED');
      expect((await queue.get()).payload).toEqual({ a: 2 });
    }));

  it('is cleared, and says how much was in it', () =>
    with_(async (connection) => {
      const queue = connection.simpleQueue('jobs');
      expect(await queue.clear()).toBe(0);
      await queue.put(1);
      await queue.put(2);
      expect(await queue.clear()).toBe(2);
      expect(await queue.qsize()).toBe(0);
    }));

  it('is iterated over, until the loop is left or it is closed', () =>
    with_(async (connection) => {
      const queue = connection.simpleQueue<number>('jobs');
      for (const n of [1, 2, 3]) await queue.put(n);
      const seen: number[] = [];
      for await (const message of queue) {
        seen.push(message.payload);
        await message.ack();
        if (seen.length === 2) break;
      }
      expect(await queue.qsize()).toBe(1);
      const loop = (async () => {
        for await (const message of queue) {
          seen.push(message.payload);
          await message.ack();
        }
        return 'over';
      })();
      await until(() => seen.length === 3);
      await settle(3);
      await queue.close();
      expect(await loop).toBe('over');
      for await (const _ of queue) throw new Error('it is closed');
    }));

  it('is closed once: waits end, what is unsettled goes back, its own channel is closed', () =>
    with_(async (connection) => {
      const queue = connection.simpleQueue('jobs');
      await queue.put(1);
      await queue.get();
      const waiting = failure(queue.get());
      await settle(3);
      await Promise.all([queue.close(), queue[Symbol.asyncDispose]()]);
      expect((await waiting).code).toBe('ERR_KOMBU_CLOSED');
      expect((await failure(queue.get())).code).toBe('ERR_KOMBU_CLOSED');
      expect((await failure(queue.put(1))).code).toBe('ERR_KOMBU_CLOSED');
      expect(queue.channel.state).toBe('closed');
      expect(await connection.simpleQueue('jobs').qsize()).toBe(1);
      const channel = connection.channel();
      {
        await using borrowed = new SimpleQueue(channel, 'jobs');
        expect(borrowed.channel).toBe(channel);
        expect(await borrowed.qsize()).toBe(1);
      }
      expect(channel.state).toBe('open');
    }));

  it('ends its waits and loops when its channel or the connection is closed', () =>
    with_(async (connection) => {
      const onChannel = new SimpleQueue(connection.channel(), 'jobs');
      const first = failure(onChannel.get());
      const queue = connection.simpleQueue('jobs');
      const second = failure(queue.get());
      const loop = (async () => {
        for await (const message of queue) await message.ack();
        return 'over';
      })();
      await settle(5);
      await onChannel.channel.close();
      expect((await first).code).toBe('ERR_KOMBU_CLOSED');
      await connection.close();
      expect((await second).code).toBe('ERR_KOMBU_CLOSED');
      expect(await loop).toBe('over');
    }));

  it('goes on over a lost link', () =>
    with_(async (connection, transport) => {
      const queue = connection.simpleQueue('jobs');
      await queue.qsize();
      const waiting = queue.get();
      await settle(5);
      const revived = new Promise((resolve) => connection.once('revived', resolve));
      transport.failLinks();
      await revived;
      await queue.put('after', { retry: true });
      expect((await waiting).payload).toBe('after');
    }));

  it('says so when its queue is deleted under a wait', () =>
    with_(async (connection) => {
      const queue = connection.simpleQueue('jobs');
      const waiting = failure(queue.get());
      await until(async () => (await queue.queue.queueDeclare()).consumerCount === 1);
      await queue.queue.delete();
      expect((await waiting).code).toMatch(/^ERR_KOMBU_/);
    }));
});

describe('a simple buffer', () => {
  it('is transient, goes away by itself, and needs no acknowledgement', () =>
    with_(async (connection) => {
      const buffer = connection.simpleBuffer('events');
      expect(buffer).toBeInstanceOf(SimpleBuffer);
      expect(buffer.queue.entity).toMatchObject({ durable: false, autoDelete: true, exclusive: false });
      expect(buffer.queue.entity.exchange).toMatchObject({ durable: false, autoDelete: true, deliveryMode: 1 });
      await buffer.put({ a: 1 });
      await buffer.put({ a: 2 });
      const message: Message = await buffer.get();
      expect(message.payload).toEqual({ a: 1 });
      expect(message.acknowledged).toBe(true);
      expect(message.properties.deliveryMode).toBe(1);
      expect(await buffer.qsize()).toBe(1);
    }));

  it('keeps what is in it while somebody waits', () =>
    with_(async (connection) => {
      const buffer = connection.simpleBuffer('events');
      const waiting = buffer.get();
      await settle(3);
      await buffer.put(1);
      await buffer.put(2);
      expect((await waiting).payload).toBe(1);
      expect((await buffer.get()).payload).toBe(2);
      expect((await failure(buffer.get({ timeoutMs: 40 }))).code).toBe('ERR_KOMBU_EMPTY');
    }));

  it('takes options over its own', () =>
    with_(async (connection) => {
      const buffer = connection.simpleBuffer('events', { noAck: false, queueOptions: { autoDelete: false } });
      await buffer.put(1);
      expect((await buffer.get()).acknowledged).toBe(false);
      expect(buffer.queue.entity).toMatchObject({ durable: false, autoDelete: false });
    }));
});

describe('what is neither a queue nor a name', () => {
  it.each([5, undefined, {}, null])('%p is an InvalidOptionError', (queue) =>
    with_(async (connection) => {
      expect(() => connection.simpleQueue(queue as unknown as string)).toThrow(InvalidOptionError);
    }),
  );
});
