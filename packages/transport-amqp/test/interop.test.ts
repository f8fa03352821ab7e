import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { isUnavailable, type Rabbitmq, startRabbitmq, until } from '@kombu/brokers';
import { Connection, Exchange, type Message, Queue } from '@kombu/core';
import { type PythonPeer, startPython } from '@kombu/interop';
import type { Channel, ChannelModel } from 'amqplib';
import { amqp } from '../src/index.js';
import { unique } from './support/link.js';

jest.setTimeout(60_000);
const broker = await startRabbitmq();
afterAll(() => (isUnavailable(broker) ? undefined : broker.close()));

/** Values that every serializer has. */
const PLAIN = {
  text: 'h\u00e9llo \u2603',
  int: 42,
  big: 2 ** 40,
  negative: -7,
  float: 1.5,
  yes: true,
  no: null,
  list: [1, ['x']],
  nested: { a: { b: [] } },
};

/** Headers as JavaScript has them, and as Python reads them. */
const HEADERS: [name: string, sent: unknown, read: unknown][] = [
  ['zero', 0, 0],
  ['byte', -1, -1],
  ['two hundred', 200, 200],
  ['short', 300, 300],
  ['thousand', -1000, -1000],
  ['word', 70_000, 70_000],
  ['int32', 2_147_483_647, 2_147_483_647],
  ['int32 low', -2_147_483_648, -2_147_483_648],
  ['above int32', 2_147_483_648, 2_147_483_648],
  ['below int32', -2_147_483_649, -2_147_483_649],
  ['milliseconds', 1_451_606_400_123, 1_451_606_400_123],
  ['2^40', -(2 ** 40), -(2 ** 40)],
  ['int64', 2n ** 63n - 1n, 2n ** 63n - 1n],
  ['int64 low', -(2n ** 63n), -(2n ** 63n)],
  ['float', 0.1, 0.1],
  ['text', 'h\u00e9llo \u2603 \u{1f600}', 'h\u00e9llo \u2603 \u{1f600}'],
  ['empty', '', ''],
  ['true', true, true],
  ['false', false, false],
  ['null', null, null],
  ['bytes', Buffer.from([0, 255, 128]), Buffer.from([0, 255, 128])],
  ['date', new Date('2016-01-01T00:00:00Z'), new Date('2016-01-01T00:00:00Z')],
  ['list', [1, -200, [2 ** 33, { deep: -300 }], null, 'x'], [1, -200, [2 ** 33, { deep: -300 }], null, 'x']],
  ['table', { a: 200, b: { c: [70_000, { d: -1 }] } }, { a: 200, b: { c: [70_000, { d: -1 }] } }],
];

