import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { describe, expect, it } from '@jest/globals';
import {
  type Connection,
  type ConsumerOptions,
  createSerializerRegistry,
  type DecodeErrorEvent,
  type KombuError,
  type Message,
  type PublishOptions,
  Queue,
} from '../../src/index.js';
import { settle, until } from '../support/memory.js';
import { memoryTest, ready } from '../support/with-memory.js';

const queue = new Queue('q');

const with_ = memoryTest({
  declare: [queue],
  drainMs: 1000,
  options: () => ({ serializers: createSerializerRegistry() }),
});

const put = (connection: Connection, body: unknown, options: PublishOptions = {}) =>
  connection.producer().publish(body, { routingKey: 'q', ...options });

/** Consumes one message and says what it was, or why it was refused. */
async function consumeOne(connection: Connection, options: ConsumerOptions = {}): Promise<unknown> {
  let result: unknown = 'nothing';
  const consumer = connection.consumer({
    queues: queue,
    onMessage: (message) => {
      result = message.payload;
      void message.ack();
    },
    onDecodeError: (message, error) => {
      result = error.code;
      void message.reject();
    },
    ...options,
  });
  await consumer.consume();
  await until(() => result !== 'nothing');
  await consumer.close();
  return result;
}

const DISALLOWED = 'ERR_KOMBU_CONTENT_DISALLOWED';

describe('what a consumer accepts', () => {
  it('is json, text and bytes when it does not say, and what the application registered or enabled', () =>
    with_(async (connection) => {
      const { serializers } = connection.codec;
      await put(connection, { a: 1 });
      expect(await consumeOne(connection)).toEqual({ a: 1 });
      await put(connection, 'text');
      expect(await consumeOne(connection)).toBe('text');
      await put(connection, Buffer.from('b'));
      expect(await consumeOne(connection)).toEqual(Buffer.from('b'));
      await put(connection, { a: 2 }, { serializer: 'msgpack' });
      expect(await consumeOne(connection)).toBe(DISALLOWED);
      serializers.enableInsecureSerializers(['msgpack']);
      await put(connection, { a: 3 }, { serializer: 'msgpack' });
      expect(await consumeOne(connection)).toEqual({ a: 3 });
      serializers.disableInsecureSerializers();
      await put(connection, { a: 4 }, { serializer: 'msgpack' });
      expect(await consumeOne(connection)).toBe(DISALLOWED);
      serializers.register('upper', {
        contentType: 'application/x-upper',
        contentEncoding: 'utf-8',
        encode: (value) => String(value).toUpperCase(),
        decode: (body) => body.toString().toLowerCase(),
      });
      await put(connection, 'shout', { serializer: 'upper' });
      expect(await consumeOne(connection)).toBe('shout');
    }));

  it('is exactly what it lists, by name or MIME type; text, bytes and no type always pass', () =>
    with_(async (connection) => {
      const cases: [unknown, PublishOptions, string[], unknown][] = [
        [{ a: 1 }, {}, ['msgpack'], DISALLOWED],
        [{ a: 1 }, {}, ['application/json'], { a: 1 }],
        [{ a: 1 }, { serializer: 'msgpack' }, ['msgpack'], { a: 1 }],
        [{ a: 1 }, { serializer: 'msgpack' }, ['json', 'application/x-msgpack'], { a: 1 }],
        [{ a: 1 }, { serializer: 'yaml' }, ['json'], DISALLOWED],
        [{ a: 1 }, { serializer: 'yaml' }, ['yaml'], { a: 1 }],
        [{ a: 1 }, { serializer: 'pickle' }, ['pickle'], { a: 1 }],
        [{ a: 1 }, {}, [], DISALLOWED],
        ['text', {}, [], 'text'],
        [Buffer.from('b'), {}, [], Buffer.from('b')],
        ['text', { contentType: 'application/text' }, [], 'text'],
        ['text', { contentType: 'application/unheard-of' }, ['json'], DISALLOWED],
      ];
      for (const [body, options, accept, expected] of cases) {
        await put(connection, body, options);
        expect(await consumeOne(connection, { accept })).toEqual(expected);
        await put(connection, body, options);
        const got = await queue
          .bind(connection)
          .get({ accept })
          .then(
            (message) => message?.ack().then(() => message.payload),
            (error: KombuError) => error.code,
          );
        expect(got).toEqual(expected);
      }
    }));

  it("is everything, undecoded and as it came, with 'any'", () =>
    with_(async (connection) => {
      const headers = { 'X-Trace': 'abc', n: 5 };
      await put(connection, { a: 'x'.repeat(50_000) }, { serializer: 'pickle', compression: 'zlib', headers });
      const relay = connection.producer({ routingKey: 'relayed' });
      const consumer = connection.consumer({
        queues: queue,
        accept: 'any',
        onMessage: async (message) => {
          await relay.publish(message.body, {
            contentType: message.contentType,
            contentEncoding: message.contentEncoding,
            headers: message.headers,
            properties: message.properties,
          });
          await message.ack();
        },
      });
      await consumer.consume();
      const relayed = new Queue('relayed').bind(connection);
      await relayed.declare();
      let message: Message | undefined;
      await until(async () => {
        message = await relayed.get({ accept: ['pickle'] });
        return message !== undefined;
      });
      expect(message?.payload).toEqual({ a: 'x'.repeat(50_000) });
      expect(message?.headers).toEqual({ ...headers, compression: 'application/x-gzip' });
      expect(message?.contentType).toBe('application/x-python-serialize');
      await put(connection, 'small', { compression: 'zlib' });
      await consumer.close();
      const raw = await queue.bind(connection).get({ accept: 'any' });
      expect(raw?.body[0]).toBe(0x78); // As it came: compressed.
      expect(raw?.payload).toBe('small'); // Who asks for it gets it.
    }));
});

