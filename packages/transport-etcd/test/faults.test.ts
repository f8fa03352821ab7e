import { readFile } from 'node:fs/promises';
import net, { type AddressInfo } from 'node:net';
import { afterAll, afterEach, describe, expect, it } from '@jest/globals';
import { startProxy, until } from '@kombu/brokers';
import { type Connection, Queue } from '@kombu/core';
import { connect, keysBelow, openDriver, put, reserve } from './support/connect.js';
import { startServer } from './support/server.js';

const server = await startServer();
const open: Connection[] = [];
const another = (...args: Parameters<typeof connect>): Connection => {
  const made = connect(...args);
  open.push(made);
  return made;
};
afterEach(async () => {
  await Promise.all(open.splice(0).map((one) => one.close()));
});
afterAll(() => server.close());

describe('a session', () => {
  it('that the server has ended gives everything back to whoever watches, flagged, and ends its link', async () => {
    const [dying, living] = [await openDriver(server.port, { leaseMs: 2000 }), await openDriver(server.port)];
    await put(dying, 'mortal', ['1', '2', '3']);
    const held = await reserve(dying, 'mortal', 2);
    const woken: string[] = [];
    const watch = living.watch?.((queue) => woken.push(queue));
    watch?.add('mortal');
    await until(() => woken.length > 0, { what: 'the watch has begun' });
    expect((await reserve(living, 'mortal')).map(({ payload }) => payload)).toEqual(['3']);
    const { leases } = (await server.call('lease/leases')) as { leases: { ID: string }[] };
    const [mine] = Object.keys(await keysBelow(server, 'kombu/held/')).sort();
    expect(mine).toBeDefined();
    for (const { ID } of leases) {
      const { keys = [] } = (await server.call('lease/timetolive', { ID, keys: true })) as { keys?: string[] };
      const names = keys.map((key) => Buffer.from(key, 'base64').toString());
      const holders = Object.entries(await keysBelow(server, 'kombu/claims/mortal/')).filter(
        ([key]) => !key.includes('0002'),
      );
      if (holders.some(([, id]) => names.includes(`kombu/sessions/${id}`))) await server.call('lease/revoke', { ID });
    }
    const back = await until(
      async () => {
        const got = await reserve(living, 'mortal');
        return got.length > 0 && got;
      },
      { what: 'they are back', timeoutMs: 10_000 },
    );
    expect(back.map(({ payload, redelivered }) => [payload, redelivered])).toEqual([
      ['1', true],
      ['2', true],
    ]);
    expect((await dying.closed)?.code).toBe('ERR_KOMBU_CONNECTION_LOST');
    await expect(
      dying.settle(held.map(({ queue, token }) => ({ queue, token, outcome: 'ack' }))),
    ).rejects.toMatchObject({
      code: 'ERR_KOMBU_CONNECTION_LOST',
    });
    await watch?.close();
    await living.close();
  }, 30_000);

  it('lets nobody claim anything once it has ended, even before its link knows', async () => {
    const driver = await openDriver(server.port);
    await put(driver, 'late', ['1']);
    const { leases } = (await server.call('lease/leases')) as { leases: { ID: string }[] };
    for (const { ID } of leases) await server.call('lease/revoke', { ID });
    await expect(reserve(driver, 'late')).rejects.toMatchObject({ code: 'ERR_KOMBU_CONNECTION_LOST' });
    expect(await keysBelow(server, 'kombu/claims/late/')).toEqual({});
    await driver.close();
  });
});

describe('compaction', () => {
  it('at every moment costs a consumer nothing', async () => {
    const connection = another(server);
    const queue = new Queue('compacted');
    const seen: number[] = [];
    const consumer = connection.consumer<{ n: number }>({
      queues: [queue],
      onMessage: async (message) => {
        seen.push(message.payload.n);
        await message.ack();
      },
    });
    await consumer.consume();
    const producer = another(server).producer();
    for (let n = 0; n < 40; n++) {
      await producer.publish({ n }, { routingKey: 'compacted' });
      if (n % 4 !== 0) continue;
      const { header } = (await server.call('kv/range', { key: 'YQ==' })) as { header: { revision: string } };
      await server.call('kv/compaction', { revision: header.revision, physical: true });
    }
    await until(() => seen.length === 40, { what: 'all have come', timeoutMs: 15_000 });
    expect(seen).toEqual([...Array(40).keys()]);
  }, 30_000);
});

