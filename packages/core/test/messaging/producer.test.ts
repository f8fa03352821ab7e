import { describe, expect, it } from '@jest/globals';
import {
  type ChannelEvents,
  type Connection,
  Exchange,
  type Message,
  Producer,
  type PublishOptions,
  Queue,
  type UndeliverableError,
} from '../../src/index.js';
import { faultyMemory } from '../support/faults.js';
import { openMemory, until } from '../support/memory.js';
import { failure, memoryTest } from '../support/with-memory.js';

const queue = new Queue('q');

/** What Kombu 5.2.4 sends for the same message. */
const SENT_BY_PYTHON = {
  content_type: 'application/json',
  content_encoding: 'utf-8',
  application_headers: { h: 1, d: '2016-01-01 00:00:00' },
  delivery_mode: 1,
  priority: 7,
  correlation_id: 'c',
  reply_to: 'r',
  expiration: '1500',
  message_id: 'm',
  timestamp: 1451606400,
};

const with_ = memoryTest({ declare: [queue] });

/** Publishes to the queue and takes the message out again. */
async function roundTrip(connection: Connection, body: unknown, options: PublishOptions = {}): Promise<Message> {
  const producer = connection.producer();
  await producer.publish(body, { routingKey: 'q', ...options });
  await producer.close();
  const message = await queue.bind(connection).get({ accept: ['json', 'msgpack', 'application/x-custom'] });
  if (message === undefined) throw new Error('nothing arrived');
  await message.ack();
  return message;
}

it('goes somewhere: without an exchange and a routing key nobody is meant', () =>
  with_(async (connection) => {
    const lost = await failure(connection.producer().publish('lost'));
    expect(lost).toMatchObject({ code: 'ERR_KOMBU_INVALID_OPTION' });
    expect(lost.message).toContain("'routingKey'");
    await connection.producer({ exchange: new Exchange('news', { type: 'fanout' }) }).publish('to all');
    await connection.producer({ routingKey: 'q' }).publish('to q');
  }));

describe('the body of a message', () => {
  it('is json for objects, text for strings and raw for bytes when no serializer is named', () =>
    with_(async (connection) => {
      const object = await roundTrip(connection, { a: 1 });
      expect(object).toMatchObject({ contentType: 'application/json', contentEncoding: 'utf-8', payload: { a: 1 } });
      expect(object.body.toString()).toBe('{"a":1}');
      const text = await roundTrip(connection, 'snow ☃');
      expect(text).toMatchObject({ contentType: 'text/plain', contentEncoding: 'utf-8', payload: 'snow ☃' });
      const bytes = await roundTrip(connection, new Uint8Array([0, 255]));
      expect(bytes).toMatchObject({ contentType: 'application/data', contentEncoding: 'binary' });
      expect(bytes.payload).toEqual(Buffer.from([0, 255]));
      for (const value of [null, 5, true, [1, 'a']])
        expect((await roundTrip(connection, value)).payload).toEqual(value);
    }));

  it('is serialized, whatever it is, when a serializer is named', () =>
    with_(async (connection) => {
      const text = await roundTrip(connection, 'snow ☃', { serializer: 'json' });
      expect(text).toMatchObject({ contentType: 'application/json', payload: 'snow ☃' });
      expect(text.body.toString()).toBe('"snow ☃"');
      const bytes = await roundTrip(connection, Buffer.from([0, 255]), { serializer: 'msgpack' });
      expect(bytes).toMatchObject({ contentType: 'application/x-msgpack', contentEncoding: 'binary' });
      expect(Buffer.from(bytes.payload as Uint8Array)).toEqual(Buffer.from([0, 255]));
      expect((await failure(roundTrip(connection, 1, { serializer: 'jason' }))).message).toContain('json');
    }));

  it('is taken as serialized already when a content type is named', () =>
    with_(async (connection) => {
      const custom = { contentType: 'application/x-custom' };
      const text = await roundTrip(connection, 'é', { ...custom, contentEncoding: 'latin1' });
      expect(text).toMatchObject({ contentType: 'application/x-custom', contentEncoding: 'latin1' });
      expect([...text.body]).toEqual([0xe9]);
      expect((await roundTrip(connection, 'é', custom)).contentEncoding).toBe('utf-8');
      const bytes = await roundTrip(connection, Buffer.from([1, 2]), custom);
      expect(bytes.contentEncoding).toBe('binary');
      expect([...bytes.body]).toEqual([1, 2]);
      expect((await failure(roundTrip(connection, { a: 1 }, custom))).code).toBe('ERR_KOMBU_ENCODE');
      const producer = connection.producer({ routingKey: 'q', serializer: 'msgpack' });
      await producer.publish('{"raw":1}', { contentType: 'application/json' });
      expect((await queue.bind(connection).get())?.payload).toEqual({ raw: 1 });
    }));

  it("is written by the producer's serializer and compression unless it names its own", () =>
    with_(async (connection) => {
      const producer = connection.producer({ routingKey: 'q', serializer: 'msgpack', compression: 'zlib' });
      expect(producer).toMatchObject({ routingKey: 'q', serializer: 'msgpack', compression: 'zlib' });
      await producer.publish({ a: 'x'.repeat(100) });
      await producer.publish({ a: 2 }, { serializer: 'json', compression: 'bzip2' });
      const first = await queue.bind(connection).get({ accept: ['msgpack'] });
      expect(first?.payload).toEqual({ a: 'x'.repeat(100) });
      expect(first?.headers).toEqual({ compression: 'application/x-gzip' });
      const second = await queue.bind(connection).get();
      expect(second).toMatchObject({ contentType: 'application/json', payload: { a: 2 } });
      expect(second?.headers).toEqual({ compression: 'application/x-bz2' });
    }));

  it('is the bytes as they were at the time of the call', () =>
    with_(async (connection) => {
      const buffer = Buffer.from('before');
      const nested = { list: ['before'] };
      const headers: Record<string, unknown> = { h: 'before', nested };
      const producer = connection.producer({ routingKey: 'q' });
      const publishing = producer.publish(buffer, { headers });
      buffer.write('after!');
      headers.h = 'after';
      nested.list.push('after');
      await publishing;
      const message = await queue.bind(connection).get();
      expect(String(message?.body)).toBe('before');
      expect(message?.headers).toEqual({ h: 'before', nested: { list: ['before'] } });
      const large = Buffer.alloc(100_000, 1);
      const compressing = producer.publish(large, { compression: 'zlib', headers });
      large.fill(2);
      headers.h = 'later';
      nested.list.push('later');
      await compressing;
      const inflated = await queue.bind(connection).get();
      expect(inflated?.body.equals(Buffer.alloc(100_000, 1))).toBe(true);
      expect(inflated?.headers).toEqual({
        h: 'after',
        nested: { list: ['before', 'after'] },
        compression: 'application/x-gzip',
      });
    }));
});