describe('a message that is refused', () => {
  it('is rejected, not requeued, and told to the diagnostics channel', () =>
    with_(async (connection) => {
      const events: DecodeErrorEvent[] = [];
      const listener = (event: unknown) => events.push(event as DecodeErrorEvent);
      subscribe('kombu:decode-error', listener);
      try {
        const seen: unknown[] = [];
        const consumer = connection.consumer({
          queues: queue,
          prefetchCount: 1,
          onMessage: (message) => {
            seen.push(message.payload);
            void message.ack();
          },
        });
        await consumer.consume();
        await put(connection, { a: 1 }, { serializer: 'pickle' });
        await put(connection, 'after');
        await until(() => seen.length === 1);
        await settle();
        expect(seen).toEqual(['after']);
        expect(await ready(connection)).toBe(0);
        const mine = events.filter(({ connectionId }) => connectionId === connection.id);
        expect(mine).toHaveLength(1);
        expect(mine[0]).toMatchObject({ queue: 'q', contentType: 'application/x-python-serialize' });
        expect(mine[0]?.error).toMatchObject({ code: DISALLOWED });
      } finally {
        unsubscribe('kombu:decode-error', listener);
      }
    }));

  it('is dead-lettered where its queue has a dead-letter exchange', () =>
    with_(async (connection) => {
      const dead = new Queue('dead');
      await dead.bind(connection).declare();
      const source = new Queue('source', {
        queueArguments: { 'x-dead-letter-exchange': '', 'x-dead-letter-routing-key': 'dead' },
      });
      const consumer = connection.consumer({ queues: source, onMessage: () => {} });
      await consumer.consume();
      await connection.producer().publish({ a: 1 }, { routingKey: 'source', serializer: 'msgpack' });
      let message: Message | undefined;
      await until(async () => {
        message = await dead.bind(connection).get({ accept: ['msgpack'] });
        return message !== undefined;
      });
      expect(message?.payload).toEqual({ a: 1 });
    }));

  it('may not be read by onDecodeError either, which decides what becomes of it', () =>
    with_(async (connection) => {
      const told: unknown[] = [];
      const consumer = connection.consumer({
        queues: queue,
        onMessage: () => {},
        onDecodeError: async (message, error) => {
          let thrown: unknown;
          try {
            void message.payload;
          } catch (again) {
            thrown = again;
          }
          told.push([error.code, thrown === error, message.errors.length, message.body.length > 0]);
          await consumer.cancel();
          await message.requeue();
        },
      });
      await consumer.consume();
      await put(connection, { a: 1 }, { serializer: 'msgpack' });
      await until(() => told.length === 1);
      await settle();
      expect(told).toEqual([[DISALLOWED, true, 1, true]]);
      expect(await ready(connection)).toBe(1);
    }));

  it('is requeued after a while when onDecodeError fails', () =>
    with_(async (connection) => {
      let calls = 0;
      for (const onDecodeError of [
        () => {
          calls++;
          throw new Error('no');
        },
        async () => {
          calls++;
          throw new Error('no');
        },
      ]) {
        const consumer = connection.consumer({ queues: queue, onMessage: () => {}, onDecodeError });
        await consumer.consume();
        const before = calls;
        await put(connection, { a: 1 }, { serializer: 'msgpack' });
        await until(() => calls > before);
        await settle();
        expect(await ready(connection)).toBe(0);
        await consumer.close();
        expect(await queue.bind(connection).purge()).toBe(1);
      }
    }));

  it('is skipped by a loop over the consumer', () =>
    with_(async (connection) => {
      await put(connection, 1);
      await put(connection, { a: 1 }, { serializer: 'msgpack' });
      await put(connection, 2);
      const seen: unknown[] = [];
      for await (const message of connection.consumer({ queues: queue })) {
        seen.push(message.payload);
        await message.ack();
        if (seen.length === 2) break;
      }
      expect(seen).toEqual([1, 2]);
      expect(await ready(connection)).toBe(0);
    }));
});

