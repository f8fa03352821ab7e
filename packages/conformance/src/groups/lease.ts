import assert from 'node:assert/strict';
import type { Message } from '@kombu/core';
import { consume, declare, fetchOne, isEmpty, send } from '../actions.js';
import { group, testCase } from '../case.js';
import { idOf, ids } from '../collector.js';
import { pass } from '../wait.js';

/** How long a message stays with its consumer: as long as its process lives. */
export const lease = group('lease', [
  testCase(
    'a handler that takes longer than the lease keeps its message, and can settle it',
    async (t) => {
      const watching = await t.connection();
      const options = await t.leaseOptions();
      const [working, other] = [await t.open(options), await t.open(options)];
      const queue = t.queue();
      await declare(watching, queue);
      await send(t, watching, queue, ids(4));
      const [mine, theirs] = [await t.collector(), await t.collector()];
      const ended: string[] = [];
      const handler = async (message: Message): Promise<void> => {
        mine.add(message);
        await pass(t.leaseMs * 2.5);
        await message.ack({ confirm: true });
        ended.push(idOf(message));
      };
      await consume(working, queue, handler, { prefetchCount: 3 });
      await mine.waitFor(3);
      const last = await fetchOne(t, working, queue);
      await consume(other, queue, theirs.ack, { prefetchCount: 10 });
      await t.until('the handlers end', () => ended.length === 3, t.leaseMs * 3 + t.waitMs);
      assert.equal(theirs.size, 0, 'a message was given to another consumer while its handler ran');
      await last.ack({ confirm: true });
      await working.close();
      await other.close();
      mine.assertExactly(ended);
      await isEmpty(t, watching, queue);
    },
    { extraMs: 30_000 },
  ),

  testCase(
    'what was requeued or released can be taken at once, without waiting for a lease',
    async (t) => {
      const connection = await t.connection();
      const queue = t.queue();
      await declare(connection, queue);
      await send(t, connection, queue, ids(6));
      const got = await t.collector();
      const consumer = await consume(connection, queue, got.hold, { prefetchCount: 6 });
      await got.waitFor(6);
      await got.messages[0]?.requeue();
      await consumer.close({ drainMs: 0 });
      const fresh = await t.open();
      const again = await t.collector();
      await consume(fresh, queue, again.ack);
      // The lease of this connection is a minute or more: only a release can be quicker than that.
      await again.waitFor(ids(6));
      again.assertExactly(ids(6));
    },
    { extraMs: 30_000 },
  ),
]);
