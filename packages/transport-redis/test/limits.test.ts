import { afterAll, afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { QueueLimits } from '@kombu/core/virtual';
import { bodies, entry, type OpenedDriver, openDriver, put, reserve, settle } from './support/driver.js';
import { startServer } from './support/server.js';

const server = await startServer();
let driver: OpenedDriver;

beforeEach(async () => {
  await server.command('FLUSHALL');
  driver = await openDriver(server.url);
});
afterEach(() => driver.close());
afterAll(() => server.close());

const push = (names: readonly string[], limits: QueueLimits, priority = 0) =>
  put(
    driver,
    names.map((body) => entry('q', { body, priority }, { limits })),
  );

describe('max-length', () => {
  it('pushes the oldest out and returns them reserved', async () => {
    const { evicted } = await push(['a', 'b', 'c', 'd'], { maxLength: 2 });
    expect(bodies(evicted)).toEqual(['a', 'b']);
    expect(await server.command('HLEN', 'unacked')).toBe(2);
    expect(await settle(driver, evicted, 'drop')).toEqual([]);
    expect(await server.command('HLEN', 'unacked')).toBe(0);
    expect(bodies(await reserve(driver, 'q'))).toEqual(['c', 'd']);
  });

  it('drops them where nobody wants them', async () => {
    const { evicted } = await push(['a', 'b', 'c'], { maxLength: 2, discard: true });
    expect(evicted).toEqual([]);
    expect(await server.command('EXISTS', 'unacked')).toBe(0);
    expect(bodies(await reserve(driver, 'q'))).toEqual(['b', 'c']);
  });

  it('counts all priorities together, and pushes out what is served last first', async () => {
    await push(['low'], { maxLength: 2, discard: true }, 0);
    await push(['high1', 'high2'], { maxLength: 2, discard: true }, 9);
    expect(bodies(await reserve(driver, 'q'))).toEqual(['high1', 'high2']);
  });

  it('of 0 keeps nothing', async () => {
    expect((await push(['a'], { maxLength: 0, discard: true })).evicted).toEqual([]);
    expect(await driver.size('q')).toBe(0);
  });

  it('leaves queues without limits in the same batch alone', async () => {
    await put(driver, [
      entry('q', { body: 'a' }, { limits: { maxLength: 1, discard: true } }),
      entry('free'),
      entry('free'),
      entry('q', { body: 'b' }, { limits: { maxLength: 1, discard: true } }),
    ]);
    expect(await driver.size('free')).toBe(2);
    expect(bodies(await reserve(driver, 'q'))).toEqual(['b']);
  });
});

describe('max-length-bytes', () => {
  const limits = { maxLengthBytes: 10, discard: true };

  it('pushes out until the bodies fit, by their own size', async () => {
    await push(['aaaa', 'bbbb', 'ccccc'], limits);
    expect(bodies(await reserve(driver, 'q'))).toEqual(['bbbb', 'ccccc']);
  });

  it('counts what is reserved, released, requeued, recovered and taken by Python', async () => {
    const size = async () => String(await server.command('HGET', '_kombu.node.sizes', 'q'));
    await push(['aa', 'bbb'], limits);
    expect(await size()).toBe('2|5');
    const got = await reserve(driver, 'q', 1);
    expect(await size()).toBe('1|3');
    await settle(driver, got, 'release');
    expect(await size()).toBe('2|5');
    await settle(driver, await reserve(driver, 'q', 1), 'requeue');
    expect(await size()).toBe('2|5');
    await reserve(driver, 'q', 1, { noAck: true });
    expect(await size()).toBe('1|2');
    await server.command('RPOP', 'q');
    await push(['cccccccc', 'dd'], limits);
    expect(await size()).toBe('2|10');
    expect(bodies(await reserve(driver, 'q'))).toEqual(['cccccccc', 'dd']);
    await push(['e'], limits);
    await driver.purge('q');
    expect(await server.command('EXISTS', '_kombu.node.sizes')).toBe(0);
  });

  it('a message larger than the limit pushes everything out, itself too', async () => {
    await push(['a'], limits);
    const { evicted } = await push(['x'.repeat(11)], { maxLengthBytes: 10 });
    expect(evicted).toHaveLength(2);
    expect(await driver.size('q')).toBe(0);
  });
});

describe('a batch', () => {
  it('keeps the order of each list and stores every copy', async () => {
    await put(driver, [
      entry('a', { body: '1' }),
      entry('b', { body: '1' }),
      entry('a', { body: '2', priority: 9 }),
      entry('a', { body: '3' }),
      entry('b', { body: '3' }),
    ]);
    expect(bodies(await reserve(driver, 'a'))).toEqual(['2', '1', '3']);
    expect(bodies(await reserve(driver, 'b'))).toEqual(['1', '3']);
  });

  it('that is too large for one command goes in several, in order, ahead of later ones', async () => {
    const large = 'x'.repeat(20_000_000);
    const first = put(
      driver,
      Array.from({ length: 4 }, (_, i) => entry('q', { body: `${i}${large}` })),
    );
    const second = put(driver, [entry('q', { body: '4' })]);
    await Promise.all([first, second]);
    const order: string[] = [];
    while (order.length < 5) for (const body of bodies(await reserve(driver, 'q', 1))) order.push(body.slice(0, 1));
    expect(order).toEqual(['0', '1', '2', '3', '4']);
  }, 20_000);

  it('of a thousand entries for one list is stored whole', async () => {
    await put(
      driver,
      Array.from({ length: 1000 }, (_, i) => entry('q', { body: String(i) })),
    );
    const got: string[] = [];
    while (got.length < 1000) got.push(...bodies(await reserve(driver, 'q', 256)));
    expect(got).toEqual(Array.from({ length: 1000 }, (_, i) => String(i)));
  });
});

describe('messages whose time is over', () => {
  const late = (name: string, at: number, priority = 0) => {
    const one = entry('q', { body: name, priority });
    const json = JSON.parse(one.payload as string);
    const { delivery_tag, ...rest } = json.properties;
    json.properties = { ...rest, expires_at_ms: at, delivery_tag };
    return { ...one, payload: JSON.stringify(json) };
  };
  const expired = async (max: number, now: number) =>
    (await driver.reserveExpired?.({ queue: 'q', max, now, leaseMs: 1000, signal: new AbortController().signal })) ??
    [];

  it('are reserved from the head of each list, the others stay', async () => {
    await put(driver, [
      late('a', 10),
      late('b', 20),
      late('c', 99),
      late('d', 10),
      late('e', 5, 9),
      entry('q', { body: 'f', priority: 9 }),
    ]);
    const got = await expired(10, 50);
    expect(bodies(got).sort()).toEqual(['a', 'b', 'e']);
    expect(await settle(driver, got, 'drop')).toEqual([]);
    expect(bodies(await reserve(driver, 'q'))).toEqual(['f', 'c', 'd']);
  });

  it('up to so many, and found in an envelope of any shape', async () => {
    const odd = late('a', 10);
    const json = JSON.parse(odd.payload as string);
    json.headers = { properties: { expires_at_ms: 999 }, x: '}}' };
    const text = JSON.stringify({ properties: json.properties, headers: json.headers, body: json.body });
    await put(driver, [{ ...odd, payload: text }, late('b', 10)]);
    expect(await expired(1, 50)).toHaveLength(1);
    expect(await expired(1, 50)).toHaveLength(1);
    expect(await expired(1, 50)).toHaveLength(0);
  });
});
