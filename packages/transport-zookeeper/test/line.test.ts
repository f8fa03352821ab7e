import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { until } from '@kombu/brokers';
import type { VirtualDriver } from '@kombu/core/virtual';
import { countCalls } from './support/calls.js';
import { entryOf, numbersOf, openDriver, putAll, reserve } from './support/driver.js';
import { startServer } from './support/server.js';

jest.setTimeout(60_000);

const server = await startServer();
let driver: VirtualDriver;
beforeAll(async () => {
  driver = await openDriver(server.port);
});
afterAll(async () => {
  await driver.close();
  await server.close();
});

const settleAll = (queue: string, reserved: Awaited<ReturnType<typeof reserve>>) =>
  driver.settle(reserved.map(({ token }) => ({ queue, token, outcome: 'ack' })));

describe('what it costs', () => {
  it('a long queue is not listed for every message, whatever the prefetch', async () => {
    await putAll(driver, 'long', 5000);
    const calls = countCalls(driver);
    for (let n = 0; n < 200; n++) {
      const got = await reserve(driver, 'long', { max: 1 });
      expect(numbersOf(got)).toEqual([n]);
      await settleAll('long', got);
    }
    // For each message: is anything new there, what is in it, take it, settle it.
    expect(calls.getChildren).toBeLessThanOrEqual(2);
    expect(calls.getData).toBe(200);
    expect(calls.multi).toBe(400);
    const batch = await reserve(driver, 'long', { max: 60 });
    expect(numbersOf(batch)).toEqual(Array.from({ length: 60 }, (_, i) => 200 + i));
    await settleAll('long', batch);
    // A batch is taken in one transaction, and settled in one.
    expect(calls.multi).toBe(402);
    expect(calls.getData).toBe(260);
    await driver.deleteQueue('long');
  });

  it('a batch of messages is stored in one transaction', async () => {
    const other = await openDriver(server.port, { heartbeatMs: 0 });
    const calls = countCalls(other);
    await other.createQueue({ name: 'batch' } as never);
    await putAll(other, 'batch', 100);
    expect(calls).toEqual({ create: 1, multi: 1 });
    await other.close();
  });

  it('nobody asks for anything while a consumer waits, and it is told of what comes', async () => {
    const idle = await openDriver(server.port, { heartbeatMs: 0 });
    await idle.createQueue({ name: 'idle' } as never);
    const woken: string[] = [];
    const watch = idle.watch?.((queue) => woken.push(queue));
    watch?.add('idle');
    expect(woken).toEqual(['idle']);
    expect(await reserve(idle, 'idle')).toEqual([]);
    const calls = countCalls(idle);
    await new Promise((resolve) => setTimeout(resolve, 1500));
    expect(calls).toEqual({});
    await driver.put({ entries: [entryOf('idle', 1)], check: [] });
    await until(() => woken.length === 2, { what: 'it was told', timeoutMs: 2000 });
    expect(numbersOf(await reserve(idle, 'idle'))).toEqual([1]);
    // One to see, one to wait for the next.
    expect(calls).toEqual({ getChildren: 2, getData: 1, create: 3, multi: 1 });
    await idle.close();
  });
});

describe('the order of a long queue', () => {
  it('what has a higher priority comes first, also when it came later', async () => {
    await putAll(driver, 'ranks', 500);
    expect(numbersOf(await reserve(driver, 'ranks', { max: 2 }))).toEqual([0, 1]);
    await driver.put({ entries: [entryOf('ranks', 999, { priority: 9 })], check: [] });
    const next = async (): Promise<number | undefined> => numbersOf(await reserve(driver, 'ranks', { max: 1 }))[0];
    let taken = 0;
    await until(
      async () => {
        taken += 1;
        return (await next()) === 999;
      },
      { what: 'it has come', everyMs: 1 },
    );
    // The list of a long queue may be a moment old.
    expect(taken).toBeLessThan(400);
    await driver.deleteQueue('ranks');
  });

  it('what is released goes to the front, in its order; what is requeued to the back, flagged', async () => {
    await putAll(driver, 'back', 200);
    const got = await reserve(driver, 'back', { max: 5 });
    const outcomes = ['release', 'requeue', 'release', 'drop', 'release'] as const;
    await driver.settle(
      got.map(({ token }, i) => ({ queue: 'back', token, outcome: outcomes[i] as (typeof outcomes)[number] })),
    );
    expect(numbersOf(await reserve(driver, 'back', { max: 4 }))).toEqual([0, 2, 4, 5]);
    const rest = [];
    for (let more = await reserve(driver, 'back', { max: 60 }); more.length > 0; ) {
      rest.push(...more);
      more = await reserve(driver, 'back', { max: 60 });
    }
    expect(numbersOf(rest).slice(-2)).toEqual([199, 1]);
    expect(rest.map(({ payload }) => (payload as string).startsWith('{"redelivered":true,')).indexOf(true)).toBe(
      rest.length - 1,
    );
    await driver.deleteQueue('back');
  });
});

describe('a queue that is deleted while its messages are in hand', () => {
  it('takes them with it, and does not come back', async () => {
    await putAll(driver, 'gone', 3);
    const got = await reserve(driver, 'gone', { max: 2 });
    const other = await openDriver(server.port);
    await other.deleteQueue('gone');
    const outcomes = ['release', 'ack'] as const;
    const failures = await driver.settle(
      got.map(({ token }, i) => ({ queue: 'gone', token, outcome: outcomes[i] as (typeof outcomes)[number] })),
    );
    expect(failures.map(({ error }) => error.code)).toEqual(['ERR_KOMBU_LEASE_LOST', 'ERR_KOMBU_LEASE_LOST']);
    expect(await driver.hasQueue('gone')).toBe(false);
    // A new one of that name is another one, and may be taken from by the same sessions.
    await putAll(driver, 'gone', 1);
    expect(numbersOf(await reserve(driver, 'gone'))).toEqual([0]);
    await other.close();
  });
});
