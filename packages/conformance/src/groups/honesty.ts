import assert from 'node:assert/strict';
import { group, testCase } from '../case.js';
import { refuses } from '../expect.js';
import { probe } from '../feature.js';
import { features } from '../features.js';

/**
 * What is declared works, what is not is refused with NotSupportedError; what works undeclared is reported. Other groups look
 * closer at what is declared.
 */
export const honesty = group('honesty', [
  ...features.map((feature) =>
    testCase(`${feature.name}: as declared`, async (t) => {
      const declared = feature.declared(await t.capabilities());
      const found = await probe(feature, t);
      if (declared) assert.equal(found, 'works', `${feature.name} is declared, but refused`);
      else if (found === 'works') t.note('undeclared', feature.name, 'it works, but is not declared');
    }),
  ),

  testCase('an exchange type that nobody knows is refused, where types are not passed on to the broker', async (t) => {
    const connection = await t.connection();
    const exchange = t.exchange('x-kombu-no-such-type').bind(connection);
    if (connection.capabilities.exchangeTypes === 'any') {
      await assert.rejects(exchange.declare(), 'the broker refuses it by itself');
      return;
    }
    assert.equal(connection.supportsExchangeType('x-kombu-no-such-type'), false);
    await refuses('declare', () => exchange.declare(), 'NOT_SUPPORTED');
  }),

  testCase('the manifest is complete, and of one piece', async (t) => {
    const c = await t.capabilities();
    const oneOf = <T>(value: T, ...values: readonly T[]): void => assert.ok(values.includes(value), String(value));
    oneOf(c.fanout, 'queues', 'subscribers', 'none');
    oneOf(c.delivery, 'exactly-once', 'at-least-once');
    oneOf(c.order, 'fifo', 'none');
    oneOf(c.scope, 'broker', 'process');
    oneOf(c.topology, 'broker', 'process');
    oneOf(c.presence, 'broker', 'process');
    oneOf(c.lease, 'link', 'message', 'session', 'server', 'memory');
    for (const name of ['priorities', 'bindingsMaxAgeMs', 'ttlGranularityMs'] as const) assert.ok(c[name] >= 0, name);
    assert.ok(c.maxBodyBytes === undefined || c.maxBodyBytes > 0, 'maxBodyBytes');
    if (c.scope === 'process') {
      assert.deepEqual(
        [c.topology, c.presence, c.durable],
        ['process', 'process', false],
        'what a process alone can have',
      );
    }
    const types = c.exchangeTypes;
    if (types !== 'any')
      assert.equal(types.includes('fanout'), c.fanout !== 'none', 'fanout as a type and as a capability');
  }),
]);
