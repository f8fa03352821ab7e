import { afterAll, afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { until } from '@kombu/brokers';
import { uuid } from '@kombu/core';
import { Unanswered, type VirtualDriver } from '@kombu/core/virtual';
import { bodies, entry, openDriver, put, reserve } from './support/driver.js';
import { skipped, startServer, type TestServer } from './support/server.js';

const started = await startServer();
const numbers = (count: number) => Array.from({ length: count }, (_, n) => String(n).padStart(3, '0'));
const never = new AbortController().signal;

if (typeof started === 'string') describe('reserving', () => skipped(started));
else suite(started);

function suite(server: TestServer): void {
  let driver: VirtualDriver;
  let other: VirtualDriver;
  const messages = () => server.collection('messages');

  beforeEach(async () => {
    await server.clear();
    driver = await openDriver(server.url());
    other = await openDriver(server.url());
  });
  afterEach(async () => {
    await driver.close();
    await other.close();
  });
  afterAll(() => server.close());

  describe('reserving', () => {
    it('takes by priority, the oldest first, and what is released keeps its place', async () => {
      const priorities = [0, 5, 9, 5, 0];
      await put(driver, ...priorities.map((priority, n) => entry('q', `${priority}-${n}`, { priority })));
      const order = ['9-2', '5-1', '5-3', '0-0', '0-4'];
      const first = await reserve(driver, ['q'], { max: 3 });
      expect(bodies(first)).toEqual(order.slice(0, 3));
      await driver.settle(first.map(({ queue, token }) => ({ queue, token, outcome: 'release' })));
      expect(bodies(await reserve(driver, ['q']))).toEqual(order);
    });

    it('requeues to the back, flagged, in the same priority', async () => {
      await put(driver, ...numbers(3).map((n) => entry('q', n)));
      const [one] = await reserve(driver, ['q'], { max: 1 });
      await driver.settle([{ queue: 'q', token: one?.token, outcome: 'requeue' }]);
      const again = await reserve(driver, ['q']);
      expect(bodies(again)).toEqual(['001', '002', '000']);
      expect(again.map(({ redelivered }) => redelivered)).toEqual([false, false, true]);
      expect(JSON.parse(again[2]?.payload as string).redelivered).toBe(true);
    });

    it('gives each message to one of many who ask at the same time, and all of them in the end', async () => {
      const links = [driver, other, await openDriver(server.url()), await openDriver(server.url())];
      await put(driver, ...numbers(200).map((n) => entry('q', n)));
      const got: string[] = [];
      const work = async (link: VirtualDriver): Promise<void> => {
        for (;;) {
          const some = await reserve(link, ['q'], { max: 10 });
          if (some.length === 0) return;
          got.push(...bodies(some));
        }
      };
      await Promise.all(links.map(work));
      expect(got.sort()).toEqual(numbers(200));
      for (const link of links.slice(2)) await link.close();
    }, 60_000);

    it('asks many queues, most of them empty, in the order of preference', async () => {
      await put(driver, entry('b', '1'), entry('a', '2'));
      const queues = [...numbers(50).map((n) => `empty-${n}`), 'a', 'b'];
      expect(bodies(await reserve(driver, queues))).toEqual(['2', '1']);
    });

    it('with noAck leaves nothing behind', async () => {
      await put(driver, ...numbers(3).map((n) => entry('q', n)));
      const got = await reserve(driver, ['q'], { noAck: true });
      expect(bodies(got)).toEqual(numbers(3));
      expect(got.every(({ token }) => token === undefined)).toBe(true);
      expect(await messages().countDocuments()).toBe(0);
    });

    it('hands out what somebody has stored without an envelope as an empty one, and goes on', async () => {
      await messages().insertMany([
        { queue: 'q', priority: 9 },
        { queue: 'q', priority: 9, payload: 5 },
      ]);
      await put(driver, entry('q', 'good'));
      const got = await reserve(driver, ['q']);
      expect(got.map(({ payload }) => payload).slice(0, 2)).toEqual(['', '']);
      expect(bodies(got.slice(2))).toEqual(['good']);
    });

    it('stops at some megabytes', async () => {
      const large = 'x'.repeat(3 * 1024 * 1024);
      await put(driver, ...numbers(4).map((n) => entry('q', n + large)));
      expect(await reserve(driver, ['q'])).toHaveLength(2);
    });

    it('a lease that has run out is another’s: settling it is LEASE_LOST, and changes nothing', async () => {
      await put(driver, ...numbers(4).map((n) => entry('q', n)));
      const mine = await reserve(driver, ['q'], { leaseMs: 100 });
      await until(async () => (await other.recover?.({ limit: 100, signal: never })) === 4, { what: 'leases end' });
      const theirs = await reserve(other, ['q']);
      expect(theirs.every(({ redelivered }) => redelivered)).toBe(true);
      const outcomes = ['ack', 'release', 'requeue', 'drop'] as const;
      const failures = await driver.settle(
        mine.map(({ queue, token }, i) => ({ queue, token, outcome: outcomes[i] ?? 'ack' })),
      );
      expect([...failures].map(({ index, error }) => [index, error.code]).sort()).toEqual(
        mine.map((_, i) => [i, 'ERR_KOMBU_LEASE_LOST']),
      );
      expect(await driver.extend?.(mine, 1000)).toHaveLength(4);
      expect(await other.settle(theirs.map(({ queue, token }) => ({ queue, token, outcome: 'ack' })))).toEqual([]);
      expect(await messages().countDocuments()).toBe(0);
    });

    it('a lease that is lost although its time is not over is told by who has the message', async () => {
      await put(driver, entry('q', 'a'), entry('q', 'b'));
      const mine = await reserve(driver, ['q']);
      await messages().updateOne({ priority: 9 }, { $set: { owner: 'somebody' } });
      const failures = await driver.settle(mine.map(({ queue, token }) => ({ queue, token, outcome: 'ack' })));
      expect(failures.map(({ index, error }) => [index, error.code])).toEqual([[0, 'ERR_KOMBU_LEASE_LOST']]);
      expect(await messages().countDocuments()).toBe(1);
    });

    it('a lease that is renewed does not run out', async () => {
      await put(driver, entry('q', 'a'));
      const mine = await reserve(driver, ['q'], { leaseMs: 300 });
      expect(await driver.extend?.(mine, 60_000)).toEqual([]);
      await new Promise((resolve) => setTimeout(resolve, 400));
      expect(await other.recover?.({ limit: 100, signal: never })).toBe(0);
      expect(await driver.settle([{ queue: 'q', token: mine[0]?.token, outcome: 'ack' }])).toEqual([]);
    });

    it('what a link had taken when it was lost comes back with the next link of the connection', async () => {
      const [connectionId, unanswered] = [uuid(), new Unanswered()];
      await put(driver, ...numbers(5).map((n) => entry('q', n)));
      const lost = await openDriver(server.url(), {}, { connectionId, unanswered });
      const asked = reserve(lost, ['q'], { max: 3 });
      // The server has the claim, and its answer never comes.
      await until(() => messages().countDocuments({ reserved: 'q' }), { what: 'the claim', everyMs: 1 });
      lost.destroy();
      const got = await asked.catch(() => []);
      const held = await messages().distinct('owner', { reserved: 'q' });
      if (got.length === 0) unanswered.keep(connectionId, new Set(held as string[]));
      const next = await openDriver(server.url(), {}, { connectionId, unanswered });
      if (got.length === 0) {
        await until(async () => (await driver.size('q')) === 5, { what: 'what was taken is back' });
        const back = await reserve(driver, ['q']);
        expect(bodies(back)).toEqual(numbers(5));
        expect(back.some(({ redelivered }) => redelivered)).toBe(false);
      }
      await next.close();
    });
  });
}
