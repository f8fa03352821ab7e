import { readFileSync } from 'node:fs';
import { afterAll, afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Connection, Exchange, type Message, Queue } from '@kombu/core';
import { goldenEnvelope, goldenPayloads, goldenPublished } from '@kombu/interop';
import { mongodb } from '../src/index.js';
import { skipped, startServer, type TestServer } from './support/server.js';

type Row = Record<string, unknown>;

const started = await startServer();
// What Python Kombu 5.2.4 has stored, dates written as { $date }.
const golden = JSON.parse(readFileSync(new URL('./golden/mongodb-5.2.4.json', import.meta.url), 'utf8'));
const media = new Exchange('media', { type: 'direct' });
const news = new Exchange('news', { type: 'topic' });
const bcast = new Exchange('bcast', { type: 'fanout' });
const video = new Queue('video', { exchange: media, routingKey: 'video' });
const stock = new Queue('stock', { exchange: news, routingKey: '*.stock.#' });
const fan = new Queue('fan1', { exchange: bcast });
const toVideo = { exchange: media, routingKey: 'video' };

/** A document without what differs from message to message; its payload parsed. */
function normal({ payload, ...rest }: Row): unknown {
  return { ...rest, payload: goldenEnvelope(payload as string) };
}

/** What is stored, without what is ours: ids, and the fields that Python does not know. */
function pythons({ _id, expires_at, expire_at, redelivered, ...rest }: Row): Row {
  return rest;
}

if (typeof started === 'string') describe('golden files', () => skipped(started));
else suite(started);

