import { afterEach, describe, expect, it } from '@jest/globals';
import { createMemoryTransport } from '../../src/memory/memory.js';
import { defineVirtualTransport } from '../../src/virtual/define-transport.js';
import type { VirtualDriver } from '../../src/virtual/driver.js';
import type { VirtualTransportSpec } from '../../src/virtual/transport-spec.js';
import { closeAll, connect, drain, exchange, failure, message, queue, textTransport, to } from './support/level1.js';
import { createTextDriver, TextStore } from './support/text-store.js';

afterEach(closeAll);

const capabilities: VirtualTransportSpec['capabilities'] = {
  fanout: 'queues',
  priorities: 10,
  order: 'fifo',
  scope: 'broker',
  topology: 'broker',
  presence: 'broker',
  lease: 'message',
  durable: true,
  delivery: 'at-least-once',
};

describe('a transport that contradicts its driver', () => {
  const without = (...names: readonly (keyof VirtualDriver)[]) => {
    const driver: Record<string, unknown> = { ...createTextDriver(new TextStore()) };
    for (const name of names) delete driver[name];
    return driver as unknown as VirtualDriver;
  };
  it.each<[string, Partial<VirtualTransportSpec['capabilities']>, () => VirtualDriver, RegExp]>([
    ['shares no topology', {}, () => without('topology'), /driver\.topology/],
    ['shares a topology that it does not declare', { topology: 'process' }, () => without(), /driver\.topology/],
    ['sees no consumers', {}, () => without('presence'), /driver\.presence/],
    ['sees consumers that it does not declare', { presence: 'process' }, () => without(), /driver\.presence/],
    ['cannot broadcast', { fanout: 'subscribers' }, () => without(), /driver\.broadcast/],
    ['broadcasts undeclared', {}, () => createTextDriver(new TextStore(), { broadcast: true }), /driver\.broadcast/],
    ['cannot renew leases', {}, () => without('extend'), /driver\.extend/],
    ['cannot recover reservations', {}, () => without('recover'), /driver\.recover/],
    ['has another lease', { lease: 'server' }, () => without(), /limits\.lease/],
    ['has other priorities', { priorities: 3 }, () => without(), /limits\.priorities/],
  ])('is refused when it %s', async (_what, own, driver, expected) => {
    let destroyed = false;
    const transport = defineVirtualTransport({
      name: 'odd',
      schemes: ['odd'],
      driverName: 'odd',
      options: {},
      capabilities: { ...capabilities, ...own },
      open: async () => ({ ...driver(), destroy: () => (destroyed = true) }) as unknown as VirtualDriver,
    });
    const error = await failure(connect(transport));
    expect([error.code, error.message]).toEqual(['ERR_KOMBU_INCONSISTENT', expect.stringMatching(expected)]);
    expect(destroyed).toBe(true);
  });
});

describe('what a virtual transport can do', () => {
  it('is what its store can, and what core does over any', () => {
    const { capabilities: all } = textTransport(new TextStore());
    expect(all).toMatchObject({
      exchangeTypes: ['direct', 'topic', 'fanout', 'headers'],
      exchangeBindings: true,
      messageTtl: true,
      deadLetter: true,
      mandatory: true,
      settleAfterReconnect: true,
      bindingsMaxAgeMs: 0,
      consumerPriority: false,
      noLocal: false,
    });
    const { capabilities: memory } = createMemoryTransport();
    expect(memory).toMatchObject({
      scope: 'process',
      maxLength: true,
      queueExpiry: true,
      settleAfterReconnect: false,
      durable: false,
    });
    const { capabilities: lone } = textTransport(new TextStore(), { topology: false, presence: false });
    expect(lone).toMatchObject({
      queueExpiry: false,
      exclusiveConsumers: false,
      bindingsMaxAgeMs: Number.POSITIVE_INFINITY,
    });
  });

  it('refuses arguments that ask for more', async () => {
    const transport = defineVirtualTransport({
      name: 'plain',
      schemes: ['plain'],
      driverName: 'plain',
      options: {},
      capabilities: { ...capabilities, priorities: 0, deadLetter: false, queueTtl: false },
      open: async () => createTextDriver(new TextStore(), { limits: { priorities: 0 } }),
    });
    const { channel } = await connect(transport);
    for (const name of [
      'x-max-priority',
      'x-max-length',
      'x-message-ttl',
      'x-dead-letter-exchange',
      'x-single-active-consumer',
    ]) {
      const value = name === 'x-dead-letter-exchange' ? 'x' : 5;
      const error = await failure(channel.declareQueue(queue('q', { arguments: { [name]: value } })));
      expect([error.code, error.message]).toEqual(['ERR_KOMBU_NOT_SUPPORTED', expect.stringContaining(name)]);
    }
    for (const priority of [9, 0])
      await channel.publish(message(`${priority}`, { properties: { priority } }), to('', 'q'));
    await channel.publish(message('0 too', { properties: { priority: 0 } }), to('', 'q'));
    expect(await drain(channel, 'q')).toEqual(['9', '0', '0 too']);
  });

  it('offers its options together with those of every virtual transport', () => {
    const transport = defineVirtualTransport<{ color?: string }>({
      name: 'odd',
      schemes: ['odd'],
      driverName: 'odd',
      options: { color: { kind: 'string', doc: 'Its color.' } },
      capabilities,
      open: async () => createTextDriver(new TextStore()),
    });
    expect(Object.keys(transport.options).sort()).toEqual(
      ['bodyEncoding', 'color', 'deadletterQueue', 'leaseMs', 'maxInFlight', 'maxUnacked', 'pollingIntervalMs'].sort(),
    );
  });
});

describe('declarations of a transport whose store keeps none', () => {
  it('are shared by all connections of the process to one broker', async () => {
    const store = new TextStore();
    const transport = textTransport(store, { topology: false, presence: false });
    const [a, b, elsewhere] = [
      await connect(transport, { hostname: 'one' }),
      await connect(transport, { hostname: 'one' }),
      await connect(transport, { hostname: 'two' }),
    ];
    await a.channel.declareExchange(exchange('x', 'topic'));
    await a.channel.declareQueue(queue('q'));
    await a.channel.bindQueue({ queue: 'q', exchange: 'x', routingKey: 'a.#', arguments: {} });
    await b.channel.publish(message('m'), to('x', 'a.b'));
    expect(await drain(b.channel, 'q')).toEqual(['m']);
    expect((await failure(elsewhere.channel.publish(message('m'), to('x', 'a.b')))).code).toBe('ERR_KOMBU_NOT_FOUND');
    await a.connection.close();
    await b.connection.close();
    const late = await connect(transport, { hostname: 'one' });
    await late.channel.publish(message('still there'), to('x', 'a.b'));
    expect(await drain(late.channel, 'q')).toEqual(['still there']);
  });

  it('delete nothing that another process may use', async () => {
    const store = new TextStore();
    const { channel } = await connect(textTransport(store, { topology: false, presence: false }));
    await channel.declareQueue(queue('auto', { autoDelete: true }));
    await channel.consume(
      { queue: 'auto', tag: 't', noAck: false, exclusive: false, noLocal: false, arguments: {}, prefetch: 1 },
      () => {},
    );
    await channel.cancel('t');
    expect(store.queues.has('auto')).toBe(true);
    expect((await failure(channel.declareQueue(queue('q', { arguments: { 'x-expires': 10 } })))).code).toBe(
      'ERR_KOMBU_NOT_SUPPORTED',
    );
  });
});
