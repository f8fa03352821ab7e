import { afterEach, describe, expect, it } from '@jest/globals';
import type { Channel } from '../../src/transport/channel.js';
import type { ExchangeKind } from '../../src/virtual/exchange-kinds.js';
import {
  brokers,
  closeAll,
  connect,
  drain,
  exchange,
  failure,
  message,
  queue,
  settle,
  textTransport,
  to,
} from './support/level1.js';
import { TextStore } from './support/text-store.js';

afterEach(closeAll);

async function bound(channel: Channel, type: string, bindings: Record<string, readonly string[]>): Promise<void> {
  await channel.declareExchange(exchange('x', type));
  for (const [name, keys] of Object.entries(bindings)) {
    await channel.declareQueue(queue(name));
    for (const routingKey of keys) await channel.bindQueue({ queue: name, exchange: 'x', routingKey, arguments: {} });
  }
}

describe.each(brokers)('publishing on %s', (name, start) => {
  it('stores to the queue that the routing key names, also when nobody declared it', async () => {
    const { channel } = await connect(start().transport);
    await channel.publish(message('a'), to('', 'undeclared'));
    await channel.declareQueue(queue('undeclared'));
    expect(await drain(channel, 'undeclared')).toEqual(['a']);
  });

  it('routes by direct, topic and fanout exchanges', async () => {
    const { transport } = start();
    const { channel } = await connect(transport);
    await bound(channel, 'direct', { d1: ['k'], d2: ['k', 'other'], d3: ['other'] });
    await channel.publish(message('direct'), to('x', 'k'));
    expect(await Promise.all(['d1', 'd2', 'd3'].map((q) => drain(channel, q)))).toEqual([['direct'], ['direct'], []]);
    await channel.deleteExchange('x');
    await bound(channel, 'topic', { t1: ['stock.#'], t2: ['*.us'], t3: ['stock.*.nyse'] });
    for (const key of ['stock', 'stock.us', 'stock.us.nyse', 'bond.us'])
      await channel.publish(message(key), to('x', key));
    expect(await Promise.all(['t1', 't2', 't3'].map((q) => drain(channel, q)))).toEqual([
      ['stock', 'stock.us', 'stock.us.nyse'],
      ['stock.us', 'bond.us'],
      ['stock.us.nyse'],
    ]);
    await channel.deleteExchange('x');
    await bound(channel, 'fanout', { f1: [''], f2: ['ignored'] });
    await channel.publish(message('all'), to('x', 'whatever'));
    expect(await Promise.all(['f1', 'f2'].map((q) => drain(channel, q)))).toEqual([['all'], ['all']]);
  });

  it('routes by headers', async () => {
    const { channel } = await connect(start().transport);
    await channel.declareExchange(exchange('x', 'headers'));
    const bindings: Record<string, Record<string, unknown>> = {
      all: { 'x-match': 'all', a: 1, b: 'two' },
      any: { 'x-match': 'any', a: 1, b: 'two' },
      presence: { a: null },
      x: { 'x-match': 'all-with-x', 'x-tenant': 'me' },
    };
    for (const [q, args] of Object.entries(bindings)) {
      await channel.declareQueue(queue(q));
      await channel.bindQueue({ queue: q, exchange: 'x', routingKey: '', arguments: args });
    }
    await channel.publish(message('both', { headers: { a: 1, b: 'two', c: 3 } }), to('x', ''));
    await channel.publish(message('one', { headers: { a: 1, b: 'three' } }), to('x', ''));
    await channel.publish(message('tenant', { headers: { 'x-tenant': 'me' } }), to('x', ''));
    const got = await Promise.all(Object.keys(bindings).map((q) => drain(channel, q)));
    expect(got).toEqual([['both'], ['both', 'one'], ['both', 'one'], ['tenant']]);
    const odd = { queue: 'all', exchange: 'x', routingKey: '', arguments: { 'x-match': 'most' } };
    expect((await failure(channel.bindQueue(odd))).code).toBe('ERR_KOMBU_PRECONDITION_FAILED');
  });

  it('gives a queue one copy, whatever binds it', async () => {
    const { channel } = await connect(start().transport);
    await bound(channel, 'topic', { q: ['a.*', 'a.#', '#.b', 'a.b'] });
    for (const other of ['y', 'z']) await channel.declareExchange(exchange(other, 'fanout'));
    const chain = [
      ['x', 'y'],
      ['y', 'z'],
      ['z', 'x'],
      ['x', 'z'],
    ] as const;
    for (const [source, destination] of chain) {
      await channel.bindExchange?.({ source, destination, routingKey: '#', arguments: {} });
    }
    await channel.bindQueue({ queue: 'q', exchange: 'z', routingKey: '', arguments: {} });
    await channel.publish(message('once'), to('x', 'a.b'));
    await channel.publish(message('through the circle'), to('y', 'other'));
    expect(await drain(channel, 'q')).toEqual(['once', 'through the circle']);
    await channel.unbindExchange?.({ source: 'y', destination: 'z', routingKey: '#', arguments: {} });
    await channel.publish(message('cut off'), to('y', 'other'));
    expect(await drain(channel, 'q')).toEqual([]);
  });

  it('stops routing what is unbound', async () => {
    const { channel } = await connect(start().transport);
    await bound(channel, 'direct', { q: ['k', 'l'] });
    await channel.unbindQueue({ queue: 'q', exchange: 'x', routingKey: 'k', arguments: {} });
    await channel.publish(message('k'), to('x', 'k'));
    await channel.publish(message('l'), to('x', 'l'));
    expect(await drain(channel, 'q')).toEqual(['l']);
  });

  it('rejects what goes to an unknown exchange, and mandatory messages that no queue takes', async () => {
    const { channel } = await connect(start().transport);
    const unknown = await failure(channel.publish(message('a'), to('nope', 'k')));
    expect([unknown.code, unknown.message]).toEqual(['ERR_KOMBU_NOT_FOUND', expect.stringContaining('nope')]);
    await bound(channel, 'direct', { q: ['k'] });
    await channel.publish(message('dropped'), to('x', 'other'));
    const returned = await failure(channel.publish(message('a'), to('x', 'other', true)));
    expect([returned.code, returned.name]).toEqual(['ERR_KOMBU_NO_ROUTE', 'UndeliverableError']);
    expect((await failure(channel.publish(message('a'), to('', 'undeclared', true)))).code).toBe('ERR_KOMBU_NO_ROUTE');
    await channel.publish(message('mandatory'), to('x', 'k', true));
    await channel.publish(message('anonymous'), to('', 'q', true));
    expect(await drain(channel, 'q')).toEqual(['mandatory', 'anonymous']);
  });

  it('asks the alternate exchange where a message has no binding', async () => {
    const { channel } = await connect(start().transport);
    await channel.declareExchange(exchange('rest', 'fanout'));
    await channel.declareExchange(exchange('x', 'direct', { arguments: { 'alternate-exchange': 'rest' } }));
    for (const [name, from] of [
      ['taken', 'x'],
      ['others', 'rest'],
    ] as const) {
      await channel.declareQueue(queue(name));
      await channel.bindQueue({ queue: name, exchange: from, routingKey: 'k', arguments: {} });
    }
    for (const key of ['k', 'l']) await channel.publish(message(key), to('x', key, true));
    expect([await drain(channel, 'taken'), await drain(channel, 'others')]).toEqual([['k'], ['l']]);
  });

  it('has no queue without a name', async () => {
    const { channel } = await connect(start().transport);
    await channel.publish(message('dropped'), to('', ''));
    expect((await failure(channel.publish(message('a'), to('', '', true)))).code).toBe('ERR_KOMBU_NO_ROUTE');
  });

  it('puts what no binding takes into the deadletter queue, with a warning', async () => {
    const { channel, warnings } = await connect(start().transport, { options: { deadletterQueue: 'lost' } });
    await bound(channel, 'direct', { q: ['k'] });
    await channel.publish(message('stray'), to('x', 'other'));
    await channel.publish(message('mandatory stray'), to('x', 'other', true));
    expect(await drain(channel, 'lost')).toEqual(['stray', 'mandatory stray']);
    expect(warnings.map((error) => error.code)).toEqual(['ERR_KOMBU_NO_ROUTE', 'ERR_KOMBU_NO_ROUTE']);
  });

  it('keeps call order over every kind of route', async () => {
    const { channel } = await connect(start().transport);
    await bound(channel, 'topic', { q: ['#'] });
    await channel.declareExchange(exchange('y', 'fanout'));
    await channel.bindQueue({ queue: 'q', exchange: 'y', routingKey: '', arguments: {} });
    const sent: unknown[] = [];
    for (let i = 0; i < 60; i++) {
      const route = i % 3 === 0 ? to('x', `k.${i}`) : i % 3 === 1 ? to('y', '') : to('', 'q');
      sent.push(channel.publish(message(String(i)), route));
    }
    await Promise.all(sent);
    expect(await drain(channel, 'q')).toEqual(Array.from({ length: 60 }, (_, i) => String(i)));
  });

  it('serves 9 first, and keeps first in, first out within a priority', async () => {
    const { channel } = await connect(start().transport);
    await channel.declareQueue(queue('q'));
    for (const [i, priority] of [0, 9, 5, 9, 0, 42, -3].entries()) {
      await channel.publish(message(`${priority}#${i}`, { properties: { priority } }), to('', 'q'));
    }
    expect(await drain(channel, 'q')).toEqual(['9#1', '9#3', '42#5', '5#2', '0#0', '0#4', '-3#6']);
  });

  it('carries bodies, headers and properties as they are', async () => {
    const { channel } = await connect(start().transport);
    await channel.declareQueue(queue('q'));
    const sent = message('', {
      body: Buffer.from(Array.from({ length: 256 }, (_, i) => i)),
      contentType: 'application/data',
      contentEncoding: 'binary',
      headers: {
        text: 'ünï ☃ 𝄞',
        big: 2n ** 60n,
        small: -1,
        real: 1.5,
        yes: true,
        none: null,
        list: [1, { a: 'b' }],
        empty: {},
      },
      properties: {
        deliveryMode: 1,
        priority: 3,
        correlationId: 'c',
        replyTo: 'r',
        messageId: 'm',
        timestamp: 1_700_000_000,
        type: 't',
        userId: 'u',
        appId: 'a',
        clusterId: 'cl',
        DelaySeconds: 5,
        own_name: 'kept',
      },
    });
    await channel.publish(sent, to('', 'q'));
    const got = await channel.get('q');
    expect(Buffer.from(got?.body ?? []).equals(Buffer.from(sent.body))).toBe(true);
    expect({ ...got?.headers }).toEqual(sent.headers);
    expect(got?.properties).toEqual(sent.properties);
    expect([
      got?.contentType,
      got?.contentEncoding,
      got?.exchange,
      got?.routingKey,
      got?.queue,
      got?.redelivered,
    ]).toEqual(['application/data', 'binary', '', 'q', 'q', false]);
    expect(got?.consumerTag).toBeUndefined();
  });

  it('gives each consumer headers of its own', async () => {
    const { channel } = await connect(start().transport);
    await bound(channel, 'fanout', { a: [''], b: [''] });
    await channel.publish(
      message('m', { headers: Object.freeze({ deep: Object.freeze({ list: [1] }) }) }),
      to('x', ''),
    );
    const [a, b] = [await channel.get('a'), await channel.get('b')];
    if (a === undefined || b === undefined) throw new Error('nothing came');
    (a.headers.deep as { list: number[] }).list.push(2);
    a.headers.extra = true;
    expect(b.headers).toEqual({ deep: { list: [1] } });
    expect(a.headers).toBe(a.headers);
  });

  it('refuses an expiration that is no number of milliseconds', async () => {
    const { channel } = await connect(start().transport);
    for (const expiration of ['soon', '-1', '1.5', '']) {
      const error = await failure(channel.publish(message('a', { properties: { expiration } }), to('', 'q')));
      expect(error.code).toBe('ERR_KOMBU_PRECONDITION_FAILED');
    }
  });

  it('publishes nothing once it is closed', async () => {
    const { channel } = await connect(start().transport);
    await channel.close();
    await channel.close();
    expect((await failure(channel.publish(message('a'), to('', 'q')))).code).toBe('ERR_KOMBU_CLOSED');
    expect(await channel.closed).toBeUndefined();
    expect(name).toBeDefined();
  });
});

