import { binding } from '@kombu/core';
import { declare, holds, send } from '../actions.js';
import { group, testCase } from '../case.js';
import { directExchanges } from '../features.js';

const features = [directExchanges];

/** Direct exchanges: the routing key is the binding key. */
export const routingDirect = group('routing-direct', [
  testCase(
    'each key leads to its queues, and no other does',
    async (t) => {
      const connection = await t.connection();
      const exchange = t.exchange('direct');
      const a = t.queue({ exchange, routingKey: 'a' });
      const alsoA = t.queue({ exchange, routingKey: 'a' });
      const b = t.queue({ exchange, routingKey: 'b' });
      const star = t.queue({ exchange, routingKey: '*' });
      await declare(connection, a, alsoA, b, star);
      for (const key of ['a', 'b', 'c', 'a.b', '', '#', 'A']) {
        await send(t, connection, { exchange, routingKey: key }, [`to ${key}`]);
      }
      await send(t, connection, { exchange, routingKey: '*' }, ['to a star']);
      await holds(t, connection, a, ['to a']);
      await holds(t, connection, alsoA, ['to a']);
      await holds(t, connection, b, ['to b']);
      await holds(t, connection, star, ['to a star']);
    },
    { features },
  ),

  testCase(
    'a queue with several bindings gets each message once',
    async (t) => {
      const connection = await t.connection();
      const [one, two] = [t.exchange('direct'), t.exchange('direct')];
      const queue = t.queue({
        bindings: [
          binding(one, { routingKey: 'a' }),
          binding(one, { routingKey: 'b' }),
          binding(one, { routingKey: 'a', arguments: { n: 1 } }),
          binding(two, { routingKey: 'a' }),
        ],
      });
      await declare(connection, queue);
      await send(t, connection, { exchange: one, routingKey: 'a' }, ['1a']);
      await send(t, connection, { exchange: one, routingKey: 'b' }, ['1b']);
      await send(t, connection, { exchange: two, routingKey: 'a' }, ['2a']);
      await send(t, connection, { exchange: two, routingKey: 'b' }, ['2b']);
      await holds(t, connection, queue, ['1a', '1b', '2a']);
    },
    { features },
  ),

  testCase(
    'an unbound key leads nowhere any more; the others stay',
    async (t) => {
      const connection = await t.connection();
      const exchange = t.exchange('direct');
      const queue = t.queue({
        bindings: [binding(exchange, { routingKey: 'a' }), binding(exchange, { routingKey: 'b' })],
      });
      await declare(connection, queue);
      await send(t, connection, { exchange, routingKey: 'a' }, ['before']);
      await queue.bind(connection).unbindFrom(exchange, { routingKey: 'a' });
      await send(t, connection, { exchange, routingKey: 'a' }, ['after']);
      await send(t, connection, { exchange, routingKey: 'b' }, ['other']);
      await holds(t, connection, queue, ['before', 'other']);
    },
    { features },
  ),

  testCase(
    'a binding made on another connection is seen by the next publish',
    async (t) => {
      const [connection, other] = [await t.connection(), await t.open()];
      const exchange = t.exchange('direct');
      await declare(connection, t.queue({ exchange, routingKey: 'k' }));
      await send(t, connection, { exchange, routingKey: 'k' }, ['before']);
      for (let i = 0; i < 20; i++) {
        const late = t.queue({ exchange, routingKey: 'k' });
        await declare(other, late);
        await send(t, connection, { exchange, routingKey: 'k' }, [`it${i}`]);
        await holds(t, connection, late, [`it${i}`]);
        await late.bind(other).delete();
      }
    },
    { features },
  ),

  testCase(
    'keys with special characters are only themselves',
    async (t) => {
      const connection = await t.connection();
      const exchange = t.exchange('direct');
      const keys = ['a.b', 'a b', 'a|b', 'a:b', 'a/b', 'a\\b', '[ab]', 'a?', '{a}', 'ключ', '鍵', '"', '%61'];
      const queues = keys.map((routingKey) => t.queue({ exchange, routingKey }));
      await declare(connection, ...queues);
      for (const key of keys) await send(t, connection, { exchange, routingKey: key }, [key]);
      for (const [i, queue] of queues.entries()) await holds(t, connection, queue, [String(keys[i])]);
    },
    { features, waits: 12 },
  ),
]);
