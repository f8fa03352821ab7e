import { afterAll, afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { until } from '@kombu/brokers';
import { bodies, envelope, fill, type OpenedDriver, openDriver, reserve, settle } from './support/driver.js';
import { startServer } from './support/server.js';

const server = await startServer();
let driver: OpenedDriver;

beforeEach(async () => {
  await server.command('FLUSHALL');
  driver = await openDriver(server.url);
});
afterEach(() => driver.close());
afterAll(() => server.close());

/** Watches queues the way core does: asks a queue whenever it is told to. */
async function watching(queues: readonly string[]) {
  const woken: string[] = [];
  const watch = driver.watch?.((queue) => woken.push(queue));
  for (const queue of queues) watch?.add(queue);
  await until(() => woken.length >= queues.length, { what: 'the first wake of each' });
  await reserve(driver, queues, 1);
  woken.length = 0;
  return { woken, watch };
}

describe('watch', () => {
  it('tells of a plain LPUSH of somebody else, to any priority', async () => {
    const { woken } = await watching(['a', 'b']);
    await server.command('LPUSH', 'b\x06\x169', envelope());
    await until(() => woken.includes('b'), { what: 'the wake' });
    expect(woken).not.toContain('a');
    expect(await reserve(driver, 'b')).toHaveLength(1);
    woken.length = 0;
    await server.command('LPUSH', 'b', envelope());
    await until(() => woken.includes('b'), { what: 'the second wake, after the queue was emptied' });
  });

  it('tells of what this link itself has put, requeued, released or recovered', async () => {
    const { woken } = await watching(['a']);
    const told = async () => {
      await until(() => woken.includes('a'), { what: 'the wake' });
      woken.length = 0;
    };
    await fill(driver, 'a', ['1']);
    await told();
    const got = await reserve(driver, 'a');
    await settle(driver, got, 'requeue');
    await told();
    await settle(driver, await reserve(driver, 'a'), 'release');
    await told();
    await reserve(driver, 'a', 1, { leaseMs: 1 });
    await until(async () => (await driver.recover?.({ limit: 1, signal: new AbortController().signal })) === 1, {
      what: 'the lease to end',
    });
    await told();
  });

  it('tells of the rest when one reserve did not empty the queue and another link pushes', async () => {
    const { woken } = await watching(['a']);
    await server.command('LPUSH', 'a', envelope(), envelope(), envelope());
    await until(() => woken.includes('a'), { what: 'the wake' });
    await reserve(driver, 'a', 1);
    woken.length = 0;
    await server.command('LPUSH', 'a', envelope());
    await until(() => woken.includes('a'), { what: 'the wake of a queue that is not empty' });
  });

  it('still tells of others after this link has purged the queue, or has got from it', async () => {
    const { woken } = await watching(['a']);
    await fill(driver, 'a', ['1', '2']);
    await until(() => woken.includes('a'), { what: 'the wake by our own put' });
    await reserve(driver, 'a', 1);
    woken.length = 0;
    await driver.purge('a');
    await until(() => woken.includes('a'), { what: 'the wake by our own purge' });
    await reserve(driver, 'a', 1);
    woken.length = 0;
    await server.command('LPUSH', 'a', envelope());
    await until(() => woken.includes('a'), { what: 'the wake by somebody else' });
  });

  it('never misses a message while others push and it empties the queue', async () => {
    const other = await openDriver(server.url);
    const got: string[] = [];
    let busy: Promise<void> | undefined;
    let again = false;
    const take = async () => {
      do {
        again = false;
        got.push(...bodies(await reserve(driver, 'a', 10)));
      } while (again);
      busy = undefined;
    };
    driver
      .watch?.(() => {
        again = true;
        busy ??= take();
      })
      .add('a');
    const sent = Array.from({ length: 300 }, (_, i) => String(i));
    for (const body of sent) await fill(other, 'a', [body]);
    await until(() => got.length >= 300, { what: 'all of them, without another look' });
    await busy;
    expect(got).toEqual(sent);
    await other.close();
  });

  it('tells of queues with the separator in their names', async () => {
    await driver.close();
    driver = await openDriver(server.url, { sep: ':' });
    const { woken } = await watching(['a:b', 'c']);
    await server.command('LPUSH', 'a:b', envelope());
    await until(() => woken.includes('a:b'), { what: 'the wake' });
    await server.command('LPUSH', 'c:9', envelope());
    await until(() => woken.includes('c'), { what: 'the wake of the other' });
  });

  it('says nothing of a queue that was removed, and wakes every queue after FLUSHALL', async () => {
    const { woken, watch } = await watching(['a', 'b']);
    watch?.remove('a');
    await server.command('LPUSH', 'a', envelope());
    await server.command('FLUSHALL');
    await until(() => woken.includes('b'), { what: 'the wake' });
    expect(woken).not.toContain('a');
  });

  it('is absent, with a warning, where the server does not allow it', async () => {
    await server.command('ACL', 'SETUSER', 'poor', 'on', '>pw', '~*', '&*', '+@all', '-client|tracking');
    const poor = await openDriver(server.url, {}, { userid: 'poor', password: 'pw' });
    expect(poor.watch).toBeUndefined();
    expect(poor.warnings.map(({ code }) => code)).toEqual(['ERR_KOMBU_NOT_SUPPORTED']);
    await fill(poor, 'q', ['a']);
    expect(bodies(await reserve(poor, 'q'))).toEqual(['a']);
    await poor.close();
  });
});