function suite(rabbitmq: Rabbitmq, python: PythonPeer): void {
  let connection: Connection;
  beforeAll(async () => {
    connection = new Connection(rabbitmq.url, { transport: amqp });
    await python.open(rabbitmq.url);
  });
  afterAll(async () => {
    await connection.close();
    await python.close();
  });
  const newQueue = async (): Promise<Queue> => {
    const queue = new Queue(unique('interop'));
    await queue.bind(connection).declare();
    return queue;
  };
  const take = async (
    queue: Queue,
    accept: string[] | 'any' = ['json', 'pickle', 'yaml', 'msgpack'],
  ): Promise<Message> => {
    const message = await until(() => queue.bind(connection).get({ accept, noAck: true }), {
      what: 'a message of Python',
    });
    return message as Message;
  };
  const pythonTakes = async (queue: Queue) => {
    const accept = ['json', 'pickle', 'yaml', 'msgpack', 'text/plain'];
    const [message] = await python.consume(queue.name, { n: 1, timeout: 10, accept });
    if (message === undefined) throw new Error(`Python got nothing\n${python.log()}`);
    return message;
  };

  it.each(['json', 'pickle', 'yaml', 'msgpack'])('%s goes both ways', async (serializer) => {
    const queue = await newQueue();
    await connection.producer().publish(PLAIN, { routingKey: queue.name, serializer });
    const there = await pythonTakes(queue);
    expect(there.error).toBeUndefined();
    expect(there.payload).toEqual(PLAIN);
    await python.publish(PLAIN, { routing_key: queue.name, serializer });
    const here = await take(queue);
    expect(here.payload).toEqual(PLAIN);
    expect([here.contentType, here.contentEncoding]).toEqual([there.content_type, there.content_encoding]);
  });

  it.each([
    ['text', 'h\u00e9llo \u2603', 'text/plain', 'utf-8'],
    ['bytes', Buffer.from([0, 255]), 'application/data', 'binary'],
  ])('%s without a serializer goes both ways', async (_, body, type, encoding) => {
    const queue = await newQueue();
    await connection.producer().publish(body, { routingKey: queue.name });
    const there = await pythonTakes(queue);
    expect([there.payload, there.content_type, there.content_encoding]).toEqual([body, type, encoding]);
    await python.publish(body, { routing_key: queue.name });
    const here = await take(queue, 'any');
    expect([here.contentType, here.contentEncoding]).toEqual([type, encoding]);
    expect(Buffer.from(here.body as Uint8Array)).toEqual(Buffer.from(body));
  });

  it.each(['zlib', 'bzip2', 'brotli', 'lzma', 'zstd'])(
    '%s goes both ways, where Python has it',
    async (compression) => {
      const sample = { text: 'squeeze me '.repeat(200) };
      const has = await python.compress(Buffer.from('x'), compression).then(
        () => true,
        (error: Error) => {
          // This Python lacks the module; that ours is right is then shown by the tests of core.
          expect(error.message).toMatch(/No encoder|No module|not installed|KeyError|ModuleNotFound/i);
          return false;
        },
      );
      const queue = await newQueue();
      await connection.producer().publish(sample, { routingKey: queue.name, compression });
      if (!has) return;
      const there = await pythonTakes(queue);
      expect(there.error).toBeUndefined();
      expect(there.payload).toEqual(sample);
      await python.publish(sample, { routing_key: queue.name, compression });
      const here = await take(queue);
      expect(here.payload).toEqual(sample);
      expect(here.headers.compression).toBe(there.headers.compression);
    },
  );

  it('every header type reaches Python, in one message and one by one', async () => {
    const queue = await newQueue();
    const headers = Object.fromEntries(HEADERS.map(([name, sent]) => [name, sent]));
    await connection.producer().publish({}, { routingKey: queue.name, headers });
    const all = await pythonTakes(queue);
    for (const [name, , read] of HEADERS) expect([name, all.headers[name]]).toEqual([name, pythonValue(read)]);
    for (const [name, sent, read] of HEADERS) {
      await connection.producer().publish({}, { routingKey: queue.name, headers: { h: sent } });
      expect([name, (await pythonTakes(queue)).headers.h]).toEqual([name, pythonValue(read)]);
    }
  });

  /** The peer says that a naive datetime of Python's is one; it is the same moment. */
  const pythonValue = (value: unknown): unknown => (value instanceof Date ? expect.anything() : value);

  it('every header type of Python reaches us, 64-bit integers included', async () => {
    const queue = await newQueue();
    const headers = Object.fromEntries(HEADERS.map(([name, sent]) => [name, sent]));
    await python.publish(
      {},
      { routing_key: queue.name, headers: { ...headers, decimal: { $decimal: '-1.50' }, text: b('raw') } },
    );
    const here = await take(queue);
    for (const [name, , read] of HEADERS) {
      if (name === 'text') continue;
      expect([name, here.headers[name]]).toEqual([name, read]);
    }
    expect(here.headers.decimal).toBe('-1.50');
    expect(here.headers.text).toBe('raw'); // Python writes bytes as text, as it says nowhere which they were
  });

  const b = (text: string): Buffer => Buffer.from(text);

  it('every property goes both ways', async () => {
    const queue = await newQueue();
    const same = { priority: 7, type: 't', timestamp: 1451606400 };
    const ours = { correlationId: 'c', replyTo: 'r', messageId: 'm', appId: 'a', userId: 'guest' };
    const pythons = { correlation_id: 'c', reply_to: 'r', message_id: 'm', app_id: 'a', user_id: 'guest' };
    await connection.producer().publish(
      {},
      {
        routingKey: queue.name,
        ...same,
        ...ours,
        deliveryMode: 'transient',
        expirationMs: 60_500,
        timestamp: new Date('2016-01-01T00:00:00.900Z'),
      },
    );
    const there = await pythonTakes(queue);
    expect(there.properties).toMatchObject({
      ...same,
      ...pythons,
      delivery_mode: 1,
      expiration: '60500',
      application_headers: {},
    });
    expect(there.delivery_info).toMatchObject({ exchange: '', routing_key: queue.name, redelivered: false });
    await python.publish(
      {},
      { routing_key: queue.name, ...same, ...pythons, priority: 3, delivery_mode: 1, expiration: 60.5 },
    );
    const here = await take(queue);
    expect(here.properties).toEqual({ ...same, ...ours, priority: 3, deliveryMode: 1, expiration: '60500' });
  });

  it('writes what the golden file of Python Kombu has, property by property', async () => {
    const golden = JSON.parse(readFileSync(new URL('./golden/amqp-5.2.4.json', import.meta.url), 'utf8')) as {
      cases: Record<string, { body: string | { hex: string }; properties: Record<string, unknown> }>;
    };
    const exchange = new Exchange(unique('media'));
    const queue = new Queue(unique('video'), { exchange, routingKey: 'video' });
    await queue.bind(connection).declare();
    const props = {
      headers: { h: 1, d: '2016-01-01 00:00:00' },
      deliveryMode: 1,
      priority: 7,
      correlationId: 'c',
      replyTo: 'r',
      expirationMs: 1500,
      messageId: 'm',
      timestamp: 1451606400_000,
    } as const;
    const cases: [name: string, body: unknown, options: object][] = [
      ['json', { a: 1 }, {}],
      ['text', 'hello \u2603', {}],
      ['bytes', Buffer.from([0, 255]), {}],
      ['zlib', { a: 1 }, { compression: 'zlib' }],
      ['props', { a: 1 }, props],
      ['msgpack', { a: 1 }, { serializer: 'msgpack' }],
    ];
    for (const [name, body, options] of cases) {
      const wanted = golden.cases[name];
      await connection.producer().publish(body, { exchange, routingKey: 'video', ...options });
      const there = await pythonTakes(queue);
      expect([name, there.properties]).toEqual([name, wanted?.properties]);
      if (name === 'zlib')
        expect(there.payload).toEqual(body); // Python hands out what it decompressed
      else expect([name, withoutBlanks(there.body)]).toEqual([name, withoutBlanks(wanted?.body)]);
    }
  });

  /** A body as text of one character a byte; JSON is equal with and without blanks. */
  const withoutBlanks = (body: unknown): string => {
    const { hex } = body as { hex?: string };
    const bytes = hex === undefined ? Buffer.from(body as string) : Buffer.from(hex, 'hex');
    return bytes.toString('latin1').replace(': ', ':');
  };

  it('queue arguments that one side declares are what the other one declares', async () => {
    const options = { expires: 60, message_ttl: 30.5, max_length: 1000, max_length_bytes: 2000, max_priority: 10 };
    const ours = { expiresMs: 60_000, messageTtlMs: 30_500, maxLength: 1000, maxLengthBytes: 2000, maxPriority: 10 };
    const first = unique('args');
    await python.declare({ queue: { name: first, exchange: '', routing_key: first, ...options } });
    await new Queue(first, ours).bind(connection).queueDeclare();
    const second = unique('args');
    await new Queue(second, ours).bind(connection).queueDeclare();
    await python.declare({ queue: { name: second, exchange: '', routing_key: second, ...options } });
    for (const priority of [1, 9, 5]) await python.publish({ priority }, { routing_key: second, priority });
    const order = [await take(new Queue(second)), await take(new Queue(second)), await take(new Queue(second))];
    expect(order.map(({ payload }) => (payload as { priority: number }).priority)).toEqual([9, 5, 1]);
    for (const priority of [0, 255, 5])
      await connection.producer().publish({ priority }, { routingKey: second, priority });
    const there = [
      await pythonTakes(new Queue(second)),
      await pythonTakes(new Queue(second)),
      await pythonTakes(new Queue(second)),
    ];
    expect(there.map(({ payload }) => (payload as { priority: number }).priority)).toEqual([255, 5, 0]);
  });

  it('many messages go both ways in order', async () => {
    const queue = await newQueue();
    const bodies = Array.from({ length: 500 }, (_, id) => ({ id }));
    await connection.producer().publishMany(bodies, { routingKey: queue.name });
    const there = await python.consume(queue.name, { n: 500, timeout: 20 });
    expect(there.map(({ payload }) => payload)).toEqual(bodies);
    await python.publishMany(bodies, { routing_key: queue.name });
    const here: unknown[] = [];
    for await (const message of connection.consumer({ queues: [queue] })) {
      here.push(message.payload);
      await message.ack();
      if (here.length === 500) break;
    }
    expect(here).toEqual(bodies);
  });

  it('leaves amqplib as it is for an app that uses it by itself', async () => {
    const plain = createRequire(import.meta.url)('amqplib') as typeof import('amqplib');
    const own: ChannelModel = await plain.connect(rabbitmq.url);
    const died = new Promise<Error>((resolve) => own.on('error', resolve));
    const channel: Channel = await own.createChannel();
    const queue = await newQueue();
    // Its own way of writing and reading is what it was ...
    channel.sendToQueue(queue.name, Buffer.from('{}'), {
      headers: { small: 200, when: { '!': 'timestamp', value: 5 } },
    });
    const got = await until(() => channel.get(queue.name, { noAck: true }), { what: 'its own message' });
    expect(got.properties.headers).toEqual({ small: 200, when: { '!': 'timestamp', value: 5 } });
    // ... it reads what we write ...
    await connection
      .producer()
      .publish({}, { routingKey: queue.name, headers: { small: 200, large: 2 ** 40, list: [-1] } });
    const ours = await until(() => channel.get(queue.name, { noAck: true }), { what: 'our message' });
    expect(ours.properties.headers).toEqual({ small: 200, large: 2 ** 40, list: [-1] });
    // ... and on what it cannot read it still fails, beside a connection of ours that can.
    await python.publish({}, { routing_key: queue.name, headers: { large: 2 ** 40 } });
    expect((await take(queue)).headers).toEqual({ large: 2 ** 40 });
    await python.publish({}, { routing_key: queue.name, headers: { large: 2 ** 40 } });
    channel.get(queue.name, { noAck: true }).catch(() => {});
    expect((await died).message).toContain('Unexpected type tag "L"');
    // The raw client of our own connection reads it, too.
    const raw = await (connection.driver as ChannelModel).createChannel();
    await python.publish({}, { routing_key: queue.name, headers: { large: -(2 ** 40) }, correlation_id: 'c' });
    const read = await until(() => raw.get(queue.name, { noAck: true }), {
      what: 'the message by way of the raw client',
    });
    expect(read.properties).toMatchObject({ correlationId: 'c', headers: { large: -(2 ** 40) } });
    await raw.close();
  });
}

for (const version of ['5.2', 'latest'] as const) {
  const title = `Python Kombu ${version}`;
  if (isUnavailable(broker)) describe(title, () => it.skip(`skipped: ${broker.unavailable}`, () => {}));
  else {
    const python = await startPython({ version });
    if (isUnavailable(python)) describe(title, () => it.skip(`skipped: ${python.unavailable}`, () => {}));
    else describe(`${title} (${python.version})`, () => suite(broker, python));
  }
}