describe('the properties of a message', () => {
  it('refuse a reply queue that has no name yet', () =>
    with_(async (connection) => {
      const replies = new Queue('', { exclusive: true });
      const publishing = connection.producer().publish(1, { routingKey: 'q', replyTo: replies });
      expect((await failure(publishing)).code).toBe('ERR_KOMBU_INVALID_OPTION');
      const bound = replies.bind(connection);
      await bound.declare();
      expect((await roundTrip(connection, 1, { replyTo: bound.name })).properties.replyTo).toBe(bound.name);
    }));

  it('are delivery mode and priority when nothing else is given, and no headers', () =>
    with_(async (connection) => {
      const message = await roundTrip(connection, { a: 1 });
      expect(message.properties).toEqual({ deliveryMode: 2, priority: 0 });
      expect(message.headers).toEqual({});
    }));

  it('are what AMQP clients of Kombu send', () =>
    with_(async (connection) => {
      const message = await roundTrip(
        connection,
        { a: 1 },
        {
          headers: { h: 1, d: '2016-01-01 00:00:00' },
          deliveryMode: 'transient',
          priority: 7,
          correlationId: 'c',
          replyTo: 'r',
          expirationMs: 1500.5,
          messageId: 'm',
          timestamp: new Date('2016-01-01T00:00:00Z'),
        },
      );
      const { deliveryMode, priority, correlationId, replyTo, expiration, messageId, timestamp } = message.properties;
      expect({
        content_type: message.contentType,
        content_encoding: message.contentEncoding,
        application_headers: message.headers,
        delivery_mode: deliveryMode,
        priority,
        correlation_id: correlationId,
        reply_to: replyTo,
        expiration,
        message_id: messageId,
        timestamp,
      }).toEqual(SENT_BY_PYTHON);
      expect(Object.keys(message.properties)).toHaveLength(7);
    }));

  it('can all be given', () =>
    with_(async (connection) => {
      const message = await roundTrip(connection, 'x', {
        replyTo: new Queue('answers'),
        timestamp: 1_700_000_000_999,
        type: 't',
        appId: 'a',
        userId: 'u',
        properties: { DelaySeconds: 5, priority: 3, correlationId: 'overridden' },
        correlationId: 'kept',
      });
      expect(message.properties).toEqual({
        deliveryMode: 2,
        priority: 3,
        replyTo: 'answers',
        timestamp: 1_700_000_000,
        type: 't',
        appId: 'a',
        userId: 'u',
        DelaySeconds: 5,
        correlationId: 'kept',
      });
    }));

  it('take the delivery mode from the call, else from the exchange, else it is persistent', () =>
    with_(async (connection) => {
      const fleeting = new Exchange('fleeting', { deliveryMode: 'transient' });
      const bound = new Queue('f', { exchange: fleeting }).bind(connection);
      await bound.declare();
      const modeOf = async (options: PublishOptions, producer = connection.producer()) => {
        await producer.publish('x', options);
        return (await bound.get({ noAck: true }))?.properties.deliveryMode;
      };
      expect(await modeOf({ exchange: fleeting })).toBe(1);
      expect(await modeOf({ exchange: fleeting.bind(connection) })).toBe(1);
      expect(await modeOf({ exchange: fleeting, deliveryMode: 'persistent' })).toBe(2);
      expect(await modeOf({ exchange: fleeting, deliveryMode: 2 })).toBe(2);
      expect(await modeOf({ exchange: 'fleeting' })).toBe(2);
      expect(await modeOf({ exchange: 'fleeting', deliveryMode: 'transient' })).toBe(1);
      expect(await modeOf({}, connection.producer({ exchange: fleeting }))).toBe(1);
      expect(await modeOf({ exchange: 'fleeting' }, connection.producer({ exchange: fleeting }))).toBe(1);
    }));

  it('have a priority from 0 to 255, of which queues tell 0 to 9 apart', () =>
    with_(async (connection) => {
      const producer = connection.producer({ routingKey: 'q' });
      for (const priority of [0, 9, 255, 10, 8]) await producer.publish(priority, { priority });
      const queue = new Queue('q').bind(connection);
      const got: unknown[] = [];
      for (let i = 0; i < 5; i++) {
        const message = await queue.get({ noAck: true });
        got.push(message?.payload);
        expect(message?.properties.priority).toBe(message?.payload);
      }
      expect(got).toEqual([9, 255, 10, 8, 0]);
    }));

  it('are refused when they make no sense', () =>
    with_(async (connection) => {
      const producer = connection.producer({ routingKey: 'q' });
      const wrong: PublishOptions[] = [
        { priority: Number.NaN },
        { priority: 1.5 },
        { priority: -1 },
        { priority: 256 },
        { priority: '5' as never },
        { properties: { priority: 1.5 } },
        { priority: 'high' as never },
        { timestamp: new Date(Number.NaN) },
        { timestamp: 'now' as never },
        { expirationMs: -1 },
        { deliveryMode: 'durable' as never },
        { timeoutMs: -1 },
        { declare: new Queue('q') as never },
        { declare: ['q'] as never },
        { exchange: 5 as never },
      ];
      for (const options of wrong) {
        expect((await failure(producer.publish('x', options))).code).toBe('ERR_KOMBU_INVALID_OPTION');
      }
      const unknown = await failure(producer.publish('x', { expiration: 5 } as never));
      expect(unknown.message).toContain("did you mean 'expirationMs'?");
      expect(() => connection.producer({ exchang: 'x' } as never)).toThrow("did you mean 'exchange'?");
    }));

  it('cannot pollute a prototype', () =>
    with_(async (connection) => {
      const hostile = JSON.parse('{"__proto__": {"polluted": true}, "constructor": {"prototype": {"polluted": true}}}');
      const message = await roundTrip(connection, hostile, { headers: hostile, properties: hostile });
      expect(Object.getPrototypeOf(message.headers)).toBe(Object.prototype);
      expect(Object.keys(message.headers)).toEqual(['__proto__', 'constructor']);
      expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
      expect((message.payload as { polluted?: unknown }).polluted).toBeUndefined();
    }));
});

