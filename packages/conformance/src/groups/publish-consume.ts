import assert from 'node:assert/strict';
import type { KombuError, Message } from '@kombu/core';
import { consume, declare, drain, fetchOne, holds, isEmpty, ready, send } from '../actions.js';
import { group, testCase } from '../case.js';
import { idOf, ids } from '../collector.js';
import { refuses } from '../expect.js';
import { directExchanges, mandatory } from '../features.js';

/** A message's way there, one and a thousand, and what happens to those that no queue takes. */
export const publishConsume = group('publish-consume', [
  testCase('one message, with everything that was said of it', async (t) => {
    const connection = await t.connection();
    const queue = t.queue({ exchange: t.exchange('direct'), routingKey: 'the key' });
    await declare(connection, queue);
    const timestamp = new Date('2024-05-06T07:08:09.000Z');
    await t.producer(connection).publish(
      { id: 'it', n: [1, 'two', null, true, { three: 3.5 }] },
      {
        exchange: queue.exchange,
        routingKey: 'the key',
        headers: { some: 'header' },
        correlationId: 'c-1',
        replyTo: 'answers',
        messageId: 'm-1',
        type: 'a-type',
        appId: 'an-app',
        timestamp,
      },
    );
    const message = await fetchOne(t, connection, queue);
    assert.deepEqual(message.payload, { id: 'it', n: [1, 'two', null, true, { three: 3.5 }] });
    assert.equal(message.headers.some, 'header');
    const { correlationId, replyTo, messageId, type, appId, deliveryMode } = message.properties;
    assert.deepEqual(
      [correlationId, replyTo, messageId, type, appId, deliveryMode],
      ['c-1', 'answers', 'm-1', 'a-type', 'an-app', 2],
    );
    assert.equal(message.properties.timestamp, timestamp.getTime() / 1000);
    const { exchange, routingKey, redelivered, queue: from } = message.deliveryInfo;
    assert.deepEqual([exchange, routingKey, redelivered, from], [queue.exchange.name, 'the key', false, queue.name]);
    await message.ack();
    await isEmpty(t, connection, queue);
  }),

  testCase('a thousand messages, published at once, all come', async (t) => {
    const [connection, other] = [await t.connection(), await t.open()];
    const queue = t.queue();
    await declare(connection, queue);
    const got = await t.collector();
    const consumer = await consume(other, queue, got.ack, { prefetchCount: 50 });
    await send(t, connection, queue, ids(1000));
    await got.waitFor(ids(1000), t.waitMs * 3);
    await consumer.close();
    got.assertExactly(ids(1000));
    await isEmpty(t, connection, queue);
  }),

  testCase('a consumer gets what was there before it, and what comes later', async (t) => {
    const connection = await t.connection();
    const queue = t.queue();
    await declare(connection, queue);
    await send(t, connection, queue, ids(5, 'early'));
    const got = await t.collector();
    await consume(connection, queue, got.ack);
    await got.waitFor(ids(5, 'early'));
    await send(t, connection, queue, ids(5, 'late'));
    await got.waitFor(ids(5, 'late'));
    got.assertExactly([...ids(5, 'early'), ...ids(5, 'late')]);
  }),

  testCase('publish declares what it is asked to, and a consumer its queues', async (t) => {
    const connection = await t.connection();
    const queue = t.queue({ exchange: t.exchange('direct'), routingKey: 'k' });
    const route = { exchange: queue.exchange, routingKey: 'k', declare: [queue] };
    await t.producer(connection).publish({ id: 'one' }, route);
    await holds(t, connection, queue, ['one']);
    const other = t.queue({ exchange: queue.exchange, routingKey: 'k' });
    const got = await t.collector();
    await consume(connection, other, got.ack);
    await t.producer(connection).publish({ id: 'two' }, route);
    await got.waitFor(['two']);
  }),

  testCase('the default exchange leads to the queue that the routing key names', async (t) => {
    const connection = await t.connection();
    const [one, two] = [t.queue(), t.queue()];
    await declare(connection, one, two);
    await send(t, connection, { exchange: '', routingKey: two.name }, ['it']);
    await isEmpty(t, connection, one);
    await holds(t, connection, two, ['it']);
  }),

  testCase('publishMany publishes all, in order', async (t) => {
    const connection = await t.connection();
    const queue = t.queue();
    await declare(connection, queue);
    const bodies = async function* (): AsyncGenerator<{ id: string }> {
      for (const id of ids(100)) yield { id };
    };
    await t.producer(connection).publishMany(bodies(), { routingKey: queue.name });
    const found = await drain(t, connection, queue);
    if (connection.capabilities.order === 'fifo') assert.deepEqual(found, ids(100));
    assert.deepEqual([...found].sort(), ids(100).sort());
  }),

  testCase('one bad item in publishMany is one error; the others are published', async (t) => {
    const connection = await t.connection();
    const queue = t.queue();
    await declare(connection, queue);
    const circle: Record<string, unknown> = { id: 'bad' };
    circle.self = circle;
    const bodies = [{ id: 'a' }, circle, { id: 'b' }];
    const publishing = t.producer(connection).publishMany(bodies, { routingKey: queue.name, serializer: 'json' });
    await assert.rejects(publishing, (error: AggregateError) => {
      assert.ok(error instanceof AggregateError);
      assert.equal(error.errors.length, 1);
      assert.equal(error.errors[0].code, 'ERR_KOMBU_ENCODE');
      return true;
    });
    await holds(t, connection, queue, ['a', 'b']);
  }),

  testCase('an exchange that nobody declared is NOT_FOUND; the producer works on', async (t) => {
    const connection = await t.connection();
    const producer = t.producer(connection);
    const nowhere = { exchange: t.name('x'), routingKey: 'k' };
    await refuses('publish', () => producer.publish({ id: 'lost' }, nowhere), 'NOT_FOUND');
    const queue = t.queue();
    await producer.publish({ id: 'it' }, { routingKey: queue.name, declare: [queue] });
    await holds(t, connection, queue, ['it']);
  }),

  testCase(
    'a message that no queue takes is dropped without mandatory, and NO_ROUTE with it',
    async (t) => {
      const connection = await t.connection();
      const queue = t.queue({ exchange: t.exchange('direct'), routingKey: 'k' });
      await declare(connection, queue);
      const producer = t.producer(connection);
      const { exchange } = queue;
      await producer.publish({ id: 'dropped' }, { exchange, routingKey: 'no' });
      const refused = (): Promise<void> =>
        producer.publish({ id: 'no' }, { exchange, routingKey: 'no', mandatory: true });
      await refuses('mandatory', refused, 'NO_ROUTE');
      await producer.publish({ id: 'yes' }, { exchange, routingKey: 'k', mandatory: true });
      await holds(t, connection, queue, ['yes']);
    },
    { features: [mandatory, directExchanges] },
  ),

  testCase(
    'with onReturn a message that no queue takes goes there, and publish resolves',
    async (t) => {
      const connection = await t.connection();
      const exchange = t.exchange('direct');
      await declare(connection, exchange);
      const returned: unknown[][] = [];
      const onReturn = (error: KombuError, from: string, key: string, message: Message): void => {
        returned.push([error.code, from, key, message.payload]);
      };
      const producer = t.producer(connection, { exchange, onReturn });
      await producer.publish({ id: 'it' }, { routingKey: 'no', mandatory: true });
      await t.until('the message comes back', () => returned.length > 0);
      assert.deepEqual(returned, [['ERR_KOMBU_NO_ROUTE', exchange.name, 'no', { id: 'it' }]]);
    },
    { features: [mandatory, directExchanges] },
  ),

  testCase('a noAck consumer leaves nothing behind, and settling its messages does nothing', async (t) => {
    const connection = await t.connection();
    const queue = t.queue();
    await declare(connection, queue);
    await send(t, connection, queue, ids(20));
    const got = await t.collector();
    const settle = async (message: Message): Promise<void> => {
      got.add(message);
      await message.requeue();
      await message.ack();
      await message.reject();
    };
    const consumer = await consume(connection, queue, settle, { noAck: true });
    await got.waitFor(ids(20));
    await consumer.close();
    got.assertExactly(ids(20));
    await isEmpty(t, connection, queue);
  }),

  testCase(
    'a consumer is an async iterator; break cancels it, and the yielded message can still be settled',
    async (t) => {
      const connection = await t.connection();
      const queue = t.queue();
      await declare(connection, queue);
      await send(t, connection, queue, ids(10));
      const seen: string[] = [];
      let last: Message | undefined;
      for await (const message of connection.consumer({ queues: [queue], prefetchCount: 5 })) {
        seen.push(idOf(message));
        last = message;
        if (seen.length === 3) break;
        await message.ack();
      }
      await last?.ack({ confirm: true });
      const rest = await drain(t, connection, queue);
      assert.deepEqual([...seen, ...rest].sort(), ids(10).sort());
      if (connection.capabilities.order === 'fifo') assert.deepEqual([...seen, ...rest], ids(10), 'the order is kept');
    },
  ),

  testCase(
    'a handler that throws loses nothing: the message comes again later, and others are not held up',
    async (t) => {
      const connection = await t.connection();
      const queue = t.queue();
      await declare(connection, queue);
      const got = await t.collector();
      const failures: number[] = [];
      const handler = async (message: Message): Promise<void> => {
        if (idOf(message) === 'bad' && failures.length < 2) {
          failures.push(performance.now());
          throw new Error('not this time');
        }
        await got.ack(message);
      };
      await consume(connection, queue, handler, { prefetchCount: 5 });
      await send(t, connection, queue, ['bad', ...ids(5)]);
      await got.waitFor(ids(5));
      assert.ok(failures.length <= 1, 'a poison message is not spun on');
      await got.waitFor(['bad']);
      got.assertExactly(['bad', ...ids(5)]);
      assert.ok((failures[1] ?? 0) - (failures[0] ?? 0) >= 900, 'it came again only after a second');
      await t.until('nothing is left', async () => (await ready(connection, queue)) === 0);
    },
  ),

  testCase('onError decides what becomes of the message of a handler that fails', async (t) => {
    const connection = await t.connection();
    const [dropped, again] = [t.queue(), t.queue()];
    await declare(connection, dropped, again);
    let [drops, tries] = [0, 0];
    const fail = (): void => {
      throw new Error('always');
    };
    const drop = (): 'reject' => {
      drops += 1;
      return 'reject';
    };
    await consume(connection, dropped, fail, { onError: drop });
    await consume(connection, again, fail, {
      onError: () => {
        tries += 1;
        return tries < 3 ? 'requeue' : 'ack';
      },
    });
    await send(t, connection, dropped, ['a']);
    await send(t, connection, again, ['b']);
    await t.until('both were decided', () => drops === 1 && tries === 3);
    await connection.close();
    const fresh = await t.open();
    await isEmpty(t, fresh, dropped);
    await isEmpty(t, fresh, again);
  }),
]);
