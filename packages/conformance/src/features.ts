import assert from 'node:assert/strict';
import { type TransportCapabilities, UndeliverableError } from '@kombu/core';
import { consume, declare, drain, fetchOne, info, ready, send } from './actions.js';
import { idOf } from './collector.js';
import type { CaseContext } from './context.js';
import { refuses } from './expect.js';
import type { Feature } from './feature.js';
import { pass } from './wait.js';

function routes(c: TransportCapabilities, type: string): boolean {
  return c.exchangeTypes === 'any' || c.exchangeTypes.includes(type);
}

/** A message that is published with one routing key and some headers comes to a queue bound to such an exchange. */
function exchangeType(type: string): Feature {
  return {
    name: `${type} exchanges`,
    declared: (c) => routes(c, type) && (type !== 'fanout' || c.fanout !== 'none'),
    async works(t) {
      const connection = await t.connection();
      const exchange = t.exchange(type);
      const queue = t.queue({ exchange, routingKey: 'k', bindingArguments: type === 'headers' ? { h: 1 } : {} });
      await declare(connection, queue);
      const got = await t.collector();
      const consumer = await consume(connection, queue, got.ack);
      await send(t, connection, { exchange, routingKey: 'k', headers: { h: 1 } }, ['it']);
      await got.waitFor(['it']);
      await consumer.close();
    },
  };
}

export const directExchanges = exchangeType('direct');
export const topicExchanges = exchangeType('topic');
export const fanoutExchanges = exchangeType('fanout');
export const headersExchanges = exchangeType('headers');

export const exchangeBindings: Feature = {
  name: 'exchange-to-exchange bindings',
  declared: (c) => c.exchangeBindings,
  async works(t) {
    const connection = await t.connection();
    const [from, to] = [t.exchange('direct'), t.exchange('direct')];
    const queue = t.queue({ exchange: to, routingKey: 'k' });
    await declare(connection, from, queue);
    await to.bind(connection).bindTo(from, { routingKey: 'k' });
    await send(t, connection, { exchange: from, routingKey: 'k' }, ['it']);
    assert.equal(idOf(await fetchOne(t, connection, queue, { noAck: true })), 'it');
  },
};

export const priorities: Feature = {
  name: 'priorities',
  declared: (c) => c.priorities > 0,
  async works(t) {
    const connection = await t.connection();
    const queue = t.queue({ maxPriority: 9 });
    await declare(connection, queue);
    await send(t, connection, queue, ['low'], { priority: 0 });
    await send(t, connection, queue, ['high'], { priority: 9 });
    assert.deepEqual(await drain(t, connection, queue), ['high', 'low']);
  },
};

/** Long enough for the broker to see that something has expired. */
export function expiryMs(c: TransportCapabilities): number {
  return Math.max(150, 2 * c.ttlGranularityMs);
}

export const messageTtl: Feature = {
  name: "a message's own expiry",
  declared: (c) => c.messageTtl,
  async works(t) {
    const connection = await t.connection();
    const queue = t.queue();
    const ms = expiryMs(connection.capabilities);
    await declare(connection, queue);
    await send(t, connection, queue, ['short'], { expirationMs: ms });
    await send(t, connection, queue, ['long']);
    await pass(ms * 2);
    assert.deepEqual(await drain(t, connection, queue), ['long']);
  },
};

export const queueTtl: Feature = {
  name: "a queue's message expiry",
  declared: (c) => c.queueTtl,
  async works(t) {
    const connection = await t.connection();
    const ms = expiryMs(connection.capabilities);
    const queue = t.queue({ messageTtlMs: ms });
    await declare(connection, queue);
    await send(t, connection, queue, ['short']);
    await pass(ms * 2);
    assert.deepEqual(await drain(t, connection, queue), []);
  },
};

export const queueExpiry: Feature = {
  name: "a queue's own expiry",
  declared: (c) => c.queueExpiry,
  async works(t) {
    const connection = await t.connection();
    const ms = expiryMs(connection.capabilities);
    const queue = t.queue({ expiresMs: ms });
    await declare(connection, queue);
    await pass(ms * 2);
    // Looking at a queue may count as using it, so it is looked at rarely.
    const deadline = performance.now() + t.waitMs;
    for (;;) {
      const found = await info(connection, queue).catch((error: { code?: string }) => error.code);
      if (found === 'ERR_KOMBU_NOT_FOUND') return;
      assert.ok(performance.now() < deadline, 'an unused queue was not deleted');
      await pass(ms * 2);
    }
  },
};

