import { afterEach, describe, expect, it } from '@jest/globals';
import { OperationalError } from '../../src/errors/index.js';
import type { Delivery } from '../../src/transport/delivery.js';
import {
  brokers,
  closeAll,
  collect,
  connect,
  drain,
  exchange,
  failure,
  message,
  numbers,
  queue,
  settle,
  text,
  textTransport,
  to,
  until,
} from './support/level1.js';
import { TextStore } from './support/text-store.js';

afterEach(closeAll);

describe.each(brokers)('settling on %s', (name, start) => {
  it('requeues to its own queue only, flagged, at the back', async () => {
    const { channel } = await connect(start().transport);
    await channel.declareExchange(exchange('x', 'fanout'));
    for (const q of ['a', 'b']) {
      await channel.declareQueue(queue(q));
      await channel.bindQueue({ queue: q, exchange: 'x', routingKey: '', arguments: {} });
    }
    await channel.publish(message('1'), to('x', ''));
    await channel.publish(message('2'), to('x', ''));
    const first = (await channel.get('a')) as Delivery;
    await channel.settle(first, 'requeue', { confirm: true });
    expect(await drain(channel, 'b')).toEqual(['1', '2']);
    const [two, one] = [await channel.get('a'), await channel.get('a')];
    expect([text(two), two?.redelivered, text(one), one?.redelivered]).toEqual(['2', false, '1', true]);
    expect(await channel.get('a')).toBeUndefined();
  });

  it('keeps the priority of what it requeues', async () => {
    const { channel } = await connect(start().transport);
    await channel.declareQueue(queue('q'));
    for (const priority of [9, 1, 5])
      await channel.publish(message(`${priority}`, { properties: { priority } }), to('', 'q'));
    await channel.settle((await channel.get('q')) as Delivery, 'requeue', { confirm: true });
    expect(await drain(channel, 'q')).toEqual(['9', '5', '1']);
  });

  it('releases to the front, in order and unflagged, also one by one', async () => {
    const { channel } = await connect(start().transport);
    await channel.declareQueue(queue('q'));
    for (const body of numbers(6)) await channel.publish(message(body), to('', 'q'));
    const { tag, got } = await collect(channel, 'q', { prefetch: 4 });
    await until('four came', () => got.length === 4);
    await channel.cancel(tag);
    for (const delivery of got) void channel.settle(delivery, 'release');
    const again = (await channel.get('q')) as Delivery;
    expect([text(again), again.redelivered]).toEqual(['0', false]);
    await channel.settle(again, 'release', { confirm: true });
    expect(await drain(channel, 'q')).toEqual(numbers(6));
  });

  it('refuses a second settlement', async () => {
    const { channel } = await connect(start().transport);
    await channel.declareQueue(queue('q'));
    for (const outcome of ['ack', 'reject', 'requeue', 'release'] as const) {
      await channel.publish(message(outcome), to('', 'q'));
      const delivery = (await channel.get('q')) as Delivery;
      await channel.settle(delivery, outcome);
      const error = await failure(() => channel.settle(delivery, 'ack'));
      expect([error.code, error.name]).toEqual(['ERR_KOMBU_ALREADY_SETTLED', 'MessageStateError']);
      await drain(channel, 'q');
    }
    expect((await failure(() => channel.settle({} as Delivery, 'ack'))).code).toBe('ERR_KOMBU_INVALID_OPTION');
  });

  it('settles everything up to a delivery with multiple, on this channel', async () => {
    const { transport } = start();
    const [a, b] = [await connect(transport), await connect(transport)];
    await a.channel.declareQueue(queue('q'));
    for (const body of numbers(6)) await a.channel.publish(message(body), to('', 'q'));
    const other = (await b.channel.get('q')) as Delivery;
    const got: Delivery[] = [];
    for (let i = 0; i < 5; i++) got.push((await a.channel.get('q')) as Delivery);
    await a.channel.settle(got[1] as Delivery, 'ack');
    await a.channel.settle(got[3] as Delivery, 'ack', { multiple: true, confirm: true });
    expect((await failure(() => a.channel.settle(got[0] as Delivery, 'ack'))).code).toBe('ERR_KOMBU_ALREADY_SETTLED');
    await a.channel.settle(got[4] as Delivery, 'requeue', { confirm: true });
    await b.channel.settle(other, 'requeue', { confirm: true });
    expect(await drain(a.channel, 'q')).toEqual(['5', '0']);
  });

  it('recovers everything unsettled', async () => {
    const { channel } = await connect(start().transport);
    await channel.declareQueue(queue('q'));
    for (const body of numbers(4)) await channel.publish(message(body), to('', 'q'));
    for (let i = 0; i < 3; i++) await channel.get('q');
    await channel.recover?.({ requeue: true });
    const all: [string | undefined, boolean | undefined][] = [];
    for (let i = 0; i < 4; i++) {
      const one = await channel.get('q');
      all.push([text(one), one?.redelivered]);
    }
    expect(all.sort()).toEqual([
      ['0', true],
      ['1', true],
      ['2', true],
      ['3', false],
    ]);
  });

  it('shows every other operation of the connection what was settled before it', async () => {
    const { channel } = await connect(start().transport);
    await channel.declareQueue(queue('q'));
    await channel.publish(message('a'), to('', 'q'));
    void channel.settle((await channel.get('q')) as Delivery, 'requeue');
    expect((await channel.declareQueue(queue('q'))).messageCount).toBe(1);
    void channel.settle((await channel.get('q')) as Delivery, 'requeue');
    expect(await channel.purgeQueue('q')).toBe(1);
  });

  it('takes settlements of a queue that is gone', async () => {
    const { channel, told } = await connect(start().transport);
    await channel.declareQueue(queue('q'));
    await channel.publish(message('a'), to('', 'q'));
    const one = (await channel.get('q')) as Delivery;
    await channel.deleteQueue('q');
    await channel.declareQueue(queue('q'));
    await channel.settle(one, 'requeue');
    await settle();
    expect((await channel.declareQueue(queue('q'))).messageCount).toBe(0);
    expect(told.failed.length).toBeLessThan(2);
  });

  it('closes the channel when the link is lost, and says what became of deliveries', async () => {
    const broker = start();
    const id = 'the-same-connection';
    const old = await connect(broker.transport, { connectionId: id });
    await old.channel.declareQueue(queue('q'));
    for (const body of numbers(3)) await old.channel.publish(message(body), to('', 'q'));
    const { got } = await collect(old.channel, 'q', { prefetch: 2 });
    await until('two came', () => got.length === 2);
    broker.failLinks();
    expect((await old.channel.closed)?.code).toBe('ERR_KOMBU_CONNECTION_LOST');
    expect((await failure(old.channel.declareQueue(queue('q')))).code).toBe('ERR_KOMBU_CONNECTION_LOST');
    expect(old.told.cancelled).toEqual([]);
    const again = await connect(broker.transport, { connectionId: id });
    const next = await collect(again.channel, 'q');
    const { capabilities } = broker.transport;
    if (capabilities.settleAfterReconnect) {
      await until('only the third comes', () => next.got.length === 1);
      await settle(50);
      expect(next.texts()).toEqual(['2']);
      await again.channel.settle(got[0] as Delivery, 'ack', { confirm: true });
      await again.channel.settle(got[1] as Delivery, 'requeue', { confirm: true });
      await until('the other comes again', () => next.got.length === 2);
      expect([next.texts()[1], next.got[1]?.redelivered]).toEqual(['1', true]);
    } else {
      await until('all come again', () => next.got.length === 3);
      expect(next.got.map((one) => [text(one), one.redelivered])).toEqual([
        ['0', true],
        ['1', true],
        ['2', false],
      ]);
      const error = await failure(() => again.channel.settle(got[0] as Delivery, 'ack'));
      expect([error.code, error.name]).toEqual(['ERR_KOMBU_STALE_DELIVERY', 'StaleDeliveryError']);
    }
    expect(name).toBeDefined();
  });
});