function suite(server: TestServer): void {
  let connection: Connection;
  const stored = async (collection = 'messages') => (await server.collection(collection).find().toArray()) as Row[];

  beforeEach(async () => {
    await server.clear();
    connection = new Connection(server.url(), { transport: mongodb });
    for (const queue of [video, stock, fan]) await queue.bind(connection).declare();
  });
  afterEach(() => connection.close());
  afterAll(() => server.close());

  describe('what is stored is what Python Kombu 5.2.4 stores', () => {
    it('bindings, apart from the text of topic patterns, and indexes', async () => {
      const rows = (await stored('messages.routing')).map(pythons);
      const expected = golden.cases.after_declare['messages.routing'] as Row[];
      const blind = (all: readonly Row[]) => all.map((row) => ({ ...row, pattern: typeof row.pattern }));
      expect(blind(rows)).toEqual(blind(expected));
      for (const [name, wanted] of Object.entries(golden.cases.indexes)) {
        const there = (await server.collection(name).indexes()).map(({ key }) => Object.entries(key));
        expect(there).toEqual(expect.arrayContaining(wanted as unknown[]));
      }
    });

    it.each(goldenPublished.filter(([name]) => name in golden.cases))('%s', async (name, body, options) => {
      await connection.producer().publish(body, { ...toVideo, ...options });
      expect((await stored()).map((row) => normal(pythons(row)))).toEqual(golden.cases[name].map(normal));
    });

    it('messages of topic, anonymous and fanout exchanges', async () => {
      const producer = connection.producer();
      await producer.publish({ s: 1 }, { exchange: news, routingKey: 'usd.stock.db' });
      expect((await stored()).map((row) => normal(pythons(row)))).toEqual(golden.cases.topic.map(normal));
      await server.collection('messages').deleteMany({});
      await producer.publish({ a: 1 }, { routingKey: 'video' });
      expect((await stored()).map((row) => normal(pythons(row)))).toEqual(golden.cases.anon.map(normal));
      await producer.publish({ f: 1 }, { exchange: bcast });
      const fanned = (await stored('messages.broadcast')).filter(({ payload }) => payload !== undefined);
      expect(fanned.map((row) => normal(pythons(row)))).toEqual(golden.cases.fanout.map(normal));
    });

    it('what is requeued; what is reserved is where Python does not look', async () => {
      await connection.producer().publish({ a: 1 }, toVideo);
      const message = await video.bind(connection).get();
      const [held] = await stored();
      expect(held?.queue).toBeUndefined();
      expect(held).toMatchObject({ reserved: 'video', priority: 9 });
      expect(await server.collection('messages').countDocuments({ queue: 'video' })).toBe(0);
      await message?.requeue();
      await connection.defaultChannel.close();
      expect((await stored()).map((row) => normal(pythons(row)))).toEqual(golden.cases.requeued.map(normal));
    });

    it('with ttl: queues, bindings and messages carry the dates that Python writes', async () => {
      await server.clear();
      const dated = new Connection(server.url(), { transport: mongodb, transportOptions: { ttl: true } });
      const queueArguments = { 'x-message-ttl': 60_000, 'x-expires': 120_000 };
      const mortal = new Queue('video', { exchange: media, routingKey: 'video', queueArguments });
      for (const queue of [mortal, stock, fan]) await queue.bind(dated).declare();
      const kind = (row: Row) => ({ ...row, expire_at: row.expire_at === null ? null : 'date' });
      const expected = golden.ttl.after_declare;
      expect((await stored('messages.queues')).map(kind)).toEqual(expected['messages.queues'].map(kind));
      const bound = (await stored('messages.routing')).map(({ _id, pattern, ...row }) => kind(row));
      expect(bound).toEqual(expected['messages.routing'].map(({ pattern, ...row }: Row) => kind(row)));
      for (const [name, ms, options] of [
        ['ttl_queue', 60_000, {}],
        ['ttl_message', 5000, { expirationMs: 5000 }],
      ] as const) {
        await server.collection('messages').deleteMany({});
        await dated.producer().publish({ a: 1 }, { ...toVideo, ...options });
        const [row] = await stored();
        expect(normal(pythons(row as Row))).toEqual(normal(pythons(golden.ttl[name][0])));
        const left = Number(row?.expire_at) - Date.now();
        expect(left).toBeGreaterThan(ms - 3000);
        expect(left).toBeLessThanOrEqual(ms + 1000);
      }
      await dated.close();
    });
  });

  describe('what Python Kombu has stored is read', () => {
    const readable = [
      'json_obj',
      'text',
      'bytes',
      'yaml',
      'msgpack',
      'pickle',
      'raw_ct',
      'comp_zlib',
      'prio_9',
      'props',
    ];

    it.each(readable)('%s', async (name) => {
      await server.collection('messages').insertOne({ ...golden.cases[name][0] });
      const accept = ['json', 'yaml', 'msgpack', 'pickle', 'image/png'];
      const message = (await video.bind(connection).get({ accept })) as Message;
      expect(message.payload).toEqual(goldenPayloads[name] ?? { a: 1, b: [1, 2] });
      expect(message.deliveryInfo).toMatchObject({ exchange: 'media', routingKey: 'video', queue: 'video' });
      if (name === 'props') {
        expect(message.properties).toMatchObject({ replyTo: 'rq', correlationId: 'cid', deliveryMode: 1 });
      }
      await message.ack();
    });

    it('a message that Python has requeued is flagged', async () => {
      await server.collection('messages').insertOne({ ...golden.cases.requeued[0] });
      const message = await video.bind(connection).get();
      expect(message?.deliveryInfo.redelivered).toBe(true);
      await message?.ack();
    });

    it('with ttl: the arguments of a queue that only Python has declared', async () => {
      await server.collection('messages.queues').insertOne({
        ...golden.ttl.after_declare['messages.queues'][0],
        _id: 'theirs',
        expire_at: null,
      });
      const dated = new Connection(server.url(), { transport: mongodb, transportOptions: { ttl: true } });
      await dated.producer().publish({ a: 1 }, { routingKey: 'theirs' });
      const [row] = await stored();
      expect(row?.expire_at).toBeInstanceOf(Date);
      await dated.close();
    });
  });
}
