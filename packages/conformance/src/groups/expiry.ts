import assert from 'node:assert/strict';
import { consume, declare, drain, fetchOne, holds, info, send } from '../actions.js';
import { group, testCase } from '../case.js';
import { ids } from '../collector.js';
import { expiryMs, messageTtl, queueExpiry, queueTtl } from '../features.js';
import { pass } from '../wait.js';

/** Messages and queues that do not last. */
export const expiry = group('expiry', [
  testCase(
    'an expired message is not delivered, neither by get nor to a consumer; the others are',
    async (t) => {
      const connection = await t.connection();
      const ms = expiryMs(connection.capabilities);
      const [gotten, consumed] = [t.queue(), t.queue()];
      await declare(connection, gotten, consumed);
      for (const queue of [gotten, consumed]) {
        await send(t, connection, queue, ids(3, 'short'), { expirationMs: ms });
        await send(t, connection, queue, ['stays'], { expirationMs: 600_000 });
        await send(t, connection, queue, ['for ever']);
      }
      await pass(ms * 2);
      await holds(t, connection, gotten, ['stays', 'for ever']);
      const got = await t.collector();
      await consume(connection, consumed, got.ack);
      await got.waitFor(['stays', 'for ever']);
      got.assertExactly(['stays', 'for ever']);
    },
    { features: [messageTtl] },
  ),

  testCase(
    'a message that is taken before it expires is delivered',
    async (t) => {
      const connection = await t.connection();
      const ms = expiryMs(connection.capabilities);
      const queue = t.queue();
      await declare(connection, queue);
      await send(t, connection, queue, ['it'], { expirationMs: ms * 20 });
      const message = await fetchOne(t, connection, queue);
      await pass(ms);
      await message.ack({ confirm: true });
      await holds(t, connection, queue, []);
    },
    { features: [messageTtl] },
  ),

  testCase(
    "a queue's expiry is that of every message in it",
    async (t) => {
      const connection = await t.connection();
      const ms = expiryMs(connection.capabilities);
      const queue = t.queue({ messageTtlMs: ms * 4 });
      await declare(connection, queue);
      await send(t, connection, queue, ids(3));
      await holds(t, connection, queue, ids(3), 'what is taken in time');
      await send(t, connection, queue, ids(3));
      await pass(ms * 8);
      assert.deepEqual(await drain(t, connection, queue), []);
    },
    { features: [queueTtl] },
  ),

  testCase(
    "of the message's and the queue's expiry the shorter counts",
    async (t) => {
      const connection = await t.connection();
      const ms = expiryMs(connection.capabilities);
      const [short, long] = [t.queue({ messageTtlMs: ms }), t.queue({ messageTtlMs: 600_000 })];
      await declare(connection, short, long);
      await send(t, connection, short, ['by the queue'], { expirationMs: 600_000 });
      await send(t, connection, long, ['by itself'], { expirationMs: ms });
      await send(t, connection, long, ['stays']);
      await pass(ms * 2);
      assert.deepEqual(await drain(t, connection, short), []);
      assert.deepEqual(await drain(t, connection, long), ['stays']);
    },
    { features: [messageTtl, queueTtl] },
  ),

  testCase(
    'a queue that nobody uses for its time is deleted; one with a consumer stays',
    async (t) => {
      const connection = await t.connection();
      // A queue in use is marked as used again and again, which a busy machine has to have time for.
      const ms = Math.max(1000, expiryMs(connection.capabilities) * 2);
      const [unused, used] = [t.queue({ expiresMs: ms }), t.queue({ expiresMs: ms })];
      await declare(connection, unused, used);
      const got = await t.collector();
      await consume(connection, used, got.ack);
      const isGone = async (): Promise<boolean> => {
        await pass(ms * 2);
        return info(connection, unused).then(
          () => false,
          (error: { code?: string }) => error.code === 'ERR_KOMBU_NOT_FOUND',
        );
      };
      await t.until('the unused queue is gone', isGone, t.waitMs + ms * 4);
      assert.equal((await info(connection, used)).consumerCount, 1);
      await send(t, connection, used, ['it']);
      await got.waitFor(['it']);
    },
    { features: [queueExpiry] },
  ),
]);
