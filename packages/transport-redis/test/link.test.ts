import { afterAll, afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { startProxy, until } from '@kombu/brokers';
import { type AllOptions, bodies, fill, type OpenedDriver, openDriver, reserve } from './support/driver.js';
import { startServer } from './support/server.js';

const server = await startServer();
const open: OpenedDriver[] = [];

beforeEach(() => server.command('FLUSHALL'));
afterEach(async () => {
  for (const driver of open.splice(0)) await driver.close();
});
afterAll(() => server.close());

async function driverOf(options: AllOptions = {}, more = {}, url = server.url): Promise<OpenedDriver> {
  const driver = await openDriver(url, options, more);
  open.push(driver);
  return driver;
}

const clients = async () =>
  String(await server.command('CLIENT', 'LIST'))
    .split('\n')
    .filter((line) => line !== '' && !line.includes('cmd=client|list'));

describe('opening', () => {
  it('takes two sockets, three with confirmReplicas, and gives them all back', async () => {
    const driver = await driverOf({ clientName: 'me' });
    expect((await clients()).filter((line) => line.includes('name=me'))).toHaveLength(2);
    await driver.close();
    await until(async () => (await clients()).length === 0, { what: 'the sockets to go' });
    await driverOf({ clientName: 'me', confirmReplicas: 1 });
    expect((await clients()).filter((line) => line.includes('name=me'))).toHaveLength(3);
  });

  it('leaves nothing open over a hundred times', async () => {
    for (let i = 0; i < 100; i++) await (await openDriver(server.url)).close();
    await until(async () => (await clients()).length === 0, { what: 'the sockets to go' });
  });

  it('refuses fewer sockets than it needs', async () => {
    await expect(driverOf({ maxConnections: 1 })).rejects.toMatchObject({ code: 'ERR_KOMBU_INVALID_OPTION' });
    await until(async () => (await clients()).length === 0, { what: 'the sockets to go' });
    expect((await driverOf({ maxConnections: 2 })).warnings).toEqual([]);
  });

  it('rejects with CONNECT_REFUSED where nobody listens', async () => {
    await expect(openDriver('redis://127.0.0.1:1/0')).rejects.toMatchObject({
      code: 'ERR_KOMBU_CONNECT_REFUSED',
      retryable: true,
    });
    await expect(openDriver('redis+socket:///', {}, { hostname: '/no/such.sock' })).rejects.toMatchObject({
      code: 'ERR_KOMBU_CONNECT_REFUSED',
    });
  });

  it('rejects with AUTH_FAILED for a wrong password, and says nothing of it', async () => {
    const locked = await startServer({ password: 'right' });
    try {
      const wrong = await openDriver(locked.url, {}, { password: 's3cret' }).catch((error: unknown) => error);
      expect(wrong).toMatchObject({ code: 'ERR_KOMBU_AUTH_FAILED', retryable: false });
      expect(JSON.stringify(wrong, Object.getOwnPropertyNames(wrong))).not.toContain('s3cret');
      await expect(openDriver(locked.url, {}, { password: undefined })).rejects.toMatchObject({
        code: 'ERR_KOMBU_AUTH_FAILED',
      });
      const good = await openDriver(locked.url);
      await fill(good, 'q', ['a']);
      await good.close();
    } finally {
      await locked.close();
    }
  });

  it('takes a password where none is needed', async () => {
    const driver = await driverOf({}, { password: 'needless' });
    expect(await driver.size('q')).toBe(0);
  });

  it('uses the database of the URL, and refuses what is no number', async () => {
    const url = server.url.replace(/\/0$/, '/3');
    const driver = await driverOf({}, {}, url);
    await fill(driver, 'q', ['a']);
    expect(await server.command('EXISTS', 'q')).toBe(0);
    await expect(openDriver(server.url.replace(/\/0$/, '/x'))).rejects.toMatchObject({
      code: 'ERR_KOMBU_INVALID_OPTION',
    });
    await expect(openDriver(server.url.replace(/\/0$/, '/999'))).rejects.toMatchObject({
      code: 'ERR_KOMBU_NOT_SUPPORTED',
    });
  });

  it('works over TLS, and over a Unix socket', async () => {
    const secure = await startServer({ tls: true });
    const local = await startServer({ unixSocket: true });
    try {
      const { readFile } = await import('node:fs/promises');
      const tls = { ca: await readFile(secure.caFile ?? '') };
      const over = await openDriver(secure.url, {}, { tls });
      await fill(over, 'q', ['a']);
      expect(bodies(await reserve(over, 'q'))).toEqual(['a']);
      await over.close();
      await expect(openDriver(secure.url, {}, { tls: {} })).rejects.toMatchObject({
        code: 'ERR_KOMBU_CONNECT_REFUSED',
        retryable: false,
      });
      const unix = await openDriver('redis+socket:///', {}, { hostname: local.socket });
      await fill(unix, 'q', ['a']);
      expect(bodies(await reserve(unix, 'q'))).toEqual(['a']);
      await unix.close();
    } finally {
      await secure.close();
      await local.close();
    }
  });

  it('warns of an eviction policy that may throw messages away', async () => {
    await server.command('CONFIG', 'SET', 'maxmemory-policy', 'allkeys-lru');
    const driver = await driverOf();
    await server.command('CONFIG', 'SET', 'maxmemory-policy', 'noeviction');
    expect(driver.warnings.map(({ message }) => message)).toEqual([expect.stringContaining('allkeys-lru')]);
    expect((await driverOf()).warnings).toEqual([]);
  });

  it('ends with the signal', async () => {
    const proxy = await startProxy(server.port);
    try {
      proxy.freeze();
      const slow = openDriver(
        proxy.through(server.url),
        {},
        { connectTimeoutMs: 60_000, signal: AbortSignal.timeout(100) },
      );
      await expect(slow).rejects.toMatchObject({ code: 'ERR_KOMBU_ABORTED' });
    } finally {
      await proxy.close();
    }
  });
});

describe('an open link', () => {
  it('runs its scripts although the server has lost them', async () => {
    const driver = await driverOf();
    await server.command('SCRIPT', 'FLUSH');
    await fill(driver, 'q', ['a']);
    expect(bodies(await reserve(driver, 'q'))).toEqual(['a']);
  });

  it('ends when the server closes one of its sockets, and everything under way rejects', async () => {
    const driver = await driverOf();
    await server.command('CLIENT', 'KILL', 'TYPE', 'pubsub');
    expect(await driver.closed).toMatchObject({ code: 'ERR_KOMBU_CONNECTION_LOST', retryable: true });
    await expect(driver.size('q')).rejects.toMatchObject({ code: 'ERR_KOMBU_CONNECTION_LOST' });
    await until(async () => (await clients()).length === 0, { what: 'the other socket to go' });
  });

  it('ends when the server turns out to be a replica', async () => {
    const driver = await driverOf();
    await server.command('REPLICAOF', '127.0.0.1', 1);
    try {
      await expect(fill(driver, 'q', ['a'])).rejects.toMatchObject({
        code: 'ERR_KOMBU_CONNECTION_LOST',
        retryable: true,
      });
      expect(await driver.closed).toMatchObject({ message: expect.stringContaining('READONLY') });
      await expect(openDriver(server.url)).rejects.toMatchObject({
        code: 'ERR_KOMBU_CONNECT_REFUSED',
        retryable: true,
      });
    } finally {
      await server.command('REPLICAOF', 'NO', 'ONE');
    }
  });

  it('ends within the heartbeat when the line goes dead, idle or not', async () => {
    const proxy = await startProxy(server.port);
    try {
      const idle = await driverOf({}, { heartbeatMs: 600 }, proxy.through(server.url));
      const busy = await driverOf({}, { heartbeatMs: 600 }, proxy.through(server.url));
      const from = performance.now();
      proxy.freeze();
      const pending = busy.size('q').catch((error: unknown) => error);
      expect(await idle.closed).toMatchObject({ code: 'ERR_KOMBU_CONNECTION_LOST' });
      expect(await pending).toMatchObject({ code: 'ERR_KOMBU_CONNECTION_LOST' });
      expect(performance.now() - from).toBeLessThan(3000);
    } finally {
      await proxy.close();
    }
  });

  it('stays when the heartbeat is answered, and when the process was busy', async () => {
    const driver = await driverOf({}, { heartbeatMs: 60 });
    let closed = false;
    driver.closed.then(() => {
      closed = true;
    });
    for (let i = 0; i < 5; i++) {
      const until = performance.now() + 100;
      while (performance.now() < until);
      expect(await driver.size('q')).toBe(0);
    }
    expect(closed).toBe(false);
  });

  it('ends a reply that takes longer than socketTimeoutMs', async () => {
    const driver = await driverOf({ socketTimeoutMs: 200 });
    server.freeze?.();
    try {
      await expect(driver.size('q')).rejects.toMatchObject({ code: 'ERR_KOMBU_CONNECTION_LOST' });
    } finally {
      server.thaw?.();
    }
  });

  it('resolves closed with nothing when it is closed, waits for what is under way, and can be closed twice', async () => {
    const driver = await driverOf();
    const stored = fill(driver, 'q', ['a']);
    await Promise.all([driver.close(), driver.close()]);
    await stored;
    expect(await driver.closed).toBeUndefined();
    await driver.close();
    driver.destroy();
  });

  it('ends a call with its signal', async () => {
    const driver = await driverOf();
    server.freeze?.();
    try {
      await expect(driver.size('q', { signal: AbortSignal.timeout(50) })).rejects.toMatchObject({
        code: 'ERR_KOMBU_ABORTED',
      });
    } finally {
      server.thaw?.();
    }
  });

  it('tells NOPERM from other errors', async () => {
    await server.command('ACL', 'SETUSER', 'poor', 'on', '>pw', '~*', '&*', '+@all', '-llen');
    const poor = await driverOf({}, { userid: 'poor', password: 'pw' });
    await expect(poor.size('q')).rejects.toMatchObject({ code: 'ERR_KOMBU_ACCESS_REFUSED' });
    expect(await poor.hasQueue('q')).toBe(false);
  });
});

describe('confirmReplicas', () => {
  it('waits longer than the heartbeat without taking the link for dead', async () => {
    const options = { confirmReplicas: 1, confirmReplicasTimeoutMs: 1000 };
    const driver = await driverOf(options, { heartbeatMs: 300 });
    await expect(fill(driver, 'q', ['a'])).rejects.toMatchObject({ code: 'ERR_KOMBU_BROKER_BUSY' });
    expect(bodies(await reserve(driver, 'q'))).toEqual(['a']);
  });

  it('rejects a publish that the replicas do not confirm in time, as retryable', async () => {
    const driver = await driverOf({ confirmReplicas: 1, confirmReplicasTimeoutMs: 50 });
    await expect(fill(driver, 'q', ['a'])).rejects.toMatchObject({ code: 'ERR_KOMBU_BROKER_BUSY', retryable: true });
  });
});
