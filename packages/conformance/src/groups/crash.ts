import assert from 'node:assert/strict';
import type { Connection, Message, Queue } from '@kombu/core';
import { consume, declare, info, isEmpty, send } from '../actions.js';
import { group, testCase } from '../case.js';
import type { ChildProcessHandle } from '../child/child-process.js';
import type { Ledger } from '../child/ledger.js';
import { type Collector, ids } from '../collector.js';
import type { CaseContext } from '../context.js';
import { pass } from '../wait.js';

/** How long after a kill everything has to be back: the lease, and time for somebody to notice. */
function back(t: CaseContext): number {
  return t.leaseMs * 2 + t.waitMs;
}

/** How long a message may take to be consumed, at a slow broker on a busy machine. */
const DRAIN_MS = 5;

/**
 * How many messages nobody has begun to settle are in the queue before a kill. Those that the last few victims held are hidden
 * until their leases end, and there is still enough for the next one. It does not grow from kill to kill: some brokers look at
 * all messages for each command.
 */
const BACKLOG = 120;

/** Consumes everything that is left, until the wanted ids have come. */
async function drainAll(
  t: CaseContext,
  connection: Connection,
  queue: Queue,
  wanted: readonly string[],
  got: Collector,
): Promise<void> {
  const consumer = await consume(connection, queue, got.ack, { prefetchCount: 100 });
  try {
    await got.waitFor(wanted, back(t) + wanted.length * DRAIN_MS);
  } finally {
    await consumer.close();
  }
}

/**
 * What is known of messages that did not come back: which killed child had each of them last, and whether the broker has
 * something left. Where the broker counts what is held, an empty queue without a consumer says that they are gone.
 */
async function whereabouts(
  connection: Connection,
  queue: Queue,
  lost: readonly string[],
  killed: readonly Ledger[],
): Promise<string> {
  const byChild = new Map<number, string[]>();
  for (const id of lost) {
    const n = killed.findLastIndex((ledger) => ledger.delivered.has(id));
    byChild.set(n, [...(byChild.get(n) ?? []), id]);
  }
  const lines = [...byChild].map(([n, its]) => {
    const who = n < 0 ? 'no child' : `child ${n + 1} of ${killed.length}, with ${killed[n]?.delivered.size} delivered,`;
    return `${who} said that it had ${its.slice(0, 20).join(', ')}`;
  });
  const left = await info(connection, queue).then(
    (it) => `the queue has ${it.messageCount} messages ready and ${it.consumerCount} consumers`,
    (error) => `the queue does not answer: ${error}`,
  );
  return [...lines, left].join('\n');
}

/** Starts a child that consumes and acknowledges. */
async function worker(t: CaseContext, queue: Queue, hold: boolean, prefetchCount: number): Promise<ChildProcessHandle> {
  const child = await t.child(await t.leaseOptions());
  await child.tell('consume', { queue: queue.toJSON(), prefetchCount, hold, handlerMs: 20 });
  return child;
}

/** Processes that die. They are killed with SIGKILL: none of their code runs any more. */
export const crash = group(
  'crash',
  [
    testCase(
      'a process that is killed with 10 unsettled messages gives all 10 back, flagged, within its lease',
      async (t) => {
        const connection = await t.open(await t.leaseOptions());
        const queue = t.queue({ durable: true });
        await declare(connection, queue);
        await send(t, connection, queue, ids(10));
        const child = await worker(t, queue, true, 10);
        await child.until('it holds ten', (ledger) => ledger.held.length === 10);
        await isEmpty(t, connection, queue, 'all ten are hidden');
        assert.equal((await child.kill()).length, 10);
        const got = await t.collector();
        const flags: boolean[] = [];
        const handler = async (message: Message): Promise<void> => {
          flags.push(message.deliveryInfo.redelivered);
          await got.ack(message);
        };
        await consume(connection, queue, handler);
        await got.waitFor(ids(10), back(t));
        got.assertExactly(ids(10), { faults: true });
        assert.ok(flags.every(Boolean), 'they are flagged as redelivered');
      },
      { needs: ['child'], extraMs: 60_000 },
    ),

    testCase(
      'processes that are killed at random moments while they consume lose nothing',
      async (t) => {
        const connection = await t.open(await t.leaseOptions());
        const queue = t.queue({ durable: true });
        await declare(connection, queue);
        const { kills } = t.environment.scale;
        const sent: string[] = [];
        const settled = new Set<string>();
        const begun = new Set<string>();
        const held: number[] = [];
        const killed: Ledger[] = [];
        const one = async (n: number): Promise<void> => {
          const left = sent.filter((id) => !begun.has(id)).length;
          const batch = ids(BACKLOG - left, `k${n}-`);
          await send(t, connection, queue, batch);
          sent.push(...batch);
          const child = await worker(t, queue, false, 10);
          // In the middle of its work: at a random message, and a random moment after that.
          const at = t.random.between(1, 30);
          await child.until('it consumes', (ledger) => ledger.delivered.size >= at, back(t));
          await pass(t.random.between(0, 5));
          const unsettled = await child.kill();
          killed.push(child.ledger);
          for (const id of child.ledger.settling) begun.add(id);
          for (const id of child.ledger.settled) settled.add(id);
          if (unsettled.length > 0) held.push(unsettled.length);
        };
        for (let n = 0; held.length < kills; n++) {
          assert.ok(n < kills * 3, `only ${held.length} of ${n} killed processes held a message`);
          await one(n);
        }
        const got = await t.collector();
        const wanted = sent.filter((id) => !begun.has(id));
        try {
          await drainAll(t, connection, queue, wanted, got);
        } catch (error) {
          const lost = wanted.filter((id) => !got.has(id));
          const where = await whereabouts(connection, queue, lost, killed);
          const text = `lost ${lost.length} of ${sent.length} in ${held.length} kills: ${String(error)}\n${where}`;
          throw new Error(text, { cause: error });
        }
        if (connection.capabilities.delivery === 'exactly-once') {
          const twice = [...settled].filter((id) => got.has(id));
          assert.deepEqual(twice, [], 'what the broker had confirmed as settled came again');
        }
        await isEmpty(t, connection, queue);
      },
      { needs: ['child'], extraMs: 900_000 },
    ),

    testCase(
      'what was confirmed to a publisher that is killed is in the queue',
      async (t) => {
        const connection = await t.connection();
        const queue = t.queue({ durable: true });
        await declare(connection, queue);
        const confirmed: string[] = [];
        for (let n = 0; n < 3; n++) {
          const child = await t.child();
          await child.tell('stream', { prefix: `p${n}-`, routingKey: queue.name });
          const enough = t.random.between(5, 60);
          await child.until('it publishes', (ledger) => ledger.confirmed.size >= enough);
          await child.kill();
          assert.deepEqual(child.ledger.troubles, []);
          confirmed.push(...child.ledger.confirmed);
        }
        const got = await t.collector();
        await drainAll(t, connection, queue, confirmed, got);
        const lost = confirmed.filter((id) => !got.has(id));
        assert.deepEqual(lost, []);
      },
      { needs: ['child'], extraMs: 60_000 },
    ),
  ],
  { alone: true },
);
