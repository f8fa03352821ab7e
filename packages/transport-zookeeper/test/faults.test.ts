import net, { type AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { Connection, type ConnectionOptions, type KombuError, Queue } from '@kombu/core';
import type { PutResult, VirtualDriver } from '@kombu/core/virtual';
import zk from 'node-zookeeper-client';
import { zookeeper } from '../src/index.js';
import { entryOf, openDriver, putAll, reserve } from './support/driver.js';
import { connectRaw, type RawClient, startServer } from './support/server.js';

jest.setTimeout(60_000);

const server = await startServer();
const connect = (path: string, options: ConnectionOptions = {}): Connection =>
  new Connection(`zookeeper://127.0.0.1:${server.port}/${path}`, { transport: zookeeper, ...options });
let raw: RawClient;
let driver: VirtualDriver;
beforeAll(async () => {
  raw = await connectRaw(server);
  driver = await openDriver(server.port);
});
afterAll(async () => {
  await driver.close();
  await raw.close();
  await server.close();
});
const code = (error: unknown): string => (error as KombuError).code;
const anybody = (permission: number) => [new zk.ACL(permission, new zk.Id('world', 'anyone'))];
const create = (path: string, data: Buffer, acl = anybody(zk.Permission.ALL)): Promise<void> =>
  new Promise((resolve, reject) => {
    raw.client.create(path, data, acl, (error) => (error ? reject(error) : resolve()));
  });

describe('connecting', () => {
  it('refuses TLS, which the driver cannot do, and says so', async () => {
    await using connection = connect('tls', { tls: true });
    await expect(connection.connect()).rejects.toMatchObject({ code: 'ERR_KOMBU_NOT_SUPPORTED' });
  });

  const refused = 'ERR_KOMBU_CONNECT_REFUSED';
  it.each([
    ['never answers', '', 'ERR_KOMBU_CONNECT_TIMEOUT', /270 ms: there was no answer, it may not be ZooKeeper/],
    [
      'speaks HTTP',
      'HTTP/1.1 400 Bad Request\r\n\r\n',
      refused,
      /not ZooKeeper: it has answered 'HTTP\/1.1 400 Bad Request'/,
    ],
    ['speaks TLS', '\x15\x03\x03\x00\x02\x02\x16', refused, /not ZooKeeper: it has answered with other bytes/],
    [
      'speaks as Redis does',
      '-ERR unknown command\r\n',
      refused,
      /not ZooKeeper: it has answered '-ERR unknown command'/,
    ],
    [
      'hangs up',
      undefined,
      refused,
      /closed without an answer: the server is not part of a quorum, or it is not ZooKeeper/,
    ],
  ])('says why it fails where a server %s', async (_, answer, expected, why) => {
    const fake = net.createServer((socket) => {
      socket.on('error', () => {});
      socket.on('data', () => {
        if (answer === undefined) socket.destroy();
        else socket.write(answer, 'latin1');
      });
    });
    await new Promise<void>((resolve) => fake.listen(0, '127.0.0.1', resolve));
    const { port } = fake.address() as AddressInfo;
    const opening = openDriver(port, { connectTimeoutMs: expected === refused ? 30_000 : 300 });
    await expect(opening).rejects.toMatchObject({ code: expected, message: expect.stringMatching(why) });
    await new Promise((resolve) => fake.close(resolve));
  });

  it('refuses a list of hosts with commas', () => {
    expect(() => new Connection('zookeeper://127.0.0.1:1,127.0.0.1:2/x', { transport: zookeeper })).toThrow(
      "write a URL for each host and ';' between the URLs, such as 'zookeeper://host1;zookeeper://host2'",
    );
  });

  it('takes the servers of a list for one broker, and the virtual host of the one that has it', async () => {
    const target = (port: number, virtualHost?: string) => ({ hostname: '127.0.0.1', port, virtualHost });
    const all = [target(1), target(server.port, 'driver')] as never;
    const other = await openDriver(server.port, { all, virtualHost: undefined });
    await putAll(other, 'listed', 1);
    expect(await driver.size('listed')).toBe(1);
    await other.close();
  });
});

describe('what ZooKeeper cannot take', () => {
  it('is a clear error before it is sent: bodies, headers and declarations that are too large', async () => {
    await using connection = connect('large');
    const producer = connection.producer();
    const queue = new Queue('large');
    const publish = (body: Buffer, headers = {}) =>
      producer.publish(body, { routingKey: 'large', declare: [queue], headers });
    await expect(publish(Buffer.alloc(1_000_000))).rejects.toMatchObject({ code: 'ERR_KOMBU_MESSAGE_TOO_LARGE' });
    await expect(publish(Buffer.alloc(1), { x: 'y'.repeat(1_100_000) })).rejects.toMatchObject({
      code: 'ERR_KOMBU_MESSAGE_TOO_LARGE',
    });
    const wide = new Queue('wide', { queueArguments: { x: 'y'.repeat(1_100_000) } });
    await expect(wide.bind(connection).declare()).rejects.toMatchObject({ code: 'ERR_KOMBU_PRECONDITION_FAILED' });
    const long = new Queue('n'.repeat(2000));
    await expect(long.bind(connection).declare()).rejects.toMatchObject({ code: 'ERR_KOMBU_PRECONDITION_FAILED' });
    // The link is still the same one, and a batch that is larger than a request goes in several.
    await producer.publishMany(
      Array.from({ length: 30 }, () => Buffer.alloc(100_000)),
      { routingKey: 'large' },
    );
    expect((await queue.bind(connection).queueDeclare()).messageCount).toBe(30);
    const message = await queue.bind(connection).get();
    expect(message?.payload).toHaveLength(100_000);
    await message?.ack();
    await queue.bind(connection).delete();
  });

  it('one queue that may not be written to does not hold up the others of a batch', async () => {
    await driver.createQueue({ name: 'free' } as never);
    await create('/driver/locked', Buffer.alloc(0), anybody(zk.Permission.READ));
    const entries = ['locked', 'free', 'locked', 'free', 'new'].map((queue, n) => entryOf(queue, n));
    const { failures } = (await driver.put({ entries, check: [] })) as PutResult;
    expect(failures.map(({ index, error }) => [index, error.code])).toEqual([
      [0, 'ERR_KOMBU_ACCESS_REFUSED'],
      [2, 'ERR_KOMBU_ACCESS_REFUSED'],
    ]);
    expect([await driver.size('free'), await driver.size('new')]).toEqual([2, 1]);
  });
});

describe('what others put into ZooKeeper', () => {
  it('messages that no Kombu has written are delivered as they are, and requeued byte by byte', async () => {
    await driver.createQueue({ name: 'foreign' } as never);
    const bytes = Buffer.from([0xff, 0x00, 0x80]);
    await create('/driver/foreign/a', Buffer.from('text'));
    await create('/driver/foreign/b', Buffer.from('{"my":"json"}'));
    await create('/driver/foreign/c', bytes);
    const got = await reserve(driver, 'foreign');
    expect(got.slice(0, 2).map(({ payload }) => payload)).toEqual(['text', '{"my":"json"}']);
    await driver.settle(got.map(({ token }) => ({ queue: 'foreign', token, outcome: 'requeue' })));
    const names = (await raw.children('/driver/foreign')) ?? [];
    expect(names.every((name) => /^entry-009-\d{10}$/.test(name))).toBe(true);
    expect(await raw.data(`/driver/foreign/${names[0]}`)).toBe('text');
    expect(await raw.data(`/driver/foreign/${names[1]}`)).toBe('{"my":"json"}');
    const data = await new Promise<Buffer>((resolve) =>
      raw.client.getData(`/driver/foreign/${names[2]}`, (_, found) => resolve(found)),
    );
    expect(data.equals(bytes)).toBe(true);
  });

  it('names of queues that no znode can have are kept apart, and those that can are as they are', async () => {
    const odd = ['a/b', 'a%2Fb', '.', '..', 'tab\t', '\u{1F600}', 'ünï cødé', '.kombu', 'per%cent'];
    for (const [n, queue] of odd.entries()) await driver.put({ entries: [entryOf(queue, n)], check: [] });
    for (const [n, queue] of odd.entries()) {
      const [got] = await reserve(driver, queue);
      expect(Buffer.from(JSON.parse(got?.payload as string).body, 'base64').toString()).toBe(String(n));
      await driver.settle([{ queue, token: got?.token, outcome: 'ack' }]);
    }
    const names = await raw.children('/driver');
    expect(names).toEqual(
      expect.arrayContaining([
        'a%2Fb',
        'a%252Fb',
        '%2E',
        '%2E.',
        'tab%09',
        '%F0%9F%98%80',
        'ünï cødé',
        '%2Ekombu',
        'per%cent',
      ]),
    );
    const root = await openDriver(server.port, { virtualHost: '/' });
    await putAll(root, 'zookeeper', 1);
    expect(await root.size('zookeeper')).toBe(1);
    expect(await raw.children('/')).toContain('%7Aookeeper');
    await root.close();
  });

  it('what an operator has removed is made again', async () => {
    const wiped = await openDriver(server.port, { virtualHost: 'wiped' });
    await putAll(wiped, 'jobs', 1);
    await reserve(wiped, 'jobs');
    await raw.removeTree('/wiped');
    await putAll(wiped, 'jobs', 2);
    const record = { name: 'media', type: 'direct', durable: true, autoDelete: false, arguments: {} };
    expect(await wiped.topology?.saveExchange(record)).toEqual(record);
    const got = await reserve(wiped, 'jobs');
    expect(got).toHaveLength(2);
    expect(await wiped.settle(got.map(({ token }) => ({ queue: 'jobs', token, outcome: 'ack' })))).toEqual([]);
    await wiped.close();
  });

  it('an exchange that was deleted and made again is not taken for the old one', async () => {
    const record = { name: 'phoenix', type: 'direct', durable: true, autoDelete: false, arguments: {} };
    const binding = {
      exchange: 'phoenix',
      destination: 'q',
      destinationType: 'queue',
      routingKey: 'k',
      arguments: {},
    } as const;
    const { topology } = driver;
    await topology?.saveExchange(record);
    await topology?.bind(binding);
    const before = await topology?.loadExchange('phoenix');
    const other = await openDriver(server.port);
    await other.topology?.dropExchange('phoenix');
    await other.topology?.saveExchange(record);
    await other.topology?.bind({ ...binding, destination: 'other' });
    const check = [{ exchange: 'phoenix', version: before?.version }];
    const result = (await driver.put({ entries: [entryOf('q', 1)], check })) as PutResult;
    expect(result.stored).toBe(false);
    expect(result.stale?.map(({ bindings }) => bindings.map(({ destination }) => destination))).toEqual([['other']]);
    expect(await driver.size('q')).toBe(0);
    await other.close();
  });

  it('a call after the end of a link says that it has ended', async () => {
    const ended = await openDriver(server.port);
    await ended.close();
    await expect(ended.size('q')).rejects.toMatchObject({ code: 'ERR_KOMBU_CLOSED' });
    await expect(Promise.resolve(reserve(ended, 'q')).catch(code)).resolves.toBe('ERR_KOMBU_CLOSED');
  });
});
