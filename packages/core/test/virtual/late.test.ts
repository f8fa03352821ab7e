import { afterEach, describe, expect, it } from '@jest/globals';
import { OperationalError } from '../../src/errors/index.js';
import type { TransportCapabilities } from '../../src/transport/capabilities.js';
import type { Delivery } from '../../src/transport/delivery.js';
import { deferred } from '../../src/util/deferred.js';
import type { DriverLimits, VirtualDriver } from '../../src/virtual/driver.js';
import type { VirtualOptions } from '../../src/virtual/transport-spec.js';
import type { VirtualConnection } from '../../src/virtual/virtual-connection.js';
import {
  closeAll,
  collect,
  connect,
  drain,
  exchange,
  failure,
  message,
  queue,
  settle,
  text,
  textTransport,
  to,
  until,
} from './support/level1.js';
import { TextStore, type TextStoreOptions } from './support/text-store.js';

afterEach(closeAll);

const DEAD = { 'x-dead-letter-exchange': '', 'x-dead-letter-routing-key': 'dead' };

/** A store whose drivers answer one method only when they are told to, also when their link is gone by then. */
function held(
  method: 'reserve' | 'put',
  limits: Partial<DriverLimits> = {},
  capabilities: Partial<TransportCapabilities> = {},
) {
  const store = new TextStore();
  const gate = deferred<void>();
  let asked = 0;
  let state: 'through' | 'held' = 'through';
  const wrap = (driver: VirtualDriver): VirtualDriver => ({
    ...driver,
    async [method](request: never) {
      const answer = (await (driver[method] as (r: never) => unknown)(request)) as never;
      if (state === 'held') {
        asked++;
        await gate.promise;
      }
      return answer;
    },
  });
  return {
    store,
    transport: textTransport(store, { limits }, { capabilities }, wrap),
    hold: () => {
      state = 'held';
    },
    get asked() {
      return asked;
    },
    /** Answers, and holds nothing more. */
    answer: () => {
      state = 'through';
      gate.resolve();
    },
  };
}

/** A link that is lost when a `get` of its message 'a' was carried out and not answered; resolves with what that `get` will fail with. */
async function lostWhileGetting(broker: ReturnType<typeof held>, options: VirtualOptions = {}) {
  const { channel } = await connect(broker.transport, { connectionId: 'same', options });
  await channel.declareQueue(queue('q'));
  await channel.publish(message('a'), to('', 'q'));
  broker.hold();
  const get = failure(channel.get('q'));
  await until('it is taken', () => broker.asked === 1);
  broker.store.failLinks();
  await channel.closed;
  // Not the promise itself: that is waited for when it is answered.
  return { get };
}

describe.each(['before', 'after'] as const)(
  'what is answered when its link is gone, %s the next one is there',
  (when) => {
    it('of a consumer is ready again, unseen, and no lease of it is renewed', async () => {
      const broker = held('reserve');
      const old = await connect(broker.transport, { connectionId: 'same' });
      await old.channel.declareQueue(queue('q'));
      // Something that is in hand is carried over: nothing may come to it any more.
      await old.channel.publish(message('in hand'), to('', 'q'));
      const { got } = await collect(old.channel, 'q', { prefetch: 3 });
      await until('the first came', () => got.length === 1);
      broker.hold();
      for (const body of ['a', 'b']) await old.channel.publish(message(body), to('', 'q'));
      await until('they are taken', () => broker.store.reserved.size === 3 && broker.asked > 0);
      broker.store.failLinks();
      await old.channel.closed;
      if (when === 'before') broker.answer();
      await settle(5);
      const next = await connect(broker.transport, { connectionId: 'same' });
      broker.answer();
      const again = await collect(next.channel, 'q');
      await until('they came again', () => again.got.length === 2);
      expect(again.got.map((one) => [text(one), one.redelivered])).toEqual([
        ['a', false],
        ['b', false],
      ]);
      expect(got).toHaveLength(1);
      const carried = [...(next.connection as VirtualConnection).unsettled].flatMap((list) => list.toArray().map(text));
      expect(carried.sort()).toEqual(['a', 'b', 'in hand']);
      await next.channel.settle(got[0] as Delivery, 'ack', { confirm: true });
      for (const one of again.got) await next.channel.settle(one, 'ack', { confirm: true });
      expect(broker.store.reserved.size).toBe(0);
    });

    it('of a get is ready again', async () => {
      const broker = held('reserve');
      const { get } = await lostWhileGetting(broker);
      if (when === 'before') broker.answer();
      await settle(5);
      const next = await connect(broker.transport, { connectionId: 'same' });
      broker.answer();
      expect((await get).code).toBe('ERR_KOMBU_CONNECTION_LOST');
      await until('it is back', () => broker.store.queues.get('q')?.length === 1);
      expect(text(await next.channel.get('q'))).toBe('a');
    });

    it('of a dead-letter exchange is back in its queue, also where the copy is there', async () => {
      const broker = held('put');
      const old = await connect(broker.transport, { connectionId: 'same' });
      await old.channel.declareQueue(queue('dead'));
      await old.channel.declareQueue(queue('q', { arguments: DEAD }));
      for (const body of ['a', 'b']) await old.channel.publish(message(body), to('', 'q'));
      const [a, b] = [(await old.channel.get('q')) as Delivery, (await old.channel.get('q')) as Delivery];
      broker.hold();
      await old.channel.settle(a, 'reject');
      const confirmed = failure(old.channel.settle(b, 'reject', { confirm: true }));
      await until('copies are there', () => broker.store.queues.get('dead')?.length === 2);
      broker.store.failLinks();
      await old.channel.closed;
      if (when === 'before') broker.answer();
      await settle(5);
      const next = await connect(broker.transport, { connectionId: 'same' });
      broker.answer();
      expect((await confirmed).code).toBe('ERR_KOMBU_CONNECTION_LOST');
      await until('nothing is hidden', () => broker.store.reserved.size === 0);
      const { got } = await collect(next.channel, 'q');
      await until('they came again', () => got.length === 2);
      // Twice rather than never.
      expect(got.map((one) => [text(one), one.redelivered])).toEqual([
        ['a', true],
        ['b', true],
      ]);
      expect(await drain(next.channel, 'dead')).toEqual(['a', 'b']);
    });
  },
);

