import { afterAll, afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { isUnavailable, until } from '@kombu/brokers';
import { Connection, Exchange, type Message, Queue } from '@kombu/core';
import { type PythonPeer, startPython } from '@kombu/interop';
import { itGoesBothWays, PYTHON_VIDEO, SERIALIZERS } from '@kombu/interop/both-ways';
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
  const toVideo = { exchange: media, routingKey: 'video' };
  let connection: Connection;

  const get = async (queue: Queue): Promise<Message> => {
    const found = await until(() => queue.bind(connection).get({ accept: SERIALIZERS }), {
      what: 'a message',
      timeoutMs: 20_000,
    });
    return found as Message;
  };

  beforeEach(async () => {
    await server.clear();
    connection = new Connection(server.url(), { transport: mongodb, transportOptions: { pollingIntervalMs: 100 } });
    await video.bind(connection).declare();
    await python.open(server.url());
    await python.declare({ queue: PYTHON_VIDEO });
  });
  afterEach(() => connection.close());
  afterAll(async () => {
    await python.close();
    await server.close();
  });

  describe(`interop with Python Kombu ${python.version}`, () => {
    itGoesBothWays({
      python,
      kombu: { Exchange, Queue },
      connection: () => connection,
      get,
      total: 150,
      quietS: 5,
      isEmpty: async () => expect(await server.collection('messages').countDocuments({ queue: 'video' })).toBe(0),
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
        const theirs = await python.get(PYTHON_VIDEO, { settle: 'ack' });
        order.push((theirs?.payload as { priority: number } | undefined)?.priority);
      }
      expect(order.slice(0, 4)).toEqual([9, 8, 5, 4]);
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
      await python.get(PYTHON_VIDEO, { settle: 'requeue' });
      const message = await get(video);
      expect(message.deliveryInfo.redelivered).toBe(true);
      await message.requeue();
      const back = await until(() => python.get(PYTHON_VIDEO, { settle: 'ack' }), { what: 'the message' });
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
      expect(await python.get(PYTHON_VIDEO, { settle: 'none' })).toBeUndefined();
      lost.collect();
      // Any consumer of ours puts back what the dead held.
      const other = new Connection(server.url(), short);
      await other.consumer({ queues: [new Queue('elsewhere')], onMessage: (m) => m.ack() }).consume();
      const back = await until(() => python.get(PYTHON_VIDEO, { settle: 'ack' }), {
        what: 'the message',
        timeoutMs: 20_000,
      });
      expect(back.payload).toEqual({ n: 1 });
      await other.close();
    });
  });
}