describe('where a message goes', () => {
  it('is the exchange and key of the call, else those of the producer, else the default exchange', () =>
    with_(async (connection) => {
      const exchange = new Exchange('x');
      const bound = new Queue('b', { exchange, routingKey: 'k' }).bind(connection);
      await bound.declare();
      const producer = new Producer(connection, { exchange: 'x', routingKey: 'k' });
      expect(producer.exchange.name).toBe('x');
      await producer.publish('1');
      await producer.publish('2', { routingKey: 'elsewhere' });
      await producer.publish('3', { exchange: '', routingKey: 'q' });
      await connection.producer().publish('4', { exchange, routingKey: 'k' });
      expect((await bound.get())?.payload).toBe('1');
      expect((await bound.get())?.payload).toBe('4');
      expect(await bound.get()).toBeUndefined();
      expect((await queue.bind(connection).get())?.payload).toBe('3');
    }));

  it("declares the producer's own exchange first, unless that is switched off", () =>
    with_(async (connection) => {
      const off = connection.producer({ exchange: 'own', autoDeclare: false });
      expect((await failure(off.publish('x'))).code).toBe('ERR_KOMBU_NOT_FOUND');
      await connection.producer({ exchange: 'own' }).publish('x');
      await off.publish('x');
      await connection.producer({ exchange: new Exchange('other', { type: 'topic' }) }).declare();
      await new Exchange('other', { type: 'topic' }).bind(connection).declare({ passive: true });
    }));

  it('has to exist: an exchange that nobody declared is NOT_FOUND, but the anonymous one takes any queue', () =>
    with_(async (connection) => {
      const producer = connection.producer();
      const missing = await failure(producer.publish('x', { exchange: new Exchange('nowhere') }));
      expect(missing).toMatchObject({ code: 'ERR_KOMBU_NOT_FOUND', retryable: false });
      await producer.publish('early', { routingKey: 'declared-later' });
      const later = new Queue('declared-later').bind(connection);
      await later.declare();
      expect((await later.get())?.payload).toBe('early');
    }));

  it('declares what it is told to, once for a link', () =>
    with_(async (connection) => {
      let declared = 0;
      const onDeclared = () => {
        declared++;
      };
      const lasting = new Queue('lasting', { exchange: 'x', routingKey: 'l', onDeclared });
      const fleeting = new Queue('fleeting', { exchange: 'x', routingKey: 'f', autoDelete: true, onDeclared });
      const producer = connection.producer({ exchange: 'x' });
      for (let i = 0; i < 3; i++) await producer.publish(`${i}`, { routingKey: 'l', declare: [lasting] });
      expect(declared).toBe(1);
      // What may go away by itself is declared each time.
      for (let i = 0; i < 3; i++) await producer.publish(`${i}`, { routingKey: 'f', declare: [fleeting] });
      expect(declared).toBe(4);
      expect(await lasting.bind(connection).purge()).toBe(3);
      expect(await fleeting.bind(connection).purge()).toBe(3);
      expect(await producer.maybeDeclare(lasting)).toBe(false);
      expect(await producer.maybeDeclare(new Queue('new'))).toBe(true);
      expect(await producer.maybeDeclare(new Exchange('x'))).toBe(false); // As its own exchange.
      expect(await producer.maybeDeclare(new Exchange('y'))).toBe(true);
      expect(await producer.maybeDeclare(new Exchange('y'))).toBe(false);
      expect((await failure(producer.maybeDeclare({} as never))).code).toBe('ERR_KOMBU_INVALID_OPTION');
    }));
});

