import { afterAll, afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { until } from '@kombu/brokers';
import { Connection, Exchange, Queue, silentLogger, systemClock, type TransportContext, uuid } from '@kombu/core';
import { QueueDrops } from '@kombu/core/virtual';
import { collectionsOf, prepare } from '../src/collections.js';
import { type Connected, connect } from '../src/connect.js';
import type { ResolvedOptions } from '../src/driver-context.js';
import { mongodb } from '../src/index.js';
import { mongodbOptionSpecs } from '../src/options.js';
import { createSignals } from '../src/signals.js';
import { Tail } from '../src/tail.js';
import { entry, openDriver, targetOf } from './support/driver.js';
import { skipped, startServer, type TestServer } from './support/server.js';

const started = await startServer();
const context: TransportContext = {
  signal: new AbortController().signal,
  logger: silentLogger,
  clock: systemClock,
  connectionId: uuid(),
  warn: () => {},
  blocked: () => {},
  unblocked: () => {},
};

if (typeof started === 'string') describe('notices', () => skipped(started));
else suite(started);

function suite(server: TestServer): void {
  const defaults = Object.entries(mongodbOptionSpecs).map(([name, spec]) => [name, spec?.default]);
  const options = Object.fromEntries(defaults) as ResolvedOptions;
  let links: Connected[];

  const openLink = async (): Promise<Connected> => {
    const connected = await connect({ ...targetOf(server.url()), options, all: [] }, context);
    links.push(connected);
    return connected;
  };

  beforeEach(async () => {
    links = [];
    await server.clear();
  });
  afterEach(() => {
    for (const { link } of links) link.destroy();
  });
  afterAll(() => server.close());

  describe('signals between links, where there are no change streams', () => {
    it('wake the consumers of others, and tell of queues that are deleted', async () => {
      const heard: string[] = [];
      const notices = [];
      for (const name of ['one', 'two']) {
        const { link, db } = await openLink();
        const collections = collectionsOf(db, options);
        await prepare(link, collections, options, true);
        const drops = new QueueDrops();
        drops.listen((queue) => heard.push(`${name}: ${queue} is gone`));
        const one = createSignals(link, collections, drops, 60_000);
        one.watch((queue) => heard.push(`${name}: ${queue}`)).add(name === 'one' ? 'a' : 'b');
        notices.push(one);
      }
      await until(() => heard.filter((text) => text === 'one: a').length >= 2, { what: 'both have begun' });
      await until(() => heard.filter((text) => text === 'two: b').length >= 2, { what: 'both have begun' });
      heard.length = 0;
      for (const queue of ['b', 'c', 'b']) notices[0]?.wake(queue);
      await until(() => heard.includes('two: b'), { what: 'the other one is woken' });
      expect(heard.filter((text) => text.startsWith('one'))).toEqual([]);
      notices[1]?.dropped('a');
      await until(() => heard.includes('one: a is gone'), { what: 'hearing of the end' });
      for (const one of notices) one.close();
    });
  });

  describe('following a capped collection', () => {
    const capped = async (name: string, size: number) => {
      await server.db.dropCollection(name).catch(() => {});
      return server.db.createCollection<{ _id: string; n: number }>(name, { capped: true, size });
    };

    it('begins at the newest document, also of an empty collection, whatever ids the documents have', async () => {
      const { link } = await openLink();
      for (const before of [0, 3]) {
        const collection = await capped(`tail-${before}`, 100_000);
        for (let n = 0; n < before; n++) await collection.insertOne({ _id: `m-${n}`, n: -1 });
        const seen: number[] = [];
        const tail = new Tail<{ _id: string; n: number }>(
          link,
          collection as never,
          { document: ({ n }) => seen.push(n) },
          100,
        );
        await tail.start();
        // Ids that do not grow: those of several writers do not either.
        for (const [n, id] of ['z', 'a', 'y', 'b'].entries()) await collection.insertOne({ _id: id, n });
        await until(() => seen.length >= 4, { what: 'all four' });
        await collection.insertOne({ _id: 'c', n: 4 });
        await until(() => seen.length >= 5, { what: 'the last one' });
        expect(seen).toEqual([0, 1, 2, 3, 4]);
        tail.stop();
      }
    });

    it('goes on with what is left when the last document that it saw was overwritten', async () => {
      const { link } = await openLink();
      const collection = await capped('tail-lost', 100_000);
      await collection.insertOne({ _id: 'first', n: 0 });
      const seen: number[] = [];
      const tail = new Tail<{ _id: string; n: number }>(
        link,
        collection as never,
        { document: ({ n }) => seen.push(n) },
        100,
      );
      await tail.start();
      await collection.insertOne({ _id: 'second', n: 1 });
      await until(() => seen.length === 1, { what: 'the second' });
      const again = await capped('tail-lost', 100_000);
      await again.insertMany([
        { _id: 'x', n: 7 },
        { _id: 'y', n: 8 },
      ]);
      await until(() => seen.includes(8), { what: 'what is left' });
      expect(seen).toEqual([1, 7, 8]);
      tail.stop();
    });
  });

  describe('fanout', () => {
    it('reaches subscribers of one exchange whatever is published to others, from the first message on', async () => {
      const [here, there] = [1, 2].map(() => new Connection(server.url(), { transport: mongodb }));
      if (here === undefined || there === undefined) throw new Error('two connections');
      const loud = new Exchange('loud', { type: 'fanout' });
      const quiet = new Exchange('quiet', { type: 'fanout' });
      const producer = there.producer();
      for (let n = 0; n < 20; n++) await producer.publish({ n }, { exchange: loud, declare: [loud] });
      const got: unknown[] = [];
      const consumer = here.consumer({
        queues: [new Queue('listener', { exchange: quiet })],
        onMessage: async (message) => {
          got.push(message.payload);
          await message.ack();
        },
      });
      await consumer.consume();
      await producer.publish('quiet 1', { exchange: quiet });
      await producer.publish('loud', { exchange: loud });
      await producer.publish('quiet 2', { exchange: quiet });
      await until(() => got.length >= 2, { what: 'both' });
      expect(got).toEqual(['quiet 1', 'quiet 2']);
      await here.close();
      await there.close();
    });

    it('a subscription that is made while another one ends is heard, and nothing is put where Python counts', async () => {
      await server.db.dropCollection('messages.broadcast').catch(() => {});
      const driver = await openDriver(server.url(), { pollingIntervalMs: 50 });
      const { broadcast } = driver;
      if (broadcast === undefined) throw new Error('no fanout');
      const [first, second]: [string[], string[]] = [[], []];
      const one = await broadcast.subscribe({ exchange: 'x', routingKey: '', queue: 'a' }, (p) => first.push(p));
      const joining = broadcast.subscribe({ exchange: 'x', routingKey: '', queue: 'b' }, (p) => second.push(p));
      await one.close();
      const two = await joining;
      expect(await server.collection('messages.broadcast').countDocuments()).toBe(0);
      const message = entry('', '').message;
      await broadcast.publish([{ exchange: 'x', routingKey: '', payload: '1', message }]);
      await until(() => second.length === 1, { what: 'the message', timeoutMs: 5000 });
      expect(first).toEqual([]);
      await two.close();
      await driver.close();
    });

    it('of several that are published together, those that fit go', async () => {
      const driver = await openDriver(server.url());
      const message = entry('', '').message;
      const payloads = ['1', 'x'.repeat(200_000), '3'];
      const failures = await driver.broadcast?.publish(
        payloads.map((payload) => ({ exchange: 'x', routingKey: '', payload, message })),
      );
      expect(failures).toMatchObject([{ index: 1, error: { code: 'ERR_KOMBU_MESSAGE_TOO_LARGE' } }]);
      const stored = await server.collection('messages.broadcast').find({ queue: 'x' }).toArray();
      expect(stored.slice(-2).map(({ payload }) => payload)).toEqual(['1', '3']);
      await driver.close();
    });
  });
}