describe('a body that cannot be decoded', () => {
  it('goes to onDecodeError when the handler asks for its payload, synchronously or later', () =>
    with_(async (connection) => {
      for (const onMessage of [
        (message: Message) => void message.payload,
        async (message: Message) => {
          await settle(1);
          void message.payload;
        },
      ]) {
        const errors: unknown[] = [];
        await put(connection, '{broken', { contentType: 'application/json' });
        const code = await consumeOne(connection, { onMessage, onError: (error) => errors.push(error) });
        expect(code).toBe('ERR_KOMBU_DECODE');
        expect(errors).toEqual([]);
      }
      await put(connection, '{broken', { contentType: 'application/json' });
      expect(await consumeOne(connection, { onMessage: undefined, callbacks: [() => {}] })).toBe('ERR_KOMBU_DECODE');
    }));

  it('is rejected when there is no onDecodeError, unless the handler has settled it', () =>
    with_(async (connection) => {
      let handled = 0;
      const consumer = connection.consumer({
        queues: queue,
        onMessage: (message) => {
          handled++;
          if (handled === 2) void message.requeue();
          if (handled < 4) return message.payload;
          void message.ack();
        },
      });
      await consumer.consume();
      await put(connection, '{broken', { contentType: 'application/json' });
      await put(connection, '{broken', { contentType: 'application/json' });
      await until(() => handled === 3);
      await settle();
      expect(await ready(connection)).toBe(0);
    }));

  it('is a decode error when it is compressed by something unknown, badly, or too much', () =>
    with_(
      async (connection) => {
        const cases: [unknown, PublishOptions, string][] = [
          ['x', { headers: { compression: 'application/x-unheard-of' } }, 'ERR_KOMBU_NO_SERIALIZER'],
          ['not zlib', { headers: { compression: 'application/x-gzip' } }, 'ERR_KOMBU_DECODE'],
          ['x', { headers: { compression: 5 } }, 'ERR_KOMBU_DECODE'],
          ['x'.repeat(10_001), { compression: 'zlib' }, 'ERR_KOMBU_DECODE'],
          ['x'.repeat(3_000_000), { compression: 'brotli' }, 'ERR_KOMBU_DECODE'],
        ];
        for (const [body, options, code] of cases) {
          await put(connection, body, options);
          expect(await consumeOne(connection)).toBe(code);
        }
      },
      { maxDecompressedBytes: 10_000 },
    ));
});

describe('decompression', () => {
  it('keeps the order of delivery, also where it takes time', () =>
    with_(async (connection) => {
      const producer = connection.producer({ routingKey: 'q' });
      const bodies = ['a', 'b'.repeat(2_000_000), 'c', 'd'.repeat(1_000_000), 'e'];
      for (const [i, body] of bodies.entries()) await producer.publish(body, i % 2 ? { compression: 'zlib' } : {});
      const seen: string[] = [];
      const consumer = connection.consumer({
        queues: queue,
        onMessage: (message) => {
          seen.push(message.body.toString()[0] as string);
          void message.ack();
        },
      });
      await consumer.consume();
      await until(() => seen.length === 5);
      expect(seen).toEqual(['a', 'b', 'c', 'd', 'e']);
    }));

  it('gives back what it was still at work on when the consumer ends', () =>
    with_(async (connection) => {
      for (let i = 0; i < 3; i++) await put(connection, 'x'.repeat(3_000_000), { compression: 'zlib' });
      let handled = 0;
      const consumer = connection.consumer({ queues: queue, onMessage: () => handled++ });
      await consumer.consume();
      await until(async () => (await ready(connection)) === 0);
      await consumer.close();
      await settle(20);
      expect(handled + (await ready(connection))).toBeGreaterThanOrEqual(3);
      expect(await ready(connection)).toBe(3);
    }));
});