describe('a mandatory message', () => {
  it('that no queue takes is refused with NO_ROUTE', () =>
    with_(async (connection) => {
      const producer = connection.producer({ exchange: 'x' });
      await producer.publish('dropped', { routingKey: 'nobody' });
      const refused = await failure(producer.publish('x', { routingKey: 'nobody', mandatory: true }));
      expect(refused).toMatchObject({ code: 'ERR_KOMBU_NO_ROUTE', retryable: false });
    }));

  it('goes to onReturn instead, if there is one', () =>
    with_(async (connection) => {
      const returned: [UndeliverableError, string, string, Message][] = [];
      const producer = connection.producer({
        exchange: 'x',
        compression: 'zlib',
        onReturn: (...args) => returned.push(args),
      });
      await producer.publish({ big: 'x'.repeat(50_000) }, { routingKey: 'a', mandatory: true, headers: { h: 1 } });
      await producer.publish({ small: 1 }, { routingKey: 'b', mandatory: true });
      await producer.publish({ small: 2 }, { routingKey: 'c' });
      expect(returned).toHaveLength(2);
      const [error, exchange, routingKey, message] = returned[0] as (typeof returned)[number];
      expect([error.code, exchange, routingKey]).toEqual(['ERR_KOMBU_NO_ROUTE', 'x', 'a']);
      expect(message.headers).toEqual({ h: 1, compression: 'application/x-gzip' });
      expect(returned[1]?.[3].payload).toEqual({ small: 1 });
      await returned[1]?.[3].ack(); // It cannot be settled, and that is no error.
    }));

  it('goes to onReturn also where the broker does not say which publish it was', async () => {
    const channels: ChannelEvents[] = [];
    const { connection } = openMemory({ transport: faultyMemory({ opened: (events) => channels.push(events) }) });
    try {
      const returned: unknown[] = [];
      const errors: unknown[] = [];
      connection.on('error', (error) => errors.push(error));
      const producer = connection.producer({
        onReturn: (error, exchange, routingKey, message) => {
          returned.push([error.code, exchange, routingKey, message.payload]);
          throw new Error('onReturn');
        },
      });
      await producer.channel.open();
      const back = {
        message: {
          body: Buffer.from('x'),
          contentType: 'text/plain',
          contentEncoding: 'utf-8',
          headers: {},
          properties: {},
        },
        exchange: 'x',
        routingKey: 'k',
        replyCode: 312,
        replyText: 'NO_ROUTE',
      };
      channels[0]?.returned(back);
      await until(() => errors.length === 1);
      expect(returned).toEqual([['ERR_KOMBU_NO_ROUTE', 'x', 'k', 'x']]);
      producer.revive(connection.channel());
      channels[0]?.returned(back);
      expect(returned).toHaveLength(1);
    } finally {
      await connection.close();
    }
  });

  it('is published like any other when a queue takes it', () =>
    with_(async (connection) => {
      await connection.producer().publish('x', { routingKey: 'q', mandatory: true });
      expect((await queue.bind(connection).get())?.payload).toBe('x');
    }));

  it('cannot be immediate', () =>
    with_(async (connection) => {
      const refused = await failure(connection.producer().publish('x', { routingKey: 'q', immediate: true }));
      expect(refused.code).toBe('ERR_KOMBU_NOT_SUPPORTED');
    }));
});

