import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { type FaultProxy, startProxy, until } from '@kombu/brokers';
import { Connection, KombuError, type Message, Queue, uuid } from '@kombu/core';
import { zookeeper } from '../src/index.js';
import { Sessions } from '../src/session.js';
import { entryOf, numbersOf, openDriver, putAll, reserve } from './support/driver.js';
import { connectRaw, type RawClient, startServer } from './support/server.js';

jest.setTimeout(60_000);

const server = await startServer();
let raw: RawClient;
let proxy: FaultProxy;
beforeAll(async () => {
  raw = await connectRaw(server);
});
afterAll(async () => {
  await raw.close();
  await server.close();
});
beforeEach(async () => {
  proxy = await startProxy(server.port);
});
afterEach(() => proxy.close());

const sessionsIn = async (virtualHost: string): Promise<string[]> =>
  (await raw.children(`/${virtualHost}/.kombu/sessions`)) ?? [];
const claimsIn = async (virtualHost: string, queue: string): Promise<string[]> =>
  (await raw.children(`/${virtualHost}/.kombu/claims/${queue}`)) ?? [];

/** A consumer that keeps what it gets, on a link through the proxy. */
async function consumer(virtualHost: string, leaseMs: number, prefetchCount = 5) {
  const connection = new Connection(`zookeeper://127.0.0.1:${proxy.port}/${virtualHost}`, {
    transport: zookeeper,
    transportOptions: { leaseMs },
    reconnect: { intervalStartMs: 20, intervalStepMs: 20, intervalMaxMs: 100 },
  });
  const got: Message[] = [];
  const errors: unknown[] = [];
  const queue = new Queue('jobs');
  const consuming = connection.consumer({
    queues: [queue],
    prefetchCount,
    onMessage: (message) => {
      got.push(message);
    },
  });
  consuming.on('error', (error) => errors.push(error));
  await consuming.consume();
  return { connection, consuming, got, errors, queue };
}

describe('a link that is lost', () => {
  it('is replaced by one in the same session: what is in hand stays so, and can be settled', async () => {
    const one = await consumer('again', 5000);
    const producer = one.connection.producer();
    await producer.publishMany([0, 1, 2], { routingKey: 'jobs' });
    await until(() => one.got.length === 3, { what: 'all three are here' });
    const before = await sessionsIn('again');
    const revived = new Promise<unknown>((resolve) => one.connection.once('revived', resolve));
    proxy.drop();
    await revived;
    await producer.publish(3, { routingKey: 'jobs' });
    await until(() => one.got.length === 4, { what: 'the fourth came by the new link' });
    expect(await sessionsIn('again')).toEqual(before);
    for (const message of one.got) await message.ack({ confirm: true });
    expect(one.got.map(({ payload }) => payload)).toEqual([0, 1, 2, 3]);
    expect(one.got.some(({ deliveryInfo }) => deliveryInfo.redelivered)).toBe(false);
    expect(await claimsIn('again', 'jobs')).toEqual([]);
    await one.connection.close();
    expect(await sessionsIn('again')).toEqual([]);
    expect(await raw.children('/again/.kombu/held')).toEqual([]);
  });

  it('gives back what it took without ever hearing of it', async () => {
    const connectionId = uuid();
    const sessions = new Sessions();
    const writer = await openDriver(server.port);
    await putAll(writer, 'unheard', 3);
    const first = await openDriver(proxy.port, { connectionId, sessions, heartbeatMs: 0 });
    expect(numbersOf(await reserve(first, 'unheard', { max: 1 }))).toEqual([0]);
    // The request gets through, the answer does not.
    proxy.slow(500);
    const unheard = reserve(first, 'unheard', { max: 2 });
    unheard.catch(() => {});
    await until(async () => (await writer.size('unheard')) === 0, { what: 'the server has done it', everyMs: 5 });
    proxy.cut();
    await expect(unheard).rejects.toMatchObject({ code: 'ERR_KOMBU_CONNECTION_LOST' });
    expect(await first.closed).toBeInstanceOf(KombuError);
    proxy.resume();
    const second = await openDriver(proxy.port, { connectionId, sessions });
    const again = await reserve(second, 'unheard');
    expect(numbersOf(again)).toEqual([1, 2]);
    expect(again.some(({ payload }) => (payload as string).includes('redelivered'))).toBe(false);
    await second.close();
    await writer.close();
  });

  it('settles again what nobody answered, without calling it lost', async () => {
    const connectionId = uuid();
    const sessions = new Sessions();
    const first = await openDriver(proxy.port, { connectionId, sessions });
    await putAll(first, 'unanswered', 2);
    const [a, b] = await reserve(first, 'unanswered');
    proxy.slow(500);
    const item = { queue: 'unanswered', token: a?.token, outcome: 'ack' } as const;
    const settling = Promise.resolve(first.settle([item]));
    settling.catch(() => {});
    await until(async () => (await claimsIn('driver', 'unanswered')).length === 1, {
      what: 'the server has done it',
      everyMs: 5,
    });
    proxy.cut();
    await expect(settling).rejects.toMatchObject({ code: 'ERR_KOMBU_CONNECTION_LOST' });
    proxy.resume();
    const second = await openDriver(proxy.port, { connectionId, sessions });
    expect(await second.settle([item, { queue: 'unanswered', token: b?.token, outcome: 'ack' }])).toEqual([]);
    expect(await second.settle([{ queue: 'unanswered', token: b?.token, outcome: 'ack' }])).toEqual([]);
    expect(await claimsIn('driver', 'unanswered')).toEqual([]);
    await second.close();
  });
});

