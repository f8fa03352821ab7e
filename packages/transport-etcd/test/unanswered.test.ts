import { afterAll, afterEach, describe, expect, it } from '@jest/globals';
import { until } from '@kombu/brokers';
import { encodeKeyPart, type Reserved, type VirtualDriver } from '@kombu/core/virtual';
import type { Etcd3, ITxnRequest, ITxnResponse } from 'etcd3';
import { Sessions } from '../src/sessions.js';
import { driversOf, end, keysBelow, put, reserve } from './support/connect.js';
import { startServer } from './support/server.js';

const server = await startServer();
const { start, closeAll } = driversOf(server);
afterEach(closeAll);
afterAll(() => server.close());

type Txn = (request: ITxnRequest, ...rest: unknown[]) => Promise<ITxnResponse>;

/**
 * Has the next transactions within which others are nested, for claims of this queue, answered otherwise: what a cluster says that
 * changes its leader. Those of other queues are not meant: a driver puts back what earlier tests have left.
 */
function answerNested(
  driver: VirtualDriver,
  queue: string,
  times: number,
  answer: (txn: () => Promise<ITxnResponse>) => Promise<ITxnResponse>,
) {
  const { kv } = driver.client as Etcd3;
  const txn = kv.txn.bind(kv) as Txn;
  // The key of a claim, rather than where those of the queue begin.
  const nested = new RegExp(`claims/${encodeKeyPart(queue)}/\\d-[0-9a-f]{16}`);
  let left = times;
  const changed: Txn = (request, ...rest) => {
    if (left === 0 || !nested.test((request as { bytes: Buffer }).bytes.toString('latin1')))
      return txn(request, ...rest);
    left--;
    return answer(() => txn(request, ...rest));
  };
  Object.assign(kv, { txn: changed });
}
const TIMED_OUT = 'etcdserver: request timed out, possibly due to previous leader failure';
const doneAndLost = async (txn: () => Promise<ITxnResponse>) => {
  await txn();
  throw Object.assign(new Error(`14 UNAVAILABLE: ${TIMED_OUT}`), { code: 14 });
};
const refused = async () => {
  throw Object.assign(new Error('8 RESOURCE_EXHAUSTED: etcdserver: too many requests'), { code: 8 });
};
const all = { limit: 100, signal: new AbortController().signal };
const payloads = (items: readonly Reserved[]) => items.map(({ payload }) => payload);
const arrived = (driver: VirtualDriver, queue: string, count: number) =>
  until(
    async () => {
      const got = await reserve(driver, queue);
      return got.length === count && got;
    },
    { what: `${count} of '${queue}'` },
  );
async function watched(driver: VirtualDriver, queue: string) {
  const woken: string[] = [];
  const watch = driver.watch?.((one) => woken.push(one));
  watch?.add(queue);
  await until(() => woken.length > 0, { what: 'the watch has begun' });
  return { watch, woken };
}

describe('a reserve that was carried out and not answered', () => {
  it('hides nothing while its link lives: what it took is ready again, in its place and unflagged', async () => {
    const [driver, other] = [await start(), await start()];
    await put(driver, 'doubt', ['1', '2', '3']);
    const [first] = await reserve(driver, 'doubt', 1);
    answerNested(driver, 'doubt', 1, doneAndLost);
    await expect(reserve(driver, 'doubt')).rejects.toMatchObject({ code: 'ERR_KOMBU_BROKER_BUSY', retryable: true });
    const got = await arrived(other, 'doubt', 2);
    expect(got.map(({ payload, redelivered }) => [payload, redelivered])).toEqual([
      ['2', false],
      ['3', false],
    ]);
    // What was claimed before is still held.
    expect(await driver.settle([{ queue: 'doubt', token: first?.token, outcome: 'ack' }])).toEqual([]);
  });

  it('is not carried out later', async () => {
    const driver = await start();
    await put(driver, 'late', ['1']);
    let later: (() => Promise<ITxnResponse>) | undefined;
    answerNested(driver, 'late', 1, (txn) => {
      later = txn;
      return doneAndLost(async () => ({}) as ITxnResponse);
    });
    await expect(reserve(driver, 'late')).rejects.toMatchObject({ code: 'ERR_KOMBU_BROKER_BUSY' });
    const got = await arrived(driver, 'late', 1);
    await end(driver, got, 'release');
    expect((await later?.())?.succeeded).toBe(false);
    expect(payloads(await reserve(driver, 'late'))).toEqual(['1']);
  });

  it('is not taken back a second time later, when the message was claimed again', async () => {
    const driver = await start();
    await put(driver, 'twice', ['1']);
    let later: (() => Promise<ITxnResponse>) | undefined;
    const answers = [
      doneAndLost,
      (txn: () => Promise<ITxnResponse>) => {
        later = txn;
        return doneAndLost(async () => ({}) as ITxnResponse);
      },
    ];
    answerNested(driver, 'twice', 2, (txn) => (answers.shift() ?? doneAndLost)(txn));
    await expect(reserve(driver, 'twice')).rejects.toMatchObject({ code: 'ERR_KOMBU_BROKER_BUSY' });
    const got = await arrived(driver, 'twice', 1);
    expect((await later?.())?.succeeded).toBe(false);
    expect(await reserve(driver, 'twice')).toEqual([]);
    expect(await end(driver, got, 'ack')).toEqual([]);
    expect(await driver.size('twice')).toBe(0);
  });

  it('loses sight of nothing where the server had too much to do, also when the queue is watched', async () => {
    const driver = await start();
    const { watch, woken } = await watched(driver, 'busy');
    await put(driver, 'busy', ['1', '2']);
    await until(() => woken.length > 1, { what: 'the watch has told of them' });
    answerNested(driver, 'busy', 1, refused);
    await expect(reserve(driver, 'busy')).rejects.toMatchObject({ code: 'ERR_KOMBU_BROKER_BUSY' });
    expect(payloads(await reserve(driver, 'busy'))).toEqual(['1', '2']);
    await watch?.close();
  });
});

