import { getEventListeners, getMaxListeners } from 'node:events';
import { describe, expect, it } from '@jest/globals';
import { Connection, createMemoryTransport, Exchange, OperationalError, Queue, TimeoutError } from '../../src/index.js';
import { until } from '../support/memory.js';

const QUICK = { intervalStartMs: 1, intervalStepMs: 1, intervalMaxMs: 20 };

function setUp(over: object = {}) {
  const transport = createMemoryTransport();
  const connection = new Connection('memory://reconnect', { transport, reconnect: QUICK, ...over });
  const exchange = new Exchange('work', { type: 'topic' });
  const queue = new Queue<number>('tasks', { exchange, routingKey: 'task.#' });
  return { transport, connection, exchange, queue };
}

/** A producer that has published once, and has lost its link. */
async function setUpWithoutLink() {
  const { transport, connection, exchange, queue } = setUp();
  const producer = connection.producer({ exchange, routingKey: 'task.x' });
  await producer.publish('first', { declare: [queue] });
  transport.refuseConnections = true;
  transport.failLinks();
  await until(() => connection.state === 'reconnecting', 'the loss');
  return { transport, connection, producer, queue };
}

describe('on memory, whose links are broken again and again', () => {
  it('a publisher that retries and a consumer go on by themselves, and nothing is lost', async () => {
    const { transport, connection, exchange, queue } = setUp();
    const seen = new Set<number>();
    const consumer = connection.consumer<number>({
      queues: [queue],
      prefetchCount: 20,
      onMessage: async (message) => {
        seen.add(message.payload);
        await message.ack().catch(() => {}); // A stale one comes again.
      },
    });
    await consumer.consume();
    let revived = 0;
    connection.on('revived', ({ failed }) => {
      expect(failed).toEqual([]);
      revived++;
    });
    const producer = connection.producer({ exchange });
    const total = 2000;
    const publishes: Promise<void>[] = [];
    for (let i = 0; i < total; i++) {
      publishes.push(producer.publish(i, { routingKey: 'task.x', declare: [queue], retry: true }));
      if (i % 100 === 50) {
        transport.failLinks();
        if (i % 300 === 50) await until(() => connection.connected, 'a new link', 10_000);
      }
      if (i % 10 === 0) await new Promise(setImmediate);
    }
    await Promise.all(publishes);
    await until(() => seen.size === total, 'every message', 10_000);
    expect(revived).toBeGreaterThan(5);
    await connection.close();
  });

  it('publishes that wait go out in order once there is a link again', async () => {
    const { transport, connection, producer, queue } = await setUpWithoutLink();
    const waiting = ['a', 'b', 'c'].map((text) => producer.publish(text));
    transport.refuseConnections = false;
    await Promise.all(waiting);
    const bound = queue.bind(connection);
    const texts: unknown[] = [];
    for (let m = await bound.get({ noAck: true }); m !== undefined; m = await bound.get({ noAck: true }))
      texts.push(m.payload);
    expect(texts).toEqual(['first', 'a', 'b', 'c']);
    await connection.close();
  });

  it('one deadline covers connecting, declaring and publishing', async () => {
    const { connection, producer } = await setUpWithoutLink();
    const began = performance.now();
    const other = new Queue('other', { exchange: new Exchange('elsewhere'), routingKey: 'x' });
    for (const retry of [false, true]) {
      await expect(producer.publish('x', { timeoutMs: 60, retry })).rejects.toThrow(TimeoutError);
      await expect(producer.publish('x', { timeoutMs: 60, retry, declare: [other] })).rejects.toThrow(TimeoutError);
    }
    expect(performance.now() - began).toBeLessThan(2000);
    await connection.close();
  });

  it('a first link that is refused is an error at once, and is tried for with a policy', async () => {
    const { transport, connection, exchange, queue } = setUp();
    transport.refuseConnections = true;
    const producer = connection.producer({ exchange, routingKey: 'task.x' });
    await expect(producer.publish('x', { declare: [queue] })).rejects.toThrow(OperationalError);
    const again = producer.publish('y', { declare: [queue], retry: { ...QUICK } });
    await until(() => connection.state === 'idle', 'a refused try');
    transport.refuseConnections = false;
    await again;
    expect(await connection.defaultChannel.purgeQueue('tasks')).toBe(1);
    await connection.close();
  });

  it('a simple queue and a server-named one are there again', async () => {
    const { transport, connection } = setUp();
    const simple = connection.simpleQueue('simple');
    await simple.put('before');
    const reply = await connection.defaultChannel.declareQueue({
      name: '',
      durable: false,
      exclusive: true,
      autoDelete: false,
      arguments: {},
    });
    const revived = new Promise((resolve) => connection.once('revived', resolve));
    transport.failLinks();
    await revived;
    await simple.put('after');
    expect(await simple.qsize()).toBe(2);
    const producer = connection.producer();
    await producer.publish('for me', { routingKey: reply.queue });
    expect((await connection.defaultChannel.get(reply.queue))?.queue).toBe(reply.queue);
    await simple.close();
    await connection.close();
  });
});

describe('100 connections that come and go', () => {
  it('leave neither timers nor sockets behind', async () => {
    const { transport } = setUp();
    const before = process.getActiveResourcesInfo().length;
    for (let i = 0; i < 100; i++) {
      const connection = new Connection(`memory://cycle-${i % 3}`, { transport });
      const consumer = connection.consumer({ queues: [new Queue('q')], onMessage: (message) => message.ack() });
      await consumer.consume();
      await connection.producer().publish(i, { routingKey: 'q' });
      if (i % 5 === 0) transport.failLinks();
      await connection.close();
    }
    await until(() => process.getActiveResourcesInfo().length <= before, 'everything ended', 10_000);
  });
});

describe('one signal for many calls, and many channels on one link', () => {
  it('print no warning of too many listeners', async () => {
    // Node warns at the eleventh listener of a signal, unless its limit was lifted.
    const crowded = new Set<AbortSignal>();
    const { addEventListener } = EventTarget.prototype;
    EventTarget.prototype.addEventListener = function (this: EventTarget, ...args) {
      addEventListener.apply(this, args);
      if (this instanceof AbortSignal && getEventListeners(this, 'abort').length > 10) crowded.add(this);
    };
    try {
      const { transport, connection, queue } = setUp();
      const channels = Array.from({ length: 50 }, () => connection.channel());
      await Promise.all(channels.map((channel) => channel.open()));
      const producer = connection.producer();
      const { signal } = new AbortController();
      transport.refuseConnections = true;
      transport.failLinks();
      await until(() => connection.state === 'reconnecting', 'the loss');
      const publishes = Array.from({ length: 50 }, (_, i) =>
        producer.publish(i, { routingKey: 'q', signal, retry: true }),
      );
      const declarations = channels.map((channel) => queue.bind(channel).declare({ signal }));
      transport.refuseConnections = false;
      await Promise.all([...publishes, ...declarations]);
      await connection.close();
      expect(crowded.has(signal)).toBe(true);
      expect(crowded.size).toBeGreaterThan(1);
      for (const one of crowded) expect(getMaxListeners(one)).toBe(Number.POSITIVE_INFINITY);
    } finally {
      EventTarget.prototype.addEventListener = addEventListener;
    }
  });
});
