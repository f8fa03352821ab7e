import assert from 'node:assert/strict';
import { Exchange, Queue } from '@kombu/core';
import { consume, declare, drain, fetchMany, holds, info, isEmpty, ready, send } from '../actions.js';
import { group, testCase } from '../case.js';
import { ids } from '../collector.js';
import { refuses } from '../expect.js';
import { directExchanges } from '../features.js';

/** Declaring, checking, binding, purging and deleting. */
export const declareGroup = group('declare', [
  testCase('declaring twice, also on another connection, changes nothing', async (t) => {
    const [one, two] = [await t.connection(), await t.open()];
    const queue = t.queue({ exchange: t.exchange('direct'), routingKey: 'k' });
    await declare(one, queue);
    await send(t, one, queue, ['it']);
    await declare(one, queue);
    await declare(two, queue);
    await holds(t, two, queue, ['it']);
  }),

  testCase('a passive declaration of what is not there is NOT_FOUND', async (t) => {
    const connection = await t.connection();
    const queue = t.queue().bind(connection);
    await refuses('queue', () => queue.queueDeclare({ passive: true }), 'NOT_FOUND');
    await refuses('queue', () => queue.declare({ passive: true }), 'NOT_FOUND');
    const exchange = t.exchange('direct', { passive: true });
    await refuses('exchange', () => exchange.bind(connection).declare(), 'NOT_FOUND');
  }),

  testCase('a passive declaration of what is there tells its message and consumer counts', async (t) => {
    const [connection, other] = [await t.connection(), await t.open()];
    const queue = t.queue();
    await declare(connection, queue);
    await send(t, connection, queue, ids(3));
    await t.until('three messages', async () => (await ready(connection, queue)) === 3);
    const { queue: name, consumerCount } = await info(connection, queue);
    assert.deepEqual([name, consumerCount], [queue.name, 0]);
    const got = await t.collector();
    await consume(other, queue, got.ack);
    await t.until('one consumer', async () => (await info(connection, queue)).consumerCount === 1);
    await got.waitFor(3);
    await t.until('no message', async () => (await ready(connection, queue)) === 0);
  }),

  testCase('declaring a queue again with other arguments is PRECONDITION_FAILED, and nothing is changed', async (t) => {
    const connection = await t.connection();
    const queue = t.queue({ durable: true });
    await declare(connection, queue);
    await send(t, connection, queue, ['it']);
    const unequal = new Queue(queue.name, { durable: false });
    await refuses('declare', () => unequal.bind(connection).queueDeclare(), 'PRECONDITION_FAILED');
    await holds(t, connection, queue, ['it']);
  }),

  testCase(
    'declaring an exchange again with another type is PRECONDITION_FAILED',
    async (t) => {
      const connection = await t.connection();
      const exchange = t.exchange('direct', { durable: true });
      await declare(connection, exchange);
      const unequal = new Exchange(exchange.name, { type: 'direct', durable: false });
      await refuses('declare', () => unequal.bind(connection).declare(), 'PRECONDITION_FAILED');
    },
    { features: [directExchanges] },
  ),

  testCase('a queue without a name gets one from the broker, different every time', async (t) => {
    const connection = await t.connection();
    const options = { exclusive: true, autoDelete: true } as const;
    const [one, two] = await Promise.all([
      new Queue('', options).bind(connection).queueDeclare(),
      new Queue('', options).bind(connection).queueDeclare(),
    ]);
    assert.notEqual(one.queue, '');
    assert.notEqual(one.queue, two.queue);
    const named = new Queue(one.queue, options);
    await send(t, connection, named, ['it']);
    await holds(t, connection, named, ['it']);
  }),

  testCase('onDeclared hears of the name and the counts; noDeclare declares nothing', async (t) => {
    const connection = await t.connection();
    const heard: unknown[] = [];
    const name = t.name('q');
    const queue = t.queue({ name, onDeclared: (...values: unknown[]) => void heard.push(values) });
    await declare(connection, queue);
    assert.deepEqual(heard, [[name, 0, 0]]);
    const undeclared = t.queue({ noDeclare: true });
    await declare(connection, undeclared);
    await refuses('a look at it', () => info(connection, t.queue({ name: undeclared.name })), 'NOT_FOUND');
  }),

  testCase('an entity that went through JSON declares the same', async (t) => {
    const connection = await t.connection();
    const exchange = t.exchange('direct', { durable: false });
    const queue = t.queue({ exchange, routingKey: 'k', durable: false });
    await declare(connection, queue);
    const copy = Queue.fromJSON(JSON.parse(JSON.stringify(queue)));
    assert.ok(copy.equals(queue));
    await declare(connection, copy);
    await send(t, connection, { exchange: Exchange.fromJSON(JSON.parse(JSON.stringify(exchange))), routingKey: 'k' }, [
      'it',
    ]);
    await holds(t, connection, copy, ['it']);
  }),

  testCase('purge empties a queue and tells how many messages that were', async (t) => {
    const connection = await t.connection();
    const queue = t.queue();
    await declare(connection, queue);
    await send(t, connection, queue, ids(7));
    await t.until('seven messages', async () => (await ready(connection, queue)) === 7);
    assert.equal(await queue.bind(connection).purge(), 7);
    await isEmpty(t, connection, queue);
    assert.equal(await queue.bind(connection).purge(), 0);
  }),

  testCase('purge leaves what a consumer holds', async (t) => {
    const connection = await t.connection();
    const queue = t.queue();
    await declare(connection, queue);
    await send(t, connection, queue, ['held', 'waiting']);
    const [first] = await fetchMany(t, connection, queue, 1);
    assert.equal(await queue.bind(connection).purge(), 1);
    await first?.requeue();
    assert.equal((await drain(t, connection, queue)).length, 1);
  }),

  testCase(
    'deleting a queue tells how many messages were in it; it is gone then, and so are its bindings',
    async (t) => {
      const connection = await t.connection();
      const exchange = t.exchange('direct');
      const queue = t.queue({ exchange, routingKey: 'k' });
      await declare(connection, queue);
      await send(t, connection, queue, ids(4));
      await t.until('four messages', async () => (await ready(connection, queue)) === 4);
      assert.equal(await queue.bind(connection).delete(), 4);
      await refuses('a look at it', () => info(connection, queue), 'NOT_FOUND');
      const bare = t.queue({ name: queue.name });
      await declare(connection, bare);
      await send(t, connection, { exchange, routingKey: 'k' }, ['it']);
      await isEmpty(t, connection, bare, 'a queue of the same name has no bindings of the old one');
    },
  ),

  testCase('deleting what is not there does no harm', async (t) => {
    const connection = await t.connection();
    await t.queue().bind(connection).delete();
    await t.exchange('direct').bind(connection).delete();
  }),

  testCase('ifEmpty and ifUnused keep a queue that is not, with PRECONDITION_FAILED', async (t) => {
    const [connection, other] = [await t.connection(), await t.open()];
    const queue = t.queue();
    const bound = queue.bind(connection);
    await declare(connection, queue);
    await send(t, connection, queue, ['it']);
    await t.until('one message', async () => (await ready(connection, queue)) === 1);
    await refuses('ifEmpty', () => bound.delete({ ifEmpty: true }), 'PRECONDITION_FAILED');
    await holds(t, connection, queue, ['it']);
    const consumer = await consume(other, queue, () => {});
    await refuses('ifUnused', () => bound.delete({ ifUnused: true }), 'PRECONDITION_FAILED');
    await consumer.close();
    await t.until('no consumer', async () => (await info(connection, queue)).consumerCount === 0);
    await bound.delete({ ifEmpty: true, ifUnused: true });
    await refuses('a look at it', () => info(connection, queue), 'NOT_FOUND');
  }),

  testCase(
    'ifUnused keeps an exchange that has bindings, with PRECONDITION_FAILED',
    async (t) => {
      const connection = await t.connection();
      const exchange = t.exchange('direct');
      const queue = t.queue({ exchange, routingKey: 'k' });
      await declare(connection, queue);
      const bound = exchange.bind(connection);
      await refuses('ifUnused', () => bound.delete({ ifUnused: true }), 'PRECONDITION_FAILED');
      await queue.bind(connection).delete();
      await bound.delete({ ifUnused: true });
      const passive = new Exchange(exchange.name, { type: 'direct', passive: true });
      await refuses('a look at it', () => passive.bind(connection).declare(), 'NOT_FOUND');
    },
    { features: [directExchanges] },
  ),

  testCase('errors of other operations leave 100 unsettled deliveries of two consumers alone', async (t) => {
    const connection = await t.connection();
    const [one, two] = [t.queue({ durable: true }), t.queue({ durable: true })];
    await declare(connection, one, two);
    const got = await t.collector();
    const wanted = [...ids(50, 'a'), ...ids(50, 'b')];
    for (const queue of [one, two]) await consume(connection, queue, got.hold, { prefetchCount: 50 });
    await send(t, connection, one, ids(50, 'a'));
    await send(t, connection, two, ids(50, 'b'));
    await got.waitFor(wanted);
    await refuses('404', () => info(connection, t.queue()), 'NOT_FOUND');
    const unequal = new Queue(one.name, { durable: false }).bind(connection);
    await refuses('406', () => unequal.queueDeclare(), 'PRECONDITION_FAILED');
    const theirs = t.queue({ exclusive: true });
    const other = await t.open();
    await declare(other, theirs);
    const taken = theirs.bind(connection);
    await refuses('405', () => taken.queueDeclare(), 'RESOURCE_LOCKED');
    for (const message of got.messages) await message.ack({ confirm: true });
    got.assertExactly(wanted);
    await isEmpty(t, connection, one);
    await isEmpty(t, connection, two);
  }),
]);
