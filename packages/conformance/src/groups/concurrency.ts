import assert from 'node:assert/strict';
import type { Message } from '@kombu/core';
import { consume, declare, holds, isEmpty, ready, send } from '../actions.js';
import { group, testCase } from '../case.js';
import { ids } from '../collector.js';
import { pass } from '../wait.js';

/** Many consumers, producers and queues at once. */
export const concurrency = group('concurrency', [
  testCase('two consumers of two connections share a queue; no message comes twice', async (t) => {
    const connection = await t.connection();
    const queue = t.queue();
    await declare(connection, queue);
    const got = await t.collector();
    const shares = [0, 0];
    for (const i of [0, 1]) {
      const handler = async (message: Message): Promise<void> => {
        shares[i] = (shares[i] ?? 0) + 1;
        await pass(t.random.between(0, 3));
        await got.ack(message);
      };
      await consume(await t.open(), queue, handler, { prefetchCount: 5 });
    }
    await send(t, connection, queue, ids(200));
    await got.waitFor(ids(200));
    got.assertExactly(ids(200));
    assert.ok(Math.min(...shares) > 0, `both get messages: ${shares.join(' and ')}`);
  }),

  testCase('two consumers of one queue in one connection both get messages', async (t) => {
    const connection = await t.connection();
    const queue = t.queue();
    await declare(connection, queue);
    const [one, two] = [await t.collector(), await t.collector()];
    await consume(connection, queue, one.hold, { prefetchCount: 5 });
    await consume(connection, queue, two.hold, { prefetchCount: 5 });
    await send(t, connection, queue, ids(10));
    await one.waitFor(5);
    await two.waitFor(5);
    assert.deepEqual([...one.distinct, ...two.distinct].sort(), ids(10).sort());
    for (const message of [...one.messages, ...two.messages]) await message.ack();
  }),

  testCase('ten producers on ten connections lose nothing', async (t) => {
    const connection = await t.connection();
    const queue = t.queue();
    await declare(connection, queue);
    const got = await t.collector();
    await consume(connection, queue, got.ack);
    const publishing = Array.from({ length: 10 }, async (_, i) => send(t, await t.open(), queue, ids(30, `p${i}-`)));
    await Promise.all(publishing);
    const all = Array.from({ length: 10 }, (_, i) => ids(30, `p${i}-`)).flat();
    await got.waitFor(all);
    got.assertExactly(all);
  }),

  testCase('many empty queues do not starve a full one, nor does a full one an almost empty one', async (t) => {
    const connection = await t.connection();
    const empty = Array.from({ length: 30 }, () => t.queue());
    const [full, rare] = [t.queue(), t.queue()];
    const got = await t.collector();
    await consume(connection, [...empty, full, rare], got.ack, { prefetchCount: 5 });
    await send(t, connection, full, ids(150));
    const before = got.size;
    await send(t, connection, rare, ['rare']);
    await got.waitFor(['rare']);
    await got.waitFor([...ids(150), 'rare']);
    got.assertExactly([...ids(150), 'rare']);
    assert.ok(before <= 150);
    const [last] = empty.slice(-1);
    if (last !== undefined) await send(t, connection, last, ['last']);
    await got.waitFor(['last']);
  }),

  testCase('a queue that is added while the consumer waits is consumed at once', async (t) => {
    const connection = await t.connection();
    const [first, second] = [t.queue(), t.queue()];
    const got = await t.collector();
    const consumer = await consume(connection, first, got.ack);
    await declare(connection, second);
    await send(t, connection, second, ['early']);
    await consumer.addQueue(second);
    await consumer.consume();
    await got.waitFor(['early']);
    await send(t, connection, second, ['late']);
    await send(t, connection, first, ['other']);
    await got.waitFor(['late', 'other']);
    got.assertExactly(['early', 'late', 'other']);
    assert.equal(consumer.consumingFrom(second), true);
  }),

  testCase('nothing is delivered after a cancel has resolved, also when it was waiting', async (t) => {
    const connection = await t.connection();
    const [first, second] = [t.queue(), t.queue()];
    const got = await t.collector();
    const consumer = await consume(connection, [first, second], got.ack);
    await t.within('cancel of one queue', consumer.cancelByQueue(first));
    await send(t, connection, first, ['not this']);
    await send(t, connection, second, ['this']);
    await got.waitFor(['this']);
    assert.equal(await ready(connection, first), 1);
    await t.within('cancel', consumer.cancel());
    await send(t, connection, second, ['nor this']);
    await holds(t, connection, first, ['not this']);
    await holds(t, connection, second, ['nor this']);
    got.assertExactly(['this']);
  }),

  testCase('flow(false) keeps messages from the handler, flow(true) lets them come again', async (t) => {
    const connection = await t.connection();
    const [queue, other] = [t.queue(), t.queue()];
    const [got, meanwhile] = [await t.collector(), await t.collector()];
    const consumer = await consume(connection, queue, got.ack);
    await consume(connection, other, meanwhile.ack);
    await send(t, connection, queue, ['before']);
    await got.waitFor(['before']);
    await consumer.flow(false);
    await send(t, connection, queue, ids(5));
    await send(t, connection, other, ids(20));
    await meanwhile.waitFor(ids(20));
    got.assertExactly(['before']);
    await consumer.flow(true);
    await got.waitFor(['before', ...ids(5)]);
    await consumer.close();
    await isEmpty(t, connection, queue);
  }),

  testCase('consumers that come and go while messages flow lose and double nothing', async (t) => {
    const connection = await t.connection();
    const queue = t.queue();
    await declare(connection, queue);
    const got = await t.collector();
    const all = ids(200);
    const publishing = send(t, connection, queue, all);
    while (got.size < all.length) {
      const before = got.size;
      const consumer = await consume(connection, queue, got.ack, { prefetchCount: t.random.between(1, 20) });
      await got.waitFor(Math.min(all.length, before + t.random.between(1, 30)));
      await consumer.close();
    }
    await publishing;
    got.assertExactly(all);
    await isEmpty(t, connection, queue);
  }),
]);