describe('batched settling', () => {
  it('hands all settlements of a tick to the driver in one call', async () => {
    const store = new TextStore();
    const { channel } = await connect(textTransport(store));
    await channel.declareQueue(queue('q'));
    for (const body of numbers(20)) await channel.publish(message(body), to('', 'q'));
    const { got } = await collect(channel, 'q', { prefetch: 20 });
    await until('all came', () => got.length === 20);
    const before = store.count('settle');
    await Promise.all(got.map(async (delivery) => channel.settle(delivery, 'ack')));
    await until('they are gone', () => store.reserved.size === 0);
    expect(store.count('settle') - before).toBe(1);
  });

  it('tells of a settlement that failed later', async () => {
    const store = new TextStore();
    const { channel, told } = await connect(textTransport(store));
    await channel.declareQueue(queue('q'));
    await channel.publish(message('a'), to('', 'q'));
    await channel.publish(message('b'), to('', 'q'));
    const [a, b] = [(await channel.get('q')) as Delivery, (await channel.get('q')) as Delivery];
    store.reserved.clear();
    expect(channel.settle(a, 'ack')).toBeUndefined();
    await until('it was told', () => told.failed.length === 1);
    expect(told.failed[0]).toMatchObject({ delivery: a, error: { code: 'ERR_KOMBU_LEASE_LOST' } });
    expect((await failure(channel.settle(b, 'ack', { confirm: true }))).code).toBe('ERR_KOMBU_LEASE_LOST');
    expect(told.failed.length).toBe(1);
  });

  it('releases more than one batch in order', async () => {
    const store = new TextStore();
    const { channel } = await connect(textTransport(store, { limits: { maxBatch: 4 } }));
    await channel.declareQueue(queue('q'));
    for (const body of numbers(30)) await channel.publish(message(body), to('', 'q'));
    const { tag, got } = await collect(channel, 'q', { prefetch: 26 });
    await until('they came', () => got.length === 26);
    await channel.cancel(tag);
    for (const delivery of got) void channel.settle(delivery, 'release');
    expect(await drain(channel, 'q')).toEqual(numbers(30));
  });

  it('sends what the broker did not answer again over the next link', async () => {
    const store = new TextStore();
    const transport = textTransport(store);
    const old = await connect(transport, { connectionId: 'same' });
    await old.channel.declareQueue(queue('q'));
    await old.channel.publish(message('a'), to('', 'q'));
    const one = (await old.channel.get('q')) as Delivery;
    void old.channel.settle(one, 'ack');
    store.failLinks();
    await old.channel.closed;
    expect(store.reserved.size).toBe(1);
    await connect(transport, { connectionId: 'same' });
    await until('it is acknowledged', () => store.reserved.size === 0);
  });

  it('sends a single one that the link was lost for again over the next link, and no other', async () => {
    const store = new TextStore();
    const settled: unknown[][] = [];
    let broken = true;
    const transport = textTransport(store, {}, {}, (driver) => ({
      ...driver,
      settle: async (items) => {
        settled.push(items.map(({ token }) => token));
        const failures = await driver.settle(broken ? items.slice(1) : items);
        return broken ? [{ index: 0, error: new OperationalError('CONNECTION_LOST', 'gone') }] : failures;
      },
    }));
    const old = await connect(transport, { connectionId: 'same' });
    await old.channel.declareQueue(queue('q'));
    for (const body of numbers(2)) await old.channel.publish(message(body), to('', 'q'));
    const [one, two] = [(await old.channel.get('q')) as Delivery, (await old.channel.get('q')) as Delivery];
    const confirmed = failure(old.channel.settle(one, 'ack', { confirm: true }) as Promise<void>);
    await old.channel.settle(two, 'ack', { confirm: true });
    expect(store.reserved.size).toBe(1);
    broken = false;
    store.failLinks();
    expect((await confirmed).code).toBe('ERR_KOMBU_CONNECTION_LOST');
    await connect(transport, { connectionId: 'same' });
    await until('it is acknowledged', () => store.reserved.size === 0);
    expect(settled.map((tokens) => tokens.length)).toEqual([2, 1]);
    expect(old.told.failed).toEqual([]);
  });
});

