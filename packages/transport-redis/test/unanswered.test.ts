import { afterAll, beforeEach, describe, expect, it } from '@jest/globals';
import { startProxy, until } from '@kombu/brokers';
import { Unanswered } from '@kombu/core/virtual';
import { bodies, fill, openDriver, reserve } from './support/driver.js';
import { startServer } from './support/server.js';

const server = await startServer();
beforeEach(() => server.command('FLUSHALL'));
afterAll(() => server.close());

describe('a reserve whose answer is lost with the link', () => {
  it('is given back by the next link of the same connection, in order and unflagged; others are not', async () => {
    const proxy = await startProxy(server.port);
    const unanswered = new Unanswered();
    const more = { connectionId: 'me', unanswered, heartbeatMs: 60_000 };
    try {
      const other = await openDriver(server.url);
      const first = await openDriver(proxy.through(server.url), {}, more);
      await fill(other, 'q', ['a', 'b', 'c', 'd']);
      expect(bodies(await reserve(other, 'q', 1))).toEqual(['a']);
      expect(bodies(await reserve(first, 'q', 1))).toEqual(['b']);
      // The answer is a second late, and the link is cut before it comes.
      proxy.slow(1000);
      const lost = reserve(first, 'q', 2).catch((error: unknown) => error);
      await until(async () => (await server.command('HLEN', 'unacked')) === 4, { what: 'the server to have done it' });
      proxy.drop();
      expect(await lost).toMatchObject({ code: 'ERR_KOMBU_CONNECTION_LOST' });
      proxy.resume();
      const second = await openDriver(server.url, {}, more);
      await until(async () => (await other.size('q')) === 2, { what: 'both to be given back' });
      const again = await reserve(second, 'q');
      expect(bodies(again)).toEqual(['c', 'd']);
      expect(JSON.parse(again[0]?.payload as string).headers).toEqual({});
      await second.close();
      await other.close();
    } finally {
      await proxy.close();
    }
  }, 15_000);

  it('is another thing than one that was refused', async () => {
    const proxy = await startProxy(server.port);
    const unanswered = new Unanswered();
    const more = { connectionId: 'me', unanswered, heartbeatMs: 60_000 };
    try {
      const driver = await openDriver(proxy.through(server.url), {}, more);
      await server.command('SET', 'q', 'text');
      for (let i = 0; i < 3; i++) {
        await expect(reserve(driver, 'q', 1)).rejects.toMatchObject({ code: 'ERR_KOMBU_PRECONDITION_FAILED' });
      }
      proxy.drop();
      await driver.closed;
      expect(unanswered.take('me')).toEqual([]);
    } finally {
      await proxy.close();
    }
  });

  it('is forgotten when it was answered, or when a connection never comes back', () => {
    const unanswered = new Unanswered();
    unanswered.keep('a', new Set());
    expect(unanswered.take('a')).toEqual([]);
    unanswered.keep('a', new Set(['1']));
    unanswered.keep('a', new Set(['2']));
    expect(unanswered.take('a')).toEqual(['1', '2']);
    expect(unanswered.take('a')).toEqual([]);
    unanswered.keep('old', new Set(['1']));
    for (let i = 0; i < 1000; i++) unanswered.keep(String(i), new Set(['x']));
    expect(unanswered.take('old')).toEqual([]);
    expect(unanswered.take('999')).toEqual(['x']);
  });
});