describe('a session that has ended', () => {
  it('gives its messages to others, flagged; its own consumers go on in a new one, and settling what is lost says so', async () => {
    const one = await consumer('expired', 2000);
    await one.connection.producer().publishMany([0, 1, 2], { routingKey: 'jobs' });
    await until(() => one.got.length === 3, { what: 'all three are here' });
    const other = new Connection(`zookeeper://127.0.0.1:${server.port}/expired`, {
      transport: zookeeper,
      transportOptions: { leaseMs: 2000 },
    });
    const [before] = await sessionsIn('expired');
    proxy.cut();
    await until(async () => !(await sessionsIn('expired')).includes(before as string), {
      what: 'the session has ended',
    });
    const got: Message[] = [];
    const consuming = other.consumer({
      queues: [one.queue],
      onMessage: async (message) => {
        got.push(message);
        await message.ack();
      },
    });
    await consuming.consume();
    await until(() => got.length === 3, { what: 'somebody else has them' });
    expect(got.map(({ payload }) => payload)).toEqual([0, 1, 2]);
    expect(got.every(({ deliveryInfo }) => deliveryInfo.redelivered)).toBe(true);
    await consuming.close();
    proxy.resume();
    await other.producer().publish(3, { routingKey: 'jobs' });
    await until(() => one.got.some(({ payload }) => payload === 3), { what: 'the consumer is at work again' });
    const [lost] = one.got;
    await expect(lost?.ack({ confirm: true })).rejects.toMatchObject({ code: 'ERR_KOMBU_LEASE_LOST' });
    await one.got.at(-1)?.ack({ confirm: true });
    await one.connection.close();
    await other.close();
  });

  it('leaves exclusive queues and consumers of nobody behind', async () => {
    const first = await openDriver(proxy.port, { options: { leaseMs: 1000 } });
    const second = await openDriver(server.port, { options: { leaseMs: 5000 } });
    const entry = { queue: 'mine', consumer: 'c', owner: 'o', exclusive: true };
    expect(await first.presence?.join(entry, 1000)).toBe(true);
    expect(await second.presence?.join({ ...entry, consumer: 'd' }, 1000)).toBe(false);
    first.destroy();
    await until(async () => (await second.presence?.count('mine')) === 0, { what: 'its consumer counts no more' });
    expect(await second.presence?.join({ ...entry, consumer: 'd' }, 1000)).toBe(true);
    await second.close();
  });

  it('says of its reservations that they are lost, without asking anybody', async () => {
    const driver = await openDriver(server.port);
    await driver.put({ entries: [entryOf('old', 1)], check: [] });
    const [reserved] = await reserve(driver, 'old');
    const item = { queue: 'old', token: reserved?.token };
    expect(await driver.extend?.([item], 1000)).toEqual([]);
    const later = await openDriver(server.port);
    const failures = await later.extend?.([item], 1000);
    expect(failures).toMatchObject([{ index: 0, error: { code: 'ERR_KOMBU_LEASE_LOST' } }]);
    await driver.close();
    await later.close();
  });
});