describe('an exchange kind of a transport of its own', () => {
  it('routes by it', async () => {
    const byLength: ExchangeKind = {
      type: 'x-length',
      compile: (bindings) => ({
        route(routingKey, _headers, found) {
          for (const binding of bindings) if (Number(binding.routingKey) === routingKey.length) found.add(binding);
        },
      }),
    };
    const transport = textTransport(new TextStore(), {}, { exchangeKinds: [byLength] });
    expect(transport.capabilities.exchangeTypes).toEqual(['direct', 'topic', 'fanout', 'headers', 'x-length']);
    const { channel } = await connect(transport);
    await bound(channel, 'x-length', { two: ['2'], three: ['3'] });
    await channel.publish(message('a'), to('x', 'ab'));
    await channel.publish(message('b'), to('x', 'abc'));
    expect([await drain(channel, 'two'), await drain(channel, 'three')]).toEqual([['a'], ['b']]);
  });
});

describe('batched publishing', () => {
  it('puts everything of one tick in one call, and makes no put a message waits for', async () => {
    const store = new TextStore();
    const { channel } = await connect(textTransport(store, { limits: { maxBatch: 1000 } }));
    await bound(channel, 'direct', { q: ['k'] });
    await channel.publish(message('warm'), to('x', 'k'));
    const before = store.count('put');
    await Promise.all(Array.from({ length: 100 }, (_, i) => channel.publish(message(String(i)), to('x', 'k'))));
    expect(store.count('put') - before).toBe(1);
    expect(store.calls.filter((call) => call.name === 'loadExchange').length).toBeLessThan(10);
  });

  it('puts early where the store likes it, while fewer than two puts are on the way, in the order of the calls', async () => {
    const store = new TextStore();
    const { channel } = await connect(textTransport(store, { limits: { maxBatch: 1000, earlyPut: 10 } }));
    await bound(channel, 'direct', { q: ['k'] });
    await channel.publish(message('warm'), to('x', 'k'));
    await drain(channel, 'q');
    const before = store.count('put');
    const bodies = Array.from({ length: 100 }, (_, i) => String(i));
    await Promise.all(bodies.map((body) => channel.publish(message(body), to('x', 'k'))));
    expect(store.count('put') - before).toBe(3);
    expect(await drain(channel, 'q')).toEqual(bodies);
  });

  it('is bounded', async () => {
    const store = new TextStore();
    const { channel } = await connect(textTransport(store), { options: { maxInFlight: 3 } });
    const sent = [1, 2, 3].map((i) => channel.publish(message(String(i)), to('', 'q')));
    const error = await failure(channel.publish(message('4'), to('', 'q')));
    expect([error.code, error.retryable]).toEqual(['ERR_KOMBU_BUFFER_FULL', true]);
    await Promise.all(sent);
    await channel.publish(message('5'), to('', 'q'));
    expect(store.queues.get('q')?.length).toBe(4);
  });

  it('ends at its deadline, and says whether the message may have been sent', async () => {
    const store = new TextStore();
    const { channel } = await connect(textTransport(store));
    await channel.declareExchange(exchange('x'));
    let release: () => void = () => {};
    const pause = store.pause;
    store.pause = () => new Promise((resolve) => (release = resolve));
    const soon = { deadline: performance.now() + 30 };
    const [routing, later] = [
      channel.publish(message('a'), to('x', 'k'), soon),
      channel.publish(message('b'), to('x', 'k')),
    ];
    expect(await failure(routing)).toMatchObject({ code: 'ERR_KOMBU_TIMEOUT', sent: 'no' });
    store.pause = pause;
    release();
    await later;
    store.pause = () => new Promise((resolve) => (release = resolve));
    const sent = channel.publish(message('c'), to('', 'q'), { deadline: performance.now() + 30 });
    await settle(5);
    release();
    expect(await failure(sent)).toMatchObject({ code: 'ERR_KOMBU_TIMEOUT', sent: 'maybe' });
    store.pause = pause;
    release();
  });

  it('can be aborted', async () => {
    const store = new TextStore();
    const { channel } = await connect(textTransport(store));
    const controller = new AbortController();
    const waiting = channel.publish(message('a'), to('', 'q'), { signal: controller.signal });
    controller.abort();
    expect((await failure(waiting)).code).toBe('ERR_KOMBU_ABORTED');
    expect((await failure(channel.publish(message('a'), to('', 'q'), { signal: controller.signal }))).code).toBe(
      'ERR_KOMBU_ABORTED',
    );
    await channel.publish(message('b'), to('', 'q'));
    expect(await drain(channel, 'q')).toEqual(['b']);
  });

  it('refuses a message that the store cannot keep, and no other', async () => {
    const store = new TextStore();
    const { channel } = await connect(textTransport(store, { limits: { maxPayloadBytes: 1000 } }));
    const sent = ['small', 'x'.repeat(1000), 'small too'].map((body) => channel.publish(message(body), to('', 'q')));
    const [one, two, three] = await Promise.allSettled(sent);
    expect([one?.status, three?.status]).toEqual(['fulfilled', 'fulfilled']);
    expect((two as PromiseRejectedResult).reason).toMatchObject({ code: 'ERR_KOMBU_MESSAGE_TOO_LARGE' });
    expect(await drain(channel, 'q')).toEqual(['small', 'small too']);
  });

  it('ends with the link, as retryable', async () => {
    const store = new TextStore();
    const { channel, connection } = await connect(textTransport(store));
    const sent = channel.publish(message('a'), to('', 'q'));
    store.failLinks();
    expect(await failure(sent)).toMatchObject({ code: 'ERR_KOMBU_CONNECTION_LOST', retryable: true });
    expect((await channel.closed)?.code).toBe('ERR_KOMBU_CONNECTION_LOST');
    expect((await connection.closed)?.code).toBe('ERR_KOMBU_CONNECTION_LOST');
    expect((await failure(channel.publish(message('a'), to('', 'q')))).code).toBe('ERR_KOMBU_CONNECTION_LOST');
  });
});

