import { afterAll, afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import {
  bodies,
  entry,
  envelope,
  fill,
  type OpenedDriver,
  openDriver,
  put,
  reserve,
  settle,
} from './support/driver.js';
import { startServer } from './support/server.js';

const server = await startServer();
let driver: OpenedDriver;

beforeEach(async () => {
  await server.command('FLUSHALL');
  driver = await openDriver(server.url);
});
afterEach(() => driver.close());
afterAll(() => server.close());

const unacked = async () => Object.fromEntries(pairs((await server.command('HGETALL', 'unacked')) as string[]));
const pairs = (flat: readonly string[]) => flat.flatMap((v, i) => (i % 2 === 0 ? [[v, flat[i + 1]]] : []));

const MADE_UP = /[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}/;

describe('reserve', () => {
  it('takes the oldest first and records each so that Python could restore it', async () => {
    await driver.topology?.saveExchange({
      name: 'media',
      type: 'direct',
      durable: true,
      autoDelete: false,
      arguments: {},
    });
    await driver.topology?.bind({
      exchange: 'media',
      destination: 'video',
      destinationType: 'queue',
      routingKey: 'rk',
      arguments: {},
    });
    await put(driver, [
      entry('video', { exchange: 'media', routingKey: 'rk', tag: 't1', body: 'a' }),
      entry('video', { exchange: 'media', routingKey: 'rk', tag: 't2', body: 'b' }),
    ]);
    const got = await reserve(driver, 'video', 1);
    expect(bodies(got)).toEqual(['a']);
    const entries = await unacked();
    expect(Object.keys(entries)).toEqual(['t1']);
    expect(JSON.parse(entries.t1 as string)).toEqual([JSON.parse(got[0]?.payload as string), 'media', 'rk']);
    const [tag, score] = (await server.command('ZRANGE', 'unacked_index', 0, -1, 'WITHSCORES')) as string[];
    expect(tag).toBe('t1');
    expect(Math.abs(Number(score) - Date.now() / 1000)).toBeLessThan(5);
    expect(await server.command('LLEN', 'video')).toBe(1);
  });

  it('keeps every byte of an envelope that Python wrote', async () => {
    const raw = envelope({ headers: { n: 1, e: {}, a: [] }, tag: 'py1' }, true).replace(
      '"n": 1',
      '"n": 12345678901234567890123, "f": 1.0',
    );
    await server.command('LPUSH', 'q', raw);
    const got = await reserve(driver, 'q');
    expect(got[0]?.payload).toBe(raw);
    expect((await unacked()).py1).toBe(`[${raw}, "", "q"]`);
    expect(await settle(driver, got, 'release')).toEqual([]);
    expect(await server.command('LRANGE', 'q', 0, -1)).toEqual([raw]);
  });

  it('serves 9 first, then 6, 3 and 0, over all queues', async () => {
    await fill(driver, 'a', ['a0'], 0);
    await fill(driver, 'b', ['b9'], 9);
    await fill(driver, 'a', ['a5'], 5);
    await fill(driver, 'b', ['b8'], 8);
    expect(bodies(await reserve(driver, ['a', 'b']))).toEqual(['b9', 'b8', 'a5', 'a0']);
  });

  it('serves 0 first with priorityOrder lowest-first', async () => {
    const python = await openDriver(server.url, { priorityOrder: 'lowest-first' });
    await fill(python, 'a', ['p9'], 9);
    await fill(python, 'a', ['p0'], 0);
    expect(bodies(await reserve(python, 'a'))).toEqual(['p0', 'p9']);
    await python.close();
  });

  it('gives a message whose tag is in use another one, in the stored envelope too', async () => {
    await put(driver, [entry('a', { tag: 'same', body: '1' }), entry('b', { tag: 'same', body: '2' })]);
    const first = await reserve(driver, 'a');
    const second = await reserve(driver, 'b');
    expect(JSON.parse(first[0]?.payload as string).properties.delivery_tag).toBe('same');
    const fresh = JSON.parse(second[0]?.payload as string).properties.delivery_tag;
    expect(fresh).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(Object.keys(await unacked()).sort()).toEqual(['same', fresh].sort());
    expect(await settle(driver, first, 'ack')).toEqual([]);
    expect(Object.keys(await unacked())).toEqual([fresh]);
    expect(await settle(driver, second, 'ack')).toEqual([]);
    expect(await server.command('KEYS', '*')).toEqual([]);
  });

  it('does so within one batch too', async () => {
    await put(driver, [entry('a', { tag: 'same', body: '1' }), entry('b', { tag: 'same', body: '2' })]);
    const got = await reserve(driver, ['a', 'b']);
    expect(new Set(got.map(({ payload }) => JSON.parse(payload as string).properties.delivery_tag)).size).toBe(2);
    expect(await settle(driver, got, 'ack')).toEqual([]);
  });

  it('records a message of a topic exchange with its queue, so that Python restores it nowhere else', async () => {
    await driver.topology?.saveExchange({
      name: 'news',
      type: 'topic',
      durable: true,
      autoDelete: false,
      arguments: {},
    });
    await driver.topology?.bind({
      exchange: 'news',
      destination: 'stock',
      destinationType: 'queue',
      routingKey: '*.stock',
      arguments: {},
    });
    await put(driver, [entry('stock', { exchange: 'news', routingKey: 'usd.stock', tag: 't' })]);
    await reserve(driver, 'stock');
    expect(JSON.parse((await unacked()).t as string).slice(1)).toEqual(['', 'stock']);
  });

  it('takes what is no envelope at all, and keeps it', async () => {
    await server.command('LPUSH', 'q', 'not json', '[1]', '"x"', '{"properties": {"delivery_tag": 7}}');
    const got = await reserve(driver, 'q');
    expect(got.map(({ payload }) => payload)).toEqual([
      'not json',
      '[1]',
      '"x"',
      '{"properties": {"delivery_tag": 7}}',
    ]);
    for (const value of Object.values(await unacked())) expect(Array.isArray(JSON.parse(value as string))).toBe(true);
    expect(await settle(driver, got, 'release')).toEqual([]);
    expect(await server.command('LRANGE', 'q', 0, -1)).toEqual([
      '{"properties": {"delivery_tag": 7}}',
      '"x"',
      '[1]',
      'not json',
    ]);
  });

  it('is not misled by what looks like properties inside of headers, strings or bodies', async () => {
    const nasty = [
      '{"body": "", "properties": {"delivery_info": {"exchange": "e", "routing_key": "k"}, "delivery_tag": "right"}, "headers": {"properties": {"delivery_info": {"exchange": "no", "routing_key": "no"}, "delivery_tag": "wrong"}}}',
      '{"properties": {"delivery_tag": "right2", "delivery_info": {"exchange": "e", "routing_key": "k"}}, "headers": {"x": "\\", \\"properties\\": {\\"delivery_info\\": {}, \\"delivery_tag\\": \\"wrong\\"}}"}}',
      '{"headers": {"properties": {"a": "{", "delivery_info": {"exchange": "no", "routing_key": "no"}, "delivery_tag": "wrong"}}, "properties": {"delivery_tag": "right3", "x": {"y": {}}, "delivery_info": {"routing_key": "k\\u00e9", "exchange": "e"}}}',
    ];
    await server.command('LPUSH', 'q', ...nasty);
    const got = await reserve(driver, 'q');
    expect(got.map(({ payload }) => payload)).toEqual(nasty);
    expect(Object.keys(await unacked()).sort()).toEqual(['right', 'right2', 'right3']);
  });

  it('records a message that comes alone as it does among others', async () => {
    const info = (exchange: string, key: string) => `"delivery_info": {"exchange": ${exchange}, "routing_key": ${key}}`;
    await server.command('SADD', '_kombu.binding.bound', 'k\x06\x16\x06\x16q');
    const texts = [
      `{"body": "", "properties": {${info('""', '"q"')}, "delivery_tag": "own"}}`,
      `{"body":"","properties":{"delivery_info":{"exchange":"","routing_key":"other"},"delivery_tag":"compact"}}`,
      `{"properties": {${info('"bound"', '"k"')}, "delivery_tag": "bound"}}`,
      `{"properties": {${info('"bound"', '"unbound"')}, "delivery_tag": "unbound"}}`,
      `{"properties": {${info('"bound"', '"\\u006b"')}, "delivery_tag": "escaped"}}`,
      `{"properties": {"not_delivery_info": {}, ${info('""', '"q"')}, "delivery_tag": "more"}}`,
      `{"properties": {"x_delivery_tag": "no", ${info('""', '"q"')}, "my_delivery_tag": "no", "delivery_tag": "last"}}`,
      `{"headers": {"properties": {${info('""', '"q"')}, "delivery_tag": "inner"}}}`,
      `{"properties": {${info('""', '"q"')}, "delivery_tag": "with \\" quote"}}`,
      `["properties": {${info('""', '"q"')}, "delivery_tag": "list"}}`,
      '{"properties": {"delivery_tag": 7}}',
      'é',
    ];
    const filler = '{"properties": {"delivery_tag": "filler"}}';
    for (const text of texts) {
      const recorded: string[][] = [];
      for (const others of [[], [filler]]) {
        await server.command('DEL', 'unacked', 'unacked_index');
        await server.command('LPUSH', 'q', text, ...others);
        const got = await reserve(driver, 'q');
        expect(got).toHaveLength(1 + others.length);
        const entries = await unacked();
        expect(await server.command('ZCARD', 'unacked_index')).toBe(got.length);
        delete entries.filler;
        // A tag that had to be made up is another one each time.
        const known = Object.keys(entries).filter((tag) => !MADE_UP.test(tag));
        const stored = Object.values(entries).map((value) => String(value).replace(MADE_UP, 'tag'));
        recorded.push([String(got[0]?.payload).replace(MADE_UP, 'tag'), ...known, ...stored]);
        expect(await settle(driver, got, 'ack')).toEqual([]);
        expect(await server.command('EXISTS', 'unacked', 'unacked_index', 'q')).toBe(0);
      }
      expect(recorded[0]).toEqual(recorded[1]);
    }
  });

  it('stops after some megabytes and wakes its queues for the rest', async () => {
    const large = 'x'.repeat(1_000_000);
    await fill(
      driver,
      'q',
      Array.from({ length: 40 }, () => large),
    );
    const woken: string[] = [];
    driver.watch?.((queue) => woken.push(queue)).add('q');
    const got = await reserve(driver, 'q', 40);
    expect(got.length).toBeGreaterThan(3);
    expect(got.length).toBeLessThan(40);
    await Promise.resolve();
    expect(woken).toContain('q');
    const rest: number[] = [];
    for (let left = 40 - got.length; left > 0; ) {
      const more = await reserve(driver, 'q', 40);
      expect(more.length).toBeGreaterThan(0);
      rest.push(more.length);
      left -= more.length;
    }
    expect(rest.reduce((a, b) => a + b, got.length)).toBe(40);
  });

  it('takes for good without acknowledgement', async () => {
    await fill(driver, 'q', ['a', 'b', 'c']);
    const got = await reserve(driver, 'q', 2, { noAck: true });
    expect(bodies(got)).toEqual(['a', 'b']);
    expect(await server.command('KEYS', '*')).toEqual(['q']);
    expect(await settle(driver, got, 'release')).toEqual([]);
    expect(bodies(await reserve(driver, 'q', 9, { noAck: true }))).toEqual(['a', 'b', 'c']);
  });

  it('goes on when the memory is full, so that somebody can empty it', async () => {
    await fill(driver, 'q', ['a', 'b']);
    await server.command('CONFIG', 'SET', 'maxmemory', '1');
    try {
      await expect(fill(driver, 'q', ['c'])).rejects.toMatchObject({ code: 'ERR_KOMBU_BROKER_BUSY', retryable: true });
      const got = await reserve(driver, 'q');
      expect(bodies(got)).toEqual(['a', 'b']);
      expect(await settle(driver, got.slice(0, 1), 'requeue')).toEqual([]);
      expect(await settle(driver, got.slice(1), 'ack')).toEqual([]);
      expect(bodies(await reserve(driver, 'q'))).toEqual(['a']);
    } finally {
      await server.command('CONFIG', 'SET', 'maxmemory', '0');
    }
  });
});

describe('a queue that holds something else', () => {
  it('is a clear error, and nothing is lost', async () => {
    await server.command('SET', 'q', 'text');
    await fill(driver, 'a', ['1']);
    await expect(reserve(driver, ['a', 'q'])).rejects.toMatchObject({ code: 'ERR_KOMBU_PRECONDITION_FAILED' });
    expect(bodies(await reserve(driver, 'a'))).toEqual(['1']);
  });

  it('also when it is the hash of reserved messages', async () => {
    await server.command('SET', 'unacked', 'text');
    await fill(driver, 'a', ['1']);
    await expect(reserve(driver, 'a')).rejects.toMatchObject({ code: 'ERR_KOMBU_PRECONDITION_FAILED' });
    expect(await server.command('LLEN', 'a')).toBe(1);
  });
});

describe('a put', () => {
  const codes = (result: { failures: readonly { index: number; error: { code: string } }[] }) =>
    result.failures.map(({ index, error }) => [index, error.code]);

  it('stores the rest of a batch when one key is no list', async () => {
    await server.command('SET', 'bad', 'text');
    const result = await put(driver, [entry('a'), entry('bad'), entry('b'), entry('bad', { priority: 9 }), entry('a')]);
    expect(codes(result)).toEqual([[1, 'ERR_KOMBU_PRECONDITION_FAILED']]);
    expect(await reserve(driver, ['a', 'b'])).toHaveLength(3);
    expect(await server.command('LLEN', 'bad\x06\x169')).toBe(1);
  });

  it('also where queues have limits, and still says what was pushed out', async () => {
    await server.command('SET', 'bad', 'text');
    const limits = { maxLength: 1 };
    const names = ['bad', 'a', 'bad', 'a'];
    const result = await put(
      driver,
      names.map((name, i) => entry(name, { body: `${i}` }, { limits })),
    );
    expect(codes(result)).toEqual([
      [0, 'ERR_KOMBU_PRECONDITION_FAILED'],
      [2, 'ERR_KOMBU_PRECONDITION_FAILED'],
    ]);
    expect(bodies(result.evicted)).toEqual(['1']);
    expect(await settle(driver, result.evicted, 'drop')).toEqual([]);
    expect(bodies(await reserve(driver, 'a'))).toEqual(['3']);
  });

  it('stores nothing where the broker keeps its own data', async () => {
    const names = ['unacked', 'a', 'unacked_index', '_kombu.binding.x', 'unacked_mutex', 'b'];
    const result = await put(
      driver,
      names.map((name) => entry(name)),
    );
    expect(codes(result)).toEqual([0, 2, 3, 4].map((index) => [index, 'ERR_KOMBU_ACCESS_REFUSED']));
    expect(await reserve(driver, ['a', 'b'])).toHaveLength(2);
    expect(codes(await put(driver, [entry('unacked')]))).toEqual([[0, 'ERR_KOMBU_ACCESS_REFUSED']]);
    const record = { name: 'unacked', durable: true, exclusive: false, autoDelete: false, owner: undefined };
    const saving = driver.topology?.saveQueue({ ...record, arguments: { 'x-expires': 1000 } });
    await expect(saving).rejects.toMatchObject({ code: 'ERR_KOMBU_ACCESS_REFUSED' });
  });
});
