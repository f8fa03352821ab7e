import assert from 'node:assert/strict';
import { consume, declare, drain, fetchOne, send } from '../actions.js';
import { group, testCase } from '../case.js';
import { idOf } from '../collector.js';
import type { CaseContext } from '../context.js';
import { priorities } from '../features.js';

const features = [priorities];

/** Priorities that the transport tells apart: all ten, or evenly spread ones where it has fewer. */
async function distinctPriorities(t: CaseContext): Promise<number[]> {
  const n = Math.min(10, (await t.capabilities()).priorities);
  return n >= 10
    ? [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]
    : Array.from({ length: n }, (_, i) => Math.round((9 * i) / Math.max(1, n - 1)));
}

/** 9 is first, 0 is last. */
export const priority = group('priority', [
  testCase(
    'the higher priority comes first; equals keep their order',
    async (t) => {
      const connection = await t.connection();
      const queue = t.queue({ maxPriority: 9 });
      await declare(connection, queue);
      const levels = await distinctPriorities(t);
      const sent: { id: string; level: number }[] = [];
      for (const round of [1, 2]) {
        for (const level of [...levels].sort((a, b) => ((a * 7) % 10) - ((b * 7) % 10))) {
          await send(t, connection, queue, [`${level}.${round}`], { priority: level });
          sent.push({ id: `${level}.${round}`, level });
        }
      }
      const expected = sent.sort((a, b) => b.level - a.level).map((m) => m.id);
      const found = await drain(t, connection, queue);
      if (connection.capabilities.order === 'fifo') assert.deepEqual(found, expected);
      else {
        const level = (id: string): number => Number(id.split('.')[0]);
        assert.deepEqual(found.map(level), expected.map(level));
      }
    },
    { features },
  ),

  testCase(
    'a consumer gets the higher priority first, also what came later',
    async (t) => {
      const connection = await t.connection();
      const queue = t.queue({ maxPriority: 9 });
      await declare(connection, queue);
      const got = await t.collector();
      await consume(connection, queue, got.hold, { prefetchCount: 1, concurrency: 1 });
      await send(t, connection, queue, ['first']);
      await got.waitFor(1);
      for (const id of ['low1', 'low2']) await send(t, connection, queue, [id], { priority: 0 });
      await send(t, connection, queue, ['high'], { priority: 9 });
      for (let i = 0; i < 4; i++) {
        await got.waitFor(i + 1);
        await got.messages[i]?.ack();
      }
      const distinguished = got.arrivals;
      assert.deepEqual(distinguished.slice(0, 2), ['first', 'high']);
      got.assertExactly(['first', 'high', 'low1', 'low2']);
    },
    { features },
  ),

  testCase(
    'a requeued message keeps its priority',
    async (t) => {
      const connection = await t.connection();
      const queue = t.queue({ maxPriority: 9 });
      await declare(connection, queue);
      await send(t, connection, queue, ['low'], { priority: 0 });
      await send(t, connection, queue, ['high'], { priority: 9 });
      const high = await fetchOne(t, connection, queue);
      assert.equal(idOf(high), 'high');
      assert.equal(high.properties.priority, 9);
      const low = await fetchOne(t, connection, queue);
      await low.requeue();
      await high.requeue();
      assert.deepEqual(await drain(t, connection, queue), ['high', 'low']);
    },
    { features },
  ),

  testCase(
    'a message without a priority is among the last',
    async (t) => {
      const connection = await t.connection();
      const queue = t.queue({ maxPriority: 9 });
      await declare(connection, queue);
      await send(t, connection, queue, ['none']);
      await send(t, connection, queue, ['high'], { priority: 9 });
      assert.deepEqual(await drain(t, connection, queue), ['high', 'none']);
    },
    { features },
  ),
]);
