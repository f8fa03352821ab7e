import { declare, holds, send } from '../actions.js';
import { group, testCase } from '../case.js';
import { exchangeBindings, headersExchanges } from '../features.js';

type Table = Readonly<Record<string, unknown>>;

const MESSAGES: Readonly<Record<string, Table>> = {
  none: {},
  a1: { a: 1 },
  a2: { a: 2 },
  a1b2: { a: 1, b: 'two' },
  b2: { b: 'two' },
  a1b3: { a: 1, b: 'three' },
  more: { a: 1, b: 'two', c: true },
  xa1: { 'x-a': 1, a: 1 },
  other: { z: 1 },
};

/** What each binding takes of {@link MESSAGES}. Headers that begin with `x-` count only with `all-with-x` and `any-with-x`. */
const TRUTH: readonly { readonly binding: Table; readonly yes: readonly string[] }[] = [
  { binding: { 'x-match': 'all', a: 1, b: 'two' }, yes: ['a1b2', 'more'] },
  { binding: { a: 1, b: 'two' }, yes: ['a1b2', 'more'] },
  { binding: { 'x-match': 'any', a: 1, b: 'two' }, yes: ['a1', 'a1b2', 'b2', 'a1b3', 'more', 'xa1'] },
  { binding: { 'x-match': 'all', 'x-a': 2, a: 1 }, yes: ['a1', 'a1b2', 'a1b3', 'more', 'xa1'] },
  { binding: { 'x-match': 'any', 'x-a': 1, z: 1 }, yes: ['other'] },
  { binding: { 'x-match': 'all-with-x', 'x-a': 1, a: 1 }, yes: ['xa1'] },
  { binding: { 'x-match': 'any-with-x', 'x-a': 1, z: 1 }, yes: ['xa1', 'other'] },
  { binding: { 'x-match': 'all' }, yes: Object.keys(MESSAGES) },
];

/** Headers exchanges, and exchanges bound to exchanges. */
export const routingHeaders = group('routing-headers', [
  testCase(
    'the truth table of all, any, all-with-x and any-with-x',
    async (t) => {
      const connection = await t.connection();
      const exchange = t.exchange('headers');
      const queues = TRUTH.map((row) => t.queue({ exchange, bindingArguments: row.binding }));
      await declare(connection, ...queues);
      for (const [id, headers] of Object.entries(MESSAGES)) await send(t, connection, { exchange, headers }, [id]);
      for (const [i, row] of TRUTH.entries()) {
        const queue = queues[i];
        if (queue !== undefined) await holds(t, connection, queue, row.yes, JSON.stringify(row.binding));
      }
    },
    { features: [headersExchanges], waits: 12 },
  ),

  testCase(
    'two bindings with different arguments are two; one is unbound by its arguments',
    async (t) => {
      const connection = await t.connection();
      const exchange = t.exchange('headers');
      const queue = t.queue({ exchange, bindingArguments: { a: 1 } });
      await declare(connection, queue);
      const bound = queue.bind(connection);
      await bound.bindTo(exchange, { arguments: { b: 1 } });
      await send(t, connection, { exchange, headers: { a: 1, b: 1 } }, ['both']);
      await bound.unbindFrom(exchange, { arguments: { a: 1 } });
      await send(t, connection, { exchange, headers: { a: 1 } }, ['a']);
      await send(t, connection, { exchange, headers: { b: 1 } }, ['b']);
      await holds(t, connection, queue, ['both', 'b']);
    },
    { features: [headersExchanges] },
  ),

  testCase(
    'a chain of exchanges leads on, by every exchange of its own kind',
    async (t) => {
      const connection = await t.connection();
      const last = connection.capabilities.fanout === 'queues' ? 'fanout' : 'topic';
      const [first, second, third] = [t.exchange('topic'), t.exchange('direct'), t.exchange(last)];
      const queue = t.queue();
      await declare(connection, first, second, third, queue);
      await queue.bind(connection).bindTo(third, { routingKey: '#' });
      await third.bind(connection).bindTo(second, { routingKey: 'a.b' });
      await second.bind(connection).bindTo(first, { routingKey: 'a.*' });
      for (const routingKey of ['a.b', 'a.c', 'b'])
        await send(t, connection, { exchange: first, routingKey }, [routingKey]);
      await send(t, connection, { exchange: third, routingKey: 'x' }, ['direct to the last']);
      await holds(t, connection, queue, ['a.b', 'direct to the last']);
    },
    { features: [exchangeBindings] },
  ),

  testCase(
    'a queue that is reached by several ways, and in a circle, gets one copy',
    async (t) => {
      const connection = await t.connection();
      const [a, b, c] = [t.exchange('direct'), t.exchange('direct'), t.exchange('direct')];
      const queue = t.queue();
      await declare(connection, a, b, c, queue);
      for (const exchange of [a, b, c]) await queue.bind(connection).bindTo(exchange, { routingKey: 'k' });
      for (const [to, from] of [
        [b, a],
        [c, b],
        [a, c],
        [c, a],
      ] as const) {
        await to.bind(connection).bindTo(from, { routingKey: 'k' });
      }
      for (const [i, exchange] of [a, b, c].entries())
        await send(t, connection, { exchange, routingKey: 'k' }, [`m${i}`]);
      await holds(t, connection, queue, ['m0', 'm1', 'm2']);
    },
    { features: [exchangeBindings] },
  ),

  testCase(
    'an exchange that is unbound from another leads nowhere any more',
    async (t) => {
      const connection = await t.connection();
      const [from, to] = [t.exchange('direct'), t.exchange('direct')];
      const queue = t.queue({ exchange: to, routingKey: 'k' });
      await declare(connection, from, queue);
      await to.bind(connection).bindTo(from, { routingKey: 'k' });
      await send(t, connection, { exchange: from, routingKey: 'k' }, ['before']);
      await to.bind(connection).unbindFrom(from, { routingKey: 'k' });
      await send(t, connection, { exchange: from, routingKey: 'k' }, ['after']);
      await holds(t, connection, queue, ['before']);
    },
    { features: [exchangeBindings] },
  ),
]);
