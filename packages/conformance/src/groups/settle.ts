import assert from 'node:assert/strict';
import type { Message } from '@kombu/core';
import { consume, declare, drain, fetchMany, fetchOne, holds, isEmpty, ready, send } from '../actions.js';
import { group, testCase } from '../case.js';
import { idOf, ids } from '../collector.js';
import { refuses } from '../expect.js';
import { fanoutExchanges, topicExchanges } from '../features.js';

/** Acknowledging, rejecting, requeueing. */
export const settle = group('settle', [
  testCase('ack removes, reject drops, requeue brings back', async (t) => {
    const connection = await t.connection();
    const queue = t.queue();
    await declare(connection, queue);
    await send(t, connection, queue, ids(4));
    const messages = await fetchMany(t, connection, queue, 4);
    const by = new Map(messages.map((message) => [idOf(message), message]));
    await by.get('m0')?.ack({ confirm: true });
    await by.get('m1')?.reject();
    await by.get('m2')?.requeue();
    await by.get('m3')?.reject({ requeue: true });
    await holds(t, connection, queue, ['m2', 'm3']);
    await connection.close();
    await isEmpty(t, await t.open(), queue);
  }),

  testCase('a requeued message is flagged as redelivered; the first time it is not', async (t) => {
    const connection = await t.connection();
    const queue = t.queue();
    await declare(connection, queue);
    await send(t, connection, queue, ['it']);
    const first = await fetchOne(t, connection, queue);
    assert.equal(first.deliveryInfo.redelivered, false);
    await first.requeue();
    const second = await fetchOne(t, connection, queue);
    assert.equal(second.deliveryInfo.redelivered, true);
    assert.equal(idOf(second), 'it');
    await second.requeue();
    const got = await t.collector();
    const flags: boolean[] = [];
    await consume(connection, queue, async (message: Message) => {
      flags.push(message.deliveryInfo.redelivered);
      await got.ack(message);
    });
    await got.waitFor(['it']);
    assert.deepEqual(flags, [true]);
  }),

  testCase('a requeued message keeps its body, headers, properties and where it came from', async (t) => {
    const connection = await t.connection();
    const queue = t.queue({ exchange: t.exchange('direct'), routingKey: 'k' });
    await declare(connection, queue);
    await send(t, connection, { exchange: queue.exchange, routingKey: 'k' }, ['it'], {
      headers: { h: ['ü', 1] },
      correlationId: 'c',
    });
    for (let i = 0; i < 3; i++) {
      const message = await fetchOne(t, connection, queue);
      assert.deepEqual([idOf(message), message.headers.h, message.properties.correlationId], ['it', ['ü', 1], 'c']);
      assert.deepEqual([message.deliveryInfo.exchange, message.deliveryInfo.routingKey], [queue.exchange.name, 'k']);
      await message.requeue();
    }
    await holds(t, connection, queue, ['it']);
  }),

  testCase(
    'a requeued message of a topic exchange returns to its own queue only',
    async (t) => {
      const connection = await t.connection();
      const exchange = t.exchange('topic');
      const [one, two] = [t.queue({ exchange, routingKey: 'a.#' }), t.queue({ exchange, routingKey: '#.b' })];
      await declare(connection, one, two);
      await send(t, connection, { exchange, routingKey: 'a.b' }, ['it']);
      await (await fetchOne(t, connection, one)).requeue();
      await holds(t, connection, one, ['it']);
      await holds(t, connection, two, ['it']);
    },
    { features: [topicExchanges] },
  ),

  testCase(
    'a requeued message of a fanout exchange returns to its own queue only',
    async (t) => {
      const connection = await t.connection();
      const exchange = t.exchange('fanout');
      const queues = [t.queue({ exchange }), t.queue({ exchange }), t.queue({ exchange })];
      const collectors = [await t.collector(), await t.collector(), await t.collector()];
      let requeued = false;
      const handler = (i: number) => async (message: Message) => {
        collectors[i]?.add(message);
        if (i > 0 || requeued) return message.ack();
        requeued = true;
        return message.requeue();
      };
      for (const [i, queue] of queues.entries()) await consume(connection, queue, handler(i));
      await send(t, connection, { exchange }, ['it']);
      for (const got of collectors) await got.waitFor(['it']);
      await t.until('the message comes again', () => collectors[0]?.arrivals.length === 2);
      await send(t, connection, { exchange }, ['end']);
      for (const got of collectors) await got.waitFor(['end']);
      assert.deepEqual(
        collectors.map((got) => got.arrivals.filter((id) => id === 'it').length),
        [2, 1, 1],
      );
    },
    { features: [fanoutExchanges] },
  ),

  testCase('settling twice is ALREADY_SETTLED, whatever the two are, and changes nothing', async (t) => {
    const connection = await t.connection();
    const queue = t.queue();
    await declare(connection, queue);
    const ways = ['ack', 'reject', 'requeue'] as const;
    for (const first of ways) {
      await send(t, connection, queue, ['it']);
      const message = await fetchOne(t, connection, queue);
      assert.equal(message.acknowledged, false);
      await message[first]();
      assert.equal(message.acknowledged, true);
      for (const second of ways) await refuses(`${first}, ${second}`, () => message[second](), 'ALREADY_SETTLED');
      await holds(t, connection, queue, first === 'requeue' ? ['it'] : []);
    }
  }),

  testCase('ack with multiple settles everything of its channel up to it, and nothing after it', async (t) => {
    const connection = await t.connection();
    const queue = t.queue();
    await declare(connection, queue);
    await send(t, connection, queue, ids(10));
    const got = await t.collector();
    const consumer = await consume(connection, queue, got.hold, { prefetchCount: 10 });
    await got.waitFor(10);
    await got.messages[5]?.ack({ multiple: true, confirm: true });
    const rest = got.messages.slice(6).map(idOf);
    await refuses('one of those before', () => got.messages[2]?.ack(), 'ALREADY_SETTLED');
    await consumer.close({ drainMs: 0 });
    await holds(t, connection, queue, rest);
  }),

  testCase('deliveries of two queues with the same tags are not mixed up', async (t) => {
    const connection = await t.connection();
    const [one, two] = [t.queue(), t.queue()];
    await declare(connection, one, two);
    await send(t, connection, one, ids(5, 'a'));
    await send(t, connection, two, ids(5, 'b'));
    const [fromOne, fromTwo] = [await t.collector(), await t.collector()];
    const first = await consume(connection, one, fromOne.hold, { prefetchCount: 5 });
    const second = await consume(connection, two, fromTwo.hold, { prefetchCount: 5 });
    await fromOne.waitFor(5);
    await fromTwo.waitFor(5);
    const keep = fromOne.messages.slice(2).map(idOf);
    for (const message of fromOne.messages.slice(0, 2)) await message.ack({ confirm: true });
    await first.close({ drainMs: 0 });
    await second.close({ drainMs: 0 });
    await holds(t, connection, one, keep);
    await holds(t, connection, two, ids(5, 'b'));
  }),

  testCase('what one consumer settles frees nothing of another one', async (t) => {
    const connection = await t.connection();
    const queue = t.queue();
    await declare(connection, queue);
    const got = await t.collector();
    const holder = await consume(connection, queue, got.hold, { prefetchCount: 1 });
    await send(t, connection, queue, ids(6));
    await got.waitFor(1);
    const rest = await t.collector();
    const worker = await consume(await t.open(), queue, rest.ack, { prefetchCount: 2 });
    await rest.waitFor(5);
    assert.equal(got.size, 1);
    await worker.close();
    await holder.close({ drainMs: 0 });
    await holds(t, connection, queue, got.distinct);
  }),

  testCase('recover brings back everything unsettled of a consumer', async (t) => {
    const connection = await t.connection();
    const queue = t.queue();
    await declare(connection, queue);
    await send(t, connection, queue, ids(5));
    const got = await t.collector();
    const again = await t.collector();
    let recovered = false;
    const handler = async (message: Message): Promise<void> => {
      if (!recovered) got.add(message);
      else await again.ack(message);
    };
    const consumer = await consume(connection, queue, handler, { prefetchCount: 5 });
    await got.waitFor(5);
    recovered = true;
    await consumer.recover({ requeue: true });
    await again.waitFor(ids(5));
    assert.ok(again.messages.every((message) => message.deliveryInfo.redelivered));
    await consumer.close();
    await isEmpty(t, connection, queue);
  }),

  testCase('a settlement is there before the next operation of the same connection', async (t) => {
    const connection = await t.connection();
    const queue = t.queue();
    await declare(connection, queue);
    for (let i = 0; i < 20; i++) {
      await send(t, connection, queue, ['it']);
      const message = await fetchOne(t, connection, queue);
      message.requeue().catch(() => {});
      await t.until('it is ready again', async () => (await ready(connection, queue)) === 1);
      assert.deepEqual(await drain(t, connection, queue), ['it']);
    }
  }),
]);
