import assert from 'node:assert/strict';
import { consume, declare, holds, isEmpty, send } from '../actions.js';
import { group, testCase } from '../case.js';
import { ids } from '../collector.js';
import { fanoutExchanges } from '../features.js';

const features = [fanoutExchanges];

/** Fanout exchanges: to every bound queue, or, where the transport says so, to those that are consumed at that moment. */
export const routingFanout = group('routing-fanout', [
  testCase(
    'every queue gets every message',
    async (t) => {
      const connection = await t.connection();
      const exchange = t.exchange('fanout');
      const collectors = [];
      for (let i = 0; i < 5; i++) {
        const got = await t.collector();
        await consume(connection, t.queue({ exchange }), got.ack);
        collectors.push(got);
      }
      await send(t, connection, { exchange }, ids(20));
      for (const got of collectors) await got.waitFor(ids(20));
      for (const got of collectors) got.assertExactly(ids(20));
    },
    { features },
  ),

  testCase(
    'keys mean nothing where queues have copies; subscribers may choose by them',
    async (t) => {
      const connection = await t.connection();
      const exchange = t.exchange('fanout');
      const [plain, keyed] = [await t.collector(), await t.collector()];
      await consume(connection, t.queue({ exchange }), plain.ack);
      await consume(connection, t.queue({ exchange, routingKey: 'k' }), keyed.ack);
      await send(t, connection, { exchange, routingKey: 'k' }, ['with its key']);
      await keyed.waitFor(['with its key']);
      if (connection.capabilities.fanout !== 'queues') return;
      await send(t, connection, { exchange, routingKey: 'other.key' }, ['with another key']);
      await send(t, connection, { exchange }, ['without a key']);
      const all = ['with its key', 'with another key', 'without a key'];
      for (const got of [plain, keyed]) await got.waitFor(all);
      for (const got of [plain, keyed]) got.assertExactly(all);
    },
    { features },
  ),

  testCase(
    'a late subscriber gets what is published from then on',
    async (t) => {
      const connection = await t.connection();
      const exchange = t.exchange('fanout');
      const [early, late] = [await t.collector(), await t.collector()];
      await consume(connection, t.queue({ exchange }), early.ack);
      await send(t, connection, { exchange }, ids(3, 'a'));
      await early.waitFor(3);
      await consume(connection, t.queue({ exchange }), late.ack);
      await send(t, connection, { exchange }, ids(3, 'b'));
      await early.waitFor(6);
      await late.waitFor(3);
      early.assertExactly([...ids(3, 'a'), ...ids(3, 'b')]);
      late.assertExactly(ids(3, 'b'));
    },
    { features },
  ),

  testCase(
    'queues keep their copies for later, where the transport says so',
    async (t) => {
      const connection = await t.connection();
      const exchange = t.exchange('fanout');
      const queues = [t.queue({ exchange }), t.queue({ exchange }), t.queue({ exchange })];
      await declare(connection, ...queues);
      await send(t, connection, { exchange }, ids(3));
      for (const queue of queues) {
        if (connection.capabilities.fanout === 'queues') await holds(t, connection, queue, ids(3));
        else await isEmpty(t, connection, queue, 'a queue that is not consumed keeps nothing');
      }
    },
    { features },
  ),

  testCase(
    'an unbound queue gets nothing any more',
    async (t) => {
      const connection = await t.connection();
      const exchange = t.exchange('fanout');
      const [staying, going] = [t.queue({ exchange }), t.queue({ exchange })];
      const [stayed, went] = [await t.collector(), await t.collector()];
      await consume(connection, staying, stayed.ack);
      const consumer = await consume(connection, going, went.ack);
      await send(t, connection, { exchange }, ['before']);
      await stayed.waitFor(['before']);
      await went.waitFor(['before']);
      await consumer.close();
      await going.bind(connection).unbindFrom(exchange);
      await send(t, connection, { exchange }, ['after']);
      await stayed.waitFor(['after']);
      await isEmpty(t, connection, going);
      assert.deepEqual(went.distinct, ['before']);
    },
    { features },
  ),

  testCase(
    'two consumers of one queue share its copies',
    async (t) => {
      const connection = await t.connection();
      if (connection.capabilities.fanout !== 'queues') {
        t.note('not-declared', 'routing-fanout: two consumers of one queue', 'every subscriber has a copy');
        return;
      }
      const exchange = t.exchange('fanout');
      const queue = t.queue({ exchange });
      const got = await t.collector();
      await consume(connection, queue, got.ack);
      await consume(await t.open(), queue, got.ack);
      await send(t, connection, { exchange }, ids(30));
      await got.waitFor(ids(30));
      got.assertExactly(ids(30));
    },
    { features },
  ),
]);