describe('freshness of routing', () => {
  async function two() {
    const store = new TextStore();
    const transport = textTransport(store);
    return { store, publisher: (await connect(transport)).channel, binder: (await connect(transport)).channel };
  }

  it('reaches a queue that was bound in another process before the publish started', async () => {
    const { publisher, binder } = await two();
    await bound(publisher, 'direct', { q1: ['k'] });
    await publisher.publish(message('1'), to('x', 'k'));
    await binder.declareQueue(queue('q2'));
    await binder.bindQueue({ queue: 'q2', exchange: 'x', routingKey: 'k', arguments: {} });
    await Promise.all(['2', '3'].map((body) => publisher.publish(message(body), to('x', 'k'))));
    expect([await drain(publisher, 'q1'), await drain(publisher, 'q2')]).toEqual([
      ['1', '2', '3'],
      ['2', '3'],
    ]);
  });

  it('finds a route where there was none before', async () => {
    const { publisher, binder } = await two();
    await bound(publisher, 'topic', { q1: ['a'] });
    await publisher.publish(message('dropped'), to('x', 'reply'));
    await binder.declareQueue(queue('reply'));
    await binder.bindQueue({ queue: 'reply', exchange: 'x', routingKey: 'reply', arguments: {} });
    await publisher.publish(message('answer'), to('x', 'reply', true));
    expect(await drain(publisher, 'reply')).toEqual(['answer']);
  });

  it('no longer reaches what was unbound, nor an exchange that was deleted', async () => {
    const { publisher, binder } = await two();
    await bound(publisher, 'direct', { q: ['k'] });
    await publisher.publish(message('1'), to('x', 'k'));
    await binder.unbindQueue({ queue: 'q', exchange: 'x', routingKey: 'k', arguments: {} });
    await publisher.publish(message('2'), to('x', 'k'));
    expect((await failure(publisher.publish(message('3'), to('x', 'k', true)))).code).toBe('ERR_KOMBU_NO_ROUTE');
    expect(await drain(publisher, 'q')).toEqual(['1']);
  });

  it('costs no round trip of its own while nothing changes', async () => {
    const { store, publisher } = await two();
    await bound(publisher, 'topic', { q: ['#'] });
    await publisher.publish(message('warm'), to('x', 'a'));
    const before = store.calls.length;
    for (let i = 0; i < 5; i++) await publisher.publish(message(String(i)), to('x', `k.${i}`));
    expect(store.calls.slice(before).map((call) => call.name)).toEqual(['put', 'put', 'put', 'put', 'put']);
  });

  it('follows a chain of exchanges that another process extends', async () => {
    const { publisher, binder } = await two();
    await bound(publisher, 'direct', { q: ['k'] });
    await publisher.publish(message('1'), to('x', 'k'));
    await binder.declareExchange(exchange('y', 'fanout'));
    await binder.declareQueue(queue('far'));
    await binder.bindQueue({ queue: 'far', exchange: 'y', routingKey: '', arguments: {} });
    await binder.bindExchange?.({ source: 'x', destination: 'y', routingKey: 'k', arguments: {} });
    await publisher.publish(message('2'), to('x', 'k'));
    expect([await drain(publisher, 'q'), await drain(publisher, 'far')]).toEqual([['1', '2'], ['2']]);
  });
});