describe('a settlement that the cluster did not answer', () => {
  it.each(['ack', 'requeue', 'release'] as const)('is made again: %s', async (outcome) => {
    for (const answer of [doneAndLost, refused]) {
      const driver = await start();
      await put(driver, `again ${outcome}`, ['1', '2']);
      const got = await reserve(driver, `again ${outcome}`);
      // A requeue that was done is found done by reading.
      answerNested(driver, `again ${outcome}`, outcome === 'requeue' && answer === doneAndLost ? 1 : 2, answer);
      expect(await end(driver, got, outcome)).toEqual([]);
      const left = await reserve(driver, `again ${outcome}`);
      expect(payloads(left)).toEqual(outcome === 'ack' ? [] : ['1', '2']);
      await end(driver, left, 'ack');
      expect(await driver.size(`again ${outcome}`)).toBe(0);
    }
  });

  it('of a claim that was somebody else’s at that time is LEASE_LOST all the same', async () => {
    const driver = await start();
    await put(driver, 'not mine', ['1']);
    const got = await reserve(driver, 'not mine');
    await end(driver, got, 'ack');
    answerNested(driver, 'not mine', 1, doneAndLost);
    expect(await end(driver, got, 'ack')).toMatchObject([{ error: { code: 'ERR_KOMBU_LEASE_LOST' } }]);
  });
});

describe('settling', () => {
  it('gives back messages of a hundred queues at once', async () => {
    const driver = await start();
    const queues = Array.from({ length: 100 }, (_, i) => `wide ${i}`);
    for (const queue of queues) await put(driver, queue, ['it']);
    const held = (await Promise.all(queues.map((queue) => reserve(driver, queue, 1)))).flat();
    expect(held).toHaveLength(100);
    expect(await end(driver, held, 'release')).toEqual([]);
    expect(await driver.size('wide 99')).toBe(1);
  });

  it('what an earlier session held makes no session look clean that still holds something', async () => {
    const [driver, early] = [await start(), await start()];
    await put(driver, 'clean', ['1', '2']);
    const old = await reserve(early, 'clean', 1);
    await reserve(driver, 'clean', 1);
    await early.close();
    expect(await driver.recover?.(all)).toBeGreaterThan(0);
    expect(await end(driver, old, 'ack')).toHaveLength(1);
    await driver.close();
    const another = await start();
    expect(await another.recover?.(all)).toBeGreaterThan(0);
    expect(payloads(await reserve(another, 'clean'))).toEqual(['1', '2']);
  });
});

describe('the next link of a Connection', () => {
  it('opens where the session of the last one has ended by itself', async () => {
    const left = { sessions: new Sessions(), connectionId: 'mine' };
    const driver = await start({ leaseMs: 2000 }, left);
    await put(driver, 'ended', ['1']);
    await reserve(driver, 'ended');
    const { leases } = (await server.call('lease/leases')) as { leases: { ID: string }[] };
    for (const { ID } of leases) await server.call('lease/revoke', { ID });
    expect((await driver.closed)?.code).toBe('ERR_KOMBU_CONNECTION_LOST');
    const next = await start({}, left);
    expect((await reserve(next, 'ended')).map(({ payload, redelivered }) => [payload, redelivered])).toEqual([
      ['1', true],
    ]);
  }, 30_000);
});

describe('a process that only gets', () => {
  it('finds what one that died while it was connected had taken', async () => {
    const getting = await start({ leaseMs: 2000 });
    await getting.recover?.(all);
    const dying = await start({ leaseMs: 2000 });
    await put(dying, 'inherited', ['1']);
    await reserve(dying, 'inherited');
    dying.destroy();
    const got = await until(
      async () => {
        const found = await reserve(getting, 'inherited', 1);
        return found.length > 0 && found;
      },
      { what: 'it is back', timeoutMs: 15_000, everyMs: 100 },
    );
    expect(got.map(({ payload, redelivered }) => [payload, redelivered])).toEqual([['1', true]]);
  }, 30_000);
});

describe('names of keys', () => {
  it.each(['messages', 'claims', 'tails', 'sessions', 'held', 'exchanges', 'queues', 'consumers'])(
    'are nobody else’s: there is no virtual host %s',
    async (virtualHost) => {
      await expect(start({}, { virtualHost })).rejects.toMatchObject({ code: 'ERR_KOMBU_INVALID_OPTION' });
    },
  );

  it('begin with plain text', async () => {
    for (const prefix of ['Ā/', 'a b/', 'a\n/']) {
      await expect(start({ prefix })).rejects.toMatchObject({ code: 'ERR_KOMBU_INVALID_OPTION' });
    }
    const driver = await start({ prefix: '' }, { virtualHost: 'messages2' });
    await put(driver, 'q', ['1']);
    expect(Object.keys(await keysBelow(server, 'messages2/tails/'))).toEqual(['messages2/tails/q']);
  });
});