export const maxLength: Feature = {
  name: 'max-length',
  declared: (c) => c.maxLength,
  async works(t) {
    const connection = await t.connection();
    const queue = t.queue({ maxLength: 2 });
    await declare(connection, queue);
    for (const id of ['a', 'b', 'c']) await send(t, connection, queue, [id]);
    assert.deepEqual(await drain(t, connection, queue), ['b', 'c']);
  },
};

export const deadLetter: Feature = {
  name: 'dead-letter exchanges',
  declared: (c) => c.deadLetter,
  async works(t) {
    const connection = await t.connection();
    const dead = t.queue();
    const queue = t.queue({
      queueArguments: { 'x-dead-letter-exchange': '', 'x-dead-letter-routing-key': dead.name },
    });
    await declare(connection, dead, queue);
    await send(t, connection, queue, ['it']);
    await (await fetchOne(t, connection, queue)).reject();
    assert.equal(idOf(await fetchOne(t, connection, dead, { noAck: true })), 'it');
  },
};

export const mandatory: Feature = {
  name: 'mandatory',
  declared: (c) => c.mandatory,
  async works(t) {
    const connection = await t.connection();
    const exchange = t.exchange('direct');
    await declare(connection, exchange);
    const publishing = t.producer(connection).publish({ id: 'it' }, { exchange, routingKey: 'no', mandatory: true });
    await publishing.then(
      () => assert.fail('a mandatory message that no queue takes was accepted'),
      (error: unknown) => {
        if (!UndeliverableError.is(error, 'ERR_KOMBU_NO_ROUTE')) throw error;
      },
    );
  },
};

/** Starts a consumer on a channel of its own, with what only a channel's `consume` takes. */
export async function rawConsume(
  t: CaseContext,
  queue: string,
  o: {
    readonly exclusive?: boolean;
    readonly noLocal?: boolean;
    readonly priority?: number;
    readonly prefetch?: number;
  },
  deliver: () => void = () => {},
): Promise<void> {
  const channel = (await t.open()).channel();
  await channel.consume(
    {
      queue,
      tag: t.name('tag'),
      noAck: false,
      exclusive: o.exclusive ?? false,
      noLocal: o.noLocal ?? false,
      arguments: o.priority === undefined ? {} : { 'x-priority': o.priority },
      prefetch: o.prefetch ?? 10,
    },
    { deliver },
  );
}

export const exclusiveConsumers: Feature = {
  name: 'exclusive consumers',
  declared: (c) => c.exclusiveConsumers,
  async works(t) {
    const queue = t.queue();
    await declare(await t.connection(), queue);
    await rawConsume(t, queue.name, { exclusive: true });
    await refuses('a second consumer', () => rawConsume(t, queue.name, {}), 'ACCESS_REFUSED', 'RESOURCE_LOCKED');
  },
};

export const consumerPriority: Feature = {
  name: 'consumer priority',
  declared: (c) => c.consumerPriority,
  async works(t) {
    const connection = await t.connection();
    const queue = t.queue();
    await declare(connection, queue);
    let [low, high] = [0, 0];
    await rawConsume(t, queue.name, { priority: 1 }, () => {
      low += 1;
    });
    await rawConsume(t, queue.name, { priority: 5, prefetch: 3 }, () => {
      high += 1;
    });
    for (const id of ['a', 'b', 'c', 'd']) await send(t, connection, queue, [id]);
    await t.until('four deliveries', () => low + high === 4);
    assert.deepEqual([high, low], [3, 1]);
  },
};

export const noLocal: Feature = {
  name: 'noLocal',
  declared: (c) => c.noLocal,
  async works(t) {
    const other = await t.connection();
    const mine = await t.open();
    const queue = t.queue();
    await declare(other, queue);
    const channel = mine.channel();
    const seen: string[] = [];
    await channel.consume(
      {
        queue: queue.name,
        tag: t.name('tag'),
        noAck: true,
        exclusive: false,
        noLocal: true,
        arguments: {},
        prefetch: 0,
      },
      { deliver: (d) => seen.push(JSON.parse(Buffer.from(d.body).toString()).id) },
    );
    await send(t, mine, queue, ['mine']);
    await send(t, other, queue, ['theirs']);
    await t.until("the other connection's message", () => seen.includes('theirs'));
    assert.deepEqual(seen, ['theirs']);
    assert.equal(await ready(other, queue), 1);
  },
};

/** Everything that can be used without being declared, and so has to be refused then. */
export const features: readonly Feature[] = [
  directExchanges,
  topicExchanges,
  fanoutExchanges,
  headersExchanges,
  exchangeBindings,
  priorities,
  messageTtl,
  queueTtl,
  queueExpiry,
  maxLength,
  deadLetter,
  mandatory,
  exclusiveConsumers,
  consumerPriority,
  noLocal,
];
