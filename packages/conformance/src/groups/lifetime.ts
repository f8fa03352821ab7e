import assert from 'node:assert/strict';
import { type Connection, Exchange, type Queue } from '@kombu/core';
import { consume, declare, holds, info, send } from '../actions.js';
import { group, testCase } from '../case.js';
import type { CaseContext } from '../context.js';
import { refuses } from '../expect.js';
import { directExchanges, topicExchanges } from '../features.js';

/**
 * Shows that an auto-delete queue has gone; or that it has not, where other processes may use it and nobody sees whether they
 * do.
 */
async function goesByItself(t: CaseContext, connection: Connection, queue: Queue): Promise<void> {
  const { presence, scope } = connection.capabilities;
  if (presence === 'broker' || scope === 'process') await isGone(t, connection, queue);
  else assert.equal((await info(connection, queue)).queue, queue.name, 'nothing that others may use is deleted');
}

/** Waits until a passive declaration no longer finds the queue. */
function isGone(t: CaseContext, connection: Connection, queue: Queue): Promise<unknown> {
  return t.until(`${queue.name} is gone`, () =>
    info(connection, queue).then(
      () => false,
      (error: { code?: string }) => error.code === 'ERR_KOMBU_NOT_FOUND',
    ),
  );
}

async function isThere(connection: Connection, exchange: Exchange): Promise<boolean> {
  const passive = new Exchange(exchange.name, { type: exchange.type, passive: true });
  return passive
    .bind(connection)
    .declare()
    .then(
      () => true,
      (error: { code?: string }) => {
        if (error.code === 'ERR_KOMBU_NOT_FOUND') return false;
        throw error;
      },
    );
}

