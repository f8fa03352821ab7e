import assert from 'node:assert/strict';
import type { Connection, Message } from '@kombu/core';
import { KombuError, Queue } from '@kombu/core';
import { consume, declare, fetchOne, holds, isEmpty, send } from '../actions.js';
import { group, testCase } from '../case.js';
import { type Collector, ids } from '../collector.js';
import type { CaseContext } from '../context.js';
import { pass } from '../wait.js';

/** Quick retries, for tests. */
const RECONNECT = { intervalStartMs: 20, intervalStepMs: 20, intervalMaxMs: 200 };

/** Cuts every connection to the broker and waits until this one has noticed and is back. */
async function cut(t: CaseContext, connection: Connection): Promise<void> {
  const revived = new Promise<void>((resolve) => {
    connection.on('revived', () => resolve());
  });
  await t.hooks.killConnections?.(t.broker);
  await t.within('the connection is revived', revived);
}

/** Publishes with retry until it is told to stop; tells which ids the broker has confirmed. */
function load(t: CaseContext, connection: Connection, queue: Queue): { stop(): Promise<string[]> } {
  const producer = t.producer(connection);
  const confirmed: string[] = [];
  let going = true;
  const running = (async () => {
    for (let i = 0; going; i++) {
      const id = `load${i}`;
      await producer.publish({ id }, { routingKey: queue.name, retry: true, timeoutMs: t.waitMs * 3 });
      confirmed.push(id);
      if (i % 10 === 0) await pass(1);
    }
  })();
  return {
    async stop() {
      going = false;
      await running;
      return confirmed;
    },
  };
}

/** Under load, breaks something again and again; afterwards nothing that was confirmed may be missing. */
async function survives(t: CaseContext, times: number, breakIt: (got: Collector) => Promise<void>): Promise<void> {
  // What was taken when a link broke, and never arrived, comes back when its lease ends.
  const options = { reconnect: RECONNECT, ...(await t.leaseOptions()) };
  const [publishing, consuming] = [await t.open(options), await t.open(options)];
  const queue = t.queue({ durable: true });
  await declare(publishing, queue);
  const got = await t.collector();
  const handler = async (message: Message): Promise<void> => {
    await got.ack(message).catch((error: unknown) => {
      if (!KombuError.is(error, 'ERR_KOMBU_STALE_DELIVERY')) throw error;
    });
  };
  await consume(consuming, queue, handler, { prefetchCount: 20 });
  const { stop } = load(t, publishing, queue);
  let confirmed: string[] = [];
  try {
    await got.waitFor(20);
    for (let i = 0; i < times; i++) {
      const before = got.size;
      await breakIt(got);
      await got.waitFor(before + 20, t.waitMs * 3);
    }
  } finally {
    confirmed = await t.within('the publisher stops', stop(), t.waitMs * 4);
  }
  await got.waitFor(confirmed, t.waitMs + t.leaseMs * 3);
  const lost = confirmed.filter((id) => !got.has(id));
  assert.deepEqual(lost, [], 'messages that were confirmed are lost');
}

