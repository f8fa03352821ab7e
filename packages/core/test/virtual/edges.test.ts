import { afterEach, describe, expect, it } from '@jest/globals';
import { ChannelError, OperationalError } from '../../src/errors/index.js';
import { createMemoryTransport } from '../../src/memory/memory.js';
import type { Delivery } from '../../src/transport/delivery.js';
import { systemClock } from '../../src/util/clock.js';
import { CarryOver } from '../../src/virtual/carry-over.js';
import { defineVirtualTransport } from '../../src/virtual/define-transport.js';
import type { PutRequest, VirtualDriver } from '../../src/virtual/driver.js';
import { ExpirySchedule } from '../../src/virtual/expiry-schedule.js';
import { sameValue } from '../../src/virtual/headers-match.js';
import { createLocalTopology } from '../../src/virtual/local-topology.js';
import { ManualClock } from '../support/manual-clock.js';
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
import { createTextDriver, TextStore } from './support/text-store.js';

afterEach(closeAll);

/** A transport whose driver was changed. */
function changed(change: (driver: VirtualDriver) => Partial<VirtualDriver>, store = new TextStore()) {
  const base = textTransport(store);
  return defineVirtualTransport({
    name: 'changed',
    schemes: ['changed'],
    driverName: 'changed',
    options: {},
    capabilities: base.capabilities,
    open: async () => {
      const driver = createTextDriver(store);
      return { ...driver, ...change(driver) };
    },
  });
}

describe('a store that stores and then finds a table changed', () => {
  it('is given what the new table adds, and nothing twice', async () => {
    const store = new TextStore();
    const transport = changed(
      (driver) => ({
        put: async (request: PutRequest) => {
          const stale = request.check
            .filter(({ exchange: name, version }) => store.exchanges.get(name)?.version !== version)
            .map(({ exchange: name }) => {
              const known = store.exchanges.get(name);
              return { name, record: known?.record, bindings: [...(known?.bindings ?? [])], version: known?.version };
            });
          const result = await driver.put({ entries: request.entries, check: [] });
          return stale.length === 0 ? result : { ...result, stale, stored: true };
        },
      }),
      store,
    );
    const [a, b] = [await connect(transport), await connect(transport)];
    await a.channel.declareExchange(exchange('x'));
    for (const name of ['q1', 'q2']) await a.channel.declareQueue(queue(name));
    await a.channel.bindQueue({ queue: 'q1', exchange: 'x', routingKey: 'k', arguments: {} });
    await a.channel.publish(message('1'), to('x', 'k'));
    await b.channel.bindQueue({ queue: 'q2', exchange: 'x', routingKey: 'k', arguments: {} });
    await a.channel.publish(message('2'), to('x', 'k', true));
    expect([await drain(a.channel, 'q1'), await drain(a.channel, 'q2')]).toEqual([['1', '2'], ['2']]);
  });

  it('is given up when its tables never come to rest', async () => {
    const store = new TextStore();
    const transport = changed(
      () => ({
        put: async (request: PutRequest) => {
          const stale = request.check.map(({ exchange: name }) => {
            const known = store.exchanges.get(name);
            return { name, record: known?.record, bindings: [...(known?.bindings ?? [])], version: ++store.versions };
          });
          return { failures: [], evicted: [], stale, stored: false };
        },
      }),
      store,
    );
    const { channel } = await connect(transport);
    await channel.declareExchange(exchange('x'));
    await channel.declareQueue(queue('q'));
    await channel.bindQueue({ queue: 'q', exchange: 'x', routingKey: 'k', arguments: {} });
    const error = await failure(channel.publish(message('1'), to('x', 'k')));
    expect([error.code, error.retryable]).toEqual(['ERR_KOMBU_BROKER_BUSY', true]);
  });

  it('gets what was on the way in the order in which it was published', async () => {
    const store = new TextStore();
    const held: (() => void)[] = [];
    let holding = false;
    const transport = changed(
      (driver) => ({
        put: (request: PutRequest) => {
          if (!holding) return driver.put(request);
          return new Promise((resolve) => {
            held.push(() => {
              const { record, bindings = [], version } = store.exchanges.get('x') ?? {};
              const stale = [{ name: 'x', record, bindings, version }];
              resolve({ failures: [], evicted: [], stale, stored: false });
            });
          });
        },
      }),
      store,
    );
    const { channel } = await connect(transport);
    await channel.declareExchange(exchange('x'));
    await channel.declareQueue(queue('q'));
    await channel.bindQueue({ queue: 'q', exchange: 'x', routingKey: 'k', arguments: {} });
    await channel.publish(message('0'), to('x', 'k'));
    holding = true;
    const sent: unknown[] = [];
    for (const body of ['1', '2', '3']) {
      sent.push(channel.publish(message(body), to('x', 'k')));
      await until('it is on its way', () => held.length === sent.length);
    }
    holding = false;
    for (const answer of held) answer();
    await Promise.all(sent);
    expect(await drain(channel, 'q')).toEqual(['0', '1', '2', '3']);
  });
});

