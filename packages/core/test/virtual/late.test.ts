import { afterEach, describe, expect, it } from '@jest/globals';
import { OperationalError } from '../../src/errors/index.js';
import type { Delivery } from '../../src/transport/delivery.js';
import { deferred } from '../../src/util/deferred.js';
import type { DriverLimits, VirtualDriver } from '../../src/virtual/driver.js';
import {
  closeAll,
  collect,
  connect,
  failure,
  message,
  queue,
  settle,
  text,
  textTransport,
  to,
  until,
} from './support/level1.js';
import { TextStore } from './support/text-store.js';

afterEach(closeAll);

const DEAD = { 'x-dead-letter-exchange': '', 'x-dead-letter-routing-key': 'dead' };

/** A store whose drivers answer one method only when they are told to, also when their link is gone by then. */
function held(method: 'reserve' | 'put' | 'reserveExpired', limits: Partial<DriverLimits> = {}) {
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
    transport: textTransport(store, { limits }, {}, wrap),
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
      await next.channel.settle(got[0] as Delivery, 'ack', { confirm: true });
      for (const one of again.got) await next.channel.settle(one, 'ack', { confirm: true });
      expect(broker.store.reserved.size).toBe(0);
    });

    it('of a get is ready again', async () => {
      const broker = held('reserve');
      const old = await connect(broker.transport, { connectionId: 'same' });
      await old.channel.declareQueue(queue('q'));
      await old.channel.publish(message('a'), to('', 'q'));
      broker.hold();
      const get = failure(old.channel.get('q'));
      await until('it is taken', () => broker.asked === 1);
      broker.store.failLinks();
      await old.channel.closed;
      if (when === 'before') broker.answer();
      await settle(5);
      const next = await connect(broker.transport, { connectionId: 'same' });
      broker.answer();
      expect((await get).code).toBe('ERR_KOMBU_CONNECTION_LOST');
      await until('it is back', () => broker.store.queues.get('q')?.length === 1);
      expect(text(await next.channel.get('q'))).toBe('a');
    });

    it('of a dead-letter exchange is settled, or back in its queue', async () => {
      const broker = held('put');
      const old = await connect(broker.transport, { connectionId: 'same' });
      await old.channel.declareQueue(queue('dead'));
      await old.channel.declareQueue(queue('q', { arguments: DEAD }));
      for (const body of ['a', 'b']) await old.channel.publish(message(body), to('', 'q'));
      const [a, b] = [(await old.channel.get('q')) as Delivery, (await old.channel.get('q')) as Delivery];
      broker.hold();
      await old.channel.settle(a, 'reject');
      const confirmed = failure(old.channel.settle(b, 'reject', { confirm: true }));
      await until('copies are there', () => broker.asked > 0);
      broker.store.failLinks();
      await old.channel.closed;
      if (when === 'before') broker.answer();
      await settle(5);
      const next = await connect(broker.transport, { connectionId: 'same' });
      broker.answer();
      expect((await confirmed).code).toBe('ERR_KOMBU_CONNECTION_LOST');
      await until('nothing is hidden', () => broker.store.reserved.size === 0);
      const texts = async (name: string) => {
        const all: (readonly [string | undefined, boolean])[] = [];
        for (let one = await next.channel.get(name); one !== undefined; one = await next.channel.get(name))
          all.push([text(one), one.redelivered]);
        return all;
      };
      // Twice rather than never.
      const dead = (await texts('dead')).map(([body]) => body);
      const back = await texts('q');
      for (const body of ['a', 'b']) expect([...dead, ...back.map(([one]) => one)]).toContain(body);
      expect(back.every(([, redelivered]) => redelivered)).toBe(true);
    });
  },
);

describe('what was settled too late', () => {
  it('is for nobody where the broker itself gives back what its link held', async () => {
    const broker = held('reserve', { lease: 'session' });
    const old = await connect(broker.transport, { connectionId: 'same' });
    await old.channel.declareQueue(queue('q'));
    await old.channel.publish(message('a'), to('', 'q'));
    broker.hold();
    const get = failure(old.channel.get('q'));
    await until('it is taken', () => broker.asked === 1);
    broker.store.failLinks();
    await old.channel.closed;
    await connect(broker.transport, { connectionId: 'same' });
    broker.answer();
    await get;
    await settle();
    expect(broker.store.count('settle')).toBe(0);
  });

  it('is not for a link of another Connection, nor for one that is closed', async () => {
    const broker = held('reserve');
    const old = await connect(broker.transport, { connectionId: 'same' });
    await old.channel.declareQueue(queue('q'));
    await old.channel.publish(message('a'), to('', 'q'));
    broker.hold();
    const get = failure(old.channel.get('q'));
    await until('it is taken', () => broker.asked === 1);
    broker.store.failLinks();
    await old.channel.closed;
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
  it.each(['session', 'memory'] as const)(
    'comes back after the time of a lease where leases are those of a %s',
    async (lease) => {
      const store = new TextStore();
      let state: 'full' | 'free' = 'free';
      const wrap = (driver: VirtualDriver): VirtualDriver => ({
        ...driver,
        put: (request) =>
          state === 'full' ? Promise.reject(new OperationalError('BROKER_BUSY', 'full')) : driver.put(request),
      });
      const transport = textTransport(store, { limits: { lease } }, {}, wrap);
      const { channel, warnings } = await connect(transport, { options: { leaseMs: 100 } });
      await channel.declareQueue(queue('dead'));
      await channel.declareQueue(queue('q', { arguments: DEAD }));
      await channel.publish(message('a'), to('', 'q'));
      const one = (await channel.get('q')) as Delivery;
      state = 'full';
      const rejected = failure(channel.settle(one, 'reject', { confirm: true }));
      expect((await rejected).code).toBe('ERR_KOMBU_BROKER_BUSY');
      expect(warnings).toHaveLength(1);
      expect(store.reserved.size).toBe(1);
      state = 'free';
      await until('it is back', () => store.reserved.size === 0);
      const again = (await channel.get('q')) as Delivery;
      expect([text(again), again.redelivered]).toEqual(['a', true]);
      await channel.settle(again, 'reject', { confirm: true });
      expect(text(await channel.get('dead'))).toBe('a');
    },
  );
});
