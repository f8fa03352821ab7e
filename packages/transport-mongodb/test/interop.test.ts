import { afterAll, afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { isUnavailable, until } from '@kombu/brokers';
import { Connection, Exchange, type Message, Queue } from '@kombu/core';
import { type PythonPeer, startPython } from '@kombu/interop';
import { mongodb } from '../src/index.js';
import { skipped, startServer, type TestServer } from './support/server.js';

// Python looks once a second, on a machine that may be busy.
jest.setTimeout(60_000);

const started = await startServer();
const peer = await startPython({ version: '5.2', module: { name: 'pymongo', debian: 'python3-pymongo' } });

if (typeof started === 'string') describe('interop', () => skipped(started));
else if (isUnavailable(peer)) {
  await started.close();
  describe('interop', () => skipped(peer.unavailable));
} else suite(started, peer);

function suite(server: TestServer, python: PythonPeer): void {
  const media = new Exchange('media', { type: 'direct' });
  const video = new Queue('video', { exchange: media, routingKey: 'video' });
  const pythonVideo = { name: 'video', exchange: { name: 'media', type: 'direct' }, routing_key: 'video' };
  const toVideo = { exchange: media, routingKey: 'video' };
  const accept = ['json', 'yaml', 'msgpack', 'pickle'];
  const value = { a: [1, 2.5, 'ünï ☃'], b: { c: null, d: true } };
  let connection: Connection;

  const get = async (queue: Queue): Promise<Message> => {
    const found = await until(() => queue.bind(connection).get({ accept }), { what: 'a message', timeoutMs: 20_000 });
    return found as Message;
  };

  beforeEach(async () => {
    await server.clear();
    connection = new Connection(server.url(), { transport: mongodb, transportOptions: { pollingIntervalMs: 100 } });
    await video.bind(connection).declare();
    await python.open(server.url());
    await python.declare({ queue: pythonVideo });
  });
  afterEach(() => connection.close());
  afterAll(async () => {
    await python.close();
    await server.close();
  });

  describe(`interop with Python Kombu ${python.version}`, () => {
    it.each(['json', 'yaml', 'msgpack', 'pickle'])('%s both ways', async (serializer) => {
      await python.publish(value, { exchange: 'media', routing_key: 'video', serializer });
      const message = await get(video);
      expect(message.payload).toEqual(value);
      await message.ack({ confirm: true });
      await connection.producer().publish(value, { ...toVideo, serializer });
      const back = await python.get(pythonVideo, { settle: 'ack', accept });
      expect(back?.payload).toEqual(value);
    });

    it('raw bytes, headers, priority, reply-to and correlation id both ways', async () => {
      const bytes = Buffer.from(Array.from({ length: 256 }, (_, i) => i));
      await python.publish(bytes, {
        exchange: 'media',
        routing_key: 'video',
        headers: { ü: 1 },
        priority: 6,
        reply_to: 'r',
        correlation_id: 'c',
      });
      const message = await get(video);
      expect(message.payload).toEqual(bytes);
      expect(message.headers).toEqual({ ü: 1 });
      expect(message.properties).toMatchObject({ priority: 6, replyTo: 'r', correlationId: 'c' });
      await message.ack({ confirm: true });
      await connection
        .producer()
        .publish(bytes, { ...toVideo, headers: { ü: 1 }, priority: 6, replyTo: 'r', correlationId: 'c' });
      const back = await python.get(pythonVideo, { settle: 'ack' });
      expect(back?.payload).toEqual(bytes);
      expect(back?.headers).toEqual({ ü: 1 });
      expect(back?.properties).toMatchObject({ reply_to: 'r', correlation_id: 'c' });
    });

    it('both serve the higher priority first', async () => {
      for (const priority of [0, 9, 5]) {
        await python.publish({ priority }, { exchange: 'media', routing_key: 'video', priority });
        await connection
          .producer()
          .publish({ priority: priority - 1 }, { ...toVideo, priority: Math.max(0, priority - 1) });
      }
      const order: unknown[] = [];
      for (let i = 0; i < 3; i++) {
        const message = (await get(video)) as Message<{ priority: number }>;
        order.push(message.payload.priority);
        await message.ack({ confirm: true });
        const theirs = await python.get(pythonVideo, { settle: 'ack' });
        order.push((theirs?.payload as { priority: number } | undefined)?.priority);
      }
      expect(order.slice(0, 4)).toEqual([9, 8, 5, 4]);
    });

    it('topic and anonymous exchanges both ways, by bindings of the other', async () => {
      const news = new Exchange('news', { type: 'topic' });
      const stock = new Queue('stock', { exchange: news, routingKey: 'stock.#' });
      await stock.bind(connection).declare();
      const theirs = { name: 'bonds', exchange: { name: 'news', type: 'topic' }, routing_key: 'bond.*' };
      await python.declare({ queue: theirs });
      await python.publish({ n: 1 }, { exchange: { name: 'news', type: 'topic' }, routing_key: 'stock.nasdaq' });
      expect((await get(stock)).payload).toEqual({ n: 1 });
      await connection.producer().publish({ n: 2 }, { exchange: news, routingKey: 'bond.usd' });
      expect((await python.get(theirs, { settle: 'ack' }))?.payload).toEqual({ n: 2 });
      await python.publish({ n: 3 }, { routing_key: 'video' });
      expect((await get(video)).payload).toEqual({ n: 3 });
      await connection.producer().publish({ n: 4 }, { routingKey: 'bonds' });
      expect((await python.get(theirs, { settle: 'ack' }))?.payload).toEqual({ n: 4 });
    });

    it('fanout from Python to here', async () => {
      const fan = new Queue('fan', { exchange: new Exchange('bcast', { type: 'fanout' }) });
      const got: unknown[] = [];
      const consumer = connection.consumer({
        queues: [fan],
        onMessage: async (m) => {
          got.push(m.payload);
          await m.ack();
        },
      });
      await consumer.consume();
      await python.declare({ exchange: { name: 'bcast', type: 'fanout' } });
      for (const n of [1, 2]) {
        await python.publish({ n }, { exchange: { name: 'bcast', type: 'fanout' }, routing_key: '' });
      }
      await until(() => got.length === 2, { what: 'the broadcast' });
      expect(got).toEqual([{ n: 1 }, { n: 2 }]);
      await consumer.close();
    });

    it('fanout from here to Python', async () => {
      const loud = new Exchange('loud', { type: 'fanout' });
      // Bound now, and read from later: on FerretDB a cursor that finds nothing is dead, and Python does not open another.
      await python.declare({ queue: { name: 'pyfan', exchange: { name: 'loud', type: 'fanout' }, routing_key: '' } });
      await connection.producer().publish({ n: 1 }, { exchange: loud, declare: [loud] });
      const received = await python.consume('pyfan', { n: 1, timeout: 20, settle: 'none' });
      expect(received.map(({ payload }) => payload)).toEqual([{ n: 1 }]);
    });

    it('what one requeues the other gets', async () => {
      await connection.producer().publish({ n: 1 }, toVideo);
      await python.get(pythonVideo, { settle: 'requeue' });
      const message = await get(video);
      expect(message.deliveryInfo.redelivered).toBe(true);
      await message.requeue();
      const back = await until(() => python.get(pythonVideo, { settle: 'ack' }), { what: 'the message' });
      expect(back.payload).toEqual({ n: 1 });
      // A requeued message is stored anew before the old one is removed.
      const left = { $or: [{ queue: 'video' }, { reserved: 'video' }] };
      await until(async () => (await server.collection('messages').countDocuments(left)) === 0, {
        what: 'nothing is left',
      });
    });

    it('what is held here Python does not get; when the holder dies it does', async () => {
      const short = { transport: mongodb, reconnect: false, transportOptions: { leaseMs: 500 } } as const;
      const lost = new Connection(server.url(), short);
      await lost.producer().publish({ n: 1 }, toVideo);
      expect((await video.bind(lost).get())?.payload).toEqual({ n: 1 });
      expect(await python.get(pythonVideo, { settle: 'none' })).toBeUndefined();
      lost.collect();
      // Any consumer of ours puts back what the dead held.
      const other = new Connection(server.url(), short);
      await other.consumer({ queues: [new Queue('elsewhere')], onMessage: (m) => m.ack() }).consume();
      const back = await until(() => python.get(pythonVideo, { settle: 'ack' }), {
        what: 'the message',
        timeoutMs: 20_000,
      });
      expect(back.payload).toEqual({ n: 1 });
      await other.close();
    });

    it('a queue that both consume at once loses and doubles nothing', async () => {
      const total = 150;
      const here: number[] = [];
      const consumer = connection.consumer({
        queues: [video],
        prefetchCount: 5,
        onMessage: async (m: Message<{ n: number }>) => {
          here.push(m.payload.n);
          await new Promise((resolve) => setTimeout(resolve, 2));
          await m.ack();
        },
      });
      await consumer.consume();
      const there = python.consume(pythonVideo, { n: total, timeout: 5, prefetch_count: 5 });
      const producer = connection.producer();
      for (let n = 0; n < total; n++) await producer.publish({ n }, toVideo);
      const theirs = (await there).map(({ payload }) => (payload as { n: number }).n);
      await until(() => here.length + theirs.length >= total, { what: 'all messages', timeoutMs: 30_000 });
      await consumer.close();
      expect([...here, ...theirs].sort((a, b) => a - b)).toEqual(Array.from({ length: total }, (_, i) => i));
      expect(await server.collection('messages').countDocuments({ queue: 'video' })).toBe(0);
    });
  });
}
