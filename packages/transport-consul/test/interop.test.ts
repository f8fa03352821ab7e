import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { type Consul, isUnavailable, until } from '@kombu/brokers';
import { type Connection, Exchange, type Message, Queue } from '@kombu/core';
import { type PythonPeer, startPython } from '@kombu/interop';
import { PYTHON_VIDEO } from '@kombu/interop/both-ways';
import { connect, fetched, keysBelow } from './support/connect.js';
import { withServer } from './support/server.js';

jest.setTimeout(60_000);

const python = await startPython({ version: '5.2', module: { name: 'consul', debian: 'python3-consul' } });
const media = new Exchange('media', { type: 'direct' });
const video = new Queue('video', { exchange: media, routingKey: 'video' });
const ROUTE = { exchange: 'media', routing_key: 'video' };

function suite(server: Consul, peer: PythonPeer): void {
  let connection: Connection;
  const next = (): Promise<Message> => fetched(connection, video);

  beforeAll(async () => {
    await peer.open(server.url);
    await peer.declare({ queue: PYTHON_VIDEO });
    connection = connect(server);
    await video.bind(connection).declare();
  });
  afterAll(() => connection.close());

  it('Python reads what Node writes, in the order in which it was written, the higher priorities first', async () => {
    const producer = connection.producer({ exchange: media, routingKey: 'video' });
    for (let n = 0; n < 10; n++) await producer.publish({ n, ø: '☃' }, { headers: { n, text: 'ü' } });
    await producer.publish('text ☃');
    await producer.publish(Buffer.from([0, 255, 10]));
    await producer.publish({ big: 'x'.repeat(5000) }, { compression: 'zlib' });
    await producer.publish('first', { priority: 9 });
    const got = await peer.consume('video', { n: 14, timeout: 40 });
    expect(got.map(({ payload }) => payload)).toEqual([
      'first',
      ...Array.from({ length: 10 }, (_, n) => ({ n, ø: '☃' })),
      'text ☃',
      Buffer.from([0, 255, 10]),
      { big: 'x'.repeat(5000) },
    ]);
    expect(got[4]?.headers).toEqual({ n: 3, text: 'ü' });
    expect(await keysBelow(server, 'kombu/video/msg/')).toEqual([]);
  });

  it('Node reads what Python writes, in the order in which it was written', async () => {
    for (let n = 0; n < 12; n++) {
      await peer.publish({ n, ø: '☃' }, { ...ROUTE, headers: { from: 'python' } });
      // Python has no order among messages of one millisecond.
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    await peer.publish('text ☃', { ...ROUTE, compression: 'zlib' });
    for (let n = 0; n < 12; n++) {
      const message = await next();
      expect(message.payload).toEqual({ n, ø: '☃' });
      expect(message.headers).toEqual({ from: 'python' });
      await message.ack();
    }
    const last = await next();
    expect(last.payload).toBe('text ☃');
    await last.ack({ confirm: true });
    expect(await keysBelow(server, 'kombu/video/msg/')).toEqual([]);
  });

  it('a consumer hears of what Python publishes at once', async () => {
    const seen: unknown[] = [];
    const consumer = connection.consumer({
      queues: [video],
      onMessage: async (message) => {
        seen.push(message.payload);
        await message.ack({ confirm: true });
      },
    });
    await consumer.consume();
    await peer.publish('hello', ROUTE);
    await until(() => seen.length === 1, { what: 'it has come', timeoutMs: 2000 });
    await consumer.close();
    expect(seen).toEqual(['hello']);
  });

  it('messages of both take turns: none of them waits for ever', async () => {
    const producer = connection.producer({ exchange: media, routingKey: 'video' });
    for (let n = 0; n < 6; n++) {
      await peer.publish(`python ${n}`, ROUTE);
      await producer.publish(`node ${n}`);
    }
    const first = [];
    for (let n = 0; n < 12; n++) {
      const message = await next();
      if (n < 6) first.push(String(message.payload).split(' ')[0]);
      await message.ack();
    }
    expect(first.filter((name) => name === 'python')).toHaveLength(3);
    expect(await video.bind(connection).get()).toBeUndefined();
  });

  it('what Node gives back, Python gets', async () => {
    await peer.publish({ n: 0 }, ROUTE);
    const message = await next();
    await message.requeue();
    const released = await next();
    expect(released.deliveryInfo.redelivered).toBe(true);
    await released.channel.recover({ requeue: true });
    await until(async () => (await keysBelow(server, 'kombu/video/claim/')).length === 0, { what: 'it is back' });
    const got = await peer.consume('video', { n: 1, timeout: 20 });
    expect(got.map(({ payload }) => payload)).toEqual([{ n: 0 }]);
  });

  it('what a Python consumer takes out of our hands is handled twice, never lost, and settling it is no error', async () => {
    await connection.producer().publish('both', { exchange: media, routingKey: 'video' });
    const held = await next();
    const [theirs] = await peer.consume('video', { n: 1, timeout: 20 });
    expect(theirs?.payload).toBe('both');
    await held.ack({ confirm: true });
    expect(await keysBelow(server, 'kombu/video/')).toEqual(['kombu/video/declared']);
  });

  it('size and purge count what both have written', async () => {
    const producer = connection.producer({ exchange: media, routingKey: 'video' });
    await peer.publish('a', ROUTE);
    await producer.publish('b');
    const { messageCount } = await video.bind(connection).queueDeclare();
    expect(messageCount).toBe(2);
    expect(await video.bind(connection).purge()).toBe(2);
  });
}

await withServer({}, (server) => {
  afterAll(async () => {
    if (!isUnavailable(python)) await python.close();
    await server.close();
  });

  describe('Python Kombu 5.2 on the same server', () => {
    if (isUnavailable(python)) it.skip(`skipped: ${python.unavailable}`, () => {});
    else suite(server, python);
  });
});
