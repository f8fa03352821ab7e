import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import type { BindingRecord, VirtualDriver } from '@kombu/core/virtual';
import { entryOf, numbersOf, openDriver, reserve } from './support/driver.js';
import { startServer } from './support/server.js';

jest.setTimeout(60_000);

const server = await startServer();
let driver: VirtualDriver;
beforeAll(async () => {
  driver = await openDriver(server.port, { options: { maxBufferBytes: 65_536 } });
});
afterAll(async () => {
  await driver.close();
  await server.close();
});

it('says that a queue without a name is not there', async () => {
  expect(await driver.hasQueue('')).toBe(false);
});

describe('a queue that is made again, whose entries are counted from 0 again', () => {
  const expiring = (queue: string, n: number, expiresAt: number) => {
    const entry = entryOf(queue, n);
    const payload = String(entry.payload).replace('"delivery_tag"', `"expires_at_ms":${expiresAt},"delivery_tag"`);
    return { ...entry, payload, expiresAt };
  };
  const reserveExpired = async (queue: string): Promise<number[]> => {
    const { signal } = new AbortController();
    const request = { queue, max: 10, now: Date.now(), leaseMs: 2000, signal };
    return numbersOf((await driver.reserveExpired?.(request)) ?? []);
  };

  it('does not have the expiries of the one before', async () => {
    await driver.put({ entries: [expiring('lines', 1, Date.now() - 1)], check: [] });
    expect(await reserveExpired('lines')).toEqual([1]);
    await driver.deleteQueue('lines');
    const entries = [expiring('lines', 2, Date.now() + 60_000), entryOf('lines', 3)];
    await driver.put({ entries, check: [] });
    expect(await reserveExpired('lines')).toEqual([]);
    expect(numbersOf(await reserve(driver, 'lines'))).toEqual([2, 3]);
  });

  it('does not have the sizes of the one before', async () => {
    const limits = { maxLengthBytes: 10 };
    const sized = (n: number, size: number) => ({
      ...entryOf('sizes', n, { limits }),
      payload: JSON.stringify({ body: 'x'.repeat(size), properties: {} }),
    });
    expect((await driver.put({ entries: [sized(1, 9)], check: [] })).evicted).toEqual([]);
    await driver.deleteQueue('sizes');
    expect((await driver.put({ entries: [sized(2, 1), sized(3, 9)], check: [] })).evicted).toEqual([]);
    expect(await driver.size('sizes')).toBe(2);
  });
});

describe('declarations that are too large', () => {
  const bindingTo = (exchange: string, n: number): BindingRecord => ({
    exchange,
    destination: 'both',
    destinationType: 'exchange',
    routingKey: `${n}${'k'.repeat(20_000)}`,
    arguments: {},
  });

  it('are refused before they are sent, also where only all that changes at once is', async () => {
    const { topology } = driver;
    for (const exchange of ['one', 'two']) {
      for (const n of [1, 2]) await topology?.bind(bindingTo(exchange, n));
      await expect(topology?.bind(bindingTo(exchange, 3))).rejects.toMatchObject({
        code: 'ERR_KOMBU_PRECONDITION_FAILED',
      });
    }
    await topology?.bind({ ...bindingTo('one', 0), routingKey: 'x', destination: 'other' });
    await topology?.bind({ ...bindingTo('two', 0), routingKey: 'x', destination: 'other' });
    await expect(topology?.dropExchange('other')).rejects.toMatchObject({ code: 'ERR_KOMBU_PRECONDITION_FAILED' });
    expect(await driver.hasQueue('lines')).toBe(true);
  });
});
