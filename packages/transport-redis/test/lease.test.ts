import { afterAll, afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { until } from '@kombu/brokers';
import {
  bodies,
  entry,
  envelope,
  exchangeRecord,
  fill,
  type OpenedDriver,
  openDriver,
  put,
  queueBinding,
  reserve,
  settle,
} from './support/driver.js';
import { startServer } from './support/server.js';

const server = await startServer();
let driver: OpenedDriver;

beforeEach(async () => {
  await server.command('FLUSHALL');
  driver = await openDriver(server.url, { visibilityTimeoutMs: 1000 });
});
afterEach(() => driver.close());
afterAll(() => server.close());

const signal = new AbortController().signal;
const recover = (limit = 1000) => driver.recover?.({ limit, signal });
const lostCodes = async (failures: Promise<readonly { index: number; error: { code: string } }[]> | undefined) =>
  (await failures)?.map(({ index, error }) => [index, error.code]);
const flagsOf = (payload: unknown) => {
  const json = JSON.parse(payload as string);
  return [json.headers.redelivered, json.properties.delivery_info.redelivered];
};

/** What a Python consumer writes when it gets a message. */
async function pythonTakes(queue: string, raw: string, tag: string, exchange: string, key: string, ageSeconds: number) {
  await server.command('RPOP', queue);
  await server.command('ZADD', 'unacked_index', Date.now() / 1000 - ageSeconds, tag);
  await server.command('HSET', 'unacked', tag, `[${raw}, ${JSON.stringify(exchange)}, ${JSON.stringify(key)}]`);
}

describe('settle', () => {
  it('acks many in one call and leaves nothing behind', async () => {
    await fill(
      driver,
      'q',
      Array.from({ length: 250 }, (_, i) => String(i)),
    );
    const got = await reserve(driver, 'q', 250);
    expect(got).toHaveLength(250);
    expect(await settle(driver, got, 'ack')).toEqual([]);
    expect(await server.command('KEYS', '*')).toEqual([]);
  });

  it('puts a requeued message to the back of its own list, flagged', async () => {
    await fill(driver, 'q', ['a', 'b'], 4);
    const got = await reserve(driver, 'q', 1);
    expect(await settle(driver, got, 'requeue')).toEqual([]);
    expect(await server.command('LLEN', 'q\x06\x163')).toBe(2);
    const again = await reserve(driver, 'q');
    expect(bodies(again)).toEqual(['b', 'a']);
    expect(flagsOf(again[0]?.payload)).toEqual([undefined, undefined]);
    expect(flagsOf(again[1]?.payload)).toEqual([true, true]);
    expect(await server.command('HLEN', 'unacked')).toBe(2);
  });

  it('puts released messages to the front in their old order, unflagged, however they are listed', async () => {
    await fill(driver, 'q', ['a', 'b', 'c', 'd', 'e']);
    const got = await reserve(driver, 'q', 4);
    const shuffled = [got[2], got[0], got[3], got[1]].filter((r) => r !== undefined);
    expect(await settle(driver, shuffled, 'release')).toEqual([]);
    const again = await reserve(driver, 'q');
    expect(bodies(again)).toEqual(['a', 'b', 'c', 'd', 'e']);
    expect(flagsOf(again[0]?.payload)).toEqual([undefined, undefined]);
  });

  it('keeps the order of what was released after a renewal', async () => {
    await fill(driver, 'q', ['a', 'b', 'c']);
    const got = await reserve(driver, 'q');
    expect(await driver.extend?.([...got].reverse(), 60_000)).toEqual([]);
    expect(await settle(driver, got, 'release')).toEqual([]);
    expect(bodies(await reserve(driver, 'q'))).toEqual(['a', 'b', 'c']);
  });

  it('fails with LEASE_LOST for what is settled already, and settles the rest', async () => {
    await fill(driver, 'q', ['a', 'b', 'c']);
    const got = await reserve(driver, 'q');
    expect(await settle(driver, got.slice(1, 2), 'ack')).toEqual([]);
    expect(await lostCodes(settle(driver, got, 'ack') as never)).toEqual([[1, 'ERR_KOMBU_LEASE_LOST']]);
    expect(await server.command('KEYS', '*')).toEqual([]);
  });

  it('flags without touching anything else, whatever the envelope looks like', async () => {
    const plain = envelope({ tag: 'a', headers: {} }, true);
    const flagged = envelope({ tag: 'b', headers: { redelivered: false, x: '{"redelivered"' } }, true);
    const nulls = envelope({ tag: 'c' }, true).replace('"headers": {}', '"headers": null');
    const without = envelope({ tag: 'd' }, true).replace(', "headers": {}', '').replace('"headers": {}, ', '');
    await server.command('LPUSH', 'q', plain, flagged, nulls, without);
    const got = await reserve(driver, 'q');
    expect(got).toHaveLength(4);
    await settle(driver, got, 'requeue');
    const again = await reserve(driver, 'q');
    expect(again.map(({ payload }) => flagsOf(payload))).toEqual([
      [true, true],
      [true, true],
      [true, true],
      [true, true],
    ]);
    const headers = again.map(({ payload }) => JSON.parse(payload as string).headers);
    expect(headers[1]).toEqual({ redelivered: true, x: '{"redelivered"' });
    for (const [i, { payload }] of again.entries()) {
      const now = JSON.parse(payload as string);
      const before = JSON.parse(got[i]?.payload as string);
      delete now.headers;
      delete before.headers;
      delete now.properties.delivery_info.redelivered;
      expect(now).toEqual(before);
    }
  });
});

describe('a lease that has ended', () => {
  it('comes back to the front of its own list, flagged, in order, in several batches', async () => {
    await fill(
      driver,
      'q',
      Array.from({ length: 230 }, (_, i) => String(i)),
      9,
    );
    await reserve(driver, 'q', 230, { leaseMs: 1 });
    await fill(driver, 'q', ['later'], 9);
    let recovered = 0;
    await until(
      async () => {
        recovered += (await recover()) ?? 0;
        return recovered === 230;
      },
      { what: 'the leases to end' },
    );
    const got = await reserve(driver, 'q', 256);
    expect(bodies(got)).toEqual([...Array.from({ length: 230 }, (_, i) => String(i)), 'later']);
    expect(flagsOf(got[0]?.payload)).toEqual([true, true]);
    expect(await settle(driver, got, 'ack')).toEqual([]);
    expect(await server.command('KEYS', '*')).toEqual([]);
  });

  it('is LEASE_LOST for the one who had it, who cannot touch the next holder', async () => {
    await fill(driver, 'q', ['a']);
    const first = await reserve(driver, 'q', 1, { leaseMs: 1 });
    await until(async () => (await recover()) === 1, { what: 'the lease to end' });
    const second = await reserve(driver, 'q');
    expect(bodies(second)).toEqual(['a']);
    expect(await lostCodes(settle(driver, first, 'ack') as never)).toEqual([[0, 'ERR_KOMBU_LEASE_LOST']]);
    expect(await lostCodes(settle(driver, first, 'requeue') as never)).toEqual([[0, 'ERR_KOMBU_LEASE_LOST']]);
    expect(await lostCodes(driver.extend?.(first, 1000) as never)).toEqual([[0, 'ERR_KOMBU_LEASE_LOST']]);
    expect(await settle(driver, second, 'ack')).toEqual([]);
  });

  it('does not end while it is renewed', async () => {
    await fill(driver, 'q', ['a']);
    const got = await reserve(driver, 'q', 1, { leaseMs: 1 });
    expect(await driver.extend?.(got, 60_000)).toEqual([]);
    expect(await recover()).toBe(0);
    const [, score] = (await server.command('ZRANGE', 'unacked_index', 0, -1, 'WITHSCORES')) as string[];
    expect(Math.abs(Number(score) - Date.now() / 1000)).toBeLessThan(5);
    expect(await settle(driver, got, 'ack')).toEqual([]);
  });

  it('stops at its limit', async () => {
    await fill(driver, 'q', ['a', 'b', 'c']);
    await reserve(driver, 'q', 3, { leaseMs: 1 });
    await until(async () => (await recover(2)) === 2, { what: 'the leases to end' });
    expect(await recover(2)).toBe(1);
  });
});

describe('a message that Python has taken over', () => {
  it('is left to Python: our lease does not count any more', async () => {
    await fill(driver, 'q', ['a']);
    const got = await reserve(driver, 'q', 1, { leaseMs: 1 });
    const token = got[0]?.token as { tag: string } | undefined;
    const tag = token?.tag ?? '';
    // Python's restore moves it back, and a Python consumer takes it again under the same tag.
    const raw = got[0]?.payload as string;
    await server.command('ZADD', 'unacked_index', Date.now() / 1000 + 0.5, tag);
    await server.command('HSET', 'unacked', tag, `[${raw}, "", "q"]`);
    await until(
      async () => {
        await recover();
        return (await server.command('ZCARD', '_kombu.node.leases')) === 0;
      },
      { what: 'our mark to go' },
    );
    expect(await server.command('HLEN', 'unacked')).toBe(1);
    expect(await lostCodes(settle(driver, got, 'ack') as never)).toEqual([[0, 'ERR_KOMBU_LEASE_LOST']]);
    expect(await server.command('HLEN', 'unacked')).toBe(1);
  });
});

describe('an entry of a Python consumer', () => {
  it('is taken back only after the visibility timeout, to its queue and priority', async () => {
    const raw = envelope({ tag: 'p', body: 'py', routingKey: 'q', priority: 7 }, true);
    await pythonTakes('q', raw, 'p', '', 'q', 0.5);
    expect(await recover()).toBe(0);
    await pythonTakes('q', raw, 'p', '', 'q', 2);
    expect(await recover()).toBe(1);
    expect(await server.command('LLEN', 'q\x06\x166')).toBe(1);
    expect(await server.command('EXISTS', 'unacked', 'unacked_index', 'unacked_mutex')).toBe(0);
    expect(flagsOf((await reserve(driver, 'q'))[0]?.payload)).toEqual([true, true]);
  });

  it('goes to the queues that its exchange and routing key lead to now', async () => {
    await driver.topology?.saveExchange(exchangeRecord('news', 'topic'));
    await driver.topology?.saveExchange(exchangeRecord('heads', 'headers'));
    await driver.topology?.bind(queueBinding('news', 'stock', '*.stock.#'));
    await driver.topology?.bind(queueBinding('news', 'other', '*.bond'));
    await driver.topology?.bind(queueBinding('heads', 'h', '', { 'x-match': 'all', kind: 'x' }));
    await driver.topology?.bind({
      exchange: 'news',
      destination: 'heads',
      destinationType: 'exchange',
      routingKey: '#',
      arguments: {},
    });
    await pythonTakes('x', envelope({ tag: '1', headers: { kind: 'x' } }, true), '1', 'news', 'usd.stock.db', 5);
    expect(await recover()).toBe(2);
    expect(await reserve(driver, ['stock'])).toHaveLength(1);
    expect(await reserve(driver, ['h'])).toHaveLength(1);
    expect(await reserve(driver, ['other'])).toHaveLength(0);
  });

  it('stays, and starts its time over, when no queue takes it', async () => {
    await pythonTakes('x', envelope({ tag: '1' }), '1', 'nowhere', 'k', 5);
    expect(await recover()).toBe(0);
    expect(await server.command('HLEN', 'unacked')).toBe(1);
    expect(Date.now() / 1000 - Number(await server.command('ZSCORE', 'unacked_index', '1'))).toBeLessThan(3);
    expect(await server.command('EXISTS', 'unacked_mutex')).toBe(0);
  });

  it('is left alone while somebody else holds the mutex; ours are not', async () => {
    await pythonTakes('q', envelope({ tag: 'p' }), 'p', '', 'q', 5);
    await server.command('SET', 'unacked_mutex', 'python', 'PX', 300000);
    await fill(driver, 'ours', ['a']);
    await reserve(driver, 'ours', 1, { leaseMs: 1 });
    await until(async () => (await recover()) === 1, { what: 'our lease to end' });
    expect(await server.command('LLEN', 'ours')).toBe(1);
    expect(await server.command('HLEN', 'unacked')).toBe(1);
    expect(await server.command('GET', 'unacked_mutex')).toBe('python');
    await server.command('DEL', 'unacked_mutex');
    expect(await recover()).toBe(1);
  });

  it('is not taken for ours, nor ours for one of Python, however old', async () => {
    await fill(driver, 'q', ['a']);
    const got = await reserve(driver, 'q', 1, { leaseMs: 60_000 });
    const patient = await openDriver(server.url, { visibilityTimeoutMs: 1000 });
    await until(
      async () => Number(await server.command('ZCOUNT', 'unacked_index', '-inf', Date.now() / 1000 - 1.1)) === 1,
      { what: 'the entry to be old' },
    );
    expect(await patient.recover?.({ limit: 10, signal })).toBe(0);
    expect(await settle(driver, got, 'ack')).toEqual([]);
    await patient.close();
  });
});

describe('without ack emulation', () => {
  it('nothing is written for what is reserved, and it can be put back all the same', async () => {
    const plain = await openDriver(server.url, { ackEmulation: false });
    await put(plain, [entry('q', { body: 'a' }), entry('q', { body: 'b' }), entry('q', { body: 'c' })]);
    const got = await reserve(plain, 'q', 2);
    expect(await server.command('KEYS', '*')).toEqual(['q']);
    expect(await plain.extend?.(got, 1000)).toEqual([]);
    await settle(plain, got.slice(0, 1), 'requeue');
    await settle(plain, got.slice(1), 'release');
    expect(bodies(await reserve(plain, 'q'))).toEqual(['b', 'c', 'a']);
    await plain.close();
  });
});
