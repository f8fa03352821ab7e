import { afterAll, afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { until } from '@kombu/brokers';
import { Connection, Exchange, KombuError, Queue } from '@kombu/core';
import type { VirtualDriver } from '@kombu/core/virtual';
import { mongodb } from '../src/index.js';
import { bodies, entry, openDriver, put, reserve } from './support/driver.js';
import { skipped, startServer, type TestServer } from './support/server.js';

const started = await startServer();
const never = new AbortController().signal;

if (typeof started === 'string') describe('storing', () => skipped(started));
else suite(started);

function suite(server: TestServer): void {
  let driver: VirtualDriver;
  const messages = () => server.collection('messages');

  beforeEach(async () => {
    await server.clear();
    driver = await openDriver(server.url());
  });
  afterEach(() => driver.close());
  afterAll(() => server.close());

  describe('storing', () => {
    it('what is too large for a document is MESSAGE_TOO_LARGE before it is sent; the next one goes', async () => {
      const connection = new Connection(server.url(), { transport: mongodb });
      const producer = connection.producer({ serializer: 'raw' });
      const large = producer.publish(Buffer.alloc(13 * 1024 * 1024), { routingKey: 'q' });
      const error: unknown = await large.catch((thrown: unknown) => thrown);
      expect(KombuError.is(error, 'ERR_KOMBU_MESSAGE_TOO_LARGE')).toBe(true);
      expect((error as Error).message).toContain('mongodb');
      await producer.publish(Buffer.from('x'), { routingKey: 'q' });
      expect(await messages().countDocuments()).toBe(1);
      await connection.close();
    });

    it('what the server refuses is one failure; what stands behind it is stored', async () => {
      const [good, bad] = [entry('q', 'good'), entry('q', 'bad')];
      await put(driver, good);
      await messages().createIndex({ payload: 1 }, { unique: true, name: 'once' });
      const result = await put(driver, entry('q', 'first'), { ...bad, payload: good.payload }, entry('q', 'last'));
      await messages().dropIndex('once');
      expect(result.failures.map(({ index, error }) => [index, error.code])).toEqual([[1, 'ERR_KOMBU_BROKER_BUSY']]);
      expect(bodies(await reserve(driver, ['q']))).toEqual(['good', 'first', 'last']);
    });

    it('a fanout message that the capped collection cannot hold is MESSAGE_TOO_LARGE', async () => {
      const connection = new Connection(server.url(), { transport: mongodb });
      const exchange = new Exchange('loud', { type: 'fanout' });
      const sent = connection.producer().publish('x'.repeat(200_000), { exchange, declare: [exchange] });
      await expect(sent).rejects.toMatchObject({ code: 'ERR_KOMBU_MESSAGE_TOO_LARGE' });
      await connection.close();
    });

    it('expiring messages have the date that lets the server remove them, unless they are dead-lettered', async () => {
      const expiresAt = Date.now() + 5000;
      await put(
        driver,
        entry('q', 'plain', { expiresAt }),
        entry('q', 'kept', { expiresAt, deadLettersExpired: true }),
      );
      const [plain, kept] = await messages().find().toArray();
      expect(Number(plain?.expire_at)).toBeGreaterThan(Date.now());
      expect(kept?.expire_at).toBeUndefined();
      expect(kept?.expires_at).toEqual(plain?.expires_at);
      const reserved = await reserve(driver, ['q']);
      expect(await messages().countDocuments({ expire_at: { $exists: true } })).toBe(0);
      await driver.settle(reserved.map(({ queue, token }) => ({ queue, token, outcome: 'release' })));
      expect(await messages().countDocuments({ expire_at: { $exists: true } })).toBe(1);
    });

    it('what is dead-lettered when it expires is not for the server to remove', async () => {
      const connection = new Connection(server.url(), { transport: mongodb });
      const queueArguments = { 'x-dead-letter-exchange': '', 'x-dead-letter-routing-key': 'graves' };
      const mortal = new Queue('mortal', { messageTtlMs: 60_000, queueArguments });
      await connection.producer().publish('m', { routingKey: 'mortal', declare: [mortal] });
      const [stored] = await messages().find().toArray();
      expect(stored?.expires_at).toBeInstanceOf(Date);
      expect(stored?.expire_at).toBeUndefined();
      await connection.close();
    });

    it('what has expired is found, the rest is left', async () => {
      const now = Date.now();
      await put(driver, entry('q', 'old', { expiresAt: now - 1000 }), entry('q', 'new', { expiresAt: now + 60_000 }));
      const found = await driver.reserveExpired?.({ queue: 'q', max: 10, now, leaseMs: 1000, signal: never });
      expect(bodies(found ?? [])).toEqual(['old']);
      expect(await driver.size('q')).toBe(1);
    });

    it('limits push out the oldest of the lowest priority, to be dead-lettered or dropped', async () => {
      const limits = { maxLength: 2 };
      const first = await put(
        driver,
        entry('q', 'high', { priority: 9, limits }),
        entry('q', 'low-1', { limits }),
        entry('q', 'low-2', { limits }),
      );
      expect(bodies(first.evicted)).toEqual(['low-1']);
      const second = await put(driver, entry('q', 'low-3', { limits: { ...limits, discard: true } }));
      expect(second.evicted).toEqual([]);
      expect(bodies(await reserve(driver, ['q']))).toEqual(['high', 'low-3']);
      expect(await messages().countDocuments({ reserved: 'q' })).toBe(3);
    });

    it('limits of bytes count what others have stored', async () => {
      const body = Buffer.alloc(60).toString('base64');
      const payload = JSON.stringify({ body, headers: {}, properties: { body_encoding: 'base64' } });
      await messages().insertOne({ queue: 'q', priority: 9, payload });
      const limits = { maxLengthBytes: 100, discard: true };
      await put(driver, entry('q', 'x'.repeat(50), { limits }));
      expect(await driver.size('q')).toBe(1);
    });

    it('a queue of Python that was never declared here, and is empty, is there once it is bound', async () => {
      expect(await driver.hasQueue('theirs')).toBe(false);
      const row = { exchange: 'media', queue: 'theirs', routing_key: 'k', pattern: null };
      await server.collection('messages.routing').insertMany([row, { ...row }]);
      expect(await driver.hasQueue('theirs')).toBe(true);
      const table = await driver.topology?.loadExchange('media');
      expect(table?.bindings).toEqual([
        { exchange: 'media', destination: 'theirs', destinationType: 'queue', routingKey: 'k', arguments: {} },
      ]);
    });

    it('a put that was routed by an old table stores nothing, and tells what the table is now', async () => {
      const binding = {
        exchange: 'x',
        destination: 'q',
        destinationType: 'queue',
        routingKey: 'k',
        arguments: {},
      } as const;
      await driver.topology?.bind(binding);
      const before = await driver.topology?.loadExchange('x');
      const check = [{ exchange: 'x', version: before?.version }];
      expect(await driver.put({ entries: [entry('q', '1')], check })).toMatchObject({ failures: [] });
      await server
        .collection('messages.routing')
        .insertOne({ exchange: 'x', queue: 'r', routing_key: 'k', pattern: null });
      const result = await driver.put({ entries: [entry('q', '2')], check });
      expect(result.stored).toBe(false);
      expect(result.stale?.[0]?.bindings).toHaveLength(2);
      expect(await driver.size('q')).toBe(1);
    });

    it('an index that is there under another name will do', async () => {
      const db = server.client.db('named');
      await db.collection('messages').createIndex({ reserved: 1 }, { name: 'by hand', sparse: true });
      const named = await openDriver(server.url('named'));
      await put(named, entry('q', '1'));
      await named.close();
      const indexes = await db.collection('messages').indexes();
      expect(indexes.filter(({ key }) => key.reserved === 1).map(({ name }) => name)).toEqual(['by hand']);
      await db.dropDatabase();
    });

    it('a body of unknown size is measured without reading those of which it is known', async () => {
      const limits = { maxLengthBytes: 100, discard: true };
      await put(driver, entry('q', 'x'.repeat(60), { limits }));
      await messages().insertOne({
        queue: 'q',
        priority: 9,
        payload: JSON.stringify({ body: 'y'.repeat(60), properties: {} }),
      });
      await put(driver, entry('q', 'z'.repeat(30), { limits }));
      expect(await driver.size('q')).toBe(2);
    });

    it('calcQueueSize: false counts nothing', async () => {
      const blind = await openDriver(server.url(), { calcQueueSize: false });
      await put(blind, entry('q', '1'));
      expect(await blind.size('q')).toBe(0);
      await blind.close();
    });

    it('a queue whose time is over goes with its bindings and messages', async () => {
      const connection = new Connection(server.url(), { transport: mongodb });
      const exchange = new Exchange('x', { type: 'direct' });
      await new Queue('mortal', { exchange, routingKey: 'k', expiresMs: 200 }).bind(connection).declare();
      await connection.producer().publish('m', { exchange, routingKey: 'k' });
      await until(async () => (await driver.topology?.loadQueue('mortal')) === undefined, { what: 'its end' });
      expect(await messages().countDocuments()).toBe(0);
      expect(await server.collection('messages.routing').countDocuments()).toBe(0);
      await connection.close();
    });

    it('a queue without such a time never gets one, though somebody marks it as used who knew another', async () => {
      const connection = new Connection(server.url(), { transport: mongodb });
      const exchange = new Exchange('y', { type: 'direct' });
      await driver.presence?.touch?.('lasting', 50);
      await new Queue('lasting', { exchange, routingKey: 'k' }).bind(connection).declare();
      await driver.presence?.touch?.('lasting', 50);
      const { collection } = server;
      const [declared] = await collection('messages.declarations').find({ queue: 'lasting', kind: 'queue' }).toArray();
      expect(declared?.record).toContain('lasting');
      expect(declared?.expires_at ?? null).toBeNull();
      for (const { expire_at } of await collection('messages.routing').find({ queue: 'lasting' }).toArray()) {
        expect(expire_at ?? null).toBeNull();
      }
      await connection.close();
    });
  });
}