describe('what was settled too late', () => {
  it('is for nobody where the broker itself gives back what its link held', async () => {
    const broker = held('reserve', { lease: 'session' });
    const { get } = await lostWhileGetting(broker);
    await connect(broker.transport, { connectionId: 'same' });
    broker.answer();
    await get;
    await settle();
    expect(broker.store.count('settle')).toBe(0);
  });

  it.each([
    ['session', 1],
    ['message', 0],
  ] as const)('is kept for longer than a lease where a %s outlives its link', async (lease, settled) => {
    const broker = held('reserve', { lease }, { settleAfterReconnect: true });
    const { get } = await lostWhileGetting(broker, { leaseMs: 50 });
    broker.answer();
    await get;
    await new Promise((resolve) => setTimeout(resolve, 150));
    await connect(broker.transport, { connectionId: 'same' });
    await settle();
    expect(broker.store.count('settle')).toBe(settled);
  });

  it('is not for a link of another Connection, nor for one that is closed', async () => {
    const broker = held('reserve');
    const { get } = await lostWhileGetting(broker);
    const other = await connect(broker.transport, { connectionId: 'another' });
    const closed = await connect(broker.transport, { connectionId: 'same' });
    await closed.connection.close();
    broker.answer();
    await get;
    await settle();
    expect(broker.store.count('settle')).toBe(0);
    await connect(broker.transport, { connectionId: 'same' });
    await until('it is back', () => broker.store.queues.get('q')?.length === 1);
    expect(text(await other.channel.get('q'))).toBe('a');
  });
});

describe('a message that a dead-letter exchange did not take', () => {
  /** A store that is full when it is told to be. */
  function filling(options: TextStoreOptions) {
    const store = new TextStore();
    let state: 'full' | 'free' = 'free';
    const wrap = (driver: VirtualDriver): VirtualDriver => ({
      ...driver,
      put: (request) =>
        state === 'full' ? Promise.reject(new OperationalError('BROKER_BUSY', 'full')) : driver.put(request),
    });
    const become = (next: typeof state): void => {
      state = next;
    };
    return { store, transport: textTransport(store, options, {}, wrap), become };
  }

  it.each(['message', 'session', 'memory'] as const)(
    'comes back after the time of a lease where leases are those of a %s',
    async (lease) => {
      const { store, transport, become } = filling({ limits: { lease } });
      const { channel, warnings } = await connect(transport, { options: { leaseMs: 100 } });
      await channel.declareQueue(queue('dead'));
      await channel.declareQueue(queue('q', { arguments: DEAD }));
      await channel.publish(message('a'), to('', 'q'));
      const one = (await channel.get('q')) as Delivery;
      become('full');
      const rejected = failure(channel.settle(one, 'reject', { confirm: true }));
      expect((await rejected).code).toBe('ERR_KOMBU_BROKER_BUSY');
      expect(warnings).toHaveLength(1);
      await settle();
      expect(store.reserved.size).toBe(1);
      become('free');
      await until('it is back', () => store.reserved.size === 0);
      const again = (await channel.get('q')) as Delivery;
      expect([text(again), again.redelivered]).toEqual(['a', true]);
      await channel.settle(again, 'reject', { confirm: true });
      expect(text(await channel.get('dead'))).toBe('a');
    },
  );

  it('comes back as soon as the link is lost', async () => {
    const { store, transport, become } = filling({});
    const { channel } = await connect(transport, { connectionId: 'same' });
    await channel.declareQueue(queue('q', { arguments: DEAD }));
    await channel.publish(message('a'), to('', 'q'));
    become('full');
    const one = (await channel.get('q')) as Delivery;
    expect((await failure(channel.settle(one, 'reject', { confirm: true }))).code).toBe('ERR_KOMBU_BROKER_BUSY');
    expect(store.reserved.size).toBe(1);
    store.failLinks();
    await connect(transport, { connectionId: 'same' });
    await until('it is back', () => store.reserved.size === 0 && store.queues.get('q')?.length === 1);
  });

  it('comes back to who is subscribed where it came by fanout', async () => {
    const { store, transport, become } = filling({ broadcast: true });
    const { channel } = await connect(transport, { options: { leaseMs: 100 } });
    await channel.declareExchange(exchange('news', 'fanout'));
    await channel.declareQueue(queue('dead'));
    await channel.declareQueue(queue('q', { arguments: DEAD }));
    await channel.bindQueue({ queue: 'q', exchange: 'news', routingKey: '', arguments: {} });
    const { got } = await collect(channel, 'q', { prefetch: 1 });
    await channel.publish(message('a'), to('news', ''));
    await until('it came', () => got.length === 1);
    become('full');
    const rejected = failure(channel.settle(got[0] as Delivery, 'reject', { confirm: true }));
    expect((await rejected).code).toBe('ERR_KOMBU_BROKER_BUSY');
    become('free');
    await until('it came again', () => got.length === 2);
    expect([text(got[1]), got[1]?.redelivered]).toEqual(['a', true]);
    await channel.settle(got[1] as Delivery, 'reject', { confirm: true });
    expect(store.queues.get('dead')).toHaveLength(1);
  });
});
