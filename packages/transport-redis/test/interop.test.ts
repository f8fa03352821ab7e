import { afterAll, afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { isUnavailable, until } from '@kombu/brokers';
import { Connection, Exchange, type Message, Queue } from '@kombu/core';
import { type PythonPeer, startPython } from '@kombu/interop';
import { itGoesBothWays, PYTHON_VIDEO, SERIALIZERS } from '@kombu/interop/both-ways';
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
  const toVideo = { exchange: media, routingKey: 'video' };
  let connection: Connection;

  const get = async (queue: Queue): Promise<Message> => {
    const found = await until(() => queue.bind(connection).get({ accept: SERIALIZERS }), {
      what: 'a message',
      timeoutMs: 8000,
    });
    return found as Message;
  };

  describe(`interop with Python Kombu ${version}`, () => {
    beforeEach(async () => {
      await server.command('FLUSHALL');
      connection = new Connection(server.url, { transport: redis, transportOptions: options });
      await video.bind(connection).declare();
      await python.open(server.url, visibility);
      await python.declare({ queue: PYTHON_VIDEO });
    });
    afterEach(() => connection.close());

    const value = { a: [1, 2.5, 'ünï ☃'], b: { c: null, d: true } };
    const compressions = ['zlib', 'bzip2', 'brotli', 'lzma', 'zstd'];

    itGoesBothWays({
      python,
      kombu: { Exchange, Queue },
      connection: () => connection,
      get,
      total: 300,
      quietS: 3,
      hasPriority: async (priority) => expect(await server.command('LLEN', `video\x06\x16${priority}`)).toBe(1),
      isEmpty: async () => expect(await server.command('EXISTS', 'unacked', 'unacked_index', 'video')).toBe(0),
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
      expect((await python.get(PYTHON_VIDEO, { settle: 'ack' }))?.payload).toEqual(value);
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
      await python.get(PYTHON_VIDEO, { settle: 'requeue' });
      const message = await get(video);
      expect(message.deliveryInfo.redelivered).toBe(true);
      await message.requeue();
      const back = await until(() => python.get(PYTHON_VIDEO, { settle: 'ack' }), { what: 'the message' });
      expect(back.headers).toMatchObject({ redelivered: true });
      expect(await server.command('EXISTS', 'unacked', 'unacked_index', 'video')).toBe(0);
    });

    it('a message that a killed Python consumer held comes back here after the visibility timeout', async () => {
      const victim = await startPython({ version: version as '5.2' });
      if (isUnavailable(victim)) throw new Error(victim.unavailable);
      await victim.open(server.url, visibility);
      await connection.producer().publish({ n: 1 }, toVideo);
      await victim.get(PYTHON_VIDEO, { settle: 'none' });
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
      const [back] = await python.consume(PYTHON_VIDEO, { n: 1, timeout: 20 });
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
  });
}
