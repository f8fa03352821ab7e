import { afterAll, afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { isUnavailable, until } from '@kombu/brokers';
import { Connection, Exchange, type Message, Queue } from '@kombu/core';
import { type PythonPeer, startPython } from '@kombu/interop';
import { redis } from '../src/index.js';
import { startServer } from './support/server.js';

const server = await startServer();
const FULL = Number(process.env.KOMBU_TEST_SCALE ?? 0.2) >= 1;
const peers = { '5.2': await startPython({ version: '5.2' }), latest: await startPython({ version: 'latest' }) };

afterAll(async () => {
  for (const peer of Object.values(peers)) if (!isUnavailable(peer)) await peer.close();
  await server.close();
});

for (const [version, peer] of Object.entries(peers)) {
  if (isUnavailable(peer))
    describe(`interop with Python Kombu ${version}`, () => it.skip(`skipped: ${peer.unavailable}`, () => {}));
  else suite(version, peer);
}

function suite(version: string, python: PythonPeer): void {
  const options = { visibilityTimeoutMs: 1000, leaseMs: 1000 };
  const visibility = { transport_options: { visibility_timeout: 1 } };
  const media = new Exchange('media', { type: 'direct' });
  const video = new Queue('video', { exchange: media, routingKey: 'video' });
  const pythonVideo = { name: 'video', exchange: { name: 'media', type: 'direct' }, routing_key: 'video' };
  const toVideo = { exchange: media, routingKey: 'video' };
  const accept = ['json', 'yaml', 'msgpack', 'pickle'];
  let connection: Connection;

  const get = async (queue: Queue): Promise<Message> => {
    const found = await until(() => queue.bind(connection).get({ accept }), { what: 'a message', timeoutMs: 8000 });
    return found as Message;
  };

  describe(`interop with Python Kombu ${version}`, () => {
    beforeEach(async () => {
      await server.command('FLUSHALL');
      connection = new Connection(server.url, { transport: redis, transportOptions: options });
      await video.bind(connection).declare();
      await python.open(server.url, visibility);
      await python.declare({ queue: pythonVideo });
    });
    afterEach(() => connection.close());

    const value = { a: [1, 2.5, 'ünï ☃'], b: { c: null, d: true } };
    const serializers = ['json', 'yaml', 'msgpack', 'pickle'];
    const compressions = ['zlib', 'bzip2', 'brotli', 'lzma', 'zstd'];

    it.each(serializers)('%s both ways', async (serializer) => {
      await python.publish(value, { exchange: 'media', routing_key: 'video', serializer });
      const message = await get(video);
      expect(message.payload).toEqual(value);
      await message.ack();
      await connection.producer().publish(value, { ...toVideo, serializer });
      const back = await python.get(pythonVideo, { settle: 'ack', accept });
      expect(back?.payload).toEqual(value);
    });

    it.each(compressions)('%s both ways, where that Python has it', async (compression) => {
      const sent = await python.publish(value, { exchange: 'media', routing_key: 'video', compression }).then(
        () => true,
        (error: Error) => {
          expect(error.message).toMatch(/compression|KeyError|No decoder|brotli|zstd|lzma/i);
          return false;
        },
      );
      if (!sent) return;
      const message = await get(video);
      expect(message.payload).toEqual(value);
      await message.ack();
      await connection.producer().publish(value, { ...toVideo, compression });
      expect((await python.get(pythonVideo, { settle: 'ack' }))?.payload).toEqual(value);
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
      await message.ack();
      await connection
        .producer()
        .publish(bytes, { ...toVideo, headers: { ü: 1 }, priority: 6, replyTo: 'r', correlationId: 'c' });
      expect(await server.command('LLEN', 'video\x06\x166')).toBe(1);
      const back = await python.get(pythonVideo, { settle: 'ack' });
      expect(back?.payload).toEqual(bytes);
      expect(back?.headers).toEqual({ ü: 1 });
      expect(back?.properties).toMatchObject({ reply_to: 'r', correlation_id: 'c' });
    });

    it('topic and anonymous exchanges both ways', async () => {
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
      await python.publish({ n: 1 }, { exchange: { name: 'bcast', type: 'fanout' }, routing_key: '' });
      await until(() => got.length === 1, { what: 'the broadcast' });
      expect(got).toEqual([{ n: 1 }]);
      await consumer.close();
    });

    it('fanout from here to Python', async () => {
      const bcast = new Exchange('bcast', { type: 'fanout' });
      const theirs = { name: 'pyfan', exchange: { name: 'bcast', type: 'fanout' }, routing_key: '' };
      const received = python.consume(theirs, { n: 1, timeout: 8 });
      await until(async () => Number(await server.command('PUBSUB', 'NUMPAT')) > 0, { what: 'Python to subscribe' });
      await connection.producer().publish({ n: 1 }, { exchange: bcast, declare: [bcast] });
      expect((await received).map(({ payload }) => payload)).toEqual([{ n: 1 }]);
    });

    it('what one requeues the other gets, flagged', async () => {
      await connection.producer().publish({ n: 1 }, toVideo);
      await python.get(pythonVideo, { settle: 'requeue' });
      const message = await get(video);
      expect(message.deliveryInfo.redelivered).toBe(true);
      await message.requeue();
      const back = await until(() => python.get(pythonVideo, { settle: 'ack' }), { what: 'the message' });
      expect(back.headers).toMatchObject({ redelivered: true });
      expect(await server.command('EXISTS', 'unacked', 'unacked_index', 'video')).toBe(0);
    });

    it('a message that a killed Python consumer held comes back here after the visibility timeout', async () => {
      const victim = await startPython({ version: version as '5.2' });
      if (isUnavailable(victim)) throw new Error(victim.unavailable);
      await victim.open(server.url, visibility);
      await connection.producer().publish({ n: 1 }, toVideo);
      await victim.get(pythonVideo, { settle: 'none' });
      await victim.crash();
      const got: Message[] = [];
      const consumer = connection.consumer({
        queues: [video],
        onMessage: async (m) => {
          got.push(m);
          await m.ack();
        },
      });
      await consumer.consume();
      await until(() => got.length === 1, { what: 'the message', timeoutMs: 15_000 });
      expect(got[0]?.payload).toEqual({ n: 1 });
      expect(got[0]?.deliveryInfo.redelivered).toBe(true);
      await consumer.close();
      expect(await server.command('EXISTS', 'unacked', 'unacked_index')).toBe(0);
    }, 30_000);

    it('a message that a lost consumer of ours held is restored by Python', async () => {
      const lost = new Connection(server.url, {
        transport: redis,
        reconnect: false,
        transportOptions: { leaseMs: 60_000 },
      });
      await lost.producer().publish({ n: 1 }, toVideo);
      const held = await video.bind(lost).get();
      expect(held?.payload).toEqual({ n: 1 });
      lost.collect();
      // Python scans every tenth time that it finds nothing.
      const [back] = await python.consume(pythonVideo, { n: 1, timeout: 20 });
      expect(back?.payload).toEqual({ n: 1 });
      expect(back?.headers).toMatchObject({ redelivered: true });
    }, 40_000);

    it('three fresh inspectors in a row get their replies from a node here, and one more later', async () => {
      // What a pidbox node does, by hand: answer where the request says, with its ticket.
      const command = new Exchange('celery.pidbox', { type: 'fanout', durable: false });
      const inbox = new Queue('ts@host.celery.pidbox', { exchange: command, durable: false, autoDelete: true });
      const producer = connection.producer();
      const consumer = connection.consumer({
        queues: [inbox],
        noAck: true,
        onMessage: async ({
          payload,
        }: Message<{ ticket: string; reply_to: { exchange: string; routing_key: string } }>) => {
          const exchange = new Exchange(payload.reply_to.exchange, { type: 'direct', durable: false });
          const reply = { 'ts@host': { ok: 'pong' } };
          const headers = { ticket: payload.ticket, clock: 1 };
          await producer.publish(reply, {
            exchange,
            routingKey: payload.reply_to.routing_key,
            declare: [exchange],
            headers,
          });
        },
      });
      await consumer.consume();
      for (let i = 0; i < 4; i++) {
        // The last one asks after a while without any traffic: a minute in the full run.
        if (i === 3) await new Promise((resolve) => setTimeout(resolve, FULL ? 60_000 : 1000));
        const replies = await python.inspect('celery', 'ping', { type: 'fanout', timeout: 2, limit: 1 });
        expect(replies).toEqual([{ 'ts@host': { ok: 'pong' } }]);
      }
      await consumer.close();
    }, 120_000);

    it('a queue that both consume at once loses and doubles nothing', async () => {
      const total = 300;
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
      const there = python.consume(pythonVideo, { n: total, timeout: 3, prefetch_count: 5 });
      const producer = connection.producer();
      for (let n = 0; n < total; n++) await producer.publish({ n }, toVideo);
      const theirs = (await there).map(({ payload }) => (payload as { n: number }).n);
      await until(() => here.length + theirs.length >= total, { what: 'all messages' });
      await consumer.close();
      expect([...here, ...theirs].sort((a, b) => a - b)).toEqual(Array.from({ length: total }, (_, i) => i));
      expect(await server.command('EXISTS', 'unacked', 'unacked_index', 'video')).toBe(0);
    }, 30_000);
  });
}