/** Exclusive and auto-delete: whose a queue is, and when it goes away by itself. */
export const lifetime = group('lifetime', [
  testCase('an auto-delete queue goes with its last consumer, not before', async (t) => {
    const [connection, other] = [await t.connection(), await t.open()];
    const queue = t.queue({ autoDelete: true });
    await declare(connection, queue);
    await info(connection, queue);
    const first = await consume(connection, queue, () => {});
    const second = await consume(other, queue, () => {});
    await first.close();
    await send(t, connection, queue, ['it']);
    assert.equal((await info(connection, queue)).consumerCount, 1);
    await second.close();
    await goesByItself(t, connection, queue);
  }),

  testCase('an auto-delete queue goes when the connection of its last consumer is closed', async (t) => {
    const [connection, other] = [await t.connection(), await t.open()];
    const queue = t.queue({ autoDelete: true });
    await declare(connection, queue);
    await consume(other, queue, () => {});
    await other.close();
    await goesByItself(t, connection, queue);
  }),

  testCase(
    'an auto-delete exchange goes with its last binding, not before',
    async (t) => {
      const connection = await t.connection();
      const exchange = t.exchange('direct', { autoDelete: true });
      const queue = t.queue({ exchange, routingKey: 'a' });
      await declare(connection, queue);
      const bound = queue.bind(connection);
      await bound.bindTo(exchange, { routingKey: 'b' });
      await bound.unbindFrom(exchange, { routingKey: 'a' });
      assert.equal(await isThere(connection, exchange), true);
      await bound.unbindFrom(exchange, { routingKey: 'b' });
      await t.until('the exchange is gone', async () => !(await isThere(connection, exchange)));
    },
    { features: [directExchanges] },
  ),

  testCase('an exclusive queue is refused to other connections, and goes with its own', async (t) => {
    const [owner, other] = [await t.open(), await t.connection()];
    const queue = t.queue({ exclusive: true });
    await declare(owner, queue);
    await refuses('declare', () => queue.bind(other).queueDeclare(), 'RESOURCE_LOCKED');
    await refuses('consume', () => consume(other, queue, () => {}, { autoDeclare: false }), 'RESOURCE_LOCKED');
    const got = await t.collector();
    await consume(owner, queue, got.ack);
    await send(t, other, queue, ['it']);
    await got.waitFor(['it']);
    await owner.close();
    await isGone(t, other, queue);
    await declare(other, queue);
  }),

  testCase('a consumer is told when its queue is deleted, once, and ends', async (t) => {
    const [connection, other] = [await t.connection(), await t.open()];
    const queue = t.queue();
    const consumer = connection.consumer({ queues: [queue], onMessage: () => {} });
    const cancelled: unknown[] = [];
    consumer.on('cancelled', (...details: unknown[]) => cancelled.push(details));
    await consumer.consume();
    await queue.bind(other).delete();
    await t.until('the consumer is told', () => cancelled.length > 0);
    assert.equal(cancelled.length, 1);
    assert.equal(consumer.consumingFrom(queue), false);
  }),

  testCase(
    'what one process declares, another publishes to',
    async (t) => {
      const connection = await t.connection();
      const child = await t.child();
      const shared = connection.capabilities.topology === 'broker';
      const queue = shared ? t.queue({ exchange: t.exchange('direct'), routingKey: 'k' }) : t.queue();
      const [exchange, routingKey] = shared ? [queue.exchange.name, 'k'] : ['', queue.name];
      await child.tell('declareQueue', { queue: queue.toJSON() });
      await send(t, connection, { exchange, routingKey }, ['from here']);
      await child.tell('publish', { exchange, routingKey, ids: ['from there'] });
      await holds(t, connection, queue, ['from here', 'from there']);
    },
    { needs: ['child'] },
  ),

  testCase(
    'a binding that another process makes is seen by the next publish',
    async (t) => {
      const connection = await t.connection();
      if (connection.capabilities.topology !== 'broker') {
        t.note('not-declared', 'lifetime: a binding that another process makes', 'topology is the process');
        return;
      }
      const child = await t.child();
      const exchange = t.exchange('topic');
      const first = t.queue({ exchange, routingKey: 'a.#' });
      await declare(connection, first);
      const expected: string[] = [];
      await send(t, connection, { exchange, routingKey: 'a.b' }, ['before']);
      for (let i = 0; i < 5; i++) {
        const late = t.queue({ exchange, routingKey: `a.b${i}` });
        await child.tell('declareQueue', { queue: late.toJSON() });
        const once = async (): Promise<void> => {
          const id = `it${expected.length}`;
          await send(t, connection, { exchange, routingKey: `a.b${i}` }, [id]);
          expected.push(id);
        };
        await once();
        const age = connection.capabilities.bindingsMaxAgeMs;
        const arrives = async (): Promise<boolean> => {
          if ((await late.bind(connection).get({ noAck: true })) !== undefined) return true;
          if (age > 0) await once();
          return false;
        };
        await t.until('a publish reaches the new queue', arrives, age + t.waitMs);
      }
      await holds(t, connection, first, ['before', ...expected]);
    },
    { needs: ['child'], features: [topicExchanges] },
  ),

  testCase(
    'exclusive and auto-delete hold between processes',
    async (t) => {
      const connection = await t.connection();
      if (connection.capabilities.presence !== 'broker') {
        t.note('not-declared', 'lifetime: exclusive and auto-delete hold between processes', 'presence is the process');
        return;
      }
      const child = await t.child();
      const mine = t.queue({ exclusive: true });
      const shared = t.queue({ autoDelete: true });
      await declare(connection, mine, shared);
      await assert.rejects(child.tell('declareQueue', { queue: mine.toJSON() }), { code: 'ERR_KOMBU_RESOURCE_LOCKED' });
      const consumer = await consume(connection, shared, () => {});
      await child.tell('consume', { queue: shared.toJSON(), prefetchCount: 1, hold: true });
      await consumer.close();
      assert.equal((await info(connection, shared)).consumerCount, 1);
      await child.stop();
      await isGone(t, connection, shared);
    },
    { needs: ['child'] },
  ),
]);