describe('leases', () => {
  const options = { leaseMs: 400 };

  it('are renewed for as long as a message is in hand', async () => {
    const store = new TextStore();
    const transport = textTransport(store);
    const [a, b] = [await connect(transport, { options }), await connect(transport, { options })];
    await a.channel.declareQueue(queue('q'));
    await a.channel.publish(message('slow'), to('', 'q'));
    const { got } = await collect(a.channel, 'q');
    const other = await collect(b.channel, 'q');
    await until('one has it', () => got.length + other.got.length === 1);
    const begun = performance.now();
    await until('several leases have passed', () => performance.now() - begun > 1200);
    expect(got.length + other.got.length).toBe(1);
    expect(store.count('extend')).toBeGreaterThan(2);
    for (const one of got) await a.channel.settle(one, 'ack', { confirm: true });
    for (const one of other.got) await b.channel.settle(one, 'ack', { confirm: true });
  });

  it('of a dead consumer end, and its messages go to another', async () => {
    const store = new TextStore();
    const transport = textTransport(store);
    const dead = await connect(transport, { options });
    await dead.channel.declareQueue(queue('q'));
    for (const body of numbers(60)) await dead.channel.publish(message(body), to('', 'q'));
    const { got } = await collect(dead.channel, 'q', { prefetch: 60 });
    await until('it has all', () => got.length === 60);
    store.failLinks();
    const alive = await connect(transport, { options });
    const next = await collect(alive.channel, 'q', { prefetch: 60 });
    await until('they come', () => next.got.length === 60);
    expect([...next.texts()].sort()).toEqual([...numbers(60)].sort());
    expect(next.got.every((one) => one.redelivered)).toBe(true);
  });

  it('that are lost free their credit, and the channel is told', async () => {
    const store = new TextStore();
    const { channel, told } = await connect(textTransport(store), { options });
    await channel.declareQueue(queue('q'));
    for (const body of numbers(2)) await channel.publish(message(body), to('', 'q'));
    const { got } = await collect(channel, 'q', { prefetch: 1 });
    await until('one came', () => got.length === 1);
    store.reserved.clear();
    await until('it is told', () => told.failed.length === 1);
    expect(told.failed[0]).toMatchObject({ delivery: got[0], error: { code: 'ERR_KOMBU_LEASE_LOST' } });
    await until('the next one comes', () => got.length === 2);
    expect((await failure(() => channel.settle(got[0] as Delivery, 'ack'))).code).toBe('ERR_KOMBU_LEASE_LOST');
  });

  it('that could not be renewed because the link was lost are not lost', async () => {
    const store = new TextStore();
    let renewals = 0;
    const transport = textTransport(store, {}, {}, (driver) => ({
      ...driver,
      extend: async (items) => {
        renewals++;
        return items.map((_, index) => ({ index, error: new OperationalError('CONNECTION_LOST', 'gone') }));
      },
    }));
    const { channel, told } = await connect(transport, { options });
    await channel.declareQueue(queue('q'));
    await channel.publish(message('kept'), to('', 'q'));
    const one = (await channel.get('q')) as Delivery;
    await until('it was renewed in vain', () => renewals > 0);
    await channel.settle(one, 'ack', { confirm: true });
    expect(told.failed).toEqual([]);
    expect(store.reserved.size).toBe(0);
  });

  it('go on over a reconnect', async () => {
    const store = new TextStore();
    const transport = textTransport(store);
    const old = await connect(transport, { options, connectionId: 'same' });
    await old.channel.declareQueue(queue('q'));
    await old.channel.publish(message('kept'), to('', 'q'));
    const one = (await old.channel.get('q')) as Delivery;
    store.failLinks();
    await old.channel.closed;
    const next = await connect(transport, { options, connectionId: 'same' });
    const rival = await connect(transport, { options });
    const { got } = await collect(rival.channel, 'q');
    const begun = performance.now();
    await until('several leases have passed', () => performance.now() - begun > 1200);
    expect(got).toEqual([]);
    await next.channel.settle(one, 'ack', { confirm: true });
    expect(store.reserved.size).toBe(0);
  });
});

describe('an exclusive consumer', () => {
  it('comes back at once after its link was lost', async () => {
    const store = new TextStore();
    const transport = textTransport(store);
    const old = await connect(transport, { connectionId: 'same' });
    await old.channel.declareQueue(queue('q'));
    await collect(old.channel, 'q', { exclusive: true });
    store.failLinks();
    await old.channel.closed;
    const rival = await connect(transport);
    expect((await failure(collect(rival.channel, 'q'))).code).toBe('ERR_KOMBU_ACCESS_REFUSED');
    const next = await connect(transport, { connectionId: 'same' });
    await collect(next.channel, 'q', { exclusive: true });
    expect(store.consumers.size).toBe(1);
  });
});
