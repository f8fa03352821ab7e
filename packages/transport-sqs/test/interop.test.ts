import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { isUnavailable, until } from '@kombu/brokers';
import { type Connection, Exchange, type Message, Queue } from '@kombu/core';
import { type PythonPeer, type PythonVersion, startPython } from '@kombu/interop';
import { PYTHON_VIDEO } from '@kombu/interop/both-ways';
import { type Service, startService } from './support/sqs.js';

jest.setTimeout(60_000);

const versions: PythonVersion[] = ['5.2', 'latest'];
const peers = await Promise.all(
  versions.map(async (version) => [version, await startPython({ version, transport: 'sqs' })] as const),
);
const media = new Exchange('media', { type: 'direct' });
const video = new Queue('video', { exchange: media, routingKey: 'video' });

function suite(python: PythonPeer): void {
  let service: Service;
  let connection: Connection;
  /** What there is. SQS has no order. */
  const take = async (queue: Queue, count: number): Promise<Message[]> => {
    const messages: Message[] = [];
    await until(
      async () => {
        const message = await queue.bind(connection).get();
        // The next one of a FIFO queue comes when this one is done.
        await message?.ack({ confirm: true });
        if (message !== undefined) messages.push(message);
        return messages.length === count;
      },
      { what: `${count} messages are there`, everyMs: 1 },
    );
    return messages;
  };
  const byNumber = (values: readonly unknown[]): unknown[] =>
    [...values].sort((a, b) => (a as { n: number }).n - (b as { n: number }).n);

  beforeAll(async () => {
    service = await startService();
    connection = service.connect();
    await python.open(service.server.url, {
      transport_options: { region: 'us-east-1', wait_time_seconds: 1, visibility_timeout: 1800 },
    });
    await python.declare({ queue: PYTHON_VIDEO });
    await video.bind(connection).declare();
  });
  afterAll(async () => {
    await python.close();
    await service.close();
  });

  it('Python reads what Node writes', async () => {
    const producer = connection.producer({ exchange: media, routingKey: 'video' });
    const sent = Array.from({ length: 20 }, (_, n) => ({ n, ø: '☃' }));
    for (const [n, body] of sent.entries()) await producer.publish(body, { headers: { n, text: 'ü' } });
    const got = await python.consume('video', { n: 20, timeout: 20 });
    expect(byNumber(got.map(({ payload }) => payload))).toEqual(sent);
    for (const { headers, payload, delivery_info: info } of got) {
      expect(headers).toEqual({ n: (payload as { n: number }).n, text: 'ü' });
      expect(info).toMatchObject({ exchange: 'media', routing_key: 'video' });
    }
    for (const body of ['text ☃', Buffer.from([0, 255, 10]), { big: 'x'.repeat(5000) }]) {
      await producer.publish(body, { compression: 'zlib' });
      expect((await python.consume('video', { n: 1, timeout: 10 }))[0]?.payload).toEqual(body);
    }
    expect(await python.size('video')).toBe(0);
  });

  it('Node reads what Python writes', async () => {
    const sent = Array.from({ length: 20 }, (_, n) => ({ n, ø: '☃' }));
    for (const body of sent) {
      await python.publish(body, { exchange: 'media', routing_key: 'video', headers: { from: 'python' } });
    }
    const got = await take(video, 20);
    expect(byNumber(got.map(({ payload }) => payload))).toEqual(sent);
    for (const { headers, deliveryInfo } of got) {
      expect(headers).toEqual({ from: 'python' });
      expect(deliveryInfo).toMatchObject({ exchange: 'media', routingKey: 'video', redelivered: false });
    }
    await python.publish('text ☃', { exchange: 'media', routing_key: 'video', compression: 'zlib' });
    expect((await take(video, 1))[0]?.payload).toBe('text ☃');
    expect(await python.size('video')).toBe(0);
  });

  it('Python reads plain JSON, too', async () => {
    const plain = service.connect({}, { base64Encoding: false });
    await plain.producer({ exchange: media, routingKey: 'video' }).publish({ a: 'ü😀\uFFFE' }, { declare: [video] });
    expect((await python.consume('video', { n: 1, timeout: 10 }))[0]?.payload).toEqual({ a: 'ü😀\uFFFE' });
  });

  it('names mean the same queue to both', async () => {
    const odd = 'a.b:c/d-e_f@g+h';
    await python.declare({ queue: { name: odd, exchange: { name: 'media', type: 'direct' }, routing_key: odd } });
    await connection.producer().publish({ by: 'node' }, { routingKey: odd });
    expect((await python.consume(odd, { n: 1, timeout: 10 }))[0]?.payload).toEqual({ by: 'node' });
    await python.publish({ by: 'python' }, { exchange: 'media', routing_key: odd });
    expect((await take(new Queue(odd, { noDeclare: true }), 1))[0]?.payload).toEqual({ by: 'python' });
  });

  it('what Node requeues Python gets, and what Python holds Node does not', async () => {
    const queue = new Queue('shared');
    await python.declare({
      queue: { name: 'shared', exchange: { name: 'media', type: 'direct' }, routing_key: 'shared' },
    });
    await connection.producer().publish({ n: 1 }, { routingKey: 'shared', declare: [queue] });
    const message = await queue.bind(connection).get();
    await message?.requeue({ confirm: true });
    const [held] = await python.consume('shared', { n: 1, timeout: 10, settle: 'none' });
    expect(held?.payload).toEqual({ n: 1 });
    expect(await queue.bind(connection).get()).toBeUndefined();
    await python.settle(held?.delivery_tag as string, 'ack');
    await until(async () => (await python.size('shared')) === 0, { what: 'it is gone' });
  });

  it('FIFO queues keep the order of both', async () => {
    const name = 'line.fifo';
    const queue = new Queue(name);
    await python.declare({ queue: { name, exchange: { name: 'media', type: 'direct' }, routing_key: name } });
    const producer = connection.producer();
    for (let n = 0; n < 6; n += 2) {
      await producer.publish({ n }, { routingKey: name, declare: [queue] });
      await python.publish({ n: n + 1 }, { exchange: 'media', routing_key: name });
    }
    const got = await take(queue, 3);
    const rest = await python.consume(name, { n: 3, timeout: 10 });
    expect([...got, ...rest].map(({ payload }) => payload)).toEqual([0, 1, 2, 3, 4, 5].map((n) => ({ n })));
  });
}

describe.each(peers)('with Python Kombu %s', (_version, python) => {
  if (isUnavailable(python)) it.skip(`skipped: ${python.unavailable}`, () => {});
  else suite(python);
});
