import assert from 'node:assert/strict';
import type { Message } from '@kombu/core';
import { consume, declare, drain, holds, isEmpty, send } from '../actions.js';
import { group, testCase } from '../case.js';
import { idOf, ids } from '../collector.js';
import type { CaseContext } from '../context.js';
import { pass } from '../wait.js';

/** A consumer with this prefetch holds so many messages and no more: everybody else can have the rest. */
async function neverExceeded(t: CaseContext, prefetchCount: number): Promise<void> {
  const connection = await t.connection();
  const queue = t.queue();
  const all = ids(prefetchCount * 2 + 3);
  await declare(connection, queue);
  await send(t, connection, queue, all);
  const got = await t.collector();
  const consumer = await consume(connection, queue, got.hold, { prefetchCount });
  await got.waitFor(prefetchCount);
  const other = await t.open();
  const rest = await drain(t, other, queue);
  assert.equal(rest.length, all.length - prefetchCount, 'everything beyond the prefetch is there for others');
  assert.equal(got.size, prefetchCount);
  await send(t, connection, queue, ['more']);
  await got.messages[0]?.ack();
  await got.waitFor(prefetchCount + 1);
  got.assertExactly([...all.filter((id) => !rest.includes(id)), 'more']);
  for (const message of got.messages.slice(1)) await message.ack();
  await consumer.close();
  await isEmpty(t, connection, queue);
}

/** How many unsettled messages a consumer may hold. */
export const prefetch = group('prefetch', [
  testCase('1 is never exceeded', (t) => neverExceeded(t, 1)),
  testCase('2 is never exceeded', (t) => neverExceeded(t, 2)),
  testCase('50 is never exceeded', (t) => neverExceeded(t, 50)),

  testCase('is never exceeded over time, with slow handlers and two queues', async (t) => {
    const connection = await t.connection();
    const [one, two] = [t.queue(), t.queue()];
    await declare(connection, one, two);
    const got = await t.collector();
    let [now, most] = [0, 0];
    const handler = async (message: Message): Promise<void> => {
      now += 1;
      most = Math.max(most, now);
      await pass(t.random.between(0, 8));
      now -= 1;
      await got.ack(message);
    };
    await consume(connection, [one, two], handler, { prefetchCount: 4 });
    await send(t, connection, one, ids(60, 'a'));
    await send(t, connection, two, ids(60, 'b'));
    const all = [...ids(60, 'a'), ...ids(60, 'b')];
    await got.waitFor(all);
    got.assertExactly(all);
    assert.ok(most <= 4, `${most} at once, with a prefetch of 4`);
    assert.ok(most >= 2, 'handlers run side by side');
  }),

  testCase('one slow message does not hold up the others', async (t) => {
    const connection = await t.connection();
    const queue = t.queue();
    await declare(connection, queue);
    const got = await t.collector();
    let slow: Message | undefined;
    const handler = async (message: Message): Promise<void> => {
      if (idOf(message) === 'slow') slow = message;
      else await got.ack(message);
    };
    await consume(connection, queue, handler, { prefetchCount: 2 });
    await send(t, connection, queue, ['slow', ...ids(50)]);
    await got.waitFor(ids(50));
    await slow?.ack();
    got.assertExactly(ids(50));
  }),

  testCase('is raised while consuming, and lowered', async (t) => {
    const connection = await t.connection();
    const queue = t.queue();
    await declare(connection, queue);
    await send(t, connection, queue, ids(20));
    const got = await t.collector();
    const consumer = await consume(connection, queue, got.hold, { prefetchCount: 2, concurrency: 20 });
    await got.waitFor(2);
    await consumer.qos({ prefetchCount: 5 });
    await got.waitFor(5);
    const rest = await drain(t, await t.open(), queue);
    assert.equal(rest.length, 15);
    await consumer.qos({ prefetchCount: 1 });
    for (const message of [...got.messages]) await message.ack();
    await send(t, connection, queue, ['x', 'y']);
    await got.waitFor(6);
    assert.equal((await drain(t, await t.open(), queue)).length, 1, 'one is held, the other is there for others');
  }),

  testCase('every way to settle frees the slot', async (t) => {
    const connection = await t.connection();
    const queue = t.queue();
    await declare(connection, queue);
    const got = await t.collector();
    const handler = async (message: Message): Promise<void> => {
      const id = got.add(message);
      const kind = Number(id.slice(1)) % 3;
      if (kind === 0) await message.ack();
      else if (kind === 1 || message.deliveryInfo.redelivered) await message.reject();
      else await message.requeue();
    };
    await consume(connection, queue, handler, { prefetchCount: 1 });
    await send(t, connection, queue, ids(30));
    await got.waitFor(ids(30));
    await t.until('the requeued ones came again', () => got.arrivals.length >= 40);
    await isEmpty(t, connection, queue);
  }),

  testCase('0 is no limit', async (t) => {
    const connection = await t.connection();
    const queue = t.queue();
    await declare(connection, queue);
    await send(t, connection, queue, ids(120));
    const got = await t.collector();
    const consumer = await consume(connection, queue, got.hold, { prefetchCount: 0, concurrency: 200 });
    await got.waitFor(ids(120));
    await consumer.close({ drainMs: 0 });
    await holds(t, connection, queue, ids(120));
  }),
]);