describe('a producer', () => {
  it('has a channel of its own on a connection, and closes it', () =>
    with_(async (connection) => {
      const producer = connection.producer();
      expect(producer.channel).not.toBe(connection.defaultChannel);
      expect(producer.connection).toBe(connection);
      await producer.publish('x', { routingKey: 'q' });
      await producer.close();
      await producer.close();
      expect(producer.channel.state).toBe('closed');
      expect((await failure(producer.publish('x', { routingKey: 'q' }))).code).toBe('ERR_KOMBU_CLOSED');
    }));

  it('leaves a channel open that it was given', () =>
    with_(async (connection) => {
      const channel = connection.channel();
      {
        await using producer = new Producer(channel);
        expect(producer.channel).toBe(channel);
        await producer.publish('x', { routingKey: 'q' });
      }
      expect(channel.state).toBe('open');
    }));

  it('goes on with another channel', () =>
    with_(async (connection) => {
      const producer = connection.producer({ routingKey: 'q' });
      const before = producer.channel;
      await producer.publish('1');
      const channel = connection.channel();
      producer.revive(channel);
      expect(producer.channel).toBe(channel);
      await producer.publish('2');
      await before.closed;
      expect(await queue.bind(connection).purge()).toBe(2);
    }));
});

describe('a publish with an option of the wrong kind', () => {
  it.each<[object, string]>([
    [{ routingKey: 5 }, 'routingKey'],
    [{ mandatory: 'yes' }, 'mandatory'],
    [{ replyTo: 5 }, 'replyTo'],
    [{ replyTo: {} }, 'replyTo'],
    [{ correlationId: 5 }, 'correlationId'],
    [{ messageId: {} }, 'messageId'],
    [{ headers: 5 }, 'headers'],
    [{ headers: ['a'] }, 'headers'],
    [{ properties: 'x' }, 'properties'],
    [{ signal: 5, exchange: new Exchange('e') }, 'signal'],
  ])('%j is an InvalidOptionError that names it', async (options, name) => {
    await with_(async (connection) => {
      const publishing = connection.producer().publish('x', { routingKey: 'q', ...options });
      await expect(publishing).rejects.toMatchObject({ code: 'ERR_KOMBU_INVALID_OPTION' });
      await expect(publishing).rejects.toThrow(`'${name}'`);
    });
  });
});

describe('binary bodies', () => {
  it.each<[string, (memory: ArrayBuffer) => unknown]>([
    ['a Uint8Array', (memory) => new Uint8Array(memory)],
    ['a DataView', (memory) => new DataView(memory)],
    ['an ArrayBuffer', (memory) => memory],
  ])('%s may be written to once publish was called', async (_, view) => {
    await with_(async (connection) => {
      const memory = new ArrayBuffer(2);
      const publishing = connection.producer().publish(view(memory), { routingKey: 'q' });
      new Uint8Array(memory).fill(7);
      await publishing;
      const message = await queue.bind(connection).get();
      expect([...(message?.body ?? [])]).toEqual([0, 0]);
    });
  });
});
