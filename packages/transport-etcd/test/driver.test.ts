import { afterAll, describe, expect, it } from '@jest/globals';
import { until } from '@kombu/brokers';
import { Queue } from '@kombu/core';
import type { VirtualDriver } from '@kombu/core/virtual';
import type { Etcd3 } from 'etcd3';
import { connect, driversOf, end, entry, keysBelow, put, reserve } from './support/connect.js';
import { startServer } from './support/server.js';

const server = await startServer();
const { start, closeAll } = driversOf(server);
afterAll(async () => {
  await closeAll();
  await server.close();
});

const payloads = async (from: ReturnType<typeof reserve>): Promise<unknown[]> =>
  (await from).map(({ payload }) => payload);

/** Counts the calls that a driver makes from now on. */
function countCalls(driver: VirtualDriver): () => number {
  const { kv } = driver.client as Etcd3;
  let calls = 0;
  for (const method of ['txn', 'range'] as const) {
    const original = kv[method].bind(kv) as (...args: unknown[]) => unknown;
    Object.assign(kv, {
      [method]: (...args: unknown[]) => {
        calls++;
        return original(...args);
      },
    });
  }
  return () => calls;
}

describe('the keys in etcd', () => {
  it('are those of the format', async () => {
    const driver = await start({ prefix: 'format/' });
    await put(driver, 'a/b ü', ['nine'], { priority: 9 });
    await put(driver, 'a/b ü', ['none', 'expires'], { expiresAt: 1_767_225_600_000 });
    const [first] = await reserve(driver, 'a/b ü', 1);
    const keys = await keysBelow(server, 'format/');
    const names = Object.keys(keys).map((key) =>
      key.replace(/[0-9a-f]{16}-/g, 'BASE-').replace(/[0-9a-f-]{36}/g, 'ID'),
    );
    expect(names).toEqual([
      'format/claims/a%2Fb%20%C3%BC/0-BASE-0000',
      'format/held/ID/a%2Fb%20%C3%BC',
      'format/messages/a%2Fb%20%C3%BC/0-BASE-0000',
      'format/messages/a%2Fb%20%C3%BC/9-BASE-0000.1767225600000',
      'format/messages/a%2Fb%20%C3%BC/9-BASE-0001.1767225600000',
      'format/sessions/ID',
      'format/tails/a%2Fb%20%C3%BC',
    ]);
    expect(keys['format/tails/a%2Fb%20%C3%BC']).toBe('9');
    expect(first?.payload).toBe('nine');
    await end(driver, first === undefined ? [] : [first], 'ack');
    await driver.deleteQueue('a/b ü');
    await driver.close();
    expect(await keysBelow(server, 'format/')).toEqual({});
  });

  it('keep the order over the end of a queue and its beginning anew', async () => {
    const [driver, other] = [await start(), await start()];
    await put(driver, 'again', ['old 1', 'old 2']);
    const [held] = await reserve(driver, 'again', 1);
    await other.deleteQueue('again');
    await put(other, 'again', ['new 1']);
    await put(driver, 'again', ['new 2']);
    expect(await payloads(reserve(driver, 'again'))).toEqual(['new 1', 'new 2']);
    const [failure] = await driver.settle([{ queue: 'again', token: held?.token, outcome: 'ack' }]);
    expect(failure?.error.code).toBe('ERR_KOMBU_LEASE_LOST');
    expect(await driver.size('again')).toBe(0);
  });

  it('requeues behind, releases in front, and says which of both', async () => {
    const driver = await start();
    await put(driver, 'back', ['1', '2', '3', '4']);
    const [one, two] = await reserve(driver, 'back', 2);
    if (one === undefined || two === undefined) throw new Error('two were expected');
    await end(driver, [one], 'requeue');
    await end(driver, [two], 'release');
    const got = await reserve(driver, 'back');
    expect(got.map(({ payload, redelivered }) => [payload, redelivered])).toEqual([
      ['2', false],
      ['3', false],
      ['4', false],
      ['1', true],
    ]);
    await end(driver, got, 'ack');
    expect(await driver.settle([{ queue: 'back', token: one.token, outcome: 'ack' }])).toHaveLength(1);
  });

  it('purge leaves what is claimed', async () => {
    const driver = await start();
    await put(
      driver,
      'purge',
      Array.from({ length: 250 }, (_, i) => String(i)),
    );
    const held = await reserve(driver, 'purge', 3);
    expect(await driver.purge('purge')).toBe(247);
    await end(driver, held, 'release');
    expect(await driver.size('purge')).toBe(3);
    expect(await driver.purge('purge')).toBe(3);
  });

  it('stores one batch for many queues, and large ones, in as many transactions as it takes', async () => {
    const driver = await start();
    const entries = Array.from({ length: 100 }, (_, i) => entry(`many ${i}`, String(i)));
    expect(await driver.put({ entries, check: [] })).toEqual({ failures: [], evicted: [] });
    for (const i of [0, 50, 99]) expect(await payloads(reserve(driver, `many ${i}`))).toEqual([String(i)]);
    const large = Array.from({ length: 6 }, (_, i) => String(i).repeat(900_000));
    await put(driver, 'large', large);
    expect(await payloads(reserve(driver, 'large'))).toEqual(large);
  });

  it('refuses a body that is too large, and stores the others', async () => {
    const driver = await start();
    const { failures } = await put(driver, 'too large', ['a', 'b'.repeat(1_048_577), 'c']);
    expect(failures).toMatchObject([{ index: 1, error: { code: 'ERR_KOMBU_MESSAGE_TOO_LARGE' } }]);
    expect(await payloads(reserve(driver, 'too large'))).toEqual(['a', 'c']);
  });
});

describe('calls to etcd', () => {
  it('are few for each message, however long the queue is and whatever others hold', async () => {
    const [driver, other] = [await start(), await start()];
    await put(
      driver,
      'long',
      Array.from({ length: 3000 }, (_, i) => String(i)),
    );
    for (let i = 0; i < 10; i++) await reserve(other, 'long');
    const woken: string[] = [];
    const watch = driver.watch?.((queue) => woken.push(queue));
    watch?.add('long');
    await until(() => woken.length > 0, { what: 'the watch has begun' });
    const calls = countCalls(driver);
    const got: unknown[] = [];
    for (let some = await reserve(driver, 'long'); some.length > 0; some = await reserve(driver, 'long')) {
      got.push(...some.map(({ payload }) => payload));
      await end(driver, some, 'ack');
    }
    expect(got).toEqual(Array.from({ length: 2000 }, (_, i) => String(i + 1000)));
    // 100 messages in a call that claims and one that acknowledges, the names of 500 in one that lists.
    expect(calls()).toBeLessThanOrEqual(20 + 20 + 7);
    const before = calls();
    for (let i = 0; i < 20; i++) expect(await reserve(driver, 'long')).toEqual([]);
    expect(calls()).toBe(before);
    await watch?.close();
  }, 60_000);

  it('are none while nothing happens', async () => {
    const connection = connect(server, { transportOptions: { leaseMs: 2000 } });
    const queue = new Queue('idle');
    const consumer = connection.consumer({ queues: [queue], onMessage: (message) => message.ack() });
    await consumer.consume();
    const calls = countCalls({ client: connection.driver } as unknown as VirtualDriver);
    await new Promise((resolve) => setTimeout(resolve, 3000));
    // A sweep each half second looks whether the queue is still there, and asks for nothing else.
    expect(calls()).toBeLessThan(10);
    await connection.close();
  });
});
