import { afterAll, afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { until } from '@kombu/brokers';
import type { TopologyStore } from '@kombu/core/virtual';
import { entry, exchangeRecord, fill, type OpenedDriver, openDriver, put, queueBinding } from './support/driver.js';
import { startServer } from './support/server.js';

const SEP = '\x06\x16';
const server = await startServer();
let driver: OpenedDriver;
let topology: TopologyStore;

beforeEach(async () => {
  await server.command('FLUSHALL');
  driver = await openDriver(server.url);
  topology = driver.topology as TopologyStore;
});
afterEach(() => driver.close());
afterAll(() => server.close());

const members = async (exchange: string) =>
  ((await server.command('SMEMBERS', `_kombu.binding.${exchange}`)) as string[]).sort();
const routes = async (exchange: string) =>
  ((await topology.loadExchange(exchange))?.bindings ?? []).map((b) => `${b.routingKey}>${b.destination}`).sort();

describe('exchanges', () => {
  it('are stored once; later declarations get the first one back', async () => {
    const first = exchangeRecord('media', 'topic');
    expect(await topology.saveExchange(first)).toEqual(first);
    expect(await topology.saveExchange(exchangeRecord('media', 'direct'))).toEqual(first);
    expect((await topology.loadExchange('media'))?.record).toEqual(first);
    expect(await topology.loadExchange('other')).toBeUndefined();
  });

  it('that only Python has bound to are known without a record', async () => {
    await server.command('SADD', '_kombu.binding.py', `a.*${SEP}^a\\..*?[^\\.]$${SEP}q1`, `b${SEP}${SEP}q2`, 'garbage');
    const table = await topology.loadExchange('py');
    expect(table?.record).toBeUndefined();
    expect(await routes('py')).toEqual(['a.*>q1', 'b>q2']);
  });

  it('go away with all bindings from and to them', async () => {
    await topology.saveExchange(exchangeRecord('a', 'direct'));
    await topology.saveExchange(exchangeRecord('b', 'headers'));
    await topology.saveExchange(exchangeRecord('c', 'direct'));
    const link = (exchange: string, destination: string) => ({
      exchange,
      destination,
      destinationType: 'exchange' as const,
      routingKey: 'k',
      arguments: {},
    });
    await topology.bind(link('a', 'b'));
    await topology.bind(link('b', 'c'));
    await topology.bind(queueBinding('b', 'q', '', { x: 1 }));
    await topology.bind(queueBinding('a', 'q', 'k'));
    expect(await topology.dropExchange('b')).toEqual(['a']);
    expect(await topology.loadExchange('b')).toBeUndefined();
    expect(await routes('a')).toEqual(['k>q']);
    expect(await topology.dropExchange('c')).toEqual([]);
    expect(await topology.dropExchange('a')).toEqual([]);
    expect(await server.command('KEYS', '*')).toEqual([]);
  });
});

describe('bindings', () => {
  it('are written as Python reads them', async () => {
    await topology.saveExchange(exchangeRecord('media', 'direct'));
    await topology.saveExchange(exchangeRecord('bcast', 'fanout'));
    await topology.saveExchange(exchangeRecord('news', 'topic'));
    await topology.bind(queueBinding('media', 'video', 'video'));
    await topology.bind(queueBinding('bcast', 'fan1'));
    await topology.bind(queueBinding('news', 'stock', '*.stock.#'));
    expect(await members('media')).toEqual([`video${SEP}${SEP}video`]);
    expect(await members('bcast')).toEqual([`${SEP}${SEP}fan1`]);
    expect(await members('news')).toEqual([`*.stock.#${SEP}^[^.]*\\.stock(?:\\..*)?$${SEP}stock`]);
  });

  it('to an exchange of unknown type get a pattern when the others have one', async () => {
    await server.command('SADD', '_kombu.binding.py', `a.*${SEP}^a\\..*?[^\\.]$${SEP}q1`);
    await topology.bind(queueBinding('py', 'q2', 'b.#'));
    expect(await members('py')).toContain(`b.#${SEP}^b(?:\\..*)?$${SEP}q2`);
    await topology.bind(queueBinding('fresh', 'q2', 'b'));
    expect(await members('fresh')).toEqual([`b${SEP}${SEP}q2`]);
  });

  it('are idempotent, and one that Python made too counts once', async () => {
    await topology.saveExchange(exchangeRecord('news', 'topic'));
    await server.command('SADD', '_kombu.binding.news', `a.*${SEP}^a\\..*?[^\\.]$${SEP}q`);
    await topology.bind(queueBinding('news', 'q', 'a.*'));
    await topology.bind(queueBinding('news', 'q', 'a.*'));
    expect(await members('news')).toHaveLength(2);
    expect(await routes('news')).toEqual(['a.*>q']);
  });

  it('are removed with every member of that key and queue, and nothing else', async () => {
    await topology.saveExchange(exchangeRecord('news', 'topic'));
    await server.command('SADD', '_kombu.binding.news', `a.*${SEP}^a\\..*?[^\\.]$${SEP}q`);
    await topology.bind(queueBinding('news', 'q', 'a.*'));
    await topology.bind(queueBinding('news', 'q', 'a.*.c'));
    await topology.bind(queueBinding('news', 'qq', 'a.*'));
    await topology.unbind(queueBinding('news', 'q', 'a.*'));
    expect(await routes('news')).toEqual(['a.*.c>q', 'a.*>qq']);
  });

  it('of headers exchanges are told apart by their arguments, whatever the order of those', async () => {
    await topology.saveExchange(exchangeRecord('h', 'headers'));
    await topology.bind(queueBinding('h', 'q', '', { a: 1, b: [2], 'x-match': 'any' }));
    await topology.bind(queueBinding('h', 'q', '', { a: 2 }));
    expect(await members('h')).toEqual([]);
    const table = await topology.loadExchange('h');
    expect(table?.bindings.map((b) => b.arguments)).toEqual(
      expect.arrayContaining([{ a: 1, b: [2], 'x-match': 'any' }, { a: 2 }]),
    );
    await topology.unbind(queueBinding('h', 'q', '', { 'x-match': 'any', b: [2], a: 1 }));
    expect((await topology.loadExchange('h'))?.bindings.map((b) => b.arguments)).toEqual([{ a: 2 }]);
  });
});

describe('queues', () => {
  it('exist when they are declared, empty or not, and when something is in them', async () => {
    const record = { name: 'q', durable: true, exclusive: false, autoDelete: false, arguments: { 'x-max-length': 3 } };
    expect(await driver.hasQueue('q')).toBe(false);
    expect(await topology.saveQueue(record)).toEqual(record);
    expect(await topology.saveQueue({ ...record, durable: false })).toEqual(record);
    expect(await topology.loadQueue('q')).toEqual(record);
    expect(await driver.hasQueue('q')).toBe(true);
    await fill(driver, 'python', ['x'], 9);
    expect(await driver.hasQueue('python')).toBe(true);
  });

  it('are counted, purged and deleted over all priorities, reserved messages included', async () => {
    for (const priority of [0, 3, 6, 9]) await fill(driver, 'q', ['a', 'b'], priority);
    await fill(driver, 'other|q', ['x']);
    expect(await driver.size('q')).toBe(8);
    const take = {
      queues: ['q', 'other|q'],
      max: 3,
      leaseMs: 1000,
      noAck: false,
      waitMs: 0,
      signal: new AbortController().signal,
    };
    await driver.reserve(take);
    await driver.reserve({ ...take, queues: ['other|q'] });
    expect(await driver.purge('q')).toBe(5);
    expect(await driver.size('q')).toBe(0);
    await fill(driver, 'q', ['c']);
    await driver.deleteQueue('q');
    expect(await server.command('HLEN', 'unacked')).toBe(1);
    expect(await server.command('ZCARD', '_kombu.node.leases')).toBe(1);
    expect(await driver.hasQueue('q')).toBe(false);
  });

  it('take every binding to them along, also those that Python made, and tell which exchanges had one', async () => {
    await topology.saveExchange(exchangeRecord('a', 'direct'));
    await topology.saveExchange(exchangeRecord('b', 'topic'));
    await topology.saveExchange(exchangeRecord('h', 'headers'));
    await topology.saveExchange(exchangeRecord('none', 'direct'));
    await topology.bind(queueBinding('a', 'q', 'k'));
    await topology.bind(queueBinding('a', 'qq', 'k'));
    await topology.bind(queueBinding('h', 'q', '', { x: 1 }));
    await server.command('SADD', '_kombu.binding.b', `x${SEP}^x$${SEP}q`);
    expect([...(await topology.dropQueue('q'))].sort()).toEqual(['a', 'b', 'h']);
    expect(await routes('a')).toEqual(['k>qq']);
    expect(await routes('h')).toEqual([]);
    expect(await members('b')).toEqual([]);
  });
});

describe('onQueueDropped', () => {
  const record = { name: 'q', durable: true, exclusive: false, autoDelete: false, arguments: {} };

  it('tells of a queue that this link or another one drops, or that expires', async () => {
    const other = await openDriver(server.url);
    const gone: string[] = [];
    const end = topology.onQueueDropped?.((queue) => gone.push(queue));
    await topology.saveQueue(record);
    await topology.dropQueue('q');
    expect(gone).toEqual(['q']);
    await topology.saveQueue(record);
    await other.topology?.dropQueue('q');
    await until(() => gone.length === 2, { what: 'the news' });
    await other.topology?.saveQueue({ ...record, arguments: { 'x-expires': 50 } });
    expect(await topology.loadQueue('q')).toBeDefined();
    await driver.presence?.touch?.('q', 60);
    await until(() => gone.length === 3, { what: 'the queue to expire' });
    end?.();
    await topology.saveQueue(record);
    await topology.dropQueue('q');
    expect(gone).toEqual(['q', 'q', 'q']);
    await other.close();
  });
});

describe('the check of a put', () => {
  const check = async (...names: string[]) =>
    Promise.all(
      names.map(async (exchange) => ({ exchange, version: (await topology.loadExchange(exchange))?.version })),
    );

  it('stores when the tables are as they were', async () => {
    await topology.saveExchange(exchangeRecord('media', 'direct'));
    await topology.bind(queueBinding('media', 'q', 'k'));
    const result = await put(driver, [entry('q')], await check('media', 'unknown'));
    expect(result).toEqual({ failures: [], evicted: [] });
    expect(await driver.size('q')).toBe(1);
  });

  it('stores nothing and returns the new tables when one has changed, by Python too', async () => {
    await topology.saveExchange(exchangeRecord('media', 'direct'));
    await topology.saveExchange(exchangeRecord('same', 'direct'));
    const before = await check('media', 'same');
    await server.command('SADD', '_kombu.binding.media', `k${SEP}${SEP}q2`);
    const result = await put(driver, [entry('q')], before);
    expect(result.stored).toBe(false);
    expect(result.stale?.map((table) => [table.name, table.bindings.map((b) => b.destination)])).toEqual([
      ['media', ['q2']],
    ]);
    expect(await driver.size('q')).toBe(0);
    const again = await put(driver, [entry('q')], [{ exchange: 'media', version: result.stale?.[0]?.version }]);
    expect(again.stale).toBeUndefined();
    expect(await driver.size('q')).toBe(1);
  });

  it('sees one binding replaced by another', async () => {
    await server.command('SADD', '_kombu.binding.media', `k${SEP}${SEP}q1`);
    const before = await check('media');
    await server.command('SREM', '_kombu.binding.media', `k${SEP}${SEP}q1`);
    await server.command('SADD', '_kombu.binding.media', `k${SEP}${SEP}q2`);
    expect((await put(driver, [entry('q1')], before)).stale).toHaveLength(1);
  });

  it('sees a change of ours that is not in the set, and that an exchange is gone or has come', async () => {
    await topology.saveExchange(exchangeRecord('h', 'headers'));
    const before = await check('h', 'new');
    await topology.bind(queueBinding('h', 'q', '', { x: 1 }));
    await topology.saveExchange(exchangeRecord('new', 'direct'));
    expect((await put(driver, [entry('q')], before)).stale?.map((t) => t.name)).toEqual(['h', 'new']);
    const now = await check('h');
    await topology.dropExchange('h');
    expect((await put(driver, [entry('q')], now)).stale?.[0]).toMatchObject({
      name: 'h',
      record: undefined,
      bindings: [],
    });
  });

  it('is not misled when the server lists the same bindings in another order', async () => {
    for (let i = 0; i < 200; i++) await server.command('SADD', '_kombu.binding.big', `k${i}${SEP}${SEP}q`);
    const before = await check('big');
    // Filling and emptying the set rebuilds its table, in another order.
    const more = Array.from({ length: 3000 }, (_, i) => `m${i}${SEP}${SEP}q`);
    await server.command('SADD', '_kombu.binding.big', ...more);
    await server.command('SREM', '_kombu.binding.big', ...more);
    const result = await put(driver, [entry('q')], before);
    expect(result).toEqual({ failures: [], evicted: [] });
    expect(await driver.size('q')).toBe(1);
  });
});