/** Links that are lost: everything goes on by itself. */
export const reconnect = group(
  'reconnect',
  [
    testCase(
      'consumers and publishers go on by themselves when their connections are cut; nothing confirmed is lost',
      async (t) => survives(t, t.environment.scale.cuts, () => Promise.resolve(t.hooks.killConnections?.(t.broker))),
      { needs: ['killConnections'], waits: 30 },
    ),

    testCase(
      'consumers and publishers go on by themselves when the broker restarts; nothing confirmed is lost',
      async (t) => {
        if (!(await t.capabilities()).durable) {
          t.note('not-declared', 'reconnect: the broker restarts', 'messages do not outlive the broker');
          return;
        }
        await survives(t, t.environment.scale.restarts, () => Promise.resolve(t.hooks.restart?.(t.broker)));
      },
      { needs: ['restart'], waits: 40, extraMs: 300_000 },
    ),

    testCase(
      'events tell of the loss and of what was revived',
      async (t) => {
        const connection = await t.open({ reconnect: RECONNECT });
        const events: string[] = [];
        for (const name of ['disconnected', 'reconnecting', 'revived'] as const) {
          connection.on(name, () => void events.push(name));
        }
        await consume(connection, t.queue(), () => {});
        await cut(t, connection);
        assert.equal(events[0], 'disconnected');
        assert.equal(events.at(-1), 'revived');
        assert.ok(events.includes('reconnecting'));
        assert.equal(connection.connected, true);
      },
      { needs: ['killConnections'] },
    ),

    testCase(
      'declarations are there again: exclusive and auto-delete queues, their bindings and consumers',
      async (t) => {
        const connection = await t.open({ reconnect: RECONNECT });
        const other = await t.open({ reconnect: RECONNECT });
        const exchange = t.exchange('direct', { autoDelete: true });
        const mine = t.queue({ exchange, routingKey: 'k', exclusive: true });
        const shared = t.queue({ exchange, routingKey: 'k', autoDelete: true });
        const named = await new Queue('', { exclusive: true }).bind(connection).queueDeclare();
        const collectors = [];
        for (const queue of [mine, shared, new Queue(named.queue, { exclusive: true, noDeclare: true })]) {
          const got = await t.collector();
          await consume(connection, queue, got.ack);
          collectors.push(got);
        }
        await Promise.all([cut(t, connection), t.until('the other one, too', () => other.connected)]);
        const retry = { retry: true } as const;
        await send(t, connection, { exchange, routingKey: 'k' }, ['it'], retry);
        await collectors[0]?.waitFor(['it']);
        await collectors[1]?.waitFor(['it']);
      },
      { needs: ['killConnections'] },
    ),

    testCase(
      'a delivery of a lost link is stale, or still valid, as the transport says',
      async (t) => {
        const connection = await t.open({ reconnect: RECONNECT });
        const queue = t.queue({ durable: true });
        await declare(connection, queue);
        await send(t, connection, queue, ['it']);
        const message = await fetchOne(t, connection, queue);
        await cut(t, connection);
        if (connection.capabilities.settleAfterReconnect) {
          await message.ack({ confirm: true });
          await isEmpty(t, connection, queue);
          return;
        }
        await assert.rejects(message.ack(), (error) => KombuError.is(error, 'ERR_KOMBU_STALE_DELIVERY'));
        await holds(t, await t.open(), queue, ['it']);
      },
      { needs: ['killConnections'] },
    ),

    testCase(
      'without retry a publish on a lost link ends: done, or with an OperationalError',
      async (t) => {
        const connection = await t.open({ reconnect: RECONNECT });
        const queue = t.queue({ durable: true });
        await declare(connection, queue);
        const producer = t.producer(connection);
        await producer.publish({ id: 'first' }, { routingKey: queue.name });
        const publishes = ids(40).map(async (id, i) => {
          await pass(i);
          await producer.publish({ id }, { routingKey: queue.name });
        });
        const settled = Promise.allSettled(publishes);
        await t.hooks.killConnections?.(t.broker);
        const outcomes = await t.within('every publish ends', settled, t.waitMs * 4);
        for (const outcome of outcomes) {
          if (outcome.status === 'fulfilled') continue;
          assert.ok(KombuError.is(outcome.reason) && outcome.reason.retryable, String(outcome.reason));
        }
        const taken = ids(40).filter((_, i) => outcomes[i]?.status === 'fulfilled');
        const got = await t.collector();
        await consume(await t.open(), queue, got.ack);
        await got.waitFor(['first', ...taken]);
      },
      { needs: ['killConnections'], waits: 12 },
    ),

    testCase(
      'close while reconnecting ends at once',
      async (t) => {
        const { proxy, broker } = await t.proxied();
        const connection = await t.open({ reconnect: { intervalStartMs: 60_000 } }, broker);
        const queue = t.queue();
        await consume(connection, queue, () => {});
        const lost = new Promise<void>((resolve) => {
          connection.on('disconnected', () => resolve());
        });
        await proxy.close();
        await t.within('the loss is noticed', lost);
        await t.within('closing', connection.close());
      },
      { needs: ['through'] },
    ),

    testCase(
      'a link on which nothing arrives any more is noticed, replaced, and leaves no socket',
      async (t) => {
        const { proxy, broker } = await t.proxied();
        const heartbeatMs = Math.min(1000, t.waitMs / 5);
        const options = { heartbeatMs, reconnect: RECONNECT, ...(await t.leaseOptions()) };
        const connection = await t.open(options, broker);
        const queue = t.queue({ durable: true });
        const got = await t.collector();
        await consume(connection, queue, got.ack);
        await send(t, connection, queue, ['before']);
        await got.waitFor(['before']);
        const revived = new Promise<void>((resolve) => {
          connection.on('revived', () => resolve());
        });
        const lost = new Promise<void>((resolve) => {
          connection.on('disconnected', () => resolve());
        });
        proxy.stall();
        await t.within('the silence is noticed', lost, heartbeatMs * 4 + t.waitMs);
        proxy.pass();
        await t.within('the link is replaced', revived);
        await send(t, await t.connection(), queue, ['after']);
        await got.waitFor(['after'], t.waitMs + t.leaseMs * 3);
        await connection.close();
        await t.until('the proxy has no connection', () => proxy.connections === 0);
      },
      { needs: ['through'], waits: 12 },
    ),
  ],
  { alone: true },
);
