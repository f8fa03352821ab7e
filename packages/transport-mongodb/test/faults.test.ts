import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { until } from '@kombu/brokers';
import type { KombuError } from '@kombu/core';
import type { VirtualDriver } from '@kombu/core/virtual';
import { type Document, Long } from 'mongodb';
import { type AllOptions, type Around, bodies, entry, openDriver, put, reserve } from './support/driver.js';
import { isHello, primaryOf, type Relay, startRelay } from './support/relay.js';
import { skipped, startServer, type TestServer } from './support/server.js';

const started = await startServer();

if (typeof started === 'string') describe('faults', () => skipped(started));
else suite(started);

function suite(server: TestServer): void {
  let relay: Relay;
  const drivers: VirtualDriver[] = [];
  const messages = () => server.collection('messages');
  const pass = () => undefined;

  beforeAll(async () => {
    relay = await startRelay(server.broker.port, pass);
  });
  beforeEach(() => server.clear());
  afterEach(async () => {
    relay.script = pass;
    for (const driver of drivers.splice(0)) driver.destroy();
  });
  afterAll(async () => {
    await relay.close();
    await server.close();
  });

  /** A driver whose server is behind the relay. */
  const open = async (options: AllOptions = {}, around: Around = {}): Promise<VirtualDriver> => {
    const driver = await openDriver(`mongodb://127.0.0.1:${relay.port}/`, options, around);
    drivers.push(driver);
    return driver;
  };
  const direct = async (): Promise<VirtualDriver> => {
    const driver = await openDriver(server.url());
    drivers.push(driver);
    return driver;
  };
  const primary = (more: Document = {}) => primaryOf(() => relay.port, more);
  const isStream = (command: Document): boolean => command.pipeline?.[0]?.$changeStream !== undefined;
  const cursor = (id: number, batch: 'firstBatch' | 'nextBatch'): Document => ({
    cursor: { id: Long.fromNumber(id), ns: 'kombu_default.$cmd.aggregate', [batch]: [] },
    ok: 1,
  });

  describe('a change stream', () => {
    it('that the server ends, as when the database is dropped, is opened again, and nobody is held up', async () => {
      let opened = 0;
      relay.script = (command) => {
        if (isHello(command)) return primary();
        if (isStream(command)) {
          opened++;
          return { reply: cursor(opened, 'firstBatch') };
        }
        return 'getMore' in command ? { reply: cursor(0, 'nextBatch') } : undefined;
      };
      const driver = await open({ pollingIntervalMs: 200 });
      const woken: string[] = [];
      const watch = driver.watch?.((queue) => woken.push(queue));
      watch?.add('q');
      await until(() => opened >= 3, { what: 'it is opened again', timeoutMs: 10_000 });
      expect(woken.length).toBeGreaterThanOrEqual(3);
      await watch?.close();
    });

    it('that is refused is a warning, and queues are looked at every pollingIntervalMs', async () => {
      relay.script = (command) => {
        if (isHello(command)) return primary();
        return isStream(command) ? { reply: { ok: 0, code: 13, errmsg: 'not authorized' } } : undefined;
      };
      const warnings: KombuError[] = [];
      const driver = await open({ pollingIntervalMs: 200 }, { warn: (error) => warnings.push(error) });
      const woken: string[] = [];
      const watch = driver.watch?.((queue) => woken.push(queue));
      watch?.add('q');
      const since = performance.now();
      await until(() => woken.length >= 12, { what: 'looks', timeoutMs: 10_000 });
      expect(performance.now() - since).toBeLessThan(5000);
      expect(warnings.map(({ code }) => code)).toEqual(['ERR_KOMBU_ACCESS_REFUSED']);
      await watch?.close();
    });
  });

  it('a reserve that brings less than it was asked for, of large messages, says that there is more', async () => {
    let release = (): void => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    relay.script = async (command) => {
      if (isHello(command)) return primary();
      if (isStream(command)) return { reply: cursor(1, 'firstBatch') };
      if (!('getMore' in command)) return undefined;
      await held;
      return 'cut';
    };
    const driver = await open();
    const large = 'x'.repeat(2_100_000);
    await put(driver, ...['a', 'b', 'c'].map((n) => entry('q', n + large)));
    const woken: string[] = [];
    const watch = driver.watch?.((queue) => woken.push(queue));
    watch?.add('q');
    await until(() => woken.length === 1, { what: 'the first look' });
    expect(await reserve(driver, ['q'])).toHaveLength(2);
    expect(woken).toEqual(['q', 'q']);
    expect(await reserve(driver, ['q'])).toHaveLength(1);
    expect(woken).toEqual(['q', 'q']);
    await watch?.close();
    release();
  }, 30_000);

  it('a requeue whose answer is lost with the link stores the message once', async () => {
    const driver = await open();
    await put(driver, entry('q', 'a'), entry('q', 'b'));
    const items = (await reserve(driver, ['q'])).map(({ queue, token }) => ({
      queue,
      token,
      outcome: 'requeue' as const,
    }));
    relay.script = (command) => ('insert' in command ? 'cut after' : undefined);
    const outcome = await Promise.resolve(driver.settle(items)).catch((error: KombuError) => error.code);
    expect(outcome).toBe('ERR_KOMBU_CONNECTION_LOST');
    relay.script = pass;
    const next = await open();
    expect(await next.settle(items)).toEqual([]);
    expect(await messages().countDocuments()).toBe(2);
    expect(bodies(await reserve(next, ['q']))).toEqual(['a', 'b']);
  });

  it('a reserve that fails in the middle gives back what it had taken', async () => {
    const other = await direct();
    const driver = await open();
    await put(driver, entry('q', 'a'), entry('q', 'b'));
    let claims = 0;
    relay.script = async (command) => {
      if (command.update === 'messages' && claims++ === 0) await reserve(other, ['q'], { max: 1 });
      if (command.find === 'messages' && command.filter.owner !== undefined) {
        return { reply: { ok: 0, code: 112, errmsg: 'WriteConflict' } };
      }
      return undefined;
    };
    await expect(reserve(driver, ['q'])).rejects.toMatchObject({ code: 'ERR_KOMBU_BROKER_BUSY' });
    relay.script = pass;
    await until(async () => (await driver.size('q')) === 1, { what: 'it is back', timeoutMs: 5000 });
    const [back] = await reserve(driver, ['q']);
    expect(back?.redelivered).toBe(false);
  });

  it('a reserve of several queues that fails in the middle hands over what it had taken', async () => {
    const driver = await open();
    for (const queue of ['a', 'b']) await put(driver, entry(queue, `of ${queue}`));
    const seen: string[] = [];
    relay.script = (command) => {
      const of = command.filter?.queue;
      if (!('find' in command) || of === undefined) return undefined;
      seen.push(of);
      return seen.length === 2 ? { reply: { ok: 0, code: 11600, errmsg: 'interrupted' } } : undefined;
    };
    const got = await reserve(driver, ['a', 'b']);
    expect(seen).toHaveLength(2);
    expect(bodies(got)).toEqual([`of ${seen[0]}`]);
    relay.script = pass;
    const rest = await reserve(await direct(), ['a', 'b']);
    expect(bodies(rest)).toEqual([`of ${seen[1]}`]);
  });

  it('a consumer that joined while another one was let go is not forgotten', async () => {
    const other = await direct();
    const driver = await open();
    const consumer = (name: string) => ({ queue: 'q', consumer: name, owner: name, exclusive: false });
    await other.presence?.join(consumer('a'), 60_000);
    let came = 0;
    relay.script = async (command) => {
      if (command.update === 'messages.declarations' && came++ === 0) {
        await other.presence?.leave('q', 'a');
        await other.presence?.join(consumer('b'), 60_000);
      }
      return undefined;
    };
    await driver.presence?.join(consumer('c'), 60_000);
    expect(came).toBeGreaterThan(0);
    const stored = await server.collection('messages.declarations').findOne({ kind: 'presence' });
    expect(stored?.consumers.map((one: Document) => one.consumer)).toEqual(['b', 'c']);
  });

  it('a queue that is declared again while somebody removes it as expired is there in the end, with its binding', async () => {
    const [driver, other] = [await open(), await direct()];
    const record = { name: 'm', durable: true, exclusive: false, autoDelete: false, arguments: { 'x-expires': 100 } };
    const binding = {
      exchange: 'x',
      destination: 'm',
      destinationType: 'queue',
      routingKey: 'k',
      arguments: {},
    } as const;
    await driver.topology?.saveQueue(record);
    await driver.topology?.bind(binding);
    await put(driver, entry('m', 'old'));
    let release = (): void => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    let state: 'removing' | undefined;
    relay.script = async (command) => {
      if (command.delete !== 'messages') return undefined;
      state = 'removing';
      await held;
      return undefined;
    };
    const { signal } = new AbortController();
    await until(
      () => {
        void driver.recover?.({ limit: 100, signal }).catch(() => {});
        return state === 'removing';
      },
      { what: 'its time is over', everyMs: 100 },
    );
    const longer = { ...record, arguments: { 'x-expires': 60_000 } };
    const declaring = other.topology?.saveQueue(longer).then(() => other.topology?.bind(binding));
    await Promise.race([declaring, new Promise((resolve) => setTimeout(resolve, 300))]);
    release();
    await declaring;
    await driver.recover?.({ limit: 100, signal });
    expect(await other.topology?.loadQueue('m')).toEqual(longer);
    expect(await server.collection('messages.routing').countDocuments({ queue: 'm' })).toBe(1);
    expect(await messages().countDocuments()).toBe(0);
  });

  it('messages have the server’s time in their ids, which is their place', async () => {
    const hour = 3_600_000;
    relay.script = (command) => {
      return isHello(command)
        ? { change: (reply) => ({ ...reply, localTime: new Date(Date.now() + hour) }) }
        : undefined;
    };
    await put(await open(), entry('q', 'a'));
    const [stored] = await messages().find().toArray();
    expect(Math.abs(Number(stored?._id.getTimestamp()) - Date.now() - hour)).toBeLessThan(10_000);
  });
}
