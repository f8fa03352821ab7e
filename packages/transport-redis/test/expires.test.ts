import { afterAll, afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { until } from '@kombu/brokers';
import type { PresenceStore, TopologyStore } from '@kombu/core/virtual';
import {
  exchangeRecord,
  fill,
  type OpenedDriver,
  openDriver,
  queueBinding,
  reserve,
  settle,
} from './support/driver.js';
import { startServer } from './support/server.js';

const server = await startServer();
let driver: OpenedDriver;
let topology: TopologyStore;
let presence: PresenceStore;

beforeEach(async () => {
  await server.command('FLUSHALL');
  driver = await openDriver(server.url);
  topology = driver.topology as TopologyStore;
  presence = driver.presence as PresenceStore;
});
afterEach(() => driver.close());
afterAll(() => server.close());

const signal = new AbortController().signal;
const record = (name: string, ms: number) => ({
  name,
  durable: true,
  exclusive: false,
  autoDelete: false,
  arguments: { 'x-expires': ms },
});
const ttl = async (key: string) => Number(await server.command('PTTL', key));

describe('a queue with x-expires', () => {
  it('goes away with its messages and bindings when nobody used it', async () => {
    await topology.saveExchange(exchangeRecord('x', 'direct'));
    await topology.saveQueue(record('q', 100));
    await topology.bind(queueBinding('x', 'q', 'k'));
    await fill(driver, 'q', ['a', 'b'], 3);
    await reserve(driver, 'q', 1);
    expect(await ttl('q\x06\x163')).toBeGreaterThan(0);
    await until(async () => !(await driver.hasQueue('q')), { what: 'the queue to expire' });
    await until(
      async () => {
        await driver.recover?.({ limit: 10, signal });
        return ((await server.command('KEYS', '*q*')) as unknown[]).length === 0;
      },
      { what: 'what is left of it to go' },
    );
    expect((await topology.loadExchange('x'))?.bindings).toEqual([]);
    expect(await server.command('HLEN', 'unacked')).toBe(0);
  });

  it('is used by whoever declares it again, in the same step; not by a declaration that is refused', async () => {
    await topology.saveQueue(record('q', 5000));
    await fill(driver, 'q', ['a'], 3);
    await server.command('PEXPIRE', '_kombu.node.queue.q', 1000);
    await server.command('PEXPIRE', 'q\x06\x163', 1000);
    await topology.saveQueue(record('q', 5000));
    expect(await ttl('_kombu.node.queue.q')).toBeGreaterThan(4000);
    expect(await ttl('q\x06\x163')).toBeGreaterThan(4000);
    expect(await topology.saveQueue(record('q', 10))).toEqual(record('q', 5000));
    expect(await ttl('_kombu.node.queue.q')).toBeGreaterThan(4000);
  });

  it('that was deleted, or declared again without, is not marked as used by who does not know that yet', async () => {
    await topology.saveQueue(record('q', 5000));
    await topology.dropQueue('q');
    await presence.touch?.('q', 50);
    await topology.saveQueue({ ...record('q', 0), arguments: {} });
    await fill(driver, 'q', ['kept']);
    await presence.touch?.('q', 50);
    expect(await ttl('_kombu.node.queue.q')).toBe(-1);
    expect(await ttl('q')).toBe(-1);
    expect(await server.command('KEYS', '_kombu.node.expiring*')).toEqual([]);
  });

  it('takes no message along that was put into the next queue of its name', async () => {
    for (const again of [record('q', 5000), { ...record('q', 0), arguments: {} }]) {
      // The record has gone a moment before the list.
      await server.command('LPUSH', 'q', 'old');
      await server.command('PEXPIRE', 'q', 500);
      await topology.saveQueue(again);
      await fill(driver, 'q', ['new']);
      expect([-1, 4, 5]).toContain(Math.floor((await ttl('q')) / 1000));
      await topology.dropQueue('q');
      await server.command('DEL', 'q');
    }
  });

  it('stays as long as it is used, publishing is no use', async () => {
    await topology.saveQueue(record('q', 5000));
    await fill(driver, 'q', ['a']);
    await server.command('PEXPIRE', '_kombu.node.queue.q', 1000);
    await fill(driver, 'q', ['b']);
    expect(await ttl('_kombu.node.queue.q')).toBeLessThanOrEqual(1000);
    await presence.touch?.('q', 5000);
    expect(await ttl('_kombu.node.queue.q')).toBeGreaterThan(4000);
    expect(await ttl('q')).toBeGreaterThan(4000);
    await driver.recover?.({ limit: 10, signal });
    expect(await driver.size('q')).toBe(2);
  });

  it('gives its time to lists that come into being later, by whatever way', async () => {
    await topology.saveQueue(record('q', 60_000));
    await fill(driver, 'q', ['a']);
    const got = await reserve(driver, 'q');
    expect(await server.command('EXISTS', 'q')).toBe(0);
    await settle(driver, got, 'requeue');
    expect(await ttl('q')).toBeGreaterThan(50_000);
    await settle(driver, await reserve(driver, 'q'), 'release');
    expect(await ttl('q')).toBeGreaterThan(50_000);
  });

  it('gives its time to what is put into it first, and none once it has gone', async () => {
    await topology.saveQueue(record('q', 60_000));
    await fill(driver, 'q', ['a']);
    expect(await ttl('q')).toBeGreaterThan(50_000);
    await topology.dropQueue('q');
    await server.command('DEL', 'q');
    await fill(driver, 'q', ['late']);
    expect(await ttl('q')).toBe(-1);
  });

  it('that was declared again without it stays', async () => {
    await topology.saveQueue(record('q', 50));
    await until(async () => !(await driver.hasQueue('q')), { what: 'the queue to expire' });
    await topology.saveQueue({ ...record('q', 0), arguments: {} });
    await driver.recover?.({ limit: 10, signal });
    expect(await driver.hasQueue('q')).toBe(true);
  });
});

describe('presence', () => {
  const entryOf = (consumer: string, exclusive = false) => ({ queue: 'q', consumer, owner: 'me|you', exclusive });

  it('counts live consumers, and forgets those whose time is over', async () => {
    expect(await presence.join(entryOf('a|b'), 60_000)).toBe(true);
    expect(await presence.join(entryOf('c'), 60_000)).toBe(true);
    expect(await presence.count('q')).toBe(2);
    expect(await presence.leave('q', 'a|b')).toBe(1);
    expect(await presence.join(entryOf('d'), 20)).toBe(true);
    await until(async () => (await presence.count('q')) === 1, { what: 'the consumer to expire' });
    expect(await presence.leave('q', 'c')).toBe(0);
    expect(await server.command('KEYS', '*')).toEqual([]);
  });

  it('lets an exclusive consumer be alone', async () => {
    expect(await presence.join(entryOf('a'), 60_000)).toBe(true);
    expect(await presence.join(entryOf('b', true), 60_000)).toBe(false);
    await presence.leave('q', 'a');
    expect(await presence.join(entryOf('b', true), 60_000)).toBe(true);
    expect(await presence.join(entryOf('b', true), 60_000)).toBe(true);
    expect(await presence.join(entryOf('c'), 60_000)).toBe(false);
  });

  it('renews consumers and claims', async () => {
    await presence.join(entryOf('a'), 1000);
    expect(await presence.claim('q', 'me', 1000)).toBe(true);
    await presence.renew([entryOf('a')], 60_000);
    expect(await ttl('_kombu.node.presence.q')).toBeGreaterThan(50_000);
    expect(await ttl('_kombu.node.claim.q')).toBeGreaterThan(50_000);
  });

  it('gives a queue to one owner at a time', async () => {
    expect(await presence.claim('q', 'me', 60_000)).toBe(true);
    expect(await presence.claim('q', 'you', 60_000)).toBe(false);
    expect(await presence.claimedBy('q')).toBe('me');
    await presence.unclaim('q', 'you');
    expect(await presence.claimedBy('q')).toBe('me');
    await presence.unclaim('q', 'me');
    expect(await presence.claimedBy('q')).toBeUndefined();
    expect(await presence.claim('q', 'you', 20)).toBe(true);
    await until(async () => (await presence.claimedBy('q')) === undefined, { what: 'the claim to end' });
  });
});