describe('a link', () => {
  it('that is silent is found out within its heartbeat, and consuming goes on over the next', async () => {
    await using relay = await startProxy(server.port);
    const connection = another({ url: `etcd://127.0.0.1:${relay.port}` }, { heartbeatMs: 1000 });
    const queue = new Queue('silent');
    const seen: unknown[] = [];
    const consumer = connection.consumer({
      queues: [queue],
      onMessage: async (message) => {
        seen.push(message.payload);
        await message.ack();
      },
    });
    await consumer.consume();
    relay.freeze();
    await until(() => connection.state === 'reconnecting', { what: 'it is noticed', timeoutMs: 10_000 });
    relay.resume();
    await another(server).producer().publish('after', { routingKey: 'silent' });
    await until(() => seen.length === 1, { what: 'it has come', timeoutMs: 20_000 });
    await connection.close();
  }, 45_000);
});

describe('a database that is full', () => {
  it('is BROKER_BUSY, which can be retried', async () => {
    const small = await startServer({ flags: ['--quota-backend-bytes', '2000000'] });
    const driver = await openDriver(small.port);
    const fill = async () => {
      for (let i = 0; i < 20; i++) await put(driver, 'full', ['x'.repeat(500_000)]);
    };
    await expect(fill()).rejects.toMatchObject({ code: 'ERR_KOMBU_BROKER_BUSY', retryable: true });
    // What is there can still be taken away.
    await driver.deleteQueue('full');
    await driver.close();
    await small.close();
  }, 30_000);
});

describe('TLS and authentication', () => {
  it('let in who has the password and the authority, and nobody else', async () => {
    const safe = await startServer({ tls: true, password: 'p@ss word' });
    const ca = await readFile(safe.caFile ?? '', 'utf8');
    const byAddress = safe.url.replace('localhost', '127.0.0.1');
    const connection = another({ url: byAddress }, { tls: { ca } });
    await connection.producer().publish('secret', { routingKey: 'q', declare: [new Queue('q')] });
    expect((await new Queue('q').bind(connection).get({ noAck: true }))?.payload).toBe('secret');
    const refused = async (url: string, options: Parameters<typeof connect>[1]): Promise<unknown> =>
      another({ url }, { reconnect: { maxRetries: 0 }, connectTimeoutMs: 5000, ...options })
        .connect()
        .then(
          () => undefined,
          (error: { code: string; message: string }) => {
            expect(error.message).not.toContain('p@ss');
            return error.code;
          },
        );
    expect(await refused(safe.url, {})).toBe('ERR_KOMBU_CONNECT_REFUSED');
    // An address that the certificate does not have.
    const elsewhere = net.createServer((socket) => {
      const inner = net.connect(safe.port, '127.0.0.1');
      for (const one of [socket, inner]) one.on('error', () => {});
      socket.pipe(inner).pipe(socket);
    });
    await new Promise<void>((resolve) => elsewhere.listen(0, '127.0.0.2', resolve));
    const { port } = elsewhere.address() as AddressInfo;
    const unnamed = byAddress.replace(/127\.0\.0\.1:\d+/, `127.0.0.2:${port}`);
    expect(unnamed).toContain('127.0.0.2');
    expect(await refused(unnamed, { tls: { ca } })).toBe('ERR_KOMBU_CONNECT_REFUSED');
    elsewhere.close();
    expect(await refused(safe.url.replace('p%40ss', 'wrong'), { tls: { ca } })).toBe('ERR_KOMBU_AUTH_FAILED');
    expect(await refused(safe.url.replace(/root:[^@]*@/, ''), { tls: { ca } })).toBe('ERR_KOMBU_AUTH_FAILED');
    expect(await refused(safe.url, { tls: { ca, rejectUnauthorized: false } })).toBe('ERR_KOMBU_INVALID_OPTION');
    await safe.call('auth/role/add', { name: 'some' });
    const [key, end] = ['kombu/', 'kombu0'].map((text) => Buffer.from(text).toString('base64'));
    await safe.call('auth/role/grant', { name: 'some', perm: { permType: 'READWRITE', key, range_end: end } });
    await safe.call('auth/user/add', { name: 'somebody', password: 'x' });
    await safe.call('auth/user/grant', { user: 'somebody', role: 'some' });
    const somebody = safe.url.replace(/root:[^@]*@/, 'somebody:x@');
    const allowed = another({ url: somebody }, { tls: { ca } });
    await allowed.producer().publish('hello', { routingKey: 'q' });
    expect((await new Queue('q').bind(allowed).get({ noAck: true }))?.payload).toBe('hello');
    expect(await refused(somebody, { tls: { ca }, transportOptions: { prefix: 'elsewhere/' } })).toBe(
      'ERR_KOMBU_ACCESS_REFUSED',
    );
    await Promise.all(open.splice(0).map((one) => one.close()));
    await safe.close();
  }, 60_000);
});
