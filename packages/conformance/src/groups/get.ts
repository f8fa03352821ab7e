import assert from 'node:assert/strict';
import { declare, drain, fetchMany, fetchOne, holds, isEmpty, send } from '../actions.js';
import { group, testCase } from '../case.js';
import { idOf, ids } from '../collector.js';
import { refuses } from '../expect.js';

/** Taking one message at a time. */
export const get = group('get', [
  testCase('an empty queue gives undefined, at once', async (t) => {
    const connection = await t.connection();
    const queue = t.queue();
    await declare(connection, queue);
    assert.equal(await queue.bind(connection).get(), undefined);
  }),

  testCase('a queue that is not there is NOT_FOUND', async (t) => {
    const connection = await t.connection();
    await refuses('get', () => t.queue().bind(connection).get(), 'NOT_FOUND');
  }),

  testCase('what was taken is hidden until it is settled', async (t) => {
    const [connection, other] = [await t.connection(), await t.open()];
    const queue = t.queue();
    await declare(connection, queue);
    await send(t, connection, queue, ['it']);
    const message = await fetchOne(t, connection, queue);
    assert.equal(await queue.bind(other).get(), undefined);
    await message.ack({ confirm: true });
    await isEmpty(t, other, queue);
  }),

  testCase('with noAck it is gone at once', async (t) => {
    const connection = await t.connection();
    const queue = t.queue();
    await declare(connection, queue);
    await send(t, connection, queue, ['it']);
    await fetchOne(t, connection, queue, { noAck: true });
    await connection.close();
    await isEmpty(t, await t.open(), queue);
  }),

  testCase('many are taken one after the other, and settled in any order', async (t) => {
    const connection = await t.connection();
    const queue = t.queue();
    await declare(connection, queue);
    await send(t, connection, queue, ids(10));
    const messages = await fetchMany(t, connection, queue, 10);
    assert.equal(new Set(messages.map(idOf)).size, 10);
    const requeued: string[] = [];
    for (const [i, message] of messages.reverse().entries()) {
      if (i % 2 === 0) await message.ack();
      else {
        requeued.push(idOf(message));
        await message.requeue();
      }
    }
    await holds(t, connection, queue, requeued);
  }),

  testCase('what was taken and not settled comes back when the connection is closed', async (t) => {
    const [connection, other] = [await t.connection(), await t.open()];
    const queue = t.queue();
    await declare(other, queue);
    await send(t, other, queue, ids(4));
    await fetchMany(t, connection, queue, 3);
    await connection.close();
    assert.deepEqual((await drain(t, other, queue)).sort(), ids(4));
  }),
]);
