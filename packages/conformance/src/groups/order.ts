import assert from 'node:assert/strict';
import type { Message } from '@kombu/core';
import { consume, declare, drain, send } from '../actions.js';
import { group, testCase } from '../case.js';
import { idOf, ids } from '../collector.js';
import { pass } from '../wait.js';

/** First in, first out, where the transport says so; complete in any case. */
export const order = group('order', [
  testCase('one consumer gets the messages of one producer in order', async (t) => {
    const connection = await t.connection();
    const queue = t.queue();
    await declare(connection, queue);
    const got = await t.collector();
    await consume(connection, queue, got.ack, { prefetchCount: 7 });
    await send(t, connection, queue, ids(300));
    await got.waitFor(ids(300));
    got.assertExactly(ids(300));
    if (connection.capabilities.order === 'fifo') assert.deepEqual(got.distinct, ids(300));
  }),

  testCase('publishes that are not awaited keep their order, large and small', async (t) => {
    const connection = await t.connection();
    const queue = t.queue();
    await declare(connection, queue);
    const producer = t.producer(connection);
    const pads = [0, 20_000, 10, 3_000, 1];
    const publishes = ids(60).map((id, i) =>
      producer.publish({ id, pad: 'x'.repeat(pads[i % pads.length] ?? 0) }, { routingKey: queue.name }),
    );
    await Promise.all(publishes);
    const found = await drain(t, connection, queue);
    assert.deepEqual([...found].sort(), ids(60).sort());
    if (connection.capabilities.order === 'fifo') assert.deepEqual(found, ids(60));
  }),

  testCase('handlers start in order, also when some take longer', async (t) => {
    const connection = await t.connection();
    const queue = t.queue();
    await declare(connection, queue);
    await send(t, connection, queue, ids(60));
    const got = await t.collector();
    const handler = async (message: Message): Promise<void> => {
      got.add(message);
      await pass(t.random.between(0, 5));
      await message.ack();
    };
    await consume(connection, queue, handler, { prefetchCount: 10 });
    await got.waitFor(ids(60));
    if (connection.capabilities.order === 'fifo') assert.deepEqual(got.distinct, ids(60));
    got.assertExactly(ids(60));
  }),

  testCase('with concurrency 1 a handler starts when the one before it has ended', async (t) => {
    const connection = await t.connection();
    const queue = t.queue();
    await declare(connection, queue);
    await send(t, connection, queue, ids(20));
    const got = await t.collector();
    let running = 0;
    let most = 0;
    const handler = async (message: Message): Promise<void> => {
      running += 1;
      most = Math.max(most, running);
      await pass(t.random.between(0, 3));
      running -= 1;
      await got.ack(message);
    };
    await consume(connection, queue, handler, { prefetchCount: 10, concurrency: 1 });
    await got.waitFor(ids(20));
    assert.equal(most, 1);
  }),

  testCase('what a consumer had not looked at goes back to the front when it is closed', async (t) => {
    const connection = await t.connection();
    const queue = t.queue();
    await declare(connection, queue);
    await send(t, connection, queue, ids(20));
    const seen: string[] = [];
    let letGo = (): void => {};
    const held = new Promise<void>((resolve) => {
      letGo = resolve;
    });
    const handler = async (message: Message): Promise<void> => {
      seen.push(idOf(message));
      await message.ack();
      if (seen.length === 5) await held;
    };
    const consumer = await consume(connection, queue, handler, { prefetchCount: 10, concurrency: 1 });
    await t.until('five messages', () => seen.length === 5);
    const closing = consumer.close();
    letGo();
    await closing;
    const rest = await drain(t, connection, queue);
    assert.deepEqual([...seen, ...rest].sort(), ids(20).sort());
    if (connection.capabilities.order === 'fifo') assert.deepEqual([...seen, ...rest], ids(20));
  }),
]);
