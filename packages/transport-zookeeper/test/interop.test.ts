import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { isUnavailable, until } from '@kombu/brokers';
import { Connection, Exchange, type Message, Queue } from '@kombu/core';
import { type PythonPeer, startPython } from '@kombu/interop';
import { PYTHON_VIDEO } from '@kombu/interop/both-ways';
import { zookeeper } from '../src/index.js';
import { connectRaw, type RawClient, startServer } from './support/server.js';

jest.setTimeout(60_000);

const python = await startPython({ version: '5.2' });
const media = new Exchange('media', { type: 'direct' });
const video = new Queue('video', { exchange: media, routingKey: 'video' });
const TO_VIDEO = { exchange: 'media', routing_key: 'video' };

function suite(peer: PythonPeer): void {
  let connection: Connection;
  let raw: RawClient;
  let close: () => Promise<void>;
  const get = (): Promise<Message | undefined> => video.bind(connection).get();
  const numbers = (count: number) => Array.from({ length: count }, (_, n) => ({ n }));

  beforeAll(async () => {
    const server = await startServer();
    raw = await connectRaw(server);
    close = () => server.close();
    const url = `zookeeper://127.0.0.1:${server.port}/fleet/a`;
    connection = new Connection(url, { transport: zookeeper });
    await video.bind(connection).declare();
    await peer.open(url);
    await peer.declare({ queue: PYTHON_VIDEO });
  });
  afterAll(async () => {
    await connection.close();
    await peer.close();
    await raw.close();
    await close();
  });

  it('Python reads what Node writes, by priority and in order', async () => {
    const producer = connection.producer({ exchange: media, routingKey: 'video' });
    for (let n = 0; n < 10; n++) await producer.publish({ n, ø: '☃' }, { headers: { n, text: 'ü' } });
    await producer.publish('text ☃', { priority: 5 });
    await producer.publish(Buffer.from([0, 255, 10]), { priority: 9 });
    await producer.publish({ big: 'x'.repeat(5000) }, { compression: 'zlib' });
    const got = await peer.consume('video', { n: 13, timeout: 20 });
    expect(got.map(({ payload }) => payload)).toEqual([
      Buffer.from([0, 255, 10]),
      'text ☃',
      ...numbers(10).map((one) => ({ ...one, ø: '☃' })),
      { big: 'x'.repeat(5000) },
    ]);
    expect(got[4]?.headers).toEqual({ n: 2, text: 'ü' });
    expect(await peer.size('video')).toBe(0);
  });

  it('Node reads what Python writes, by priority and in order', async () => {
    for (let n = 0; n < 10; n++) await peer.publish({ n, ø: '☃' }, { ...TO_VIDEO, headers: { from: 'python' } });
    await peer.publish('first', { ...TO_VIDEO, priority: 9, compression: 'zlib' });
    const first = await get();
    expect(first?.payload).toBe('first');
    await first?.ack();
    for (let n = 0; n < 10; n++) {
      const message = await get();
      expect([message?.payload, message?.headers]).toEqual([{ n, ø: '☃' }, { from: 'python' }]);
      await message?.ack({ confirm: true });
    }
    expect(await peer.size('video')).toBe(0);
  });

  it('what Node holds, Python neither sees nor takes; what Node gives back, Python gets', async () => {
    await peer.publishMany(numbers(3), TO_VIDEO);
    const first = await get();
    expect(first?.payload).toEqual({ n: 0 });
    expect(await peer.size('video')).toBe(2);
    expect((await peer.consume('video', { n: 1, timeout: 10 })).map(({ payload }) => payload)).toEqual([{ n: 1 }]);
    await first?.requeue();
    await until(async () => (await peer.size('video')) === 2, { what: 'it is back' });
    const rest = await peer.consume('video', { n: 2, timeout: 10 });
    expect(rest.map(({ payload }) => payload)).toEqual([{ n: 2 }, { n: 0 }]);
    expect(await raw.children('/fleet/a/.kombu/claims/video')).toEqual([]);
  });

  it('what Python gives back, Node gets, and knows that it was delivered before', async () => {
    await peer.publish({ n: 7 }, TO_VIDEO);
    const [got] = await peer.consume('video', { n: 1, timeout: 10, settle: 'none' });
    await peer.settle(got?.delivery_tag as string, 'requeue');
    const message = await get();
    expect([message?.payload, message?.deliveryInfo.redelivered]).toEqual([{ n: 7 }, true]);
    await message?.ack({ confirm: true });
  });

  it('both take from one queue at once, and each message goes to one of them', async () => {
    const seen: number[] = [];
    await connection.producer({ exchange: media, routingKey: 'video' }).publishMany(numbers(300));
    const consumer = connection.consumer({
      queues: [video],
      prefetchCount: 3,
      onMessage: async (message) => {
        seen.push((message.payload as { n: number }).n);
        await message.ack({ confirm: true });
      },
    });
    await consumer.consume();
    const byPython: number[] = [];
    while (seen.length + byPython.length < 300) {
      const got = await peer.get('video');
      if (got !== undefined) byPython.push((got.payload as { n: number }).n);
    }
    await consumer.close();
    expect([...seen, ...byPython].sort((a, b) => a - b)).toEqual([...Array(300).keys()]);
    expect(byPython.length).toBeGreaterThan(0);
  });

  it('Node is woken by what Python publishes, and a queue that Python deletes ends its consumers', async () => {
    const theirs = new Queue('theirs');
    await peer.declare({ queue: { ...PYTHON_VIDEO, name: 'theirs', routing_key: 'theirs' } });
    const got: unknown[] = [];
    const consumer = connection.consumer({
      queues: [theirs],
      autoDeclare: false,
      onMessage: async (message) => {
        got.push(message.payload);
        await message.ack({ confirm: true });
      },
    });
    const cancelled = new Promise((resolve) => consumer.once('cancelled', resolve));
    await consumer.consume();
    await peer.publish('wake up', { exchange: 'media', routing_key: 'theirs' });
    await until(() => got.length === 1, { what: 'it came', timeoutMs: 5000 });
    await peer.deleteQueue('theirs');
    await cancelled;
    await consumer.close();
  });
}

describe('with Python Kombu 5.2', () => {
  if (isUnavailable(python)) it.skip(`skipped: ${python.unavailable}`, () => {});
  else suite(python);
});
