import { binding } from '@kombu/core';
import { declare, holds, send } from '../actions.js';
import { group, testCase } from '../case.js';
import { topicExchanges } from '../features.js';

const features = [topicExchanges];

/** AMQP's rules: a word is what stands between dots, `*` is exactly one word, `#` is zero or more. */
const TRUTH: readonly { readonly pattern: string; readonly yes: readonly string[]; readonly no: readonly string[] }[] =
  [
    { pattern: 'stock.#', yes: ['stock', 'stock.us', 'stock.us.nasdaq'], no: ['stocks', 'a.stock', ''] },
    {
      pattern: '*.stock.#',
      yes: ['usd.stock', 'eur.stock.db', 'eur.stock.db.x'],
      no: ['stock.nasdaq', 'stock', 'a.b.stock'],
    },
    { pattern: 'stock.*', yes: ['stock.us'], no: ['stock', 'stock.us.nasdaq', 'stocks.us'] },
    { pattern: 'a.*.c', yes: ['a.b.c', 'a..c'], no: ['a.b.x.c', 'a.c', 'a.b.c.d'] },
    { pattern: 'a.#.c', yes: ['a.c', 'a.b.c', 'a.b.b.c'], no: ['a', 'c', 'a.b', 'xa.c'] },
    { pattern: '#', yes: ['', 'a', 'a.b.c'], no: [] },
    { pattern: '*', yes: ['a', 'stock'], no: ['a.b'] },
    { pattern: '#.end', yes: ['end', 'a.end', 'a.b.end'], no: ['end.a', 'ended'] },
    { pattern: '*.*', yes: ['a.b', 'stock.us'], no: ['a', 'a.b.c'] },
    { pattern: '#.*', yes: ['a', 'a.b', 'a.b.c'], no: [] },
    { pattern: 'a.b', yes: ['a.b'], no: ['a.b.c', 'a', 'axb', 'a.bc'] },
    { pattern: 'a+.b', yes: ['a+.b'], no: ['aa.b', 'a.b'] },
    { pattern: '(x|y).[z]', yes: ['(x|y).[z]'], no: ['x.z', 'y.z'] },
    { pattern: 'f*.x', yes: ['f*.x'], no: ['foo.x', 'f.x'] },
  ];

/** Topic exchanges. */
export const routingTopic = group('routing-topic', [
  testCase(
    'the truth table of * and #',
    async (t) => {
      const connection = await t.connection();
      const exchange = t.exchange('topic');
      const keys = [...new Set(TRUTH.flatMap((row) => [...row.yes, ...row.no]))];
      const queues = TRUTH.map((row) => t.queue({ exchange, routingKey: row.pattern }));
      await declare(connection, ...queues);
      const matches = (pattern: string, key: string): boolean => {
        const walk = (p: readonly string[], k: readonly string[]): boolean => {
          const [first, ...rest] = p;
          if (first === undefined) return k.length === 0;
          if (first === '#') return walk(rest, k) || (k.length > 0 && walk(p, k.slice(1)));
          return k.length > 0 && (first === '*' || first === k[0]) && walk(rest, k.slice(1));
        };
        return walk(pattern.split('.'), key === '' ? [] : key.split('.'));
      };
      for (const routingKey of keys) await send(t, connection, { exchange, routingKey }, [`<${routingKey}>`]);
      for (const [i, { pattern, yes, no }] of TRUTH.entries()) {
        const expected = keys.filter((key) => yes.includes(key) || (!no.includes(key) && matches(pattern, key)));
        const queue = queues[i];
        if (queue === undefined) continue;
        await holds(
          t,
          connection,
          queue,
          expected.map((key) => `<${key}>`),
          `pattern ${pattern}`,
        );
      }
    },
    { features, waits: 20 },
  ),

  testCase(
    'a queue that several patterns match gets one copy',
    async (t) => {
      const connection = await t.connection();
      const exchange = t.exchange('topic');
      const queue = t.queue({
        bindings: ['#', 'a.*', 'a.b', '*.b'].map((routingKey) => binding(exchange, { routingKey })),
      });
      await declare(connection, queue);
      await send(t, connection, { exchange, routingKey: 'a.b' }, ['it']);
      await holds(t, connection, queue, ['it']);
    },
    { features },
  ),

  testCase(
    'an unbound pattern matches nothing any more, not even a key that was routed before',
    async (t) => {
      const connection = await t.connection();
      const exchange = t.exchange('topic');
      const [going, staying] = [t.queue({ exchange, routingKey: 'a.#' }), t.queue({ exchange, routingKey: 'a.*' })];
      await declare(connection, going, staying);
      await send(t, connection, { exchange, routingKey: 'a.b' }, ['before']);
      await going.bind(connection).unbindFrom(exchange, { routingKey: 'a.#' });
      await send(t, connection, { exchange, routingKey: 'a.b' }, ['after']);
      await holds(t, connection, going, ['before']);
      await holds(t, connection, staying, ['before', 'after']);
    },
    { features },
  ),

  testCase(
    'a new binding matches a key that was routed before',
    async (t) => {
      const connection = await t.connection();
      const exchange = t.exchange('topic');
      const first = t.queue({ exchange, routingKey: 'x.*' });
      await declare(connection, first);
      await send(t, connection, { exchange, routingKey: 'x.y' }, ['before']);
      const second = t.queue({ exchange, routingKey: '#.y' });
      await declare(connection, second);
      await send(t, connection, { exchange, routingKey: 'x.y' }, ['after']);
      await holds(t, connection, first, ['before', 'after']);
      await holds(t, connection, second, ['after']);
    },
    { features },
  ),
]);