describe('a store that fails', () => {
  it('fails what it was given, and nothing else', async () => {
    let broken = true;
    const transport = changed((driver) => ({
      put: (request: PutRequest) => (broken ? Promise.reject(new Error('disk full')) : driver.put(request)),
    }));
    const { channel } = await connect(transport);
    const error = await failure(channel.publish(message('a'), to('', 'q')));
    expect([error.code, (error.cause as Error).message]).toEqual(['ERR_KOMBU_BROKER_BUSY', 'disk full']);
    broken = false;
    await channel.publish(message('b'), to('', 'q'));
    expect(await drain(channel, 'q')).toEqual(['b']);
  });

  it('fails single entries', async () => {
    const transport = changed((driver) => ({
      put: async (request: PutRequest) => {
        const result = await driver.put(request);
        const error = new OperationalError('NACKED', 'not this one');
        const failures = request.entries.flatMap((entry, index) => (entry.queue === 'bad' ? [{ index, error }] : []));
        return { ...result, failures };
      },
    }));
    const { channel } = await connect(transport);
    const sent = ['good', 'bad', 'good'].map((name) => channel.publish(message('m'), to('', name)));
    const results = await Promise.allSettled(sent);
    expect(results.map((result) => result.status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
  });

  it('refuses one queue, and the others are consumed from all the same', async () => {
    let broken = true;
    const transport = changed((driver) => ({
      reserve: (request) =>
        broken && request.queues.includes('bad')
          ? Promise.reject(new ChannelError('PRECONDITION_FAILED', 'not a list'))
          : driver.reserve(request),
    }));
    const { channel, warnings } = await connect(transport);
    for (const name of ['a', 'bad', 'b']) {
      await channel.declareQueue(queue(name));
      await channel.publish(message(name), to('', name));
    }
    await channel.declareQueue(queue('first'));
    await channel.publish(message('first'), to('', 'first'));
    channel.setChannelPrefetch?.(1);
    const first = await collect(channel, 'first');
    await until('the only credit is taken', () => first.got.length === 1);
    const consumers: { got: Delivery[] }[] = [];
    for (const name of ['a', 'bad', 'b']) {
      consumers.push(await collect(channel, name, { handle: (delivery) => void channel.settle(delivery, 'ack') }));
    }
    await settle();
    // Now there is credit for all of them: they are asked together.
    channel.setChannelPrefetch?.(0);
    const counts = () => consumers.map(({ got }) => got.length);
    await until('the others come', () => String(counts()) === '1,0,1');
    expect(warnings[0]?.code).toBe('ERR_KOMBU_PRECONDITION_FAILED');
    broken = false;
    await until('it comes too', () => String(counts()) === '1,1,1');
  });

  it('tells of settlements that it did not take', async () => {
    let broken = false;
    const store = new TextStore();
    const transport = changed(
      (driver) => ({ settle: (items) => (broken ? Promise.reject(new Error('busy')) : driver.settle(items)) }),
      store,
    );
    const { channel, told } = await connect(transport);
    await channel.declareQueue(queue('q'));
    await channel.publish(message('a'), to('', 'q'));
    await channel.publish(message('b'), to('', 'q'));
    const [a, b] = [(await channel.get('q')) as Delivery, (await channel.get('q')) as Delivery];
    broken = true;
    await channel.settle(a, 'ack');
    await until('it is told', () => told.failed.length === 1);
    expect(told.failed[0]?.error.code).toBe('ERR_KOMBU_BROKER_BUSY');
    const confirmed = channel.settle(b, 'ack', { confirm: true });
    expect((await failure(confirmed)).code).toBe('ERR_KOMBU_BROKER_BUSY');
  });

  it('keeps a message that could not be dead-lettered', async () => {
    const store = new TextStore();
    let broken = false;
    const transport = changed(
      (driver) => ({ put: (request) => (broken ? Promise.reject(new Error('full')) : driver.put(request)) }),
      store,
    );
    const { channel, warnings } = await connect(transport);
    await channel.declareQueue(queue('dead'));
    const args = { 'x-dead-letter-exchange': '', 'x-dead-letter-routing-key': 'dead' };
    await channel.declareQueue(queue('q', { arguments: args }));
    await channel.publish(message('m'), to('', 'q'));
    const one = (await channel.get('q')) as Delivery;
    broken = true;
    expect((await failure(channel.settle(one, 'reject', { confirm: true }))).code).toBe('ERR_KOMBU_BROKER_BUSY');
    expect(warnings.length).toBe(1);
    expect(store.reserved.size).toBe(1);
  });
});

describe('a confirmation that the link took with it', () => {
  it('is CONNECTION_LOST, and is sent again by the next link', async () => {
    const store = new TextStore();
    const transport = textTransport(store);
    const { channel } = await connect(transport, { connectionId: 'same' });
    await channel.declareQueue(queue('q'));
    await channel.publish(message('a'), to('', 'q'));
    const confirmed = channel.settle((await channel.get('q')) as Delivery, 'ack', { confirm: true });
    store.failLinks();
    expect(await failure(confirmed)).toMatchObject({ code: 'ERR_KOMBU_CONNECTION_LOST', retryable: true });
    await connect(transport, { connectionId: 'same' });
    await until('it is acknowledged', () => store.reserved.size === 0 && store.queues.get('q')?.length === 0);
  });
});

describe('settlements that are on their way when the link is lost', () => {
  it('are sent again by the next link', async () => {
    const store = new TextStore();
    const transport = textTransport(store);
    const { channel } = await connect(transport, { connectionId: 'same' });
    await channel.declareQueue(queue('q'));
    await channel.publish(message('a'), to('', 'q'));
    channel.settle((await channel.get('q')) as Delivery, 'ack');
    await until('it is on its way', () => store.count('settle') === 1);
    store.failLinks();
    await connect(transport, { connectionId: 'same' });
    await until('it is acknowledged', () => store.reserved.size === 0 && store.queues.get('q')?.length === 0);
  });
});

describe('an asynchronous store of objects', () => {
  it('is published to, and answers later', async () => {
    const stored: PutRequest[] = [];
    let refuse: Error | undefined;
    const topology = createLocalTopology();
    const transport = defineVirtualTransport({
      name: 'slow',
      schemes: ['slow'],
      driverName: 'slow',
      options: {},
      payload: 'object',
      capabilities: {
        fanout: 'queues',
        priorities: 0,
        order: 'fifo',
        scope: 'process',
        topology: 'process',
        presence: 'process',
        lease: 'memory',
        durable: false,
        delivery: 'exactly-once',
      },
      open: async () => ({
        ...createTextDriver(new TextStore(), {
          topology: false,
          presence: false,
          limits: { lease: 'memory', priorities: 0 },
        }),
        topology,
        put: async (request: PutRequest) => {
          await new Promise((resolve) => setImmediate(resolve));
          if (refuse !== undefined) throw refuse;
          stored.push(request);
          return { failures: [], evicted: [] };
        },
      }),
    });
    const { channel } = await connect(transport);
    const sent = channel.publish(message('a'), to('', 'q'));
    expect(sent).toBeInstanceOf(Promise);
    await channel.close();
    expect(stored.length).toBe(1);
    await sent;
    refuse = new Error('no');
    const again = await connect(transport);
    expect((await failure(again.channel.publish(message('b'), to('', 'q')))).message).toBe('no');
  });
});

describe('several reserves of one queue in the air', () => {
  it('never exceed the prefetch, and lose nothing', async () => {
    const store = new TextStore();
    const limits = { parallelReserves: 4, queuesPerReserve: 1, maxBatch: 3 };
    const { channel } = await connect(textTransport(store, { limits }));
    await channel.declareQueue(queue('q'));
    for (let i = 0; i < 60; i++) await channel.publish(message(String(i)), to('', 'q'));
    let inAir = 0;
    let mostInAir = 0;
    let inHand = 0;
    let mostInHand = 0;
    store.reservePause = async () => {
      mostInAir = Math.max(mostInAir, ++inAir);
      await settle(2);
      inAir--;
    };
    const { got, texts } = await collect(channel, 'q', {
      prefetch: 8,
      handle: (delivery) => {
        mostInHand = Math.max(mostInHand, ++inHand);
        setTimeout(() => {
          inHand--;
          void channel.settle(delivery, 'ack');
        }, 1);
      },
    });
    await until('all are done', () => got.length === 60 && inHand === 0);
    expect(new Set(texts()).size).toBe(60);
    expect(mostInAir).toBeGreaterThan(1);
    expect(mostInAir).toBeLessThanOrEqual(4);
    expect(mostInHand).toBeLessThanOrEqual(8);
  });
});

describe('an exclusive queue of a connection that died', () => {
  it('is not there for others once the claim has ended, and can be declared anew', async () => {
    const store = new TextStore();
    const transport = textTransport(store);
    const options = { leaseMs: 100 };
    const dead = await connect(transport, { options });
    await dead.channel.declareQueue(queue('mine', { exclusive: true }));
    await dead.channel.publish(message('left'), to('', 'mine'));
    store.failLinks();
    await dead.channel.closed;
    const other = await connect(transport, { options });
    expect((await failure(other.channel.get('mine'))).code).toBe('ERR_KOMBU_RESOURCE_LOCKED');
    await until(
      'the claim has ended',
      async () => (await failure(other.channel.get('mine'))).code === 'ERR_KOMBU_NOT_FOUND',
    );
    expect((await other.channel.declareQueue(queue('mine', { exclusive: true }))).messageCount).toBe(0);
    expect(store.claims.get('mine')?.owner).toBeDefined();
  });
});

describe.each([
  ['memory', () => createMemoryTransport()],
  ['a text store', () => textTransport(new TextStore())],
] as const)('a queue that is deleted while its consumer starts, on %s', (_name, start) => {
  it('does not leave the consumer hanging', async () => {
    for (let turns = 0; turns < 12; turns++) {
      const { channel, told } = await connect(start(), { options: { leaseMs: 100 } });
      await channel.declareQueue(queue('q'));
      const starting = collect(channel, 'q', { tag: 't' }).then(
        () => 'started',
        (error: { code: string }) => error.code,
      );
      for (let i = 0; i < turns; i++) await (turns % 2 === 0 ? undefined : settle(1));
      await channel.deleteQueue('q');
      if ((await starting) === 'started') await until('it is told', () => told.cancelled.length === 1);
      else expect(await starting).toBe('ERR_KOMBU_NOT_FOUND');
      await channel.declareQueue(queue('q'));
      await until('it is out', async () => (await channel.declareQueue(queue('q'))).consumerCount === 0);
    }
  });
});

describe('times that something expires', () => {
  it('are kept by the queue, few however many there are, and never missed', async () => {
    const clock = new ManualClock();
    const fired: [string, number][] = [];
    const begun = clock.now();
    const schedule = new ExpirySchedule(clock, (name) => fired.push([name, clock.now() - begun]));
    for (let i = 0; i < 10_000; i++) schedule.add('many', begun + 3_600_000 + i);
    schedule.add('late', begun + 500);
    schedule.add('soon', begun + 100);
    schedule.add('gone', begun + 100);
    schedule.add('past', begun - 100);
    schedule.forget('gone');
    await clock.advance(1000);
    expect(fired.map(([name]) => name)).toEqual(['past', 'soon', 'late']);
    for (const [name, at] of fired) expect(at).toBeGreaterThanOrEqual({ past: 0, soon: 100, late: 500 }[name] ?? 0);
    expect(fired[1]?.[1]).toBeLessThan(130);
    expect(fired[2]?.[1]).toBeLessThan(560);
    await clock.advance(3_700_000);
    const many = fired.filter(([name]) => name === 'many');
    expect(many.length).toBeGreaterThan(0);
    expect(many.length).toBeLessThan(20);
    expect(many[many.length - 1]?.[1]).toBeGreaterThanOrEqual(3_600_000 + 9999);
    schedule.add('never', clock.now() + 10);
    schedule.stop();
    await clock.advance(1000);
    expect(fired.some(([name]) => name === 'never')).toBe(false);
  });
});

describe('what a lost link leaves', () => {
  it.each(['join', 'leave'] as const)('includes a consumer whose %s nobody has answered', async (lost) => {
    const store = new TextStore();
    let broken = false;
    const cut = async <T>(work: () => Promise<T>): Promise<T> => {
      if (!broken) return work();
      broken = false;
      if (lost === 'join') await work();
      store.failLinks();
      throw new OperationalError('CONNECTION_LOST', 'the store went away');
    };
    const transport = changed(({ presence }) => {
      if (presence === undefined) throw new Error('a text store has presence');
      const { join, leave } = presence;
      return {
        presence: {
          ...presence,
          join: (entry, ttlMs, o) => cut(() => join(entry, ttlMs, o)),
          leave: (name, consumer, o) => cut(() => leave(name, consumer, o)),
        },
      };
    }, store);
    const connectionId = `lost-${lost}`;
    const { channel } = await connect(transport, { connectionId });
    await channel.declareQueue(queue('q'));
    if (lost === 'leave') await collect(channel, 'q', { tag: 'one', exclusive: true });
    broken = true;
    const work = lost === 'join' ? collect(channel, 'q', { tag: 'one', exclusive: true }) : channel.cancel('one');
    expect((await failure(work)).code).toBe('ERR_KOMBU_CONNECTION_LOST');
    expect(store.consumers.size).toBe(1);
    const again = await connect(transport, { connectionId });
    await collect(again.channel, 'q', { exclusive: true });
    expect(store.consumers.size).toBe(1);
  });

  it('is kept for one lease, and added up over several losses', async () => {
    const carry = new CarryOver();
    const item = { queue: 'q', token: 1, outcome: 'ack' as const };
    const left = { unsettled: [], settlements: [item], presence: [] };
    carry.keep('a', left, systemClock, 10_000);
    carry.keep('a', left, systemClock, 10_000);
    expect(carry.take('a')?.settlements).toEqual([item, item]);
    expect(carry.take('a')).toBeUndefined();
    const clock = new ManualClock();
    carry.keep('b', left, clock, 50);
    await clock.advance(60);
    expect(carry.take('b')).toBeUndefined();
  });
});

describe('header values', () => {
  it.each([
    [1, 1, true],
    [1, 1n, true],
    [1n, 1, true],
    [1.5, 1n, false],
    [0, -0, true],
    [Number.NaN, Number.NaN, true],
    ['1', 1, false],
    [null, null, true],
    [null, {}, false],
    [true, 1, false],
    [new Date(5), new Date(5), true],
    [new Date(5), 5, false],
    [Buffer.from('a'), new Uint8Array([97]), true],
    [Buffer.from('a'), 'a', false],
    [[1, { a: [2] }], [1, { a: [2] }], true],
    [[1, 2], { 0: 1, 1: 2 }, false],
    [{ a: 1 }, { a: 1, b: undefined }, false],
  ])('%p and %p: %p', (a, b, same) => {
    expect(sameValue(a, b)).toBe(same);
    expect(sameValue(b, a)).toBe(same);
  });
});

describe('fanout that nobody takes', () => {
  it('is dropped from the oldest on, with one warning', async () => {
    const store = new TextStore();
    const { channel, warnings } = await connect(textTransport(store, { broadcast: true }));
    await channel.declareExchange(exchange('news', 'fanout'));
    await channel.declareQueue(queue('slow'));
    await channel.bindQueue({ queue: 'slow', exchange: 'news', routingKey: '', arguments: {} });
    const { got } = await collect(channel, 'slow', { prefetch: 1 });
    const [subscriber] = store.subscribers;
    const payload = (i: number): string =>
      JSON.stringify({ body: String(i), properties: { delivery_info: { exchange: 'news', routing_key: '' } } });
    for (let i = 0; i < 10_050; i++) subscriber?.deliver(payload(i));
    await until('one came', () => got.length === 1);
    expect(warnings).toMatchObject([{ code: 'ERR_KOMBU_BROKER_BUSY' }]);
    await channel.settle(got[0] as Delivery, 'ack');
    await until('the next one came', () => got.length === 2);
    expect(Number(text(got[1]))).toBeGreaterThan(40);
    expect(await channel.purgeQueue('slow')).toBeGreaterThan(9000);
    const one = await channel.get('slow');
    expect(one).toBeUndefined();
  });
});
